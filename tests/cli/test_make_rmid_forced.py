"""pyipcs make -M where kernel.shm_rmid_forced is 1: the kernel keeps no unattached segment."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pyipcs.model import Kind
from tests.kit.kernel import Objects, everything, ids
from tests.kit.program import as_nobody, forked

KERNEL = Path("/proc/sys/kernel")
REMOVES = (
    "pyipcs: create share memory failed: the kernel removes a segment that no process attaches "
    "(kernel.shm_rmid_forced is 1)\n"
)


@pytest.fixture
def rmid_forced(isolated: None) -> Iterator[None]:
    """Let the kernel remove unattached segments of this namespace."""
    setting = KERNEL / "shm_rmid_forced"
    before = setting.read_text()
    setting.write_text("1")
    yield
    setting.write_text(before)


@pytest.mark.root
@pytest.mark.usefixtures("rmid_forced")
@pytest.mark.parametrize("args", [[], ["-i"], ["-J"], ["-Q", "-S2", "--values", "1,2"]])
def test_make_segment_under_rmid_forced_fails_and_creates_nothing(args: list[str]) -> None:
    before = everything()
    assert forked("make", "-M", "4096", *args) == (1, "", REMOVES)
    assert as_nobody("make", "-M", "4096", *args) == (1, "", REMOVES)
    assert everything() == before


@pytest.mark.root
@pytest.mark.usefixtures("rmid_forced")
def test_make_under_rmid_forced_creates_the_other_kinds(objects: Objects) -> None:
    result = forked("make", "-Q", "-S1", "-i")
    msqid, semid = map(int, result.out.split())
    objects.adopt(Kind.QUEUE, msqid)
    objects.adopt(Kind.SEMAPHORE, semid)
    assert result.status == 0
    assert (msqid in ids(Kind.QUEUE), semid in ids(Kind.SEMAPHORE)) == (True, True)


@pytest.mark.root
@pytest.mark.usefixtures("rmid_forced")
def test_make_exist_ok_under_rmid_forced_finds_a_segment(objects: Objects) -> None:
    """The kernel keeps it until this process, its creator, ends."""
    shmid = objects.segment(0x5EED)
    result = forked("make", "-M", "1", "--exist-ok", "-k", "0x5eed", "-i")
    assert result == (0, f"{shmid}\n", "")
    assert shmid in ids(Kind.SEGMENT)
