"""pyipcs under strace(1): delayed system calls."""

import subprocess
from typing import Any

from tests.kit.program import PYIPCS

_DELAY = 2.0  # seconds


def delayed(
    calls: str, when: str, *args: str, seconds: float = _DELAY, **options: Any
) -> "subprocess.Popen[bytes]":
    """Start pyipcs with a delay before ("enter") or after ("exit") system calls."""
    trace = ["-f", "-o", "/dev/null", "-e", f"trace={calls}"]
    delay = f"inject={calls}:delay_{when}={int(seconds * 1e6)}"
    return subprocess.Popen(
        ["strace", *trace, "-e", delay, PYIPCS, *args],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        **options,
    )
