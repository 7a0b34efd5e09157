"""The System V calls of each command: none is made twice for one answer."""

import re
from collections.abc import Iterator

import pytest

from tests.kit.kernel import Objects, send
from tests.kit.program import PYIPCS, run

pytestmark = pytest.mark.tools("strace")
_CALLS = "msgctl,msgget,msgsnd,msgrcv,semctl,semget,semtimedop,shmctl,shmget,shmat"
_COMMAND = re.compile(r"(?:[A-Z]+_(?:STAT_ANY|STAT|INFO|SET|RMID)|SETALL|SETVAL)\b")
KEY = "0x5eec"


@pytest.fixture
def names(objects: Objects, isolated: None) -> Iterator[dict[str, str]]:
    """Create an object of each kind, all with one key."""
    number = int(KEY, 16)
    queue = objects.queue(number)
    send(queue)
    array, segment = objects.semaphores(number, nsems=2), objects.segment(number, size=8192)
    yield {"queue": str(queue), "array": str(array), "segment": str(segment), "key": KEY}
    objects.adopt_all()


def calls(*args: str) -> list[str]:
    """Return the System V calls of a command, *ctl(2) by its command."""
    lines = run("strace", "-f", "-e", f"trace={_CALLS}", PYIPCS, *args).err.splitlines()
    found: list[str] = []
    for line in lines:
        if match := re.match(r"(?:\[pid +\d+\] )?((?:msg|sem|shm)\w+)\(", line):
            command = _COMMAND.search(line)
            found.append(command[0] if command and "ctl" in match[1] else match[1])
    return found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("send {queue} a", ["MSG_STAT_ANY", "msgget", "IPC_INFO", "msgsnd"]),
        ("send {key} a", ["msgget", "IPC_INFO", "MSG_STAT_ANY", "msgsnd"]),
        ("recv {queue}", ["MSG_STAT_ANY", "msgget", "msgrcv"]),
        ("recv {key}", ["msgget", "msgrcv"]),
        ("set -q {queue} --mode 600", ["MSG_STAT_ANY", "IPC_SET"]),
        ("set -q {key} --qbytes 100", ["msgget", "MSG_STAT_ANY", "IPC_SET"]),
        ("set -s {array} --values 1,2 --mode 600", ["SEM_STAT_ANY", "SETALL", "IPC_SET"]),
        ("set -s {key} --value 0=3", ["semget", "SEM_STAT_ANY", "SETVAL"]),
        ("set -m {segment} --mode 600", ["SHM_STAT_ANY", "IPC_SET"]),
        ("stat -q {queue}", ["MSG_STAT_ANY"]),
        ("stat -q {key}", ["msgget", "MSG_STAT_ANY"]),
        ("stat -m {segment}", ["SHM_STAT_ANY"]),
        ("op {array} V", ["IPC_INFO", "SEM_STAT_ANY", "semtimedop"]),
        ("op {key} V", ["IPC_INFO", "semget", "semtimedop"]),
        ("op {array} 5+1", ["IPC_INFO", "SEM_STAT_ANY", "semtimedop"]),
        # sysv_ipc reads the size with IPC_STAT; the second SHM_INFO follows mincore(2).
        ("read {segment}", ["SHM_STAT_ANY", "shmat", "IPC_STAT", "SHM_INFO", "SHM_INFO"]),
        ("write {segment} a", ["SHM_STAT_ANY", "shmat", "IPC_STAT"]),
        ("make -Q -k {key} --exist-ok --qbytes 9 -J", ["msgget", "msgget", "MSG_STAT_ANY"]),
        ("make -M 1 -k {key} --exist-ok -J", ["shmget", "shmget", "SHM_STAT_ANY"]),
        ("make -M 8K -J", ["shmget", "SHM_STAT_ANY"]),
        ("rm -q {queue}", ["IPC_RMID"]),
        ("rm -M {key}", ["shmget", "IPC_RMID"]),
        ("list -q -i {queue}", ["MSG_STAT_ANY"]),
    ],
)
def test_command_makes_no_call_twice(names: dict[str, str], line: str, expected: list[str]) -> None:
    assert calls(*line.format(**names).split()) == expected


def test_key_verbose_asks_for_each_kind_once(names: dict[str, str], tmp_path: object) -> None:
    assert calls("key", "-v", str(tmp_path)) == ["msgget", "shmget", "semget"]
