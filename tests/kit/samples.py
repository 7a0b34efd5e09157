"""Invented objects with fixed values, for outputs in the tests."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, cycle

import pytest
from hypothesis import strategies as st

from pyipcs.listing import Listing, listed_fields, listing_of
from pyipcs.model import (
    LONG_MAX,
    SHM_DEST,
    SHM_LOCKED,
    SYSV,
    Kind,
    Message,
    PosixQueue,
    PosixRecord,
    PosixSegment,
    PosixSemaphore,
    Queue,
    Segment,
    SemaphoreSet,
    State,
    SysvRecord,
    View,
)
from pyipcs.query import choose
from pyipcs.query.plan import Report, Style, TimeFormat
from pyipcs.render import data, format_units, formatters
from pyipcs.sysv import procfs
from pyipcs.usage.state import UsageState
from pyipcs.usage.users import User

NOBODY_HAS = 4242424242  # a uid without a name
NO_PID = 2**22 + 1  # above the highest possible pid
SECOND = 1_000_000_000  # 2001-09-09 01:46:40 UTC

# Any message that a queue can hold.
MESSAGES = st.builds(
    Message,
    st.integers(1, LONG_MAX),
    st.one_of(st.binary(max_size=100), st.text(max_size=50).map(str.encode)),
)

QUEUES = [
    Queue(0x1234, 0, 0o600, 6, 2, NO_PID, 0, 0, 0, 0, 0, SECOND, 0, SECOND - 60, 16384),
    Queue(
        -5, 98305, 0o666, 16384, 16, NO_PID, NO_PID, 0, 0, NOBODY_HAS, 0, SECOND, SECOND, 5, 16384
    ),
    Queue(0, 7, 0o644, 0, 0, 0, 0, NOBODY_HAS, NOBODY_HAS, 0, 0, 0, 0, SECOND, 65536),
]
SEGMENTS = [
    Segment(0xCAFE, 3, 0o644, 65536, NO_PID, NO_PID, 1, 0, 0, 0, 0, SECOND, 0, SECOND, 4096, 0),
    Segment(
        *(0, 32772, 0o600 | SHM_DEST | SHM_LOCKED, 2**40, NO_PID, NO_PID, 12, 0, 0, 0, 0),
        *(SECOND, SECOND + 1, SECOND, 2**30, 12288),
    ),
]
SETS = [
    SemaphoreSet(7, 0, 0o644, 3, 0, 0, 0, 0, 0, SECOND),
    SemaphoreSet(0, 1, 0o600, 250, 0, 0, 0, 0, SECOND, SECOND),
]
RECORDS: dict[Kind, list[SysvRecord]] = {
    Kind.QUEUE: [*QUEUES],
    Kind.SEGMENT: [*SEGMENTS],
    Kind.SEMAPHORE: [*SETS],
}
# A name that separates cells, quotes, executes and colours, unless a format escapes it.
HOSTILE_NAME = os.fsdecode(b"/a b\n\t\x1b[31m\xff,'\"\\$(id)%s")
LONG_NAME = "/" + "long-name-" * 25 + "12345"  # 255 bytes after the slash
WIDE_NAME = "/漢字"
_SHM, _MQUEUE = 52, 51  # devices
POSIX_QUEUES = [
    PosixQueue(
        *("/jobs", 5, _MQUEUE, 0o644, 0, 0, SECOND, SECOND - 60, SECOND + 60),
        *(None, 8, 40, 10, 100, NO_PID),
    ),
    PosixQueue(
        *(HOSTILE_NAME, 6, _MQUEUE, 0o666, NOBODY_HAS, NOBODY_HAS, SECOND, 0, SECOND),
        *(None, 10, 0, 10, 8192, 0),
    ),
    PosixQueue("/unreadable", 7, _MQUEUE, 0, 0, 0, SECOND, SECOND, SECOND),
]
POSIX_SEGMENTS = [
    PosixSegment(
        *("/psm_1a2b3c4d", 2, _SHM, 0o600, 0, 0, SECOND, SECOND + 1, SECOND),
        *(65536, SECOND - 60, 4096, 0),
    ),
    PosixSegment(
        *(HOSTILE_NAME, 3, _SHM, 0o666, NOBODY_HAS, 0, SECOND, SECOND, SECOND),
        *(2**40, SECOND, 2**30, 12288),
    ),
    PosixSegment(LONG_NAME, 4, _SHM, 0o600, 0, 0, SECOND, SECOND, SECOND, 0),
    PosixSegment(WIDE_NAME, 8, _SHM, 0o640, 0, 0, SECOND, SECOND, SECOND, 100, SECOND, 4096, 0),
]
POSIX_SEMAPHORES = [
    PosixSemaphore("/loky-1", 9, _SHM, 0o600, 0, 0, SECOND, SECOND, SECOND, SECOND, 3),
    PosixSemaphore(HOSTILE_NAME, 10, _SHM, 0o666, NOBODY_HAS, 0, SECOND, SECOND, SECOND, SECOND, 0),
    PosixSemaphore("/unreadable", 11, _SHM, 0, 0, 0, SECOND, SECOND, SECOND),
]
POSIX_RECORDS: dict[Kind, list[PosixRecord]] = {
    Kind.POSIX_QUEUE: [*POSIX_QUEUES],
    Kind.POSIX_SEGMENT: [*POSIX_SEGMENTS],
    Kind.POSIX_SEMAPHORE: [*POSIX_SEMAPHORES],
}
_EVIDENCE = (
    UsageState(
        State.IN_USE,
        "7 (cat) has it open or mapped",
        (User(7, "cat", "mapped"), User(7, "cat", "open", 2), User(8, None, "receive")),
    ),
    UsageState(State.UNKNOWN, "who knows", None),
    UsageState(State.ORPHANED, "nobody has it open"),
)
# The names of objects.
NAMES = st.binary(min_size=1, max_size=60).map(
    lambda text: "/" + os.fsdecode(text.translate(None, b"/\0") or b"x")
)
MACHINE = Style(TimeFormat.ISO, human=False, numeric_perms=False)
PEOPLE = Style(TimeFormat.FULL, human=True, numeric_perms=False)


def listings(*kinds: Kind) -> dict[Kind, list[Listing]]:
    """Return the objects of some kinds, or of all System V kinds."""
    whole = {kind: listing_of(kind, records) for kind, records in RECORDS.items()}
    whole |= {kind: posix_listing(kind, records) for kind, records in POSIX_RECORDS.items()}
    return {kind: [whole[kind]] for kind in kinds or SYSV}


def posix_listing(kind: Kind, records: Sequence[PosixRecord]) -> Listing:
    """Return records with all their fields; those without a value would be read again."""
    fields = records[0]._fields
    added = {field: [getattr(record, field) for record in records] for field in fields}
    evidence = [one for one, _ in zip(cycle(_EVIDENCE), records, strict=False)]
    return Listing(kind, (), [], {**added, "evidence": evidence})


def named(kind: Kind, names: Sequence[str]) -> Listing:
    """Return objects of a POSIX kind that differ only in their names."""
    first = POSIX_RECORDS[kind][0]
    return posix_listing(kind, [first._replace(name=name) for name in names])


def listed_as_text(kind: Kind) -> Listing:
    """Return the objects of a kind in the text of /proc/sysvipc; fields that it lacks are added."""
    fields = listed_fields(kind)
    values = [getattr(record, field) for record in RECORDS[kind] for field in fields]
    names = fields * len(RECORDS[kind])
    words = [f"{v:o}" if name == "mode" else f"{v}" for name, v in zip(names, values, strict=True)]
    (whole,) = listings(kind)[kind]
    added = {field: column for field, column in whole.added.items() if field not in fields}
    return Listing(kind, (*fields,), words, added)


def report(
    *kinds: Kind,
    choice: str = "",
    style: Style = MACHINE,
    headings: bool = True,
    json: bool = False,
) -> Report:
    """Return a report of objects with default columns, or with chosen ones."""
    chosen = choose.parse_choice(choice) if choice else None
    found = listings(*kinds)
    shown = {
        kind: choose.document(kind, chosen) if json else choose.shown(kind, View.STATUS, chosen)
        for kind in found
    }
    names = chosen.names if chosen else ()
    return Report(found, shown, style, headings, names, names)


@contextmanager
def zone(name: str) -> Iterator[None]:
    """Set another time zone within a `with` block."""
    caches = (format_units.iso_time, format_units.ctime, formatters.converter, data._json_converter)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", name)
        time.tzset()
        for cached in caches:
            cached.cache_clear()
        try:
            yield
        finally:
            patch.undo()
            time.tzset()
            for cached in caches:
                cached.cache_clear()


def listed_records(kind: Kind, directory: str = procfs.SYSVIPC) -> Iterator[SysvRecord]:
    """Yield all objects of a kind as records."""
    return chain.from_iterable(listing.records() for listing in procfs.read(kind, directory))
