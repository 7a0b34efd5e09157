"""Listings of records, whose values are ints, in every format of listings."""

import pytest

from pyipcs.model import RECORDS, Kind, View
from pyipcs.query.plan import Format, Report, Style
from pyipcs.render import plain, renderer
from pyipcs.sysv.listing import Listing, listing_of
from pyipcs.terminal.capabilities import TerminalCapabilities
from tests.kit import samples
from tests.kit.samples import MACHINE, PEOPLE

pytestmark = pytest.mark.usefixtures("utc")
CAPABILITIES = TerminalCapabilities(200, 24, has_color=True, has_unicode=True)


def int_listing(kind: Kind) -> Listing:
    """Return the samples of a kind as a listing with the values of their records."""
    records = samples.RECORDS[kind]
    listing = listing_of(kind, records)
    for field in RECORDS[kind]._fields:
        listing = listing.with_added(field, [getattr(record, field) for record in records])
    return listing


@pytest.mark.parametrize("style", [MACHINE, PEOPLE, MACHINE._replace(numeric_perms=True)])
@pytest.mark.parametrize("format_", Format)
def test_renderer_of_ints_prints_the_same_as_of_text(format_: Format, style: Style) -> None:
    json = format_ in {Format.JSON, Format.JSONL}
    report = samples.report(style=style, json=json)
    render = renderer(format_, report, CAPABILITIES)
    text = "".join(render(report, CAPABILITIES))
    ints = report._replace(found={kind: [int_listing(kind)] for kind in Kind})
    assert "".join(render(ints, CAPABILITIES)) == text
    assert len(text.splitlines()) > 6


@pytest.mark.parametrize("style", [MACHINE, PEOPLE])
@pytest.mark.parametrize("view", View)
def test_ipcs_layout_of_ints_prints_the_same_as_of_text(view: View, style: Style) -> None:
    report = Report(samples.listings(), {}, style, view=view)
    ints = report._replace(found={kind: [int_listing(kind)] for kind in Kind})
    assert renderer(Format.PLAIN, report, None) is plain.listings
    assert [*plain.listings(ints)] == [*plain.listings(report)]
