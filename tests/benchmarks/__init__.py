"""Timings against the peers: printed, never asserted."""
