"""pyipcs read: bytes out of a segment."""

import codecs
from collections.abc import Iterable, Iterator
from itertools import islice

import click

from pyipcs.cli.command import DocumentedChoice, options_titled
from pyipcs.cli.memory import attached
from pyipcs.cli.options.common import format_of, refuse, showing, subcommand, unpack_option
from pyipcs.cli.types import BYTES, target_type
from pyipcs.codec import Layout, hex_lines
from pyipcs.errors import CommandError
from pyipcs.model import Kind
from pyipcs.sysv.keys import Target
from pyipcs.terminal.streams import Output
from pyipcs.text import plural

_which = options_titled("Which bytes", once=True)
_LINES = 512  # of a write(2): few calls, and no long wait for the first


@subcommand(
    examples=(
        ("pyipcs read 0x5e9 --length 64 -f hex", "A dump of the first bytes."),
        ("pyipcs read 0x5e9 > copy", "The whole of it."),
        (
            "pyipcs read 0x5e9 --offset 32 --unpack id",
            "The fields of a C struct: an int and a double.",
        ),
    ),
)
@_which("--offset", type=BYTES, default="0", show_default=True, help="Where to begin.")
@_which(
    "--length",
    type=BYTES,
    help="At most so many bytes; if left out, to the segment's end, or of --unpack one struct.",
)
@showing(
    "-f",
    "--format",
    "format_",
    type=DocumentedChoice(
        {
            "raw": "as they are",
            "hex": "a dump, with repeated rows folded",
            "unpack": "the fields of a C struct, see --unpack",
        }
    ),
    metavar="FORMAT",
    help="How bytes are written. If left out: hex on a terminal, else raw.",
)
@unpack_option("With --length it is an array of them, a line each.")
@click.argument("target", type=target_type(Kind.SEGMENT), metavar="SEG")
@click.pass_obj
def command(
    output: Output,
    /,
    *,
    target: Target,
    offset: int,
    length: int | None,
    format_: str | None,
    layout: Layout | None,
) -> None:
    """Read bytes out of a segment.

    It need not be writable. What nobody has written to is zeros, and takes no memory. Offsets and
    lengths are bytes, or with K, KiB, KB, M, MiB and so on.

    SEG is an id (5), a key (0x1234 or key:5), or ftok:PATH[:PROJ].
    """
    default = "hex" if output.is_terminal else "raw"
    format_ = format_of(format_, unpacks=layout is not None, default=default)
    if layout:
        _check(layout.size, length)
    with attached(target, offset, read_only=True) as memory:
        there = memory.size - offset
        if layout and length is None:
            length = layout.size
        size = there if length is None else min(length, there)
        pieces = memory.read(offset, offset + size)
        if layout:
            if size < layout.size:
                has = f"{layout.notation} has {plural(layout.size, 'byte')}"
                raise CommandError(f"{target.typed}: {has}, and from {offset} on there are {there}")
            pieces = _blocks(_unpacked(pieces, layout))
        elif format_ == "hex":
            pieces = _blocks(line.encode() for line in hex_lines(pieces, offset))
        if output.is_terminal:
            output.write(_texts(pieces))
        else:
            output.write_bytes(pieces)
    if layout and (rest := size % layout.size):
        raise CommandError(f"{target.typed}: the segment ends {plural(rest, 'byte')} into a struct")


def _check(size: int, length: int | None) -> None:
    refuse(
        (
            (not size, "--unpack: the struct has no bytes"),
            (length == 0, "--length 0 has no struct"),
            (size and length and length % size, f"--length is no multiple of {size}"),
        )
    )


def _unpacked(pieces: Iterable[bytes | memoryview], layout: Layout) -> Iterator[bytes]:
    """The structs, a line each."""
    data = bytearray()
    for piece in pieces:
        data += piece
        whole = len(data) // layout.size * layout.size
        for start in range(0, whole, layout.size):
            yield b"\t".join(layout.unpack(data[start : start + layout.size])) + b"\n"
        del data[:whole]


def _blocks(lines: Iterable[bytes]) -> Iterator[bytes | memoryview]:
    """Many lines at once."""
    remaining = iter(lines)
    while block := b"".join(islice(remaining, _LINES)):
        yield block


def _texts(pieces: Iterable[bytes | memoryview]) -> Iterator[str]:
    """The bytes as text for a terminal, characters in two pieces included."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    for piece in pieces:
        yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)
