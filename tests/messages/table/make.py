"""Messages of pyipcs make."""

from tests.messages.rows import Rows
from tests.messages.runners import (
    as_nobody,
    as_ordinary,
    in_user_namespace,
    shell,
    with_another_process,
    with_faults,
    with_full_shm,
    with_limit,
    with_queue_limit,
    without_overcommit,
)
from tests.messages.texts import (
    CREATE_POSIX_QUEUE,
    CREATE_POSIX_SEGMENT,
    CREATE_POSIX_SEMAPHORE,
    CREATE_QUEUE,
    CREATE_SEGMENT,
    CREATE_SET,
    KEY_TAKEN,
    NO_KEY_IN_POSIX,
    NO_UID,
    NOT_DECIMAL,
    NOT_KEY,
    NOT_MODE,
    NOT_NAME_LONG,
    NOT_NAME_SLASH,
    NOT_NEW_VALUES,
    NOT_SIZE,
    OVER_MSGMNB,
    is_directory,
    no_semaphore_form,
    no_such_user,
    too_large,
    unexpected_operand,
)

ROWS: Rows = {
    2: [
        (
            "",
            "nothing to create (give -Q, -M SIZE or -S NSEMS, or -q, -m SIZE or -s for POSIX)",
        ),
        ("operand", unexpected_operand("operand")),
        ("-M 0", "-M/--shmem: '0': a segment has at least 1 byte"),
        ("-M x", f"-M/--shmem: 'x': {NOT_SIZE}"),
        ("-M 16E", f"-M/--shmem: '16E': {too_large(18446744073709551615)}"),
        ("-S 0", "-S/--semaphore: '0': a set has at least 1 semaphore"),
        ("-S x", f"-S/--semaphore: 'x': {NOT_DECIMAL}"),
        ("-S 2147483648", f"-S/--semaphore: '2147483648': {too_large(2147483647)}"),
        ("-Q -p 888", f"-p/--mode: '888': {NOT_MODE}"),
        ("-Q -k x", f"-k/--key: 'x': {NOT_KEY}"),
        ("-Q -k 5 --private", "--private and -k cannot be combined"),
        ("-Q --exist-ok", "--exist-ok needs -k KEY"),
        ("-M 1 --qbytes 1", "--qbytes needs -Q"),
        ("-Q --qbytes 2147483648", f"--qbytes: '2147483648': {too_large(2147483647)}"),
        ("-Q --values 1", "--values needs -S NSEMS or -s"),
        ("-S 2 --values 1,x", f"--values: '1,x': {NOT_NEW_VALUES}"),
        ("-S 2 --values 1", "--values needs a value for each of the 2 semaphores"),
        ("-Q --owner nosuch", f"--owner: {no_such_user('nosuch')}"),
        ("-Q --owner 0:nosuch", "--owner: '0:nosuch': no such group"),
        ("-Q --owner :", "--owner: ':': not USER, USER:GROUP or :GROUP"),
        ("-Q -i -J", "-i and -J cannot be combined"),
        ("-q", "name is required for POSIX IPC (give -n /NAME)"),
        ("-Q -n /x", "-n needs -q, -m SIZE or -s"),
        ("-q -n /x -k 5", f"-k {NO_KEY_IN_POSIX}"),
        ("-q -n /x --private", f"--private {NO_KEY_IN_POSIX}"),
        ("-q -n /x/y", f"-n/--name: '/x/y': {NOT_NAME_SLASH}"),
        ("-q -n ''", "-n/--name: '': not a POSIX name (it is empty)"),
        ("-q -n /..", "-n/--name: '/..': not a POSIX name (it names a directory)"),
        (
            "-q -n /dev/mqueue/x",
            "-n/--name: '/dev/mqueue/x': not a POSIX name (did you mean /x?)",
        ),
        (r"-q -n '\x2f\x00'", r"-n/--name: '\x2f\x00': not a POSIX name (it has a null byte)"),
        (
            r"-q -n '\x2f\q'",
            r"-n/--name: '\x2f\q': not a POSIX name (the escapes are \n, \t, \\ and \xHH)",
        ),
        ("-s -n <long-name>", f"-n/--name: '<long-name>': {NOT_NAME_LONG}"),
        ("-Q --maxmsg 5", "--maxmsg needs -q"),
        ("-Q --msgsize 5", "--msgsize needs -q"),
        ("-q -n /x --maxmsg 0", "--maxmsg: '0': too small (the minimum is 1)"),
        ("-s -S 1 -n /x --values 1", "--values is for -S or -s, not for both"),
        ("-s -n /x --values 1,2", "--values needs a single value for -s"),
        ("-s -n /x --values 2147483648", f"--values: '2147483648': {NOT_NEW_VALUES}"),
        ("-S 1 --values 32768", "--values: 32768 is too large (the maximum for -S is 32767)"),
        ("-Q -q -n /x --exist-ok", "--exist-ok needs -k KEY"),
    ],
    1: [
        (
            "-m 1 -n <posix-segment>",
            f"{CREATE_POSIX_SEGMENT}: File exists (<posix-segment> exists; --exist-ok accepts it)",
        ),
        (
            "-m 1 -n <posix-folder>",
            f"{CREATE_POSIX_SEGMENT}: File exists (<posix-folder> {is_directory()})",
        ),
        (
            "-m 1 -n <posix-folder> --exist-ok",
            f"{CREATE_POSIX_SEGMENT}: <posix-folder> {is_directory()}",
        ),
        (
            "-s -n <posix-no-semaphore> --exist-ok",
            f"{CREATE_POSIX_SEMAPHORE}: <posix-no-semaphore> {no_semaphore_form(2)}",
        ),
        (
            "-m 4097 -n <posix-segment> --exist-ok",
            f"{CREATE_POSIX_SEGMENT}: the POSIX segment <posix-segment> has less than 4097 bytes",
        ),
        (
            "-q -n <posix-queue> --exist-ok --maxmsg 11",
            f"{CREATE_POSIX_QUEUE}: the POSIX queue <posix-queue> has maxmsg 10, less than 11",
        ),
        (
            "-q -n <posix-secret-queue> --exist-ok --msgsize 1",
            f"{CREATE_POSIX_QUEUE}: the POSIX queue <posix-secret-queue> has a msgsize that you "
            "may not read",
            as_ordinary,
        ),
        (
            "-m 8E -n /x",
            f"{CREATE_POSIX_SEGMENT}: File too large (size: 9223372036854775808 bytes, "
            "largest file: 9223372036854775807)",
        ),
        (
            "-m 2M -n /x",
            f"{CREATE_POSIX_SEGMENT}: File too large (size: 2097152 bytes, "
            "RLIMIT_FSIZE: 1048576 bytes)",
            shell('ulimit -f 1024; "$@"'),
        ),
        (
            "-q -n /x --maxmsg 65537",
            f"{CREATE_POSIX_QUEUE}: Invalid argument (maxmsg: 65537, msgsize: <number>, "
            "msg_max: <number>, msgsize_max: <number>)",
        ),
        (
            "-q -n /x",
            f"{CREATE_POSIX_QUEUE}: No space left on device (limit queues_max: 0)",
            with_queue_limit("queues_max", "0"),
        ),
        (
            "-q -n <name-beside-queue> --maxmsg 2 --msgsize 100",
            f"{CREATE_POSIX_QUEUE}: Too many open files (RLIMIT_MSGQUEUE: 0 bytes, "
            "queues here: 1960, needed: 392)",
            shell('ulimit -q 0; "$@"'),
        ),
        (
            "-s -n /x",
            f"{CREATE_POSIX_SEMAPHORE}: No space left on device (/dev/shm: 4096 of 4096 bytes, "
            "<number> of <number> files in use)",
            with_full_shm,
        ),
        (
            "-s -n /x",
            f"{CREATE_POSIX_SEMAPHORE}: a semaphore cannot be created in the /dev/shm of another "
            "process",
            with_another_process,
        ),
        (
            "-m 1 -s -n <posix-no-semaphore>",
            f"{CREATE_POSIX_SEMAPHORE}: File exists (<posix-no-semaphore> {no_semaphore_form(2)})",
        ),
        ("-Q -k <key-of-queue>", f"{CREATE_QUEUE}: File exists (key <key-of-queue> {KEY_TAKEN})"),
        (
            "-M 1 -k <key-of-segment>",
            f"{CREATE_SEGMENT}: File exists (key <key-of-segment> {KEY_TAKEN})",
        ),
        ("-S 1 -k <key-of-set>", f"{CREATE_SET}: File exists (key <key-of-set> {KEY_TAKEN})"),
        (
            "-M 5000 --exist-ok -k <key-of-segment>",
            f"{CREATE_SEGMENT}: the segment with key <key-of-segment> has less than 5000 bytes",
        ),
        (
            "-S 2 --exist-ok -k <key-of-set>",
            f"{CREATE_SET}: the semaphore set with key <key-of-set> has fewer than 2 semaphores",
        ),
        (
            "-Q --qbytes <over-msgmnb> --exist-ok -k <key-of-queue>",
            f"{CREATE_QUEUE}: the message queue with key <key-of-queue> has qbytes <msgmnb>, "
            "less than <over-msgmnb>",
        ),
        (
            "-M 4097",
            f"{CREATE_SEGMENT}: Invalid argument (size: 4097 bytes, shmmin: 1, shmmax: 4096)",
            with_limit("shmmax", "4096"),
        ),
        (
            "-M 8E",
            f"{CREATE_SEGMENT}: Invalid argument (size: 9223372036854775808 bytes, shmmin: 1, "
            "shmmax: <shmmax>, largest file: 9223372036854775807)",
        ),
        (
            "-M 1",
            f"{CREATE_SEGMENT}: Cannot allocate memory (size: 1 byte, memory: <number> bytes, "
            "swap: <number> bytes, commit limit: <number> bytes, committed: <number> bytes, "
            "vm.overcommit_memory: 2)",
            without_overcommit("shmget:error=ENOMEM"),
        ),
        (
            "-M 1",
            f"{CREATE_SEGMENT}: the kernel removes a segment that no process attaches "
            "(kernel.shm_rmid_forced is 1)",
            with_limit("shm_rmid_forced", "1"),
        ),
        ("-S 2147483647", f"{CREATE_SET}: Invalid argument (limit semmsl: <semmsl>)"),
        (
            "-Q",
            f"{CREATE_QUEUE}: No space left on device (limit msgmni: 0, in use: 0)",
            with_limit("msgmni", "0"),
        ),
        (
            "-M 1",
            f"{CREATE_SEGMENT}: No space left on device (limit shmall: 0 pages of <page> bytes, "
            "in use: 0)",
            with_limit("shmall", "0"),
        ),
        (
            "-S 5",
            f"{CREATE_SET}: No space left on device (limit semmns: 4, in use: 0)",
            with_limit("sem", "100 4 10 100"),
        ),
        ("-Q --qbytes 99999999", OVER_MSGMNB, as_nobody),
        (
            "-S 2 --values 1,1",
            "set values failed: Argument list too long (limit semopm: 1)",
            with_limit("sem", "100 1000 1 100"),
        ),
        (
            "-S 2 --values 1,1 -p 0",
            "set values failed: Permission denied",
            with_faults("semtimedop:error=EACCES", isolated=True),
        ),
        ("-Q --owner 12345", NO_UID, in_user_namespace('"$@"')),
        (
            "-M 1 -S 2147483647",
            f"could not clean up segment 0: Permission denied\n"
            f"pyipcs: {CREATE_SET}: Invalid argument (limit semmsl: <semmsl>)",
            with_faults("shmctl:error=EPERM", isolated=True),
        ),
        (
            "-Q -J",
            "message queue 0 was removed by another process",
            with_faults("msgctl:error=EINVAL", isolated=True),
        ),
    ],
}
