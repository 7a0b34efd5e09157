"""The table of real programs in tests/README.md, which this module prints as a program."""

from collections.abc import Callable, Sequence

from pyipcs.model import Kind
from tests.system.programs.by_hand import BY_HAND
from tests.system.programs.program import UNKNOWN, Made, Program
from tests.system.programs.required import REQUIRED

_HEADINGS = [
    *("program", "creates", "while it runs", "after SIGKILL", "removed", "starts again"),
    *("last run", "note"),
]


def table(programs: Sequence[Program] = (*REQUIRED, *BY_HAND)) -> str:
    """Return the table of programs, in Markdown."""
    rows = [_HEADINGS, ["---"] * len(_HEADINGS), *map(_row, programs)]
    return "".join(f"| {' | '.join(row)} |\n".replace("  |", " |") for row in rows)


def _row(program: Program) -> list[str]:
    return [
        program.name,
        ", ".join(_count(kind, made) for kind, made in program.made.items()),
        _states(program, lambda made: made.running),
        _states(program, lambda made: made.killed),
        _removed(program),
        "yes",
        program.last_run or "every run",
        program.note,
    ]


def _count(kind: Kind, made: Made) -> str:
    return f"{kind.value} (changing)" if made.changes else f"{made.count} {kind.value}"


def _states(program: Program, states: Callable[[Made], tuple[str, ...]]) -> str:
    """Return the states of each kind; kinds with the same states stand together."""
    kinds: dict[str, list[str]] = {}
    for kind, made in program.made.items():
        kinds.setdefault(" or ".join(states(made)) or "gone", []).append(kind.value)
    if len(kinds) == 1:
        return next(iter(kinds))
    return "; ".join(f"{', '.join(names)}: {state}" for state, names in kinds.items())


def _removed(program: Program) -> str:
    killed = [state for made in program.made.values() for state in made.killed]
    if not killed:
        return "nothing is left"
    return "all but unknown ones" if UNKNOWN in killed else "all"


if __name__ == "__main__":
    print(table(), end="")
