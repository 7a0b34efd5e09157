"""The semaphores of a set for people: all of them, or a summary and the notable ones."""

from collections.abc import Callable, Iterator, Sequence
from heapq import nsmallest
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from pyipcs.model import Semaphore

_MANY = 32  # semaphores; larger sets are condensed
_HINT = "(--wide shows all)"
_without_num = itemgetter(slice(1, None))


class Run(NamedTuple):
    """Consecutive semaphores that are equal.

    Attributes:
        one: the first of them.
        last: the number of the last.
    """

    one: Semaphore
    last: int

    @property
    def label(self) -> str:
        """The numbers in the notation of op."""
        first = self.one.num
        return str(first) if first == self.last else f"{first}:{self.last}"

    @property
    def length(self) -> int:
        """The number of semaphores."""
        return self.last - self.one.num + 1


class Shown(NamedTuple):
    """The semaphores of a set that a layout shows.

    Attributes:
        runs: the semaphores in their order.
        summary: the values of all semaphores, and the numbers of those that processes wait for and
            of the last users; empty if all are shown.
        rest: a note on the semaphores that are left out; empty if there are none.
    """

    runs: Sequence[Run]
    summary: str = ""
    rest: str = ""


def whole(semaphores: Sequence[Semaphore]) -> Shown:
    """Return all semaphores, each by itself."""
    return Shown([Run(one, one.num) for one in semaphores])


def condensed(semaphores: Sequence[Semaphore], number: Callable[[int], str]) -> Shown:
    """Return the semaphores that are not 0 or waited for, all of a small set.

    Equal neighbours are one run. Of many runs, those that processes wait for are preferred.

    Args:
        semaphores: all semaphores of the set.
        number: the function that writes numbers.
    """
    if len(semaphores) <= _MANY:
        return whole(semaphores)
    notable = (run for run in _runs(semaphores) if run.one.value or _is_awaited(run.one))
    runs = sorted(nsmallest(_MANY, notable, lambda run: not _is_awaited(run.one)))
    rest = len(semaphores) - sum(run.length for run in runs)
    zeros = _zeros(semaphores) - sum(run.length for run in runs if not run.one.value)
    summary = _summary(semaphores, number)
    if not runs:
        return Shown([], f"{summary} {_HINT}")
    if not rest:
        return Shown(runs, summary)
    others = f"{number(rest)} more, all at 0" if rest == zeros else f"{number(rest)} more"
    return Shown(runs, summary, f"{others} {_HINT}")


def _runs(semaphores: Sequence[Semaphore]) -> Iterator[Run]:
    """Yield all semaphores, equal neighbours as one run."""
    for _, equal in groupby(semaphores, _without_num):
        run = [*equal]
        yield Run(run[0], run[-1].num)


def _is_awaited(one: Semaphore) -> bool:
    return bool(one.ncount or one.zcount)


def _zeros(semaphores: Sequence[Semaphore]) -> int:
    return sum(not one.value for one in semaphores)


def _summary(semaphores: Sequence[Semaphore], number: Callable[[int], str]) -> str:
    values = {one.value for one in semaphores}
    lowest, highest, zeros = min(values), max(values), _zeros(semaphores)
    awaited = sum(map(_is_awaited, semaphores))
    users = len({one.pid for one in semaphores if one.pid})
    parts = [f"{number(lowest)} to {number(highest)}" if len(values) > 1 else f"all at {lowest}"]
    if zeros and highest:
        parts.append(f"{number(zeros)} at 0")
    if awaited:
        parts.append(f"{number(awaited)} waited for")
    if users:
        parts.append(f"last used by {number(users)} {'process' if users == 1 else 'processes'}")
    return ", ".join(parts)
