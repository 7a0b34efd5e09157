"""Objects that other processes replace or change within a command.

strace(1) holds the program at the decisive system call, so that the other process is in time.
"""

import os
from pathlib import Path

import pytest

from pyipcs.actions.remove import Removal
from pyipcs.model import Kind
from pyipcs.objects import parse_target
from pyipcs.query.selection import Selection
from pyipcs.terminal.streams import Output
from tests.kit.posix import SHM, ShmFiles, glibc_semaphore
from tests.kit.program import PYIPCS, ordinary, run
from tests.kit.tracing import held


@pytest.mark.tools("strace")
def test_set_size_of_a_segment_that_grows_meanwhile_keeps_its_data(shm: ShmFiles) -> None:
    segment = shm.file("grow", bytes(4096))
    with held("fallocate", "enter", "set", "/grow", "--size", "8K") as program:
        with segment.open("r+b") as file:
            file.truncate(1 << 20)
            os.pwrite(file.fileno(), b"data", 500_000)
        assert program.result().status == 0
    assert segment.stat().st_size == 1 << 20
    assert segment.read_bytes()[500_000:500_004] == b"data"


@pytest.mark.tools("strace")
@pytest.mark.parametrize("args", ["stat -m /gone", "list -M -N /gone -o NAME,STATE"])
@pytest.mark.parametrize("step", [3, 5], ids=["found", "read"])
def test_named_object_removed_after_its_lookup_is_reported(
    args: str, step: int, shm: ShmFiles
) -> None:
    segment = shm.file("gone", b"x")
    # The third call for a status in /dev/shm finds the file, the fifth one reads it.
    command = (*args.split(), "-f", "csv")
    with held("newfstatat", "exit", *command, nth=step, paths=[SHM]) as program:
        assert '"gone"' in program.calls[-1]
        segment.unlink()
        result = program.result()
    assert "/gone" not in result.out
    assert result.err == "pyipcs: /gone: the POSIX segment was removed\n"
    assert result.status == 1


@pytest.mark.tools("strace")
def test_make_failed_output_spares_a_semaphore_of_another_process(shm: ShmFiles) -> None:
    new = SHM / "sem.b"
    with (
        Path("/dev/full").open("wb") as full,
        held("link,linkat", "exit", "make", "-s", "-n", "/b", stdout=full) as program,
    ):
        new.unlink()
        shm.file("sem.b", glibc_semaphore(7))
        assert program.result().status == 1
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
