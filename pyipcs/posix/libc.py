"""The C library by ctypes: the calls for POSIX objects that Python lacks.

All functions raise IpcError with the kernel's errno.
"""

import ctypes
import os
import time
from collections.abc import Callable
from ctypes import c_char_p, c_int, c_long, c_size_t, c_ssize_t, c_uint, c_void_p
from functools import partial
from typing import Any, NamedTuple, cast

from pyipcs.errors import NO_MQUEUE, IpcError, ipc_error
from pyipcs.model import Message
from pyipcs.process.libc import LIBRARY, function

# The same numbers on all architectures of this kernel generation (Linux 5.2).
_FSOPEN, _FSCONFIG, _FSMOUNT = 430, 431, 432
_FSOPEN_CLOEXEC = _FSMOUNT_CLOEXEC = 1
_FSCONFIG_CMD_CREATE = 6


class QueueAttributes(NamedTuple):
    """The attributes of a message queue (mq_getattr(3)).

    Attributes:
        maxmsg: the limit of messages.
        msgsize: the limit of bytes of a message.
        qnum: the number of messages.
    """

    maxmsg: int
    msgsize: int
    qnum: int


class _MqAttr(ctypes.Structure):
    """struct mq_attr; the kernel reserves four more long integers."""

    _fields_ = (
        ("mq_flags", c_long),
        ("mq_maxmsg", c_long),
        ("mq_msgsize", c_long),
        ("mq_curmsgs", c_long),
        ("_reserved", c_long * 4),
    )


def _check(result: int, _function: object, _arguments: object) -> int:
    if result == -1:
        raise _last_error()
    return result


def _last_error() -> IpcError:
    return ipc_error(ctypes.get_errno(), NO_MQUEUE)


def _check_pointer(result: int | None, _function: object, _arguments: object) -> int:
    if not result:  # SEM_FAILED
        raise ipc_error(ctypes.get_errno())
    return result


def _queue_function(name: str, *argtypes: Any, checks: bool = True) -> Any:
    """Return a function of mq_overview(7); glibc before 2.34 has it in librt.

    Args:
        name: the name of the function.
        argtypes: the types of its arguments.
        checks: True for a function that raises IpcError for the result -1.
    """
    library = LIBRARY if hasattr(LIBRARY, name) else ctypes.CDLL("librt.so.1", use_errno=True)
    pointer: Any = library[name]
    pointer.argtypes = argtypes
    if checks:
        pointer.errcheck = _check
    return pointer


_mq_open = _queue_function("mq_open", c_char_p, c_int, c_uint, c_void_p)
_mq_unlink = _queue_function("mq_unlink", c_char_p)
_mq_getattr = _queue_function("mq_getattr", c_int, c_void_p)
# A check by ctypes takes a tenth of the time of these calls.
_mq_timedsend = _queue_function(
    "mq_timedsend", c_int, c_char_p, c_size_t, c_uint, c_void_p, checks=False
)
_mq_timedreceive = _queue_function(
    "mq_timedreceive", c_int, c_void_p, c_size_t, c_void_p, c_void_p, checks=False
)
_mq_timedreceive.restype = c_ssize_t
PAST: Any = ctypes.byref((c_long * 2)())  # a struct timespec: a call with it does not wait
_sem_close = function("sem_close", c_void_p)
_COPIES = 2  # of a received message: the body, and one that goes back

_fsopen = function("syscall", c_long, c_char_p, c_int, restype=c_long)
_fsconfig = function("syscall", c_long, c_int, c_int, c_void_p, c_void_p, c_int, restype=c_long)
_fsmount = function("syscall", c_long, c_int, c_int, c_int, restype=c_long)


def mq_open(name: str, flags: int, mode: int = 0, sizes: tuple[int, int] | None = None) -> int:
    """Call mq_open(3).

    Args:
        name: the name with its slash.
        flags: the flags, as os.O_RDONLY.
        mode: the permissions of a new queue, which the umask reduces.
        sizes: the maxmsg and the msgsize of a new queue; None for the kernel's defaults.

    Returns:
        A descriptor, close-on-exec, that os.close closes.

    Raises:
        NotFoundError: no queue has the name.
        ExistsError: a queue has the name (O_EXCL).
        DeniedError: the mode of the queue forbids it, or no queue can have the name, as "/.".
        LimitError: there are queues_max queues.
        IpcError: EINVAL, the sizes exceed the limits; EMFILE, the queue exceeds RLIMIT_MSGQUEUE,
            or the process has too many descriptors; ENAMETOOLONG.
    """
    attr = None
    if sizes:
        attr = ctypes.byref(_MqAttr(mq_maxmsg=sizes[0], mq_msgsize=sizes[1]))
    return int(_mq_open(os.fsencode(name), flags, mode, attr))


def mq_unlink(name: str) -> None:
    """Call mq_unlink(3).

    Raises:
        NotFoundError: no queue has the name.
        DeniedError: the caller does not own the queue.
    """
    _mq_unlink(os.fsencode(name))


def mq_getattr(descriptor: int) -> QueueAttributes:
    """Call mq_getattr(3) for a descriptor of a queue or of its file."""
    attr = _MqAttr()
    _mq_getattr(descriptor, ctypes.byref(attr))
    return QueueAttributes(attr.mq_maxmsg, attr.mq_msgsize, attr.mq_curmsgs)


def deadline(seconds: float) -> Any:
    """Return the end of a wait from now, as a pointer to a struct timespec."""
    nanoseconds = time.time_ns() + int(seconds * 1e9)
    return ctypes.byref((c_long * 2)(*divmod(nanoseconds, 10**9)))


def mq_timedsend(descriptor: int, body: bytes, priority: int, end: Any) -> None:
    """Call mq_timedsend(3) on a descriptor without O_NONBLOCK.

    Args:
        descriptor: the queue, open for writing.
        body: the message.
        priority: its priority.
        end: the end of the wait, a result of `deadline`; PAST for no wait.

    Raises:
        BusyError: the queue is still full.
        InterruptError: a signal arrived while the call waited.
        IpcError: EMSGSIZE, the body is larger than the msgsize of the queue.
    """
    if _mq_timedsend(descriptor, body, len(body), priority, end) == -1:
        raise _last_error()


def message_receiver(descriptor: int, msgsize: int) -> Callable[[Any], Message]:
    """Return a function that calls mq_timedreceive(3) on a descriptor.

    The argument of the function is the end of the wait, a result of `deadline`; PAST for no wait.
    The function raises:

        BusyError: the queue is still empty.
        InterruptError: a signal arrived while the call waited.

    Args:
        descriptor: the queue, open for reading, without O_NONBLOCK.
        msgsize: the msgsize of the queue; a smaller buffer receives no message.

    Raises:
        MemoryError: there is no memory for a message; none is taken then.
    """
    buffer, number = ctypes.create_string_buffer(msgsize), c_uint()
    bytes(_COPIES * msgsize)  # without memory `receive` would take a message, and lose it
    body, priority = ctypes.byref(buffer), ctypes.byref(number)
    call, message = _mq_timedreceive, partial(tuple.__new__, Message)  # half the time of Message()

    def receive(end: Any) -> Message:
        size = call(descriptor, body, msgsize, priority, end)
        if size == -1:
            raise _last_error()
        return message((number.value, buffer[:size]))

    return receive


def mount_mqueue() -> int:
    """Mount the mqueue file system of the caller's IPC namespace at no path.

    Returns:
        A descriptor of its root, which may be used only as dir_fd; its close unmounts it.

    Raises:
        DeniedError: the caller lacks CAP_SYS_ADMIN over its mount namespace or its IPC namespace.
        IpcError: ENOSYS, the kernel is older than Linux 5.2.
    """
    context = _fsopen(_FSOPEN, b"mqueue", _FSOPEN_CLOEXEC)
    try:
        _fsconfig(_FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0)
        return int(_fsmount(_FSMOUNT, context, _FSMOUNT_CLOEXEC, 0))
    finally:
        os.close(context)


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


def mapped_file(address: int) -> tuple[int, int] | None:
    """Return the device and the inode of the file mapped at an address.

    Return None without the maps (proc_pid_maps(5)).
    """
    try:
        with open("/proc/self/maps", "rb") as maps:  # names may have any bytes
            for line in maps:
                span, _, _, device, inode, *_ = line.split()
                start, end = (int(limit, 16) for limit in span.split(b"-"))
                if start <= address < end:
                    major, minor = (int(number, 16) for number in device.split(b":"))
                    return os.makedev(major, minor), int(inode)
    except (OSError, ValueError):  # no /proc, or another file is mounted over it
        pass
    return None
