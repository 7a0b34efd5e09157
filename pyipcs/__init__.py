"""System V and POSIX IPC from the shell; `pyipcs.sysv` is the library behind it."""

__version__ = "0.1.0"
