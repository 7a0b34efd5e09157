"""Refused objects and system calls: status, message and no change."""

import os
import re
from pathlib import Path

import pytest

from pyipcs.model import SYSV, Kind
from tests.kit import kernel
from tests.kit.kernel import NOBODY, Objects, everything
from tests.kit.program import as_nobody, invoke, load_all
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
    for words, needed in NEEDS[kind].items():
        result = as_nobody(*words.format(id=made).split())
        allowed = mode & needed == needed
        assert result.status == (0 if allowed else 1), (words, result)
        assert result.err == "" if allowed else REFUSED.fullmatch(result.err), (words, result)
    for words in OWNERS:
        line = words.format(id=made, kind=OPTIONS[kind], user=NOBODY)
        result = as_nobody(*line.split())
        assert result.status == 1, (line, result)
        assert REFUSED.fullmatch(result.err), (line, result)
    assert (kind, made) in everything()


# The System V calls that a sandbox may refuse.
CALLS = "msgget,msgsnd,msgrcv,msgctl,semget,semop,semtimedop,semctl,shmget,shmat,shmctl"
# Commands that need none of them, or fall back to /proc and print less.
WITHOUT = ("list", "key", "rm state", "rm dry", "run")


@pytest.mark.tools("strace")
@pytest.mark.parametrize("case", faults.CASES)
@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("ENOSYS", "System V IPC is not in this kernel, or a sandbox hides it"),
        ("EPERM", "permission denied|Operation not permitted"),
    ],
)
def test_command_in_a_sandbox_without_system_v_calls_fails_or_needs_none(
    case: str, error: str, words: str, isolated: None, own_mqueue: None, tmp_path: Path
) -> None:
    load_all()
    untouched = faults.World(tmp_path, case).remains()
    inject = ["-o", os.devnull, "-e", f"inject={CALLS}:error={error}"]
    ended = faults.World(tmp_path, case).run(case, *inject)
    faults.remove_all()
    if ended.result.status == 1:
        assert all(re.search(words, line) for line in ended.result.err.splitlines())
        assert ended.remains == untouched
    else:
        assert case.startswith(WITHOUT) or "posix" in case
        assert "Traceback" not in ended.result.err
