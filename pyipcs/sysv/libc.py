"""The C library's System V calls that sysv_ipc does not make.

Each docstring has the limitation of sysv_ipc. All functions raise IpcError with the kernel's errno.
"""

import ctypes
import errno
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from ctypes import c_char_p, c_int, c_long, c_size_t, c_ssize_t, c_void_p
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, overload

from pyipcs.errors import NO_SYSV, IpcError, checked, ipc_error, missing_if_einval
from pyipcs.model import (
    INT_MAX,
    RECORDS,
    SEMVMX,
    Kind,
    Message,
    Queue,
    Semaphore,
    SemaphoreSet,
    SysvRecord,
)
from pyipcs.process.libc import function
from pyipcs.sysv import abi

if TYPE_CHECKING:
    from pyipcs.sysv.info import (
        Limits,
        QueueLimits,
        QueueUsage,
        SegmentLimits,
        SegmentUsage,
        SemaphoreLimits,
        SemaphoreUsage,
        Usage,
    )

_USHRT_MAX, _SIZE_MAX = 2**16 - 1, 2**64 - 1
_TIMEOUT_MAX = 2**32  # seconds; a longer wait has no end

_Buffer: TypeAlias = ctypes.Array[ctypes.c_char]


def _check(result: int, _function: object, _arguments: object) -> int:
    if result == -1:
        raise ipc_error(ctypes.get_errno(), NO_SYSV)
    return result


_function = partial(function, check=_check)
_msgctl = _function("msgctl", c_int, c_int, c_void_p)
_shmctl = _function("shmctl", c_int, c_int, c_void_p)
_semctl = _function("semctl", c_int, c_int, c_int, c_void_p)
_shmget = _function("shmget", c_int, c_size_t, c_int)
_semget = _function("semget", c_int, c_int, c_int)
_ftok = function("ftok", c_char_p, c_int)
_msgsnd = _function("msgsnd", c_int, c_char_p, c_size_t, c_int)
_msgrcv = _function("msgrcv", c_int, c_void_p, c_size_t, c_long, c_int, restype=c_ssize_t)
_semtimedop = _function("semtimedop", c_int, c_char_p, c_size_t, c_void_p)


def _control(kind: Kind, number: int, command: int, argument: _Buffer | bytes) -> int:
    """Call msgctl(2), shmctl(2) or semctl(2).

    Args:
        kind: the kind of the object, which selects the call.
        number: an id; for *_STAT and *_STAT_ANY an index. If it is an id, the kernel uses the low
            15 bits as the index, or 24 bits with ipcmni_extend.
        command: the command, as IPC_STAT.
        argument: the structure that the kernel reads or writes.
    """
    match kind:
        case Kind.QUEUE:
            result = _msgctl(number, command, argument)
        case Kind.SEGMENT:
            result = _shmctl(number, command, argument)
        case Kind.SEMAPHORE:
            result = _semctl(number, 0, command, argument)
    return cast(int, result)


def shmget(key: int, size: int, flags: int) -> int:
    """Call shmget(2).

    sysv_ipc attaches each segment that it opens, and writes to each segment that it creates.
    """
    return cast(int, _shmget(key, checked(size, 0, _SIZE_MAX), flags))


def semget(key: int, nsems: int, flags: int) -> int:
    """Call semget(2).

    sysv_ipc creates only sets of one semaphore, and sets its value.
    """
    return cast(int, _semget(key, checked(nsems, 0, INT_MAX), flags))


def ftok(path: bytes, project: int) -> int:
    """Call ftok(3); sysv_ipc accepts only paths in UTF-8."""
    return cast(int, _ftok(path, project))


def msgsnd(msqid: int, type_: int, body: bytes, flags: int) -> None:
    """Call msgsnd(2).

    sysv_ipc cannot open a private queue, nor send a type above INT_MAX.

    Raises:
        BusyError: the queue is full, and the flags include IPC_NOWAIT.
        InterruptError: a signal arrived while the call waited.
        NotFoundError: the queue was removed while the call waited.
        IpcError: EINVAL, there is no such queue, or the body is larger than msgmax.
    """
    _msgsnd(msqid, abi.MTYPE.pack(type_) + body, len(body), flags)


def message_buffer(size: int) -> _Buffer:
    """Return a buffer for `msgrcv` with bodies of up to `size` bytes."""
    return ctypes.create_string_buffer(abi.MTYPE.size + size)


def msgrcv(msqid: int, buffer: _Buffer, type_: int, flags: int) -> Message:
    """Call msgrcv(2).

    sysv_ipc cannot open a private queue, and lacks the MSG_ flags.

    Args:
        msqid: the id of the queue.
        buffer: a result of `message_buffer` for the largest body; several calls may use it.
        type_: the type of the message; with MSG_COPY its index on the queue, from 0.
        flags: IPC_NOWAIT, MSG_NOERROR, MSG_EXCEPT and MSG_COPY.

    Raises:
        TooBigError: the body is larger than the buffer, and the flags lack MSG_NOERROR.
        BusyError: there is no such message, and the flags include IPC_NOWAIT.
        InterruptError: a signal arrived while the call waited.
        NotFoundError: the queue was removed while the call waited.
        IpcError: EINVAL, there is no such queue; ENOSYS, the kernel has no MSG_COPY.
    """
    size = _msgrcv(msqid, buffer, len(buffer) - abi.MTYPE.size, type_, flags)
    (received,) = abi.MTYPE.unpack_from(buffer)
    return Message(received, cast(bytes, buffer[abi.MTYPE.size : abi.MTYPE.size + size]))


def _stat(kind: Kind, number: int, command: int) -> SysvRecord:
    buffer = ctypes.create_string_buffer(abi.DATA[kind].size)
    result = _control(kind, number, command, buffer)
    object_id = number if command == abi.IPC_STAT else result
    key, *fields = abi.PICK[kind](abi.DATA[kind].unpack(buffer))
    record: Any = RECORDS[kind]
    return cast(SysvRecord, record(key, object_id, *fields))


@contextmanager
def _einval_is_missing() -> Iterator[None]:
    """Raise NotFoundError for EINVAL, its only meaning for commands that read."""
    try:
        yield
    except IpcError as error:
        raise missing_if_einval(error) from None


def stat(kind: Kind, object_id: int) -> SysvRecord:
    """Return an object's record; since Linux 4.17 this requires no permission.

    sysv_ipc opens objects by key only, and requires read permission.

    Raises:
        NotFoundError: there is no object with this id.
        DeniedError: the kernel is older, and the caller may not read the object.
    """
    with suppress(IpcError):  # the index is free, or the kernel lacks the command
        record = _stat(kind, object_id, abi.STAT_ANY[kind])
        if record.id == object_id:  # another object may have the same index
            return record
    with _einval_is_missing():
        return _stat(kind, object_id, abi.IPC_STAT)


def qbytes(msqids: Iterable[int]) -> Iterator[int | None]:
    """Yield the qbytes of many queues, faster than `stat`.

    Yield None if MSG_STAT_ANY fails, for example for a removed queue. sysv_ipc opens queues by key
    only, and requires read permission.
    """
    layout = abi.DATA[Kind.QUEUE]
    buffer = ctypes.create_string_buffer(layout.size)
    value = ctypes.c_ulong.from_buffer(buffer, layout.offset("qbytes"))
    msgctl, arguments = _stat_any(Kind.QUEUE, buffer)
    for msqid in msqids:
        yield value.value if msgctl(msqid, *arguments) == msqid else None


def stat_each(kind: Kind, ids: Iterable[int]) -> Iterator[SysvRecord | None]:
    """Yield the records of many objects, faster than `stat`.

    Each record is read when the caller asks for it. Yield None if *_STAT_ANY fails, or if another
    object has the index of an id.
    """
    layout, pick = abi.DATA[kind], abi.PICK[kind]
    record: Any = RECORDS[kind]
    buffer = ctypes.create_string_buffer(layout.size)
    control, arguments = _stat_any(kind, buffer)
    for object_id in ids:
        if control(object_id, *arguments) == object_id:
            key, *fields = pick(layout.unpack(buffer))
            yield record(key, object_id, *fields)
        else:
            yield None


def _stat_any(kind: Kind, buffer: _Buffer) -> tuple[Any, tuple[Any, ...]]:
    """Return the function for *_STAT_ANY, and its arguments after the id.

    It neither checks for errors nor releases the GIL, which saves a fifth of the time.
    """
    number = (c_int(0),) if kind is Kind.SEMAPHORE else ()  # semctl(2) has one more argument
    arguments = (*number, c_int(abi.STAT_ANY[kind]), ctypes.byref(buffer))
    return ctypes.PyDLL(None)[f"{kind.value}ctl"], arguments


def scan(kind: Kind) -> Iterator[SysvRecord]:
    """Yield all objects of a kind without /proc/sysvipc.

    sysv_ipc has no listing. Omit objects that are removed meanwhile; before Linux 4.17, omit also
    objects that the caller may not read.
    """
    highest = _control(kind, 0, abi.INFO[kind], _info_buffer())
    for index in range(highest + 1):
        for command in (abi.STAT_ANY[kind], abi.STAT[kind]):
            try:
                record = _stat(kind, index, command)
            except IpcError:
                continue
            yield record
            break


@overload
def limits(kind: Literal[Kind.QUEUE]) -> "QueueLimits": ...
@overload
def limits(kind: Literal[Kind.SEGMENT]) -> "SegmentLimits": ...
@overload
def limits(kind: Literal[Kind.SEMAPHORE]) -> "SemaphoreLimits": ...
@overload
def limits(kind: Kind) -> "Limits": ...
def limits(kind: Kind) -> "Limits":
    """Return the limits of a kind (IPC_INFO), which sysv_ipc does not read."""
    from pyipcs.sysv.info import LIMITS

    return cast("Limits", _info(kind, abi.IPC_INFO, LIMITS[kind], abi.LIMITS[kind]))


@overload
def usage(kind: Literal[Kind.QUEUE]) -> "QueueUsage": ...
@overload
def usage(kind: Literal[Kind.SEGMENT]) -> "SegmentUsage": ...
@overload
def usage(kind: Literal[Kind.SEMAPHORE]) -> "SemaphoreUsage": ...
@overload
def usage(kind: Kind) -> "Usage": ...
def usage(kind: Kind) -> "Usage":
    """Return the usage of a kind (*_INFO), which sysv_ipc does not read."""
    from pyipcs.sysv.info import USAGE

    return cast("Usage", _info(kind, abi.INFO[kind], USAGE[kind], abi.USAGE[kind]))


def _info(kind: Kind, command: int, record: Any, layout: abi.CStruct) -> Any:
    buffer = _info_buffer()
    _control(kind, 0, command, buffer)
    return record._make(layout.picker(record._fields)(layout.unpack(buffer)))


def _info_buffer() -> _Buffer:
    return ctypes.create_string_buffer(abi.INFO_SIZE)


def change(
    kind: Kind,
    object_id: int,
    *,
    uid: int | None = None,
    gid: int | None = None,
    mode: int | None = None,
    qbytes: int | None = None,
    record: SysvRecord | None = None,
) -> None:
    """Change the given fields in one IPC_SET.

    sysv_ipc sets one field in each call, and opens objects by key only.

    Args:
        kind: the kind of the object.
        object_id: the id of the object.
        uid: the new owner.
        gid: the new group.
        mode: the new permissions.
        qbytes: the new size of a queue.
        record: the record with the other fields, which IPC_SET sets as well; None to read it.

    Raises:
        NotFoundError: there is no such object.
        DeniedError: the caller neither owns nor created the object, or the qbytes of the queue, new
            or unchanged, exceed msgmnb and the caller lacks CAP_SYS_RESOURCE (msgctl(2)).
        IpcError: EINVAL, the user namespace has no such user or group, or the object was removed
            meanwhile.
    """
    if record is None:
        record = stat(kind, object_id)
    members = {"uid": record.uid, "gid": record.gid, "mode": record.mode}
    if isinstance(record, Queue) and record.qbytes is not None:
        members["qbytes"] = record.qbytes
    given = {"uid": uid, "gid": gid, "mode": mode, "qbytes": qbytes}
    members |= {name: value for name, value in given.items() if value is not None}
    try:
        data = abi.DATA[kind].pack(members)
    except struct.error:  # a number that its member cannot hold
        raise ipc_error(errno.EINVAL) from None
    _control(kind, object_id, abi.IPC_SET, data)


def semaphores(semid: int, nsems: int) -> tuple[Semaphore, ...]:
    """Return all semaphores of a set; this requires read permission.

    sysv_ipc reads the first semaphore only. One call returns all values; each count and each pid
    takes a separate call.

    Args:
        semid: the id of the set.
        nsems: the exact size of the set, which never changes; the kernel writes this many values.

    Raises:
        NotFoundError: there is no such set, or it was removed meanwhile.
        DeniedError: the caller may not read the set.
    """
    values = (ctypes.c_ushort * nsems)()
    with _einval_is_missing():
        _semctl(semid, 0, abi.GETALL, values)
        commands = (abi.GETNCNT, abi.GETZCNT, abi.GETPID)
        return tuple(
            Semaphore(
                num, values[num], *(_semctl(semid, num, command, None) for command in commands)
            )
            for num in range(nsems)
        )


def set_values(semid: int, values: Sequence[int], nsems: int | None = None) -> None:
    """Set the values of all semaphores of a set (SETALL).

    sysv_ipc sets the first semaphore only.

    Args:
        semid: the id of the set.
        values: the values, in the order of the semaphores.
        nsems: the size of the set, which never changes; None to read it.

    Raises:
        NotFoundError: there is no such set.
        DeniedError: the caller may not alter the set.
        IpcError: EINVAL, there are more or fewer values than semaphores, or the set was removed
            meanwhile; ERANGE, a value is larger than SEMVMX.
    """
    # SETALL reads a value for each semaphore, even beyond the end of a shorter array.
    if nsems is None:
        nsems = cast(SemaphoreSet, stat(Kind.SEMAPHORE, semid)).nsems
    if len(values) != nsems:
        raise ipc_error(errno.EINVAL)
    for value in values:
        checked(value, 0, SEMVMX, errno.ERANGE)
    _semctl(semid, 0, abi.SETALL, (ctypes.c_ushort * len(values))(*values))


def set_value(semid: int, semnum: int, value: int) -> None:
    """Set the value of one semaphore (SETVAL); sysv_ipc sets the first only.

    Raises:
        DeniedError: the caller may not alter the set.
        IpcError: EINVAL, there is no such set, or it has no such semaphore; ERANGE, the value is
            larger than SEMVMX.
    """
    checked(value, 0, SEMVMX, errno.ERANGE)
    _semctl(semid, checked(semnum, 0, INT_MAX), abi.SETVAL, value)


def semtimedop(
    semid: int, operations: Iterable[tuple[int, int, int]], timeout: float | None
) -> None:
    """Call semtimedop(2).

    sysv_ipc operates only on the first semaphore of a set with a key.

    Args:
        semid: the id of the set.
        operations: the sem_num, sem_op and sem_flg of each operation.
        timeout: the limit of the wait in seconds; None is no limit.

    Raises:
        BusyError: the timeout has expired, or an operation with IPC_NOWAIT would have to wait.
        InterruptError: a signal arrived while the call waited.
        NotFoundError: the set was removed while the call waited.
        DeniedError: the caller may not alter the set, or may not read it to wait for zero.
        IpcError: EINVAL, there is no such set; EFBIG, it has no such semaphore; ERANGE, a value
            would become larger than SEMVMX.
        TooBigError: there are more than SEMOPM operations.
    """
    sembufs = b"".join(
        abi.SEMBUF.pack(
            checked(semnum, 0, _USHRT_MAX, errno.EFBIG),
            checked(change, -SEMVMX - 1, SEMVMX, errno.ERANGE),
            flags,
        )
        for semnum, change, flags in operations
    )
    pause = None
    if timeout is not None and timeout < _TIMEOUT_MAX:
        pause = abi.TIMESPEC.pack(int(timeout), int(timeout % 1 * 1e9))
    _semtimedop(semid, sembufs, len(sembufs) // abi.SEMBUF.size, pause)


def lock(shmid: int, *, locked: bool) -> None:
    """Lock or unlock a segment (SHM_LOCK, SHM_UNLOCK); sysv_ipc does neither.

    Raises:
        DeniedError: the caller neither owns nor created the segment, or its RLIMIT_MEMLOCK is 0.
        IpcError: EINVAL, there is no such segment; ENOMEM, RLIMIT_MEMLOCK is exceeded.
    """
    _shmctl(shmid, abi.SHM_LOCK if locked else abi.SHM_UNLOCK, None)
