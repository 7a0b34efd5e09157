"""Run commands in turn, and tell how long each took and how much memory it had."""

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
# What no command of pyipcs can start faster than.
CLICK: Command = [sys.executable, "-c", "import click"]


class Cost(NamedTuple):
    """What a command took."""

    rounds: Sequence[float]  # seconds
    peak: int | None  # KiB; None where there is no GNU time(1) to tell it

    @property
    def seconds(self) -> float:
        """The median of all runs."""
        return statistics.median(self.rounds)

    def over(self, other: "Cost") -> float:
        """How many times what another command took that ran in turn with this one.

        It is the median over the rounds, in each of which the machine was at the same speed.
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
    """Run the commands in turn, so that all share whatever the machine is at.

    Args:
        commands: the command lines by their labels.
        rounds: how often.
        before: called before each run, and not timed.
        terminal: the labels of those that run on a terminal; all others run into a pipe.
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
    # A process's maximum counts that of the process that forked it, so that has to be a small one.
    gnu_time = shutil.which("time")
    if not gnu_time:
        return None
    with NamedTemporaryFile("r") as file:
        _run([gnu_time, "-f", "%M", "-o", file.name, *command], terminal=terminal)
        return int(file.read())
