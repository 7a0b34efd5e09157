"""The growth of queues from one look to the next."""

import time
from collections.abc import Iterable, Iterator

from pyipcs.model import Kind
from pyipcs.query.columns import RATE
from pyipcs.query.plan import Report
from pyipcs.sysv.listing import Listing


class Growth:
    """By how many messages the second queues grow, from one look to the next."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._taken = 0.0

    def shown(self, report: Report) -> Report:
        """A report with the growth of queues behind their number of messages."""
        columns = report.columns.get(Kind.QUEUE, ())
        behind = next((i for i, column in enumerate(columns, 1) if column.name == "MSGS"), 0)
        if not behind:
            return report
        queues = self.added(report.found[Kind.QUEUE])
        return report._replace(
            found={**report.found, Kind.QUEUE: queues},
            columns={**report.columns, Kind.QUEUE: (*columns[:behind], RATE, *columns[behind:])},
        )

    def added(self, listings: Iterable[Listing]) -> Iterator[Listing]:
        """The queues with their growth, which is None for those that are new."""
        whole = [*listings]
        rates = self.of(
            (int(msqid), int(number))
            for listing in whole
            for msqid, number in zip(listing.column("id"), listing.column("qnum"), strict=True)
        )
        for listing in whole:
            yield listing.with_added(
                "rate", [rates.get(int(word)) for word in listing.column("id")]
            )

    def of(self, counts: Iterable[tuple[int, int]]) -> dict[int, float]:
        """The growth of queues, by their ids, from the numbers of messages on them now."""
        now = time.monotonic()
        passed, self._taken = now - self._taken, now
        former, self._counts = self._counts, dict(counts)
        return {
            msqid: (number - former[msqid]) / passed
            for msqid, number in self._counts.items()
            if msqid in former
        }
