"""Messages of pyipcs stat."""

from tests.messages.rows import Rows
from tests.messages.runners import as_nobody, on_darwin, with_faults
from tests.messages.texts import (
    NO_IPC,
    NO_NAME_EMPTY,
    NOT_ANY_TARGET,
    NOT_LINUX,
    NOT_NAME,
    NOT_NAME_SLASH,
    NOT_PID,
    WATCH_NEEDS_TERMINAL,
    cannot_combine,
    is_directory,
    looks_like_key,
    missing,
    no_column,
    no_object,
    no_object_with,
    no_semaphore_form,
    not_for,
    other_kind,
    unknown_column,
)

ROWS: Rows = {
    2: [
        ("", missing("TARGET")),
        ("5 --used-by 5", cannot_combine("TARGET", "--used-by")),
        ("--used-by x", f"--used-by: 'x': {NOT_PID}"),
        ("5 x", f"TARGET: 'x': {NOT_ANY_TARGET}"),
        ("/a/b", f"TARGET: '/a/b': {NOT_NAME_SLASH}"),
        ("/", f"TARGET: '/': {NO_NAME_EMPTY}"),
        ("/dev/shm/x", f"TARGET: '/dev/shm/x': {NOT_NAME} (did you mean /x?)"),
        ("-m /x -o MSGS", no_column("POSIX segments", "MSGS")),
        ("5 -o OWNR", unknown_column("OWNR", "OWNER")),
        ("-q 5 --sort NATTCH", no_column("message queues", "NATTCH")),
        ("5 -f openmetrics -o ID", not_for("-o", "openmetrics, except -o +STATE")),
        ("5 --watch", WATCH_NEEDS_TERMINAL),
        ("5 --watch -f jsonl", cannot_combine("--watch", "-f jsonl")),
    ],
    1: [
        ("/x", f"/x: {no_object_with('name')}"),
        ("-q /x", f"/x: {no_object('POSIX queue')}"),
        (
            "-q <posix-of-two>",
            f"<posix-of-two>: {no_object('POSIX queue')} "
            "(but a POSIX segment and a POSIX semaphore have that name)",
        ),
        ("<posix-folder>", f"<posix-folder>: {is_directory()}"),
        ("<posix-link>", "<posix-link>: is a symbolic link, not a POSIX segment"),
        ("<posix-no-semaphore>", f"<posix-no-semaphore>: {no_semaphore_form(2)}"),
        ("--used-by 2147483647", "--used-by: process 2147483647: no such process"),
        (
            "-m --used-by <pid>",
            "process <pid> (<own-name>) cannot be examined (try as root)",
            as_nobody,
        ),
        ("2147483647", f"2147483647: {no_object_with('id')}"),
        (
            "<digits-of-key>",
            f"<digits-of-key>: {no_object_with('id')}{looks_like_key('<digits-of-key>')}",
        ),
        (
            "<decimal-key>",
            f"<decimal-key>: {no_object_with('id')} (<decimal-key> is a key: key:<decimal-key>)",
        ),
        ("5", NOT_LINUX, on_darwin),
        ("2147483647", NO_IPC, with_faults("msgctl:error=ENOSYS")),
        ("<key>", f"<key>: {no_object_with('key')}"),
        ("-q <key>", f"<key>: {no_object('message queue')}"),
        (
            "-q -m <key-of-set>",
            f"<key-of-set>: {no_object('message queue or segment')}{other_kind('a semaphore set')}",
        ),
        (
            "-s <key-of-two>",
            f"<key-of-two>: {no_object('semaphore set')}"
            f"{other_kind('a message queue and a segment')}",
        ),
        (
            "2147483646 2147483647",
            f"2147483646: {no_object_with('id')}\npyipcs: 2147483647: {no_object_with('id')}",
        ),
    ],
}
