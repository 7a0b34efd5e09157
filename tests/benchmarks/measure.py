"""Run commands in turn, and tell how long each took and how much memory it had."""

import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

Command = Sequence[str]


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
    commands: dict[str, Command],
    *,
    rounds: int,
    before: Callable[[], None] = lambda: None,
) -> dict[str, Cost]:
    """Run the commands in turn, into a pipe, so that all share whatever the machine is at.

    Args:
        commands: the command lines by their labels.
        rounds: how often.
        before: called before each run, and not timed.
    """
    taken: dict[str, list[float]] = {label: [] for label in commands}
    for _ in range(rounds):
        for label, command in commands.items():
            before()
            taken[label].append(_run(command))
    costs = {}
    for label, command in commands.items():
        before()
        costs[label] = Cost(taken[label], _peak(command))
    return costs


def _run(command: Command) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    taken = time.perf_counter() - start
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: status {done.returncode}")
    return taken


def _peak(command: Command) -> int | None:
    # A process's maximum counts that of the process that forked it, so that has to be a small one.
    gnu_time = shutil.which("time")
    if not gnu_time:
        return None
    done = subprocess.run(
        [gnu_time, "-f", "%M", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    return int(done.stderr.split()[-1])
