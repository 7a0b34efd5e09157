"""Results of commands, written in the chosen format.

Each function builds a report, picks its renderer and writes the text.
"""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyipcs import objects
from pyipcs.listing import Listing
from pyipcs.model import IN_SHM, Kind, Record, Unit, View
from pyipcs.query import plan
from pyipcs.query.plan import ALL, NAMED, Format, Found, OutputOptions, Report, Scope
from pyipcs.render import details_renderer, figures_renderer, renderer
from pyipcs.terminal.streams import Output

if TYPE_CHECKING:
    from pyipcs.actions.all_namespaces import NamespaceObjects
    from pyipcs.posix.listing import OtherFiles
    from pyipcs.query.columns import Column
    from pyipcs.render import FiguresRenderer
    from pyipcs.terminal.capabilities import TerminalCapabilities


def check(output: Output, kinds: Iterable[Kind], options: OutputOptions) -> None:
    """Check the columns of kinds for the chosen format, before objects are read.

    Raises:
        UsageError: see `plan.check`.
    """
    plan.check(kinds, options, options.chosen(terminal=output.is_terminal))


def listings(
    output: Output,
    found: Found,
    options: OutputOptions,
    *,
    view: View = View.STATUS,
    scope: Scope = ALL,
    totals: Sequence[Kind] = (),
    each: bool = True,
) -> None:
    """Write objects.

    Args:
        output: the destination.
        found: the objects of each requested kind.
        options: the output options.
        view: the columns of the kinds.
        scope: the part of the existing objects in `found`.
        totals: the kinds whose limits and usage are added to metrics.
        each: False for metrics without single objects, and tables with a hint at POSIX objects.
    """
    format_ = options.chosen(terminal=output.is_terminal)
    report = _report(output, found, options, scope, view)
    if format_ is Format.OPENMETRICS:
        report = report._replace(totals=plan.totals(totals, totals), has_objects=each)
    else:
        report = _with_others(output, report, format_, has_hint=not each)
    _write(output, report, format_, scope)


def _write_objects(
    output: Output, found: Found, options: OutputOptions, scope: Scope, view: View = View.STATUS
) -> None:
    """Write objects without hints at others."""
    report = _report(output, found, options, scope, view)
    _write(output, report, options.chosen(terminal=output.is_terminal), scope)


def _report(
    output: Output, found: Found, options: OutputOptions, scope: Scope, view: View = View.STATUS
) -> Report:
    """Return the report of objects for the chosen format."""
    format_ = options.chosen(terminal=output.is_terminal)
    is_terminal = output.is_terminal
    report = plan.report(found, options, format_, view, terminal=is_terminal, unseen=scope.unseen)
    has_details = scope.is_named and (not options.choice or options.choice.more)
    return report._replace(which=scope.which, details=has_details)


def _with_others(output: Output, report: Report, format_: Format, *, has_hint: bool) -> Report:
    """Add the other files of /dev/shm or a hint at POSIX objects."""
    is_drawn = _capabilities(output, format_) is not None
    if not is_drawn and format_ is not Format.JSON:
        return report
    from pyipcs.actions.visible import other_files, posix_hint

    if {*IN_SHM}.isdisjoint([*report.found, *report.unseen]):
        note = posix_hint() if has_hint and is_drawn else ""
        return report._replace(notes=[note] if note else [])
    others = other_files()
    note = _others_note(others) if others else ""
    facts = {**report.facts, "other": _others_document(others) if others else None}
    return report._replace(facts=facts, notes=[note] if note else [])


def leftovers(
    output: Output,
    found: Found,
    options: OutputOptions,
    facts: Mapping[str, Any],
    unseen: Collection[Kind] = (),
) -> None:
    """Write the objects left by a command; in JSON, with facts of its run.

    Text has no keys and ids of objects with names.
    """
    format_ = options.chosen(terminal=output.is_terminal)
    report = plan.report(found, options, format_, unseen=unseen)._replace(facts={"run": facts})
    if format_ in {Format.TABLE, Format.PLAIN}:
        columns = {kind: _without_ids(each) for kind, each in report.columns.items()}
        report = report._replace(columns=columns)
    _write(output, report, format_, Scope(is_filtered=True))


def _without_ids(columns: "tuple[Column, ...]") -> "tuple[Column, ...]":
    """Return the columns; omit the key and the id of objects with names."""
    if all(column.name != "NAME" for column in columns):
        return columns
    return tuple(column for column in columns if column.name not in {"KEY", "ID"})


def namespaces(
    output: Output,
    kinds: Collection[Kind],
    groups: "Sequence[NamespaceObjects]",
    options: OutputOptions,
    *,
    view: View = View.STATUS,
    scope: Scope = ALL,
    each: bool = True,
) -> None:
    """Write the objects of IPC namespaces, under headings or with a column NS.

    Args:
        output: the destination.
        kinds: the requested kinds; a namespace may lack some of them.
        groups: the namespaces.
        options: the output options.
        view: the columns of the kinds.
        scope: the part of the existing objects in `groups`.
        each: False for metrics without single objects.
    """
    format_ = options.chosen(terminal=output.is_terminal)

    def report_of(found: Found) -> Report:
        # A column may be that of a kind that this namespace lacks.
        return plan.report(found, options, format_, view, unseen=_absent(kinds, found))

    match format_:
        case Format.JSON:
            reports = (
                report_of(one.found)._replace(unseen=one.unseen, facts=one.facts) for one in groups
            )
            report = Report({}, {}, options.style(format_), namespaces=reports)
            _write(output, report, format_, Scope(is_filtered=True))
        case Format.OPENMETRICS:
            reports = (
                plan.report(
                    one.found, options._replace(namespace=one.inode), format_, view
                )._replace(totals=one.totals, has_objects=each)
                for one in groups
            )
            report = Report({}, {}, options.style(format_), namespaces=reports)
            _write(output, report, format_, scope)
        case Format.TABLE | Format.PLAIN:
            for number, group in enumerate(groups):
                output.write(["\n"] if number else [])
                output.write([group.heading])
                own_scope = scope._replace(unseen=_absent(kinds, group.found))
                _write_objects(output, group.found, options, own_scope, view)
        case _:
            whole = plan.together(one.found for one in groups)
            _write(output, plan.with_namespaces(report_of(whole)), format_, scope)


def _absent(kinds: Iterable[Kind], found: Container[Kind]) -> list[Kind]:
    return [kind for kind in kinds if kind not in found]


def selected(
    output: Output, ids: Mapping[Kind, Collection[int | str]], options: OutputOptions, which: str
) -> None:
    """Write the objects with these ids or names; see Scope for `which`.

    Raises:
        UnseenError: POSIX objects of one of the kinds cannot be listed.
    """

    def listed(kind: Kind) -> Iterable[Listing]:
        if not ids[kind]:
            return ()
        listings = objects.read(kind)  # raises UnseenError before anything is written
        return (listing.select(ids[kind]) for listing in listings)

    found = {kind: listed(kind) for kind in Kind if kind in ids}
    _write_objects(output, found, options, Scope(is_filtered=True, which=which))


def details(
    output: Output,
    kinds: Collection[Kind],
    records: Iterable[Record],
    options: OutputOptions,
    *,
    view: View = View.STATUS,
    like_ipcs: bool = False,
    unseen: Collection[Kind] = (),
) -> list[Record]:
    """Write all details of objects, one object after the other.

    Args:
        output: the destination.
        kinds: the requested kinds.
        records: the objects.
        options: the output options; formats with columns write a listing.
        view: the columns of a listing.
        like_ipcs: True for the text layout of ipcs; with options for columns, for a listing.
        unseen: the requested kinds whose objects the caller cannot list.

    Returns:
        The objects that were removed before all their columns were read: rows lack them.
    """
    format_ = options.chosen(terminal=output.is_terminal)
    capabilities = _capabilities(output, format_)
    is_listed = options.choice or format_ not in {Format.PLAIN, Format.TABLE}
    if is_listed or (like_ipcs and not capabilities and options.is_columnar):
        scope = NAMED._replace(unseen=unseen)
        return _write_named(output, kinds, records, options, scope, view)
    from pyipcs.render.details import Details

    style = options.style(Format.TABLE)
    if not capabilities:  # programs read text, too: sizes stay exact
        style = style._replace(human=options.unit is Unit.HUMAN)
    render = details_renderer(capabilities, like_ipcs=like_ipcs)
    is_condensed = bool(capabilities or output.is_terminal) and not options.is_wide
    for number, record in enumerate(plan.in_order(kinds, records, options)):
        output.write(["\n"] if number and not capabilities else [])
        object_ = Details(record, style, is_condensed=is_condensed)
        _write_text(output, render(object_, capabilities), capabilities)
    return []


def report_removed(output: Output, records: Iterable[Record]) -> None:
    """Report named objects that were removed after their lookup."""
    from pyipcs.actions.refusals import removed

    for record in records:
        output.error(str(removed(record)))


def _write_named(
    output: Output,
    kinds: Collection[Kind],
    records: Iterable[Record],
    options: OutputOptions,
    scope: Scope,
    view: View,
) -> list[Record]:
    """Write named objects as rows; return those that were removed meanwhile."""
    records = [*records]
    report = _report(output, plan.listed(kinds, records), options, scope, view)
    found = {kind: [*listings] for kind, listings in report.found.items()}
    _write(output, report._replace(found=found), options.chosen(terminal=output.is_terminal), scope)
    written = {
        (record.kind, record.id)
        for listings in found.values()
        for listing in listings
        for record in listing.records()
    }
    return [one for one in records if one.kind in found and (one.kind, one.id) not in written]


def records(output: Output, found: Sequence[Record]) -> None:
    """Write created objects, one of each kind, as JSON."""
    kinds = [record.kind for record in found]
    options = OutputOptions(Format.JSON)
    _write_objects(output, plan.listed(kinds, found), options, Scope(is_filtered=True))


def figures(output: Output, name: str, kinds: Sequence[Kind], options: OutputOptions) -> bool:
    """Write the limits or the usage of kinds; the name is "limits" or "usage".

    The reasons for figures that cannot be read follow on standard error.

    Returns:
        False if figures certainly are missing.
    """
    from pyipcs.actions.visible import find_limited

    format_ = options.chosen(terminal=output.is_terminal)
    has_rows = _figures_renderer(format_, options) is None and format_ is not Format.OPENMETRICS
    seen, unseen = find_limited(kinds, has_usage=name == "usage" or has_rows)
    if seen:
        _write_figures(output, name, seen, options)
    for error in unseen:
        output.error(str(error))
    return not any(error.is_certain for error in unseen)


def _figures_renderer(format_: Format, options: OutputOptions) -> "FiguresRenderer | None":
    """Return the renderer of limits or usage alone; None for rows with both."""
    has_columns = format_ is Format.PLAIN and (options.is_columnar or options.sort)
    return None if has_columns else figures_renderer(format_)


def _write_figures(
    output: Output, name: str, kinds: Sequence[Kind], options: OutputOptions
) -> None:
    format_ = options.chosen(terminal=output.is_terminal)
    if format_ is Format.OPENMETRICS:
        options.refuse_columns(f"{name} in {format_.value}")
        report = plan.report({}, options, format_)
        totals = plan.totals(kinds, ()) if name == "limits" else plan.totals((), kinds)
        _write(output, report._replace(totals=totals), format_)
        return
    render = _figures_renderer(format_, options)
    if render is None:
        is_drawn = _capabilities(output, format_) is not None
        report = (
            plan.resource_table(kinds, options, name)
            if is_drawn
            else plan.resources(kinds, options, format_)
        )
        _write(output, report, format_)
        return
    if format_ is not Format.PLAIN:
        options.refuse_columns(f"{name} in {format_.value}")
    # ipcs prints the kernel's figures uncorrected.
    is_corrected = format_ is not Format.PLAIN
    values = {kind: objects.figures(name, kind, is_corrected=is_corrected) for kind in kinds}
    output.write(render(name, values, options.unit))


def _others_document(others: "OtherFiles") -> dict[str, int | None]:
    """Return the other files of /dev/shm for JSON; incomplete counts are null."""
    files, size = (others.files, others.bytes) if others.is_complete else (None, None)
    return {"files": files, "bytes": size}


def _others_note(others: "OtherFiles") -> str:
    """Return a line that counts other files of /dev/shm; empty without any."""
    from pyipcs.render.format_units import human
    from pyipcs.text import plural

    verb = "is no POSIX object" if others.files == 1 else "are no POSIX objects"
    counted = f"{plural(others.files, 'other file')} in /dev/shm ({human(others.bytes)}) {verb}"
    if others.is_complete:
        return f"{counted}." if others.files else ""
    unread = "directories that cannot be read"
    return f"{counted}, besides {unread}." if others.files else f"/dev/shm has {unread}."


def _write(output: Output, report: Report, format_: Format, scope: Scope = ALL) -> None:
    """Write a report; a JSON document begins with its time and place."""
    if format_ is Format.JSON:
        taken = {"taken": _taken(report.found, is_filtered=scope.is_filtered)}
        report = report._replace(facts={**taken, **report.facts})
    capabilities = _capabilities(output, format_)
    render = renderer(format_, report, capabilities)
    _write_text(output, render(report, capabilities), capabilities)


def _capabilities(output: Output, format_: Format) -> "TerminalCapabilities | None":
    """Return the capabilities of an output for tables, or None."""
    return output.capabilities() if format_ is Format.TABLE else None


def _write_text(
    output: Output, text: Iterable[str], capabilities: "TerminalCapabilities | None"
) -> None:
    """Write text; renderers with capabilities have escaped untrusted parts."""
    if capabilities:
        output.write_raw(text)
    else:
        output.write(text)


def _taken(kinds: Container[Kind], *, is_filtered: bool) -> dict[str, Any]:
    """Return the time and the place of a listing of kinds."""
    import time

    from pyipcs.render.format_units import iso_time
    from pyipcs.sysv.namespace import origin

    shm: dict[str, Any] = {}
    if any(kind in kinds for kind in IN_SHM):
        from pyipcs.posix.directory import device

        shm["shm_device"] = device()
    return {"time": iso_time(int(time.time())), **origin(), **shm, "filtered": is_filtered}
