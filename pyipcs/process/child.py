"""Calls of functions in a child process, for what a process cannot undo."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress

from pyipcs.errors import IpcError

_END = b"."


def bytes_from_child(produce: Callable[[], bytes]) -> bytes:
    """Call a function in a child process; return its result.

    Args:
        produce: the function; it returns bytes. The child prints no exception.

    Raises:
        IpcError: ECHILD, the function raised an exception, or the child was killed.
        OSError: EAGAIN or ENOMEM, there is no room for a child; EMFILE, no free descriptor.
    """
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        child = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        raise
    if child == 0:
        try:
            os.close(reading)  # or a write would wait forever after the parent has exited
            with open(writing, "wb") as file:
                file.write(produce() + _END)
        finally:
            os._exit(0)
    os.close(writing)
    try:
        with open(reading, "rb") as file:
            result = file.read()
    finally:
        with suppress(ChildProcessError):  # if SIGCHLD is ignored, the kernel has reaped the child
            os.waitpid(child, 0)
    if not result.endswith(_END):
        raise IpcError(errno.ECHILD, "the helper process exited unexpectedly")
    return result.removesuffix(_END)
