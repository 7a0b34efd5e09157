"""One object with all its details, and the choice of its renderer."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pyipcs.model import Record
from pyipcs.query.plan import Style
from pyipcs.terminal.capabilities import TerminalCapabilities

if TYPE_CHECKING:
    from pyipcs.usage.state import UsageState


class Details(NamedTuple):
    """One object with the options of its rendering.

    Attributes:
        record: the object; the semaphores of a set are optional.
        style: the formats of values.
        known_state: the usage state if it is known already.
        growth: the growth of a queue in messages per second, in a live view.
    """

    record: Record
    style: Style
    known_state: "UsageState | None" = None
    growth: float | None = None

    def state(self) -> "UsageState":
        """Return the usage state with its evidence.

        It costs a scan of /proc, which layouts without the state do not need.
        """
        if self.known_state:
            return self.known_state
        from pyipcs.usage.state import evidence_of

        return evidence_of(self.record)


DetailsRenderer: TypeAlias = Callable[[Details, TerminalCapabilities | None], Iterable[str]]


def details_renderer(
    capabilities: TerminalCapabilities | None, *, like_ipcs: bool
) -> DetailsRenderer:
    """Return the renderer of single objects.

    Args:
        capabilities: the capabilities of a terminal, for panels; None for text.
        like_ipcs: True for the text layout of ipcs -i, False for the layout of showmsg.
    """
    if capabilities:
        from pyipcs.render import panel

        return panel.details
    if like_ipcs:
        from pyipcs.render import ipcs_details

        return ipcs_details.details
    from pyipcs.render import showmsg

    return showmsg.details
