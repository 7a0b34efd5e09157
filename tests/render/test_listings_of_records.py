"""Listings of records, in every format, beside listings of text from /proc/sysvipc."""

import pytest

from pyipcs.listing import Listing, merged
from pyipcs.model import SYSV, By, Kind, Target, Unit, View
from pyipcs.query import columns, plan
from pyipcs.query.choose import Choice
from pyipcs.query.filters import Filter, idle, key, matching, mine, older_than, owner, private
from pyipcs.query.plan import Format, OutputOptions
from pyipcs.query.rates import Growth
from pyipcs.render import metrics, plain, renderer
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.usage.state import evidence
from tests.kit import samples

CAPABILITIES = TerminalCapabilities(width=400, height=50, has_color=True, has_unicode=True)
_FORMATS = [one for one in Format if one is not Format.OPENMETRICS]
_OWN = ("COMMAND", "AGE")  # columns that depend on the time and on other processes


def both(kind: Kind) -> tuple[Listing, Listing]:
    """Return the samples of a kind as records and as text, complete."""
    ((records,), text) = samples.listings(kind)[kind], samples.listed_as_text(kind)
    found = [*evidence(records)]
    forms = [one.with_added("evidence", found) for one in (records, text)]
    if kind is Kind.SEMAPHORE:
        forms = [one.with_added("semaphores", [None] * one.length) for one in forms]
    return forms[0], forms[1]


def assert_same(kind: Kind, options: OutputOptions, format_: Format) -> None:
    """Compare the output of both forms in one format."""
    outputs = []
    for listing in both(kind):
        report = plan.report({kind: [listing]}, options, format_)
        render = renderer(format_, report, CAPABILITIES)
        outputs.append("".join(render(report, CAPABILITIES)))
    assert outputs[0] == outputs[1]
    assert outputs[0]


@pytest.mark.parametrize("format_", _FORMATS, ids=lambda one: one.value)
@pytest.mark.parametrize("kind", SYSV, ids=lambda one: one.value)
@pytest.mark.parametrize("unit", Unit, ids=lambda one: one.value)
def test_listing_of_records_has_every_column_as_text_has(
    kind: Kind, format_: Format, unit: Unit, utc: None
) -> None:
    names = tuple(one.name for one in columns.OF_KIND[kind] if one.name not in _OWN)
    for time_format in ("iso", "epoch", "full"):
        for numeric_perms in (False, True):
            options = OutputOptions(
                format_,
                Choice(names, more=False),
                time_format=time_format,
                numeric_perms=numeric_perms,
                unit=unit,
            )
            assert_same(kind, options, format_)


@pytest.mark.parametrize("kind", SYSV, ids=lambda one: one.value)
def test_listing_of_records_is_sorted_as_text_is(kind: Kind, utc: None) -> None:
    for column in columns.OF_KIND[kind]:
        for reverse in (False, True):
            options = OutputOptions(
                Format.CSV, Choice(("ID",), more=False), sort=(column.name, reverse)
            )
            assert_same(kind, options, Format.CSV)


@pytest.mark.parametrize("unit", Unit, ids=lambda one: one.value)
@pytest.mark.parametrize("view", View, ids=lambda one: one.value)
@pytest.mark.parametrize("kind", SYSV, ids=lambda one: one.value)
def test_listing_of_records_has_the_layout_of_ipcs(
    kind: Kind, view: View, unit: Unit, utc: None
) -> None:
    style = OutputOptions(unit=unit).style(Format.PLAIN)
    reports = (plan.Report({kind: [one]}, {}, style, view=view) for one in both(kind))
    records, text = ("".join(plain.listings(report)) for report in reports)
    assert records == text


@pytest.mark.parametrize("kind", SYSV, ids=lambda one: one.value)
def test_listing_of_records_has_the_same_metrics(kind: Kind) -> None:
    reports = (plan.Report({kind: [one]}, {}, samples.MACHINE) for one in both(kind))
    records, text = ("".join(metrics.document(report)) for report in reports)
    assert records == text


@pytest.mark.parametrize("kind", SYSV, ids=lambda one: one.value)
def test_filters_select_the_same_of_records_and_text(kind: Kind) -> None:
    filters: list[Filter] = [
        owner(0, 4242424242),
        mine(),
        private(),
        key(Target(By.KEY, 7, "7"), Target(By.KEY, -1, "-1")),
        older_than(60),
        idle(60),
    ]
    for filter_ in filters:
        listings = [one.with_added("waited", [False] * one.length) for one in both(kind)]
        records, text = (next(matching([one], [filter_])) for one in listings)
        assert [*records.records()] == [*text.records()], filter_.option


def test_rates_of_records_are_those_of_text() -> None:
    records, text = both(Kind.QUEUE)
    growth = Growth()
    rates = []
    for listing in (records, text):
        report = plan.report({Kind.QUEUE: [listing]}, OutputOptions(), Format.TABLE)
        (shown,) = growth.shown(report).found[Kind.QUEUE]
        rates.append(shown.column("rate"))
    assert rates == [[None] * records.length, [0.0] * records.length]


@pytest.mark.parametrize("kind", SYSV, ids=lambda one: one.value)
def test_text_and_records_are_merged_to_one_listing(kind: Kind) -> None:
    records, text = both(kind)
    for parts in ([records, text], [text, records]):
        whole = merged(parts)
        assert whole
        assert whole.length == 2 * records.length
        assert [*whole.records()] == [*records.records()] * 2
