"""pyipcs make --exist-ok: an existing object that is too small is an error."""

import pytest

from pyipcs.model import Kind
from pyipcs.sysv import libc
from tests.kit.kernel import Objects, everything, row
from tests.kit.program import as_nobody, invoke

KEY = 0x5EED
ARGS = ["--exist-ok", "-k", f"{KEY:#x}", "-i"]


@pytest.fixture
def msqid(objects: Objects) -> int:
    """Create a queue of 4096 bytes; return its id."""
    msqid = objects.queue(KEY, mode=0o600)
    libc.change(Kind.QUEUE, msqid, qbytes=4096)
    return msqid


@pytest.mark.parametrize("qbytes", [[], ["--qbytes", "0"], ["--qbytes", "4095"], ["--qbytes=4K"]])
def test_make_exist_ok_queue_with_enough_qbytes_is_found(msqid: int, qbytes: list[str]) -> None:
    assert invoke("make", "-Q", *qbytes, *ARGS) == (0, f"{msqid}\n", "")
    assert libc.stat(Kind.QUEUE, msqid)._asdict()["qbytes"] == 4096


@pytest.mark.parametrize("qbytes", ["4097", "8192"])
def test_make_exist_ok_queue_with_less_qbytes_fails(msqid: int, qbytes: str) -> None:
    before = row(Kind.QUEUE, msqid)
    assert invoke("make", "-Q", "--qbytes", qbytes, *ARGS) == (
        1,
        "",
        f"pyipcs: create message queue failed: the message queue with key {KEY:#x} has qbytes "
        f"4096, less than {qbytes}\n",
    )
    assert row(Kind.QUEUE, msqid) == before


@pytest.mark.root
def test_make_exist_ok_queue_that_is_unreadable_is_checked(msqid: int) -> None:
    assert as_nobody("make", "-Q", "--qbytes", "4096", *ARGS) == (0, f"{msqid}\n", "")
    assert as_nobody("make", "-Q", "--qbytes", "4097", *ARGS).status == 1


@pytest.mark.usefixtures("msqid")
def test_make_exist_ok_too_small_queue_removes_the_new_segment(isolated: None) -> None:
    before = everything()
    assert invoke("make", "-M", "1", "-Q", "--qbytes", "8192", *ARGS).status == 1
    assert everything() == before


@pytest.mark.parametrize(
    ("enough", "too_much", "why"),
    [
        (["-M", "4096"], ["-M", "4097"], "less than 4097 bytes"),
        (["-S", "2"], ["-S", "3"], "fewer than 3 semaphores"),
    ],
)
def test_make_exist_ok_checks_size_and_number(
    objects: Objects, enough: list[str], too_much: list[str], why: str
) -> None:
    shmid, semid = objects.segment(KEY), objects.semaphores(KEY, nsems=2)
    assert invoke("make", *enough, *ARGS).out in {f"{shmid}\n", f"{semid}\n"}
    result = invoke("make", *too_much, *ARGS)
    assert (result.status, result.out, why in result.err) == (1, "", True)
