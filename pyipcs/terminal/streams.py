"""Standard output and standard error of the program."""

import codecs
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO, TypeAlias

from pyipcs.errors import CommandError
from pyipcs.text import one_line, visible

if TYPE_CHECKING:
    from pyipcs.terminal.capabilities import TerminalCapabilities

_ESCAPE = "pyipcs"  # the name of the codec error handler
_BLOCK = 1 << 16  # characters written at once
_PIPE_SIZE = 1 << 20  # bytes: the default of fs.pipe-max-size (pipe(7))
_LARGE_PIECE = 1 << 18  # bytes: pieces of a large output
_COLUMNS_MAX = 10_000  # the largest accepted value of the variable COLUMNS
_SIZE_MAX = 1_000  # columns or lines; TIOCSWINSZ lets anyone set up to 65535

# Writes the bytes that a function returns.
_WriteTaken: TypeAlias = Callable[[Callable[[], bytes]], None]


class WriteError(Exception):
    """A failed write to standard output; the text gives the reason."""


class Output:
    """The streams for data and messages, and their capabilities.

    Attributes:
        encoding: the encoding of both streams. It is the encoding of file names, which are
            written byte for byte as they were read.
        is_terminal: True if data goes to a terminal.
        message_terminal: the stream of messages if it is a terminal; else None.
        is_interactive: True if the user can see a question and answer it.
        is_dumb: True if the terminal cannot move its cursor.
        color: the value of --color: auto, always or never.
    """

    def __init__(
        self, streams: tuple[TextIO | None, TextIO | None] | None = None, color: str = "auto"
    ) -> None:
        """Open the output.

        Args:
            streams: streams for data and messages, each None to write nothing; default: stdout and
                stderr.
            color: the value of --color.
        """
        # sys.stdout and sys.stderr are None if the caller closed their descriptors.
        stdout, stderr = streams or (sys.stdout, sys.stderr)
        self._stdout: TextIO | None = stdout
        self._stderr: TextIO | None = stderr
        self.encoding = sys.getfilesystemencoding()
        self.is_terminal = _is_terminal(self._stdout)
        self.message_terminal = self._stderr if _is_terminal(self._stderr) else None
        self.is_interactive = _is_terminal(sys.stdin) and self.message_terminal is not None
        self.is_dumb = os.environ.get("TERM", "").lower() in {"dumb", "unknown"}
        self.color = color
        self._pending: list[str] = []  # chunks not yet written
        self._pending_length = 0
        self._write_taken: _WriteTaken = self._write_to_stdout
        # On a terminal the user waits for the text; on a shared stream, data and messages keep
        # their order.
        self._is_unbuffered = self.is_terminal or (streams is not None and self._is_shared)
        self._failure: str | None = None  # the reason of the first failed write

    def write(self, chunks: Iterable[str]) -> None:
        """Write text chunk by chunk; escape it on a terminal.

        `flush` reports a failure, as in stdio(3).
        """
        self.write_raw(map(visible, chunks) if self.is_terminal else chunks)

    def write_raw(self, chunks: Iterable[str]) -> None:
        """Write text that may contain escape sequences.

        Untrusted parts must be escaped already.
        """
        for chunk in chunks:
            self._pending.append(chunk)
            self._pending_length += len(chunk)
            if self._pending_length >= _BLOCK:
                self._write_pending()
            if self._failure:
                return
        if self._is_unbuffered:
            self._write_pending()

    def _write_pending(self) -> None:
        try:
            self._write_taken(self.take_buffered)
        except OSError as error:
            self._failure = error.strerror or str(error)

    def _write_to_stdout(self, take: Callable[[], bytes]) -> None:
        data = take()
        if self._stdout is not None and not self._failure:
            _write_all(self._stdout, data)

    @contextmanager
    def written_by(self, write: _WriteTaken) -> Iterator[None]:
        """Let a function take and write the buffered text within a `with` block."""
        self._write_taken = write
        try:
            yield
        finally:
            self._write_taken = self._write_to_stdout

    def take_buffered(self) -> bytes:
        """Return the buffered text as bytes, and empty the buffer."""
        text, self._pending, self._pending_length = "".join(self._pending), [], 0
        return _encode(text, self.encoding)

    def write_bytes(self, pieces: Iterable[bytes | memoryview]) -> None:
        """Write bytes unchanged; `flush` reports a failure.

        Raises:
            CommandError: standard output is closed or read-only.
        """
        descriptor = self.descriptor()
        is_large = False
        for piece in pieces:
            if not is_large and len(piece) >= _LARGE_PIECE:
                is_large = True
                _enlarge_pipe(descriptor)
            try:
                _write_bytes(descriptor, piece)
            except OSError as error:
                self._failure = error.strerror or str(error)
                return

    @property
    def open_descriptor(self) -> int | None:
        """Standard output's descriptor; None if it is closed or in memory."""
        return None if self._stdout is None else _descriptor(self._stdout)

    def for_stderr(self, stream: TextIO | None = None) -> "Output":
        """Return an output with data and messages on one stream.

        Args:
            stream: the stream; default: standard error.
        """
        stream = stream or self._stderr
        return Output((stream, stream), self.color)

    def muted(self) -> "Output":
        """Return an output that writes nothing."""
        return Output((None, None), self.color)

    @property
    def _is_shared(self) -> bool:
        return self._stdout is self._stderr

    @property
    def has_color(self) -> bool:
        """Return True if data is coloured."""
        return self._has_color(self.is_terminal)

    @property
    def has_message_color(self) -> bool:
        """Return True if messages are coloured."""
        return self._has_color(self.message_terminal is not None)

    def _has_color(self, is_terminal: bool) -> bool:
        if self.color != "auto":
            return self.color == "always"
        if os.environ.get("NO_COLOR") or self.is_dumb:
            return False
        return is_terminal

    def capabilities(self) -> "TerminalCapabilities | None":
        """Return the capabilities of standard output; None if a program reads it.

        With --color=always a file or a pager counts as a terminal: COLUMNS sets its width.
        """
        if self._stdout is None or not (self.is_terminal or self.color == "always"):
            return None
        from pyipcs.text import decimal

        variable = os.environ.get("COLUMNS", "")
        columns = decimal(variable) if variable.isascii() and variable.isdigit() else 0
        terminal = self.terminal_capabilities()
        width = columns or (terminal.width if self.is_terminal else None)
        return terminal._replace(width=width and min(width, _COLUMNS_MAX))

    def terminal_capabilities(self) -> "TerminalCapabilities":
        """Return the capabilities of the terminal, with its real size."""
        try:
            assert self._stdout
            columns, lines = os.get_terminal_size(self._stdout.fileno())
        except OSError:
            columns = lines = 0
        has_unicode = self.encoding.lower().startswith("utf")
        # A serial line has no size and reports 0.
        width, height = min(columns or 80, _SIZE_MAX), min(lines or 24, _SIZE_MAX)
        from pyipcs.terminal.capabilities import TerminalCapabilities

        return TerminalCapabilities(width, height, self.has_color, has_unicode)

    def flush(self) -> None:
        """Write the buffered text.

        Raises:
            WriteError: this write or an earlier one failed.
        """
        self._write_pending()
        if self._failure:
            raise WriteError(self._failure)

    def descriptor(self) -> int:
        """Return standard output's descriptor, for writers that count bytes.

        Raises:
            CommandError: standard output is closed or read-only.
        """
        import fcntl

        if self._stdout is None:
            raise CommandError("standard output is closed")
        descriptor = self._stdout.fileno()
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise CommandError("standard output is not open for writing")
        return descriptor

    def error(self, message: str, timeout: float | None = None) -> None:
        """Write one line to standard error, prefixed with the program's name.

        Args:
            message: the line.
            timeout: seconds to wait for the stream; afterwards the message is dropped.
        """
        if timeout is None or self._accepts_message(timeout):
            self.write_stderr(f"{self._styled('pyipcs:')} {one_line(message)}\n")

    def ask(self, question: str) -> bool:
        """Ask a question; return True if the answer is yes.

        It requires `is_interactive`.
        """
        self.write_stderr(f"{question} [y/N] ")
        try:
            answer = sys.stdin.buffer.readline()
        except OSError:  # the terminal is gone, or belongs to another job
            answer = b""
        if not answer.endswith(b"\n"):  # end of file: the cursor is still in the question's line
            self.write_stderr("\n")
        return answer.strip().lower() in {b"y", b"yes"}

    def write_stderr(self, text: str) -> None:
        """Write all text to standard error unchanged, even with O_NONBLOCK."""
        if self._stderr is None:
            return
        try:
            _write_all(self._stderr, _encode(text, self.encoding))
        except OSError as error:  # there is no other place to report it
            if self._is_shared:
                self._failure = error.strerror or str(error)

    def _accepts_message(self, timeout: float) -> bool:
        """Return True if standard error becomes writable before the timeout."""
        return self._stderr is not None and _wait_writable(self._stderr.fileno(), timeout)

    def _styled(self, text: str) -> str:
        return f"\x1b[1;31m{text}\x1b[0m" if self.has_message_color else text


def _encode(text: str, encoding: str) -> bytes:
    """Return text as bytes; surrogates of os.fsdecode become their bytes."""
    try:
        return text.encode(encoding, "surrogateescape")
    except UnicodeEncodeError:  # an encoding with few characters, such as ASCII in the C locale
        # Registered only here, because most runs do not need it.
        codecs.register_error(_ESCAPE, _escape_sequence)
        return text.encode(encoding, _ESCAPE)


def _escape_sequence(error: UnicodeError) -> tuple[str | bytes, int]:
    """Return the original byte, or an escape sequence for other characters."""
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeEncodeError:
        return codecs.backslashreplace_errors(error)


def _write_all(stream: TextIO, data: bytes) -> None:
    descriptor = _descriptor(stream)
    if descriptor is None:
        stream.buffer.write(data)
    else:
        _write_bytes(descriptor, data)


def _descriptor(stream: TextIO) -> int | None:
    """Return a stream's descriptor; None if it is in memory, as in tests."""
    try:
        return stream.fileno()
    except OSError:
        return None


def _enlarge_pipe(descriptor: int) -> None:
    """Enlarge a pipe's buffer, for fewer switches between two processes.

    It fails for other files, and over the user's limit (pipe(7)).
    """
    import fcntl

    with suppress(OSError):
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)


def _write_bytes(descriptor: int, data: bytes | memoryview) -> None:
    """Write all bytes; wait while a descriptor with O_NONBLOCK is full."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            _wait_writable(descriptor)


def _wait_writable(descriptor: int, timeout: float | None = None) -> bool:
    """Wait for a descriptor; return True if it accepts data in time."""
    import select

    from pyipcs.process.nonblocking import ready

    return ready(descriptor, select.POLLOUT, timeout)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()
