"""What the three kinds of objects have in common, and the errors of sysv_ipc as the kernel's."""

import errno
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import ClassVar, Self, TypeVar

import sysv_ipc

from pyipcs.errors import ExistsError, IpcError, NotFoundError, ipc_error
from pyipcs.model import Kind, Record
from pyipcs.sysv.keys import By, Target

# What the calls of sysv_ipc raise; `engine_error` tells which errno it was.
SYSV_IPC_ERRORS = (sysv_ipc.Error, OSError, MemoryError)
_H = TypeVar("_H", bound="Handle")


class Handle(ABC):
    """An object of the kernel by its id, private ones too.

    One class a kind hides whether sysv_ipc or the C library serves a call.
    """

    kind: ClassVar[Kind]

    def __init__(self, object_id: int) -> None:
        self.id = object_id

    @classmethod
    @abstractmethod
    def find(cls, key: int) -> Self:
        """The object that has the key; asks for no permission.

        Raises:
            NotFoundError: there is none.
        """

    @classmethod
    def reach(cls, target: Target) -> Self:
        """The object that a target names; by its id, whether there is one or not.

        Raises:
            NotFoundError: nothing has the key.
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

    def stat(self) -> Record:
        """The object's record; a queue's with its qbytes."""
        from pyipcs.sysv import libc

        return libc.stat(self.kind, self.id)

    def listed(self) -> Record:
        """The record with all that a listing has of it."""
        return self.stat()

    def details(self) -> Record:
        """The record, and all that can be asked beyond it."""
        return self.listed()

    def change(
        self,
        *,
        uid: int | None = None,
        gid: int | None = None,
        mode: int | None = None,
        qbytes: int | None = None,
    ) -> None:
        """Change those that are given, at once (IPC_SET).

        Raises:
            NotFoundError: the object is gone.
            DeniedError: as `libc.change`.
            IpcError: EINVAL, the user namespace has no such user or group.
        """
        from pyipcs.sysv import libc

        with self._present():
            libc.change(self.kind, self.id, uid=uid, gid=gid, mode=mode, qbytes=qbytes)

    @contextmanager
    def _present(self) -> Iterator[None]:
        """Make the errors of calls for this object what `_gone_or` makes of them."""
        try:
            yield
        except IpcError as error:
            raise self._gone_or(error) from None

    def _gone_or(self, error: IpcError) -> IpcError:
        """The error; but EIDRM, where the call's EINVAL means that there is no such object."""
        if error.errno == errno.EINVAL:
            try:
                self.stat()
            except NotFoundError:
                return ipc_error(errno.EIDRM)
        return error


def handle_class(kind: Kind) -> type[Handle]:
    """The class of a kind's handles; its module is loaded when it is first asked for."""
    module, name = {
        Kind.QUEUE: ("queue", "MessageQueue"),
        Kind.SEGMENT: ("segment", "SharedMemory"),
        Kind.SEMAPHORE: ("semaphore", "SemaphoreArray"),
    }[kind]
    handle: type[Handle] = getattr(import_module(f"pyipcs.sysv.{module}"), name)
    return handle


def with_free_key(create: Callable[[int], _H]) -> _H:
    """Call `create` with random keys until one is free; it must create exclusively."""
    while True:
        key = int.from_bytes(os.urandom(4), "big", signed=True)
        if key == sysv_ipc.IPC_PRIVATE:
            continue
        try:
            return create(key)
        except ExistsError:
            continue


def sysv_ipc_error(error: Exception, enoent_means: int, busy: int = errno.EAGAIN) -> IpcError:
    """The kernel's error behind one of sysv_ipc, which keeps the errno only at times.

    Args:
        error: one of ENGINE_ERRORS.
        enoent_means: the errno that ExistentialError stands for in the call that was made.
        busy: the errno that BusyError stands for.
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
            return IpcError(errno.EIO, str(error))  # in the engine's own words
    return ipc_error(number)
