"""System V IPC within a shell's reach."""

__version__ = "0.1.0"
