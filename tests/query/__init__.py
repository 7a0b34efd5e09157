"""Tests of pyipcs.query."""
