"""Renderer of aligned columns, for scripts that split at white space."""

from collections.abc import Iterator
from itertools import chain

from pyipcs.query.plan import Report
from pyipcs.render import listing_report
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.terminal.escape import width

_MISSING = "-"  # an empty cell would shift the fields of a split line


def table(report: Report, _capabilities: TerminalCapabilities | None = None) -> Iterator[str]:
    """Render one table for all kinds, with numbers right-aligned."""
    rows = [
        [str(cell).replace("\n", "\\n").replace("\t", "\\t") for cell in row]
        for row in chain.from_iterable(listing_report.table(report, _MISSING))
    ]
    numeric = {
        column.name
        for columns in report.columns.values()
        for column in columns
        if column.is_numeric
    }
    right = [name in numeric for name in listing_report.headings(report)]
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield " ".join(map(_padded, row, widths, right)).rstrip(" ") + "\n"


def tables(report: Report, _capabilities: TerminalCapabilities | None = None) -> Iterator[str]:
    """Render a table for each kind, under its name."""
    separator = ""
    for kind, found in report.found.items():
        yield f"{separator}{kind.title}\n" if report.headings else ""
        columns = {kind: report.columns[kind]}
        yield from table(report._replace(found={kind: found}, columns=columns))
        separator = "\n"


def _padded(text: str, size: int, is_right_aligned: bool) -> str:
    space = " " * (size - width(text))
    return space + text if is_right_aligned else text + space
