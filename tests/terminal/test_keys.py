"""Keys on a pseudo-terminal, read byte by byte."""

import os
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from pyipcs.process.interruptible import InterruptibleWait
from pyipcs.terminal.keys import Key, Keyboard
from tests.kit.wait import LIMIT


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Open a terminal in cbreak mode; return our end and the program's."""
    ours, theirs = os.openpty()
    tty.setcbreak(theirs)
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


@contextmanager
def keyboard(theirs: int, sequence_limit: float = LIMIT) -> Iterator[Keyboard]:
    with (
        InterruptibleWait() as waiting,
        Keyboard(theirs, waiting, source=theirs, sequence_limit=sequence_limit) as keys,
    ):
        yield keys


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        (b"q", Key.QUIT),
        (b"\x1b[A", Key.UP),
        (b"\x1bOA", Key.UP),
        (b"\x1b[B", Key.DOWN),
        (b"\x1b[1;5B", Key.DOWN),
        (b"\x1b[5~", Key.PAGE_UP),
        (b"\x1b[6~", Key.PAGE_DOWN),
        (b"\x1b[6;2~", Key.PAGE_DOWN),
        (b"\x1b[H", Key.HOME),
        (b"\x1b[1~", Key.HOME),
        (b"\x1bOF", Key.END),
        (b"\x1b[8~", Key.END),
        (b"\x1b[3~", Key.OTHER),
        (b"\x1b[q", Key.OTHER),
        (b"\x1bOq", Key.OTHER),
        (b"\x1b[200~", Key.OTHER),
        (b"x", Key.OTHER),
        (b"\n", Key.OTHER),
        (b"\x1b\x1b[A", Key.UP),
        (b"\x1bq", Key.QUIT),
        (b"\x1b[\x1b[6~", Key.PAGE_DOWN),
        (b"\x1b[1\nq", Key.OTHER),
    ],
)
def test_read_key_leaves_the_bytes_after_it(
    typed: bytes, key: Key, terminal: tuple[int, int]
) -> None:
    ours, theirs = terminal
    os.write(ours, typed + b"rest")
    with keyboard(theirs) as keys:
        assert keys.read(LIMIT) is key
    rest = os.read(theirs, 100)
    assert rest == (b"q" if typed.endswith(b"\nq") else b"") + b"rest"


def test_read_key_in_parts_is_one_key(terminal: tuple[int, int]) -> None:
    ours, theirs = terminal

    def type_slowly() -> None:
        for byte in b"\x1b[6~":
            os.write(ours, bytes([byte]))
            time.sleep(0.02)

    thread = threading.Thread(target=type_slowly)
    with keyboard(theirs) as keys:
        thread.start()
        assert keys.read(LIMIT) is Key.PAGE_DOWN
    thread.join()


def test_read_escape_alone_ends_after_the_limit(terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    with keyboard(theirs, sequence_limit=0.01) as keys:
        os.write(ours, b"\x1b")
        assert keys.read(LIMIT) is None
        os.write(ours, b"q")
        assert keys.read(LIMIT) is Key.QUIT


def test_read_without_a_key_ends_after_the_given_time(terminal: tuple[int, int]) -> None:
    with keyboard(terminal[1]) as keys:
        assert keys.has_keys
        assert keys.read(0.01) is None
        assert keys.read(-1) is None


def test_keyboard_on_a_closed_terminal_has_no_keys() -> None:
    ours, theirs = os.openpty()
    with keyboard(theirs) as keys:
        os.close(ours)
        assert keys.read(LIMIT) is None
        assert not keys.has_keys
        assert keys.read(0.01) is None
    os.close(theirs)


def test_keyboard_of_another_file_has_no_keys(terminal: tuple[int, int]) -> None:
    with ExitStack() as stack:
        null = stack.enter_context(Path(os.devnull).open())
        _, other = pair = os.openpty()
        for descriptor in pair:
            stack.callback(os.close, descriptor)
        for source in (null.fileno(), other):
            with InterruptibleWait() as waiting:
                assert not Keyboard(terminal[1], waiting, source=source).has_keys
