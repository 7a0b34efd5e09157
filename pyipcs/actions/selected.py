"""Records of the objects that filters select."""

from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple

from pyipcs.actions.lookup import Records, add_details, find_named, with_residencies
from pyipcs.actions.visible import find_selected
from pyipcs.errors import CommandError
from pyipcs.model import Kind, Record
from pyipcs.objects import target_of
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
    selected = find_selected(kinds, selection)
    found: Records = {}
    refused: list[str] = []
    for kind, listings in selected.found.items():
        for id_ in chain.from_iterable(listing.ids for listing in listings):
            target = target_of(kind, id_)
            try:
                add_details(found, find_named([kind], target), target)
            except CommandError as error:
                refused.append(str(error))
    reasons = selected.reasons([*refused, *selection.unjudged()])
    is_incomplete = selected.is_incomplete or bool(refused)
    return SelectedRecords(with_residencies(found), reasons, [*selected.unseen], is_incomplete)
