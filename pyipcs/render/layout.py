"""The columns of a table and their widths on a narrow terminal.

The steps to a narrower table have a fixed order, and a terminal takes as many as it needs.
Therefore a wider terminal never shows fewer columns.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pyipcs.query.columns import Column, ValueType
from pyipcs.terminal.escape import width

SEPARATION = 2  # columns between columns
_NAMING = 90  # the lowest priority of columns that name an object
_LONG_NAME = 40  # columns: a few longer names run over before a column is left out
_NAME_MAX = 16  # columns of a user's or group's name, before a column goes
_COMFORTABLE, _LEAST = 24, 12  # columns of wrapped text, before and after other columns go


class Measured(NamedTuple):
    """A column with its cells measured.

    Attributes:
        column: the column.
        size: the width that its cells need.
        usual_size: the width that its cells need without exceptions (`usual_widths`).
        is_empty: True if no cell has a value.
        is_named: True if the user asked for it: it is neither left out nor cut.
    """

    column: Column
    size: int
    usual_size: int
    is_empty: bool
    is_named: bool

    @property
    def is_wrappable(self) -> bool:
        """True if its text can take several lines."""
        is_text = self.column.value_type is ValueType.TEXT
        return self.column.is_long or (self.is_named and is_text)

    @property
    def aligned_size(self) -> int:
        """The least width that keeps its cells whole and nearly all rows aligned."""
        return self.usual_size if self.is_overrunning else self.size

    @property
    def is_overrunning(self) -> bool:
        """True if a long text moves the rest of its row.

        A truncated name would be that of another object.
        """
        return self.column.value_type is ValueType.NAME


def total(sizes: Sequence[int]) -> int:
    """Return the width of a table."""
    return sum(sizes) + SEPARATION * max(len(sizes) - 1, 0)


def usual_widths(widths: Sequence[int]) -> Sequence[int]:
    """Return sorted widths without those over both _LONG_NAME and the median."""
    longest = max(_LONG_NAME, widths[(len(widths) - 1) // 2] if widths else 0)
    return [one for one in widths if one <= longest]


def fitted(measured: Sequence[Measured], room: int) -> dict[Column, int]:
    """Return the columns for a terminal, with the width of each.

    Columns that the user named can take more room than there is.
    """
    sizes = {one.column: one.size for one in measured}
    for step in _steps(measured):
        if total([*sizes.values()]) <= room:
            break
        for column, size in step.items():
            if column not in sizes:
                continue
            if size:
                sizes[column] = min(size, sizes[column])
            elif len(sizes) > 1:
                del sizes[column]
    spare = room - total([*sizes.values()])
    for one in measured:
        if one.column not in sizes:
            continue
        missing = one.size - sizes[one.column]
        more = min(missing, max(spare, 0))
        if one.is_wrappable or more == missing:  # a name is whole, or cut like all others
            sizes[one.column] += more
            spare -= more
    return sizes


def _steps(measured: Sequence[Measured]) -> Iterator[Mapping[Column, int]]:
    """Yield the steps to a narrower table, as new widths of columns.

    The width 0 leaves a column out.
    """
    wrappable = [one.column for one in reversed(measured) if one.is_wrappable]
    others = sorted(
        (one for one in measured if not one.is_named),
        key=lambda one: (one.column.priority >= _NAMING, not one.is_empty, one.column.priority),
    )
    yield {one.column: _NAME_MAX for one in others if one.column.is_name}
    yield {one.column: one.aligned_size for one in measured if one.is_overrunning}
    for column in wrappable:
        yield {column: max(_COMFORTABLE, len(column.name))}
    yield from ({one.column: 0} for one in others if one.column.priority < _NAMING)
    for column in wrappable:
        yield {column: max(_LEAST, len(column.name))}
    yield from ({one.column: 0} for one in others if one.column.priority >= _NAMING)


def capped(text: str, size: int, mark: str) -> str:
    """Return a text of at most `size` columns, cut with a mark."""
    return text if width(text) <= size else _head(text, size - width(mark)) + mark


def wrapped(text: str, size: int) -> list[str]:
    """Return the lines of a text, broken between words and between numbers."""
    lines, line = [], ""
    for piece in re.split(r"(?<= )(?=[^ ])|(?<=,)(?=\d)", text):
        if line and width(line + piece.rstrip(" ")) > size:
            lines.append(line.rstrip(" "))
            line = ""
        line += piece
        while width(line.rstrip(" ")) > size:  # a word that is longer than a line
            head = _head(line, size) or line[0]
            lines.append(head)
            line = line[len(head) :]
    return [*lines, line.rstrip(" ")] if line or not lines else lines


def _head(text: str, size: int) -> str:
    """Return the beginning of a text that takes at most `size` columns."""
    head = text[: max(size, 0)]
    while width(head) > size:
        head = head[:-1]
    return head
