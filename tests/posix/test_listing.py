import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pyipcs.errors import FormError
from pyipcs.listing import Listing, merged
from pyipcs.model import Kind
from pyipcs.posix import directory, listing
from pyipcs.posix.handle import handle_class
from pyipcs.posix.listing import OtherFiles, complete, other_files
from pyipcs.process import libc
from tests.kit.child import call_number, in_child, refuse_call
from tests.kit.policy import REFUSALS
from tests.kit.posix import (
    SHM,
    ShmFiles,
    as_nobody,
    bind,
    child_in,
    glibc_semaphore,
    hold_lease,
    i386_semaphore,
    mount_tmpfs,
    own_mounts,
)
from tests.kit.program import Result
from tests.kit.wait import LIMIT

SEGMENT, SEMAPHORE = Kind.POSIX_SEGMENT, Kind.POSIX_SEMAPHORE
PAGE = os.sysconf("SC_PAGESIZE")
HOSTILE_NAMES = [
    *(b"new\nline", b"tab\t", b"back\\slash", b"sp ace", b"\x1b[31mred", b"\xff\xfe", b"-rf", b"*"),
    *(b"x (deleted)", "\u202egnp".encode(), b"a" * 255, b"sem.", b".hidden", b"'", b'"'),
]


def read(kind: Kind, *fields: str) -> Listing:
    found = merged(complete(chunk, fields) for chunk in listing.read(kind))
    return found or Listing(kind, (), [], {"name": []})


def names(kind: Kind) -> list[str]:
    return sorted(read(kind).column("name"))


def rows(kind: Kind, *fields: str) -> dict[str, dict[str, Any]]:
    found = read(kind, *fields)
    columns = found.added
    return {
        name: {field: columns[field][row] for field in columns}
        for row, name in enumerate(found.column("name"))
    }


def changed(content: bytes, offset: int) -> bytes:
    """Return a content with another byte at an offset."""
    return content[:offset] + b"\1" + content[offset + 1 :]


def test_read_of_empty_directory_is_empty(shm: ShmFiles) -> None:
    assert list(listing.read(SEGMENT)) == []
    assert list(listing.read(SEMAPHORE)) == []
    assert other_files() == OtherFiles(0, 0)


def test_read_segments_in_hostile_directory_lists_regular_files(shm: ShmFiles) -> None:
    shm.hostile()
    for name in HOSTILE_NAMES:
        shm.file(name)
    assert names(SEGMENT) == sorted(os.fsdecode(b"/" + name) for name in HOSTILE_NAMES)
    assert names(SEMAPHORE) == []


def test_read_has_fields_of_stat_in_order_of_kernel(shm: ShmFiles) -> None:
    for number in range(2500):
        shm.file(f"f{number}", b"x" * (number % 7), mode=0o600 + number % 8)
    chunks = list(listing.read(SEGMENT))
    assert [chunk.length for chunk in chunks] == [1024, 1024, 452]
    found = merged(chunks)
    assert found is not None
    assert found.column("name") == [f"/{name}" for name in os.listdir(SHM)]  # noqa: PTH208
    for row, name in enumerate(found.column("name")):
        status = (SHM / name[1:]).stat()
        assert {field: found.column(field)[row] for field in found.added} == {
            "name": name,
            "inode": status.st_ino,
            "device": status.st_dev,
            "mode": stat.S_IMODE(status.st_mode),
            "uid": status.st_uid,
            "gid": status.st_gid,
            "mtime": int(status.st_mtime),
            "atime": int(status.st_atime),
            "ctime": int(status.st_ctime),
            "segsz": status.st_size,
        }


def test_read_of_times_before_the_epoch_rounds_as_stat(shm: ShmFiles) -> None:
    os.utime(shm.file("x"), ns=(1_500_000_000, 2_999_999_999))
    assert rows(SEGMENT)["/x"]["atime"] == 1
    assert rows(SEGMENT)["/x"]["mtime"] == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"ab",
        b"abc\n",
        bytes(16),
        bytes(32),
        b"\xff" * 32,
        glibc_semaphore(2**31),
        *(changed(glibc_semaphore(1), offset) for offset in (9, 12, 16, 31)),
        *(changed(i386_semaphore(1), offset) for offset in (5, 8, 11)),
        glibc_semaphore(1)[:31],
        glibc_semaphore(1) + b"\0",
        i386_semaphore(1) + b"\0",
        i386_semaphore(1)[:15],
        b"x" * 4096,
    ],
)
def test_read_of_sem_file_in_other_form_is_segment(shm: ShmFiles, content: bytes) -> None:
    shm.file("sem.x", content)
    assert names(SEMAPHORE) == []
    assert rows(SEGMENT)["/sem.x"]["segsz"] == len(content)


@pytest.mark.parametrize("value", [0, 1, 5, 2**31 - 1])
@pytest.mark.parametrize("form", [glibc_semaphore, i386_semaphore])
def test_read_of_semaphore_has_value(
    shm: ShmFiles, form: Callable[[int], bytes], value: int
) -> None:
    shm.file("sem.x", form(value))
    assert rows(SEMAPHORE)["/x"]["value"] == value
    assert names(SEGMENT) == []


def test_read_of_semaphore_with_waiters_has_value(shm: ShmFiles) -> None:
    shm.file("sem.x", glibc_semaphore(3, waiters=7))
    assert rows(SEMAPHORE)["/x"]["value"] == 3


def test_read_of_semaphore_form_without_prefix_is_segment(shm: ShmFiles) -> None:
    shm.file("x", glibc_semaphore(3))
    shm.file("sem.", glibc_semaphore(3))
    assert names(SEMAPHORE) == []
    assert names(SEGMENT) == ["/sem.", "/x"]


@pytest.mark.tools("cc")
def test_read_of_semaphore_of_c_has_value_of_sem_getvalue(
    shm: ShmFiles, c_program: Callable[..., Result]
) -> None:
    assert c_program("sem", "/y", "640", "41").out == "41\n"
    assert c_program("post", "/y").out == "42\n"
    row = rows(SEMAPHORE, "born")["/y"]
    assert (row["value"], row["mode"], row["uid"]) == (42, 0o640, os.geteuid())
    assert abs(row["born"] - (SHM / "sem.y").stat().st_ctime) <= 60


@pytest.mark.tools("musl-gcc")
def test_read_of_semaphore_of_musl_is_segment(
    shm: ShmFiles, musl_program: Callable[..., Result]
) -> None:
    assert musl_program("sem", "/y", "600", "41").status == 0
    assert names(SEMAPHORE) == []
    assert rows(SEGMENT)["/y"]["segsz"] == 32


@pytest.mark.tools("cc")
def test_read_of_segment_of_c_has_size(shm: ShmFiles, c_program: Callable[..., Result]) -> None:
    assert c_program("segment", "/y", "604", "12345").status == 0
    row = rows(SEGMENT, "rss", "swap")["/y"]
    assert (row["segsz"], row["mode"], row["rss"], row["swap"]) == (12345, 0o604, 0, 0)


_PYTHON = """
import sys
from multiprocessing import get_context, shared_memory
memory = shared_memory.SharedMemory(create=True, size=3 * {page})
memory.buf[:{page} + 1] = b"x" * ({page} + 1)
semaphore = get_context("spawn").Semaphore(6)
print(flush=True)
sys.stdin.read()
memory.close()
memory.unlink()
"""


@pytest.fixture
def python_objects(shm: ShmFiles) -> Iterator[None]:
    """Create a segment and a semaphore as multiprocessing does for spawned workers."""
    command = [sys.executable, "-c", _PYTHON.format(page=PAGE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"\n"
        yield
        process.communicate(timeout=LIMIT)


def test_read_of_objects_of_python_has_kinds_and_values(python_objects: None) -> None:
    ((name, row),) = rows(SEMAPHORE).items()
    assert name.startswith("/mp-")
    assert row["value"] == 6
    ((name, row),) = rows(SEGMENT, "rss", "swap").items()
    assert name.startswith("/psm_")
    assert (row["segsz"], row["rss"] + row["swap"]) == (3 * PAGE, 2 * PAGE)


def test_read_of_own_semaphore_keeps_its_times(shm: ShmFiles) -> None:
    path = shm.file("sem.x", glibc_semaphore(1))
    os.utime(path, (1, 2))
    before = path.stat()
    assert rows(SEMAPHORE, "value", "born")["/x"]["value"] == 1
    assert path.stat()[7:] == before[7:]


def test_read_of_semaphore_that_is_leased_goes_by_size(shm: ShmFiles) -> None:
    path = shm.file("sem.x", glibc_semaphore(1))
    with child_in(partial(hold_lease, path)):
        assert rows(SEMAPHORE, "born")["/x"]["value"] is None
    assert rows(SEMAPHORE)["/x"]["value"] == 1


@pytest.mark.root
def test_read_of_unreadable_semaphore_goes_by_size(shm: ShmFiles) -> None:
    shm.file("sem.closed", glibc_semaphore(5))
    shm.file("sem.open", glibc_semaphore(6), mode=0o644)
    shm.file("sem.short", b"ab")
    shm.file("segment", bytes(100))
    values = as_nobody(lambda: {name: row["value"] for name, row in rows(SEMAPHORE).items()})
    assert values == {"/closed": None, "/open": 6}
    assert as_nobody(lambda: names(SEGMENT)) == ["/segment", "/sem.short"]


@pytest.mark.root
def test_complete_of_segments_of_other_user_has_rss_and_birth(shm: ShmFiles) -> None:
    shm.file("x", b"x" * (PAGE + 1))
    row = as_nobody(lambda: rows(SEGMENT, "born", "rss", "swap")["/x"])
    assert row["born"] is not None
    # Where pages are in swap, only the owner can read how many.
    expected = {(None, None)} if libc.is_swap_used() else {(2 * PAGE, 0)}
    assert (row["rss"], row["swap"]) in expected


@pytest.mark.parametrize("pages", [0, 1, 3, 100])
def test_complete_rss_counts_written_pages(shm: ShmFiles, pages: int) -> None:
    path = shm.file("x", b"x" * pages * PAGE)
    os.truncate(path, 1000 * PAGE)
    row = rows(SEGMENT, "rss", "swap")["/x"]
    assert row["segsz"] == 1000 * PAGE
    assert row["rss"] + row["swap"] == pages * PAGE == path.stat().st_blocks * 512


def test_complete_rss_in_directory_on_disk_is_page_cache(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x" * 3 * PAGE)

    def child() -> tuple[bool, dict[str, Any]]:
        own_mounts()
        (hidden := Path(f"/proc/self/fd/{os.open(tmp_path, os.O_PATH)}")).stat()
        mount_tmpfs(Path("/dev"))
        SHM.symlink_to(hidden)
        in_memory = directory.is_in_memory(directory.open_shm())
        return in_memory, rows(SEGMENT, "rss", "swap")["/x"]

    in_memory, row = in_child(child)
    assert row["segsz"] == 3 * PAGE
    if not in_memory:
        assert row["rss"] is None or row["rss"] <= 3 * PAGE  # None before Linux 6.5
        assert row["swap"] is None
    else:
        assert row["rss"] == 3 * PAGE


@pytest.mark.parametrize("error", REFUSALS)
@pytest.mark.parametrize("call", ["fstatfs", "sysinfo"])
def test_complete_where_call_is_refused_has_rss(shm: ShmFiles, call: str, error: int) -> None:
    shm.file("x", b"x" * 3 * PAGE)
    refuse = partial(refuse_call, call_number(call), error)
    row = in_child(lambda: rows(SEGMENT, "rss", "swap")["/x"], refuse)
    assert row["rss"] in {None, 3 * PAGE}  # None before Linux 6.5
    assert row["swap"] in ({None} if call == "fstatfs" else {None, 0})


def test_complete_without_statx_has_no_birth(shm: ShmFiles) -> None:
    shm.file("x")
    machine = os.uname().machine
    number = {"x86_64": 332, "aarch64": 291}.get(machine)
    if number is None:
        pytest.skip(f"the system calls of {machine} are not in the test")
    row = rows(SEGMENT)["/x"]

    def refused() -> dict[str, Any]:
        found = read(SEGMENT)
        refuse_call(number, errno.EPERM)
        # Python's own stat(2) is another call.
        return dict(complete(found, ["born"]).added)

    assert in_child(refused) == {field: [value] for field, value in row.items()} | {"born": [None]}


def test_complete_drops_vanished_and_replaced_files(shm: ShmFiles) -> None:
    for name in ("kept", "gone", "replaced", "linked"):
        shm.file(name, b"x")
        shm.file(f"sem.{name}", glibc_semaphore(1))
    found = {kind: read(kind) for kind in (SEGMENT, SEMAPHORE)}
    for prefix in ("", "sem."):
        (SHM / f"{prefix}gone").unlink()
        shm.file(f"{prefix}new", glibc_semaphore(2)).rename(SHM / f"{prefix}replaced")
        (SHM / f"{prefix}linked").unlink()
        (SHM / f"{prefix}linked").symlink_to(f"{prefix}kept")
    for kind, details in ((SEGMENT, ("rss", "swap")), (SEMAPHORE, ("value",))):
        for fields in (("born",), details, ("born", *details)):
            base = found[kind].added
            bare = found[kind]._replace(added={f: base[f] for f in base if f != "value"})
            assert complete(bare, fields).column("name") == ["/kept"]


def test_complete_of_other_place_drops_all(shm: ShmFiles) -> None:
    shm.file("x")
    found = read(SEGMENT)

    def elsewhere() -> list[str]:
        own_mounts()
        mount_tmpfs(SHM)
        (SHM / "x").touch()
        directory.use_own()
        return list(complete(found, ["born"]).column("name"))

    assert in_child(elsewhere) == []


def test_complete_without_new_fields_is_the_same(shm: ShmFiles) -> None:
    shm.file("sem.x", glibc_semaphore(1))
    found = read(SEMAPHORE)
    assert complete(found, ["value", "name", "nonsense"]) is found


def test_read_skips_files_that_vanish_meanwhile(shm: ShmFiles) -> None:
    for number in range(2000):
        shm.file(f"f{number}")
        shm.file(f"sem.f{number}", glibc_semaphore(1))
    for kind, prefix in ((SEGMENT, "f"), (SEMAPHORE, "sem.f")):
        chunks = listing.read(kind)
        seen = list(next(chunks).column("name"))
        for path in list(SHM.iterdir()):
            if path.name.startswith(prefix):
                path.unlink()
        rest = [name for chunk in chunks for name in chunk.column("name")]
        assert rest == []
        assert 0 < len(seen) <= 1024


def test_read_closes_its_descriptors(shm: ShmFiles) -> None:
    for number in range(3000):
        shm.file(f"f{number}")
    directory.open_shm()
    before = os.listdir("/proc/self/fd")  # noqa: PTH208
    chunks = listing.read(SEGMENT)
    next(chunks)
    del chunks
    read(SEGMENT, "born", "rss", "swap")
    other_files()
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208


def test_other_files_counts_what_is_no_object(shm: ShmFiles) -> None:
    expected = shm.hostile()
    shm.file("segment", b"x" * 100_000)
    shm.file("sem.x", glibc_semaphore(1))
    # Of the two directories, one has a file of two pages below it.
    files = len(expected) - 2 + 1
    size = sum(path.lstat().st_blocks * 512 for path in SHM.rglob("*") if path.name != "segment")
    size -= (SHM / "sem.x").stat().st_blocks * 512
    assert size >= 5000
    assert other_files() == OtherFiles(files, size)


def test_other_files_counts_a_file_with_several_names_once(shm: ShmFiles) -> None:
    (SHM / "directory").mkdir()
    path = SHM / "directory/file"
    path.write_bytes(b"x" * 10 * PAGE)
    for number in range(4):
        (SHM / f"directory/{number}").hardlink_to(path)
    assert other_files() == OtherFiles(5, 10 * PAGE)


def test_other_files_in_deep_directories_is_incomplete(shm: ShmFiles) -> None:
    top = SHM / "d"
    path = top / "/".join("d" * 62)
    path.mkdir(parents=True)
    (path / "file").touch()
    assert other_files() == OtherFiles(1, 0)
    (path / "d/d").mkdir(parents=True)
    (path / "d/d/file").touch()
    assert other_files() == OtherFiles(1, 0, is_complete=False)


def test_other_files_stays_in_its_file_system(shm: ShmFiles) -> None:
    def child() -> OtherFiles:
        own_mounts()
        (SHM / "mounted").mkdir()
        mount_tmpfs(SHM / "mounted")
        (SHM / "mounted/file").touch()
        directory.use_own()
        return other_files()

    assert in_child(child) == OtherFiles(0, 0)


def mount_files(shm: ShmFiles, source: Path) -> None:
    """Mount files of another file system at files in /dev/shm, in this process, a child."""
    source.write_bytes(glibc_semaphore(1))
    own_mounts()
    for name in ("mounted", "sem.mounted"):
        bind(source, SHM / name)
    directory.use_own()


@pytest.mark.parametrize("others", [("x", "sem.x"), ()])
def test_read_leaves_out_mounts_of_other_file_systems(
    shm: ShmFiles, tmp_path: Path, others: tuple[str, ...]
) -> None:
    for name in ("mounted", "sem.mounted", *others):
        shm.file(name, glibc_semaphore(1))
    if tmp_path.stat().st_dev == SHM.stat().st_dev:
        pytest.skip("needs another file system")

    def found() -> tuple[list[str], list[str], OtherFiles]:
        return names(SEGMENT), names(SEMAPHORE), other_files()

    expected = ["/x"] if others else []
    seen = in_child(found, lambda: mount_files(shm, tmp_path / "source"))
    assert seen == (expected, expected, OtherFiles(2, 0))
    assert len(names(SEGMENT)) == 1 + len(expected)


@pytest.mark.parametrize("kind", [SEGMENT, SEMAPHORE])
def test_find_of_mount_of_other_file_system_names_it(
    shm: ShmFiles, tmp_path: Path, kind: Kind
) -> None:
    handle = handle_class(kind)("/mounted")
    for name in ("mounted", "sem.mounted"):
        shm.file(name, glibc_semaphore(1))
    if tmp_path.stat().st_dev == SHM.stat().st_dev:
        pytest.skip("needs another file system")
    source = tmp_path / "source"
    mount = partial(mount_files, shm, source)
    actions: list[Callable[[], object]] = [
        handle.stat,
        partial(handle.change, mode=0o640),
        handle.remove,
    ]
    actions += [partial(handle.change, size=5)] if kind is SEGMENT else []
    for act in actions:
        with pytest.raises(FormError) as raised:
            in_child(act, mount)
        assert raised.value.strerror == f"is a mount of another file system, not a {kind.noun}"
        assert source.read_bytes() == glibc_semaphore(1)
        assert source.stat().st_mode & 0o777 != 0o640


def test_other_files_does_not_follow_links(shm: ShmFiles) -> None:
    (SHM / "directory").mkdir()
    (SHM / "directory/etc").symlink_to("/etc")
    (SHM / "etc").symlink_to("/etc")
    assert other_files() == OtherFiles(2, 0)


@pytest.mark.root
def test_other_files_in_unreadable_directory_is_incomplete(shm: ShmFiles) -> None:
    (SHM / "directory").mkdir(mode=0o700)
    (SHM / "directory/file").touch()
    assert other_files() == OtherFiles(1, 0)
    assert as_nobody(other_files) == OtherFiles(0, 0, is_complete=False)


@pytest.mark.slow
@pytest.mark.untraced
def test_read_of_many_files_keeps_memory_flat(shm: ShmFiles) -> None:
    import tracemalloc

    def peak() -> int:
        tracemalloc.start()
        for _ in listing.read(SEGMENT):
            pass
        _, high = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return high

    for number in range(3000):
        shm.file(f"f{number}")
    few = peak()
    for number in range(3000, 20_000):
        (SHM / f"f{number}").touch()
    assert peak() < 1.5 * few
