from pathlib import Path

import pytest

from pyipcs.model import Kind, Queue, Record, Segment
from pyipcs.sysv import libc, proc
from pyipcs.sysv.proc import Listing
from tests import support
from tests.support import Objects, row

MSG_HEADER = (
    "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid"
    "      stime      rtime      ctime\n"
)


def test_a_record_is_what_the_kernel_says(objects: Objects) -> None:
    msqid = objects.queue(-7, 0o640)
    support.send(msqid, b"four")
    (record,) = (found for found in proc.records(Kind.QUEUE) if found.id == msqid)
    words = row(Kind.QUEUE, msqid)
    assert isinstance(record, Queue)
    assert (record.key, record.mode, record.cbytes, record.qnum) == (-7, 0o640, 4, 1)
    for field in ("lspid", "lrpid", "uid", "gid", "cuid", "cgid", "stime", "rtime", "ctime"):
        assert getattr(record, field) == int(words[field])
    assert record.qbytes is None


def test_columns_are_found_by_their_header(tmp_path: Path) -> None:
    (tmp_path / "shm").write_text(
        "new shmid key size perms nattch cpid lpid uid gid cuid cgid atime dtime ctime\n"
        "9 5 -1 18446744073709551615 3600 2 3 4 5 6 7 8 9 10 11\n"
    )
    (record,) = proc.records(Kind.SEGMENT, str(tmp_path))
    assert isinstance(record, Segment)
    assert (record.id, record.key, record.segsz, record.nattch) == (5, -1, 2**64 - 1, 2)
    assert (record.dest, record.locked, record.mode & 0o777) == (True, True, 0o600)
    assert (record.rss, record.swap) == (None, None), "a kernel that does not tell"


@pytest.mark.parametrize("rows", [0, 1, 1500, 5000])
def test_chunks_hold_every_line_once(tmp_path: Path, rows: int) -> None:
    lines = [f"{n - 9:10d} {n:10d}  644 {'0 ' * 11}\n" for n in range(rows)]
    (tmp_path / "msg").write_text(MSG_HEADER + "".join(lines))
    listings = list(proc.read(Kind.QUEUE, str(tmp_path)))
    assert [word for listing in listings for word in listing.column("id")] == [
        str(n) for n in range(rows)
    ]
    assert all(len(listing.words) < 100_000 for listing in listings), "memory must stay flat"


@pytest.mark.parametrize("content", [b"", b"\n", b"what is\nthis?\n", b"\xff\x00\n\n"])
def test_another_file_is_no_list(objects: Objects, tmp_path: Path, content: bytes) -> None:
    """Containers mask files of /proc with others; then the kernel is asked."""
    for kind in Kind:
        object_id = objects.make(kind)
        (tmp_path / kind.value).write_bytes(content)
        assert object_id in {record.id for record in proc.records(kind, str(tmp_path))}


def test_a_folder_is_no_list(tmp_path: Path) -> None:
    (tmp_path / "msg").mkdir()
    with pytest.raises(IsADirectoryError):
        list(proc.read(Kind.QUEUE, str(tmp_path)))


def test_select_keeps_the_rows_of_the_ids() -> None:
    header = tuple(MSG_HEADER.split())
    words = [str(row * 100 + column) for row in range(4) for column in range(len(header))]
    listing = Listing(Kind.QUEUE, header, words)
    kept = listing.select({101, 301})
    assert kept.column("id") == ["101", "301"]
    assert kept.column("ctime") == ["113", "313"]


def test_without_proc_the_kernel_is_asked(objects: Objects, isolated: None, tmp_path: Path) -> None:
    objects.queue(0x1234, 0)
    objects.queue(-5, 0o600)
    objects.segment(0, 0o640, 12345)
    objects.semaphores(7, 0o777, 3)
    for kind in Kind:
        (asked,) = proc.read(kind, str(tmp_path))
        (listed,) = proc.read(kind)
        for field in set(listed.records().__next__()._fields) - {
            *("rss", "swap", "qbytes", "semaphores"),
        }:
            assert asked.column(field) == listed.column(field), field
        assert [*listed.records()] == [_with_rss(record) for record in asked.records()]


def _with_rss(record: Record) -> Record:
    """What the fallback cannot tell: rss and swap, here of segments that nobody touched."""
    return record._replace(rss=0, swap=0) if isinstance(record, Segment) else record


def test_queues_are_completed_with_qbytes(objects: Objects) -> None:
    msqid = objects.queue(0, 0)
    libc.change(Kind.QUEUE, msqid, qbytes=4321)
    found = {record.id: record for record in proc.completed(proc.read(Kind.QUEUE))}
    record = found[msqid]
    assert isinstance(record, Queue)
    assert record.qbytes == 4321


def test_a_queue_that_vanishes_is_left_out(objects: Objects) -> None:
    gone, stays = objects.queue(), objects.queue()
    listings = list(proc.read(Kind.QUEUE))
    support.remove(Kind.QUEUE, gone)
    found = {record.id for record in proc.completed(listings)}
    assert stays in found
    assert gone not in found
