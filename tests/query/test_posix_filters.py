"""Filters of POSIX objects, on records of any age and on real objects."""

import os
import time

import pytest

from pyipcs.model import IN_SHM, POSIX, By, Kind, PosixRecord, Target
from pyipcs.objects import read
from pyipcs.query import filters
from pyipcs.query.filters import Filter
from pyipcs.query.selection import Selection
from tests.kit.kernel import NOBODY
from tests.kit.posix import child_in, hold_mapped, hold_open, needs_leases
from tests.kit.posix_objects import PosixObjects, path_of
from tests.kit.samples import POSIX_RECORDS, posix_listing
from tests.kit.wait import LIMIT, wait_for_second

DAY = 86_400
NOW = int(time.time())
OLD, NEW = NOW - 10 * DAY, NOW - 10  # the tests may run for hours


def posix_record(kind: Kind, **values: int | str | None) -> PosixRecord:
    """Return a record of /x with these values and any others."""
    return POSIX_RECORDS[kind][0]._replace(**{"name": "/x", **values})  # type: ignore[arg-type] # of any kind


def matching_names(kind: Kind, filter_: Filter, *records: PosixRecord) -> list[str]:
    """Return the names of matching records, or else of present objects."""
    listings = [posix_listing(kind, records)] if records else read(kind)
    return sorted(
        name for left in filters.matching(listings, [filter_]) for name in left.column("name")
    )


# Times.


@pytest.mark.parametrize(
    ("kind", "times", "is_old"),
    [
        (Kind.POSIX_SEGMENT, {"born": OLD, "mtime": NEW, "atime": NEW, "ctime": NEW}, True),
        (Kind.POSIX_SEGMENT, {"born": NEW, "mtime": OLD, "atime": OLD, "ctime": OLD}, False),
        (Kind.POSIX_SEMAPHORE, {"born": OLD, "mtime": NEW, "atime": NEW, "ctime": NEW}, True),
        (Kind.POSIX_SEMAPHORE, {"born": NEW, "mtime": OLD, "atime": OLD, "ctime": OLD}, False),
        (Kind.POSIX_QUEUE, {"mtime": OLD, "atime": NEW, "ctime": NEW}, True),
        (Kind.POSIX_QUEUE, {"mtime": NEW, "atime": OLD, "ctime": OLD}, False),
    ],
)
def test_older_than_compares_born_and_of_queues_mtime(
    kind: Kind, times: dict[str, int], is_old: bool
) -> None:
    record = posix_record(kind, **times)
    assert matching_names(kind, filters.older_than(DAY), record) == ["/x"] * is_old


@pytest.mark.parametrize(
    ("kind", "times", "is_idle"),
    [
        (Kind.POSIX_QUEUE, {"mtime": OLD, "atime": NEW, "ctime": NEW}, True),
        (Kind.POSIX_QUEUE, {"mtime": NEW, "atime": OLD, "ctime": OLD}, False),
        (Kind.POSIX_SEGMENT, {"mtime": OLD, "atime": OLD, "ctime": NEW, "born": NEW}, True),
        (Kind.POSIX_SEGMENT, {"mtime": NEW, "atime": OLD, "ctime": OLD, "born": OLD}, False),
        (Kind.POSIX_SEGMENT, {"mtime": OLD, "atime": NEW, "ctime": OLD, "born": OLD}, False),
        (Kind.POSIX_SEMAPHORE, {"mtime": NEW, "atime": OLD, "ctime": NEW, "born": OLD}, True),
        (Kind.POSIX_SEMAPHORE, {"mtime": OLD, "atime": NEW, "ctime": OLD, "born": OLD}, False),
        (Kind.POSIX_SEMAPHORE, {"mtime": OLD, "atime": OLD, "ctime": OLD, "born": NEW}, False),
    ],
)
def test_idle_compares_the_times_of_use(kind: Kind, times: dict[str, int], is_idle: bool) -> None:
    record = posix_record(kind, **times)
    assert matching_names(kind, filters.idle(DAY), record) == ["/x"] * is_idle


@pytest.mark.parametrize("kind", IN_SHM)
def test_older_than_without_birth_is_counted_as_unjudged(kind: Kind) -> None:
    filter_ = filters.older_than(DAY)
    assert matching_names(kind, filter_, posix_record(kind, born=None)) == []
    assert filter_.unjudged == {kind: 1}


def test_unjudged_of_selection_counts_anew_after_prepare() -> None:
    selection = Selection((filters.older_than(DAY),))
    listing = posix_listing(Kind.POSIX_SEGMENT, [posix_record(Kind.POSIX_SEGMENT, born=None)])
    for _ in range(2):
        selection.prepare()
        assert [one.length for one in selection.of([listing])] == [0]
        why = "the time of creation is not recorded"
        assert selection.unjudged() == [f"1 POSIX segment could not be judged: {why}"]


def test_idle_of_semaphore_without_birth_is_counted_as_unjudged() -> None:
    filter_ = filters.idle(DAY)
    record = posix_record(Kind.POSIX_SEMAPHORE, atime=OLD, born=None)
    assert matching_names(Kind.POSIX_SEMAPHORE, filter_, record) == []
    assert filter_.unjudged == {Kind.POSIX_SEMAPHORE: 1}


@pytest.mark.parametrize("kind", [Kind.POSIX_QUEUE, Kind.POSIX_SEGMENT])
def test_idle_reads_the_times_of_files(kind: Kind, posix_objects: PosixObjects) -> None:
    for name, times in (("old", (OLD, OLD)), ("new", (NEW, NEW)), ("read", (NEW, OLD))):
        os.utime(posix_objects.make(kind, name), times)
    expected = ["/old"] if kind is Kind.POSIX_SEGMENT else ["/old", "/read"]
    assert matching_names(kind, filters.idle(DAY)) == expected


@pytest.mark.parametrize("kind", [Kind.POSIX_QUEUE, Kind.POSIX_SEGMENT])
def test_older_than_reads_the_times_of_the_kernel(kind: Kind, posix_objects: PosixObjects) -> None:
    os.utime(posix_objects.make(kind), (OLD, OLD))
    expected = ["/x"] if kind is Kind.POSIX_QUEUE else []  # a birth cannot be set
    assert matching_names(kind, filters.older_than(DAY)) == expected


@pytest.mark.slow
@pytest.mark.parametrize("kind", IN_SHM)
def test_older_than_and_idle_select_objects_born_earlier(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    wait_for_second(int(time.time()) + 3)
    os.utime(path)
    assert matching_names(kind, filters.older_than(1)) == ["/x"]
    assert matching_names(kind, filters.idle(1)) == []
    os.utime(path, (OLD, OLD))
    assert matching_names(kind, filters.idle(1)) == ["/x"]
    assert matching_names(kind, filters.older_than(2 * LIMIT)) == []


# Owners.


@pytest.mark.root
@pytest.mark.parametrize("kind", POSIX)
def test_owner_and_mine_compare_the_owner(kind: Kind, posix_objects: PosixObjects) -> None:
    posix_objects.make(kind, "mine")
    os.chown(posix_objects.make(kind, "other"), NOBODY, NOBODY)
    assert matching_names(kind, filters.mine()) == ["/mine"]
    assert matching_names(kind, filters.owner(NOBODY)) == ["/other"]
    assert matching_names(kind, filters.owner(0, NOBODY)) == ["/mine", "/other"]
    assert matching_names(kind, filters.owner(NOBODY + 1)) == []


@pytest.mark.parametrize("kind", POSIX)
def test_mine_selects_own_objects(kind: Kind, posix_objects: PosixObjects) -> None:
    posix_objects.make(kind)
    assert matching_names(kind, filters.mine()) == ["/x"]
    assert matching_names(kind, filters.owner(os.geteuid())) == ["/x"]
    assert matching_names(kind, filters.owner(os.geteuid() + 1)) == []


# Names.

NAMES = ["/a", "/ab", "/b.tmp", "/A", "/new\nline", "/\udcff\udcfe", "/[x]", "/-a", "/.hidden"]


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["a"], ["/a"]),
        (["/a"], ["/a"]),
        (["a*"], ["/a", "/ab"]),
        (["/a?"], ["/ab"]),
        (["[ab]*"], ["/a", "/ab", "/b.tmp"]),
        (["[!a]"], ["/A"]),
        (["a", "b*"], ["/a", "/b.tmp"]),
        (["*"], NAMES),
        (["/*"], NAMES),
        (["new*"], ["/new\nline"]),
        (["new\nline"], ["/new\nline"]),
        (["\udcff*"], ["/\udcff\udcfe"]),
        (["[[]x]"], ["/[x]"]),
        (["-a"], ["/-a"]),
        ([".*"], ["/.hidden"]),
        (["//a"], []),
        ([""], []),
        (["/"], []),
        (["sem.a"], []),
    ],
)
@pytest.mark.parametrize("kind", POSIX)
def test_match_compares_whole_names(kind: Kind, patterns: list[str], names: list[str]) -> None:
    records = [posix_record(kind, name=name) for name in NAMES]
    assert matching_names(kind, filters.match(*patterns), *records) == sorted(names)


@pytest.mark.parametrize("kind", POSIX)
def test_match_reads_the_names_of_files(kind: Kind, posix_objects: PosixObjects) -> None:
    for name in ("new\nline", os.fsdecode(b"\xff\xfe"), "plain"):
        posix_objects.make(kind, name)
    assert matching_names(kind, filters.match(os.fsdecode(b"\xff*"))) == ["/\udcff\udcfe"]
    assert matching_names(kind, filters.match("*\n*")) == ["/new\nline"]


# Use and messages.


@needs_leases
@pytest.mark.parametrize("kind", POSIX)
def test_orphaned_and_suspect_select_unused_objects(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    used = posix_objects.make(kind, "used")
    posix_objects.make(kind)
    if kind is Kind.POSIX_QUEUE:
        posix_objects.make(kind, "full", messages=1)
    with child_in(lambda: hold_open(used)):
        assert matching_names(kind, filters.orphaned()) == ["/x"]
        full = ["/full"] if kind is Kind.POSIX_QUEUE else []
        assert matching_names(kind, filters.suspect()) == [*full, "/x"]


@needs_leases
def test_unattached_selects_segments_that_nobody_has_open(posix_objects: PosixObjects) -> None:
    kind = Kind.POSIX_SEGMENT
    mapped, opened = posix_objects.make(kind, "mapped"), posix_objects.make(kind, "opened")
    posix_objects.make(kind)
    with child_in(lambda: hold_mapped(mapped)), child_in(lambda: hold_open(opened)):
        assert matching_names(kind, filters.unattached()) == ["/x"]


def test_empty_selects_queues_without_messages(posix_objects: PosixObjects) -> None:
    kind = Kind.POSIX_QUEUE
    posix_objects.make(kind)
    posix_objects.make(kind, "full", messages=1)
    filter_ = filters.empty()
    assert matching_names(kind, filter_) == ["/x"]
    assert filter_.unjudged == {}


@pytest.mark.parametrize("kind", POSIX)
def test_filters_of_system_v_select_no_posix_object(kind: Kind) -> None:
    record = posix_record(kind)
    key = Target(By.KEY, 5, "5")
    for filter_ in (filters.key(key), filters.private(), filters.creator(0, os.geteuid())):
        assert matching_names(kind, filter_, record) == []


@pytest.mark.parametrize("kind", POSIX)
def test_empty_and_unattached_exclude_the_other_kinds(kind: Kind) -> None:
    record = posix_record(kind)
    if kind is not Kind.POSIX_QUEUE:
        assert matching_names(kind, filters.empty(), record) == []
    if kind is not Kind.POSIX_SEGMENT:
        assert matching_names(kind, filters.unattached(), record) == []


def test_several_filters_select_objects_that_match_all(posix_objects: PosixObjects) -> None:
    kind = Kind.POSIX_SEGMENT
    for name in ("old", "new"):
        posix_objects.make(kind, name)
    os.utime(path_of(kind, "old"), (OLD, OLD))
    both = [filters.idle(DAY), filters.match("n*", "o*"), filters.mine()]
    (left,) = filters.matching(read(kind), both)
    assert [*left.column("name")] == ["/old"]
