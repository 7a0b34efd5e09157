"""Objects as JSON, in one document or a line each, under the kernel's field names."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from pyipcs.model import Kind
from pyipcs.query.columns import KIND, Column, ValueType, Word
from pyipcs.query.plan import Report, Style, TimeFormat
from pyipcs.render.format_units import flags, octal
from pyipcs.render.formatters import converter
from pyipcs.render.listing_report import present
from pyipcs.sysv.listing import Listing
from pyipcs.terminal.escape import valid_utf8

if TYPE_CHECKING:
    from pyipcs.sysv.info import Limits, Usage


def json_document(report: Report, facts: Mapping[str, Any]) -> Iterator[str]:
    """The document of a listing, an object a line; memory stays flat however many there are.

    Args:
        report: what to show.
        facts: its first members: when and where the listing was taken, and what else there is.
    """
    yield _json_facts(facts)[:-1]
    yield from _collections(report)
    yield "}\n"


def json_namespaces(
    groups: Iterable[tuple[Mapping[str, Any], Report]], facts: Mapping[str, Any]
) -> Iterator[str]:
    """The document of the listings of several IPC namespaces, each with facts of its own."""
    yield _json_facts(facts)[:-1] + ',\n"namespaces": ['
    separator = "\n"
    for own, report in groups:
        yield separator + "".join(json_document(report, own)).rstrip()
        separator = ",\n"
    yield "]}\n"


def _json_facts(facts: Any) -> str:
    """Facts with all texts of strangers, which may be no UTF-8, made whole."""
    match facts:
        case str():
            return json.dumps(valid_utf8(facts))
        case dict():
            members = (f"{json.dumps(key)}: {_json_facts(value)}" for key, value in facts.items())
            return f"{{{', '.join(members)}}}"
        case list() | tuple():
            return f"[{', '.join(map(_json_facts, facts))}]"
        case _:
            return json.dumps(facts)


def _collections(report: Report) -> Iterator[str]:
    """The members with the objects of each kind."""
    for kind, listings in report.found.items():
        yield f',\n"{kind.collection}": ['
        separator = "\n"
        for listing in listings:
            if listing.length:
                yield separator + ",\n".join(_json_objects(report.columns[kind], listing, report))
                separator = ",\n"
        yield "]"


def json_lines(report: Report) -> Iterator[str]:
    """A line for each object, which begins with its kind."""
    for kind, listings in report.found.items():
        columns = (KIND, *(column for column in report.columns[kind] if column is not KIND))
        for listing in listings:
            yield "".join(f"{line}\n" for line in _json_objects(columns, listing, report))


def json_figures(
    name: str, found: "Mapping[Kind, Limits | Usage]", *, lines: bool
) -> Iterator[str]:
    """Limits, or usage: the kinds' values side by side, or in a line a kind."""
    values = {kind: part._asdict() for kind, part in found.items()}
    if lines:
        for kind, part in values.items():
            yield json.dumps({"kind": kind.value, **part}) + "\n"
    else:
        together = {key: value for part in values.values() for key, value in part.items()}
        yield json.dumps({name: together}, indent=2) + "\n"


def _json_objects(columns: Iterable[Column], listing: Listing, report: Report) -> Iterator[str]:
    """The objects of a listing, each in one line."""
    members = [_json_member(column, listing, report.style) for column in columns]
    if report.details and listing.kind is Kind.SEMAPHORE:
        there = listing.has("semaphores")
        told = listing.column("semaphores") if there else [None] * listing.length
        members.append(('"semaphores": %s', map(_json_semaphores, told)))
    if report.details and listing.has("evidence"):
        members.append(('"processes": %s', map(_json_users, listing.column("evidence"))))
    template = "{" + ", ".join(text for text, _ in members) + "}"
    return map(template.__mod__, zip(*(values for _, values in members), strict=True))


def _json_semaphores(semaphores: Any) -> str:
    return json.dumps(semaphores and [semaphore._asdict() for semaphore in semaphores])


def _json_users(evidence: Any) -> str:
    """The processes that use an object now; null where none could be seen."""
    if evidence.users is None:
        return "null"
    return _json_facts([user._asdict() for user in evidence.users])


def _json_member(column: Column, listing: Listing, style: Style) -> tuple[str, Iterable[Any]]:
    """The template of a column's member of an object, and what goes into it."""
    words = column.of(listing)
    if column.value_type is ValueType.FLAGS:
        return "%s", map(_json_flags, words)
    quotes = '"%s"' if column.value_type in {ValueType.KEY, ValueType.MODE} else "%s"
    convert = _json_converter(column.value_type, style)
    values = map(convert, words) if convert else present(words, "null")
    return f'"{column.field}": {quotes}', values


@lru_cache(maxsize=64)
def _json_flags(mode: Any) -> str:
    """Return the members for the flags in a mode."""
    return json.dumps(flags(mode))[1:-1]


@cache
def _json_converter(value_type: ValueType, style: Style) -> Callable[[Word], str] | None:
    """What turns a word into JSON; None where that is the word itself, a number."""
    match value_type:
        case ValueType.MODE:
            return lru_cache(octal)
        case ValueType.KEY:
            return converter(value_type, style, "")
        case ValueType.NUMBERS:
            return lambda word: "null" if word is None else json.dumps(word)
        case ValueType.TIME if style.time_format is TimeFormat.EPOCH:
            return converter(value_type, style, "null")
        case ValueType.TEXT | ValueType.TIME:
            show = converter(value_type, style, "")
            assert show
            return lru_cache(maxsize=4096)(lambda word: _quoted(show(word)))
        case _:
            return None


def _quoted(text: str) -> str:
    """A string of JSON; null where it is empty."""
    return json.dumps(valid_utf8(text)) if text else "null"
