"""JSON, byte for byte and read by Python."""

import json
import pwd

import pytest

from pyipcs.listing import listing_of
from pyipcs.model import SYSV, Kind, Queue, Semaphore
from pyipcs.query.plan import Report, Style, TimeFormat
from pyipcs.render import data
from tests.kit import samples

UNCACHED_ID = 4242424243  # of a user whose name no other test caches
pytestmark = pytest.mark.usefixtures("utc")

GOLDEN = """\
{"taken": {"filtered": false},
"queues": [
{"key": "0x00001234", "id": 0, "mode": "0600", "uid": 0, "gid": 0, "cuid": 0, "cgid": 0, \
"owner": "root", "cbytes": 6, "qnum": 2, "qbytes": 16384, "lspid": 4194305, "lrpid": 0, \
"stime": "2001-09-09T01:46:40+00:00", "rtime": null, "ctime": "2001-09-09T01:45:40+00:00"},
{"key": "0xfffffffb", "id": 98305, "mode": "0666", "uid": 0, "gid": 0, "cuid": 4242424242, \
"cgid": 0, "owner": "root", "cbytes": 16384, "qnum": 16, "qbytes": 16384, "lspid": 4194305, \
"lrpid": 4194305, "stime": "2001-09-09T01:46:40+00:00", "rtime": "2001-09-09T01:46:40+00:00", \
"ctime": "1970-01-01T00:00:05+00:00"},
{"key": "0x00000000", "id": 7, "mode": "0644", "uid": 4242424242, "gid": 4242424242, "cuid": 0, \
"cgid": 0, "owner": "4242424242", "cbytes": 0, "qnum": 0, "qbytes": 65536, "lspid": 0, \
"lrpid": 0, "stime": null, "rtime": null, "ctime": "2001-09-09T01:46:40+00:00"}],
"shmems": [
{"key": "0x0000cafe", "id": 3, "mode": "0644", "uid": 0, "gid": 0, "cuid": 0, "cgid": 0, \
"owner": "root", "segsz": 65536, "nattch": 1, "cpid": 4194305, "lpid": 4194305, \
"atime": "2001-09-09T01:46:40+00:00", "dtime": null, "ctime": "2001-09-09T01:46:40+00:00", \
"rss": 4096, "swap": 0, "dest": false, "locked": false},
{"key": "0x00000000", "id": 32772, "mode": "0600", "uid": 0, "gid": 0, "cuid": 0, "cgid": 0, \
"owner": "root", "segsz": 1099511627776, "nattch": 12, "cpid": 4194305, "lpid": 4194305, \
"atime": "2001-09-09T01:46:40+00:00", "dtime": "2001-09-09T01:46:41+00:00", \
"ctime": "2001-09-09T01:46:40+00:00", "rss": 1073741824, "swap": 12288, "dest": true, \
"locked": true}],
"semaphores": [
{"key": "0x00000007", "id": 0, "mode": "0644", "uid": 0, "gid": 0, "cuid": 0, "cgid": 0, \
"owner": "root", "nsems": 3, "otime": null, "ctime": "2001-09-09T01:46:40+00:00"},
{"key": "0x00000000", "id": 1, "mode": "0600", "uid": 0, "gid": 0, "cuid": 0, "cgid": 0, \
"owner": "root", "nsems": 250, "otime": "2001-09-09T01:46:40+00:00", \
"ctime": "2001-09-09T01:46:40+00:00"}]}
"""


def document(report: Report) -> str:
    return "".join(data.json_document(report._replace(facts={"taken": {"filtered": False}})))


def report_on(kind: Kind, *records: object, choice: str = "", details: bool = False) -> Report:
    report = samples.report(kind, choice=choice, json=True)
    return report._replace(details=details, found={kind: [listing_of(kind, records)]})  # type: ignore[arg-type] # records


def test_json_document_has_every_object() -> None:
    text = document(samples.report(json=True))
    assert text == GOLDEN
    found = json.loads(text)
    for kind in SYSV:
        assert len(found[kind.collection]) == len(samples.RECORDS[kind])


def test_json_document_times_have_the_zones_offset() -> None:
    with samples.zone("XXX3:30"):
        assert '"stime": "2001-09-08T22:16:40-03:30"' in document(samples.report(json=True))


def test_json_lines_give_a_line_for_each_object() -> None:
    lines = "".join(data.json_lines(samples.report(json=True))).splitlines()
    found = [json.loads(line) for line in lines]
    whole = json.loads(GOLDEN)
    assert found == [
        {"kind": kind.value, **object_} for kind in SYSV for object_ in whole[kind.collection]
    ]
    assert all(next(iter(object_)) == "kind" for object_ in found)


def test_json_document_without_objects_has_empty_lists() -> None:
    report = samples.report(json=True)
    for nothing in ([], [listing_of(Kind.QUEUE, [])]):
        empty = report._replace(found={Kind.QUEUE: nothing, Kind.SEMAPHORE: []})
        assert json.loads(document(empty)) == {
            "taken": {"filtered": False},
            "queues": [],
            "semaphores": [],
        }


def test_json_document_of_chunks_is_the_same() -> None:
    report = samples.report(Kind.QUEUE, json=True)
    chunks = [listing_of(Kind.QUEUE, [queue]) for queue in samples.QUEUES]
    chunks.insert(1, listing_of(Kind.QUEUE, []))
    assert document(report._replace(found={Kind.QUEUE: chunks})) == document(report)


def test_json_document_with_details_has_semaphores() -> None:
    semaphores = (Semaphore(0, 5, 1, 2, 99), Semaphore(1, 0, 0, 0, 0))
    (found,) = json.loads(
        document(
            report_on(Kind.SEMAPHORE, samples.SETS[0]._replace(semaphores=semaphores), details=True)
        )
    )["semaphores"]
    assert found["semaphores"] == [
        {"num": 0, "value": 5, "ncount": 1, "zcount": 2, "pid": 99},
        {"num": 1, "value": 0, "ncount": 0, "zcount": 0, "pid": 0},
    ]


def test_json_document_columns_have_the_kernels_names() -> None:
    (found,) = json.loads(
        document(
            report_on(Kind.SEGMENT, samples.SEGMENTS[1], choice="status,size,OWNER,Attach,kind")
        )
    )["shmems"]
    assert found == {
        "dest": True,
        "locked": True,
        "segsz": 2**40,
        "owner": "root",
        "atime": "2001-09-09T01:46:40+00:00",
        "kind": "shm",
    }


def test_json_document_unreadable_values_are_null() -> None:
    report = report_on(Kind.SEMAPHORE, *samples.SETS, choice="VALUES,NCOUNT,ZCOUNT")
    (listing,) = report.found[Kind.SEMAPHORE]
    known = listing.with_added("semaphores", [(Semaphore(0, 5, 1, 2, 99),) * 2, None])
    found = json.loads(document(report._replace(found={Kind.SEMAPHORE: [known]})))["semaphores"]
    assert found == [
        {"values": [5, 5], "ncount": [1, 1], "zcount": [2, 2]},
        {"values": None, "ncount": None, "zcount": None},
    ]


def test_json_document_times_have_the_chosen_format() -> None:
    report = report_on(Kind.QUEUE, samples.QUEUES[0], choice="SEND,RECV")
    for time_format, value in ((TimeFormat.EPOCH, 1_000_000_000), (TimeFormat.SHORT, "2001-Sep09")):
        style = Style(time_format, human=False, numeric_perms=False)
        (found,) = json.loads(document(report._replace(style=style)))["queues"]
        assert found == {"stime": value, "rtime": None}


def test_json_document_unknown_fields_are_null() -> None:
    unknown: Queue = samples.QUEUES[0]._replace(qbytes=None)
    (found,) = json.loads(document(report_on(Kind.QUEUE, unknown)))["queues"]
    assert found["qbytes"] is None
    segment = samples.SEGMENTS[0]._replace(rss=None, swap=None)
    (found,) = json.loads(document(report_on(Kind.SEGMENT, segment)))["shmems"]
    assert (found["rss"], found["swap"]) == (None, None)


def test_json_document_user_name_that_is_not_utf8_is_escaped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = b'r\xff"\n\x1bt'.decode(errors="surrogateescape")
    entry = pwd.struct_passwd((name, "x", 0, 0, "", "/", "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: entry)
    queue = samples.QUEUES[0]._replace(uid=UNCACHED_ID)
    (found,) = json.loads(document(report_on(Kind.QUEUE, queue)))["queues"]
    assert found["owner"] in {'r\ufffd"\n\x1bt', 'r?"\n\x1bt'}
