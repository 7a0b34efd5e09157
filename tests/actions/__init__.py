"""Tests of pyipcs.actions."""
