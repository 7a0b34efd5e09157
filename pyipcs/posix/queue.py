"""POSIX message queues."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self, cast

from pyipcs.errors import DeniedError, ipc_error
from pyipcs.model import Kind, PosixQueue, PosixRecord
from pyipcs.posix import mqueue
from pyipcs.posix.handle import (
    PosixHandle,
    change_mode,
    change_owner,
    check_identity,
    kernel_errors,
    path_of,
)
from pyipcs.posix.limits import queue_sizes

_DETAILS = ("qnum", "cbytes", "maxmsg", "msgsize", "notify_pid")


class PosixMessageQueue(PosixHandle):
    """A POSIX message queue by its name.

    The mqueue file system need not be mounted. Nothing is sent or received.
    """

    kind = Kind.POSIX_QUEUE

    @classmethod
    def create(
        cls, name: str, mode: int, maxmsg: int | None = None, msgsize: int | None = None
    ) -> Self:
        """Create a queue (mq_open(3) with O_EXCL).

        Args:
            name: the name with its slash.
            mode: the permissions, which the umask reduces.
            maxmsg: the limit of messages; None for the kernel's default.
            msgsize: the limit of bytes of a message; None for the kernel's default.

        Raises:
            ExistsError, LimitError, DeniedError, IpcError: see `libc.mq_open`.
        """
        from pyipcs.posix import libc

        is_default = maxmsg is None and msgsize is None
        sizes = None if is_default else queue_sizes(maxmsg, msgsize)
        flags = os.O_RDWR | os.O_NONBLOCK | os.O_CREAT | os.O_EXCL
        queue = cls(name)
        descriptor = libc.mq_open(name, flags, mode, sizes)
        queue._hold(descriptor)
        queue._read(os.fstat(descriptor))  # another queue may have the name already
        return queue

    @property
    def record(self) -> PosixQueue:
        """The last record that this handle has read; the first access reads it."""
        return cast(PosixQueue, super().record)

    def stat(self) -> PosixQueue:
        """Read the queue's record with the basic fields; this changes no time.

        Where the queues cannot be listed, it needs the permission to read or to write.

        Raises:
            NotFoundError: there is no such queue, or it was replaced.
            DeniedError: the queues cannot be listed, and the caller may not open this one; or no
                queue can have the name, as "/.".
            IpcError: EINVAL or ENAMETOOLONG, no queue can have the name.
        """
        return self._read(self._status())

    def details(self, record: PosixRecord | None = None) -> PosixQueue:
        """Return the queue's record with all fields; unreadable ones are None.

        Reading a queue with messages sets its atime and ctime; the record has those of before.

        Args:
            record: the record to complete; None to read it.

        Raises:
            NotFoundError: there is no such queue, or it was replaced.
            DeniedError, IpcError: see `stat`.
        """
        found = self.stat() if record is None else cast(PosixQueue, record)
        try:
            descriptor = mqueue.open_queue(self.id)
        except DeniedError:
            return found
        with _closing(descriptor):
            check_identity((found.device, found.inode), os.fstat(descriptor))
            values: Any = mqueue.details(descriptor, _DETAILS)
        return found._replace(**values)

    def _change_file(
        self, file: int | str, uid: int | None, gid: int | None, mode: int | None
    ) -> None:
        """Change the owner, and then the mode.

        The kernel refuses a new owner to the queue's owner, but never a new mode.
        """
        change_owner(file, uid, gid)
        change_mode(file, mode)

    def remove(self) -> None:
        """Remove the name; the queue exists until the last process closes it.

        Raises:
            NotFoundError: there is no such queue, or it was replaced.
            DeniedError: the caller does not own the queue.
        """
        from pyipcs.posix import libc

        if self._held is not None:  # the file system has no rename(2): a link is that of the name
            if not os.fstat(self._held).st_nlink:
                raise ipc_error(errno.ENOENT)
        elif self._identity:
            self._check_same(self._status())
        libc.mq_unlink(self.id)
        self._record = self._identity = None

    def _read(self, status: os.stat_result) -> PosixQueue:
        """Set and return the record of a queue's file."""
        self._check_same(status)
        record = mqueue.record(self.id, status)
        self._record, self._identity = record, (status.st_dev, status.st_ino)
        return record

    @contextmanager
    def _opened(self) -> Iterator[int | str]:
        if self._held is not None:
            yield self._held
            return
        descriptor, file = self._open()
        with _closing(descriptor):
            self._check_same(os.fstat(descriptor))
            yield file

    def _open(self) -> tuple[int, int | str]:
        try:
            descriptor = mqueue.open_queue(self.id)
        except DeniedError:
            directory = self._directory()
            if directory is None:
                raise
        else:
            return descriptor, descriptor
        flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
        with kernel_errors():
            descriptor = os.open(self.id[1:], flags, dir_fd=directory)
        return descriptor, path_of(descriptor)

    def _status(self) -> os.stat_result:
        directory = self._directory()
        if directory is not None:
            with kernel_errors():
                return os.stat(self.id[1:], dir_fd=directory, follow_symlinks=False)
        descriptor = mqueue.open_queue(self.id)
        with _closing(descriptor):
            return os.fstat(descriptor)

    def _directory(self) -> int | None:
        """Return the directory of the queues; None if it is not visible.

        Return None, too, if no file can have the name.
        """
        before, _, entry = self.id.partition("/")
        is_entry = not before and entry not in {"", ".", ".."} and "/" not in entry
        return mqueue.known_directory() if is_entry else None


@contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)
