"""Messages of pyipcs write."""

from tests.messages.rows import Rows
from tests.messages.runners import (
    as_nobody,
    as_ordinary,
    shell,
    with_faults,
    with_input,
    with_sparse_segment,
)
from tests.messages.texts import (
    NO_SUCH_FILE,
    NOT_HEX,
    NOT_SIZE,
    STDIN_CLOSED,
    missing,
    no_object,
    no_offset,
    shrunk,
    unexpected_operand,
    wrong_fields,
)

# The input whose writer changes the size of the segment between two parts, and restores it.
_SHRINK = """
{ printf first
  until [ "$(head -c 5 /dev/shm/pyipcs-segment)" = first ]; do sleep 0.01; done
  truncate -s 7 /dev/shm/pyipcs-segment; printf second; } | "$@"
status=$?; truncate -s 4096 /dev/shm/pyipcs-segment; exit $status
"""

ROWS: Rows = {
    2: [
        ("", missing("SEG")),
        ("5 a b", f"{unexpected_operand('b')} (DATA is one word; quote it)"),
        ("5 -F <file> a", "-F FILE and DATA cannot be combined"),
        ("5 --hex --pack i", "--hex and --pack cannot be combined"),
        ("5 --hex x", f"'x': {NOT_HEX}"),
        ("5 --pack i 1 2", f"--pack i: {wrong_fields('1 field', 2)}"),
        ("5 --offset x a", f"--offset: 'x': {NOT_SIZE}"),
    ],
    1: [
        ("<key> a", f"<key>: {no_object('segment')}"),
        ("<segment> a", "<segment>: Permission denied", as_nobody),
        ("<segment> --offset 4097 a", f"<segment>: {no_offset(4097, 4096)}"),
        (
            "<segment> --offset 4094 abc",
            "<segment>: no room for 3 bytes at offset 4094; the segment has 4096 bytes",
        ),
        (
            "<segment> -F <large-file>",
            "<segment>: no room for 5000 bytes at offset 0; the segment has 4096 bytes",
        ),
        ("/x a", f"/x: {no_object('POSIX segment')}"),
        ("<posix-segment> a", "<posix-segment>: POSIX segment: Permission denied", as_ordinary),
        (
            "<posix-segment> --offset 4094 abc",
            "<posix-segment>: no room for 3 bytes at offset 4094; the segment has 4096 bytes",
        ),
        ("<posix-segment>", f"<posix-segment>: wrote 5 bytes; {shrunk('7 bytes')}", shell(_SHRINK)),
        (
            "/sparse -F <large-file>",
            "/sparse: wrote <page> bytes; /dev/shm is full",
            with_sparse_segment,
        ),
        ("<segment> -F /nope", f"/nope: {NO_SUCH_FILE}"),
        ("<segment>", STDIN_CLOSED, shell('"$@" <&-')),
        (
            "<segment>",
            "<segment>: wrote 4096 bytes; input is larger than the segment",
            shell('head -c 5000 /dev/zero | "$@"'),
        ),
        (
            "<segment>",
            "standard input: Input/output error; wrote 0 bytes",
            with_faults("readv:error=EIO"),
        ),
        ("<segment> --hex", f"standard input: {NOT_HEX}", with_input(b"xyz")),
        (
            "<segment> --hex",
            "standard input: larger than the segment (4096 bytes)",
            with_input(b"00" * 200_000),
        ),
        (
            "<segment> --pack i",
            f"standard input: line 2: {wrong_fields('1 field', 2)}",
            with_input(b"1\n1\t2\n"),
        ),
    ],
}
