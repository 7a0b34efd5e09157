"""Handles of objects by id, and the errors of sysv_ipc as the kernel's."""

import errno
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar, Self, TypeVar

import sysv_ipc

from pyipcs.errors import ExistsError, IpcError, NotFoundError, ipc_error
from pyipcs.model import Kind, Record
from pyipcs.sysv.keys import By, Target

# The exceptions that calls of sysv_ipc raise; `sysv_ipc_error` returns their errno.
SYSV_IPC_ERRORS = (sysv_ipc.Error, OSError, MemoryError)
_H = TypeVar("_H", bound="Handle")


class Handle(ABC):
    """An object of the kernel by its id, with a key or private.

    Each kind has a subclass, which calls sysv_ipc, or the C library for what sysv_ipc lacks.

    Attributes:
        kind: the kind of the object.
        id: the id of the object.
    """

    kind: ClassVar[Kind]

    def __init__(self, object_id: int) -> None:
        self.id = object_id
        self._record: Record | None = None

    @classmethod
    @abstractmethod
    def find(cls, key: int) -> Self:
        """Return the object that has the key; this needs no permission.

        Raises:
            NotFoundError: there is none.
        """

    @classmethod
    def reach(cls, target: Target) -> Self:
        """Return the object that a target names; an id is not checked.

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
        """Remove the object, as `remove_id` does."""
        self.remove_id(self.id)

    @property
    def record(self) -> Record:
        """The last record that this handle has read; read now if there is none.

        Raises:
            NotFoundError: there is no such object.
        """
        return self.stat() if self._record is None else self._record

    def stat(self) -> Record:
        """Read the object's record; one of a segment has no rss and no swap.

        Raises:
            NotFoundError: there is no such object.
        """
        from pyipcs.sysv import libc

        self._record = libc.stat(self.kind, self.id)
        return self._record

    def details(self, record: Record | None = None) -> Record:
        """Return the object's record with the fields that need more calls.

        Args:
            record: the record to complete; read now if it is None.

        Raises:
            NotFoundError: there is no such object.
        """
        return self.stat() if record is None else record

    def change(
        self,
        *,
        uid: int | None = None,
        gid: int | None = None,
        mode: int | None = None,
        qbytes: int | None = None,
        record: Record | None = None,
    ) -> None:
        """Change the given fields in one step (IPC_SET).

        Args:
            uid: the new owner.
            gid: the new group.
            mode: the new permissions.
            qbytes: the new size of a queue.
            record: the record with the values of the other fields, which IPC_SET sets as well; read
                now if it is None.

        Raises:
            NotFoundError: the object was removed.
            DeniedError: as `libc.change`.
            IpcError: EINVAL, the user namespace has no such user or group.
        """
        from pyipcs.sysv import libc

        fields = {"uid": uid, "gid": gid, "mode": mode, "qbytes": qbytes}
        with self._translated():
            libc.change(self.kind, self.id, record=record, **fields)
        self._record = None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Translate the errors of calls for this object, as `_translate` does."""
        try:
            yield
        except IpcError as error:
            raise self._translate(error) from None

    def _translate(self, error: IpcError) -> IpcError:
        """Return EIDRM for an EINVAL that means a missing object, else the error."""
        if error.errno == errno.EINVAL:
            try:
                self.stat()
            except NotFoundError:
                return ipc_error(errno.EIDRM)
        return error


def handle_class(kind: Kind) -> type[Handle]:
    """Return the class of a kind's handles; its module is loaded on first use."""
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
    """Return the kernel's error behind an exception of sysv_ipc.

    Most exceptions of sysv_ipc have no errno.

    Args:
        error: one of SYSV_IPC_ERRORS.
        enoent_means: the errno behind ExistentialError in the call that failed.
        busy: the errno behind BusyError.
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
        case OSError(errno=int(number)):
            pass
        case OSError():  # "The system limit for ... has been reached"
            number = errno.ENOSPC
        case _:
            return IpcError(errno.EIO, str(error))
    return ipc_error(number)
