"""The scan of /proc beside a FUSE file system whose server does not answer."""

import ctypes
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


@contextmanager
def silent_fuse(folder: Path) -> Iterator[None]:
    """Mount a FUSE file system on a folder; its server answers no request."""
    try:
        server = os.open(FUSE, os.O_RDWR)
    except OSError as error:
        pytest.skip(f"needs {FUSE}: {error.strerror}")
    options = f"fd={server},rootmode=40000,user_id={os.geteuid()},group_id={os.getegid()}"
    arguments = (b"pyipcs", str(folder).encode(), b"fuse", 0, options.encode())
    try:
        if libc.mount(*arguments):
            pytest.skip(f"cannot mount FUSE: {os.strerror(ctypes.get_errno())}")
        yield
    finally:
        os.close(server)  # this ends all requests
        libc.umount2(str(folder).encode(), 2)


def test_users_beside_a_silent_fuse_server_are_found(tmp_path: Path, shm: ShmFiles) -> None:
    shm.file("x", b"x")

    def listed() -> tuple[int, str]:
        unshare(NEWNS)
        with silent_fuse(tmp_path):

            def hold() -> None:
                os.open(tmp_path, os.O_PATH)
                os.open(SHM / "x", os.O_RDONLY)

            with child_in(hold):
                result = run("timeout", str(LIMIT), PYIPCS, "stat", "/x")
                return result.status, result.out

    status, out = in_child(listed)
    assert status == 0
    assert "has it open" in out
