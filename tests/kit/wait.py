"""Waiting in tests: every wait has a limit."""

import os
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path

LIMIT = 60.0  # seconds, far more than a busy machine takes
_SHORTEST_PAUSE, _PAUSE = 0.001, 0.01
_IDLE_SAMPLES = 6  # equal samples of a process, _PAUSE apart, that show that it is idle


def wait_until(
    condition: Callable[[], object], *, seconds: float = LIMIT, pause: float | None = None
) -> None:
    """Wait until a condition holds; check it every `pause` seconds.

    Without a pause it checks soon, because most conditions hold within a few milliseconds, and
    then less often.

    Raises:
        TimeoutError: it did not hold within the limit.
    """
    end = time.monotonic() + seconds
    wait = _SHORTEST_PAUSE if pause is None else pause
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{condition} did not hold within {seconds:g} s")
        time.sleep(wait)
        if pause is None:
            wait = min(2 * wait, _PAUSE)


def wait_for_second(second: int) -> None:
    """Wait until the kernel's recorded times, which are whole seconds, reach a second.

    They are those of its last tick, up to 10 ms behind the clock.
    """
    while (rest := second + 0.02 - time.time()) > 0:
        time.sleep(rest)


def wait_for_state(pid: int, *states: str) -> None:
    """Wait until a process has one of these states of proc_pid_stat(5)."""
    wait_until(lambda: process_state(pid) in states)


def process_state(pid: int) -> str:
    """Return the letter of a process's state, as in proc_pid_stat(5)."""
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0].decode()


def blocks_signal(pid: int, number: int) -> bool:
    """Return True if the main thread of a process blocks a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = status.partition("SigBlk:\t")[2].partition("\n")[0]
    return bool(int(mask, 16) & 1 << number - 1)


def has_ended(pid: int) -> bool:
    """Return True if a process has ended, reaped or not."""
    try:
        return process_state(pid) in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def exit_code(child: int, *, seconds: float = LIMIT) -> int:
    """Wait for a child; return its exit code, or the negative signal number.

    Raises:
        TimeoutError: it did not end within the limit; it is killed then.
    """
    descriptor = os.pidfd_open(child)
    ended = select.select([descriptor], [], [], seconds)[0]
    os.close(descriptor)
    if not ended:
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if not ended:
        raise TimeoutError(f"process {child} did not end within {seconds:g} s")
    return code


def wait_until_idle(pid: int) -> None:
    """Wait until all threads of a process stay asleep, or until it ends."""
    samples: list[list[str]] = []

    def is_idle() -> bool:
        samples.append(_sleeps(pid))
        recent = samples[-_IDLE_SAMPLES:]
        return recent[-1] == [] or (
            len(recent) == _IDLE_SAMPLES
            and all(look == recent[0] for look in recent)
            and all(line.startswith("S") for line in recent[0])
        )

    wait_until(is_idle, pause=_PAUSE)


def wakeups(pid: int) -> int:
    """Return how often the threads of a process went to sleep so far."""
    return sum(int(line.split()[1]) for line in _sleeps(pid))


def _sleeps(pid: int) -> list[str]:
    """Return the state and the number of sleeps of each thread."""
    lines = []
    for path in Path(f"/proc/{pid}/task").glob("*/status"):
        try:
            text = path.read_text()
        except OSError:  # the thread ended
            continue
        fields = dict(line.split(":\t", 1) for line in text.splitlines())
        if fields["State"][0] not in "ZX":
            lines.append(f"{fields['State'][0]} {fields['voluntary_ctxt_switches']}")
    return sorted(lines)
