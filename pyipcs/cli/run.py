"""pyipcs run: run a command, and tell what it leaves behind."""

import signal
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import click
from click.core import ParameterSource

from pyipcs.cli.argv import OneOf, Prefix, options_titled
from pyipcs.cli.launch import Program
from pyipcs.cli.manner import FORMATS, USERS, Format, Manner
from pyipcs.cli.options import json_option, showing, subcommand
from pyipcs.cli.output import Output, WriteError
from pyipcs.cli.selection import Selection
from pyipcs.cli.supervise import supervise
from pyipcs.errors import CommandError, IpcError, Status, StoppedError, counted
from pyipcs.model import Kind
from pyipcs.sysv import moving, namespace, proc
from pyipcs.sysv.proc import Listing
from pyipcs.sysv.processes import named

if TYPE_CHECKING:
    from pyipcs.filters import Filter

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


class _ReportFormat(OneOf):
    """A format; the variable may name one that other commands have and this one has not."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The format; None leaves it to the terminal."""
        source = ctx.get_parameter_source(param.name) if ctx and param and param.name else None
        if source is ParameterSource.ENVIRONMENT and value in FORMATS and value not in self.offers:
            return None
        return super().convert(value, param, ctx)


@subcommand(
    cls=Prefix,
    enters=False,
    examples=(
        ("pyipcs run ./tests.sh", "Status 23 if the tests leave an object behind."),
        ("pyipcs run --rm ./tests.sh", "Also without a namespace of its own, nothing stays."),
        ("pyipcs run -J ./tests.sh 2> report.json", "The report as JSON."),
    ),
)
@_where(
    "--private",
    type=OneOf(
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
    help="Without a namespace of its own, remove what CMD left and nobody uses.",
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
) -> int:
    """Run a command, and tell which objects it leaves behind.

    CMD runs in an IPC namespace of its own, so that nothing it makes touches others or outlives
    it. What it left is told on standard error, with the processes that still run there. Unless you
    are root it gets a user namespace too, in which sudo, su and ping do not work. POSIX message
    queues are CMD's own as well.

    Where the kernel refuses that, CMD runs in this namespace. Then what is new since, and yours,
    is told; other programs of yours may have made it.

    The status is CMD's if that is not 0, else 23 if it left an object, else 0.
    """
    output: Output = ctx.obj
    program = Program.find(words)
    place = _Place.found(private)
    ended = supervise(program)
    # The status is the command's, whether anybody reads the report or not. SIGTTOU would stop it
    # where the command had the terminal and did not give it back.
    for number in (signal.SIGPIPE, signal.SIGTTOU):
        signal.signal(number, signal.SIG_IGN)
    left = place.left()
    aftermath = _Aftermath(words, ended.status, place, left, remove=remove and not place.own)
    aftermath.tell(output.aside(), Format(format_) if format_ else None)
    if ended.told:
        from pyipcs.sysv import libc

        libc.dump_no_core()  # the command's is the one that is wanted
        raise StoppedError(ended.signal)
    return ended.status or (Status.FOUND if aftermath.total else Status.DONE)


class _Place(NamedTuple):
    """Where a command runs.

    Attributes:
        own: whether the namespace is its own.
        why: why it is not.
        filters: what tells the command's objects from others.
    """

    own: bool
    why: str = ""
    filters: "tuple[Filter, ...]" = ()

    @classmethod
    def found(cls, private: str) -> "_Place":
        """Where the kernel lets it run, of where the user wants it to.

        Raises:
            CommandError: that is in a namespace of its own, and the kernel does not let it.
        """
        why = _NEVER
        if private != "never":
            try:
                moving.leave()
            except IpcError as error:
                why = error.strerror
            else:
                return cls(own=True)
        if private == "always":
            raise CommandError(f"no IPC namespace of its own for the command: {why}")
        from pyipcs.filters import identities, mine, new_since

        known = {
            kind: {one for listing in proc.read(kind) for one in identities(listing)}
            for kind in Kind
        }
        return cls(own=False, why=why, filters=(mine(), new_since(known)))

    def left(self) -> _Left:
        """The objects that are the command's, as far as can be known, with all that is of them."""
        wanted = {"qbytes", "evidence"}
        return {
            kind: [*proc.completed(Selection(self.filters).of(proc.read(kind)), wanted)]
            for kind in Kind
        }

    def processes(self) -> list[dict[str, Any]]:
        """Those that still run in the command's own namespace, by pid and name."""
        from pyipcs.sysv.processes import command_of, pid_here
        from pyipcs.sysv.survey import members

        inode = namespace.current() if self.own else None
        numbers = () if inode is None else members(inode)
        return [{"pid": pid_here(one), "command": command_of(one)} for one in numbers]


class _Aftermath:
    """What a command left."""

    def __init__(
        self, words: Sequence[str], status: int, place: _Place, left: _Left, *, remove: bool
    ) -> None:
        """How it ended, and what it left.

        Args:
            words: the command.
            status: its exit status.
            place: where it ran.
            left: the objects.
            remove: whether to remove them.
        """
        self._words = words
        self._status = status
        self._place = place
        self._left = left
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
        from pyipcs.cli import show

        manner = Manner(format_)
        chosen = manner.chosen(terminal=output.terminal)
        if chosen is Format.JSON:
            removed = self._removed(output.muted())
            columns = manner.with_columns(self._left, USERS, more=True)
            show.left(output, self._left, columns, self._facts(removed))
        elif chosen not in {Format.TABLE, Format.PLAIN}:
            show.left(output, self._left, manner.with_columns(self._left, USERS, more=True), {})
        elif self.total:
            output.complain(f"'{self._words[0]}' left {self._counted()}")
            there = {kind: some for kind, some in self._left.items() if self._counts[kind]}
            names = _COLUMNS if chosen is Format.TABLE else ("KIND", *_COLUMNS)
            show.left(output, there, manner.with_columns(there, names, more=False), {})
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
            "removed": [{"kind": kind.value, "id": object_id} for kind, object_id in removed],
        }

    def _counted(self) -> str:
        """How many objects of each kind, in words."""
        *first, last = [
            counted(number, kind.noun) for kind, number in self._counts.items() if number
        ]
        return f"{', '.join(first)} and {last}" if first else last

    def _explain(self, output: Output) -> None:
        """Tell how sure it is, and what may still come."""
        why = self._place.why
        if self.total and why:
            output.complain(
                "they are new since, and yours; in this namespace, which was not its own "
                f"({why}), other programs of yours may have made them"
            )
        elif why and why != _NEVER:
            output.complain(f"it left nothing, but had no IPC namespace of its own: {why}")
        if self._processes:
            names = ", ".join(named(one["pid"], one["command"]) for one in self._processes)
            output.complain(f"still running in its namespace: {names}")

    def _removed(self, output: Output) -> Collection[tuple[Kind, int]]:
        """Remove it, but for what somebody uses, or what has changed since; what went."""
        if not self._remove or not self.total:
            return ()
        from pyipcs.cli.removal import Removal, found
        from pyipcs.filters import unused

        selection = Selection((*self._place.filters, unused()))
        listed = {kind: found(some, selection) for kind, some in self._left.items()}
        removal = Removal(output, selection, verbose=True)
        removal.remove_listed(listed)
        _flush(output)
        used = self.total - sum(map(len, listed.values()))
        if used:
            output.complain(f"{counted(used, 'object')} in use, or perhaps so, and left")
        return removal.removed


def _flush(output: Output) -> None:
    with suppress(WriteError):  # nobody is left who could be told
        output.flush()
