"""Use of objects by processes, and leaks, for every family of IPC."""
