"""Reads and writes that never wait, on shared descriptors.

poll(2) reports data to every process that polls. If several processes read or write one pipe or
terminal, a faster process may take the data. The call then waits, and signals do not interrupt it
(PEP 475). O_NONBLOCK is no solution: it belongs to the open file (open(2)), and would affect the
other processes as well.
"""

import errno
import os
import select
import stat
import time
from collections.abc import Callable
from contextlib import suppress

from pyipcs.process.signals import FINAL_MESSAGE_TIMEOUT, FINAL_OUTPUT_TIMEOUT

# The errors of preadv2(2) and pwritev2(2) if the file or the kernel does not support RWF_NOWAIT.
_UNSUPPORTED = {errno.EOPNOTSUPP, errno.ENOSYS, errno.ESPIPE, errno.EINVAL}


def ready(descriptor: int, event: int, seconds: float | None = None) -> bool:
    """Wait for a descriptor; return False if the timeout expires first.

    This calls poll(2), because select(2) accepts no descriptor above 1023.

    Args:
        descriptor: the descriptor; an error or a closed other end counts as ready.
        event: POLLIN or POLLOUT.
        seconds: the timeout; None is no limit.
    """
    poll = select.poll()
    poll.register(descriptor, event)
    return bool(poll.poll(None if seconds is None else seconds * 1000))


class FinalWait:
    """Waits until a stream accepts the last output of a program, after a signal.

    A slow stream has time for each part of the output. If the stream accepts nothing, because
    nobody reads it, the wait ends after one second.
    """

    def __init__(self, descriptor: int) -> None:
        """Set the time limit for all waits."""
        self._descriptor = descriptor
        self._end = time.monotonic() + FINAL_OUTPUT_TIMEOUT

    def is_writable(self) -> bool:
        """Wait until the stream accepts bytes; return False if the time is over."""
        rest = self._end - time.monotonic()
        return ready(self._descriptor, select.POLLOUT, max(0, min(rest, FINAL_MESSAGE_TIMEOUT)))


class NonBlockingFile:
    """A descriptor that raises BlockingIOError instead of waiting.

    Pipes and terminals are opened again with O_NONBLOCK. Sockets, and pipes that cannot be opened
    again, use RWF_NOWAIT. Other calls may still wait when another process was faster.

    Attributes:
        descriptor: the given descriptor, for poll(2).
        is_file: True for a regular file, which never waits.
        is_pipe: True for a pipe or FIFO.
    """

    def __init__(self, descriptor: int, access: int) -> None:
        """Prepare a descriptor for reading or for writing.

        Args:
            descriptor: an open descriptor.
            access: O_RDONLY or O_WRONLY.
        """
        mode = os.fstat(descriptor).st_mode
        self.descriptor = descriptor
        self.is_file = stat.S_ISREG(mode)
        self.is_pipe = stat.S_ISFIFO(mode)
        can_reopen = self.is_pipe or stat.S_ISCHR(mode)
        self._reopened = _reopen(descriptor, access) if can_reopen else None
        self._has_nowait = self.is_pipe or stat.S_ISSOCK(mode)

    @property
    def polls_first(self) -> bool:
        """True if only poll(2) shows that a call will not wait."""
        return self._reopened is None and not self._has_nowait and not self.is_file

    def close(self) -> None:
        """Close the reopened file; the given descriptor stays open."""
        if self._reopened is not None:
            os.close(self._reopened)

    def read(self, size: int) -> bytes:
        """Read at most `size` bytes (read(2)); return none at the end."""
        if self._reopened is not None:
            return os.read(self._reopened, size)
        buffer = bytearray(size)
        count = self._call_nowait(os.preadv, buffer)
        return os.read(self.descriptor, size) if count is None else bytes(buffer[:count])

    def write(self, data: bytes | memoryview) -> int:
        """Write as many bytes as possible (write(2)); return their number."""
        if self._reopened is not None:
            return os.write(self._reopened, data)
        count = self._call_nowait(os.pwritev, data)
        if count is not None:
            return count
        # After POLLOUT of poll(2), a pipe accepts PIPE_BUF bytes without waiting.
        return os.write(self.descriptor, data if self.is_file else data[: select.PIPE_BUF])

    def _call_nowait(
        self, call: Callable[..., int], buffer: bytes | bytearray | memoryview
    ) -> int | None:
        """Make a call with RWF_NOWAIT; return None if it is unsupported."""
        if not self._has_nowait:
            return None
        try:
            return call(self.descriptor, [buffer], -1, os.RWF_NOWAIT)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            self._has_nowait = False
            return None


def _reopen(descriptor: int, access: int) -> int | None:
    flags = access | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    with suppress(OSError):
        return os.open(f"/proc/self/fd/{descriptor}", flags)
    return None
