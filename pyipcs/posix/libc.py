"""The C library by ctypes: the calls for POSIX objects that Python lacks."""

import ctypes
import os
from ctypes import c_char_p, c_int, c_uint, c_void_p
from typing import Any, cast

from pyipcs.errors import ipc_error
from pyipcs.process.libc import LIBRARY, function

_sem_close = function("sem_close", c_void_p)


def _check_pointer(result: int | None, _function: object, _arguments: object) -> int:
    if not result:  # SEM_FAILED
        raise ipc_error(ctypes.get_errno())
    return result


def sem_open(name: str, flags: int, mode: int, value: int) -> int:
    """Call sem_open(3) to create a semaphore.

    Returns:
        The address of the semaphore, for `sem_close`.

    Raises:
        ExistsError: the semaphore exists, and the flags include O_EXCL.
        DeniedError: the caller may not write to /dev/shm.
        LimitError: /dev/shm is full.
        IpcError: EINVAL, the value is larger than SEM_VALUE_MAX, or the name is not valid.
    """
    call: Any = LIBRARY["sem_open"]
    call.argtypes = (c_char_p, c_int, c_uint, c_uint)
    call.restype = c_void_p
    call.errcheck = _check_pointer
    return cast(int, call(os.fsencode(name), flags, mode, value))


def sem_close(address: int) -> None:
    """Call sem_close(3)."""
    _sem_close(address)
