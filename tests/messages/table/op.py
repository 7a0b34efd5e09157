"""Messages of pyipcs op."""

from tests.kit import policy
from tests.kit.program import forked
from tests.messages.rows import Rows
from tests.messages.runners import as_nobody, as_ordinary, on_32_bits, set_removed, with_faults
from tests.messages.texts import (
    NOT_DURATION,
    NOT_OPERATION,
    command_not_found,
    missing,
    no_object,
    no_posix_operation,
    no_semaphore,
    no_semaphore_form,
    other_kind_of_name,
    was_removed,
)

ROWS: Rows = {
    2: [
        ("5", missing("OP")),
        ("5 x", f"OP: 'x': {NOT_OPERATION}"),
        ("5 Pnn", f"OP: 'Pnn': {NOT_OPERATION}"),
        ("5 3:1-1", "OP: '3:1-1': the range ends before it begins"),
        ("5 65536-1", "OP: '65536-1': no set has so many semaphores (the last is 65535)"),
        ("5 0+32768", "OP: '0+32768': too large (the maximum is 32767)"),
        ("5 0=1", "OP: '0=1': not an operation (= waits for zero)"),
        ("5 0-0", "OP: '0-0': not an operation (to wait for zero is =0)"),
        ("5 P -E 256", "-E/--conflict-exit-code: '256': not a status (0 to 255)"),
        ("5 P --timeout x", f"--timeout: 'x': {NOT_DURATION}"),
        ("5 P --", "a command is missing after --"),
        ("/x Z", no_posix_operation("have no wait for zero")),
        ("/x 1-1", no_posix_operation("have no number but 0")),
        ("/x 0-2", no_posix_operation("decrease by 1 at a time")),
        ("/x P V", no_posix_operation("take one OP at a time")),
        ("/x P --undo", no_posix_operation("have no undo")),
        ("/x P -- true", no_posix_operation("have no undo")),
    ],
    1: [
        ("<key> P", f"<key>: {no_object('semaphore set')}"),
        ("<set> 2+1", f"<set>: {no_semaphore(2, 2)}"),
        ("<set> 0:65535+1", "65536 operations at once; the limit is <semopm> (semopm)"),
        (
            "<set> 0:9999+1 0:9999+1 0:9999+1 0:9999+1",
            "40000 operations at once, more than semopm",
            policy.without_limits,
        ),
        (
            "<set> 0+32767 0+1",
            "<set>: a value or an undo value would exceed 32767 (SEMVMX)",
        ),
        (
            "<secret-set> P",
            "<secret-set>: Permission denied (- and + need write permission, =0 read permission)",
            as_nobody,
        ),
        ("<set> P", f"<set>: {was_removed('semaphore set')}", set_removed),
        ("/x P", f"/x: {no_object('POSIX semaphore')}"),
        (
            "<posix-segment> P",
            f"<posix-segment>: {no_object('POSIX semaphore')}{other_kind_of_name('POSIX segment')}",
        ),
        ("<posix-no-semaphore> P", f"<posix-no-semaphore>: {no_semaphore_form(2)}"),
        (
            "<posix-32-bit-semaphore> P",
            "<posix-32-bit-semaphore>: is a semaphore of a 32-bit program "
            "(this C library would corrupt it)",
        ),
        (
            "<posix-semaphore> P",
            "<posix-semaphore>: Permission denied (P and V need read and write permission)",
            as_ordinary,
        ),
        (
            "<posix-highest-semaphore> V",
            "<posix-highest-semaphore>: the value would exceed 2147483647 (SEM_VALUE_MAX)",
        ),
        (
            "<posix-zero-semaphore> P",
            "<posix-zero-semaphore>: POSIX semaphore: truncated by another process",
            with_faults("futex:error=EFAULT:when=1"),
        ),
        (
            "<posix-zero-semaphore> P",
            "<posix-zero-semaphore>: POSIX semaphore: "
            "the number of futex(2) on <machine> is not known",
            on_32_bits,
        ),
    ],
    126: [
        ("<set> V -- <script>", "'<script>': Permission denied", forked),
    ],
    127: [
        ("<set> V -- nosuch", command_not_found("nosuch"), forked),
    ],
}
