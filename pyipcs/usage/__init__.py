"""Who uses an object, and whether it was leaked, for every family of IPC."""
