"""Tests of pyipcs.usage."""
