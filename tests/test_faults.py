"""System calls that fail once, one after the other: see tests/trials/faults.py."""

from pathlib import Path

import pytest

from tests.kit.program import need_tool
from tests.trials import faults

# Those that are quick; the trial itself has all.
CASES = ["list json", "make", "rm keys", "send lines", "recv two", "set values", "op", "write file"]


@pytest.mark.parametrize("case", CASES)
def test_a_call_that_fails_is_told(case: str, isolated: None, tmp_path: Path) -> None:
    need_tool("strace")
    faults.load_all()
    tally = faults.fail_each(case, tmp_path, most=2)
    faults.remove_all()
    assert not tally.complaints
    assert tally.ends["refused"] + tally.ends["partly"] > 1
