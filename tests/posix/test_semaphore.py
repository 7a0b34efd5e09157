import errno
import mmap
import os
import stat
from collections.abc import Callable
from ctypes import c_long, c_size_t, c_void_p
from pathlib import Path

import pytest

from pyipcs.errors import DeniedError, ExistsError, FormError, IpcError, NotFoundError
from pyipcs.model import Kind
from pyipcs.posix.handle import handle_class
from pyipcs.posix.semaphore import PosixNamedSemaphore
from tests.kit.kernel import libc
from tests.kit.posix import SHM, ShmFiles, as_nobody, glibc_semaphore, i386_semaphore
from tests.kit.program import Result
from tests.posix.test_segment import HOSTILE, umask

MAP_FIXED = 0x10  # sys/mman.h
CRun = Callable[..., Result]
needs_glibc = pytest.mark.skipif(
    not os.confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in os.confstr_names else True,
    reason="needs glibc",
)


def test_handle_class_of_semaphore_is_named_semaphore() -> None:
    assert handle_class(Kind.POSIX_SEMAPHORE) is PosixNamedSemaphore


@needs_glibc
@pytest.mark.tools("cc")
@pytest.mark.parametrize("value", [0, 1, 2**31 - 1])
def test_create_has_value_of_sem_getvalue(shm: ShmFiles, c_program: CRun, value: int) -> None:
    with umask(0):
        semaphore = PosixNamedSemaphore.create("/x", 0o646, value)
    assert c_program("value", "/x").out == f"{value}\n"
    assert semaphore.stat().value == value
    assert [path.name for path in SHM.iterdir()] == ["sem.x"]
    assert stat.S_IMODE((SHM / "sem.x").stat().st_mode) == 0o646


@needs_glibc
def test_create_mode_is_cut_by_umask(shm: ShmFiles) -> None:
    with umask(0o027):
        PosixNamedSemaphore.create("/x", 0o666, 1)
    assert stat.S_IMODE((SHM / "sem.x").stat().st_mode) == 0o640


@needs_glibc
@pytest.mark.parametrize("mode", [0, 0o400])
def test_create_with_closed_mode_returns_handle(shm: ShmFiles, mode: int) -> None:
    semaphore = PosixNamedSemaphore.create("/x", mode, 3)
    assert semaphore.record.mode == mode


@needs_glibc
@pytest.mark.parametrize("length", [1, 251])
def test_create_takes_names_up_to_251_bytes(shm: ShmFiles, length: int) -> None:
    name = "/" + "\udcff" * length
    PosixNamedSemaphore.create(name, 0o600, 1)
    assert PosixNamedSemaphore.find(name).id == name


@needs_glibc
@pytest.mark.parametrize("name", [b"\xff", b"a\rb"])
def test_create_beside_a_mapped_file_with_hostile_name_returns_handle(
    shm: ShmFiles, tmp_path: Path, name: bytes
) -> None:
    """The files of Python itself may be in such a folder."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    path.write_bytes(b"x")
    # Below all other addresses, and so before the semaphore in /proc/self/maps.
    address, length, flags = c_void_p(0x20000), c_size_t(4096), mmap.MAP_PRIVATE | MAP_FIXED
    with path.open("rb") as file:
        libc.mmap(address, length, mmap.PROT_READ, flags, file.fileno(), c_long(0))
    try:
        assert PosixNamedSemaphore.create("/x", 0o600, 3).record.value == 3
    finally:
        libc.munmap(address, length)


@needs_glibc
def test_create_of_longer_name_raises_error(shm: ShmFiles) -> None:
    with pytest.raises(IpcError):
        PosixNamedSemaphore.create("/" + "a" * 252, 0o600, 1)


@needs_glibc
def test_create_of_existing_name_keeps_the_semaphore(shm: ShmFiles) -> None:
    path = shm.file("sem.x", glibc_semaphore(5))
    with pytest.raises(ExistsError):
        PosixNamedSemaphore.create("/x", 0o600, 1)
    assert path.read_bytes() == glibc_semaphore(5)
    (SHM / "sem.link").symlink_to("missing")
    with pytest.raises(ExistsError):
        PosixNamedSemaphore.create("/link", 0o600, 1)
    assert not (SHM / "missing").exists()


@needs_glibc
def test_create_of_too_large_value_is_einval(shm: ShmFiles) -> None:
    with pytest.raises(IpcError) as error:
        PosixNamedSemaphore.create("/x", 0o600, 2**31)
    assert error.value.errno == errno.EINVAL
    assert list(SHM.iterdir()) == []


@pytest.mark.tools("cc")
def test_stat_reads_the_value_anew(shm: ShmFiles, c_program: CRun) -> None:
    assert c_program("sem", "/x", "600", "1").status == 0
    semaphore = PosixNamedSemaphore.find("/x")
    assert semaphore.record.value == 1
    assert c_program("post", "/x").out == "2\n"
    assert semaphore.record.value == 1
    assert semaphore.stat().value == 2


def test_find_of_32_bit_semaphore_has_value(shm: ShmFiles) -> None:
    shm.file("sem.x", i386_semaphore(77))
    details = PosixNamedSemaphore.find("/x").details()
    assert details.value == 77
    assert details.born is not None


def test_find_of_missing_name_raises_not_found(shm: ShmFiles) -> None:
    shm.file("x", glibc_semaphore(1))
    with pytest.raises(NotFoundError):
        PosixNamedSemaphore.find("/x")


@pytest.mark.parametrize("content", [b"", b"ab", bytes(16), bytes(32), bytes(33)])
def test_find_of_file_in_other_form_reports_its_size(shm: ShmFiles, content: bytes) -> None:
    shm.file("sem.x", content)
    with pytest.raises(FormError) as error:
        PosixNamedSemaphore.find("/x")
    words = f"is a file of {len(content)} bytes in another form, not a POSIX semaphore"
    assert error.value.strerror == words


def test_find_and_remove_of_no_object_name_its_form(shm: ShmFiles) -> None:
    for name in shm.hostile():
        if not name.startswith("sem."):
            (SHM / name).rename(SHM / f"sem.{name}x")
        entry = name.removeprefix("sem.") + "x" * (not name.startswith("sem."))
        for act in (PosixNamedSemaphore.find, lambda name: PosixNamedSemaphore(name).remove()):
            with pytest.raises(FormError) as error:
                act(f"/{entry}")
            assert error.value.strerror == f"{HOSTILE[name]}, not a POSIX semaphore"
        assert os.path.lexists(SHM / f"sem.{entry}")


@pytest.mark.root
def test_find_of_unreadable_semaphore_has_no_value(shm: ShmFiles) -> None:
    shm.file("sem.x", glibc_semaphore(5))
    record = as_nobody(lambda: PosixNamedSemaphore.find("/x").details())
    assert record.value is None
    assert record.born is not None


def test_remove_unlinks_the_semaphore(shm: ShmFiles) -> None:
    shm.file("sem.x", glibc_semaphore(1))
    shm.file("x")
    PosixNamedSemaphore.find("/x").remove()
    assert [path.name for path in SHM.iterdir()] == ["x"]


@pytest.mark.root
def test_remove_of_other_users_semaphore_is_denied(shm: ShmFiles) -> None:
    shm.file("sem.x", glibc_semaphore(1))

    def remove() -> None:
        with pytest.raises(DeniedError):
            PosixNamedSemaphore("/x").remove()

    as_nobody(remove)
    assert (SHM / "sem.x").exists()


def test_change_of_semaphore_changes_mode_but_no_size(shm: ShmFiles) -> None:
    path = shm.file("sem.x", glibc_semaphore(1))
    semaphore = PosixNamedSemaphore.find("/x")
    semaphore.change(mode=0o660)
    assert semaphore.record.mode == 0o660
    with pytest.raises(IpcError) as error:
        semaphore.change(mode=0o600, size=64)
    assert error.value.errno == errno.EINVAL
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert path.read_bytes() == glibc_semaphore(1)
