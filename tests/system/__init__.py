"""Tests of whole programs: beside peers, shells and other programs."""
