"""pyipcs run: run a command, and tell what it leaves behind."""

import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import click

from pyipcs.cli.argv import Prefix
from pyipcs.cli.launch import Program
from pyipcs.cli.manner import Format, Manner
from pyipcs.cli.options import json_option, subcommand
from pyipcs.cli.output import Output, WriteError
from pyipcs.cli.selection import Selection
from pyipcs.cli.supervise import supervise
from pyipcs.errors import CommandError, IpcError, Status, StoppedError, counted
from pyipcs.model import Kind
from pyipcs.sysv import namespace, proc
from pyipcs.sysv.proc import Listing
from pyipcs.sysv.processes import named

if TYPE_CHECKING:
    from pyipcs.filters import Filter

_Left: TypeAlias = Mapping[Kind, Sequence[Listing]]
# What people are told of an object: what it is, who made and used it, and what speaks for that.
_COLUMNS = (
    *("KEY", "ID", "MSGS", "USEDBYTES", "SIZE", "NATTCH", "NSEMS"),
    *("CPID", "LPID", "LSPID", "LRPID", "STATE", "REASON"),
)
_MORE = ("STATE", "REASON", "ATTACHED", "WAITERS")
# By these somebody asked this program itself to end.
_ENDING = {signal.SIGHUP, signal.SIGINT, signal.SIGTERM}


@subcommand(cls=Prefix, enters=False)
@click.option(
    "--private",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Whether CMD gets an IPC namespace of its own; auto: where the kernel lets it.",
)
@click.option(
    "--rm",
    "remove",
    is_flag=True,
    help="Without a namespace of its own, remove what CMD left and nobody uses.",
)
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice([format_.value for format_ in Format if format_ is not Format.OPENMETRICS]),
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
    it. What it left is told on standard error, with the processes that still run there. Who is
    not root gets a user namespace too, in which sudo, su and ping do not work. POSIX message
    queues are CMD's own as well.

    Where the kernel refuses that, CMD runs in this namespace. Then what is new since, and yours,
    is told; other programs of yours may have made it.

    The status is CMD's if that is not 0, else 23 if it left an object, else 0.
    """
    output: Output = ctx.obj
    program = Program.find(words)
    place = _Place.found(private)
    ended = supervise(program)
    left = place.left()
    report = {
        "command": words,
        "status": ended.status,
        "private": place.own,
        "why": place.why or None,
        "processes": [{"pid": pid, "command": name} for pid, name in place.processes()],
    }
    _tell(output.aside(), Format(format_) if format_ else None, place, left, report)
    if remove and not place.own:
        _remove(output.aside(), place, left)
    if ended.told and ended.signal in _ENDING:
        raise StoppedError(ended.signal)
    return ended.status or (Status.FOUND if _total(left) else Status.DONE)


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
        why = "--private never"
        if private != "never":
            try:
                namespace.leave()
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
        """The objects that are the command's, as far as can be known."""
        return {kind: [*Selection(self.filters).of(proc.read(kind))] for kind in Kind}

    def processes(self) -> list[tuple[int, str | None]]:
        """Those that still run in the command's own namespace, by pid and name."""
        from pyipcs.sysv.survey import command_of, members

        inode = namespace.current() if self.own else None
        return [] if inode is None else [(pid, command_of(pid)) for pid in members(inode)]


def _total(left: _Left) -> int:
    return sum(listing.length for listing in chain.from_iterable(left.values()))


def _counts(left: _Left) -> str:
    """How many objects of each kind, in words."""
    counts = {kind: sum(listing.length for listing in some) for kind, some in left.items()}
    *first, last = [counted(number, kind.noun) for kind, number in counts.items() if number]
    return f"{', '.join(first)} and {last}" if first else last


def _tell(
    output: Output, format_: Format | None, place: _Place, left: _Left, report: Mapping[str, Any]
) -> None:
    """Tell what a command left; to a program, also that it is nothing."""
    from pyipcs.cli import show

    manner = Manner(format_)
    chosen = manner.chosen(terminal=output.terminal)
    for_people = chosen in {Format.TABLE, Format.PLAIN}
    if not for_people:
        show.left(output, left, manner.with_columns(left, _MORE, more=True), report)
    elif _total(left):
        output.complain(f"'{report['command'][0]}' left {_counts(left)}")
        there = {kind: some for kind, some in left.items() if any(one.length for one in some)}
        columns = _COLUMNS if chosen is Format.TABLE else ("KIND", *_COLUMNS)
        show.left(output, there, manner.with_columns(there, columns, more=False), report)
    with suppress(WriteError):  # nobody is left who could be told
        output.flush()
    if for_people:
        _explain(output, place, left, report["processes"])


def _explain(
    output: Output, place: _Place, left: _Left, processes: Sequence[Mapping[str, Any]]
) -> None:
    """Tell people how sure it is, and what may still come."""
    if _total(left) and not place.own:
        output.complain(
            "they are new since, and yours; in this namespace, which was not its own "
            f"({place.why}), other programs of yours may have made them"
        )
    if processes:
        names = ", ".join(named(one["pid"], one["command"]) for one in processes)
        output.complain(f"still running in its namespace: {names}")


def _remove(output: Output, place: _Place, left: _Left) -> None:
    """Remove what a command left, but for what somebody uses, or may have changed since."""
    from pyipcs.cli.removal import Removal, found
    from pyipcs.filters import unused

    selection = Selection((*place.filters, unused()))
    listed = {kind: found(some, selection) for kind, some in left.items()}
    going = sum(map(len, listed.values()))
    Removal(output, selection, verbose=True).remove_listed(listed)
    with suppress(WriteError):
        output.flush()
    if going < _total(left):
        output.complain(f"{counted(_total(left) - going, 'object')} in use, and left")
