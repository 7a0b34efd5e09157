import errno
import os
import resource
import signal
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from pyipcs.errors import (
    BusyError,
    DeniedError,
    ExistsError,
    FormError,
    IpcError,
    LimitError,
    NotFoundError,
)
from pyipcs.model import By, Kind, Target
from pyipcs.posix import directory
from pyipcs.posix.handle import handle_class
from pyipcs.posix.segment import PosixSharedMemory
from tests.kit.child import in_child
from tests.kit.kernel import NOBODY, libc
from tests.kit.posix import (
    SHM,
    ShmFiles,
    as_nobody,
    child_in,
    glibc_semaphore,
    hold_mapped,
    needs_leases,
    own_mounts,
)

PAGE = os.sysconf("SC_PAGESIZE")
HOSTILE = {
    "directory": "is a directory",
    "socket": "is a socket",
    "fifo": "is a FIFO",
    "link": "is a symbolic link",
    "sem.dangling": "is a symbolic link",
    "sem.directory": "is a directory",
    "device": "is a device",
}


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    yield
    os.umask(before)


def hold(name: str, *, mapped: bool) -> None:
    """Open or map a file until the process ends."""
    if mapped:
        hold_mapped(SHM / name)
    else:
        os.open(SHM / name, os.O_RDONLY)


def test_handle_class_of_segment_is_shared_memory() -> None:
    assert handle_class(Kind.POSIX_SEGMENT) is PosixSharedMemory
    with pytest.raises(KeyError):
        handle_class(Kind.SEGMENT)


@pytest.mark.parametrize("size", [0, 1, 12345, 2**40])
def test_create_makes_file_of_size_without_pages(shm: ShmFiles, size: int) -> None:
    with umask(0):
        segment = PosixSharedMemory.create("/x", 0o604, size)
    found = (SHM / "x").stat()
    assert (found.st_size, found.st_blocks) == (size, 0)
    assert stat.S_IMODE(found.st_mode) == 0o604
    assert segment.record.inode == found.st_ino
    assert segment.record.segsz == size
    assert segment.stat() == segment.record


def test_create_mode_is_cut_by_umask(shm: ShmFiles) -> None:
    with umask(0o027):
        PosixSharedMemory.create("/x", 0o666, 1)
    assert stat.S_IMODE((SHM / "x").stat().st_mode) == 0o640


def test_create_of_existing_name_keeps_the_object(shm: ShmFiles) -> None:
    path = shm.file("x", b"contents")
    with pytest.raises(ExistsError):
        PosixSharedMemory.create("/x", 0o600, 1)
    assert path.read_bytes() == b"contents"
    for name in shm.hostile():
        with pytest.raises(ExistsError):
            PosixSharedMemory.create(f"/{name}", 0o600, 1)
    assert not (SHM / "missing").exists()


@pytest.mark.parametrize("size", [2**63, 2**70])
def test_create_of_too_large_size_leaves_nothing(shm: ShmFiles, size: int) -> None:
    with pytest.raises(IpcError) as error:
        PosixSharedMemory.create("/x", 0o600, size)
    assert error.value.errno == errno.EFBIG
    assert list(SHM.iterdir()) == []


def test_create_over_rlimit_fsize_leaves_nothing(shm: ShmFiles) -> None:
    def child() -> int:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (PAGE, PAGE))
        with pytest.raises(IpcError) as error:
            PosixSharedMemory.create("/x", 0o600, 2 * PAGE)
        return error.value.errno

    assert in_child(child) == errno.EFBIG
    assert list(SHM.iterdir()) == []


def test_create_without_inodes_raises_limit_error(shm: ShmFiles) -> None:
    def child() -> None:
        own_mounts()
        libc.mount(b"tmpfs", os.fsencode(SHM), b"tmpfs", 0, b"nr_inodes=2")
        directory.use_own()
        PosixSharedMemory.create("/x", 0o600, 1)
        with pytest.raises(LimitError):
            PosixSharedMemory.create("/y", 0o600, 1)

    in_child(child)


@pytest.mark.root
def test_create_in_closed_directory_is_denied(shm: ShmFiles) -> None:
    def create() -> None:
        with pytest.raises(DeniedError):
            PosixSharedMemory.create("/x", 0o600, 1)

    SHM.chmod(0o755)
    try:
        as_nobody(create)
    finally:
        SHM.chmod(0o1777)


def test_find_of_missing_name_raises_not_found(shm: ShmFiles) -> None:
    with pytest.raises(NotFoundError):
        PosixSharedMemory.find("/x")


def test_find_of_no_object_names_its_form(shm: ShmFiles) -> None:
    for name in shm.hostile():
        with pytest.raises(FormError) as error:
            PosixSharedMemory.find(f"/{name}")
        assert error.value.strerror == f"{HOSTILE[name]}, not a POSIX segment"


def test_find_of_semaphore_names_it(shm: ShmFiles) -> None:
    shm.file("sem.a b", glibc_semaphore(1))
    with pytest.raises(FormError) as error:
        PosixSharedMemory.find("/sem.a b")
    assert error.value.strerror == r"is the POSIX semaphore \x2fa\x20b, not a POSIX segment"


def test_reach_returns_segment_of_target(shm: ShmFiles) -> None:
    path = shm.file(b"\xff\n", b"ab")
    segment = PosixSharedMemory.reach(Target(By.NAME, 0, r"/\xff\n", "/\udcff\n"))
    assert segment.id == "/\udcff\n"
    assert segment.record.segsz == 2
    assert segment.record.inode == path.stat().st_ino


@pytest.mark.root
def test_find_in_unsearchable_directory_gives_reason(shm: ShmFiles) -> None:
    shm.file("x")
    SHM.chmod(0o744)
    try:
        reason = as_nobody(_refusal_of_find)
    finally:
        SHM.chmod(0o1777)
    assert reason == "/dev/shm: Permission denied"


def _refusal_of_find() -> str:
    with pytest.raises(IpcError) as error:
        PosixSharedMemory.find("/x")
    return error.value.strerror


def _denied(act: Callable[[], object]) -> None:
    with pytest.raises(DeniedError):
        act()


def test_details_have_birth_and_residency(shm: ShmFiles) -> None:
    shm.file("x", b"x" * 3 * PAGE)
    segment = PosixSharedMemory.find("/x")
    details = segment.details()
    assert details.rss is not None
    assert details.swap is not None
    assert details.rss + details.swap == 3 * PAGE
    assert details.born is not None
    assert details._replace(born=None, rss=None, swap=None) == segment.record


def test_details_of_replaced_segment_raise_not_found(shm: ShmFiles) -> None:
    shm.file("x")
    record = PosixSharedMemory.find("/x").record
    shm.file("y").rename(SHM / "x")
    with pytest.raises(NotFoundError):
        PosixSharedMemory("/x").details(record)


def test_remove_unlinks_the_file(shm: ShmFiles) -> None:
    shm.file("x")
    shm.file("sem.x", glibc_semaphore(1))
    segment = PosixSharedMemory.find("/x")
    segment.remove()
    assert [path.name for path in SHM.iterdir()] == ["sem.x"]
    with pytest.raises(NotFoundError):
        segment.remove()


def test_remove_of_no_object_removes_nothing(shm: ShmFiles) -> None:
    names = shm.hostile()
    shm.file("sem.x", glibc_semaphore(1))
    for name in [*names, "sem.x"]:
        with pytest.raises(FormError):
            PosixSharedMemory(f"/{name}").remove()
    assert {path.name for path in SHM.iterdir()} == {*names, "sem.x"}


def test_remove_of_replaced_segment_keeps_the_new_one(shm: ShmFiles) -> None:
    shm.file("x")
    segment = PosixSharedMemory.find("/x")
    new = shm.file("y", b"new").rename(SHM / "x")
    with pytest.raises(NotFoundError):
        segment.remove()
    assert new.read_bytes() == b"new"


@pytest.mark.root
def test_remove_of_other_users_segment_is_denied(shm: ShmFiles) -> None:
    shm.file("x", mode=0o666)
    as_nobody(lambda: _denied(PosixSharedMemory.find("/x").remove))
    assert (SHM / "x").exists()


@pytest.mark.parametrize("before", [0o000, 0o200, 0o400, 0o600])
def test_change_mode_needs_no_access(shm: ShmFiles, before: int) -> None:
    path = shm.file("x", mode=before)

    def change() -> None:
        PosixSharedMemory.find("/x").change(mode=0o640)

    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)
        as_nobody(change)
    else:
        change()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.root
def test_change_of_owner_group_and_mode_sets_them(shm: ShmFiles) -> None:
    path = shm.file("x")
    segment = PosixSharedMemory.find("/x")
    segment.change(uid=1, mode=0o644)
    assert (path.stat().st_uid, path.stat().st_gid) == (1, os.getegid())
    segment.change(gid=2)
    assert (path.stat().st_uid, path.stat().st_gid) == (1, 2)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert (segment.record.uid, segment.record.gid, segment.record.mode) == (1, 2, 0o644)


@pytest.mark.root
def test_change_of_other_users_segment_is_denied(shm: ShmFiles) -> None:
    path = shm.file("x", mode=0o666)
    as_nobody(lambda: _denied(lambda: PosixSharedMemory.find("/x").change(mode=0o600)))
    as_nobody(lambda: _denied(lambda: PosixSharedMemory.find("/x").change(uid=NOBODY)))
    assert stat.S_IMODE(path.stat().st_mode) == 0o666


def test_change_of_replaced_segment_keeps_the_new_one(shm: ShmFiles) -> None:
    shm.file("x")
    segment = PosixSharedMemory.find("/x")
    new = shm.file("y", b"new", mode=0o604).rename(SHM / "x")
    with pytest.raises(NotFoundError):
        segment.change(mode=0o600, size=0)
    assert new.read_bytes() == b"new"
    assert stat.S_IMODE(new.stat().st_mode) == 0o604


@pytest.mark.parametrize("mapped", [False, True])
def test_change_size_grows_segment_in_use(shm: ShmFiles, mapped: bool) -> None:
    path = shm.file("x", b"ab" * PAGE)
    with child_in(lambda: hold("x", mapped=mapped)):
        segment = PosixSharedMemory.find("/x")
        segment.change(size=3 * PAGE)
        assert segment.record.segsz == 3 * PAGE
        segment.change(size=3 * PAGE)
    assert path.read_bytes() == b"ab" * PAGE + bytes(PAGE)


@needs_leases
def test_change_size_shrinks_unused_segment(shm: ShmFiles) -> None:
    path = shm.file("x", b"abcdef")
    PosixSharedMemory.find("/x").change(size=3, mode=0o400)
    assert path.read_bytes() == b"abc"
    assert stat.S_IMODE(path.stat().st_mode) == 0o400


@needs_leases
@pytest.mark.parametrize("mapped", [False, True])
def test_change_size_does_not_shrink_segment_in_use(shm: ShmFiles, mapped: bool) -> None:
    path = shm.file("x", b"ab" * PAGE)
    with (
        child_in(lambda: hold("x", mapped=mapped)),
        pytest.raises(BusyError, match="in use"),
    ):
        PosixSharedMemory.find("/x").change(size=1, mode=0o400)
    assert path.read_bytes() == b"ab" * PAGE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@needs_leases
@pytest.mark.root
def test_change_size_of_other_users_segment_grows_only(shm: ShmFiles) -> None:
    path = shm.file("x", b"ab", mode=0o666)

    def change() -> str:
        segment = PosixSharedMemory.find("/x")
        segment.change(size=3)
        with pytest.raises(DeniedError) as error:
            segment.change(size=1)
        return error.value.strerror

    assert as_nobody(change) == "only its owner can check that nobody uses it"
    assert path.read_bytes() == b"ab\0"


def test_change_to_too_large_size_keeps_the_size(shm: ShmFiles) -> None:
    path = shm.file("x", b"ab")
    with pytest.raises(IpcError) as error:
        PosixSharedMemory.find("/x").change(size=2**63)
    assert error.value.errno == errno.EFBIG
    assert path.read_bytes() == b"ab"
