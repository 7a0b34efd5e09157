"""pyipcs send: put messages on a queue."""

import os
import select
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from itertools import chain, repeat
from typing import Any, TypeAlias

import click

from pyipcs.cli.options import subcommand, wait_options
from pyipcs.cli.output import Output
from pyipcs.cli.params import LAYOUT, MESSAGE_TYPE, TARGET
from pyipcs.cli.queues import find_queue, queue_error
from pyipcs.cli.records import Stream, TooLongError
from pyipcs.codec import Layout, from_hex, from_json
from pyipcs.errors import BusyError, CommandError, ExpiredError, IpcError, Status, StoppedError
from pyipcs.sysv.keys import Target
from pyipcs.sysv.queue import MessageQueue
from pyipcs.sysv.wait import Watch

# What makes messages of records, each as its type and its body.
_Decode: TypeAlias = Callable[[Iterable[bytes]], Iterator[tuple[int, bytes]]]
_Batches: TypeAlias = Iterator[list[bytes]]
# What shows how far a stream is while it hands its batches on.
_Track: TypeAlias = Callable[[_Batches], _Batches]
# How much longer than its body a record can be, with room for the rest of a line of JSON, in
# which a byte may be written as \u0000.
_EXPANSION, _SPARE = 6, 1 << 16


@subcommand()
@click.option(
    "-t",
    "--type",
    "type_",
    type=MESSAGE_TYPE,
    default="1",
    show_default=True,
    help="The messages' type, a positive long; with --json, of those without one.",
)
@click.option("-l", "--lines", is_flag=True, help="Each line is a message, without its newline.")
@click.option("-0", "--null", is_flag=True, help="Each record that a NUL ends is a message.")
@click.option("-F", "--file", metavar="FILE", help="Read FILE; - is standard input.")
@click.option("--hex", "hex_", is_flag=True, help="Messages are written in hex digits.")
@click.option("--json", is_flag=True, help="Messages are lines as `recv -J` writes them.")
@click.option(
    "--pack",
    "layout",
    type=LAYOUT,
    metavar="FORMAT",
    help="The arguments are the fields of one C struct, in the notation of Python's module "
    "struct: i is an int, l a long, d a double, 8s a char[8], and 0l pads the end as C does. In a "
    "stream, tabs are between the fields; -l makes each line a struct.",
)
@click.option("-z", "--nul", is_flag=True, help="Add a NUL to each message, as C strings have it.")
@wait_options
@click.option("--progress", is_flag=True, help="Show on the terminal how far it is.")
@click.argument("target", type=TARGET, metavar="QUEUE")
@click.argument("messages", nargs=-1, metavar="[MESSAGE]...")
@click.pass_obj
def command(
    output: Output,
    /,
    *,
    target: Target,
    messages: Sequence[str],
    timeout: float | None,
    progress: bool,
    **how: Any,
) -> None:
    """Put messages on a queue: each MESSAGE, or if there is none, standard input.

    It waits for room. If it is stopped half-way, it says how many messages went. A file is
    looked at first, and nothing of it is sent if the queue could never take a message of it.
    """
    _check(messages, **how)
    decode = _decoder(**how)
    arguments = _arguments(messages, decode, how["type_"], how["layout"])
    queue = find_queue(target)
    # Opened while a signal still ends the program at once: a FIFO may wait for its writer.
    source = nullcontext() if arguments else _opened(**how)
    sending = _Sending(output, target, queue, wait=timeout != 0)
    with source as stream, sending.told(), Watch(timeout=timeout or None) as watch:
        if stream is None:
            sending.check(arguments)
            sending.send(arguments, watch)
        else:
            bar = _bar(output, stream) if progress else nullcontext(_untracked)
            _send_stream(stream, sending, watch, decode, bar)


def _check(messages: Sequence[str], **how: Any) -> None:
    """What click does not see: options that contradict each other."""
    splits = how["lines"] or how["null"]
    notations = [name for name in ("hex_", "json", "layout") if how[name]]
    contradictions = (
        (messages and how["file"] is not None, "-F FILE stands in the place of MESSAGE"),
        (messages and splits, "-l and -0 split standard input or a file, not MESSAGE"),
        (how["lines"] and how["null"], "-l and -0 are two ways to split"),
        (len(notations) > 1, "--hex, --json and --pack are three ways to write a message"),
        (how["nul"] and (how["json"] or how["layout"]), "-z goes with text and --hex alone"),
    )
    for wrong, why in contradictions:
        if wrong:
            raise click.UsageError(why)


def _separator(*, lines: bool, null: bool, json: bool, **_rest: Any) -> bytes | None:
    """What ends a record of a stream; None is its end."""
    if null:
        return b"\0"
    return b"\n" if lines or json else None


def _decoder(*, type_: int, json: bool, **how: Any) -> _Decode:
    """What makes messages of records; it raises ValueError."""
    if json:
        return partial(map, partial(from_json, type_=type_))
    body = _body_decoder(**how)
    if body is None:
        return lambda records: zip(repeat(type_), records, strict=False)
    return lambda records: zip(repeat(type_), map(body, records), strict=False)


def _body_decoder(
    *, hex_: bool, layout: Layout | None, nul: bool, **_rest: Any
) -> Callable[[bytes], bytes] | None:
    """What makes a body of a record; None where it is the record itself."""
    end = b"\0" if nul else b""
    if hex_:
        return lambda record: from_hex(record) + end
    if layout:
        return lambda record: layout.pack(record.removesuffix(b"\n").split(b"\t"))
    return (lambda record: record + end) if end else None


def _arguments(
    words: Sequence[str], decode: _Decode, type_: int, layout: Layout | None
) -> list[tuple[int, bytes]]:
    """The messages that are on the command line."""
    records = [os.fsencode(word) for word in words]
    if layout is None or (layout.length and not records):
        return list(chain.from_iterable(_argument(record, decode) for record in records))
    try:
        return [(type_, layout.pack(records))]
    except ValueError as error:
        raise click.UsageError(f"--pack {layout.notation}: {error}") from None


def _argument(record: bytes, decode: _Decode) -> list[tuple[int, bytes]]:
    try:
        return list(decode([record]))
    except ValueError as error:
        raise click.UsageError(f"'{os.fsdecode(record)}': {error}") from None


class _Sending:
    """Messages on their way to a queue, counted."""

    def __init__(self, output: Output, target: Target, queue: MessageQueue, *, wait: bool) -> None:
        from pyipcs.sysv import libc

        self.label: Callable[[int], str] = "message {}".format
        self._output = output
        self._target = target
        self._wait = wait
        self._put = queue.sender()
        self._msgmax = libc.limits(queue.kind)[1]
        self._qbytes = queue.stat().qbytes or 0
        # A queue that may hold no byte holds no message either, be it empty (msgsnd(2)).
        self.most = min(self._msgmax, self._qbytes) if self._qbytes else -1
        self._done = 0  # messages of this pass
        self._sending = False

    def check(self, messages: Iterable[tuple[int, bytes]]) -> None:
        """Look at all of them before one is sent.

        Raises:
            ValueError: one cannot be made, or the queue could never take it.
        """
        for _, body in messages:
            self._check_size(len(body))
            self._done += 1
        self._done = 0

    def send(self, messages: Iterable[tuple[int, bytes]], watch: Watch) -> None:
        """Send them; it raises what `check`, `Watch.wait` and `MessageQueue.sender` raise."""
        self._sending = True
        put, most = self._put, self.most
        done = 0
        try:
            for type_, body in messages:
                if len(body) > most:
                    self._check_size(len(body))
                if watch.stopped:
                    watch.check()
                try:
                    put(type_, body, False)
                except BusyError:
                    if not self._wait:
                        raise
                    watch.wait(partial(put, type_, body, True))
                done += 1
        finally:
            self._done = done

    @contextmanager
    def told(self) -> Iterator[None]:
        """Tell of what ends the sending how far it was."""
        try:
            yield
        except StoppedError as error:
            cause = signal.strsignal(error.number)
            self._output.complain(f"{self._target.typed}: {cause}; {self._account()}")
            raise
        except (IpcError, ExpiredError, ValueError, CommandError) as error:
            words, status = self._words(error)
            raise CommandError(f"{words}; {self._account()}", status) from None

    def _words(self, error: Exception) -> tuple[str, Status]:
        match error:
            case BusyError() | ExpiredError():
                return f"{self._target.typed}: the queue is full", Status.WAIT
            case IpcError():
                return str(queue_error(self._target, error)), Status.FAILED
            case TooLongError():
                words = f"it has more than {error.size} bytes, and {self._limit(error.size)}"
                return f"{self.label(self._done + 1)}: {words}", Status.FAILED
            case ValueError():
                return f"{self.label(self._done + 1)}: {error}", Status.FAILED
            case _:
                return str(error), Status.FAILED

    def _account(self) -> str:
        sent = self._done if self._sending else 0
        if not sent:
            return "nothing was sent"
        return f"{sent} message{'s were' if sent > 1 else ' was'} sent"

    def _check_size(self, size: int) -> None:
        if size > self.most:
            raise ValueError(
                f"it has {size} byte{'' if size == 1 else 's'}, and {self._limit(size)}"
            )

    def _limit(self, size: int) -> str:
        """What keeps a message of this size from ever being sent."""
        if size > self._msgmax:
            return f"a message has {self._msgmax} at the most (msgmax)"
        return f"this queue holds {self._qbytes} at the most (qbytes)"


def _opened(*, file: str | None, **how: Any) -> Stream:
    return Stream("-" if file is None else file, _separator(**how))


def _send_stream(
    stream: Stream,
    sending: _Sending,
    watch: Watch,
    decode: _Decode,
    bar: AbstractContextManager[_Track],
) -> None:
    sending.label = stream.label
    longest = _EXPANSION * max(sending.most, 0) + _SPARE
    read = partial(stream.batches, watch.poller(stream.descriptor, select.POLLIN), longest)
    if stream.size is not None:
        start = stream.position
        try:
            sending.check(_messages(read(), decode))
        finally:
            stream.position = start
    with bar as track:
        sending.send(_messages(track(read()), decode), watch)


def _messages(batches: _Batches, decode: _Decode) -> Iterator[tuple[int, bytes]]:
    return chain.from_iterable(map(decode, batches))


def _untracked(batches: _Batches) -> _Batches:
    return batches


def _bar(output: Output, stream: Stream) -> AbstractContextManager[_Track]:
    if not output.talks_to_terminal:
        return nullcontext(_untracked)
    from pyipcs.render.progress import bar

    return bar(stream.size, color=output.colored)
