"""Text as man(7): escapes, fonts, paragraphs, lists."""

import re
from collections.abc import Iterable, Iterator
from textwrap import wrap

Rows = Iterable[tuple[str, str]]


def page(lines: Iterable[str]) -> Iterator[str]:
    """Yield a template as man(7), with its text escaped.

    Requests stay unchanged. Backquotes in the text mean bold. The lines between .EX and .EE are
    literal.
    """
    before, is_literal = "", False
    for line in lines:
        if line in {".EX", ".EE"}:
            is_literal = line == ".EX"
            yield line
        elif is_literal:
            yield literal(line)
        elif line.startswith("."):
            yield line
        else:
            yield from [escaped(line)] if before == ".TP" else wrapped(line)
        before = line


def terms(rows: Rows) -> Iterator[str]:
    """Yield a list of terms with their descriptions."""
    for term, description in rows:
        yield from (".TP", _term(term), *wrapped(description))


def metavars(text: str) -> str:
    """Return a text with words in capitals set in italics."""
    return re.sub(r"\b([A-Z]{2,})\b", r"\\fI\1\\fR", escaped(text))


def wrapped(text: str) -> list[str]:
    """Return a text as lines of at most 78 characters."""
    # NUL keeps the words between backquotes in one line.
    whole = re.sub("`[^`]+`", lambda match: match[0].replace(" ", "\0"), " ".join(text.split()))
    lines = wrap(escaped(whole), 78, break_long_words=False, break_on_hyphens=False)
    return [_guarded(line).replace("\0", " ") for line in lines]


def escaped(text: str) -> str:
    """Return a text escaped for troff, with bold between backquotes."""
    return re.sub("`([^`]+)`", r"\\fB\1\\fR", _escaped_characters(text))


def literal(line: str) -> str:
    """Return a line of a program or of its output, without spaces at its end.

    mandoc warns of them.
    """
    return _guarded(_escaped_characters(line.rstrip()).replace("`", "\\(ga"))


def _term(text: str) -> str:
    """Return a term in bold; the metavar of an option in italics."""
    if not text.startswith("-"):
        return f"\\fB{escaped(text)}\\fR"
    names, _, metavar = re.fullmatch(r"((?:-[-\w]+(?:, )?)+)( ?)(.*)", text).groups()  # type: ignore[union-attr] # click writes them so
    return f"\\fB{escaped(names)}\\fR" + (f" {metavars(metavar)}" if metavar else "")


def _escaped_characters(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return escaped.replace("^", "\\(ha").replace("~", "\\(ti")


def _guarded(line: str) -> str:
    """Return a line that is not a request for troff."""
    return f"\\&{line}" if line.startswith(".") else line
