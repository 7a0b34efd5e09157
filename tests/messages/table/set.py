"""Messages of pyipcs set."""

from tests.kit import policy
from tests.messages.rows import Rows
from tests.messages.runners import (
    as_nobody,
    as_ordinary,
    in_user_namespace,
    with_faults,
    with_files_leased,
    with_files_mounted,
    with_files_open,
    without_capabilities,
)
from tests.messages.texts import (
    NO_UID,
    NOT_ADMINISTRATOR,
    NOT_MODE,
    NOT_NAME_SLASH,
    NOT_SIZE,
    NOT_VALUES,
    OVER_MSGMNB,
    is_directory,
    missing,
    no_object,
    no_object_with,
    no_semaphore,
    no_such_user,
    other_kind,
    was_removed,
)

ROWS: Rows = {
    2: [
        ("", missing("TARGET")),
        ("5", "nothing to change (give --mode, --owner, --size, --value ...)"),
        ("5 --mode 999", f"--mode: '999': {NOT_MODE}"),
        ("5 --owner nosuch", f"--owner: {no_such_user('nosuch')}"),
        ("5 --owner :", "--owner: ':': not USER, USER:GROUP or :GROUP"),
        ("5 --owner 7:", "--owner: '7:': a number has no login group (USER:GROUP)"),
        ("5 --qbytes x", f"--qbytes: 'x': {NOT_SIZE}"),
        ("5 --value 1", "--value: '1': not NUM=V (V is 0 to 32767)"),
        ("5 --values x", f"--values: 'x': {NOT_VALUES}"),
        ("5 --lock --unlock", "--lock and --unlock cannot be combined"),
        ("5 --value 0=1 --values 1", "--value and --values cannot be combined"),
        ("5 --value 0=1 --value 0=2", "--value is given twice for one semaphore"),
        ("5 --lock --qbytes 5", "--qbytes and --lock are for objects of different kinds"),
        ("-q 5 --lock", "--lock is for segments, not message queues"),
        ("/x --qbytes 5", "--qbytes is for message queues, not POSIX objects"),
        (
            "5 --size 5",
            "--size is for POSIX segments, not System V objects "
            "(a System V segment keeps its size)",
        ),
        ("-q /x --size 5", "--size is for POSIX segments, not POSIX queues"),
        ("/x/y --size 5", f"TARGET: '/x/y': {NOT_NAME_SLASH}"),
        (
            "<posix-of-two> --mode 600",
            "<posix-of-two> is a POSIX segment and a POSIX semaphore (choose with -q, -m or -s)",
        ),
        (
            "<key-of-two> --mode 600",
            "<key-of-two> is a message queue and a segment (choose with -q, -m or -s)",
        ),
    ],
    1: [
        ("/x --mode 600", f"/x: {no_object_with('name')}"),
        ("<posix-folder> --mode 600", f"<posix-folder>: {is_directory()}"),
        (
            "-q <posix-segment> --mode 600",
            "<posix-segment>: no such POSIX queue (but a POSIX segment has that name)",
        ),
        (
            "<posix-segment> --size 4095 --mode 600",
            "<posix-segment>: set size failed: in use "
            "(a segment that a process has open or mapped cannot shrink)",
            with_files_open,
        ),
        (
            "<posix-segment> --mode 600",
            "<posix-segment>: set mode failed: Resource temporarily unavailable "
            "(a process holds a lease on it)",
            with_files_leased,
        ),
        (
            "<posix-segment> --mode 600",
            "<posix-segment>: is a mount of another file system, not a POSIX segment",
            with_files_mounted,
        ),
        (
            "<posix-segment> --size 8E",
            "<posix-segment>: set size failed: File too large (size: 9223372036854775808 bytes, "
            "largest file: 9223372036854775807)",
        ),
        (
            "<posix-segment> --size 5000",
            "<posix-segment>: set size failed: Permission denied",
            as_ordinary,
        ),
        (
            "<posix-shared-segment> --size 1",
            "<posix-shared-segment>: set size failed: only its owner can check that nobody uses it",
            as_ordinary,
        ),
        (
            "<posix-shared-segment> --size 5000 --mode 600",
            "<posix-shared-segment>: set mode failed: Operation not permitted "
            "(only for the owner or with CAP_FOWNER)",
            as_ordinary,
        ),
        (
            "<posix-shared-segment> --size 5000 --owner 1",
            "<posix-shared-segment>: set owner failed: Operation not permitted "
            "(only with CAP_CHOWN)",
            as_ordinary,
        ),
        (
            "<posix-queue> --owner :1",
            "<posix-queue>: set group failed: Operation not permitted "
            "(only for the owner as a member of the group, or with CAP_CHOWN)",
            as_ordinary,
        ),
        ("<key> --mode 600", f"<key>: {no_object_with('key')}"),
        (
            "<key-of-queue> --lock",
            f"<key-of-queue>: {no_object('segment')}{other_kind('a message queue')}",
        ),
        (
            "-m <key-of-set> --mode 600",
            f"<key-of-set>: {no_object('segment')}{other_kind('a semaphore set')}",
        ),
        ("<set> --value 2=1", f"<set>: {no_semaphore(2, 2)}"),
        ("<set> --values 1,2,3", "<set>: 3 values for 2 semaphores"),
        (
            "<queue> -q --mode 600",
            f"<queue>: set mode failed: Operation not permitted ({NOT_ADMINISTRATOR})",
            as_nobody,
        ),
        (
            "<queue> -q --mode 600 --owner 1",
            f"<queue>: set mode and owner failed: Operation not permitted ({NOT_ADMINISTRATOR})",
            as_nobody,
        ),
        ("<queue> --qbytes 99999999", f"<queue>: {OVER_MSGMNB}", without_capabilities('"$@"')),
        (
            "<queue> --qbytes 99999999",
            "<queue>: set qbytes failed: Operation not permitted "
            "(more than msgmnb requires CAP_SYS_RESOURCE)",
            policy.without_limits_or_capabilities,
        ),
        ("<set> --value 0=1", "<set>: set semaphore 0 failed: Permission denied", as_nobody),
        (
            "<set> --value 0=1 --value 1=1",
            f"<set>: set semaphore 1 failed: {was_removed('semaphore set')}; "
            "already changed: semaphore 0",
            with_faults("semctl:error=EIDRM:when=3"),  # the second SETVAL
        ),
        (
            "<segment> --lock",
            "<segment>: set locking failed: Operation not permitted (only for the "
            "owner, the creator or with CAP_IPC_LOCK)",
            as_nobody,
        ),
        (
            "<segment> --lock",
            "<segment>: set locking failed: Operation not permitted (size: 4096 bytes, "
            "RLIMIT_MEMLOCK for all locks of its user: 0 bytes; more requires CAP_IPC_LOCK)",
            without_capabilities('ulimit -l 0; "$@"'),
        ),
        (
            "<queue> -q --owner :root",
            f"<queue>: set group failed: Operation not permitted ({NOT_ADMINISTRATOR})",
            as_nobody,
        ),
        (
            "0 --owner :12345",
            "0: set group failed: this user namespace has no gid 12345",
            in_user_namespace('"$1" make -Q >/dev/null; "$@"'),
        ),
        ("0 --owner 12345", f"0: {NO_UID}", in_user_namespace('"$1" make -Q >/dev/null; "$@"')),
    ],
}
