"""Plain Unix: waits, signals, accounts and programs; nothing of IPC."""
