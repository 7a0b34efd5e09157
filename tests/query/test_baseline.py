"""Baselines: identities of objects that change."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyipcs.listing import listing_of
from pyipcs.model import SHM_DEST, SYSV, Kind, Segment
from pyipcs.query import baseline
from pyipcs.query.baseline import identities, identity_of, new_since
from pyipcs.query.filters import matching
from pyipcs.sysv import procfs
from tests.kit import samples
from tests.kit.kernel import Objects, attached, everything, remove, row
from tests.kit.program import PYIPCS, invoke, pyipcs

KEY = 0x5E9


@contextmanager
def removed_while_attached(shmid: int) -> Iterator[None]:
    with attached(shmid):
        remove(Kind.SEGMENT, shmid)
        assert row(Kind.SEGMENT, shmid)["key"] == "0"
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "before.json"


def new_ids(path: Path) -> set[int]:
    """Return the ids of the segments that are not in a baseline."""
    document = json.loads(invoke("list", "-J", "-m", "--not-in", str(path)).out)
    return {one["id"] for one in document["shmems"]}


def test_not_in_recognizes_a_segment_removed_while_attached(
    objects: Objects, isolated: None, path: Path
) -> None:
    shmid = objects.segment(KEY)
    path.write_text(invoke("list", "-J").out)
    with removed_while_attached(shmid):
        new = objects.segment(KEY)
        assert new_ids(path) == {new}
        assert invoke("rm", "--all", "--not-in", str(path), "-v") == (
            0,
            f"removing shared memory segment id `{new}'\n",
            "",
        )
        assert everything() == {(Kind.SEGMENT, shmid)}


def test_not_in_recognizes_a_segment_removed_before_the_baseline(
    objects: Objects, isolated: None, path: Path
) -> None:
    shmid = objects.segment(KEY)
    with removed_while_attached(shmid):
        path.write_text(invoke("list", "-J").out)
        assert new_ids(path) == set()


def test_run_without_a_namespace_recognizes_a_segment_removed_while_attached(
    objects: Objects, isolated: None
) -> None:
    shmid = objects.segment(KEY)
    with attached(shmid):
        result = pyipcs("run", "--private", "never", "--rm", PYIPCS, "rm", "-m", str(shmid))
        assert row(Kind.SEGMENT, shmid)["key"] == "0"
    assert result == (0, "", "")


def test_run_without_a_namespace_recognizes_a_segment_without_a_key(
    objects: Objects, isolated: None
) -> None:
    with removed_while_attached(objects.segment(KEY)):
        assert pyipcs("run", "--private", "never", "true") == (0, "", "")


def segment(shmid: int, key: int = 0, *, dest: bool = False, cpid: int = 1) -> Segment:
    mode = 0o600 | (SHM_DEST if dest else 0)
    return Segment(key, shmid, mode, 1, cpid, 1, 1, 0, 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("before", "after", "known"),
    [
        (segment(1, 5), segment(1, 5), True),
        (segment(1, 5), segment(1, dest=True), True),
        (segment(1, dest=True), segment(1, dest=True), True),
        (segment(1), segment(1, dest=True), True),
        # The same id, used again after the sequence came round.
        (segment(1, 5), segment(1), False),
        (segment(1, dest=True), segment(1), False),
        (segment(1, dest=True), segment(1, 5), False),
        (segment(1, 5), segment(2, dest=True), False),
        (segment(1, 5), segment(1, dest=True, cpid=2), False),
    ],
)
def test_key_counts_unless_the_segment_is_to_be_destroyed(
    before: Segment, after: Segment, known: bool
) -> None:
    filter_ = new_since({Kind.SEGMENT: {*identities(listing_of(Kind.SEGMENT, [before]))}})
    (left,) = matching([listing_of(Kind.SEGMENT, [after])], [filter_])
    assert (left.length == 0) is known


def test_key_of_other_kinds_counts_always(objects: Objects, isolated: None) -> None:
    msqid = objects.queue(5)
    document = json.loads(invoke("list", "-J").out)
    document["queues"][0]["key"] = "0x00000000"
    (left,) = matching(procfs.read(Kind.QUEUE), [baseline.not_in(document)])
    assert [*left.column("id")] == [str(msqid)]


@pytest.mark.parametrize("kind", SYSV)
def test_identity_of_a_record_is_that_of_its_row(kind: Kind) -> None:
    records = [*samples.RECORDS[kind]]
    if kind is Kind.SEGMENT:
        records += [segment(1, 5, dest=True), segment(1)]
    expected = [*map(identity_of, records)]
    assert [*identities(listing_of(kind, records))] == expected
    assert [*identities(samples.listed_as_text(kind))] == expected[: len(samples.RECORDS[kind])]
