"""Tests of pyipcs.terminal."""
