"""pyipcs send: put messages on a queue."""

import os
import select
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import chain, repeat
from typing import Any, NamedTuple, TypeAlias

import click

from pyipcs.actions.lookup import find, refusals
from pyipcs.actions.send import Sending
from pyipcs.cli.arguments import decode_argument, pack_fields
from pyipcs.cli.command import options_titled
from pyipcs.cli.options.common import pack_option, refuse, showing, subcommand, wait_options
from pyipcs.cli.types import FILE, MESSAGE_TYPE, target_type
from pyipcs.codec import EnvelopeError, Layout, decoder, from_json, longest
from pyipcs.model import Kind
from pyipcs.process.interruptible import InterruptibleWait
from pyipcs.process.record_reader import Stream
from pyipcs.sysv.keys import Target
from pyipcs.sysv.queue import MessageQueue
from pyipcs.terminal.streams import Output

_which = options_titled("Which messages", once=True)
_ENVELOPE_HINT = "--json reads lines of recv -J; to send JSON text, leave --json out"
# What makes messages of records, each as its type and its body; it raises ValueError.
_Decode: TypeAlias = Callable[[Iterable[bytes]], Iterator[tuple[int, bytes]]]
_Batches: TypeAlias = Iterator[list[bytes]]
# What shows how far a stream is while it hands its batches on.
_Track: TypeAlias = Callable[[_Batches], _Batches]


class _How(NamedTuple):
    """How messages are written."""

    type_: int
    lines: bool
    null: bool
    file: str | None
    hex_: bool
    json: bool
    layout: Layout | None
    nul: bool

    @property
    def separator(self) -> bytes | None:
        """What ends a record of a stream; None is its end."""
        if self.null:
            return b"\0"
        return b"\n" if self.lines or self.json else None


@subcommand(
    any_operand="MESSAGE",
    examples=(
        ("pyipcs send 0x1234 hello", "One message."),
        ("seq 100 | pyipcs send 0x1234 --lines", "A message a line."),
        (
            "pyipcs send 0x1234 -t 7 --pack id 42 1.5",
            "A C struct of an int and a double, as type 7.",
        ),
    ),
)
@_which(
    "-t",
    "--type",
    "type_",
    type=MESSAGE_TYPE,
    default="1",
    show_default=True,
    help="The messages' type, a positive long; with --json, of those without one.",
)
@_which("-l", "--lines", is_flag=True, help="Each line is a message, without its newline.")
@_which("-0", "--null", is_flag=True, help="Each record that a NUL ends is a message.")
@_which("-F", "--file", type=FILE, help="Read FILE; - is standard input.")
@_which("--hex", "hex_", is_flag=True, help="Messages are written in hex digits.")
@_which("-J", "--json", is_flag=True, help="Messages are lines as `recv -J` writes them.")
@pack_option(_which, fields="the arguments", stream="-l makes each line a struct")
@_which("-z", "--nul", is_flag=True, help="Add a NUL to each message, as C strings have it.")
@wait_options(" for each message")
@showing("--progress", is_flag=True, help="Show on the terminal how far it is.")
@click.argument("target", type=target_type(Kind.QUEUE), metavar="QUEUE")
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
    """Send messages to a queue.

    Each MESSAGE is one, or if there is none, standard input. It waits for room. If it is stopped
    half-way, it says how many messages went. A regular file is read twice: nothing of it is sent
    if the queue could never take one of its messages.

    QUEUE is an id (5), a key (0x1234 or key:5), or ftok:PATH[:PROJ].
    """
    _send(output, target, messages, timeout, _How(**how), progress=progress)


def _send(
    output: Output,
    target: Target,
    words: Sequence[str],
    timeout: float | None,
    how: _How,
    *,
    progress: bool,
) -> None:
    _check(words, how)
    decode = _decoder(how)
    arguments = _arguments(words, decode, how)
    queue = find(MessageQueue, target)
    # Opened while a signal still ends the program at once: a FIFO may wait for its writer.
    path = "-" if how.file is None else how.file
    source = nullcontext() if arguments else Stream(path, how.separator)
    with refusals(Kind.QUEUE, target):
        sending = Sending(output, target, queue, wait=timeout != 0)
    with source as stream, sending.told():
        if stream is None:
            with InterruptibleWait(timeout=timeout or None, last=True) as watch:
                sending.check(arguments)
                sending.send(arguments, watch)
        else:
            # Outside, so that a terminal which takes nothing can be left by a signal.
            with (
                _bar(output, stream) if progress else _NO_BAR as track,
                InterruptibleWait(timeout=timeout or None, last=not progress) as watch,
            ):
                _send_stream(stream, sending, watch, decode, track)


def _check(words: Sequence[str], how: _How) -> None:
    notations = (how.hex_, how.json, how.layout is not None)
    refuse(
        (
            (words and how.file is not None, "-F FILE stands in the place of MESSAGE"),
            (
                words and (how.lines or how.null),
                "-l and -0 split standard input or a file, not MESSAGE",
            ),
            (how.lines and how.null, "-l and -0 are two ways to split"),
            (sum(notations) > 1, "--hex, --json and --pack are three ways to write a message"),
            (how.nul and (how.json or how.layout), "-z goes with text and --hex alone"),
        )
    )


def _decoder(how: _How) -> _Decode:
    if how.json:
        return partial(map, partial(_from_json, type_=how.type_))
    body = _body_decoder(how)
    if body is None:
        return lambda records: zip(repeat(how.type_), records, strict=False)
    return lambda records: zip(repeat(how.type_), map(body, records), strict=False)


def _from_json(line: bytes, type_: int) -> tuple[int, bytes]:
    try:
        return from_json(line, type_)
    except EnvelopeError as error:
        raise ValueError(f"{error} ({_ENVELOPE_HINT})") from None


def _body_decoder(how: _How) -> Callable[[bytes], bytes] | None:
    """What makes a body of a record; None where it is the record itself."""
    decode = decoder(hex_=how.hex_, layout=how.layout)
    if not how.nul:
        return decode
    return lambda record: (decode(record) if decode else record) + b"\0"


def _arguments(words: Sequence[str], decode: _Decode, how: _How) -> list[tuple[int, bytes]]:
    """The messages that are on the command line."""
    records = [os.fsencode(word) for word in words]
    layout = how.layout
    if layout is None or (layout.length and not records):
        return list(
            chain.from_iterable(decode_argument(record, _list(decode)) for record in records)
        )
    return [(how.type_, pack_fields(records, layout))]


def _list(decode: _Decode) -> Callable[[bytes], list[tuple[int, bytes]]]:
    return lambda record: list(decode([record]))


def _send_stream(
    stream: Stream,
    sending: Sending,
    watch: InterruptibleWait,
    decode: _Decode,
    track: _Track,
) -> None:
    sending.label = stream.label
    most = longest(max(sending.sizes.most, 0))
    read = partial(stream.batches, watch.poller(stream.descriptor, select.POLLIN), most)
    if stream.size is not None:
        start = stream.position
        try:
            sending.check(_messages(read(), decode))
        finally:
            stream.position = start
    sending.send(_messages(track(read()), decode), watch)


def _messages(batches: _Batches, decode: _Decode) -> Iterator[tuple[int, bytes]]:
    return chain.from_iterable(map(decode, batches))


_NO_BAR: AbstractContextManager[_Track] = nullcontext(lambda batches: batches)


def _bar(output: Output, stream: Stream) -> AbstractContextManager[_Track]:
    if output.message_terminal is None:
        return _NO_BAR
    from pyipcs.terminal.progress_bar import bar

    return bar(stream.size, output.message_terminal, has_color=output.has_message_color)
