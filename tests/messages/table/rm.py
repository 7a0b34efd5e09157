"""Messages of pyipcs rm."""

from tests.messages.rows import Rows
from tests.messages.runners import (
    answering,
    as_ipcrm,
    as_nobody,
    as_ordinary,
    as_root,
    send_to_all_queues,
    with_all_processes,
    with_faults,
)
from tests.messages.texts import (
    KEY_IS_ZERO,
    NO_IPC,
    NOT_ANY_TARGET,
    NOT_ID,
    NOT_NAME_LONG,
    NOT_NAME_SLASH,
    cannot_combine,
    invalid_id,
    is_directory,
    name_denied,
    name_not_found,
    names_posix,
    no_object_with,
    no_semaphore_form,
    unknown_column,
    wrong_kind,
)

ROWS: Rows = {
    2: [
        ("", "nothing to remove (name an object or give --all)"),
        ("queue 5", f"TARGET: 'queue': {NOT_ANY_TARGET}"),
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
        (
            "-a=msg,x",
            "-a/--all: 'msg,x': not one of msg, shm, sem, pmsg, pshm, psem, sysv, posix",
        ),
        ("-q 5 --mine", "--mine needs --all"),
        ("<posix-segment> -q 5", cannot_combine("TARGET", "-q")),
        ("5 --posix-shmem x", cannot_combine("TARGET", "--posix-shmem")),
        ("-a --posix-shmem x -o NAME", "-o needs --dry-run"),
        ("--posix-shmem x --mine", "--mine needs --all"),
        ("--posix-semaphore <long-name>", f"--posix-semaphore: '<long-name>': {NOT_NAME_LONG}"),
        ("--posix-mqueue /x/y", f"--posix-mqueue: '/x/y': {NOT_NAME_SLASH}"),
        ("-M /x", f"-M/--shmem-key: '/x': {names_posix('--posix-shmem /x')}"),
        ("-q /x", f"-q/--queue-id: '/x': {names_posix('--posix-mqueue /x')}"),
        (
            "/x",
            "unknown argument '/x' (names need --posix-mqueue, --posix-shmem or --posix-semaphore)",
            as_ipcrm,
        ),
        (
            "-amsg --unattached",
            wrong_kind("--unattached", "segments, POSIX segments", "message queues"),
        ),
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
        ("/x", f"/x: {no_object_with('name')}"),
        (
            "<posix-of-two>",
            "<posix-of-two> is a POSIX segment and a POSIX semaphore "
            "(choose with rm --posix-shmem <posix-of-two> or rm --posix-semaphore <posix-of-two>)",
        ),
        ("<posix-folder>", f"<posix-folder>: {is_directory()}"),
        ("--posix-shmem x", name_not_found("x")),
        ("-n --posix-mqueue /x", name_not_found("/x")),
        ("-n --posix-mqueue /x", name_not_found("/x"), as_ordinary),
        ("--posix-shmem <posix-segment>", name_denied("<posix-segment>"), as_ordinary),
        ("<posix-segment>", name_denied("<posix-segment>"), as_ordinary),
        ("-n --posix-shmem <posix-segment>", name_denied("<posix-segment>"), as_ordinary),
        ("-n --posix-mqueue <posix-queue>", name_denied("<posix-queue>"), as_ordinary),
        ("--posix-shmem <posix-folder>", f"name `<posix-folder>' {is_directory()}"),
        ("-n --posix-shmem <posix-folder>", f"name `<posix-folder>' {is_directory()}"),
        (
            "--posix-semaphore <posix-no-semaphore>",
            f"name `<posix-no-semaphore>' {no_semaphore_form(2)}",
        ),
        (
            "--posix-mqueue /x",
            "name failed (/x): POSIX message queues are not in this kernel, or a sandbox hides "
            "them",
            with_faults("mq_unlink:error=ENOSYS"),
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
            "-a=pshm --match <posix-locked-segment>",
            "skipped POSIX segment <posix-locked-segment>: its mode prevents the check that "
            "nobody uses it",
            as_ordinary,
        ),
        (
            "-a=psem --match <posix-open-semaphore>",
            "skipped POSIX semaphore <posix-open-semaphore>: in use",
        ),
        (
            "-a --suspect --key <key-of-suspect-set>",
            "skipped semaphore set <number>: could not examine it in time",
            # Microseconds, longer than a scan lasts
            with_all_processes(as_root(with_faults("semctl,kill:delay_exit=20000"))),
        ),
    ],
    0: [
        (
            "-a=pshm --match <posix-link>",
            "not removed from /dev/shm: 1 other file (no POSIX objects)",
        ),
        (
            "-a --empty --key <key-of-queue>",
            "skipped message queue <number>: changed since it was listed",
            answering("y", before=send_to_all_queues),
        ),
    ],
}
