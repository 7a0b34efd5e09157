"""Benchmark of POSIX objects: python -m tests.benchmarks.posix [LSIPC].

It measures listings of /dev/shm, and messages through a queue. LSIPC is an lsipc(1) of util-linux
2.41 or later, by default that in PATH. The objects are in namespaces of its own.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.kit import isolation

_ISOLATION = isolation.enter()

from tests.benchmarks.measure import Command, in_turn  # noqa: E402 - after the namespaces
from tests.benchmarks.output import compare, head, row  # noqa: E402
from tests.kit.mqueue import queue  # noqa: E402
from tests.kit.posix import SHM, ShmFiles  # noqa: E402
from tests.kit.program import PYIPCS, run  # noqa: E402

FILES = [2_000, 20_000]
ROUNDS = 15
LINES, LINE_ROUNDS = 1_000_000, 7
_SINCE = (2, 41)
_SOURCE = Path(__file__).parent.parent / "c" / "mqueue.c"
_NAME = "/pyipcs-lines"


def main() -> None:
    """Print the tables."""
    if not _ISOLATION.shm:
        sys.exit(f"the benchmark needs a /dev/shm of its own: {_ISOLATION.why}")
    peer = sys.argv[1] if len(sys.argv) > 1 else shutil.which("lsipc") or ""
    all_cores = os.sched_getaffinity(0)
    # On one core: two cores can differ in speed, which would spoil the ratios.
    os.sched_setaffinity(0, {max(all_cores)})
    files = ShmFiles()
    for count in FILES:
        for number in range(count):
            files.file(f"psm_{number:08x}")
        pairs = [*_pairs(peer)]
        compare(f"{count:,} files in /dev/shm", pairs, ROUNDS)
        _memory(count)
        files.remove_all()
    if shutil.which("cc"):
        _messages("one core")
        os.sched_setaffinity(0, all_cores)
        _messages(f"{len(all_cores)} cores")


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


def _messages(cores: str) -> None:
    """Compare pyipcs and a minimal C program: lines through a queue of the default size."""
    head(f"{LINES:,} lines, {cores}")
    with TemporaryDirectory() as folder, queue(_NAME):
        program, lines = f"{folder}/mqueue", f"{folder}/lines"
        subprocess.run(["cc", "-O2", "-o", program, _SOURCE, "-lrt"], check=True)
        Path(lines).write_text("".join(f"{number}\n" for number in range(LINES)))
        theirs = f"{program} send {_NAME} 0", f"{program} recv {_NAME} {LINES}"
        ours = f"{PYIPCS} send {_NAME} -l", f"{PYIPCS} recv {_NAME} -n {LINES}"
        pairs = {
            "send -l, recv -n": ours,
            "C, recv -n": (theirs[0], ours[1]),
            "send -l, C": (ours[0], theirs[1]),
            "C, C": theirs,
        }
        commands = {
            label: ["sh", "-c", f"{sender} <{lines} & {receiver} >/dev/null; wait"]
            for label, (sender, receiver) in pairs.items()
        }
        costs = in_turn(commands, rounds=LINE_ROUNDS)
    peer = costs.pop("C, C")
    for label, cost in costs.items():
        row(label, "C, C", cost, peer)
    for label, cost in {"send -l, recv -n": costs["send -l, recv -n"], "C, C": peer}.items():
        print(f"{label}: {_spread(cost.rounds)}")


def _spread(rounds: Sequence[float]) -> str:
    return f"{min(rounds) * 1000:.0f} to {max(rounds) * 1000:.0f} ms"


def _memory(count: int) -> None:
    """Compare the peak memory with that of a listing of no file."""
    listing = [PYIPCS, "list", "-M"]
    costs = in_turn({"many": listing, "none": [PYIPCS, "list", "-S"]}, rounds=3)
    head(f"memory of {count:,} files")
    row("list -M", "list -S (no object)", costs["many"], costs["none"])


if __name__ == "__main__":
    main()
