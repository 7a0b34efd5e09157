"""Tests of README, help, manual and completions."""
