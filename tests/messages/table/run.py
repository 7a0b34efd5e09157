"""Messages of pyipcs run."""

from tests.kit.program import PYIPCS, forked
from tests.messages.rows import Rows
from tests.messages.runners import (
    below_changed_root,
    in_user_namespace,
    leaving_sleep,
    shell,
    with_all_processes,
    with_faults,
    with_queue_limit,
)
from tests.messages.texts import (
    FORMATS,
    NO_OWN_MQUEUE,
    WHEN,
    cannot_combine,
    command_not_found,
    left_objects,
    missing,
    not_one_of,
)

GONE = " (gone with its namespace)"
# Kills the other processes of the IPC namespace.
KILL_OTHERS = """
for process in /proc/[0-9]*; do
  [ $process != /proc/$$ ] && [ $process/ns/ipc -ef /proc/$$/ns/ipc ] && kill ${process#/proc/}
done"""
# Has another program use a new queue while the command runs.
USED_BY_OTHERS = f"""
export dir=$(mktemp -d)
"$@" & command=$!
until [ -e $dir/ready ]; do sleep 0.01; done
msqid=$({PYIPCS} make -Q -i)
{PYIPCS} recv $msqid >/dev/null 2>&1 & receiver=$!
until {PYIPCS} list -q -o WAITERS --noheadings | grep -q $receiver; do sleep 0.01; done
touch $dir/used
wait $command; status=$?
ipcrm -a; rm -r $dir; exit $status
"""

ROWS: Rows = {
    2: [
        ("", missing("CMD")),
        ("--private x true", f"--private: 'x': {not_one_of(*WHEN)}"),
        ("--shm x true", f"--shm: 'x': {not_one_of('shared', 'private', 'ignore')}"),
        ("--private never --shm private true", cannot_combine("--private never", "--shm private")),
        (
            "--report fd:x true",
            "--report: 'fd:x': not a file or fd:N (N is the number of an open descriptor)",
        ),
        ("--report - true", "--report: '-': not a file or fd:N (fd:1 is standard output)"),
        ("-f openmetrics true", f"-f/--format: 'openmetrics': {not_one_of(*FORMATS)}"),
    ],
    0: [
        (
            "true",
            "'true' left nothing, but had no IPC namespace of its own: Operation not permitted",
            with_faults("unshare:error=EPERM"),
        ),
        (
            "--shm private true",
            f"{NO_OWN_MQUEUE.format('Operation not permitted')}\n"
            "pyipcs: 'true' had no /dev/shm of its own: Operation not permitted",
            with_faults("mount:error=EPERM"),
        ),
        (
            "true",
            NO_OWN_MQUEUE.format("the mount of /dev/mqueue is outside the root directory"),
            below_changed_root,
        ),
        (
            "true",
            "limits that could not be carried over: fs.mqueue.msg_max (10 instead of 100)",
            with_queue_limit("msg_max", "100"),
        ),
        (
            "--shm private mkdir /dev/shm/folder",
            "other files in its /dev/shm: folder (directory, 0B)",
            forked,
        ),
        (
            "mkdir /dev/shm/folder",
            "other files left in /dev/shm: folder (directory, 0B)",
            shell('"$@"; status=$?; rmdir /dev/shm/folder; exit $status'),
        ),
        (
            "bash <leave-sleep>",
            "still running in its namespace: <number> (sleep)",
            leaving_sleep,
        ),
        (
            "--private never bash -c 'touch $dir/ready; until [ -e $dir/used ]; do :; done'",
            "new, but used by other programs: message queue <number> (<number> (pyipcs))",
            in_user_namespace(USED_BY_OTHERS),
        ),
    ],
    23: [
        (
            "bash -c '<pyipcs> make -Q >/dev/null'",
            left_objects(f"1 message queue{GONE}"),
            forked,
        ),
        (
            "bash -c '<pyipcs> make -Q -M 1 -S 1 >/dev/null'",
            left_objects(f"1 message queue, 1 segment and 1 semaphore set{GONE}"),
            forked,
        ),
        (
            "bash -c '<pyipcs> make -Q -q -n /left >/dev/null'",
            left_objects(f"1 message queue and 1 POSIX queue{GONE}"),
            forked,
        ),
        (
            "--rm bash -c '<pyipcs> make -m 1 -n /left >/dev/null'",
            f"{left_objects('1 POSIX segment in /dev/shm')}\n"
            "pyipcs: other programs of yours may have created those in /dev/shm, which is shared\n"
            "removing POSIX shared memory `/left'",
            forked,
        ),
        (
            "--private never --rm bash <leave-used-queue>",
            f"{left_objects('1 message queue')}\n"
            "pyipcs: other programs of yours may have created them: 'bash' had no IPC namespace "
            "of its own (--private never)\n"
            "pyipcs: still running: <number> (pyipcs)\n"
            "pyipcs: not removed: 1 object in use",
            in_user_namespace('"$@"; status=$?; ipcrm -a; exit $status'),
        ),
        (
            "--private never --rm bash -c '<pyipcs> make -Q -S 1 -M 1 -p 600 >/dev/null; "
            "<pyipcs> make -Q >/dev/null'",
            f"{left_objects('2 message queues, 1 segment and 1 semaphore set')}\n"
            "pyipcs: not removed: 2 objects in doubt while other processes of this user live "
            "(<lines>)\n"
            "pyipcs: not removed: 1 object in doubt, and open to other users\n"
            "pyipcs: not removed: 1 object in doubt",
            with_all_processes(in_user_namespace('"$@"; status=$?; ipcrm -a; exit $status')),
        ),
        (
            "--private never --rm bash -c '<pyipcs> make -Q -p 600 >/dev/null; . <leave-sleep>'",
            f"{left_objects('1 message queue')}\n"
            "pyipcs: still running: <number> (sleep)\n"
            "pyipcs: not removed: 1 object in doubt while processes of the command live "
            "(<number> (sleep))",
            in_user_namespace(f'"$@"; status=$?; ipcrm -a; {KILL_OTHERS}\nexit $status'),
        ),
    ],
    1: [
        ("--report <folder> true", "--report: <folder>: Is a directory", forked),
        ("--report '' true", "--report: '': No such file or directory", forked),
        ("--report fd:99 true", "--report: fd:99: Bad file descriptor", forked),
        ("--report fd:0 true", "--report: fd:0: not open for writing", shell('"$@" </dev/null')),
        ("--report /dev/full -J true", "--report: /dev/full: No space left on device", forked),
        (
            "--private always --shm private true",
            "cannot mount a new /dev/shm: Operation not permitted",
            with_faults("mount:error=EPERM"),
        ),
        (
            "--private always true",
            "cannot create an IPC namespace: No space left on device "
            "(user.max_ipc_namespaces is 0, user.max_user_namespaces is <number>)",
            in_user_namespace('echo 0 > /proc/sys/user/max_ipc_namespaces; "$@"'),
        ),
        (
            "--private always true",
            "cannot create an IPC namespace: Function not implemented",
            with_faults("unshare:error=ENOSYS"),
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
