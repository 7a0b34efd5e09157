"""Refused objects and system calls: status, message and no change."""

import errno
import os
import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pytest

from pyipcs.model import POSIX, SYSV, Kind
from tests.kit import kernel
from tests.kit.child import (
    become_capable,
    call_number,
    drop_privileges,
    in_child,
    refuse_calls,
)
from tests.kit.kernel import NOBODY, Objects, everything
from tests.kit.population import existing
from tests.kit.posix_objects import PosixObjects
from tests.kit.program import Result, become_nobody, inline, invoke, load_all, ordinary
from tests.trials import faults

KEY = 0x5EED
READ, WRITE = 4, 2
# The rights that a command line needs (msgop(2), shmop(2), semop(2), semctl(2)); 0: none.
NEEDS = {
    Kind.QUEUE: {
        "send 0x5eed -t 2 more": WRITE,
        "recv 0x5eed --peek": READ,
        "recv 0x5eed --nowait": READ,
        "stat {id} -q": 0,
        "list -q -i {id}": 0,
        "list -q": 0,
    },
    Kind.SEGMENT: {
        "read 0x5eed": READ,
        "write 0x5eed more": READ | WRITE,
        "stat {id} -m": 0,
        "list -m -i {id}": 0,
        "list -m": 0,
    },
    Kind.SEMAPHORE: {
        "op 0x5eed Z --nowait": READ,
        "op 0x5eed V": WRITE,
        "set {id} -s --value 0=0": WRITE,
        "stat {id} -s": 0,
        "list -s -i {id}": READ,  # as with ipcs(1), because it shows the values
        "list -s": 0,
    },
}
# Only an owner may do these, whatever the mode.
OWNERS = ("set {id} {kind} --mode 666", "set {id} {kind} --owner {user}", "rm {kind} {id}")
OPTIONS = {Kind.QUEUE: "-q", Kind.SEGMENT: "-m", Kind.SEMAPHORE: "-s"}
REFUSED = re.compile(
    r"pyipcs: (?:(?:0x5eed|(?:id )?\d+):.* (?:Permission denied|Operation not permitted)"
    r"|permission denied for id \(\d+\))(?:[ ;].*)?\n"
)
# Users without any other right, and the position of their bits in a mode.
SHARES = {"others": 0, "its group": 3}


def in_one_process(lines: Iterable[str], become: Callable[[], object]) -> list[Result]:
    """Return the results of command lines in a child, which calls `become` before them."""
    load_all()  # another user may not be able to read the modules
    return in_child(lambda: [inline(*line.split()) for line in lines], become)


@pytest.mark.root
@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("mode", range(8))
@pytest.mark.parametrize("kind", SYSV)
def test_command_on_an_object_of_another_user_needs_its_mode(
    kind: Kind, mode: int, share: str, objects: Objects, isolated: None
) -> None:
    """A refused command prints one line, has status 1, changes nothing."""
    made = objects.make(kind, key=KEY, mode=mode << SHARES[share])
    if share == "its group":
        given = ("set", str(made), OPTIONS[kind], "--owner", f"0:{NOBODY}")
        assert invoke(*given) == (0, "", "")
    if kind is Kind.QUEUE:
        kernel.send(made, b"hello")
    rights = [mode & needed == needed for needed in NEEDS[kind].values()] + [False] * len(OWNERS)
    lines = [
        words.format(id=made, kind=OPTIONS[kind], user=NOBODY) for words in (*NEEDS[kind], *OWNERS)
    ]
    results = in_one_process(lines, become_nobody)
    for line, allowed, result in zip(lines, rights, results, strict=True):
        assert result.status == (0 if allowed else 1), (line, result)
        assert result.err == "" if allowed else REFUSED.fullmatch(result.err), (line, result)
    assert (kind, made) in everything()


# The same for POSIX objects (mq_open(3), sem_open(3), open(2)).
POSIX_NEEDS = {
    Kind.POSIX_QUEUE: {
        "send /x more": WRITE,
        "recv /x --nowait": READ,
        "list -Q": 0,
    },
    Kind.POSIX_SEGMENT: {
        "read /x": READ,
        "write /x more": WRITE,
        "stat -m /x": 0,
        "list -M -N /x": 0,
        "list -M": 0,
    },
    Kind.POSIX_SEMAPHORE: {
        "op /x V": READ | WRITE,
        "op /x P --nowait": READ | WRITE,
        "stat -s /x": 0,
        "list -S -N /x": 0,
        "list -S": 0,
    },
}
# /dev/shm and /dev/mqueue are sticky (unlink(2)).
POSIX_OWNERS = ("set /x --mode 666", f"set /x --owner {NOBODY}", "rm /x")
POSIX_REFUSED = re.compile(
    r"pyipcs: (?:/x:.* (?:Permission denied|Operation not permitted)"
    r"|permission denied for name `/x')(?:[ ;].*)?\n"
)


@pytest.mark.root
@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("mode", range(8))
@pytest.mark.parametrize("kind", POSIX)
def test_command_on_a_posix_object_of_another_user_needs_its_mode(
    kind: Kind, mode: int, share: str, posix_objects: PosixObjects
) -> None:
    """A refused command prints one line, has status 1, changes nothing."""
    path = posix_objects.make(kind, "x", mode=mode << SHARES[share], messages=1)
    if share == "its group":
        os.chown(path, 0, NOBODY)
    before = path.stat()
    needs = POSIX_NEEDS[kind]
    rights = [mode & needed == needed for needed in needs.values()] + [False] * len(POSIX_OWNERS)
    lines = [*needs, *POSIX_OWNERS]
    results = in_one_process(lines, drop_privileges)
    for line, allowed, result in zip(lines, rights, results, strict=True):
        assert result.status == (0 if allowed else 1), (line, result)
        if line != "list -Q":  # others than root see the queues that they can open
            assert result.err == "" if allowed else POSIX_REFUSED.fullmatch(result.err), line
    after = path.stat()
    assert (after.st_ino, after.st_mode, after.st_uid) == (before.st_ino, before.st_mode, 0)


# Commands on objects of both families, with the capability that each needs on objects of another
# user that its mode excludes. Some other ones have the same effect.
CAPABILITIES = {
    "CAP_CHOWN": 0,
    "CAP_DAC_OVERRIDE": 1,
    "CAP_DAC_READ_SEARCH": 2,
    "CAP_FOWNER": 3,
    "CAP_KILL": 5,
    "CAP_IPC_LOCK": 14,
    "CAP_IPC_OWNER": 15,
    "CAP_SYS_PTRACE": 19,
    "CAP_SYS_ADMIN": 21,
    "CAP_LEASE": 28,
}
WITH_CAPABILITY = {
    "send 0x5eed more": {"CAP_IPC_OWNER"},
    "recv 0x5eed --nowait": {"CAP_IPC_OWNER"},
    "write 0x5eee more": {"CAP_IPC_OWNER"},
    "read 0x5eee": {"CAP_IPC_OWNER"},
    "op 0x5eef V": {"CAP_IPC_OWNER"},
    "set 0x5eed --mode 666": {"CAP_SYS_ADMIN"},
    "rm 0x5eed": {"CAP_SYS_ADMIN"},
    "rm 0x5eee": {"CAP_SYS_ADMIN"},
    "rm 0x5eef": {"CAP_SYS_ADMIN"},
    "send /pmsg more": {"CAP_DAC_OVERRIDE"},
    "recv /pmsg --nowait": {"CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"},
    "write /pshm more": {"CAP_DAC_OVERRIDE"},
    "read /pshm": {"CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"},
    "op /psem V": {"CAP_DAC_OVERRIDE"},
    "set -m /pshm --mode 666": {"CAP_FOWNER"},
    f"set -m /pshm --owner {NOBODY}": {"CAP_CHOWN"},
    "rm --posix-shmem /pshm": {"CAP_FOWNER"},
    "rm --posix-semaphore /psem": {"CAP_FOWNER"},
}


@pytest.mark.slow
@pytest.mark.root
@pytest.mark.parametrize("capability", CAPABILITIES)
def test_command_on_an_object_of_another_user_needs_its_capability(
    capability: str, objects: Objects, posix_objects: PosixObjects
) -> None:
    """A refused command prints one line, has status 1, changes nothing."""
    for words, sufficient in WITH_CAPABILITY.items():
        for number, kind in enumerate(SYSV):
            objects.make(kind, key=KEY + number, mode=0o600)
        kernel.send(next(iter(kernel.ids(Kind.QUEUE))), b"hello")
        for kind in POSIX:
            posix_objects.make(kind, kind.value, mode=0o600, messages=1)
        before = existing()
        become = partial(become_capable, CAPABILITIES[capability])
        result = ordinary(*words.split(), become=become)
        allowed = capability in sufficient
        assert result.status == (0 if allowed else 1), (words, result)
        assert result.err.count("\n") == (0 if allowed else 1), (words, result)
        assert (existing() == before) == (not allowed or not words.startswith("rm")), words
        objects.remove_all()
        posix_objects.remove_all()


# The calls of System V objects and of POSIX queues that a sandbox may refuse.
CALLS = "msgget msgsnd msgrcv msgctl semget semop semtimedop semctl shmget shmat shmctl"
CALLS += " mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr"
# Commands that need none of them, or fall back to files and print less.
WITHOUT = (
    *("list", "key", "rm state", "rm dry", "run"),
    *(f"{command} posix" for command in ("op", "read", "write", "stat", "set", "rm")),
)


@pytest.mark.parametrize("case", faults.CASES)
@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(
            errno.ENOSYS,
            "(System V IPC|POSIX message queues?) (is|are) not in this kernel",
            id="ENOSYS",
        ),
        pytest.param(errno.EPERM, "permission denied|Operation not permitted", id="EPERM"),
    ],
)
def test_command_in_a_sandbox_without_the_calls_fails_or_needs_none(
    case: str, error: int, words: str, isolated: None, own_mqueue: None, tmp_path: Path
) -> None:
    load_all()
    untouched = faults.World(tmp_path, case).remains()
    refuse = partial(refuse_calls, [call_number(name) for name in CALLS.split()], error)
    ended = faults.World(tmp_path, case).fork(case, first=refuse)
    faults.remove_all()
    if ended.result.status == 1:
        # `run` starts ipcmk, which reports its own refusal.
        pattern = "^ipcmk: " if "ipcmk" in faults.CASES[case] else words
        assert ended.result.err
        assert all(re.search(pattern, line) for line in ended.result.err.splitlines())
        if case.startswith("rm posix"):  # it removes those that are no queues
            queues = {one for one in untouched.objects if one.startswith(("queue", "named"))}
            assert queues <= {*ended.remains.objects}
        else:
            assert ended.remains == untouched
    else:
        assert case.startswith(WITHOUT)
        assert "Traceback" not in ended.result.err
