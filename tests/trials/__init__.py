"""Trials that take minutes, each run by `python -m`."""
