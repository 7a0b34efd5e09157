"""Baselines: earlier listings, and the objects that they lack (--not-in)."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from pyipcs.model import SHM_DEST, Kind, Record
from pyipcs.query.filters import Filter
from pyipcs.sysv.keys import signed
from pyipcs.sysv.listing import Listing, mode_bits
from pyipcs.sysv.namespace import origin

NO_LISTING = "not a listing of pyipcs (list -J)"
_UNIQUE = "ipc_namespace_id"  # which not every kernel tells
# Where objects are the same ones, and pids and uids mean the same.
_ORIGINS = {
    "boot_id": "boot",
    "ipc_namespace": "IPC namespace",
    _UNIQUE: "IPC namespace",
    "pid_namespace": "PID namespace",
    "user_namespace": "user namespace",
}
# What an object of an earlier listing is known again by; never ctime, which SETVAL moves.
_IDENTITY = ("key", "id", "cuid", "cgid")
_NO_KEY = 1 << 32  # in the place of a key that does not count; no key_t has this value


def not_in(document: Mapping[str, Any]) -> Filter:
    """Objects that an earlier listing (`list -J`) does not hold; kinds that it lacks are let be.

    Raises:
        ValueError: it is no such listing, or one of another boot or namespace, or one that does
            not hold all objects of its kinds; the text says which.
    """
    _check_origin(document)
    known = _known(document)
    if not known:
        raise ValueError(NO_LISTING)
    return new_since(known)


def new_since(known: Mapping[Kind, Collection[tuple[int, ...]]]) -> Filter:
    """Select the objects of these kinds that were not there when these were (`identities`)."""
    before = {kind: frozenset(some) for kind, some in known.items()}
    if segments := before.get(Kind.SEGMENT):
        # Any of them may have been removed since, while it was attached.
        before[Kind.SEGMENT] = segments.union(map(_without_key, segments))

    def keep(listing: Listing) -> Iterable[bool]:
        return (one not in before[listing.kind] for one in identities(listing))

    return Filter("--not-in", keep, tuple(before), "has a listing of")


def _check_origin(document: Any) -> None:
    match document:
        case {"taken": {"filtered": filtered, **there}} if _ORIGINS.keys() <= there.keys():
            pass
        case _:
            raise ValueError(NO_LISTING)
    if filtered is not False:
        raise ValueError("the listing does not hold all objects of its kinds")
    here = origin()
    for name, words in _ORIGINS.items():
        if None in (there[name], here[name]) and name != _UNIQUE:
            raise ValueError(f"which {words} it is of cannot be told without /proc")
        if there[name] != here[name]:
            raise ValueError(f"the listing is of another {words}")


def identities(listing: Listing) -> Iterator[tuple[int, ...]]:
    """Return what each object is known again by.

    The kernel sets the key of a segment to 0 when it is removed while attached (SHM_DEST), so that
    its key is no part of it.
    """
    fields = _identity_fields(listing.kind)
    found = zip(*(map(int, listing.column(field)) for field in fields), strict=True)
    if listing.kind is not Kind.SEGMENT:
        return found
    rows = zip(found, listing.column("mode"), strict=True)
    return (_without_key(one) if mode_bits(mode) & SHM_DEST else one for one, mode in rows)


def identity_of(record: Record) -> tuple[int, ...]:
    """Return the identity of one object, as `identities` does."""
    identity = tuple(getattr(record, field) for field in _identity_fields(record.kind))
    is_removed = record.kind is Kind.SEGMENT and record.mode & SHM_DEST
    return _without_key(identity) if is_removed else identity


def _without_key(identity: tuple[int, ...]) -> tuple[int, ...]:
    return (_NO_KEY, *identity[1:])


def _identity_fields(kind: Kind) -> tuple[str, ...]:
    return (*_IDENTITY, "cpid") if kind is Kind.SEGMENT else _IDENTITY


def _known(document: Mapping[str, Any]) -> dict[Kind, set[tuple[int, ...]]]:
    """What the objects of a listing in JSON are known again by."""
    try:
        return {
            kind: {_identity(kind, found) for found in _list(document[kind.collection])}
            for kind in Kind
            if kind.collection in document
        }
    except KeyError as error:
        raise ValueError(f"the listing lacks what objects are known again by: {error}") from None
    except (TypeError, ValueError, AttributeError):
        raise ValueError(NO_LISTING) from None


def _identity(kind: Kind, found: Mapping[str, Any]) -> tuple[int, ...]:
    key, *numbers = (found[field] for field in _identity_fields(kind))
    if not all(type(number) is int for number in numbers):  # a bool is one for isinstance
        raise TypeError
    if not re.fullmatch("0x[0-9a-f]{8}", key):
        raise ValueError(key)
    return signed(int(key, 16)), *numbers


def _list(found: Any) -> list[Any]:
    if not isinstance(found, list):
        raise TypeError
    return found
