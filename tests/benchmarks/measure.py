"""Time and peak memory of commands that run in turn."""

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from tempfile import NamedTemporaryFile
from typing import NamedTuple

from tests.kit.terminal import read_all, start

Command = Sequence[str]
# The lower bound of the start-up of every command of pyipcs.
CLICK: Command = [sys.executable, "-c", "import click"]


class Cost(NamedTuple):
    """The time and memory of one command.

    Attributes:
        rounds: seconds of each run.
        peak: peak memory in KiB; None without GNU time(1).
    """

    rounds: Sequence[float]
    peak: int | None

    @property
    def seconds(self) -> float:
        """Return the median of all runs."""
        return statistics.median(self.rounds)

    def over(self, other: "Cost") -> float:
        """Return the ratio to the time of a command that ran in turn.

        It is the median of the ratios of the rounds: within a round the machine's speed is the
        same.
        """
        pairs = zip(self.rounds, other.rounds, strict=True)
        return statistics.median(mine / theirs for mine, theirs in pairs)


def in_turn(
    commands: Mapping[str, Command],
    *,
    rounds: int,
    before: Callable[[], None] = lambda: None,
    terminal: Collection[str] = (),
) -> dict[str, Cost]:
    """Run the commands in turn, so that all meet the same load of the machine.

    Args:
        commands: the command lines by their labels.
        rounds: the number of runs of each command.
        before: a function to call before each run; its time does not count.
        terminal: the labels of the commands that run on a terminal; the others run into a pipe.
    """
    taken: dict[str, list[float]] = {label: [] for label in commands}
    for _ in range(rounds):
        for label, command in commands.items():
            before()
            taken[label].append(_run(command, terminal=label in terminal))
    costs = {}
    for label, command in commands.items():
        before()
        costs[label] = Cost(taken[label], _peak(command, terminal=label in terminal))
    return costs


def _run(command: Command, *, terminal: bool) -> float:
    began = time.perf_counter()
    if terminal:
        process, screen = start(command)
        read_all(screen)
        status = process.wait()
    else:
        status = subprocess.run(command, stdout=subprocess.PIPE, check=False).returncode
    taken = time.perf_counter() - began
    if status != 0:
        raise RuntimeError(f"{' '.join(command)}: status {status}")
    return taken


def _peak(command: Command, *, terminal: bool) -> int | None:
    # ru_maxrss includes the memory of the forking process, so time(1), a small one, forks it.
    gnu_time = shutil.which("time")
    if not gnu_time:
        return None
    with NamedTemporaryFile("r") as file:
        _run([gnu_time, "-f", "%M", "-o", file.name, *command], terminal=terminal)
        return int(file.read())
