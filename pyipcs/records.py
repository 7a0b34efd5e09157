"""The kernel's records, under the kernel's field names.

Times are seconds since the epoch (0: never), sizes are bytes, pids are those of the reader's
PID namespace (0: none, or of another namespace). Keys are signed 32 bits, as key_t is.
"""
