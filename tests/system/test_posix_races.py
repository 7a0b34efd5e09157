"""Objects that other processes replace or change within a command.

strace(1) delays the decisive system call, so that the other process is always in time.
"""

import os
import subprocess
from pathlib import Path

import pytest

from pyipcs.actions.remove import Removal
from pyipcs.model import Kind
from pyipcs.objects import parse_target
from pyipcs.query.selection import Selection
from pyipcs.terminal.streams import Output
from tests.kit.posix import SHM, ShmFiles, glibc_semaphore
from tests.kit.program import PYIPCS, ordinary, run
from tests.kit.tracing import delayed
from tests.kit.wait import LIMIT, wait_until

_FALLOCATE = {"x86_64": "285", "aarch64": "47"}  # numbers of the system call


def is_in_fallocate(process: "subprocess.Popen[bytes]") -> bool:
    """Return True if the traced program waits in its delay."""
    for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        number, *_ = Path(f"/proc/{pid}/syscall").read_text().split()
        return number == _FALLOCATE.get(os.uname().machine)
    return False


@pytest.mark.slow
@pytest.mark.root  # others may not read the system call of a traced process
@pytest.mark.tools("strace")
def test_set_size_of_a_segment_that_grows_meanwhile_keeps_its_data(shm: ShmFiles) -> None:
    segment = shm.file("grow", bytes(4096))
    with delayed("fallocate", "enter", "set", "/grow", "--size", "8K") as process:
        wait_until(lambda: is_in_fallocate(process))
        with segment.open("r+b") as file:
            file.truncate(1 << 20)
            os.pwrite(file.fileno(), b"data", 500_000)
        assert process.wait(LIMIT) == 0
    assert segment.stat().st_size == 1 << 20
    assert segment.read_bytes()[500_000:500_004] == b"data"


@pytest.mark.slow
@pytest.mark.tools("strace")
def test_make_failed_output_spares_a_semaphore_of_another_process(shm: ShmFiles) -> None:
    new = SHM / "sem.b"
    with (
        Path("/dev/full").open("wb") as full,
        delayed("link,linkat", "exit", "make", "-s", "-n", "/b", stdout=full) as process,
    ):
        wait_until(new.exists)
        new.unlink()
        shm.file("sem.b", glibc_semaphore(7))
        assert process.wait(LIMIT) == 1
    assert new.read_bytes() == glibc_semaphore(7)


@pytest.mark.parametrize("descriptors", range(4, 12))
def test_make_with_few_descriptors_makes_all_or_nothing(descriptors: int, shm: ShmFiles) -> None:
    command = f'ulimit -n {descriptors}; exec "$@"'
    result = run("sh", "-c", command, "sh", PYIPCS, "make", "-m", "4K", "-s", "-n", "/few")
    names = {path.name for path in SHM.iterdir()}
    assert names == ({"few", "sem.few"} if result.status == 0 else set()), result


@pytest.mark.parametrize("kind", [Kind.POSIX_SEGMENT, Kind.POSIX_SEMAPHORE])
def test_removal_spares_an_object_that_replaced_the_found_one(kind: Kind, shm: ShmFiles) -> None:
    entry = "x" if kind is Kind.POSIX_SEGMENT else "sem.x"
    path = shm.file(entry, glibc_semaphore(1))
    output = Output()
    removal = Removal(output, Selection(), verbose=False)
    found = removal.find([parse_target("/x")])
    keeper = path.open("rb")  # the inode stays used
    path.unlink()
    shm.file(entry, glibc_semaphore(2))
    removal.remove(found)
    keeper.close()
    assert removal.failed
    assert path.read_bytes() == glibc_semaphore(2)


def test_make_of_a_queue_without_permissions_is_undone(own_mqueue: None) -> None:
    """The owner can neither open nor list the queue, and may not give it to another user."""
    result = ordinary("make", "-q", "-n", "/m0", "-p", "0", "--owner", "0")
    assert result.status == 1
    assert "could not clean up" not in result.err
    assert not Path("/dev/mqueue/m0").exists()
