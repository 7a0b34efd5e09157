"""Objects told from later ones with the same id or name."""

import pytest

from pyipcs.listing import listing_of
from pyipcs.model import SHM_DEST, Kind, PosixSegment, Record
from pyipcs.query.sightings import Sighting, sightings
from tests.kit.samples import QUEUES, SEGMENTS, SETS

QUEUE, SEGMENT, SET = QUEUES[0], SEGMENTS[0], SETS[0]
FILE = PosixSegment("/x", 5, 27, 0o600, 0, 0, 9, 9, 9, segsz=4096, born=7)


def sighting(record: Record) -> Sighting:
    (found,) = sightings(listing_of(record.kind, [record]))
    return found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (QUEUE, QUEUE._replace(qnum=9, stime=QUEUE.stime + 5, ctime=1)),
        (QUEUE._replace(stime=0), QUEUE),
        (SEGMENT, SEGMENT._replace(key=0, mode=SEGMENT.mode | SHM_DEST)),
        (SEGMENT, SEGMENT._replace(nattch=0, dtime=5)),
        (SET, SET._replace(otime=5)),
        (FILE, FILE._replace(segsz=0, mtime=1)),
        (FILE, FILE._replace(born=None)),
        (FILE._replace(born=None), FILE),
    ],
)
def test_is_same_of_a_used_or_changed_object_is_true(before: Record, after: Record) -> None:
    assert sighting(before).is_same(sighting(after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (QUEUE, QUEUE._replace(key=QUEUE.key + 1)),
        (QUEUE, QUEUE._replace(cuid=77)),
        (QUEUE._replace(stime=5), QUEUE._replace(stime=0)),
        (SEGMENT, SEGMENT._replace(segsz=SEGMENT.segsz + 1)),
        (SEGMENT, SEGMENT._replace(cpid=77)),
        (SEGMENT._replace(key=0, mode=SEGMENT.mode | SHM_DEST), SEGMENT),
        (SET, SET._replace(nsems=SET.nsems + 1)),
        (SET._replace(otime=5), SET._replace(otime=0)),
        (FILE, FILE._replace(inode=6)),
        (FILE, FILE._replace(born=8)),
        (FILE, FILE._replace(inode=6, born=None)),
    ],
)
def test_is_same_of_another_object_is_false(before: Record, after: Record) -> None:
    assert not sighting(before).is_same(sighting(after))


@pytest.mark.parametrize("kind", Kind)
def test_sightings_of_an_empty_listing_are_none(kind: Kind) -> None:
    assert [*sightings(listing_of(kind, []))] == []
