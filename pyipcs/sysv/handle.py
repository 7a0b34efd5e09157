"""Handles of objects by id, and the kernel's errors behind sysv_ipc's."""

import errno
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar, Self, TypeVar

import sysv_ipc

from pyipcs.errors import NO_SYSV, ExistsError, IpcError, NotFoundError, checked, ipc_error
from pyipcs.model import INT_MAX, By, Kind, SysvRecord, Target

# The exceptions that calls of sysv_ipc raise; `sysv_ipc_error` returns their errno.
SYSV_IPC_ERRORS = (sysv_ipc.Error, OSError, MemoryError, OverflowError, ValueError)
_H = TypeVar("_H", bound="Handle")


class Handle(ABC):
    """An object of the kernel by its id, with a key or private.

    Each kind has a subclass. It calls sysv_ipc, and the C library for calls that sysv_ipc lacks.

    Attributes:
        kind: the kind of the object.
        id: the id of the object.
    """

    kind: ClassVar[Kind]

    def __init__(self, object_id: int) -> None:
        """Choose an object, which need not exist.

        Raises:
            NotFoundError: no object can have this id.
        """
        self.id = checked(object_id, 0, INT_MAX, errno.ENOENT)
        self._record: SysvRecord | None = None

    @classmethod
    @abstractmethod
    def find(cls, key: int) -> Self:
        """Return the object with a key; this requires no permission.

        Raises:
            NotFoundError: no object has the key.
        """

    @classmethod
    def reach(cls, target: Target) -> Self:
        """Return the object of a target; an id is not checked.

        Raises:
            NotFoundError: no object has the key.
        """
        return cls(target.number) if target.by is By.ID else cls.find(target.number)

    @staticmethod
    @abstractmethod
    def remove_id(object_id: int) -> None:
        """Remove an object by its id (IPC_RMID), without a handle.

        Raises:
            NotFoundError: no object has this id.
            DeniedError: the caller neither owns nor created it.
        """

    def remove(self) -> None:
        """Remove the object (IPC_RMID); raise the errors of `remove_id`."""
        self.remove_id(self.id)

    def close(self) -> None:  # noqa: B027 # not abstract
        """Do nothing: only a POSIX object has descriptors to close."""

    @property
    def record(self) -> SysvRecord:
        """The last record that this handle has read; the first access reads it.

        Raises:
            NotFoundError: there is no such object.
        """
        return self.stat() if self._record is None else self._record

    def stat(self) -> SysvRecord:
        """Read the object's record, without the rss and swap of a segment.

        Raises:
            NotFoundError: there is no such object.
        """
        from pyipcs.sysv import libc

        self._record = libc.stat(self.kind, self.id)
        return self._record

    def details(self, record: SysvRecord | None = None) -> SysvRecord:
        """Return the object's record with the fields that need more calls.

        Args:
            record: the record to complete; None for the last one that was read.

        Raises:
            NotFoundError: there is no such object.
        """
        return self.record if record is None else record

    def change(
        self,
        *,
        uid: int | None = None,
        gid: int | None = None,
        mode: int | None = None,
        qbytes: int | None = None,
        record: SysvRecord | None = None,
    ) -> None:
        """Change the given fields in one step (IPC_SET).

        Args:
            uid: the new owner.
            gid: the new group.
            mode: the new permissions.
            qbytes: the new size of a queue.
            record: the record with the other fields, which IPC_SET sets as well; None to read it.

        Raises:
            NotFoundError: the object was removed.
            DeniedError: see `libc.change`.
            IpcError: EINVAL, the user namespace has no such user or group.
        """
        from pyipcs.sysv import libc

        fields = {"uid": uid, "gid": gid, "mode": mode, "qbytes": qbytes}
        with self._translated():
            libc.change(self.kind, self.id, record=record, **fields)
        self._record = None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Translate errors of calls for this object by `_translate`."""
        try:
            yield
        except IpcError as error:
            raise self._translate(error) from None

    def _translate(self, error: IpcError) -> IpcError:
        """Return EIDRM if EINVAL means that the object is gone, else the error."""
        if error.errno == errno.EINVAL:
            try:
                self.stat()
            except NotFoundError:
                return ipc_error(errno.EIDRM)
        return error


def handle_class(kind: Kind) -> type[Handle]:
    """Return the class of the handles of a kind, and import its module."""
    match kind:
        case Kind.QUEUE:
            from pyipcs.sysv.queue import MessageQueue

            return MessageQueue
        case Kind.SEGMENT:
            from pyipcs.sysv.segment import SharedMemory

            return SharedMemory
        case Kind.SEMAPHORE:
            from pyipcs.sysv.semaphore import SemaphoreArray

            return SemaphoreArray
        case _:
            raise KeyError(kind)


def with_free_key(create: Callable[[int], _H]) -> _H:
    """Create an object with a random free key.

    Args:
        create: a function that creates the object exclusively with a key.
    """
    while True:
        key = int.from_bytes(os.urandom(4), "big", signed=True)
        if key == sysv_ipc.IPC_PRIVATE:
            continue
        try:
            return create(key)
        except ExistsError:
            continue


def sysv_ipc_error(error: Exception, enoent_means: int, busy: int = errno.EAGAIN) -> IpcError:
    """Return the kernel's error for an exception of sysv_ipc.

    Most exceptions of sysv_ipc have no errno.

    Args:
        error: one of SYSV_IPC_ERRORS.
        enoent_means: the errno that ExistentialError means in the failed call.
        busy: the errno that BusyError means.
    """
    match error:
        case sysv_ipc.ExistentialError():
            number = enoent_means
        case sysv_ipc.PermissionsError():
            number = errno.EACCES
        case sysv_ipc.BusyError():
            number = busy
        case sysv_ipc.Error() if type(error) is sysv_ipc.Error:  # "Signaled while waiting"
            number = errno.EINTR
        case MemoryError():
            number = errno.ENOMEM
        case OverflowError() | ValueError():  # of an argument; sysv_ipc has checked it itself
            number = errno.EINVAL
        case OSError(errno=int(number)):
            pass
        case OSError():  # "The system limit for ... has been reached"
            number = errno.ENOSPC
        case _:
            return IpcError(errno.EIO, str(error))
    return ipc_error(number, NO_SYSV)
