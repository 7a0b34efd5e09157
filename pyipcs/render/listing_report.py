"""Cells, headings and rows for the renderers of listings."""

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import repeat
from typing import Any

from pyipcs.listing import Listing, is_constant
from pyipcs.query.columns import KIND, Column, ValueType
from pyipcs.query.plan import Report, Style
from pyipcs.render.formatters import formatted

# The value types whose text can contain characters that a format must escape.
_TEXTS = {ValueType.TEXT, ValueType.NAME, ValueType.NUMBERS, ValueType.FLAGS}


def cells(
    column: Column,
    listing: Listing,
    style: Style,
    missing: str,
    convert: Callable[[str], str] | None = None,
    escaped: Collection[ValueType] = (),
) -> Iterable[Any]:
    """Return the cells of a column, one per object; some are ints.

    Args:
        column: the column.
        listing: the objects.
        style: the formats of values.
        missing: the text for an unknown value.
        convert: the escaping of the format.
        escaped: the types of values that need no escaping in this format.
    """
    values = [*column.of(listing)]
    shown = values[:1] if values and is_constant(values) else values
    texts: Iterable[Any] = formatted(column.value_type, shown, style, missing)
    is_converted = column.value_type not in escaped and has_special_characters(column, style)
    texts = map(convert, texts) if convert and is_converted else texts
    return texts if shown is values else repeat(next(iter(texts)), len(values))


def has_special_characters(column: Column, style: Style) -> bool:
    """Return True if values can contain characters that must be escaped.

    A size with a unit can have a decimal comma.
    """
    return column.value_type in _TEXTS or (column.value_type is ValueType.SIZE and style.human)


def headings(report: Report) -> tuple[str, ...]:
    """Return the headings of one table for all kinds, with KIND for several."""
    known = dict.fromkeys(column.name for each in report.columns.values() for column in each)
    names = [name for name in dict.fromkeys(report.order) if name in known] or [*known]
    if len(report.columns) > 1 and KIND.name not in known:
        names.insert(0, KIND.name)
    return tuple(names)


def table(
    report: Report,
    missing: str,
    convert: Callable[[str], str] | None = None,
    escaped: Collection[ValueType] = (),
) -> Iterator[Iterable[Iterable[Any]]]:
    """Yield the rows of one table for all kinds in chunks; see `cells`.

    The headings come first.
    """
    if report.headings:
        yield [headings(report)]
    for columns in table_columns(report, missing, convert, escaped):
        yield zip(*columns, strict=True)


def table_columns(
    report: Report,
    missing: str,
    convert: Callable[[str], str] | None = None,
    escaped: Collection[ValueType] = (),
) -> Iterator[list[Iterable[Any]]]:
    """Yield the columns of one table for all kinds in chunks; see `cells`."""
    names = headings(report)
    for kind, listings in report.in_one_order():
        by_name = {column.name: column for column in (KIND, *report.columns[kind])}
        for listing in listings:
            yield [
                cells(by_name[name], listing, report.style, missing, convert, escaped)
                if name in by_name
                else repeat(missing, listing.length)
                for name in names
            ]
