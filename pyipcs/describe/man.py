"""The pages of the manual, in man(7).

pyipcs(1) and the pages of sections 5 and 7 have templates. The pages of the commands are made from
their help, with notes from `templates/notes`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from inspect import cleandoc

import click

from pyipcs import __version__
from pyipcs.cli import app
from pyipcs.cli.command import Grammar
from pyipcs.cli.options.output import FORMATS, TIME_FORMATS, columns_of
from pyipcs.describe import roff
from pyipcs.describe.template import MADE, fill, read
from pyipcs.errors import MEANINGS, Status
from pyipcs.model import Kind, View
from pyipcs.query.columns import FIGURES, VIEWS
from pyipcs.render.metrics import OBJECTS, prefix_of

_DATE = "2026-12-01"  # of the version
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
# The pages beside those of the commands, each with its section and its description.
PAGES = {
    "pyipcs": (1, "System V and POSIX IPC from the shell"),
    "pyipcs-fleet": (7, "recipes of pyipcs for many machines"),
    "pyipcs-formats": (5, "output formats, columns and JSON documents of pyipcs"),
    "pyipcs-recipes": (7, "examples of pyipcs by task"),
    "pyipcs-states": (7, "states of IPC objects, and the evidence for them"),
}
_OTHER_PAGES = (
    "ipcs(1), ipcmk(1), ipcrm(1), lsipc(1), flock(1), ftok(3), sysvipc(7), mq_overview(7), "
    "shm_overview(7), sem_overview(7), ipc_namespaces(7)"
)
_MAX_INDENT = 26
_LETTERS = {View.STATUS: "", View.TIME: " -t", View.PID: " -p", View.CREATOR: " -c"}


def pages() -> dict[str, str]:
    """Return the texts of all pages, by their paths in the manual."""
    commands = {name: app.load(name) for name in app.COMMANDS}
    parts = {
        "COMMANDS": _commands(),
        "GENERAL": _general_options(commands["list"]),
        "STATUSES": _statuses(),
        "FORMATS": _compact(FORMATS.items()),
        "TIMES": _compact(TIME_FORMATS.items()),
        "COLUMNS": _subsections(columns_of(*Kind, limits=True)()),
        "VIEWS": _compact(views()),
        "METRICS": _subsections(_metrics()),
    }
    return {
        **{
            f"man{section}/{name}.{section}": _page_of_template(name, parts)
            for name, (section, _) in PAGES.items()
        },
        **{f"man1/pyipcs-{name}.1": _page_of_command(name, one) for name, one in commands.items()},
    }


def in_sequence(commands: Iterable[Grammar]) -> list[Grammar]:
    """Return the commands in an order that makes their examples work."""
    return sorted(commands, key=lambda one: (one.name != "make", one.name == "rm"))


def _page_of_template(name: str, parts: Mapping[str, Iterable[str]]) -> str:
    section, description = PAGES[name]
    return _page(
        [*read("page.in"), *read(f"{name}.in"), *read("see-also.in")],
        TITLE=_title(name, section, description),
        PAGES=roff.wrapped(_see_also(name)),
        **parts,
    )


def _page_of_command(name: str, command: Grammar) -> str:
    summary = app.COMMANDS[name].removesuffix(".")
    notes = read(f"notes/{name}.in")
    return _page(
        [*read("page.in"), *read("command.in"), *read("see-also.in")],
        TITLE=_title(f"pyipcs-{name}", 1, summary[:1].lower() + summary[1:]),
        SYNOPSIS=_usage(command),
        DESCRIPTION=_description(command),
        OPTIONS=_options(command),
        STATUSES=_statuses(name),
        NOTES=[".SH NOTES", *roff.page(notes)] if notes else [],
        EXAMPLES=_examples(command),
        PAGES=roff.wrapped(_see_also(f"pyipcs-{name}")),
    )


def _page(template: Iterable[str], **parts: Iterable[str]) -> str:
    """Return a filled template, without `.PP` at the start of a section."""
    return re.sub(r"(?m)^(\.S[HS] .*\n)\.PP\n", r"\1", fill(roff.page(template), **parts))


def _title(name: str, section: int, description: str) -> Iterator[str]:
    yield f'.\\" {MADE}'
    yield f'.TH {name.upper()} {section} {_DATE} "pyipcs {__version__}" "System V and POSIX IPC"'
    yield ".ad l"  # justified text has gaps
    yield ".nh"  # a hyphenated option cannot be searched for
    yield ".SH NAME"
    yield from roff.wrapped(f"{name} - {description}")


def _see_also(name: str) -> str:
    """Return the other pages.

    Those of the commands stand on the page of the program alone.
    """
    own = [f"{other}({section})" for other, (section, _) in PAGES.items() if other != name]
    commands = [f"pyipcs-{one}(1)" for one in app.COMMANDS] if name == "pyipcs" else []
    return ", ".join([*commands, *own, _OTHER_PAGES])


def _commands() -> Iterator[str]:
    for purpose, commands in app.PURPOSES.items():
        yield f".SS {roff.escaped(purpose)}"
        yield from roff.terms((f"pyipcs-{name}(1)", line) for name, line in commands.items())


def _usage(command: Grammar) -> Iterator[str]:
    context = click.Context(command, info_name=f"pyipcs {command.name}")
    pieces = " ".join(command.collect_usage_pieces(context))
    yield from (".HP", f"\\fBpyipcs {command.name}\\fR {roff.metavars(pieces)}")


def _description(command: Grammar) -> Iterator[str]:
    first, *others = cleandoc(command.help or "").split("\n\n")
    yield from roff.wrapped(first)
    for paragraph in others:
        yield from (".PP", *roff.wrapped(paragraph))


def _options(command: Grammar) -> Iterator[str]:
    """Yield groups of options, and the values of options, under their titles."""
    for title, options in command.grouped():
        yield from _titled(title, _records(command, options))
    for title, rows in command.lists():
        yield from _titled(title, rows)
    if topics := command.topics():
        yield from (".PP", *roff.wrapped(f"pyipcs-formats(5) has the {' and the '.join(topics)}."))


def _titled(title: str, rows: roff.Rows) -> Iterator[str]:
    yield from (".PP", f"\\fI{roff.escaped(title)}\\fR", *roff.terms(rows))


def _general_options(command: Grammar) -> Iterator[str]:
    """Yield the options that all commands have."""
    *_, (_, options) = command.grouped()
    return roff.terms(_records(command, options))


def _records(command: Grammar, options: Iterable[click.Option]) -> Iterator[tuple[str, str]]:
    """Yield the options: names and metavar as in the help, help and details."""
    context = click.Context(command, info_name=command.name)
    for option in options:
        if record := option.get_help_record(context):
            names, text = record
            yield names, f"{text} {getattr(option, 'details', '')}".rstrip()


def _subsections(lists: Iterable[tuple[str, roff.Rows]]) -> Iterator[str]:
    for title, rows in lists:
        yield from (f".SS {roff.escaped(title)}", *_compact(rows))


def _compact(rows: roff.Rows) -> Iterator[str]:
    """Yield a list without empty lines, aligned behind its longest term."""
    terms = [*rows]
    width = max(len(term) for term, _ in terms) + 2
    first, *others = roff.terms(terms)
    indented = f"{first} {width}" if width < _MAX_INDENT else first
    yield from (".PD 0", indented, *others, ".PD")


def views() -> Iterator[tuple[str, str]]:
    """Yield the usual columns of each table."""
    for kind in Kind:
        for view, letter in _LETTERS.items():
            yield kind.plural + letter, VIEWS[kind, view]
    yield from FIGURES.items()


def _metrics() -> Iterator[tuple[str, roff.Rows]]:
    """Yield the metrics of the objects of each kind."""
    for kind, gauges in OBJECTS.items():
        prefix = prefix_of(kind)
        yield f"Metrics of {kind.plural}", [(f"{prefix}_{one.name}", one.help) for one in gauges]


def _statuses(name: str = "") -> Iterator[str]:
    """Yield the exit statuses of one command, or of all commands."""
    own = [one for one in MEANINGS if not name or name in _COMMANDS_WITH.get(one, {name})]
    yield from roff.terms((str(int(one)), MEANINGS[one]) for one in own)
    yield from roff.terms(
        (_OTHER, text) for one, text in _OTHER_STATUSES.items() if name in {"", one}
    )


def _examples(command: Grammar) -> Iterator[str]:
    for line, purpose in command.examples:
        yield from (".PP", *roff.wrapped(purpose), ".RS 4", ".EX", roff.literal(line))
        yield from (".EE", ".RE")
