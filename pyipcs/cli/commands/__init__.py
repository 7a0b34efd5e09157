"""The commands, a file each, and nothing else."""
