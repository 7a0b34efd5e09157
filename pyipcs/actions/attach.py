"""Reading and writing of the bytes of a segment."""

import codecs
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from pyipcs.actions.lookup import find
from pyipcs.actions.refusals import refusals
from pyipcs.codec import Layout, decoder, hex_lines, longest
from pyipcs.errors import CommandError, IpcError
from pyipcs.model import Target
from pyipcs.objects import segment_class
from pyipcs.terminal.streams import Output
from pyipcs.text import plural

if TYPE_CHECKING:
    from pyipcs.posix.attachment import PosixAttachment
    from pyipcs.process.record_reader import Stream
    from pyipcs.sysv.attachment import Attachment

    Memory = Attachment | PosixAttachment

_LINES = 512  # lines per write(2): few calls, and no long wait for the first line


class ReadOptions(NamedTuple):
    """The bytes to read, and their format.

    Attributes:
        offset: offset of the first byte.
        length: largest number of bytes; None for all bytes up to the end, or for one struct.
        format_: raw, hex or unpack.
        layout: C struct of the format unpack.
    """

    offset: int
    length: int | None
    format_: str
    layout: Layout | None


class WriteOptions(NamedTuple):
    """The position of the bytes to write, and the notation of their stream.

    Attributes:
        offset: offset of the first byte.
        file: path of the stream; None for standard input.
        hex_: True for a stream of hex digits.
        layout: C struct whose fields are on each line of the stream; else None.
    """

    offset: int
    file: str | None
    hex_: bool
    layout: Layout | None


@contextmanager
def attached(target: Target, offset: int, *, read_only: bool) -> "Iterator[Memory]":
    """Attach the segment that a target names.

    Raises:
        CommandError: there is no segment, it may not be attached, or it ends before the offset; or
            the kernel refused to read or write its bytes.
    """
    segment = find(segment_class(target), target)
    with refusals(segment.kind, target):
        memory = segment.attach(read_only=read_only)
    with memory:
        if offset > memory.size:
            size = plural(memory.size, "byte")
            message = f"offset {offset} is past the end of the segment ({size})"
            raise CommandError(f"{target.typed}: {message}")
        try:
            yield memory
        except IpcError as error:
            done = "" if read_only else f"{_wrote(memory)}; "
            raise CommandError(f"{target.typed}: {done}{error.strerror}") from None


def _wrote(memory: "Memory") -> str:
    return f"wrote {plural(memory.written, 'byte')}"


def read(output: Output, target: Target, options: ReadOptions) -> None:
    """Write bytes of a segment to standard output.

    Raises:
        CommandError: the bytes cannot be read, or they end within a struct.
    """
    offset, length, layout = options.offset, options.length, options.layout
    with attached(target, offset, read_only=True) as memory:
        available = memory.size - offset
        if layout and length is None:
            length = layout.size
        size = available if length is None else min(length, available)
        pieces = memory.read(offset, offset + size)
        if layout:
            if size < layout.size:
                struct = f"{layout.notation} has {plural(layout.size, 'byte')}"
                where = f"at offset {offset} the segment has {plural(available, 'byte')}"
                raise CommandError(f"{target.typed}: {struct}; {where}")
            pieces = _blocks(_struct_lines(pieces, layout))
        elif options.format_ == "hex":
            pieces = _blocks(line.encode() for line in hex_lines(pieces, offset))
        if output.is_terminal:
            output.write(_texts(pieces))
        else:
            output.write_bytes(pieces)
    if layout and (rest := size % layout.size):
        message = f"the last struct is incomplete ({rest} of {plural(layout.size, 'byte')})"
        raise CommandError(f"{target.typed}: {message}")


def _struct_lines(pieces: Iterable[bytes | memoryview], layout: Layout) -> Iterator[bytes]:
    """Yield a line for each struct; skip an incomplete last one."""
    data = bytearray()
    for piece in pieces:
        data += piece
        whole = len(data) // layout.size * layout.size
        for start in range(0, whole, layout.size):
            yield b"\t".join(layout.unpack(data[start : start + layout.size])) + b"\n"
        del data[:whole]


def _blocks(lines: Iterable[bytes]) -> Iterator[bytes | memoryview]:
    """Join lines to blocks, one for each write(2)."""
    remaining = iter(lines)
    while block := b"".join(islice(remaining, _LINES)):
        yield block


def _texts(pieces: Iterable[bytes | memoryview]) -> Iterator[str]:
    """Decode bytes for a terminal; a character may extend over two pieces."""
    utf8 = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    for piece in pieces:
        yield utf8.decode(piece)
    yield utf8.decode(b"", final=True)


def write(target: Target, offset: int, data: bytes) -> None:
    """Write data into a segment.

    Raises:
        CommandError: the segment cannot be written, or has no room; nothing was written.
    """
    with attached(target, offset, read_only=False) as memory:
        _store(memory, target, offset, data)


def write_stream(target: Target, options: WriteOptions) -> None:
    """Write standard input or a file into a segment.

    Raises:
        CommandError: the stream or the segment cannot be accessed, or the segment has no room.
            Only a stream of raw bytes and unknown length may have been written in part.
    """
    from pyipcs.process.record_reader import Stream

    offset, layout = options.offset, options.layout
    decode = decoder(hex_=options.hex_, layout=layout)
    with (
        attached(target, offset, read_only=False) as memory,
        Stream("-" if options.file is None else options.file, separator=None) as stream,
    ):
        if decode is None:
            _copy(memory, target, offset, stream)
        else:
            # Hex digits are one record; line ends between them have no meaning.
            decode_all = partial(_decode_lines, decode) if layout else decode
            _store(memory, target, offset, _decoded(stream, decode_all, memory.size))


def _decoded(stream: "Stream", decode: Callable[[bytes], bytes], size: int) -> bytes:
    """Decode a whole stream, unless it is too long for a segment of this size."""
    import select

    from pyipcs.process.nonblocking import ready
    from pyipcs.process.record_reader import TooLongError

    wait = partial(ready, stream.descriptor, select.POLLIN)
    try:
        (record,) = next(stream.batches(wait, longest(size)))
        return decode(record)
    except TooLongError:
        message = f"larger than the segment ({plural(size, 'byte')})"
        raise CommandError(f"{stream.name}: {message}") from None
    except ValueError as error:
        raise CommandError(f"{stream.name}: {error}") from None


def _decode_lines(decode: Callable[[bytes], bytes], record: bytes) -> bytes:
    lines = enumerate(record.removesuffix(b"\n").split(b"\n"), start=1)
    return b"".join(_decode_line(decode, line, number) for number, line in lines)


def _decode_line(decode: Callable[[bytes], bytes], line: bytes, number: int) -> bytes:
    try:
        return decode(line)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None


def _store(memory: "Memory", target: Target, offset: int, data: bytes) -> None:
    _check_room(memory, target, offset, len(data))
    memory.write(offset, data)


def _check_room(memory: "Memory", target: Target, offset: int, length: int) -> None:
    """Raise an error if data of this length exceed the segment."""
    if offset + length > memory.size:
        data, size = plural(length, "byte"), plural(memory.size, "byte")
        message = f"no room for {data} at offset {offset}; the segment has {size}"
        raise CommandError(f"{target.typed}: {message}")


def _copy(memory: "Memory", target: Target, offset: int, stream: "Stream") -> None:
    """Copy a stream up to its end or the end of the segment."""
    size = stream.size
    if size is not None:
        _check_room(memory, target, offset, size)
    try:
        end = memory.fill(offset, stream.fill)
        has_more = end == memory.size and stream.fill(memoryview(bytearray(1)))
    except CommandError as error:
        raise CommandError(f"{error}; {_wrote(memory)}") from None
    if has_more:
        message = f"{_wrote(memory)}; input is larger than the segment"
        raise CommandError(f"{target.typed}: {message}")
