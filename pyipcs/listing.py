"""Listings of objects of one kind, in columns of text or of values.

A listing of /proc/sysvipc stays text until a value is needed: conversion would be the largest cost
of listing thousands of objects. Listings of records and of POSIX objects contain values.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain, compress, repeat
from typing import Any, NamedTuple

from pyipcs.model import RECORDS, Kind, Record

CHUNK = 1024  # rows of a listing of many objects: fast enough, and memory stays flat


class Listing(NamedTuple):
    """Some objects of one kind.

    Attributes:
        kind: the kind of the objects.
        header: the fields of `words`; empty for a listing of values.
        words: the words of all rows.
        added: the columns with values, by field; None is an unknown value. A listing of values has
            all its columns here.
        corrected: the functions that return the values of a column whose words may be wrong.
    """

    kind: Kind
    header: tuple[str, ...]
    words: list[str]
    added: Mapping[str, Sequence[Any]] = {}
    corrected: Mapping[str, Callable[[Any], Sequence[Any]]] = {}

    @property
    def length(self) -> int:
        """The number of objects."""
        if self.header:
            return len(self.words) // len(self.header)
        return len(next(iter(self.added.values()), ()))

    @property
    def ids(self) -> Iterable[int | str]:
        """The ids of System V objects, or the names of POSIX objects."""
        return self.column("name") if self.has("name") else map(int, self.column("id"))

    def has(self, field: str) -> bool:
        """Return True if the listing has a field of the records."""
        return field in self.added or field in self.header

    def column(self, field: str) -> Sequence[Any]:
        """Return a column by field, as text or values.

        `mode_bits` converts an item of the column "mode".
        """
        if field in self.added:
            return self.added[field]
        correct = self.corrected.get(field)
        return correct(self) if correct else self.listed(field)

    def listed(self, field: str) -> list[str]:
        """Return the words of a field."""
        return self.words[self.header.index(field) :: len(self.header)]

    def records(self) -> Iterator[Any]:
        """Yield the rows as records of the kind, with None for missing columns."""
        record = RECORDS[self.kind]
        columns = [self._values(field) for field in record._fields]
        return map(record._make, zip(*columns, strict=False))

    def _values(self, field: str) -> Iterable[Any]:
        if field in self.added:
            return self.added[field]
        if not self.has(field):
            return repeat(None)
        words = self.column(field)
        if field in self.corrected:
            return (None if word is None else int(word) for word in words)
        return map(int, words, repeat(8 if field == "mode" else 10))

    def select(self, ids: Container[int | str]) -> "Listing":
        """Return the rows with these ids or names."""
        return self.where(one in ids for one in self.ids)

    def owned_by(self, uid: int) -> Iterator[bool]:
        """Yield a bool for each object: True if a user created or owns it."""
        user = str(uid) if self.header else uid
        fields = filter(self.has, ("uid", "cuid"))
        owners = zip(*map(self.column, fields), strict=True)
        return (user in each for each in owners)

    def where(self, kept: Iterable[object]) -> "Listing":
        """Return the rows with a true value in `kept`."""
        return self.take(list(compress(range(self.length), kept)))

    def take(self, rows: Sequence[int]) -> "Listing":
        """Return the rows with these numbers, in this order."""
        width = len(self.header)
        words = (self.words[row * width : (row + 1) * width] for row in rows)
        added = {name: [values[row] for row in rows] for name, values in self.added.items()}
        return self._replace(words=list(chain.from_iterable(words)), added=added)

    def distinct(self, before: str | int = "") -> "Listing":
        """Return the first row of each id or name.

        Linux 5.3 to 5.7 repeat the row of an object for each free entry before the object.

        Args:
            before: the id of the row before this listing, which is dropped here.
        """
        ids = self.column(self.kind.id_field)
        if len({before, *ids}) == len(ids) + 1:
            return self
        first: dict[str | int, int] = {}
        for row, word in enumerate(ids):
            first.setdefault(word, row)
        first.pop(before, None)
        return self.take([*first.values()])

    def with_added(self, field: str, values: Sequence[Any]) -> "Listing":
        """Return the same rows with one more field."""
        return self._replace(added={**self.added, field: values})

    def with_empty(self, fields: Iterable[str]) -> "Listing":
        """Return a listing without rows, with more fields."""
        return self._replace(added={**self.added, **{field: [] for field in fields}})

    def without_text(self) -> "Listing":
        """Return the rows as a listing of records."""
        fields = filter(self.has, RECORDS[self.kind]._fields)
        added = {**{field: [*self._values(field)] for field in fields}, **self.added}
        return Listing(self.kind, (), [], added)


def listing_of(kind: Kind, records: Iterable[Record]) -> Listing:
    """Return a listing of records of one kind."""
    found = [*records]
    columns = zip(*found, strict=True) if found else repeat(())
    fields = zip(RECORDS[kind]._fields, map(list, columns), strict=False)
    optional = RECORDS[kind]._field_defaults
    added = {
        field: values
        for field, values in fields
        if field not in optional or any(value is not None for value in values)
    }
    return Listing(kind, (), [], added)


def is_constant(values: Sequence[Any]) -> bool:
    """Return True if all values are equal; there is at least one.

    The ends are compared first: most columns that vary differ there.
    """
    return bool(values[0] == values[-1]) and values.count(values[0]) == len(values)


def mode_bits(mode: str | int) -> int:
    """Return a mode as a number; the kernel's text is octal."""
    return int(mode, 8) if isinstance(mode, str) else mode


def merged(listings: Iterable[Listing]) -> Listing | None:
    """Join listings; return None without listings."""
    found = [*listings]
    if len(found) < 2:
        return found[0] if found else None
    if any(one.header != found[0].header for one in found):
        found = [one.without_text() for one in found]
    words = [*chain.from_iterable(listing.words for listing in found)]
    # An empty listing may lack added columns of the others.
    added = {
        name: [*chain.from_iterable(one.added.get(name, [None] * one.length) for one in found)]
        for name in dict.fromkeys(chain.from_iterable(listing.added for listing in found))
    }
    return found[0]._replace(words=words, added=added)


def listed_fields(kind: Kind) -> list[str]:
    """Return the fields that every listing has."""
    record = RECORDS[kind]
    return [field for field in record._fields if field not in record._field_defaults]
