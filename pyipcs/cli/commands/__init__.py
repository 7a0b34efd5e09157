"""The commands, one file for each, and nothing else."""
