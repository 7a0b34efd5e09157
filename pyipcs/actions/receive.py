"""Where taken messages go: to standard output, or to commands. What does not get there goes back.

A message is delivered when write(2) has accepted it in whole, or its command has ended well.
"""

import os
import select
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from pyipcs.actions.lookup import refusal
from pyipcs.codec import Encoder, encoder
from pyipcs.errors import CommandError, IpcError, StoppedError
from pyipcs.model import Kind, Message
from pyipcs.process.interruptible import InterruptibleWait
from pyipcs.process.nonblocking import NonBlockingFile, ready
from pyipcs.process.program import environment
from pyipcs.sysv.keys import Target
from pyipcs.terminal.streams import Output

if TYPE_CHECKING:
    import subprocess

_GONE = select.POLLERR | select.POLLHUP | select.POLLNVAL
_GRACE = 1.0  # seconds for the rest of a message of which a part is written

# Puts messages back; whether all of them are on the queue again.
Requeue = Callable[[Iterable[Message]], bool]


def requeuer(output: Output, target: Target, put: Callable[[int, bytes, bool], None]) -> Requeue:
    """What puts messages back at the tail of their queue, without waiting.

    Those that the queue refuses are told on standard error, as `send --json` reads them.
    """

    def requeue(messages: Iterable[Message]) -> bool:
        refused = []
        for message in messages:
            try:
                put(message.type, message.body, False)
            except IpcError as error:
                refused.append((message, error))
        if refused:
            why = refusal(Kind.QUEUE, target, refused[0][1])
            output.error(f"{why}; what could not be put back:")
            encode = encoder("json")
            output.write_stderr("".join(encode(message).decode() for message, _ in refused))
        return not refused

    return requeue


class Delivery(ABC):
    """Taken messages on their way; on leaving, those that are still here are put back.

    Attributes:
        returned: whether some were, and the queue took them.
        torn: whether the output ends within a message.
    """

    def __init__(self, requeue: Requeue) -> None:
        self.returned = self.partial_write = False
        self._requeue = requeue
        self._taken: list[Message] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        try:
            self._finish(error)
        finally:
            self.returned = self._requeue(self._taken) and bool(self._taken)

    @abstractmethod
    def ready(self) -> None:
        """Wait until a message can be delivered, before it is taken.

        Raises:
            StoppedError: there is no reader any more, or a signal came.
        """

    @abstractmethod
    def add(self, message: Message) -> None:
        """Deliver a message, now or with the next ones.

        Raises:
            CommandError: that cannot be; it goes back.
            StoppedError: a signal came; it goes back, if it is not delivered.
        """

    def flush(self) -> None:  # noqa: B027 - for whom `add` keeps nothing
        """Deliver what was added."""

    def _finish(self, error: BaseException | None) -> None:  # noqa: B027 - see flush
        """Deliver what can be, on leaving with this error."""


class ToOutput(Delivery):
    """Messages on their way to standard output.

    Those that share a write(2) have up to PIPE_BUF bytes together, which a pipe that poll(2)
    calls writable takes whole and at once (pipe(7)). A longer message may be written in parts,
    and goes back even if its beginning was seen, if the rest finds no place in time.
    """

    def __init__(
        self,
        output: Output,
        encode: Encoder,
        requeue: Requeue,
        watch: InterruptibleWait,
        *,
        each: bool,
    ) -> None:
        """Where the messages go, and how.

        Args:
            output: whose standard output it is.
            encode: what writes a message.
            requeue: what puts messages back.
            watch: tells of signals.
            each: whether each message is one write, at once.

        Raises:
            CommandError: standard output is closed, or for reading only.
        """
        super().__init__(requeue)
        self._sink = NonBlockingFile(output.descriptor(), os.O_WRONLY)
        self._encode = encode
        self._watch = watch
        self._writable = watch.poller(self._sink.descriptor, select.POLLOUT)
        self._most = 0 if each else select.PIPE_BUF
        self._room = 0  # bytes that the pipe takes at once, if nobody else writes into it
        self._texts: list[bytes] = []  # those of the taken messages, as far as they have one
        self._size = 0
        self._begun = 0  # bytes of the first text that are written
        self._rest: memoryview | None = None  # what is not, once a part is
        self._broken = False

    def ready(self) -> None:
        """Wait until standard output can take a message."""
        if self._watch.stopped:
            self._watch.check()
        if self._texts or self._room > 0:
            return
        if self._writable() & _GONE:
            raise StoppedError(signal.SIGPIPE)
        # A writable pipe has a page for us, which takes many short writes.
        self._room = select.PIPE_BUF if self._sink.is_pipe else 0

    def add(self, message: Message) -> None:
        """Write the message, or keep it for the next write."""
        self._taken.append(message)
        text = self._encode(message)
        if self._size + len(text) > self._most:
            self.flush()
        self._texts.append(text)
        self._size += len(text) or 1  # so that nothing piles up, be it empty
        if self._size >= self._most:
            self.flush()

    def flush(self) -> None:
        """Write what was added."""
        while self._texts:
            if self._sink.polls_first:
                self._writable()
            if not self._write():
                self._writable()

    def _finish(self, error: BaseException | None) -> None:
        try:
            if not isinstance(error, StoppedError) and not self._broken:
                self.flush()
        finally:
            self._hurry()
            self.partial_write = self._begun > 0
            self._sink.close()

    def _hurry(self) -> None:
        """Write what standard output takes now; a message that is begun has a little time."""
        deadline = time.monotonic() + _GRACE
        while self._texts and not self._broken:
            timeout = max(deadline - time.monotonic(), 0) if self._begun else 0
            if not ready(self._sink.descriptor, select.POLLOUT, timeout):
                return
            with suppress(CommandError, StoppedError):
                if not self._write() and time.monotonic() > deadline:
                    return

    def _write(self) -> bool:
        """Write what is next, as much as goes; whether anything went without waiting."""
        data = b"".join(self._texts) if self._rest is None else self._rest
        try:
            written = self._sink.write(data)
        except BlockingIOError:
            return False
        except BrokenPipeError:
            self._broken = True
            raise StoppedError(signal.SIGPIPE) from None
        except OSError as error:
            self._broken = True
            raise CommandError(f"write error: {error.strerror}") from None
        self._room -= written
        if written == len(data):
            del self._taken[: len(self._texts)]
            self._texts.clear()
            self._size = self._begun = 0
            self._rest = None
        else:
            self._rest = memoryview(data)[written:]
            self._begin(written)
        return True

    def _begin(self, written: int) -> None:
        """Let go of the messages that are written in whole; there is one that is not."""
        self._begun += written
        while self._begun >= len(self._texts[0]):
            self._begun -= len(self._texts.pop(0))
            self._taken.pop(0)


class ToCommand(Delivery):
    """Messages on their way to a shell command, each on the standard input of one run of it."""

    def __init__(
        self, command: str, msqid: int, encode: Encoder, requeue: Requeue, watch: InterruptibleWait
    ) -> None:
        """What to run.

        Args:
            command: for sh(1).
            msqid: the queue's id, for the command's environment.
            encode: what writes a message.
            requeue: what puts the message back whose command fails.
            watch: tells of signals.
        """
        super().__init__(requeue)
        # Where it is ignored, as it may be in a daemon's child, no status would be told (wait(2)).
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._command = command
        self._environment = {**environment(), b"PYIPCS_ID": b"%d" % msqid}
        self._encode = encode
        self._watch = watch

    def ready(self) -> None:
        """A command can always be run."""
        self._watch.check()

    def add(self, message: Message) -> None:
        """Run the command, and wait until it ends."""
        self._taken.append(message)
        status = self._run(message)
        if status:
            self._watch.check()
            raise CommandError(f"'{self._command}' ended with status {status}", status)
        self._taken.clear()

    def _run(self, message: Message) -> int:
        process = self._started(message)
        # After the first signal the command may end its work; the next ones are for it, too.
        self._watch.on_later_signal = process.send_signal
        try:
            status = process.wait()
        finally:
            self._watch.on_later_signal = None
        return 128 - status if status < 0 else status

    def _started(self, message: Message) -> "subprocess.Popen[bytes]":
        import subprocess

        # A file in memory: a command that does not read it to the end is none the worse for it.
        with open(os.memfd_create("message"), "w+b") as body:
            body.write(self._encode(message))
            body.seek(0)
            try:
                return subprocess.Popen(
                    ["/bin/sh", "-c", self._command],
                    stdin=body,
                    env={**self._environment, b"PYIPCS_TYPE": b"%d" % message.type},
                )
            except OSError as error:
                raise CommandError(f"'{self._command}': {error.strerror}") from None
