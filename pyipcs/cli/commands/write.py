"""pyipcs write: write bytes into a segment."""

import os
from collections.abc import Sequence

import click

from pyipcs.actions.attach import WriteOptions, write, write_stream
from pyipcs.cli.arguments import decode_argument, pack_fields
from pyipcs.cli.command import options_titled
from pyipcs.cli.options.common import options_as, pack_option, refuse, subcommand
from pyipcs.cli.types import BYTES, FILE, target_type
from pyipcs.codec import decoder
from pyipcs.model import Kind, Target

_bytes = options_titled("Bytes", once=True)


@subcommand(
    any_operand="DATA",
    examples=(
        ("echo hello | pyipcs write 0x5e9", "Write standard input to the start of a segment."),
        ("pyipcs write /ring -F copy", "Write a file into a POSIX segment."),
        (
            "pyipcs write 0x5e9 --offset 32 --pack id 42 1.5",
            "Write a C struct of an int and a double.",
        ),
    ),
)
@_bytes("--offset", type=BYTES, default="0", show_default=True, help="Offset of the first byte.")
@_bytes("-F", "--file", type=FILE, help="Read FILE; - is standard input.")
@_bytes("--hex", "hex_", is_flag=True, help="Data as hex digits.")
@pack_option(_bytes, fields="DATA", stream="each line is a struct")
@click.argument("target", type=target_type(Kind.SEGMENT), metavar="SEG")
@click.argument("data", nargs=-1, metavar="[DATA]...")
@options_as(WriteOptions)
def command(*, target: Target, data: Sequence[str], options: WriteOptions) -> None:
    """Write bytes into a segment.

    Write DATA, or standard input if there is no DATA. Nothing is written past the end of the
    segment. Data of a known length are refused if they do not fit. A longer stream is cut at the
    end of the segment, and the number of written bytes is reported. The same happens if /dev/shm is
    full.

    SEG is an id (5), a key (0x1234 or key:5), ftok:PATH[:PROJ], or /NAME of a POSIX segment.
    """
    _check(data, options)
    body = _parse(data, options)
    if body is None:
        write_stream(target, options)
    else:
        write(target, options.offset, body)


def _check(data: Sequence[str], options: WriteOptions) -> None:
    refuse(
        (
            (data and options.file is not None, "-F FILE and DATA cannot be combined"),
            (options.hex_ and options.layout, "--hex and --pack cannot be combined"),
            (
                len(data) > 1 and not options.layout,
                f"unexpected operand '{''.join(data[1:2])}' (DATA is one word; quote it)",
            ),
        )
    )


def _parse(data: Sequence[str], options: WriteOptions) -> bytes | None:
    """Parse the data on the command line; None without data."""
    arguments = [os.fsencode(argument) for argument in data]
    layout = options.layout
    if layout and (arguments or not layout.length):
        return pack_fields(arguments, layout)
    if not arguments:
        return None
    decode = decoder(hex_=options.hex_, layout=layout)
    return decode_argument(arguments[0], decode) if decode else arguments[0]
