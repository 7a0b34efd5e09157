"""pyipcs under strace(1): delayed system calls."""

import subprocess
from typing import Any

from tests.kit.program import PYIPCS

_DELAY = 2.0  # seconds


def delayed(
    calls: str,
    when: str,
    *args: str,
    seconds: float = _DELAY,
    refused: str = "",
    **options: Any,
) -> "subprocess.Popen[bytes]":
    """Start pyipcs with a delay before ("enter") or after ("exit") system calls.

    Those in `refused` fail with EPERM after the delay.
    """
    delay = f"delay_{when}={int(seconds * 1e6)}"
    trace = ["-f", "-o", "/dev/null", "-e", f"inject={calls}:{delay}"]
    if refused:
        trace += ["-e", f"inject={refused}:{delay}:error=EPERM"]
    return subprocess.Popen(
        ["strace", *trace, "-e", f"trace={calls},{refused}".rstrip(","), PYIPCS, *args],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        **options,
    )
