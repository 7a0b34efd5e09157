"""The C library's System V calls, for what sysv_ipc has not.

Each function says which gap it fills. Every one raises IpcError with the kernel's errno.
"""

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from ctypes import c_char_p, c_int, c_long, c_size_t, c_ssize_t, c_void_p
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, overload

from pyipcs.errors import IpcError, ipc_error
from pyipcs.model import RECORDS, Kind, Message, Queue, Record, Semaphore, SemaphoreSet
from pyipcs.process.libc import LIBRARY, function

if TYPE_CHECKING:
    from pyipcs.sysv.info import Limits, QueueLimits, SegmentLimits, SemaphoreLimits, Usage

_MACHINE = os.uname().machine
# The machines whose structures are those below: x86-64, and who uses asm-generic/*buf.h as it is.
if _MACHINE not in {"x86_64", "aarch64", "riscv64", "loongarch64"} or sys.maxsize < 2**32:
    raise IpcError(errno.ENOSYS, f"the System V structures of {_MACHINE} are not known")

IPC_CREAT = 0o1000
IPC_EXCL = 0o2000
IPC_NOWAIT = 0o4000
MSG_NOERROR = 0o10000
MSG_EXCEPT = 0o20000
MSG_COPY = 0o40000
_IPC_SET, _IPC_STAT, _IPC_INFO = 1, 2, 3
_GETPID, _GETALL, _GETNCNT, _GETZCNT, _SETVAL, _SETALL = 11, 13, 14, 15, 16, 17
_SHM_LOCK, _SHM_UNLOCK = 11, 12
SEM_UNDO = 0o10000
# The *_STAT_ANY of Linux 4.17 ask for no read permission; the *_STAT of older kernels do.
_STAT_ANY = {Kind.QUEUE: 13, Kind.SEGMENT: 15, Kind.SEMAPHORE: 20}
_STAT = {Kind.QUEUE: 11, Kind.SEGMENT: 13, Kind.SEMAPHORE: 18}
_INFO = {Kind.QUEUE: 12, Kind.SEGMENT: 14, Kind.SEMAPHORE: 19}

_Buffer: TypeAlias = ctypes.Array[ctypes.c_char]


class _Layout:
    """A structure of the kernel: its members as NAME:TYPE, in C's order and the codes of `struct`.

    Those that nobody reads are called `_`.
    """

    def __init__(self, members: str) -> None:
        pairs = [member.split(":") for member in members.split()]
        self._members = [name for name, _ in pairs]
        self._types = [code for _, code in pairs]
        self._struct = struct.Struct("".join(self._types))
        self.size = self._struct.size

    def offset(self, name: str) -> int:
        """Where a member begins, in bytes."""
        types = self._types[: self._members.index(name) + 1]
        return struct.calcsize("".join(types)) - struct.calcsize(types[-1])

    def unpack(self, buffer: _Buffer) -> tuple[int, ...]:
        return self._struct.unpack_from(buffer)

    def picker(self, fields: Sequence[str]) -> Callable[[tuple[int, ...]], tuple[int, ...]]:
        """What picks the values of these fields out of those that `unpack` gives."""
        return itemgetter(*(self._members.index(field) for field in fields))

    def pack(self, values: Mapping[str, int]) -> _Buffer:
        """The structure with these members, and 0 in all others."""
        buffer = ctypes.create_string_buffer(self.size)
        self._struct.pack_into(buffer, 0, *(values.get(name, 0) for name in self._members))
        return buffer


# struct ipc64_perm
_PERM = "key:i uid:I gid:I cuid:I cgid:I mode:I seq:H _:L _:L "
# x86-64 alone kept a word behind each time of a semaphore set.
_SEM_TIMES = "otime:l _:L ctime:l _:L " if _MACHINE == "x86_64" else "otime:l ctime:l "
_DATA = {
    Kind.QUEUE: _Layout(  # struct msqid64_ds
        _PERM + "stime:l rtime:l ctime:l cbytes:L qnum:L qbytes:L lspid:i lrpid:i _:L _:L"
    ),
    Kind.SEGMENT: _Layout(  # struct shmid64_ds
        _PERM + "segsz:L atime:l dtime:l ctime:l cpid:i lpid:i nattch:L _:L _:L"
    ),
    Kind.SEMAPHORE: _Layout(_PERM + _SEM_TIMES + "nsems:L _:L _:L"),  # struct semid64_ds
}
_MSGINFO = _Layout(  # struct msginfo
    "msgpool:i msgmap:i msgmax:i msgmnb:i msgmni:i msgssz:i msgtql:i _:H"
)
_SHMINFO = _Layout("shmmax:L shmmin:L shmmni:L _:L shmall:L _:L _:L _:L _:L")  # struct shminfo64
_SHM_INFO = _Layout(  # struct shm_info
    "used_ids:i shm_tot:L shm_rss:L shm_swp:L swap_attempts:L swap_successes:L"
)
_SEMINFO = _Layout(  # struct seminfo
    "_:i semmni:i semmns:i _:i semmsl:i semopm:i _:i semusz:i semvmx:i semaem:i"
)
# What holds limits, and what usage.
_LIMITS = {Kind.QUEUE: _MSGINFO, Kind.SEGMENT: _SHMINFO, Kind.SEMAPHORE: _SEMINFO}
_USAGE = {Kind.QUEUE: _MSGINFO, Kind.SEGMENT: _SHM_INFO, Kind.SEMAPHORE: _SEMINFO}
# The fields of the records that the kernel's structures hold, and what picks them out.
_FIELDS = {
    kind: [name for name in record._fields if name not in {"id", "rss", "swap", "semaphores"}]
    for kind, record in RECORDS.items()
}
_PICK = {kind: _DATA[kind].picker(fields) for kind, fields in _FIELDS.items()}

_msgctl = function("msgctl", c_int, c_int, c_void_p)
_shmctl = function("shmctl", c_int, c_int, c_void_p)
_semctl = function("semctl", c_int, c_int, c_int, c_void_p)
_shmget = function("shmget", c_int, c_size_t, c_int)
_semget = function("semget", c_int, c_int, c_int)
_ftok = function("ftok", c_char_p, c_int)
_msgsnd = function("msgsnd", c_int, c_char_p, c_size_t, c_int)
_msgrcv = function("msgrcv", c_int, c_void_p, c_size_t, c_long, c_int, restype=c_ssize_t)
_semtimedop = function("semtimedop", c_int, c_char_p, c_size_t, c_void_p)
_SEMBUF = struct.Struct("Hhh")  # struct sembuf
_TIMESPEC = struct.Struct("qq")
_LONG = struct.Struct("l")  # the type, before the body of a message (msgop(2))


def _control(kind: Kind, number: int, command: int, argument: _Buffer) -> int:
    """The kind's *ctl(2); NUMBER is an id, or an index for the *_STAT commands.

    Of an id these look at the index in its low bits: 15 of them, or 24 with ipcmni_extend.
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
    """shmget(2), for sysv_ipc attaches what it opens and fills what it creates."""
    return cast(int, _shmget(key, size, flags))


def semget(key: int, nsems: int, flags: int) -> int:
    """semget(2), for sysv_ipc creates sets of one semaphore and sets its value."""
    return cast(int, _semget(key, nsems, flags))


def ftok(path: bytes, project: int) -> int:
    """ftok(3), for sysv_ipc takes no path that is not UTF-8."""
    return cast(int, _ftok(path, project))


def msgsnd(msqid: int, type_: int, body: bytes, flags: int) -> None:
    """msgsnd(2), for sysv_ipc reaches no private queue, and takes no type over an int.

    Raises:
        BusyError: the queue is full, and IPC_NOWAIT is among the flags.
        InterruptError: a signal came while the call waited.
        NotFoundError: the queue was removed meanwhile.
        IpcError: EINVAL, there is no such queue, or the body is over msgmax.
    """
    _msgsnd(msqid, _LONG.pack(type_) + body, len(body), flags)


def room(size: int) -> _Buffer:
    """Room for a message with a body of so many bytes, to be used for any number of them."""
    return ctypes.create_string_buffer(_LONG.size + size)


def msgrcv(msqid: int, buffer: _Buffer, type_: int, flags: int) -> Message:
    """msgrcv(2), for sysv_ipc reaches no private queue, and knows none of the MSG_ flags.

    Args:
        msqid: the queue.
        buffer: what `room` gave, for the largest body that is wanted.
        type_: which message; with MSG_COPY its place on the queue, from 0.
        flags: IPC_NOWAIT and those that begin with MSG_.

    Raises:
        TooBigError: the message has more bytes, and MSG_NOERROR is not among the flags.
        BusyError: there is no such message, and IPC_NOWAIT is among the flags.
        InterruptError: a signal came while the call waited.
        NotFoundError: the queue was removed meanwhile.
        IpcError: EINVAL, there is no such queue; ENOSYS, the kernel has no MSG_COPY.
    """
    taken = _msgrcv(msqid, buffer, len(buffer) - _LONG.size, type_, flags)
    (found,) = _LONG.unpack_from(buffer)
    return Message(found, cast(bytes, buffer[_LONG.size : _LONG.size + taken]))


def _stat(kind: Kind, number: int, command: int) -> Record:
    layout = _DATA[kind]
    buffer = ctypes.create_string_buffer(layout.size)
    result = _control(kind, number, command, buffer)
    object_id = number if command == _IPC_STAT else result
    key, *fields = _PICK[kind](layout.unpack(buffer))
    record: Any = RECORDS[kind]
    return cast(Record, record(key, object_id, *fields))


@contextmanager
def _invalid_is_missing() -> Iterator[None]:
    """EINVAL as what it means to the *ctl(2) commands that look: no object has this id."""
    try:
        yield
    except IpcError as error:
        if error.errno == errno.EINVAL:
            raise ipc_error(errno.ENOENT) from None
        raise


def stat(kind: Kind, object_id: int) -> Record:
    """One object by its id, also where its mode forbids reading (since Linux 4.17).

    sysv_ipc reaches objects by key only, and needs read permission.

    Raises:
        NotFoundError: there is no object of that id.
        DeniedError: the kernel is older, and the caller may not read the object.
    """
    with suppress(IpcError):  # a free index, or a kernel that has not the command
        record = _stat(kind, object_id, _STAT_ANY[kind])
        if record.id == object_id:  # and not another that has its index
            return record
    with _invalid_is_missing():
        return _stat(kind, object_id, _IPC_STAT)


def qbytes(msqids: Iterable[int]) -> Iterator[int | None]:
    """The qbytes of many queues, as `stat` tells them but with little done for each.

    It is None for a queue of which they cannot be told in this way, as one that has just gone.
    sysv_ipc reaches queues by key only, and needs read permission.
    """
    layout = _DATA[Kind.QUEUE]
    buffer = ctypes.create_string_buffer(layout.size)
    found = ctypes.c_ulong.from_buffer(buffer, layout.offset("qbytes"))
    pointer, stat_any = ctypes.byref(buffer), c_int(_STAT_ANY[Kind.QUEUE])
    msgctl = LIBRARY["msgctl"]  # one of its own, which is not checked
    for msqid in msqids:
        yield found.value if msgctl(msqid, stat_any, pointer) == msqid else None


def scan(kind: Kind) -> Iterator[Record]:
    """All objects of a kind, where /proc/sysvipc is not there; sysv_ipc lists nothing.

    Those that go meanwhile are left out, and so are, before Linux 4.17, those that the caller
    may not read.
    """
    highest = _control(kind, 0, _INFO[kind], _info_buffer())
    for index in range(highest + 1):
        for command in (_STAT_ANY[kind], _STAT[kind]):
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
    """The kernel's limits of a kind (IPC_INFO); sysv_ipc knows none."""
    from pyipcs.sysv.info import LIMITS

    return cast("Limits", _info(kind, _IPC_INFO, LIMITS[kind], _LIMITS[kind]))


def usage(kind: Kind) -> "Usage":
    """What is in use of a kind (*_INFO); sysv_ipc does not tell."""
    from pyipcs.sysv.info import USAGE

    return cast("Usage", _info(kind, _INFO[kind], USAGE[kind], _USAGE[kind]))


def _info(kind: Kind, command: int, record: Any, layout: _Layout) -> Any:
    buffer = _info_buffer()
    _control(kind, 0, command, buffer)
    return record._make(layout.picker(record._fields)(layout.unpack(buffer)))


def _info_buffer() -> _Buffer:
    """Room for the largest of the *info structures."""
    return ctypes.create_string_buffer(_SHMINFO.size)


def change(
    kind: Kind,
    object_id: int,
    *,
    uid: int | None = None,
    gid: int | None = None,
    mode: int | None = None,
    qbytes: int | None = None,
) -> None:
    """Change what is given, in one IPC_SET; sysv_ipc sets one field a call, and by key only.

    Raises:
        NotFoundError: there is no such object.
        DeniedError: the caller neither owns nor created it, or leaves a queue's qbytes over
            msgmnb, be they changed or not, without CAP_SYS_RESOURCE (msgctl(2)).
        IpcError: EINVAL, the user namespace has no such user or group, or the object went
            meanwhile.
    """
    # IPC_SET reads the mode and qbytes too, so that all begin with what they are.
    record = stat(kind, object_id)
    members = {"uid": record.uid, "gid": record.gid, "mode": record.mode}
    if isinstance(record, Queue) and record.qbytes is not None:
        members["qbytes"] = record.qbytes
    given = {"uid": uid, "gid": gid, "mode": mode, "qbytes": qbytes}
    members |= {name: value for name, value in given.items() if value is not None}
    _control(kind, object_id, _IPC_SET, _DATA[kind].pack(members))


def semaphores(semid: int, nsems: int) -> tuple[Semaphore, ...]:
    """Each semaphore of a set, which needs read permission; sysv_ipc sees the first alone.

    The values are read in one call, the counts and pids one by one.

    Args:
        semid: the set.
        nsems: exactly how many it has, which never changes; the kernel writes as many values.

    Raises:
        NotFoundError: there is no such set, or it went meanwhile.
        DeniedError: the caller may not read it.
    """
    values = (ctypes.c_ushort * nsems)()
    with _invalid_is_missing():
        _semctl(semid, 0, _GETALL, values)
        return tuple(
            Semaphore(
                num,
                values[num],
                *(_semctl(semid, num, command, None) for command in (_GETNCNT, _GETZCNT, _GETPID)),
            )
            for num in range(nsems)
        )


def set_values(semid: int, values: Sequence[int]) -> None:
    """Give every semaphore of a set its value at once (SETALL); sysv_ipc sets the first alone.

    Raises:
        NotFoundError: there is no such set.
        DeniedError: the caller may not alter it.
        IpcError: EINVAL, it has more semaphores or fewer, or went meanwhile; ERANGE, a value is
            over SEMVMX.
    """
    # SETALL reads as many values as the set has semaphores, wherever what it is given ends. Their
    # number never changes.
    if len(values) != cast(SemaphoreSet, stat(Kind.SEMAPHORE, semid)).nsems:
        raise ipc_error(errno.EINVAL)
    _semctl(semid, 0, _SETALL, (ctypes.c_ushort * len(values))(*values))


def set_value(semid: int, semnum: int, value: int) -> None:
    """Give one semaphore its value (SETVAL); sysv_ipc sets that of the first alone.

    Raises:
        DeniedError: the caller may not alter the set.
        IpcError: EINVAL, there is no such set, or it has no such semaphore; ERANGE, the value is
            over SEMVMX.
    """
    _semctl(semid, semnum, _SETVAL, value)


def semtimedop(
    semid: int, operations: Iterable[tuple[int, int, int]], timeout: float | None
) -> None:
    """semtimedop(2), for sysv_ipc does one operation, on the first semaphore of a set with a key.

    Args:
        semid: the set.
        operations: each as its semaphore, what is added (0 waits for zero), and its flags.
        timeout: the seconds to wait; None is for ever.

    Raises:
        BusyError: the time is over, or IPC_NOWAIT is among the flags of what had to wait.
        InterruptError: a signal came while the call waited.
        NotFoundError: the set was removed meanwhile.
        DeniedError: the caller may not alter the set, or, to wait for zero, not read it.
        IpcError: EINVAL, there is no such set; EFBIG, it has no such semaphore; ERANGE, a value
            would be over SEMVMX.
        TooBigError: there are more than SEMOPM operations.
    """
    buffer = b"".join(_SEMBUF.pack(*operation) for operation in operations)
    pause = None if timeout is None else _TIMESPEC.pack(int(timeout), int(timeout % 1 * 1e9))
    _semtimedop(semid, buffer, len(buffer) // _SEMBUF.size, pause)


def lock(shmid: int, *, locked: bool) -> None:
    """Keep a segment out of swap, or no more (SHM_LOCK, SHM_UNLOCK), which sysv_ipc cannot.

    Raises:
        DeniedError: the caller neither owns nor created it, or its RLIMIT_MEMLOCK is 0.
        IpcError: EINVAL, there is no such segment; ENOMEM, it goes over RLIMIT_MEMLOCK.
    """
    _shmctl(shmid, _SHM_LOCK if locked else _SHM_UNLOCK, None)
