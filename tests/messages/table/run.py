"""Messages of pyipcs run."""

from tests.kit.program import forked
from tests.messages.rows import Rows
from tests.messages.runners import in_user_namespace, leaving_sleep, with_faults
from tests.messages.texts import FORMATS, WHEN, command_not_found, left_objects, missing, not_one_of

ROWS: Rows = {
    2: [
        ("", missing("CMD")),
        ("--private x true", f"--private: 'x' {not_one_of(*WHEN)}"),
        ("-f openmetrics true", f"-f/--format: 'openmetrics' {not_one_of(*FORMATS)}"),
    ],
    0: [
        (
            "true",
            "it left nothing, but had no IPC namespace of its own: Operation not permitted",
            with_faults("unshare:error=EPERM"),
        ),
        (
            "bash <leave-sleep>",
            "still running in its namespace: <number> (sleep)",
            leaving_sleep,
        ),
    ],
    23: [
        ("bash -c '<pyipcs> make -Q >/dev/null'", left_objects("1 message queue"), forked),
        (
            "bash -c '<pyipcs> make -Q -M 1 -S 1 >/dev/null'",
            left_objects("1 message queue, 1 segment and 1 semaphore set"),
            forked,
        ),
        (
            "--private never --rm bash <leave-used-queue>",
            f"{left_objects('1 message queue')}\n"
            "pyipcs: they are new since, and yours; in this namespace, which was not its own "
            "(--private never), other programs of yours may have made them\n"
            "pyipcs: 1 object in use, or perhaps so, and left",
            in_user_namespace('"$@"; status=$?; ipcrm -a; exit $status'),
        ),
    ],
    1: [
        (
            "--private always true",
            "no IPC namespace of its own for the command: No space left on device "
            "(user.max_ipc_namespaces is 0, user.max_user_namespaces is <number>)",
            in_user_namespace('echo 0 > /proc/sys/user/max_ipc_namespaces; "$@"'),
        ),
    ],
    126: [
        ("<folder>", "'<folder>': Is a directory", forked),
        ("<script>", "'<script>': Permission denied", forked),
    ],
    127: [
        ("nosuch", command_not_found("nosuch"), forked),
        ("''", command_not_found(""), forked),
    ],
}
