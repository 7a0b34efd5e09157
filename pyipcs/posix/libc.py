"""The C library by ctypes: the calls for POSIX objects that Python lacks."""
