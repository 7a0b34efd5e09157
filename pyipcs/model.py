"""The kernel's records, under the kernel's field names.

Times are seconds since the epoch (0: never), sizes are bytes. Pids belong to the reader's PID
namespace (0: none, or a process of another namespace). Keys have 32 bits with a sign, like key_t.
"""

from collections.abc import Callable
from enum import Enum
from operator import itemgetter
from typing import NamedTuple, TypeAlias

SHM_DEST = 0o1000  # shmctl(2): destroyed when the last process detaches
SHM_LOCKED = 0o2000  # shmctl(2): locked in memory
INT_MAX = 2**31 - 1  # the highest id, and the highest value of any int of the kernel
LONG_MAX = 2**63 - 1  # the highest type of a message, and the highest off_t
SEMVMX = 32767  # semctl(2): the largest value of a semaphore, fixed in the kernel


class Kind(Enum):
    """A kind of object; ipcrm(1) uses the values as names."""

    QUEUE = "msg"
    SEGMENT = "shm"
    SEMAPHORE = "sem"
    POSIX_QUEUE = "pmsg"
    POSIX_SEGMENT = "pshm"
    POSIX_SEMAPHORE = "psem"

    @property
    def noun(self) -> str:
        """The noun for one object."""
        return _NOUNS[self.value]

    @property
    def id_field(self) -> str:
        """The field that identifies an object among those of its kind."""
        return "name" if self in POSIX else "id"

    @property
    def collection(self) -> str:
        """The name of a list of objects in JSON."""
        return _COLLECTIONS[self.value]

    @property
    def plural(self) -> str:
        """The noun for several objects."""
        return f"{self.noun}s"

    @property
    def title(self) -> str:
        """The title of a table of objects."""
        return _TITLES.get(self.value) or self.plural.capitalize()


# By the values of kinds, because an Enum is slow to hash.
_NOUNS = {
    "msg": "message queue",
    "shm": "segment",
    "sem": "semaphore set",
    "pmsg": "POSIX queue",
    "pshm": "POSIX segment",
    "psem": "POSIX semaphore",
}
_COLLECTIONS = {
    "msg": "queues",
    "shm": "shmems",
    "sem": "semaphores",
    "pmsg": "posix_queues",
    "pshm": "posix_shmems",
    "psem": "posix_semaphores",
}
_TITLES = {
    "shm": "Shared memory segments",
    "pmsg": "POSIX message queues",
    "pshm": "POSIX shared memory segments",
    "psem": "POSIX semaphores",
}
SYSV = (Kind.QUEUE, Kind.SEGMENT, Kind.SEMAPHORE)
POSIX = (Kind.POSIX_QUEUE, Kind.POSIX_SEGMENT, Kind.POSIX_SEMAPHORE)
# The POSIX kind with the noun of a System V kind.
COUNTERPARTS = dict(zip(SYSV, POSIX, strict=True))
# The kinds in /dev/shm, which belongs to a mount. All others belong to an IPC namespace.
IN_SHM = (Kind.POSIX_SEGMENT, Kind.POSIX_SEMAPHORE)
QUEUES = (Kind.QUEUE, Kind.POSIX_QUEUE)


class By(Enum):
    """The property that identifies the object of a target."""

    ID = "id"
    KEY = "key"
    NAME = "name"


class Target(NamedTuple):
    """An object as the user named it.

    Attributes:
        by: the property that identifies the object.
        number: the id, or the key as key_t; 0 for a name.
        typed: the user's text, for messages.
        name: the name of a POSIX object, with its slash; empty for others.
    """

    by: By
    number: int
    typed: str
    name: str = ""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds whose objects the target can name."""
        return POSIX if self.by is By.NAME else SYSV


class State(Enum):
    """The state of an object by its use."""

    IN_USE = "in-use"
    ORPHANED = "orphaned"
    SUSPECT = "suspect"
    UNKNOWN = "unknown"


class View(Enum):
    """The sets of columns that ipcs(1) has options for."""

    STATUS = "status"
    TIME = "time"
    PID = "pid"
    CREATOR = "creator"


class Unit(Enum):
    """The unit of sizes; DEFAULT depends on the format, in ipcs on the size."""

    DEFAULT = "default"
    BYTES = "bytes"
    HUMAN = "human"


# The acts on the record of an object: the pid of the process, and the time.
Acts: TypeAlias = tuple[tuple[int, int], ...]


class Semaphore(NamedTuple):
    """One semaphore of a set (semctl(2)).

    Attributes:
        num: the number of the semaphore in its set.
        value: the value (semval).
        ncount: the number of processes that wait for a larger value (semncnt).
        zcount: the number of processes that wait for zero (semzcnt).
        pid: the pid of the last process that operated on it (sempid).
    """

    num: int
    value: int
    ncount: int
    zcount: int
    pid: int


class Queue(NamedTuple):
    """A message queue (struct msqid_ds, msgctl(2)).

    `qbytes` is None in a listing of /proc/sysvipc, which has no such column.
    """

    key: int
    id: int
    mode: int
    cbytes: int
    qnum: int
    lspid: int
    lrpid: int
    uid: int
    gid: int
    cuid: int
    cgid: int
    stime: int
    rtime: int
    ctime: int
    qbytes: int | None = None

    @property
    def kind(self) -> Kind:
        """The record's kind."""
        return Kind.QUEUE

    @property
    def acts(self) -> Acts:
        """The last send and the last receive."""
        return (self.lspid, self.stime), (self.lrpid, self.rtime)


class Segment(NamedTuple):
    """A shared memory segment (struct shmid_ds, shmctl(2)).

    `rss` and `swap` are bytes, and None if the kernel does not report them.
    """

    key: int
    id: int
    mode: int
    segsz: int
    cpid: int
    lpid: int
    nattch: int
    uid: int
    gid: int
    cuid: int
    cgid: int
    atime: int
    dtime: int
    ctime: int
    rss: int | None = None
    swap: int | None = None

    @property
    def kind(self) -> Kind:
        """The record's kind."""
        return Kind.SEGMENT

    @property
    def creation_time(self) -> int:
        """The earliest known time, at or after the creation (`earliest_time`)."""
        return earliest_time(self.ctime, self.atime, self.dtime)

    @property
    def last_use_time(self) -> int:
        """The time of the last attach or detach."""
        return max(self.atime, self.dtime)

    @property
    def acts(self) -> Acts:
        """The creation and the last use."""
        return (self.cpid, self.creation_time), (self.lpid, self.last_use_time)

    @property
    def dest(self) -> bool:
        """True if the kernel destroys the segment when the last process detaches."""
        return bool(self.mode & SHM_DEST)

    @property
    def locked(self) -> bool:
        """True if the segment is locked in memory."""
        return bool(self.mode & SHM_LOCKED)


def earliest_time(ctime: int, atime: int, dtime: int) -> int:
    """Return the earliest known time of a segment, at or after its creation.

    IPC_SET changes ctime (shmctl(2)), so the first use may be earlier.
    """
    return min(ctime, atime or ctime, dtime or ctime)


class SemaphoreSet(NamedTuple):
    """A semaphore set (struct semid_ds, semctl(2)).

    `semaphores` is None unless the details of the set were read.
    """

    key: int
    id: int
    mode: int
    nsems: int
    uid: int
    gid: int
    cuid: int
    cgid: int
    otime: int
    ctime: int
    semaphores: tuple[Semaphore, ...] | None = None

    @property
    def kind(self) -> Kind:
        """The record's kind."""
        return Kind.SEMAPHORE

    @property
    def last_use_time(self) -> int:
        """The time of the last use, or of the creation.

        SETVAL changes only ctime (semctl(2)).
        """
        return max(self.otime, self.ctime)

    @property
    def acts(self) -> Acts:
        """The last operations on each semaphore, as far as the details were read."""
        return tuple((one.pid, self.last_use_time) for one in self.semaphores or ())


class Message(NamedTuple):
    """A message of a queue.

    Attributes:
        type: the type, which is positive (msgop(2)); in a POSIX queue the priority.
        body: the body.
    """

    type: int
    body: bytes


class MessageField(NamedTuple):
    """The number that each message of a queue has beside its body.

    Attributes:
        name: the name of the number.
        default: the number of a message for which none is given.
        least: the smallest number.
        most: the largest number.
    """

    name: str
    default: int
    least: int
    most: int


MESSAGE_TYPE = MessageField("type", 1, 1, LONG_MAX)
MESSAGE_PRIORITY = MessageField("priority", 0, 0, 32767)  # MQ_PRIO_MAX - 1 (mq_send(3))


class Wanted(NamedTuple):
    """The messages to receive, by the rules of msgrcv(2).

    Attributes:
        type: 0 for any message, N for messages of type N, -N for the lowest type up to N.
        others: True to receive messages of any other type (MSG_EXCEPT).
        max_size: the largest body to receive, in bytes; None is no limit.
        truncate: True to cut a larger body and lose the rest (MSG_NOERROR).
    """

    type: int = 0
    others: bool = False
    max_size: int | None = None
    truncate: bool = False


class PosixQueue(NamedTuple):
    """A POSIX message queue (mq_overview(7)).

    A value is None if it was not read, or if the caller may not read it.

    Attributes:
        name: the name with its slash; invalid UTF-8 is escaped as by os.fsdecode.
        inode: the inode in the mqueue file system.
        device: the device of that file system, which is one of an IPC namespace.
        mode: the permission bits.
        born: always None; the file system records no time of creation.
        mtime: the time of the last send or receive, or of the creation.
        qnum: the number of messages.
        cbytes: the bytes of all messages.
        maxmsg: the limit of messages.
        msgsize: the limit of bytes of a message.
        notify_pid: the process that mq_notify(3) has registered; 0 for none.
    """

    name: str
    inode: int
    device: int
    mode: int
    uid: int
    gid: int
    mtime: int
    atime: int
    ctime: int
    born: int | None = None
    qnum: int | None = None
    cbytes: int | None = None
    maxmsg: int | None = None
    msgsize: int | None = None
    notify_pid: int | None = None

    @property
    def kind(self) -> Kind:
        """The record's kind."""
        return Kind.POSIX_QUEUE

    @property
    def id(self) -> str:
        """The name, which identifies the object among those of its kind."""
        return self.name


class PosixSegment(NamedTuple):
    """A POSIX segment (shm_overview(7)); for common fields see PosixQueue.

    Attributes:
        born: the time of the creation (statx(2)).
        segsz: the size in bytes.
        rss: the bytes in memory.
        swap: the bytes in swap.
    """

    name: str
    inode: int
    device: int
    mode: int
    uid: int
    gid: int
    mtime: int
    atime: int
    ctime: int
    segsz: int
    born: int | None = None
    rss: int | None = None
    swap: int | None = None

    @property
    def kind(self) -> Kind:
        """The record's kind."""
        return Kind.POSIX_SEGMENT

    @property
    def id(self) -> str:
        """The name, which identifies the object among those of its kind."""
        return self.name


class PosixSemaphore(NamedTuple):
    """A POSIX semaphore (sem_overview(7)); for common fields see PosixQueue.

    Attributes:
        born: the time of the creation (statx(2)).
        value: the value.
    """

    name: str
    inode: int
    device: int
    mode: int
    uid: int
    gid: int
    mtime: int
    atime: int
    ctime: int
    born: int | None = None
    value: int | None = None

    @property
    def kind(self) -> Kind:
        """The record's kind."""
        return Kind.POSIX_SEMAPHORE

    @property
    def id(self) -> str:
        """The name, which identifies the object among those of its kind."""
        return self.name


SysvRecord: TypeAlias = Queue | Segment | SemaphoreSet
PosixRecord: TypeAlias = PosixQueue | PosixSegment | PosixSemaphore
Record: TypeAlias = SysvRecord | PosixRecord
RECORDS: dict[Kind, type[Record]] = {
    Kind.QUEUE: Queue,
    Kind.SEGMENT: Segment,
    Kind.SEMAPHORE: SemaphoreSet,
    Kind.POSIX_QUEUE: PosixQueue,
    Kind.POSIX_SEGMENT: PosixSegment,
    Kind.POSIX_SEMAPHORE: PosixSemaphore,
}
# For each kind, the function that selects the values that every source has: /proc/sysvipc lacks
# qbytes, and *ctl(2) lacks rss and swap.
LISTED_VALUES: dict[Kind, Callable[[SysvRecord], tuple[object, ...]]] = {
    kind: itemgetter(
        *(
            number
            for number, field in enumerate(RECORDS[kind]._fields)
            if field not in {"qbytes", "rss", "swap"}
        )
    )
    for kind in SYSV
}
