"""Messages of pyipcs recv."""

from tests.kit import policy
from tests.kit.program import forked
from tests.messages.rows import Rows
from tests.messages.runners import (
    as_nobody,
    as_ordinary,
    posix_queue_removed,
    queue_removed,
    shell,
    with_faults,
    with_limit,
)
from tests.messages.texts import (
    DEVICE_FULL,
    NO_THREAD,
    NOT_DECIMAL,
    NOT_DURATION,
    NOT_SIZE,
    NOT_STRUCT,
    STDOUT_CLOSED,
    UNPACK_PAIR,
    WRITE_ERROR,
    is_back,
    missing,
    no_object,
    not_for,
    not_for_posix_queues,
    not_one_of,
    other_kind,
    too_large,
    unexpected_operand,
    was_removed,
    wrong_size,
)

ROWS: Rows = {
    2: [
        ("", missing("QUEUE")),
        ("<queue> operand", unexpected_operand("operand")),
        ("-t x <queue>", "-t/--type: 'x': not a type (a decimal number)"),
        (
            "-t 9223372036854775808 <queue>",
            "-t/--type: '9223372036854775808': not a type (a long: -9223372036854775808 "
            "to 9223372036854775807)",
        ),
        ("-t 1 -t 2 <queue>", "option --type is given twice"),
        ("-x <queue>", "-x needs -t TYPE with a positive type"),
        ("-n 0 <queue>", "-n/--count: '0': too small (the minimum is 1)"),
        ("-n x <queue>", f"-n/--count: 'x': {NOT_DECIMAL}"),
        (
            "-n 9223372036854775808 <queue>",
            f"-n/--count: '9223372036854775808': {too_large(9223372036854775807)}",
        ),
        ("-n 1 -a <queue>", "-n, -a and -F cannot be combined"),
        ("--peek -F <queue>", "--peek and -F cannot be combined (--peek does not wait)"),
        (
            "--peek --timeout 1 <queue>",
            "--peek and --timeout cannot be combined (--peek does not wait)",
        ),
        ("-a --timeout 1 <queue>", "-a and --timeout cannot be combined (-a does not wait)"),
        ("--timeout -1 <queue>", f"--timeout: '-1': {NOT_DURATION}"),
        ("--max-size x <queue>", f"--max-size: 'x': {NOT_SIZE}"),
        ("--truncate <queue>", "--truncate needs --max-size"),
        (
            "-f xml <queue>",
            f"-f/--format: 'xml': {not_one_of('text', 'raw', 'hex', 'json', 'unpack')}",
        ),
        ("-f unpack <queue>", UNPACK_PAIR),
        ("--unpack y <queue>", f"--unpack: 'y': {NOT_STRUCT}"),
        (
            "--unpack i0p <queue>",
            "--unpack: 'i0p': not a struct (p has at least the byte which counts the others)",
        ),
        ("-0 -f raw <queue>", not_for("-0", "-f raw")),
        ("--exec '' <queue>", "--exec needs a command"),
        ("-t 0 /x", not_for_posix_queues("-t")),
        ("-x /x", not_for_posix_queues("-x")),
        ("--peek /x", not_for_posix_queues("--peek")),
        ("--max-size 5 /x", not_for_posix_queues("--max-size")),
        ("--truncate /x", not_for_posix_queues("--truncate")),
    ],
    1: [
        ("<key>", f"<key>: {no_object('message queue')}"),
        (
            "<key-of-set>",
            f"<key-of-set>: {no_object('message queue')}{other_kind('a semaphore set')}",
        ),
        ("<secret-queue>", "<secret-queue>: Permission denied", as_nobody),
        (
            "<queue-of-hello> --max-size 4",
            "<queue-of-hello>: the message has more than 4 bytes; it stays on the queue "
            "(--truncate cuts it)",
            forked,
        ),
        (
            "<queue-of-hello> --unpack i",
            "<queue-of-hello>: the message is larger than i, which has 4 bytes; it stays on the "
            "queue",
            forked,
        ),
        (
            "<queue-of-hello> --unpack d",
            f"<queue-of-hello>: {wrong_size('d', 8)}{is_back('type')}",
            forked,
        ),
        ("<queue-of-hello> --peek --unpack d", f"<queue-of-hello>: {wrong_size('d', 8)}", forked),
        (
            "<queue-of-hello> --unpack d",
            "<queue-of-hello>: cannot put these messages back: Permission denied\n"
            '{"type": 1, "size": 5, "data": "hello"}\n'
            f"pyipcs: <queue-of-hello>: {wrong_size('d', 8)}",
            with_faults("msgsnd:error=EACCES"),
        ),
        ("/x", f"/x: {no_object('POSIX queue')}"),
        (
            "<posix-queue-to-write>",
            "<posix-queue-to-write>: POSIX queue: Permission denied",
            as_ordinary,
        ),
        (
            "<posix-queue-of-hello> --unpack d",
            f"<posix-queue-of-hello>: {wrong_size('d', 8)}{is_back('priority')}",
            forked,
        ),
        (
            "<posix-queue-of-hello> --unpack i",
            f"<posix-queue-of-hello>: {wrong_size('i', 4)}{is_back('priority')}",
            forked,
        ),
        (
            "<posix-queue-to-read> --unpack d",
            "<posix-queue-to-read>: cannot put these messages back: Permission denied\n"
            '{"priority": 0, "size": 5, "data": "hello"}\n'
            f"pyipcs: <posix-queue-to-read>: {wrong_size('d', 8)}",
            as_ordinary,
        ),
        (
            "<posix-queue> -n 2",
            f"<posix-queue>: {was_removed('POSIX queue')}",
            posix_queue_removed,
        ),
        ("<queue> -n 2", f"<queue>: {was_removed('message queue')}", queue_removed),
        (
            "<queue-of-hello> --peek",
            "<queue-of-hello>: message 1 has more bytes than msgmax, which is 4",
            with_limit("msgmax", "4", forked),
        ),
        (
            "<queue-of-hello> --peek",
            "<queue-of-hello>: message 1 has more bytes than msgmax",
            with_limit("msgmax", "4", policy.without_limits),
        ),
        (
            "<queue-of-hello> --peek",
            "<queue-of-hello>: this kernel cannot copy messages (CONFIG_CHECKPOINT_RESTORE)",
            with_faults("msgrcv:error=ENOSYS"),
        ),
        ("<queue-of-hello>", STDOUT_CLOSED, shell('"$@" >&-')),
        ("<queue-of-hello>", DEVICE_FULL, shell('"$@" >/dev/full')),
        ("<queue-of-hello>", "standard output is not open for writing", shell('"$@" 1</dev/null')),
        (
            "<queue-of-3000> -f raw",
            f"the last message was only partly written\npyipcs: {WRITE_ERROR}: File too large",
            shell('f=$(mktemp -u); ulimit -f 1; "$@" >$f; s=$?; rm $f; exit $s'),
        ),
        (
            "<queue-of-hello> --exec true",
            "Too many open files",
            with_faults("pipe2:error=EMFILE"),
        ),
        ("<queue> --timeout 1", NO_THREAD, with_faults("clone,clone3:error=EAGAIN")),
    ],
    7: [
        ("<queue-of-hello> --exec 'exit 7'", "'exit 7' exited with status 7", forked),
    ],
}
