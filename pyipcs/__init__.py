"""System V and POSIX IPC from the shell; a library in `pyipcs.sysv`."""

__version__ = "1.0.0"
