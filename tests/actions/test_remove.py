"""Removal of selected objects, each examined again as a record."""

import pytest

from pyipcs.actions.remove import Removal, Selected, select
from pyipcs.errors import Status
from pyipcs.listing import Listing, mode_bits
from pyipcs.model import SYSV, Kind
from pyipcs.query.filters import Filter
from pyipcs.query.selection import Selection
from pyipcs.sysv import procfs
from pyipcs.sysv.libc import change
from pyipcs.terminal.streams import Output
from tests.kit.kernel import Objects, ids


class Asked:
    """A filter that keeps all objects and records the listings."""

    def __init__(self) -> None:
        self.listings: list[Listing] = []
        self.selection = Selection((Filter("--x", self._keep),))

    def _keep(self, listing: Listing) -> list[bool]:
        self.listings.append(listing)
        return [True] * listing.length


def remove(kind: Kind, selected: Selected, selection: Selection) -> Status:
    """Remove selected objects; return the status."""
    output = Output()
    removal = Removal(output, selection, verbose=False)
    removal.remove_selected({kind: selected})
    output.flush()
    return removal.status


@pytest.mark.parametrize("kind", SYSV)
def test_rm_of_unchanged_object_asks_filters_once(
    kind: Kind, objects: Objects, isolated: None
) -> None:
    objects.make(kind, 0x5E9)
    asked = Asked()
    selected = select(procfs.read(kind), asked.selection)
    assert remove(kind, selected, asked.selection) is Status.DONE
    assert ids(kind) == set()
    assert len(asked.listings) == 1


@pytest.mark.parametrize("kind", SYSV)
def test_rm_of_changed_object_asks_filters_about_its_record(
    kind: Kind, objects: Objects, isolated: None
) -> None:
    object_id = objects.make(kind, 0x5E9)
    asked = Asked()
    selected = select(procfs.read(kind), asked.selection)
    change(kind, object_id, mode=0o600)
    assert remove(kind, selected, asked.selection) is Status.DONE
    assert ids(kind) == set()
    text, record = asked.listings
    assert text.words
    assert not record.words  # no text was made of it
    assert [one.mode & 0o777 for one in record.records()] == [0o600]


@pytest.mark.parametrize("kind", SYSV)
def test_rm_spares_object_that_no_longer_meets_the_filters(
    kind: Kind, objects: Objects, isolated: None, capsys: pytest.CaptureFixture[str]
) -> None:
    object_id = objects.make(kind, 0x5E9)

    def is_public(listing: Listing) -> list[bool]:
        return [bool(mode_bits(mode) & 0o004) for mode in listing.column("mode")]

    selection = Selection((Filter("--x", is_public),))
    selected = select(procfs.read(kind), selection)
    change(kind, object_id, mode=0o600)
    assert remove(kind, selected, selection) is Status.DONE
    assert ids(kind) == {object_id}
    assert capsys.readouterr().err == (
        f"pyipcs: skipped {kind.noun} {object_id}: changed since it was listed\n"
    )


@pytest.mark.parametrize("kind", SYSV)
def test_rm_spares_object_with_another_identity(
    kind: Kind, objects: Objects, isolated: None, capsys: pytest.CaptureFixture[str]
) -> None:
    object_id = objects.make(kind, 0x5E9)
    selection = Asked().selection
    (listing,) = procfs.read(kind)
    (record,) = listing.records()
    other: Selected = {object_id: record._replace(key=0x5EA)}
    assert remove(kind, other, selection) is Status.DONE
    assert ids(kind) == {object_id}
    assert capsys.readouterr().err == (
        f"pyipcs: skipped {kind.noun} {object_id}: changed since it was listed\n"
    )
