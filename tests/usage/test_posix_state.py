"""States of POSIX objects, with the processes that use them."""

import errno
import mmap
import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from pyipcs.model import IN_SHM, POSIX, Kind, State
from pyipcs.objects import read
from pyipcs.query.complete import Requirement, complete
from pyipcs.usage.scan import expire
from pyipcs.usage.state import UsageState
from tests.kit.child import (
    NEWPID,
    become_ordinary,
    call_number,
    clear_caches,
    in_child,
    refuse_call,
    unshare,
)
from tests.kit.factories import scripted
from tests.kit.kernel import libc
from tests.kit.posix import (
    SHM,
    ShmFiles,
    as_nobody,
    bind,
    child_in,
    hold_mapped,
    hold_open,
    mount_tmpfs,
    needs_leases,
    own_mounts,
)
from tests.kit.posix_objects import PosixObjects, path_of
from tests.kit.program import load_all
from tests.kit.wait import wait_until

PR_SET_DUMPABLE = 4
UNUSED = {
    Kind.POSIX_QUEUE: "nobody has it open",
    Kind.POSIX_SEGMENT: "nobody has it open; a plain file looks the same",
    Kind.POSIX_SEMAPHORE: "nobody has it open",
}
# The calls of scripts that open or use the object /x.
OPEN_QUEUE = "queue = libc.mq_open(b'/x', os.O_RDWR)\n"
OPEN_SEMAPHORE = (
    "libc.sem_open.restype = ctypes.c_void_p\n"
    "semaphore = ctypes.c_void_p(libc.sem_open(b'/x', {}, 0o600, 0))\n"
)
RECEIVE = f"{OPEN_QUEUE}libc.mq_receive(queue, room, ctypes.c_size_t(99), None)"
SEND = f"{OPEN_QUEUE}while True: libc.mq_send(queue, b'x', ctypes.c_size_t(1), 0)"
WAIT = f"{OPEN_SEMAPHORE.format('os.O_CREAT')}libc.sem_wait(semaphore)"
FUTEX = {"x86_64": "202 "}.get(os.uname().machine, "98 ")
MQ_CALLS = {"x86_64": ("242 ", "243 ")}.get(os.uname().machine, ("182 ", "183 "))
_T = TypeVar("_T")

pytestmark = needs_leases


@pytest.fixture(scope="module", autouse=True)
def _modules() -> None:
    """Import what an ordinary user in a child may not be able to read."""
    load_all()


def evidence_of(kind: Kind, name: str = "/x") -> UsageState:
    """Return the evidence of a present object from a new scan of /proc."""
    expire()
    for listing in complete(read(kind), {Requirement.EVIDENCE}):
        found = dict(zip(listing.column("name"), listing.column("evidence"), strict=True))
        if name in found:
            return found[name]  # type: ignore[no-any-return] # of a listing
    raise LookupError(name)


def named(pid: int) -> str:
    return f"{pid} ({Path(f'/proc/{pid}/comm').read_text().strip()})"


def uses(seen: UsageState) -> list[tuple[int, str, int, bool]]:
    """Return the users of an object without their names."""
    return sorted((one.pid, one.does, one.times, one.read_only) for one in seen.users or ())


def open_twice(path: Path) -> None:
    hold_open(path)
    hold_open(path, os.O_RDWR)


def open_and_map(path: Path) -> None:
    hold_open(path)
    hold_mapped(path, mmap.PROT_READ | mmap.PROT_WRITE)


def waits(pid: int, *calls: str) -> bool:
    """Return True if the first thread of a process is in one of these calls."""
    return Path(f"/proc/{pid}/syscall").read_text().startswith(calls)


@contextmanager
def waiting(script: str) -> Iterator[int]:
    """Run a script until it waits for a message or a semaphore; yield its pid."""
    with scripted(script) as process:
        wait_until(lambda: waits(process.pid, FUTEX, *MQ_CALLS))
        yield process.pid


@pytest.mark.parametrize("kind", POSIX)
def test_evidence_of_unused_object_is_orphaned(kind: Kind, posix_objects: PosixObjects) -> None:
    posix_objects.make(kind)
    assert evidence_of(kind) == UsageState(State.ORPHANED, UNUSED[kind])


@pytest.mark.parametrize(("messages", "noun"), [(1, "1 message"), (3, "3 messages")])
def test_evidence_of_unused_queue_with_messages_is_suspect(
    messages: int, noun: str, posix_objects: PosixObjects
) -> None:
    posix_objects.make(Kind.POSIX_QUEUE, messages=messages)
    reason = f"nobody has it open, but it has {noun}"
    assert evidence_of(Kind.POSIX_QUEUE) == UsageState(State.SUSPECT, reason)


@pytest.mark.parametrize("kind", POSIX)
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_RDWR])
def test_evidence_of_open_object_names_the_process(
    kind: Kind, flags: int, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    with child_in(lambda: hold_open(path, flags)) as pid:
        seen = evidence_of(kind)
        assert (seen.state, seen.reason) == (State.IN_USE, f"{named(pid)} has it open")
        assert uses(seen) == [(pid, "open", 1, False)]


@pytest.mark.parametrize("error", [errno.ENOSYS, errno.EPERM])
def test_users_in_a_sandbox_without_statx_are_seen(shm: ShmFiles, error: int) -> None:
    path = shm.file("x")

    def users() -> list[int]:
        return [user.pid for user in evidence_of(Kind.POSIX_SEGMENT).users or ()]

    with child_in(lambda: hold_open(path)) as pid:
        assert in_child(users, lambda: refuse_call(call_number("statx"), error)) == [pid]


@pytest.mark.parametrize("kind", IN_SHM)
@pytest.mark.parametrize(
    ("protection", "read_only"),
    [(mmap.PROT_READ, True), (mmap.PROT_READ | mmap.PROT_WRITE, False)],
)
def test_evidence_of_mapped_object_names_the_process(
    kind: Kind, protection: int, read_only: bool, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    with child_in(lambda: hold_mapped(path, protection)) as pid:
        seen = evidence_of(kind)
        assert (seen.state, seen.reason) == (State.IN_USE, f"{named(pid)} has it mapped")
        assert uses(seen) == [(pid, "mapped", 1, read_only)]


def test_evidence_of_segment_names_each_process_and_use(posix_objects: PosixObjects) -> None:
    path = posix_objects.make(Kind.POSIX_SEGMENT)
    with (
        child_in(lambda: open_twice(path)) as first,
        child_in(lambda: open_and_map(path)) as second,
        child_in(lambda: hold_mapped(path)) as third,
    ):
        seen = evidence_of(Kind.POSIX_SEGMENT)
        assert uses(seen) == sorted(
            [
                (first, "open", 2, False),
                (second, "open", 1, False),
                (second, "mapped", 1, False),
                (third, "mapped", 1, True),
            ]
        )
        for pid in (first, second, third):
            assert named(pid) in seen.reason
        assert seen.reason.endswith(" have it open or mapped")


def test_users_are_in_the_order_of_their_pids(posix_objects: PosixObjects) -> None:
    path = posix_objects.make(Kind.POSIX_SEGMENT)
    with (
        child_in(lambda: hold_open(path)) as first,
        child_in(lambda: hold_mapped(path)) as second,
        child_in(lambda: hold_open(path)) as third,
    ):
        users = evidence_of(Kind.POSIX_SEGMENT).users or ()
    assert [user.pid for user in users] == sorted([first, second, third])


@pytest.mark.parametrize("messages", [0, 1])
def test_evidence_of_open_queue_with_or_without_messages_is_in_use(
    messages: int, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(Kind.POSIX_QUEUE, messages=messages)
    with child_in(lambda: hold_open(path)):
        assert evidence_of(Kind.POSIX_QUEUE).state is State.IN_USE


# Waiting processes.


@pytest.mark.parametrize(("script", "does"), [(RECEIVE, "receive"), (SEND, "send")])
def test_evidence_of_queue_names_the_waiting_process(
    script: str, does: str, posix_objects: PosixObjects
) -> None:
    posix_objects.make(Kind.POSIX_QUEUE)
    with waiting(script) as pid:
        seen = evidence_of(Kind.POSIX_QUEUE)
        assert (seen.state, seen.reason) == (State.IN_USE, f"{named(pid)} waits on it")
        assert uses(seen) == sorted([(pid, "open", 1, False), (pid, does, 1, False)])
        assert [one.pid for one in seen.users or () if one.is_waiting] == [pid]


def test_evidence_of_semaphore_names_the_waiting_process(posix_objects: PosixObjects) -> None:
    """Its creator has a file of another name in its maps, as removed."""
    with waiting(WAIT) as pid:
        maps = Path(f"/proc/{pid}/maps").read_text()
        assert re.search(r"/dev/shm/sem\.\w+", maps)
        seen = evidence_of(Kind.POSIX_SEMAPHORE)
        assert (seen.state, seen.reason) == (State.IN_USE, f"{named(pid)} waits on it")
        assert uses(seen) == sorted([(pid, "mapped", 1, False), (pid, "operation", 1, False)])


def test_evidence_of_semaphore_names_all_waiting_processes(posix_objects: PosixObjects) -> None:
    with waiting(WAIT) as first, waiting(WAIT) as second:
        path = path_of(Kind.POSIX_SEMAPHORE, "x")
        with child_in(lambda: hold_open(path)) as third:
            seen = evidence_of(Kind.POSIX_SEMAPHORE)
            waiters = sorted(one.pid for one in seen.users or () if one.is_waiting)
            assert waiters == sorted([first, second])
            assert seen.reason.startswith(f"{named(third)} has it open; ")
            assert seen.reason.endswith(" wait on it")


def test_evidence_of_semaphore_waited_for_by_threads_counts_one_process(
    posix_objects: PosixObjects,
) -> None:
    create, wait = WAIT.rsplit("\n", 1)
    thread = f"threading.Thread(target=lambda: {wait}).start()"
    with scripted(f"{create}\n{thread}\n{wait}") as process:
        pid = process.pid

        def both_wait() -> bool:
            paths = Path(f"/proc/{pid}/task").glob("*/syscall")
            return sum(path.read_text().startswith(FUTEX) for path in paths) == 2

        wait_until(both_wait)
        users = evidence_of(Kind.POSIX_SEMAPHORE).users or ()
        assert [(one.pid, one.times) for one in users if one.is_waiting] == [(pid, 2)]


def test_evidence_of_semaphore_ignores_wait_for_another(posix_objects: PosixObjects) -> None:
    """The process has both mapped, and waits for the other one."""
    path = posix_objects.make(Kind.POSIX_SEMAPHORE, "other")
    other = OPEN_SEMAPHORE.format("0").replace("/x", "/other").replace("semaphore =", "_other =")
    with waiting(other + WAIT) as pid:
        assert path.exists()
        seen = evidence_of(Kind.POSIX_SEMAPHORE, "/other")
        assert uses(seen) == [(pid, "mapped", 1, False)]


# Names that mislead.


@pytest.mark.parametrize("name", ["x (deleted)", "SYSV00000000", "a b", "new\nline"])
def test_evidence_of_object_with_odd_name_names_its_user_alone(
    name: str, posix_objects: PosixObjects
) -> None:
    kind = Kind.POSIX_SEGMENT
    path, other = posix_objects.make(kind, name), posix_objects.make(kind)
    with child_in(lambda: hold_mapped(path)) as pid:
        assert uses(evidence_of(kind, f"/{name}")) == [(pid, "mapped", 1, True)]
        assert evidence_of(kind).state is State.ORPHANED
    assert other.exists()


@pytest.mark.parametrize("kind", POSIX)
def test_evidence_of_object_with_the_name_of_a_removed_one_in_use_is_orphaned(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    with child_in(lambda: hold_open(path)):
        path.unlink()
        posix_objects.make(kind)
        assert evidence_of(kind).state is State.ORPHANED


def hold_on_another_tmpfs(name: str) -> None:
    own_mounts()
    mount_tmpfs(SHM)
    path = ShmFiles().file(name, b"x" * 32)
    open_and_map(path)


@pytest.mark.parametrize("kind", IN_SHM)
def test_evidence_of_object_ignores_its_namesake_on_another_tmpfs(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    name = posix_objects.make(kind).name
    with child_in(lambda: hold_on_another_tmpfs(name)):
        assert evidence_of(kind) == UsageState(State.ORPHANED, UNUSED[kind])
        with child_in(lambda: hold_open(SHM / name)) as pid:
            assert [one[0] for one in uses(evidence_of(kind))] == [pid]


# Without a lease, or without all of /proc.


def hold_as_ordinary(path: Path) -> None:
    become_ordinary()
    hold_open(path)


@pytest.mark.root
@pytest.mark.parametrize("kind", POSIX)
def test_evidence_of_object_of_root_is_unknown_to_others(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind, mode=0o666)
    seen = as_nobody(lambda: evidence_of(kind))
    assert (seen.state, seen.users) == (State.UNKNOWN, None)
    assert re.fullmatch(
        r"only its owner can check that nobody uses it, and "
        r"(\d+ process(es)? (of other users )?cannot be examined \(try as root\)"
        r"|processes outside of this PID namespace cannot be seen)",
        seen.reason,
    )
    with child_in(lambda: hold_as_ordinary(path)) as pid:
        seen = as_nobody(lambda: evidence_of(kind))
        assert (seen.state, uses(seen)) == (State.IN_USE, [(pid, "open", 1, False)])


@pytest.mark.root
def test_evidence_of_own_object_that_root_has_open_names_nobody(
    posix_objects: PosixObjects,
) -> None:
    path = posix_objects.make(Kind.POSIX_SEGMENT)
    os.chown(path, 65534, 65534)
    with child_in(lambda: hold_open(path)):
        seen = as_nobody(lambda: evidence_of(Kind.POSIX_SEGMENT))
    assert (seen.state, seen.users) == (State.IN_USE, None)
    assert seen.reason.startswith("open or mapped by a process that was not seen (")


def hold_hidden(path: Path) -> None:
    """Open a file in a process with files in /proc that other processes may not read."""
    hold_open(path)
    become_ordinary()
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


@pytest.mark.parametrize("kind", POSIX)
def test_evidence_of_object_of_unreadable_process_names_nobody(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    path.chmod(0o666)
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
    with child_in(lambda: hold_hidden(path)):
        seen = in_child(lambda: evidence_of(kind), become_ordinary)
    assert (seen.state, seen.users) == (State.IN_USE, None)


def hide_calls(pid: int) -> None:
    """Let the system calls of a process be unreadable, as under Yama (ptrace_scope)."""
    own_mounts()
    for thread in Path(f"/proc/{pid}/task").iterdir():
        bind(Path("/dev/null"), thread / "syscall")


@pytest.mark.root  # from a user namespace of its own, another user can read no process here
def test_evidence_of_waiting_process_with_unreadable_call_has_unknown_waiters(
    posix_objects: PosixObjects,
) -> None:
    posix_objects.make(Kind.POSIX_QUEUE)
    with waiting(RECEIVE) as pid:
        try:
            seen = in_child(
                lambda: evidence_of(Kind.POSIX_QUEUE), partial(hide_calls, pid), clear_caches
            )
        except OSError as error:
            pytest.skip(str(error))
        assert uses(seen) == [(pid, "open", 1, False)]
        assert (seen.state, seen.can_wait_unseen) == (State.IN_USE, True)
        assert not evidence_of(Kind.POSIX_QUEUE).can_wait_unseen


def in_pid_namespace(ask: Callable[[], _T]) -> _T:
    """Return the result of a function in a PID namespace without its /proc."""
    return in_child(lambda: in_child(ask), partial(unshare, NEWPID))


@pytest.mark.parametrize("kind", POSIX)
def test_evidence_without_own_proc_has_the_state_alone(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    assert in_pid_namespace(lambda: evidence_of(kind)) == UsageState(State.ORPHANED, UNUSED[kind])
    with child_in(lambda: hold_open(path)):
        seen = in_pid_namespace(lambda: evidence_of(kind))
    assert (seen.state, seen.users) == (State.IN_USE, None)
    why = "/proc cannot be read, or is of another PID namespace"
    assert seen.reason == f"open or mapped by a process that was not seen ({why})"


def mount_directory(folder: Path) -> None:
    own_mounts()
    bind(folder, SHM)


@pytest.mark.all_processes
@pytest.mark.root
@pytest.mark.parametrize("kind", IN_SHM)
def test_evidence_on_other_file_system_is_unknown_without_users(kind: Kind, tmp_path: Path) -> None:
    def ask() -> tuple[UsageState, UsageState, int]:
        path = PosixObjects().make(kind)
        with child_in(lambda: hold_mapped(path)) as pid:
            used = evidence_of(kind)
        return evidence_of(kind), used, pid

    unused, used, pid = in_child(ask, partial(mount_directory, tmp_path))
    assert (used.state, [one[0] for one in uses(used)]) == (State.IN_USE, [pid])
    reason = "its file system cannot check that nobody uses it"
    assert unused == UsageState(State.UNKNOWN, reason, None)


def test_evidence_beside_exiting_processes_names_the_living_one(
    posix_objects: PosixObjects,
) -> None:
    path = posix_objects.make(Kind.POSIX_SEGMENT)
    for _ in range(5):
        with ExitStack() as stack:
            held = [child_in(lambda: hold_open(path)) for _number in range(5)]
            children = [*map(stack.enter_context, held)]
            for child in children[1:]:
                os.kill(child, signal.SIGKILL)
            seen = evidence_of(Kind.POSIX_SEGMENT)
            assert seen.state is State.IN_USE
            assert children[0] in [one.pid for one in seen.users or ()]
    assert evidence_of(Kind.POSIX_SEGMENT).state is State.ORPHANED
