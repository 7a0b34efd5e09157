"""Names of real programs as they stand in /dev/shm: kinds, sizes and resident bytes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.kit.factories import read_line, running
from tests.kit.posix import SHM, ShmFiles, glibc_semaphore
from tests.kit.program import elsewhere, pyipcs, run
from tests.kit.wait import LIMIT, wait_until

PAGE = os.sysconf("SC_PAGESIZE")

# A program of multiprocessing. Its objects stay until it reads the end of its standard input.
_MULTIPROCESSING = """
import multiprocessing, sys
from multiprocessing import shared_memory

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    memory = shared_memory.SharedMemory(create=True, size=3 * 4096 + 1)
    memory.buf[:8192] = bytes(8192)
    lock, count = context.Lock(), context.Semaphore(5)
    lock.acquire()
    print(memory.name, flush=True)
    sys.stdin.read()
    memory.close()
    memory.unlink()
"""


def found(*args: str) -> dict[str, Any]:
    """Return the document of all objects in /dev/shm."""
    result = pyipcs("list", "-MS", "-J", *args)
    assert (result.status, result.err) == (0, "")
    document = json.loads(result.out)
    return dict(document)


def check_against_du() -> None:
    """Compare each segment with stat(1), and the sum of all with du(1)."""
    document = found()
    for one in document["posix_shmems"]:
        path = f"{SHM}{one['name']}"
        size, blocks, inode = run("stat", "-c", "%s %b %i", path).out.split()
        assert (one["segsz"], one["inode"]) == (int(size), int(inode))
        assert one["rss"] == int(blocks) * 512
        assert one["swap"] in {0, None}
    names = {one["name"] for one in document["posix_shmems"]}
    files = [path for path in SHM.iterdir() if path.is_file() and f"/{path.name}" in names]
    used = run("du", "-c", "--block-size=1", *map(str, files)).out.splitlines()[-1].split()[0]
    assert sum(one["rss"] for one in document["posix_shmems"]) == int(used)


@contextmanager
def multiprocessing_of(method: str, folder: Path) -> Iterator[str]:
    """Run a program of multiprocessing; yield the name of its segment."""
    script = folder / "program.py"
    script.write_text(_MULTIPROCESSING)
    with running(sys.executable, str(script), method, stdin=subprocess.PIPE) as process:
        yield read_line(process).strip()
        assert process.stdin
        process.stdin.close()
        assert process.wait(LIMIT) == 0


def test_list_shows_objects_of_multiprocessing_spawn(shm: ShmFiles, tmp_path: Path) -> None:
    with multiprocessing_of("spawn", tmp_path) as name:
        document = found()
        (segment,) = document["posix_shmems"]
        assert segment["name"] == f"/{name}"
        assert segment["name"].startswith("/psm_")
        assert segment["segsz"] == 3 * 4096 + 1
        assert segment["mode"] == "0600"
        check_against_du()
        values = {one["value"] for one in document["posix_semaphores"]}
        assert values == {0, 5}
        assert all(one["name"].startswith("/mp-") for one in document["posix_semaphores"])
        assert document["other"] == {"files": 0, "bytes": 0}
        # The names can be given to stat as they are.
        names = [one["name"] for one in document["posix_semaphores"]]
        result = pyipcs("stat", *names, "-f", "csv", "-o", "VALUE", "--noheadings")
        assert sorted(result.out.split()) == ["0", "5"]
    wait_until(lambda: not found()["posix_semaphores"])  # its resource tracker unlinks them


def test_list_shows_no_semaphore_of_multiprocessing_fork(shm: ShmFiles, tmp_path: Path) -> None:
    """With fork the semaphores are unlinked at once."""
    with multiprocessing_of("fork", tmp_path) as name:
        document = found()
        assert [one["name"] for one in document["posix_shmems"]] == [f"/{name}"]
        assert document["posix_semaphores"] == []


def test_list_counts_files_of_joblib_as_other(shm: ShmFiles) -> None:
    """The names of joblib 1.3 with loky: semaphores, and a folder with pickled arrays."""
    for number in range(8):
        shm.file(f"sem.loky-4711-{number:08x}", glibc_semaphore(1))
    folder = SHM / "joblib_memmapping_folder_4711_0123456789abcdef_fedcba9876543210"
    folder.mkdir(mode=0o700)
    for number in range(2):
        (folder / f"4711-140-{number}.pkl").write_bytes(b"x" * 100_000)
    document = found()
    assert document["posix_shmems"] == []
    assert sorted(one["name"] for one in document["posix_semaphores"]) == [
        f"/loky-4711-{number:08x}" for number in range(8)
    ]
    used = sum(path.stat().st_blocks * 512 for path in folder.iterdir())
    assert document["other"] == {"files": 2, "bytes": used}
    assert used >= 200_000


def test_list_shows_segments_of_open_mpi(shm: ShmFiles) -> None:
    """The names of Open MPI 4: sparse files of 4 MiB for each rank."""
    names = [f"vader_segment.node-1.0.e6a50001.{rank}" for rank in range(4)]
    for rank, name in enumerate(names):
        path = shm.file(name, b"x" * (rank * PAGE))
        os.truncate(path, 4 << 20)
    segments = {one["name"]: one for one in found()["posix_shmems"]}
    assert sorted(segments) == [f"/{name}" for name in names]
    for rank, name in enumerate(names):
        one = segments[f"/{name}"]
        assert (one["segsz"], one["rss"], one["swap"]) == (4 << 20, rank * PAGE, 0)
    check_against_du()


def test_list_of_memory_that_is_unlinked_shows_nothing(shm: ShmFiles) -> None:
    """A file that a program holds has no name, and is no object."""
    with shm.file("held", b"x" * 50_000).open("rb") as file:
        (SHM / "held").unlink()
        assert found()["posix_shmems"] == []
        assert os.fstat(file.fileno()).st_nlink == 0
        result = elsewhere("stat", "/held", before=())
    assert result == (1, "", "pyipcs: /held: no object has that name\n")
