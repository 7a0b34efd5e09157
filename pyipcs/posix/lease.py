"""Write leases, by which the kernel reports whether a file is open or mapped elsewhere.

The kernel grants a write lease (fcntl(2), F_SETLEASE) if the file has no other open file
description and no mapping, in any process, of any user, in any namespace. While the lease stands,
open(2) waits, or fails with O_NONBLOCK. Therefore, a lease is held for microseconds only.
"""

import errno
import fcntl
import os
import signal
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pyipcs.errors import BusyError, IpcError, ipc_error

_F_SETOWN_EX, _F_OWNER_TID = 15, 0  # fcntl(2); the module fcntl lacks them
_OWNER = struct.Struct("ii")  # struct f_owner_ex
_TRIES = 3  # two processes that check the same file see each other
_PAUSE = 2e-6  # seconds; times 1 to 256
_SINCE = (5, 3)  # older kernels count the cache of tmpfs as a user
_TEXTS = {
    errno.EAGAIN: "in use",
    errno.EACCES: "only its owner can check that nobody uses it",
    errno.EPERM: "only its owner can check that nobody uses it",
    errno.EINVAL: "the kernel cannot check that nobody uses it",
}


def is_supported() -> bool:
    """Return True if this kernel grants leases in /dev/shm correctly."""
    return _release() >= _SINCE


@contextmanager
def write_lease(descriptor: int) -> Iterator[None]:
    """Hold a write lease on a file within a `with` block.

    Within the block, this thread blocks every signal that can be blocked: a process that is stopped
    while it holds a lease blocks all openers. SIGIO, by which the kernel reports an opener, is
    discarded; no handler runs for it.

    Args:
        descriptor: the file, open for reading, for writing or for both.

    Raises:
        BusyError: another process has the file open or mapped, in all of three tries.
        DeniedError: the caller neither owns the file nor has CAP_LEASE.
        IpcError: EINVAL, the kernel or the file system has no such leases.
    """
    if not is_supported():
        raise IpcError(errno.EINVAL, _TEXTS[errno.EINVAL])
    # No other thread may get SIGIO, which only this one blocks.
    owner = _OWNER.pack(_F_OWNER_TID, _thread_id())
    fcntl.fcntl(descriptor, _F_SETOWN_EX, owner)
    for left in reversed(range(_TRIES)):
        with _signals_blocked():
            try:
                fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            except OSError as error:
                failure = _failure(error)
            else:
                try:
                    yield
                finally:
                    with suppress(OSError):  # the kernel has broken it: an opener waited too long
                        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
                return
        if not left or not isinstance(failure, BusyError):
            raise failure
        time.sleep(_PAUSE * (1 + os.urandom(1)[0]))


def is_held(descriptor: int) -> bool:
    """Return True if a write lease still stands: no process waits to open it.

    Call it in the block of `write_lease`, immediately before the removal of the file.
    """
    return fcntl.fcntl(descriptor, fcntl.F_GETLEASE) == fcntl.F_WRLCK


def check_held(descriptor: int) -> None:
    """Check that a write lease still stands.

    Raises:
        BusyError: a process waits to open the file, or has opened it.
    """
    if not is_held(descriptor):
        raise _failure(BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)))


def is_unused(descriptor: int) -> bool:
    """Return True if no other process has a file open or mapped now.

    Raises:
        DeniedError: see `write_lease`.
        IpcError: EINVAL, see `write_lease`.
    """
    try:
        with write_lease(descriptor):
            return True
    except BusyError:
        return False


def _failure(error: OSError) -> IpcError:
    number = error.errno or errno.EIO
    return type(ipc_error(number))(number, _TEXTS.get(number) or os.strerror(number))


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block all signals within a `with` block; drop a SIGIO that arrives."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    was_pending = signal.SIGIO in signal.sigpending()
    try:
        yield
    finally:
        if not was_pending:
            signal.sigtimedwait({signal.SIGIO}, 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _thread_id() -> int:
    from threading import get_native_id

    return get_native_id()


def _release() -> tuple[int, ...]:
    """Return the first two numbers of the kernel's release."""
    numbers = os.uname().release.split("-")[0].split(".")[:2]
    return tuple(int(number) if number.isdigit() else 0 for number in numbers)
