"""Semaphore sets."""

import errno
from collections.abc import Sequence
from typing import Self

import sysv_ipc

from pyipcs.model import Kind, SemaphoreSet
from pyipcs.sysv.handle import ENGINE_ERRORS, Handle, engine_error


class SemaphoreArray(Handle):
    """A semaphore set by its semid."""

    kind = Kind.SEMAPHORE

    @classmethod
    def create(cls, key: int, mode: int, nsems: int) -> Self:
        """A new set of semaphores whose values are 0 (semget(2) with IPC_EXCL).

        Raises:
            ExistsError: the key is taken.
            LimitError: there are semmni sets, or the semaphores would exceed semmns.
            IpcError: EINVAL, more than semmsl semaphores.
        """
        from pyipcs.sysv import libc

        return cls(libc.semget(key, nsems, libc.IPC_CREAT | libc.IPC_EXCL | mode))

    @classmethod
    def find(cls, key: int, nsems: int = 0) -> Self:
        """The set that has the key.

        Raises:
            NotFoundError: there is none.
            IpcError: EINVAL, it has fewer than `nsems` semaphores.
        """
        from pyipcs.sysv import libc

        return cls(libc.semget(key, nsems, 0))

    @staticmethod
    def remove_id(object_id: int) -> None:
        """Remove a set; who waits on it gets EIDRM."""
        try:
            sysv_ipc.remove_semaphore(object_id)
        except ENGINE_ERRORS as error:
            raise engine_error(error, errno.EINVAL) from None

    def details(self) -> SemaphoreSet:
        """The set's record, with every semaphore in it.

        Raises:
            NotFoundError: there is no such set, or it went meanwhile.
            DeniedError: the caller may not read it.
        """
        from pyipcs.sysv import libc

        record = self.stat()
        assert isinstance(record, SemaphoreSet)
        return record._replace(semaphores=libc.semaphores(self.id, record.nsems))

    def set_values(self, values: Sequence[int]) -> None:
        """Give every semaphore its value, all at once (SETALL)."""
        from pyipcs.sysv import libc

        libc.set_values(self.id, values)
