"""POSIX objects of other namespaces, and where the queues cannot be seen."""

import csv
import errno
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pytest

from pyipcs.errors import Status
from pyipcs.sysv import namespace
from tests.kit.child import (
    NEWIPC,
    NEWNS,
    drop_capabilities,
    hide,
    refuse_call,
    unshare,
)
from tests.kit.kernel import IS_ROOT, libc
from tests.kit.mqueue import MQUEUE, make_queue, queue
from tests.kit.posix import (
    SHM,
    ShmFiles,
    bind,
    child_in,
    glibc_semaphore,
    mount_tmpfs,
)
from tests.kit.program import PYIPCS, Result, elsewhere, forked, run, unprivileged
from tests.kit.terminal import end, on_terminal, read_until, without_codes
from tests.kit.tracing import held
from tests.kit.wait import LIMIT

# All queues of a user count against RLIMIT_MSGQUEUE, in other namespaces, too.
SMALL = (2, 64)
# Names of this test process: --all-ns also lists the objects of other test processes.
HERE, THERE, MORE = (f"/{word}-{os.getpid()}" for word in ("here", "there", "more"))
FSOPEN = 430  # a system call with one number on all architectures
NO_SEGMENTS = "POSIX segments and semaphores cannot be listed: "
NO_QUEUES = "POSIX queues cannot be listed: "
AS_ROOT = " (as root no mount is needed)"
Steps = Sequence[Callable[[], object]]


@pytest.fixture
def here(shm: ShmFiles, own_mqueue: None, isolated: None) -> Iterator[ShmFiles]:
    """Create a queue, a segment and a semaphore."""
    shm.file(HERE[1:], b"x", mode=0o644)
    shm.file(f"sem.{HERE[1:]}", glibc_semaphore(2), mode=0o644)
    with queue(HERE, sizes=SMALL):
        yield shm


def rows(result: Result) -> list[list[str]]:
    """Return the rows of a listing in CSV, whatever its status."""
    return sorted(csv.reader(result.out.splitlines()[1:]))


# Where queues cannot be seen.

UNMOUNTED: dict[str, tuple[Steps, str, int]] = {
    "missing": (
        [partial(unshare, NEWNS), partial(hide, "/dev"), partial(os.mkdir, SHM)],
        f"there is no /dev/mqueue{AS_ROOT}",
        1,
    ),
    "not mounted": (
        [partial(unshare, NEWNS), partial(hide, "/dev/mqueue")],
        f"the mqueue file system is not mounted at /dev/mqueue{AS_ROOT}",
        1,
    ),
    "of another namespace": (
        [partial(unshare, NEWIPC)],
        f"/dev/mqueue has those of another IPC namespace{AS_ROOT}",
        1,
    ),
    "forbidden": (
        [partial(os.chmod, MQUEUE / HERE[1:], 0)],
        "/dev/mqueue may be that of another IPC namespace: no queue in it can be opened" + AS_ROOT,
        0,
    ),
    "empty": (
        [partial((MQUEUE / HERE[1:]).unlink, missing_ok=True)],
        f"/dev/mqueue is empty, but may be that of another IPC namespace{AS_ROOT}",
        0,
    ),
}


@pytest.fixture(params=UNMOUNTED)
def unmounted(request: pytest.FixtureRequest, here: ShmFiles) -> Iterator[tuple[Steps, str, int]]:
    """Yield the steps to a place without visible queues, with its reason and its status."""
    yield UNMOUNTED[request.param]
    if not (MQUEUE / HERE[1:]).exists():
        os.close(make_queue(HERE, sizes=SMALL))  # the fixture removes it


def test_list_where_queues_are_unseen_reports_the_reason(unmounted: tuple[Steps, str, int]) -> None:
    steps, reason, status = unmounted
    result = unprivileged("list", "-Q", before=steps)
    assert result.err == f"pyipcs: {NO_QUEUES}{reason}\n"
    assert result.status == status
    assert HERE not in result.out


@pytest.mark.parametrize("format_", ["json", "csv", "jsonl", "table", "plain"])
def test_list_where_queues_are_unseen_shows_other_kinds(
    format_: str, unmounted: tuple[Steps, str, int]
) -> None:
    steps, reason, status = unmounted
    has_files = "there is no" not in reason  # there /dev/shm is empty
    result = unprivileged("list", "--posix", "-f", format_, before=steps)
    assert result.err == f"pyipcs: {NO_QUEUES}{reason}\n"
    assert result.status == status
    if format_ == "json":
        found = json.loads(result.out)
        assert found["posix_queues"] is None
        assert [one["name"] for one in found["posix_shmems"]] == [HERE] * has_files
        assert [one["value"] for one in found["posix_semaphores"]] == [2] * has_files
    else:
        assert result.out.count(HERE) == 2 * has_files


def test_list_where_queues_are_unseen_has_no_empty_table(
    unmounted: tuple[Steps, str, int],
) -> None:
    steps, reason, _status = unmounted
    args = ("list", "--posix", "-f", "table", "--color", "always")
    result = unprivileged(*args, before=steps)
    out = without_codes(result.out)
    assert "POSIX message queues" not in out
    assert "No POSIX message queues" not in out
    assert "No POSIX queues" not in out
    assert reason in result.err


def test_list_fail_if_any_where_queues_are_unseen_counts_others(
    unmounted: tuple[Steps, str, int],
) -> None:
    steps, reason, status = unmounted
    assert unprivileged("list", "-Q", "--fail-if-any", before=steps).status == status
    if "there is no" not in reason:
        assert unprivileged("list", "--posix", "--fail-if-any", before=steps).status == 23


@pytest.mark.root
@pytest.mark.parametrize("name", ["missing", "not mounted"])
def test_list_by_root_needs_no_mount(name: str, here: ShmFiles) -> None:
    result = elsewhere("list", "-Q", "-f", "csv", "-o", "NAME", before=UNMOUNTED[name][0])
    assert result == (0, f"NAME\n{HERE}\n", "")


def test_list_by_root_of_another_namespace_ignores_its_mount(here: ShmFiles) -> None:
    steps = (partial(unshare, NEWIPC), partial(make_queue, THERE, sizes=SMALL))
    result = elsewhere("list", "-Q", "-f", "csv", "-o", "NAME", before=steps)
    assert result == (0, f"NAME\n{THERE}\n", "")


@pytest.mark.root
def test_list_by_root_where_mounts_are_refused_reports_it(here: ShmFiles) -> None:
    steps = (partial(unshare, NEWIPC), partial(refuse_call, FSOPEN, errno.EPERM))
    result = elsewhere("list", "-Q", "-J", before=steps)
    text = f"pyipcs: {NO_QUEUES}/dev/mqueue has those of another IPC namespace\n"
    assert (result.status, result.err) == (1, text)
    assert json.loads(result.out)["posix_queues"] is None


@pytest.mark.root
def test_list_by_root_without_capability_names_it(here: ShmFiles) -> None:
    steps = (partial(unshare, NEWNS), partial(hide, "/dev/mqueue"), drop_capabilities)
    result = elsewhere("list", "-Q", before=steps)
    assert result.err.endswith("(with CAP_SYS_ADMIN no mount is needed)\n")
    assert result.status == 1


def test_list_by_ordinary_user_lists_queues_of_the_mount(here: ShmFiles) -> None:
    result = unprivileged("list", "-Q", "-f", "csv", "-o", "NAME")
    assert result == (0, f"NAME\n{HERE}\n", "")


def test_list_watch_where_queues_are_unseen_goes_on(here: ShmFiles) -> None:
    if IS_ROOT:
        pytest.skip("root sees its queues without a mount")
    (MQUEUE / HERE[1:]).unlink()
    process, terminal = on_terminal("list", "--posix", "--watch=0.1")
    try:
        text = without_codes(read_until(terminal, "may be that of another"))
        os.write(terminal, b"q")
        assert process.wait(LIMIT) == 0
    finally:
        end(process, terminal)
        os.close(make_queue(HERE, sizes=SMALL))
    assert HERE in text


# Where /dev/shm cannot be seen.


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda: None, "/dev/shm does not exist"),
        (SHM.touch, "/dev/shm is not a directory"),
        (lambda: SHM.symlink_to("nowhere"), "/dev/shm does not exist"),
    ],
)
def test_list_without_shm_reports_it_and_shows_queues(
    prepare: Callable[[], object], reason: str, here: ShmFiles
) -> None:
    other = partial(make_queue, THERE, sizes=SMALL)
    steps = (partial(unshare, NEWIPC | NEWNS), partial(hide, "/dev"), other, prepare)
    result = elsewhere("list", "--posix", "-J", before=steps)
    assert (result.status, result.err) == (1, f"pyipcs: {NO_SEGMENTS}{reason}\n")
    found = json.loads(result.out)
    assert (found["posix_shmems"], found["posix_semaphores"]) == (None, None)
    assert [one["name"] for one in found["posix_queues"]] == [THERE]
    assert found["other"] is None


@pytest.mark.root
def test_list_of_unreadable_shm_reports_it(here: ShmFiles) -> None:
    SHM.chmod(0o711)
    try:
        result = unprivileged("list", "-MS")
    finally:
        SHM.chmod(0o1777)
    assert (result.status, result.err) == (
        1,
        f"pyipcs: {NO_SEGMENTS}/dev/shm: Permission denied\n",
    )


# --ns.


def settle() -> None:
    """Move to namespaces of this process's own, with one object of each kind."""
    unshare(NEWIPC | NEWNS)
    own_mounts_only()
    make_queue(THERE, sizes=SMALL)
    (SHM / THERE[1:]).write_bytes(b"y" * 5000)
    (SHM / f"sem.{THERE[1:]}").write_bytes(glibc_semaphore(9))


def own_mounts_only() -> None:
    """Mount an empty /dev/shm in the mount namespace of this process."""
    libc.mount(b"none", b"/", None, 16384 | 1 << 18, None)
    mount_tmpfs(SHM)


@pytest.fixture
def there(here: ShmFiles) -> Iterator[int]:
    """Return the pid of a process in namespaces of its own, with objects."""
    with child_in(settle) as pid:
        yield pid


COLUMNS = ("-f", "csv", "-o", "KIND,NAME,SIZE,VALUE")
THERE_ROWS = [["pmsg", THERE, "", ""], ["psem", THERE, "", "9"], ["pshm", THERE, "5000", ""]]


def test_list_ns_of_process_shows_its_objects(there: int) -> None:
    result = forked("list", "--posix", "--ns", str(there), *COLUMNS)
    assert (result.status, result.err, rows(result)) == (0, "", THERE_ROWS)
    path = f"/proc/{there}/ns/ipc"
    assert rows(forked("list", "--posix", f"--ns={path}", *COLUMNS)) == THERE_ROWS
    assert len(rows(forked("stat", THERE, "--ns", str(there), *COLUMNS))) == 3
    assert forked("stat", HERE, "--ns", str(there)).err.endswith("has that name\n")


def test_list_ns_of_own_process_is_the_same(here: ShmFiles) -> None:
    own = rows(forked("list", "--posix", *COLUMNS))
    assert len(own) == 3
    for path in (str(os.getpid()), "/proc/self/ns/ipc", f"/proc/{os.getpid()}/ns/ipc"):
        result = forked("list", "--posix", "--ns", path, *COLUMNS)
        assert (result.status, result.err, rows(result)) == (0, "", own)


@pytest.mark.root
def test_list_ns_of_file_has_queues_alone(there: int, tmp_path: Path) -> None:
    file = tmp_path / "ns"
    file.touch()
    bind(Path(f"/proc/{there}/ns/ipc"), file)
    try:
        result = forked("list", "--posix", "--ns", str(file), "-J")
        queues = forked("list", "-Q", "--ns", str(file), "-f", "csv", "-o", "NAME")
        stat = forked("stat", "-q", THERE, "--ns", str(file), "-f", "csv", "-o", "NAME")
    finally:
        libc.umount2(os.fsencode(file), 2)
    reason = f"{file} is not /proc/PID/ns/ipc (only a process has a /dev/shm)"
    assert (result.status, result.err) == (1, f"pyipcs: {NO_SEGMENTS}{reason}\n")
    found = json.loads(result.out)
    assert [one["name"] for one in found["posix_queues"]] == [THERE]
    assert found["posix_shmems"] is found["posix_semaphores"] is found["other"] is None
    assert queues == stat == (0, f"NAME\n{THERE}\n", "")


def enter_root(root: Path) -> None:
    """Enter a chroot in new namespaces."""
    unshare(NEWIPC | NEWNS)
    libc.mount(b"none", b"/", None, 16384 | 1 << 18, None)
    mount_tmpfs(root)
    (root / "dev").mkdir()


@pytest.mark.alone
@pytest.mark.parametrize("all_namespaces", [False, True])
def test_list_of_chroot_follows_no_link_out_of_it(
    all_namespaces: bool, here: ShmFiles, tmp_path: Path
) -> None:
    """An absolute link dev/shm leads to the host's files, if the host resolves it."""
    (SHM / "host").mkdir()
    here.file("host/secret", b"x")

    def prepare() -> None:
        enter_root(tmp_path)
        (tmp_path / "dev/shm").symlink_to(SHM / "host")
        os.chroot(tmp_path)

    with child_in(prepare) as pid:
        where = ["--all-ns"] if all_namespaces else ["--ns", str(pid)]
        result = forked("list", "-M", *where)
    assert "secret" not in result.out
    assert "Traceback" not in result.err
    if all_namespaces:
        assert HERE in result.out
        assert "/dev/shm of " in result.err
    else:
        assert result.status == 1
        assert result.err.startswith(f"pyipcs: {NO_SEGMENTS}/dev/shm of process {pid}")


# --all-ns.


def all_rows(*args: str) -> list[list[str]]:
    """Return the rows of --all-ns about the objects of this file's tests, without NS."""
    result = forked("list", "--all-ns", *args, "-f", "csv", "-o", "KIND,NAME")
    return [row[1:] for row in rows(result) if row[2] in {HERE, THERE, MORE}]


@pytest.mark.alone
def test_list_all_ns_has_objects_of_each_namespace_once(there: int) -> None:
    expected = [[kind, name] for name in (HERE, THERE) for kind in ("pmsg", "psem", "pshm")]
    assert sorted(all_rows("--posix")) == sorted(expected)


@pytest.mark.alone
def test_list_all_ns_has_a_column_with_the_namespace(there: int) -> None:
    result = forked("list", "--all-ns", "--posix", "-f", "csv", "-o", "NAME,NS")
    inodes = {row["NAME"]: row["NS"] for row in csv.DictReader(result.out.splitlines())}
    assert inodes[THERE] == str(Path(f"/proc/{there}/ns/ipc").stat().st_ino)
    assert inodes[HERE] == str(namespace.current())


@pytest.mark.alone
def test_list_all_ns_json_has_arrays_in_each_namespace(there: int) -> None:
    result = forked("list", "--all-ns", "--posix", "-J")
    groups = {one["ipc_namespace"]: one for one in json.loads(result.out)["namespaces"]}
    own = groups[namespace.current()]
    other = groups[Path(f"/proc/{there}/ns/ipc").stat().st_ino]
    for group, name in ((own, HERE), (other, THERE)):
        for array in ("posix_queues", "posix_shmems", "posix_semaphores"):
            assert [one["name"] for one in group[array]] == [name]


@pytest.mark.alone
def test_list_all_ns_shows_a_shared_tmpfs_once(here: ShmFiles) -> None:
    """Three namespaces, one /dev/shm: its objects are those of the caller's namespace."""

    def prepare() -> None:
        unshare(NEWIPC)

    with ExitStack() as stack:
        pids = [stack.enter_context(child_in(prepare)) for _ in range(2)]
        result = forked("list", "--all-ns", "-MS", "-f", "csv", "-o", "NAME,KIND")
        others = {str(Path(f"/proc/{pid}/ns/ipc").stat().st_ino) for pid in pids}
    found = [row for row in rows(result) if row[1] == HERE]
    assert [row[2] for row in found] == ["psem", "pshm"]
    assert others.isdisjoint(row[0] for row in found)


@pytest.mark.alone
@pytest.mark.parametrize("format_", ["plain", "table", "json", "csv"])
def test_list_all_ns_of_a_shared_tmpfs_knows_the_columns_of_all_kinds(
    format_: str, here: ShmFiles
) -> None:
    """The other namespace has queues alone: the objects in /dev/shm are listed before."""
    with child_in(partial(unshare, NEWIPC)):
        columns = ("-o", "KIND,ID,NAME", "--sort", "NAME")
        result = run(PYIPCS, "list", "--all-ns", "-q", "-M", *columns, "-f", format_)
    # An ordinary user cannot enter the namespaces of other users.
    assert result.status == Status.DONE or (not IS_ROOT and result.status == Status.FAILED)
    assert "no column" not in result.err
    assert HERE in result.out


@pytest.mark.alone
def test_list_all_ns_shows_each_mount_within_one_namespace(here: ShmFiles) -> None:
    """One IPC namespace, three file systems at /dev/shm."""

    def more(name: str) -> None:
        unshare(NEWNS)
        own_mounts_only()
        (SHM / name[1:]).touch()

    with child_in(partial(more, THERE)), child_in(partial(more, MORE)):
        found = all_rows("-M")
        assert sorted(found) == [["pshm", HERE], ["pshm", MORE], ["pshm", THERE]]
        assert all_rows("-Q") == [["pmsg", HERE]]
    assert rows(forked("list", "-M", "-f", "csv", "-o", "KIND,NAME")) == [["pshm", HERE]]


@pytest.mark.alone
@pytest.mark.tools("strace")
def test_list_all_ns_shows_a_tmpfs_although_its_first_namespace_is_gone(here: ShmFiles) -> None:
    """Two namespaces share a /dev/shm; the process of the first one ends after the scan."""
    held = ExitStack()  # that of the first process

    def prepare() -> None:
        unshare(NEWIPC | NEWNS)
        own_mounts_only()
        child = held.enter_context(child_in(partial(unshare, NEWIPC)))
        (SHM / THERE[1:]).write_text(str(child))

    with child_in(prepare) as one:
        other = Path(f"/proc/{one}/root{SHM}/{THERE[1:]}").read_text()
        inodes = {Path(f"/proc/{pid}/ns/ipc").stat().st_ino: pid for pid in (one, other)}
        first, second = sorted(inodes)
        gone = ["-f", "-o", "/dev/null", "-P", f"/proc/{inodes[first]}/ns/ipc"]
        gone += ["-e", "trace=openat", "-e", "inject=openat:error=ENOENT"]
        result = run("strace", *gone, PYIPCS, "list", "--all-ns", "-M", "-f", "csv", "-o", "NAME")
    assert [row[0] for row in rows(result) if row[-1] == THERE] == [str(second)]


@pytest.mark.alone
@pytest.mark.tools("strace")
def test_list_all_ns_shows_a_tmpfs_although_its_first_process_is_gone(here: ShmFiles) -> None:
    """Two processes share a /dev/shm; the first one ends between its opening and the listing."""

    def prepare() -> None:
        unshare(NEWNS)
        own_mounts_only()
        sleeper = subprocess.Popen(["sleep", str(LIMIT)])
        (SHM / THERE[1:]).write_text(str(sleeper.pid))

    with child_in(prepare) as one:
        other = int(Path(f"/proc/{one}/root{SHM}/{THERE[1:]}").read_text())
        first, second = sorted((one, other))
        command = ("list", "--all-ns", "-M", "-f", "csv", "-o", "NAME")
        try:
            with held("openat", "enter", *command, paths=[Path(f"/proc/{second}")]) as program:
                os.kill(first, signal.SIGKILL)
                result = program.result()
        finally:
            with suppress(ProcessLookupError):
                os.kill(other, signal.SIGKILL)
    assert [row[-1] for row in rows(result)].count(THERE) == 1
    assert "does not exist" not in result.err


@pytest.mark.alone
@pytest.mark.root
def test_list_all_ns_by_ordinary_user_reports_the_unseen_in_one_line(there: int) -> None:
    result = unprivileged("list", "--all-ns", "-M", "-f", "csv", "-o", "NAME")
    text = r"pyipcs: /dev/shm of (1 process|\d+ processes) could not be examined \(try as root\)"
    # Other lines are about IPC namespaces of other programs.
    assert [bool(re.fullmatch(text, line)) for line in result.err.splitlines()].count(True) == 1
    assert THERE not in result.out
    assert "Traceback" not in result.err


@pytest.mark.alone
def test_list_all_ns_leaves_the_place_of_the_caller(there: int) -> None:
    """The headings are followed by the objects of the right /dev/shm."""
    out = forked("list", "--all-ns", "-M").out
    here_at, there_at = out.index(HERE), out.index(THERE)
    assert "(this one)" in out[:here_at]
    assert out.count(HERE) == out.count(THERE) == 1
    assert here_at < there_at


@pytest.mark.parametrize(
    ("args", "out"),
    [
        ("list -M -f csv -o NAME,SIZE", "NAME,SIZE\n"),
        ("list --posix -f csv -o NAME,SIZE", "KIND,NAME,SIZE\n"),
        ("list -M -f jsonl", ""),
        ("list -M --sort -SIZE", "\n"),
    ],
)
def test_list_of_kinds_that_cannot_be_listed_has_their_columns(
    args: str, out: str, tmp_path: Path, shm: ShmFiles, own_mqueue: None
) -> None:
    """A file of a namespace names no process, and so no /dev/shm."""
    name = tmp_path / "ns"
    name.symlink_to(f"/proc/{os.getpid()}/ns/ipc")
    result = forked(*args.split(), "--ns", str(name))
    assert (result.status, result.out) == (1, out), result
    assert "only a process has a /dev/shm" in result.err
