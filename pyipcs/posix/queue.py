"""POSIX message queues."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any, Self, cast

from pyipcs.errors import (
    BusyError,
    DeniedError,
    InterruptError,
    IpcError,
    NotFoundError,
    ipc_error,
)
from pyipcs.model import MESSAGE_PRIORITY, Kind, Message, PosixQueue, PosixRecord, Wanted
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
from pyipcs.posix.places import identity

# Seconds between two checks whether a queue still has its name: mq_unlink(3) ends no call.
_REMOVAL_INTERVAL = 0.5
_DETAILS = ("qnum", "cbytes", "maxmsg", "msgsize", "notify_pid")


class PosixMessageQueue(PosixHandle):
    """A POSIX message queue by its name.

    The mqueue file system need not be mounted.

    Attributes:
        message_field: the number that each message has.
        can_choose: False: the kernel returns the oldest message of the highest priority.
    """

    kind = Kind.POSIX_QUEUE
    message_field = MESSAGE_PRIORITY
    can_choose = False

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._descriptors: dict[int, int] = {}  # by access

    def _take_descriptors(self) -> list[int]:
        taken = [*super()._take_descriptors(), *self._descriptors.values()]
        self._descriptors.clear()
        return taken

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
        try:
            queue._read(os.fstat(descriptor))  # another queue may have the name already
        except BaseException:  # there may be too little memory, too
            with suppress(OSError):
                queue.remove()
            raise
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

    def message_limits(self) -> dict[str, int | None]:
        """Return the limits of a message's size in bytes, by their names.

        The msgsize is None if the caller may not write to the queue, or a sandbox hides it.
        """
        from pyipcs.posix import libc

        try:
            return {"msgsize": libc.mq_getattr(self._open_for(os.O_WRONLY)).msgsize}
        except IpcError:
            return {"msgsize": None}

    def sender(self) -> Callable[[int, bytes, bool], None]:
        """Return a function that sends a message.

        Its arguments are the priority, the body, and True to wait for space. Its first call opens
        the queue. It raises the errors of `libc.mq_timedsend`, and:

            NotFoundError: the queue was removed more than half a second ago.
            DeniedError: the caller may not write to the queue.
        """
        from pyipcs.posix import libc

        put, past = libc.mq_timedsend, libc.PAST
        descriptor, end, check_at = -1, past, 0.0

        def send(priority: int, body: bytes, wait: bool) -> None:
            nonlocal descriptor, end, check_at
            while True:
                if monotonic() > check_at:
                    descriptor = self._open_for(os.O_WRONLY)
                    _check_name(descriptor)
                    end, check_at = _next_check()
                try:
                    return put(descriptor, body, priority, end if wait else past)
                except InterruptError:  # a pending signal interrupts calls that do not wait, too
                    if wait:
                        raise
                except BusyError:
                    if not wait:
                        raise
                    check_at = 0.0

        return send

    def receiver(self, wanted: Wanted) -> Callable[[bool], Message]:
        """Return a function that receives a message.

        Its argument is True to wait for a message. It raises the errors of
        `libc.message_receiver`, and NotFoundError if the queue was removed and has no message.

        Args:
            wanted: the size, which has no effect: the kernel returns messages of any size.

        Raises:
            NotFoundError: there is no such queue, or it was replaced.
            DeniedError: the caller may not read the queue.
            IpcError: EOPNOTSUPP, no call chooses or cuts messages.
        """
        from pyipcs.posix import libc

        if wanted.type or wanted.others or wanted.truncate:
            raise ipc_error(errno.EOPNOTSUPP)
        descriptor = self._open_for(os.O_RDONLY)
        take = libc.message_receiver(descriptor, libc.mq_getattr(descriptor).msgsize)
        past = libc.PAST
        end, check_at = past, 0.0

        def receive(wait: bool) -> Message:
            nonlocal end, check_at
            while True:
                if wait and monotonic() > check_at:
                    end, check_at = _next_check()
                try:
                    return take(end if wait else past)
                except InterruptError:
                    if wait:
                        raise
                except BusyError:
                    if not wait:
                        raise
                    check_at = 0.0
                    _check_name(self._open_for(os.O_RDONLY))

        return receive

    def copies(self, wanted: Wanted) -> Iterator[Message]:  # noqa: ARG002 - as for System V
        """Raise IpcError EOPNOTSUPP: no call copies messages."""
        raise ipc_error(errno.EOPNOTSUPP)

    def _open_for(self, access: int) -> int:
        """Open the queue for calls that may wait.

        The descriptor stays open until `close`. The calls wait in the kernel, not in poll(2): a
        message that a waiting call receives leaves the registration of another process for a
        notification in force (mq_notify(3)).
        """
        from pyipcs.posix import libc

        if access not in self._descriptors:
            descriptor = libc.mq_open(self.id, access)
            try:
                self._check_same(os.fstat(descriptor))
            except NotFoundError:
                os.close(descriptor)
                raise
            self._descriptors[access] = descriptor
        return self._descriptors[access]

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
        self._record, self._identity = record, identity(status)
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


def _next_check() -> tuple[Any, float]:
    """Return the time of the next check, for system calls and for `monotonic`."""
    from pyipcs.posix import libc

    return libc.deadline(_REMOVAL_INTERVAL), monotonic() + _REMOVAL_INTERVAL


def _check_name(descriptor: int) -> None:
    """Raise NotFoundError if an open queue was removed."""
    if not os.fstat(descriptor).st_nlink:
        raise ipc_error(errno.EIDRM)


@contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)
