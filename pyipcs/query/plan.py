"""Reports: the objects to show, with their columns and in order."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from pyipcs import objects
from pyipcs.errors import UsageError
from pyipcs.listing import Listing, listing_of
from pyipcs.model import POSIX, SYSV, Kind, Record, Unit, View

if TYPE_CHECKING:
    from pyipcs.objects import Figures
    from pyipcs.query.choose import Choice
    from pyipcs.query.columns import Column

Found: TypeAlias = Mapping[Kind, Iterable[Listing]]
# The columns that show the use of an object.
USAGE_COLUMNS = ("STATE", "REASON", "ATTACHED", "USERS", "MAPPED", "WAITERS")


class TimeFormat(Enum):
    """The appearance of a time."""

    SHORT = "short"  # as in lsipc(1): the time for today, else the date
    FULL = "full"  # as in ctime(3)
    ISO = "iso"  # ISO 8601 with the offset of the local zone
    RELATIVE = "relative"  # the elapsed time
    EPOCH = "epoch"  # seconds since 1970


class Style(NamedTuple):
    """The appearance of values.

    Attributes:
        time_format: the appearance of times.
        human: True for sizes and durations in units for people.
        numeric_perms: True for permissions as a number.
    """

    time_format: TimeFormat
    human: bool
    numeric_perms: bool


class Format(Enum):
    """The formats of results."""

    TABLE = "table"
    PLAIN = "plain"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"
    EXPORT = "export"
    OPENMETRICS = "openmetrics"


class OutputOptions(NamedTuple):
    """The output options of the command line.

    Attributes:
        format_: the format; None for the default, which depends on the terminal.
        choice: the columns.
        headings: True to show the names of columns.
        sort: the name of the column to sort by, and True for the reverse order.
        time_format: the appearance of times; None for the default of the format.
        numeric_perms: True to show permissions as a number.
        unit: the appearance of sizes.
        is_wide: True to drop and cut no column of a table.
        namespace: the IPC namespace that the user named, for metrics; None if he named none.
    """

    format_: Format | None = None
    choice: "Choice | None" = None
    headings: bool = True
    sort: tuple[str, bool] | None = None
    time_format: str | None = None
    numeric_perms: bool = False
    unit: Unit = Unit.DEFAULT
    is_wide: bool = False
    namespace: int | None = None

    def chosen(self, *, terminal: bool) -> Format:
        """Return the chosen format, or the default for a terminal or a pipe."""
        return self.format_ or (Format.TABLE if terminal else Format.PLAIN)

    @property
    def is_columnar(self) -> bool:
        """True if an option is not available in the layout of util-linux."""
        return bool(self.choice or not self.headings or self.time_format or self.numeric_perms)

    def with_columns(
        self, kinds: Iterable[Kind], names: Iterable[str], *, more: bool
    ) -> "OutputOptions":
        """Return the options with chosen columns.

        Args:
            kinds: the kinds; columns of other kinds are omitted.
            names: the names of the columns.
            more: True to add the columns to the default columns.
        """
        from pyipcs.query.choose import Choice
        from pyipcs.query.columns import OF_KIND

        known = {column.name for kind in kinds for column in OF_KIND[kind]}
        usual = tuple(name for name in names if name in known)
        return self._replace(choice=Choice(usual, more=more, is_usual=True))

    def style(self, format_: Format) -> Style:
        """Return the appearance of values in a format."""
        for_people = format_ is Format.TABLE
        time_format = TimeFormat(self.time_format or ("full" if for_people else "iso"))
        human = self.unit is Unit.HUMAN or (self.unit is Unit.DEFAULT and for_people)
        return Style(time_format, human, self.numeric_perms)

    def refuse_columns(self, noun: str) -> None:
        """Check that no columns are given for an output without columns.

        Args:
            noun: the noun for the output in the message.

        Raises:
            UsageError: -o or --sort is given.
        """
        for option, value in (("-o", self.choice), ("--sort", self.sort)):
            if value:
                raise UsageError(f"{option} is not for {noun}")

    @property
    def counts_states(self) -> bool:
        """True if metrics have the number of objects in each state (-o +STATE)."""
        return self.choice is not None and self.choice.more and {*self.choice.names} == {"STATE"}

    def check_metrics(self) -> None:
        """Check that no columns are given for metrics, except +STATE.

        Raises:
            UsageError: --sort or other columns are given.
        """
        if self.choice and not self.counts_states:
            raise UsageError(f"-o is not for {Format.OPENMETRICS.value}, except -o +STATE")
        self._replace(choice=None).refuse_columns(Format.OPENMETRICS.value)

    @property
    def named(self) -> Iterator[str]:
        """The names of the columns that the user gave."""
        yield from self.choice.names if self.choice and not self.choice.is_usual else ()
        yield from (self.sort[0],) if self.sort else ()

    def check(self, known: Mapping[Kind, Sequence["Column"]], noun: str = "") -> None:
        """Check that each column in the options exists for one of the kinds.

        Args:
            known: the columns of each kind.
            noun: the noun for the kinds in the message; empty for their own plural.

        Raises:
            UsageError: no kind has one of the columns.
        """
        if not self.choice and not self.sort:
            return
        from pyipcs.query.choose import check

        try:
            check(self.named, known.values(), noun or ", ".join(kind.plural for kind in known))
        except ValueError as error:
            raise UsageError(str(error)) from None


class Scope(NamedTuple):
    """The part of all objects that a listing shows.

    Attributes:
        is_filtered: True if other objects of the kinds may exist.
        is_named: True if the user named each object; then JSON has all details.
        which: the end of the sentence "No message queues ...", as " match".
        unseen: the requested kinds whose objects the caller cannot list.
    """

    is_filtered: bool = False
    is_named: bool = False
    which: str = ""
    unseen: Collection[Kind] = ()


ALL = Scope()
NAMED = Scope(is_filtered=True, is_named=True)
MATCHING = Scope(is_filtered=True, which=" match")


class Order(NamedTuple):
    """The order of objects that the user asked for.

    Attributes:
        columns: the column to sort by, of each kind that has it.
        reverse: True for the reverse order.
    """

    columns: "Mapping[Kind, Column]"
    reverse: bool


class Totals(NamedTuple):
    """Limits and usage of kinds, for metrics.

    Attributes:
        limits: the limits of each kind.
        used: the usage of these limits.
        usage: the rest of the usage of each kind.
    """

    limits: Sequence[Listing] = ()
    used: Sequence[Listing] = ()
    usage: "Sequence[tuple[Kind, Figures]]" = ()

    def joined(self, other: "Totals") -> "Totals":
        """Return the totals of both."""
        return Totals(
            [*self.limits, *other.limits],
            [*self.used, *other.used],
            [*self.usage, *other.usage],
        )


NO_TOTALS = Totals()


class Report(NamedTuple):
    """Objects, or rows of limits and usage, as input of a renderer.

    Attributes:
        found: the objects of each requested kind, in their order.
        columns: the columns of each kind; none if the format has a fixed layout.
        style: the appearance of values.
        headings: True if the output has headings.
        order: the names of the columns of all kinds, in the user's order.
        wanted: the names of the columns in any option.
        which: the end of the sentence "No message queues ...", as " match".
        details: True if JSON has all details.
        view: the view of the ipcs layout.
        title: the title of a single table of all kinds; empty for a table for each kind.
        is_wide: True to drop and cut no column of a table.
        keeps_times: True to shorten no time in a narrow table.
        sort: the order of the objects; None for the order of the kernel.
        max_rows: the most rows of the table of each kind; empty is no limit.
        facts: the first members of a JSON document.
        namespaces: a report for each namespace, instead of `found`.
        totals: the limits and the usage of kinds, for metrics.
        has_objects: False for metrics without single objects.
        counts_states: True for metrics with the number of objects in each state.
        namespace: the IPC namespace that labels metrics; None for no label.
        unseen: the requested kinds whose objects the caller cannot list.
        notes: lines for people after the tables.
    """

    found: Mapping[Kind, Iterable[Listing]]
    columns: "Mapping[Kind, tuple[Column, ...]]"
    style: Style
    headings: bool = True
    order: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    which: str = ""
    details: bool = False
    view: View = View.STATUS
    title: str = ""
    is_wide: bool = False
    keeps_times: bool = False
    sort: Order | None = None
    max_rows: Mapping[Kind, int] = {}
    facts: Mapping[str, Any] = {}
    namespaces: "Iterable[Report] | None" = None
    totals: Totals = NO_TOTALS
    has_objects: bool = True
    counts_states: bool = False
    namespace: int | None = None
    unseen: Collection[Kind] = ()
    notes: Sequence[str] = ()

    def in_one_order(self) -> Iterable[tuple[Kind, Iterable[Listing]]]:
        """Return the objects for one table.

        Each kind comes several times if all are sorted together.
        """
        if self.sort is None or len(self.found) < 2:
            return self.found.items()
        from pyipcs.query.choose import interleaved

        return interleaved(self.found, self.sort.columns, reverse=self.sort.reverse)


def report(
    found: Found,
    options: OutputOptions,
    format_: Format,
    view: View = View.STATUS,
    *,
    terminal: bool = False,
    unseen: Collection[Kind] = (),
) -> Report:
    """Return a report of objects in a format, with its columns and in order.

    Omit kinds that have no chosen column. Tables on a terminal have STATE.

    Args:
        found: the objects of each requested kind.
        options: the output options.
        format_: the format.
        view: the columns of the kinds.
        terminal: True if a terminal shows the report.
        unseen: the requested kinds whose objects the caller cannot list. The headings include
            their columns.

    Raises:
        UsageError: the format or a kind lacks a chosen column.
    """
    if unseen:
        requested = {kind: found.get(kind, ()) for kind in Kind if kind in {*found, *unseen}}
        whole = report(requested, options, format_, view, terminal=terminal)
        visible = {kind: some for kind, some in whole.found.items() if kind not in unseen}
        return whole._replace(found=visible, unseen=unseen)
    if format_ is Format.OPENMETRICS:
        return _metrics(found, options)
    if format_ is Format.PLAIN and not options.is_columnar:
        found = in_requested_order(_with_plain_fields(found, view), options)
        return Report(found, {}, options.style(format_), view=view)
    from pyipcs.query.choose import document, shown
    from pyipcs.query.columns import KIND, OF_KIND

    json = format_ in {Format.JSON, Format.JSONL}
    has_state = terminal and format_ is Format.TABLE
    columns = {
        kind: document(kind, options.choice)
        if json
        else shown(kind, view, options.choice, has_state=has_state)
        for kind in found
    }
    used = {kind: each for kind, each in columns.items() if {*each} - {KIND}} or columns
    known = {kind: OF_KIND[kind] for kind in found}
    return _report(found, used, known, options, format_)


def _metrics(found: Found, options: OutputOptions) -> Report:
    """Return a report for metrics."""
    from pyipcs.query.complete import METRICS, Requirement, complete

    options.check_metrics()
    has_states = options.counts_states
    required = METRICS | {Requirement.STATE} if has_states else METRICS
    return Report(
        {kind: complete(some, required) for kind, some in found.items()},
        {},
        options.style(Format.OPENMETRICS),
        counts_states=has_states,
        namespace=options.namespace,
    )


def totals(limits: Iterable[Kind], usage: Iterable[Kind]) -> Totals:
    """Return the limits and the usage of kinds, for metrics.

    Raises:
        OSError: the kernel does not report them.
    """
    limits, usage = [*limits], [*usage]
    rows = {kind: objects.resources(kind) for kind in dict.fromkeys([*limits, *usage])}
    return Totals(
        [rows[kind] for kind in limits],
        [rows[kind] for kind in usage],
        [(kind, objects.figures("usage", kind, is_corrected=True)) for kind in usage],
    )


def _with_plain_fields(found: Found, view: View) -> Found:
    """Add the fields of POSIX objects that the layout of ipcs shows."""
    if all(kind not in POSIX for kind in found):
        return found
    from pyipcs.query.complete import PLAIN, complete

    return {
        kind: complete(some, PLAIN[kind, view]) if (kind, view) in PLAIN else some
        for kind, some in found.items()
    }


def _report(
    found: Found,
    columns: Mapping[Kind, tuple["Column", ...]],
    known: Mapping[Kind, Sequence["Column"]],
    options: OutputOptions,
    format_: Format,
    noun: str = "",
) -> Report:
    from pyipcs.query.choose import arranged

    options.check(known, noun)
    whole = {
        kind: arranged(found[kind], columns[kind], known[kind], options.sort) for kind in columns
    }
    order = options.choice.names if options.choice and not options.choice.more else ()
    style = options.style(format_)
    wanted = (*options.named,)
    return Report(
        whole,
        columns,
        style,
        options.headings,
        order,
        wanted,
        is_wide=options.is_wide,
        keeps_times=options.is_wide or options.time_format is not None,
        sort=_order(known, options.sort) if options.sort else None,
    )


def _order(known: Mapping[Kind, Sequence["Column"]], sort: tuple[str, bool]) -> Order:
    name, reverse = sort
    by = {kind: one for kind, columns in known.items() for one in columns if one.name == name}
    return Order(by, reverse)


def in_requested_order(found: Found, options: OutputOptions) -> Found:
    """Return the objects, sorted by the chosen column."""
    if not options.sort:
        return found
    from pyipcs.query.choose import arranged
    from pyipcs.query.columns import OF_KIND

    options.check({kind: OF_KIND[kind] for kind in found})
    return {
        kind: arranged(listings, (), OF_KIND[kind], options.sort)
        for kind, listings in found.items()
    }


def resources(kinds: Sequence[Kind], options: OutputOptions, format_: Format) -> Report:
    """Return the limits and their usage as the rows of one table."""
    from pyipcs.query import choose

    found = {kind: [objects.resources(kind)] for kind in kinds}
    return _figures(found, choose.resources(options.choice), options, format_)


def resource_table(kinds: Sequence[Kind], options: OutputOptions, figures: str) -> Report:
    """Return a table of limits with usage ("limits") or of usage ("usage").

    Pages are sizes.
    """
    from pyipcs.query import choose
    from pyipcs.query.resources import in_bytes

    found = {
        kind: [in_bytes(objects.of_figures(objects.resources(kind), figures))] for kind in kinds
    }
    columns = choose.resources(options.choice, figures)
    report = _figures(found, columns, options, Format.TABLE)
    families = {"System V" if kind in SYSV else "POSIX": None for kind in kinds}
    return report._replace(title=f"{' and '.join(families)} IPC {figures}")


def _figures(
    found: Found, columns: tuple["Column", ...], options: OutputOptions, format_: Format
) -> Report:
    from pyipcs.query.columns import RESOURCE

    chosen, known = dict.fromkeys(found, columns), dict.fromkeys(found, RESOURCE)
    return _report(found, chosen, known, options, format_, "limits and usage")


def together(groups: Iterable[Found]) -> dict[Kind, list[Listing]]:
    """Join several groups of objects."""
    found: dict[Kind, list[Listing]] = {}
    for group in groups:
        for kind, some in group.items():
            found.setdefault(kind, []).extend(some)
    return found


def with_namespaces(shown: Report) -> Report:
    """Return a report with the namespace as the first column."""
    from pyipcs.query.columns import NAMESPACE

    columns = {
        kind: (NAMESPACE, *(one for one in each if one is not NAMESPACE))
        for kind, each in shown.columns.items()
    }
    order = (NAMESPACE.name, *shown.order) if shown.order else ()
    return shown._replace(columns=columns, order=order)


def check(kinds: Iterable[Kind], options: OutputOptions, format_: Format) -> None:
    """Check the columns of kinds before the objects are read.

    Raises:
        UsageError: the kinds lack a column, or the format has no columns.
    """
    if not options.choice and not options.sort:
        return
    from pyipcs.query.columns import OF_KIND

    if format_ is Format.OPENMETRICS:
        options.check_metrics()
    options.check({kind: OF_KIND[kind] for kind in kinds})


def in_order(
    kinds: Iterable[Kind], records: Iterable[Record], options: OutputOptions
) -> Iterable[Record]:
    """Return records, sorted by the chosen column within each kind.

    Raises:
        UsageError: the kinds lack the column to sort by.
    """
    if not options.sort:
        return records
    by_id = {(record.kind, record.id): record for record in records}
    return [
        by_id[kind, object_id]
        for kind, listings in in_requested_order(listed(kinds, by_id.values()), options).items()
        for listing in listings
        for object_id in listing.ids
    ]


def listed(kinds: Iterable[Kind], records: Iterable[Record]) -> Found:
    """Return records as a listing for each kind."""
    found = [*records]
    return {
        kind: [listing_of(kind, (record for record in found if record.kind is kind))]
        for kind in kinds
    }
