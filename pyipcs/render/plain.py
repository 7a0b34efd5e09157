"""Renderer of the plain format, the layout of util-linux's ipcs(1).

For System V objects, the output is identical, byte for byte. A listing is rendered
column by column; values that ipcs prints as in /proc/sysvipc stay text.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import repeat
from typing import Any, NamedTuple, TypeAlias

from pyipcs.listing import Listing, is_constant, mode_bits
from pyipcs.model import SYSV, Kind, View
from pyipcs.process.accounts import group_name, user_name
from pyipcs.query.plan import Report, Style
from pyipcs.render.format_units import ctime, flags, human
from pyipcs.sysv.keys import format_keys
from pyipcs.terminal.capabilities import TerminalCapabilities

# A value of /proc/sysvipc is text; a value of a record is an int, or None if it is unknown.
_Value: TypeAlias = str | int


class Cell(NamedTuple):
    """A column.

    Attributes:
        heading: the heading.
        field: the kernel's name of the values.
        show: the function that formats a value; None to print it unchanged.
        show_all: the function that formats all values of a column, instead of `show`.
        width: the width of the heading, and of rows without a template.
        row: the template of rows.
    """

    heading: str
    field: str
    show: Callable[[Any], str] | None = None
    width: int = 10
    row: str = ""
    show_all: Callable[[Sequence[Any]], Iterable[str]] | None = None

    def texts(self, values: Sequence[Any]) -> Iterable[Any]:
        """Return the texts of a column of values."""
        if self.show_all:
            return self.show_all(values)
        return map(self.show, values) if self.show else values

    @property
    def template(self) -> str:
        """The template of rows."""
        return self.row or f"%-{self.width}s"


class Table(NamedTuple):
    """The table of a kind in a view.

    Attributes:
        title: the title.
        cells: the columns.
    """

    title: str
    cells: tuple[Cell, ...]


@cache
def _short_name(uid: _Value) -> str:
    """Return a user name cut to ten bytes, or a complete uid.

    `%-10.10s` in C counts bytes, not characters.
    """
    name = user_name(uid)
    if name == str(uid):
        return f"{name:<10}"
    cut = os.fsencode(name)[:10]
    return os.fsdecode(cut) + " " * (10 - len(cut))


def _padded(name: str) -> str:
    return name + " " * (10 - len(os.fsencode(name)))


@cache
def _full_user(uid: _Value) -> str:
    return _padded(user_name(uid))


@cache
def _full_group(gid: _Value) -> str:
    return _padded(group_name(gid))


@cache
def _permissions(mode: _Value) -> str:
    return f"{mode_bits(mode) & 0o777:o}"


@cache
def _status(mode: _Value) -> str:
    return " ".join(f"{name if is_set else '':<6}" for name, is_set in flags(mode).items())


@lru_cache(maxsize=1024)
def short_time(seconds: _Value) -> str:
    """Return a time as month, day and time of day, as in ctime(3)."""
    text = ctime(int(seconds))
    return text[4:20] if ":" in text else text  # "Not set", or seconds


def _long_time(seconds: _Value) -> str:
    return ctime(int(seconds))


def _human(size: _Value | None) -> str:
    """Right-align a size in six bytes; its separator may have several bytes."""
    text = "-" if size is None else human(int(size))
    return " " * (6 - len(os.fsencode(text))) + text


_KEY = Cell("key", "key", show_all=format_keys)
OWNER = Cell("owner", "uid", _short_name, row="%s")
PERMS = Cell("perms", "mode", _permissions)
UID = Cell("uid", "uid", _full_user, row="%s")
GID = Cell("gid", "gid", _full_group, row="%s")
_CREATOR = (
    PERMS,
    Cell("cuid", "cuid", _full_user, row="%s"),
    Cell("cgid", "cgid", _full_group, row="%s"),
    UID,
    GID,
)
_MSQID = Cell("msqid", "id")
_SHMID = Cell("shmid", "id")
_SEMID = Cell("semid", "id")
_CBYTES = Cell("used-bytes", "cbytes", width=12)
_SEGSZ = Cell("bytes", "segsz")

_TABLES: dict[tuple[Kind, View], Table] = {
    (Kind.QUEUE, View.STATUS): Table(
        "Message Queues",
        (_KEY, _MSQID, OWNER, PERMS, _CBYTES, Cell("messages", "qnum", width=12)),
    ),
    (Kind.QUEUE, View.TIME): Table(
        "Message Queues Send/Recv/Change Times",
        (
            _MSQID._replace(width=8),
            OWNER,
            Cell("send", "stime", short_time, width=20),
            Cell("recv", "rtime", short_time, width=20),
            Cell("change", "ctime", short_time, width=20),
        ),
    ),
    (Kind.QUEUE, View.PID): Table(
        "Message Queues PIDs",
        (
            _MSQID._replace(row="%-8s"),
            OWNER,
            Cell("lspid", "lspid", row=" %5s    "),
            Cell("lrpid", "lrpid", row="%5s"),
        ),
    ),
    (Kind.QUEUE, View.CREATOR): Table("Message Queues Creators/Owners", (_MSQID, *_CREATOR)),
    (Kind.SEGMENT, View.STATUS): Table(
        "Shared Memory Segments",
        (
            *(_KEY, _SHMID, OWNER, PERMS, _SEGSZ),
            Cell("nattch", "nattch"),
            Cell("status", "mode", _status, width=12, row="%s"),
        ),
    ),
    (Kind.SEGMENT, View.TIME): Table(
        "Shared Memory Attach/Detach/Change Times",
        (
            *(_SHMID, OWNER),
            Cell("attached", "atime", short_time, width=20),
            Cell("detached", "dtime", short_time, width=20),
            Cell("changed", "ctime", short_time, width=20),
        ),
    ),
    (Kind.SEGMENT, View.PID): Table(
        "Shared Memory Creator/Last-op PIDs",
        (_SHMID, OWNER, Cell("cpid", "cpid"), Cell("lpid", "lpid")),
    ),
    (Kind.SEGMENT, View.CREATOR): Table(
        "Shared Memory Segment Creators/Owners", (_SHMID, *_CREATOR)
    ),
    (Kind.SEMAPHORE, View.STATUS): Table(
        "Semaphore Arrays", (_KEY, _SEMID, OWNER, PERMS, Cell("nsems", "nsems"))
    ),
    (Kind.SEMAPHORE, View.TIME): Table(
        "Semaphore Operation/Change Times",
        (
            _SEMID._replace(width=8),
            OWNER,
            Cell("last-op", "otime", _long_time, width=26, row=" %-26s"),
            Cell("last-changed", "ctime", _long_time, width=26),
        ),
    ),
    (Kind.SEMAPHORE, View.CREATOR): Table("Semaphore Arrays Creators/Owners", (_SEMID, *_CREATOR)),
}
# With --human, sizes are right-aligned in six bytes; the column keeps its width.
_HUMAN = {
    "cbytes": Cell("size", "cbytes", _human, width=12, row="%s      "),
    "segsz": Cell("size", "segsz", _human, row="%s    "),
}


def listings(report: Report, _capabilities: TerminalCapabilities | None = None) -> Iterator[str]:
    """Render a table for each kind."""
    yield "\n"
    for kind, chunks in report.found.items():
        # ipcs -s -p prints nothing.
        if table := _table_of(kind, report.view):
            yield from _table(table, chunks, report.style)
        yield "\n"


def _table_of(kind: Kind, view: View) -> Table | None:
    if kind in SYSV:
        return _TABLES.get((kind, view))
    from pyipcs.render import plain_posix

    return plain_posix.TABLES.get((kind, view))


def _table(table: Table, chunks: Iterable[Listing], style: Style) -> Iterator[str]:
    cells = table.cells
    if style.human:
        cells = tuple(_HUMAN.get(cell.field, cell) for cell in cells)
    yield f"------ {table.title} --------\n"
    yield " ".join(f"{cell.heading:<{cell.width}}" for cell in cells) + "\n"
    for chunk in chunks:
        if chunk.length:  # an empty one may lack fields
            yield _rows(cells, chunk)


def _rows(cells: Iterable[Cell], chunk: Listing) -> str:
    """Return the rows of a chunk; the template contains constant values."""
    templates, columns = [], []
    for cell in cells:
        values = chunk.column(cell.field)
        if is_constant(values):
            (text,) = cell.texts(values[:1])
            templates.append((cell.template % text).replace("%", "%%"))
        else:
            templates.append(cell.template)
            columns.append(cell.texts(values))
    row = " ".join(templates) + "\n"
    rows = zip(*columns, strict=True) if columns else repeat((), chunk.length)
    return "".join(map(row.__mod__, rows))
