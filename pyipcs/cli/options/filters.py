"""Options that select objects: kinds and filters."""

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

from pyipcs.cli.options.common import selecting
from pyipcs.cli.types import DURATION, USER, ParsedType, key_type
from pyipcs.model import Kind
from pyipcs.query.selection import Selection

if TYPE_CHECKING:
    from pyipcs.query.filters import Filter


_BEGINNING = 1 << 16  # bytes of a file that show whether it can be a listing


def _parse_baseline(path: str) -> "Filter":
    """The filter that an earlier listing in a file makes; `-` is standard input."""
    import json
    import sys

    from pyipcs.query.baseline import NO_LISTING, not_in

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
        type=key_type(),
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
        type=ParsedType("file", _parse_baseline, "file"),
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
    """Yield the filters of the options given; their names are keys of FILTERS."""
    yield from not_in
    wanted = {name: values for name, values in given.items() if values}
    if not wanted:
        return
    from pyipcs.query import filters

    for name, values in wanted.items():
        make = filters.FILTERS[name]
        if values is True:
            yield make()
        elif name in _ANY:
            yield make(*values)
        else:
            yield from map(make, values)
