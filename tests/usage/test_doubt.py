"""Doubts about leaks: halted waiters, mappings, related objects."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyipcs.listing import listing_of
from pyipcs.model import SYSV, Kind, State, SysvRecord
from pyipcs.process.mountinfo import Mount
from pyipcs.query.complete import Requirement, complete
from pyipcs.sysv import libc as product_libc
from pyipcs.sysv import procfs
from pyipcs.usage.doubt import RelatedObjects, is_fresh, rescan
from pyipcs.usage.halted import Halted, _below, _hierarchies
from pyipcs.usage.scan import expire, is_cached, scan
from pyipcs.usage.state import UsageState, evidence_of
from tests.kit.factories import (
    attaching,
    created_by_departed,
    departed,
    leaked_segment,
    read_line,
    running,
    scripted,
    suspect_queue,
    suspect_set,
    waiting,
)
from tests.kit.kernel import IPC_CREAT, IPC_EXCL, NOBODY, Objects, libc, operate, row, send
from tests.kit.program import PYIPCS, as_nobody, run
from tests.kit.wait import wait_for_second, wait_for_state, wait_until

OTHER_USER = 65533
NEW = IPC_CREAT | IPC_EXCL
TOGETHER = 2  # seconds between changes
# A wait for the first semaphore, whose value is 1, to become zero.
WAIT_FOR_ZERO = "semop({}, bytes(6), 1)"
WAIT_AS_OTHER_USER = (
    f"os.setgid({OTHER_USER}); os.setgroups([]); os.setuid({OTHER_USER})\n"
    "print(flush=True)\n"
    "while True: libc." + WAIT_FOR_ZERO  # which SIGCONT ends with EINTR
)


def evidence(kind: Kind, object_id: int) -> UsageState:
    """Return the evidence about an object, by a new scan."""
    expire()
    for listing in complete(procfs.read(kind), {Requirement.EVIDENCE}):
        ((one),) = listing.select({object_id}).column("evidence")
        assert isinstance(one, UsageState)
        return one
    raise LookupError(object_id)


def state(kind: Kind, object_id: int) -> State:
    """Return the state of an object by a new scan, as filters and STATE do."""
    expire()
    for listing in complete(procfs.read(kind), {Requirement.STATE}):
        ((one),) = listing.select({object_id}).column("state")
        assert isinstance(one, State)
        return one
    raise LookupError(object_id)


def waiters(semid: int) -> int:
    """Return the number of threads that the kernel counts on a set's first semaphore."""
    (semaphore,) = product_libc.semaphores(semid, 1)
    return semaphore.ncount + semaphore.zcount


# -- Stopped and frozen processes


def set_of_nobody(objects: Objects, mode: int = 0o666) -> int:
    """Return a set whose creator and last user, a process of the user nobody, is gone."""

    def create() -> int:
        os.setgroups([])
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
        semid = int(libc.semget(0, 1, NEW | mode))
        operate(semid, 1)
        return semid

    return objects.adopt(Kind.SEMAPHORE, created_by_departed(create))


@contextmanager
def waiting_as_other_user(semid: int) -> Iterator[int]:
    """Run a process of another user that waits on a set; yield its pid."""
    with scripted(WAIT_AS_OTHER_USER.format(semid)) as process:
        read_line(process)
        wait_until(lambda: waiters(semid))
        yield process.pid


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process for a `with` block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_for_state(pid, "T")
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def frozen_by_v1(pid: int) -> Iterator[None]:
    """Freeze a process by the freezer of cgroup v1."""
    with _cgroup("cgroup", "freezer", pid) as folder:
        state = folder / "freezer.state"
        state.write_text("FROZEN")
        wait_until(lambda: state.read_text() == "FROZEN\n")
        yield
        state.write_text("THAWED")


@contextmanager
def frozen_by_v2(pid: int) -> Iterator[None]:
    """Freeze a process by cgroup v2, through the parent of its cgroup."""
    with _cgroup("cgroup2", "", pid) as folder:
        child = folder / "child"
        child.mkdir()
        try:
            (child / "cgroup.procs").write_text(str(pid))
            (folder / "cgroup.freeze").write_text("1")
            wait_until(lambda: "frozen 1" in (child / "cgroup.events").read_text())
            yield
        finally:
            (folder / "cgroup.freeze").write_text("0")
            (folder.parent / "cgroup.procs").write_text(str(pid))
            child.rmdir()


@contextmanager
def _cgroup(kind: str, option: str, pid: int, name: str = "pyipcs-test") -> Iterator[Path]:
    """Put a process into a new cgroup of a hierarchy; skip the test where that is refused."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        words, _, rest = line.partition(" - ")
        there, _, options = rest.split(" ", 2)
        if there == kind and option in ["", *options.split(",")]:
            break
    else:
        pytest.skip(f"no {kind} {option} is mounted")
    folder = Path(words.split()[4], f"{name}-{os.getpid()}")
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"{folder}: {error.strerror}")
    try:
        (folder / "cgroup.procs").write_text(str(pid))
        yield folder
    finally:
        (folder.parent / "cgroup.procs").write_text(str(pid))
        folder.rmdir()


HALTS = {"stopped": stopped, "frozen by v1": frozen_by_v1, "frozen by v2": frozen_by_v2}


@pytest.mark.root
@pytest.mark.parametrize("halt", HALTS.values(), ids=HALTS)
@pytest.mark.all_processes
def test_set_with_unreadable_halted_waiter_is_unknown_and_stays(
    objects: Objects, isolated: None, halt: Callable[[int], object]
) -> None:
    semid = set_of_nobody(objects)
    with waiting_as_other_user(semid) as pid:
        with halt(pid):  # type: ignore[attr-defined] # a context manager
            wait_until(lambda: not waiters(semid))
            listed = as_nobody("list", "-s", "-f", "tsv", "-o", "STATE,REASON").out
            assert f"{pid} (" in listed
            assert "stopped or frozen, and may wait on it" in listed
            assert listed.splitlines()[1].startswith("unknown\t")
            result = as_nobody("rm", "--all", "--mine", "--suspect")
            assert (result.status, result.out) == (0, "")
            assert "pyipcs: 1 semaphore set could not be judged: " in result.err
            assert state(Kind.SEMAPHORE, semid) is State.IN_USE, "root sees that it waits"
            assert evidence(Kind.SEMAPHORE, semid).users
        wait_until(lambda: waiters(semid))
        assert as_nobody("list", "-s", "-f", "tsv", "-o", "STATE").out == "STATE\nin-use\n"


@pytest.mark.root
@pytest.mark.all_processes
def test_set_closed_to_unreadable_stopped_process_has_no_doubt_about_it(objects: Objects) -> None:
    open_set, closed_set = set_of_nobody(objects), set_of_nobody(objects, 0o600)
    with waiting_as_other_user(open_set) as pid, stopped(pid):
        listed = as_nobody("list", "-s", "-f", "tsv", "-o", "ID,REASON").out
        reasons = dict(line.split("\t") for line in listed.splitlines())
        assert f"{pid} (" in reasons[str(open_set)]
        assert f"{pid} (" not in reasons[str(closed_set)]


def test_set_with_readable_stopped_waiter_is_in_use(objects: Objects) -> None:
    semid = suspect_set(objects)
    with waiting(WAIT_FOR_ZERO.format(semid)) as pid, stopped(pid):
        wait_until(lambda: not waiters(semid))
        assert state(Kind.SEMAPHORE, semid) is State.IN_USE
        assert [user.pid for user in evidence(Kind.SEMAPHORE, semid).users or ()] == [pid]


@pytest.mark.root
@pytest.mark.tools("unshare")
def test_set_in_container_is_unknown(objects: Objects, isolated: None) -> None:
    """Processes that cannot be seen at all may be stopped while they wait."""
    script = (
        'pyipcs() { "$0" "$@"; }; pyipcs make -S 1 >/dev/null; pyipcs op 0 V;'
        "pyipcs list -s -f tsv -o STATE,REASON; pyipcs rm --all --suspect -v;"
        "pyipcs rm --all"
    )
    unshare = ["unshare", "--ipc", "--pid", "--fork", "--mount-proc"]
    done = run(*unshare, "sh", "-c", script, PYIPCS)
    unseen = "processes outside of this PID namespace cannot be seen\n"
    assert done.err == f"pyipcs: 1 semaphore set could not be judged: {unseen}"
    assert done.out.startswith("STATE\tREASON\nunknown\t")
    assert done.out.endswith(unseen)


def test_hierarchies_that_freeze_are_chosen_from_mounts() -> None:
    found = [
        Mount(b"30", b"25", b"/", b"/sys/fs/cgroup/unified", False, b"cgroup2", b"rw"),
        Mount(b"31", b"25", b"/a b", b"/sys/fs/cgroup/freezer", False, b"cgroup", b"rw,freezer"),
        Mount(b"32", b"25", b"/", b"/sys/fs/cgroup/memory", False, b"cgroup", b"rw,memory"),
    ]
    assert [*_hierarchies(found)] == [
        ("", "/", "/sys/fs/cgroup/unified"),
        ("freezer", "/a b", "/sys/fs/cgroup/freezer"),
    ]


@pytest.mark.parametrize(
    ("root", "path", "below"),
    [
        ("/", "/", "/"),
        ("/", "/a/b", "/a/b"),
        ("/a", "/a", ""),
        ("/a", "/a/b", "/b"),
        ("/a", "/ab", None),
        ("/", "/../a", None),
    ],
)
def test_cgroup_outside_of_mount_has_no_path(root: str, path: str, below: str | None) -> None:
    assert _below(root, path) == below


def test_halted_process_that_has_gone_is_not_included() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert not Halted().can_include(process.pid)


def test_halted_process_is_included_while_it_is_stopped() -> None:
    process = subprocess.Popen(["sleep", "60"])
    try:
        assert not Halted().can_include(process.pid)
        with stopped(process.pid):
            assert Halted().can_include(process.pid)
    finally:
        process.kill()
        process.wait()


@pytest.mark.root
@pytest.mark.parametrize("kind", [("cgroup", "freezer"), ("cgroup2", "")])
def test_halted_process_in_a_cgroup_with_a_carriage_return_is_not_included(
    kind: tuple[str, str],
) -> None:
    """Any user can create such a cgroup below one of its own."""
    with running("sleep", "60") as process, _cgroup(*kind, process.pid, "a\rb\rc"):
        assert not Halted().can_include(process.pid)


# -- Mappings that the kernel does not count

MAP_ONLY = """
import mmap
address = libc.shmat({0}, None, 0)
name = next(n for n in os.listdir("/proc/self/map_files") if int(n.split("-")[0], 16) == address)
try:
    file = open(f"/proc/self/map_files/{{name}}", "r+b")
except OSError as error:
    print(error, flush=True)
    sys.exit()
mapping = mmap.mmap(file.fileno(), 4096)
file.close()
libc.shmdt(ctypes.c_void_p(address))
print(flush=True)
time.sleep(600)
"""


@pytest.mark.root
def test_segment_mapped_without_attachment_is_in_use(objects: Objects, isolated: None) -> None:
    shmid, leaked = leaked_segment(objects), leaked_segment(objects)
    with scripted(MAP_ONLY.format(shmid)) as process:
        if refusal := read_line(process).strip():
            pytest.skip(refusal)  # a kernel without CONFIG_CHECKPOINT_RESTORE
        attach_and_go(shmid)
        record = product_libc.stat(Kind.SEGMENT, shmid)
        found = evidence(Kind.SEGMENT, shmid)
        name = Path(f"/proc/{process.pid}/comm").read_text().strip()
        assert (record.nattch, found.state) == (0, State.IN_USE)  # type: ignore[union-attr] # a segment
        assert found.reason == f"not attached, but mapped by {process.pid} ({name})"
        assert [user.pid for user in found.users or ()] == [process.pid]
        assert state(Kind.SEGMENT, shmid) is State.IN_USE
        assert evidence_of(record).state is State.IN_USE
        assert state(Kind.SEGMENT, leaked) is State.ORPHANED
    assert state(Kind.SEGMENT, shmid) is State.ORPHANED


def attach_and_go(shmid: int) -> None:
    """Attach a segment in a process that exits, its last user."""
    departed(lambda: libc.shmat(shmid, None, 0))


def test_segments_that_are_not_orphaned_need_no_scan(objects: Objects) -> None:
    created, attached = objects.segment(), leaked_segment(objects)
    with attaching(attached):
        expire()
        listing = next(procfs.read(Kind.SEGMENT)).select({created, attached})
        (classified,) = complete([listing], {Requirement.STATE})
        assert classified.column("state") == [State.IN_USE, State.IN_USE]
        assert not is_cached(attached=False)


# -- Objects that changed together


def used_queue(objects: Objects) -> int:
    """Return a queue whose last sender is this process."""
    msqid = objects.queue()
    send(msqid)
    return msqid


@pytest.mark.parametrize("create", [suspect_queue, suspect_set])
@pytest.mark.all_processes
def test_object_changed_together_with_used_object_is_unknown(
    objects: Objects, create: Callable[[Objects], int]
) -> None:
    kind = Kind.QUEUE if create is suspect_queue else Kind.SEMAPHORE
    used, doubtful = used_queue(objects), create(objects)
    assert state(kind, doubtful) is State.UNKNOWN
    found = evidence(kind, doubtful)
    if "could not be examined" not in found.reason:  # a queue of an ordinary user
        assert found == UsageState(
            State.UNKNOWN,
            f"changed together with message queue {used}, which is in use",
            None,
            has_related_in_use=True,
        )
    assert evidence_of(product_libc.stat(Kind.QUEUE, used)).state is State.IN_USE


@pytest.mark.root
@pytest.mark.parametrize("used", [*SYSV])
@pytest.mark.all_processes
def test_related_object_is_of_any_kind(objects: Objects, used: Kind) -> None:
    other = objects.make(used)
    doubtful = suspect_set(objects)
    if used is Kind.SEGMENT:  # whose creator lives
        assert f"with segment {other}, which" in evidence(Kind.SEMAPHORE, doubtful).reason
        return
    call = f"msgrcv({other}, room, 9, 0, 0)" if used is Kind.QUEUE else f"semop({other}, ONE, 1)"
    with waiting(call.replace("ONE", r"b'\0\0\xff\xff\0\0'")):
        reason = evidence(Kind.SEMAPHORE, doubtful).reason
        assert reason == f"changed together with {used.noun} {other}, which is in use"


@pytest.mark.root
def test_object_never_used_names_its_related_object(objects: Objects) -> None:
    used, unused = used_queue(objects), objects.semaphores()
    assert evidence(Kind.SEMAPHORE, unused).reason == (
        f"changed together with message queue {used}, which is in use"
    )


@pytest.mark.root
@pytest.mark.slow
def test_object_changed_later_is_not_related(objects: Objects) -> None:
    doubtful = suspect_set(objects)
    wait_for_second(int(row(Kind.SEMAPHORE, doubtful)["ctime"]) + TOGETHER + 1)
    used_queue(objects)
    assert "changed together" not in evidence(Kind.SEMAPHORE, doubtful).reason
    product_libc.set_value(doubtful, 0, 1)  # which moves its ctime; its last user lives, too
    assert state(Kind.SEMAPHORE, doubtful) is State.IN_USE


@pytest.mark.root
@pytest.mark.all_processes
def test_object_of_another_creator_is_not_related(objects: Objects) -> None:
    used_queue(objects)
    assert state(Kind.SEMAPHORE, set_of_nobody(objects)) is State.SUSPECT


def test_related_objects_examine_each_object_once(objects: Objects, isolated: None) -> None:
    made = {(Kind.QUEUE, suspect_queue(objects)) for _ in range(5)}
    examined = []

    def is_used(record: SysvRecord) -> bool:
        examined.append((record.kind, record.id))
        return False

    related = RelatedObjects(is_used)
    for _, msqid in sorted(made, key=str):
        assert related.find(product_libc.stat(Kind.QUEUE, msqid)) is None
    assert sorted(examined, key=str) == sorted(made, key=str)


# -- The age of a scan


def test_scan_is_fresh_for_10_ms_after_its_end() -> None:
    for kind in (Kind.QUEUE, Kind.SEMAPHORE):
        rescan(kind)
        seen = scan(attached=False)
        time.sleep(seen.took + 0.02)
        assert not is_fresh(kind)
    expire()
    scan()
    begun = time.monotonic()
    while is_fresh(Kind.SEGMENT):
        assert time.monotonic() - begun < 60
    age = time.monotonic() - scan().begun
    assert age > scan().took + 0.01


def test_no_scan_is_fresh_for_segments_alone() -> None:
    expire()
    assert [is_fresh(kind) for kind in (Kind.SEGMENT, Kind.QUEUE, Kind.SEMAPHORE)] == [
        True,
        False,
        False,
    ]


@pytest.mark.root
@pytest.mark.all_processes
def test_rescan_keeps_young_related_objects(objects: Objects) -> None:
    used, doubtful = used_queue(objects), suspect_set(objects)
    assert state(Kind.SEMAPHORE, doubtful) is State.UNKNOWN
    rescan(Kind.SEMAPHORE)
    record = product_libc.stat(Kind.SEMAPHORE, doubtful)
    listing = listing_of(Kind.SEMAPHORE, [record])
    (classified,) = complete([listing], {Requirement.EVIDENCE})
    assert f"message queue {used}" in classified.column("evidence")[0].reason
