"""Terminals and the streams of the program."""
