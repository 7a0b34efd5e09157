"""Messages of pyipcs list."""

import errno
from functools import partial
from pathlib import Path

from tests.kit import policy
from tests.kit.child import NEWIPC, hide, refuse_call, unshare
from tests.kit.kernel import IS_ROOT
from tests.kit.mqueue import MQUEUE
from tests.kit.posix import own_mounts
from tests.messages.rows import Rows
from tests.messages.runners import (
    after,
    as_nobody,
    as_ordinary,
    as_ordinary_after,
    as_root,
    beside,
    beside_closed_namespace,
    mqueue_for_shm,
    on_32_bits,
    on_darwin,
    own_dev,
    own_mqueue,
    shell,
    with_all_processes,
    with_input,
    with_setns_killed,
    with_variable,
    without_other_namespaces,
    without_proc,
)
from tests.messages.texts import (
    DEVICE_FULL,
    FORMATS,
    ID_TOO_HIGH,
    KEY_IS_ZERO,
    KEY_TOO_LARGE,
    NO_IPC,
    NO_NAME_EMPTY,
    NO_SUCH_FILE,
    NOT_DURATION,
    NOT_ID,
    NOT_KEY,
    NOT_LINUX,
    NOT_LISTING,
    NOT_NAME,
    NOT_NAME_SLASH,
    NOT_PID,
    NOT_PROJECT,
    POSIX_OUTSTANDING,
    STDIN_CLOSED,
    WATCH_NEEDS_TERMINAL,
    WHEN,
    cannot_combine,
    did_you_mean,
    is_directory,
    needs_value,
    no_column,
    no_object,
    no_object_with,
    no_such_option,
    no_such_user,
    not_for,
    not_one_of,
    other_origin,
    takes_no_value,
    unexpected_operand,
    unknown_column,
    unseen_files,
    unseen_queues,
    wrong_kind,
)

AS_ROOT = " (as root no mount is needed)"
SYSV_KINDS = "message queues, segments, semaphore sets"
OPENAT2 = 437  # a system call with one number on all architectures

ROWS: Rows = {
    2: [
        # Options in general: the grammar is the same for every command
        ("--nope", no_such_option("--nope")),
        ("-z", no_such_option("-z")),
        ("--sorted", f"{no_such_option('--sorted')}{did_you_mean('--sort')}"),
        ("--limit=5", takes_no_value("--limit")),
        ("--s", "option --s is ambiguous (--semaphores, --shmems, --summary)"),
        ("--=3", no_such_option("--")),
        ("-i", needs_value("-i")),
        ("-mo", f"{needs_value('-o')} ({POSIX_OUTSTANDING})"),
        ("-mob", f"-o/--output: 'b': no such column ({POSIX_OUTSTANDING})"),
        ("operand", unexpected_operand("operand")),
        ("--color blue", f"--color: 'blue': {not_one_of(*WHEN)}"),
        ("--ns ''", "--ns: '': neither a pid nor a path"),
        # Selection of objects
        ("-q -i x", f"-i/--id: 'x': {NOT_ID}"),
        ("-q -i 2147483648", f"-i/--id: '2147483648': {ID_TOO_HIGH}"),
        ("-i 5", "-i needs exactly one of -q, -m and -s"),
        ("-q -i 5 --mine --empty", cannot_combine("-i", "--mine, --empty")),
        ("-q -i 5 --watch", cannot_combine("-i", "--watch")),
        ("-l --mine", cannot_combine("-l", "--mine")),
        ("-u --fail-if-any", cannot_combine("-u", "--fail-if-any")),
        ("--owner nosuch", f"--owner: {no_such_user('nosuch')}"),
        ("--created-by nosuch", f"--created-by: {no_such_user('nosuch')}"),
        ("--key x", f"--key: 'x': {NOT_KEY}"),
        ("--key 0", f"--key: '0': {KEY_IS_ZERO}"),
        ("--key 0x100000000", f"--key: '0x100000000': {KEY_TOO_LARGE}"),
        ("--key ftok:/nope", f"--key: 'ftok:/nope': {NO_SUCH_FILE}: '/nope'"),
        ("--key ftok:/:é", f"--key: 'ftok:/:é': {NOT_PROJECT}"),
        (
            "--key ftok:<file-with-colon>",
            f"--key: 'ftok:<file-with-colon>': {NO_SUCH_FILE}: '<folder>/file' "
            "(ftok:<file-with-colon>:1?)",
        ),
        ("--older-than x", f"--older-than: 'x': {NOT_DURATION}"),
        ("--idle 5y", f"--idle: '5y': {NOT_DURATION}"),
        ("--used-by x", f"--used-by: 'x': {NOT_PID}"),
        ("--used-by 0", f"--used-by: '0': {NOT_PID}"),
        ("--used-by 2147483648", f"--used-by: '2147483648': {NOT_PID}"),
        ("-q -i 5 --used-by 5", cannot_combine("-i", "--used-by")),
        ("-N x --used-by 5", cannot_combine("-N", "--used-by")),
        ("-u --used-by 5", cannot_combine("-u", "--used-by")),
        ("-m --empty", wrong_kind("--empty", "message queues, POSIX queues", "segments")),
        (
            "-qsS --unattached",
            wrong_kind(
                "--unattached",
                "segments, POSIX segments",
                *("message queues", "semaphore sets", "POSIX semaphores"),
            ),
        ),
        (
            "--empty --unattached",
            "--empty is about message queues, POSIX queues, and another filter about segments",
        ),
        # POSIX objects
        ("-M -i 5", "-i needs exactly one of -q, -m and -s"),
        ("-qM -i 5", "-i needs exactly one of -q, -m and -s"),
        ("-q -i 5 -N x", cannot_combine("-i", "-N")),
        ("-q -N x", "-N is for -Q, -M and -S"),
        ("--sysv -N x", "-N is for -Q, -M and -S"),
        ("-N x --mine --empty", cannot_combine("-N", "--mine, --empty")),
        ("-N x --watch", cannot_combine("-N", "--watch")),
        ("-N x -l", cannot_combine("-N", "-l")),
        ("-N x -t", cannot_combine("-N", "-t")),
        ("-N x --all-ns", cannot_combine("-N", "--all-ns")),
        ("-N ''", f"-N/--name: '': {NO_NAME_EMPTY}"),
        ("-N /", f"-N/--name: '/': {NO_NAME_EMPTY}"),
        ("-N a/b", f"-N/--name: 'a/b': {NOT_NAME_SLASH}"),
        ("-N ..", f"-N/--name: '..': {NOT_NAME} (it names a directory)"),
        (r"-N '\x2fa\x00'", rf"-N/--name: '\x2fa\x00': {NOT_NAME} (it has a null byte)"),
        (
            r"-N '\x2fa\b'",
            rf"-N/--name: '\x2fa\b': {NOT_NAME} (the escapes are \n, \t, \\ and \xHH)",
        ),
        ("-N /dev/shm/sem.x", f"-N/--name: '/dev/shm/sem.x': {NOT_NAME} (did you mean /x?)"),
        ("-N /dev/mqueue/x", f"-N/--name: '/dev/mqueue/x': {NOT_NAME} (did you mean /x?)"),
        ("-M -o MSGS", no_column("POSIX segments", "MSGS")),
        (
            "--posix -o NATTCH",
            no_column("POSIX queues, POSIX segments, POSIX semaphores", "NATTCH"),
        ),
        ("-M --private", wrong_kind("--private", "System V objects", "POSIX segments")),
        ("--match x", wrong_kind("--match", "POSIX objects", "System V objects")),
        (
            "-qS --not-in <listing>",
            "--not-in has a listing of System V objects, not POSIX semaphores",
        ),
        (
            "-M --not-in <listing-with-short-times>",
            "--not-in: '<listing-with-short-times>': the listing needs --time-format iso or epoch",
        ),
        (
            "-S --not-in <listing-of-another-shm>",
            "--not-in: '<listing-of-another-shm>': the listing is from another /dev/shm",
        ),
        # --not-in
        ("--not-in /nope", f"--not-in: '/nope': {NO_SUCH_FILE}"),
        ("--not-in <folder>", "--not-in: '<folder>': Is a directory"),
        ("--not-in <file>", f"--not-in: '<file>': {NOT_LISTING}"),
        ("--not-in -", f"--not-in: '-': {NOT_LISTING}", with_input(b"{}")),
        ("--not-in -", f"--not-in: '-': {STDIN_CLOSED}", shell('"$@" <&-')),
        ("--not-in -", "--not-in: '-': File too large", shell('{ printf {; yes; } | "$@"')),
        (
            "--not-in <listing-of-mine>",
            "--not-in: '<listing-of-mine>': the listing does not hold all objects of its kinds",
        ),
        (
            "--not-in <listing-of-keys>",
            "--not-in: '<listing-of-keys>': the listing lacks a field that "
            "identifies objects: 'id'",
        ),
        (
            "--not-in <listing-of-old-boot>",
            f"--not-in: '<listing-of-old-boot>': {other_origin('boot')}",
        ),
        (
            "--not-in <listing-of-another-namespace>",
            f"--not-in: '<listing-of-another-namespace>': {other_origin('IPC namespace')}",
        ),
        (
            "--not-in <listing-of-other-pids>",
            f"--not-in: '<listing-of-other-pids>': {other_origin('PID namespace')}",
        ),
        (
            "--not-in <listing-of-other-users>",
            f"--not-in: '<listing-of-other-users>': {other_origin('user namespace')}",
        ),
        (
            "--not-in <listing-without-proc>",
            "--not-in: '<listing-without-proc>': cannot compare the boot without /proc",
        ),
        (
            "-m --not-in <listing-of-queues>",
            "--not-in has a listing of message queues, not segments",
        ),
        # --all-ns
        ("--all-ns -q -i 5", cannot_combine("-i", "--all-ns")),
        ("--all-ns -l", cannot_combine("-l", "--all-ns")),
        ("--all-ns --watch", cannot_combine("--watch", "--all-ns")),
        ("--all-ns --not-in <listing>", cannot_combine("--not-in", "--all-ns")),
        ("--all-ns --used-by 5", cannot_combine("--used-by", "--all-ns")),
        ("--all-ns --ns /proc/self/ns/ipc", cannot_combine("--ns", "--all-ns")),
        # --watch
        ("--watch", WATCH_NEEDS_TERMINAL),
        ("--watch 5", f"{unexpected_operand('5')} (--watch=5?)"),
        ("--watch=x", f"--watch: 'x': {NOT_DURATION}"),
        ("--watch=0.01", "--watch: '0.01': too short (the minimum is 0.1)"),
        ("--watch --fail-if-any", cannot_combine("--watch", "--fail-if-any")),
        ("--watch -f csv", cannot_combine("--watch", "-f csv")),
        ("-l --watch -f jsonl", cannot_combine("--watch", "-f jsonl")),
        ("--watch -f jsonl --fail-if-any", cannot_combine("--watch", "--fail-if-any")),
        ("-q --watch -f jsonl -o SIZE", no_column("message queues", "SIZE")),
        # Output
        ("-f xml", f"-f/--format: 'xml': {not_one_of(*FORMATS, 'openmetrics')}"),
        ("-f \udcff", f"-f/--format: '\\xff': {not_one_of(*FORMATS, 'openmetrics')}"),
        (
            "",
            f"PYIPCS_FORMAT: 'xml': {not_one_of(*FORMATS, 'openmetrics')}",
            with_variable("PYIPCS_FORMAT", "xml"),
        ),
        (
            "--time-format x",
            f"--time-format: 'x': {not_one_of('short', 'full', 'iso', 'relative', 'epoch')}",
        ),
        ("-o NOPE", unknown_column("NOPE")),
        ("-o KEY,MSG", unknown_column("MSG", "MSGS")),
        ("-q -o use", unknown_column("use", "USE%")),
        ("-m --sort qnum", unknown_column("qnum")),
        ("-q --sort qnum", unknown_column("qnum", "MSGS")),
        ("-l -o resourc", unknown_column("resourc", "RESOURCE")),
        ("-o KEY,", "-o/--output: 'KEY,': a column's name is missing"),
        ("--sort -NATCH", unknown_column("NATCH", "NATTCH")),
        ("-q -o NATTCH", no_column("message queues", "NATTCH")),
        ("-q -m --sort NSEMS", no_column("message queues, segments", "NSEMS")),
        ("-l -o ID", no_column("limits and usage", "ID")),
        ("-l -J -o LIMIT", not_for("-o", "limits in json")),
        ("-f openmetrics -o ID", not_for("-o", "openmetrics, except -o +STATE")),
        ("-f openmetrics -o +ID,STATE", not_for("-o", "openmetrics, except -o +STATE")),
        ("--all-ns -f openmetrics -o STATE", not_for("-o", "openmetrics, except -o +STATE")),
        ("-f openmetrics --sort ID", not_for("--sort", "openmetrics")),
        ("-l -f openmetrics -o +STATE", not_for("-o", "limits in openmetrics")),
        ("-u -f openmetrics --sort ID", not_for("--sort", "usage in openmetrics")),
    ],
    1: [
        ("-q -i 2147483647", "id 2147483647 not found"),
        ("-s -i <secret-set>", "id <secret-set>: Permission denied", as_nobody),
        ("--used-by 2147483647", "--used-by: process 2147483647: no such process"),
        (
            "-q --used-by <pid>",
            "process <pid> (<own-name>) cannot be examined (try as root)",
            as_nobody,
        ),
        (
            "-q --used-by <pid>",
            "process <pid> cannot be examined: /proc cannot be read, or is of another PID "
            "namespace",
            without_proc,
        ),
        (
            "-s --used-by <pid> --key <key-of-secret-set>",
            "process <pid> (<own-name>) cannot be examined (try as root)\n"
            "pyipcs: 1 semaphore set could not be judged: whether the process is on record cannot "
            "be seen",
            as_nobody,
        ),
        ("--ns 2147483647", "--ns: process 2147483647: no such process"),
        ("--ns /nope", f"--ns: /nope: {NO_SUCH_FILE}"),
        ("--ns <file>", "--ns: <file>: not an IPC namespace"),
        ("--ns 1", "--ns: process 1: Permission denied", as_nobody),
        ("--all-ns", "IPC namespace <number>: Operation not permitted", beside_closed_namespace),
        (
            "--all-ns",
            "cannot distinguish IPC namespaces: /proc cannot be read, or is of another PID "
            "namespace",
            without_proc,
        ),
        (
            "--all-ns",
            "IPC namespace <number>: the helper process exited unexpectedly",
            with_setns_killed,
        ),
        ("-N x", f"x: {no_object_with('name')}"),
        (
            "-M -N <posix-queue>",
            f"<posix-queue>: {no_object('POSIX segment')} (but a POSIX queue has that name)",
        ),
        ("-N <posix-folder>", f"<posix-folder>: {is_directory()}"),
        ("-N <posix-link>", "<posix-link>: is a symbolic link, not a POSIX segment"),
        ("-Q", unseen_queues(f"there is no /dev/mqueue{AS_ROOT}"), as_ordinary_after(own_dev)),
        (
            "-Q",
            unseen_queues(f"the mqueue file system is not mounted at /dev/mqueue{AS_ROOT}"),
            as_ordinary_after(own_mounts, partial(hide, "/dev/mqueue")),
        ),
        (
            "-Q",
            unseen_queues(f"/dev/mqueue has those of another IPC namespace{AS_ROOT}"),
            as_ordinary_after(own_mqueue, partial(unshare, NEWIPC)),
        ),
        ("-MS", unseen_files("/dev/shm does not exist"), after(own_dev)),
        (
            "-M",
            unseen_files("/dev/shm is not a directory"),
            after(own_dev, Path("/dev/shm").touch),
        ),
        (
            "-M --ns PID",
            unseen_files("/dev/shm of process <number> is not a tmpfs"),
            beside(mqueue_for_shm),
        ),
        (
            "-M --ns <pid>",
            unseen_files("/dev/shm of process <pid>: needs openat2(2) of Linux 5.6"),
            after(partial(refuse_call, OPENAT2, errno.ENOSYS)),
        ),
        (
            "-M --ns /proc/self/fd/9",
            unseen_files("/proc/self/fd/9 is not /proc/PID/ns/ipc (only a process has a /dev/shm)"),
            shell('exec 9</proc/self/ns/ipc; "$@"'),
        ),
        ("-l", DEVICE_FULL, shell('"$@" >/dev/full')),
        ("-l", NO_IPC, partial(policy.without_limits, error=errno.ENOSYS)),
        ("", NOT_LINUX, on_darwin),
        (
            "-l",
            "System V IPC: the System V structures of <machine> are not known",
            on_32_bits,
        ),
    ],
    0: [
        (
            "-Q --empty --match <posix-secret-queue>",
            "1 POSIX queue could not be judged: the messages cannot be counted",
            as_ordinary,
        ),
        (
            "-Q",
            unseen_queues(
                f"/dev/mqueue is empty, but may be that of another IPC namespace{AS_ROOT}"
            ),
            as_ordinary_after(),
        ),
        (
            "-Q",
            unseen_queues(
                "/dev/mqueue may be that of another IPC namespace: no queue in it can be opened"
                f"{AS_ROOT}"
            ),
            as_ordinary_after(own_mqueue),
        ),
        (
            "-Q",
            unseen_queues(f"/dev/mqueue cannot be read{AS_ROOT}"),
            as_ordinary_after(
                own_mounts, partial(hide, "/dev/mqueue"), partial(MQUEUE.chmod, 0o700 * IS_ROOT)
            ),
        ),
        (
            "-Q",
            unseen_queues("/dev/mqueue cannot be opened: Not a directory"),
            as_ordinary_after(own_dev, MQUEUE.touch),
        ),
        (
            "--all-ns -M",
            "/dev/shm of <number> process<plural> could not be examined (try as root)",
            as_root(without_other_namespaces(as_ordinary_after())),
        ),
        (
            "-q --suspect --key <key-of-suspect-queue>",
            "1 message queue could not be judged: <number> processes<whose> cannot be "
            "examined (try as root)",
            with_all_processes(as_nobody),
        ),
    ],
}
