"""What the renderers of listings have in common: cells, headings, rows."""

from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from typing import Any

from pyipcs.query.columns import KIND, Column, Value, ValueType
from pyipcs.query.plan import Report, Style
from pyipcs.render.formatters import converter
from pyipcs.sysv.listing import Listing

# The forms whose texts can hold characters with a meaning in a format.
_TEXTS = {ValueType.TEXT, ValueType.NUMBERS, ValueType.FLAGS}


def cells(
    column: Column,
    listing: Listing,
    style: Style,
    missing: str,
    convert: Callable[[str], str] | None = None,
) -> Iterable[Any]:
    """What of a column stands in a table, one an object; numbers are not always text.

    Args:
        column: which one.
        listing: the objects.
        style: how values look.
        missing: what stands for one that is not there.
        convert: what makes texts fit for the format.
    """
    words = column.of(listing)
    show = converter(column.value_type, style, missing)
    texts: Iterable[Any] = map(show, words) if show else present(words, missing)
    return map(convert, texts) if convert and is_text(column, style) else texts


def is_text(column: Column, style: Style) -> bool:
    """Return whether values of a column can hold characters with a meaning in a format.

    A size for people may have a decimal comma.
    """
    return column.value_type in _TEXTS or (column.value_type is ValueType.SIZE and style.human)


def present(words: Iterable[Value], missing: str) -> Iterable[Value]:
    """The words, with something in the place of those that are not there."""
    if isinstance(words, list) and None not in words:
        return words  # nearly always
    return (missing if word is None else word for word in words)


def headings(report: Report) -> tuple[str, ...]:
    """The names of the columns of a table over all kinds; if there are several, KIND is one."""
    there = dict.fromkeys(column.name for each in report.columns.values() for column in each)
    names = [name for name in dict.fromkeys(report.order) if name in there] or [*there]
    if len(report.columns) > 1 and KIND.name not in there:
        names.insert(0, KIND.name)
    return tuple(names)


def table(
    report: Report, missing: str, convert: Callable[[str], str] | None = None
) -> Iterator[Iterable[Iterable[Any]]]:
    """The rows of a table over all kinds, some at a time, the headings first."""
    names = headings(report)
    if report.headings:
        yield [names]
    for kind, listings in report.found.items():
        by_name = {column.name: column for column in (KIND, *report.columns[kind])}
        for listing in listings:
            columns = [
                cells(by_name[name], listing, report.style, missing, convert)
                if name in by_name
                else repeat(missing, listing.length)
                for name in names
            ]
            yield zip(*columns, strict=True)
