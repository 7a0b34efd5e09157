from pathlib import Path
from typing import Any

import pytest

from pyipcs.listing import Listing, listing_of, merged, mode_bits
from pyipcs.model import SYSV, Kind, Queue, Segment, SysvRecord
from pyipcs.query.complete import Requirement, complete
from pyipcs.sysv import libc, procfs
from tests.kit import kernel, samples
from tests.kit.kernel import Objects, row
from tests.kit.samples import listed_records

MSG_HEADER = (
    "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid"
    "      stime      rtime      ctime\n"
)


def test_records_give_the_rows_of_proc_sysvipc(objects: Objects) -> None:
    msqid = objects.queue(-7, 0o640)
    kernel.send(msqid, b"four")
    (record,) = (found for found in listed_records(Kind.QUEUE) if found.id == msqid)
    words = row(Kind.QUEUE, msqid)
    assert isinstance(record, Queue)
    assert (record.key, record.mode, record.cbytes, record.qnum) == (-7, 0o640, 4, 1)
    for field in ("lspid", "lrpid", "uid", "gid", "cuid", "cgid", "stime", "rtime", "ctime"):
        assert getattr(record, field) == int(words[field])
    assert record.qbytes is None


def test_records_find_columns_by_header(tmp_path: Path) -> None:
    (tmp_path / "shm").write_text(
        "new shmid key size perms nattch cpid lpid uid gid cuid cgid atime dtime ctime\n"
        "9 5 -1 18446744073709551615 3600 2 3 4 5 6 7 8 9 10 11\n"
    )
    (record,) = listed_records(Kind.SEGMENT, str(tmp_path))
    assert isinstance(record, Segment)
    assert (record.id, record.key, record.segsz, record.nattch) == (5, -1, 2**64 - 1, 2)
    assert (record.dest, record.locked, record.mode & 0o777) == (True, True, 0o600)
    assert (record.rss, record.swap) == (None, None), "the file has no such columns"


@pytest.mark.parametrize("rows", [0, 1, 1500, 5000])
def test_read_gives_every_row_once_in_chunks(tmp_path: Path, rows: int) -> None:
    lines = [f"{n - 9:10d} {n:10d}  644 {'0 ' * 11}\n" for n in range(rows)]
    (tmp_path / "msg").write_text(MSG_HEADER + "".join(lines))
    listings = list(procfs.read(Kind.QUEUE, str(tmp_path)))
    assert [word for listing in listings for word in listing.column("id")] == [
        str(n) for n in range(rows)
    ]
    assert all(len(listing.words) < 100_000 for listing in listings), (
        "memory does not grow with the rows"
    )


@pytest.mark.parametrize("content", [b"", b"\n", b"what is\nthis?\n", b"\xff\x00\n\n"])
def test_records_of_a_masked_file_come_from_the_kernel(
    objects: Objects, tmp_path: Path, content: bytes
) -> None:
    """Containers mask files of /proc with others."""
    for kind in SYSV:
        object_id = objects.make(kind)
        (tmp_path / kind.value).write_bytes(content)
        assert object_id in {record.id for record in listed_records(kind, str(tmp_path))}


@pytest.mark.parametrize(
    "row", ["1 2 644", "x" + " 0" * 13, " 0" * 13 + " \xff", " 0" * 13 + " \0"]
)
def test_read_invalid_row_fails(tmp_path: Path, row: str) -> None:
    """A partial listing would look complete."""
    (tmp_path / "msg").write_text(f"{MSG_HEADER}{' 0' * 14}\n{row}\n", encoding="latin-1")
    with pytest.raises(OSError, match=r"Input/output error: .*/msg"):
        list(procfs.read(Kind.QUEUE, str(tmp_path)))


def test_read_folder_fails(tmp_path: Path) -> None:
    (tmp_path / "msg").mkdir()
    with pytest.raises(IsADirectoryError):
        list(procfs.read(Kind.QUEUE, str(tmp_path)))


def test_listing_select_keeps_rows_by_id() -> None:
    header = tuple("id" if name == "msqid" else name for name in MSG_HEADER.split())
    words = [str(row * 100 + column) for row in range(4) for column in range(len(header))]
    listing = Listing(Kind.QUEUE, header, words)
    kept = listing.select({101, 301})
    assert kept.column("id") == ["101", "301"]
    assert kept.column("ctime") == ["113", "313"]


def test_read_without_proc_gives_the_same_records(
    objects: Objects, isolated: None, tmp_path: Path
) -> None:
    objects.queue(0x1234, 0)
    objects.queue(-5, 0o600)
    objects.segment(0, 0o640, 12345)
    objects.semaphores(7, 0o777, 3)
    for kind in SYSV:
        (asked,) = procfs.read(kind, str(tmp_path))
        (listed,) = procfs.read(kind)
        for field in set(next(listed.records())._fields) - {
            *("rss", "swap", "qbytes", "semaphores"),
        }:
            to_value = mode_bits if field == "mode" else int
            assert [*asked.column(field)] == [*map(to_value, listed.column(field))], field
        assert [*map(_common, listed.records())] == [*map(_common, asked.records())]


def test_merged_with_an_empty_listing_keeps_qbytes(
    objects: Objects, isolated: None, tmp_path: Path
) -> None:
    """An empty listing has no column for qbytes."""
    (empty,) = procfs.read(Kind.QUEUE, str(tmp_path))
    msqid = objects.queue()
    (one,) = procfs.read(Kind.QUEUE, str(tmp_path))
    for listings in ([empty, one], [one, empty]):
        whole = merged(listings)
        assert whole
        assert whole.column("id") == [msqid]
        assert whole.column("qbytes") == one.column("qbytes")


def _common(record: SysvRecord) -> SysvRecord:
    """Remove rss, swap and qbytes, which only one of the sources gives."""
    match record:
        case Segment():
            return record._replace(rss=None, swap=None)
        case Queue():
            return record._replace(qbytes=None)
        case _:
            return record


def completed_values(kind: Kind, field: Requirement) -> dict[int, Any]:
    """Return the values of a completed column by id."""
    return {
        int(object_id): value
        for listing in complete(procfs.read(kind), {field})
        for object_id, value in zip(listing.column("id"), listing.column(field.value), strict=True)
    }


def test_completed_adds_qbytes_to_queues(objects: Objects) -> None:
    msqid = objects.queue(0, 0)
    libc.change(Kind.QUEUE, msqid, qbytes=4321)
    assert completed_values(Kind.QUEUE, Requirement.QBYTES)[msqid] == 4321
    (record,) = (
        record
        for listing in complete(procfs.read(Kind.QUEUE), {Requirement.QBYTES})
        for record in listing.records()
        if record.id == msqid
    )
    assert isinstance(record, Queue)
    assert record.qbytes == 4321


def test_qbytes_of_many_queues_are_those_of_stat(objects: Objects) -> None:
    msqids = [objects.queue() for _ in range(20)]
    for number, msqid in enumerate(msqids):
        libc.change(Kind.QUEUE, msqid, qbytes=100 + number)
    gone = msqids.pop(3)
    kernel.remove(Kind.QUEUE, gone)
    asked = [*msqids, gone, 2**31 - 1, *msqids]
    stats = [libc.stat(Kind.QUEUE, msqid) for msqid in msqids]
    expected = [stat.qbytes for stat in stats if isinstance(stat, Queue)]
    assert [*libc.qbytes(asked)] == [*expected, None, None, *expected]


def test_completed_adds_semaphores_to_sets(objects: Objects) -> None:
    semid = objects.semaphores(nsems=2)
    libc.set_values(semid, [3, 4])
    found = completed_values(Kind.SEMAPHORE, Requirement.SEMAPHORES)[semid]
    assert [semaphore.value for semaphore in found] == [3, 4]


@pytest.mark.parametrize(
    ("kind", "field"),
    [(Kind.QUEUE, Requirement.QBYTES), (Kind.SEMAPHORE, Requirement.SEMAPHORES)],
)
def test_completed_leaves_out_removed_objects(
    kind: Kind, field: Requirement, objects: Objects
) -> None:
    gone, stays = objects.make(kind), objects.make(kind)
    listings = list(procfs.read(kind))
    kernel.remove(kind, gone)
    found = {int(word) for listing in complete(listings, {field}) for word in listing.column("id")}
    assert stays in found
    assert gone not in found


def test_listing_take_where_and_select_give_rows() -> None:
    listing = listing_of(Kind.QUEUE, samples.QUEUES)
    assert [*listing.records()] == samples.QUEUES
    assert [*listing.take([2, 0]).records()] == [samples.QUEUES[2], samples.QUEUES[0]]
    assert [*listing.where([False, True, False]).records()] == [samples.QUEUES[1]]
    assert [*listing.select({7, 0}).records()] == [samples.QUEUES[0], samples.QUEUES[2]]


def test_merged_gives_one_listing() -> None:
    listing = listing_of(Kind.QUEUE, samples.QUEUES)
    parts = [listing.take([0]), listing.take([1]), listing.take([2])]
    assert merged(parts) == listing
    assert merged([listing]) == listing
    assert merged([]) is None
