"""Reading and writing a descriptor that others share, without waiting.

poll(2) tells what is there for anybody. Where several read or write one pipe or terminal, another
may be faster, and a call that then waits is one that signals do not end (PEP 475). O_NONBLOCK is
no way out: it belongs to the open file (open(2)), and would surprise whoever shares that.
"""

import errno
import os
import select
import stat
from collections.abc import Callable
from contextlib import suppress

# What preadv2(2) and pwritev2(2) say where a kind of file, or the kernel, has no RWF_NOWAIT.
_UNKNOWN = {errno.EOPNOTSUPP, errno.ENOSYS, errno.ESPIPE, errno.EINVAL}


def ready(descriptor: int, event: int, seconds: float | None = None) -> bool:
    """Wait until a descriptor is ready; whether it is in time.

    It is poll(2), for select(2) takes no descriptor over 1023.

    Args:
        descriptor: what to wait for; that it is broken, or its other end gone, is ready, too.
        event: POLLIN or POLLOUT.
        seconds: the time; None is for ever.
    """
    poll = select.poll()
    poll.register(descriptor, event)
    return bool(poll.poll(None if seconds is None else seconds * 1000))


class NonBlockingFile:
    """A descriptor whose reads and writes raise BlockingIOError where they would wait.

    A FIFO or a terminal is opened once more, with O_NONBLOCK; pipes and sockets have RWF_NOWAIT.
    Where neither can be had, a call may wait if another process was faster after all.

    Attributes:
        descriptor: what was handed down, for poll(2).
        is_file: whether it is a regular file, which never makes anybody wait.
        is_pipe: whether it is a pipe or FIFO.
    """

    def __init__(self, descriptor: int, access: int) -> None:
        """What to read or to write.

        Args:
            descriptor: where it is open.
            access: O_RDONLY or O_WRONLY.
        """
        mode = os.fstat(descriptor).st_mode
        self.descriptor = descriptor
        self.is_file = stat.S_ISREG(mode)
        self.is_pipe = stat.S_ISFIFO(mode)
        reopens = self.is_pipe or stat.S_ISCHR(mode)
        self._again = _opened_again(descriptor, access) if reopens else None
        self._flagged = self.is_pipe or stat.S_ISSOCK(mode)

    @property
    def polls_first(self) -> bool:
        """Whether poll(2) has to say that a call will not wait."""
        return self._again is None and not self._flagged and not self.is_file

    def close(self) -> None:
        """Leave the descriptor as it was."""
        if self._again is not None:
            os.close(self._again)

    def read(self, size: int) -> bytes:
        """At most so many bytes (read(2)); none is the end."""
        if self._again is not None:
            return os.read(self._again, size)
        buffer = bytearray(size)
        taken = self._at_once(os.preadv, buffer)
        return os.read(self.descriptor, size) if taken is None else bytes(buffer[:taken])

    def write(self, data: bytes | memoryview) -> int:
        """Write what goes (write(2)); how many bytes that was."""
        if self._again is not None:
            return os.write(self._again, data)
        written = self._at_once(os.pwritev, data)
        if written is not None:
            return written
        # So much goes without waiting where poll(2) has said that something does.
        return os.write(self.descriptor, data if self.is_file else data[: select.PIPE_BUF])

    def _at_once(
        self, call: Callable[..., int], buffer: bytes | bytearray | memoryview
    ) -> int | None:
        """Make a call that does not wait; None where that is not known."""
        if not self._flagged:
            return None
        try:
            return call(self.descriptor, [buffer], -1, os.RWF_NOWAIT)
        except OSError as error:
            if error.errno not in _UNKNOWN:
                raise
            self._flagged = False
            return None


def _opened_again(descriptor: int, access: int) -> int | None:
    flags = access | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    with suppress(OSError):
        return os.open(f"/proc/self/fd/{descriptor}", flags)
    return None
