"""The streams: looked at once, written to here only."""

import codecs
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TextIO

from pyipcs.errors import CommandError
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.terminal.escape import one_line, visible

_ESCAPE = "pyipcs"  # the name of how bytes are given back
_BLOCK = 1 << 16  # characters that are written at once
_MUCH = 1 << 20  # bytes: the most that a pipe of an ordinary user holds
_WIDEST = 10_000  # columns, more than anybody asks for
_LARGEST = 1_000  # columns and lines, more than any terminal has


class WriteError(Exception):
    """Standard output took no more; the text says why."""


class Output:
    """Where data and messages go, and what these places can show."""

    def __init__(self) -> None:
        self._stdout = sys.stdout  # None where the caller closed it
        self._stderr = sys.stderr
        # As the names were read, which are given back byte for byte.
        self.encoding = sys.getfilesystemencoding()
        self.terminal = _is_terminal(self._stdout)
        # Where messages go, if somebody looks at it.
        self.screen = self._stderr if _is_terminal(self._stderr) else None
        # Whether a question can be asked and answered.
        self.interactive = _is_terminal(sys.stdin) and self.screen is not None
        # Whether standard output can be written to line by line only.
        self.dumb = os.environ.get("TERM", "").lower() in {"dumb", "unknown"}
        self.color = "auto"
        self._waiting: list[str] = []  # what is to be written, of so many characters:
        self._size = 0
        # Whether somebody waits for it, or messages are to stand in its order.
        self._prompt = self.terminal
        self._broken: str | None = None

    def write(self, chunks: Iterable[str]) -> None:
        """Write data as it comes; as with stdio(3), `flush` tells whether the stream took it."""
        self.draw(map(visible, chunks) if self.terminal else chunks)

    def draw(self, chunks: Iterable[str]) -> None:
        """Write what is to be obeyed by a terminal; strangers' text in it is safe already."""
        for chunk in chunks:
            self._waiting.append(chunk)
            self._size += len(chunk)
            if self._size >= _BLOCK:
                self._hand_on()
            if self._broken:
                return
        if self._prompt:
            self._hand_on()

    def _hand_on(self) -> None:
        text, self._waiting, self._size = "".join(self._waiting), [], 0
        try:
            if self._stdout is not None and not self._broken:
                _write_all(self._stdout, text.encode(self.encoding, _ESCAPE))
        except OSError as error:
            self._broken = error.strerror or str(error)

    def pour(self, pieces: Iterable[bytes | memoryview]) -> None:
        """Write bytes as they come, and as they are; `flush` tells whether all were taken.

        Raises:
            CommandError: standard output is closed, or for reading only.
        """
        descriptor = self.descriptor()
        for piece in pieces:
            if len(piece) >= _MUCH:
                _widen(descriptor)
            try:
                _write_bytes(descriptor, piece)
            except OSError as error:
                self._broken = error.strerror or str(error)
                return

    def wait(self) -> None:
        """Wait until standard output takes something, at least a few lines at once."""
        if self._stdout is not None and (descriptor := _descriptor(self._stdout)) is not None:
            _writable(descriptor)

    def for_stderr(self, stream: TextIO | None = None) -> "Output":
        """Return the same with all output, messages too, on one stream.

        Args:
            stream: the stream; standard error if left out.
        """
        other = self._with(stream or self._stderr)
        other._stderr = other._stdout
        other.screen = other._stdout if _is_terminal(other._stdout) else None
        other.terminal, other._prompt = other.screen is not None, True
        return other

    def muted(self) -> "Output":
        """The same that says nothing at all."""
        other = self._with(None)
        other._stderr = None
        return other

    def _with(self, stdout: TextIO | None) -> "Output":
        other = object.__new__(Output)
        vars(other).update(vars(self))
        other._stdout, other._waiting, other._size = stdout, [], 0
        return other

    @property
    def has_color(self) -> bool:
        """Whether what is drawn has colour."""
        return self._has_color(self.terminal)

    def canvas(self) -> TerminalCapabilities | None:
        """What can be drawn on standard output, if that is for people.

        It is no terminal's size where somebody else will show it: then COLUMNS tells the width.
        """
        if self._stdout is None or not (self.terminal or self.color == "always"):
            return None
        from pyipcs.text import decimal

        told = os.environ.get("COLUMNS", "")
        columns = decimal(told) if told.isascii() and told.isdigit() else 0
        screen = self.screen_canvas()
        width = columns or (screen.width if self.terminal else None)
        return screen._replace(width=width and min(width, _WIDEST))

    def screen_canvas(self) -> TerminalCapabilities:
        """What can be drawn on the terminal, which alone tells its size."""
        try:
            assert self._stdout
            columns, lines = os.get_terminal_size(self._stdout.fileno())
        except OSError:
            columns = lines = 0
        unicode = self.encoding.lower().startswith("utf")
        # A serial line does not know.
        width, height = min(columns or 80, _LARGEST), min(lines or 24, _LARGEST)
        return TerminalCapabilities(width, height, self.has_color, unicode)

    def flush(self) -> None:
        """Hand on what is buffered.

        Raises:
            WriteError: the stream took no more.
        """
        self._hand_on()
        if self._broken:
            raise WriteError(self._broken)

    def descriptor(self) -> int:
        """Standard output's descriptor, for who writes bytes and must know how far they came.

        Raises:
            CommandError: the caller has closed it, or it is for reading only.
        """
        import fcntl

        if self._stdout is None:
            raise CommandError("standard output is closed")
        descriptor = self._stdout.fileno()
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise CommandError("standard output is not open for writing")
        return descriptor

    def error(self, message: str, timeout: float | None = None) -> None:
        """One line on standard error, with the program's name.

        Args:
            message: what to say.
            timeout: the seconds after which it stays unsaid, where nobody reads it.
        """
        if timeout is None or self._heard(timeout):
            self.say(f"{self._styled('pyipcs:')} {one_line(message)}\n")

    def ask(self, question: str) -> bool:
        """Whether the user answers yes; only where `interactive`."""
        self.say(f"{question} [y/N] ")
        try:
            answer = sys.stdin.buffer.readline()
        except OSError:  # the terminal has gone, or is another job's: nobody said yes
            answer = b""
        if not answer.endswith(b"\n"):  # end of file: the cursor still stands behind the question
            self.say("\n")
        return answer.strip().lower() in {b"y", b"yes"}

    def say(self, text: str) -> None:
        """Text on standard error as it is, and all of it, also where O_NONBLOCK is set."""
        if self._stderr is None:
            return
        try:
            _write_all(self._stderr, text.encode(self.encoding, _ESCAPE))
        except OSError as error:  # nobody is left who could be told
            if self._stderr is self._stdout:
                self._broken = error.strerror or str(error)

    def _heard(self, timeout: float) -> bool:
        """Whether standard error takes something within some seconds."""
        return self._stderr is not None and _writable(self._stderr.fileno(), timeout)

    def _styled(self, text: str) -> str:
        return f"\x1b[1;31m{text}\x1b[0m" if self.colored else text

    @property
    def colored(self) -> bool:
        """Whether messages have colour."""
        return self._has_color(self.screen is not None)

    def _has_color(self, terminal: bool) -> bool:
        if self.color != "auto":
            return self.color == "always"
        if os.environ.get("NO_COLOR") or self.dumb:
            return False
        return terminal


def _escaped(error: UnicodeError) -> tuple[str | bytes, int]:
    """The bytes that a name was read from; what the encoding has not, as an escape sequence."""
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeEncodeError:
        return codecs.backslashreplace_errors(error)


codecs.register_error(_ESCAPE, _escaped)


def _write_all(stream: TextIO, data: bytes) -> None:
    descriptor = _descriptor(stream)
    if descriptor is None:
        stream.buffer.write(data)
    else:
        _write_bytes(descriptor, data)


def _descriptor(stream: TextIO) -> int | None:
    """A stream's; None where it is no file, but in the memory of who calls this."""
    try:
        return stream.fileno()
    except OSError:
        return None


def _widen(descriptor: int) -> None:
    """Give a pipe room for much at once, if it is one and the user may: fewer turns are faster."""
    import fcntl

    with suppress(OSError):
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _MUCH)


def _write_bytes(descriptor: int, data: bytes | memoryview) -> None:
    """Write all, waiting also where O_NONBLOCK is set."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            _writable(descriptor)


def _writable(descriptor: int, timeout: float | None = None) -> bool:
    """Whether a descriptor takes something within some seconds, or at some time."""
    import select

    from pyipcs.process.nonblocking import ready

    return ready(descriptor, select.POLLOUT, timeout)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()
