"""Messages of pyipcs read."""

from tests.kit.program import forked
from tests.messages.rows import Rows
from tests.messages.runners import as_nobody, as_ordinary, shell, with_files_leased
from tests.messages.texts import (
    DEVICE_FULL,
    LEASED,
    NOT_SIZE,
    NOT_STRUCT,
    STDOUT_CLOSED,
    UNPACK_PAIR,
    cannot_combine,
    is_directory,
    missing,
    no_object,
    no_offset,
    not_one_of,
    other_kind_of_name,
)

ROWS: Rows = {
    2: [
        ("", missing("SEG")),
        ("5 --offset x", f"--offset: 'x': {NOT_SIZE}"),
        ("5 --length -1", f"--length: '-1': {NOT_SIZE}"),
        ("5 -f xml", f"-f/--format: 'xml': {not_one_of('raw', 'hex', 'unpack')}"),
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
        ("/x", f"/x: {no_object('POSIX segment')}"),
        (
            "<posix-semaphore>",
            f"<posix-semaphore>: {no_object('POSIX segment')}"
            f"{other_kind_of_name('POSIX semaphore')}",
        ),
        ("<posix-folder>", f"<posix-folder>: {is_directory()}"),
        ("<posix-secret>", "<posix-secret>: POSIX segment: Permission denied", as_ordinary),
        ("<posix-segment>", f"<posix-segment>: POSIX segment: {LEASED}", with_files_leased),
        ("<posix-segment> --offset 4097", f"<posix-segment>: {no_offset(4097, 4096)}"),
        ("<segment>", STDOUT_CLOSED, shell('"$@" >&-')),
        ("<segment>", DEVICE_FULL, shell('"$@" >/dev/full')),
    ],
}
