"""pyipcs under strace(1), which holds it at a system call until the test releases it."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.kit.program import PYIPCS, Result
from tests.kit.wait import LIMIT, wait_until

_DELAYED = "(DELAYED)"  # in the line of a call, once strace holds the program after it


class HeldProgram:
    """A process of pyipcs in a system call, where strace holds it.

    Attributes:
        process: the process.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        """Store a process and the file that strace writes."""
        self.process = process
        self._log = log

    @property
    def calls(self) -> list[str]:
        """The traced calls so far; the last one may have no result yet."""
        return self._log.read_text().splitlines()

    def release(self, *, stop: bool = False) -> None:
        """Resume the process without strace.

        Args:
            stop: stop it at the end of the system call.
        """
        if stop:
            self.process.send_signal(signal.SIGSTOP)
        with suppress(FileNotFoundError, ProcessLookupError):  # one of the two has ended
            status = Path(f"/proc/{self.process.pid}/status").read_text()
            if tracer := int(status.partition("TracerPid:")[2].split()[0]):
                os.kill(tracer, signal.SIGKILL)

    def result(self) -> Result:
        """Resume the process; return its exit status and its outputs."""
        self.release()
        out, err = self.process.communicate(timeout=LIMIT)
        return Result(self.process.returncode, (out or b"").decode(), err.decode())

    def kill(self) -> None:
        """Kill the process if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.release()


@contextmanager
def held(
    calls: str, when: str, *args: str, nth: int = 1, paths: Sequence[Path] = (), **options: Any
) -> Iterator[HeldProgram]:
    """Run pyipcs to a system call; enter the block while strace holds it there.

    Args:
        calls: the names of the calls, separated by commas.
        when: "enter" for before the call, "exit" for after it.
        args: the command line.
        nth: the number of the call among these, from 1.
        paths: the only files whose calls count; empty for all calls.
        options: options of Popen.
    """
    with tempfile.NamedTemporaryFile(prefix="pyipcs-strace-") as file:
        log = Path(file.name)
        # As a grandchild, strace leaves the program a child of the test.
        trace = ["-D", "-o", str(log), "-e", "signal=none"]
        trace += [f"--trace-path={path}" for path in paths]
        delay = f"delay_{when}={int(10 * LIMIT * 1e6)}:when={nth}"
        trace += ["-e", f"trace={calls}", "-e", f"inject={calls}:{delay}"]
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **options}

        def is_held() -> bool:
            text = log.read_text()
            if when == "exit":
                return _DELAYED in text
            return len(text.splitlines()) >= nth and not text.endswith("\n")

        with _started(["strace", *trace, PYIPCS, *args], is_held, streams) as process:
            program = HeldProgram(process, log)
            try:
                assert is_held(), program.result()
                yield program
            finally:
                program.kill()


def _started(
    command: Sequence[str], is_held: Callable[[], bool], options: Mapping[str, Any]
) -> "subprocess.Popen[bytes]":
    """Start a program under strace; return it when it is held, or has ended.

    It is started again if SIGALRM ended it: strace sets an alarm(2) in it, in case strace itself
    needs more than three seconds to trace it.
    """
    process = subprocess.Popen(command, stderr=subprocess.PIPE, **options)
    wait_until(lambda: is_held() or process.poll() is not None)
    if process.poll() != -signal.SIGALRM:
        return process
    process.communicate(timeout=LIMIT)
    return _started(command, is_held, options)
