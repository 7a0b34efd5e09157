"""Columns of listings, each declared once for all uses.

Columns of lsipc(1) have the same names. Values are the kernel's; the output formats define their
appearance.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from functools import lru_cache
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from pyipcs.listing import Listing
from pyipcs.model import POSIX, SYSV, Kind, View, earliest_time
from pyipcs.process.accounts import group_name, user_name
from pyipcs.query.complete import Requirement
from pyipcs.sysv.namespace import current

if TYPE_CHECKING:
    from pyipcs.usage.users import User

# A value in the kernel's text, or as a number; None is unknown or missing.
Value: TypeAlias = str | int | None


class ValueType(Enum):
    """The meaning of the values of a column."""

    TEXT = "text"
    NUMBER = "number"
    KEY = "key"  # signed and decimal, as in /proc/sysvipc
    MODE = "mode"  # octal in text
    FLAGS = "flags"  # the flags of a segment, in its mode
    SIZE = "size"  # bytes
    TIME = "time"  # seconds since the epoch; 0 is never
    DURATION = "duration"  # seconds
    PERCENT = "percent"
    PID = "pid"  # 0 is no process, or one of another PID namespace
    NUMBERS = "numbers"  # a tuple of numbers
    RATE = "rate"  # change per second, with a sign
    NAME = "name"  # of a POSIX object: any bytes but slashes and zeros


_NUMERIC = {
    ValueType.NUMBER,
    ValueType.SIZE,
    ValueType.DURATION,
    ValueType.PERCENT,
    ValueType.PID,
    ValueType.RATE,
}


class Column(NamedTuple):
    """A column.

    Attributes:
        name: the name for -o.
        value_type: the meaning of the values.
        field: the kernel's name, which is the key in JSON.
        help: the description.
        priority: the importance; a narrow terminal drops the least important column first.
        values: a function that returns the values in a listing; None for the values of the field.
        requires: the field to add to listings before the values are read.
        when: for pids, a function that returns the times of the recorded actions of the processes.
        is_long: True if values have no maximum length; a narrow terminal wraps them.
        is_name: True for names of users and groups, which a narrow terminal cuts.
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
    is_name: bool = False

    @property
    def is_numeric(self) -> bool:
        """True if the values are numbers, which are right-aligned."""
        return self.value_type in _NUMERIC

    def of(self, listing: Listing) -> Iterable[Value]:
        """Return the value of this column for each object."""
        if not listing.length:
            return []  # an empty listing may lack the required fields
        if self.values:
            return self.values(listing)
        if listing.has(self.field):
            return listing.column(self.field)
        return [None] * listing.length


def _of_name(
    name: str, field: str, help_: str, priority: int, name_of: Callable[[str], str], number: str
) -> Column:
    def values(listing: Listing) -> Iterator[str]:
        return map(name_of, listing.column(number))

    return Column(name, ValueType.TEXT, field, help_, priority, values, is_name=True)


def _kinds(listing: Listing) -> Iterable[str]:
    return repeat(listing.kind.value, listing.length)


def _namespaces(listing: Listing) -> Iterable[Value]:
    if listing.has("ipc_namespace"):
        return listing.column("ipc_namespace")
    return repeat(current(), listing.length)


def _ages_since(field_of: Callable[[Kind], str]) -> Callable[[Listing], Iterator[int | None]]:
    """Return the function that yields the seconds since a time of each object."""

    def ages(listing: Listing) -> Iterator[int | None]:
        now = int(time.time())
        for when in listing.column(field_of(listing.kind)):
            yield None if when is None else max(now - int(when), 0)

    return ages


def _last_known(kind: Kind) -> str:
    """Return the field with the creation time; of a queue, with the last use."""
    return "mtime" if kind is Kind.POSIX_QUEUE else "born"


@lru_cache(maxsize=1024)
def percent(used: Value, most: Value) -> str | None:
    """Return the percentage in use; None without a limit."""
    if used is None or most is None or not int(most):
        return None
    return f"{100 * int(used) / int(most):.2f}"


def _share(used: str, most: str) -> Callable[[Listing], Iterable[Value]]:
    return lambda listing: [*map(percent, listing.column(used), listing.column(most))]


@lru_cache(maxsize=1024)
def queue_percent(cbytes: Value, qnum: Value, qbytes: Value) -> str | None:
    """Return the percentage in use of a queue.

    qbytes limits both the bytes and the number of messages, even of empty ones (msgsnd(2)).
    """
    return percent(max(int(cbytes or 0), int(qnum or 0)), qbytes)


def _queue_shares(listing: Listing) -> Iterable[Value]:
    fields = ("cbytes", "qnum", "qbytes")
    return [*map(queue_percent, *map(listing.column, fields))]


def _commands(listing: Listing) -> Iterator[str | None]:
    from pyipcs.usage.processes import command_line

    return map(command_line, map(int, listing.column("cpid")), _creation_times(listing))


def _creation_times(listing: Listing) -> Iterator[int]:
    return map(earliest_time, *_numbers(listing, "ctime", "atime", "dtime"))


def _registrations(listing: Listing) -> Iterator[int]:
    """Yield the current time for queues with a registration, and 0 for others.

    A registration ends with its process (mq_notify(3)).
    """
    now = int(time.time())
    return (now if pid else 0 for pid in listing.column("notify_pid"))


def _latest(*fields: str) -> Callable[[Listing], Iterator[int]]:
    return lambda listing: map(max, zip(*_numbers(listing, *fields), strict=True))


def _numbers(listing: Listing, *fields: str) -> Iterator[Iterator[int]]:
    return (map(int, listing.column(field)) for field in fields)


def _per_semaphore(name: str, field: str, help_: str, priority: int) -> Column:
    def values(listing: Listing) -> Iterator[Any]:
        return (
            semaphores and tuple(getattr(one, field) for one in semaphores)
            for semaphores in listing.column("semaphores")
        )

    return Column(
        name,
        ValueType.NUMBERS,
        name.lower(),
        help_,
        priority,
        values,
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
    """Yield the pids of the users of each object; None if unknown."""
    return (_pids(one.users) for one in listing.column("evidence"))


def _waiters(listing: Listing) -> Iterator[Any]:
    """Yield the pids of the waiting users of each object; None if unknown."""
    return (_pids(one.waiting) for one in listing.column("evidence"))


def _mappers(listing: Listing) -> Iterator[Any]:
    """Yield the pids of the mapping users of each object; None if unknown."""
    return (_pids(one.mapping) for one in listing.column("evidence"))


def _pids(users: "Sequence[User] | None") -> tuple[int, ...] | None:
    return None if users is None else tuple(dict.fromkeys(user.pid for user in users))


_KIND_HELP = "Kind of object: msg, shm or sem; POSIX: pmsg, pshm or psem"
KIND = Column("KIND", ValueType.TEXT, "kind", _KIND_HELP, 99, values=_kinds)
NAMESPACE = Column("NS", ValueType.NUMBER, "ipc_namespace", "IPC namespace", 98, values=_namespaces)
_KEY = Column("KEY", ValueType.KEY, "key", "Key", 90)
_ID = Column("ID", ValueType.NUMBER, "id", "Id", 100)
_OWNER = _of_name("OWNER", "owner", "Owner's name", 70, user_name, "uid")
_PERMS = Column("PERMS", ValueType.MODE, "mode", "Permissions", 65)
_UID = Column("UID", ValueType.NUMBER, "uid", "Owner's uid", 15)
_USER = _of_name("USER", "user", "Owner's name", 25, user_name, "uid")
_GID = Column("GID", ValueType.NUMBER, "gid", "Owner's gid", 15)
_GROUP = _of_name("GROUP", "group", "Owner's group", 25, group_name, "gid")
_CTIME = Column("CTIME", ValueType.TIME, "ctime", "Time of the last change", 10)
_STATE = Column(
    "STATE",
    ValueType.TEXT,
    "state",
    "in-use, orphaned, suspect or unknown (one scan of /proc)",
    84,
    values=_states,
    requires=Requirement.STATE,
)
_POSIX_STATE = _STATE._replace(help="in-use, orphaned, suspect or unknown (by a write lease)")
_REASON = Column(
    "REASON",
    ValueType.TEXT,
    "reason",
    "Reason for STATE",
    83,
    values=_reasons,
    requires=Requirement.EVIDENCE,
    is_long=True,
)
COMMON = (
    KIND,
    _KEY,
    _ID,
    _OWNER,
    _PERMS,
    Column("CUID", ValueType.NUMBER, "cuid", "Creator's uid", 15),
    _of_name("CUSER", "cuser", "Creator's name", 25, user_name, "cuid"),
    Column("CGID", ValueType.NUMBER, "cgid", "Creator's gid", 15),
    _of_name("CGROUP", "cgroup", "Creator's group", 25, group_name, "cgid"),
    *(_UID, _USER, _GID, _GROUP, _CTIME),
    Column(
        "AGE",
        ValueType.DURATION,
        "age",
        "Time since the last change",
        20,
        values=_ages_since(lambda _kind: "ctime"),
    ),
    _STATE,
    _REASON,
    NAMESPACE,
)
# The columns of all POSIX kinds. KEY and ID are empty.
POSIX_COMMON = (
    KIND,
    *(_KEY, _ID),
    Column("NAME", ValueType.NAME, "name", "Name", 100),
    *(_OWNER, _PERMS, _UID, _USER, _GID, _GROUP),
    Column(
        "BORN",
        ValueType.TIME,
        "born",
        "Time of the creation; none for queues",
        30,
        requires=Requirement.BORN,
    ),
    Column(
        "MTIME",
        ValueType.TIME,
        "mtime",
        "Last send or receive; for segments, the last recorded write",
        45,
    ),
    Column("ATIME", ValueType.TIME, "atime", "Time of the last recorded read or mapping", 20),
    _CTIME._replace(help="Last change; of queues also the last listing of USEDBYTES"),
    Column(
        "AGE",
        ValueType.DURATION,
        "age",
        "Time since BORN; for queues, since MTIME",
        20,
        values=_ages_since(_last_known),
        requires=Requirement.BORN,
    ),
    _POSIX_STATE,
    _REASON,
    Column(
        "USERS",
        ValueType.NUMBERS,
        "users",
        "PIDs of processes that have it open or mapped",
        72,
        values=_users,
        requires=Requirement.EVIDENCE,
        is_long=True,
    ),
    Column("INODE", ValueType.NUMBER, "inode", "Inode", 10),
    Column("DEVICE", ValueType.NUMBER, "device", "Device of the file system", 9),
    NAMESPACE,
)
# A column of queues and of semaphore sets.
_WAITERS = Column(
    "WAITERS",
    ValueType.NUMBERS,
    "waiters",
    "PIDs of waiting processes",
    70,
    values=_waiters,
    requires=Requirement.EVIDENCE,
    is_long=True,
)
_MSGS = Column(
    "MSGS",
    ValueType.NUMBER,
    "qnum",
    "Messages on the queue",
    85,
    requires=Requirement.QUEUE_ATTRIBUTES,
)
_USEDBYTES = Column(
    "USEDBYTES",
    ValueType.SIZE,
    "cbytes",
    "Bytes in the messages",
    40,
    requires=Requirement.QUEUE_STATUS,
)
QUEUE = (
    *(_MSGS, _USEDBYTES),
    Column(
        "QBYTES",
        ValueType.SIZE,
        "qbytes",
        "Maximum of bytes, and of messages",
        20,
        requires=Requirement.QBYTES,
    ),
    Column(
        "USE%",
        ValueType.PERCENT,
        "use_pct",
        "USEDBYTES or MSGS as a share of QBYTES, the larger one",
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
POSIX_QUEUE = (
    *(_MSGS, _USEDBYTES),
    Column(
        "MAXMSG",
        ValueType.NUMBER,
        "maxmsg",
        "Maximum number of messages",
        22,
        requires=Requirement.QUEUE_ATTRIBUTES,
    ),
    Column(
        "MSGSIZE",
        ValueType.SIZE,
        "msgsize",
        "Maximum size of a message",
        21,
        requires=Requirement.QUEUE_ATTRIBUTES,
    ),
    Column(
        "USE%",
        ValueType.PERCENT,
        "use_pct",
        "MSGS as a share of MAXMSG",
        80,
        values=_share("qnum", "maxmsg"),
        requires=Requirement.QUEUE_ATTRIBUTES,
    ),
    Column(
        "NOTIFY",
        ValueType.PID,
        "notify_pid",
        "Process that mq_notify(3) has registered",
        50,
        requires=Requirement.QUEUE_STATUS,
        when=_registrations,
    ),
    _WAITERS,
)
_SIZE = Column("SIZE", ValueType.SIZE, "segsz", "Size", 85)
_RSS = Column("RSS", ValueType.SIZE, "rss", "Bytes in memory", 62, requires=Requirement.PAGES)
_SWAP = Column("SWAP", ValueType.SIZE, "swap", "Bytes in swap", 20, requires=Requirement.PAGES)
POSIX_SEGMENT = (
    *(_SIZE, _RSS, _SWAP),
    Column(
        "MAPPED",
        ValueType.NUMBERS,
        "mapped",
        "PIDs of processes that have it mapped",
        71,
        values=_mappers,
        requires=Requirement.EVIDENCE,
        is_long=True,
    ),
)
POSIX_SEMAPHORE = (
    Column(
        "VALUE", ValueType.NUMBER, "value", "Value of the semaphore", 85, requires=Requirement.VALUE
    ),
    _WAITERS,
)
SEGMENT = (
    *(_SIZE, _RSS, _SWAP),
    Column("NATTCH", ValueType.NUMBER, "nattch", "Attachments", 80),
    Column(
        "STATUS",
        ValueType.FLAGS,
        "mode",
        "dest: destroyed at last detachment; locked: not swapped",
        82,
    ),
    Column("CPID", ValueType.PID, "cpid", "Process that created it", 60, when=_creation_times),
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
        "PIDs of processes with an attachment",
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
    _per_semaphore("NCOUNT", "ncount", "Processes that wait for a higher value", 75),
    _per_semaphore("ZCOUNT", "zcount", "Processes that wait for zero", 74),
    _WAITERS,
)
# The columns of the kernel's limits and usage (`limits.resources`).
RESOURCE = (
    KIND,
    Column("RESOURCE", ValueType.TEXT, "resource", "Resource", 100),
    Column("DESCRIPTION", ValueType.TEXT, "description", "Description", 70),
    Column("UNIT", ValueType.TEXT, "unit", "Unit of LIMIT and USED: bytes or pages", 60),
    Column("LIMIT", ValueType.NUMBER, "limit", "Maximum", 90),
    Column("USED", ValueType.NUMBER, "used", "Amount in use", 85),
    Column(
        "USE%",
        ValueType.PERCENT,
        "use_pct",
        "USED as a share of LIMIT",
        80,
        values=_share("used", "limit"),
    ),
)
FIGURES = {
    "limits": "RESOURCE DESCRIPTION LIMIT USED USE%",
    "usage": "RESOURCE DESCRIPTION USED",
}
# A column of live views. The kernel does not count sent and received messages, so only their
# difference is known.
RATE = Column("NET/S", ValueType.RATE, "rate", "Growth of MSGS per second", 82)

OWN_COLUMNS = {
    Kind.QUEUE: QUEUE,
    Kind.SEGMENT: SEGMENT,
    Kind.SEMAPHORE: SEMAPHORE,
    Kind.POSIX_QUEUE: POSIX_QUEUE,
    Kind.POSIX_SEGMENT: POSIX_SEGMENT,
    Kind.POSIX_SEMAPHORE: POSIX_SEMAPHORE,
}
OF_KIND = {
    kind: (COMMON if kind in SYSV else POSIX_COMMON) + own for kind, own in OWN_COLUMNS.items()
}
# The kinds that have STATE in their usual table on a terminal.
USUALLY_CLASSIFIED = frozenset(SYSV)
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
    # The pids of a set belong to its semaphores; `stat` shows them.
    (Kind.SEMAPHORE, View.PID): "KEY ID OWNER NSEMS",
    **{(kind, View.CREATOR): "KEY ID PERMS CUSER CGROUP USER GROUP" for kind in SYSV},
    (Kind.POSIX_QUEUE, View.STATUS): "NAME OWNER PERMS MSGS USEDBYTES MAXMSG MSGSIZE USE% "
    "NOTIFY MTIME",
    (Kind.POSIX_SEGMENT, View.STATUS): "NAME OWNER PERMS SIZE RSS BORN MTIME",
    (Kind.POSIX_SEMAPHORE, View.STATUS): "NAME OWNER PERMS VALUE BORN",
    **{(kind, View.TIME): "NAME OWNER BORN MTIME ATIME CTIME" for kind in POSIX},
    (Kind.POSIX_QUEUE, View.TIME): "NAME OWNER MTIME ATIME CTIME",
    **{(kind, View.PID): "NAME OWNER" for kind in POSIX},
    (Kind.POSIX_QUEUE, View.PID): "NAME OWNER NOTIFY",
    **{(kind, View.CREATOR): "NAME PERMS USER GROUP" for kind in POSIX},
}
_DOCUMENT = "KEY ID PERMS UID GID CUID CGID OWNER "
_POSIX_DOCUMENT = "KIND NAME INODE DEVICE PERMS UID GID OWNER BORN MTIME ATIME CTIME "
DOCUMENTS = {
    Kind.QUEUE: _DOCUMENT + "USEDBYTES MSGS QBYTES LSPID LRPID SEND RECV CTIME",
    Kind.SEGMENT: _DOCUMENT + "SIZE NATTCH CPID LPID ATTACH DETACH CTIME RSS SWAP STATUS",
    Kind.SEMAPHORE: _DOCUMENT + "NSEMS OTIME CTIME",
    Kind.POSIX_QUEUE: _POSIX_DOCUMENT + "MSGS USEDBYTES MAXMSG MSGSIZE NOTIFY",
    Kind.POSIX_SEGMENT: _POSIX_DOCUMENT + "SIZE RSS SWAP",
    Kind.POSIX_SEMAPHORE: _POSIX_DOCUMENT + "VALUE",
}
