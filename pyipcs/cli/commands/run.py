"""pyipcs run: run a command, and tell what it leaves behind."""

import errno
import os
import signal
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO, TypeAlias

import click
from click.core import ParameterSource

from pyipcs.cli.command import DocumentedChoice, Prefix, options_titled
from pyipcs.cli.options.common import json_option, showing, subcommand
from pyipcs.cli.options.output import FORMATS
from pyipcs.cli.types import ParsedType
from pyipcs.errors import CommandError, IpcError, Status, StoppedError
from pyipcs.model import INT_MAX, Kind
from pyipcs.process.foreground import supervise
from pyipcs.process.program import Program
from pyipcs.query.complete import Requirement, complete
from pyipcs.query.plan import USAGE_COLUMNS, Format, OutputOptions
from pyipcs.query.selection import Selection
from pyipcs.sysv import namespace, procfs, unshare
from pyipcs.sysv.listing import Listing
from pyipcs.terminal.streams import Output, WriteError
from pyipcs.text import abridged, decimal, phrase, plural
from pyipcs.usage.processes import named

if TYPE_CHECKING:
    from pyipcs.actions.leftovers import Other
    from pyipcs.query.filters import Filter
    from pyipcs.usage.descendants import Descendants

_where = options_titled("Where CMD runs")
_FORMATS = FORMATS | {Format.PLAIN.value: "columns of text"}
del _FORMATS[Format.OPENMETRICS.value]
_Left: TypeAlias = Mapping[Kind, Sequence[Listing]]
# What people are told of an object: what it is, who made and used it, and what speaks for that.
_COLUMNS = (
    *("KEY", "ID", "MSGS", "USEDBYTES", "SIZE", "NATTCH", "NSEMS"),
    *("CPID", "LPID", "LSPID", "LRPID", "STATE", "REASON"),
)
_NEVER = "--private never"
_STREAMS = 2  # the last of the descriptors that every command has
_MANY = 8  # the objects of other programs that are named


def _parse_report(text: str) -> str | int:
    """Read the name of a file, or the number of a descriptor."""
    if text == "-":
        raise ValueError("not a file or fd:N (fd:1 is standard output)")
    if not text.startswith("fd:"):
        return text
    number = text.removeprefix("fd:")
    if not (number.isascii() and number.isdigit()) or decimal(number) > INT_MAX:
        raise ValueError("not a file or fd:N (N is the number of an open descriptor)")
    return decimal(number)


class _ReportFormat(DocumentedChoice):
    """A format; the variable may name one that other commands have and this one has not."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The format; None leaves it to the terminal."""
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
        ("pyipcs run ./tests.sh", "Status 23 if the tests leave an object behind."),
        ("pyipcs run --rm ./tests.sh", "Also without a namespace of its own, nothing stays."),
        ("pyipcs run -J --report report.json ./tests.sh", "The report as JSON in a file."),
    ),
)
@_where(
    "--private",
    type=DocumentedChoice(
        {
            "auto": "where the kernel lets it",
            "always": "and else CMD does not run",
            "never": "CMD runs in this one",
        }
    ),
    default="auto",
    metavar="WHEN",
    help="Whether CMD gets an IPC namespace of its own; auto if left out.",
)
@_where(
    "--rm",
    "remove",
    is_flag=True,
    help="Without a namespace of its own, remove what CMD left that is orphaned or suspect, and "
    "queues and sets in doubt that no living process but those of other users could use.",
)
@showing(
    "-f",
    "--format",
    "format_",
    type=_ReportFormat(_FORMATS),
    metavar="FORMAT",
    envvar="PYIPCS_FORMAT",
    help="The format of the report; table on a terminal, and elsewhere plain.",
)
@json_option
@showing(
    "--report",
    once=True,
    type=ParsedType("file", _parse_report, "file"),
    metavar="FILE|fd:N",
    help="Write the report to a file, or to an open descriptor that CMD does not get. [default: "
    "standard error]",
)
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="CMD...")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    words: Sequence[str],
    private: str,
    remove: bool,
    format_: str | None,
    report: str | int | None,
) -> int:
    """Run a command, and report the objects it leaves behind.

    CMD runs in an IPC namespace of its own, so that nothing it makes touches others or outlives
    it. What it left is reported on standard error or where --report says, with the processes that
    still run there. Unless you are root it gets a user namespace too, in which sudo, su and ping
    do not work. POSIX message queues are CMD's own as well.

    Where the kernel refuses that, CMD runs in this namespace, and new objects of yours are
    reported. Those that a living process uses which CMD has not started are another program's:
    they are reported apart, and stay. pyipcs adopts the processes that CMD leaves behind.

    The status is CMD's if that is not 0, else 23 if it left an object, else 0.
    """
    output: Output = ctx.obj
    program = Program.find(words)
    stream = None if report is None else _open_report(report)
    place = _Place.found(private)
    ended = supervise(program)
    # The status is the command's, whether anybody reads the report or not. SIGTTOU would stop it
    # where the command had the terminal and did not give it back.
    for number in (signal.SIGPIPE, signal.SIGTTOU):
        signal.signal(number, signal.SIG_IGN)
    left, others = place.left()
    aftermath = _Aftermath(
        words, ended.status, place, left, others, remove=remove and not place.own
    )
    target = output.for_stderr(stream)
    aftermath.tell(target, Format(format_) if format_ else None)
    written = report is None or _is_written(target, report, output)
    if ended.was_forwarded:
        from pyipcs.process import libc

        libc.dump_no_core()  # the command's is the one that is wanted
        raise StoppedError(ended.signal)
    found = Status.FOUND if aftermath.total else Status.DONE
    return ended.status or found or (Status.DONE if written else Status.FAILED)


def _open_report(report: str | int) -> TextIO:
    """Open the report for writing, so that the command does not inherit it.

    Raises:
        CommandError: it cannot be written.
    """
    try:
        if isinstance(report, str):
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOCTTY
            return open(os.open(report, flags, 0o666), "w")
        return _open_descriptor(report)
    except OSError as error:
        raise CommandError(f"--report: {_named(report)}: {error.strerror}") from None


def _open_descriptor(number: int) -> TextIO:
    import fcntl

    if fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise CommandError(f"--report: {_named(number)}: not open for writing")
    copy = os.dup(number)
    if number > _STREAMS:
        os.set_inheritable(number, False)
    return open(copy, "w")


def _is_written(target: Output, report: str | int, output: Output) -> bool:
    """Return whether the whole report was written; print an error if it was not."""
    try:
        target.flush()
    except WriteError as error:
        if str(error) == os.strerror(errno.EPIPE):  # its reader has read enough
            return True
        output.error(f"--report: {_named(report)}: {error}")
        return False
    return True


def _named(report: str | int) -> str:
    return report if isinstance(report, str) else f"fd:{report}"


class _Place(NamedTuple):
    """Where a command runs.

    Attributes:
        own: whether the namespace is its own.
        why: why it is not.
        filters: what tells the command's objects from others.
        descendants: the processes that it started, where the namespace is not its own.
    """

    own: bool
    why: str = ""
    filters: "tuple[Filter, ...]" = ()
    descendants: "Descendants | None" = None

    @classmethod
    def found(cls, private: str) -> "_Place":
        """Where the kernel lets it run, of where the user wants it to.

        Raises:
            CommandError: that is in a namespace of its own, and the kernel does not let it.
        """
        why = _NEVER
        if private != "never":
            try:
                unshare.unshare_ipc()
            except IpcError as error:
                why = error.strerror
            else:
                return cls(own=True)
        if private == "always":
            raise CommandError(f"no IPC namespace of its own for the command: {why}")
        from pyipcs.process import libc
        from pyipcs.query.baseline import identities, new_since
        from pyipcs.query.filters import mine
        from pyipcs.usage.descendants import Descendants

        descendants = Descendants()
        libc.adopt_orphans()
        known = {
            kind: {one for listing in procfs.read(kind) for one in identities(listing)}
            for kind in Kind
        }
        return cls(False, why, (mine(), new_since(known)), descendants)

    def left(self) -> "tuple[_Left, Sequence[Other]]":
        """Return the command's objects, with all their columns, and those of other programs."""
        if self.descendants:
            self.descendants.scan()  # a user that is seen now may end before the next scan
        wanted = {Requirement.QBYTES, Requirement.EVIDENCE}
        left = {
            kind: [*complete(Selection(self.filters).of(procfs.read(kind)), wanted)]
            for kind in Kind
        }
        if not self.descendants:
            return left, ()
        from pyipcs.actions.leftovers import divide

        return divide(left, self.descendants)

    def processes(self) -> list[dict[str, Any]]:
        """Return the command's processes that still run, by pid and name."""
        if self.descendants:
            there = self.descendants.scan().descendants.values()
            return [{"pid": one.pid, "command": one.command} for one in there]
        from pyipcs.usage.processes import command_of, pid_here
        from pyipcs.usage.scan import members

        inode = namespace.current() if self.own else None
        numbers = () if inode is None else members(inode)
        return [{"pid": pid_here(one), "command": command_of(one)} for one in numbers]


class _Aftermath:
    """What a command left."""

    def __init__(
        self,
        words: Sequence[str],
        status: int,
        place: _Place,
        left: _Left,
        others: "Sequence[Other]",
        *,
        remove: bool,
    ) -> None:
        """How it ended, and what it left.

        Args:
            words: the command.
            status: its exit status.
            place: where it ran.
            left: its objects.
            others: new objects of other programs.
            remove: whether to remove them.
        """
        self._words = words
        self._status = status
        self._place = place
        self._left = left
        self._others = others
        self._remove = remove
        self._processes = place.processes()
        self._counts = {
            kind: sum(listing.length for listing in some) for kind, some in left.items()
        }
        self.total = sum(self._counts.values())

    def tell(self, output: Output, format_: Format | None) -> None:
        """Tell of it, and remove it if that was asked for.

        JSON is one document, without a word beside it.
        """
        from pyipcs.cli import present

        options = OutputOptions(format_)
        chosen = options.chosen(terminal=output.is_terminal)
        if chosen is Format.JSON:
            removed = self._removed(output.muted())
            columns = options.with_columns(self._left, USAGE_COLUMNS, more=True)
            present.show_leftovers(output, self._left, columns, self._facts(removed))
        elif chosen not in {Format.TABLE, Format.PLAIN}:
            present.show_leftovers(
                output, self._left, options.with_columns(self._left, USAGE_COLUMNS, more=True), {}
            )
        elif self.total:
            output.error(f"'{self._words[0]}' left {self._counted()}")
            there = {kind: some for kind, some in self._left.items() if self._counts[kind]}
            names = _COLUMNS if chosen is Format.TABLE else ("KIND", *_COLUMNS)
            present.show_leftovers(
                output, there, options.with_columns(there, names, more=False), {}
            )
        _flush(output)
        if chosen is not Format.JSON:
            self._explain(output)
            self._removed(output)

    def _facts(self, removed: Iterable[tuple[Kind, int]]) -> dict[str, Any]:
        return {
            "command": self._words,
            "status": self._status,
            "private": self._place.own,
            "why": self._place.why or None,
            "processes": self._processes,
            "others": [{"kind": one.kind.value, "id": one.id} for one in self._others],
            "removed": [{"kind": kind.value, "id": object_id} for kind, object_id in removed],
        }

    def _counted(self) -> str:
        """How many objects of each kind, in words."""
        return phrase(
            [plural(number, kind.noun) for kind, number in self._counts.items() if number]
        )

    def _explain(self, output: Output) -> None:
        """Tell how sure it is, and what may still come."""
        why = self._place.why
        if self.total and why:
            output.error(
                "they are new since, and yours; in this namespace, which was not its own "
                f"({why}), other programs of yours may have made them"
            )
        elif why and why != _NEVER:
            output.error(f"it left nothing, but had no IPC namespace of its own: {why}")
        if self._others:
            names = ", ".join(abridged(self._others, lambda one: one.named, _MANY))
            output.error(f"new, but used by other programs: {names}")
        if self._processes:
            names = ", ".join(named(one["pid"], one["command"]) for one in self._processes)
            where = " in its namespace" if self._place.own else ""
            output.error(f"still running{where}: {names}")

    def _removed(self, output: Output) -> Collection[tuple[Kind, int]]:
        """Remove the objects that may be removed; return those that were."""
        descendants = self._place.descendants
        if not self._remove or not self.total or not descendants:
            return ()
        from pyipcs.actions.leftovers import removable, summary
        from pyipcs.actions.remove import Removal, select

        kept = self._kept(descendants)
        selection = Selection((*self._place.filters, removable(descendants)))
        listed = {kind: select(some, selection) for kind, some in self._left.items()}
        removal = Removal(output, selection, verbose=True)
        removal.remove_selected(listed)
        _flush(output)
        for line in summary(kept):
            output.error(line)
        return removal.removed

    def _kept(self, descendants: "Descendants") -> dict[str, int]:
        """Return why objects stay, and how many for each reason."""
        from pyipcs.actions.leftovers import kept_reasons

        reasons: dict[str, int] = {}
        for listing in chain.from_iterable(self._left.values()):
            for why in filter(None, kept_reasons(listing, descendants)):
                reasons[why] = reasons.get(why, 0) + 1
        return reasons


def _flush(output: Output) -> None:
    with suppress(WriteError):  # nobody is left who could be told
        output.flush()
