"""States and removal of the objects of PostgreSQL, stress-ng and scripts."""

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pyipcs.model import SYSV, Kind
from tests.kit.factories import scripted
from tests.kit.family import adoption, reap
from tests.kit.kernel import IS_ROOT, NOBODY, Objects, everything, ids, remove
from tests.kit.program import PYIPCS, Result, need_tool, run
from tests.kit.wait import LIMIT, wait_until

pytestmark = pytest.mark.usefixtures("isolated")


def segments(*args: str) -> list[dict[str, Any]]:
    """Return the segments that pyipcs lists, with their states."""
    done = run(PYIPCS, "list", "-m", "-J", "-o", "+STATE,REASON,ATTACHED", *args)
    assert (done.status, done.err) == (0, "")
    return list(json.loads(done.out)["shmems"])


# -- PostgreSQL.


class Postgres(NamedTuple):
    """A PostgreSQL cluster, which runs as an ordinary user."""

    programs: Path
    folder: str

    def run(self, program: str, *args: str) -> Result:
        """Run one of its programs."""
        user: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        return run(str(self.programs / program), *args, cwd="/", **(user if IS_ROOT else {}))

    def start(self) -> int:
        """Start the server; return its pid."""
        options = f"-c listen_addresses= -k {self.folder} -c shared_memory_type=sysv -F"
        log = f"{self.folder}/log"
        done = self.run("pg_ctl", "-D", self.folder, "-w", "-l", log, "-o", options, "start")
        assert done.status == 0, done.out + done.err + Path(log).read_text()
        return int(Path(self.folder, "postmaster.pid").read_text().split()[0])

    def can_answer(self) -> bool:
        """Return True if the server answers a query."""
        query = ["-h", self.folder, "-U", "tester", "-Atc", "select 6 * 7", "postgres"]
        return self.run("psql", *query).out == "42\n"


@pytest.fixture
def reaper() -> Iterator[None]:
    """Adopt daemons into this process, because not every init reaps them."""
    with adoption():
        yield


@pytest.fixture(scope="module")
def new_cluster() -> Iterator[Postgres]:
    """Create a cluster that is never started, because to copy one is faster than to create it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not found:
        need_tool("pg_ctl")
    programs = found[-1].parent if found else Path(need_tool("pg_ctl")).parent
    with tempfile.TemporaryDirectory() as folder:
        if IS_ROOT:
            os.chown(folder, NOBODY, NOBODY)
        cluster = Postgres(programs, folder)
        done = cluster.run("initdb", "-D", folder, "-A", "trust", "-U", "tester", "--no-sync")
        assert done.status == 0, done.err
        yield cluster


@pytest.fixture
def postgres(reaper: None, own_shm: None, new_cluster: Postgres) -> Iterator[Postgres]:
    """Copy a cluster; remove it and its objects after the test."""
    with tempfile.TemporaryDirectory() as folder:
        assert run("cp", "-a", "--no-target-directory", new_cluster.folder, folder).status == 0
        cluster = new_cluster._replace(folder=folder)
        yield cluster
        reap()
        cluster.run("pg_ctl", "-D", folder, "-m", "immediate", "-w", "stop")
        wait_until(lambda: not any(segment["nattch"] for segment in segments()))
        for kind, object_id in everything():
            remove(kind, object_id)
        for path in Path("/dev/shm").glob("PostgreSQL.*"):
            path.unlink()  # a killed server leaves them for its next start


def kill(server: int) -> None:
    """Kill a server, and wait until its children have detached the segments."""
    os.kill(server, signal.SIGKILL)
    wait_until(lambda: not any(segment["nattch"] for segment in segments()))
    os.waitpid(server, 0)


@pytest.mark.slow
def test_rm_orphaned_spares_a_running_postgresql(postgres: Postgres) -> None:
    server = postgres.start()
    running = segments()
    assert running
    assert {segment["state"] for segment in running} == {"in-use"}
    assert all(server in segment["attached"] for segment in running)
    assert all(f"{server} (postgres)" in segment["reason"] for segment in running)
    assert sum(segment["nattch"] for segment in running) == sum(
        mapping.endswith(b" (deleted)\n") and b"/SYSV" in mapping
        for pid in {pid for segment in running for pid in segment["attached"]}
        for mapping in Path(f"/proc/{pid}/maps").read_bytes().splitlines(keepends=True)
    )

    assert run(PYIPCS, "rm", "-a", "--suspect") == (0, "", "")
    assert postgres.can_answer()

    kill(server)
    left = segments()
    assert {segment["state"] for segment in left} == {"orphaned"}
    assert len(left) == len(running)
    assert segments("--orphaned") == left

    postgres.start()
    assert postgres.can_answer(), "it reuses the segments it had left"
    assert {segment["state"] for segment in segments() if segment["nattch"]} == {"in-use"}


@pytest.mark.slow
def test_list_posix_shows_the_segments_of_postgresql(postgres: Postgres) -> None:
    """It shares memory with its workers by PostgreSQL.NNN, of 1 MiB and more."""
    postgres.start()
    files = {f"/{path.name}": path.stat() for path in Path("/dev/shm").glob("PostgreSQL.*")}
    done = run(PYIPCS, "list", "-M", "-J")
    assert (done.status, done.err) == (0, "")
    found = {one["name"]: one for one in json.loads(done.out)["posix_shmems"]}
    assert found.keys() == files.keys()
    assert max(one["segsz"] for one in found.values()) >= 1 << 20
    for name, one in found.items():
        assert (one["segsz"], one["inode"]) == (files[name].st_size, files[name].st_ino)
        assert one["rss"] == Path(f"/dev/shm{name}").stat().st_blocks * 512
        assert one["mode"] == "0600"


@pytest.mark.slow
def test_rm_orphaned_removes_the_segments_of_a_killed_postgresql(postgres: Postgres) -> None:
    kill(postgres.start())
    assert run(PYIPCS, "rm", "-a", "--orphaned") == (0, "", "")
    assert not ids(Kind.SEGMENT)
    postgres.start()
    assert postgres.can_answer()


@pytest.mark.slow
def test_run_of_a_killed_postgresql_leaves_nothing(postgres: Postgres) -> None:
    before = everything()
    start = f"{postgres.programs}/pg_ctl -D {postgres.folder} -w -l {postgres.folder}/log"
    options = f"-c listen_addresses= -k {postgres.folder} -c shared_memory_type=sysv -F"
    script = (
        f"{start} -o '{options}' start >/dev/null &&"
        f" kill -9 $(head -1 {postgres.folder}/postmaster.pid);"
        " busy() { ipcs -m | awk '$6 > 0 && /^0x/ { busy = 1 } END { exit !busy }'; };"
        " while busy || { sleep 0.1; busy; }; do sleep 0.01; done"
    )
    ordinary = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    done = run(*(PYIPCS, "run", "-J", *(ordinary if IS_ROOT else []), "sh", "-c", script), cwd="/")
    report = json.loads(done.err[done.err.index("{") :])
    assert done.status == 23, done.err
    assert {segment["state"] for segment in report["shmems"]} == {"orphaned"}, done.err
    assert everything() == before


# -- stress-ng.


@pytest.mark.slow
@pytest.mark.tools("stress-ng")
def test_rm_orphaned_and_suspect_spares_busy_workers(objects: Objects, tmp_path: Path) -> None:
    """The workers end before their objects are removed."""
    workers = ["--msg", "2", "--sem-sysv", "2", "--shm-sysv", "2", "-t", "0"]
    with subprocess.Popen(
        ["nice", "stress-ng", *workers],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=tmp_path,  # stress-ng needs a writable folder
    ) as process:
        try:
            wait_until(lambda: process.poll() is not None or all(ids(kind) for kind in SYSV))
            for _ in range(4):
                assert run(PYIPCS, "rm", "--all", "--suspect", "-v") == (0, "", "")
                done = run(PYIPCS, "list", "-J", "-o", "+STATE,REASON,ATTACHED,WAITERS")
                assert (done.status, done.err) == (0, "")
                found = json.loads(done.out)
                states = {each["state"] for kind in SYSV for each in found[kind.collection]}
                assert states <= {"in-use", "unknown"}
        finally:
            process.terminate()
            out, _ = process.communicate(timeout=LIMIT)
            objects.adopt_all()
    assert (process.returncode, b"fail" in out) == (0, False), out


# -- Ours.


CREATOR = """
import random
random.seed({seed})
for _ in range(10):
    shmid = libc.shmget(0, 4096, 0o1600)
    address = libc.shmat(shmid, None, 0)
    keep, lives = random.random() < 0.5, random.random() < 0.5
    if not keep:
        libc.shmdt(ctypes.c_void_p(address))
    if lives and os.fork() == 0:
        if not keep:
            libc.shmdt(ctypes.c_void_p(libc.shmat(shmid, None, 0)))
        os.closerange(1, 3)
        os.read(0, 1)
        os._exit(0)
    print(shmid, flush=True)
    if keep:
        libc.shmdt(ctypes.c_void_p(address))
"""


def test_rm_orphaned_removes_the_unused_segments_of_many_processes(objects: Objects) -> None:
    """The processes attach, detach, fork and end; their children live on."""
    read, write = os.pipe()
    try:
        with ExitStack() as stack:
            scripts = (CREATOR.format(seed=seed) for seed in range(8))
            creators = [stack.enter_context(scripted(script, stdin=read)) for script in scripts]
            for creator in creators:
                assert creator.communicate(timeout=LIMIT)[0].count(b"\n") == 10
        objects.adopt_all()
        used: set[int] = set()
        leaked: set[int] = set()
        for segment in segments():
            lives = any(Path(f"/proc/{segment[pid]}").exists() for pid in ("cpid", "lpid"))
            (used if segment["nattch"] or lives else leaked).add(segment["id"])
        assert used
        assert leaked
        assert run(PYIPCS, "rm", "--all", "--suspect") == (0, "", "")
        assert ids(Kind.SEGMENT) == used
    finally:
        os.close(read)
        os.close(write)
        objects.remove_all()
        wait_until(lambda: not ids(Kind.SEGMENT))


def test_rm_orphaned_idle_spares_a_recently_used_segment(objects: Objects) -> None:
    """A shell's commands end at once: only the last use shows the use."""
    made = run(PYIPCS, "make", "-M", "4K", "-k", "0x5e9", "-i").out.strip()
    objects.adopt(Kind.SEGMENT, int(made))
    assert segments()[0]["state"] == "unknown", "never attached"
    assert run(PYIPCS, "write", "0x5e9", "hello") == (0, "", "")
    assert segments()[0]["state"] == "orphaned"
    assert run(PYIPCS, "rm", "-a", "--orphaned", "--idle", "1h") == (0, "", "")
    assert run(PYIPCS, "read", "0x5e9", "--length", "5").out == "hello"
