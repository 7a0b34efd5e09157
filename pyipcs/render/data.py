"""Renderers of a JSON document or JSON lines, with the kernel's names.

Objects are filled into a template of their columns: numbers of /proc/sysvipc are JSON already. The
template contains the values that all objects of a chunk have. 31,900 queues take 0.1 s with a
template, and 0.3 s with a dict and `json.dumps` for each.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import repeat
from typing import TYPE_CHECKING, Any, TypeAlias

from pyipcs.listing import Listing, is_constant
from pyipcs.model import Kind
from pyipcs.query.columns import KIND, Column, Value, ValueType
from pyipcs.query.plan import Report, Style, TimeFormat
from pyipcs.render.format_units import flags, iso_time, octal
from pyipcs.render.formatters import converter, with_missing
from pyipcs.sysv.keys import format_keys
from pyipcs.terminal.escape import valid_utf8

if TYPE_CHECKING:
    from pyipcs.model import Unit
    from pyipcs.objects import Figures
    from pyipcs.terminal.capabilities import TerminalCapabilities

# The template of a member, and its texts; None if the template contains the text of all objects.
_Member: TypeAlias = tuple[str, Iterable[Any] | None]
# The names of used amounts in JSON, where the name of the resource is that of its limit.
_USED_NAMES = {
    "queues_max": "queues",
    "rlimit_msgqueue": "queue_bytes",
    "shm_size": "shm_used",
    "shm_inodes": "shm_inodes_used",
}


def json_document(
    report: Report, _capabilities: "TerminalCapabilities | None" = None
) -> Iterator[str]:
    """Render one document with one object per line, in constant memory."""
    yield _json_facts(report.facts)[:-1]
    if report.namespaces is None:
        yield from _collections(report)
    else:
        yield from _namespaces(report.namespaces)
    yield "}\n"


def _namespaces(reports: Iterable[Report]) -> Iterator[str]:
    """Yield the member with a document for each namespace."""
    yield ',\n"namespaces": ['
    separator = "\n"
    for report in reports:
        yield separator + "".join(json_document(report)).rstrip()
        separator = ",\n"
    yield "]"


def _json_facts(facts: Any) -> str:
    """Return facts as JSON, with invalid UTF-8 in untrusted text replaced."""
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
    """Yield the members with the objects of each kind."""
    for kind, listings in _requested(report):
        if listings is None:
            yield f',\n"{kind.collection}": null'
            continue
        yield f',\n"{kind.collection}": ['
        separator = "\n"
        for listing in listings:
            if listing.length:
                yield separator + ",\n".join(_json_objects(report.columns[kind], listing, report))
                separator = ",\n"
        yield "]"


def _requested(report: Report) -> Iterator[tuple[Kind, Iterable[Listing] | None]]:
    """Yield the requested kinds with their objects, or None if unlistable."""
    if not report.unseen:
        yield from report.found.items()
        return
    for kind in Kind:
        if kind in report.found or kind in report.unseen:
            yield kind, report.found.get(kind)


def json_lines(
    report: Report, _capabilities: "TerminalCapabilities | None" = None
) -> Iterator[str]:
    """Render a line for each object; its first member is the kind."""
    for kind, listings in report.found.items():
        for listing in listings:
            yield "".join(f"{line}\n" for line in json_objects(report, kind, listing))


def json_objects(report: Report, kind: Kind, listing: Listing) -> Iterator[str]:
    """Return the lines of objects of one kind, without newlines."""
    columns = (KIND, *(column for column in report.columns[kind] if column is not KIND))
    return _json_objects(columns, listing, report)


def json_event(event: str, when: int, line: str, style: Style) -> str:
    """Return the line of an object, with an event and its time first."""
    time = str(when) if style.time_format is TimeFormat.EPOCH else f'"{iso_time(when)}"'
    return f'{{"event": "{event}", "time": {time}, {line[1:]}\n'


def json_figures(name: str, values: "Mapping[Kind, Figures]", _unit: "Unit") -> Iterator[str]:
    """Render limits or usage as one object with the values of all kinds."""
    figures = {
        key: value for each in values.values() for key, value in _by_name(name, each).items()
    }
    yield json.dumps({name: figures}, indent=2) + "\n"


def json_figures_lines(name: str, values: "Mapping[Kind, Figures]", _unit: "Unit") -> Iterator[str]:
    """Render limits or usage as a line for each kind."""
    for kind, each in values.items():
        yield json.dumps({"kind": kind.value, **_by_name(name, each)}) + "\n"


def _by_name(name: str, figures: "Figures") -> dict[str, Any]:
    """Return limits or usage by name.

    The kernel has no names for the usage of POSIX objects.
    """
    if not isinstance(figures, Listing):
        return figures._asdict()
    names = map(str.lower, figures.column("resource"))
    if name == "limits":
        return dict(zip(names, figures.column("limit"), strict=True))
    used = (_USED_NAMES.get(resource, resource) for resource in names)
    return dict(zip(used, figures.column("used"), strict=True))


def _json_objects(columns: Iterable[Column], listing: Listing, report: Report) -> Iterator[str]:
    """Return the objects of a listing, each as one line."""
    members: list[_Member] = [_json_member(column, listing, report.style) for column in columns]
    if report.details and listing.kind is Kind.SEMAPHORE:
        is_known = listing.has("semaphores")
        semaphores = listing.column("semaphores") if is_known else [None] * listing.length
        members.append(('"semaphores": %s', map(_json_semaphores, semaphores)))
    if report.details and listing.has("evidence"):
        members.append(('"processes": %s', map(_json_users, listing.column("evidence"))))
    template = "{" + ", ".join(text for text, _ in members) + "}"
    columns_of_texts = [texts for _, texts in members if texts is not None]
    rows = zip(*columns_of_texts, strict=True) if columns_of_texts else repeat((), listing.length)
    return map(template.__mod__, rows)


def _json_semaphores(semaphores: Any) -> str:
    return json.dumps(semaphores and [semaphore._asdict() for semaphore in semaphores])


def _json_users(evidence: Any) -> str:
    """Return the processes that use an object now; null if unknown."""
    if evidence.users is None:
        return "null"
    return _json_facts([user._asdict() for user in evidence.users])


def _json_member(column: Column, listing: Listing, style: Style) -> _Member:
    """Return the member of a column."""
    values = [*column.of(listing)]
    template = _json_template(column, values)
    if not values or not is_constant(values):
        return template, _json_texts(column.value_type, values, style)
    (text,) = _json_texts(column.value_type, values[:1], style)
    return (template % text).replace("%", "%%"), None


def _json_template(column: Column, values: Sequence[Value]) -> str:
    match column.value_type:
        case ValueType.FLAGS:
            return "%s"
        case ValueType.KEY | ValueType.MODE if None not in values:
            return f'"{column.field}": "%s"'
        case _:
            return f'"{column.field}": %s'


def _json_texts(value_type: ValueType, values: list[Any], style: Style) -> Iterable[Any]:
    """Return the values of a column as JSON."""
    if value_type is ValueType.KEY and None not in values:
        return format_keys(values)
    convert = _json_converter(value_type, style)
    return map(convert, values) if convert else with_missing(values, "null")


@lru_cache(maxsize=64)
def _json_flags(mode: Any) -> str:
    """Return the members for the flags in a mode."""
    return json.dumps(flags(mode))[1:-1]


@cache
def _json_converter(value_type: ValueType, style: Style) -> Callable[[Value], str] | None:
    """Return the function that converts values to JSON; None for numbers."""
    match value_type:
        case ValueType.TIME if style.time_format is TimeFormat.EPOCH:
            return converter(value_type, style, "null")
        case ValueType.TEXT | ValueType.TIME:
            show = converter(value_type, style, "")
            assert show
            return lru_cache(maxsize=4096)(lambda value: _quoted(show(value)))
        case _:
            return _JSON_CONVERTERS.get(value_type)


def _json_numbers(numbers: Any) -> str:
    return "null" if numbers is None else json.dumps(numbers)


def _json_name(name: Any) -> str:
    """Return the JSON of a name; invalid UTF-8 adds the member `name_base64`."""
    text = valid_utf8(name)
    if text == name:
        return json.dumps(text)
    from binascii import b2a_base64

    encoded = b2a_base64(os.fsencode(name), newline=False).decode()
    return f'{json.dumps(text)}, "name_base64": "{encoded}"'


def _quoted(text: str) -> str:
    """Return a JSON string; null for empty text."""
    return json.dumps(valid_utf8(text)) if text else "null"


_JSON_CONVERTERS: dict[ValueType, Callable[[Any], str]] = {
    ValueType.FLAGS: _json_flags,
    ValueType.MODE: lru_cache(octal),
    ValueType.NAME: _json_name,
    ValueType.NUMBERS: _json_numbers,
}
