"""pyipcs write: bytes into a segment."""

import os
import select
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from pyipcs.cli.arguments import decode_argument, pack_fields
from pyipcs.cli.command import options_titled
from pyipcs.cli.memory import attached
from pyipcs.cli.options.common import pack_option, refuse, subcommand
from pyipcs.cli.types import BYTES, FILE, target_type
from pyipcs.codec import Layout, decoder, longest
from pyipcs.errors import CommandError
from pyipcs.model import Kind
from pyipcs.process.nonblocking import ready
from pyipcs.process.record_reader import Stream, TooLongError
from pyipcs.sysv.keys import Target
from pyipcs.text import plural

if TYPE_CHECKING:
    from pyipcs.sysv.attachment import Attachment

_what = options_titled("Which bytes", once=True)


@subcommand(
    any_operand="DATA",
    examples=(
        ("echo hello | pyipcs write 0x5e9", "Standard input, from the segment's start."),
        ("pyipcs write 0x5e9 -F copy", "A file."),
        ("pyipcs write 0x5e9 --offset 32 --pack id 42 1.5", "A C struct: an int and a double."),
    ),
)
@_what("--offset", type=BYTES, default="0", show_default=True, help="Where to begin.")
@_what("-F", "--file", type=FILE, help="Read FILE; - is standard input.")
@_what("--hex", "hex_", is_flag=True, help="The data are hex digits.")
@pack_option(_what, fields="DATA", stream="each line is a struct")
@click.argument("target", type=target_type(Kind.SEGMENT), metavar="SEG")
@click.argument("words", nargs=-1, metavar="[DATA]...")
def command(
    *,
    target: Target,
    words: Sequence[str],
    offset: int,
    file: str | None,
    hex_: bool,
    layout: Layout | None,
) -> None:
    """Write bytes into a segment.

    They are DATA, or if there is none, standard input. Nothing is written past the segment's end.
    Data of a known length that would go there are refused before a byte is written; a stream is
    written as far as there is room, and then it is said how much went.

    SEG is an id (5), a key (0x1234 or key:5), or ftok:PATH[:PROJ].
    """
    _check(words, file, hex_=hex_, layout=layout)
    decode = decoder(hex_=hex_, layout=layout)
    data = _argument([os.fsencode(word) for word in words], decode, layout)
    with attached(target, offset, read_only=False) as memory:
        if data is not None:
            _put(memory, target, offset, data)
            return
        with Stream("-" if file is None else file, separator=None) as stream:
            if decode is None:
                _stream(memory, target, offset, stream)
            else:
                # Digits are one record, whose lines mean nothing.
                whole = partial(_structs, decode) if layout else decode
                _put(memory, target, offset, _decoded(stream, whole, memory.size))


def _check(words: Sequence[str], file: str | None, *, hex_: bool, layout: Layout | None) -> None:
    refuse(
        (
            (words and file is not None, "-F FILE stands in the place of DATA"),
            (hex_ and layout, "--hex and --pack are two ways to write data"),
        )
    )
    if len(words) > 1 and not layout:
        raise click.UsageError(f"unexpected operand '{words[1]}' (DATA is one word; quote it)")


def _argument(
    words: Sequence[bytes], decode: Callable[[bytes], bytes] | None, layout: Layout | None
) -> bytes | None:
    """The data that are on the command line; None where there are none."""
    if layout and (words or not layout.length):
        return pack_fields(words, layout)
    if not words:
        return None
    return decode_argument(words[0], decode) if decode else words[0]


def _decoded(stream: Stream, decode: Callable[[bytes], bytes], size: int) -> bytes:
    """The data of a stream that stands for them, and is short enough to be held."""
    wait = partial(ready, stream.descriptor, select.POLLIN)
    try:
        (record,) = next(stream.batches(wait, longest(size)))
        return decode(record)
    except TooLongError:
        raise CommandError(f"{stream.name}: far more than the segment's {size} bytes") from None
    except ValueError as error:
        raise CommandError(f"{stream.name}: {error}") from None


def _structs(decode: Callable[[bytes], bytes], record: bytes) -> bytes:
    """The structs of a record, one a line."""
    lines = enumerate(record.removesuffix(b"\n").split(b"\n"), start=1)
    return b"".join(_line(decode, line, number) for number, line in lines)


def _line(decode: Callable[[bytes], bytes], line: bytes, number: int) -> bytes:
    try:
        return decode(line)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None


def _put(memory: "Attachment", target: Target, offset: int, data: bytes) -> None:
    _check_room(memory, target, offset, len(data))
    memory.write(offset, data)


def _check_room(memory: "Attachment", target: Target, offset: int, length: int) -> None:
    """Raise an error where so much does not fit in."""
    if offset + length > memory.size:
        what = f"{plural(length, 'byte')} from {offset} on"
        raise CommandError(f"{target.typed}: {what}, and the segment ends at {memory.size}")


def _stream(memory: "Attachment", target: Target, offset: int, stream: Stream) -> None:
    size = stream.size
    if size is not None:
        _check_room(memory, target, offset, size)
    went = 0

    def source(room: memoryview) -> int:
        nonlocal went
        count = stream.fill(room)
        went += count
        return count

    try:
        end = memory.fill(offset, source)
        is_more = end == memory.size and stream.fill(memoryview(bytearray(1)))
    except CommandError as error:
        raise CommandError(f"{error}; {plural(went, 'byte')} went") from None
    if is_more:
        words = f"the segment ends; {plural(went, 'byte')} went, and there is more"
        raise CommandError(f"{target.typed}: {words}")
