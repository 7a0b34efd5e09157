"""The kernel's side: System V IPC as a library, with no command line and no printing."""
