"""Removal of the objects that filters selected; each is examined again first."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

from pyipcs.errors import IpcError
from pyipcs.listing import Listing
from pyipcs.model import POSIX, Kind
from pyipcs.query.selection import Selection


class Journal(Protocol):
    """The reports of a removal."""

    verbose: bool

    def note(self, kind: Kind, ids: Collection[Any]) -> None:
        """Record the removal of objects, and print them on request."""

    def warn(self, message: str) -> None:
        """Print a message that is no failure."""

    def skip(self, kind: Kind, object_id: int | str, why: str, *, has_failed: bool) -> None:
        """Report an object that was not removed."""

    def refuse(self, kind: Kind, object_id: int | str, error: IpcError) -> None:
        """Report the kernel's refusal to remove an object."""


class SelectedRemoval(ABC):
    """Removal of the selected objects of one kind."""

    def __init__(self, kind: Kind, selection: Selection) -> None:
        self.kind = kind
        self.selection = selection

    @abstractmethod
    def snapshots(self, listing: Listing) -> Iterable[Any]:
        """Return the evidence about each object, to recognize a changed one."""

    @abstractmethod
    def remove(self, snapshots: Mapping[Any, Any], journal: Journal) -> None:
        """Remove objects that still meet the filters.

        Args:
            snapshots: the evidence of `snapshots`, by id or name.
            journal: the reports.
        """

    @abstractmethod
    def removable(self, snapshots: Mapping[Any, Any], journal: Journal) -> Collection[Any]:
        """Return the ids or names of the objects that `remove` would remove."""

    def skip_changed(self, object_id: int | str, journal: Journal) -> None:
        """Report an object that no longer is the selected one."""
        journal.skip(self.kind, object_id, "changed since it was listed", has_failed=False)

    def skip_unexamined(self, object_id: int | str, journal: Journal) -> None:
        """Report an object that changed, or whose evidence aged, at each try."""
        journal.skip(self.kind, object_id, "could not examine it in time", has_failed=True)


def selected_removal(kind: Kind, selection: Selection) -> SelectedRemoval:
    """Return the removal of the selected objects of a kind."""
    if kind in POSIX:
        from pyipcs.actions.remove_posix import PosixRemoval

        return PosixRemoval(kind, selection)
    from pyipcs.actions.remove_sysv import SysvRemoval

    return SysvRemoval(kind, selection)
