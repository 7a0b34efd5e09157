"""Messages on their way to a queue: looked at, sent and counted. What ends that is told."""

import errno
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from pyipcs.actions.lookup import refusal
from pyipcs.errors import (
    BusyError,
    CommandError,
    ExpiredError,
    IpcError,
    Status,
    StoppedError,
    ipc_error,
)
from pyipcs.model import Kind
from pyipcs.process.interruptible import FINAL_MESSAGE_TIMEOUT, InterruptibleWait
from pyipcs.process.record_reader import TooLongError
from pyipcs.sysv.keys import Target
from pyipcs.sysv.queue import MessageQueue
from pyipcs.terminal.streams import Output
from pyipcs.text import plural


class Sizes(NamedTuple):
    """How large a message can be: any (msgmax, if it is known), and one of this queue (qbytes)."""

    msgmax: int | None
    qbytes: int

    @property
    def most(self) -> int:
        """The most bytes; a queue that may hold no byte holds no message (-1), be it empty."""
        if not self.qbytes:
            return -1
        return self.qbytes if self.msgmax is None else min(self.msgmax, self.qbytes)

    def check(self, size: int) -> None:
        """Raise a ValueError, with the limit, if a message of this size could never be sent."""
        if size > self.most:
            raise ValueError(f"it has {plural(size, 'byte')}, and {self.limit(size)}")

    def limit(self, size: int) -> str:
        """What keeps a message of this size from being sent."""
        if self.msgmax is not None and size > self.msgmax:
            return f"a message has {plural(self.msgmax, 'byte')} at the most (msgmax)"
        return f"this queue holds {plural(self.qbytes, 'byte')} at the most (qbytes)"


class Sending:
    """Messages on their way to a queue, counted.

    Attributes:
        label: what the message of a number, from 1, is called in what is told.
        sizes: how large a message can be.
    """

    def __init__(self, output: Output, target: Target, queue: MessageQueue, *, wait: bool) -> None:
        """Where the messages go.

        Args:
            output: where a signal that ends the sending is told.
            target: the queue as the user named it.
            queue: the queue.
            wait: whether to wait for room.

        Raises:
            IpcError: the kernel does not tell of the queue.
        """
        from pyipcs.sysv.limits import known_limits

        self.label: Callable[[int], str] = "message {}".format
        self._output = output
        self._target = target
        self._wait = wait
        self._put = queue.sender()
        limits = known_limits(Kind.QUEUE)
        self.sizes = Sizes(limits.msgmax if limits else None, queue.record.qbytes or 0)
        self._checked = 0  # messages of the pass before any is sent
        self._sent = 0

    def check(self, messages: Iterable[tuple[int, bytes]]) -> None:
        """Look at all of them before one is sent.

        Raises:
            ValueError: one cannot be made, or the queue could never take it.
        """
        for _, body in messages:
            self.sizes.check(len(body))
            self._checked += 1
        self._checked = 0

    def send(self, messages: Iterable[tuple[int, bytes]], watch: InterruptibleWait) -> None:
        """Send them; it raises what `check`, `Watch.wait` and `MessageQueue.sender` raise."""
        put, most = self._put, self.sizes.most
        sent = 0
        try:
            for type_, body in messages:
                if len(body) > most:
                    self.sizes.check(len(body))
                if watch.stopped:
                    watch.check()
                try:
                    put(type_, body, False)
                except BusyError:
                    if not self._wait:
                        raise
                    watch.wait(partial(put, type_, body, True))
                sent += 1
        except IpcError as error:
            if error.errno != errno.EINVAL:
                raise
            # Types are checked before: over msgmax, which was not known, or lowered meanwhile.
            size = plural(len(body), "byte")
            words = f"it has {size}, and the kernel takes no message of that size (msgmax)"
            raise ValueError(words) from None
        finally:
            self._sent = sent

    @contextmanager
    def told(self) -> Iterator[None]:
        """Tell of what ends the sending how far it was."""
        try:
            yield
        except StoppedError as error:
            cause = signal.strsignal(error.number)
            words = f"{self._target.typed}: {cause}; {self._account()}"
            self._output.error(words, timeout=FINAL_MESSAGE_TIMEOUT)
            raise
        except (OSError, ExpiredError, ValueError, CommandError) as error:
            busy = isinstance(error, BusyError | ExpiredError)
            status = Status.WAIT if busy else Status.FAILED
            raise CommandError(f"{self._words(error)}; {self._account()}", status) from None

    def _words(self, error: Exception) -> str:
        match error:
            case ExpiredError():
                return str(refusal(Kind.QUEUE, self._target, ipc_error(errno.EAGAIN)))
            case IpcError():
                return str(refusal(Kind.QUEUE, self._target, error))
            case TooLongError():
                words = f"it has more than {error.size} characters"
                return f"{self._record()}: {words}, and {self.sizes.limit(self.sizes.most + 1)}"
            case OSError():
                return error.strerror or str(error)
            case ValueError():
                return f"{self._record()}: {error}"
            case _:
                return str(error)

    def _record(self) -> str:
        """The record that is at hand."""
        return self.label(self._checked + self._sent + 1)

    def _account(self) -> str:
        if not self._sent:
            return "nothing was sent"
        return f"{plural(self._sent, 'message')} {'was' if self._sent == 1 else 'were'} sent"
