"""The streams: looked at once, written to here only."""

import io
import os
import sys
from collections.abc import Iterable
from typing import TextIO

from pyipcs.render.escape import one_line, visible


class WriteError(Exception):
    """Standard output took no more; the text says why."""


class Output:
    """Where data and messages go, and what these places can show."""

    def __init__(self) -> None:
        self._stdout = _prepared(sys.stdout)
        self._stderr = _prepared(sys.stderr)
        # Back where they came from, to outlive this: a dropped stream flushes, and fails, again.
        if self._stdout is not None:
            sys.stdout = self._stdout
        if self._stderr is not None:
            sys.stderr = self._stderr
        self.terminal = _is_terminal(self._stdout)
        # Whether a question can be asked and answered.
        self.interactive = _is_terminal(sys.stdin) and _is_terminal(self._stderr)
        self.color = "auto"
        self._broken: str | None = None

    def write(self, chunks: Iterable[str]) -> None:
        """Write data as it comes; as with stdio(3), `flush` tells whether the stream took it."""
        for chunk in chunks:
            if self._stdout is None or self._broken:  # closed by the caller, or full
                return
            try:
                self._stdout.write(visible(chunk) if self.terminal else chunk)
            except OSError as error:
                self._broken = error.strerror or str(error)

    def flush(self) -> None:
        """Hand on what is buffered.

        Raises:
            WriteError: the stream took no more.
        """
        try:
            if self._stdout is not None and not self._broken:
                self._stdout.flush()
        except OSError as error:
            self._broken = error.strerror or str(error)
        if self._broken:
            raise WriteError(self._broken)

    def complain(self, message: str) -> None:
        """One line on standard error, with the program's name."""
        self._say(f"{self._styled('pyipcs:')} {one_line(message)}\n")

    def ask(self, question: str) -> bool:
        """Whether the user answers yes; only where `interactive`."""
        self._say(f"{question} [y/N] ")
        try:
            answer = sys.stdin.buffer.readline()
        except OSError:  # the terminal has gone, or is another job's: nobody said yes
            answer = b""
        if not answer.endswith(b"\n"):  # end of file: the cursor still stands behind the question
            self._say("\n")
        return answer.strip().lower() in {b"y", b"yes"}

    def _say(self, text: str) -> None:
        if self._stderr is None:
            return
        try:
            self._stderr.write(text)
            self._stderr.flush()
        except OSError:
            pass  # nobody is left who could be told

    def _styled(self, text: str) -> str:
        return f"\x1b[1;31m{text}\x1b[0m" if self._colored() else text

    def _colored(self) -> bool:
        if self.color != "auto":
            return self.color == "always"
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            return False
        return _is_terminal(self._stderr)


def _prepared(stream: TextIO | None) -> TextIO | None:
    """The stream, giving names back byte for byte as they were read."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    encoding = sys.getfilesystemencoding()
    if isinstance(stream.buffer, io.RawIOBase):
        # PYTHONUNBUFFERED leaves out what would notice that a write(2) took but a part.
        return open(
            stream.fileno(), "w", encoding=encoding, errors="surrogateescape", closefd=False
        )
    stream.reconfigure(encoding=encoding, errors="surrogateescape")
    return stream


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()
