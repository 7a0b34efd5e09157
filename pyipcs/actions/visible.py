"""The objects of several kinds, and the kinds that the caller cannot list."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pyipcs import objects
from pyipcs.errors import UnseenError
from pyipcs.listing import Listing
from pyipcs.model import POSIX, Kind
from pyipcs.text import plural

if TYPE_CHECKING:
    from pyipcs.posix.listing import OtherFiles

_HINT_ORDER = (Kind.POSIX_SEGMENT, Kind.POSIX_SEMAPHORE, Kind.POSIX_QUEUE)


def find_visible(
    kinds: Iterable[Kind],
) -> tuple[dict[Kind, Iterable[Listing]], dict[Kind, UnseenError]]:
    """Return the objects of kinds, and the reasons for unlistable kinds.

    Raises:
        OSError: the kernel refused a call.
    """
    found: dict[Kind, Iterable[Listing]] = {}
    unseen: dict[Kind, UnseenError] = {}
    for kind in kinds:
        try:
            found[kind] = objects.read(kind)
        except UnseenError as error:
            unseen[kind] = error
    return found, unseen


def find_limited(kinds: Sequence[Kind], *, has_usage: bool) -> tuple[list[Kind], list[UnseenError]]:
    """Return the kinds with readable limits, and the reasons for unreadable figures.

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
    """Count the files in /dev/shm that are no objects; None if it is unreadable."""
    from pyipcs.posix.listing import other_files as count

    try:
        return count()
    except UnseenError:
        return None
