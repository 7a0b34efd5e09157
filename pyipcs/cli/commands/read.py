"""pyipcs read: read bytes from a segment."""

import click

from pyipcs.actions.attach import ReadOptions, read
from pyipcs.cli.command import DocumentedChoice, options_titled
from pyipcs.cli.options.common import (
    format_of,
    options_as,
    refuse,
    showing,
    subcommand,
    unpack_option,
)
from pyipcs.cli.types import BYTES, target_type
from pyipcs.codec import Layout
from pyipcs.model import Kind, Target
from pyipcs.terminal.streams import Output

_bytes = options_titled("Bytes", once=True)


@subcommand(
    examples=(
        ("pyipcs read 0x5e9 --length 64 -f hex", "Dump the first bytes."),
        ("pyipcs make -m 1K -n /ring && pyipcs read /ring > copy", "Copy a whole POSIX segment."),
        (
            "pyipcs read 0x5e9 --offset 32 --unpack id",
            "Print the fields of a C struct of an int and a double.",
        ),
    ),
)
@_bytes("--offset", type=BYTES, default="0", show_default=True, help="Offset of the first byte.")
@_bytes(
    "--length",
    type=BYTES,
    help="Largest number of bytes. [default: to the end of the segment; with --unpack one struct]",
)
@showing(
    "-f",
    "--format",
    "format_",
    type=DocumentedChoice(
        {
            "raw": "unchanged",
            "hex": "a dump; repeated rows are folded",
            "unpack": "the fields of a C struct; see --unpack",
        }
    ),
    metavar="FORMAT",
    help="Format of the bytes. [default: hex on a terminal, else raw]",
)
@unpack_option("With --length, print an array of structs, one a line.")
@click.argument("target", type=target_type(Kind.SEGMENT), metavar="SEG")
@options_as(ReadOptions)
@click.pass_obj
def command(output: Output, /, *, target: Target, options: ReadOptions) -> None:
    """Read bytes from a segment.

    Read permission is enough. Bytes that were never written are zeros, and take no memory. Offsets
    and lengths are bytes, or have a unit: K, KiB, KB, M, MiB and so on. A POSIX segment keeps its
    time of access (ATIME) if it belongs to the caller.

    SEG is an id (5), a key (0x1234 or key:5), ftok:PATH[:PROJ], or /NAME of a POSIX segment.
    """
    format_ = format_of(
        options.format_,
        unpacks=options.layout is not None,
        default="hex" if output.is_terminal else "raw",
    )
    if options.layout:
        _check(options.layout, options.length)
    read(output, target, options._replace(format_=format_))


def _check(layout: Layout, length: int | None) -> None:
    size = layout.size
    refuse(
        (
            (not size, "--unpack: the struct is empty"),
            (length == 0, "--unpack and --length 0 cannot be combined"),
            (
                size and length and length % size,
                f"--length is not a multiple of {size}, the size of the struct",
            ),
        )
    )
