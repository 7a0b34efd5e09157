"""The columns to show, and the order of objects."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby, repeat
from typing import Any, NamedTuple

from pyipcs.listing import Listing, merged, mode_bits
from pyipcs.model import Kind, View
from pyipcs.query.columns import (
    DOCUMENTS,
    FIGURES,
    OF_KIND,
    RESOURCE,
    USUALLY_CLASSIFIED,
    VIEWS,
    Column,
    Value,
    ValueType,
)
from pyipcs.query.complete import Requirement, complete
from pyipcs.sysv.keys import unsigned


class Choice(NamedTuple):
    """The chosen columns.

    Attributes:
        names: the names of the columns.
        more: True to add the columns to the default columns.
        is_usual: True if a command chose the columns, and not the user.
    """

    names: tuple[str, ...]
    more: bool
    is_usual: bool = False


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
    """Return the name of a column in capitals, an unknown name unchanged."""
    name = text.strip()
    if not name:
        raise ValueError("a column's name is missing")
    return name.upper() if _is_column(name.upper()) else name


def _is_column(name: str) -> bool:
    return any(column.name == name for column in chain(*OF_KIND.values(), RESOURCE))


def shown(
    kind: Kind, view: View, choice: Choice | None, *, has_state: bool = False
) -> tuple[Column, ...]:
    """Return the columns of a kind in a view, or by the user's choice.

    Args:
        kind: the kind.
        view: the view.
        choice: the choice of the user or of a command.
        has_state: True if a kind with USUALLY_CLASSIFIED has STATE in the status view.
    """
    usual = VIEWS[kind, view]
    if has_state and view is View.STATUS and kind in USUALLY_CLASSIFIED:
        usual = usual.replace("PERMS", "PERMS STATE")
    return _chosen(OF_KIND[kind], usual, choice)


def document(kind: Kind, choice: Choice | None) -> tuple[Column, ...]:
    """Return the columns of a kind in JSON."""
    return _chosen(OF_KIND[kind], DOCUMENTS[kind], choice)


def resources(choice: Choice | None, figures: str = "limits") -> tuple[Column, ...]:
    """Return the columns of limits with usage ("limits") or usage ("usage")."""
    return _chosen(RESOURCE, FIGURES[figures], choice)


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
    """Return the column with the closest name, or closest kernel's name."""
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


def _order(by: Column, listing: Listing, *, reverse: bool) -> list[int]:
    """Return the numbers of the rows in order; missing values come last."""
    return _sorted([*by.of(listing)], by.value_type, reverse=reverse)


def _sorted(values: Sequence[Value], value_type: ValueType, *, reverse: bool) -> list[int]:
    """Return the positions of values in order; missing values come last."""
    known = [row for row, value in enumerate(values) if value is not None]
    missing = [row for row, value in enumerate(values) if value is None]
    key = _SORT_KEYS.get(value_type, float)
    return sorted(known, key=lambda row: key(values[row]), reverse=reverse) + missing


def interleaved(
    found: Mapping[Kind, Iterable[Listing]], by: Mapping[Kind, Column], *, reverse: bool
) -> Iterator[tuple[Kind, list[Listing]]]:
    """Yield the objects of all kinds in one order, in runs of one kind.

    Equal objects keep the order of the kinds. Kinds without the column come last.
    """
    values: list[Value] = []
    rows: list[tuple[Kind, int]] = []
    wholes: dict[Kind, Listing] = {}
    for kind, listings in found.items():
        whole = merged(listings)
        if whole is None:
            continue
        wholes[kind] = whole
        rows += [(kind, row) for row in range(whole.length)]
        values += by[kind].of(whole) if kind in by else repeat(None, whole.length)
    types = {column.value_type for column in by.values()}
    in_order = (
        [rows[place] for place in _sorted(values, *types, reverse=reverse)] if types else rows
    )
    for kind, run in groupby(in_order, key=lambda one: one[0]):
        yield kind, [wholes[kind].take([row for _kind, row in run])]


# The functions to compare values by, if it is not float.
_SORT_KEYS: dict[ValueType, Callable[[Any], Any]] = {
    ValueType.TEXT: str,
    ValueType.NAME: str,
    ValueType.NUMBERS: tuple,
    ValueType.KEY: lambda key: unsigned(int(key)),
    ValueType.MODE: lambda mode: mode_bits(mode) & 0o777,
    ValueType.FLAGS: lambda mode: mode_bits(mode) & ~0o777,
    **dict.fromkeys((ValueType.NUMBER, ValueType.SIZE, ValueType.TIME, ValueType.PID), int),
}
