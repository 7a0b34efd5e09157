"""All there is to know of one object, in a panel for people, drawn by rich."""

from collections.abc import Iterator
from itertools import chain

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pyipcs.model import Queue, Record, Segment, Semaphore, SemaphoreSet
from pyipcs.query.columns import queue_percent
from pyipcs.query.plan import Style
from pyipcs.render.format_units import flag_names, grouped, human, octal, symbolic
from pyipcs.render.formatters import rate
from pyipcs.render.stat_words import act, last_user, moment, names, process, using
from pyipcs.render.table import STATE_LOOKS, Cell, Painter, bar
from pyipcs.sysv.keys import format_key
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.terminal.escape import one_line
from pyipcs.text import plural
from pyipcs.usage.processes import recorded
from pyipcs.usage.state import UsageState

_WIDEST = 100  # columns, beyond which the eye loses the line
_FRAME = 4  # columns of it, that the frame takes
_COUNTS_ROOM = 38  # columns that a table of semaphores takes with all of its own


def details(
    record: Record,
    found: UsageState,
    style: Style,
    canvas: TerminalCapabilities,
    growth: float | None = None,
) -> str:
    """The panel of an object.

    Args:
        record: the object; a set's semaphores are shown if they are there.
        found: who uses it, whether it is leaked, and why.
        style: how values look.
        canvas: where.
        growth: in a live view, by how many messages a queue grows in a second.
    """
    painter = Painter(canvas)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    whole = min(canvas.width or _WIDEST, _WIDEST)
    title, key = f"{record.kind.noun.capitalize()} {record.id}", format_key(record.key)
    if len(f"{title}, key {key}") <= whole - 2 * _FRAME:
        title += f", key {key}"
    else:  # rather than half of it
        grid.add_row("Key", key)
    for label, (text, look) in chain(_facts(record, style, canvas, growth), _use(found)):
        grid.add_row(label, Text(one_line(text), style=look))
    parts: list[RenderableType] = [grid]
    if isinstance(record, SemaphoreSet) and record.semaphores:
        parts += ["", _semaphores(record, record.semaphores, whole - _FRAME)]
    panel = Panel(
        Group(*parts),
        title=Text(title, style="bold"),
        title_align="left",
        border_style="dim",
        box=box.ROUNDED,
        width=whole,
    )
    return painter.draw(panel, canvas.width or _WIDEST)


def _facts(
    record: Record, style: Style, canvas: TerminalCapabilities, growth: float | None
) -> Iterator[tuple[str, Cell]]:
    match record:
        case Queue():
            yield from _queue_facts(record, style, canvas, growth)
        case Segment():
            yield from _segment_facts(record, style)
        case SemaphoreSet():
            yield "Semaphores", (str(record.nsems), "bold")
            if record.semaphores is None:
                yield "Values", ("you may not read them", "dim")
            yield "Last op", (moment(record.otime, style), "")
    yield "Last change", (moment(record.ctime, style), "")
    yield "Owner", (names(record.uid, record.gid), "")
    yield "Creator", (names(record.cuid, record.cgid), "")
    yield "Mode", (f"{symbolic(record.mode)} ({octal(record.mode)})", "")


def _use(found: UsageState) -> Iterator[tuple[str, Cell]]:
    """Who uses it, whether it is leaked, and why."""
    for user in found.users or ():
        yield _USES[user.does], (using(user), "")
    yield "State", (found.state.value, STATE_LOOKS[found.state])
    yield "Reason", (found.reason, "")


# What stands before a process that uses an object, by what it does.
_USES = {
    "attached": "Attached by",
    "send": "Waits to send",
    "receive": "Waits to recv",
    "operation": "Waits",
}


def _queue_facts(
    record: Queue, style: Style, canvas: TerminalCapabilities, growth: float | None
) -> Iterator[tuple[str, Cell]]:
    grows = "" if growth is None else f" (net {rate(growth)}/s)"
    yield "Messages", (f"{plural(record.qnum, 'message')}{grows}", "bold")
    share = queue_percent(record.cbytes, record.qnum, record.qbytes)
    drawn, look = bar(share, unicode=canvas.has_unicode, some=record.qnum > 0)
    most = "unknown" if record.qbytes is None else grouped(record.qbytes)
    used = f"{grouped(record.cbytes)} of {most} bytes"
    if record.qnum > record.cbytes:  # the messages make it full
        used += f", {grouped(record.qnum)} of {most} messages"
    yield "Used", (f"{drawn}  {used}", look)
    yield "Last send", (act(record.lspid, record.stime, style), "")
    yield "Last recv", (act(record.lrpid, record.rtime, style), "")


def _segment_facts(record: Segment, style: Style) -> Iterator[tuple[str, Cell]]:
    yield "Size", (_size(record.segsz, style), "bold")
    for label, size in (("In memory", record.rss), ("In swap", record.swap)):
        yield label, ("unknown" if size is None else _size(size, style), "")
    yield "Attached", (plural(record.nattch, "time"), "" if record.nattch else "dim")
    if names_of_flags := flag_names(record.mode):
        yield "Status", (names_of_flags, "red" if record.dest else "yellow")
    yield "Created by", (f"proc {process(recorded(record.cpid, record.made))}", "")
    yield "Last use", (act(record.lpid, record.used, style), "")
    yield "Last attach", (moment(record.atime, style), "")
    yield "Last detach", (moment(record.dtime, style), "")


def _size(size: int, style: Style) -> str:
    """A size for people, with the bytes where these say more."""
    exact = f"{grouped(size)} bytes"
    return exact if size < 1024 or not style.human else f"{human(size)} ({exact})"


def _semaphores(record: SemaphoreSet, semaphores: tuple[Semaphore, ...], room: int) -> Table:
    counts = ("ncount", "zcount") if room >= _COUNTS_ROOM else ()
    fields = ("num", "value", *counts)
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), header_style="bold cyan"
    )
    for name in ("SEMNUM", "VALUE", *map(str.upper, counts)):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("PID", overflow="fold", min_width=7)
    for one in semaphores:
        row = (*(getattr(one, field) for field in fields), one_line(last_user(one, record)))
        table.add_row(*(Text(str(cell)) for cell in row))
    return table
