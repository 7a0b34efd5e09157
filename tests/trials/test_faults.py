"""Faults in the system calls of quick commands: see faults.py."""

from pathlib import Path

import pytest

from tests.kit.posix import ShmFiles
from tests.kit.program import load_all
from tests.trials import faults

CASES = ["list json", "make", "rm keys", "send lines", "recv two", "set values", "op", "write file"]
CASES += ["send posix lines", "recv posix exec"]
CASES += ["op posix timed", "op posix waiting", "read posix", "write posix input"]


@pytest.mark.slow
@pytest.mark.tools("strace")
@pytest.mark.parametrize("case", CASES)
def test_failing_system_call_is_reported(
    case: str, shm: ShmFiles, own_mqueue: None, isolated: None, tmp_path: Path
) -> None:
    load_all()
    tally = faults.fail_each(case, tmp_path, most=2)
    faults.remove_all()
    assert not tally.complaints
    assert tally.outcomes["refused"] + tally.outcomes["partly"] > 1
