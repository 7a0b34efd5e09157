"""Plans of listings: records that are listed and sorted as they are."""

import pytest

from pyipcs.model import SYSV, Kind
from pyipcs.query import plan
from pyipcs.query.choose import parse_choice
from pyipcs.query.plan import Format, OutputOptions
from tests.kit import samples

ALL_RECORDS = [record for kind in SYSV for record in samples.RECORDS[kind]]


def test_listed_keeps_the_values_of_records() -> None:
    found = plan.listed([*SYSV], ALL_RECORDS)
    for kind, (listing,) in found.items():
        assert not listing.words
        assert [*listing.records()] == samples.RECORDS[kind]
        assert listing.column("mode") == [record.mode for record in samples.RECORDS[kind]]


def test_in_order_returns_the_same_records() -> None:
    options = OutputOptions(sort=("ID", True))
    records = [*plan.in_order([*SYSV], ALL_RECORDS, options)]
    assert [(record.kind, record.id) for record in records] == [
        (kind, object_id)
        for kind in SYSV
        for object_id in sorted((one.id for one in samples.RECORDS[kind]), reverse=True)
    ]
    assert {*map(id, records)} == {*map(id, ALL_RECORDS)}


@pytest.mark.parametrize("kind", SYSV)
def test_report_of_records_has_their_values(kind: Kind) -> None:
    options = OutputOptions(Format.CSV, parse_choice("ID,KEY,PERMS,CTIME"))
    report = plan.report(plan.listed([kind], ALL_RECORDS), options, Format.CSV)
    (listing,) = report.found[kind]
    values = [[*column.of(listing)] for column in report.columns[kind]]
    assert [*zip(*values, strict=True)] == [
        (record.id, record.key, record.mode, record.ctime) for record in samples.RECORDS[kind]
    ]
