"""How time and memory grow with the number of objects and messages, each step double.

python -m tests.benchmarks.growth [FILE.svg]

The speed of a machine may change meanwhile. So each command runs in turn with one that is always
the same, and its time is told as it is at the speed that the first of these had.
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
from tests.benchmarks.objects import empty, fill
from tests.benchmarks.plot import Panel, svg
from tests.kit.kernel import IPC_CREAT, libc
from tests.kit.program import PYIPCS

ROUNDS = 5
_KEY = 0x5EED
_TERMINAL = "on a terminal"
# What is counted, up to the kernel's own limit where it has one, and the commands by their names.
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
}
_LINES = [16_000 << step for step in range(6)]
Costs = dict[str, list[tuple[int, Cost]]]


def main() -> None:
    """Print the tables, and draw them into a file."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(f"`import click`: {1000 * _speed():.1f} ms")
    panels = []
    for kind in _OBJECTS:
        panels += _to_command_error(kind, _of_objects(kind))
    panels += _to_command_error("messages", _of_messages())
    for path in sys.argv[1:]:
        Path(path).write_text(svg(panels))


def _of_objects(kind: str) -> Costs:
    steps, commands = _OBJECTS[kind]
    mine = {name: [PYIPCS, *words] for name, words in commands.items()}
    costs = _costs(steps, lambda count: fill(kind, count), mine)
    if kind == "queues":  # for the others the kernel lists more slowly than any program removes
        costs["rm --all"] = [(count, _removal(kind, count)) for count in steps]
    empty()
    return costs


def _removal(kind: str, count: int) -> Cost:
    return _cost([PYIPCS, "rm", "--all"], before=lambda: fill(kind, count))


def _of_messages() -> Costs:
    """Lines through a queue, as many as there are in a file."""
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
    """What a command takes at the speed that the machine had at first."""
    both = {"command": command, "same": CLICK}
    shown = ["command"] if terminal else []
    costs = in_turn(both, rounds=ROUNDS, before=before, terminal=shown)
    seconds = costs["command"].over(costs["same"]) * _speed()
    return Cost([seconds], costs["command"].peak)


@cache
def _speed() -> float:
    return in_turn({"same": CLICK}, rounds=ROUNDS)["same"].seconds


def _to_command_error(what: str, costs: Costs) -> list[Panel]:
    """Print what was measured; the diagrams of it."""
    print(f"\n{what:>16}", *(f"{count:>9,}" for count, _ in next(iter(costs.values()))))
    for name, points in costs.items():
        print(f"{name:>13} ms", *(f"{1000 * cost.seconds:>9.1f}" for _, cost in points))
        print(f"{'KiB':>16}", *(f"{cost.peak or 0:>9}" for _, cost in points), flush=True)
    times, peaks = {}, {}
    for name, points in costs.items():
        times[name] = [(count, 1000 * cost.seconds) for count, cost in points]
        peaks[name] = [(count, (cost.peak or 0) / 1024) for count, cost in points]
    return [Panel(f"Time by {what}", "ms", times), Panel(f"Peak memory by {what}", "MiB", peaks)]


if __name__ == "__main__":
    main()
