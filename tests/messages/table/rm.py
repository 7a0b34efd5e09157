"""Messages of pyipcs rm."""

from tests.messages.rows import Rows
from tests.messages.runners import (
    answering,
    as_ipcrm,
    as_nobody,
    as_root,
    send_to_all_queues,
    with_faults,
)
from tests.messages.texts import (
    KEY_IS_ZERO,
    NO_IPC,
    NOT_ID,
    NOT_TARGET,
    cannot_combine,
    invalid_id,
    no_object_with,
    unknown_column,
    wrong_kind,
)

ROWS: Rows = {
    2: [
        ("", "nothing to remove (name an object or give --all)"),
        ("queue 5", f"TARGET: 'queue': {NOT_TARGET}"),
        ("<key-of-queue> -a", cannot_combine("TARGET", "--all")),
        ("<queue> --mine", cannot_combine("TARGET", "--mine")),
        ("<queue> -q 5", cannot_combine("TARGET", "-q")),
        ("<queue> msg 5", cannot_combine("TARGET", "msg ID...")),
        (
            "queue 5",
            "unknown argument 'queue' (give msg, shm or sem and ids; keys need -Q, -M or -S)",
            as_ipcrm,
        ),
        ("msg", "not enough arguments: msg ID..."),
        ("msg 5 -a", cannot_combine("msg ID...", "options that name objects")),
        ("-q x", f"-q/--queue-id: 'x': {NOT_ID}"),
        ("-Q 0", f"-Q/--queue-key: '0': {KEY_IS_ZERO}"),
        ("-a=x", "-a/--all: 'x': not one of msg, shm, sem"),
        ("-q 5 --mine", "--mine needs --all"),
        ("-amsg --unattached", wrong_kind("--unattached", "segments", "message queues")),
        ("-a -o ID", "-o needs --dry-run"),
        ("-n -q 2147483647 --sort MSG", unknown_column("MSG", "MSGS")),  # before the lookup
    ],
    1: [
        ("-q 2147483647", invalid_id(2147483647)),
        ("2147483647", f"2147483647: {no_object_with('id')}"),
        ("<key>", f"<key>: {no_object_with('key')}"),
        (
            "<key-of-two>",
            "<key-of-two> is a message queue and a segment "
            "(choose with rm -Q <key-of-two> or rm -M <key-of-two>)",
        ),
        ("msg Shared", "invalid id: Shared"),
        ("-n msg -3", "invalid id (-3)"),
        ("-Q <key>", "invalid key (<key>)"),
        ("-q <secret-queue>", "permission denied for id (<secret-queue>)", as_nobody),
        ("-n -q <secret-queue>", "permission denied for id (<secret-queue>)", as_nobody),
        (
            "-q 2147483647 -m 2147483647",
            f"{invalid_id(2147483647)}\npyipcs: {invalid_id(2147483647)}",
        ),
        (
            "-n -q 2147483647",
            "already removed id (2147483647)",
            with_faults("msgctl:error=EIDRM"),
        ),
        ("-q 2147483647", f"id failed (2147483647): {NO_IPC}", with_faults("msgctl:error=ENOSYS")),
        ("-a --key <key-of-queue>", "nothing was removed", answering("n")),
        (
            "-a --suspect --key <key-of-suspect-set>",
            "skipped semaphore set <number>: could not examine it in time",
            # Microseconds, longer than a scan lasts
            as_root(with_faults("semctl,kill:delay_exit=20000")),
        ),
    ],
    0: [
        (
            "-a --empty --key <key-of-queue>",
            "skipped message queue <number>: changed since it was listed",
            answering("y", before=send_to_all_queues),
        ),
    ],
}
