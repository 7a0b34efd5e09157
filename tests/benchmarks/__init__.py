"""Timings against the peers, which are printed and never asserted."""
