"""Growth rates of queues in live views."""

import time
from collections.abc import Iterable, Iterator

from pyipcs.listing import Listing
from pyipcs.model import Kind
from pyipcs.query.columns import RATE
from pyipcs.query.plan import Report


class Growth:
    """The growth of queues in messages per second between two views."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._taken = 0.0

    def shown(self, report: Report) -> Report:
        """Return a report with the growth of queues as a column after MSGS."""
        columns = report.columns.get(Kind.QUEUE, ())
        position = next((i for i, column in enumerate(columns, 1) if column.name == "MSGS"), 0)
        if not position:
            return report
        queues = self.added(report.found[Kind.QUEUE])
        return report._replace(
            found={**report.found, Kind.QUEUE: queues},
            columns={
                **report.columns,
                Kind.QUEUE: (*columns[:position], RATE, *columns[position:]),
            },
        )

    def added(self, listings: Iterable[Listing]) -> Iterator[Listing]:
        """Add the growth of queues to listings; it is None for new queues."""
        whole = [*listings]
        rates = self.of(
            (int(msqid), int(number))
            for listing in whole
            for msqid, number in zip(listing.column("id"), listing.column("qnum"), strict=True)
        )
        for listing in whole:
            yield listing.with_added(
                "rate", [rates.get(int(msqid)) for msqid in listing.column("id")]
            )

    def of(self, counts: Iterable[tuple[int, int]]) -> dict[int, float]:
        """Return the growth of queues by id, from pairs of id and messages."""
        now = time.monotonic()
        seconds, self._taken = now - self._taken, now
        former, self._counts = self._counts, dict(counts)
        return {
            msqid: (number - former[msqid]) / seconds
            for msqid, number in self._counts.items()
            if msqid in former
        }
