"""Which objects are meant: kinds, and the filters' options, read once into one value."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from pyipcs.cli.options.common import selecting
from pyipcs.cli.types import DURATION, USER, Parsed, a_key
from pyipcs.model import Kind, Record
from pyipcs.sysv.procfs import Listing, completed
from pyipcs.text import plural

if TYPE_CHECKING:
    from pyipcs.query.filters import Filter


_PATIENCE = 3.0  # seconds for evidence that is fresh; two scans are enough on a quiet machine


class LateError(Exception):
    """No scan was recent enough for a removal."""


class Selection(NamedTuple):
    """The filters that were asked for; without any, all objects are meant."""

    filters: "tuple[Filter, ...]" = ()

    def kinds(self, named: Collection[Kind]) -> list[Kind]:
        """The kinds that can be meant: those named, or else all that the filters can speak of.

        Raises:
            click.UsageError: no object can be meant.
        """
        kinds = [*(named or Kind)]
        for filter_ in self.filters:
            meant = [kind for kind in kinds if kind in filter_.kinds]
            if not meant or (named and len(meant) < len(kinds)):
                about = ", ".join(kind.plural for kind in Kind if kind in filter_.kinds)
                others = ", ".join(kind.plural for kind in kinds if kind not in meant)
                rest = f"not {others}" if named else f"and another filter about {others}"
                raise click.UsageError(f"{filter_.option} {filter_.speaks} {about}, {rest}")
            kinds = meant
        return kinds

    @property
    def named(self) -> str:
        """The options, as the user named them."""
        return ", ".join(dict.fromkeys(filter_.option for filter_ in self.filters))

    def of(self, listings: Iterable[Listing]) -> Iterable[Listing]:
        """Those of the objects that are meant."""
        if not self.filters:
            return listings
        from pyipcs.query.filters import matching

        return matching(listings, self.filters)

    @property
    def judges(self) -> bool:
        """Whether it asks for the states of objects."""
        return any(filter_.requires in {"state", "evidence"} for filter_ in self.filters)

    @property
    def scans(self) -> bool:
        """Whether it asks what processes use now."""
        return any(filter_.requires for filter_ in self.filters)

    def unjudged(self) -> str:
        """Return how many objects the filters could not judge, and why; empty if there are none."""
        found = [one.unjudged for one in self.filters if any(one.unjudged.values())]
        if not found:
            return ""
        counts = max(found, key=lambda some: sum(some.values()))
        objects = [plural(number, kind.noun) for kind, number in counts.items() if number]
        from pyipcs.usage.doubt import why_unseen

        *first, last = objects
        these = f"{', '.join(first)} and {last}" if first else last
        return f"{these} could not be judged: {why_unseen()}"

    def refresh(self) -> None:
        """See to it that what is asked from now on is not answered by what was seen before."""
        if self.scans:
            from pyipcs.usage.scan import scan

            scan.cache_clear()

    def stands(self, selected: Record) -> bool:
        """Return whether an object is as it was, and a fresh scan shows nobody who may use it.

        False means that it has to be examined as a whole (`still_meets`), which takes longer.
        """
        from pyipcs.usage.doubt import is_fresh, rescan
        from pyipcs.usage.state import is_clear, is_unchanged

        if not is_fresh(selected.kind):
            rescan(selected.kind)
        is_same = is_unchanged(selected) and is_clear(selected, judged=self.judges)
        return is_same and is_fresh(selected.kind)

    def matches_now(self, listing: Listing) -> bool:
        """Whether the one object of a listing is meant, by what can be seen now.

        Raises:
            LateError: no answer was fresh enough within some seconds.
        """
        if not self.scans:
            return self._meets(listing)
        import time

        from pyipcs.usage.doubt import is_fresh, rescan

        late = False
        deadline = time.monotonic() + _PATIENCE
        while not late or time.monotonic() < deadline:
            # A set is examined after the scan; one that takes longer than a scan may age, before.
            if late and listing.kind is Kind.SEMAPHORE:
                listing = next(completed([listing._replace(added={})], {"semaphores"}))
            if late or not is_fresh(listing.kind):
                rescan(listing.kind)
            if not self._meets(listing):
                return False
            if is_fresh(listing.kind):
                return True
            late = True
        raise LateError

    def _meets(self, listing: Listing) -> bool:
        return any(found.length for found in self.of([listing]))


_BEGINNING = 1 << 16  # bytes of a file that show whether it can be a listing


def _parse_baseline(path: str) -> "Filter":
    """The filter that an earlier listing in a file makes; `-` is standard input."""
    import json
    import sys

    from pyipcs.query.filters import NO_LISTING, not_in

    if path == "-" and sys.stdin is None:
        raise ValueError("standard input is closed")
    try:
        with open(path, "rb") if path != "-" else open(0, "rb", closefd=False) as file:
            text = file.read(_BEGINNING)
            begins_well = text.lstrip().startswith(b"{")  # what does not may have no end
            document = json.loads(text + file.read()) if begins_well else {}
    except OSError as error:
        raise ValueError(error.strerror) from None
    except (ValueError, RecursionError, MemoryError):
        raise ValueError(NO_LISTING) from None
    return not_in(document)


_KIND_OPTIONS = {
    Kind.QUEUE: ("-q", "--queues"),
    Kind.SEGMENT: ("-m", "--shmems"),
    Kind.SEMAPHORE: ("-s", "--semaphores"),
}


def _kind_options(help_of: Callable[[Kind], str]) -> Callable[..., Any]:
    """-q, -m and -s as one argument `kinds`."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def collected(*args: Any, **params: Any) -> Any:
            kinds = [kind for kind in Kind if params.pop(kind.value)]
            return function(*args, kinds=kinds, **params)

        for kind, names in reversed(_KIND_OPTIONS.items()):
            add = selecting(*names, kind.value, is_flag=True, help=help_of(kind))
            collected = add(collected)
        return collected

    return decorate


# Of what kinds a target is, and which are listed.
kind_options = _kind_options(lambda kind: f"The {kind.noun} of that name.")
listed_kind_options = _kind_options(lambda kind: f"{kind.title}.")


_OPTIONS: dict[str, Any] = {
    "owner": selecting(
        "--owner",
        type=USER,
        multiple=True,
        metavar="USER",
        help="Owned by this user. Given several times: by any of them.",
    ),
    "creator": selecting(
        "--created-by",
        "creator",
        type=USER,
        multiple=True,
        metavar="USER",
        help="Created by this user. Given several times: by any of them.",
    ),
    "mine": selecting("--mine", is_flag=True, help="Created or owned by you."),
    "key": selecting(
        "--key",
        type=a_key(),
        multiple=True,
        metavar="KEY",
        help="With this key. Given several times: with any of them.",
    ),
    "private": selecting("--private", is_flag=True, help="Without a key (IPC_PRIVATE)."),
    "older_than": selecting(
        "--older-than",
        type=DURATION,
        multiple=True,
        metavar="DURATION",
        help="Last changed longer ago: 30s, 10m, 2h, 7d.",
    ),
    "idle": selecting(
        "--idle",
        type=DURATION,
        multiple=True,
        metavar="DURATION",
        help="Last used longer ago (if ever; else, last changed), not attached, and with no "
        "process seen to wait on it.",
    ),
    "unattached": selecting(
        "--unattached", is_flag=True, help="Segments that no process has attached."
    ),
    "empty": selecting("--empty", is_flag=True, help="Queues with no message."),
    "orphaned": selecting(
        "--orphaned",
        is_flag=True,
        help="Segments that nobody has attached, and whose creator and last user are gone. "
        "Programs come back for one that has a key: give --idle or --private, too.",
    ),
    "suspect": selecting(
        "--suspect",
        is_flag=True,
        help="Orphaned segments, and queues and semaphore sets whose last users are gone, and on "
        "which nobody waits.",
    ),
    "not_in": selecting(
        "--not-in",
        type=Parsed("file", _parse_baseline, "file"),
        multiple=True,
        metavar="FILE",
        help="Not in an earlier listing of all objects (list -J > FILE). Kinds missing from FILE "
        "are never selected. Given several times: in none of them.",
    ),
}


def filter_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which objects are meant, as one argument `selection`."""

    @wraps(function)
    def collected(*args: Any, **params: Any) -> Any:
        given = {name: params.pop(name) for name in _OPTIONS}
        return function(*args, selection=Selection(tuple(_filters(**given))), **params)

    for option in reversed(_OPTIONS.values()):
        collected = option(collected)
    return collected


# The options that one of their values has to meet; all values of the others have to hold.
_ANY = {"owner", "creator", "key"}


def _filters(*, not_in: "Sequence[Filter]", **given: Any) -> "Iterator[Filter]":
    """Yield the filters of the options given; `given` has functions of pyipcs.query.filters."""
    yield from not_in
    wanted = {name: values for name, values in given.items() if values}
    if not wanted:
        return
    from pyipcs.query import filters

    for name, values in wanted.items():
        make = getattr(filters, name)
        if values is True:
            yield make()
        elif name in _ANY:
            yield make(*values)
        else:
            yield from map(make, values)
