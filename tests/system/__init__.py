"""Tests of whole programs, beside the kernel, peers, shells and other programs."""
