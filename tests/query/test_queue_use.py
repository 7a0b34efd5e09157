"""USE% of queues: the larger of bytes and messages, in all outputs."""

import pytest

from pyipcs.model import Kind
from pyipcs.query.columns import queue_percent
from pyipcs.sysv import libc
from tests.kit import kernel
from tests.kit.kernel import Objects
from tests.kit.program import Result, invoke
from tests.kit.terminal import picture, table_of


@pytest.mark.parametrize(
    ("cbytes", "qnum", "qbytes", "share"),
    [
        ("0", "4", 4, "100.00"),
        ("0", "3", 4, "75.00"),
        ("3", "1", 4, "75.00"),
        ("100", "2", 400, "25.00"),
        ("0", "0", 4, "0.00"),
        ("0", "0", 0, None),
        ("1", "1", None, None),
        ("3", "2", "4", "75.00"),
    ],
)
def test_queue_percent_is_the_larger_of_bytes_and_messages(
    cbytes: str, qnum: str, qbytes: str | int | None, share: str | None
) -> None:
    assert queue_percent(cbytes, qnum, qbytes) == share


def queue_full_of_empty_messages(objects: Objects, number: int = 4) -> int:
    """Return a queue that may hold 4 bytes and has empty messages."""
    msqid = objects.queue()
    libc.change(Kind.QUEUE, msqid, qbytes=4)
    for _ in range(number):
        kernel.send(msqid, b"")
    return msqid


def test_use_of_a_queue_full_of_empty_messages_is_100(isolated: None, objects: Objects) -> None:
    msqid = queue_full_of_empty_messages(objects)
    with pytest.raises(OSError, match="Resource temporarily unavailable"):
        kernel.send(msqid, b"")
    words = ("list", "-q", "-o", "USE%", "--noheadings", "-f")
    for format_ in ("csv", "tsv", "plain"):
        assert invoke(*words, format_).out.strip() == "100.00"
    assert '"use_pct": 100.00' in invoke(*words, "json").out
    assert invoke(*words, "export").out == 'USE_PCT="100.00"\n'


def test_use_of_queues_sorts_by_messages_too(isolated: None, objects: Objects) -> None:
    empty_messages, half = queue_full_of_empty_messages(objects, 3), objects.queue()
    libc.change(Kind.QUEUE, half, qbytes=4)
    kernel.send(half, b"12")
    found = invoke("list", "-q", "-o", "ID", "--sort", "-USE%", "-f", "csv", "--noheadings")
    assert found == Result(0, f"{empty_messages}\n{half}\n", "")


def test_bars_show_the_larger_of_bytes_and_messages(isolated: None, objects: Objects) -> None:
    msqid = queue_full_of_empty_messages(objects, 3)
    (queue,) = table_of(picture("list", "-q", width=200), "Message queues (1)")
    assert queue["USE%"] == "██████░░ 75%"
    details = picture("stat", str(msqid), width=100)
    assert "██████░░  75%  0 of 4 bytes, 3 of 4 messages" in details
