"""Renderers of rows with separators: CSV, TSV and shell assignments."""

import re
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache

from pyipcs.query.columns import KIND, ValueType
from pyipcs.query.plan import Report
from pyipcs.render.listing_report import has_special_characters, headings, table
from pyipcs.terminal.capabilities import TerminalCapabilities

# Variables for columns with an invalid or special name: an assignment to UID or GID changes the
# user in zsh (zshparam(1)), and UID is readonly in bash.
_SHELL_NAMES = {"USE%": "USE_PCT", "UID": "OWNER_UID", "GID": "OWNER_GID"}


def csv(report: Report, _capabilities: TerminalCapabilities | None = None) -> Iterator[str]:
    """Render rows with commas, quoted by RFC 4180; lines end in LF."""
    return _rows(report, ",", _quoted, single='""')  # readers skip an empty line


def tsv(report: Report, _capabilities: TerminalCapabilities | None = None) -> Iterator[str]:
    r"""Render rows with tabs; a tab in a value is `\t`, a newline `\n`.

    Names of POSIX objects have these escapes in every text format.
    """
    return _rows(report, "\t", _without_tabs, escaped={ValueType.NAME})


def _rows(
    report: Report,
    separator: str,
    convert: Callable[[str], str],
    single: str = "",
    escaped: Collection[ValueType] = (),
) -> Iterator[str]:
    """Return the lines.

    Args:
        report: the rows.
        separator: the text between cells.
        convert: the quoting of cells.
        single: the text of an empty cell in a table with one column.
        escaped: the types of values that need no quoting.
    """
    columns = len(headings(report))
    template = separator.join(["%s"] * columns) + "\n"
    for rows in table(report, "", convert, escaped):
        if columns == 1:
            rows = ((single,) if cell == "" else (cell,) for (cell,) in rows)  # noqa: PLW2901
        yield "".join(map(template.__mod__, rows))


@lru_cache(maxsize=1024)
def _quoted(text: str) -> str:
    if re.search('[,"\n\r]', text):
        return '"' + text.replace('"', '""') + '"'
    return text


@lru_cache(maxsize=1024)
def _without_tabs(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def export(report: Report, _capabilities: TerminalCapabilities | None = None) -> Iterator[str]:
    r"""Render each object as a line of shell assignments.

    A newline in a value is `\n`. Each line assigns all names: otherwise a variable could keep the
    value of an earlier object.
    """
    names = headings(report)
    for kind, listings in report.in_one_order():
        texts = {
            one.name
            for one in (KIND, *report.columns[kind])
            if has_special_characters(one, report.style)
        }
        quoted = {name: "%s" if name in texts else '"%s"' for name in names}
        assignments = (f"{_SHELL_NAMES.get(name, name)}={quoted[name]}" for name in names)
        template = " ".join(assignments) + "\n"
        one_kind = report._replace(found={kind: listings}, headings=False)
        for rows in table(one_kind, "", _for_shell):
            yield "".join(map(template.__mod__, rows))


@lru_cache(maxsize=1024)
def _for_shell(text: str) -> str:
    """Quote a value for sh on one line; `eval` executes no part of it.

    Bytes beyond ASCII get single quotes of their own. In GBK, Big5 and GB18030 a shell reads such
    a byte and the following ASCII byte as one character: a quote or a backslash would lose its
    meaning.
    """
    text = text.replace("\n", "\\n")
    if text.isascii():
        return '"' + re.sub(r'(["$`\\])', r"\\\1", text) + '"'
    runs = re.findall(r"[\x00-\x7f]+|[^\x00-\x7f]+", text)
    return "".join("'" + run.replace("'", r"'\''") + "'" for run in runs)
