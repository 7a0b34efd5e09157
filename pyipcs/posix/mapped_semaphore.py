"""Semaphores of glibc in the memory of this process.

sem_open(3) finds a semaphore by its name, in the caller's /dev/shm alone. Here the file is open
already: it is the checked one, and may be that of another process.

Another process may truncate the file at any moment. The next access to the mapped page then causes
SIGBUS. Its handler replaces the page by private memory with the value 1, in which the interrupted
function of the C library can end; then the operation fails. In a system call the access causes
EFAULT, after which sem_wait(3) would abort the process. Therefore `take` waits by futex(2) itself,
as glibc 2.21 and later do on 64 bits (nptl/sem_waitcommon.c, sem_post.c):

    A waiter adds 1 to the number of waiters, and waits while the value is 0.
    sem_post(3) adds 1 to the value. If there are waiters, it wakes one.
    A waiter subtracts 1 from the value and from the number of waiters.
"""

import ctypes
import errno
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ctypes import c_int, c_long, c_size_t, c_uint32, c_void_p
from typing import Self

from pyipcs.errors import BusyError, IpcError, ipc_error
from pyipcs.process.libc import function

_PAGE = os.sysconf("SC_PAGESIZE")
_PROT_READ_WRITE, _MAP_SHARED = 3, 1
_MAP_REPLACEMENT = 0x02 | 0x10 | 0x20  # MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS
_WAITERS = 4  # the offset of the number of waiters in struct new_sem
_FUTEX = {"x86_64": 202, "aarch64": 98, "riscv64": 98, "loongarch64": 98}
_FUTEX_WAIT, _FUTEX_WAKE_OP = 0, 5
_FUTEX_OP_ADD = 1 << 28  # FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0), futex(2)
_SIGACTION_SIZE = 256  # struct sigaction is smaller on every machine


def _check_address(result: int, _function: object, _arguments: object) -> int:
    if result == c_void_p(-1).value:
        raise ipc_error(ctypes.get_errno())
    return result


_mmap = function(
    "mmap", c_void_p, c_size_t, c_int, c_int, c_int, c_long, restype=c_void_p, check=_check_address
)
_munmap = function("munmap", c_void_p, c_size_t)
_sem_post = function("sem_post", c_void_p)
_sem_trywait = function("sem_trywait", c_void_p)
_futex = function(
    "syscall", c_long, c_void_p, c_long, c_long, c_long, c_void_p, c_long, restype=c_long
)
_sigaction = function("sigaction", c_int, c_void_p, c_void_p)
_signal = function("signal", c_int, c_void_p, restype=c_void_p, check=_check_address)
_Handler = ctypes.CFUNCTYPE(None, c_int)


class MappedSemaphore:
    """A semaphore of glibc, mapped for operations by the main thread."""

    def __init__(self, descriptor: int) -> None:
        """Map the semaphore of an open file, which is closed by the caller.

        Raises:
            IpcError: ENOMEM.
        """
        self._is_lost = False  # the file was truncated
        self._address: int = _mmap(None, _PAGE, _PROT_READ_WRITE, _MAP_SHARED, descriptor, 0)
        # Python's own handlers return to the access, which would cause the signal again.
        self._handler = _Handler(self._replace_page)
        self._former_action = ctypes.create_string_buffer(_SIGACTION_SIZE)

    def __enter__(self) -> Self:
        _sigaction(signal.SIGBUS, None, self._former_action)
        _signal(signal.SIGBUS, self._handler)
        self._mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGBUS})
        return self

    def __exit__(self, *_error: object) -> None:
        if signal.SIGBUS in self._mask:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGBUS})
        _sigaction(signal.SIGBUS, self._former_action, None)
        with suppress(IpcError):  # the operations are done
            _munmap(self._address, _PAGE)

    def post(self) -> None:
        """Increment the value, and wake a waiting process (sem_post(3)).

        Raises:
            IpcError: EOVERFLOW, the value is SEM_VALUE_MAX; ENXIO, the file was truncated.
        """
        with self._checked():
            _sem_post(self._address)

    def try_take(self) -> bool:
        """Decrement a positive value, and return True then (sem_trywait(3)).

        Raises:
            IpcError: ENXIO, the file was truncated.
        """
        with self._checked(), suppress(BusyError):
            _sem_trywait(self._address)
            return True
        return False

    def take(self) -> None:
        """Decrement the value once it is positive; needs `registered`.

        Raises:
            InterruptError: a signal arrived, and nothing was taken.
            IpcError: ENXIO, the file was truncated.
        """
        while not self.try_take():
            # EAGAIN: the value is positive now.
            with self._checked(), suppress(BusyError):
                _futex(_number(), self._address, _FUTEX_WAIT, 0, 0, None, 0)

    @contextmanager
    def registered(self) -> Iterator[None]:
        """Count this process among the waiters, which sem_post(3) wakes."""
        self._add_waiters(1)
        try:
            yield
        finally:
            with suppress(IpcError):
                self._add_waiters(-1)

    def _add_waiters(self, number: int) -> None:
        waiters = self._address + _WAITERS
        with self._checked():
            operation = _FUTEX_OP_ADD | (number & 0xFFF) << 12
            _futex(_number(), waiters, _FUTEX_WAKE_OP, 0, 0, waiters, operation)

    @contextmanager
    def _checked(self) -> Iterator[None]:
        """Raise ENXIO if the file was truncated before or during a call."""
        error: IpcError | None = None
        try:
            yield
        except IpcError as raised:
            error = raised
        if self._is_lost or (error and error.errno == errno.EFAULT):
            raise IpcError(errno.ENXIO, "truncated by another process")
        if error:
            raise error

    def _replace_page(self, _number: int) -> None:
        """Replace the page by private memory; ctypes prints any exception."""
        self._is_lost = True
        try:
            _mmap(self._address, _PAGE, _PROT_READ_WRITE, _MAP_REPLACEMENT, -1, 0)
            c_uint32.from_address(self._address).value = 1
        except OSError:
            _signal(signal.SIGBUS, None)  # SIG_DFL


def _number() -> int:
    """Return the number of the system call futex(2)."""
    machine = os.uname().machine
    if machine not in _FUTEX:
        raise IpcError(errno.ENOSYS, f"the number of futex(2) on {machine} is not known")
    return _FUTEX[machine]
