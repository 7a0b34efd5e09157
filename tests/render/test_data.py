import json
import time

import pytest

from pyipcs.model import Kind, Queue, Record, Segment, Semaphore, SemaphoreSet
from pyipcs.render import data

QUEUE = Queue(-5, 7, 0o600, 11, 2, 100, 0, 0, 0, 4242424242, 0, 1_000_000_000, 0, 5, 16384)
SEGMENT = Segment(0, 8, 0o3640, 2**63, 1, 2, 3, 0, 0, 0, 0, 0, 0, 5, 4096, None)
SET = SemaphoreSet(1, 9, 0o644, 2, 0, 0, 0, 0, 0, 5)


@pytest.fixture
def _west(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("TZ", "XXX3:30")
    time.tzset()
    data.iso_time.cache_clear()
    yield
    monkeypatch.undo()
    time.tzset()
    data.iso_time.cache_clear()


@pytest.mark.usefixtures("_west")
def test_the_document() -> None:
    found: dict[Kind, list[Record]] = {
        Kind.QUEUE: [QUEUE],
        Kind.SEGMENT: [SEGMENT],
        Kind.SEMAPHORE: [SET],
    }
    text = "".join(data.objects(found, {"filtered": False}))
    assert json.loads(text) == {
        "taken": {"filtered": False},
        "queues": [
            {
                "key": "0xfffffffb",
                "id": 7,
                "mode": "0600",
                "uid": 0,
                "gid": 0,
                "cuid": 4242424242,
                "cgid": 0,
                "owner": "root",
                "cbytes": 11,
                "qnum": 2,
                "qbytes": 16384,
                "lspid": 100,
                "lrpid": 0,
                "stime": "2001-09-08T22:16:40-03:30",
                "rtime": None,
                "ctime": "1969-12-31T20:30:05-03:30",
            }
        ],
        "shmems": [
            {
                "key": "0x00000000",
                "id": 8,
                "mode": "0640",
                "uid": 0,
                "gid": 0,
                "cuid": 0,
                "cgid": 0,
                "owner": "root",
                "segsz": 2**63,
                "nattch": 3,
                "cpid": 1,
                "lpid": 2,
                "atime": None,
                "dtime": None,
                "ctime": "1969-12-31T20:30:05-03:30",
                "rss": 4096,
                "swap": None,
                "dest": True,
                "locked": True,
            }
        ],
        "semaphores": [
            {
                "key": "0x00000001",
                "id": 9,
                "mode": "0644",
                "uid": 0,
                "gid": 0,
                "cuid": 0,
                "cgid": 0,
                "owner": "root",
                "nsems": 2,
                "otime": None,
                "ctime": "1969-12-31T20:30:05-03:30",
            }
        ],
    }


def test_nothing_is_an_empty_list() -> None:
    text = "".join(data.objects({Kind.QUEUE: [], Kind.SEMAPHORE: []}, {}))
    assert json.loads(text) == {"taken": {}, "queues": [], "semaphores": []}


def test_an_object_a_line() -> None:
    text = "".join(data.objects({Kind.QUEUE: [QUEUE, QUEUE]}, {}))
    assert len(text.splitlines()) == 4
    assert text.endswith("\n")


def test_the_semaphores_of_one_set() -> None:
    details = SET._replace(semaphores=(Semaphore(0, 5, 1, 2, 99), Semaphore(1, 0, 0, 0, 0)))
    (found,) = json.loads("".join(data.objects({Kind.SEMAPHORE: [details]}, {})))["semaphores"]
    assert found["semaphores"] == [
        {"num": 0, "value": 5, "ncount": 1, "zcount": 2, "pid": 99},
        {"num": 1, "value": 0, "ncount": 0, "zcount": 0, "pid": 0},
    ]


def test_a_name_that_is_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "user_name", lambda _uid: b"r\xffot".decode(errors="surrogateescape"))
    (found,) = json.loads("".join(data.objects({Kind.QUEUE: [QUEUE]}, {})))["queues"]
    assert found["owner"] == "r\ufffdot" or found["owner"] == "r?ot"
