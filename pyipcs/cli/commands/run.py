"""pyipcs run: run a command, and report the objects it leaves behind."""

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TextIO

import click
from click.core import ParameterSource

from pyipcs.actions.leak_report import LeakReport, run
from pyipcs.cli import present
from pyipcs.cli.command import DocumentedChoice, Prefix, options_titled
from pyipcs.cli.options.common import json_option, options_as, showing, subcommand
from pyipcs.cli.options.output import FORMATS
from pyipcs.cli.types import ParsedType
from pyipcs.errors import CommandError, Status, StoppedError, UsageError
from pyipcs.model import INT_MAX
from pyipcs.process.program import Program
from pyipcs.query.plan import USAGE_COLUMNS, Format, OutputOptions
from pyipcs.terminal.streams import Output, WriteError
from pyipcs.text import decimal

_namespace = options_titled("Namespace")
_FORMATS = FORMATS | {Format.PLAIN.value: "columns of text"}
del _FORMATS[Format.OPENMETRICS.value]
# The columns of text: the object, its creator and users, its state and the evidence.
_COLUMNS = (
    *("NAME", "KEY", "ID", "MSGS", "USEDBYTES", "SIZE", "NATTCH", "NSEMS", "VALUE"),
    *("CPID", "LPID", "LSPID", "LRPID", "STATE", "REASON"),
)
_STDERR = 2  # the last of the descriptors that every command has


class _RunOptions(NamedTuple):
    """The namespace of the command, and the report."""

    private: str
    shm: str
    remove: bool
    format_: str | None
    report: str | int | None


def _parse_report(text: str) -> str | int:
    """Parse the name of a file, or the number of a descriptor."""
    if text == "-":
        raise ValueError("not a file or fd:N (fd:1 is standard output)")
    if not text.startswith("fd:"):
        return text
    number = text.removeprefix("fd:")
    if not (number.isascii() and number.isdigit()) or decimal(number) > INT_MAX:
        raise ValueError("not a file or fd:N (N is the number of an open descriptor)")
    return decimal(number)


class _ReportFormat(DocumentedChoice):
    """A format of the report; PYIPCS_FORMAT may name one of other commands."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the format; None for the default."""
        source = ctx.get_parameter_source(param.name) if ctx and param and param.name else None
        if (
            source is ParameterSource.ENVIRONMENT
            and value in FORMATS
            and value not in self.suggestions
        ):
            return None
        return super().convert(value, param, ctx)


@subcommand(
    cls=Prefix,
    enters=False,
    examples=(
        ("pyipcs run ./tests.sh", "Fail with status 23 if the tests leave an object behind."),
        ("pyipcs run --rm ./tests.sh", "Remove leftover objects of a shared namespace too."),
        ("pyipcs run -J --report report.json ./tests.sh", "Write the report as JSON to a file."),
    ),
)
@_namespace(
    "--private",
    type=DocumentedChoice(
        {
            "auto": "if the kernel permits it",
            "always": "fail if the kernel refuses it",
            "never": "run CMD in the current namespace",
        }
    ),
    default="auto",
    metavar="WHEN",
    help="Give CMD an IPC namespace and a /dev/mqueue of its own. [default: auto]",
)
@_namespace(
    "--shm",
    type=DocumentedChoice(
        {
            "shared": "that of the current namespace",
            "private": "an empty one, which is removed after CMD",
            "ignore": "shared, and not examined",
        }
    ),
    default="shared",
    metavar="WHICH",
    help="The /dev/shm of CMD, for POSIX segments and semaphores. [default: shared]",
)
@_namespace(
    "--rm",
    "remove",
    is_flag=True,
    help="Remove leftover objects that are orphaned or suspect, in a shared namespace or /dev/shm; "
    "also queues and sets in doubt, if their mode excludes other users and no other process of "
    "yours could use them.",
)
@showing(
    "-f",
    "--format",
    "format_",
    type=_ReportFormat(_FORMATS),
    metavar="FORMAT",
    envvar="PYIPCS_FORMAT",
    help="Format of the report. [default: table on a terminal, else plain]",
)
@json_option
@showing(
    "--report",
    once=True,
    type=ParsedType("file", _parse_report, "file"),
    metavar="FILE|fd:N",
    help="Write the report to a file, or to an open descriptor that CMD does not inherit. "
    "[default: standard error]",
)
@click.argument("args", nargs=-1, required=True, type=click.UNPROCESSED, metavar="CMD...")
@options_as(_RunOptions)
@click.pass_obj
def command(output: Output, /, *, args: Sequence[str], options: _RunOptions) -> int:
    """Run a command, and report the objects it leaves behind.

    CMD runs in an IPC namespace of its own, with a /dev/mqueue of its own: its System V objects and
    POSIX queues affect no other process, and end with its last process. It shares /dev/shm: new
    POSIX segments and semaphores of yours that nobody has open count as leftover. --shm private
    gives it an empty /dev/shm. The report on standard error, or in the file of --report, has the
    leftover objects and the processes that still run.

    For users other than root, CMD also gets a user namespace, in which sudo, su, ping, chown,
    chgrp, install -o and fakeroot do not work: use --private never for these.

    If the kernel refuses, CMD runs in the current namespace, and new objects of yours are
    reported. An object in use by a living process that CMD did not start belongs to another
    program: it is reported separately, and never removed. pyipcs adopts the processes that CMD
    leaves behind.

    The status is that of CMD if it is not 0; else 23 if there are leftover objects, else 0.
    """
    if options.private == "never" and options.shm == "private":
        raise UsageError("--private never and --shm private cannot be combined")
    program = Program.find(args)
    stream = None if options.report is None else _open_report(options.report)
    leaks = run(program, options.private, options.shm)
    target = output.for_stderr(stream)
    format_ = Format(options.format_) if options.format_ else None
    _write_report(target, output.for_stderr(), leaks, format_, options.remove)
    is_written = options.report is None or _is_written(target, options.report, output)
    if leaks.ended.was_forwarded:
        from pyipcs.process import libc

        libc.dump_no_core()  # the core file of the command is the useful one
        raise StoppedError(leaks.ended.signal)
    found = Status.FOUND if leaks.total else Status.DONE
    return leaks.ended.status or found or (Status.DONE if is_written else Status.FAILED)


def _write_report(
    output: Output, messages: Output, leaks: LeakReport, format_: Format | None, remove: bool
) -> None:
    """Write the report, and remove objects if requested.

    Tables and text contain the messages. JSON is one document, without messages.

    Args:
        output: the destination of the report.
        messages: the destination of messages beside a report for programs.
        leaks: the report.
        format_: its format; None for the default.
        remove: True to remove objects.
    """
    options = OutputOptions(format_)
    chosen = options.chosen(terminal=output.is_terminal)
    is_json = chosen is Format.JSON
    if chosen in {Format.TABLE, Format.PLAIN}:
        messages = output
        if leaks.total:
            _write_text(output, leaks, options, chosen)
    else:
        removed = leaks.remove(output.muted()) if remove and is_json else ()
        facts = leaks.facts(removed) if is_json else {}
        columned = options.with_columns(leaks.objects, USAGE_COLUMNS, more=True)
        present.leftovers(output, leaks.objects, columned, facts, leaks.unseen)
    with suppress(WriteError):  # see _is_written
        output.flush()
    if is_json:
        return
    for note in leaks.notes():
        messages.error(note)
    if remove:
        leaks.remove(messages)


def _write_text(output: Output, leaks: LeakReport, options: OutputOptions, format_: Format) -> None:
    """Write the summary, and the objects of the kinds that have some."""
    output.error(leaks.summary())
    objects = {kind: some for kind, some in leaks.objects.items() if leaks.counts[kind]}
    columns = _COLUMNS if format_ is Format.TABLE else ("KIND", *_COLUMNS)
    present.leftovers(output, objects, options.with_columns(objects, columns, more=False), {})


def _open_report(report: str | int) -> TextIO:
    """Open the report for writing; the command does not inherit it.

    Raises:
        CommandError: the report is not writable.
    """
    try:
        if isinstance(report, str):
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOCTTY
            return open(os.open(report, flags, 0o666), "w")
        return _open_descriptor(report)
    except OSError as error:
        raise CommandError(f"--report: {_name(report)}: {error.strerror}") from None


def _open_descriptor(number: int) -> TextIO:
    import fcntl

    if fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise CommandError(f"--report: {_name(number)}: not open for writing")
    copy = os.dup(number)
    if number > _STDERR:
        os.set_inheritable(number, False)
    return open(copy, "w")


def _is_written(target: Output, report: str | int, output: Output) -> bool:
    """Return True if the whole report was written; else print an error."""
    try:
        target.flush()
    except WriteError as error:
        if str(error) == os.strerror(errno.EPIPE):  # the reader has read enough
            return True
        output.error(f"--report: {_name(report)}: {error}")
        return False
    return True


def _name(report: str | int) -> str:
    return report or "''" if isinstance(report, str) else f"fd:{report}"
