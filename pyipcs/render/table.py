"""Tables for people, drawn by rich.

A rich table takes a millisecond a row. So rich draws the frame, and one row of placeholders; all
rows are then made from that one.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from io import StringIO
from typing import Any, TypeAlias

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.style import Style as Look
from rich.table import Table
from rich.text import Text

from pyipcs.model import State
from pyipcs.query.columns import Column, ValueType, Word
from pyipcs.query.plan import Report, Style
from pyipcs.render.format_units import flags, grouped, human, mode_bits
from pyipcs.render.formatters import converter
from pyipcs.sysv.listing import Listing, merged
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.terminal.escape import one_line, width
from pyipcs.usage.processes import recorded

# A text, and how it looks in rich's words.
Cell: TypeAlias = tuple[str, str]

_PLACEHOLDER = "\ue000"  # of no script, and one column wide
_BAR = 8  # columns
_HIGH, _FULL = 75.0, 90.0  # percent, from which on a bar draws attention
_UNLIMITED = 2**63  # more than any machine has, as the kernel's defaults are (shmget(2))
_SEPARATION = 2  # columns between two of a table
_NAMING = 90  # the rank from which on a column names an object
_LEAST = 12  # columns of a terminal that a long one has


def listings(
    report: Report, canvas: TerminalCapabilities, most: int | None = None
) -> Iterator[str]:
    """A table a kind, and a line that tells which there are none of.

    Args:
        report: what to show.
        canvas: where.
        most: the most rows of each table; the titles count them all.
    """
    painter = Painter(canvas)
    none = []
    separator = ""
    for kind, chunks in report.found.items():
        listing = merged(chunks)
        if listing is None or not listing.length:
            none.append(kind.plural)
            continue
        title = f"{kind.title} ({grouped(listing.length)})"
        shown = listing if most is None else listing.take(range(min(most, listing.length)))
        yield separator
        yield from _table(title, report.columns[kind], [shown], report, painter)
        separator = "\n"
    if none and report.headings:
        yield separator + painter.paint(f"No {_either(none)}{report.which}.", "dim") + "\n"


def resources(report: Report, canvas: TerminalCapabilities) -> Iterator[str]:
    """The kernel's limits with what is in use of them, in one table."""
    found = [listing for listings in report.found.values() for listing in listings]
    columns = next(iter(report.columns.values()))
    return _table("System V IPC limits", columns, found, report, Painter(canvas))


def _either(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


@lru_cache(maxsize=1024)
def bar(percent: Word, *, unicode: bool, some: bool = False) -> Cell:
    """How much of something is in use, as a bar and in words.

    Args:
        percent: the share; None is where there is no limit.
        unicode: whether there is more than ASCII to draw it with.
        some: whether anything is, be its share ever so small.
    """
    if percent is None:
        return "-", "dim"
    share = max(float(percent), 0.001 if some else 0)
    full = share >= 100
    # Only what is empty looks so, and only what is full.
    filled = _BAR if full else min(max(round(share / 100 * _BAR), share > 0), _BAR - 1)
    used, free = "\u2588\u2591" if unicode else "#."
    words = "full" if full else "<1%" if 0 < share < 1 else f"{int(share)}%"
    look = "red" if full or share >= _FULL else "yellow" if share >= _HIGH else "green"
    drawn = used * filled + free * (_BAR - filled)
    return f"{drawn} {words:>4}", look if share or full else "dim"


class _Unicode(StringIO):
    """What is drawn, of any character."""

    encoding = "utf-8"


class _Ascii(StringIO):
    """What is drawn where rich is to use ASCII alone."""

    encoding = "ascii"


class Painter:
    """Draws on a canvas with rich."""

    def __init__(self, canvas: TerminalCapabilities) -> None:
        self.canvas = canvas
        self._codes: dict[str, tuple[str, str]] = {"": ("", "")}

    def paint(self, text: str, look: str) -> str:
        """The text with the codes of a look around it."""
        if not self.canvas.has_color:
            return text
        if look not in self._codes:
            before, _, after = Look.parse(look).render("\0").partition("\0")
            self._codes[look] = before, after
        before, after = self._codes[look]
        return f"{before}{text}{after}"

    def draw(self, drawable: Any, columns: int, *, plain: bool = False) -> str:
        """What rich draws of something, in so many columns; plain is without codes."""
        colored = self.canvas.has_color and not plain
        file = _Unicode() if self.canvas.has_unicode else _Ascii()
        Console(
            file=file,
            # All is told: rich would look into variables, and not into ours alone.
            width=columns,
            height=self.canvas.height,
            force_terminal=colored,
            no_color=not colored,
            color_system="standard" if colored else None,
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
        ).print(drawable)
        return file.getvalue()


def _table(
    title: str,
    columns: Iterable[Column],
    parts: Sequence[Listing],
    report: Report,
    painter: Painter,
) -> Iterator[str]:
    """The lines of a table, without those columns for which there is no room."""
    looks = {
        column: [cell for part in parts for cell in _cells(column, part, report.style, painter)]
        for column in columns
    }
    sizes = {
        column: max(
            [
                len(column.name) if report.headings else 1,
                *(width(text) for text, _ in set(cells)),
            ]
        )
        for column, cells in looks.items()
    }
    kept = _fitting(sizes, report, painter.canvas.width)
    head, row = _frame(title, kept, painter)
    if report.headings:
        yield head
    for column in kept:
        if kept[column] < sizes[column]:
            looks[column] = _shortened(looks[column], column, kept[column], painter)
    last = [*kept][-1]
    if not _to_the_right(last):
        kept[last] = 0  # nothing stands behind it
    painted = [_painted(looks[column], column, size, painter) for column, size in kept.items()]
    yield "".join(map(row.__mod__, zip(*painted, strict=True)))
    if report.headings:
        left_out = [column.name for column in sizes if column not in kept]
        if left_out:
            note = Text(f"No room for {', '.join(left_out)}.", style="dim")
            yield painter.draw(note, painter.canvas.width or 0)


def _fitting(sizes: Mapping[Column, int], report: Report, room: int | None) -> dict[Column, int]:
    """The columns that there is room for, by their rank, and how wide; one at the least.

    What names an object, and what the user named, stays longest. Rows without headings are for a
    program, which counts on all columns.
    """
    if room is None or not report.headings:
        return dict(sizes)
    least = {one: min(size, _LEAST) if one.long else size for one, size in sizes.items()}
    kept: set[Column] = set()
    used = 0
    for column in sorted(
        sizes,
        key=lambda one: (one.priority < _NAMING and one.name not in report.wanted, -one.priority),
    ):
        needed = least[column] + (_SEPARATION if kept else 0)
        if used + needed <= room or not kept:
            kept.add(column)
            used += needed
    fitting = {}
    for column, size in sizes.items():
        if column in kept:
            fitting[column] = min(size, least[column] + max(room - used, 0))
            used += fitting[column] - least[column]
    return fitting


def _shortened(cells: Sequence[Cell], column: Column, size: int, painter: Painter) -> list[Cell]:
    """Cells of a long column, with a mark where there is more; never with half a number."""
    mark = "\u2026" if painter.canvas.has_unicode else "+"

    @lru_cache(maxsize=4096)
    def shortened(cell: Cell) -> Cell:
        text, look = cell
        if width(text) <= size:
            return cell
        while width(text) > size - 1:
            text = text[: size - 1 - width(text)]
        if column.value_type is ValueType.NUMBERS:
            text = text[: text.rfind(",") + 1]
        return text + mark, look

    return [*map(shortened, cells)]


def _frame(title: str, sizes: Mapping[Column, int], painter: Painter) -> tuple[str, str]:
    """What stands above the rows, and the template of a row."""
    # The last column has padding like all others, which not every rich would leave out alike.
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for column, size in sizes.items():
        justify: Any = "right" if _to_the_right(column) else "left"
        table.add_column(column.name, justify=justify, width=size, no_wrap=True)
    table.add_row(*(_PLACEHOLDER * size for size in sizes.values()))
    room = sum(sizes.values()) + _SEPARATION * len(sizes)
    header, rule, row = painter.draw(table, room, plain=True).splitlines()
    head = (
        painter.paint(title, "bold"),
        painter.paint(header.rstrip(), "bold cyan"),
        painter.paint(rule[: room - _SEPARATION], "dim"),
    )
    template = re.sub(f"{_PLACEHOLDER}+", "%s", row.rstrip())
    return "".join(f"{line}\n" for line in head), template + "\n"


def _to_the_right(column: Column) -> bool:
    """Numbers stand to the right; pids, behind which names stand, do not, and nor do bars."""
    return column.numeric and column.value_type not in {ValueType.PID, ValueType.PERCENT}


def _painted(cells: Sequence[Cell], column: Column, size: int, painter: Painter) -> Iterator[str]:
    """The cells of a column as they are written; each that is the same is painted once."""
    written = {}
    for cell in set(cells):
        text, look = cell
        space = " " * (size - width(text))
        painted = painter.paint(text, look)
        written[cell] = space + painted if _to_the_right(column) else painted + space
    return map(written.__getitem__, cells)


def _cells(column: Column, listing: Listing, style: Style, painter: Painter) -> Iterable[Cell]:
    """What stands in a column, one an object."""
    if column.name == "USE%":
        return _bars(column, listing, unicode=painter.canvas.has_unicode)
    if column.value_type is ValueType.PID:
        return _processes(column, listing)
    if column.name in {"LIMIT", "USED"}:
        return _amounts(column, listing, style)
    show = converter(column.value_type, style, "")
    missing = "never" if column.value_type is ValueType.TIME else "-"
    look = _LOOKS.get(column.name, _plain)

    @lru_cache(maxsize=4096)
    def cell(word: Word) -> Cell:
        text = "" if word is None else one_line(show(word) if show else str(word))
        return (text, look(word)) if text else (missing, "dim")

    return map(cell, column.of(listing))


def _plain(_word: Word) -> str:
    return ""


def _zero_dim(word: Word) -> str:
    return "dim" if word in {"0", 0} else ""


def _flag_look(mode: Any) -> str:
    return "red" if flags(mode)["dest"] else "yellow"


def _mode_look(mode: Any) -> str:
    """Highlight world-writable objects."""
    return "yellow" if mode_bits(mode) & 0o002 else ""


# How a state draws attention, or does not.
STATE_LOOKS = {
    State.IN_USE: "green",
    State.ORPHANED: "red",
    State.SUSPECT: "yellow",
    State.UNKNOWN: "dim",
}
# How cells draw attention, or do not.
_LOOKS: dict[str, Callable[[Word], str]] = {
    "ID": lambda _word: "bold",
    "KEY": _zero_dim,
    "PERMS": _mode_look,
    "STATUS": _flag_look,
    "STATE": lambda word: STATE_LOOKS[State(word)],
    **dict.fromkeys(("MSGS", "NET/S", "USEDBYTES", "NATTCH", "RSS", "SWAP"), _zero_dim),
}


def _bars(column: Column, listing: Listing, *, unicode: bool) -> Iterator[Cell]:
    """How much is in use."""
    if listing.has("qnum"):
        for share, number in zip(column.of(listing), listing.column("qnum"), strict=True):
            yield bar(share, unicode=unicode, some=bool(int(number)))
        return
    for share, used, most in zip(
        column.of(listing), listing.column("used"), listing.column("limit"), strict=True
    ):
        unlimited = most is not None and most >= _UNLIMITED
        yield bar(None if unlimited else share, unicode=unicode, some=bool(used))


def _amounts(column: Column, listing: Listing, style: Style) -> Iterator[Cell]:
    """How much there can be, or is, of something."""
    for word, unit in zip(column.of(listing), listing.column("unit"), strict=True):
        number = int(word or 0)
        if word is None:
            yield "-", "dim"
        elif number >= _UNLIMITED:
            yield "unlimited", "dim"
        else:
            text = human(number) if unit == "bytes" and style.human else grouped(number)
            yield text, "" if number else "dim"


def _processes(column: Column, listing: Listing) -> Iterator[Cell]:
    """Pids, each with the name of its process, if that still lives."""
    assert column.when
    pids = map(int, listing.column(column.field))
    # Kept for this time only: in a live view, processes go.
    return map(lru_cache(maxsize=4096)(_process), pids, column.when(listing))


def _process(pid: int, when: int) -> Cell:
    if not when:
        return "-", "dim"
    process = recorded(pid, when)
    if process.command is None:
        return str(pid), "dim"
    return f"{process.pid} {one_line(process.command)}", ""
