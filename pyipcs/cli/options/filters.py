"""Options that select objects: kinds and filters."""

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from pyipcs.cli.options.common import combine_options, selecting
from pyipcs.cli.types import DURATION, PROCESS, USER, ParsedType, key_type
from pyipcs.model import COUNTERPARTS, SYSV, Kind
from pyipcs.query.selection import Selection

if TYPE_CHECKING:
    from pyipcs.query.filters import Filter


_CHUNK = 1 << 20  # bytes: enough to recognize a file that is not a listing
_LISTING_MAX = 1 << 28  # bytes: half a million objects; another file may be endless


def _parse_baseline(path: str) -> "Filter":
    """Return the filter for a listing in a file, or in standard input (-)."""
    import json
    import sys

    from pyipcs.query.baseline import NO_LISTING, not_in

    if path == "-" and sys.stdin is None:
        raise ValueError("standard input is closed")
    try:
        with open(path, "rb") if path != "-" else open(0, "rb", closefd=False) as file:
            text = _read_object(file)
        document = json.loads(text) if text else {}
    except OSError as error:
        raise ValueError(error.strerror) from None
    except (ValueError, RecursionError, MemoryError):
        raise ValueError(NO_LISTING) from None
    return not_in(document)


def _read_object(file: BinaryIO) -> bytearray:
    """Return the text of a JSON object; nothing if the file starts otherwise.

    Raises:
        OSError: the file is larger than any listing (EFBIG), or the kernel refused a call.
    """
    text = bytearray(file.read(_CHUNK))
    if not text.lstrip().startswith(b"{"):
        return bytearray()
    while chunk := file.read(_CHUNK):
        text += chunk
        if len(text) > _LISTING_MAX:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return text


# The letters of ipcs(1) and lsipc(1).
_KIND_OPTIONS = {
    Kind.QUEUE: ("-q", "--queues"),
    Kind.SEGMENT: ("-m", "--shmems"),
    Kind.SEMAPHORE: ("-s", "--semaphores"),
    Kind.POSIX_QUEUE: ("-Q", "--posix-mqueues"),
    Kind.POSIX_SEGMENT: ("-M", "--posix-shmems"),
    Kind.POSIX_SEMAPHORE: ("-S", "--posix-semaphores"),
}
# The nouns for both families.
_NOUNS = {
    Kind.QUEUE: "message queue",
    Kind.SEGMENT: "segment",
    Kind.SEMAPHORE: "semaphore set or POSIX semaphore",
}


def _kind_options(
    kinds: Sequence[Kind], help_of: Callable[[Kind], str], given: Callable[..., list[Kind]]
) -> Callable[..., Any]:
    """Return the decorator that adds an option for each kind.

    The options are one argument `kinds`.
    """
    options = [
        selecting(*_KIND_OPTIONS[kind], kind.value, is_flag=True, help=help_of(kind))
        for kind in kinds
    ]
    return combine_options(options, [kind.value for kind in kinds], "kinds", given)


def _named_kinds(**flags: bool) -> list[Kind]:
    """Return the kinds of both families that -q, -m and -s select."""
    chosen = [kind for kind in SYSV if flags[kind.value]]
    return [*chosen, *(COUNTERPARTS[kind] for kind in chosen)]


def _listed_kinds(**flags: bool) -> list[Kind]:
    return [kind for kind in Kind if flags[kind.value]]


kind_options = _kind_options(SYSV, lambda kind: f"The {_NOUNS[kind]} of that name.", _named_kinds)
listed_kind_options = _kind_options([*Kind], lambda kind: f"{kind.title}.", _listed_kinds)


# The options by their names in click, which are the names of the filters in query.filters.
_OPTIONS: dict[str, Any] = {
    "owner": selecting(
        "--owner",
        type=USER,
        multiple=True,
        metavar="USER",
        help="Owned by USER; if repeated, by any of them.",
    ),
    "creator": selecting(
        "--created-by",
        "creator",
        type=USER,
        multiple=True,
        metavar="USER",
        help="Created by USER; if repeated, by any of them.",
    ),
    "mine": selecting("--mine", is_flag=True, help="Created or owned by you."),
    "used_by": selecting(
        "--used-by",
        type=PROCESS,
        multiple=True,
        metavar="PID",
        help="Used by process PID; if repeated, by any of them.",
        details="The process has the object attached, open or mapped, waits on it, or is on record "
        "for it: as the creator or last user of a segment, the last sender or receiver of a queue, "
        "the last user of a semaphore, or as registered for the notification of a POSIX queue. "
        "Without an option for kinds, all kinds are selected.",
    ),
    "key": selecting(
        "--key",
        type=key_type(),
        multiple=True,
        metavar="KEY",
        help="With KEY; if repeated, with any of them.",
    ),
    "private": selecting("--private", is_flag=True, help="Without a key (IPC_PRIVATE)."),
    "match": selecting(
        "--match",
        type=str,
        multiple=True,
        metavar="GLOB",
        help="POSIX objects named like GLOB; if repeated, any.",
        details="GLOB is a shell pattern for the whole name; its slash may be omitted.",
    ),
    "older_than": selecting(
        "--older-than",
        type=DURATION,
        multiple=True,
        metavar="DURATION",
        help="Changed more than DURATION ago: 30s, 10m, 2h, 7d.",
        details="The time of POSIX segments and semaphores is BORN, of POSIX queues MTIME.",
    ),
    "idle": selecting(
        "--idle",
        type=DURATION,
        multiple=True,
        metavar="DURATION",
        help="Not used for DURATION, nor attached or waited on.",
        details="Last used more than DURATION ago (if never used: last changed), and no visible "
        "process waits on it. The last use of a POSIX queue is MTIME, of a segment the later of "
        "MTIME and ATIME, and of a semaphore the later of BORN and ATIME. Stores through a mapping "
        "set none of them: add --orphaned.",
    ),
    "unattached": selecting(
        "--unattached",
        is_flag=True,
        help="Segments that nobody has attached, open or mapped.",
    ),
    "empty": selecting("--empty", is_flag=True, help="Queues without messages."),
    "orphaned": selecting(
        "--orphaned",
        is_flag=True,
        help="Segments whose users are gone, and POSIX objects that nobody has open. Programs may "
        "return to them: add --idle or --match.",
        details="Of System V: segments that nobody has attached and whose creator and last user "
        "are gone. Of POSIX: segments, semaphores and empty queues that nobody has open or mapped. "
        "A program finds them again by a key or a name; --private excludes those with a key.",
    ),
    "suspect": selecting(
        "--suspect",
        is_flag=True,
        help="Orphaned objects; queues and sets whose users are gone; unused POSIX queues with "
        "messages.",
        details="Nobody waits on such a queue or set, and nobody has such a POSIX queue open.",
    ),
    "not_in": selecting(
        "--not-in",
        type=ParsedType("file", _parse_baseline, "file"),
        multiple=True,
        metavar="FILE",
        help="Not in FILE (list -J > FILE); if repeated, in none.",
        details="FILE is an earlier listing of all objects. Kinds missing from it are never "
        "selected.",
    ),
}


# The options with one filter for all their values; the others make a filter of each value.
_ONE_OF = {"owner", "creator", "key", "match"}


def _make_selection(
    *,
    not_in: "Sequence[Filter]" = (),
    used_by: Sequence[int] = (),
    **values: bool | Sequence[object],
) -> Selection:
    """Return the filters of the given options.

    Every option is looked up in FILTERS, because `rm --all` would remove every object if a filter
    were ignored.
    """
    given = {name: value for name, value in values.items() if value}
    filters = [*not_in]
    if given:
        from pyipcs.query.filters import FILTERS

        for name, value in given.items():
            make = FILTERS[name]
            if isinstance(value, bool):
                filters.append(make())
            elif name in _ONE_OF:
                filters.append(make(*value))
            else:
                filters += map(make, value)
    if used_by:
        from pyipcs.query import filters as query

        filters.append(query.used_by(*used_by))
    return Selection(tuple(filters))


def _selection_options(options: Mapping[str, Any]) -> Callable[..., Any]:
    """Return the decorator that adds options as one argument `selection`."""
    return combine_options([*options.values()], [*options], "selection", _make_selection)


listed_filter_options = _selection_options(_OPTIONS)
used_by_option = _selection_options({"used_by": _OPTIONS["used_by"]})
# Of `rm`: a process on record for an object may not be the only one that uses it.
filter_options = _selection_options(
    {name: option for name, option in _OPTIONS.items() if name != "used_by"}
)
