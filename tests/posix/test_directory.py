import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pyipcs.errors import IpcError, UnseenError
from pyipcs.model import Kind
from pyipcs.posix import directory, handle, listing
from pyipcs.posix.segment import PosixSharedMemory
from pyipcs.posix.semaphore import PosixNamedSemaphore
from pyipcs.process import libc as system
from tests.kit.child import in_child, refuse_call
from tests.kit.posix import SHM, ShmFiles, as_nobody, bind, child_in, mount_tmpfs, own_mounts
from tests.kit.program import run

CANNOT = "POSIX segments and semaphores cannot be listed: "


def names() -> list[str]:
    return sorted(
        name for chunk in listing.read(Kind.POSIX_SEGMENT) for name in chunk.column("name")
    )


def unseen(act: Callable[[], object]) -> str:
    with pytest.raises(UnseenError) as error:
        act()
    return str(error.value)


def use_process(pid: int) -> None:
    directory.use_namespace_file(f"/proc/{pid}/ns/ipc")


def unseen_process(pid: int) -> str:
    use_process(pid)
    return unseen(directory.open_shm)


def with_dev(prepare: Callable[[], object], act: Callable[[], object]) -> object:
    """Return the result of a function in a child with an empty /dev."""

    def child() -> object:
        own_mounts()
        mount_tmpfs(Path("/dev"))
        prepare()
        directory.use_own()
        return act()

    return in_child(child)


def test_open_shm_is_the_directory_of_shm_open(shm: ShmFiles) -> None:
    descriptor = directory.open_shm()
    assert os.path.samestat(os.fstat(descriptor), SHM.stat())
    assert not os.get_inheritable(descriptor)
    assert directory.open_shm() == descriptor


def test_open_shm_without_directory_gives_reason(own_shm: None) -> None:
    reason = with_dev(lambda: None, lambda: unseen(directory.open_shm))
    assert reason == f"{CANNOT}/dev/shm does not exist"


def test_open_shm_that_is_a_file_gives_reason(own_shm: None) -> None:
    reason = with_dev(SHM.touch, lambda: unseen(directory.open_shm))
    assert reason == f"{CANNOT}/dev/shm is not a directory"


def test_open_shm_accepts_any_directory(own_shm: None) -> None:
    def fill() -> None:
        Path("/dev/other").mkdir()
        SHM.symlink_to("other")
        Path("/dev/other/x").touch()

    assert with_dev(fill, names) == ["/x"]


def test_read_without_directory_raises_at_the_call(own_shm: None) -> None:
    reason = with_dev(lambda: None, lambda: unseen(lambda: listing.read(Kind.POSIX_SEGMENT)))
    assert reason == f"{CANNOT}/dev/shm does not exist"


def test_find_without_directory_gives_reason(own_shm: None) -> None:
    def find() -> str:
        with pytest.raises(IpcError) as error:
            PosixSharedMemory.find("/x")
        return error.value.strerror

    assert with_dev(lambda: None, find) == "/dev/shm does not exist"


@pytest.mark.root
@pytest.mark.parametrize("mode", [0o711, 0o744])
def test_open_shm_that_is_not_readable_and_searchable_gives_reason(
    shm: ShmFiles, mode: int
) -> None:
    SHM.chmod(mode)
    try:
        reason = as_nobody(lambda: unseen(directory.open_shm))
    finally:
        SHM.chmod(0o1777)
    assert reason == f"{CANNOT}/dev/shm: Permission denied"


def test_use_none_gives_its_reason() -> None:
    directory.use_none("no process lives there")
    try:
        assert unseen(directory.open_shm) == f"{CANNOT}no process lives there"
        with pytest.raises(IpcError, match="no process lives there"):
            handle.shm()
    finally:
        directory.use_own()
    assert directory.is_own()


def test_use_namespace_file_shows_files_of_other_mount(shm: ShmFiles) -> None:
    shm.file("here")

    def prepare() -> None:
        own_mounts()
        mount_tmpfs(SHM)
        (SHM / "there").touch()

    with child_in(prepare) as pid:
        use_process(pid)
        assert names() == ["/there"]
        assert os.fstat(directory.open_shm()).st_dev != SHM.stat().st_dev
        assert not directory.is_own()
        PosixSharedMemory.find("/there").remove()
        assert names() == []
        PosixSharedMemory.create("/new", 0o600, 5)
        assert names() == ["/new"]
        directory.use_own()
        assert names() == ["/here"]


def test_read_in_progress_keeps_its_place(shm: ShmFiles) -> None:
    for number in range(1500):
        shm.file(f"f{number}")
    chunks = listing.read(Kind.POSIX_SEGMENT)
    first = next(chunks)
    directory.use_none("gone")
    assert first.length + sum(chunk.length for chunk in chunks) == 1500


def test_semaphore_create_in_place_of_process_is_refused(shm: ShmFiles) -> None:
    use_process(os.getpid())
    with pytest.raises(IpcError, match="cannot be created in the /dev/shm of another process"):
        PosixNamedSemaphore.create("/x", 0o600, 1)
    assert list(SHM.iterdir()) == []


def test_use_namespace_file_of_process_that_ended_gives_reason(shm: ShmFiles) -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    reason = unseen_process(pid)
    assert reason == f"{CANNOT}/proc/{pid}/ns/ipc does not exist"
    assert not directory.is_own()


@pytest.mark.root
def test_use_namespace_file_of_other_user_gives_reason() -> None:
    pid = os.getpid()
    reason = as_nobody(lambda: unseen_process(pid))
    assert reason == f"{CANNOT}the root of process {pid}: Permission denied"


@pytest.mark.parametrize("error", [errno.ENOSYS, errno.EPERM])
def test_use_namespace_file_without_openat2_gives_reason(error: int) -> None:
    pid = os.getpid()

    def refused() -> str:
        refuse_call(437, error)
        return unseen_process(pid)

    words = {
        errno.ENOSYS: "needs openat2(2) of Linux 5.6",
        errno.EPERM: "Operation not permitted",
    }
    assert in_child(refused) == f"{CANNOT}/dev/shm of process {pid}: {words[error]}"


@pytest.fixture
def jail(own_shm: None, tmp_path: Path) -> tuple[Path, Path]:
    """Create a root directory, and a directory of the host; both get a tmpfs."""
    root, host = tmp_path / "root", tmp_path / "host"
    root.mkdir()
    host.mkdir()
    return root, host


def enter(root: Path) -> None:
    os.chroot(root)
    os.chdir("/")


def in_jail(
    jail: tuple[Path, Path],
    prepare: Callable[[Path, Path], object],
    answer: Callable[[int], object],
) -> object:
    """Return an answer about a process in a chroot, from outside of it.

    Args:
        jail: the root directory of the process, and a directory of the host.
        prepare: fills both.
        answer: gives the answer for the pid of the process.
    """
    root, host = jail

    def child() -> object:
        own_mounts()
        for path in jail:
            mount_tmpfs(path)
        (root / "dev").mkdir()
        (host / "host-file").touch()
        prepare(root, host)

        with child_in(lambda: enter(root)) as pid:
            return answer(pid)

    return in_child(child)


def names_of_process(pid: int) -> list[str]:
    use_process(pid)
    return names()


def test_use_namespace_file_does_not_follow_link_out_of_chroot(jail: tuple[Path, Path]) -> None:
    def prepare(root: Path, host: Path) -> None:
        (root / "dev/shm").symlink_to(host)

    def check(pid: int) -> object:
        # The path of /proc, resolved by the kernel in this root, would lead to the host.
        assert os.listdir(f"/proc/{pid}/root/dev/shm") == ["host-file"]  # noqa: PTH208
        return unseen_process(pid).partition(" of process ")[0]

    assert in_jail(jail, prepare, check) == f"{CANNOT}/dev/shm"


def test_use_namespace_file_follows_links_within_chroot(jail: tuple[Path, Path]) -> None:
    def prepare(root: Path, host: Path) -> None:
        (root / "dev/shm").symlink_to(host)
        inside = root / host.relative_to("/")
        inside.mkdir(parents=True)
        (inside / "jail-file").touch()

    assert in_jail(jail, prepare, names_of_process) == ["/jail-file"]


def test_use_namespace_file_does_not_leave_chroot_by_parents(jail: tuple[Path, Path]) -> None:
    def prepare(root: Path, host: Path) -> None:
        (root / "dev/shm").symlink_to("../" * 40 + str(host).lstrip("/"))

    def check(pid: int) -> object:
        return unseen_process(pid).endswith(" does not exist")

    assert in_jail(jail, prepare, check) is True


def test_use_namespace_file_without_tmpfs_gives_reason(jail: tuple[Path, Path]) -> None:
    def prepare(root: Path, host: Path) -> None:
        (root / "dev/shm").mkdir()
        bind(Path("/proc/self"), root / "dev/shm")

    def check(pid: int) -> object:
        return unseen_process(pid) == (f"{CANNOT}/dev/shm of process {pid} is not a tmpfs")

    assert in_jail(jail, prepare, check) is True


def test_file_system_type_is_that_of_statfs(shm: ShmFiles) -> None:
    assert directory.is_in_memory(directory.open_shm())
    descriptor = os.open("/proc", os.O_RDONLY)
    assert system.file_system_type(descriptor) == 0x9FA0  # PROC_SUPER_MAGIC
    assert not directory.is_in_memory(descriptor)
    os.close(descriptor)
    with pytest.raises(IpcError) as error:
        system.file_system_type(descriptor)
    assert error.value.errno == errno.EBADF


def is_swap_used() -> bool:
    lines = Path("/proc/meminfo").read_text().splitlines()
    values = {line.split(":")[0]: line.split()[1] for line in lines}
    return values["SwapTotal"] != values["SwapFree"]


def test_is_swap_used_is_that_of_meminfo() -> None:
    before = is_swap_used()
    assert system.is_swap_used() in {before, is_swap_used()}


def test_cachestat_counts_pages(shm: ShmFiles) -> None:
    page = os.sysconf("SC_PAGESIZE")
    path = shm.file("x", b"x" * 3 * page)
    os.truncate(path, 10 * page)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert system.cachestat(descriptor) == (3, 0)
    except IpcError as error:
        if error.errno != errno.ENOSYS:
            raise
        pytest.skip("needs Linux 6.5")
    finally:
        os.close(descriptor)


@pytest.mark.tools("stat")
def test_birth_is_that_of_stat(shm: ShmFiles) -> None:
    path = shm.file("x")
    os.utime(path, (1, 1))
    found = path.stat()
    time = int(run("stat", "-c", "%W", str(path)).out)
    assert time > 1
    assert system.birth(directory.open_shm(), b"x") == (found.st_dev, found.st_ino, time)


def test_open_all_counts_no_process_without_directory(jail: tuple[Path, Path]) -> None:
    """It has no objects there, so none is missing in a listing."""
    assert in_jail(jail, lambda _root, _host: None, open_all) == ([], 0)


def test_open_all_counts_process_without_tmpfs(jail: tuple[Path, Path]) -> None:
    def prepare(root: Path, host: Path) -> None:
        (root / "dev/shm").mkdir()
        bind(Path("/proc/self"), root / "dev/shm")

    assert in_jail(jail, prepare, open_all) == ([], 1)


def test_open_all_opens_each_file_system_once(shm: ShmFiles) -> None:
    with child_in(lambda: None) as one, child_in(lambda: None) as other:
        assert open_all(one, other) == ([SHM.stat().st_dev], 0)
        assert directory.open_all([one], {SHM.stat().st_dev}) == ({}, 0)


def open_all(*pids: int) -> tuple[list[int], int]:
    """Return the devices at the /dev/shm of processes, and the number of unseen processes."""
    found, unseen = directory.open_all(pids, ())
    for descriptor in found.values():
        os.close(descriptor)
    return [*found], unseen
