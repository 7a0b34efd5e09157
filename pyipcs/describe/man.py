"""The pages of the manual, in man(7)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from inspect import cleandoc
from textwrap import wrap

import click

from pyipcs import __version__
from pyipcs.cli import app
from pyipcs.cli.command import Grammar
from pyipcs.describe.template import MADE, fill
from pyipcs.errors import MEANINGS, Status

_DATE = "2026-11-25"  # of the version
# The commands that can end with a status; all commands, if the status is not here.
_COMMANDS_WITH = {
    Status.WAIT: {"send", "recv", "op"},
    Status.FOUND: {"list", "run"},
    Status.CANNOT_RUN: {"op", "run"},
    Status.NOT_FOUND: {"op", "run"},
}
# Statuses that come from another program.
_OTHER = "N, 128+N"
_OTHER_STATUSES = {
    "recv": "`recv --exec`: the status of the first command that fails, or 128+N for signal N.",
    "op": "`op -- CMD`: the status of CMD, which replaces `pyipcs` in its process.",
    "run": "`run`: the status of CMD, if that is not 0, or 128+N if signal N killed CMD.",
}
_PAGES = (
    "ipcs(1), ipcmk(1), ipcrm(1), lsipc(1), flock(1), ftok(3), sysvipc(7), mq_overview(7), "
    "shm_overview(7), sem_overview(7), ipc_namespaces(7)"
)
_Rows = Iterable[tuple[str, str]]


def pages() -> dict[str, str]:
    """Return the pages of the program and the commands, by file name."""
    commands = {name: app.load(name) for name in app.COMMANDS}
    pages = {f"pyipcs-{name}.1": _page_of_command(name, one) for name, one in commands.items()}
    return {"pyipcs.1": _page_of_program([*commands.values()]), **pages}


def in_sequence(commands: Iterable[Grammar]) -> list[Grammar]:
    """Return the commands in an order that makes their examples work."""
    return sorted(commands, key=lambda one: (one.name != "make", one.name == "rm"))


def _page_of_program(commands: Sequence[Grammar]) -> str:
    pages = [f"pyipcs-{one.name}(1)" for one in commands]
    return _page(
        "pyipcs.1.in",
        TITLE=_title("pyipcs", "System V and POSIX IPC from the shell"),
        SYNOPSIS=[line for one in commands for line in _usage(one)],
        COMMANDS=[line for one in commands for line in _subsection(one)],
        GENERAL=_general_options(commands[0]),
        LISTS=_lists(commands),
        STATUSES=_statuses(),
        EXAMPLES=_examples(in_sequence(commands)),
        PAGES=_wrapped(", ".join([*pages, _PAGES])),
    )


def _page_of_command(name: str, command: Grammar) -> str:
    summary = app.COMMANDS[name].removesuffix(".")
    return _page(
        "pyipcs-command.1.in",
        TITLE=_title(f"pyipcs-{name}", summary[:1].lower() + summary[1:]),
        SYNOPSIS=_usage(command),
        DESCRIPTION=_description(command),
        OPTIONS=_options(command, command.grouped()),
        LISTS=_lists([command]),
        STATUSES=_statuses(name),
        EXAMPLES=_examples([command]),
        PAGES=_wrapped(f"pyipcs(1), {_PAGES}"),
    )


def _page(template: str, **parts: Iterable[str]) -> str:
    """Return a filled template, without `.PP` at the start of a section."""
    return re.sub(r"(?m)^(\.S[HS] .*\n)\.PP\n", r"\1", fill(template, **parts))


def _title(name: str, description: str) -> Iterator[str]:
    yield f'.\\" {MADE}'
    yield f'.TH {name.upper()} 1 {_DATE} "pyipcs {__version__}" "System V and POSIX IPC"'
    yield ".ad l"  # justified text has gaps
    yield ".nh"  # a hyphenated option cannot be searched for
    yield ".SH NAME"
    yield from _wrapped(f"{name} - {description}")


def _subsection(command: Grammar) -> Iterator[str]:
    """Yield the part of the program's page that describes a command."""
    *own, _general = command.grouped()
    yield f".SS {_escaped(command.name or '')}"
    yield from (*_usage(command), ".PP", *_description(command), *_options(command, own))


def _usage(command: Grammar) -> Iterator[str]:
    context = click.Context(command, info_name=f"pyipcs {command.name}")
    pieces = " ".join(command.collect_usage_pieces(context))
    yield from (".HP", f"\\fBpyipcs {command.name}\\fR {_metavars(pieces)}")


def _description(command: Grammar) -> Iterator[str]:
    first, *others = cleandoc(command.help or "").split("\n\n")
    yield from _wrapped(first)
    for paragraph in others:
        yield from (".PP", *_wrapped(paragraph))


def _options(
    command: Grammar, groups: Iterable[tuple[str, Iterable[click.Option]]]
) -> Iterator[str]:
    """Yield groups of options under their titles."""
    for title, options in groups:
        yield from (".PP", f"\\fI{_escaped(title)}\\fR", *_terms(_records(command, options)))


def _general_options(command: Grammar) -> Iterator[str]:
    """Yield the options that all commands have."""
    *_, (_, options) = command.grouped()
    return _terms(_records(command, options))


def _records(command: Grammar, options: Iterable[click.Option]) -> Iterator[tuple[str, str]]:
    """Yield the options: names and metavar as in the help, help and details."""
    context = click.Context(command, info_name=command.name)
    for option in options:
        if record := option.get_help_record(context):
            names, text = record
            yield names, f"{text} {getattr(option, 'details', '')}".rstrip()


def _lists(commands: Sequence[Grammar]) -> Iterator[str]:
    """Yield the lists of formats, columns and so on, each list once."""
    commands_of: dict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = {}
    for command in commands:
        for title, rows in command.lists():
            commands_of.setdefault((title, tuple(rows)), []).append(str(command.name))
    if commands_of:
        yield ".SH FORMATS AND COLUMNS"
    for (title, rows), names in commands_of.items():
        is_shared = title.startswith("-") and len(commands) > 1
        heading = f"{title} of {', '.join(names)}" if is_shared else title
        yield from (".PP", f"\\fI{_escaped(heading)}\\fR", *_terms(rows))


def _statuses(name: str = "") -> Iterator[str]:
    """Yield the exit statuses of one command, or of all commands."""
    own = [one for one in MEANINGS if not name or name in _COMMANDS_WITH.get(one, {name})]
    yield from _terms((str(int(one)), MEANINGS[one]) for one in own)
    yield from _terms((_OTHER, text) for one, text in _OTHER_STATUSES.items() if name in {"", one})


def _examples(commands: Iterable[Grammar]) -> Iterator[str]:
    for command in commands:
        for line, purpose in command.examples:
            yield from (".PP", *_wrapped(purpose), ".RS 4", ".EX", _escaped(line), ".EE", ".RE")


def _terms(rows: _Rows) -> Iterator[str]:
    for term, description in rows:
        yield from (".TP", _term(term), *_wrapped(description))


def _term(text: str) -> str:
    """Return a term in bold; the metavar of an option in italics."""
    if not text.startswith("-"):
        return f"\\fB{_escaped(text)}\\fR"
    names, _, metavar = re.fullmatch(r"((?:-[-\w]+(?:, )?)+)( ?)(.*)", text).groups()  # type: ignore[union-attr] # click writes them so
    return f"\\fB{_escaped(names)}\\fR" + (f" {_metavars(metavar)}" if metavar else "")


def _metavars(text: str) -> str:
    """Return a text with words in capitals set in italics."""
    return re.sub(r"\b([A-Z]{2,})\b", r"\\fI\1\\fR", _escaped(text))


def _wrapped(text: str) -> list[str]:
    """Return a text as lines of at most 78 characters."""
    # NUL keeps the words between backquotes in one line.
    whole = re.sub("`[^`]+`", lambda match: match[0].replace(" ", "\0"), " ".join(text.split()))
    lines = wrap(_escaped(whole), 78, break_long_words=False, break_on_hyphens=False)
    return [_guarded(line).replace("\0", " ") for line in lines]


def _guarded(line: str) -> str:
    """Return a line that is not a request for troff."""
    return f"\\&{line}" if line.startswith(".") else line


def _escaped(text: str) -> str:
    """Return a text escaped for troff, with bold between backquotes."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    escaped = escaped.replace("^", "\\(ha").replace("~", "\\(ti")
    return re.sub("`([^`]+)`", r"\\fB\1\\fR", escaped)
