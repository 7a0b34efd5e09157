"""The files in /dev/shm that are no objects, by name."""

import os

from pyipcs.posix.names import format_entry
from pyipcs.posix.other_files import OtherFile, other_files
from tests.kit.child import in_child
from tests.kit.posix import SHM, ShmFiles, glibc_semaphore, mount_tmpfs, own_mounts


def test_other_files_without_files_is_empty(shm: ShmFiles) -> None:
    assert other_files() == []


def test_other_files_leaves_out_segments_and_semaphores(shm: ShmFiles) -> None:
    shm.file("segment", b"x")
    shm.file("sem.semaphore", glibc_semaphore(1))
    shm.file("sem.other", b"x")  # no semaphore, so it is a segment
    assert other_files() == []


def test_other_files_have_their_types_in_the_order_of_names(shm: ShmFiles) -> None:
    names = shm.hostile()
    types = {one.name: one.type for one in other_files()}
    assert [*types] == sorted(names)
    expected = {
        "device": "device",
        "directory": "directory",
        "fifo": "FIFO",
        "link": "symbolic link",
        "sem.dangling": "symbolic link",
        "sem.directory": "directory",
        "socket": "socket",
    }
    assert types == {name: expected[name] for name in names}


def test_other_files_directory_has_the_size_of_all_files_below(shm: ShmFiles) -> None:
    (SHM / "a/b/c").mkdir(parents=True)
    (SHM / "z").mkdir()
    for path, pages in (("a/one", 1), ("a/b/two", 2), ("a/b/c/three", 3), ("z/four", 4)):
        (SHM / path).write_bytes(b"x" * 4096 * pages)
    assert other_files() == [
        OtherFile("a", "directory", 6 * 4096),
        OtherFile("z", "directory", 4 * 4096),
    ]


def test_other_files_links_of_one_file_share_its_size(shm: ShmFiles) -> None:
    (SHM / "a").mkdir()
    (SHM / "a/one").write_bytes(b"x" * 8192)
    os.link(SHM / "a/one", SHM / "a/two")
    assert other_files() == [OtherFile("a", "directory", 8192)]


def test_other_files_mount_and_deep_directory_have_no_size(shm: ShmFiles) -> None:
    def found() -> list[OtherFile]:
        (SHM / "mount").mkdir()
        mount_tmpfs(SHM / "mount")
        (SHM / "mount/file").write_bytes(b"x" * 4096)
        (SHM / "/".join("d" * 100)).mkdir(parents=True)
        return other_files()

    assert in_child(found, own_mounts) == [
        OtherFile("d", "directory", None),
        OtherFile("mount", "directory", None),
    ]


def test_format_entry_escapes_as_in_names_of_objects() -> None:
    assert format_entry("joblib_x") == "joblib_x"
    assert format_entry("a b\n\x1b\udcff") == r"a\x20b\n\x1b\xff"
