"""Objects of all IPC namespaces with a visible process (list --all-ns)."""

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from pyipcs import objects
from pyipcs.errors import CommandError, ipc_error
from pyipcs.listing import Listing
from pyipcs.model import Kind, View
from pyipcs.query import plan
from pyipcs.query.plan import Format, OutputOptions
from pyipcs.query.selection import Selection
from pyipcs.sysv import namespace, unshare
from pyipcs.terminal.streams import Output
from pyipcs.text import abridged
from pyipcs.usage.processes import command_of, named
from pyipcs.usage.scan import scan

_GONE = {errno.ENOENT, errno.ESRCH}  # the errors for a process that has exited
_Found: TypeAlias = Mapping[Kind, Sequence[Listing]]


class NamespaceObjects(NamedTuple):
    """An IPC namespace with its objects.

    Attributes:
        inode: the inode that identifies the namespace.
        own: True if it is the namespace of the caller.
        pids: its processes except this one.
        found: its objects.
    """

    inode: int
    own: bool
    pids: Sequence[int]
    found: _Found

    @property
    def heading(self) -> str:
        """The line above its objects, with some of its processes."""
        names = abridged(self.pids, lambda pid: named(pid, command_of(pid)))
        own = " (this one)" if self.own else ""
        return f"IPC namespace {self.inode}{own}: {', '.join(names) or 'no other process'}\n"

    @property
    def facts(self) -> dict[str, Any]:
        """Its members in JSON besides the objects."""
        processes = [{"pid": pid, "command": command_of(pid)} for pid in self.pids]
        return {"ipc_namespace": self.inode, "own": self.own, "processes": processes}

    @property
    def length(self) -> int:
        """The number of objects."""
        return sum(listing.length for listing in chain.from_iterable(self.found.values()))


def collect(
    output: Output, kinds: Sequence[Kind], selection: Selection, options: OutputOptions, view: View
) -> tuple[list[NamespaceObjects], bool]:
    """Return all namespaces, own first, and True if any was not entered.

    Namespaces that could not be entered are reported.

    Raises:
        CommandError: namespaces cannot be distinguished without /proc.
    """
    here, own = namespace.current(), os.getpid()
    if here is None or not scan().readable:
        raise CommandError(f"cannot distinguish IPC namespaces: {scan().incomplete_reason}")
    is_terminal = output.is_terminal
    format_ = options.chosen(terminal=is_terminal)
    read = partial(_read_objects, kinds, selection, options, format_, view, terminal=is_terminal)
    groups, is_incomplete = [], False
    for inode, pids in sorted(_namespaces(), key=lambda one: (one[0] != here, one)):
        others = [pid for pid in pids if pid != own]
        try:
            found = read() if inode == here else _read_within(others, read)
        except OSError as error:
            if inode == here or error.errno not in _GONE:
                output.error(f"IPC namespace {inode}: {error.strerror}")
                is_incomplete = True
        else:
            groups.append(NamespaceObjects(inode, inode == here, others, _with_inode(found, inode)))
    return groups, is_incomplete


def _with_inode(found: _Found, inode: int) -> _Found:
    """Add the field of the column NS to objects."""
    return {
        kind: [one.with_added("ipc_namespace", [inode] * one.length) for one in listings]
        for kind, listings in found.items()
    }


def _namespaces() -> Iterator[tuple[int, list[int]]]:
    """Yield the known namespaces with their processes."""
    for inode, pids in scan().members.items():
        if inode is not None:
            yield inode, pids


def _read_objects(
    kinds: Sequence[Kind],
    selection: Selection,
    options: OutputOptions,
    format_: Format,
    view: View,
    *,
    terminal: bool,
) -> _Found:
    """Return the objects of the caller's namespace with all their columns."""
    found = {kind: [*selection.of(objects.read(kind))] for kind in kinds}
    if format_ is Format.PLAIN and not options.is_columnar:
        return found
    shown = plan.report(found, options, format_, view, terminal=terminal)
    return found | {kind: [*listings] for kind, listings in shown.found.items()}


def _read_within(pids: Iterable[int], read: Callable[[], _Found]) -> _Found:
    """Call `read` in the namespace of the first process that still exists.

    Raises:
        OSError: the namespace could not be entered through any of the processes.
    """
    failure: OSError = ipc_error(errno.ESRCH)
    for pid in pids:
        try:
            return unshare.within(f"/proc/{pid}/ns/ipc", read)
        except OSError as error:
            if failure.errno in _GONE:
                failure = error
    raise failure
