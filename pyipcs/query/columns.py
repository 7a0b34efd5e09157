"""The columns of listings: each declared once, for help, validation and every format.

Names are lsipc(1)'s where it has the column. What a column holds are the kernel's words; what
they look like is a matter of the formats.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from enum import Enum
from functools import lru_cache
from itertools import chain, repeat
from typing import Any, NamedTuple, TypeAlias

from pyipcs.model import Kind, View, time_made
from pyipcs.process.accounts import group_name, user_name
from pyipcs.query.complete import Requirement, complete
from pyipcs.sysv.keys import unsigned
from pyipcs.sysv.listing import Listing, merged, mode_bits
from pyipcs.sysv.namespace import current

# A value as the kernel wrote it, or as a number; None is what is not known, or not there.
Word: TypeAlias = str | int | None


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
    words: Callable[[Listing], Iterable[Any]] | None = None
    requires: Requirement | None = None
    when: Callable[[Listing], Iterator[int]] | None = None
    long: bool = False

    @property
    def numeric(self) -> bool:
        """Whether its words are numbers, which stand to the right."""
        return self.value_type in _NUMERIC

    def of(self, listing: Listing) -> Iterable[Word]:
        """The words of this column, one an object."""
        if self.words:
            return self.words(listing)
        if listing.has(self.field):
            return listing.column(self.field)
        return [None] * listing.length


def _mapped(function: Callable[[str], str], field: str) -> Callable[[Listing], Iterator[str]]:
    return lambda listing: map(function, listing.column(field))


def _kinds(listing: Listing) -> Iterable[str]:
    return repeat(listing.kind.value, listing.length)


def _namespaces(listing: Listing) -> Iterable[Word]:
    if listing.has("ipc_namespace"):
        return listing.column("ipc_namespace")
    return repeat(current(), listing.length)


def _ages(listing: Listing) -> Iterator[int]:
    now = int(time.time())
    return (max(now - int(word), 0) for word in listing.column("ctime"))


@lru_cache(maxsize=1024)
def percent(used: Word, most: Word) -> str | None:
    """How much of something is in use; None where there is no limit to speak of."""
    if used is None or most is None or not int(most):
        return None
    return f"{100 * int(used) / int(most):.2f}"


def _share(used: str, most: str) -> Callable[[Listing], Iterable[Word]]:
    return lambda listing: [*map(percent, listing.column(used), listing.column(most))]


@lru_cache(maxsize=1024)
def queue_percent(cbytes: Word, qnum: Word, qbytes: Word) -> str | None:
    """Return how full a queue is: it holds at most qbytes bytes, and as many messages.

    A queue of that many messages is full even if all are empty (msgsnd(2)).
    """
    return percent(max(int(cbytes or 0), int(qnum or 0)), qbytes)


def _queue_shares(listing: Listing) -> Iterable[Word]:
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
        long=True,
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


KIND = Column("KIND", ValueType.TEXT, "kind", "Kind of object: msg, shm or sem", 99, words=_kinds)
NAMESPACE = Column("NS", ValueType.NUMBER, "ipc_namespace", "IPC namespace", 98, words=_namespaces)
_KEY = Column("KEY", ValueType.KEY, "key", "Key", 90)
_ID = Column("ID", ValueType.NUMBER, "id", "Id", 100)
_OWNER = Column(
    "OWNER", ValueType.TEXT, "owner", "Owner's name", 70, words=_mapped(user_name, "uid")
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
        "CUSER", ValueType.TEXT, "cuser", "Creator's name", 25, words=_mapped(user_name, "cuid")
    ),
    Column("CGID", ValueType.NUMBER, "cgid", "Creator's gid", 15),
    Column(
        "CGROUP", ValueType.TEXT, "cgroup", "Creator's group", 25, words=_mapped(group_name, "cgid")
    ),
    Column("UID", ValueType.NUMBER, "uid", "Owner's uid", 15),
    Column("USER", ValueType.TEXT, "user", "Owner's name", 25, words=_mapped(user_name, "uid")),
    Column("GID", ValueType.NUMBER, "gid", "Owner's gid", 15),
    Column("GROUP", ValueType.TEXT, "group", "Owner's group", 25, words=_mapped(group_name, "gid")),
    _CTIME,
    Column("AGE", ValueType.DURATION, "age", "Time since the last change", 20, words=_ages),
    Column(
        "STATE",
        ValueType.TEXT,
        "state",
        "in-use, orphaned, suspect or unknown",
        84,
        words=_states,
        requires=Requirement.STATE,
    ),
    Column(
        "REASON",
        ValueType.TEXT,
        "reason",
        "What speaks for STATE",
        30,
        words=_reasons,
        requires=Requirement.EVIDENCE,
        long=True,
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
    words=_users,
    requires=Requirement.EVIDENCE,
    long=True,
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
        words=_queue_shares,
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
        "COMMAND", ValueType.TEXT, "command", "Command line of CPID", 20, words=_commands, long=True
    ),
    Column(
        "ATTACHED",
        ValueType.NUMBERS,
        "attached",
        "PIDs of processes that have it attached",
        70,
        words=_users,
        requires=Requirement.EVIDENCE,
        long=True,
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
        "USE%", ValueType.PERCENT, "use_pct", "USED in LIMIT", 80, words=_share("used", "limit")
    ),
)
# In a live view. The kernel counts no messages that come and go: of both, only the difference.
RATE = Column("NET/S", ValueType.RATE, "rate", "By how much MSGS grows in a second", 82)

OWN_COLUMNS = {Kind.QUEUE: QUEUE, Kind.SEGMENT: SEGMENT, Kind.SEMAPHORE: SEMAPHORE}
OF_KIND = {kind: COMMON + own for kind, own in OWN_COLUMNS.items()}
_VIEWS = {
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
_DOCUMENTS = {
    Kind.QUEUE: _DOCUMENT + "USEDBYTES MSGS QBYTES LSPID LRPID SEND RECV CTIME",
    Kind.SEGMENT: _DOCUMENT + "SIZE NATTCH CPID LPID ATTACH DETACH CTIME RSS SWAP STATUS",
    Kind.SEMAPHORE: _DOCUMENT + "NSEMS OTIME CTIME",
}


class Choice(NamedTuple):
    """The columns that the user named; `more` says that they are added to those shown anyway."""

    names: tuple[str, ...]
    more: bool


def parse_choice(text: str) -> Choice:
    """`COL,...` or `+COL,...`.

    Raises:
        ValueError: one of them is no column of anything; the text lists those there are.
    """
    names = tuple(_known(name) for name in text.removeprefix("+").split(","))
    return Choice(names, more=text.startswith("+"))


def parse_sort(text: str) -> tuple[str, bool]:
    """`COL` or, for the reverse, `-COL`: its name, and whether in reverse."""
    return _known(text.removeprefix("-")), text.startswith("-")


def _known(name: str) -> str:
    upper = name.strip().upper()
    if not upper:
        raise ValueError("a column's name is missing")
    everywhere = [column.name for column in chain(*OF_KIND.values(), RESOURCE)]
    if upper not in everywhere:
        raise ValueError(f"no column '{name}' (there are {', '.join(dict.fromkeys(everywhere))})")
    return upper


def shown(kind: Kind, view: View, choice: Choice | None) -> tuple[Column, ...]:
    """The columns of a kind in a view, or those of the user's choice that it has."""
    return _chosen(OF_KIND[kind], _VIEWS[kind, view], choice)


def document(kind: Kind, choice: Choice | None) -> tuple[Column, ...]:
    """What JSON has of a kind."""
    return _chosen(OF_KIND[kind], _DOCUMENTS[kind], choice)


def resources(choice: Choice | None) -> tuple[Column, ...]:
    """The columns of limits and usage."""
    return _chosen(RESOURCE, "RESOURCE DESCRIPTION LIMIT USED USE%", choice)


def _chosen(known: Sequence[Column], usual: str, choice: Choice | None) -> tuple[Column, ...]:
    names: Iterable[str] = usual.split()
    if choice:
        names = chain(names, choice.names) if choice.more else choice.names
    by_name = {column.name: column for column in known}
    return tuple(by_name[name] for name in dict.fromkeys(names) if name in by_name)


def check(names: Iterable[str], known: Collection[Sequence[Column]], what: str) -> None:
    """See to it that each name is a column of one of the kinds that are shown.

    Raises:
        ValueError: one is not; the text lists those there are.
    """
    there = dict.fromkeys(column.name for columns in known for column in columns)
    for name in names:
        if name not in there:
            raise ValueError(f"{what} have no column {name} (there are {', '.join(there)})")


def arranged(
    listings: Iterable[Listing],
    columns: Iterable[Column],
    known: Sequence[Column],
    sort: tuple[str, bool] | None,
) -> Iterable[Listing]:
    """Listings with all that columns need, and in order.

    Args:
        listings: the objects.
        columns: those that are shown.
        known: those that there are.
        sort: the name of the one to sort by, and whether in reverse; None leaves the kernel's
            order, and so does a name that is not known.
    """
    by = next((column for column in known if sort and column.name == sort[0]), None)
    shown_and_by = (*columns, *([by] if by else ()))
    required = {column.requires for column in shown_and_by if column.requires}
    if Requirement.EVIDENCE in required:
        required.discard(Requirement.STATE)  # which is part of it
    whole = complete(listings, required) if required else listings
    if not by or not sort:
        return whole
    listing = merged(whole)
    return [listing.take(_order(by, listing, reverse=sort[1]))] if listing else []


def _order(column: Column, listing: Listing, *, reverse: bool) -> list[int]:
    """The numbers of the rows by what is in a column; those with nothing there come last."""
    words = list(column.of(listing))
    there = [row for row, word in enumerate(words) if word is not None]
    rest = [row for row, word in enumerate(words) if word is None]
    number = _SORTED_BY.get(column.value_type, float)
    return sorted(there, key=lambda row: number(words[row]), reverse=reverse) + rest


# What words are compared by; all others are numbers.
_SORTED_BY: dict[ValueType, Callable[[Any], Any]] = {
    ValueType.TEXT: str,
    ValueType.NUMBERS: tuple,
    ValueType.KEY: lambda word: unsigned(int(word)),
    ValueType.MODE: lambda mode: mode_bits(mode) & 0o777,
    ValueType.FLAGS: lambda mode: mode_bits(mode) & ~0o777,
    **dict.fromkeys((ValueType.NUMBER, ValueType.SIZE, ValueType.TIME, ValueType.PID), int),
}
