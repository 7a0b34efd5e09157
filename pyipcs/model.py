"""The kernel's records, under the kernel's field names.

Times are seconds since the epoch (0: never), sizes are bytes, pids are those of the reader's
PID namespace (0: none, or of another namespace). Keys are signed 32 bits, as key_t is.
"""

from enum import Enum
from typing import NamedTuple, TypeAlias

SHM_DEST = 0o1000  # shmctl(2): to be destroyed when the last process detaches
SHM_LOCKED = 0o2000  # shmctl(2): may not be swapped
INT_MAX = 2**31 - 1  # the highest id, and the most of what the kernel holds in an int
LONG_MAX = 2**63 - 1  # the highest type of a message
SEMVMX = 32767  # semctl(2): the largest value of a semaphore, fixed in the kernel


class Kind(Enum):
    """A kind of object, by the word that ipcrm(1) and /proc/sysvipc have for it."""

    QUEUE = "msg"
    SEGMENT = "shm"
    SEMAPHORE = "sem"

    @property
    def noun(self) -> str:
        """What an object of this kind is called in a sentence."""
        return {"msg": "message queue", "shm": "segment", "sem": "semaphore set"}[self.value]

    @property
    def collection(self) -> str:
        """What several objects of this kind are called in JSON."""
        return {"msg": "queues", "shm": "shmems", "sem": "semaphores"}[self.value]

    @property
    def plural(self) -> str:
        """What several objects of this kind are called."""
        return {"msg": "message queues", "shm": "segments", "sem": "semaphore sets"}[self.value]

    @property
    def title(self) -> str:
        """What stands over a table of objects of this kind."""
        return "Shared memory segments" if self is Kind.SEGMENT else self.plural.capitalize()


class State(Enum):
    """What is to be said of the use of an object."""

    IN_USE = "in-use"
    ORPHANED = "orphaned"
    SUSPECT = "suspect"
    UNKNOWN = "unknown"


class View(Enum):
    """What of the objects a listing shows."""

    STATUS = "status"
    TIME = "time"
    PID = "pid"
    CREATOR = "creator"


class Unit(Enum):
    """How sizes are shown; the default depends on the format, and in ipcs on the size."""

    DEFAULT = "default"
    BYTES = "bytes"
    HUMAN = "human"


class Semaphore(NamedTuple):
    """One semaphore of a set (semctl(2))."""

    num: int
    value: int
    ncount: int  # processes that wait for the value to grow
    zcount: int  # processes that wait for zero
    pid: int  # who changed it last


class Queue(NamedTuple):
    """A message queue (struct msqid_ds, msgctl(2)).

    `qbytes` is None in a listing of /proc/sysvipc, which does not tell it.
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
        """Queues' own."""
        return Kind.QUEUE


class Segment(NamedTuple):
    """A shared memory segment (struct shmid_ds, shmctl(2)).

    `rss` and `swap` are bytes, and None where the kernel does not tell them.
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
        """Segments' own."""
        return Kind.SEGMENT

    @property
    def made(self) -> int:
        """By when it was made."""
        return time_made(self.ctime, self.atime, self.dtime)

    @property
    def used(self) -> int:
        """When it was last attached or detached."""
        return max(self.atime, self.dtime)

    @property
    def dest(self) -> bool:
        """Whether it goes when the last process detaches."""
        return bool(self.mode & SHM_DEST)

    @property
    def locked(self) -> bool:
        """Whether it is kept out of swap."""
        return bool(self.mode & SHM_LOCKED)


def time_made(ctime: int, atime: int, dtime: int) -> int:
    """By when a segment was made: before its first use, for IPC_SET moves ctime (shmctl(2))."""
    return min(ctime, atime or ctime, dtime or ctime)


class SemaphoreSet(NamedTuple):
    """A semaphore set (struct semid_ds, semctl(2)).

    `semaphores` is filled where the details of one set were asked for.
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
        """Semaphore sets' own."""
        return Kind.SEMAPHORE

    @property
    def used(self) -> int:
        """When it was last used, or made; SETVAL moves ctime alone (semctl(2))."""
        return max(self.otime, self.ctime)


class Message(NamedTuple):
    """A message of a queue (msgop(2)); its type is positive."""

    type: int
    body: bytes


Record: TypeAlias = Queue | Segment | SemaphoreSet
RECORDS: dict[Kind, type[Queue] | type[Segment] | type[SemaphoreSet]] = {
    Kind.QUEUE: Queue,
    Kind.SEGMENT: Segment,
    Kind.SEMAPHORE: SemaphoreSet,
}
