"""Objects that a command leaves behind: found, reported and removed."""

import signal
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from pyipcs import objects
from pyipcs.actions.posix_places import (
    OwnQueues,
    OwnShm,
    PosixPlace,
    SharedQueues,
    SharedShm,
)
from pyipcs.errors import CommandError, IpcError, UnseenError
from pyipcs.listing import Listing
from pyipcs.model import SYSV, Kind, State
from pyipcs.posix.directory import SHM
from pyipcs.posix.mounts import Mounts, Refusal, mount_own
from pyipcs.posix.mqueue import PATH as MQUEUE
from pyipcs.process.foreground import Termination, supervise
from pyipcs.process.program import Program
from pyipcs.query.complete import Requirement, complete
from pyipcs.query.selection import Selection
from pyipcs.sysv import namespace, unshare
from pyipcs.terminal.streams import Output, WriteError
from pyipcs.text import abridged, phrase, plural
from pyipcs.usage.processes import named

if TYPE_CHECKING:
    from pyipcs.actions.leftovers import Other
    from pyipcs.posix.other_files import OtherFile
    from pyipcs.query.filters import Filter
    from pyipcs.sysv.unshare import DifferentLimit
    from pyipcs.usage.descendants import Descendants

_NEVER = "--private never"
_RESCANS, _RESCAN_DELAY = 5, 0.05  # seconds; `list --all-ns` stays for milliseconds
_MANY = 8  # the most objects of other programs, or files, in a message
_Leftovers: TypeAlias = Mapping[Kind, Sequence[Listing]]


class _Location(NamedTuple):
    """The IPC namespace of a command, with its mounts.

    Attributes:
        is_private: True if only the command uses it.
        why: reason for a shared namespace.
        filters: filters that select new objects of this user in a shared namespace.
        descendants: the processes of the command in a shared namespace.
        limits: the limits that differ in a private namespace.
        mounts: the mounts that only the command uses.
        shm: the /dev/shm of the command: shared, private or ignored.
        places: the places of POSIX objects.
    """

    is_private: bool
    why: str = ""
    filters: "tuple[Filter, ...]" = ()
    descendants: "Descendants | None" = None
    limits: "Sequence[DifferentLimit]" = ()
    mounts: Mounts = Mounts()
    shm: str = "ignored"
    places: "Sequence[PosixPlace]" = ()

    @classmethod
    def enter(cls, private: str, shm: str) -> "_Location":
        """Move to a new IPC namespace, or stay in the present one.

        Args:
            private: auto, always or never.
            shm: shared, private or ignore.

        Raises:
            CommandError: the kernel refused a namespace or a mount that is required (always).
        """
        why = _NEVER
        if private != "never":
            try:
                limits = unshare.unshare_ipc()
            except IpcError as error:
                why = error.strerror
            else:
                return cls(is_private=True, limits=limits)._with_mounts(private, shm)
        if private == "always":
            raise CommandError(f"cannot create an IPC namespace: {why}")
        return cls._shared(why, shm)

    @classmethod
    def _shared(cls, why: str, shm: str) -> "_Location":
        """Stay in the present IPC namespace, and record its objects.

        Args:
            why: the reason.
            shm: shared, private or ignore.
        """
        from pyipcs.process import libc
        from pyipcs.query.baseline import identities, new_since
        from pyipcs.query.filters import mine
        from pyipcs.usage.descendants import Descendants

        descendants = Descendants()
        libc.adopt_orphans()
        existing = {
            kind: {one for listing in objects.read(kind) for one in identities(listing)}
            for kind in SYSV
        }
        filters = (mine(), new_since(existing))
        mounts = Mounts({SHM: Refusal(0, why)}) if shm == "private" else Mounts()
        location = cls(False, why, filters, descendants, mounts=mounts)
        return location._with_shm(shm)._with_place(SharedQueues())

    def _with_mounts(self, private: str, shm: str) -> "_Location":
        """Mount file systems for the command in its IPC namespace."""
        mounts = mount_own([MQUEUE, SHM] if shm == "private" else [MQUEUE])
        refusal = mounts.refused.get(SHM)
        if refusal and private == "always":
            raise CommandError(f"cannot mount a new {SHM}: {refusal.reason}")
        location = self._replace(mounts=mounts)._with_place(OwnQueues(mounts))
        return location._with_shm(shm)

    def _with_shm(self, shm: str) -> "_Location":
        """Add the /dev/shm, which is shared if the kernel refuses a private one."""
        if shm == "ignore":
            return self
        if shm == "private" and SHM in self.mounts.devices:
            return self._replace(shm="private")._with_place(OwnShm())
        return self._replace(shm="shared")._with_place(SharedShm())

    def _with_place(self, place: PosixPlace) -> "_Location":
        return self._replace(places=(*self.places, place))

    def leftovers(self) -> "tuple[_Leftovers, Sequence[Other]]":
        """Return the command's objects and new objects of other programs.

        The command's objects have all columns.
        """
        if self.descendants:
            self.descendants.scan()  # a process that is seen now may end before the next scan
        wanted = {Requirement.QBYTES, Requirement.EVIDENCE}
        left = {
            kind: [*complete(Selection(self.filters).of(objects.read(kind)), wanted)]
            for kind in SYSV
        }
        if not self.descendants:
            return left, ()
        from pyipcs.actions.leftovers import divide

        return divide(left, self.descendants)

    def is_shared(self, kind: Kind) -> bool:
        """Return True if objects of a kind stay after the end of the command."""
        places = (place.is_shared for place in self.places if kind in place.kinds)
        return next(places, not self.is_private)

    def processes(self) -> dict[int, str | None]:
        """Return the names of the command's processes that still run, by pid.

        In a private namespace, two successive scans must find a process, because `list --all-ns`
        of another program enters each namespace briefly.
        """
        if self.descendants:
            descendants = self.descendants.scan().descendants.values()
            return {one.pid: one.command for one in descendants}
        from pyipcs.usage.processes import command_of, pid_here
        from pyipcs.usage.scan import members

        inode = namespace.current() if self.is_private else None
        if inode is None:
            return {}
        pids = [*members(inode)]
        for _ in range(_RESCANS):
            if not pids:
                break
            time.sleep(_RESCAN_DELAY)
            earlier, pids = {*pids}, [*members(inode)]
            if staying := [pid for pid in pids if pid in earlier]:
                pids = staying
                break
        return {pid_here(pid): command_of(pid) for pid in pids}

    def notes(self, command: str) -> Iterator[str]:
        """Yield messages about differences from the place outside.

        Args:
            command: the name of the command for messages.
        """
        refused = self.mounts.refused
        queues, files = refused.get(MQUEUE), refused.get(SHM)
        if queues and not queues.is_missing:
            yield (
                f"{command} had no {MQUEUE} of its own: {queues.reason} "
                "(any queues in it are those of another IPC namespace)"
            )
        if files:
            yield f"{command} had no {SHM} of its own: {files.reason}"
        if self.limits:
            names = (f"{name} ({inside} instead of {value})" for name, value, inside in self.limits)
            yield f"limits that could not be carried over: {', '.join(names)}"

    def facts(self) -> dict[str, Any]:
        """Return the place of the command for JSON."""
        reasons = {path: refusal.reason for path, refusal in self.mounts.refused.items()}
        return {
            "mqueue_why": reasons.get(MQUEUE),
            "shm": self.shm,
            "shm_why": reasons.get(SHM),
            "limits": [
                {"name": name, "outside": _numbers(outside), "inside": _numbers(inside)}
                for name, outside, inside in self.limits
            ],
        }


def _named_file(file: "OtherFile") -> str:
    """Return the name of a file with its type and size."""
    from pyipcs.posix.names import format_entry
    from pyipcs.render.format_units import human

    size = "" if file.size is None else f", {human(file.size)}"
    return f"{format_entry(file.name)} ({file.type}{size})"


def _numbers(value: str) -> int | list[int]:
    """Return the number of a limit, or the numbers of kernel.sem."""
    numbers = [*map(int, value.split())]
    return numbers[0] if len(numbers) == 1 else numbers


class LeakReport:
    """Objects left behind by a command.

    Attributes:
        ended: the end of the command.
        objects: the objects, by kind.
        unseen: the reasons for kinds that cannot be listed, by kind.
        counts: the number of objects, by kind.
        total: the number of all objects.
    """

    def __init__(self, args: Sequence[str], ended: Termination, location: _Location) -> None:
        """Collect the objects and processes that a command left.

        Args:
            args: the command.
            ended: its end.
            location: its namespace.
        """
        self._args = args
        self._location = location
        self.ended = ended
        self.unseen: dict[Kind, UnseenError] = {}
        found, self._others = location.leftovers()
        left = dict(found)
        for place in location.places:
            try:
                left.update(place.leftovers())
            except UnseenError as error:
                self.unseen |= dict.fromkeys(place.kinds, error)
        self.objects = {kind: left[kind] for kind in Kind if kind in left}
        files = (place.other_files() for place in location.places)
        self._other_files = next((some for some in files if some is not None), None)
        self._processes = location.processes()
        self.counts = {
            kind: sum(listing.length for listing in listings)
            for kind, listings in self.objects.items()
        }
        self.total = sum(self.counts.values())

    def summary(self) -> str:
        """Return the command and the numbers of its objects, at least one."""
        command = f"'{self._args[0]}'"
        if self._processes or not self._location.is_private:
            counts = [plural(number, kind.noun) for kind, number in self.counts.items() if number]
            return f"{command} left {phrase(counts)}"
        vanishing, staying = self._counted(is_shared=False), self._counted(is_shared=True)
        parts = [f"{phrase(vanishing)} (gone with its namespace)"] if vanishing else []
        parts += [f"{phrase(staying)} in {SHM}"] if staying else []
        return f"{command} left {', and '.join(parts)}"

    def _counted(self, *, is_shared: bool) -> list[str]:
        """Return the numbers of objects in shared places, or in all others."""
        return [
            plural(number, kind.noun)
            for kind, number in self.counts.items()
            if number and self._location.is_shared(kind) == is_shared
        ]

    def notes(self) -> Iterator[str]:
        """Yield messages about doubts, other files and running processes."""
        command, why = f"'{self._args[0]}'", self._location.why
        if self.total and why:
            yield (
                "other programs of yours may have created them: "
                f"{command} had no IPC namespace of its own ({why})"
            )
        elif self._counted(is_shared=True):
            yield f"other programs of yours may have created those in {SHM}, which is shared"
        elif why and why != _NEVER:
            yield f"{command} left nothing, but had no IPC namespace of its own: {why}"
        if self._others:
            names = ", ".join(abridged(self._others, lambda one: one.named, _MANY))
            yield f"new, but used by other programs: {names}"
        unseen = (error for error in self.unseen.values() if self._is_notable(error))
        yield from dict.fromkeys(map(str, unseen))
        if self._other_files:
            names = ", ".join(abridged(self._other_files, _named_file, _MANY))
            where = f"in its {SHM}" if self._location.shm == "private" else f"left in {SHM}"
            yield f"other files {where}: {names}"
        yield from self._location.notes(command)
        if self._processes:
            processes = ", ".join(named(*one) for one in self._processes.items())
            where = " in its namespace" if self._location.is_private else ""
            yield f"still running{where}: {processes}"

    def _is_notable(self, error: UnseenError) -> bool:
        """Return True if the command may have left objects unseen."""
        return not error.is_missing and (error.is_certain or self._location.is_private)

    def facts(self, removed: Iterable[tuple[Kind, int | str]]) -> dict[str, Any]:
        """Return the report for JSON, except for the objects.

        Args:
            removed: the objects that were removed.
        """
        files = self._other_files
        return {
            "command": self._args,
            "status": self.ended.status,
            "private": self._location.is_private,
            "why": self._location.why or None,
            **self._location.facts(),
            "other_files": files if files is None else [one._asdict() for one in files],
            "processes": [{"pid": pid, "command": name} for pid, name in self._processes.items()],
            "others": [{"kind": one.kind.value, "id": one.id} for one in self._others],
            "removed": [
                {"kind": kind.value, kind.id_field: object_id} for kind, object_id in removed
            ],
        }

    def remove(self, output: Output) -> Collection[tuple[Kind, int | str]]:
        """Remove leftover objects in shared places; return the removed ones.

        In a private namespace the kernel removes all objects, and this removes none.
        """
        removed: list[tuple[Kind, int | str]] = []
        kept: dict[str, int] = {}
        descendants = self._location.descendants
        if self.total and descendants:
            from pyipcs.actions.leftovers import removable

            kept = self._kept(descendants)
            filters = (*self._location.filters, removable(descendants))
            removed += self._removed(output, SYSV, Selection(filters))
        for place in self._location.places:
            if place.is_shared and any(self.counts.get(kind) for kind in place.kinds):
                removed += self._removed(output, place.kinds, place.selection())
                if doubtful := self._count_unknown(place.kinds):
                    from pyipcs.actions.leftovers import IN_DOUBT

                    kept[IN_DOUBT] = kept.get(IN_DOUBT, 0) + doubtful
        with suppress(WriteError):  # the reader of the report is gone
            output.flush()
        for reason, number in kept.items():
            output.error(f"not removed: {plural(number, 'object')} {reason}")
        return removed

    def _removed(
        self, output: Output, kinds: Collection[Kind], selection: Selection
    ) -> Iterator[tuple[Kind, int | str]]:
        """Remove the objects of some kinds that a selection selects; return them."""
        from pyipcs.actions.remove import Removal, select

        removal = Removal(output, selection, verbose=True)
        removal.remove_selected(
            {kind: select(self.objects[kind], selection) for kind in kinds if kind in self.objects}
        )
        return removal.removed

    def _count_unknown(self, kinds: Iterable[Kind]) -> int:
        listings = chain.from_iterable(self.objects.get(kind, ()) for kind in kinds)
        evidence = chain.from_iterable(one.column("evidence") for one in listings)
        return sum(one.state is State.UNKNOWN for one in evidence)

    def _kept(self, descendants: "Descendants") -> dict[str, int]:
        """Return the number of objects that are not removed, by reason."""
        from pyipcs.actions.leftovers import kept_reasons

        reasons: dict[str, int] = {}
        scan = descendants.scan()
        for listing in chain.from_iterable(self.objects[kind] for kind in SYSV):
            for why in filter(None, kept_reasons(listing, descendants, scan)):
                reasons[why] = reasons.get(why, 0) + 1
        return reasons


def run(program: Program, private: str, shm: str) -> LeakReport:
    """Run a program to its end, and collect the objects that it leaves behind.

    Args:
        program: the program.
        private: condition for an IPC namespace of its own: auto, always or never.
        shm: the /dev/shm of the program: shared, private or ignore.

    Raises:
        CommandError: the kernel refused a namespace or a mount that is required (always).
    """
    location = _Location.enter(private, shm)
    ended = supervise(program)
    # The status must not depend on the reader of the report. SIGTTOU would stop this process if
    # the command got the terminal and did not give it back.
    for number in (signal.SIGPIPE, signal.SIGTTOU):
        signal.signal(number, signal.SIG_IGN)
    return LeakReport(program.args, ended, location)
