import os
from pathlib import Path

import pytest

from pyipcs.process.mountinfo import id_of, mounts
from tests.kit.child import in_child
from tests.kit.kernel import Objects
from tests.kit.posix import bind, mount_tmpfs, own_mounts, shared_mounts
from tests.kit.program import elsewhere

# All white space: the kernel escapes only space, tab, newline and backslash.
HOSTILE = "a\rb\r\f\v \t\n\\040c"


@pytest.fixture(autouse=True)
def _can_mount(own_shm: None) -> None:
    pass


def test_mounts_of_hostile_names_are_whole(tmp_path: Path) -> None:
    point = tmp_path / HOSTILE

    def found() -> tuple[bytes, bytes, bool, bool]:
        own_mounts()
        mount_tmpfs(tmp_path)
        point.mkdir()
        bind(point, point)
        *_, mount = mounts()
        descriptor = os.open(point, os.O_RDONLY)
        is_same = id_of(descriptor) == mount.id
        return mount.root, mount.point, is_same, mount.propagates

    assert in_child(found) == (f"/{HOSTILE}".encode(), os.fsencode(point), True, False)


def test_mounts_that_propagate_have_type_and_options(tmp_path: Path) -> None:
    def found() -> tuple[bytes, bytes, bool, bool]:
        shared_mounts()
        mount_tmpfs(tmp_path)
        *_, mount = mounts()
        parents = {one.id for one in mounts()}
        return mount.type, mount.point, mount.propagates, mount.parent in parents

    assert in_child(found) == (b"tmpfs", os.fsencode(tmp_path), True, True)


def test_list_state_beside_a_mount_with_a_carriage_return_is_complete(
    objects: Objects, tmp_path: Path
) -> None:
    """Any user can mount such a file system by FUSE."""
    objects.queue()

    def mount() -> None:
        own_mounts()
        mount_tmpfs(tmp_path)
        (tmp_path / HOSTILE).mkdir()
        mount_tmpfs(tmp_path / HOSTILE)

    result = elsewhere("list", "-o", "ID,STATE", before=[mount])
    assert (result.status, result.err) == (0, "")
