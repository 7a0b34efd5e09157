"""Records of the objects that filters select."""

from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple

from pyipcs.actions.lookup import Records, add_details, find_named, with_residencies
from pyipcs.actions.visible import find_visible
from pyipcs.errors import CommandError
from pyipcs.model import By, Kind, Record, Target
from pyipcs.objects import format_target_id
from pyipcs.query.selection import Selection


class SelectedRecords(NamedTuple):
    """The records of selected objects.

    Attributes:
        records: the records.
        errors: the reasons why objects may be missing.
        unseen: the kinds whose objects the caller cannot list.
        is_incomplete: True if objects certainly may be missing.
    """

    records: list[Record]
    errors: list[str]
    unseen: list[Kind]
    is_incomplete: bool


def read_selected(kinds: Iterable[Kind], selection: Selection) -> SelectedRecords:
    """Return the records of the objects that filters select.

    Raises:
        CommandError: a process that a filter names does not exist.
        OSError: the kernel refused a call.
    """
    selection.check_processes()
    listings, unseen = find_visible(kinds)
    unexamined = selection.unexamined()
    found: Records = {}
    refused: list[str] = []
    for kind, some in listings.items():
        for id_ in chain.from_iterable(listing.ids for listing in selection.of(some)):
            target = _target(kind, id_)
            try:
                add_details(found, find_named([kind], target), target)
            except CommandError as error:
                refused.append(str(error))
    reasons = [*unexamined, *refused, *selection.unjudged(), *map(str, unseen.values())]
    is_incomplete = bool(unexamined or refused or any(one.is_certain for one in unseen.values()))
    return SelectedRecords(
        with_residencies(found), [*dict.fromkeys(reasons)], [*unseen], is_incomplete
    )


def _target(kind: Kind, object_id: int | str) -> Target:
    """Return a target for an object of a listing."""
    typed = format_target_id(kind, object_id)
    if isinstance(object_id, str):
        return Target(By.NAME, 0, typed, object_id)
    return Target(By.ID, object_id, typed)
