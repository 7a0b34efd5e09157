"""Renderer of one object as a panel for people, drawn by rich."""

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
from pyipcs.render.details import Details
from pyipcs.render.format_units import flag_names, grouped, human, octal, symbolic
from pyipcs.render.formatters import rate
from pyipcs.render.stat_words import USES, act, last_user, moment, names, process, using
from pyipcs.render.table import STATE_STYLES, Cell, Painter, bar
from pyipcs.sysv.keys import format_key
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.terminal.escape import one_line
from pyipcs.text import plural
from pyipcs.usage.processes import recorded
from pyipcs.usage.state import UsageState

_WIDTH_MAX = 100  # columns: longer lines are hard to read
_FRAME = 4  # columns of the frame and its padding
_COUNTS_WIDTH = 38  # columns of a table of semaphores with NCOUNT and ZCOUNT


def details(object_: Details, capabilities: TerminalCapabilities | None) -> Iterator[str]:
    """Render the panel of one object."""
    assert capabilities
    record = object_.record
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    width = min(capabilities.width or _WIDTH_MAX, _WIDTH_MAX)
    title, key = f"{record.kind.noun.capitalize()} {record.id}", format_key(record.key)
    if len(f"{title}, key {key}") <= width - 2 * _FRAME:
        title += f", key {key}"
    else:  # rich would cut the title
        grid.add_row("Key", key)
    for label, (text, style) in chain(_facts(object_, capabilities), _use(object_.state())):
        grid.add_row(label, Text(one_line(text), style=style))
    parts: list[RenderableType] = [grid]
    if isinstance(record, SemaphoreSet) and record.semaphores:
        parts += ["", _semaphores(record, record.semaphores, width - _FRAME)]
    panel = Panel(
        Group(*parts),
        title=Text(title, style="bold not dim"),  # else rich gives it the style of the border
        title_align="left",
        border_style="dim",
        box=box.ROUNDED,
        width=width,
    )
    yield Painter(capabilities).draw(panel, capabilities.width or _WIDTH_MAX)


def _facts(object_: Details, capabilities: TerminalCapabilities) -> Iterator[tuple[str, Cell]]:
    record, style = object_.record, object_.style
    match record:
        case Queue():
            has_unicode = capabilities.has_unicode
            yield from _queue_facts(record, style, object_.growth, has_unicode=has_unicode)
        case Segment():
            yield from _segment_facts(record, style)
        case SemaphoreSet():
            yield "Semaphores", (str(record.nsems), "bold")
            if record.semaphores is None:
                yield "Values", ("no read permission", "dim")
            yield "Last op", (moment(record.otime, style), "")
    yield "Last change", (moment(record.ctime, style), "")
    yield "Owner", (names(record.uid, record.gid), "")
    yield "Creator", (_creator(record), "")
    yield "Mode", (f"{symbolic(record.mode)} ({octal(record.mode)})", "")


def _use(state: UsageState) -> Iterator[tuple[str, Cell]]:
    """Yield the processes that use an object, its state and the reason."""
    for user in state.users or ():
        _phrase, label = USES[user.does]
        yield label, (using(user), "")
    yield "State", (state.state.value, STATE_STYLES[state.state])
    yield "Reason", (state.reason, "")


def _queue_facts(
    record: Queue, style: Style, growth: float | None, *, has_unicode: bool
) -> Iterator[tuple[str, Cell]]:
    grows = "" if growth is None else f" (net {rate(growth)}/s)"
    yield "Messages", (f"{plural(record.qnum, 'message')}{grows}", "bold")
    share = queue_percent(record.cbytes, record.qnum, record.qbytes)
    drawn, color = bar(share, has_unicode=has_unicode, is_used=record.qnum > 0)
    limit = "unknown" if record.qbytes is None else grouped(record.qbytes)
    used = f"{grouped(record.cbytes)} of {limit} bytes"
    if record.qnum > record.cbytes:  # qbytes limits the number of messages, too
        used += f", {grouped(record.qnum)} of {limit} messages"
    yield "Used", (f"{drawn}  {used}", color)
    yield "Last send", (act(record.lspid, record.stime, style), "")
    yield "Last recv", (act(record.lrpid, record.rtime, style), "")


def _segment_facts(record: Segment, style: Style) -> Iterator[tuple[str, Cell]]:
    yield "Size", (_size(record.segsz, style), "bold")
    for label, size in (("In memory", record.rss), ("In swap", record.swap)):
        yield label, ("unknown" if size is None else _size(size, style), "")
    yield "Attached", (plural(record.nattch, "time"), "" if record.nattch else "dim")
    if names_of_flags := flag_names(record.mode):
        yield "Status", (names_of_flags, "red" if record.dest else "yellow")
    yield "Last use", (act(record.lpid, record.last_use_time, style), "")
    yield "Last attach", (moment(record.atime, style), "")
    yield "Last detach", (moment(record.dtime, style), "")


def _creator(record: Record) -> str:
    """Return the names of the creator; the kernel records the process for segments alone."""
    creator = names(record.cuid, record.cgid)
    if not isinstance(record, Segment):
        return creator
    return f"{creator}, proc {process(recorded(record.cpid, record.made))}"


def _size(size: int, style: Style) -> str:
    """Return a size for people, with the exact bytes if it is rounded."""
    exact = f"{grouped(size)} bytes"
    return exact if size < 1024 or not style.human else f"{human(size)} ({exact})"


def _semaphores(record: SemaphoreSet, semaphores: tuple[Semaphore, ...], width: int) -> Table:
    counts = ("ncount", "zcount") if width >= _COUNTS_WIDTH else ()
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
