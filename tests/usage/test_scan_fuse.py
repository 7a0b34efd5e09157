"""The scan of /proc beside a FUSE file system whose server does not answer."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kit.child import NEWNS, in_child, unshare
from tests.kit.kernel import libc
from tests.kit.posix import SHM, ShmFiles, child_in
from tests.kit.program import PYIPCS, run
from tests.kit.wait import LIMIT

FUSE = Path("/dev/fuse")
MNT_DETACH = 2


@contextmanager
def silent_server(folder: Path) -> Iterator[bool]:
    """Mount a FUSE file system on a folder; its server answers no request.

    Yields:
        False if the kernel refuses the mount.
    """
    server = os.open(FUSE, os.O_RDWR)
    options = f"fd={server},rootmode=40000,user_id={os.geteuid()},group_id={os.getegid()}"
    path = str(folder).encode()
    try:
        yield libc.mount(b"pyipcs", path, b"fuse", 0, options.encode()) == 0
    finally:
        os.close(server)  # this ends all requests
        libc.umount2(path, MNT_DETACH)


@pytest.mark.skipif(not os.access(FUSE, os.R_OK | os.W_OK), reason=f"may not open {FUSE}")
def test_users_beside_a_silent_fuse_server_are_found(tmp_path: Path, shm: ShmFiles) -> None:
    shm.file("x", b"x")

    def hold() -> None:
        os.open(tmp_path, os.O_PATH)
        os.open(SHM / "x", os.O_RDONLY)

    def listed() -> tuple[int, str] | None:
        unshare(NEWNS)
        with silent_server(tmp_path) as is_mounted:
            if not is_mounted:
                return None
            with child_in(hold):
                result = run("timeout", str(LIMIT), PYIPCS, "stat", "/x")
                return result.status, result.out

    found = in_child(listed)
    if found is None:
        pytest.skip("cannot mount FUSE")
    status, out = found
    assert status == 0
    assert "has it open" in out
