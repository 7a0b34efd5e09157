"""The objects to show, with their columns, complete and in order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pyipcs.errors import UsageError
from pyipcs.model import Kind, Record, Unit, View
from pyipcs.sysv.listing import Listing, listing_of

if TYPE_CHECKING:
    from pyipcs.query.choose import Choice
    from pyipcs.query.columns import Column

Found: TypeAlias = Mapping[Kind, Iterable[Listing]]
# The columns that tell who uses an object, and whether it was leaked.
USAGE_COLUMNS = ("STATE", "REASON", "ATTACHED", "WAITERS")


class TimeFormat(Enum):
    """How a time is shown."""

    SHORT = "short"  # the time of today, or the day, as lsipc(1) has it
    FULL = "full"  # as ctime(3)
    ISO = "iso"  # ISO 8601 with the offset of the local zone
    RELATIVE = "relative"  # how long ago
    EPOCH = "epoch"  # seconds since 1970


class Style(NamedTuple):
    """How values are shown, where there is a choice."""

    time_format: TimeFormat
    human: bool  # sizes and durations for people
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
    """What the user said of how results are to be shown.

    Attributes:
        format_: the format; None leaves it to the terminal.
        choice: the columns.
        headings: whether to show what they are.
        sort: the name of the column to sort by, and whether in reverse.
        time_format: how times look; None leaves it to the format.
        numeric_perms: permissions as a number.
        unit: how sizes look.
    """

    format_: Format | None = None
    choice: "Choice | None" = None
    headings: bool = True
    sort: tuple[str, bool] | None = None
    time_format: str | None = None
    numeric_perms: bool = False
    unit: Unit = Unit.DEFAULT

    def chosen(self, *, terminal: bool) -> Format:
        """The format."""
        return self.format_ or (Format.TABLE if terminal else Format.PLAIN)

    @property
    def is_columnar(self) -> bool:
        """Whether something was asked for that util-linux's layout has not."""
        return bool(self.choice or not self.headings or self.time_format or self.numeric_perms)

    def with_columns(
        self, kinds: Iterable[Kind], names: Iterable[str], *, more: bool
    ) -> "OutputOptions":
        """With those of these columns that the kinds have; `more` adds them to the usual ones."""
        from pyipcs.query.choose import Choice
        from pyipcs.query.columns import OF_KIND

        there = {column.name for kind in kinds for column in OF_KIND[kind]}
        return self._replace(choice=Choice(tuple(n for n in names if n in there), more=more))

    def style(self, format_: Format) -> Style:
        """How values look in a format."""
        for_people = format_ is Format.TABLE
        time_format = TimeFormat(self.time_format or ("full" if for_people else "iso"))
        human = self.unit is Unit.HUMAN or (self.unit is Unit.DEFAULT and for_people)
        return Style(time_format, human, self.numeric_perms)

    def refuse_columns(self, what: str) -> None:
        """See to it that no columns were asked for where there are none.

        Raises:
            UsageError: some were.
        """
        for option, given_ in (("-o", self.choice), ("--sort", self.sort)):
            if given_:
                raise UsageError(f"{option} is not for {what}")

    @property
    def named(self) -> Iterator[str]:
        """The columns that the user named."""
        yield from self.choice.names if self.choice else ()
        yield from (self.sort[0],) if self.sort else ()

    def check(self, known: Mapping[Kind, Sequence["Column"]], what: str = "") -> None:
        """See to it that the columns are those of what is shown.

        Raises:
            UsageError: one of them is not.
        """
        if not self.choice and not self.sort:
            return
        from pyipcs.query.choose import check

        try:
            check(self.named, known.values(), what or ", ".join(kind.plural for kind in known))
        except ValueError as error:
            raise UsageError(str(error)) from None


class Scope(NamedTuple):
    """The part of the objects of a kind that a listing shows.

    Attributes:
        is_filtered: True if other objects of the kind may exist.
        is_named: True if the user named each object; JSON then has more than the columns.
        which: the end of the sentence "No message queues ...", as " match".
    """

    is_filtered: bool = False
    is_named: bool = False
    which: str = ""


ALL = Scope()
NAMED = Scope(is_filtered=True, is_named=True)
MATCHING = Scope(is_filtered=True, which=" match")


class Report(NamedTuple):
    """Objects, and how to show them.

    Attributes:
        found: the objects of each kind that was asked for, as they come.
        columns: those of each kind.
        style: how values look.
        headings: whether to say what the columns are.
        order: the names of the columns as the user put them, over all kinds.
        wanted: the columns that the user named in any way.
        details: whether to tell also what no column has.
        which: of what objects there may be none: " match", say, or " to remove".
    """

    found: Mapping[Kind, Iterable[Listing]]
    columns: "Mapping[Kind, tuple[Column, ...]]"
    style: Style
    headings: bool = True
    order: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    which: str = ""
    details: bool = False


def report(
    found: Found, options: OutputOptions, format_: Format, view: View = View.STATUS
) -> Report:
    """Objects with the columns of a format, completed and in order.

    Kinds that have none of the columns that the user chose are left out.
    """
    from pyipcs.query.choose import document, shown
    from pyipcs.query.columns import KIND, OF_KIND

    json = format_ in {Format.JSON, Format.JSONL}
    columns = {
        kind: document(kind, options.choice) if json else shown(kind, view, options.choice)
        for kind in found
    }
    telling = {kind: each for kind, each in columns.items() if {*each} - {KIND}} or columns
    known = {kind: OF_KIND[kind] for kind in found}
    return _report(found, telling, known, options, format_)


def _report(
    found: Found,
    columns: Mapping[Kind, tuple["Column", ...]],
    known: Mapping[Kind, Sequence["Column"]],
    options: OutputOptions,
    format_: Format,
    what: str = "",
) -> Report:
    from pyipcs.query.choose import arranged

    options.check(known, what)
    whole = {
        kind: arranged(found[kind], columns[kind], known[kind], options.sort) for kind in columns
    }
    order = options.choice.names if options.choice and not options.choice.more else ()
    style = options.style(format_)
    return Report(whole, columns, style, options.headings, order, (*options.named,))


def in_requested_order(found: Found, options: OutputOptions) -> Found:
    """The objects as they come, or sorted."""
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
    """The limits with what is in use of them."""
    from pyipcs.query import choose
    from pyipcs.query.columns import RESOURCE
    from pyipcs.sysv import limits

    found = {kind: [limits.resources(kind)] for kind in kinds}
    chosen = dict.fromkeys(kinds, choose.resources(options.choice))
    known = dict.fromkeys(kinds, RESOURCE)
    return _report(found, chosen, known, options, format_, "limits and usage")


def together(groups: Iterable[Found]) -> dict[Kind, list[Listing]]:
    """Return the objects of several groups as one."""
    found: dict[Kind, list[Listing]] = {}
    for group in groups:
        for kind, some in group.items():
            found.setdefault(kind, []).extend(some)
    return found


def with_namespaces(shown: Report) -> Report:
    """A report whose first column is the namespace."""
    from pyipcs.query.columns import NAMESPACE

    columns = {
        kind: (NAMESPACE, *(one for one in each if one is not NAMESPACE))
        for kind, each in shown.columns.items()
    }
    order = (NAMESPACE.name, *shown.order) if shown.order else ()
    return shown._replace(columns=columns, order=order)


def check(kinds: Iterable[Kind], options: OutputOptions, format_: Format) -> None:
    """See to it that objects of these kinds can be shown so, before they are looked for.

    Raises:
        UsageError: they have no such column, or the format has none.
    """
    if not options.choice and not options.sort:
        return
    from pyipcs.query.columns import OF_KIND

    if format_ is Format.OPENMETRICS:
        options.refuse_columns(Format.OPENMETRICS.value)
    options.check({kind: OF_KIND[kind] for kind in kinds})


def in_order(
    kinds: Iterable[Kind], records: Iterable[Record], options: OutputOptions
) -> Iterable[Record]:
    """Records as they come, or sorted, those of each kind.

    Raises:
        UsageError: they have no such column.
    """
    if not options.sort:
        return records
    by_id = {(record.kind, record.id): record for record in records}
    return [
        by_id[kind, object_id]
        for kind, listings in in_requested_order(listed(kinds, by_id.values()), options).items()
        for listing in listings
        for object_id in listing.column("id")
    ]


def listed(kinds: Iterable[Kind], records: Iterable[Record]) -> Found:
    """Records as listings of their kinds."""
    found = [*records]
    return {
        kind: [listing_of(kind, (record for record in found if record.kind is kind))]
        for kind in kinds
    }
