"""Tests of pyipcs.process."""
