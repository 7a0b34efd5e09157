"""pyipcs on a terminal: the other end of a pty, of any size."""

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from tests.kit.program import PYIPCS

# What would tell of another terminal.
_TOLD = {"NO_COLOR", "COLUMNS", "LINES", "TERM"}
_CODES = re.compile(r"\x1b(\[[\d;?<>=]*[A-Za-z]|\(.|\].*?(\x07|\x1b\\)|[=>])|[\x0e\x0f]")


def on_terminal(
    *args: str, before: Sequence[str] = (), **options: Any
) -> tuple[subprocess.Popen[bytes], int]:
    """Start pyipcs, or what starts it, with a terminal as its standard streams: see `start`."""
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
    """Start a command with a terminal as its standard streams; also returns its other end.

    With `controlling` it is that of a session of the command's own, from which Ctrl-C signals.
    """
    ours, theirs = pty.openpty()
    resize(ours, width, height)
    inherited = {name: value for name, value in os.environ.items() if name not in _TOLD}
    environment = {**inherited, "TERM": "xterm-256color", **(env or {})}
    os.set_blocking(theirs, not nonblocking)
    process = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs if stderr is None else stderr,
        env=environment,
        # Whoever runs the tests: Ctrl-Z stops no group that nobody could wake.
        process_group=None if controlling else 0,
        start_new_session=controlling,
        preexec_fn=_take_terminal if controlling else None,  # noqa: PLW1509 - there are none
    )
    os.close(theirs)
    return process, ours


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def end(process: subprocess.Popen[bytes], terminal: int) -> None:
    """End what is still on a terminal."""
    process.kill()
    process.wait()
    with suppress(OSError):  # it was read to its end
        os.close(terminal)


def resize(terminal: int, width: int, height: int) -> None:
    """Give a terminal another size."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


def read_terminal(terminal: int) -> str:
    """What the program writes next."""
    return os.read(terminal, 65536).decode()


def read_all(terminal: int) -> str:
    """All that the program writes until it ends."""
    text = b""
    while True:
        try:
            block = os.read(terminal, 65536)
        except OSError:  # EIO: the other end is closed
            block = b""
        if not block:
            os.close(terminal)
            return text.decode()
        text += block


def read_until(terminal: int, pattern: str, seconds: float = 10) -> str:
    """All that the program writes until there is something in it."""
    text = ""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a read may end within a character
    deadline = time.monotonic() + seconds
    while not re.search(pattern, text):
        left = deadline - time.monotonic()
        if left < 0 or not select.select([terminal], [], [], left)[0]:
            raise TimeoutError(f"no {pattern!r} in {text[-2000:]!r}")
        text += decoder.decode(os.read(terminal, 65536))
    return text


def whole_run(*args: str, **options: Any) -> tuple[int, str]:
    """Run pyipcs on a terminal; its status, and all that it wrote."""
    process, terminal = on_terminal(*args, **options)
    text = read_all(terminal)
    return process.wait(), text


def picture(*args: str, **options: Any) -> str:
    """What a command that must succeed draws, without colours, in the lines of the machine."""
    status, text = whole_run(*args, **options)
    assert status == 0, text
    return without_codes(text).replace("\r\n", "\n")


def without_codes(text: str) -> str:
    """Text as it is seen."""
    return _CODES.sub("", text)


def frames(text: str) -> list[str]:
    """What was shown, one after the other."""
    return [without_codes(frame) for frame in text.split("\x1b[H")[1:]]


def table_of(text: str, title: str) -> list[dict[str, str]]:
    """The rows of the table that has this title, by the names of the columns."""
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
        cells = re.split(r"\s{2,}", re.sub(r"([█░])\s+", r"\1 ", line.strip()))
        assert len(cells) == len(names) == len(starts), line
        rows.append(dict(zip(names, cells, strict=True)))
    return rows
