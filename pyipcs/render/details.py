"""One object with all its details, as a renderer gets it."""

from typing import TYPE_CHECKING, NamedTuple

from pyipcs.model import Record
from pyipcs.query.plan import Style

if TYPE_CHECKING:
    from pyipcs.usage.state import UsageState


class Details(NamedTuple):
    """One object with the options of its rendering.

    Attributes:
        record: the object; the semaphores of a set are optional.
        style: the formats of values.
        known_state: the usage state if it is known already.
        is_condensed: True to summarize a large set of semaphores.
        growth: the growth of a queue in messages per second, in a live view.
    """

    record: Record
    style: Style
    known_state: "UsageState | None" = None
    is_condensed: bool = False
    growth: float | None = None

    def state(self) -> "UsageState | None":
        """Return the usage state with its evidence; None for a removed object.

        It may cost a scan of /proc, which layouts without the state do not need.
        """
        if self.known_state:
            return self.known_state
        from pyipcs.usage.classify import evidence_of

        return evidence_of(self.record)
