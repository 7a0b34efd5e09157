"""POSIX message queues."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self, cast

from pyipcs.errors import DeniedError, IpcError, ipc_error
from pyipcs.model import Kind, PosixQueue, PosixRecord
from pyipcs.posix import mqueue
from pyipcs.posix.handle import PosixHandle
from pyipcs.posix.limits import default_sizes

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
            mode: the permissions, which the umask cuts.
            maxmsg: the limit of messages; None for the kernel's default.
            msgsize: the limit of bytes of a message; None for the kernel's default.

        Raises:
            ExistsError, LimitError, DeniedError, IpcError: see `libc.mq_open`.
        """
        from pyipcs.posix import libc

        sizes = None
        if not (maxmsg is None and msgsize is None):
            defaults = default_sizes()
            sizes = (
                defaults[0] if maxmsg is None else maxmsg,
                defaults[1] if msgsize is None else msgsize,
            )
        flags = os.O_RDWR | os.O_NONBLOCK | os.O_CREAT | os.O_EXCL
        os.close(libc.mq_open(name, flags, mode, sizes))
        return cls(name)

    @classmethod
    def find(cls, name: str) -> Self:
        """Return the queue with a name.

        Where the queues cannot be listed, this requires the permission to read or to write.

        Raises:
            NotFoundError: no queue has the name.
            DeniedError: the queues cannot be listed, and the caller may not open this one; or no
                queue can have the name, as "/.".
            IpcError: EINVAL or ENAMETOOLONG, no queue can have the name.
        """
        queue = cls(name)
        queue.stat()
        return queue

    @property
    def record(self) -> PosixQueue:
        """The last record that this handle has read; the first access reads it."""
        return cast(PosixQueue, super().record)

    def stat(self) -> PosixQueue:
        """Read the queue's record with the basic fields; this changes no time.

        Raises:
            NotFoundError, DeniedError, IpcError: see `find`.
        """
        with _translated():
            record = mqueue.record(self.id, self._status())
        self._record = record
        return record

    def details(self, record: PosixRecord | None = None) -> PosixQueue:
        """Return the queue's record with all fields, None for those that the caller may not read.

        A queue with messages is read, which sets its atime and ctime after they were recorded.

        Args:
            record: the record to complete; None to read it.

        Raises:
            NotFoundError: there is no such queue, or another one has its name since.
            DeniedError, IpcError: see `find`.
        """
        found = self.stat() if record is None else cast(PosixQueue, record)
        try:
            descriptor = mqueue.open_queue(self.id)
        except DeniedError:
            return found
        with _closing(descriptor):
            if os.fstat(descriptor).st_ino != found.inode:
                raise ipc_error(errno.ENOENT)
            values: Any = mqueue.details(descriptor, _DETAILS)
        return found._replace(**values)

    def change(
        self,
        *,
        uid: int | None = None,
        gid: int | None = None,
        mode: int | None = None,
        size: int | None = None,
    ) -> None:
        """Change the owner, the group and the permissions.

        Raises:
            NotFoundError: there is no such queue.
            DeniedError: the caller does not own the queue, or may not give it to this owner; or it
                may neither open nor list the queue.
            IpcError: EINVAL, the user namespace has no such user or group, or a size is given,
                which queues do not have.
        """
        if size is not None:
            raise ipc_error(errno.EINVAL)
        owner = (-1 if uid is None else uid, -1 if gid is None else gid)
        try:
            descriptor = mqueue.open_queue(self.id)
        except DeniedError:
            self._change_by_name(owner, mode)
        else:
            with _closing(descriptor), _translated():
                # The owner first: only that call can be refused to the owner of the queue.
                if owner != (-1, -1):
                    os.fchown(descriptor, *owner)
                if mode is not None:
                    os.fchmod(descriptor, mode)
        self._record = None

    def remove(self) -> None:
        """Remove the name; the kernel frees the queue when the last process closes it.

        Raises:
            NotFoundError: there is no such queue.
            DeniedError: the caller does not own the queue.
        """
        from pyipcs.posix import libc

        libc.mq_unlink(self.id)

    def _change_by_name(self, owner: tuple[int, int], mode: int | None) -> None:
        """Change a queue that the caller may not open, in the folder of the queues."""
        folder = self._folder()
        if folder is None:
            raise ipc_error(errno.EACCES)
        entry = self.id[1:]
        with _translated():
            if owner != (-1, -1):
                os.chown(entry, *owner, dir_fd=folder, follow_symlinks=False)
            if mode is not None:
                os.chmod(entry, mode, dir_fd=folder)

    def _status(self) -> os.stat_result:
        folder = self._folder()
        if folder is not None:
            return os.stat(self.id[1:], dir_fd=folder, follow_symlinks=False)
        descriptor = mqueue.open_queue(self.id)
        with _closing(descriptor):
            return os.fstat(descriptor)

    def _folder(self) -> int | None:
        """Return the folder of the queues; None if it cannot be seen or cannot have the name."""
        before, _, entry = self.id.partition("/")
        is_entry = not before and entry not in {"", ".", ".."} and "/" not in entry
        return mqueue.known_directory() if is_entry else None


@contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _translated() -> Iterator[None]:
    """Raise IpcError for an OSError of a file."""
    try:
        yield
    except IpcError:
        raise
    except OSError as error:
        raise ipc_error(error.errno or errno.EIO) from None
