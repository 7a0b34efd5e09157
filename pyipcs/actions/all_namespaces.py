"""The objects of every IPC namespace that a visible process lives in (list --all-ns)."""

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from pyipcs.errors import CommandError, ipc_error
from pyipcs.model import Kind, View
from pyipcs.query import plan
from pyipcs.query.plan import Format, OutputOptions
from pyipcs.query.selection import Selection
from pyipcs.sysv import namespace, procfs, unshare
from pyipcs.sysv.listing import Listing
from pyipcs.terminal.streams import Output
from pyipcs.text import abridged
from pyipcs.usage.processes import command_of, named
from pyipcs.usage.scan import scan

_LEFT = {errno.ENOENT, errno.ESRCH}  # how one that is left by its processes fails
_Found: TypeAlias = Mapping[Kind, Sequence[Listing]]


class Group(NamedTuple):
    """An IPC namespace.

    Attributes:
        inode: what names it.
        own: whether it is the caller's.
        pids: the processes that live in it, but for this one.
        found: its objects.
    """

    inode: int
    own: bool
    pids: Sequence[int]
    found: _Found

    @property
    def heading(self) -> str:
        """Its name, and the processes that hold it."""
        names = abridged(self.pids, lambda pid: named(pid, command_of(pid)))
        own = " (this one)" if self.own else ""
        return f"IPC namespace {self.inode}{own}: {', '.join(names) or 'no other process'}\n"

    @property
    def facts(self) -> dict[str, Any]:
        """What JSON has of it besides the objects."""
        processes = [{"pid": pid, "command": command_of(pid)} for pid in self.pids]
        return {"ipc_namespace": self.inode, "own": self.own, "processes": processes}

    @property
    def length(self) -> int:
        """How many objects there are."""
        return sum(listing.length for listing in chain.from_iterable(self.found.values()))


def look(
    output: Output, kinds: Sequence[Kind], selection: Selection, options: OutputOptions, view: View
) -> tuple[list[Group], bool]:
    """Every namespace, the caller's own first, and whether there were some that are closed.

    Those are said.

    Raises:
        CommandError: without /proc none can be told from another.
    """
    here, own = namespace.current(), os.getpid()
    if here is None or not scan().readable:
        raise CommandError(f"IPC namespaces cannot be told apart: {scan().incomplete_reason}")
    ask = partial(
        _gather, kinds, selection, options, options.chosen(terminal=output.terminal), view
    )
    groups, closed = [], False
    for inode, pids in sorted(_namespaces(), key=lambda one: (one[0] != here, one)):
        others = [pid for pid in pids if pid != own]
        try:
            found = ask() if inode == here else _entered(others, ask)
        except OSError as error:
            if inode == here or error.errno not in _LEFT:
                output.error(f"IPC namespace {inode}: {error.strerror}")
                closed = True
        else:
            groups.append(Group(inode, inode == here, others, _marked(found, inode)))
    return groups, closed


def _marked(found: _Found, inode: int) -> _Found:
    """Objects that tell of their namespace, wherever they are shown."""
    return {
        kind: [one.with_added("ipc_namespace", [inode] * one.length) for one in listings]
        for kind, listings in found.items()
    }


def _namespaces() -> Iterator[tuple[int, list[int]]]:
    """Those that can be told apart, with their processes."""
    for inode, pids in scan().members.items():
        if inode is not None:
            yield inode, pids


def _gather(
    kinds: Sequence[Kind], selection: Selection, options: OutputOptions, format_: Format, view: View
) -> _Found:
    """The objects of the caller's namespace, with all that is asked of them."""
    found = {kind: [*selection.of(procfs.read(kind))] for kind in kinds}
    if format_ is Format.PLAIN and not options.is_columnar:
        return found
    shown = plan.report(found, options, format_, view)
    return found | {kind: [*listings] for kind, listings in shown.found.items()}


def _entered(pids: Iterable[int], ask: Callable[[], _Found]) -> _Found:
    """What is said in the namespace of processes, of which some may have gone.

    Raises:
        OSError: none of them leads there; why not, where one of them has not gone.
    """
    failure: OSError = ipc_error(errno.ESRCH)
    for pid in pids:
        try:
            return unshare.within(f"/proc/{pid}/ns/ipc", ask)
        except OSError as error:
            if failure.errno in _LEFT:
                failure = error
    raise failure
