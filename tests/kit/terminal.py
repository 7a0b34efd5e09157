"""pyipcs on a pseudo-terminal of any size, seen from its other end."""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from tests.kit.child import clear_caches
from tests.kit.program import PYIPCS, fork
from tests.kit.turns import check_turn
from tests.kit.wait import LIMIT, exit_code, process_state, wait_until

# Variables that describe the terminal on which the tests run.
_TERMINAL_VARIABLES = {"NO_COLOR", "COLUMNS", "LINES", "TERM"}
_CODES = re.compile(r"\x1b(\[[\d;?<>=]*[A-Za-z]|\(.|\].*?(\x07|\x1b\\)|[=>])|[\x0e\x0f]")
# Between two cells of a table, and not before the day in `Tue Dec  1 09:30:00 2026`.
_GAP = re.compile(r"\s{2,}(?!\d \d\d:)")
_READ_BUFFER = 4095  # bytes (N_TTY_BUF_SIZE in drivers/tty/n_tty.c)


def on_terminal(
    *args: str, before: Sequence[str] = (), **options: Any
) -> tuple[subprocess.Popen[bytes], int]:
    """Start pyipcs, after the words of `before`, on a terminal: see `start`."""
    return start([*before, PYIPCS, *args], **options)


def start(
    command: Sequence[str],
    *,
    width: int = 200,
    height: int = 24,
    env: Mapping[str, str] | None = None,
    stderr: int | None = None,
    nonblocking: bool = False,
    controlling: bool = False,
) -> tuple[subprocess.Popen[bytes], int]:
    """Start a command on a new terminal; return it and the other end.

    With `controlling` the terminal controls a new session of the command: Ctrl-C sends SIGINT.
    """
    check_turn(command)
    ours, theirs = pty.openpty()
    resize(ours, width, height)
    environment = {**_environment(), **(env or {})}
    os.set_blocking(theirs, not nonblocking)
    process = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs if stderr is None else stderr,
        env=environment,
        # In a group of its own, Ctrl-Z stops only the command.
        process_group=None if controlling else 0,
        start_new_session=controlling,
        preexec_fn=_take_terminal if controlling else None,  # noqa: PLW1509 - there are none
    )
    os.close(theirs)
    return process, ours


def _environment() -> dict[str, str]:
    """Return the environment with a description of the new terminal."""
    inherited = {
        name: value for name, value in os.environ.items() if name not in _TERMINAL_VARIABLES
    }
    return {**inherited, "TERM": "xterm-256color"}


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def end(process: subprocess.Popen[bytes], terminal: int) -> None:
    """Kill a process that may still run on a terminal, and close the terminal."""
    process.kill()
    process.wait()
    with suppress(OSError):  # read_all closed it
        os.close(terminal)


def resize(terminal: int, width: int, height: int) -> None:
    """Set the size of a terminal."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


def read_all(terminal: int, seconds: float = LIMIT) -> str:
    """Return the output of the program until it ends, and close the terminal."""
    text = b"".join(_blocks(terminal, seconds))
    os.close(terminal)
    return text.decode()


def read_until(terminal: int, pattern: str, seconds: float = LIMIT) -> str:
    """Return the output up to the block in which the pattern appears."""
    text = ""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a block may end in a character
    for block in _blocks(terminal, seconds):
        text += decoder.decode(block)
        if re.search(pattern, text):
            return text
    raise EOFError(f"no {pattern!r} in {text[-2000:]!r}")


def _blocks(terminal: int, seconds: float) -> Iterator[bytes]:
    """Yield the output of the program until it ends.

    Raises:
        TimeoutError: it goes on for longer than some seconds.
    """
    end = time.monotonic() + seconds
    last = b""
    while select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
        try:
            last = os.read(terminal, 65536)
        except OSError:  # EIO: the other end is closed
            return
        if not last:
            return
        yield last
    raise TimeoutError(f"the program goes on after {seconds:g} s: {last[-2000:]!r}")


def whole_run(
    *args: str, width: int = 200, height: int = 24, env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run pyipcs on a terminal; return its status and its output.

    It is a forked process without variables of its own in `env`: an interpreter reads some of them
    only at its start.
    """
    if env:
        process, terminal = on_terminal(*args, width=width, height=height, env=env)
        text = read_all(terminal)
        return process.wait(LIMIT), text
    child, ours = fork_on_terminal(*args, width=width, height=height)
    try:
        text = read_all(ours)
    except TimeoutError:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        status = exit_code(child)
    return status, text


def fork_on_terminal(
    *args: str, width: int = 200, height: int = 24, first: Callable[[], object] = bool
) -> tuple[int, int]:
    """Start pyipcs in a forked process on a terminal; return its pid and the other end.

    The process calls `first` before anything else.
    """

    def begin() -> None:
        first()
        clear_caches()
        environment = _environment()
        os.environ.clear()
        os.environ.update(environment)

    ours, theirs = pty.openpty()
    resize(ours, width, height)
    child = fork(*args, stdin=theirs, stdout=theirs, stderr=theirs, first=begin)
    os.close(theirs)
    return child, ours


def picture(*args: str, **options: Any) -> str:
    """Return the output of a successful command, without escape sequences."""
    status, text = whole_run(*args, **options)
    assert status == 0, text
    return without_codes(text).replace("\r\n", "\n")


def without_codes(text: str) -> str:
    """Return a text without escape sequences."""
    return _CODES.sub("", text)


def frames(text: str) -> list[str]:
    """Return the pictures of a live view, first to last."""
    return [without_codes(frame) for frame in text.split("\x1b[H")[1:]]


def table_of(text: str, title: str) -> list[dict[str, str]]:
    """Return the rows of the table with this title, by column."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(title):
            break
    head = next(lines)
    assert set(next(lines)) == {"─"}
    starts = [found.start() for found in re.finditer(r"\S+", head)]
    names = head.split()
    rows = []
    for line in lines:
        if not line or line.startswith("No room"):
            break
        cells = _GAP.split(re.sub(r"([█▉▊▋▌▍▎▏░])\s+", r"\1 ", line.strip()))
        assert len(cells) == len(names) == len(starts), line
        rows.append(dict(zip(names, cells, strict=True)))
    return rows


def wait_until_full(process: subprocess.Popen[bytes], terminal: int) -> None:
    """Wait until a process waits for room on an unread terminal.

    poll(2) does not show it: the kernel moves bytes on later, and then wakes no writer.
    """

    def is_full() -> bool:
        (length,) = struct.unpack("i", fcntl.ioctl(terminal, termios.FIONREAD, bytes(4)))
        return bool(length == _READ_BUFFER and process_state(process.pid) == "S")

    wait_until(is_full)
