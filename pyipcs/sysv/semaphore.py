"""Semaphore sets."""

import errno
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import cycle
from typing import Self

import sysv_ipc

from pyipcs.errors import BusyError, InterruptError, IpcError, TooBigError
from pyipcs.model import Kind, SemaphoreSet
from pyipcs.sysv.handle import SYSV_IPC_ERRORS, Handle, sysv_ipc_error
from pyipcs.sysv.operations import Operation


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
        from pyipcs.sysv import abi, libc

        return cls(libc.semget(key, nsems, abi.IPC_CREAT | abi.IPC_EXCL | mode))

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
        except SYSV_IPC_ERRORS as error:
            raise sysv_ipc_error(error, errno.ENOENT) from None

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

    def operate(self, operations: Iterable[Operation], timeout: float | None = None) -> None:
        """Do all operations at once or none (semop(2)), waiting until they can be done.

        Args:
            operations: what is to be done.
            timeout: the seconds to wait at most; None is for ever.

        Raises:
            BusyError: the time is over, or one that was not to wait would have had to.
            NotFoundError: the set is gone.
            DeniedError: the caller may not alter the set, or, to wait for zero, not read it.
            TooBigError: there are more than SEMOPM operations.
            IpcError: EFBIG, the set has no such semaphore; ERANGE, a value would be over SEMVMX.
        """
        from pyipcs.sysv import abi, libc

        whole = [
            (
                semnum,
                change,
                (abi.IPC_NOWAIT if nowait else 0) | (abi.SEM_UNDO if undo else 0),
            )
            for operation in operations
            for semnum, change, nowait, undo in operation.each()
        ]
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if deadline is None else max(deadline - time.monotonic(), 0)
            try:
                with self._present():
                    libc.semtimedop(self.id, whole, left)
            except InterruptError:
                continue  # nothing was done, and the kernel does not begin it again (signal(7))
            return

    def initialize(self, values: Sequence[int]) -> None:
        """Set the values of a new set, with sem_otime set no earlier than they are.

        Programs wait for sem_otime before they use a set that another one creates (semget(2)).
        SETALL leaves it at 0, and so does SETVAL.

        Raises:
            NotFoundError: the set is gone.
            DeniedError: the caller may not alter it, or may not read it.
            TooBigError: semopm is too low for the operations.
        """
        try:
            self.operate(
                Operation(num, num, value, nowait=True) for num, value in enumerate(values)
            )
        except (TooBigError, BusyError):
            pass  # more semaphores than semopm, or one that another process has changed
        except IpcError as error:
            if error.errno != errno.ERANGE:  # so changed that the sum is over SEMVMX
                raise
        else:
            return
        self.set_values(values)
        self._set_otime(*((values.index(0), 0) if 0 in values else (0, values[0])))

    def set_value(self, semnum: int, value: int) -> None:
        """Give one semaphore its value (SETVAL).

        Raises:
            NotFoundError: the set is gone.
            DeniedError: the caller may not alter it.
            IpcError: EINVAL, it has no such semaphore; ERANGE, the value is over SEMVMX.
        """
        from pyipcs.sysv import libc

        with self._present():
            libc.set_value(self.id, semnum, value)

    def set_values(self, values: Sequence[int]) -> None:
        """Give every semaphore its value, all at once (SETALL).

        Raises:
            NotFoundError: the set is gone.
            DeniedError: the caller may not alter it.
            IpcError: EINVAL, it has more semaphores or fewer; ERANGE, a value is over SEMVMX.
        """
        from pyipcs.sysv import libc

        with self._present():
            libc.set_values(self.id, values)

    def _set_otime(self, semnum: int, value: int) -> None:
        """Set sem_otime by operations that leave a semaphore at its value."""
        wait_for_zero = [Operation(semnum, semnum, 0, nowait=True)]
        down_and_up = [Operation(semnum, semnum, change, nowait=True) for change in (-1, 1)]
        # One of them succeeds, unless another process changes the value between the two.
        for operations in cycle(
            (down_and_up, wait_for_zero) if value else (wait_for_zero, down_and_up)
        ):
            with suppress(BusyError):
                self.operate(operations)
                return
