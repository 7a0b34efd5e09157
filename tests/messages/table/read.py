"""Messages of pyipcs read."""

from tests.kit.program import forked
from tests.messages.rows import Rows
from tests.messages.runners import as_nobody, shell
from tests.messages.texts import (
    DEVICE_FULL,
    NOT_SIZE,
    NOT_STRUCT,
    STDOUT_CLOSED,
    UNPACK_PAIR,
    cannot_combine,
    missing,
    no_object,
    no_offset,
    not_one_of,
)

ROWS: Rows = {
    2: [
        ("", missing("SEG")),
        ("5 --offset x", f"--offset: 'x': {NOT_SIZE}"),
        ("5 --length -1", f"--length: '-1': {NOT_SIZE}"),
        ("5 -f xml", f"-f/--format: 'xml' {not_one_of('raw', 'hex', 'unpack')}"),
        ("5 -f unpack", UNPACK_PAIR),
        ("5 -f raw --unpack i", cannot_combine("--unpack", "-f raw")),
        ("5 --unpack x!", f"--unpack: 'x!': {NOT_STRUCT}"),
        ("5 --unpack 0i", "--unpack: the struct is empty"),
        ("5 --unpack i --length 0", "--unpack and --length 0 cannot be combined"),
        ("5 --unpack i --length 6", "--length is not a multiple of 4, the size of the struct"),
    ],
    1: [
        ("<key>", f"<key>: {no_object('segment')}"),
        ("<secret-segment>", "<secret-segment>: Permission denied", as_nobody),
        ("<segment> --offset 4097", f"<segment>: {no_offset(4097, 4096)}"),
        (
            "<segment> --offset 4095 --unpack i",
            "<segment>: i has 4 bytes; at offset 4095 the segment has 1 byte",
        ),
        (
            "<segment> --offset 4090 --unpack i --length 8",
            "<segment>: the last struct is incomplete (2 of 4 bytes)",
            forked,
        ),
        ("<segment>", STDOUT_CLOSED, shell('"$@" >&-')),
        ("<segment>", DEVICE_FULL, shell('"$@" >/dev/full')),
    ],
}
