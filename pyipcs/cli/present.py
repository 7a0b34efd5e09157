"""Results handed to the renderer of the format that was asked for."""

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyipcs.model import Kind, Record, View
from pyipcs.query.complete import Requirement, complete
from pyipcs.query.plan import (
    ALL,
    NAMED,
    Format,
    Found,
    OutputOptions,
    Report,
    Scope,
    in_order,
    in_requested_order,
    listed,
    report,
    resources,
    together,
    with_namespaces,
)
from pyipcs.sysv import procfs
from pyipcs.sysv.listing import Listing
from pyipcs.terminal.streams import Output

if TYPE_CHECKING:
    from pyipcs.actions.all_namespaces import NamespaceObjects


def listings(
    output: Output,
    found: Found,
    options: OutputOptions,
    *,
    view: View = View.STATUS,
    scope: Scope = ALL,
    totals: Iterable[Kind] = (),
    each: bool = True,
) -> None:
    """Show objects.

    Args:
        output: where.
        found: the objects of each kind that was asked for.
        options: how.
        view: what of them.
        scope: the part of the objects of their kinds that they are.
        totals: of which kinds metrics tell what is in use in all.
        each: whether metrics tell of each object.
    """
    format_ = options.chosen(terminal=output.is_terminal)
    if format_ is Format.PLAIN and not options.is_columnar:
        from pyipcs.render import plain

        output.write(plain.listings(in_requested_order(found, options), view, options.unit))
    elif format_ is Format.OPENMETRICS:
        options.refuse_columns(format_.value)
        whole = {kind: complete(some, {Requirement.QBYTES}) for kind, some in found.items()}
        output.write(_metrics(whole if each else {}, limits=totals, usage=totals))
    else:
        details = scope.is_named and (not options.choice or options.choice.more)
        shown = report(found, options, format_, view)._replace(which=scope.which, details=details)
        _render(output, shown, format_, filtered=scope.is_filtered)


def left(output: Output, found: Found, options: OutputOptions, facts: Mapping[str, Any]) -> None:
    """Show what a command left, by columns of choice; JSON has also how it ran."""
    format_ = options.chosen(terminal=output.is_terminal)
    _render(output, report(found, options, format_), format_, filtered=True, facts={"run": facts})


def _render(
    output: Output,
    shown: Report,
    format_: Format,
    *,
    filtered: bool = False,
    table: str = "listings",
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write a report.

    Args:
        output: where.
        shown: the report.
        format_: its format.
        filtered: whether there are more objects of these kinds.
        table: what of render.table draws it.
        facts: what else the document of JSON has.
    """
    match format_:
        case Format.TABLE:
            _draw(output, shown, table)
        case Format.PLAIN:
            from pyipcs.render import text_columns

            output.write(text_columns.listings(shown))
        case Format.JSON:
            from pyipcs.render import data

            taken = {"taken": _taken(filtered=filtered), **(facts or {})}
            output.write(data.json_document(shown, taken))
        case Format.JSONL:
            from pyipcs.render import data

            output.write(data.json_lines(shown))
        case _:
            from pyipcs.render import delimited

            output.write(getattr(delimited, format_.value)(shown))


def _draw(output: Output, shown: Report, table: str) -> None:
    """Draw tables; where that cannot be done, the same in columns of text."""
    canvas = output.capabilities()
    if canvas:
        from pyipcs.render import table as tables

        output.write_raw(getattr(tables, table)(shown, canvas))
    else:
        from pyipcs.render import text_columns

        output.write(text_columns.blocks(shown))


def namespaces(
    output: Output,
    groups: "Sequence[NamespaceObjects]",
    options: OutputOptions,
    *,
    view: View = View.STATUS,
    scope: Scope = ALL,
) -> None:
    """Show the objects of IPC namespaces, one after the other or all with NS before them."""
    format_ = options.chosen(terminal=output.is_terminal)
    match format_:
        case Format.JSON:
            from pyipcs.render import data

            documents = ((one.facts, report(one.found, options, format_, view)) for one in groups)
            output.write(data.json_namespaces(documents, {"taken": _taken(filtered=True)}))
        case Format.TABLE | Format.PLAIN:
            for number, group in enumerate(groups):
                output.write(["\n"] if number else [])
                output.write([group.heading])
                listings(output, group.found, options, view=view, scope=scope)
        case _:
            shown = report(together(one.found for one in groups), options, format_, view)
            _render(output, with_namespaces(shown), format_)


def selected(
    output: Output, ids: Mapping[Kind, Container[int]], options: OutputOptions, which: str
) -> None:
    """Show the objects with these ids; `which` is that of their scope."""

    def listed(kind: Kind) -> Iterator[Listing]:
        return (listing.select(ids[kind]) for listing in procfs.read(kind))

    found = {kind: listed(kind) for kind in Kind if kind in ids}
    listings(output, found, options, scope=Scope(is_filtered=True, which=which))


def details(
    output: Output,
    kinds: Collection[Kind],
    records: Iterable[Record],
    options: OutputOptions,
    plain: Callable[[Record], Iterable[str]] | None,
) -> None:
    """Show all there is to know of objects, one after the other.

    Args:
        output: where.
        kinds: those that were asked for.
        records: the objects.
        options: how.
        plain: what gives the lines of an object in the plain format; None where columns are
            asked for.
    """
    format_ = options.chosen(terminal=output.is_terminal)
    canvas = output.capabilities() if format_ is Format.TABLE and not options.choice else None
    if canvas:
        from pyipcs.render import panel
        from pyipcs.usage.state import evidence_of

        style = options.style(format_)
        output.write_raw(
            panel.details(record, evidence_of(record), style, canvas)
            for record in in_order(kinds, records, options)
        )
    elif plain and not options.choice and format_ in {Format.PLAIN, Format.TABLE}:
        for number, record in enumerate(in_order(kinds, records, options)):
            output.write(["\n"] if number else [])
            output.write(plain(record))
    else:
        listings(output, listed(kinds, records), options, scope=NAMED)


def records(output: Output, found: Sequence[Record]) -> None:
    """Show what was made as JSON, one of a kind."""
    kinds = [record.kind for record in found]
    made = Scope(is_filtered=True, which=" made")
    listings(output, listed(kinds, found), OutputOptions(Format.JSON), scope=made)


def figures(output: Output, name: str, kinds: Sequence[Kind], options: OutputOptions) -> None:
    """Show the kernel's limits, or its usage, whichever is named."""
    from pyipcs.sysv.limits import corrected_usage, limits, usage

    format_ = options.chosen(terminal=output.is_terminal)
    match format_:
        case Format.PLAIN if not options.is_columnar and not options.sort:
            from pyipcs.render import ipcs_details

            if name == "limits":
                lines = ipcs_details.limits({kind: limits(kind) for kind in kinds}, options.unit)
            else:
                lines = ipcs_details.usage({kind: usage(kind) for kind in kinds}, options.unit)
            output.write(lines)
        case Format.OPENMETRICS:
            options.refuse_columns(format_.value)
            output.write(_metrics({}, **{name: kinds}))
        case Format.JSON | Format.JSONL:
            from pyipcs.render import data

            options.refuse_columns(f"{name} in {format_.value}")
            ask: Callable[[Kind], Any] = limits if name == "limits" else corrected_usage
            values = {kind: ask(kind) for kind in kinds}
            output.write(data.json_figures(name, values, lines=format_ is Format.JSONL))
        case _:
            _render(output, resources(kinds, options, format_), format_, table="resources")


def _metrics(
    found: Found, *, limits: Iterable[Kind] = (), usage: Iterable[Kind] = ()
) -> Iterator[str]:
    import os

    from pyipcs.render import metrics
    from pyipcs.sysv import limits as kernel

    return metrics.document(
        limits=[kernel.resources(kind) for kind in limits],
        used=[kernel.resources(kind) for kind in usage],
        usage={kind: kernel.corrected_usage(kind) for kind in usage},
        found=found,
        page=os.sysconf("SC_PAGESIZE"),
    )


def _taken(*, filtered: bool) -> dict[str, Any]:
    """When and where a listing was taken."""
    import time

    from pyipcs.render.format_units import iso_time
    from pyipcs.sysv.namespace import origin

    return {"time": iso_time(int(time.time())), **origin(), "filtered": filtered}
