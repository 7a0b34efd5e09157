"""Reception of messages: taken from a queue, and delivered or put back.

A message is delivered when write(2) has accepted all of it, or when its command has exited with
status 0.
"""

import os
import select
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice, repeat
from typing import TYPE_CHECKING, NamedTuple

from pyipcs.actions.refusals import refusal, refusal_reason, refusals
from pyipcs.codec import Encoder, Layout, encoder
from pyipcs.errors import (
    BusyError,
    CommandError,
    ExpiredError,
    IpcError,
    StoppedError,
    TooBigError,
    release_memory,
)
from pyipcs.model import Message, Target, Wanted
from pyipcs.objects import QueueHandle
from pyipcs.process.interruptible import InterruptibleWait
from pyipcs.process.nonblocking import NonBlockingFile, ready
from pyipcs.process.program import environment
from pyipcs.process.signals import FINAL_MESSAGE_TIMEOUT
from pyipcs.terminal.streams import Output
from pyipcs.text import plural, visible

if TYPE_CHECKING:
    import subprocess

_GONE = select.POLLERR | select.POLLHUP | select.POLLNVAL
_PARTIAL_WRITE_TIMEOUT = 1.0  # seconds for the rest of a message that is partly written


class ReceiveOptions(NamedTuple):
    """The messages to receive, and their destination.

    Attributes:
        type_: type in the sense of msgrcv(2); None if it is not given.
        others: True for any other type (MSG_EXCEPT).
        number: the number of messages; None for one.
        all_: True for all messages on the queue.
        follow: True for all messages until a signal arrives.
        peek: True to leave the messages on the queue.
        timeout: seconds to wait for each message; None for no limit, 0 for no wait.
        max_size: largest body in bytes; None for no limit.
        truncate: True to cut larger bodies.
        format_: format of the messages.
        layout: C struct of the format unpack.
        null: True to end messages with a NUL, False with a newline.
        with_type: True to write the type or the priority before each message.
        unbuffered: True for one write(2) for each message.
        command_line: shell command to run for each message; None for standard output.
    """

    type_: int | None
    others: bool
    number: int | None
    all_: bool
    follow: bool
    peek: bool
    timeout: float | None
    max_size: int | None
    truncate: bool
    format_: str
    layout: Layout | None
    null: bool
    with_type: bool
    unbuffered: bool
    command_line: str | None

    @property
    def most(self) -> int | None:
        """The largest number of messages; None for no limit."""
        return None if self.all_ or self.follow else self.number or 1

    @property
    def can_wait(self) -> bool:
        """True to wait for a message if the queue has none."""
        return not self.all_ and self.timeout != 0

    @property
    def wanted(self) -> Wanted:
        """The messages to take; with a struct, none that is larger."""
        max_size = self.max_size
        if self.layout and max_size is None:
            max_size = self.layout.size
        return Wanted(self.type_ or 0, self.others, max_size, self.truncate)


class Receiver:
    """Transfer of messages from a queue to standard output or to commands."""

    def __init__(
        self, output: Output, target: Target, queue: QueueHandle, options: ReceiveOptions
    ) -> None:
        """Check standard output.

        Args:
            output: the streams.
            target: the queue in messages.
            queue: the queue.
            options: the messages, and their notation.

        Raises:
            CommandError: standard output is not writable.
        """
        self._output = output
        self._target = target
        self._options = options
        self._queue = queue
        runs_command = options.command_line is not None
        self._reader = None if runs_command else output.descriptor()
        self._put: Callable[[int, bytes, bool], None] | None = None
        self._has_requeued = False

    def run(self) -> bool:
        """Receive messages, and deliver each of them or put it back.

        A message is taken only after `Delivery.wait_until_ready`. From then on this process has
        the only copy, in `Delivery.undelivered`, until the message is delivered or `run` ends:

            on the queue --take--> undelivered --write(2) or CMD--> delivered
                  ^                     |
                  |                     | end
                  +--- queue has room --+-- queue is full or gone --> printed on standard error

        The cause of the end determines which messages are still delivered:

            enough messages, empty queue, timeout,    all; waits until standard output takes them
            removed queue, malformed message
            signal                                    as many as standard output takes at once; a
                                                      partly written one has a second for the rest
            reader gone, write error, CMD failed      none

        A signal can end only a wait: the first one sets `InterruptibleWait.stopped`, which every
        wait checks, and later ones are passed on to CMD. The program dies of the signal after the
        last step.

        Returns:
            True if all requested messages arrived in time.

        Raises:
            CommandError: a message was not received or not delivered.
            StoppedError: a signal arrived, or the reader of standard output is gone (SIGPIPE).
        """
        options = self._options
        delivery = None
        try:
            with InterruptibleWait(
                timeout=options.timeout or None, reader=self._reader, last=True, has_report=True
            ) as wait:
                with refusals(self._queue.kind, self._target):
                    self._put = None if options.peek else self._queue.sender()
                    delivery = self._delivery(wait)
                return self._transfer(delivery, wait)
        except (IpcError, ValueError) as error:
            raise self._to_command_error(error) from None
        finally:
            if delivery is not None and delivery.has_partial_write:
                message = "the last message was only partly written"
                self._output.error(message, timeout=FINAL_MESSAGE_TIMEOUT)

    def _transfer(self, delivery: "Delivery", wait: InterruptibleWait) -> bool:
        """Receive and deliver messages; put back undelivered messages."""
        try:
            is_complete = self._copy(delivery) if self._options.peek else self._take(delivery, wait)
        except StoppedError:
            raise
        except MemoryError as error:
            release_memory(error)  # requeuing needs some
            raise
        except Exception:
            delivery.flush()
            raise
        else:
            delivery.flush()
            return is_complete
        finally:
            try:
                delivery.close()
            finally:
                self._requeue(delivery.undelivered)

    def _delivery(self, wait: InterruptibleWait) -> "Delivery":
        options = self._options
        end = b"\0" if options.null else b"\n"
        field = self._queue.message_field
        encode = encoder(
            options.format_,
            layout=options.layout,
            end=end,
            with_type=options.with_type,
            field=field,
        )
        if options.command_line is not None:
            return ToCommand(options.command_line, self._queue, encode, wait)
        if self._output.is_terminal:
            encode = _visible(encode)
        is_unbuffered = options.follow or options.unbuffered
        return ToOutput(self._output, encode, wait, is_unbuffered=is_unbuffered)

    def _take(self, delivery: "Delivery", wait: InterruptibleWait) -> bool:
        """Take messages; return True if all requested ones arrived in time."""
        take = self._queue.receiver(self._options.wanted)
        turns = islice(repeat(None), self._options.most)  # endless for None
        for _ in turns:
            delivery.wait_until_ready()
            try:
                message = take(False)
            except BusyError:
                delivery.flush()
                if not self._options.can_wait:
                    return False
                delivery.wait_until_ready()
                try:
                    message = wait.wait(partial(take, True))
                except ExpiredError:
                    return False
            delivery.add(message)
        return True

    def _copy(self, delivery: "Delivery") -> bool:
        """Copy messages; return True if there were as many as requested."""
        most = self._options.most
        copied = 0
        for message in islice(self._queue.copies(self._options.wanted), most):
            delivery.wait_until_ready()
            delivery.add(message)
            copied += 1
        return copied == most

    def _requeue(self, messages: Sequence[Message]) -> None:
        """Put messages back on the queue without waiting.

        They stand behind the others of their type or priority. Print messages that the queue
        refuses on standard error, in the notation of `send --json`.
        """
        if self._put is None:  # --peek has taken none
            return
        refused = []
        for message in messages:
            try:
                self._put(message.type, message.body, False)
            except IpcError as error:
                refused.append((message, error))
        self._has_requeued = bool(messages) and not refused
        if refused:
            why = refusal_reason(self._queue.kind, refused[0][1])
            self._output.error(f"{self._target.typed}: cannot put these messages back: {why}")
            encode = encoder("json", field=self._queue.message_field)
            self._output.write_stderr("".join(encode(message).decode() for message, _ in refused))

    def _to_command_error(self, error: IpcError | ValueError) -> CommandError:
        """Return the error, with the location of the undelivered message."""
        layout, max_size = self._options.layout, self._options.max_size
        match error:
            case TooBigError() if max_size is None and layout:
                size = f"{layout.notation}, which has {plural(layout.size, 'byte')}"
                message = f"the message is larger than {size}; it stays on the queue"
            case TooBigError():
                size = plural(max_size or 0, "byte")
                message = f"the message has more than {size}; it stays on the queue"
                message += " (--truncate cuts it)"
            case IpcError():
                return refusal(self._queue.kind, self._target, error)
            case _:
                message = f"{error}{self._location() if self._has_requeued else ''}"
        return CommandError(f"{self._target.typed}: {message}")

    def _location(self) -> str:
        """Return the location of a message that was put back."""
        field = self._queue.message_field.name
        return f"; it is back on the queue, behind all others of its {field}"


def _visible(encode: Encoder) -> Encoder:
    """Return an encoder that escapes control characters, for a terminal."""
    return lambda message: visible(encode(message).decode(errors="surrogateescape")).encode()


class Delivery(ABC):
    """The destination of taken messages.

    Attributes:
        undelivered: the taken messages that are not delivered yet.
        has_partial_write: True if the output ends within a message.
    """

    def __init__(self) -> None:
        self.undelivered: list[Message] = []
        self.has_partial_write = False

    @abstractmethod
    def wait_until_ready(self) -> None:
        """Wait until a message can be delivered, before it is taken.

        Raises:
            StoppedError: a signal arrived, or the reader is gone.
        """

    @abstractmethod
    def add(self, message: Message) -> None:
        """Deliver a message, now or with the next ones.

        Raises:
            CommandError: delivery failed.
            StoppedError: a signal arrived, or the reader is gone.
        """

    def flush(self) -> None:  # noqa: B027 - only for destinations that collect messages
        """Deliver all added messages, unless an earlier delivery failed."""

    def close(self) -> None:  # noqa: B027 - see flush
        """Deliver added messages without waiting; release the destination."""


class ToOutput(Delivery):
    """Delivery on standard output.

    Messages that share a write(2) have at most PIPE_BUF bytes together: a pipe that poll(2)
    reports as writable accepts all of them at once (pipe(7)). A longer message may be written in
    parts. If the rest is not accepted in time, the message goes back, although its start was
    written.
    """

    def __init__(
        self, output: Output, encode: Encoder, wait: InterruptibleWait, *, is_unbuffered: bool
    ) -> None:
        """Open standard output for writes that do not wait.

        Args:
            output: the streams.
            encode: encoder of a message.
            wait: the wait that signals end.
            is_unbuffered: True to write each message at once.

        Raises:
            CommandError: standard output is closed, or not open for writing.
        """
        super().__init__()
        self._sink = NonBlockingFile(output.descriptor(), os.O_WRONLY)
        self._encode = encode
        self._wait = wait
        self._poll_writable = wait.poller(self._sink.descriptor, select.POLLOUT)
        self._most = 0 if is_unbuffered else select.PIPE_BUF
        self._room = 0  # bytes that the pipe accepts at once, unless another process writes to it
        self._texts: list[bytes] = []  # the encoded `undelivered`; the last one may be missing
        self._size = 0
        self._written = 0  # bytes of the first text that are written
        self._rest: memoryview | None = None  # unwritten bytes after a partial write
        self._is_broken = False

    def wait_until_ready(self) -> None:
        """Wait until standard output is writable."""
        if self._wait.stopped:
            self._wait.check()
        if self._texts or self._room > 0:
            return
        if self._poll_writable() & _GONE:
            raise StoppedError(signal.SIGPIPE)
        # A writable pipe has a free page, which has room for many short messages.
        self._room = select.PIPE_BUF if self._sink.is_pipe else 0

    def add(self, message: Message) -> None:
        """Write a message, or collect it for the next write."""
        self.undelivered.append(message)
        text = self._encode(message)
        if self._size + len(text) > self._most:
            self.flush()
        self._texts.append(text)
        self._size += len(text) or 1  # empty messages must fill the buffer, too
        if self._size >= self._most:
            self.flush()

    def flush(self) -> None:
        """Write all collected messages, unless an earlier write failed."""
        while self._texts and not self._is_broken:
            if self._sink.polls_first:
                self._poll_writable()
            if not self._write():
                self._poll_writable()

    def close(self) -> None:
        """Write without waiting; give a partly written message one second."""
        try:
            self._write_available()
        finally:
            self.has_partial_write = self._written > 0
            self._sink.close()

    def _write_available(self) -> None:
        deadline = time.monotonic() + _PARTIAL_WRITE_TIMEOUT
        while self._texts and not self._is_broken:
            timeout = max(deadline - time.monotonic(), 0) if self._written else 0
            if not ready(self._sink.descriptor, select.POLLOUT, timeout):
                return
            with suppress(CommandError, StoppedError):
                if not self._write() and time.monotonic() > deadline:
                    return

    def _write(self) -> bool:
        """Write as much as standard output accepts; return False for nothing."""
        data = b"".join(self._texts) if self._rest is None else self._rest
        try:
            written = self._sink.write(data)
        except BlockingIOError:
            return False
        except BrokenPipeError:
            self._is_broken = True
            raise StoppedError(signal.SIGPIPE) from None
        except OSError as error:
            self._is_broken = True
            raise CommandError(f"write error: {error.strerror}") from None
        self._room -= written
        if written == len(data):
            del self.undelivered[: len(self._texts)]
            self._texts.clear()
            self._size = self._written = 0
            self._rest = None
        else:
            self._rest = memoryview(data)[written:]
            self._drop_written(written)
        return True

    def _drop_written(self, written: int) -> None:
        """Drop the messages before the first that is not completely written."""
        self._written += written
        while self._written >= len(self._texts[0]):
            self._written -= len(self._texts.pop(0))
            self.undelivered.pop(0)


class ToCommand(Delivery):
    """Delivery to a shell command, which runs once for each message."""

    def __init__(
        self, command_line: str, queue: QueueHandle, encode: Encoder, wait: InterruptibleWait
    ) -> None:
        """Prepare the environment of the command.

        Args:
            command_line: command for sh(1).
            queue: the queue, for the environment.
            encode: encoder of a message.
            wait: the wait that signals end.
        """
        super().__init__()
        # If SIGCHLD is ignored, as in children of some daemons, wait(2) returns no status.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._command_line = command_line
        self._environment = {**environment(), b"PYIPCS_ID": os.fsencode(str(queue.id))}
        self._variable = f"PYIPCS_{queue.message_field.name.upper()}".encode()
        self._encode = encode
        self._wait = wait

    def wait_until_ready(self) -> None:
        """Check for signals; a command can always run."""
        self._wait.check()

    def add(self, message: Message) -> None:
        """Run the command to its end."""
        self.undelivered.append(message)
        status = self._run(message)
        if status:
            self._wait.check()
            raise CommandError(f"'{self._command_line}' exited with status {status}", status)
        self.undelivered.clear()

    def _run(self, message: Message) -> int:
        process = self._start(message)
        # The command may end its work after the first signal; later signals are passed on to it.
        self._wait.on_later_signal = process.send_signal
        try:
            status = process.wait()
        finally:
            self._wait.on_later_signal = None
        return 128 - status if status < 0 else status

    def _start(self, message: Message) -> "subprocess.Popen[bytes]":
        import subprocess

        # A file in memory: unlike a pipe, it needs no reader if the command ignores the message.
        with open(os.memfd_create("message"), "w+b") as body:
            body.write(self._encode(message))
            body.seek(0)
            try:
                return subprocess.Popen(
                    ["/bin/sh", "-c", self._command_line],
                    stdin=body,
                    env={**self._environment, self._variable: b"%d" % message.type},
                )
            except OSError as error:
                raise CommandError(f"'{self._command_line}': {error.strerror}") from None
