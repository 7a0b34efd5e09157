"""States of real objects, with the processes that use them."""

import os
import re
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyipcs.listing import listing_of
from pyipcs.model import SYSV, Kind, Segment, State
from pyipcs.query.complete import Requirement, complete
from pyipcs.sysv import libc, procfs
from pyipcs.sysv.namespace import is_initial
from pyipcs.usage.scan import expire, scan
from pyipcs.usage.state import UsageState, evidence
from pyipcs.usage.users import Access, User
from tests.kit import kernel
from tests.kit.factories import (
    ask_departed,
    attaching,
    created_by_departed,
    fork_child,
    leaked_segment,
    read_line,
    running,
    scripted,
    suspect_queue,
    thread_in_waiting_call,
    waiting,
    waiting_threads,
)
from tests.kit.kernel import IPC_CREAT, IPC_EXCL, IS_ROOT, NOBODY, Objects, attached
from tests.kit.posix import ShmFiles, bind, child_in, own_mounts
from tests.kit.program import PYIPCS, elsewhere, need_tool, run
from tests.kit.wait import exit_code, wait_for_state, wait_until

SETVAL = 16  # semctl(2)
# exit(2), which ends one thread.
EXIT_CALLS = {"x86_64": 60, "aarch64": 93}


def collect_evidence(kind: Kind, object_id: int) -> UsageState:
    """Return the evidence of an object from a new scan of /proc."""
    expire()
    for listing in complete(procfs.read(kind), {Requirement.EVIDENCE}):
        (only,) = listing.select({object_id}).column("evidence")
        return only  # type: ignore[no-any-return] # of a listing
    raise LookupError(object_id)


def collect_state(kind: Kind, object_id: int) -> State:
    return collect_evidence(kind, object_id).state


def waiting_users(kind: Kind, object_id: int) -> list[tuple[int, str]]:
    return [(user.pid, user.does) for user in collect_evidence(kind, object_id).users or ()]


def own_name() -> str:
    return f"{os.getpid()} ({Path('/proc/self/comm').read_text().strip()})"


def create_used_segment() -> int:
    shmid = int(kernel.libc.shmget(0, 4096, IPC_CREAT | IPC_EXCL | 0o600))
    with attached(shmid):
        return shmid


def test_evidence_of_segment_with_living_creator_is_in_use(objects: Objects) -> None:
    shmid = objects.segment()
    assert collect_evidence(Kind.SEGMENT, shmid) == UsageState(
        State.IN_USE, f"its creator, {own_name()}, lives", ()
    )


def test_evidence_of_segment_with_creator_gone_is_orphaned(objects: Objects) -> None:
    shmid = leaked_segment(objects)
    pid = kernel.row(Kind.SEGMENT, shmid)["cpid"]
    assert collect_evidence(Kind.SEGMENT, shmid) == UsageState(
        State.ORPHANED,
        f"not attached; its creator and last user, {pid}, is gone; it is private",
        (),
    )


def test_evidence_of_segment_never_attached_is_unknown(objects: Objects) -> None:
    shmid = leaked_segment(objects, used=False)
    assert collect_state(Kind.SEGMENT, shmid) is State.UNKNOWN


def test_evidence_of_attached_segment_names_its_users(objects: Objects) -> None:
    shmid = leaked_segment(objects)
    with attaching(shmid, 0, 0o10000) as both, attaching(shmid, 0o10000) as reader:
        seen = collect_evidence(Kind.SEGMENT, shmid)
        name = Path(f"/proc/{both}/comm").read_text().strip()
        assert seen.state is State.IN_USE
        assert sorted(seen.users or ()) == sorted(
            [
                User(both, name, "attached", 2, read_only=False),
                User(reader, name, "attached", 1, read_only=True),
            ]
        )
        assert seen.reason.startswith("attached 3 times, by ")


def test_evidence_of_removed_segment_still_attached_is_in_use(objects: Objects) -> None:
    shmid = leaked_segment(objects)
    with attaching(shmid):
        kernel.remove(Kind.SEGMENT, shmid)
        assert collect_state(Kind.SEGMENT, shmid) is State.IN_USE
    # A process that reads the maps of another delays the end of its attachments.
    wait_until(lambda: shmid not in kernel.ids(Kind.SEGMENT))


def test_evidence_of_segment_attached_by_orphaned_child_names_the_child(objects: Objects) -> None:
    shmid = objects.segment()

    def attach_and_fork() -> int:
        kernel.libc.shmat(shmid, None, 0)
        child = os.fork()
        if child == 0:
            os.closerange(0, 256)
            time.sleep(600)
            os._exit(0)
        return child

    child = created_by_departed(attach_and_fork)
    try:
        wait_until(lambda: kernel.row(Kind.SEGMENT, shmid)["nattch"] == "1")
        seen = collect_evidence(Kind.SEGMENT, shmid)
        assert [user.pid for user in seen.users or ()] == [child]
        assert f"by {child} (" in seen.reason
    finally:
        os.kill(child, signal.SIGKILL)
        wait_until(lambda: kernel.row(Kind.SEGMENT, shmid)["nattch"] == "0")


def test_evidence_of_segment_whose_creators_pid_was_reused_is_orphaned(objects: Objects) -> None:
    """A process that started long after the times on record is another one."""
    record = libc.stat(Kind.SEGMENT, leaked_segment(objects))
    assert isinstance(record, Segment)
    with running("sleep", "600") as process:
        now = int(time.time())
        recent = record._replace(cpid=process.pid, ctime=now, atime=now, dtime=now)
        assert next(evidence(listing_of(Kind.SEGMENT, [recent]))).state is State.IN_USE
        before = record.ctime - 100
        old = record._replace(cpid=process.pid, ctime=before, atime=before, dtime=before)
        assert next(evidence(listing_of(Kind.SEGMENT, [old]))).state is State.ORPHANED


def test_evidence_of_segment_with_zombie_creator_is_orphaned(objects: Objects) -> None:
    read, write = os.pipe()
    zombie = fork_child(lambda: os.write(write, b"%d" % create_used_segment()))
    try:
        wait_for_state(zombie, "Z")
        shmid = objects.adopt(Kind.SEGMENT, int(os.read(read, 20)))
        assert collect_state(Kind.SEGMENT, shmid) is State.ORPHANED
    finally:
        assert exit_code(zombie) == 0
        os.close(read)
        os.close(write)


@contextmanager
def leaderless(act: str) -> Iterator[int]:
    """Run a process whose first thread has ended; yield its pid."""
    if not (number := EXIT_CALLS.get(os.uname().machine)):
        pytest.skip(f"no number of exit(2) for {os.uname().machine}")
    script = (
        f"def act():\n    {act}\n    time.sleep(600)\n"
        f"threading.Thread(target=act).start()\nlibc.syscall({number}, 0)"
    )
    with scripted(script) as process:
        wait_for_state(process.pid, "Z")
        yield process.pid


def test_evidence_of_segment_names_user_whose_leader_ended(objects: Objects) -> None:
    """The process continues, although its pid has the state of a zombie."""
    shmid = leaked_segment(objects)
    with leaderless(f"libc.shmdt(ctypes.c_void_p(libc.shmat({shmid}, None, 0)))") as pid:
        wait_until(lambda: kernel.row(Kind.SEGMENT, shmid)["lpid"] == str(pid))
        wait_until(lambda: kernel.row(Kind.SEGMENT, shmid)["nattch"] == "0")
        assert collect_evidence(Kind.SEGMENT, shmid).reason.startswith(f"its last user, {pid} (")


def test_evidence_of_segment_names_attached_process_whose_leader_ended(objects: Objects) -> None:
    shmid = leaked_segment(objects)
    with leaderless(f"libc.shmat({shmid}, None, 0)") as pid:
        wait_until(lambda: kernel.row(Kind.SEGMENT, shmid)["nattch"] == "1")
        users = collect_evidence(Kind.SEGMENT, shmid).users or ()
        assert [user.pid for user in users] == [pid]


def test_evidence_of_queue_names_waiting_process_whose_leader_ended(objects: Objects) -> None:
    msqid = suspect_queue(objects)
    with leaderless(f"libc.msgrcv({msqid}, room, 9, 99, 0)") as pid:
        wait_until(lambda: thread_in_waiting_call(pid))
        assert waiting_users(Kind.QUEUE, msqid) == [(pid, "receive")]


@pytest.mark.root
@pytest.mark.parametrize("stays", [False, True])
def test_evidence_of_queue_ignores_thread_of_another_ipc_namespace(
    objects: Objects, stays: bool
) -> None:
    """The other thread waits on another queue with the same id."""
    msqid = suspect_queue(objects)
    alone = (
        "def wait_alone():\n"
        "    assert libc.unshare(0x08000000) == 0\n"
        f"    while (msqid := libc.msgget(0, 0o1600)) & 0x7fff != {msqid} & 0x7fff:\n"
        "        assert msqid >= 0\n"
        "    libc.msgrcv(msqid, ctypes.create_string_buffer(9), 1, 99, 0)\n"
        "threading.Thread(target=wait_alone, daemon=True).start()\n"
    )
    here = f"libc.msgrcv({msqid}, room, 1, 99, 0)" if stays else "time.sleep(600)"
    with scripted(alone + here) as process:
        wait_until(lambda: waiting_threads(process.pid) == 1 + stays)
        users = collect_evidence(Kind.QUEUE, msqid).users or ()
        assert [(user.pid, user.times) for user in users] == [(process.pid, 1)] * stays


def test_evidence_of_segment_ignores_a_file_with_a_segments_name(
    objects: Objects, tmp_path: Path
) -> None:
    shmid = objects.segment()
    script = (
        "import mmap\nfile = open('SYSV00000000 (deleted)', 'w+b')\nfile.truncate(4096)\n"
        "mapping = mmap.mmap(file.fileno(), 4096)\nprint(flush=True)\ntime.sleep(600)"
    )
    with scripted(script, cwd=tmp_path) as process, attaching(shmid) as real:
        read_line(process)
        assert "SYSV00000000 (deleted)" in Path(f"/proc/{process.pid}/maps").read_text()
        users = collect_evidence(Kind.SEGMENT, shmid).users or ()
        assert [user.pid for user in users] == [real]
        everyone = scan().users.values()
        assert process.pid not in {user.pid for users in everyone for user in users}


@pytest.mark.tools("unshare")
def test_evidence_of_segment_ignores_the_same_id_of_another_ipc_namespace(
    objects: Objects, isolated: None
) -> None:
    shmid = leaked_segment(objects)
    script = (
        f"while (shmid := libc.shmget(0, 4096, 0o1600)) & 0x7fff != {shmid} & 0x7fff:\n"
        "    assert shmid >= 0\n"
        "libc.shmat(shmid, None, 0)\nprint('attached', flush=True)\ntime.sleep(600)"
    )
    unshare = ["unshare", "--ipc"] if IS_ROOT else ["unshare", "--user", "--ipc"]
    with scripted(script, unshare) as process:
        assert read_line(process) == "attached\n"
        seen = collect_evidence(Kind.SEGMENT, shmid)
        assert (seen.state, seen.users) == (State.ORPHANED, ())


def test_evidence_of_queue_with_sender_gone_is_suspect(objects: Objects) -> None:
    """It is unknown where processes of other users cannot be read."""
    seen = collect_evidence(Kind.QUEUE, suspect_queue(objects))
    if seen.state is State.UNKNOWN and not (IS_ROOT and is_initial("pid")):
        assert re.search("could not be examined|cannot be seen", seen.reason)
    else:
        assert seen.state is State.SUSPECT
        assert "its last sender" in seen.reason


def test_evidence_of_queue_never_used_gives_reason(objects: Objects) -> None:
    assert collect_evidence(Kind.QUEUE, objects.queue()).reason.startswith("never used")


def test_evidence_of_queue_with_living_sender_names_it(objects: Objects) -> None:
    msqid = objects.queue()
    kernel.send(msqid)
    assert collect_evidence(Kind.QUEUE, msqid).reason == f"its last sender, {own_name()}, lives"


def test_evidence_of_queue_names_waiting_receiver(objects: Objects) -> None:
    msqid = suspect_queue(objects)
    with waiting(f"msgrcv({msqid}, room, 9, 99, 0)") as pid:
        assert waiting_users(Kind.QUEUE, msqid) == [(pid, "receive")]
        assert collect_state(Kind.QUEUE, msqid) is State.IN_USE


def test_list_state_of_queues_with_equal_records_differs_by_the_waiting_process(
    objects: Objects,
) -> None:
    """Queues with equal records are classified once, unless a process waits on one of them."""
    used, *others = sorted(objects.queue() for _ in range(3))
    with waiting(f"msgrcv({used}, room, 9, 99, 0)"):
        expire()
        found: dict[int | str, State] = {}
        for listing in complete(procfs.read(Kind.QUEUE), {Requirement.STATE}):
            found |= dict(zip(listing.ids, listing.column("state"), strict=True))
        assert found[used] is State.IN_USE
        assert {found[other] for other in others} == {State.UNKNOWN}


def test_evidence_of_queue_with_stopped_receiver_is_in_use(objects: Objects) -> None:
    """A stopped process is still within its system call."""
    msqid = suspect_queue(objects)
    with waiting(f"msgrcv({msqid}, room, 9, 99, 0)") as pid:
        os.kill(pid, signal.SIGSTOP)
        wait_for_state(pid, "T")
        assert collect_state(Kind.QUEUE, msqid) is State.IN_USE


def test_evidence_of_queue_names_waiting_sender(objects: Objects) -> None:
    msqid = objects.queue()
    libc.change(Kind.QUEUE, msqid, qbytes=8)
    with waiting(f"msgsnd({msqid}, b'12345678' * 3, 16, 0)") as pid:
        assert waiting_users(Kind.QUEUE, msqid) == [(pid, "send")]


def test_evidence_of_queue_counts_waiting_threads(objects: Objects) -> None:
    msqid = objects.queue()
    script = (
        f"def wait(): libc.msgrcv({msqid}, ctypes.create_string_buffer(99), 9, 0, 0)\n"
        "for _ in range(3): threading.Thread(target=wait, daemon=True).start()\n"
        "time.sleep(600)"
    )
    with scripted(script) as process:
        wait_until(lambda: waiting_threads(process.pid) == 3)
        (user,) = collect_evidence(Kind.QUEUE, msqid).users or ()
        assert (user.pid, user.times) == (process.pid, 3)


def test_evidence_after_state_is_of_the_same_scan(objects: Objects) -> None:
    """No column contradicts the state by which a filter selected the object."""
    msqid = suspect_queue(objects)
    expire()
    classified = [
        each.select({msqid}) for each in complete(procfs.read(Kind.QUEUE), {Requirement.STATE})
    ]
    with waiting(f"msgrcv({msqid}, room, 9, 99, 0)"):
        for listing in complete(classified, {Requirement.EVIDENCE}):
            states = [each.state for each in listing.column("evidence")]
            assert states == listing.column("state") != [State.IN_USE]
        assert collect_state(Kind.QUEUE, msqid) is State.IN_USE


@pytest.mark.parametrize(("operation", "count"), [(-1, "ncount"), (0, "zcount")])
def test_evidence_of_set_names_waiting_process(
    objects: Objects, operation: int, count: str
) -> None:
    semid = objects.semaphores()
    if not operation:
        libc.set_value(semid, 0, 1)
    with waiting(f"semop({semid}, {struct.pack('Hhh', 0, operation, 0)!r}, 1)") as pid:
        wait_until(lambda: getattr(libc.semaphores(semid, 1)[0], count) == 1)
        assert waiting_users(Kind.SEMAPHORE, semid) == [(pid, "operation")]
        assert "waits on it" in collect_evidence(Kind.SEMAPHORE, semid).reason


@pytest.mark.root
def test_evidence_of_set_with_user_gone_is_suspect(objects: Objects) -> None:
    """Pid 0 on a semaphore means no user, or one of another PID namespace."""

    def create() -> int:
        semid = int(kernel.libc.semget(0, 3, IPC_CREAT | IPC_EXCL | 0o600))
        kernel.libc.semctl(semid, 1, SETVAL, 1)
        return semid

    semid = objects.adopt(Kind.SEMAPHORE, created_by_departed(create))
    expected = State.SUSPECT if is_initial("pid") else State.UNKNOWN
    assert collect_state(Kind.SEMAPHORE, semid) is expected
    libc.set_value(semid, 2, 1)
    reason = collect_evidence(Kind.SEMAPHORE, semid).reason
    assert reason == f"its last user, {own_name()}, lives"


@pytest.mark.root
@pytest.mark.all_processes
def test_evidence_of_set_never_used_gives_reason(objects: Objects) -> None:
    assert collect_evidence(Kind.SEMAPHORE, objects.semaphores()).reason == "never used"


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Compile a program that waits on a queue with the system calls of i386."""
    if os.uname().machine != "x86_64":
        pytest.skip("the calls of i386 are those of x86-64 alone")
    program = str(tmp_path_factory.mktemp("c") / "narrow")
    source = str(Path(__file__).parents[1] / "c" / "narrow.c")
    done = run(need_tool("cc"), "-o", program, source)
    assert done.status == 0, done.err
    return program


@pytest.mark.parametrize("args", [[], ["direct"]], ids=["ipc", "msgrcv"])
def test_evidence_of_queue_names_waiting_32_bit_process(
    objects: Objects, narrow: str, args: list[str]
) -> None:
    msqid = objects.queue()
    with running(narrow, str(msqid), *args) as process:
        wait_until(lambda: process.poll() is not None or thread_in_waiting_call(process.pid))
        if process.poll() is not None:
            pytest.skip("this kernel runs no program of 32 bits")
        assert waiting_users(Kind.QUEUE, msqid) == [(process.pid, "receive")]


@pytest.mark.parametrize(
    ("content", "is_readable"),
    [
        (b"running\n", True),
        (b"", False),
        (b"\n", False),
        (b"what is this?\n", False),
        (b"7 0x1", False),
        (b"- 0x1 0x2\n", False),
    ],
)
def test_scan_of_process_with_a_covered_file_finds_it_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, is_readable: bool
) -> None:
    """A container may mount another file over /proc/PID/syscall."""
    cover = tmp_path / "syscall"
    cover.write_bytes(content)
    covered = re.compile(rf"/proc/{os.getpid()}/task/\d+/syscall")

    def open_covered(path: str, flags: int, mode: int = 0o777, opened: Callable = os.open) -> int:  # type: ignore[type-arg] # os.open
        return int(opened(str(cover) if covered.fullmatch(str(path)) else path, flags, mode))

    monkeypatch.setattr(os, "open", open_covered)
    expire()
    unreadable = {process.pid for process in scan(attached=False).unreadable}
    assert (os.getpid() not in unreadable) is is_readable


def become_nobody() -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


@pytest.mark.root
@pytest.mark.all_processes
def test_evidence_of_queue_names_unreadable_processes(objects: Objects) -> None:
    """The user nobody cannot see whether a process of root waits."""
    msqid = suspect_queue(objects, mode=0o666)

    def ask() -> str:
        become_nobody()
        seen = collect_evidence(Kind.QUEUE, msqid)
        return f"{seen.state.value} {seen.reason}"

    answer = ask_departed(ask)
    assert answer.startswith("unknown its last sender")
    assert "could not be examined, and may wait on it" in answer


@pytest.mark.root
@pytest.mark.parametrize(("egid", "fsgid"), [(12, 13), (13, 12)])
def test_scan_of_unreadable_process_goes_by_its_fsgid(
    objects: Objects, egid: int, fsgid: int
) -> None:
    """The kernel checks the file system group for access (setfsgid(2))."""
    msqid = objects.queue(mode=0o060)
    libc.change(Kind.QUEUE, msqid, gid=13)
    access = Access.to(libc.stat(Kind.QUEUE, msqid))
    script = (
        f"os.setgroups([])\nos.setgid({egid})\nlibc.setfsgid({fsgid})\nos.setuid({NOBODY})\n"
        f"print(libc.msgsnd({msqid}, bytes([1] * 8), 0, 0), flush=True)\ntime.sleep(600)"
    )
    with scripted(script) as process:
        can_send = read_line(process) == "0\n"

        def ask() -> str:
            become_nobody()
            expire()
            unseen = scan(attached=False).from_here().unseen(access)
            return str(process.pid in {each.pid for each in unseen})

        assert ask_departed(ask) == str(can_send)
    assert can_send is (fsgid == 13)


# Prints the states and reasons of the objects {0}, which are expressions.
REPORT = """
from pyipcs.model import Kind
from pyipcs.sysv import libc
from pyipcs.usage.state import evidence_of
for record in [{0}]:
    seen = evidence_of(record)
    print(seen.state.value, seen.reason)
"""


def report_on(msqid: int, shmid: int) -> str:
    return REPORT.format(f"libc.stat(Kind.QUEUE, {msqid}), libc.stat(Kind.SEGMENT, {shmid})")


@pytest.mark.root
@pytest.mark.tools("unshare", "mount")
@pytest.mark.all_processes
def test_evidence_with_hidepid_is_unknown(objects: Objects, isolated: None) -> None:
    msqid, shmid = suspect_queue(objects, mode=0o666), objects.segment()
    nobody = f"import os; os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})"
    # Imported before the user changes, because the user nobody may have no access to the modules.
    imports = (
        "import pyipcs.posix.places, pyipcs.process.mountinfo, pyipcs.sysv.hugepages, "
        "pyipcs.sysv.libc, pyipcs.usage.state"
    )
    script = f"{imports}\n{nobody}\n{report_on(msqid, shmid)}"
    mount = f'mount -t proc -o hidepid=2 proc /proc && exec {sys.executable} -c "$0"'
    done = run("unshare", "--mount", "sh", "-c", mount, script)
    queue, segment = done.out.splitlines()
    assert queue.startswith("unknown its last sender")
    assert queue.endswith("but processes of other users are hidden (hidepid)")
    assert segment == (
        f"unknown not attached, but whether its creator, {os.getpid()}, lives cannot be seen"
    )


FOREIGN = "was a process of another PID namespace"


@pytest.mark.root
@pytest.mark.tools("unshare")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            ["--pid", "--fork", "--mount-proc"],
            [
                f"unknown nobody waits, but its last sender {FOREIGN}",
                f"unknown not attached, but its creator and last user {FOREIGN}",
            ],
        ),
        (["--pid", "--fork"], ["unknown /proc cannot be read, or is of another PID namespace"] * 2),
    ],
    ids=["own proc", "foreign proc"],
)
def test_evidence_in_another_pid_namespace_is_unknown(
    objects: Objects, isolated: None, options: list[str], expected: list[str]
) -> None:
    """The pids on record read 0 there, and the processes here cannot be seen."""
    script = report_on(suspect_queue(objects), leaked_segment(objects))
    done = run("unshare", *options, sys.executable, "-c", script)
    assert done.out.splitlines() == expected, done.err


@pytest.mark.tools("strace")
@pytest.mark.all_processes
@pytest.mark.parametrize("error", ["EMFILE", "ENOMEM", "EIO", "EACCES"])
def test_rm_suspect_after_failed_read_removes_nothing(
    objects: Objects, isolated: None, error: str
) -> None:
    """A process that cannot be read, for any reason, may wait on the queue."""
    msqid = suspect_queue(objects, mode=0o666)
    inject = ["-f", "-o", "/dev/null", "-P", f"/proc/{os.getpid()}/task"]
    inject += ["-e", "trace=openat", "-e", f"inject=openat:error={error}"]
    listed = run("strace", *inject, PYIPCS, "list", "-q", "-o", "STATE,REASON", "--noheadings")
    assert listed.out.startswith("unknown its last sender")
    assert "could not be examined, and may wait on it" in listed.out
    removed = run("strace", *inject, PYIPCS, "rm", "-a", "--suspect")
    assert (removed.status, msqid in kernel.ids(Kind.QUEUE)) == (0, True)


@pytest.mark.tools("strace")
def test_list_of_many_objects_reads_each_process_once(objects: Objects) -> None:
    made = [objects.queue(), objects.queue(), objects.segment(), objects.semaphores()]
    args = ("list", "-o", "ID,STATE,ATTACHED,WAITERS,REASON")
    trace = run("strace", "-f", "-e", "trace=file", PYIPCS, *args)
    assert trace.out.count("\n") >= len(made)
    opened = "".join(line for line in trace.err.splitlines() if "openat(" in line)
    for name in ("maps", "task"):
        assert opened.count(f'"/proc/{os.getpid()}/{name}"') == 1
    assert trace.err.count(f'"/proc/{os.getpid()}/ns/ipc"') == 1
    assert trace.err.count('"/proc/self/ns/ipc"') < 3 * len(SYSV), "not once for each process"


@pytest.mark.tools("strace")
def test_list_without_state_columns_reads_no_process(objects: Objects) -> None:
    objects.queue()
    trace = run("strace", "-f", "-e", "trace=openat", PYIPCS, "list", "-o", "ID,NATTCH")
    assert f"/proc/{os.getpid()}/" not in trace.err


@pytest.mark.root
@pytest.mark.parametrize("line", ["list -m -o STATE,REASON", "list -M -o STATE,USERS"])
def test_list_beside_maps_with_an_inode_of_any_length_prints_no_traceback(
    line: str, objects: Objects, shm: ShmFiles, tmp_path: Path
) -> None:
    """Another file is mounted over the maps of a process."""
    shmid, path = objects.segment(), shm.file("x", b"hello")
    device = path.stat().st_dev
    maps = tmp_path / "maps"
    inode = "9" * 5000
    maps.write_text(
        f"7f0000000000-7f0000001000 rw-s 00000000 00:01 {inode} /SYSV00000000 (deleted)\n"
        f"7f0000002000-7f0000003000 rw-s 00000000 {os.major(device):02x}:{os.minor(device):02x} "
        f"{inode} /dev/shm/x\n"
    )

    def cover() -> None:
        own_mounts()
        bind(maps, Path(f"/proc/{user}/maps"))

    with child_in(lambda: kernel.libc.shmat(shmid, None, 0)) as user:
        result = elsewhere(*line.split(), before=[cover])
    assert (result.status, result.err) == (0, "")
