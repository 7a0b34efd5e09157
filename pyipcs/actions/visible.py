"""The objects of several kinds, and the kinds that the caller cannot list."""

from collections.abc import Iterable

from pyipcs import objects
from pyipcs.errors import UnseenError
from pyipcs.listing import Listing
from pyipcs.model import IN_SHM, POSIX, Kind
from pyipcs.text import plural

_HINT_ORDER = (Kind.POSIX_SEGMENT, Kind.POSIX_SEMAPHORE, Kind.POSIX_QUEUE)


def find_visible(
    kinds: Iterable[Kind],
) -> tuple[dict[Kind, Iterable[Listing]], dict[Kind, UnseenError]]:
    """Return the objects of kinds, and the reasons for kinds that cannot be listed.

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


def posix_hint() -> str:
    """Return a line about the existing POSIX objects; empty if none is visible."""
    found, _unseen = find_visible(_HINT_ORDER)
    numbers = {kind: sum(one.length for one in listings) for kind, listings in found.items()}
    nouns = {kind: kind.noun.removeprefix("POSIX ") for kind in POSIX}
    counts = [plural(number, nouns[kind]) for kind, number in numbers.items() if number]
    return f"POSIX: {', '.join(counts)} (pyipcs list --posix)" if counts else ""


def other_files(kinds: Iterable[Kind]) -> dict[str, int] | None:
    """Return the number and the bytes of files in /dev/shm that are no objects.

    Args:
        kinds: the listed kinds; the result is None if none of them is in /dev/shm, or if that
            cannot be read.
    """
    if {*IN_SHM}.isdisjoint(kinds):
        return None
    from pyipcs.posix.listing import other_files as count

    try:
        return count()._asdict()
    except UnseenError:
        return None
