"""Waiting in tests: every wait has a limit."""

import time
from collections.abc import Callable
from pathlib import Path

LIMIT = 60.0  # seconds, far more than a busy machine takes
_PAUSE = 0.01


def wait_until(condition: Callable[[], object], *, seconds: float = LIMIT) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: it did not hold within the limit.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{condition} did not hold within {seconds:g} s")
        time.sleep(_PAUSE)


def wait_for_state(pid: int, *states: str) -> None:
    """Wait until a process has one of these states of proc_pid_stat(5), such as S, T or Z."""
    wait_until(lambda: process_state(pid) in states)


def process_state(pid: int) -> str:
    """Return the letter of a process's state, as in proc_pid_stat(5)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
