"""Renderer of one object as a panel for people, drawn by rich."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pyipcs.model import (
    PosixQueue,
    PosixRecord,
    PosixSegment,
    PosixSemaphore,
    Queue,
    Record,
    Segment,
    SemaphoreSet,
    SysvRecord,
)
from pyipcs.objects import format_target_id
from pyipcs.query.columns import percent, queue_percent
from pyipcs.query.plan import Style
from pyipcs.render.details import Details
from pyipcs.render.format_units import flag_names, grouped, human, octal, symbolic
from pyipcs.render.formatters import rate
from pyipcs.render.semaphores import Run, Shown, condensed, whole
from pyipcs.render.stat_words import (
    UNREADABLE,
    UNREADABLE_POSIX,
    USES,
    act,
    file_number,
    last_user,
    moment,
    names,
    process,
    registered,
    using,
)
from pyipcs.render.table import STATE_STYLES, Cell, Painter, bar
from pyipcs.sysv.keys import format_key
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.terminal.escape import width
from pyipcs.text import one_line, plural
from pyipcs.usage.processes import recorded
from pyipcs.usage.state import UsageState

_WIDTH_MAX = 100  # columns: longer lines are hard to read
_FRAME = 4  # columns of the frame and its padding
_PLACEHOLDER = "\ue000"  # of the private use area, and one column wide
_SEPARATION = "  "  # between the columns of semaphores
_PID_MIN = 7  # columns: the longest pid
_COLUMNS: dict[str, Callable[[Run], str]] = {  # of semaphores, before PID
    "SEMNUM": lambda run: run.label,
    "VALUE": lambda run: str(run.one.value),
    "NCOUNT": lambda run: str(run.one.ncount),
    "ZCOUNT": lambda run: str(run.one.zcount),
}


def details(object_: Details, capabilities: TerminalCapabilities | None) -> Iterator[str]:
    """Render the panel of one object."""
    assert capabilities
    record = object_.record
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    size = min(capabilities.width or _WIDTH_MAX, _WIDTH_MAX)
    title, identity = _title(record, size - 2 * _FRAME)
    shown = _shown_semaphores(object_)
    facts = _facts(object_, shown.summary, capabilities)
    for label, (text, style) in chain(identity, facts, _use(object_.state())):
        grid.add_row(label, Text(one_line(text), style=style))
    room = size - _FRAME
    sizes = _column_sizes(shown.runs, room)
    panel = Panel(
        Group(grid, *_table(shown, sizes, room, capabilities)),
        title=Text().append(
            title, "bold not dim"
        ),  # a span: older rich lays the border over a style
        title_align="left",
        border_style="dim",
        box=box.ROUNDED,
        width=size,
    )
    drawn = Painter(capabilities).draw(panel, capabilities.width or _WIDTH_MAX)
    if isinstance(record, SemaphoreSet) and sizes:
        return _with_rows(drawn, _PLACEHOLDER * room, _rows(shown.runs, sizes, record, room))
    return iter([drawn])


def _title(record: Record, room: int) -> tuple[str, list[tuple[str, Cell]]]:
    """Return the title, and a row for a key or name too long for it.

    rich would truncate the title.
    """
    noun = record.kind.noun
    title, name = f"{noun[0].upper()}{noun[1:]}", format_target_id(record.kind, record.id)
    if isinstance(record, PosixRecord):
        whole, label = f"{title} {name}", "Name"
    else:
        title, name, label = f"{title} {name}", format_key(record.key), "Key"
        whole = f"{title}, key {name}"
    return (whole, []) if width(whole) <= room else (title, [(label, (name, ""))])


def _facts(
    object_: Details, values: str, capabilities: TerminalCapabilities
) -> Iterator[tuple[str, Cell]]:
    """Yield the properties of an object, those of its kind first."""
    record, style = object_.record, object_.style
    yield from _own_facts(object_, values, has_unicode=capabilities.has_unicode)
    if not isinstance(record, PosixQueue):  # reading a queue's text has just changed its ctime
        yield "Last change", (moment(record.ctime, style), "")
    yield "Owner", (names(record.uid, record.gid), "")
    if not isinstance(record, PosixRecord):
        yield "Creator", (_creator(record), "")
    yield "Mode", (f"{symbolic(record.mode)} ({octal(record.mode)})", "")
    if isinstance(record, PosixRecord):
        yield "Inode", (file_number(record), "")


def _own_facts(object_: Details, values: str, *, has_unicode: bool) -> Iterator[tuple[str, Cell]]:
    """Yield the properties that objects of one kind have."""
    record, style = object_.record, object_.style
    match record:
        case Queue():
            yield from _queue_facts(record, style, object_.growth, has_unicode=has_unicode)
        case Segment():
            yield from _segment_facts(record, style)
        case SemaphoreSet():
            yield "Semaphores", (grouped(record.nsems), "bold")
            if record.semaphores is None:
                yield "Values", (UNREADABLE, "dim")
            elif values:
                yield "Values", (values, "")
            yield "Last op", (moment(record.otime, style), "")
        case PosixQueue():
            yield from _posix_queue_facts(record, style, object_.growth, has_unicode=has_unicode)
        case PosixSegment():
            yield "Size", (_size(record.segsz, style), "bold")
            yield from _residency(record, style)
            yield "Born", (moment(record.born, style), "")
            yield "Recorded write", (moment(record.mtime, style), "")
            yield "Recorded read", (moment(record.atime, style), "")
        case PosixSemaphore():
            yield "Value", _known(record.value, "bold")
            yield "Born", (moment(record.born, style), "")


def _known(number: int | None, style: str = "") -> Cell:
    """Return the cell of a value of a POSIX object; None is not readable."""
    return (UNREADABLE_POSIX, "dim") if number is None else (grouped(number), style)


def _use(state: UsageState | None) -> Iterator[tuple[str, Cell]]:
    """Yield the processes that use an object, its state and the reason."""
    if state is None:
        return
    for user in state.users or ():
        _phrase, label = USES[user.does]
        yield label, (using(user), "")
    yield "State", (state.state.value, STATE_STYLES[state.state])
    yield "Reason", (state.reason, "")


def _queue_facts(
    record: Queue, style: Style, growth: float | None, *, has_unicode: bool
) -> Iterator[tuple[str, Cell]]:
    yield "Messages", (_messages(record.qnum, growth), "bold")
    share = queue_percent(record.cbytes, record.qnum, record.qbytes)
    drawn, color = bar(share, has_unicode=has_unicode, is_used=record.qnum > 0)
    limit = "unknown" if record.qbytes is None else grouped(record.qbytes)
    used = f"{grouped(record.cbytes)} of {limit} bytes"
    if record.qnum > record.cbytes:  # qbytes limits the number of messages, too
        used += f", {grouped(record.qnum)} of {limit} messages"
    yield "Used", (f"{drawn}  {used}", color)
    yield "Last send", (act(record.lspid, record.stime, style), "")
    yield "Last recv", (act(record.lrpid, record.rtime, style), "")


def _messages(number: int, growth: float | None) -> str:
    grows = "" if growth is None else f" (net {rate(growth)}/s)"
    return f"{plural(number, 'message')}{grows}"


def _posix_queue_facts(
    record: PosixQueue, style: Style, growth: float | None, *, has_unicode: bool
) -> Iterator[tuple[str, Cell]]:
    if record.qnum is None:
        yield "Messages", (UNREADABLE_POSIX, "dim")
    else:
        yield "Messages", (_messages(record.qnum, growth), "bold")
        share = percent(record.qnum, record.maxmsg)
        drawn, color = bar(share, has_unicode=has_unicode, is_used=record.qnum > 0)
        most = f"{grouped(record.qnum)} of {grouped(record.maxmsg or 0)} messages"
        size = f"size {UNREADABLE_POSIX}" if record.cbytes is None else _size(record.cbytes, style)
        yield "Used", (f"{drawn}  {most}, {size}", color)
        yield "Message size", (f"at most {_size(record.msgsize or 0, style)}", "")
    yield "Notification", (registered(record), "")
    yield "Last use", (moment(record.mtime, style), "")


def _residency(record: Segment | PosixSegment, style: Style) -> Iterator[tuple[str, Cell]]:
    for label, size in (("In memory", record.rss), ("In swap", record.swap)):
        yield label, ("unknown" if size is None else _size(size, style), "")


def _segment_facts(record: Segment, style: Style) -> Iterator[tuple[str, Cell]]:
    yield "Size", (_size(record.segsz, style), "bold")
    yield from _residency(record, style)
    yield "Attached", (plural(record.nattch, "time"), "" if record.nattch else "dim")
    if names_of_flags := flag_names(record.mode):
        yield "Status", (names_of_flags, "red" if record.dest else "yellow")
    yield "Last use", (act(record.lpid, record.last_use_time, style), "")
    yield "Last attach", (moment(record.atime, style), "")
    yield "Last detach", (moment(record.dtime, style), "")


def _creator(record: SysvRecord) -> str:
    """Return the names of the creator, of segments with the process."""
    creator = names(record.cuid, record.cgid)
    if not isinstance(record, Segment):
        return creator
    return f"{creator}, proc {process(recorded(record.cpid, record.creation_time))}"


def _size(size: int, style: Style) -> str:
    """Return a size for people, with the exact bytes if it is rounded."""
    exact = f"{grouped(size)} bytes"
    return exact if size < 1024 or not style.human else f"{human(size)} ({exact})"


def _shown_semaphores(object_: Details) -> Shown:
    record = object_.record
    if not isinstance(record, SemaphoreSet) or not record.semaphores:
        return Shown([])
    if object_.is_condensed:
        return condensed(record.semaphores, grouped)
    return whole(record.semaphores)


def _column_sizes(runs: Sequence[Run], room: int) -> dict[str, int]:
    """Return the columns of semaphores that fit beside PID, with their widths.

    None without a column for values.
    """
    if not runs:
        return {}
    sizes = {name: max(len(name), *map(len, map(cell, runs))) for name, cell in _COLUMNS.items()}
    while sizes and _start_of_pid(sizes) + _PID_MIN > room:
        sizes.popitem()
    return sizes if "VALUE" in sizes else {}


def _start_of_pid(sizes: Mapping[str, int]) -> int:
    return sum(sizes.values()) + len(sizes) * len(_SEPARATION)


def _table(
    shown: Shown, sizes: Mapping[str, int], room: int, capabilities: TerminalCapabilities
) -> Iterator[RenderableType]:
    """Yield the lines around a placeholder for the rows of semaphores.

    rich takes 0.3 ms for a row.
    """
    if shown.runs:
        yield ""
    if sizes:
        names = (*(f"{name:>{size}}" for name, size in sizes.items()), "PID")
        yield Text(_SEPARATION.join(names), style="bold cyan", no_wrap=True)
        yield Text(("\u2500" if capabilities.has_unicode else "-") * room, no_wrap=True)
        yield Text(_PLACEHOLDER * room, no_wrap=True)
    elif shown.runs:
        yield Text("No room for the semaphores.", style="dim")
    if shown.rest:
        yield Text(shown.rest, style="dim")


def _rows(
    runs: Sequence[Run], sizes: Mapping[str, int], record: SemaphoreSet, room: int
) -> Iterator[str]:
    """Yield the rows of semaphores."""
    user = lru_cache(maxsize=4096)(last_user)
    start = _start_of_pid(sizes)
    columns = [(_COLUMNS[name], size) for name, size in sizes.items()]
    for run in runs:
        cells = (cell(run).rjust(size) for cell, size in columns)
        first, *rest = _folded(one_line(user(run.one.pid, record.last_use_time)), room - start)
        yield _SEPARATION.join((*cells, first))
        yield from (" " * start + piece for piece in rest)


def _folded(text: str, size: int) -> list[str]:
    """Return the lines of a text, broken at spaces where possible."""
    lines = []
    while width(text) > size:
        fitting = next(text[:end] for end in range(size, 0, -1) if width(text[:end]) <= size)
        line = fitting[: fitting.rfind(" ") + 1] or fitting
        lines.append(line)
        text = text[len(line) :]
    return [*lines, text]


def _with_rows(drawn: str, placeholder: str, rows: Iterable[str]) -> Iterator[str]:
    """Yield a panel with rows in the line of a placeholder."""
    before, _, after = drawn.rpartition(placeholder)
    above, newline, left = before.rpartition("\n")
    right, _, below = after.partition("\n")
    yield above + newline
    for row in rows:
        yield f"{left}{row}{' ' * (len(placeholder) - width(row))}{right}\n"
    yield below
