"""The kernel's binary interface of System V IPC: constants and structures.

Sources: linux/ipc.h, linux/msg.h, linux/shm.h, linux/sem.h and asm-generic/{ipc,msg,shm,sem}buf.h.
"""

import errno
import os
import struct
import sys
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from pyipcs.errors import IpcError
from pyipcs.model import RECORDS, SYSV, Kind

_MACHINE = os.uname().machine
# The structures below are those of x86-64 and of machines with unchanged asm-generic/*buf.h.
if _MACHINE not in {"x86_64", "aarch64", "riscv64", "loongarch64"} or sys.maxsize < 2**32:
    raise IpcError(errno.ENOSYS, f"the System V structures of {_MACHINE} are not known")

IPC_CREAT, IPC_EXCL, IPC_NOWAIT = 0o1000, 0o2000, 0o4000
IPC_SET, IPC_STAT, IPC_INFO = 1, 2, 3
MSG_NOERROR, MSG_EXCEPT, MSG_COPY = 0o10000, 0o20000, 0o40000
SHM_LOCK, SHM_UNLOCK = 11, 12
SEM_UNDO = 0o10000
GETPID, GETALL, GETNCNT, GETZCNT, SETVAL, SETALL = 11, 13, 14, 15, 16, 17
# *_STAT_ANY of Linux 4.17 needs no read permission; *_STAT of older kernels does.
STAT_ANY = {Kind.QUEUE: 13, Kind.SEGMENT: 15, Kind.SEMAPHORE: 20}
STAT = {Kind.QUEUE: 11, Kind.SEGMENT: 13, Kind.SEMAPHORE: 18}
INFO = {Kind.QUEUE: 12, Kind.SEGMENT: 14, Kind.SEMAPHORE: 19}

SEMBUF = struct.Struct("Hhh")  # struct sembuf
TIMESPEC = struct.Struct("qq")  # struct timespec
MTYPE = struct.Struct("l")  # the member of struct msgbuf before the body (msgop(2))


class CStruct:
    """A C structure, given by its members.

    A member is written as NAME:TYPE, with a type code of `struct`; the order is C's. Unused members
    have the name `_`.
    """

    def __init__(self, members: str) -> None:
        pairs = [member.split(":") for member in members.split()]
        self._members = [name for name, _ in pairs]
        self._types = [code for _, code in pairs]
        self._struct = struct.Struct("".join(self._types))
        self.size = self._struct.size

    def offset(self, name: str) -> int:
        """Return the offset of a member in bytes (offsetof(3))."""
        types = self._types[: self._members.index(name) + 1]
        return struct.calcsize("".join(types)) - struct.calcsize(types[-1])

    def unpack(self, buffer: Any) -> tuple[int, ...]:
        """Return the values of all members."""
        return self._struct.unpack_from(buffer)

    def picker(self, fields: Sequence[str]) -> Callable[[tuple[int, ...]], tuple[int, ...]]:
        """Return a function that selects fields of a result of `unpack`."""
        return itemgetter(*(self._members.index(field) for field in fields))

    def pack(self, values: Mapping[str, int]) -> bytes:
        """Return the structure with these members, and 0 in all others."""
        return self._struct.pack(*(values.get(name, 0) for name in self._members))


# struct ipc64_perm
_PERM = "key:i uid:I gid:I cuid:I cgid:I mode:I seq:H _:L _:L "
# x86-64 alone has a reserved word after each time of a semaphore set.
_SEM_TIMES = "otime:l _:L ctime:l _:L " if _MACHINE == "x86_64" else "otime:l ctime:l "
DATA = {
    Kind.QUEUE: CStruct(  # struct msqid64_ds
        _PERM + "stime:l rtime:l ctime:l cbytes:L qnum:L qbytes:L lspid:i lrpid:i _:L _:L"
    ),
    Kind.SEGMENT: CStruct(  # struct shmid64_ds
        _PERM + "segsz:L atime:l dtime:l ctime:l cpid:i lpid:i nattch:L _:L _:L"
    ),
    Kind.SEMAPHORE: CStruct(_PERM + _SEM_TIMES + "nsems:L _:L _:L"),  # struct semid64_ds
}
_MSGINFO = CStruct(  # struct msginfo
    "msgpool:i msgmap:i msgmax:i msgmnb:i msgmni:i msgssz:i msgtql:i _:H"
)
_SHMINFO = CStruct("shmmax:L shmmin:L shmmni:L _:L shmall:L _:L _:L _:L _:L")  # struct shminfo64
_SHM_INFO = CStruct(  # struct shm_info
    "used_ids:i shm_tot:L shm_rss:L shm_swp:L swap_attempts:L swap_successes:L"
)
_SEMINFO = CStruct(  # struct seminfo
    "_:i semmni:i semmns:i _:i semmsl:i semopm:i _:i semusz:i semvmx:i semaem:i"
)
# The results of IPC_INFO and of *_INFO. *_INFO stores counts in fields whose names mean limits.
LIMITS = {Kind.QUEUE: _MSGINFO, Kind.SEGMENT: _SHMINFO, Kind.SEMAPHORE: _SEMINFO}
USAGE = {Kind.QUEUE: _MSGINFO, Kind.SEGMENT: _SHM_INFO, Kind.SEMAPHORE: _SEMINFO}
INFO_SIZE = max(info.size for info in (_MSGINFO, _SHMINFO, _SHM_INFO, _SEMINFO))

_NOT_IN_DATA = {"id", "rss", "swap", "semaphores"}
# For each kind, a function that selects the values of a record from those of its structure in DATA.
PICK = {
    kind: DATA[kind].picker([name for name in RECORDS[kind]._fields if name not in _NOT_IN_DATA])
    for kind in SYSV
}
