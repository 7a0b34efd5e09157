"""Removal of selected objects, each examined again as a record."""

import pytest

from pyipcs.actions.remove import Removal, select
from pyipcs.actions.remove_sysv import Snapshot
from pyipcs.errors import Status
from pyipcs.listing import Listing
from pyipcs.model import SYSV, Kind
from pyipcs.query.filters import Filter
from pyipcs.query.selection import Selection
from pyipcs.sysv import procfs
from pyipcs.terminal.streams import Output
from tests.kit.kernel import Objects, ids


@pytest.mark.parametrize("kind", SYSV)
def test_removal_asks_filters_about_a_record(kind: Kind, objects: Objects, isolated: None) -> None:
    object_id = objects.make(kind, 0x5E9)
    asked: list[Listing] = []

    def keep(listing: Listing) -> list[bool]:
        asked.append(listing)
        return [True] * listing.length

    selection = Selection((Filter("--x", keep),))
    selected = {kind: select(procfs.read(kind), selection)}
    removal = Removal(Output(), selection, verbose=False)
    removal.remove_selected(selected)
    assert ids(kind) == set()
    assert removal.status is Status.DONE
    text, record = asked
    assert text.words
    assert not record.words  # no text was made of it
    assert [one.id for one in record.records()] == [object_id]
    assert record.column("key") == [0x5E9]


def test_object_with_other_identity_is_skipped(
    objects: Objects, isolated: None, capsys: pytest.CaptureFixture[str]
) -> None:
    msqid = objects.queue(0x5E9)
    selection = Selection((Filter("--x", lambda listing: [True] * listing.length),))
    other = Snapshot((0x5EA, msqid, 0, 0), None)
    output = Output()
    removal = Removal(output, selection, verbose=False)
    removal.remove_selected({Kind.QUEUE: {msqid: other}})
    output.flush()
    assert ids(Kind.QUEUE) == {msqid}
    assert capsys.readouterr().err == (
        f"pyipcs: skipped message queue {msqid}: changed since it was listed\n"
    )
