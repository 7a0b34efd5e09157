"""Semaphore sets."""

import errno
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import cycle
from typing import Self, cast

import sysv_ipc

from pyipcs.errors import BusyError, InterruptError, IpcError, TooBigError, ipc_error
from pyipcs.model import Kind, SemaphoreSet, SysvRecord
from pyipcs.operations import Operation
from pyipcs.sysv.handle import SYSV_IPC_ERRORS, Handle, sysv_ipc_error
from pyipcs.sysv.keys import key_of


class SemaphoreArray(Handle):
    """A semaphore set by its semid."""

    kind = Kind.SEMAPHORE

    @classmethod
    def create(cls, key: int, mode: int, nsems: int) -> Self:
        """Create a set of semaphores with the value 0 (semget(2) with IPC_EXCL).

        Raises:
            ExistsError: another set has the key.
            LimitError: there are semmni sets, or the semaphores would exceed semmns.
            IpcError: EINVAL, the set would have more than semmsl semaphores.
        """
        from pyipcs.sysv import abi, libc

        return cls(libc.semget(key_of(key), nsems, abi.IPC_CREAT | abi.IPC_EXCL | mode))

    @classmethod
    def find(cls, key: int, nsems: int = 0) -> Self:
        """Return the set with a key; this requires no permission.

        Raises:
            NotFoundError: no set has the key.
            IpcError: EINVAL, the set has fewer than `nsems` semaphores.
        """
        from pyipcs.sysv import libc

        return cls(libc.semget(key_of(key), nsems, 0))

    @staticmethod
    def remove_id(object_id: int) -> None:
        """Remove a set; calls that wait on it fail with EIDRM.

        Raises:
            NotFoundError: no set has this id.
            DeniedError: the caller neither owns nor created the set.
        """
        try:
            sysv_ipc.remove_semaphore(object_id)
        except SYSV_IPC_ERRORS as error:
            raise sysv_ipc_error(error, errno.ENOENT) from None

    @property
    def record(self) -> SemaphoreSet:
        """The last record that this handle has read; the first access reads it."""
        return cast(SemaphoreSet, super().record)

    def stat(self) -> SemaphoreSet:
        """Read the set's record, without its semaphores."""
        return cast(SemaphoreSet, super().stat())

    def details(self, record: SysvRecord | None = None) -> SemaphoreSet:
        """Return the set's record with all semaphores.

        Args:
            record: the record to complete; None for the last one that was read.

        Raises:
            NotFoundError: there is no such set, or it was removed meanwhile.
            DeniedError: the caller may not read the set.
        """
        from pyipcs.sysv import libc

        completed = cast(SemaphoreSet, self.record if record is None else record)
        return completed._replace(semaphores=libc.semaphores(self.id, completed.nsems))

    @staticmethod
    def check(operations: Iterable[Operation]) -> None:
        """Check the number of operations, before they are laid out in memory.

        Raises:
            TooBigError: there are more than semopm operations.
        """
        from pyipcs.sysv.limits import known_limits

        limits = known_limits(Kind.SEMAPHORE)
        if limits and sum(operation.nsops for operation in operations) > limits.semopm:
            raise ipc_error(errno.E2BIG)

    def operate(self, operations: Iterable[Operation], timeout: float | None = None) -> None:
        """Perform all operations in one step, once all are possible (semop(2)).

        Args:
            operations: the operations, in their order.
            timeout: the limit of the wait in seconds; None is no limit.

        Raises:
            BusyError: the timeout has expired, or an operation with `nowait` would have to wait.
            NotFoundError: the set was removed.
            DeniedError: the caller may not alter the set, or may not read it to wait for zero.
            TooBigError: there are more than SEMOPM operations.
            IpcError: EFBIG, the set has no such semaphore; ERANGE, a value would become larger than
                SEMVMX.
        """
        from pyipcs.sysv import abi, libc

        sembufs = [
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
            remaining = None if deadline is None else max(deadline - time.monotonic(), 0)
            try:
                with self._translated():
                    libc.semtimedop(self.id, sembufs, remaining)
            except InterruptError:
                continue  # after a handler, the kernel never restarts semtimedop(2) (signal(7))
            return

    def initialize(self, values: Sequence[int]) -> None:
        """Set the values and the sem_otime of a new set.

        Other programs wait until the creator of a set has set sem_otime (semget(2)). SETALL and
        SETVAL leave sem_otime unchanged; only operations set it.

        Raises:
            NotFoundError: the set was removed.
            DeniedError: the caller may not alter the set, or may not read it.
            TooBigError: semopm is too low for the operations.
        """
        try:
            self.operate(
                Operation(num, num, value, nowait=True) for num, value in enumerate(values)
            )
        except (TooBigError, BusyError):
            pass  # the set is larger than semopm, or another process has changed a semaphore
        except IpcError as error:
            if error.errno != errno.ERANGE:  # another process has made a sum exceed SEMVMX
                raise
        else:
            return
        self.set_values(values)
        self._set_otime(*((values.index(0), 0) if 0 in values else (0, values[0])))

    def set_value(self, semnum: int, value: int) -> None:
        """Set the value of one semaphore (SETVAL).

        Raises:
            NotFoundError: the set was removed.
            DeniedError: the caller may not alter the set.
            IpcError: EINVAL, the set has no such semaphore; ERANGE, the value is larger than
                SEMVMX.
        """
        from pyipcs.sysv import libc

        with self._translated():
            libc.set_value(self.id, semnum, value)

    def set_values(self, values: Sequence[int]) -> None:
        """Set the values of all semaphores in one step (SETALL).

        Raises:
            NotFoundError: the set was removed.
            DeniedError: the caller may not alter the set.
            IpcError: EINVAL, there are more or fewer values than semaphores; ERANGE, a value is
                larger than SEMVMX.
        """
        from pyipcs.sysv import libc

        with self._translated():
            libc.set_values(self.id, values, self.record.nsems)

    def _set_otime(self, semnum: int, value: int) -> None:
        """Set sem_otime by operations that keep the value of a semaphore."""
        wait_for_zero = [Operation(semnum, semnum, 0, nowait=True)]
        down_and_up = [Operation(semnum, semnum, change, nowait=True) for change in (-1, 1)]
        # One of the two succeeds, unless another process changes the value in between.
        for operations in cycle(
            (down_and_up, wait_for_zero) if value else (wait_for_zero, down_and_up)
        ):
            with suppress(BusyError):
                self.operate(operations)
                return
