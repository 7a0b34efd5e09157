"""The objects of several kinds, and the kinds that the caller cannot list."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pyipcs import objects
from pyipcs.errors import UnseenError
from pyipcs.listing import Listing
from pyipcs.model import IN_SHM, POSIX, Kind
from pyipcs.text import plural

if TYPE_CHECKING:
    from pyipcs.posix.listing import OtherFiles
    from pyipcs.query.plan import Found
    from pyipcs.query.selection import Selection

_HINT_ORDER = (Kind.POSIX_SEGMENT, Kind.POSIX_SEMAPHORE, Kind.POSIX_QUEUE)


def find_visible(
    kinds: Iterable[Kind], read: Callable[[Kind], Iterable[Listing]] = objects.read
) -> tuple[dict[Kind, Iterable[Listing]], dict[Kind, UnseenError]]:
    """Return the objects of kinds, and the reasons for unlistable kinds.

    Args:
        kinds: the kinds.
        read: the function that returns the objects of a kind.

    Raises:
        OSError: the kernel refused a call.
    """
    found: dict[Kind, Iterable[Listing]] = {}
    unseen: dict[Kind, UnseenError] = {}
    for kind in kinds:
        try:
            found[kind] = read(kind)
        except UnseenError as error:
            unseen[kind] = error
    return found, unseen


class SelectedObjects(NamedTuple):
    """The selected objects of several kinds, not read yet.

    Attributes:
        found: the objects of the visible kinds.
        unseen: the reasons for unlistable kinds.
        unexamined: the reasons why uses by the processes of filters may be missing.
    """

    found: "Found"
    unseen: Mapping[Kind, UnseenError]
    unexamined: Sequence[str]

    def reasons(self, others: Iterable[str]) -> list[str]:
        """Return all reasons why objects may be missing, each once.

        Args:
            others: further reasons, such as the warnings of `Selection.unjudged`.
        """
        # Both kinds in /dev/shm have the same reason.
        return [*dict.fromkeys([*self.unexamined, *others, *map(str, self.unseen.values())])]

    @property
    def is_incomplete(self) -> bool:
        """True if objects certainly may be missing."""
        return bool(self.unexamined) or any(one.is_certain for one in self.unseen.values())


def find_selected(kinds: Iterable[Kind], selection: "Selection") -> SelectedObjects:
    """Return the objects of kinds that meet the filters of a selection.

    Raises:
        CommandError: a process that a filter names does not exist.
        OSError: the kernel refused a call.
    """
    selection.prepare()
    seen, unseen = find_visible(kinds)
    unexamined = selection.unexamined()
    found = {kind: selection.of(listings) for kind, listings in seen.items()}
    return SelectedObjects(found, unseen, unexamined)


def find_limited(kinds: Sequence[Kind], *, has_usage: bool) -> tuple[list[Kind], list[UnseenError]]:
    """Return the kinds with readable limits, and the reasons for the others.

    The limits of queues can be read where the queues cannot be counted.

    Args:
        kinds: the requested kinds.
        has_usage: True if the usage is requested, too.
    """
    limited, unseen = [*kinds], []
    if Kind.POSIX_QUEUE in kinds and has_usage:
        from pyipcs.posix import mqueue

        try:
            mqueue.directory()
        except UnseenError as error:
            unseen.append(error)
    if Kind.POSIX_SEGMENT in kinds:
        from pyipcs.posix.directory import open_shm

        try:
            open_shm()
        except UnseenError as error:
            unseen.append(error)
            limited.remove(Kind.POSIX_SEGMENT)
    return limited, unseen


def posix_hint() -> str:
    """Return a line that counts the POSIX objects; empty if none is visible."""
    found, _unseen = find_visible(_HINT_ORDER)
    numbers = {kind: sum(one.length for one in listings) for kind, listings in found.items()}
    nouns = {kind: kind.noun.removeprefix("POSIX ") for kind in POSIX}
    counts = [plural(number, nouns[kind]) for kind, number in numbers.items() if number]
    return f"POSIX: {', '.join(counts)} (pyipcs list --posix)" if counts else ""


def other_files() -> "OtherFiles | None":
    """Count the other files in /dev/shm; return None if it is unreadable."""
    from pyipcs.posix.listing import other_files as count

    try:
        return count()
    except UnseenError:
        return None


def other_files_note(kinds: Container[Kind]) -> str:
    """Return a line that counts the other files in /dev/shm.

    It is empty without such files, or if none of the kinds is in /dev/shm.
    """
    others = other_files() if any(kind in kinds for kind in IN_SHM) else None
    if not others or not others.files:
        return ""
    return f"not removed from /dev/shm: {plural(others.files, 'other file')} (no POSIX objects)"
