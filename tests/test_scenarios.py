"""What is in use and what is leaked, of real programs: PostgreSQL, stress-ng, ours."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pyipcs.model import Kind
from tests.kit.kernel import IS_ROOT, NOBODY, everything, ids, remove
from tests.kit.program import PYIPCS, Result, need_tool, run

pytestmark = pytest.mark.usefixtures("isolated")
PATIENCE = 30  # seconds


def until(true: Callable[[], object]) -> None:
    """Wait for something to come true."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def segments(*args: str) -> list[dict[str, Any]]:
    """Those of the segments that are meant, with their states."""
    done = run(PYIPCS, "list", "-m", "-J", "-o", "+STATE,REASON,ATTACHED", *args)
    assert (done.status, done.err) == (0, "")
    return list(json.loads(done.out)["shmems"])


# -- PostgreSQL.


class Postgres(NamedTuple):
    """A cluster, which does not run as root."""

    programs: Path
    folder: str

    def run(self, program: str, *args: str) -> Result:
        """One of its programs, run to its end."""
        user: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        return run(str(self.programs / program), *args, cwd="/", **(user if IS_ROOT else {}))

    def start(self) -> int:
        """Start the server; its pid."""
        options = f"-c listen_addresses= -k {self.folder} -c shared_memory_type=sysv -F"
        log = f"{self.folder}/log"
        done = self.run("pg_ctl", "-D", self.folder, "-w", "-l", log, "-o", options, "start")
        assert done.status == 0, done.out + done.err + Path(log).read_text()
        return int(Path(self.folder, "postmaster.pid").read_text().split()[0])

    def answers(self) -> bool:
        """Whether it does its work."""
        query = ["-h", self.folder, "-U", "tester", "-Atc", "select 6 * 7", "postgres"]
        return self.run("psql", *query).out == "42\n"


@pytest.fixture
def reaper() -> Iterator[None]:
    """Daemons become children of the tests, for not every init asks about those that ended."""
    set_reaper, libc = 36, ctypes.CDLL(None)  # PR_SET_CHILD_SUBREAPER
    assert libc.prctl(set_reaper, 1, 0, 0, 0) == 0
    yield
    assert libc.prctl(set_reaper, 0, 0, 0, 0) == 0
    reap()


def reap() -> None:
    """Ask about all children that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


@pytest.fixture
def postgres(reaper: None, own_shm: None) -> Iterator[Postgres]:
    """Create a cluster, and remove it with the objects that it left."""
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
        reap()
        cluster.run("pg_ctl", "-D", folder, "-m", "immediate", "-w", "stop")
        until(lambda: all(not one["nattch"] for one in segments()))
        for kind, object_id in everything():
            remove(kind, object_id)
        for path in Path("/dev/shm").glob("PostgreSQL.*"):
            path.unlink()  # a killed server leaves them to its next start


def kill(server: int) -> None:
    """End a server as nothing ends one, and wait for its children to see it."""
    os.kill(server, signal.SIGKILL)
    until(lambda: all(not one["nattch"] for one in segments()))
    os.waitpid(server, 0)


def test_postgresql(postgres: Postgres) -> None:
    server = postgres.start()
    running = segments()
    assert running
    assert {one["state"] for one in running} == {"in-use"}
    assert all(server in one["attached"] for one in running)
    assert all(f"{server} (postgres)" in one["reason"] for one in running)
    assert sum(one["nattch"] for one in running) == sum(
        mapping.endswith(b" (deleted)\n") and b"/SYSV" in mapping
        for pid in {pid for one in running for pid in one["attached"]}
        for mapping in Path(f"/proc/{pid}/maps").read_bytes().splitlines(keepends=True)
    )

    assert run(PYIPCS, "rm", "-a", "--orphaned", "--suspect") == (0, "", "")
    assert postgres.answers()

    kill(server)
    left = segments()
    assert {one["state"] for one in left} == {"orphaned"}
    assert len(left) == len(running)
    assert segments("--orphaned") == left

    postgres.start()
    assert postgres.answers(), "it took over what it had left"
    assert {one["state"] for one in segments() if one["nattch"]} == {"in-use"}


def test_postgresql_after_its_leak_was_cleaned(postgres: Postgres) -> None:
    server = postgres.start()
    kill(server)
    assert run(PYIPCS, "rm", "-a", "--orphaned") == (0, "", "")
    assert not ids(Kind.SEGMENT)
    postgres.start()
    assert postgres.answers()


def test_postgresql_in_a_namespace_of_its_own(postgres: Postgres) -> None:
    """What `run` is for: killed, it leaves nothing to anybody."""
    before = everything()
    start = f"{postgres.programs}/pg_ctl -D {postgres.folder} -w -l {postgres.folder}/log"
    options = f"-c listen_addresses= -k {postgres.folder} -c shared_memory_type=sysv -F"
    script = (
        f"{start} -o '{options}' start >/dev/null &&"
        f" kill -9 $(head -1 {postgres.folder}/postmaster.pid);"
        " while ipcs -m | awk '$6 > 0 && /^0x/ { busy = 1 } END { exit !busy }'; do :; done"
    )
    ordinary = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    done = run(*(PYIPCS, "run", "-J", *(ordinary if IS_ROOT else []), "sh", "-c", script), cwd="/")
    report = json.loads(done.err[done.err.index("{") :])
    assert done.status == 23, done.err
    assert {one["state"] for one in report["shmems"]} == {"orphaned"}
    assert everything() == before


# -- stress-ng.


def test_workers_that_come_and_go() -> None:
    """Nothing of theirs is removed, and nothing stumbles over what goes while it is looked at."""
    seconds = 7
    workers = ["--msg", "2", "--sem-sysv", "2", "--shm-sysv", "2", "-t", str(seconds)]
    stress = [need_tool("stress-ng"), *workers]
    rounds = 0
    with subprocess.Popen(stress, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        until(everything)
        # At their end the workers are gone a moment before what they used, and all speaks
        # against that: the last second is not for this test.
        end = time.monotonic() + seconds - 2
        while time.monotonic() < end:
            assert run(PYIPCS, "rm", "--all", "--orphaned", "--suspect", "-v") == (0, "", "")
            done = run(PYIPCS, "list", "-J", "-o", "+STATE,REASON,ATTACHED,WAITERS")
            assert (done.status, done.err) == (0, "")
            found = json.loads(done.out)
            states = {one["state"] for kind in Kind for one in found[kind.collection]}
            assert states <= {"in-use", "unknown"}
            rounds += 1
        assert process.stdout
        text = process.stdout.read().decode()
    for kind, object_id in everything():
        remove(kind, object_id)
    assert (process.returncode, "fail" in text) == (0, False), text
    assert rounds > 1


# -- Ours.


def test_no_segment_is_missed_and_none_in_use_goes() -> None:
    """Processes that make segments, attach, detach, fork and end or not, as chance has it."""
    script = """
import ctypes, os, random, sys, time
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
random.seed(int(sys.argv[1]))
for _ in range(10):
    shmid = libc.shmget(0, 4096, 0o1600)
    address = libc.shmat(shmid, None, 0)
    keep, lives = random.random() < 0.5, random.random() < 0.5
    if not keep:
        libc.shmdt(ctypes.c_void_p(address))
    if lives and os.fork() == 0:
        if not keep:
            libc.shmdt(ctypes.c_void_p(libc.shmat(shmid, None, 0)))
        os.closerange(0, 3)
        time.sleep(60)
        os._exit(0)
    print(shmid, flush=True)
    if keep:
        libc.shmdt(ctypes.c_void_p(address))
"""
    makers = [
        subprocess.Popen([sys.executable, "-c", script, str(seed)], stdout=subprocess.PIPE)
        for seed in range(8)
    ]
    try:
        assert all(maker.communicate()[0].count(b"\n") == 10 for maker in makers)
        # The kernel's own word for it: who is attached, and which pids are there.
        used: set[int] = set()
        leaked: set[int] = set()
        for one in segments():
            there = any(Path(f"/proc/{one[pid]}").exists() for pid in ("cpid", "lpid"))
            (used if one["nattch"] or there else leaked).add(one["id"])
        assert used
        assert leaked
        assert run(PYIPCS, "rm", "--all", "--orphaned", "--suspect") == (0, "", "")
        assert ids(Kind.SEGMENT) == used
    finally:
        run("pkill", "-KILL", "-f", "keep, lives = random")
        for kind, object_id in everything():
            remove(kind, object_id)
        until(lambda: not ids(Kind.SEGMENT))


def test_the_session_bus_of_scripts(tmp_path: Path) -> None:
    """Objects that a shell's commands make and use: each process of theirs is gone at once.

    Only the time of their last use tells them from leaked ones, so --idle is for them.
    """
    made = run(PYIPCS, "make", "-M", "4K", "-k", "0x5e9", "-i").out.strip()
    try:
        assert segments()[0]["state"] == "unknown", "never attached"
        assert run(PYIPCS, "write", "0x5e9", "hello") == (0, "", "")
        assert segments()[0]["state"] == "orphaned"
        assert run(PYIPCS, "rm", "-a", "--orphaned", "--idle", "1h") == (0, "", "")
        assert run(PYIPCS, "read", "0x5e9", "--length", "5").out == "hello"
    finally:
        run(PYIPCS, "rm", "-m", made)
