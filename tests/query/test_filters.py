"""Filters, on real objects and on records of any age."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyipcs.listing import Listing, listing_of
from pyipcs.model import SYSV, By, Kind, Queue, Record, Segment, SemaphoreSet, Target
from pyipcs.query import baseline, filters
from pyipcs.query.complete import Requirement
from pyipcs.query.filters import Filter
from pyipcs.sysv import libc
from tests.kit import kernel
from tests.kit.kernel import IS_ROOT, NOBODY, Objects, attached
from tests.kit.program import PYIPCS, invoke, run
from tests.kit.samples import listed_records

NOW = int(time.time())


def queue(object_id: int, stime: int = 0, rtime: int = 0, ctime: int = NOW, qnum: int = 0) -> Queue:
    return Queue(0, object_id, 0, 0, qnum, 0, 0, 0, 0, 0, 0, stime, rtime, ctime)


def segment(
    object_id: int, atime: int = 0, dtime: int = 0, ctime: int = NOW, n: int = 0
) -> Segment:
    return Segment(0, object_id, 0, 1, 1, 1, n, 0, 0, 0, 0, atime, dtime, ctime)


def semaphores(object_id: int, otime: int = 0, ctime: int = NOW) -> SemaphoreSet:
    return SemaphoreSet(0, object_id, 0, 1, 0, 0, 0, 0, otime, ctime)


def matching_ids(filter_: Filter, *records: Record) -> list[int]:
    """Return the ids of the records of one kind that match."""
    listing = listing_of(records[0].kind, records)
    (left,) = filters.matching([listing], [filter_])
    return [*map(int, left.column("id"))]


def test_matching_applies_costly_filters_last() -> None:
    asked: list[frozenset[Requirement]] = []

    def costing(requires: frozenset[Requirement]) -> Filter:
        def keep(listing: Listing) -> list[bool]:
            asked.append(requires)
            return [True] * listing.length

        return Filter("--x", keep, requires=requires)

    costs = [frozenset(), *(frozenset({one}) for one in Requirement)]
    assert [*filters.matching([listing_of(Kind.QUEUE, [])], map(costing, reversed(costs)))]
    assert asked == costs


def test_older_than_compares_the_last_change() -> None:
    now = int(time.time())
    old, new = now - 1000, now - 10
    filter_ = filters.older_than(100)
    assert matching_ids(
        filter_, queue(1, ctime=old, stime=NOW), queue(2, ctime=new, stime=old)
    ) == [1]
    assert matching_ids(filter_, segment(1, ctime=old), segment(2, ctime=new)) == [1]
    assert matching_ids(filter_, semaphores(1, ctime=old), semaphores(2, ctime=new)) == [1]
    assert matching_ids(filters.older_than(1e9), queue(1, ctime=old)) == []


def test_older_than_and_idle_allow_for_times_in_whole_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A change recorded as NOW - 1 may be 0.9 s old then, one recorded as NOW - 2 is 1.9 s old.
    monkeypatch.setattr(time, "time", lambda: NOW + 0.9)
    assert matching_ids(
        filters.older_than(1), queue(1, ctime=NOW - 1), queue(2, ctime=NOW - 2)
    ) == [2]
    assert matching_ids(filters.idle(1), queue(1, stime=NOW - 1), queue(2, stime=NOW - 2)) == [2]


def test_idle_compares_the_last_use() -> None:
    now = int(time.time())
    old, new = now - 1000, now - 10
    idle = filters.idle(100)
    assert matching_ids(
        idle,
        queue(1, stime=old, rtime=old),
        queue(2, stime=new, rtime=old),
        queue(3, stime=old, rtime=new),
        queue(4, ctime=old),
        queue(5, ctime=new),
        queue(6, stime=old, ctime=new),
    ) == [1, 4, 6]
    assert matching_ids(
        idle,
        segment(1, atime=old, dtime=old),
        segment(2, atime=old, dtime=new),
        segment(3, atime=old, n=1),
        segment(4, ctime=old),
        segment(5, ctime=old, n=1),
    ) == [1, 4]
    # SETVAL is a use that changes only ctime.
    assert matching_ids(
        idle,
        semaphores(1, otime=old, ctime=old),
        semaphores(2, otime=old, ctime=new),
        semaphores(3, otime=new, ctime=old),
        semaphores(4, ctime=old),
    ) == [1, 4]


def test_empty_and_unattached_compare_counts() -> None:
    assert matching_ids(filters.empty(), queue(1), queue(2, qnum=1), queue(3, qnum=10)) == [1]
    assert matching_ids(filters.unattached(), segment(1), segment(2, n=1), segment(3, n=10)) == [1]
    assert [*filters.empty().kinds] == [Kind.QUEUE, Kind.POSIX_QUEUE]
    assert [*filters.unattached().kinds] == [Kind.SEGMENT, Kind.POSIX_SEGMENT]


def test_key_matches_every_spelling(objects: Objects) -> None:
    wanted = objects.queue(-5)
    objects.queue(5)
    for spelled in ("-5", "0xfffffffb", "4294967291", "key:-5"):
        assert list_objects("--key", spelled) == [("msg", wanted)]
    assert matching_ids(filters.key(Target(By.KEY, 0, "0")), queue(1)) == [1]


def list_objects(*args: str) -> list[tuple[str, int]]:
    """Return the kinds and ids that `list` prints."""
    result = invoke("list", "-f", "jsonl", *args)
    assert (result.status, result.err) == (0, "")
    found = [json.loads(line) for line in result.out.splitlines()]
    return [(one["kind"], one["id"]) for one in found]


@pytest.mark.root
def test_owner_and_created_by_select_by_user(objects: Objects, isolated: None) -> None:
    mine, others, given = objects.queue(), objects.queue(), objects.segment()
    libc.change(Kind.QUEUE, others, uid=NOBODY)
    libc.change(Kind.SEGMENT, given, uid=NOBODY)
    assert list_objects("--owner", "nobody") == list_objects("--owner", str(NOBODY))
    assert list_objects("--owner", "nobody") == [("msg", others), ("shm", given)]
    assert list_objects("--created-by", "nobody") == []
    assert list_objects("--owner", "root") == [("msg", mine)]
    assert len(list_objects("--mine")) == 3
    assert list_objects("--owner", "nobody", "-m", "--created-by", "0") == [("shm", given)]


def test_mine_selects_own_objects(objects: Objects, isolated: None) -> None:
    made = objects.semaphores()
    assert list_objects("--mine", "-s") == [("sem", made)]


def test_several_filters_select_objects_that_match_all(objects: Objects, isolated: None) -> None:
    first = objects.segment(7)
    objects.segment(8)
    with attached(first):
        assert list_objects("--unattached", "--key", "7") == []
    assert list_objects("--unattached", "--key", "7") == [("shm", first)]


@pytest.fixture
def save_listing(tmp_path: Path) -> Callable[..., str]:
    """Return a function that saves the output of `list -J` to a path."""

    def save(*args: str) -> str:
        path = tmp_path / "before.json"
        path.write_text(invoke("list", "-J", *args).out)
        return str(path)

    return save


def test_not_in_selects_new_objects(
    objects: Objects, isolated: None, save_listing: Callable[..., str]
) -> None:
    for kind in SYSV:
        objects.make(kind, 5)
        objects.make(kind, 0)
    path = save_listing()
    assert list_objects("--not-in", path) == []
    new = {(kind.value, objects.make(kind, 6)) for kind in SYSV}
    assert {*list_objects("--not-in", path)} == new
    semid = next(object_id for kind, object_id in new if kind == "sem")
    libc.set_values(semid, [3])
    assert {*list_objects("--not-in", path)} == new


def test_not_in_ignores_changed_objects(
    objects: Objects, isolated: None, save_listing: Callable[..., str]
) -> None:
    msqid, shmid, semid = objects.queue(-5), objects.segment(9), objects.semaphores(10)
    path = Path(save_listing())
    # Every ctime differs from the one in the listing.
    text, count = re.subn(r'(?<=ctime": ")[^"]*', "2001-09-09T01:46:40+00:00", path.read_text())
    assert count == 3
    path.write_text(text)
    kernel.send(msqid)
    libc.set_values(semid, [7])
    libc.change(Kind.SEGMENT, shmid, mode=0o600)
    with attached(shmid):
        assert list_objects("--not-in", str(path)) == []


def test_not_in_selects_reused_id_with_other_key(objects: Objects, isolated: None) -> None:
    # As after the sequence number of the id wraps.
    msqid = objects.queue(5)
    document = json.loads(invoke("list", "-J").out)
    document["queues"][0]["key"] = "0x00000006"
    assert matching_ids(baseline.not_in(document), *(r for r in listed_records(Kind.QUEUE))) == [
        msqid
    ]


def test_not_in_ignores_kinds_missing_from_the_listing(
    objects: Objects, isolated: None, save_listing: Callable[..., str]
) -> None:
    path = save_listing("-q")
    objects.segment()
    msqid = objects.queue()
    assert list_objects("--not-in", path) == [("msg", msqid)]


def listing_with(**taken: object) -> dict[str, Any]:
    """Return the document of `list -J` with other entries in "taken"."""
    document: dict[str, Any] = json.loads(invoke("list", "-J").out)
    document["taken"] |= taken
    return document


@pytest.mark.parametrize(
    ("taken", "why"),
    [
        ({"boot_id": "another"}, "another boot"),
        ({"ipc_namespace": 1}, "another IPC namespace"),
        ({"filtered": True}, "does not hold all objects"),
        ({"filtered": "no"}, "does not hold all objects"),
        ({"boot_id": None}, "cannot compare the"),
        ({"ipc_namespace": None}, "cannot compare the"),
        ({"pid_namespace": 1}, "another PID namespace"),
        ({"ipc_namespace_id": 1}, "another IPC namespace"),
        ({"user_namespace": 1}, "another user namespace"),
    ],
)
def test_not_in_listing_of_other_origin_fails(taken: dict[str, object], why: str) -> None:
    baseline.not_in(listing_with())
    with pytest.raises(ValueError, match=why):
        baseline.not_in(listing_with(**taken))


def test_not_in_filtered_listing_fails(objects: Objects, tmp_path: Path) -> None:
    objects.queue()
    path = tmp_path / "x"
    for args in (["--empty"], ["--mine"], ["-q", "-i", str(objects.queue())]):
        path.write_text(invoke("list", "-J", *args).out)
        result = invoke("list", "--not-in", str(path))
        assert (result.status, result.out) == (2, "")
        assert "does not hold all objects" in result.err


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "[]", "5", "null", '"taken"', "{}", '{"taken": 5}', '{"taken": {}}', "\xff"),
        '{"taken": {"boot_id": 1}}',
        "[" * 100_000,
    ],
)
def test_not_in_file_without_listing_fails(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(text.encode("latin-1"))
    result = invoke("list", "--not-in", str(path))
    assert (result.status, result.out) == (2, "")
    assert f"'{path}': not a listing" in result.err


@pytest.mark.parametrize("queues", [[{}], [{"key": "0x5", "id": 1, "cuid": 1}]])
def test_not_in_listing_without_identity_fails(queues: object) -> None:
    with pytest.raises(ValueError, match=r"lacks a field that identifies objects: '(key|cgid)'"):
        baseline.not_in(listing_with() | {"queues": queues})


@pytest.mark.parametrize(
    "queues",
    [
        *(5, [5], [None], None, {}, ""),
        *(
            [{"key": key, "id": 1, "cuid": 1, "cgid": 1}]
            for key in ("x", "1234567890", "ffffffffff", "  0x000001", "0x0000_001")
        ),
        [{"key": 5, "id": 1, "cuid": 1, "cgid": 1}],
        [{"key": "0x5", "id": float("inf"), "cuid": 1, "cgid": 1}],
        [{"key": "0x5", "id": "1", "cuid": 1, "cgid": 1}],
    ],
)
def test_not_in_listing_of_invalid_objects_fails(queues: object) -> None:
    with pytest.raises(ValueError, match="not a listing"):
        baseline.not_in(listing_with() | {"queues": queues})


def test_not_in_listing_without_kinds_fails() -> None:
    with pytest.raises(ValueError, match="not a listing"):
        baseline.not_in({"taken": listing_with()["taken"]})


def test_not_in_listing_of_some_columns_fails(objects: Objects, tmp_path: Path) -> None:
    for kind in SYSV:
        objects.make(kind)
    path = tmp_path / "x"
    for args in (["-o", "KEY,ID"], ["-o", "SIZE"], ["-o", "CUID,CGID,KEY"]):
        path.write_text(invoke("list", "-J", *args).out)
        result = invoke("list", "--not-in", str(path))
        assert (result.status, result.out) == (2, "")
        assert "lacks a field that identifies objects" in result.err


@pytest.mark.tools("unshare")
def test_not_in_listing_of_other_namespace_fails(isolated: None, tmp_path: Path) -> None:
    unshare = ["unshare", "--ipc"] if IS_ROOT else ["unshare", "--user", "--ipc"]
    path = tmp_path / "x"
    path.write_text(run(*unshare, PYIPCS, "list", "-J").out)
    assert "another IPC namespace" in invoke("list", "--not-in", str(path)).err
