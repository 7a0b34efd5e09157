"""The columns to show, and the order of objects."""

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

from pyipcs.model import Kind, View
from pyipcs.query.columns import DOCUMENTS, OF_KIND, RESOURCE, VIEWS, Column, ValueType
from pyipcs.query.complete import Requirement, complete
from pyipcs.sysv.keys import unsigned
from pyipcs.sysv.listing import Listing, merged, mode_bits


class Choice(NamedTuple):
    """The columns that the user chose.

    Attributes:
        names: the names of the columns.
        more: True to add the columns to the default columns.
    """

    names: tuple[str, ...]
    more: bool


def parse_choice(text: str) -> Choice:
    """Parse `COL,...` or `+COL,...`.

    Raises:
        ValueError: a name is unknown; the message lists the known names.
    """
    names = tuple(_known(name) for name in text.removeprefix("+").split(","))
    return Choice(names, more=text.startswith("+"))


def parse_sort(text: str) -> tuple[str, bool]:
    """Parse `COL` or `-COL`; return the name, and True for the reverse order."""
    return _known(text.removeprefix("-")), text.startswith("-")


def _known(name: str) -> str:
    upper = name.strip().upper()
    if not upper:
        raise ValueError("a column's name is missing")
    known = dict.fromkeys(column.name for column in chain(*OF_KIND.values(), RESOURCE))
    if upper not in known:
        raise ValueError(f"no column '{name}' (there are {', '.join(known)})")
    return upper


def shown(kind: Kind, view: View, choice: Choice | None) -> tuple[Column, ...]:
    """Return the columns of a kind in a view, or by the user's choice."""
    return _chosen(OF_KIND[kind], VIEWS[kind, view], choice)


def document(kind: Kind, choice: Choice | None) -> tuple[Column, ...]:
    """Return the columns of a kind in JSON."""
    return _chosen(OF_KIND[kind], DOCUMENTS[kind], choice)


def resources(choice: Choice | None) -> tuple[Column, ...]:
    """Return the columns of limits and usage."""
    return _chosen(RESOURCE, "RESOURCE DESCRIPTION LIMIT USED USE%", choice)


def _chosen(known: Sequence[Column], usual: str, choice: Choice | None) -> tuple[Column, ...]:
    names: Iterable[str] = usual.split()
    if choice:
        names = chain(names, choice.names) if choice.more else choice.names
    by_name = {column.name: column for column in known}
    return tuple(by_name[name] for name in dict.fromkeys(names) if name in by_name)


def check(names: Iterable[str], known: Collection[Sequence[Column]], noun: str) -> None:
    """Check that each name is a column of one of the listed kinds.

    Args:
        names: the names.
        known: the columns of each kind.
        noun: the noun for the kinds in the message.

    Raises:
        ValueError: a name is no such column; the message lists the columns of the kinds.
    """
    allowed = dict.fromkeys(column.name for columns in known for column in columns)
    for name in names:
        if name not in allowed:
            raise ValueError(f"{noun} have no column {name} (there are {', '.join(allowed)})")


def arranged(
    listings: Iterable[Listing],
    columns: Iterable[Column],
    known: Sequence[Column],
    sort: tuple[str, bool] | None,
) -> Iterable[Listing]:
    """Add the fields that columns require, and sort.

    Args:
        listings: the objects.
        columns: the columns to show.
        known: all columns of the kind.
        sort: the name of the column to sort by, and True for the reverse order. None and an unknown
            name keep the kernel's order.
    """
    by = next((column for column in known if sort and column.name == sort[0]), None)
    shown_and_by = (*columns, *([by] if by else ()))
    required = {column.requires for column in shown_and_by if column.requires}
    if Requirement.EVIDENCE in required:
        required.discard(Requirement.STATE)  # the evidence includes the state
    whole = complete(listings, required) if required else listings
    if not by or not sort:
        return whole
    listing = merged(whole)
    return [listing.take(_order(by, listing, reverse=sort[1]))] if listing else []


def _order(column: Column, listing: Listing, *, reverse: bool) -> list[int]:
    """Return the numbers of the rows in order; missing values come last."""
    values = list(column.of(listing))
    known = [row for row, value in enumerate(values) if value is not None]
    missing = [row for row, value in enumerate(values) if value is None]
    key = _SORT_KEYS.get(column.value_type, float)
    return sorted(known, key=lambda row: key(values[row]), reverse=reverse) + missing


# The functions that convert values for comparison; float for other types.
_SORT_KEYS: dict[ValueType, Callable[[Any], Any]] = {
    ValueType.TEXT: str,
    ValueType.NUMBERS: tuple,
    ValueType.KEY: lambda key: unsigned(int(key)),
    ValueType.MODE: lambda mode: mode_bits(mode) & 0o777,
    ValueType.FLAGS: lambda mode: mode_bits(mode) & ~0o777,
    **dict.fromkeys((ValueType.NUMBER, ValueType.SIZE, ValueType.TIME, ValueType.PID), int),
}
