"""The columns that are shown, and the order of objects by a column."""

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

from pyipcs.model import Kind, View
from pyipcs.query.columns import DOCUMENTS, OF_KIND, RESOURCE, VIEWS, Column, ValueType
from pyipcs.query.complete import Requirement, complete
from pyipcs.sysv.keys import unsigned
from pyipcs.sysv.listing import Listing, merged, mode_bits


class Choice(NamedTuple):
    """The columns that the user named; `more` says that they are added to those shown anyway."""

    names: tuple[str, ...]
    more: bool


def parse_choice(text: str) -> Choice:
    """`COL,...` or `+COL,...`.

    Raises:
        ValueError: one of them is no column of anything; the text lists those there are.
    """
    names = tuple(_known(name) for name in text.removeprefix("+").split(","))
    return Choice(names, more=text.startswith("+"))


def parse_sort(text: str) -> tuple[str, bool]:
    """`COL` or, for the reverse, `-COL`: its name, and whether in reverse."""
    return _known(text.removeprefix("-")), text.startswith("-")


def _known(name: str) -> str:
    upper = name.strip().upper()
    if not upper:
        raise ValueError("a column's name is missing")
    everywhere = [column.name for column in chain(*OF_KIND.values(), RESOURCE)]
    if upper not in everywhere:
        raise ValueError(f"no column '{name}' (there are {', '.join(dict.fromkeys(everywhere))})")
    return upper


def shown(kind: Kind, view: View, choice: Choice | None) -> tuple[Column, ...]:
    """The columns of a kind in a view, or those of the user's choice that it has."""
    return _chosen(OF_KIND[kind], VIEWS[kind, view], choice)


def document(kind: Kind, choice: Choice | None) -> tuple[Column, ...]:
    """What JSON has of a kind."""
    return _chosen(OF_KIND[kind], DOCUMENTS[kind], choice)


def resources(choice: Choice | None) -> tuple[Column, ...]:
    """The columns of limits and usage."""
    return _chosen(RESOURCE, "RESOURCE DESCRIPTION LIMIT USED USE%", choice)


def _chosen(known: Sequence[Column], usual: str, choice: Choice | None) -> tuple[Column, ...]:
    names: Iterable[str] = usual.split()
    if choice:
        names = chain(names, choice.names) if choice.more else choice.names
    by_name = {column.name: column for column in known}
    return tuple(by_name[name] for name in dict.fromkeys(names) if name in by_name)


def check(names: Iterable[str], known: Collection[Sequence[Column]], what: str) -> None:
    """See to it that each name is a column of one of the kinds that are shown.

    Raises:
        ValueError: one is not; the text lists those there are.
    """
    there = dict.fromkeys(column.name for columns in known for column in columns)
    for name in names:
        if name not in there:
            raise ValueError(f"{what} have no column {name} (there are {', '.join(there)})")


def arranged(
    listings: Iterable[Listing],
    columns: Iterable[Column],
    known: Sequence[Column],
    sort: tuple[str, bool] | None,
) -> Iterable[Listing]:
    """Listings with all that columns need, and in order.

    Args:
        listings: the objects.
        columns: those that are shown.
        known: those that there are.
        sort: the name of the one to sort by, and whether in reverse; None leaves the kernel's
            order, and so does a name that is not known.
    """
    by = next((column for column in known if sort and column.name == sort[0]), None)
    shown_and_by = (*columns, *([by] if by else ()))
    required = {column.requires for column in shown_and_by if column.requires}
    if Requirement.EVIDENCE in required:
        required.discard(Requirement.STATE)  # which is part of it
    whole = complete(listings, required) if required else listings
    if not by or not sort:
        return whole
    listing = merged(whole)
    return [listing.take(_order(by, listing, reverse=sort[1]))] if listing else []


def _order(column: Column, listing: Listing, *, reverse: bool) -> list[int]:
    """The numbers of the rows by what is in a column; those with nothing there come last."""
    words = list(column.of(listing))
    there = [row for row, word in enumerate(words) if word is not None]
    rest = [row for row, word in enumerate(words) if word is None]
    number = _SORTED_BY.get(column.value_type, float)
    return sorted(there, key=lambda row: number(words[row]), reverse=reverse) + rest


# What words are compared by; all others are numbers.
_SORTED_BY: dict[ValueType, Callable[[Any], Any]] = {
    ValueType.TEXT: str,
    ValueType.NUMBERS: tuple,
    ValueType.KEY: lambda word: unsigned(int(word)),
    ValueType.MODE: lambda mode: mode_bits(mode) & 0o777,
    ValueType.FLAGS: lambda mode: mode_bits(mode) & ~0o777,
    **dict.fromkeys((ValueType.NUMBER, ValueType.SIZE, ValueType.TIME, ValueType.PID), int),
}
