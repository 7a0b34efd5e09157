"""States: each row of the table by facts alone, then by real processes on real objects."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyipcs.model import Kind, Queue, Record, Segment, Semaphore, SemaphoreSet, State
from pyipcs.sysv import libc, proc
from pyipcs.sysv.namespace import is_initial
from pyipcs.sysv.processes import Process
from pyipcs.sysv.state import Evidence, Facts, Role, evidence, gather, judge
from pyipcs.sysv.survey import Access, Survey, User, _numbers, _stranger, survey
from tests.kit import kernel
from tests.kit.kernel import IS_ROOT, Objects
from tests.kit.program import need_tool, run

DEAD, LIVE, HIDDEN, FOREIGN = (
    Process(5, alive=False),
    Process(6, alive=True, command="cat"),
    Process(7, alive=None),
    Process(0, alive=None),
)
CREATOR, USER = "creator", "last user"
SENDER, RECEIVER = "last sender", "last receiver"
CAT = User(6, "cat", "attached")
CLOSED = "/proc cannot be read"

ROWS = {
    "attached": (
        Facts(Kind.SEGMENT, [Role(CREATOR, DEAD), Role(USER, DEAD)], held=1, users=[CAT]),
        "in-use: attached 1 time, by 6 (cat)",
    ),
    "attached by many": (
        Facts(
            Kind.SEGMENT,
            held=9,
            users=[CAT._replace(times=2), *(User(pid, None, "attached") for pid in range(7, 14))],
        ),
        "in-use: attached 9 times, by 6 (cat), 7, 8, 9 and 4 more",
    ),
    "attached by some who are seen": (
        Facts(Kind.SEGMENT, [Role(CREATOR, DEAD)], held=3, users=[CAT]),
        "in-use: attached 3 times, by 6 (cat), and by others that were not seen",
    ),
    "attached by nobody who is seen": (
        Facts(Kind.SEGMENT, [Role(CREATOR, DEAD)], held=2, users=None, unseen=CLOSED),
        "in-use: attached 2 times, by processes that were not seen",
    ),
    "its creator lives": (
        Facts(Kind.SEGMENT, [Role(CREATOR, LIVE), Role(USER, DEAD)], held=0),
        "in-use: its creator, 6 (cat), lives",
    ),
    "its user lives": (
        Facts(Kind.SEGMENT, [Role(CREATOR, FOREIGN), Role(USER, LIVE)], held=0),
        "in-use: its last user, 6 (cat), lives",
    ),
    "both live": (
        Facts(Kind.SEGMENT, [Role(CREATOR, LIVE), Role(USER, Process(8, True, "dog"))], held=0),
        "in-use: its creator, 6 (cat), and its last user, 8 (dog), live",
    ),
    "one lives": (
        Facts(Kind.SEGMENT, [Role(CREATOR, LIVE), Role(USER, LIVE)], held=0),
        "in-use: its creator and last user, 6 (cat), lives",
    ),
    "nobody has it any more": (
        Facts(Kind.SEGMENT, [Role(CREATOR, DEAD), Role(USER, Process(9, False))], held=0),
        "orphaned: not attached; its creator, 5, and its last user, 9, are gone",
    ),
    "nobody but one had it": (
        Facts(Kind.SEGMENT, [Role(CREATOR, DEAD), Role(USER, DEAD)], held=0),
        "orphaned: not attached; its creator and last user, 5, is gone",
    ),
    "who waits is no matter": (
        Facts(Kind.SEGMENT, [Role(CREATOR, DEAD), Role(USER, DEAD)], held=0, unseen="hidden"),
        "orphaned: not attached; its creator and last user, 5, is gone",
    ),
    "its creator is foreign": (
        Facts(Kind.SEGMENT, [Role(CREATOR, FOREIGN), Role(USER, DEAD)], held=0),
        "unknown: not attached, but its creator was a process of another PID namespace",
    ),
    "its user is foreign": (
        Facts(Kind.SEGMENT, [Role(CREATOR, DEAD), Role(USER, FOREIGN)], held=0),
        "unknown: not attached, but its last user was a process of another PID namespace",
    ),
    "its creator cannot be told": (
        Facts(Kind.SEGMENT, [Role(CREATOR, HIDDEN), Role(USER, DEAD)], held=0),
        "unknown: not attached, but whether its creator, 7, lives cannot be seen",
    ),
    "never attached": (
        Facts(Kind.SEGMENT, [Role(CREATOR, DEAD)], used=False, held=0),
        "unknown: never attached; its creator, 5, is gone",
    ),
    "never attached yet": (
        Facts(Kind.SEGMENT, [Role(CREATOR, LIVE)], used=False, held=0),
        "in-use: its creator, 6 (cat), lives",
    ),
    "a segment without /proc": (
        Facts(Kind.SEGMENT, [Role(CREATOR, DEAD)], held=0, users=None, unseen=CLOSED),
        "unknown: /proc cannot be read",
    ),
    "waited on": (
        Facts(Kind.QUEUE, [Role(SENDER, DEAD)], users=[User(6, "cat", "receive")]),
        "in-use: 6 (cat) waits on it",
    ),
    "waited on before all else": (
        Facts(Kind.QUEUE, used=False, users=[CAT, User(7, None, "send")], unseen="hidden"),
        "in-use: 6 (cat) and 7 wait on it",
    ),
    "its sender lives": (
        Facts(Kind.QUEUE, [Role(SENDER, LIVE), Role(RECEIVER, DEAD)], unseen="hidden"),
        "in-use: its last sender, 6 (cat), lives",
    ),
    "its receiver lives": (
        Facts(Kind.QUEUE, [Role(SENDER, FOREIGN), Role(RECEIVER, LIVE)]),
        "in-use: its last receiver, 6 (cat), lives",
    ),
    "nobody uses it": (
        Facts(Kind.QUEUE, [Role(SENDER, DEAD), Role(RECEIVER, DEAD)]),
        "suspect: nobody waits; its last sender and last receiver, 5, is gone",
    ),
    "only ever sent to": (
        Facts(Kind.QUEUE, [Role(SENDER, DEAD)]),
        "suspect: nobody waits; its last sender, 5, is gone",
    ),
    "its receiver is foreign": (
        Facts(Kind.QUEUE, [Role(SENDER, DEAD), Role(RECEIVER, FOREIGN)]),
        "unknown: nobody waits, but its last receiver was a process of another PID namespace",
    ),
    "its sender cannot be told": (
        Facts(Kind.QUEUE, [Role(SENDER, HIDDEN), Role(RECEIVER, Process(8, None))]),
        "unknown: nobody waits, but whether its last sender, 7, and its last receiver, 8, live "
        "cannot be seen",
    ),
    "never used": (Facts(Kind.QUEUE, used=False), "unknown: never used"),
    "never used, as far as can be seen": (
        Facts(Kind.QUEUE, used=False, unseen="1 could not be looked at"),
        "unknown: never used, but 1 could not be looked at",
    ),
    "somebody may wait unseen": (
        Facts(Kind.QUEUE, [Role(SENDER, DEAD)], unseen="1 could not be looked at"),
        "unknown: its last sender, 5, is gone, but 1 could not be looked at",
    ),
    "a queue without /proc": (
        Facts(Kind.QUEUE, [Role(SENDER, DEAD)], users=None, unseen=CLOSED),
        "unknown: /proc cannot be read",
    ),
    "a set that is waited on": (
        Facts(Kind.SEMAPHORE, [Role(USER, DEAD)], held=2, users=[User(6, "cat", "operation")]),
        "in-use: 6 (cat) waits on it",
    ),
    "a set that somebody unseen waits on": (
        Facts(Kind.SEMAPHORE, [Role(USER, DEAD)], held=2),
        "in-use: 2 threads wait on it, and were not seen",
    ),
    "a set that one unseen waits on": (
        Facts(Kind.SEMAPHORE, used=False, held=1, users=None, unseen=CLOSED),
        "in-use: 1 thread waits on it, and was not seen",
    ),
    "a set whose user lives": (
        Facts(Kind.SEMAPHORE, [Role(USER, DEAD), Role(USER, LIVE)], held=0),
        "in-use: its last user, 6 (cat), lives",
    ),
    "a set that nobody uses": (
        Facts(Kind.SEMAPHORE, [Role(USER, DEAD)], held=0),
        "suspect: nobody waits; its last user, 5, is gone",
    ),
    "a set that several used": (
        Facts(
            Kind.SEMAPHORE, [Role(USER, Process(pid, alive=False)) for pid in range(1, 8)], held=0
        ),
        "suspect: nobody waits; its last users, 1, 2, 3, 4 and 3 more, are gone",
    ),
    "a set with a foreign user": (
        Facts(Kind.SEMAPHORE, [Role(USER, DEAD), Role(USER, FOREIGN)], held=0),
        "unknown: nobody waits, but its last user was a process of another PID namespace",
    ),
    "a set that nobody used": (Facts(Kind.SEMAPHORE, used=False, held=0), "unknown: never used"),
    "a set that may not be read": (
        Facts(Kind.SEMAPHORE, unseen="its semaphores may not be read"),
        "unknown: its semaphores may not be read",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_the_table(name: str) -> None:
    facts, expected = ROWS[name]
    found = judge(facts)
    assert f"{found.state.value}: {found.reason}" == expected
    doubt = facts.held or (facts.unseen and facts.kind is not Kind.SEGMENT)
    assert found.users == (facts.users or (None if doubt else facts.users))


# What is gathered from records. Here processes live whose pid is even, but for 0.
NOTHING = Survey({}, {}, [], "")
CLOSED_SURVEY = Survey({}, {}, [], CLOSED, readable=False)


def life(pid: int, when: int) -> Process:
    return Process(pid, None if pid == 0 else pid % 2 == 0, f"at {when}")


def gathered(record: Record, seen: Survey = NOTHING, unseen: str = "") -> Facts:
    return gather(record, seen, life, lambda _access: unseen)


def queue(*, lspid: int = 0, lrpid: int = 0, stime: int = 0, rtime: int = 0) -> Queue:
    return Queue(1, 2, 0o600, 0, 0, lspid, lrpid, 0, 0, 0, 0, stime, rtime, 50)


def segment(
    *, cpid: int = 1, lpid: int = 0, nattch: int = 0, times: tuple[int, int, int] = (0, 0, 50)
) -> Segment:
    return Segment(1, 2, 0o600, 1, cpid, lpid, nattch, 0, 0, 0, 0, *times)


def semaphores(*pids: int, otime: int = 0, ncount: int = 0, zcount: int = 0) -> SemaphoreSet:
    found = tuple(Semaphore(num, 0, ncount, zcount, pid) for num, pid in enumerate(pids))
    return SemaphoreSet(1, 2, 0o600, len(pids), 0, 0, 0, 0, otime, 50, found)


def roles(facts: Facts) -> list[tuple[str, int, str | None]]:
    return [(role.name, role.process.pid, role.process.command) for role in facts.roles]


def test_what_a_queue_tells() -> None:
    facts = gathered(queue(lspid=3, stime=10, lrpid=5, rtime=20), unseen="hidden")
    assert roles(facts) == [(SENDER, 3, "at 10"), (RECEIVER, 5, "at 20")]
    assert (facts.used, facts.held, facts.users, facts.unseen) == (True, None, [], "hidden")
    assert roles(gathered(queue(stime=10))) == [(SENDER, 0, "at 10")], "of another PID namespace"
    assert not gathered(queue()).used
    assert gathered(queue(), CLOSED_SURVEY).users is None


def test_what_a_segment_tells() -> None:
    facts = gathered(segment(lpid=3, times=(10, 20, 30)))
    assert roles(facts) == [(CREATOR, 1, "at 10"), (USER, 3, "at 20")], "it was made before its use"
    assert (facts.used, facts.held, facts.users) == (True, 0, ())
    facts = gathered(segment())
    assert (roles(facts), facts.used) == ([(CREATOR, 1, "at 50")], False)
    assert gathered(segment(nattch=1), CLOSED_SURVEY).users is None
    assert roles(gathered(segment(times=(10, 0, 50))))[1:] == [(USER, 0, "at 10")]


def test_what_a_set_tells() -> None:
    facts = gathered(semaphores(3, 5, 3, otime=70))
    assert roles(facts) == [(USER, 3, "at 70"), (USER, 5, "at 70")]
    assert (facts.used, facts.held, facts.unseen) == (True, 0, "")
    assert gathered(semaphores(3, 5, 3, otime=70, ncount=1, zcount=1)).held == 6
    assert roles(gathered(semaphores(3))) == [(USER, 3, "at 50")], "SETVAL"
    assert not gathered(semaphores(0, 0)).used
    assert roles(gathered(semaphores(0, otime=5))) == [(USER, 0, None)]
    facts = gathered(semaphores()._replace(semaphores=None))
    assert (facts.held, facts.unseen) == (None, "its semaphores may not be read")
    assert judge(facts).reason == "its semaphores may not be read"


# On real objects.

ATTACH = """
import ctypes, sys, time
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
for flags in {flags}:
    libc.shmat({shmid}, None, flags)
print(flush=True)
time.sleep(60)
"""
NAP = 0.05  # seconds, in which a process gets into its system call


@contextmanager
def running(*command: str, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """A process, and its end."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, **options)  # type: ignore[call-overload] # of any kind
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def attaching(shmid: int, *flags: int, **options: object) -> Iterator[int]:
    """A process that has a segment attached, once for each of the flags; its pid."""
    script = ATTACH.format(shmid=shmid, flags=flags or (0,))
    with running(sys.executable, "-c", script, **options) as process:
        assert process.stdout
        process.stdout.readline()
        yield process.pid


@contextmanager
def waiting(call: str, **options: object) -> Iterator[int]:
    """A process within a system call of the C library; its pid."""
    script = f"import ctypes; l = ctypes.CDLL(None); b = ctypes.create_string_buffer(99); l.{call}"
    with running(sys.executable, "-c", script, **options) as process:
        yield waits(process.pid)


def waits(pid: int) -> int:
    """The process, once it waits in a call of System V; 32-bit calls are told by ours too."""
    calls = ("65 ", "69 ", "70 ", "220 ", "117 ", "401 ", "188 ", "189 ", "192 ", "193 ")
    for _ in range(400):
        if Path(f"/proc/{pid}/syscall").read_text().startswith(calls):
            return pid
        time.sleep(NAP)
    raise TimeoutError(pid)


def found(kind: Kind, object_id: int) -> Evidence:
    """What is said of an object now."""
    survey.cache_clear()
    for listing in proc.completed(proc.read(kind), {"evidence"}):
        ((one),) = listing.select({object_id}).column("evidence")
        return one  # type: ignore[no-any-return] # of a listing
    raise LookupError(object_id)


def state(kind: Kind, object_id: int) -> str:
    return found(kind, object_id).state.value


def by_another(script: str) -> int:
    """What a process that is gone by now has made; its id."""
    done = run(sys.executable, "-c", f"import ctypes; l = ctypes.CDLL(None); {script}")
    assert not done.err
    return int(done.out)


def test_a_segment_whose_creator_lives(objects: Objects) -> None:
    shmid = objects.segment()
    assert found(Kind.SEGMENT, shmid).reason == f"its creator, {me()}, lives"


def me() -> str:
    return f"{os.getpid()} ({Path('/proc/self/comm').read_text().strip()})"


def leaked_segment(objects: Objects) -> int:
    made = by_another("i = l.shmget(0, 4096, 0o1600); l.shmat(i, None, 0); print(i)")
    return objects.adopt(Kind.SEGMENT, made)


def test_a_segment_whose_processes_are_gone(objects: Objects) -> None:
    shmid = leaked_segment(objects)
    pid = kernel.row(Kind.SEGMENT, shmid)["cpid"]
    assert found(Kind.SEGMENT, shmid) == Evidence(
        State.ORPHANED, f"not attached; its creator and last user, {pid}, is gone", ()
    )


def test_a_segment_that_was_only_made(objects: Objects) -> None:
    shmid = objects.adopt(Kind.SEGMENT, by_another("print(l.shmget(0, 4096, 0o1600))"))
    assert state(Kind.SEGMENT, shmid) == "unknown"


@pytest.mark.parametrize("text", [b"", b"\n", b"what is this?\n", b"7 0x1", b"- 0x1 0x2\n"])
def test_what_covers_a_system_call_is_none(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "syscall").write_bytes(text)
    with pytest.raises(OSError, match="Input/output error"):
        _numbers(str(tmp_path))


def test_who_has_a_segment_attached(objects: Objects) -> None:
    shmid = leaked_segment(objects)
    with attaching(shmid, 0, 0o10000) as both, attaching(shmid, 0o10000) as reader:
        seen = found(Kind.SEGMENT, shmid)
        name = Path(f"/proc/{both}/comm").read_text().strip()
        assert seen.state is State.IN_USE
        assert sorted(seen.users or ()) == sorted(
            [
                User(both, name, "attached", 2, read_only=False),
                User(reader, name, "attached", 1, read_only=True),
            ]
        )
        assert seen.reason.startswith("attached 3 times, by ")
        kernel.remove(Kind.SEGMENT, shmid)
        assert state(Kind.SEGMENT, shmid) == "in-use", "removed, and still attached"
    assert shmid not in kernel.ids(Kind.SEGMENT)


def test_a_child_that_outlives_its_parent(objects: Objects) -> None:
    shmid = objects.segment()
    script = (
        "import os; l.shmat.restype = ctypes.c_void_p; l.shmat(%d, None, 0); child = os.fork();"
        "child or (os.closerange(0, 9), __import__('time').sleep(60)); print(child)"
    )
    child = by_another(script % shmid)
    try:
        seen = found(Kind.SEGMENT, shmid)
        assert [user.pid for user in seen.users or ()] == [child]
        assert f"by {child} (" in seen.reason
    finally:
        os.kill(child, signal.SIGKILL)
        while kernel.row(Kind.SEGMENT, shmid)["nattch"] != "0":
            time.sleep(NAP)


def test_a_number_used_again_is_another_process(objects: Objects) -> None:
    """The creator's number, had by one that began long after: told by the times on record."""
    shmid = leaked_segment(objects)
    record = libc.stat(Kind.SEGMENT, shmid)
    assert isinstance(record, Segment)
    with running("sleep", "60") as process:
        aged = record._replace(cpid=process.pid, ctime=record.ctime - 100, atime=record.atime - 100)
        aged = aged._replace(dtime=record.dtime - 100)
        assert next(evidence([aged])).state is State.ORPHANED
        fresh = record._replace(cpid=process.pid)
        assert next(evidence([fresh])).state is State.IN_USE


def test_one_that_has_ended_and_was_not_asked_about(objects: Objects) -> None:
    """A zombie uses nothing."""
    script = "i = l.shmget(0, 4096, 0o1600); l.shmat(i, None, 0); print(i)"
    process = subprocess.Popen(
        [sys.executable, "-c", f"import ctypes; l = ctypes.CDLL(None); {script}"],
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    shmid = objects.adopt(Kind.SEGMENT, int(process.stdout.read()))
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert state(Kind.SEGMENT, shmid) == "orphaned"
    process.communicate()


LEADERLESS = """
import ctypes, os, threading, time
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
room = ctypes.create_string_buffer(99)
def act():
    {act}
    time.sleep(60)
threading.Thread(target=act).start()
print(flush=True)
libc.syscall(60, 0)  # exit(2) of this thread alone
"""


@contextmanager
def leaderless(act: str) -> Iterator[int]:
    """A process whose first thread has ended, and another goes on."""
    if os.uname().machine != "x86_64":
        pytest.skip("exit(2) has the number of x86-64 here")
    with running(sys.executable, "-c", LEADERLESS.format(act=act)) as process:
        assert process.stdout
        process.stdout.readline()
        while ") Z " not in Path(f"/proc/{process.pid}/stat").read_text():
            time.sleep(NAP)
        yield process.pid


def test_a_leader_that_has_ended_before_its_threads(objects: Objects) -> None:
    """The process goes on, though its number has the state of a zombie."""
    shmid = leaked_segment(objects)
    detach = f"libc.shmdt(ctypes.c_void_p(libc.shmat({shmid}, None, 0)))"
    with leaderless(detach) as pid:
        while int(kernel.row(Kind.SEGMENT, shmid)["lpid"]) != pid:
            time.sleep(NAP)
        assert found(Kind.SEGMENT, shmid).reason.startswith(f"its last user, {pid} (")
    with leaderless(f"libc.shmat({shmid}, None, 0)") as pid:
        while kernel.row(Kind.SEGMENT, shmid)["nattch"] == "0":
            time.sleep(NAP)
        assert [user.pid for user in found(Kind.SEGMENT, shmid).users or ()] == [pid]


def test_a_thread_that_waits_without_its_leader(objects: Objects) -> None:
    msqid = suspect_queue(objects)
    with leaderless(f"libc.msgrcv({msqid}, room, 9, 99, 0)") as pid:
        time.sleep(4 * NAP)
        assert [user.pid for user in found(Kind.QUEUE, msqid).users or ()] == [pid]


@pytest.mark.root
def test_a_thread_in_a_namespace_of_its_own(objects: Objects) -> None:
    """It waits on another queue of that number; and one that stayed, on this."""
    msqid = suspect_queue(objects)
    script = """
import ctypes, os, threading, time
libc = ctypes.CDLL(None)
def wait(alone):
    if alone:
        assert libc.unshare(0x08000000) == 0
        while libc.msgget(0, 0o1600) & 0x7fff != {0} & 0x7fff: pass
        print("alone", flush=True)
    libc.msgrcv({0} & 0x7fff if alone else {0}, ctypes.create_string_buffer(9), 1, 99, 0)
threading.Thread(target=wait, args=[True], daemon=True).start()
{1}
time.sleep(60)
"""
    for stays in (False, True):
        more = "threading.Thread(target=wait, args=[False], daemon=True).start()" if stays else ""
        with running(sys.executable, "-c", script.format(msqid, more)) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(4 * NAP)
            seen = found(Kind.QUEUE, msqid)
            assert [user.times for user in seen.users or ()] == [1] * stays


def test_a_file_named_like_a_segment(objects: Objects, tmp_path: Path) -> None:
    shmid = objects.segment()
    script = (
        "import mmap, os, sys, time; path = 'SYSV00000000 (deleted)'; f = open(path, 'w+b');"
        "f.truncate(4096); m = mmap.mmap(f.fileno(), 4096); print(flush=True); time.sleep(60)"
    )
    with (
        running(sys.executable, "-c", script, cwd=tmp_path) as process,
        attaching(shmid) as real,
    ):
        assert process.stdout
        process.stdout.readline()
        assert "SYSV00000000 (deleted)" in Path(f"/proc/{process.pid}/maps").read_text()
        assert [user.pid for user in found(Kind.SEGMENT, shmid).users or ()] == [real]
        survey.cache_clear()
        seen = survey().users.values()
        assert process.pid not in {user.pid for users in seen for user in users}


def test_another_ipc_namespace_has_the_same_ids(objects: Objects) -> None:
    shmid = leaked_segment(objects)
    unshare = need_tool("unshare")
    script = (
        "import ctypes, time; l = ctypes.CDLL(None); l.shmat.restype = ctypes.c_void_p\n"
        f"while (i := l.shmget(0, 4096, 0o1600)) & 0x7fff != {shmid} & 0x7fff: pass\n"
        "l.shmat(i, None, 0); print(i, flush=True); time.sleep(60)"
    )
    private = [unshare, "--ipc"] if IS_ROOT else [unshare, "--user", "--ipc"]
    with running(*private, sys.executable, "-c", script) as process:
        assert process.stdout
        process.stdout.readline()
        seen = found(Kind.SEGMENT, shmid)
        assert (seen.state, seen.users) == (State.ORPHANED, ())


def suspect_queue(objects: Objects, mode: int = 0o600) -> int:
    return objects.adopt(
        Kind.QUEUE,
        by_another(f"i = l.msgget(0, 0o1{mode:o}); l.msgsnd(i, b'1234567890', 1, 0); print(i)"),
    )


def test_a_queue_whose_processes_are_gone(objects: Objects) -> None:
    msqid = suspect_queue(objects)
    seen = found(Kind.QUEUE, msqid)
    if seen.state is State.UNKNOWN and not (IS_ROOT and is_initial("pid")):
        assert re.search("could not be looked at|cannot be seen", seen.reason)
    else:
        assert seen.state is State.SUSPECT
        assert "its last sender" in seen.reason


def test_a_queue_that_nobody_used(objects: Objects) -> None:
    assert found(Kind.QUEUE, objects.queue()).reason.startswith("never used")


def test_a_queue_whose_sender_lives(objects: Objects) -> None:
    msqid = objects.queue()
    kernel.send(msqid)
    assert found(Kind.QUEUE, msqid).reason == f"its last sender, {me()}, lives"


def test_who_waits_for_a_message(objects: Objects) -> None:
    msqid = suspect_queue(objects)
    with waiting(f"msgrcv({msqid}, b, 9, 99, 0)") as pid:
        seen = found(Kind.QUEUE, msqid)
        assert (seen.state, [(one.pid, one.does) for one in seen.users or ()]) == (
            State.IN_USE,
            [(pid, "receive")],
        )
        os.kill(pid, signal.SIGSTOP)
        time.sleep(NAP)
        assert state(Kind.QUEUE, msqid) == "in-use", "stopped, and still within the call"


def test_a_state_and_what_speaks_for_it_are_of_one_look(objects: Objects) -> None:
    """What a filter keeps as suspect has no column, asked for later, that says otherwise."""
    msqid = suspect_queue(objects)
    survey.cache_clear()
    judged = [one.select({msqid}) for one in proc.completed(proc.read(Kind.QUEUE), {"state"})]
    with waiting(f"msgrcv({msqid}, b, 9, 99, 0)"):
        for listing in proc.completed(judged, {"evidence"}):
            states = [one.state for one in listing.column("evidence")]
            assert states == listing.column("state") != [State.IN_USE]
        assert state(Kind.QUEUE, msqid) == "in-use"


def test_who_waits_for_room(objects: Objects) -> None:
    msqid = objects.queue()
    libc.change(Kind.QUEUE, msqid, qbytes=8)
    with waiting(f"msgsnd({msqid}, b'12345678' * 3, 16, 0)") as pid:
        assert [(one.pid, one.does) for one in found(Kind.QUEUE, msqid).users or ()] == [
            (pid, "send")
        ]


def test_each_thread_that_waits_counts(objects: Objects) -> None:
    msqid = objects.queue()
    script = (
        "import ctypes, threading; l = ctypes.CDLL(None)\n"
        f"def wait(): l.msgrcv({msqid}, ctypes.create_string_buffer(99), 9, 0, 0)\n"
        "for _ in range(3): threading.Thread(target=wait, daemon=True).start()\n"
        "print(flush=True); input()"
    )
    with running(sys.executable, "-c", script, stdin=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        time.sleep(4 * NAP)
        (user,) = found(Kind.QUEUE, msqid).users or ()
        assert (user.pid, user.times) == (process.pid, 3)


@pytest.mark.parametrize(("operation", "count"), [(-1, "ncount"), (0, "zcount")])
def test_who_waits_on_a_semaphore(objects: Objects, operation: int, count: str) -> None:
    semid = objects.semaphores()
    if not operation:
        libc.set_value(semid, 0, 1)
    word = (operation & 0xFFFF).to_bytes(2, "little")
    with waiting(f"semop({semid}, {b'00' + word + b'00'!r}.replace(b'0', bytes(1)), 1)") as pid:
        (semaphore,) = libc.semaphores(semid, 1)
        assert getattr(semaphore, count) == 1
        seen = found(Kind.SEMAPHORE, semid)
        assert [user.pid for user in seen.users or ()] == [pid]
        assert "waits on it" in seen.reason


def test_a_set_whose_processes_are_gone(objects: Objects) -> None:
    script = "i = l.semget(0, 3, 0o1600); l.semctl(i, 1, 16, 1); print(i)"
    semid = objects.adopt(Kind.SEMAPHORE, by_another(script))
    assert state(Kind.SEMAPHORE, semid) == "suspect"
    libc.set_value(semid, 2, 1)
    assert found(Kind.SEMAPHORE, semid).reason == f"its last user, {me()}, lives"


def test_a_set_that_nobody_used(objects: Objects) -> None:
    assert found(Kind.SEMAPHORE, objects.semaphores()).reason == "never used"


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the calls of i386")
@pytest.mark.parametrize("args", [[], ["direct"]])
def test_a_program_of_32_bits_waits(objects: Objects, tmp_path: Path, args: list[str]) -> None:
    msqid = suspect_queue(objects)
    program = tmp_path / "narrow"
    run(need_tool("cc"), "-o", str(program), str(Path(__file__).parents[1] / "c" / "narrow.c"))
    with running(str(program), str(msqid), *args) as process:
        try:
            waits(process.pid)
        except (TimeoutError, FileNotFoundError, ProcessLookupError):
            pytest.skip("this kernel runs no program of 32 bits")
        assert [(one.pid, one.does) for one in found(Kind.QUEUE, msqid).users or ()] == [
            (process.pid, "receive")
        ]


LOOK = (
    "import os; from pyipcs.model import Kind; from pyipcs.sysv import libc;"
    "from pyipcs.sysv.state import evidence;"
)


@pytest.mark.root
def test_who_may_not_be_looked_at_is_named(objects: Objects) -> None:
    """Nobody sees that root waits; on what root alone may use, too, for root may use all."""
    msqid = suspect_queue(objects, 0o666)
    script = (
        f"{LOOK} os.setgid(65534); os.setgroups([]); os.setuid(65534);"
        f"e = next(evidence([libc.stat(Kind.QUEUE, {msqid})])); print(e.state.value, e.reason)"
    )
    seen = run(sys.executable, "-c", script).out
    assert seen.startswith("unknown its last sender")
    assert "could not be looked at, and may wait on it" in seen


@pytest.mark.root
@pytest.mark.parametrize(("egid", "fsgid"), [(12, 13), (13, 12)])
def test_a_group_is_the_kernels(objects: Objects, egid: int, fsgid: int) -> None:
    """Whether a process may wait on an object goes by its file system group (setfsgid(2))."""
    msqid = objects.queue(mode=0o060)
    libc.change(Kind.QUEUE, msqid, gid=13)
    script = (
        "import ctypes, os, time; l = ctypes.CDLL(None); os.setgroups([]);"
        f"os.setgid({egid}); l.setfsgid({fsgid}); os.setuid(65534);"
        f"print(l.msgsnd({msqid}, bytes([1] * 8), 0, 0), flush=True); time.sleep(60)"
    )
    with running(sys.executable, "-c", script) as process:
        assert process.stdout
        kernel_lets_it = process.stdout.readline() == b"0\n"
        (stranger,) = _stranger(process.pid, None)
    assert stranger.may_use(Access.to(libc.stat(Kind.QUEUE, msqid)), None) is kernel_lets_it
    assert kernel_lets_it is (fsgid == 13)


@pytest.mark.root
def test_a_hidden_proc_is_told(objects: Objects) -> None:
    """With hidepid, nobody sees no other user's process, and knows so."""
    msqid, shmid = suspect_queue(objects, 0o666), objects.segment()
    script = (
        f"{LOOK} os.setgid(65534); os.setgroups([]); os.setuid(65534);"
        f"q, s = libc.stat(Kind.QUEUE, {msqid}), libc.stat(Kind.SEGMENT, {shmid});"
        "print(*(f'{e.state.value} {e.reason}' for e in evidence([q, s])), sep='\\n')"
    )
    mount = f'mount -t proc -o hidepid=2 proc /proc && exec {sys.executable} -c "$0"'
    done = run(need_tool("unshare"), "--mount", "sh", "-c", mount, script)
    queue_seen, segment_seen = done.out.splitlines()
    assert queue_seen.startswith("unknown its last sender")
    assert queue_seen.endswith("but processes of other users are hidden (hidepid)")
    assert segment_seen == (
        f"unknown not attached, but whether its creator, {os.getpid()}, lives cannot be seen"
    )


@pytest.mark.root
def test_another_pid_namespace(objects: Objects) -> None:
    """There, our pids read 0; of what waits here nothing is to be seen there."""
    shmid, msqid = leaked_segment(objects), suspect_queue(objects)
    script = (
        f"{LOOK} q, s = libc.stat(Kind.QUEUE, {msqid}), libc.stat(Kind.SEGMENT, {shmid});"
        "print(*(f'{e.state.value} {e.reason}' for e in evidence([q, s])), sep='\\n')"
    )
    unshare = need_tool("unshare")
    foreign = "was a process of another PID namespace"
    for options, expected in (
        (
            ["--pid", "--fork", "--mount-proc"],
            [
                f"unknown nobody waits, but its last sender {foreign}",
                f"unknown not attached, but its creator and last user {foreign}",
            ],
        ),
        (["--pid", "--fork"], ["unknown /proc cannot be read, or is of another PID namespace"] * 2),
    ):
        done = run(unshare, *options, sys.executable, "-c", script)
        assert done.out.splitlines() == expected, done.err


@pytest.mark.parametrize("error", ["EMFILE", "ENOMEM", "EIO", "EACCES"])
def test_what_fails_is_no_proof(objects: Objects, error: str) -> None:
    """Of a process that cannot be looked at, for whatever reason, nothing is taken for granted."""
    msqid = suspect_queue(objects, 0o666)
    inject = ["-f", "-o", "/dev/null", "-P", f"/proc/{os.getpid()}/task"]
    inject += ["-e", "trace=openat", "-e", f"inject=openat:error={error}"]
    pyipcs = str(Path(sys.executable).with_name("pyipcs"))
    args = ("list", "-q", "-o", "STATE,REASON", "--noheadings")
    done = run(need_tool("strace"), *inject, pyipcs, *args)
    line = done.out.splitlines()[[*kernel.ids(Kind.QUEUE)].index(msqid)]
    assert line.startswith("unknown its last sender")
    assert "could not be looked at, and may wait on it" in line
    removed = run(need_tool("strace"), *inject, pyipcs, "rm", "-a", "--suspect")
    assert (removed.status, msqid in kernel.ids(Kind.QUEUE)) == (0, True)


def test_one_pass_over_proc(objects: Objects) -> None:
    """However many objects there are, each process is looked at once."""
    made = [objects.queue(), objects.queue(), objects.segment(), objects.semaphores()]
    strace = need_tool("strace")
    pyipcs = str(Path(sys.executable).with_name("pyipcs"))
    args = ("list", "-o", "ID,STATE,ATTACHED,WAITERS,REASON")
    trace = run(strace, "-f", "-e", "trace=file", pyipcs, *args)
    assert trace.out.count("\n") >= len(made)
    opened = [line for line in trace.err.splitlines() if "openat(" in line]
    for name in ("maps", "task"):
        assert "".join(opened).count(f'"/proc/{os.getpid()}/{name}"') == 1
    assert trace.err.count(f'"/proc/{os.getpid()}/ns/ipc"') == 1
    assert trace.err.count('"/proc/self/ns/ipc"') < 3 * len(Kind), "not once a process"
    plain = run(strace, "-f", "-e", "trace=openat", pyipcs, "list", "-o", "ID,NATTCH")
    assert f"/proc/{os.getpid()}/" not in plain.err
