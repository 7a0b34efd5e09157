"""Independent parsers of listings, and checks of their rows."""

import csv
import json
import re
import shlex
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pyipcs.model import SYSV, Kind
from tests.kit.kernel import row
from tests.kit.terminal import table_of

# The values of an object by the names of the columns in lower case; empty if missing.
Row: TypeAlias = dict[str, str]

_JSON_NAMES = {"mode": "perms", "qnum": "msgs", "cbytes": "usedbytes", "segsz": "size"}
_EXPORT_NAMES = {"use_pct": "use%", "owner_uid": "uid", "owner_gid": "gid"}
_TITLES = {
    Kind.QUEUE: "Message queues",
    Kind.SEGMENT: "Shared memory segments",
    Kind.SEMAPHORE: "Semaphore sets",
}
_KEY_ID = r"(?P<key>0x[0-9a-f]{8}) +(?P<id>\d+) +\S+ +(?P<perms>[0-7]{1,3})"
_ID_OWNER = r"(?P<id>\d+) +\S+"
_DAY_TIME = r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
_TIME = rf"(?:Not set|{_DAY_TIME}) +"
_LONG_TIME = rf"(?:Not set|[A-Z][a-z]{{2}} {_DAY_TIME} \d{{4}}) *"
_CREATORS = r"(?P<id>\d+) +(?P<perms>[0-7]{1,3})(?: +\S+){4} *"
# The rows of ipcs(1) by their headings.
_PLAIN = {
    "Message Queues": (
        Kind.QUEUE,
        rf"{_KEY_ID} +(?P<usedbytes>\d+) +(?P<msgs>\d+) *",
    ),
    "Shared Memory Segments": (
        Kind.SEGMENT,
        rf"{_KEY_ID} +(?P<size>\d+) +(?P<nattch>\d+) +(?:dest)? *(?:locked)? *",
    ),
    "Semaphore Arrays": (Kind.SEMAPHORE, rf"{_KEY_ID} +(?P<nsems>\d+) *"),
    "Message Queues Send/Recv/Change Times": (Kind.QUEUE, rf"{_ID_OWNER} +{_TIME * 3}"),
    "Shared Memory Attach/Detach/Change Times": (Kind.SEGMENT, rf"{_ID_OWNER} +{_TIME * 3}"),
    "Semaphore Operation/Change Times": (Kind.SEMAPHORE, rf"{_ID_OWNER} +{_LONG_TIME * 2}"),
    "Message Queues PIDs": (Kind.QUEUE, rf"{_ID_OWNER} +\d+ +\d+"),
    "Shared Memory Creator/Last-op PIDs": (Kind.SEGMENT, rf"{_ID_OWNER} +\d+ +\d+ *"),
    "Message Queues Creators/Owners": (Kind.QUEUE, _CREATORS),
    "Shared Memory Segment Creators/Owners": (Kind.SEGMENT, _CREATORS),
    "Semaphore Arrays Creators/Owners": (Kind.SEMAPHORE, _CREATORS),
}
_FIGURE = re.compile(
    r"[a-z][a-z ()]+ = \d+( bytes)?|segments allocated \d+"
    r"|pages (allocated|resident |swapped  ) \d+|Swap performance: \d+ attempts\t \d+ successes"
)
_NUMBERS = r"(\d+(,\d+)*)?"
# Patterns of the values of a column.
_SHAPES = {
    "key": r"0x[0-9a-f]{8}",
    "perms": r"0[0-7]{3}",
    "state": r"in-use|unknown|orphaned|suspect",
    "reason": r"\S.*",
    "use%": r"(\d+\.\d\d)?|[█▉▊▋▌▍▎▏░]{8} (full|<1%|\d+%)",
    **dict.fromkeys(("id", "uid", "gid", "cuid", "cgid"), r"\d+"),
    **dict.fromkeys(("msgs", "usedbytes", "qbytes", "size", "nattch", "nsems", "age"), r"\d*"),
    **dict.fromkeys(("attached", "waiters", "values", "ncount", "zcount"), _NUMBERS),
}


class WrongError(Exception):
    """A wrong line in an output."""


class Known(NamedTuple):
    """An object with known values, which no process changes.

    Attributes:
        kind: its kind.
        id: its id.
        facts: the values that listings must have.
        state: its STATE.
        user: the process that uses it now; 0 for none.
    """

    kind: Kind
    id: int
    facts: Row
    state: str
    user: int = 0


def known(kind: Kind, object_id: int, state: str, user: int = 0) -> Known:
    """Return an object with its present values in the kernel's list."""
    words = row(kind, object_id)
    own = {
        Kind.QUEUE: {"msgs": "qnum", "usedbytes": "cbytes"},
        Kind.SEGMENT: {"size": "size", "nattch": "nattch"},
        Kind.SEMAPHORE: {"nsems": "nsems"},
    }[kind]
    facts = {name: words[field] for name, field in own.items()}
    facts["key"] = f"0x{int(words['key']) % 2**32:08x}"
    facts["perms"] = f"{int(words['perms'], 8) & 0o777:04o}"
    facts["uid"] = words["uid"]
    return Known(kind, object_id, facts, state, user)


def check_rows(
    rows: Sequence[Row],
    kinds: Collection[Kind],
    cast: Iterable[Known],
    leaked: Collection[tuple[str, str]] = (),
) -> None:
    """Check that a listing of all objects is possible.

    Args:
        rows: the listing.
        kinds: its kinds.
        cast: objects that it must contain, with exactly these values.
        leaked: kind and id of the objects whose STATE may be orphaned or suspect.

    Raises:
        WrongError: it is not possible.
    """
    places = Counter((found["kind"], found["id"]) for found in rows)
    if twice := [place for place, times in places.items() if times > 1]:
        raise WrongError(f"twice: {twice}")
    for found in rows:
        _check_row(found, kinds, leaked)
    by_place = {(found["kind"], found["id"]): found for found in rows}
    for one in cast:
        if one.kind in kinds:
            _check_known(one, by_place.get((one.kind.value, str(one.id))))


def _check_row(found: Row, kinds: Collection[Kind], leaked: Collection[tuple[str, str]]) -> None:
    if Kind(found["kind"]) not in kinds:
        raise WrongError(f"not asked for: {found}")
    for name, value in found.items():
        if value == "None" or not re.fullmatch(_SHAPES.get(name, ".*"), value):
            raise WrongError(f"{name} {value!r} in {found}")
    state = found.get("state")
    if state in {"orphaned", "suspect"} and (found["kind"], found["id"]) not in leaked:
        raise WrongError(f"not leaked: {found}")
    if state and found.get("nattch", "0") not in {"", "0"} and state != "in-use":
        raise WrongError(f"attached and not in use: {found}")


def _check_known(one: Known, found: Row | None) -> None:
    if found is None:
        raise WrongError(f"missing: {one}")
    expected = {**one.facts, "state": one.state}
    for name, value in expected.items():
        if name in found and found[name] != value:
            raise WrongError(f"{name} is {value}, not as in {found}")
    if one.user:
        users = found.get("attached") or found.get("waiters") or ""
        if {"attached", "waiters"} & found.keys() and users.split(",") != [str(one.user)]:
            raise WrongError(f"used by {one.user}, not as in {found}")
        reason = found.get("reason", "…")
        if str(one.user) not in reason and not reason.endswith("…"):  # cut, on a narrow terminal
            raise WrongError(f"used by {one.user}, not as in {found}")


def rows_of(format_: str, text: str, kinds: Sequence[Kind]) -> list[Row]:
    """Parse a listing of these kinds in a format.

    Raises:
        WrongError, ValueError: the text has another format.
    """
    rows = [*_PARSERS[format_](text)]
    for found in rows:
        if "kind" not in found:
            (only,) = kinds
            found["kind"] = only.value
    return rows


def _json(text: str) -> Iterator[Row]:
    document = json.loads(text)
    if document["taken"].keys() < {"time", "boot_id", "ipc_namespace", "filtered"}:
        raise WrongError(f"taken {document['taken']}")
    for kind in SYSV:
        for found in document.get(kind.collection, []):
            yield {**_json_row(found), "kind": kind.value}


def _jsonl(text: str) -> Iterator[Row]:
    return (_json_row(json.loads(line)) for line in text.splitlines())


def _json_row(found: dict[str, Any]) -> Row:
    return {_JSON_NAMES.get(name, name): _json_text(value) for name, value in found.items()}


def _json_text(value: Any) -> str:
    if value is None:
        return ""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _csv(text: str) -> Iterator[Row]:
    return _tabular(list(csv.reader(text.splitlines(), strict=True)))


def _tsv(text: str) -> Iterator[Row]:
    return _tabular([line.split("\t") for line in text.splitlines()])


def _columns(text: str) -> Iterator[Row]:
    """Parse columns of text without blanks in their values."""
    rows = [line.split() for line in text.splitlines()]
    return _tabular([["" if cell == "-" else cell for cell in cells] for cells in rows])


def _tabular(rows: list[list[str]]) -> Iterator[Row]:
    head, *others = rows
    names = [name.lower() for name in head]
    for cells in others:
        if len(cells) != len(names):
            raise WrongError(f"{len(cells)} cells, not {len(names)}: {cells}")
        yield dict(zip(names, cells, strict=True))


def _export(text: str) -> Iterator[Row]:
    names = None
    for line in text.splitlines():
        pairs = [word.split("=", 1) for word in shlex.split(line)]
        found = {_EXPORT_NAMES.get(name.lower(), name.lower()): value for name, value in pairs}
        if names not in {None, tuple(found)}:
            raise WrongError(f"other names than above: {line}")
        names = tuple(found)
        yield found


def _plain(text: str) -> Iterator[Row]:
    lines = iter(text.splitlines())
    kind, pattern = None, ""
    for line in lines:
        if title := re.fullmatch("-{6} (.*) -{8}", line):
            kind, pattern = _PLAIN[title[1]]
            next(lines)  # the names of the columns
        elif line:
            found = re.fullmatch(pattern, line)
            if not found or kind is None:
                raise WrongError(f"no row of ipcs: {line!r}")
            cells = found.groupdict()
            if "perms" in cells:
                cells["perms"] = cells["perms"].zfill(4)
            yield {**cells, "kind": kind.value}


def _table(text: str) -> Iterator[Row]:
    """Parse tables of a terminal; check the numbers in their titles."""
    for kind, title in _TITLES.items():
        if count := re.search(rf"^{title} \(([\d,]+)\)$", text, re.MULTILINE):
            rows = table_of(text, title)
            if len(rows) != int(count[1].replace(",", "")):
                raise WrongError(f"{title}: {len(rows)} rows, and {count[1]} in the title")
            for cells in rows:
                found = {name.lower(): "" if cell == "-" else cell for name, cell in cells.items()}
                yield {**found, "kind": kind.value}


_PARSERS: dict[str, Callable[[str], Iterator[Row]]] = {
    "json": _json,
    "jsonl": _jsonl,
    "csv": _csv,
    "tsv": _tsv,
    "export": _export,
    "plain": _plain,
    "columns": _columns,
    "table": _table,
}


def check_figures(format_: str, text: str) -> None:
    """Check that limits or usage are numbers.

    Raises:
        WrongError, ValueError: they are not.
    """
    match format_:
        case "json":
            ((_, figures),) = json.loads(text).items()
            numbers = [*figures.values()]
        case "csv":
            numbers = [int(found["used"] or 0) for found in _csv(text)]
        case _:
            lines = [line for line in text.splitlines() if line and not line.startswith("---")]
            if wrong := [line for line in lines if not _FIGURE.fullmatch(line)]:
                raise WrongError(f"no figure of ipcs: {wrong}")
            numbers = [len(lines)]
    if not numbers or min(numbers) < 0:
        raise WrongError(text)


def check_metrics(text: str, kinds: Collection[Kind], cast: Iterable[Known]) -> int:
    """Check metrics and their known objects; return the number of objects.

    Raises:
        WrongError, ValueError: a metric is wrong.
    """
    samples = [
        sample for family in text_string_to_metric_families(text) for sample in family.samples
    ]
    if wrong := [sample for sample in samples if not sample.value >= 0]:
        raise WrongError(f"{wrong}")
    gauges = {
        Kind.QUEUE: ("sysvipc_queue_messages", "msgs"),
        Kind.SEGMENT: ("sysvipc_segment_attachments", "nattch"),
        Kind.SEMAPHORE: ("sysvipc_set_semaphores", "nsems"),
    }
    values = {
        (sample.name, int(sample.labels["id"]), sample.labels["key"]): sample.value
        for sample in samples
        if "id" in sample.labels
    }
    for one in cast:
        name, fact = gauges[one.kind]
        found = values.get((name, one.id, one.facts["key"]))
        if one.kind in kinds and found != int(one.facts[fact]):
            raise WrongError(f"{name} of {one} is {found}")
    names = {name for name, _ in gauges.values()}
    return sum(1 for name, *_ in values if name in names)
