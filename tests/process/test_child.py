import errno
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from pyipcs.errors import IpcError
from pyipcs.process.child import bytes_from_child
from tests.kit.child import drop_privileges, in_child

LARGE = 1 << 20  # bytes, more than a pipe holds


def open_descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def failed() -> bytes:
    raise RuntimeError


def killed() -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b"x"


@pytest.mark.parametrize("result", [b"", b".", b"x" * LARGE])
def test_bytes_from_child_are_whole(result: bytes) -> None:
    parent = os.getpid()
    assert bytes_from_child(lambda: b"" if os.getpid() == parent else result) == result


@pytest.mark.parametrize("produce", [failed, killed])
def test_bytes_from_child_without_result_raises_echild(
    produce: Callable[[], bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(IpcError) as caught:
        bytes_from_child(produce)
    assert caught.value.errno == errno.ECHILD
    assert capfd.readouterr() == ("", "")


def test_bytes_from_child_with_ignored_sigchld_are_whole() -> None:
    def ask() -> bytes:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        return bytes_from_child(lambda: b"x")

    assert in_child(ask) == b"x"


def test_bytes_from_child_without_free_process_raises_eagain_and_closes_all() -> None:
    def ask() -> tuple[int | None, bool]:
        drop_privileges()
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        before = open_descriptors()
        with pytest.raises(OSError, match="temporarily") as caught:
            bytes_from_child(lambda: b"x")
        return caught.value.errno, open_descriptors() == before

    assert in_child(ask) == (errno.EAGAIN, True)
