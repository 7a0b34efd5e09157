"""The live views of list and stat, each drawn anew from current objects."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial

from pyipcs.actions.lookup import read_all
from pyipcs.actions.visible import find_selected
from pyipcs.model import Kind, PosixQueue, Queue, Record, Target, View
from pyipcs.query import plan
from pyipcs.query.plan import MATCHING, Format, OutputOptions, Report
from pyipcs.query.rates import Growth
from pyipcs.query.selection import Selection
from pyipcs.render import panel, table
from pyipcs.render.details import Details
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.terminal.live_loop import FrameRenderer
from pyipcs.terminal.viewport import Frame, Overview
from pyipcs.text import one_line
from pyipcs.usage.scan import expire

_NO_OBJECT = "No object matches.\n"


def selected_objects(
    kinds: Sequence[Kind], selection: Selection, options: OutputOptions, view: View
) -> FrameRenderer:
    """Return the view of the selected objects, with the growth of queues.

    It ends with a process that a filter names.
    """
    growth = Growth()

    def render(capabilities: TerminalCapabilities) -> Frame:
        expire()
        selected = find_selected(kinds, selection)
        unseen = [*selected.unseen]
        report = plan.report(
            selected.found, options, Format.TABLE, view, terminal=True, unseen=unseen
        )
        report = growth.shown(report)
        found = {kind: [*listings] for kind, listings in report.found.items()}
        notes = selected.reasons(selection.unjudged())
        report = report._replace(found=found, which=selection.scope.which, notes=notes)
        whole = partial(table.tables, report, capabilities)
        return Frame(whole, None if report.title else partial(_overview, report, capabilities))

    return render


def _overview(report: Report, capabilities: TerminalCapabilities, height: int) -> Overview:
    """Return tables of some rows each, which fit into a number of lines.

    A table has a row at least, even if that does not fit.
    """
    lengths = {
        kind: sum(listing.length for listing in listings) for kind, listings in report.found.items()
    }
    total, least = sum(lengths.values()), sum(map(bool, lengths.values()))

    def drawn(rows: int) -> Overview:
        shares = dict(zip(lengths, table.shares([*lengths.values()], rows), strict=True))
        cut = report._replace(max_rows=shares if rows < total else {})
        lines = "".join(table.tables(cut, capabilities)).splitlines()
        first = next(filter(None, shares.values()), 0)
        return Overview(lines, first + (table.HEAD if report.headings else 0))

    rows = max(min(height, total), least)
    overview = drawn(rows)
    while (excess := len(overview.lines) - height) > 0 and rows > least:
        rows = max(rows - excess, least)
        overview = drawn(rows)
    # With fewer rows the tables lost empty lines, too.
    fuller = drawn(rows - excess) if excess < 0 and rows < total else overview
    return fuller if len(fuller.lines) <= height else overview


def limits_or_usage(kinds: Sequence[Kind], figures: str, options: OutputOptions) -> FrameRenderer:
    """Return the view of limits with their usage, or of the usage alone."""
    return lambda capabilities: Frame(
        partial(table.tables, plan.resource_table(kinds, options, figures), capabilities)
    )


def named_objects(
    kinds: Collection[Kind], targets: Sequence[Target], options: OutputOptions
) -> FrameRenderer:
    """Return the view of all details of objects; it ends with the last one."""

    def read() -> tuple[list[Record], list[str]]:
        found, errors = read_all(kinds, targets)
        if not found:
            raise errors[0]
        return found, [*map(str, errors)]

    return _details(kinds, read, options)


def details_of_selected(
    kinds: Collection[Kind], selection: Selection, options: OutputOptions
) -> FrameRenderer:
    """Return the view of all details of the selected objects.

    It ends with a process that a filter names.
    """
    from pyipcs.actions.selected import read_selected

    def read() -> tuple[list[Record], list[str]]:
        found = read_selected(kinds, selection)
        return found.records, found.errors

    return _details(kinds, read, options)


def _details(
    kinds: Collection[Kind],
    read: Callable[[], tuple[list[Record], list[str]]],
    options: OutputOptions,
) -> FrameRenderer:
    """Return the view of all details of objects, or of the chosen columns.

    Args:
        kinds: the kinds of the objects.
        read: returns the records, and the lines after them.
        options: the output options.
    """
    style = options.style(Format.TABLE)
    growth = Growth()

    def columns(capabilities: TerminalCapabilities) -> Frame:
        expire()
        found, notes = read()
        some = [kind for kind in kinds if any(record.kind is kind for record in found)] or kinds
        listed = plan.listed(some, found)
        report = growth.shown(plan.report(listed, options, Format.TABLE, terminal=True))
        objects = {kind: [*listings] for kind, listings in report.found.items()}
        report = report._replace(found=objects, which=MATCHING.which, notes=notes)
        return Frame(partial(table.tables, report, capabilities))

    def lines(capabilities: TerminalCapabilities) -> Iterator[str]:
        expire()
        found, notes = read()
        if not found and not notes:
            yield _NO_OBJECT
        rates = growth.of(_counts(found))
        for record in plan.in_order(kinds, found, options):
            rate = rates.get((record.kind, record.id))
            object_ = Details(record, style, is_condensed=not options.is_wide, growth=rate)
            yield from panel.details(object_, capabilities)
        for note in notes:
            yield f"{one_line(note)}\n"

    def details(capabilities: TerminalCapabilities) -> Frame:
        drawn = [*lines(capabilities)]
        return Frame(lambda: drawn)

    return columns if options.choice else details


def _counts(records: Iterable[Record]) -> Iterator[tuple[tuple[Kind, int | str], int]]:
    """Yield the queues with their known numbers of messages."""
    for record in records:
        if isinstance(record, Queue | PosixQueue) and record.qnum is not None:
            yield (record.kind, record.id), record.qnum
