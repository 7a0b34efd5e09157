import errno
import os
import signal
from pathlib import Path
from resource import RLIMIT_NOFILE, getrlimit, setrlimit

import pytest

from pyipcs.process.foreground import supervise
from pyipcs.process.program import Program
from tests.kit.child import in_child

FOLDER = Path("/proc/self/fd")


def open_descriptors() -> list[int]:
    """Return the numbers of the open descriptors."""
    return sorted(int(path.name) for path in FOLDER.iterdir() if path.exists())


@pytest.mark.parametrize("free", range(4))
def test_supervise_without_free_descriptors_leaves_signals_and_descriptors(free: int) -> None:
    """The helper process needs two pipes."""

    def ask() -> tuple[int | None, bool, bool, object]:
        os.setsid()  # else supervise opens the controlling terminal
        before = open_descriptors()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        _, most = getrlimit(RLIMIT_NOFILE)
        spare = [os.dup(0) for _ in range(64)]  # no number below the limit stays free
        limit = max(spare) + 1
        setrlimit(RLIMIT_NOFILE, (limit, most))
        for descriptor in spare[len(spare) - free :]:
            os.close(descriptor)
        kept = [*before, *spare[: len(spare) - free]]
        with pytest.raises(OSError, match="Too many open files") as caught:
            supervise(Program("/bin/true", ["true"]))
        setrlimit(RLIMIT_NOFILE, (most, most))
        has_same = set(open_descriptors()) == set(kept)
        is_same_mask = signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask
        return caught.value.errno, has_same, is_same_mask, signal.getsignal(signal.SIGCHLD)

    assert in_child(ask) == (errno.EMFILE, True, True, signal.SIG_DFL)
