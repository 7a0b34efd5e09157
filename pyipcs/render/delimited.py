"""Objects as CSV, as TSV, and as assignments for a shell."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from pyipcs.render.report import Report, headings, table

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
    r"""Assignments for a shell, a line an object; a newline in a value is `\n`.

    Each line assigns all names, so that none keeps what the line before said.
    """
    names = (_SHELL_NAMES.get(name, name) for name in headings(report))
    template = " ".join(f'{name}="%s"' for name in names) + "\n"
    for rows in table(report._replace(headings=False), "", _for_shell):
        yield "".join(map(template.__mod__, rows))


@lru_cache(maxsize=1024)
def _for_shell(text: str) -> str:
    """Text between double quotes of sh: on one line, with nothing in it to be run."""
    return re.sub(r'(["$`\\])', r"\\\1", text.replace("\n", "\\n"))
