"""Filters, on real objects and on objects of any age."""

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from pyipcs import filters
from pyipcs.filters import Filter
from pyipcs.model import Kind, Queue, Record, Segment, SemaphoreSet
from pyipcs.sysv import libc, proc
from pyipcs.sysv.keys import By, Target
from pyipcs.sysv.proc import Listing, listing_of
from tests.kit import kernel
from tests.kit.kernel import NOBODY, Objects, attached
from tests.kit.program import PYIPCS, invoke, run

NOW = int(time.time())


def queue(object_id: int, stime: int = 0, rtime: int = 0, ctime: int = NOW, qnum: int = 0) -> Queue:
    return Queue(0, object_id, 0, 0, qnum, 0, 0, 0, 0, 0, 0, stime, rtime, ctime)


def segment(
    object_id: int, atime: int = 0, dtime: int = 0, ctime: int = NOW, n: int = 0
) -> Segment:
    return Segment(0, object_id, 0, 1, 1, 1, n, 0, 0, 0, 0, atime, dtime, ctime)


def semaphores(object_id: int, otime: int = 0, ctime: int = NOW) -> SemaphoreSet:
    return SemaphoreSet(0, object_id, 0, 1, 0, 0, 0, 0, otime, ctime)


def kept(filter_: Filter, *records: Record) -> list[int]:
    listing = listing_of(records[0].kind, records)
    (left,) = filters.matching([listing], [filter_])
    return [*map(int, left.column("id"))]


def test_what_costs_most_is_asked_last() -> None:
    asked = []

    def costing(needs: str) -> Filter:
        def keep(listing: Listing) -> list[bool]:
            asked.append(needs)
            return [True] * listing.length

        return Filter("--x", keep, needs=needs)

    assert [
        *filters.matching([listing_of(Kind.QUEUE, [])], map(costing, ["evidence", "state", ""]))
    ]
    assert asked == ["", "state", "evidence"]


def test_age_is_since_the_last_change() -> None:
    now = int(time.time())
    old, new = now - 1000, now - 10
    filter_ = filters.older_than(100)
    assert kept(filter_, queue(1, ctime=old, stime=NOW), queue(2, ctime=new, stime=old)) == [1]
    assert kept(filter_, segment(1, ctime=old), segment(2, ctime=new)) == [1]
    assert kept(filter_, semaphores(1, ctime=old), semaphores(2, ctime=new)) == [1]
    assert kept(filters.older_than(1e9), queue(1, ctime=old)) == []


def test_a_second_on_record_may_have_just_ended() -> None:
    """What is 0.9 s old may have a time of two seconds ago, and is not older than one."""
    now = int(time.time())
    assert kept(filters.older_than(1), queue(1, ctime=now - 1), queue(2, ctime=now - 4)) == [2]
    assert kept(filters.idle(1), queue(1, stime=now - 1), queue(2, stime=now - 4)) == [2]


def test_idleness_is_since_the_last_use() -> None:
    now = int(time.time())
    old, new = now - 1000, now - 10
    idle = filters.idle(100)
    assert kept(
        idle,
        queue(1, stime=old, rtime=old),
        queue(2, stime=new, rtime=old),
        queue(3, stime=old, rtime=new),
        queue(4, ctime=old),
        queue(5, ctime=new),
        queue(6, stime=old, ctime=new),
    ) == [1, 4, 6]
    assert kept(
        idle,
        segment(1, atime=old, dtime=old),
        segment(2, atime=old, dtime=new),
        segment(3, atime=old, n=1),
        segment(4, ctime=old),
        segment(5, ctime=old, n=1),
    ) == [1, 4]
    # SETVAL is a use, which ctime alone tells.
    assert kept(
        idle,
        semaphores(1, otime=old, ctime=old),
        semaphores(2, otime=old, ctime=new),
        semaphores(3, otime=new, ctime=old),
        semaphores(4, ctime=old),
    ) == [1, 4]


def test_emptiness_and_attachment() -> None:
    assert kept(filters.empty(), queue(1), queue(2, qnum=1), queue(3, qnum=10)) == [1]
    assert kept(filters.unattached(), segment(1), segment(2, n=1), segment(3, n=10)) == [1]
    assert [*filters.empty().kinds] == [Kind.QUEUE]
    assert [*filters.unattached().kinds] == [Kind.SEGMENT]


def test_keys_are_compared_as_numbers(objects: Objects) -> None:
    wanted = objects.queue(-5)
    objects.queue(5)
    for spelled in ("-5", "0xfffffffb", "4294967291", "key:-5"):
        assert listed("--key", spelled) == [("msg", wanted)]
    assert kept(filters.key(Target(By.KEY, 0, "0")), queue(1)) == [1]


def listed(*args: str) -> list[tuple[str, int]]:
    """The objects that a command line lists."""
    result = invoke("list", "-f", "jsonl", *args)
    assert (result.status, result.err) == (0, "")
    found = [json.loads(line) for line in result.out.splitlines()]
    return [(one["kind"], one["id"]) for one in found]


@pytest.mark.root
def test_users(objects: Objects, isolated: None) -> None:
    mine, others, given = objects.queue(), objects.queue(), objects.segment()
    libc.change(Kind.QUEUE, others, uid=NOBODY)
    libc.change(Kind.SEGMENT, given, uid=NOBODY)
    assert listed("--owner", "nobody") == listed("--owner", str(NOBODY))
    assert listed("--owner", "nobody") == [("msg", others), ("shm", given)]
    assert listed("--created-by", "nobody") == []
    assert listed("--owner", "root") == [("msg", mine)]
    assert len(listed("--mine")) == 3
    assert listed("--owner", "nobody", "-m", "--created-by", "0") == [("shm", given)]


def test_mine(objects: Objects, isolated: None) -> None:
    made = objects.semaphores()
    assert listed("--mine", "-s") == [("sem", made)]


def test_several_filters_are_all_to_be_met(objects: Objects, isolated: None) -> None:
    first = objects.segment(7)
    objects.segment(8)
    with attached(first):
        assert listed("--unattached", "--key", "7") == []
    assert listed("--unattached", "--key", "7") == [("shm", first)]


@pytest.fixture
def baseline(tmp_path: Any) -> Iterator[Any]:
    """Takes a listing, and gives the path of the file that has it."""

    def take(*args: str) -> str:
        path = tmp_path / "before.json"
        path.write_text(invoke("list", "-J", *args).out)
        return str(path)

    return take  # type: ignore[return-value] # a fixture may return


def test_what_is_new(objects: Objects, isolated: None, baseline: Any) -> None:
    for kind in Kind:
        objects.make(kind, 5)
        objects.make(kind, 0)
    path = baseline()
    assert listed("--not-in", path) == []
    new = {(kind.value, objects.make(kind, 6)) for kind in Kind}
    assert {*listed("--not-in", path)} == new
    semid = next(object_id for kind, object_id in new if kind == "sem")
    libc.set_values(semid, [3])
    assert {*listed("--not-in", path)} == new


def test_what_is_changed_is_known_again(objects: Objects, isolated: None, baseline: Any) -> None:
    msqid, shmid, semid = objects.queue(-5), objects.segment(9), objects.semaphores(10)
    path = baseline()
    time.sleep(1.1)
    kernel.send(msqid)
    libc.set_values(semid, [7])
    libc.change(Kind.SEGMENT, shmid, mode=0o600)
    with attached(shmid):
        assert listed("--not-in", path) == []


def test_an_id_that_came_back_is_new(objects: Objects, isolated: None, baseline: Any) -> None:
    """The same id with another key, as after the sequence wraps, is another object."""
    msqid = objects.queue(5)
    document = json.loads(invoke("list", "-J").out)
    document["queues"][0]["key"] = "0x00000006"
    assert kept(filters.not_in(document), *(r for r in proc.records(Kind.QUEUE))) == [msqid]


def test_kinds_that_the_baseline_lacks_are_let_be(
    objects: Objects, isolated: None, baseline: Any
) -> None:
    path = baseline("-q")
    objects.segment()
    msqid = objects.queue()
    assert listed("--not-in", path) == [("msg", msqid)]
    result = invoke("list", "-m", "--not-in", path)
    assert (result.status, result.out) == (2, "")
    assert "--not-in has a listing of message queues, not segments" in result.err


def changed(**taken: object) -> dict[str, Any]:
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
        ({"boot_id": None}, "cannot be told"),
        ({"ipc_namespace": None}, "cannot be told"),
        ({"pid_namespace": 1}, "another PID namespace"),
        ({"ipc_namespace_id": 1}, "another IPC namespace"),
        ({"user_namespace": 1}, "another user namespace"),
    ],
)
def test_a_baseline_of_something_else(taken: dict[str, object], why: str) -> None:
    filters.not_in(changed())
    with pytest.raises(ValueError, match=why):
        filters.not_in(changed(**taken))


def test_a_filtered_listing_is_no_baseline(objects: Objects, tmp_path: Any) -> None:
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
def test_a_file_that_is_no_listing(text: str, tmp_path: Any) -> None:
    path = tmp_path / "x"
    path.write_bytes(text.encode("latin-1"))
    result = invoke("list", "--not-in", str(path))
    assert (result.status, result.out) == (2, "")
    assert result.err == (
        f"pyipcs: list: --not-in: '{path}': not a listing of pyipcs (list -J) "
        "(see pyipcs list --help)\n"
    )


@pytest.mark.parametrize("queues", [[{}], [{"key": "0x5", "id": 1, "cuid": 1}]])
def test_a_listing_that_does_not_tell_its_objects_apart(queues: object) -> None:
    with pytest.raises(ValueError, match=r"lacks what objects are known again by: '(key|cgid)'"):
        filters.not_in(changed() | {"queues": queues})


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
def test_a_listing_with_no_objects_in_it(queues: object) -> None:
    with pytest.raises(ValueError, match="not a listing"):
        filters.not_in(changed() | {"queues": queues})


def test_a_listing_of_no_kind() -> None:
    with pytest.raises(ValueError, match="not a listing"):
        filters.not_in({"taken": changed()["taken"]})


def test_a_listing_of_some_columns_is_no_baseline(objects: Objects, tmp_path: Any) -> None:
    for kind in Kind:
        objects.make(kind)
    path = tmp_path / "x"
    for args in (["-o", "KEY,ID"], ["-o", "SIZE"], ["-o", "CUID,CGID,KEY"]):
        path.write_text(invoke("list", "-J", *args).out)
        result = invoke("list", "--not-in", str(path))
        assert (result.status, result.out) == (2, "")
        assert "lacks what objects are known again by" in result.err


def test_standard_input_that_is_closed() -> None:
    result = run("sh", "-c", f"{PYIPCS} list --not-in - <&-")
    assert (result.status, result.out) == (2, "")
    assert "standard input is closed" in result.err


def test_a_file_that_is_not_there(tmp_path: Any) -> None:
    result = invoke("list", "--not-in", str(tmp_path / "x"))
    assert (result.status, result.out) == (2, "")
    assert "No such file or directory" in result.err
    assert invoke("list", "--not-in", str(tmp_path)).status == 2


def test_another_namespaces_listing(tmp_path: Any) -> None:
    from tests.kit.program import PYIPCS, run

    fresh = ["unshare", "--ipc"] if os.geteuid() == 0 else ["unshare", "--user", "--ipc"]
    (tmp_path / "x").write_text(run(*fresh, PYIPCS, "list", "-J").out)
    assert "another IPC namespace" in invoke("list", "--not-in", str(tmp_path / "x")).err
