"""The columns of listings: each declared once, for help, validation and every format.

Names are lsipc(1)'s where it has the column. What a column holds are the kernel's words; what
they look like is a matter of the formats.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import lru_cache
from itertools import repeat
from typing import Any, NamedTuple, TypeAlias

from pyipcs.model import Kind, View, time_made
from pyipcs.process.accounts import group_name, user_name
from pyipcs.query.complete import Requirement
from pyipcs.sysv.listing import Listing
from pyipcs.sysv.namespace import current

# A value as the kernel wrote it, or as a number; None is what is not known, or not there.
Value: TypeAlias = str | int | None


class ValueType(Enum):
    """What the words of a column mean."""

    TEXT = "text"
    NUMBER = "number"
    KEY = "key"  # signed and decimal, as /proc/sysvipc has it
    MODE = "mode"  # octal
    FLAGS = "flags"  # of a segment, within its mode
    SIZE = "size"  # bytes
    TIME = "time"  # seconds since the epoch; 0 is never
    DURATION = "duration"  # seconds
    PERCENT = "percent"
    PID = "pid"  # 0 is none, or one of another PID namespace
    NUMBERS = "numbers"  # a tuple of them
    RATE = "rate"  # by the second, with a sign


_NUMERIC = {
    ValueType.NUMBER,
    ValueType.SIZE,
    ValueType.DURATION,
    ValueType.PERCENT,
    ValueType.PID,
    ValueType.RATE,
}


class Column(NamedTuple):
    """One column.

    Attributes:
        name: what -o calls it.
        value_type: what its words mean.
        field: the kernel's name of it, which is its key in JSON.
        help: what it tells.
        priority: how long a narrow terminal keeps it; the least goes first.
        words: what gives the words, if they are not simply those of the field.
        requires: the field that has to be added to listings first.
        when: for pids, what gives the times at which the processes did what is on record.
        long: whether its words have any length, so that a narrow terminal has but their beginning.
    """

    name: str
    value_type: ValueType
    field: str
    help: str
    priority: int = 0
    values: Callable[[Listing], Iterable[Any]] | None = None
    requires: Requirement | None = None
    when: Callable[[Listing], Iterator[int]] | None = None
    is_long: bool = False

    @property
    def is_numeric(self) -> bool:
        """Whether its words are numbers, which stand to the right."""
        return self.value_type in _NUMERIC

    def of(self, listing: Listing) -> Iterable[Value]:
        """The words of this column, one an object."""
        if self.values:
            return self.values(listing)
        if listing.has(self.field):
            return listing.column(self.field)
        return [None] * listing.length


def _mapped(function: Callable[[str], str], field: str) -> Callable[[Listing], Iterator[str]]:
    return lambda listing: map(function, listing.column(field))


def _kinds(listing: Listing) -> Iterable[str]:
    return repeat(listing.kind.value, listing.length)


def _namespaces(listing: Listing) -> Iterable[Value]:
    if listing.has("ipc_namespace"):
        return listing.column("ipc_namespace")
    return repeat(current(), listing.length)


def _ages(listing: Listing) -> Iterator[int]:
    now = int(time.time())
    return (max(now - int(word), 0) for word in listing.column("ctime"))


@lru_cache(maxsize=1024)
def percent(used: Value, most: Value) -> str | None:
    """How much of something is in use; None where there is no limit to speak of."""
    if used is None or most is None or not int(most):
        return None
    return f"{100 * int(used) / int(most):.2f}"


def _share(used: str, most: str) -> Callable[[Listing], Iterable[Value]]:
    return lambda listing: [*map(percent, listing.column(used), listing.column(most))]


@lru_cache(maxsize=1024)
def queue_percent(cbytes: Value, qnum: Value, qbytes: Value) -> str | None:
    """Return how full a queue is: it holds at most qbytes bytes, and as many messages.

    A queue of that many messages is full even if all are empty (msgsnd(2)).
    """
    return percent(max(int(cbytes or 0), int(qnum or 0)), qbytes)


def _queue_shares(listing: Listing) -> Iterable[Value]:
    fields = ("cbytes", "qnum", "qbytes")
    return [*map(queue_percent, *map(listing.column, fields))]


def _commands(listing: Listing) -> Iterator[str | None]:
    from pyipcs.usage.processes import command_line

    return map(command_line, map(int, listing.column("cpid")), _made(listing))


def _made(listing: Listing) -> Iterator[int]:
    return map(time_made, *_numbers(listing, "ctime", "atime", "dtime"))


def _latest(*fields: str) -> Callable[[Listing], Iterator[int]]:
    return lambda listing: map(max, zip(*_numbers(listing, *fields), strict=True))


def _numbers(listing: Listing, *fields: str) -> Iterator[Iterator[int]]:
    return (map(int, listing.column(field)) for field in fields)


def _per_semaphore(name: str, field: str, help_: str, priority: int) -> Column:
    def words(listing: Listing) -> Iterator[Any]:
        return (
            found and tuple(getattr(semaphore, field) for semaphore in found)
            for found in listing.column("semaphores")
        )

    return Column(
        name,
        ValueType.NUMBERS,
        name.lower(),
        help_,
        priority,
        words,
        requires=Requirement.SEMAPHORES,
        is_long=True,
    )


def _states(listing: Listing) -> Iterator[str]:
    if listing.has("evidence"):
        return (one.state.value for one in listing.column("evidence"))
    return (state.value for state in listing.column("state"))


def _reasons(listing: Listing) -> Iterator[str]:
    return (one.reason for one in listing.column("evidence"))


def _users(listing: Listing) -> Iterator[Any]:
    """The processes that use an object now; None where none could be seen."""
    return (
        None if one.users is None else tuple(user.pid for user in one.users)
        for one in listing.column("evidence")
    )


KIND = Column("KIND", ValueType.TEXT, "kind", "Kind of object: msg, shm or sem", 99, values=_kinds)
NAMESPACE = Column("NS", ValueType.NUMBER, "ipc_namespace", "IPC namespace", 98, values=_namespaces)
_KEY = Column("KEY", ValueType.KEY, "key", "Key", 90)
_ID = Column("ID", ValueType.NUMBER, "id", "Id", 100)
_OWNER = Column(
    "OWNER", ValueType.TEXT, "owner", "Owner's name", 70, values=_mapped(user_name, "uid")
)
_PERMS = Column("PERMS", ValueType.MODE, "mode", "Permissions", 65)
_CTIME = Column("CTIME", ValueType.TIME, "ctime", "Time of the last change", 10)
COMMON = (
    KIND,
    _KEY,
    _ID,
    _OWNER,
    _PERMS,
    Column("CUID", ValueType.NUMBER, "cuid", "Creator's uid", 15),
    Column(
        "CUSER", ValueType.TEXT, "cuser", "Creator's name", 25, values=_mapped(user_name, "cuid")
    ),
    Column("CGID", ValueType.NUMBER, "cgid", "Creator's gid", 15),
    Column(
        "CGROUP",
        ValueType.TEXT,
        "cgroup",
        "Creator's group",
        25,
        values=_mapped(group_name, "cgid"),
    ),
    Column("UID", ValueType.NUMBER, "uid", "Owner's uid", 15),
    Column("USER", ValueType.TEXT, "user", "Owner's name", 25, values=_mapped(user_name, "uid")),
    Column("GID", ValueType.NUMBER, "gid", "Owner's gid", 15),
    Column(
        "GROUP", ValueType.TEXT, "group", "Owner's group", 25, values=_mapped(group_name, "gid")
    ),
    _CTIME,
    Column("AGE", ValueType.DURATION, "age", "Time since the last change", 20, values=_ages),
    Column(
        "STATE",
        ValueType.TEXT,
        "state",
        "in-use, orphaned, suspect or unknown",
        84,
        values=_states,
        requires=Requirement.STATE,
    ),
    Column(
        "REASON",
        ValueType.TEXT,
        "reason",
        "What speaks for STATE",
        30,
        values=_reasons,
        requires=Requirement.EVIDENCE,
        is_long=True,
    ),
    NAMESPACE,
)
# Who waits on an object, which both queues and semaphore sets have.
_WAITERS = Column(
    "WAITERS",
    ValueType.NUMBERS,
    "waiters",
    "PIDs of processes that wait on it",
    70,
    values=_users,
    requires=Requirement.EVIDENCE,
    is_long=True,
)
QUEUE = (
    Column("MSGS", ValueType.NUMBER, "qnum", "Messages on the queue", 85),
    Column("USEDBYTES", ValueType.SIZE, "cbytes", "Bytes in them", 40),
    Column(
        "QBYTES",
        ValueType.SIZE,
        "qbytes",
        "Bytes, and messages, that the queue may hold",
        20,
        requires=Requirement.QBYTES,
    ),
    Column(
        "USE%",
        ValueType.PERCENT,
        "use_pct",
        "USEDBYTES or MSGS in QBYTES, whichever is more",
        80,
        values=_queue_shares,
        requires=Requirement.QBYTES,
    ),
    Column("LSPID", ValueType.PID, "lspid", "Process of the last send", 60, when=_latest("stime")),
    Column(
        "LRPID", ValueType.PID, "lrpid", "Process of the last receive", 50, when=_latest("rtime")
    ),
    Column("SEND", ValueType.TIME, "stime", "Time of the last send", 55),
    Column("RECV", ValueType.TIME, "rtime", "Time of the last receive", 45),
    _WAITERS,
)
SEGMENT = (
    Column("SIZE", ValueType.SIZE, "segsz", "Size", 85),
    Column("RSS", ValueType.SIZE, "rss", "Bytes of it in memory", 40),
    Column("SWAP", ValueType.SIZE, "swap", "Bytes of it in swap", 20),
    Column("NATTCH", ValueType.NUMBER, "nattch", "Attachments", 80),
    Column(
        "STATUS", ValueType.FLAGS, "mode", "dest: goes with the last one; locked: not swapped", 82
    ),
    Column("CPID", ValueType.PID, "cpid", "Process that created it", 60, when=_made),
    Column(
        "LPID", ValueType.PID, "lpid", "Process of the last use", 55, when=_latest("atime", "dtime")
    ),
    Column("ATTACH", ValueType.TIME, "atime", "Time of the last attachment", 50),
    Column("DETACH", ValueType.TIME, "dtime", "Time of the last detachment", 45),
    Column(
        "COMMAND",
        ValueType.TEXT,
        "command",
        "Command line of CPID",
        20,
        values=_commands,
        is_long=True,
    ),
    Column(
        "ATTACHED",
        ValueType.NUMBERS,
        "attached",
        "PIDs of processes that have it attached",
        70,
        values=_users,
        requires=Requirement.EVIDENCE,
        is_long=True,
    ),
)
SEMAPHORE = (
    Column("NSEMS", ValueType.NUMBER, "nsems", "Semaphores", 85),
    Column("OTIME", ValueType.TIME, "otime", "Time of the last operation", 60),
    _per_semaphore("VALUES", "value", "Value of each semaphore", 80),
    _per_semaphore("NCOUNT", "ncount", "Processes that wait for it to grow", 75),
    _per_semaphore("ZCOUNT", "zcount", "Processes that wait for it to be zero", 74),
    _WAITERS,
)
# Of the kernel's limits and what is in use of them (`limits.resources`).
RESOURCE = (
    KIND,
    Column("RESOURCE", ValueType.TEXT, "resource", "Resource", 100),
    Column("DESCRIPTION", ValueType.TEXT, "description", "What it is", 70),
    Column(
        "UNIT", ValueType.TEXT, "unit", "What LIMIT and USED are counted in: bytes or pages", 60
    ),
    Column("LIMIT", ValueType.NUMBER, "limit", "The most there can be", 90),
    Column("USED", ValueType.NUMBER, "used", "How many there are", 85),
    Column(
        "USE%", ValueType.PERCENT, "use_pct", "USED in LIMIT", 80, values=_share("used", "limit")
    ),
)
# In a live view. The kernel counts no messages that come and go: of both, only the difference.
RATE = Column("NET/S", ValueType.RATE, "rate", "By how much MSGS grows in a second", 82)

OWN_COLUMNS = {Kind.QUEUE: QUEUE, Kind.SEGMENT: SEGMENT, Kind.SEMAPHORE: SEMAPHORE}
OF_KIND = {kind: COMMON + own for kind, own in OWN_COLUMNS.items()}
VIEWS = {
    (Kind.QUEUE, View.STATUS): "KEY ID OWNER PERMS MSGS USEDBYTES QBYTES USE% LSPID LRPID "
    "SEND RECV CTIME",
    (Kind.QUEUE, View.TIME): "KEY ID OWNER SEND RECV CTIME",
    (Kind.QUEUE, View.PID): "KEY ID OWNER LSPID LRPID",
    (Kind.SEGMENT, View.STATUS): "KEY ID OWNER PERMS SIZE RSS NATTCH STATUS CPID LPID "
    "ATTACH DETACH CTIME",
    (Kind.SEGMENT, View.TIME): "KEY ID OWNER ATTACH DETACH CTIME",
    (Kind.SEGMENT, View.PID): "KEY ID OWNER CPID LPID",
    (Kind.SEMAPHORE, View.STATUS): "KEY ID OWNER PERMS NSEMS OTIME CTIME",
    (Kind.SEMAPHORE, View.TIME): "KEY ID OWNER OTIME CTIME",
    # The pids of sets are those of their semaphores, which `stat` shows.
    (Kind.SEMAPHORE, View.PID): "KEY ID OWNER NSEMS",
    **{(kind, View.CREATOR): "KEY ID PERMS CUSER CGROUP USER GROUP" for kind in Kind},
}
_DOCUMENT = "KEY ID PERMS UID GID CUID CGID OWNER "
DOCUMENTS = {
    Kind.QUEUE: _DOCUMENT + "USEDBYTES MSGS QBYTES LSPID LRPID SEND RECV CTIME",
    Kind.SEGMENT: _DOCUMENT + "SIZE NATTCH CPID LPID ATTACH DETACH CTIME RSS SWAP STATUS",
    Kind.SEMAPHORE: _DOCUMENT + "NSEMS OTIME CTIME",
}
