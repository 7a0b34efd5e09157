"""Renderer of the plain format, the layout of util-linux's ipcs(1).

The output is identical, byte for byte. A listing is rendered column by column; values that ipcs
prints as in /proc/sysvipc stay text.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache
from typing import NamedTuple, TypeAlias

from pyipcs.listing import Listing, mode_bits
from pyipcs.model import Kind, View
from pyipcs.process.accounts import group_name, user_name
from pyipcs.query.plan import Report, Style
from pyipcs.render.format_units import ctime, flags, human
from pyipcs.sysv.keys import format_key
from pyipcs.terminal.capabilities import TerminalCapabilities

# A value of /proc/sysvipc is text; a value of a record is an int.
_Value: TypeAlias = str | int


class _Cell(NamedTuple):
    heading: str
    field: str
    show: Callable[[_Value], str] | None = None  # None: unchanged
    width: int = 10  # of the heading, and of rows without a template
    row: str = ""  # the template of rows

    @property
    def template(self) -> str:
        return self.row or f"%-{self.width}s"


class _Table(NamedTuple):
    title: str
    cells: tuple[_Cell, ...]


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
def _short_time(seconds: _Value) -> str:
    """Return a time as month, day and time of day, as in ctime(3)."""
    when = int(seconds)
    return ctime(when)[4:20] if when else ctime(when)


def _long_time(seconds: _Value) -> str:
    return ctime(int(seconds))


def _key(key: _Value) -> str:
    return format_key(int(key))


def _human(size: _Value) -> str:
    """Right-align a size in six bytes; its separator may have several bytes."""
    text = human(int(size))
    return " " * (6 - len(os.fsencode(text))) + text


_KEY = _Cell("key", "key", _key)
_OWNER = _Cell("owner", "uid", _short_name, row="%s")
_PERMS = _Cell("perms", "mode", _permissions)
_CREATOR = (
    _PERMS,
    _Cell("cuid", "cuid", _full_user, row="%s"),
    _Cell("cgid", "cgid", _full_group, row="%s"),
    _Cell("uid", "uid", _full_user, row="%s"),
    _Cell("gid", "gid", _full_group, row="%s"),
)
_MSQID = _Cell("msqid", "id")
_SHMID = _Cell("shmid", "id")
_SEMID = _Cell("semid", "id")
_CBYTES = _Cell("used-bytes", "cbytes", width=12)
_SEGSZ = _Cell("bytes", "segsz")

_TABLES: dict[tuple[Kind, View], _Table] = {
    (Kind.QUEUE, View.STATUS): _Table(
        "Message Queues",
        (_KEY, _MSQID, _OWNER, _PERMS, _CBYTES, _Cell("messages", "qnum", width=12)),
    ),
    (Kind.QUEUE, View.TIME): _Table(
        "Message Queues Send/Recv/Change Times",
        (
            _MSQID._replace(width=8),
            _OWNER,
            _Cell("send", "stime", _short_time, width=20),
            _Cell("recv", "rtime", _short_time, width=20),
            _Cell("change", "ctime", _short_time, width=20),
        ),
    ),
    (Kind.QUEUE, View.PID): _Table(
        "Message Queues PIDs",
        (
            _MSQID._replace(row="%-8s"),
            _OWNER,
            _Cell("lspid", "lspid", row=" %5s    "),
            _Cell("lrpid", "lrpid", row="%5s"),
        ),
    ),
    (Kind.QUEUE, View.CREATOR): _Table("Message Queues Creators/Owners", (_MSQID, *_CREATOR)),
    (Kind.SEGMENT, View.STATUS): _Table(
        "Shared Memory Segments",
        (
            *(_KEY, _SHMID, _OWNER, _PERMS, _SEGSZ),
            _Cell("nattch", "nattch"),
            _Cell("status", "mode", _status, width=12, row="%s"),
        ),
    ),
    (Kind.SEGMENT, View.TIME): _Table(
        "Shared Memory Attach/Detach/Change Times",
        (
            *(_SHMID, _OWNER),
            _Cell("attached", "atime", _short_time, width=20),
            _Cell("detached", "dtime", _short_time, width=20),
            _Cell("changed", "ctime", _short_time, width=20),
        ),
    ),
    (Kind.SEGMENT, View.PID): _Table(
        "Shared Memory Creator/Last-op PIDs",
        (_SHMID, _OWNER, _Cell("cpid", "cpid"), _Cell("lpid", "lpid")),
    ),
    (Kind.SEGMENT, View.CREATOR): _Table(
        "Shared Memory Segment Creators/Owners", (_SHMID, *_CREATOR)
    ),
    (Kind.SEMAPHORE, View.STATUS): _Table(
        "Semaphore Arrays", (_KEY, _SEMID, _OWNER, _PERMS, _Cell("nsems", "nsems"))
    ),
    (Kind.SEMAPHORE, View.TIME): _Table(
        "Semaphore Operation/Change Times",
        (
            _SEMID._replace(width=8),
            _OWNER,
            _Cell("last-op", "otime", _long_time, width=26, row=" %-26s"),
            _Cell("last-changed", "ctime", _long_time, width=26),
        ),
    ),
    (Kind.SEMAPHORE, View.CREATOR): _Table("Semaphore Arrays Creators/Owners", (_SEMID, *_CREATOR)),
}
# With --human, sizes are right-aligned in six bytes; the column keeps its width.
_HUMAN = {
    _CBYTES: _Cell("size", "cbytes", _human, width=12, row="%s      "),
    _SEGSZ: _Cell("size", "segsz", _human, row="%s    "),
}


def listings(report: Report, _capabilities: TerminalCapabilities | None = None) -> Iterator[str]:
    """Render a table for each kind."""
    yield "\n"
    for kind, chunks in report.found.items():
        # ipcs -s -p prints nothing.
        if table := _TABLES.get((kind, report.view)):
            yield from _table(table, chunks, report.style)
        yield "\n"


def _table(table: _Table, chunks: Iterable[Listing], style: Style) -> Iterator[str]:
    cells = table.cells
    if style.human:
        cells = tuple(_HUMAN.get(cell, cell) for cell in cells)
    yield f"------ {table.title} --------\n"
    yield " ".join(f"{cell.heading:<{cell.width}}" for cell in cells) + "\n"
    row = " ".join(cell.template for cell in cells) + "\n"
    for chunk in chunks:
        columns = (
            map(cell.show, chunk.column(cell.field)) if cell.show else chunk.column(cell.field)
            for cell in cells
        )
        yield "".join(map(row.__mod__, zip(*columns, strict=True)))
