"""Columns of text under a header, for scripts that take a table apart by its white space."""

from collections.abc import Iterator
from itertools import chain

from pyipcs.query.plan import Report
from pyipcs.render.listing_report import headings, table
from pyipcs.terminal.escape import width

_MISSING = "-"  # so that one that is missing does not move the others


def listings(report: Report) -> Iterator[str]:
    """All objects in one table, whatever their kinds; numbers stand to the right."""
    rows = [
        [str(cell).replace("\n", "\\n").replace("\t", "\\t") for cell in row]
        for row in chain.from_iterable(table(report, _MISSING))
    ]
    numeric = {
        column.name
        for columns in report.columns.values()
        for column in columns
        if column.is_numeric
    }
    right = [name in numeric for name in headings(report)]
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield " ".join(map(_padded, row, widths, right)).rstrip(" ") + "\n"


def blocks(report: Report) -> Iterator[str]:
    """A table a kind, each under its name."""
    separator = ""
    for kind, found in report.found.items():
        yield f"{separator}{kind.title}\n" if report.headings else ""
        columns = {kind: report.columns[kind]}
        yield from listings(report._replace(found={kind: found}, columns=columns))
        separator = "\n"


def _padded(text: str, size: int, to_the_right: bool) -> str:
    space = " " * (size - width(text))
    return space + text if to_the_right else text + space
