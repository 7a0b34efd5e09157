"""The tables of POSIX objects in the plain format, in the style of ipcs(1).

An unknown value is a dash: every row has a word for each column.
"""

from collections.abc import Iterable, Sequence
from itertools import repeat

from pyipcs.model import Kind, View
from pyipcs.posix.names import format_name, is_plain
from pyipcs.render.plain import GID, OWNER, PERMS, UID, Cell, Table, short_time
from pyipcs.terminal.escape import width

_NAME_WIDTH = 32
_TIME_WIDTH = 20


def _names(names: Sequence[str]) -> Iterable[str]:
    """Return escaped names in 32 columns."""
    # One check of all names is faster than one of each.
    joined = "".join(names)
    if joined.isascii() and is_plain(joined):
        return map(str.ljust, names, repeat(_NAME_WIDTH))
    return map(_name, names)


def _name(name: str) -> str:
    """Return an escaped name in 32 columns, or in more if it is longer."""
    text = format_name(name)
    if text.isascii():
        return f"{text:<{_NAME_WIDTH}}"
    return text + " " * (_NAME_WIDTH - width(text))


def _or_dash(value: int | None) -> str:
    return "-" if value is None else str(value)


def _time(seconds: int | None) -> str:
    return "-" if seconds is None else short_time(seconds)


def _time_cell(heading: str, field: str) -> Cell:
    return Cell(heading, field, _time, _TIME_WIDTH)


_NAME = Cell("name", "name", width=_NAME_WIDTH, row="%s", show_all=_names)
_TIMES = (
    _time_cell("modified", "mtime"),
    _time_cell("accessed", "atime"),
    _time_cell("changed", "ctime"),
)
_ALL_TIMES = (_NAME, OWNER, _time_cell("born", "born"), *_TIMES)
_OWNERS = (_NAME, PERMS, UID, GID)

TABLES = {
    (Kind.POSIX_QUEUE, View.STATUS): Table(
        "POSIX Message Queues",
        (
            *(_NAME, OWNER, PERMS),
            Cell("messages", "qnum", _or_dash, 12),
            Cell("used-bytes", "cbytes", _or_dash, 12),
        ),
    ),
    # The kernel records no birth of a queue.
    (Kind.POSIX_QUEUE, View.TIME): Table("POSIX Message Queue Times", (_NAME, OWNER, *_TIMES)),
    (Kind.POSIX_QUEUE, View.PID): Table(
        "POSIX Message Queue PIDs", (_NAME, OWNER, Cell("notify-pid", "notify_pid", _or_dash))
    ),
    (Kind.POSIX_QUEUE, View.CREATOR): Table("POSIX Message Queue Owners", _OWNERS),
    (Kind.POSIX_SEGMENT, View.STATUS): Table(
        "POSIX Shared Memory", (_NAME, OWNER, PERMS, Cell("bytes", "segsz"))
    ),
    (Kind.POSIX_SEGMENT, View.TIME): Table("POSIX Shared Memory Times", _ALL_TIMES),
    (Kind.POSIX_SEGMENT, View.CREATOR): Table("POSIX Shared Memory Owners", _OWNERS),
    (Kind.POSIX_SEMAPHORE, View.STATUS): Table(
        "POSIX Semaphores", (_NAME, OWNER, PERMS, Cell("value", "value", _or_dash))
    ),
    (Kind.POSIX_SEMAPHORE, View.TIME): Table("POSIX Semaphore Times", _ALL_TIMES),
    (Kind.POSIX_SEMAPHORE, View.CREATOR): Table("POSIX Semaphore Owners", _OWNERS),
}
