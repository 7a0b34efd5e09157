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
    """Parse `COL,...` or `+COL,...`; `check` reports unknown columns.

    Raises:
        ValueError: a name is missing.
    """
    names = tuple(_column_name(name) for name in text.removeprefix("+").split(","))
    return Choice(names, more=text.startswith("+"))


def parse_sort(text: str) -> tuple[str, bool]:
    """Parse `COL` or `-COL`; return the name, and True for the reverse order.

    Raises:
        ValueError: the name is missing.
    """
    return _column_name(text.removeprefix("-")), text.startswith("-")


def _column_name(text: str) -> str:
    """Return the name of a column in capitals; an unknown name stays as it was typed."""
    name = text.strip()
    if not name:
        raise ValueError("a column's name is missing")
    return name.upper() if _is_column(name.upper()) else name


def _is_column(name: str) -> bool:
    return any(column.name == name for column in chain(*OF_KIND.values(), RESOURCE))


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
        ValueError: a name is no such column; the text has the closest one.
    """
    allowed = {column.name for columns in known for column in columns}
    for name in names:
        if name not in allowed:
            is_of_others = _is_column(name)
            subject = f"{noun} have no column {name}" if is_of_others else f"no column '{name}'"
            close = None if is_of_others else _closest(name.upper(), chain(*known))
            hint = f", did you mean {close}?" if close else ""
            raise ValueError(f"{subject}{hint} (pyipcs help columns lists them)")


def _closest(name: str, columns: Iterable[Column]) -> str | None:
    """Return the column whose name, or the kernel's name of it, is closest to a name."""
    from difflib import get_close_matches

    listed = [*columns]
    words = {column.name: column.name for column in listed}
    for column in listed:
        words.setdefault(column.field.upper(), column.name)
    percentage = f"{name}%"  # USE is USE%, though USER is as close
    close = [percentage] if percentage in words else get_close_matches(name, words, 1, cutoff=0.7)
    return words[close[0]] if close else None


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
