"""Faults in the system calls of quick commands, and shortages: see faults.py, shortages.py."""

from pathlib import Path

import pytest

from tests.kit.posix import ShmFiles
from tests.kit.program import load_all
from tests.trials import faults, shortages

CASES = ["make", "rm keys", "recv two", "set values", "op"]
CASES += ["send posix lines", "make posix sizes", "read posix"]
# Further cases, which do not run each time.
TRIALS = ["list json", "send lines", "write file", "recv posix exec", "rm posix dry"]
TRIALS += ["op posix timed", "op posix waiting", "write posix input"]


@pytest.mark.slow
@pytest.mark.tools("strace")
@pytest.mark.parametrize(
    "case", [*CASES, *(pytest.param(case, marks=pytest.mark.trial) for case in TRIALS)]
)
def test_failing_system_call_is_reported(
    case: str, shm: ShmFiles, own_mqueue: None, isolated: None, tmp_path: Path
) -> None:
    load_all()
    tally = faults.fail_each(case, tmp_path, most=2)
    faults.remove_all()
    assert not tally.complaints
    assert tally.outcomes["refused"] + tally.outcomes["partly"] > 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("descriptors", "recv posix exec"),
        ("descriptors", "make both"),
        ("memory", "rm posix state"),
        ("size of files", "make posix"),
        ("memory of queues", "make posix"),
        pytest.param("pages of /dev/shm", "make posix", marks=pytest.mark.root),
        pytest.param("inodes of /dev/shm", "make both", marks=pytest.mark.root),
        pytest.param("kernel.msgmni", "make both", marks=pytest.mark.root),
        pytest.param("kernel.shmall", "make both", marks=pytest.mark.root),
        pytest.param("fs.mqueue.queues_max", "make posix", marks=pytest.mark.root),
    ],
)
def test_command_without_a_resource_changes_nothing_or_all(
    name: str, case: str, shm: ShmFiles, own_mqueue: None, isolated: None, tmp_path: Path
) -> None:
    load_all()
    tally = shortages.starve([case], tmp_path, shortages.SHORTAGES[name], every=4)
    faults.remove_all()
    assert not tally.complaints
    assert tally.outcomes["refused"] + tally.outcomes["partly"]
