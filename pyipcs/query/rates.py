"""Growth rates of queues in live views."""

import time
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TypeAlias

from pyipcs.listing import Listing
from pyipcs.model import Kind
from pyipcs.query.columns import RATE, Column
from pyipcs.query.plan import Report

_Queue: TypeAlias = tuple[Kind, int | str]  # a kind, and an id or a name


class Growth:
    """The growth of queues in messages per second between two views."""

    def __init__(self) -> None:
        self._counts: dict[_Queue, int] = {}
        self._taken = 0.0

    def shown(self, report: Report) -> Report:
        """Return a report with the growth of queues as a column after MSGS."""
        columns = {
            kind: _with_rate(each)
            for kind, each in report.columns.items()
            if kind in report.found and any(column.name == "MSGS" for column in each)
        }
        queues = {kind: [*report.found[kind]] for kind in columns}
        rates = self.of(chain.from_iterable(map(_counts, chain.from_iterable(queues.values()))))
        found = {
            kind: [
                one.with_added("rate", [rates.get((kind, each)) for each in one.ids])
                for one in listings
            ]
            for kind, listings in queues.items()
        }
        return report._replace(
            found={**report.found, **found}, columns={**report.columns, **columns}
        )

    def of(self, counts: Iterable[tuple[_Queue, int]]) -> dict[_Queue, float]:
        """Return the growth of queues, from pairs of a queue and its messages."""
        now = time.monotonic()
        seconds, self._taken = now - self._taken, now
        former, self._counts = self._counts, dict(counts)
        return {
            queue: (number - former[queue]) / seconds
            for queue, number in self._counts.items()
            if queue in former
        }


def _with_rate(columns: Iterable[Column]) -> tuple[Column, ...]:
    pairs = ((one, RATE) if one.name == "MSGS" else (one,) for one in columns)
    return tuple(chain.from_iterable(pairs))


def _counts(listing: Listing) -> Iterator[tuple[_Queue, int]]:
    """Yield the queues with their known numbers of messages."""
    for one, number in zip(listing.ids, listing.column("qnum"), strict=True):
        if number is not None:
            yield (listing.kind, one), int(number)
