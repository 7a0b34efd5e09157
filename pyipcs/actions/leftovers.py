"""Objects that a command left in a shared IPC namespace."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from pyipcs.listing import Listing
from pyipcs.model import Kind, Segment, State, SysvRecord
from pyipcs.query.complete import Requirement
from pyipcs.query.filters import Filter
from pyipcs.text import phrase
from pyipcs.usage.descendants import Descendants, Process, Scan
from pyipcs.usage.processes import named, recorded, thread_group
from pyipcs.usage.scan import empty_scan
from pyipcs.usage.state import UsageState

_OTHERS_MODE = 0o077  # permissions of users other than owner and creator (svipc(7))
_IN_USE, IN_DOUBT = "in use", "in doubt"


class Other(NamedTuple):
    """An object of another program, with that program's processes."""

    kind: Kind
    id: int
    processes: Sequence[tuple[int, str | None]]

    @property
    def named(self) -> str:
        """The object with the processes."""
        return f"{self.kind.noun} {self.id} ({_phrase(self.processes)})"


def divide(
    left: Mapping[Kind, Sequence[Listing]], descendants: Descendants
) -> tuple[dict[Kind, Sequence[Listing]], list[Other]]:
    """Separate the command's new objects from those of other programs.

    An object belongs to another program if a living process that the command did not start is on
    its record, or uses it.
    """
    own: dict[Kind, Sequence[Listing]] = {}
    others: list[Other] = []
    for kind, listings in left.items():
        kept = []
        for listing in listings:
            other = [
                Other(kind, record.id, outsiders) if outsiders else None
                for record, outsiders in _outsiders(listing, descendants)
            ]
            others += filter(None, other)
            kept.append(listing.where(one is None for one in other))
        own[kind] = kept
    return own, others


def removable(descendants: Descendants) -> Filter:
    """Select the objects that `run --rm` removes."""

    def keep(listing: Listing) -> Iterator[bool]:
        return (not reason for reason in kept_reasons(listing, descendants, descendants.scan()))

    return Filter("--rm", keep, requires=frozenset({Requirement.EVIDENCE}))


def kept_reasons(listing: Listing, descendants: Descendants, scan: Scan) -> Iterator[str]:
    """Yield for each object the reason to keep it; empty to remove it.

    Orphaned and suspect objects are removed. A queue or a set in doubt is removed only if its mode
    excludes other users, and no living process of the caller can use it.

    Args:
        listing: the objects, with their evidence.
        descendants: the processes of the command.
        scan: a current scan; one for all objects gives them the same words.
    """
    doubt = cache(lambda: _doubt(scan))
    evidence: Sequence[UsageState] = listing.column("evidence")
    for (record, outsiders), usage in zip(_outsiders(listing, descendants), evidence, strict=True):
        if usage.state is State.IN_USE or outsiders:
            yield _IN_USE
        elif usage.state is not State.UNKNOWN:
            yield ""
        elif isinstance(record, Segment) or usage.has_related_in_use:
            yield IN_DOUBT
        elif not _is_private(record, scan.uid):
            yield "in doubt, and open to other users"
        else:
            yield doubt()


def _doubt(scan: Scan) -> str:
    """Return the reason to keep a private object in doubt; empty to remove it."""
    seen = empty_scan()
    if scan.has_descendants:
        names = _in_brackets(scan.descendants.values())
        return f"in doubt while processes of the command live{names}"
    if not seen.readable or seen.incomplete_reason:
        return IN_DOUBT  # the column REASON has the details
    if scan.others:
        names = _in_brackets(scan.others)
        return f"in doubt while other processes of this user live{names}"
    return ""


def _in_brackets(processes: Iterable[Process]) -> str:
    pairs = [(one.pid, one.command) for one in processes]
    return f" ({_phrase(pairs)})" if pairs else ""


def _is_private(record: SysvRecord, uid: int) -> bool:
    """Return True if only the caller may use an object, by its mode."""
    return record.uid == record.cuid == uid and not record.mode & _OTHERS_MODE


def _outsiders(
    listing: Listing, descendants: Descendants
) -> Iterator[tuple[SysvRecord, Sequence[tuple[int, str | None]]]]:
    """Yield each object with the living processes outside the command."""
    descendants.scan()
    find_process = cache(recorded)
    process_of = cache(thread_group)
    for record, usage in zip(listing.records(), listing.column("evidence"), strict=True):
        users = {user.pid: user.command for user in usage.users or ()}
        for pid, when in record.acts:
            process = find_process(pid, when) if pid else None
            if process and process.alive:
                users.setdefault(process_of(pid), process.command)
        outside = [(pid, name) for pid, name in users.items() if pid not in descendants.known]
        yield record, outside


def _phrase(processes: Sequence[tuple[int, str | None]]) -> str:
    return phrase([named(*one) for one in processes])
