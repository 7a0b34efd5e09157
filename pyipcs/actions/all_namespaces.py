"""Objects of all IPC namespaces with a visible process (list --all-ns)."""

import errno
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, TypeAlias, TypeVar

from pyipcs.actions.visible import find_visible
from pyipcs.errors import CommandError, UnseenError, ipc_error
from pyipcs.listing import Listing
from pyipcs.model import IN_SHM, Kind, View
from pyipcs.process.identity import effective_uid
from pyipcs.query import plan
from pyipcs.query.plan import NO_TOTALS, Format, OutputOptions, Totals
from pyipcs.query.selection import Selection
from pyipcs.sysv import namespace, unshare
from pyipcs.terminal.streams import Output
from pyipcs.text import abridged
from pyipcs.usage.processes import command_of, named
from pyipcs.usage.scan import scan

_GONE = {errno.ENOENT, errno.ESRCH}  # the errors for a process that has exited
_Found: TypeAlias = Mapping[Kind, Sequence[Listing]]
_NO_DEVICE = -1  # of a /dev/shm that the caller cannot read
_T = TypeVar("_T")


class NamespaceObjects(NamedTuple):
    """An IPC namespace with its objects.

    Attributes:
        inode: the inode that identifies the namespace.
        own: True if it is the namespace of the caller.
        pids: its processes except this one.
        found: its objects.
        totals: its limits and usage, for metrics.
        unseen: the requested kinds whose objects the caller cannot list.
    """

    inode: int
    own: bool
    pids: Sequence[int]
    found: _Found
    totals: Totals
    unseen: Collection[Kind]

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


class _Reading(NamedTuple):
    """The objects of an IPC namespace, as they were read within it.

    Attributes:
        found: the objects of the visible kinds.
        totals: the limits and the usage of these kinds, for metrics.
        unseen: the kinds that cannot be listed.
        reasons: the reasons why objects may be missing, with True if they certainly are.
    """

    found: _Found
    totals: Totals
    unseen: Collection[Kind]
    reasons: Mapping[str, bool]


class Namespaces(NamedTuple):
    """All namespaces, own first.

    Attributes:
        groups: the namespaces with their objects.
        is_incomplete: True if some objects could not be listed; the reasons are on stderr.
    """

    groups: "list[NamespaceObjects]"
    is_incomplete: bool


def collect(
    output: Output, kinds: Sequence[Kind], selection: Selection, options: OutputOptions, view: View
) -> Namespaces:
    """Return all namespaces with their objects.

    A /dev/shm belongs to a mount, which processes of several IPC namespaces may share: its objects
    are those of the first namespace that has a process with it.

    Raises:
        CommandError: namespaces cannot be distinguished without /proc.
    """
    here, own = namespace.current(), os.getpid()
    if here is None or not scan().readable:
        raise CommandError(f"cannot distinguish IPC namespaces: {scan().incomplete_reason}")
    is_terminal = output.is_terminal
    format_ = options.chosen(terminal=is_terminal)
    read = partial(_read_objects, kinds, selection, options, format_, view, terminal=is_terminal)
    shms = _Shms(kinds)
    groups, is_incomplete = [], False
    for inode, pids in sorted(_namespaces(), key=lambda one: (one[0] != here, one)):
        others = [pid for pid in pids if pid != own]
        is_own = inode == here
        with shms.opened(others, has_own=is_own) as places:
            read_here = partial(read, [*places.values()])
            try:
                found, totals, unseen, reasons = (
                    read_here() if is_own else _read_within(inode, others, read_here)
                )
            except OSError as error:
                if is_own or error.errno not in _GONE:
                    output.error(f"IPC namespace {inode}: {error.strerror}")
                    is_incomplete = True
                continue
        shms.note_read(places)
        for reason, is_certain in reasons.items():
            output.error(f"IPC namespace {inode}: {reason}")
            is_incomplete = is_incomplete or is_certain
        found = _with_inode(found, inode)
        groups.append(NamespaceObjects(inode, is_own, others, found, totals, unseen))
    if unseen_shms := shms.count_unseen():
        processes = f"{unseen_shms} process{'es' if unseen_shms > 1 else ''}"
        hint = " (try as root)" if effective_uid() else ""
        output.error(f"/dev/shm of {processes} could not be examined{hint}")
    return Namespaces(groups, is_incomplete)


class _Shms:
    """The file systems at /dev/shm of all processes, each once."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._unseen = 0
        self._is_wanted = not {*IN_SHM}.isdisjoint(kinds)
        self._read: set[int] = set()

    @contextmanager
    def opened(self, pids: Iterable[int], *, has_own: bool) -> Iterator[Mapping[int, int | None]]:
        """Open each file system not read before, until the end of a `with` block.

        Args:
            pids: the processes.
            has_own: True to begin with the caller's.

        Yields:
            A descriptor by device; None is the caller's place.
        """
        if not self._is_wanted:
            yield {}
            return
        from pyipcs.posix.directory import device, open_all

        places: dict[int, int | None] = {}
        if has_own:
            try:
                places[device()] = None
            except UnseenError:  # the listing reports the reason
                places[_NO_DEVICE] = None
        others, unseen = open_all(pids, self._read.union(places))
        self._unseen += unseen
        try:
            yield {**places, **others}
        finally:
            for descriptor in others.values():
                os.close(descriptor)

    def note_read(self, devices: Iterable[int]) -> None:
        """Note file systems whose objects were listed."""
        self._read.update(devices)

    def count_unseen(self) -> int:
        """Return the number of processes that could not be examined."""
        closed = sum(one.namespace is None for one in scan().unreadable)
        return self._unseen + closed if self._is_wanted else 0


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
    places: Iterable[int | None],
    *,
    terminal: bool,
) -> _Reading:
    """Return the objects of the caller's IPC namespace with all their columns.

    For metrics, the limits and the usage follow: those of each /dev/shm.

    Args:
        kinds: the kinds.
        selection: the filters.
        options: the output options.
        format_: the format, which decides the columns.
        view: the columns of objects.
        places: the descriptors of each /dev/shm; None is the caller's.
        terminal: True if a terminal shows the objects.
    """
    whole: dict[Kind, list[Listing]] = {}
    errors: list[tuple[Kind, UnseenError]] = []
    totals = NO_TOTALS

    def add(some: Iterable[Kind]) -> None:
        nonlocal totals
        seen, unseen = find_visible(some)
        # With all kinds: a column may belong to another one.
        found = {kind: selection.of(seen.get(kind, ())) for kind in kinds}
        shown = plan.report(found, options, format_, view, terminal=terminal)
        for kind in seen:
            whole.setdefault(kind, []).extend(shown.found.get(kind, ()))
        if format_ is Format.OPENMETRICS:
            totals = totals.joined(plan.totals([*seen], [*seen]))
        errors.extend(unseen.items())

    selection.prepare()
    add(kind for kind in kinds if kind not in IN_SHM)
    for directory in places:
        with _at(directory):
            add(kind for kind in kinds if kind in IN_SHM)
    reasons = {str(error): error.is_certain for _kind, error in errors}
    reasons |= dict.fromkeys(selection.unjudged(), False)
    found = {kind: whole[kind] for kind in kinds if kind in whole}
    hidden = {kind for kind, _error in errors} - found.keys()
    return _Reading(found, totals, hidden, reasons)


@contextmanager
def _at(directory: int | None) -> Iterator[None]:
    """Use an open /dev/shm within a `with` block; None is the caller's."""
    from pyipcs.posix.directory import use_directory, use_own

    if directory is not None:
        use_directory(directory)
    try:
        yield
    finally:
        use_own()


def _read_within(inode: int, pids: Iterable[int], read: Callable[[], _T]) -> _T:
    """Call `read` in a namespace, which is entered by its first process that still exists.

    Raises:
        OSError: the namespace could not be entered through any of the processes.
    """

    def read_there() -> _T:
        if namespace.current() != inode:  # another process has got the pid
            raise ipc_error(errno.ESRCH)
        return read()

    failure: OSError = ipc_error(errno.ESRCH)
    for pid in pids:
        try:
            return unshare.within(f"/proc/{pid}/ns/ipc", read_there)
        except OSError as error:
            if failure.errno in _GONE:
                failure = error
    raise failure
