"""Messages of pyipcs send."""

import signal

from tests.kit import policy
from tests.messages.rows import Rows
from tests.messages.runners import (
    as_nobody,
    queue_removed,
    shell,
    terminated,
    with_faults,
    with_input,
    with_limit,
)
from tests.messages.texts import (
    ENVELOPE_HINT,
    ID_TOO_HIGH,
    KEY_IS_ZERO,
    KEY_TOO_LARGE,
    NO_SUCH_FILE,
    NO_THREAD,
    NOT_DURATION,
    NOT_HEX,
    NOT_ID,
    NOT_JSON,
    NOT_KEY,
    NOT_MESSAGE_TYPE,
    NOT_PROJECT,
    NOT_STRUCT,
    NOT_TARGET,
    NOTHING_SENT,
    QUEUE_FULL,
    STDIN_CLOSED,
    dash_hint,
    does_not_fit,
    looks_like_key,
    missing,
    no_object,
    other_kind,
    queue_holds,
    was_removed,
    wrong_fields,
)

ROWS: Rows = {
    2: [
        ("", missing("QUEUE")),
        # Ids and keys: every command has the same
        ("x", f"QUEUE: 'x': {NOT_TARGET}"),
        ("05", "QUEUE: '05': id:5 or key:05?"),
        ("id:2147483648", f"QUEUE: 'id:2147483648': {ID_TOO_HIGH}"),
        (
            "2147483648",
            "QUEUE: '2147483648': not an id (the highest is 2147483647; key:2147483648?)",
        ),
        ("id:x", f"QUEUE: 'id:x': {NOT_ID}"),
        ("key:x", f"QUEUE: 'key:x': {NOT_KEY}"),
        ("0x", f"QUEUE: '0x': {NOT_KEY}"),
        ("key:0", f"QUEUE: 'key:0': {KEY_IS_ZERO}"),
        ("0x100000000", f"QUEUE: '0x100000000': {KEY_TOO_LARGE}"),
        ("ftok:/nope:1", f"QUEUE: 'ftok:/nope:1': {NO_SUCH_FILE}: '/nope'"),
        ("ftok:/:long", f"QUEUE: 'ftok:/:long': {NOT_PROJECT}"),
        # Message and format
        ("-t 0 <queue> a", f"-t/--type: '0': {NOT_MESSAGE_TYPE}"),
        ("-t x <queue> a", f"-t/--type: 'x': {NOT_MESSAGE_TYPE}"),
        ("--timeout x <queue> a", f"--timeout: 'x': {NOT_DURATION}"),
        ("-F <file> <queue> a", "-F FILE and MESSAGE cannot be combined"),
        ("-l <queue> a", "-l and -0 split standard input or a file, not MESSAGE"),
        ("-l -0 <queue>", "-l and -0 cannot be combined"),
        ("--hex --json <queue>", "--hex, --json and --pack cannot be combined"),
        ("-z --json <queue>", "-z cannot be combined with --json or --pack"),
        ("--hex <queue> abc", f"'abc': {NOT_HEX}"),
        ("--json <queue> x", f"'x': {NOT_JSON}"),
        ("--json <queue> []", f"'[]': not an object of JSON{ENVELOPE_HINT}"),
        (
            "-J <queue> '{\"a\":1}'",
            f"'{{\"a\":1}}': it needs exactly one of data and base64{ENVELOPE_HINT}",
        ),
        # Messages that look like options
        ("<queue> -hello", f"no such option -e in '-hello'{dash_hint('MESSAGE')}"),
        ("<queue> -Version", f"no such option -e in '-Version'{dash_hint('MESSAGE')}"),
        ("<queue> --bye", f"no such option --bye{dash_hint('MESSAGE')}"),
        (
            """--json <queue> '{"data": "a", "type": 0}'""",
            '\'{"data": "a", "type": 0}\': the type is not a number from 1 to 9223372036854775807',
        ),
        (
            """--json <queue> '{"data": "a", "size": 2}'""",
            '\'{"data": "a", "size": 2}\': the size is not that of the body, 1 byte',
        ),
        (
            r"""--json <queue> '{"data": "\ud800"}'""",
            '\'{"data": "\\ud800"}\': data is not text (half of a surrogate pair)',
        ),
        ("""--json <queue> '{"base64": "!"}'""", '\'{"base64": "!"}\': base64 is not valid'),
        ("--pack '' <queue>", f"--pack: '': {NOT_STRUCT}"),
        (
            "--pack 5 <queue>",
            "--pack: '5': not a struct (<python>)",
        ),
        ("--pack 99999999s <queue>", "--pack: '99999999s': too large (99999999 bytes)"),
        ("--pack 2i <queue> 1", f"--pack 2i: {wrong_fields('2 fields', 1)}"),
        ("--pack i <queue> x", "--pack i: 'x' is not a number"),
        ("--pack ? <queue> 2", "--pack ?: '2' is neither 0 nor 1"),
        ("--pack 2s <queue> abc", "--pack 2s: 'abc' has more than 2 bytes"),
        ("--pack d <queue> 1e999", f"--pack d: {does_not_fit('1e999', 'd')}"),
        ("--pack e <queue> 1e9", f"--pack e: {does_not_fit('1e9', 'e')}"),
        ("--pack iB <queue> 1 300", f"--pack iB: {does_not_fit('300', 'B')}"),
    ],
    1: [
        ("<key> a", f"<key>: {no_object('message queue')}"),
        ("2147483647 a", f"2147483647: {no_object('message queue')}"),
        (
            "<digits-of-key> a",
            f"<digits-of-key>: {no_object('message queue')}{looks_like_key('<digits-of-key>')}",
        ),
        (
            "<key-of-segment> a",
            f"<key-of-segment>: {no_object('message queue')}{other_kind('a segment')}",
        ),
        ("<secret-queue> a", f"<secret-queue>: Permission denied{NOTHING_SENT}", as_nobody),
        (
            "<queue> 12345678901",
            f"message 1: it has 11 bytes; a message has at most 10 bytes (msgmax){NOTHING_SENT}",
            with_limit("msgmax", "10"),
        ),
        (
            "<queue> 12345678901",
            f"message 1: it has 11 bytes; the kernel refuses that size (msgmax){NOTHING_SENT}",
            with_limit("msgmax", "10", policy.without_limits),
        ),
        ("<queue-of-5> abcdef", f"message 1: it has 6 bytes; {queue_holds(5)}{NOTHING_SENT}"),
        ("<queue-of-5> a bcdefg", f"message 2: it has 6 bytes; {queue_holds(5)}{NOTHING_SENT}"),
        ("<queue-of-0> ''", f"message 1: it has 0 bytes; {queue_holds(0)}{NOTHING_SENT}"),
        ("<queue> -F /nope", f"/nope: {NO_SUCH_FILE}"),
        ("<queue> -F <folder>", "<folder>: Is a directory"),
        ("<queue>", STDIN_CLOSED, shell('"$@" <&-')),
        (
            "<queue>",
            "standard input is not open for reading",
            shell('"$@" <>/dev/null 0>/dev/null'),
        ),
        ("<queue> --hex", f"standard input: {NOT_HEX}{NOTHING_SENT}", with_input(b"xyz")),
        ("<queue> --json", f"line 2: {NOT_JSON}{NOTHING_SENT}", with_input(b'{"data": "a"}\n{')),
        (
            "<queue> --json",
            f"line 1: too long a number, or nested too deep{NOTHING_SENT}",
            with_input(b"[" * 100_000),
        ),
        (
            "<queue> --pack i -0",
            f"record 3: {wrong_fields('1 field', 2)}{NOTHING_SENT}",
            with_input(b"1\0002\0003\t4"),
        ),
        (
            "<queue-of-5> -l",
            f"line 1: it has more than 65696 characters; {queue_holds(5)}{NOTHING_SENT}",
            with_input(b"x" * 200_000),
        ),
        (
            "<full-queue> a",
            f"<full-queue>: {was_removed('message queue')}{NOTHING_SENT}",
            queue_removed,
        ),
        ("<full-queue> a", f"{NO_THREAD}{NOTHING_SENT}", with_faults("clone,clone3:error=EAGAIN")),
        (
            "<full-queue> a",
            f"waiting failed: Cannot allocate memory{NOTHING_SENT}",
            with_faults("?poll,ppoll:error=ENOMEM"),
        ),
    ],
    3: [
        ("<full-queue> a --nowait", f"<full-queue>: {QUEUE_FULL}{NOTHING_SENT}"),
        ("<full-queue> a --timeout 0.01", f"<full-queue>: {QUEUE_FULL}{NOTHING_SENT}"),
        ("<queue-of-5> abc de f --nowait", f"<queue-of-5>: {QUEUE_FULL}; 2 messages were sent"),
        ("<queue-of-5> abcde f --nowait", f"<queue-of-5>: {QUEUE_FULL}; 1 message was sent"),
    ],
    -signal.SIGTERM: [
        ("<full-queue> a", f"<full-queue>: Terminated{NOTHING_SENT}", terminated),
    ],
}
