"""Objects of one process, by --used-by of list and stat."""

import json
import os
import re
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ctypes import c_ulong
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pyipcs.model import IN_SHM, POSIX, SYSV, Kind
from tests.kit.child import drop_privileges
from tests.kit.factories import (
    attaching,
    leaked_segment,
    read_line,
    running,
    scripted,
    thread_in_waiting_call,
    waiting,
    waiting_threads,
)
from tests.kit.kernel import Objects, libc, row, send
from tests.kit.mqueue import notify, open_queue
from tests.kit.posix import child_in, hold_mapped, hold_open, own_mounts
from tests.kit.posix_objects import SIZES, PosixObjects
from tests.kit.program import PYIPCS, Result, elsewhere, invoke, load_all, need_tool, ordinary, run
from tests.kit.terminal import end, on_terminal, read_all, read_until, without_codes
from tests.kit.wait import LIMIT, exit_code, wait_for_state, wait_until

_PR_SET_DUMPABLE = 4
_FULL = 1 << 20  # messages, more than any queue takes
_SLEEP = "print(flush=True); time.sleep(600)"
_MESSAGE = struct.pack("l", 1) + b"x"
_WAIT_FOR_SEMAPHORE = """
libc.sem_open.restype = ctypes.c_void_p
libc.sem_wait(ctypes.c_void_p(libc.sem_open(b"/used", os.O_CREAT, 0o600, 0)))
"""
_FUTEX = {"x86_64": "202 "}.get(os.uname().machine, "98 ")


@contextmanager
def acting(script: str) -> Iterator[int]:
    """Run a process that acts once and sleeps; yield its pid."""
    with scripted(f"{script}\n{_SLEEP}") as process:
        read_line(process)
        yield process.pid


@contextmanager
def in_call(script: str, *calls: str) -> Iterator[int]:
    """Run a process until it waits in a system call; yield its pid."""
    with scripted(script) as process:
        path = Path(f"/proc/{process.pid}/syscall")
        wait_until(lambda: path.read_text().startswith(calls))
        yield process.pid


class Use:
    """A use of one object by a process.

    Attributes:
        kind: the kind of the object.
        start: creates the object, runs the process, and yields the pid and the id or the name.
        proof: the key in the JSON of `stat` that has the pid.
    """

    def __init__(self, kind: Kind, start: Callable[..., Any], proof: str) -> None:
        self.kind = kind
        self.start = start
        self.proof = proof


@contextmanager
def on_queue(
    objects: Objects, _posix: PosixObjects, run_: Callable[[int], Any], *, messages: int = 0
) -> Iterator[tuple[int, int]]:
    msqid = objects.queue()
    with suppress(BlockingIOError):  # the queue is full
        for _ in range(messages):
            send(msqid, bytes(1024))
    with run_(msqid) as pid:
        yield pid, msqid


@contextmanager
def on_set(
    objects: Objects, _posix: PosixObjects, run_: Callable[[int], Any]
) -> Iterator[tuple[int, int]]:
    semid = objects.semaphores(nsems=2)
    with run_(semid) as pid:
        yield pid, semid


@contextmanager
def on_segment(
    objects: Objects, _posix: PosixObjects, run_: Callable[[int], Any]
) -> Iterator[tuple[int, int]]:
    shmid = leaked_segment(objects)
    with run_(shmid) as pid:
        yield pid, shmid


@contextmanager
def as_creator(objects: Objects, _posix: PosixObjects) -> Iterator[tuple[int, int]]:
    script = f"print(libc.shmget(0, 4096, 0o1600), flush=True); {_SLEEP}"
    with scripted(script) as process:
        yield process.pid, objects.adopt(Kind.SEGMENT, int(read_line(process)))


@contextmanager
def on_posix(
    kind: Kind,
    run_: Callable[[Path], Any],
    _objects: Objects,
    posix: PosixObjects,
    *,
    messages: int = 0,
) -> Iterator[tuple[int, str]]:
    path = posix.make(kind, "used", messages=messages)
    with run_(path) as pid:
        yield pid, "/used"


@contextmanager
def waiting_for_semaphore(_objects: Objects, _posix: PosixObjects) -> Iterator[tuple[int, str]]:
    with in_call(_WAIT_FOR_SEMAPHORE, _FUTEX) as pid:
        yield pid, "/used"


def hold_notification() -> None:
    notify(open_queue("/used", os.O_RDONLY))


def wait_on_posix_queue(call: str) -> Callable[[Path], Any]:
    """Return a function that runs a process until it waits on the queue."""
    script = f"queue = libc.mq_open(b'/used', os.O_RDWR)\n{call}"
    return lambda _path: in_call(script, "242 ", "243 ", "182 ", "183 ")


def operation(number: int, change: int) -> bytes:
    return struct.pack("Hhh", number, change, 0)


USES = {
    "attach": Use(Kind.SEGMENT, partial(on_segment, run_=attaching), "attached"),
    "create": Use(Kind.SEGMENT, as_creator, "cpid"),
    "detach": Use(
        Kind.SEGMENT,
        partial(
            on_segment,
            run_=lambda shmid: acting(f"libc.shmdt(ctypes.c_void_p(libc.shmat({shmid}, None, 0)))"),
        ),
        "lpid",
    ),
    "msgrcv": Use(
        Kind.QUEUE,
        partial(on_queue, run_=lambda msqid: waiting(f"msgrcv({msqid}, room, 9, 0, 0)")),
        "waiters",
    ),
    "msgsnd": Use(
        Kind.QUEUE,
        partial(
            on_queue,
            run_=lambda msqid: waiting(f"msgsnd({msqid}, {_MESSAGE!r}, 1, 0)"),
            messages=_FULL,
        ),
        "waiters",
    ),
    "last sender": Use(
        Kind.QUEUE,
        partial(on_queue, run_=lambda msqid: acting(f"libc.msgsnd({msqid}, {_MESSAGE!r}, 1, 0)")),
        "lspid",
    ),
    "last receiver": Use(
        Kind.QUEUE,
        partial(
            on_queue,
            run_=lambda msqid: acting(f"libc.msgrcv({msqid}, room, 9, 0, 0o10000)"),
            messages=1,
        ),
        "lrpid",
    ),
    "semop": Use(
        Kind.SEMAPHORE,
        partial(on_set, run_=lambda semid: waiting(f"semop({semid}, {operation(0, -1)!r}, 1)")),
        "waiters",
    ),
    "last operation": Use(
        Kind.SEMAPHORE,
        partial(on_set, run_=lambda semid: acting(f"libc.semop({semid}, {operation(1, 1)!r}, 1)")),
        "semaphores",
    ),
    **{
        f"open {kind.value}": Use(
            kind,
            partial(on_posix, kind, lambda path: child_in(partial(hold_open, path))),
            "users",
        )
        for kind in POSIX
    },
    **{
        f"map {kind.value}": Use(
            kind,
            partial(on_posix, kind, lambda path: child_in(partial(hold_mapped, path))),
            "users",
        )
        for kind in IN_SHM
    },
    "mq_receive": Use(
        Kind.POSIX_QUEUE,
        partial(
            on_posix,
            Kind.POSIX_QUEUE,
            wait_on_posix_queue("libc.mq_receive(queue, room, ctypes.c_size_t(99), None)"),
        ),
        "waiters",
    ),
    "mq_send": Use(
        Kind.POSIX_QUEUE,
        partial(
            on_posix,
            Kind.POSIX_QUEUE,
            wait_on_posix_queue("libc.mq_send(queue, b'x', ctypes.c_size_t(1), 0)"),
            messages=SIZES[0],
        ),
        "waiters",
    ),
    "mq_notify": Use(
        Kind.POSIX_QUEUE,
        partial(on_posix, Kind.POSIX_QUEUE, lambda _path: child_in(hold_notification)),
        "notify_pid",
    ),
    "sem_wait": Use(Kind.POSIX_SEMAPHORE, waiting_for_semaphore, "waiters"),
}


def found_in(result: Result) -> list[tuple[str, int | str]]:
    """Return the kinds with the ids or names in lines of JSON."""
    assert (result.status, result.err) == (0, "")
    documents = [json.loads(line) for line in result.out.splitlines()]
    return sorted((one["kind"], one.get("name", one.get("id"))) for one in documents)


def listed(pid: int, *args: str) -> list[tuple[str, int | str]]:
    """Return the objects that `list --used-by` shows."""
    return found_in(invoke("list", "-f", "jsonl", "--used-by", str(pid), *args))


def pids_in(value: Any) -> set[int]:
    """Return the pids in a value of the JSON of `stat`."""
    if isinstance(value, list):
        return {pid for one in value for pid in pids_in(one)}
    return pids_in(value["pid"]) if isinstance(value, dict) else {value}


@pytest.mark.usefixtures("one_of_each")
@pytest.mark.parametrize("name", USES)
def test_used_by_and_users_of_stat_agree(
    name: str, objects: Objects, posix_objects: PosixObjects
) -> None:
    use = USES[name]
    with use.start(objects, posix_objects) as (pid, object_id):
        expected = [(use.kind.value, object_id)]
        # The queues are visible to an ordinary user, because it may open one of them.
        assert listed(pid) == expected
        letter = {"msg": "-q", "shm": "-m", "sem": "-s"}[use.kind.value.removeprefix("p")]
        detailed = invoke("stat", letter, str(object_id), "-f", "jsonl")
        (document,) = map(json.loads, detailed.out.splitlines())
        assert pid in pids_in(document[use.proof])
        used = invoke("stat", "--used-by", str(pid), "-f", "jsonl")
        assert found_in(used) == expected
        (other,) = map(json.loads, used.out.splitlines())
        assert other.keys() == document.keys()
        assert pid in pids_in(other[use.proof])
        users = listed(os.getpid())
        assert (expected[0] in users) is (document.get("lspid") == os.getpid())


def test_used_by_of_thread_on_record_is_its_process(objects: Objects, isolated: None) -> None:
    msqid = objects.queue()
    script = f"""
def receive():
    libc.msgrcv({msqid}, room, 9, 0, 0)
    print(threading.get_native_id(), flush=True)
    time.sleep(600)
threading.Thread(target=receive, daemon=True).start()
time.sleep(600)
"""
    with scripted(script) as process:
        wait_until(lambda: thread_in_waiting_call(process.pid))
        assert listed(process.pid, "-q") == [("msg", msqid)]
        send(msqid)
        thread = int(read_line(process))
        assert row(Kind.QUEUE, msqid)["lrpid"] == str(thread) != str(process.pid)
        for number in (process.pid, thread):
            assert listed(number, "-q") == [("msg", msqid)]


def test_used_by_of_process_that_waits_in_several_threads_lists_each_object(
    objects: Objects, isolated: None
) -> None:
    queues = [objects.queue() for _ in range(3)]
    script = f"""
for msqid in {queues}:
    threading.Thread(target=libc.msgrcv, args=(msqid, room, 9, 0, 0), daemon=True).start()
time.sleep(600)
"""
    with scripted(script) as process:
        wait_until(lambda: waiting_threads(process.pid) == len(queues))
        assert listed(process.pid) == [("msg", msqid) for msqid in sorted(queues)]


@pytest.mark.usefixtures("one_of_each")
def test_used_by_without_kinds_lists_both_families(
    objects: Objects, posix_objects: PosixObjects
) -> None:
    shmid = leaked_segment(objects)
    path = posix_objects.make(Kind.POSIX_SEGMENT)

    def use_both() -> None:
        libc.shmat(shmid, None, 0)
        hold_open(path)

    with child_in(use_both) as pid:
        assert listed(pid) == [("pshm", "/x"), ("shm", shmid)]
        assert listed(pid, "--sysv") == listed(pid, "-m") == [("shm", shmid)]
        assert listed(pid, "--posix") == listed(pid, "-M") == [("pshm", "/x")]
        assert listed(pid, "-q") == []
        assert listed(pid, "--match", "x") == [("pshm", "/x")]
        assert listed(pid, "--match", "y") == []
        assert listed(pid, "--private") == [("shm", shmid)]
        assert listed(pid, "--mine", "--older-than", "1d") == []


def test_used_by_repeated_selects_objects_of_any_process(objects: Objects, isolated: None) -> None:
    first, second = leaked_segment(objects), leaked_segment(objects)
    with attaching(first) as one, attaching(second) as other:
        both = listed(one, "-m", "--used-by", str(other))
    assert both == [("shm", shmid) for shmid in sorted((first, second))]


def test_used_by_with_json_marks_the_listing_as_filtered(
    objects: Objects, posix_objects: PosixObjects
) -> None:
    shmid = leaked_segment(objects)
    with attaching(shmid) as pid:
        for command in ("list", "stat"):
            document = json.loads(invoke(command, "-J", "--used-by", str(pid)).out)
            assert document["taken"]["filtered"] is True
            assert [one["id"] for one in document["shmems"]] == [shmid]
            assert {kind.collection for kind in SYSV} <= document.keys()


def test_used_by_with_fail_if_any_reports_use_by_its_status(
    objects: Objects, isolated: None
) -> None:
    shmid = leaked_segment(objects)
    args = ("list", "-m", "--fail-if-any", "--used-by")
    with attaching(shmid) as pid, running("sleep", "600") as other:
        assert invoke(*args, str(pid)).status == 23
        assert invoke(*args, str(other.pid)).status == 0


def test_used_by_with_rm_is_no_option() -> None:
    result = invoke("rm", "--all", "--used-by", str(os.getpid()))
    assert (result.status, result.out) == (2, "")
    assert "no such option --used-by" in result.err


def test_used_by_of_zombie_lists_no_object(objects: Objects, isolated: None) -> None:
    """A zombie uses nothing, although records have its pid."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, b"%d" % libc.shmget(0, 4096, 0o1600))
        finally:
            os._exit(0)
    try:
        wait_for_state(child, "Z")
        objects.adopt(Kind.SEGMENT, int(os.read(read, 20)))
        assert listed(child, "--sysv") == []
    finally:
        exit_code(child)
        os.close(read)
        os.close(write)


@contextmanager
def unreadable(objects: Objects, posix_objects: PosixObjects) -> Iterator[tuple[int, int, int]]:
    """Run a process that only root can read.

    Yield its pid, the segment that it created, and its set. It has another segment attached, and a
    POSIX segment open.
    """
    other = leaked_segment(objects)
    path = posix_objects.make(Kind.POSIX_SEGMENT, mode=0o644)
    semid = objects.semaphores(mode=0o644)
    read, write = os.pipe()

    def use() -> None:
        libc.shmat(other, None, 0)
        hold_open(path)
        os.write(write, b"%d" % libc.shmget(0, 4096, 0o1644))
        libc.semop(semid, operation(0, 1), 1)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)

    try:
        with child_in(use) as pid:
            yield pid, objects.adopt(Kind.SEGMENT, int(os.read(read, 20))), semid
    finally:
        os.close(read)
        os.close(write)


@pytest.mark.parametrize("command", ["list", "stat"])
def test_used_by_of_unreadable_process_lists_objects_on_record(
    command: str, objects: Objects, posix_objects: PosixObjects
) -> None:
    with unreadable(objects, posix_objects) as (pid, shmid, semid):
        # The process has attached the other segment, which is on record, too.
        args = (command, "-f", "jsonl", "-ms", "--used-by", str(pid))
        result = ordinary(*args)
        name = Path(f"/proc/{pid}/comm").read_text().strip()
        line = f"pyipcs: process {pid} ({name}) cannot be examined (try as root)\n"
        assert (result.status, result.err) == (1, line)
        found = [json.loads(one) for one in result.out.splitlines()]
        assert {("shm", shmid), ("sem", semid)} < {(one["kind"], one.get("id")) for one in found}
        assert all(one["kind"] in {"shm", "sem"} for one in found)


def hide_processes() -> None:
    """Mount a /proc without other users' processes, in a mount namespace."""
    own_mounts()
    libc.mount(b"proc", b"/proc", b"proc", c_ulong(0), b"hidepid=2")


@pytest.mark.root
def test_used_by_of_hidden_process_is_reported(
    objects: Objects, posix_objects: PosixObjects
) -> None:
    """The processes on record may be earlier ones with its pid."""
    with unreadable(objects, posix_objects) as (pid, _shmid, _semid):
        args = ("list", "-ms", "-f", "jsonl", "--used-by", str(pid))
        load_all()
        result = elsewhere(*args, before=[hide_processes, drop_privileges])
    assert (result.status, result.out) == (1, "")
    assert result.err == (
        f"pyipcs: process {pid} cannot be examined (try as root)\n"
        "pyipcs: 2 segments and 1 semaphore set could not be judged: whether the process is on "
        "record cannot be seen\n"
    )


@pytest.mark.root
def test_used_by_of_process_that_root_can_read_lists_all(
    objects: Objects, posix_objects: PosixObjects
) -> None:
    with unreadable(objects, posix_objects) as (pid, shmid, semid):
        found = listed(pid)
    assert {("shm", shmid), ("sem", semid), ("pshm", "/x")} < {*found}
    assert len(found) == 4


@pytest.mark.root
def test_used_by_in_namespace_of_ns_takes_pids_of_proc(objects: Objects, isolated: None) -> None:
    shmid = leaked_segment(objects)
    with attaching(shmid) as pid:
        args = ("list", "-m", "-f", "jsonl", "--used-by", str(pid))
        there = elsewhere(*args, "--ns", str(pid), before=[lambda: libc.unshare(0x08000000)])
        assert found_in(there) == [("shm", shmid)]
        other = elsewhere(*args, before=[lambda: libc.unshare(0x08000000)])
        assert found_in(other) == []


@pytest.mark.tools("strace")
@pytest.mark.untraced
@pytest.mark.parametrize("command", ["list", "stat"])
def test_used_by_reads_no_other_process(
    command: str, tmp_path: Path, objects: Objects, posix_objects: PosixObjects
) -> None:
    """Its cost does not depend on the number of processes."""
    trace = tmp_path / "trace"
    shmid = leaked_segment(objects)
    posix_objects.make(Kind.POSIX_SEGMENT)
    with attaching(shmid) as pid:
        strace = [need_tool("strace"), "-f", "-e", "trace=%file", "-o", str(trace)]
        result = run(*strace, PYIPCS, command, "-f", "csv", "-o", "KIND,ID", "--used-by", str(pid))
    assert str(shmid) in result.out
    text = trace.read_text()
    paths = re.findall(r'"/proc(/[^"/]*)?', text)
    assert f"/{pid}" in paths
    assert "" not in paths
    assert {path for path in paths if path[1:].isdigit()} == {f"/{pid}"}
    # Each file of the process is opened once for all kinds.
    assert text.count(f'"/proc/{pid}/maps", O_') == 1


def test_used_by_in_live_view_ends_with_the_process(objects: Objects, isolated: None) -> None:
    shmid = leaked_segment(objects)
    for command in ("list", "stat"):
        with attaching(shmid) as pid:
            process, terminal = on_terminal(command, "-m", "--watch=0.1", "--used-by", str(pid))
            try:
                read_until(terminal, "0600" if command == "stat" else "rw-------")
                os.kill(pid, 9)
                os.waitpid(pid, 0)
                output = without_codes(read_all(terminal))
                assert process.wait(LIMIT) == 1
                assert f"--used-by: process {pid}: no such process" in output
            finally:
                end(process, terminal)


def test_used_by_in_live_view_of_stat_without_objects_reports_none(
    objects: Objects, isolated: None
) -> None:
    with running("sleep", "600") as other:
        line = ("stat", "-m", "--watch=0.1", "--used-by", str(other.pid))
        process, terminal = on_terminal(*line)
        try:
            read_until(terminal, "No object matches")
            os.write(terminal, b"q")
            read_all(terminal)
            assert process.wait(LIMIT) == 0
        finally:
            end(process, terminal)
