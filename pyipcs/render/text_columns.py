"""Renderer of aligned columns, for scripts that split at white space."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import NamedTuple

from pyipcs.listing import is_constant
from pyipcs.query.plan import Report
from pyipcs.render import listing_report
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.terminal.escape import width, widths_of

_MISSING = "-"  # an empty cell would shift the fields of a split line


def table(report: Report, _capabilities: TerminalCapabilities | None = None) -> Iterator[str]:
    """Render one table for all kinds, with numbers right-aligned."""
    names = listing_report.headings(report)
    columns: list[list[str]] = [[] for _ in names]
    for chunk in listing_report.table_columns(report, _MISSING):
        for column, cells in zip(columns, chunk, strict=True):
            column.extend(map(str, cells))
    numeric = {
        column.name
        for columns_of_kind in report.columns.values()
        for column in columns_of_kind
        if column.is_numeric
    }
    heads = names if report.headings else [""] * len(names)
    aligned = [
        _aligned(head, column, is_right_aligned=name in numeric, is_last=column is columns[-1])
        for name, head, column in zip(names, heads, columns, strict=True)
    ]
    if report.headings:
        yield " ".join(column.head for column in aligned) + "\n"
    row = " ".join(column.template for column in aligned) + "\n"
    texts = [column.texts for column in aligned if column.texts is not None]
    rows = zip(*texts, strict=True) if texts else repeat((), len(columns[0]))
    yield "".join(map(row.__mod__, rows))


class _AlignedColumn(NamedTuple):
    """A column of padded texts.

    Attributes:
        head: the padded heading.
        template: the template of a text in a row.
        texts: the texts; None if the template contains the text of all rows.
    """

    head: str
    template: str
    texts: Iterable[str] | None


def _aligned(
    head: str, texts: Sequence[str], *, is_right_aligned: bool, is_last: bool
) -> _AlignedColumn:
    """Pad the heading and the texts of a column; a line ends without spaces."""
    joined = "".join(texts)
    if "\n" in joined or "\t" in joined:
        texts = [text.replace("\n", "\\n").replace("\t", "\\t") for text in texts]
    size = max(len(head), max(widths_of(texts), default=0))
    if is_last and not is_right_aligned:
        size = 0
    template = f"%{size}s" if is_right_aligned else f"%-{size}s"
    padded_head = template % head
    if not joined.isascii():
        template, texts = "%s", [_padded(text, size, is_right_aligned) for text in texts]
    if not texts or not is_constant(texts):
        return _AlignedColumn(padded_head, template, texts)
    return _AlignedColumn(padded_head, (template % texts[0]).replace("%", "%%"), None)


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
