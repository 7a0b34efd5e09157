"""Growth of time and memory with the number of objects, messages and processes.

python -m tests.benchmarks.growth [FILE.svg]

The speed of a machine can change during the run. Each command therefore runs in turn with a
reference command, and its time is scaled to the first time of the reference.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.kit import isolation

if __name__ == "__main__":
    isolation.enter()

from tests.benchmarks.measure import CLICK, Command, Cost, in_turn
from tests.benchmarks.objects import empty, fill, processes
from tests.benchmarks.plot import Panel, svg
from tests.kit.kernel import IPC_CREAT, libc
from tests.kit.program import PYIPCS

ROUNDS = 5
_KEY = 0x5EED
_TERMINAL = "on a terminal"
# The kinds: their numbers of objects, up to the kernel's limit, and the commands by their names.
_OBJECTS: dict[str, tuple[Sequence[int], dict[str, list[str]]]] = {
    "queues": (
        [1_000 << step for step in range(6)],
        {
            "list": ["list", "-q"],
            "list -J": ["list", "-q", "-J"],
            "list -o +STATE": ["list", "-q", "-o", "+STATE"],
            _TERMINAL: ["list", "-q"],
        },
    ),
    "segments": (
        [128 << step for step in range(6)],
        {"list": ["list", "-m"], "list -J": ["list", "-m", "-J"]},
    ),
    "sets": (
        [1_000 << step for step in range(6)],
        {"list": ["list", "-s"], "list -J": ["list", "-s", "-J"]},
    ),
    # More than 256 need root.
    "POSIX queues": (
        [250 << step for step in range(6)],
        {
            "list": ["list", "-Q"],
            "list -J": ["list", "-Q", "-J"],
            "list -o +STATE": ["list", "-Q", "-o", "+STATE"],
            _TERMINAL: ["list", "-Q"],
        },
    ),
    "POSIX segments": (
        [1_000 << step for step in range(6)],
        {
            "list": ["list", "-M"],
            "list -J": ["list", "-M", "-J"],
            "list -o +STATE": ["list", "-M", "-o", "+STATE"],
            _TERMINAL: ["list", "-M"],
        },
    ),
    "POSIX semaphores": (
        [1_000 << step for step in range(6)],
        {"list": ["list", "-S"], "list -J": ["list", "-S", "-J"]},
    ),
}
_REMOVALS = {"queues": ["--all"], "POSIX segments": ["--all=pshm", "--orphaned"]}
_PROCESSES = [250 << step for step in range(5)]
# The first reads the waits of each process, the second also the maps. The third needs no process,
# because a lease shows that nobody has the segment open; the fourth reads one process.
_SCANS = {
    "list -q -o +STATE": ["list", "-q", "-o", "+STATE"],
    "list -m -o +REASON": ["list", "-m", "-o", "+REASON"],
    "list -M -o +USERS": ["list", "-M", "-o", "+USERS"],
    "list --used-by": ["list", "-a", "--posix", "--used-by", str(os.getpid())],
}
_QUEUES_MAX = 10_000
_LINES = [16_000 << step for step in range(6)]
Costs = dict[str, list[tuple[int, Cost]]]


def main() -> None:
    """Print the tables, and draw charts into the files that are named."""
    if os.geteuid() == 0:
        Path("/proc/sys/fs/mqueue/queues_max").write_text(str(_QUEUES_MAX))
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(f"`import click`: {1000 * _speed():.1f} ms")
    panels = []
    for kind in _OBJECTS:
        if kind != "POSIX queues" or os.geteuid() == 0:
            panels += _print_costs(kind, _of_objects(kind))
    panels += _print_costs("processes", _of_processes())
    panels += _print_costs("messages", _of_messages())
    for path in sys.argv[1:]:
        Path(path).write_text(svg(panels))


def _of_objects(kind: str) -> Costs:
    steps, commands = _OBJECTS[kind]
    mine = {name: [PYIPCS, *words] for name, words in commands.items()}
    costs = _costs(steps, lambda count: fill(kind, count), mine)
    if kind in _REMOVALS:  # for other kinds the kernel's listing takes longer than the removal
        words = _REMOVALS[kind]
        name = " ".join(["rm", *words])
        costs[name] = [(count, _removal(kind, count, words)) for count in steps]
    empty()
    return costs


def _removal(kind: str, count: int, words: Sequence[str]) -> Cost:
    return _cost([PYIPCS, "rm", "--yes", *words], before=lambda: fill(kind, count))


def _of_processes() -> Costs:
    """Measure the scans of /proc for one object of each kind."""
    for kind in _OBJECTS:
        fill(kind, 1)
    costs: Costs = {name: [] for name in _SCANS}
    for count in _PROCESSES:
        with processes(count):
            for name, words in _SCANS.items():
                costs[name].append((count, _cost([PYIPCS, *words])))
    empty()
    return costs


def _of_messages() -> Costs:
    """Measure the transfer of the lines of a file through a queue."""
    libc.msgget(_KEY, IPC_CREAT | 0o600)
    with TemporaryDirectory() as folder:
        file = Path(folder, "lines")
        send = f"{PYIPCS} send {_KEY:#x} -l <{file}"
        recv = f'{PYIPCS} recv {_KEY:#x} -n "$(wc -l <{file})"'
        script = f"{send} & {recv} || exit; wait $!"

        def write(count: int) -> None:
            file.write_text("".join(f"{number}\n" for number in range(count)))

        costs = _costs(_LINES, write, {"send -l, recv -n": ["sh", "-c", script]})
    empty()
    return costs


def _costs(
    steps: Sequence[int], prepare: Callable[[int], None], commands: Mapping[str, Command]
) -> Costs:
    costs: Costs = {name: [] for name in commands}
    for count in steps:
        prepare(count)
        for name, command in commands.items():
            costs[name].append((count, _cost(command, terminal=name == _TERMINAL)))
    return costs


def _cost(
    command: Command, *, before: Callable[[], None] = lambda: None, terminal: bool = False
) -> Cost:
    """Measure a command; scale its time to the first speed of the machine."""
    both = {"command": command, "reference": CLICK}
    shown = ["command"] if terminal else []
    costs = in_turn(both, rounds=ROUNDS, before=before, terminal=shown)
    seconds = costs["command"].over(costs["reference"]) * _speed()
    return Cost([seconds], costs["command"].peak)


@cache
def _speed() -> float:
    return in_turn({"reference": CLICK}, rounds=ROUNDS)["reference"].seconds


def _print_costs(subject: str, costs: Costs) -> list[Panel]:
    """Print a table; return its charts."""
    print(f"\n{subject:>27}", *(f"{count:>9,}" for count, _ in next(iter(costs.values()))))
    for name, points in costs.items():
        print(f"{name:>24} ms", *(f"{1000 * cost.seconds:>9.1f}" for _, cost in points))
        print(f"{'KiB':>27}", *(f"{cost.peak or 0:>9}" for _, cost in points), flush=True)
    times, peaks = {}, {}
    for name, points in costs.items():
        times[name] = [(count, 1000 * cost.seconds) for count, cost in points]
        peaks[name] = [(count, (cost.peak or 0) / 1024) for count, cost in points]
    return [
        Panel(f"Time by {subject}", "ms", times),
        Panel(f"Peak memory by {subject}", "MiB", peaks),
    ]


if __name__ == "__main__":
    main()
