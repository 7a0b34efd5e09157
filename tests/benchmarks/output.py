"""The tables of the benchmarks."""

from pathlib import Path

from tests.benchmarks.measure import Command, Cost, in_turn
from tests.kit.program import PYIPCS

WIDTHS = (34, 13, 13, 9, 9, 9)


def compare(
    title: str, pairs: list[tuple[Command, Command]], rounds: int, *, terminal: bool = False
) -> None:
    """Compare commands of pyipcs with peers, which run into a pipe."""
    head(title)
    for ours, theirs in pairs:
        costs = in_turn(
            {"pyipcs": ours, "peer": theirs},
            rounds=rounds,
            terminal=["pyipcs"] if terminal else (),
        )
        row(_text(ours), _text(theirs), costs["pyipcs"], costs["peer"])


def _text(command: Command) -> str:
    program, *words = command
    return " ".join([*([] if program == PYIPCS else [Path(program).name]), *filter(None, words)])


def head(title: str) -> None:
    """Print the heading of a table."""
    words = (title, "pyipcs ms", "peer ms", "ratio", "KiB", "peer KiB")
    print("\n" + " ".join(f"{word:>{width}}" for word, width in zip(words, WIDTHS, strict=True)))


def row(label: str, peer: str, ours: Cost, theirs: Cost) -> None:
    """Print a row: times, their ratio and peak memory."""
    cells = (
        f"{label} : {peer}",
        f"{ours.seconds * 1000:.1f}",
        f"{theirs.seconds * 1000:.1f}",
        f"{ours.over(theirs):.2f}",
        f"{ours.peak or '-'}",
        f"{theirs.peak or '-'}",
    )
    print(
        " ".join(f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True)), flush=True
    )
