"""Listings of records, whose values are ints, in every format of listings."""

from collections.abc import Callable, Iterator

import pytest

from pyipcs.model import RECORDS, Kind, Unit, View
from pyipcs.query.plan import Report, Style
from pyipcs.render import data, delimited, metrics, plain, table, text_columns
from pyipcs.sysv.listing import Listing, listing_of
from pyipcs.terminal.capabilities import TerminalCapabilities
from tests.kit import samples
from tests.kit.samples import MACHINE, PEOPLE

pytestmark = pytest.mark.usefixtures("utc")
CAPABILITIES = TerminalCapabilities(200, 24, has_color=True, has_unicode=True)
RENDERERS: dict[str, Callable[[Report], Iterator[str]]] = {
    "json": lambda report: data.json_document(report, {}),
    "jsonl": data.json_lines,
    "csv": delimited.csv,
    "tsv": delimited.tsv,
    "export": delimited.export,
    "plain with columns": text_columns.listings,
    "table": lambda report: table.listings(report, CAPABILITIES),
    "openmetrics": lambda report: metrics.document([], [], {}, report.found, 4096),
    "ipcs": lambda report: plain.listings(report.found, View.STATUS, Unit.HUMAN),
    "ipcs -t": lambda report: plain.listings(report.found, View.TIME, Unit.DEFAULT),
    "ipcs -c": lambda report: plain.listings(report.found, View.CREATOR, Unit.DEFAULT),
    "ipcs -p": lambda report: plain.listings(report.found, View.PID, Unit.DEFAULT),
}


def int_listing(kind: Kind) -> Listing:
    """Return the samples of a kind as a listing with the values of their records."""
    records = samples.RECORDS[kind]
    listing = listing_of(kind, records)
    for field in RECORDS[kind]._fields:
        listing = listing.with_added(field, [getattr(record, field) for record in records])
    return listing


@pytest.mark.parametrize("style", [MACHINE, PEOPLE, MACHINE._replace(numeric_perms=True)])
@pytest.mark.parametrize("name", RENDERERS)
def test_renderer_of_ints_prints_the_same_as_of_text(name: str, style: Style) -> None:
    report = samples.report(style=style, json=name.startswith("json"))
    ints = {kind: [int_listing(kind)] for kind in Kind}
    text = "".join(RENDERERS[name](report))
    assert "".join(RENDERERS[name](report._replace(found=ints))) == text
    assert len(text.splitlines()) > 6
