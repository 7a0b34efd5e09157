"""Write leases, by which the kernel reports the use of a file.

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
from typing import Self

from pyipcs.errors import BusyError, IpcError, ipc_error

TRIES = 3  # two processes that check the same file see each other
_F_SETOWN_EX, _F_OWNER_TID = 15, 0  # fcntl(2); the module fcntl lacks them
_OWNER = struct.Struct("ii")  # struct f_owner_ex
_PAUSE_MAX = 2e-3  # seconds: a check takes a thousandth of it, so two seldom meet again
_SINCE = (5, 3)  # older kernels count the cache of tmpfs as a user
IN_USE = "in use"
DENIED = "only its owner can check that nobody uses it"
UNSUPPORTED = "the kernel cannot check that nobody uses it"
_TEXTS = {
    errno.EAGAIN: IN_USE,
    errno.EACCES: DENIED,
    errno.EPERM: DENIED,
    errno.EINVAL: UNSUPPORTED,
}


def is_supported() -> bool:
    """Return True if this kernel grants leases in /dev/shm correctly."""
    return _release() >= _SINCE


def is_supported_in(directory: int) -> bool:
    """Return True if the kernel grants leases in a directory correctly.

    On other file systems than tmpfs and mqueue, as overlayfs, a mapping may be that of another
    inode.
    """
    from pyipcs.posix.directory import is_in_memory
    from pyipcs.posix.mqueue import is_mqueue

    try:
        return is_supported() and (is_in_memory(directory) or is_mqueue(directory))
    except IpcError:  # a sandbox
        return False


def check_supported_in(directory: int) -> None:
    """Check that the kernel grants leases in a directory correctly.

    Raises:
        IpcError: EINVAL, it does not.
    """
    if not is_supported_in(directory):
        raise IpcError(errno.EINVAL, UNSUPPORTED)


class LeaseBlock:
    """A `with` block in which this thread may take leases.

    Within the block, this thread blocks every signal that can be blocked: a process that is stopped
    while it holds a lease blocks all openers. SIGIO, by which the kernel reports an opener, is
    discarded; no handler runs for it.

    Raises:
        IpcError: EINVAL, this kernel has no such leases.
    """

    def __enter__(self) -> Self:
        """Block the signals."""
        if not is_supported():
            raise IpcError(errno.EINVAL, UNSUPPORTED)
        # No other thread may get SIGIO, which only this one blocks.
        thread = _owner_thread()
        self._owner = _OWNER.pack(_F_OWNER_TID, thread) if thread else None
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        self._was_pending = signal.SIGIO in signal.sigpending()
        return self

    def __exit__(self, *_error: object) -> None:
        """Discard a SIGIO of this block, and restore the signals."""
        if not self._was_pending:
            signal.sigtimedwait({signal.SIGIO}, 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def take(self, descriptor: int) -> None:
        """Take a write lease on a file.

        Args:
            descriptor: the file, open for reading, for writing or for both.

        Raises:
            BusyError: another process has the file open or mapped.
            DeniedError: the caller neither owns the file nor has CAP_LEASE.
            IpcError: EINVAL, the file system has no such leases.
        """
        try:
            if self._owner:
                fcntl.fcntl(descriptor, _F_SETOWN_EX, self._owner)
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except OSError as error:
            raise _failure(error) from None

    def release(self, descriptor: int) -> None:
        """Give a lease back."""
        with suppress(OSError):  # the kernel has broken it: an opener waited too long
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)


@contextmanager
def write_lease(descriptor: int) -> Iterator[None]:
    """Hold a write lease within a `with` block, which is a LeaseBlock.

    Args:
        descriptor: the file, open for reading, for writing or for both.

    Raises:
        BusyError: another process has the file open or mapped, in all of three tries.
        DeniedError, IpcError: see `LeaseBlock`.
    """
    for left in reversed(range(TRIES)):
        with LeaseBlock() as block:
            try:
                block.take(descriptor)
            except BusyError as error:
                failure = error
            else:
                try:
                    yield
                finally:
                    block.release(descriptor)
                return
        if not left:
            raise failure
        pause()


def pause() -> None:
    """Wait for a random time, so that two processes do not meet again."""
    time.sleep(_PAUSE_MAX * int.from_bytes(os.urandom(2)) / 0xFFFF)


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


def _failure(error: OSError) -> IpcError:
    number = error.errno or errno.EIO
    return type(ipc_error(number))(number, _TEXTS.get(number) or os.strerror(number))


def _owner_thread() -> int | None:
    """Return the id of this thread; None if the process has no other thread."""
    try:
        is_alone = len(os.listdir("/proc/self/task")) == 1
    except OSError:
        is_alone = False
    if is_alone:
        return None
    from threading import get_native_id

    return get_native_id()


def _release() -> tuple[int, ...]:
    """Return the first two numbers of the kernel's release."""
    numbers = os.uname().release.split("-")[0].split(".")[:2]
    return tuple(int(number) if number.isdigit() else 0 for number in numbers)
