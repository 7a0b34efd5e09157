"""Sending of messages: checked, sent and counted."""

import errno
import os
import select
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import partial
from itertools import chain, repeat
from typing import NamedTuple, TypeAlias

from pyipcs.actions.lookup import find
from pyipcs.actions.refusals import full_queue, refusal, refusals
from pyipcs.codec import EnvelopeError, Layout, decoder, from_json, longest
from pyipcs.errors import (
    BusyError,
    CommandError,
    ExpiredError,
    IpcError,
    Status,
    StoppedError,
    release_memory,
)
from pyipcs.model import MessageField, Target
from pyipcs.objects import QueueHandle, queue_class
from pyipcs.process.interruptible import InterruptibleWait
from pyipcs.process.record_reader import Stream, TooLongError
from pyipcs.process.signals import FINAL_MESSAGE_TIMEOUT
from pyipcs.terminal.streams import Output
from pyipcs.text import plural

_ENVELOPE_HINT = "--json reads lines of recv -J; to send JSON text, leave --json out"
# Decodes records to types and bodies of messages; raises ValueError.
Decode: TypeAlias = Callable[[Iterable[bytes]], Iterator[tuple[int, bytes]]]
_Batches: TypeAlias = Iterator[Iterable[bytes]]
# Passes batches of records on one by one, and shows the progress.
_Track: TypeAlias = Callable[[_Batches], _Batches]
# The limits of a message's size by their names, with the subjects of sentences.
_LIMITS = {"msgmax": "a message has", "msgsize": "a message has", "qbytes": "the queue holds"}
# The errors of msgsnd(2) and mq_send(3) for a body that is too large.
_TOO_LARGE = {errno.EINVAL, errno.EMSGSIZE}
_UNTRACKED: AbstractContextManager[_Track] = nullcontext(lambda batches: batches)


class SendOptions(NamedTuple):
    """The notation of messages, their source, and the wait for room.

    Attributes:
        type_: type of messages without a type in their notation; None if it is not given.
        priority: priority of messages without one; None if it is not given.
        lines: True if newlines end the records of the stream.
        null: True if NULs end the records.
        file: path of the stream; None for standard input.
        hex_: True for hex digits.
        json: True for lines of `recv -J`.
        layout: C struct with the fields of a message; else None.
        nul: True to append a NUL to each message.
        timeout: seconds to wait for room; None for no limit, 0 for no wait.
        progress: True for a progress bar of the stream.
    """

    type_: int | None
    priority: int | None
    lines: bool
    null: bool
    file: str | None
    hex_: bool
    json: bool
    layout: Layout | None
    nul: bool
    timeout: float | None
    progress: bool

    @property
    def numbers(self) -> dict[str, int | None]:
        """The given numbers of messages, by the names of their fields."""
        return {"type": self.type_, "priority": self.priority}

    @property
    def separator(self) -> bytes | None:
        """The byte that ends a record; None if the stream is one record."""
        if self.null:
            return b"\0"
        return b"\n" if self.lines or self.json else None


def default_number(options: SendOptions, field: MessageField) -> int:
    """Return the type or the priority of messages without one."""
    given = options.numbers[field.name]
    return field.default if given is None else given


def message_decoder(options: SendOptions, field: MessageField) -> Decode:
    """Return the decoder of the notation for a queue with this field."""
    number = default_number(options, field)
    if options.json:
        return partial(map, partial(_from_json, number=number, field=field))
    decode = _body_decoder(options)
    if decode is None:
        return lambda records: zip(repeat(number), records, strict=False)
    return lambda records: zip(repeat(number), map(decode, records), strict=False)


def _from_json(line: bytes, number: int, field: MessageField) -> tuple[int, bytes]:
    try:
        return from_json(line, number, field)
    except EnvelopeError as error:
        raise ValueError(f"{error} ({_ENVELOPE_HINT})") from None


def _body_decoder(options: SendOptions) -> Callable[[bytes], bytes] | None:
    """Return the decoder of a record to a body; None if they are equal."""
    decode = decoder(hex_=options.hex_, layout=options.layout)
    if not options.nul:
        return decode
    return lambda record: (decode(record) if decode else record) + b"\0"


def send(
    output: Output,
    target: Target,
    messages: Sequence[tuple[int, bytes]],
    decode: Decode,
    options: SendOptions,
) -> None:
    """Send messages; if there are none, send the messages of the stream.

    Args:
        output: the streams, for messages and the progress.
        target: the queue.
        messages: types or priorities, and bodies, of the messages on the command line.
        decode: decoder of the stream.
        options: the stream, and the wait for room.

    Raises:
        CommandError: not all messages were sent.
        StoppedError: a signal arrived before all messages were sent.
    """
    path = "-" if options.file is None else options.file
    timeout = options.timeout or None
    with closing(find(queue_class(target), target)) as queue:
        # Opened while signals still have their default actions: a FIFO may wait for a writer.
        source = nullcontext() if messages else Stream(path, options.separator)
        with refusals(queue.kind, target):
            sender = Sender(output, target, queue, can_wait=options.timeout != 0)
        with (
            source as stream,
            sender.reported(),
            # The bar ends last, so that a signal can end the wait for a stopped terminal.
            _progress_bar(output, messages, stream) if options.progress else _UNTRACKED as track,
            InterruptibleWait(timeout=timeout, last=not options.progress, has_report=True) as wait,
        ):
            if stream is None:
                sender.check(messages)
                sender.send(_tracked(messages, track), wait)
            else:
                _send_stream(stream, sender, wait, decode, track)


def _send_stream(
    stream: Stream, sender: "Sender", wait: InterruptibleWait, decode: Decode, track: _Track
) -> None:
    sender.label = stream.label
    most = longest(max(sender.sizes.most, 0))
    read = partial(stream.batches, wait.poller(stream.descriptor, select.POLLIN), most)
    if stream.size is not None:
        start = stream.position
        try:
            sender.check(_messages(read(), decode))
        finally:
            stream.position = start
    sender.send(_messages(track(read()), decode), wait)


def _messages(batches: _Batches, decode: Decode) -> Iterator[tuple[int, bytes]]:
    return chain.from_iterable(map(decode, batches))


def _tracked(messages: Sequence[tuple[int, bytes]], track: _Track) -> Iterator[tuple[int, bytes]]:
    """Yield messages of the command line, whose bodies are one batch."""
    types, bodies = zip(*messages, strict=True)
    return zip(types, chain.from_iterable(track(iter([bodies]))), strict=True)


def _progress_bar(
    output: Output, messages: Sequence[tuple[int, bytes]], stream: Stream | None
) -> AbstractContextManager[_Track]:
    if output.message_terminal is None:
        return _UNTRACKED
    from pyipcs.terminal.progress_bar import bar

    total = stream.size if stream else sum(len(body) for _, body in messages)
    read = stream.read_bytes if stream else None
    return bar(total, read, output.message_terminal, has_color=output.has_message_color)


class _Sizes:
    """The limits of a message's size.

    Attributes:
        most: the largest size; -1 for a queue of capacity 0: it takes no message.
    """

    def __init__(self, limits: Mapping[str, int | None]) -> None:
        """Set the limits.

        Args:
            limits: the limits by their names; None if the kernel does not report one.
        """
        self._names = [*limits]
        self._known = {name: limit for name, limit in limits.items() if limit is not None}
        self.most = min(self._known.values(), default=sys.maxsize)
        if self._known.get("qbytes") == 0:
            self.most = -1

    def check(self, size: int) -> None:
        """Raise a ValueError if a message of this size could never be sent."""
        if size > self.most:
            raise ValueError(f"it has {plural(size, 'byte')}; {self.limit(size)}")

    def limit(self, size: int) -> str:
        """Return the first limit that a size exceeds, or else the last one."""
        exceeded = (name for name, limit in self._known.items() if size > limit)
        name = next(exceeded, self._names[-1])
        return f"{_LIMITS[name]} at most {plural(self._known[name], 'byte')} ({name})"

    def refusal(self, size: int) -> str:
        """Return the reason for a refused size within all known limits."""
        return f"it has {plural(size, 'byte')}; the kernel refuses that size ({self._names[0]})"


class Sender:
    """Transfer of messages to a queue.

    Attributes:
        label: returns the name of the n-th message, from 1, for error messages.
        sizes: the limits of a message's size.
    """

    def __init__(
        self, output: Output, target: Target, queue: QueueHandle, *, can_wait: bool
    ) -> None:
        """Read the limits of the queue.

        Args:
            output: the streams, for a message when a signal arrives.
            target: the queue in messages.
            queue: the queue.
            can_wait: True to wait for room.

        Raises:
            IpcError: the kernel does not report the queue.
        """
        self.label: Callable[[int], str] = "message {}".format
        self._output = output
        self._target = target
        self._kind = queue.kind
        self._can_wait = can_wait
        self._put = queue.sender()
        self.sizes = _Sizes(queue.message_limits())
        self._checked = 0  # messages of the present `check`
        self._sent = 0

    def check(self, messages: Iterable[tuple[int, bytes]]) -> None:
        """Check messages before the first of them is sent.

        Raises:
            ValueError: a record is malformed, or the queue could never take its message.
        """
        for _, body in messages:
            self.sizes.check(len(body))
            self._checked += 1
        self._checked = 0

    def send(self, messages: Iterable[tuple[int, bytes]], wait: InterruptibleWait) -> None:
        """Send messages.

        It raises the errors of `check`, `InterruptibleWait.wait` and of the queue's `sender`.
        """
        put, most = self._put, self.sizes.most
        sent = 0
        try:
            for number, body in messages:
                if len(body) > most:
                    self.sizes.check(len(body))
                if wait.stopped:
                    wait.check()
                try:
                    put(number, body, False)
                except BusyError:
                    if not self._can_wait:
                        raise
                    wait.wait(partial(put, number, body, True))
                sent += 1
        except IpcError as error:
            if error.errno not in _TOO_LARGE:
                raise
            # The type is positive: the size is over a limit that was unknown or has changed.
            raise ValueError(self.sizes.refusal(len(body))) from None
        finally:
            self._sent = sent

    @contextmanager
    def reported(self) -> Iterator[None]:
        """Report the number of sent messages if the sending ends early."""
        try:
            yield
        except StoppedError as error:
            cause = signal.strsignal(error.number)
            message = f"{self._target.typed}: {cause}; {self._count()}"
            self._output.error(message, timeout=FINAL_MESSAGE_TIMEOUT)
            raise
        except MemoryError as error:
            release_memory(error)  # the report needs some
            raise self._failure(OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))) from None
        except (OSError, ExpiredError, ValueError, CommandError) as error:
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> CommandError:
        is_busy = isinstance(error, BusyError | ExpiredError)
        status = Status.WAIT if is_busy else Status.FAILED
        return CommandError(f"{self._message(error)}; {self._count()}", status)

    def _message(self, error: Exception) -> str:
        match error:
            case ExpiredError():
                return str(full_queue(self._kind, self._target))
            case IpcError():
                return str(refusal(self._kind, self._target, error))
            case TooLongError():
                limit = self.sizes.limit(self.sizes.most + 1)
                return f"{self._record()}: it has more than {error.size} characters; {limit}"
            case OSError():
                return error.strerror or str(error)
            case ValueError():
                return f"{self._record()}: {error}"
            case _:
                return str(error)

    def _record(self) -> str:
        """Return the name of the present record."""
        return self.label(self._checked + self._sent + 1)

    def _count(self) -> str:
        if not self._sent:
            return "nothing was sent"
        return f"{plural(self._sent, 'message')} {'was' if self._sent == 1 else 'were'} sent"
