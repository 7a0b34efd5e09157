"""pyipcs make -M: the reasons for a refused segment."""

import os
import re
from pathlib import Path

import pytest

from tests.kit.program import invoke

KERNEL = Path("/proc/sys/kernel")


@pytest.mark.parametrize(
    ("size", "number"), [("8E", 2**63), ("10E", 10 * 2**60), (str(2**64 - 1), 2**64 - 1)]
)
def test_make_size_over_the_largest_reports_the_limits(size: str, number: int) -> None:
    shmmax = int((KERNEL / "shmmax").read_text())
    bounds = f"size: {number} bytes, shmmin: 1, shmmax: {shmmax}"
    if number <= shmmax:
        bounds += f", largest file: {2**63 - 1}"
    words = f"pyipcs: create share memory failed: Invalid argument ({bounds})\n"
    assert invoke("make", "-M", size) == (1, "", words)


def test_make_size_over_the_memory_reports_memory_and_overcommit() -> None:
    mode = Path("/proc/sys/vm/overcommit_memory").read_text().strip()
    if mode == "1":
        pytest.skip("the kernel refuses no size (vm.overcommit_memory is 1)")
    size = 2**62
    result = invoke("make", "-M", str(size))
    assert (result.status, result.out) == (1, "")
    page = os.sysconf("SC_PAGESIZE")
    memory = os.sysconf("SC_PHYS_PAGES") * page
    found = re.fullmatch(
        r"pyipcs: create share memory failed: Cannot allocate memory "
        rf"\(size: {size} bytes, memory: (\d+) bytes, swap: \d+ bytes, .*"
        rf"vm\.overcommit_memory: {mode}\)\n",
        result.err,
    )
    assert found
    assert abs(int(found[1]) - memory) < page
