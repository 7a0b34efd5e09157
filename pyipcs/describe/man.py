"""The pages of the manual, in man(7)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from inspect import cleandoc
from textwrap import wrap

import click

from pyipcs import __version__
from pyipcs.cli import app
from pyipcs.cli.command import Grammar
from pyipcs.errors import MEANINGS, Status

_DATE = "2026-11-25"  # of the version
_ABOUT = """\
System V IPC are message queues, semaphore sets and shared memory segments, which outlive the \
processes that made them. `pyipcs` lists, makes, uses, changes and removes them, tells who uses \
them, and finds those that were left behind.

`list`, `make` and `rm` take the options of `ipcs`, `ipcmk` and `ipcrm`, and print what these \
print, byte for byte, where standard output is no terminal. Under one of these names, as a link, \
`pyipcs` takes their place.

Options and operands stand in any order, short options may be bundled, and `--` ends the options. \
A `-` before a digit begins an argument, not an option, but for `-0`."""
_NAMES = (
    ("5, id:5", "The object with this id, a decimal number."),
    ("0x1234, key:N", "The one with this key: decimal, 0x hexadecimal or 0 octal."),
    (
        "ftok:PATH[:PROJ]",
        "The one with the key that ftok(3) makes of a file. PROJ is an int or one "
        "character that is no digit; 1 if left out.",
    ),
)
_NAMES_MORE = """\
Options that take an id take a decimal number. Those that take a key take also `5` for key 5. Key \
0 is IPC_PRIVATE, and names nothing."""
_VARIABLES = (
    ("PYIPCS_FORMAT", "The format of `list`, `stat`, `rm --dry-run` and `run`, without -f."),
    ("NO_COLOR", "If it is not empty, nothing has colour; `--color` outdoes it."),
    ("COLUMNS", "How wide tables are, instead of the terminal's width."),
    ("TERM", "dumb: neither colour nor a live view."),
    ("TZ", "The zone of times."),
    (
        "PYIPCS_TYPE, PYIPCS_ID",
        "Set for the command of `recv --exec`: the message's type, the msqid.",
    ),
)
_FILES = (
    (
        "/proc/sysvipc/msg, /proc/sysvipc/sem, /proc/sysvipc/shm",
        "The objects. Without them, the kernel is asked for one after the other.",
    ),
    ("/proc/PID/maps, /proc/PID/task/TID/syscall", "Who has a segment attached, and who waits."),
    ("/proc/PID/ns/ipc", "The IPC namespaces."),
    ("/proc/sys/kernel/msgmni, msgmnb, sem, shmmni, shmall", "Limits that a message tells of."),
)
# The commands that end with a status; one that is not named here, all can end with.
_ENDS = {
    Status.WAIT: {"send", "recv", "op"},
    Status.FOUND: {"list", "run"},
    Status.CANNOT_RUN: {"op", "run"},
    Status.NOT_FOUND: {"op", "run"},
}
_OWN = "N, 128+N"
_OWN_STATUSES = {
    "recv": "With `--exec`, the status of the first command that fails, 128+N if by signal N.",
    "op": "With `-- CMD`, what CMD ends with, for it takes the place of `pyipcs`.",
    "run": "The status of CMD, if that is not 0; 128+N if signal N ended it.",
}
_SIGNALS = """\
SIGINT, SIGTERM and a reader that goes away end `pyipcs` by the signal, as they end C programs. \
`recv` first delivers or puts back what it has taken; only SIGKILL can lose messages: one, or up \
to 4 KiB of them with `-n` or `-a` without `-u`. `send` says how many messages went. `run` passes \
signals on."""
_STATES = (
    ("in-use", "Attached, waited on, or a process on its record lives."),
    (
        "orphaned",
        "A segment that nobody has attached, and whose creator and last user are gone. Programs "
        "may come back for one that has a key, and REASON says whether it has: narrow "
        "`--orphaned` by `--idle` or `--private`.",
    ),
    (
        "suspect",
        "A queue or a set on which nobody waits, and all processes on whose record are gone. "
        "Others may still use it, for the record names the last ones only.",
    ),
    ("unknown", "Never used, or there is a doubt; REASON names it."),
)
_STATES_MORE = """\
REASON tells the evidence. Processes of other users can be looked at by root alone."""
_COMPATIBILITY = """\
Other than ipcs(1), ipcmk(1) and ipcrm(1): a usage error is status 2 (1 there), and nothing was \
done; messages on standard error begin with `pyipcs:`; a wrong operand is an error; `rm` removes \
nothing if a later argument is wrong, `rm -a shm` means `--all=shm`, and `rm --all` leaves what \
belongs to others without a word; `make` refuses modes over 0777; `list -i` of what is not there \
is status 1 (0 there)."""
_SEE = "ipcs(1), ipcmk(1), ipcrm(1), lsipc(1), flock(1), ftok(3), sysvipc(7), ipc_namespaces(7)"


def pages() -> dict[str, str]:
    """The pages by their names: one of all, and one of each command."""
    commands = {name: app.load(name) for name in app.COMMANDS}
    alone = {f"pyipcs-{name}.1": _page_of(name, one) for name, one in commands.items()}
    return {"pyipcs.1": _page_of_all(commands.values()), **alone}


def _page_of_all(commands: Iterable[Grammar]) -> str:
    listed = [*commands]
    parts = [
        _title("pyipcs", "System V IPC from the shell"),
        _section("SYNOPSIS"),
        *(_usage(one) for one in listed),
        _section("DESCRIPTION"),
        _paragraphs(_ABOUT),
        _section("COMMANDS"),
    ]
    for one in listed:
        parts += [f".SS {_text(one.name or '')}\n", _usage(one), ".PP\n"]
        parts += [_about(one), _options(one, general=False)]
    parts += [_section("OPTIONS OF ALL COMMANDS"), _general(listed), ".PP\n"]
    parts += [_lines("`run`, which has a namespace of its own made, has no `--ns`.")]
    parts += [_section("NAMES OF OBJECTS"), _terms(_NAMES), ".PP\n", _paragraphs(_NAMES_MORE)]
    parts += [_lists(listed), _section("EXIT STATUS"), _statuses()]
    parts += [_section("SIGNALS"), _paragraphs(_SIGNALS), _section("STATES"), _terms(_STATES)]
    parts += [".PP\n", _paragraphs(_STATES_MORE)]
    parts += [_section("COMPATIBILITY"), _paragraphs(_COMPATIBILITY)]
    parts += [_section("ENVIRONMENT"), _terms(_VARIABLES), _section("FILES"), _terms(_FILES)]
    parts += [_section("EXAMPLES"), _examples(in_sequence(listed)), _section("SEE ALSO")]
    pages = [f"pyipcs-{one.name}(1)" for one in listed]
    return _joined([*parts, _lines(", ".join([*pages, _SEE]))])


def _page_of(name: str, command: Grammar) -> str:
    summary = app.COMMANDS[name].removesuffix(".")
    parts = [
        _title(f"pyipcs-{name}", summary[:1].lower() + summary[1:]),
        _section("SYNOPSIS"),
        _usage(command),
        _section("DESCRIPTION"),
        _about(command),
        _section("OPTIONS"),
        _options(command, general=True),
    ]
    parts += [
        _lists([command]),
        _section("EXIT STATUS"),
        _statuses(name),
        _section("EXAMPLES"),
        _examples([command]),
    ]
    return _joined([*parts, _section("SEE ALSO"), _lines(f"pyipcs(1), {_SEE}")])


def _title(name: str, what: str) -> str:
    head = f'.TH {name.upper()} 1 {_DATE} "pyipcs {__version__}" "System V IPC"\n'
    # The adjustment that man-pages(7) has no use for, and hyphens that nobody could search for.
    return f"{_MADE}{head}.ad l\n.nh\n{_section('NAME')}{_lines(f'{name} - {what}')}"


_MADE = '.\\" Made by `python -m pyipcs.describe`; do not edit.\n'


def _joined(parts: Iterable[str]) -> str:
    """The page, without paragraphs that begin where a section does."""
    return re.sub(r"(?m)^(\.S[HS] .*\n)\.PP\n", r"\1", "".join(parts))


def _statuses(name: str = "") -> str:
    """The exit statuses, of all commands or of one."""
    meant = [one for one in MEANINGS if not name or name in _ENDS.get(one, {name})]
    own = [(_OWN, words) for command, words in _OWN_STATUSES.items() if name in {"", command}]
    return _terms([*((str(int(one)), MEANINGS[one]) for one in meant), *own])


def _section(title: str) -> str:
    return f".SH {title}\n"


def _usage(command: Grammar) -> str:
    context = click.Context(command, info_name=f"pyipcs {command.name}")
    pieces = " ".join(command.collect_usage_pieces(context))
    return f".HP\n\\fBpyipcs {command.name}\\fR {_metavars(pieces)}\n"


def _options(command: Grammar, *, general: bool) -> str:
    """The options by their titles; without those that all commands have, if so wanted."""
    groups = [*command.grouped()]
    return "".join(
        f".PP\n\\fI{_text(title)}\\fR\n{_terms(_records(command, group))}"
        for title, group in (groups if general else groups[:-1])
    )


def _general(commands: list[Grammar]) -> str:
    """The options that all commands have, but for --ns of `run`."""
    first = commands[0]
    *_, (_, options) = first.grouped()
    return _terms(_records(first, options))


def _records(command: Grammar, options: Iterable[click.Option]) -> Iterator[tuple[str, str]]:
    context = click.Context(command, info_name=command.name)
    for option in options:
        if record := option.get_help_record(context):
            yield record


def _lists(commands: Sequence[Grammar]) -> str:
    """Words with what they mean, such as formats and columns, each list once."""
    of: dict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = {}
    for command in commands:
        for title, rows in command.lists():
            of.setdefault((title, tuple(rows)), []).append(str(command.name))
    parts = []
    for (title, rows), names in of.items():
        several = title.startswith("-") and len(commands) > 1
        whose = f" of {', '.join(names)}" if several else ""
        parts.append(f".PP\n\\fI{_text(title + whose)}\\fR\n{_terms(rows)}")
    return _section("FORMATS AND COLUMNS") + "".join(parts) if parts else ""


def in_sequence(commands: Iterable[Grammar]) -> list[Grammar]:
    """The commands in an order in which their examples work, one after the other."""
    return sorted(commands, key=lambda one: (one.name != "make", one.name == "rm"))


def _examples(commands: Iterable[Grammar]) -> str:
    examples = [one for each in commands for one in each.examples]
    return "".join(
        f".PP\n{_lines(words)}.RS 4\n.EX\n{_text(line)}\n.EE\n.RE\n" for line, words in examples
    )


def _about(command: Grammar) -> str:
    return _paragraphs(cleandoc(command.help or ""))


def _paragraphs(text: str) -> str:
    return ".PP\n".join(map(_lines, text.split("\n\n")))


def _terms(rows: Iterable[tuple[str, str]]) -> str:
    return "".join(f".TP\n{_term(term)}\n{_lines(words)}" for term, words in rows)


def _term(text: str) -> str:
    """Names of options in bold, what they take in italics; any other term in bold."""
    if not text.startswith("-"):
        return f"\\fB{_text(text)}\\fR"
    names, _, metavar = re.fullmatch(r"((?:-[-\w]+(?:, )?)+)( ?)(.*)", text).groups()  # type: ignore[union-attr] # click writes them so
    return f"\\fB{_text(names)}\\fR" + (f" {_metavars(metavar)}" if metavar else "")


def _metavars(text: str) -> str:
    """Words in capitals in italics."""
    return re.sub(r"\b([A-Z]{2,})\b", r"\\fI\1\\fR", _text(text))


def _lines(text: str) -> str:
    """Text in lines that an editor shows whole."""
    # A word that stands between backquotes with others would be torn from them.
    whole = re.sub("`[^`]+`", lambda match: match[0].replace(" ", "\0"), " ".join(text.split()))
    lines = wrap(_text(whole), 78, break_long_words=False, break_on_hyphens=False)
    return "".join(f"{_guarded(line)}\n" for line in lines).replace("\0", " ")


def _guarded(line: str) -> str:
    """A line that troff does not obey."""
    return f"\\&{line}" if line.startswith(".") else line


def _text(text: str) -> str:
    """Text of which troff obeys nothing; what stands between backquotes is bold."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    escaped = escaped.replace("^", "\\(ha").replace("~", "\\(ti")
    return re.sub("`([^`]+)`", r"\\fB\1\\fR", escaped)
