"""Mounts of this process alone, and their refusals."""

import errno
import os
from collections.abc import Callable
from ctypes import c_ulong
from pathlib import Path

import pytest

from pyipcs.posix.mounts import Mounts, mount_own
from pyipcs.process import libc as _loaded  # noqa: F401 # a child without its files cannot import it
from tests.kit.child import (
    NEWIPC,
    NEWNS,
    NEWUSER,
    call_number,
    drop_privileges,
    filter_calls,
    hide,
    in_child,
    refuse_call,
    unshare,
)
from tests.kit.factories import fork_child
from tests.kit.kernel import libc
from tests.kit.mqueue import MQUEUE, make_queue
from tests.kit.posix import SHM, ShmFiles, bind, mount_tmpfs, own_mounts, shared_mounts
from tests.kit.wait import exit_code

BOTH = [str(MQUEUE), str(SHM)]
MS_REC, MS_PRIVATE = 16384, 1 << 18
MOUNTINFO = Path("/proc/self/mountinfo")
Step = Callable[[], object]


@pytest.fixture(autouse=True)
def _own_file_systems(own_mqueue: None, shm: ShmFiles) -> None:
    pass


def own_namespaces() -> None:
    unshare(NEWIPC | NEWNS)


def namespace() -> str:
    return str(Path("/proc/self/ns/mnt").readlink())


def refusals(*before: Step, paths: list[str] = BOTH) -> dict[str, str]:
    """Return the reasons of refused mounts, by path; the namespace changes if one is accepted."""

    def mount() -> dict[str, str]:
        outside = namespace()
        mounts = mount_own(paths)
        assert (namespace() == outside) == (not mounts.devices)
        assert mounts.devices == {
            path: Path(path).stat().st_dev for path in paths if path not in mounts.refused
        }
        return {path: refusal.reason for path, refusal in mounts.refused.items()}

    return in_child(mount, *before)


def test_mount_own_mounts_new_empty_file_systems() -> None:
    (SHM / "outside").touch()

    def devices() -> tuple[set[int], list[str]]:
        make_queue("/outside", sizes=(1, 1))
        unshare(NEWIPC)
        outside = {Path(path).stat().st_dev for path in BOTH}
        mounts = mount_own(BOTH)
        assert mounts.refused == {}
        assert all(map(mounts.is_empty, BOTH))
        return outside & {*mounts.devices.values()}, os.listdir(MQUEUE) + os.listdir(SHM)  # noqa: PTH208 # strings

    def mount_queues() -> None:
        libc.mount(b"none", b"/", None, c_ulong(MS_PRIVATE | MS_REC), None)
        libc.mount(b"mqueue", b"/dev/mqueue", b"mqueue", c_ulong(0), None)

    assert in_child(devices, own_namespaces, mount_queues) == (set(), [])


def test_is_empty_reports_files_and_other_mounts() -> None:
    def answers() -> list[bool]:
        mounts = mount_own(BOTH)
        before = mounts.is_empty(str(SHM))
        (SHM / "file").touch()
        with_file = mounts.is_empty(str(SHM))
        mount_tmpfs(SHM)
        return [before, with_file, mounts.is_empty(str(SHM)), Mounts().is_empty(str(SHM))]

    assert in_child(answers, own_namespaces) == [True, False, False, False]


# -- Propagation


@pytest.mark.parametrize("hidden", [[], ["/dev"]])
def test_mount_own_below_shared_mounts_is_not_seen_outside(hidden: list[str]) -> None:
    """The mount that has the directory is /dev/mqueue itself, or /dev."""

    def prepare() -> None:
        for path in hidden:
            mount_tmpfs(Path(path))
            MQUEUE.mkdir()
            SHM.mkdir()

    def seen() -> tuple[int, bool]:
        outside = MOUNTINFO.read_text()
        status = exit_code(fork_child(mount))
        return status, MOUNTINFO.read_text() != outside

    def mount() -> None:
        outside = MOUNTINFO.read_text().splitlines()
        unshare(NEWIPC)  # the kernel mounts no file system over itself
        assert mount_own(BOTH).refused == {}
        assert len(MOUNTINFO.read_text().splitlines()) == len(outside) + len(BOTH)

    assert in_child(seen, shared_mounts, prepare) == (0, False)


@pytest.mark.root
def test_mount_own_keeps_the_propagation_of_other_mounts(tmp_path: Path) -> None:
    def seen() -> tuple[int, bool]:
        status = exit_code(fork_child(mount))
        return status, f" {tmp_path} " in MOUNTINFO.read_text()

    def mount() -> None:
        unshare(NEWIPC)
        assert mount_own(BOTH).refused == {}
        mount_tmpfs(tmp_path)

    assert in_child(seen, shared_mounts) == (0, True)


def test_mount_own_below_a_link_and_a_mount_with_a_space(tmp_path: Path) -> None:
    folder = tmp_path / "a b"
    folder.mkdir()

    def prepare() -> None:
        mount_tmpfs(folder)
        (folder / "queues").mkdir()
        mount_tmpfs(Path("/dev"))
        SHM.mkdir()
        MQUEUE.symlink_to(folder / "queues")

    assert refusals(shared_mounts, prepare, lambda: unshare(NEWIPC)) == {}


# -- The limits of /dev/shm

FLAGS = {"nosuid": 2, "nodev": 4, "noexec": 8, "noatime": 1024, "strictatime": 1 << 24}


@pytest.mark.parametrize(
    "flags", [[], ["nosuid", "nodev", "strictatime"], ["noexec", "noatime"]], ids=",".join
)
@pytest.mark.parametrize("options", ["size=8192,nr_inodes=7", "size=0,nr_inodes=0", "mode=755"])
def test_mount_own_shm_has_the_limits_and_flags_of_the_outer_one(
    flags: list[str], options: str
) -> None:
    def prepare() -> None:
        number = sum(FLAGS[flag] for flag in flags)
        libc.mount(b"tmpfs", b"/dev/shm", b"tmpfs", number, options.encode())

    def figures() -> tuple[object, object, int]:
        def limits() -> tuple[int, ...]:
            one = os.statvfs(SHM)
            # nodev of the mount is implied in a user namespace, and not reported.
            return one.f_frsize, one.f_blocks, one.f_files, one.f_flag

        outside = limits()
        mount_own(BOTH)
        return outside, limits(), SHM.stat().st_mode & 0o7777

    outside, inside, mode = in_child(figures, own_namespaces, own_mounts, prepare)
    assert (inside, mode) == (outside, 0o1777)


def test_mount_own_shm_beside_another_file_system_has_no_limit_of_inodes(tmp_path: Path) -> None:
    def figures() -> bool:
        outside = os.statvfs(SHM)
        mount_own(BOTH)
        inside = os.statvfs(SHM)
        sizes = [one.f_blocks * one.f_frsize for one in (outside, inside)]
        return abs(sizes[0] - sizes[1]) <= inside.f_frsize and inside.f_files > 0

    if tmp_path.stat().st_dev == SHM.stat().st_dev:
        pytest.skip("needs another file system")
    assert in_child(figures, own_mounts, lambda: bind(tmp_path, SHM))


# -- Refusals


def test_mount_own_refuses_missing_directories() -> None:
    reason = os.strerror(errno.ENOENT)
    assert refusals(own_mounts, lambda: hide("/dev")) == dict.fromkeys(BOTH, reason)

    def only_shm() -> None:
        hide("/dev")
        SHM.mkdir()

    assert refusals(own_mounts, only_shm) == {str(MQUEUE): reason}


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOSYS])
def test_mount_own_with_refused_mount_stays(number: int) -> None:
    mount = call_number("mount")
    reason = os.strerror(number)
    assert refusals(own_namespaces, lambda: refuse_call(mount, number)) == dict.fromkeys(
        BOTH, reason
    )


def test_mount_own_without_capabilities_stays() -> None:
    reason = os.strerror(errno.EPERM)
    assert refusals(drop_privileges) == dict.fromkeys(BOTH, reason)


def test_mount_own_at_the_limit_of_namespaces_stays() -> None:
    def limit() -> None:
        Path("/proc/sys/user/max_mnt_namespaces").write_text("0")

    def root_of_a_user_namespace() -> None:
        uid = os.geteuid()
        libc.unshare(NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")

    reason = "No space left on device (user.max_mnt_namespaces is 0)"
    found = refusals(root_of_a_user_namespace, limit)
    assert found == dict.fromkeys(BOTH, reason)


def test_mount_own_killed_child_stays() -> None:
    def kill() -> None:
        load, equal, give, process, allow = 0x20, 0x15, 0x06, 0x80000000, 0x7FFF0000
        code = [(load, 0, 0, 0), (equal, 0, 1, call_number("mount"))]
        filter_calls([*code, (give, 0, 0, process), (give, 0, 0, allow)])

    reason = "the helper process exited unexpectedly"
    assert refusals(own_namespaces, kill) == dict.fromkeys(BOTH, reason)


def test_mount_own_without_proc_stays() -> None:
    def mount() -> dict[str, str]:
        return {path: refusal.reason for path, refusal in mount_own(BOTH).refused.items()}

    found = in_child(mount, own_mounts, lambda: hide("/proc"))
    assert found == dict.fromkeys(BOTH, os.strerror(errno.ENOENT))


@pytest.mark.root
def test_mount_own_below_a_changed_root_stays(tmp_path: Path) -> None:
    for name in ["dev/mqueue", "dev/shm", "proc"]:
        (tmp_path / name).mkdir(parents=True)

    def change_root() -> None:
        libc.mount(b"proc", os.fsencode(tmp_path / "proc"), b"proc", 0, None)
        os.chroot(tmp_path)

    assert refusals(own_mounts, change_root) == {
        path: f"the mount of {path} is outside the root directory" for path in BOTH
    }
