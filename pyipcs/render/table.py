"""Renderer of tables for people, drawn by rich.

A rich table takes a millisecond per row. Therefore rich draws only the frame and one row of
placeholders, the template of all rows.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache, partial
from io import StringIO
from itertools import chain, repeat, starmap
from typing import Any, NamedTuple, TypeAlias

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.style import Style as RichStyle
from rich.table import Table
from rich.text import Text

from pyipcs.listing import Listing, is_constant, merged, mode_bits
from pyipcs.model import State
from pyipcs.query.columns import Column, Value, ValueType
from pyipcs.query.plan import Report, Style, TimeFormat
from pyipcs.query.resources import UNLIMITED
from pyipcs.render.format_units import flags, grouped, human
from pyipcs.render.formatters import formatted
from pyipcs.render.layout import (
    SEPARATION,
    Measured,
    capped,
    fitted,
    total,
    usual_widths,
    wrapped,
)
from pyipcs.render.listing_report import has_special_characters
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.terminal.escape import width, widths_of
from pyipcs.text import one_line
from pyipcs.usage.processes import recorded

# A text, and its style in rich's notation.
Cell: TypeAlias = tuple[str, str]


class _Cells(NamedTuple):
    """The cells of a column.

    Thousands of objects have few values, each drawn once.

    Attributes:
        values: the value of each object.
        distinct: the distinct values.
        texts: the text of each distinct value.
        styles: the style of each distinct value.
    """

    values: Sequence[Any]
    distinct: Sequence[Any]
    texts: Sequence[str]
    styles: Sequence[str]

    def of_objects(self, texts: Sequence[str]) -> Iterable[str]:
        """Return the text of each object, for texts of the distinct values."""
        if len(self.distinct) == len(self.values):
            return texts  # they have the same order
        return map(dict(zip(self.distinct, texts, strict=True)).__getitem__, self.values)


_PLACEHOLDER = "\ue000"  # of the private use area, and one column wide
_BAR = 8  # columns
_EIGHTHS = " \u258f\u258e\u258d\u258c\u258b\u258a\u2589\u2588"  # blocks of 0 to 8 eighths
_HIGH, _VERY_HIGH = 75.0, 90.0  # percent: a bar becomes yellow, and red
_UNLIMITED = 2**63  # the defaults of shmmax and shmall are above (shmget(2))
HEAD = 3  # lines above the rows of a table
_EMPTY = frozenset({("-", "dim"), ("never", "dim")})  # the cells without a value; 0 is one


def tables(report: Report, capabilities: TerminalCapabilities | None) -> Iterator[str]:
    """Render a table for each kind, or one table with the report's title.

    A line after the tables names the kinds without objects, and the report's notes follow. A title
    has the number of all rows, even if `max_rows` limits the rows; then no empty lines take room
    between the tables.
    """
    assert capabilities
    painter = Painter(capabilities)
    if report.title:
        yield from _one_table(report, painter)
        return
    empty = []
    separator = ""
    for kind, chunks in report.found.items():
        listing = merged(chunks)
        if listing is None or not listing.length:
            empty.append(kind.plural)
            continue
        title = f"{kind.title} ({grouped(listing.length)})"
        more = max(listing.length - report.max_rows.get(kind, listing.length), 0)
        if more:
            listing = listing.take(range(listing.length - more))
        yield separator
        yield from _table(title, report.columns[kind], [listing], report, painter, more)
        separator = "" if report.max_rows else "\n"
    if not report.headings:
        return
    if empty:
        yield separator + painter.paint(f"No {_either(empty)}{report.which}.", "dim") + "\n"
        separator = ""
    for note in report.notes:
        yield separator + painter.paint(one_line(note), "dim") + "\n"
        separator = ""


def shares(lengths: Sequence[int], rows: int) -> list[int]:
    """Share rows fairly among tables; return the rows of each.

    A table with few rows leaves the rest to the others. The first ones get the odd rows.
    """
    given = [0] * len(lengths)
    by_length = sorted(range(len(lengths)), key=lambda index: (lengths[index], -index))
    for done, index in enumerate(by_length):
        given[index] = min(lengths[index], rows // (len(lengths) - done))
        rows -= given[index]
    return given


def _one_table(report: Report, painter: "Painter") -> Iterator[str]:
    parts = [listing for _kind, listings in report.in_one_order() for listing in listings]
    columns = next(iter(report.columns.values()))
    return _table(report.title, columns, parts, report, painter)


def _either(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


@lru_cache(maxsize=1024)
def bar(percent: Value, *, has_unicode: bool, is_used: bool = False) -> Cell:
    """Return a share as a bar and a number.

    A bar has eighths of blocks, in ASCII whole blocks. An empty bar means 0, a full one 100.

    Args:
        percent: the share; None without a limit.
        has_unicode: False for a bar in ASCII.
        is_used: False if the share is exactly 0; a small share can be rounded to 0.
    """
    if percent is None:
        return "-", "dim"
    share = max(float(percent), 0.001 if is_used else 0)
    is_full = share >= 100
    steps = 8 if has_unicode else 1  # of a block
    most = _BAR * steps
    filled = most if is_full else min(max(round(share / 100 * most), share > 0), most - 1)
    whole, rest = divmod(filled, steps)
    drawn = (_EIGHTHS[8] if has_unicode else "#") * whole + (_EIGHTHS[rest] if rest else "")
    drawn += ("\u2591" if has_unicode else ".") * (_BAR - len(drawn))
    number = "full" if is_full else "<1%" if 0 < share < 1 else f"{int(share)}%"
    color = "red" if share >= _VERY_HIGH else "yellow" if share >= _HIGH else "green"
    return f"{drawn} {number:>4}", color if share else "dim"


class _Unicode(StringIO):
    """A buffer that lets rich use all characters."""

    encoding = "utf-8"


class _Ascii(StringIO):
    """A buffer that makes rich fall back to ASCII."""

    encoding = "ascii"


class Painter:
    """A painter of text for the capabilities of a terminal, with rich.

    Attributes:
        capabilities: the capabilities of the terminal.
    """

    def __init__(self, capabilities: TerminalCapabilities) -> None:
        self.capabilities = capabilities
        # The escape sequences before and after a text, by style.
        self._codes: dict[str, tuple[str, str]] = {"": ("", "")}

    def paint(self, text: str, style: str) -> str:
        """Return text with the escape sequences of a style."""
        before, after = self.codes(style)
        return f"{before}{text}{after}"

    def codes(self, style: str) -> tuple[str, str]:
        """Return the escape sequences before and after a text of a style."""
        if style not in self._codes:
            has_color = self.capabilities.has_color
            painted = RichStyle.parse(style).render("\0") if has_color else ""
            before, _, after = painted.partition("\0")
            self._codes[style] = before, after
        return self._codes[style]

    def draw(self, drawable: Any, width: int, *, is_plain: bool = False) -> str:
        """Return the text that rich draws, plain without escape sequences."""
        has_color = self.capabilities.has_color and not is_plain
        file = _Unicode() if self.capabilities.has_unicode else _Ascii()
        Console(
            file=file,
            # Explicit values keep rich from reading environment variables.
            width=width,
            height=self.capabilities.height,
            force_terminal=has_color,
            no_color=not has_color,
            color_system="standard" if has_color else None,
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
        ).print(drawable)
        return file.getvalue()


def _table(
    title: str,
    columns: Sequence[Column],
    parts: Sequence[Listing],
    report: Report,
    painter: Painter,
    more: int = 0,
) -> Iterator[str]:
    """Yield the lines of a table, without columns that do not fit.

    A last line counts `more` rows.
    """
    cells_of, sizes = _laid_out(columns, parts, report, painter.capabilities)
    head, row = _frame(title, sizes, painter)
    if report.headings:
        yield head
    last = [*sizes][-1]
    if not _is_right_aligned(last):
        sizes[last] = 0  # no spaces at the ends of lines
    all_cells = [cells_of[column] for column in sizes]
    painted = [_painted(cells_of[column], column, size, painter) for column, size in sizes.items()]
    if any("\n" in text for texts in painted for text in texts):
        rows = zip(*map(_Cells.of_objects, all_cells, painted), strict=True)
        yield "".join(_of_several_lines(rows, [*sizes.values()], row))
    else:
        yield "".join(_of_one_line(all_cells, painted, row))
    omitted = [column.name for column in columns if column not in sizes]
    notes = [f"{grouped(more)} more."] if more else []
    if omitted and report.headings:
        notes.append(f"No room for {', '.join(omitted)}.")
    if notes:
        note = Text(" ".join(notes), style="dim")
        yield painter.draw(note, painter.capabilities.width or 0)


def _laid_out(
    columns: Sequence[Column],
    parts: Sequence[Listing],
    report: Report,
    capabilities: TerminalCapabilities,
) -> tuple[dict[Column, _Cells], dict[Column, int]]:
    """Return the cells of columns, and the widths of the columns that fit."""

    def cells(column: Column, style: Style) -> _Cells:
        values = [*chain.from_iterable(_values(column, part) for part in parts)]
        distinct = values[:1] if values and is_constant(values) else [*dict.fromkeys(values)]
        texts, styles = _shown(column, distinct, style, has_unicode=capabilities.has_unicode)
        return _Cells(values, distinct, texts, styles)

    cells_of = {column: cells(column, report.style) for column in columns}
    measured = [_measured(column, cells_of[column], report) for column in columns]
    room = capabilities.width
    if room is None or not report.headings:  # rows alone are for programs, which need all columns
        return cells_of, {one.column: one.size for one in measured}
    if total([one.aligned_size for one in measured]) > room and not report.keeps_times:
        short = report.style._replace(time_format=TimeFormat.SHORT)
        times = [column for column in columns if column.value_type is ValueType.TIME]
        cells_of |= {column: cells(column, short) for column in times}
        measured = [_measured(column, cells_of[column], report) for column in columns]
    sizes = fitted(measured, room)
    for one in measured:
        size = sizes.get(one.column, one.size)
        if size < one.size and not one.is_overrunning:
            narrow = partial(_narrowed, one, size, has_unicode=capabilities.has_unicode)
            texts = [*map(narrow, cells_of[one.column].texts)]
            cells_of[one.column] = cells_of[one.column]._replace(texts=texts)
    return cells_of, sizes


def _measured(column: Column, cells: _Cells, report: Report) -> Measured:
    least = len(column.name) if report.headings else 1
    widths = sorted(widths_of(cells.texts))
    return Measured(
        column,
        max(least, *widths[-1:]),
        max(least, *usual_widths(widths)[-1:]),
        is_empty=all(map(_EMPTY.__contains__, zip(cells.texts, cells.styles, strict=True))),
        is_named=report.is_wide or column.name in report.wanted,
    )


def _narrowed(measured: Measured, size: int, text: str, *, has_unicode: bool) -> str:
    """Return a long text on several lines, or cut."""
    if measured.is_wrappable:
        return "\n".join(wrapped(text, size))
    return capped(text, size, "\u2026" if has_unicode else "+")


def _of_one_line(
    columns: Sequence[_Cells], painted: Sequence[Sequence[str]], template: str
) -> Iterator[str]:
    """Yield rows; a text that all of them have goes into the template."""
    constant = [texts[0] if len(texts) == 1 else None for texts in painted]
    row = template % tuple("%s" if one is None else one.replace("%", "%%") for one in constant)
    varying = [
        cells.of_objects(texts)
        for cells, texts, one in zip(columns, painted, constant, strict=True)
        if one is None
    ]
    rows = zip(*varying, strict=True) if varying else repeat((), len(columns[0].values))
    return map(row.__mod__, rows)


def _of_several_lines(
    rows: Iterable[Sequence[str]], sizes: Sequence[int], template: str
) -> Iterator[str]:
    """Yield the lines of rows with cells of several lines."""
    blanks = [" " * size for size in sizes]
    for cells in rows:
        columns = [cell.split("\n") for cell in cells]
        for number in range(max(map(len, columns))):
            line = template % tuple(
                lines[number] if number < len(lines) else blank
                for lines, blank in zip(columns, blanks, strict=True)
            )
            yield line.rstrip() + "\n"


def _frame(title: str, sizes: Mapping[Column, int], painter: Painter) -> tuple[str, str]:
    """Return the lines above the rows, and the template of a row."""
    # Versions of rich differ in the padding of the last column, so it is explicit.
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for column, size in sizes.items():
        justify: Any = "right" if _is_right_aligned(column) else "left"
        table.add_column(column.name, justify=justify, width=size, no_wrap=True)
    table.add_row(*(_PLACEHOLDER * size for size in sizes.values()))
    width = sum(sizes.values()) + SEPARATION * len(sizes)
    header, rule, row = painter.draw(table, width, is_plain=True).splitlines()
    head = (
        painter.paint(title, "bold"),
        painter.paint(header.rstrip(), "bold cyan"),
        painter.paint(rule[: width - SEPARATION], "dim"),
    )
    template = re.sub(f"{_PLACEHOLDER}+", "%s", row.rstrip())
    return "".join(f"{line}\n" for line in head), template + "\n"


def _is_right_aligned(column: Column) -> bool:
    """Return True if a column has numbers without names or bars."""
    return column.is_numeric and column.value_type not in {ValueType.PID, ValueType.PERCENT}


def _painted(cells: _Cells, column: Column, size: int, painter: Painter) -> list[str]:
    """Return the painted and padded texts of the distinct values."""
    is_right_aligned = _is_right_aligned(column)

    @cache  # there are few styles and widths
    def frame(style: str, taken: int) -> str:
        before, after = painter.codes(style)
        space = " " * (size - taken)  # none beside a name that runs over
        return f"{space}{before}%s{after}" if is_right_aligned else f"{before}%s{after}{space}"

    if "\n" not in "".join(cells.texts):
        frames = map(frame, cells.styles, widths_of(cells.texts))
        return [*map(str.__mod__, frames, cells.texts)]
    return [
        "\n".join(frame(style, width(line)) % line for line in text.split("\n"))
        for text, style in zip(cells.texts, cells.styles, strict=True)
    ]


def _values(column: Column, listing: Listing) -> Iterable[Any]:
    """Return the values that the cells of a column show, one for each object."""
    if column.name == "USE%":
        return _shares(column, listing)
    if column.value_type is ValueType.PID:
        assert column.when
        pids = (int(pid or 0) for pid in listing.column(column.field))
        return zip(pids, column.when(listing), strict=True)
    if column.name in {"LIMIT", "USED"}:
        names, units = listing.column("resource"), listing.column("unit")
        return zip(names, column.of(listing), units, strict=True)
    return column.of(listing)


def _shown(
    column: Column, values: Sequence[Any], style: Style, *, has_unicode: bool
) -> tuple[Sequence[str], Sequence[str]]:
    """Return the texts and the styles of values of a column (`_values`)."""
    cells: Iterable[Cell]
    if column.name == "USE%":
        cells = (bar(share, has_unicode=has_unicode, is_used=is_used) for share, is_used in values)
    elif column.value_type is ValueType.PID:
        cells = starmap(_process, values)
    elif column.name in {"LIMIT", "USED"}:
        cells = (_amount(column, style, *amount) for amount in values)
    elif column.name == "DESCRIPTION" and style.human:
        # A size has its unit with it.
        cells = ((text.removesuffix(" (bytes)"), "") for text in values)
    else:
        return _usual(column, values, style)
    shown = [*cells]
    return [text for text, _ in shown], [style for _, style in shown]


def _usual(
    column: Column, values: Sequence[Value], style: Style
) -> tuple[Sequence[str], Sequence[str]]:
    """Return the texts and the styles of the values of most columns."""
    texts = [*map(str, formatted(column.value_type, values, style, ""))]
    if has_special_characters(column, style):
        texts = [*map(one_line, texts)]
    style_of = _CELL_STYLES.get(column.name, _no_style)
    if "" not in texts:
        return texts, [*map(style_of, values)]
    zero = "never" if column.value_type is ValueType.TIME else "-"
    pairs = [*zip(values, texts, strict=True)]
    return (
        [text or ("-" if value is None else zero) for value, text in pairs],
        [style_of(value) if text else "dim" for value, text in pairs],
    )


def _no_style(_value: Value) -> str:
    return ""


def _zero_dim(value: Value) -> str:
    return "dim" if value in {"0", 0} else ""


def _flag_style(mode: Any) -> str:
    return "red" if flags(mode)["dest"] else "yellow"


def _mode_style(mode: Any) -> str:
    """Highlight world-writable objects."""
    return "yellow" if mode_bits(mode) & 0o002 else ""


STATE_STYLES = {
    State.IN_USE: "green",
    State.ORPHANED: "red",
    State.SUSPECT: "yellow",
    State.UNKNOWN: "dim",
}
_CELL_STYLES: dict[str, Callable[[Value], str]] = {
    **dict.fromkeys(("ID", "NAME"), lambda _value: "bold"),
    "KEY": _zero_dim,
    "PERMS": _mode_style,
    "STATUS": _flag_style,
    "STATE": lambda value: STATE_STYLES[State(value)],
    **dict.fromkeys(("MSGS", "NET/S", "USEDBYTES", "NATTCH", "RSS", "SWAP"), _zero_dim),
}


def _shares(column: Column, listing: Listing) -> Iterator[tuple[Value, bool]]:
    """Yield the used shares of queues or limits, with True for any use."""
    if listing.has("qnum"):
        for share, number in zip(column.of(listing), listing.column("qnum"), strict=True):
            yield share, bool(int(number or 0))
        return
    for share, used, limit in zip(
        column.of(listing), listing.column("used"), listing.column("limit"), strict=True
    ):
        is_unlimited = limit is not None and limit >= _UNLIMITED
        yield None if is_unlimited else share, bool(used)


def _amount(column: Column, style: Style, name: str, value: Value, unit: str) -> Cell:
    """Return a limit, or its usage, in its unit."""
    number = int(value or 0)
    can_be_unlimited = column.name == "LIMIT" and name in UNLIMITED
    if number >= _UNLIMITED or (value is None and can_be_unlimited):
        return "unlimited", "dim"
    if value is None:
        return "-", "dim"
    text = human(number) if unit == "bytes" and style.human else grouped(number)
    return text, "" if number else "dim"


def _process(pid: int, when: int) -> Cell:
    """Return a pid, with the name of a process that still exists."""
    if not when:
        return "-", "dim"
    process = recorded(pid, when)
    if process.command is None:
        return str(pid), "dim"
    return f"{process.pid} {one_line(process.command)}", ""
