"""Objects as CSV, as TSV, and as assignments for a shell."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from pyipcs.query.columns import KIND
from pyipcs.query.plan import Report
from pyipcs.render.listing_report import headings, is_text, table

# The names of columns that a shell would not take, or would obey: UID and GID are a user's rights
# in zsh, and readonly in bash.
_SHELL_NAMES = {"USE%": "USE_PCT", "UID": "OWNER_UID", "GID": "OWNER_GID"}


def csv(report: Report) -> Iterator[str]:
    """A table with commas between the columns, quoted by RFC 4180, its lines ended as here."""
    return _rows(report, ",", _quoted, alone='""')  # an empty line is no row at all


def tsv(report: Report) -> Iterator[str]:
    r"""A table with a tab between the columns; a tab in a value is `\t`, a newline `\n`."""
    return _rows(report, "\t", _without_tabs)


def _rows(
    report: Report, separator: str, convert: Callable[[str], str], alone: str = ""
) -> Iterator[str]:
    """The lines; `alone` is what is empty where there is but one column."""
    columns = len(headings(report))
    template = separator.join(["%s"] * columns) + "\n"
    for rows in table(report, "", convert):
        if columns == 1:
            rows = ((alone,) if cell == "" else (cell,) for (cell,) in rows)  # noqa: PLW2901
        yield "".join(map(template.__mod__, rows))


@lru_cache(maxsize=1024)
def _quoted(text: str) -> str:
    if re.search('[,"\n\r]', text):
        return '"' + text.replace('"', '""') + '"'
    return text


@lru_cache(maxsize=1024)
def _without_tabs(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def export(report: Report) -> Iterator[str]:
    r"""Return assignments for a shell, a line an object; a newline in a value is `\n`.

    Each line assigns all names, so that none keeps the value of the line before.
    """
    names = headings(report)
    for kind, listings in report.found.items():
        texts = {one.name for one in (KIND, *report.columns[kind]) if is_text(one, report.style)}
        quoted = {name: "%s" if name in texts else '"%s"' for name in names}
        assignments = (f"{_SHELL_NAMES.get(name, name)}={quoted[name]}" for name in names)
        template = " ".join(assignments) + "\n"
        only = report._replace(found={kind: listings}, headings=False)
        for rows in table(only, "", _for_shell):
            yield "".join(map(template.__mod__, rows))


@lru_cache(maxsize=1024)
def _for_shell(text: str) -> str:
    """Quote a value for sh so that `eval` reads it on one line and runs nothing of it.

    Other bytes than ASCII stand in single quotes of their own: in some locales (GBK, Big5, GB18030)
    a shell reads such a byte and the ASCII byte behind it as one character, so that the second
    loses its meaning as a quote or as the backslash before a quote.
    """
    text = text.replace("\n", "\\n")
    if text.isascii():
        return '"' + re.sub(r'(["$`\\])', r"\\\1", text) + '"'
    runs = re.findall(r"[\x00-\x7f]+|[^\x00-\x7f]+", text)
    return "".join("'" + run.replace("'", r"'\''") + "'" for run in runs)
