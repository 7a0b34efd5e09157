"""Benchmark of listings of /dev/shm: python -m tests.benchmarks.posix [LSIPC].

LSIPC is an lsipc(1) of util-linux 2.41 or later, by default that in PATH. It runs with an empty
/dev/shm of its own.
"""

import os
import re
import shutil
import sys

from tests.kit import isolation

_ISOLATION = isolation.enter()

from tests.benchmarks.measure import Command, in_turn  # noqa: E402 - after the namespaces
from tests.benchmarks.output import compare, head, row  # noqa: E402
from tests.kit.posix import SHM, ShmFiles  # noqa: E402
from tests.kit.program import PYIPCS, run  # noqa: E402

FILES = [2_000, 20_000]
ROUNDS = 15
_SINCE = (2, 41)


def main() -> None:
    """Print the tables."""
    if not _ISOLATION.shm:
        sys.exit(f"the benchmark needs a /dev/shm of its own: {_ISOLATION.why}")
    peer = sys.argv[1] if len(sys.argv) > 1 else shutil.which("lsipc") or ""
    # On one core: two cores can differ in speed, which would spoil the ratios.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    files = ShmFiles()
    for count in FILES:
        for number in range(count):
            files.file(f"psm_{number:08x}")
        pairs = [*_pairs(peer)]
        compare(f"{count:,} files in /dev/shm", pairs, ROUNDS)
        _memory(count)
        files.remove_all()


def _pairs(peer: str) -> list[tuple[Command, Command]]:
    """Return the commands to compare: of pyipcs, and their peers."""
    ls = ["ls", "-l", str(SHM)]
    pairs: list[tuple[Command, Command]] = [([PYIPCS, "list", "-M"], ls)]
    if peer and _version(peer) >= _SINCE:
        pairs.append(([PYIPCS, "list", "-M"], [peer, "-M"]))
        pairs.append(([PYIPCS, "list", "-M", "-J"], [peer, "-M", "-J"]))
    pairs.append(([PYIPCS, "list", "-M", "-f", "csv", "-o", "NAME,SIZE"], ls))
    pairs.append(([PYIPCS, "--complete", "name:pshm", ""], [sys.executable, "-c", "pass"]))
    return pairs


def _version(peer: str) -> tuple[int, ...]:
    found = re.search(r"(\d+)\.(\d+)", run(peer, "--version").out)
    return tuple(map(int, found.groups())) if found else (0,)


def _memory(count: int) -> None:
    """Compare the peak memory with that of a listing of no file."""
    listing = [PYIPCS, "list", "-M"]
    costs = in_turn({"many": listing, "none": [PYIPCS, "list", "-S"]}, rounds=3)
    head(f"memory of {count:,} files")
    row("list -M", "list -S (no object)", costs["many"], costs["none"])


if __name__ == "__main__":
    main()
