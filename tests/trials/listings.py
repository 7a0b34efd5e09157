"""Independent parsers of listings, and checks of their rows."""

import base64
import csv
import json
import os
import re
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pyipcs.model import SYSV, Kind
from tests.kit.kernel import ids, row
from tests.kit.mqueue import attributes, opened
from tests.kit.population import Place
from tests.kit.posix_objects import path_of
from tests.kit.terminal import table_of

# The values of an object by the names of the columns in lower case; empty if missing.
# "identity" is the id, or the name without escapes.
Row: TypeAlias = dict[str, str]

_JSON_NAMES = {"mode": "perms", "qnum": "msgs", "cbytes": "usedbytes", "segsz": "size"}
_EXPORT_NAMES = {"use_pct": "use%", "owner_uid": "uid", "owner_gid": "gid"}
_TITLES = {
    Kind.QUEUE: "Message queues",
    Kind.SEGMENT: "Shared memory segments",
    Kind.SEMAPHORE: "Semaphore sets",
    Kind.POSIX_QUEUE: "POSIX message queues",
    Kind.POSIX_SEGMENT: "POSIX shared memory segments",
    Kind.POSIX_SEMAPHORE: "POSIX semaphores",
}
_KEY_ID = r"(?P<key>0x[0-9a-f]{8}) +(?P<id>\d+) +\S+ +(?P<perms>[0-7]{1,3})"
_ID_OWNER = r"(?P<id>\d+) +\S+"
_DAY_TIME = r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
_TIME = rf"(?:Not set|{_DAY_TIME}) +"
_LONG_TIME = rf"(?:Not set|[A-Z][a-z]{{2}} {_DAY_TIME} \d{{4}}) *"
_CREATORS = r"(?P<id>\d+) +(?P<perms>[0-7]{1,3})(?: +\S+){4} *"
_NAME = r"(?P<name>\S+) +\S+"
_NAME_PERMS = rf"{_NAME} +(?P<perms>[0-7]{{1,3}})"
_OWNERS = r"(?P<name>\S+) +(?P<perms>[0-7]{1,3}) +\S+ +\S+ *"
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
    "POSIX Message Queues": (
        Kind.POSIX_QUEUE,
        rf"{_NAME_PERMS} +(?P<msgs>\d+) +(?P<usedbytes>\d+) *",
    ),
    "POSIX Shared Memory": (Kind.POSIX_SEGMENT, rf"{_NAME_PERMS} +(?P<size>\d+) *"),
    "POSIX Semaphores": (Kind.POSIX_SEMAPHORE, rf"{_NAME_PERMS} +(?P<value>\d+) *"),
    "POSIX Message Queue Times": (Kind.POSIX_QUEUE, rf"{_NAME} +{_TIME * 3}"),
    "POSIX Shared Memory Times": (Kind.POSIX_SEGMENT, rf"{_NAME} +{_TIME * 4}"),
    "POSIX Semaphore Times": (Kind.POSIX_SEMAPHORE, rf"{_NAME} +{_TIME * 4}"),
    "POSIX Message Queue PIDs": (Kind.POSIX_QUEUE, rf"{_NAME} +\d+ *"),
    "POSIX Message Queue Owners": (Kind.POSIX_QUEUE, _OWNERS),
    "POSIX Shared Memory Owners": (Kind.POSIX_SEGMENT, _OWNERS),
    "POSIX Semaphore Owners": (Kind.POSIX_SEMAPHORE, _OWNERS),
}
_FIGURE = re.compile(
    r"[a-z][a-z ()]+ = \d+( bytes)?|segments allocated \d+"
    r"|pages (allocated|resident |swapped  ) \d+|Swap performance: \d+ attempts\t \d+ successes"
    r"|space of removed files in use = -"
)
_NUMBERS = r"(\d+(,\d+)*)?"
# Patterns of the values of a column.
_SHAPES = {
    "perms": r"0[0-7]{3}",
    "state": r"in-use|unknown|orphaned|suspect",
    "reason": r"\S.*",
    "use%": r"(\d+\.\d\d)?|[█▉▊▋▌▍▎▏░]{8} (full|<1%|\d+%)",
    **dict.fromkeys(("uid", "gid"), r"\d+"),
    **dict.fromkeys(("msgs", "usedbytes", "qbytes", "size", "nattch", "nsems", "age"), r"\d*"),
    **dict.fromkeys(("value", "maxmsg", "msgsize", "notify"), r"\d*"),
    **dict.fromkeys(("attached", "waiters", "users", "mapped"), _NUMBERS),
    **dict.fromkeys(("values", "ncount", "zcount"), _NUMBERS),
}
# The columns that only one of the families has; empty where a listing has both.
_SYSV_SHAPES = {**dict.fromkeys(("id", "cuid", "cgid"), r"\d+"), "key": r"0x[0-9a-f]{8}"}
_POSIX_SHAPES = {"name": r"(?s:(/|\\x2f).+)", "device": r"\d+:?\d*", "inode": r"\d+"}


_REMOVING = re.compile(r"removing (.*?)(?: id)? `(.+)'")
_NOUNS = {
    "message queue": Kind.QUEUE,
    "shared memory segment": Kind.SEGMENT,
    "semaphore": Kind.SEMAPHORE,
    "POSIX message queue": Kind.POSIX_QUEUE,
    "POSIX shared memory": Kind.POSIX_SEGMENT,
    "POSIX semaphore": Kind.POSIX_SEMAPHORE,
}


class WrongError(Exception):
    """A wrong line in an output."""


class Known(NamedTuple):
    """An object with known values, which no process changes.

    Attributes:
        kind: its kind.
        identity: its id, or its name.
        facts: the values that listings must have.
        state: its STATE.
        user: the process that uses it now; 0 for none.
    """

    kind: Kind
    identity: str
    facts: Row
    state: str
    user: int = 0


def known(kind: Kind, identity: int | str, state: str, user: int = 0) -> Known:
    """Return an object with its present values in the kernel's list."""
    is_sysv = isinstance(identity, int)
    facts = _sysv_facts(kind, int(identity)) if is_sysv else _posix_facts(kind, str(identity))
    return Known(kind, str(identity), facts, state, user)


def _sysv_facts(kind: Kind, object_id: int) -> Row:
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
    return facts


def _posix_facts(kind: Kind, name: str) -> Row:
    path = path_of(kind, name)
    status = path.stat()
    facts = {"perms": f"{status.st_mode & 0o777:04o}", "uid": str(status.st_uid)}
    match kind:
        case Kind.POSIX_QUEUE:
            with opened(name, os.O_RDONLY) as descriptor:
                maxmsg, msgsize, qnum = attributes(descriptor)
            own = {"msgs": qnum, "maxmsg": maxmsg, "msgsize": msgsize}
        case Kind.POSIX_SEMAPHORE:
            own = {"value": int.from_bytes(path.read_bytes()[:4], sys.byteorder)}
        case _:
            own = {"size": status.st_size}
    return facts | {name: str(value) for name, value in own.items()}


def is_there(one: Known) -> bool:
    """Return True if the kernel still has an object."""
    if one.kind in SYSV:
        return int(one.identity) in ids(one.kind)
    return path_of(one.kind, one.identity).exists()


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
        leaked: kind and id of the System V objects whose STATE may be orphaned or suspect. Of
            POSIX objects nobody knows it: their processes close them.

    Raises:
        WrongError: it is not possible.
    """
    places = Counter((found["kind"], found["identity"]) for found in rows)
    if twice := [place for place, times in places.items() if times > 1]:
        raise WrongError(f"twice: {twice}")
    for found in rows:
        _check_row(found, kinds, leaked)
    by_place = {(found["kind"], found["identity"]): found for found in rows}
    for one in cast:
        if one.kind in kinds:
            _check_known(one, by_place.get((one.kind.value, one.identity)))


def _check_row(found: Row, kinds: Collection[Kind], leaked: Collection[tuple[str, str]]) -> None:
    kind = Kind(found["kind"])
    if kind not in kinds:
        raise WrongError(f"not asked for: {found}")
    own, other = _SYSV_SHAPES, _POSIX_SHAPES
    if kind not in SYSV:
        own, other = other, own
    shapes = _SHAPES | own | dict.fromkeys(other, "")
    for name, value in found.items():
        if value == "None" or not re.fullmatch(shapes.get(name, "(?s:.*)"), value):
            raise WrongError(f"{name} {value!r} in {found}")
    state = found.get("state")
    is_leaked = kind not in SYSV or (found["kind"], found["identity"]) in leaked
    if state in {"orphaned", "suspect"} and not is_leaked:
        raise WrongError(f"not leaked: {found}")
    if state and found.get("nattch", "0") not in {"", "0"} and state != "in-use":
        raise WrongError(f"attached and not in use: {found}")
    if state in {"orphaned", "suspect"} and found.get("users"):
        raise WrongError(f"has users and is not in use: {found}")


def _check_known(one: Known, found: Row | None) -> None:
    if found is None:
        raise WrongError(f"missing: {one}")
    expected = {**one.facts, "state": one.state}
    for name, value in expected.items():
        if name in found and found[name] != value:
            raise WrongError(f"{name} is {value}, not as in {found}")
    if one.user:
        users = found.get("attached") or found.get("users") or found.get("waiters") or ""
        has_users = {"attached", "users", "waiters"} & found.keys()
        if has_users and users.split(",") != [str(one.user)]:
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
    return [_identified(found) for found in rows]


def _identified(found: Row) -> Row:
    """Return a row with its identity."""
    identity = found.get("id") or unescaped(found.get("name", ""))
    if not identity:
        raise WrongError(f"neither id nor name: {found}")
    return {"identity": identity, **found}


def unescaped(name: str) -> str:
    r"""Return a name without the escapes of text outputs; `\x2f` begins a name that has some."""
    if not name.startswith("\\x2f"):
        return name
    short = {b"n": b"\n", b"t": b"\t", b"\\": b"\\"}
    code = os.fsencode(name)
    return os.fsdecode(
        re.sub(
            rb"\\(?:x(..)|(.))",
            lambda found: bytes.fromhex(found[1].decode()) if found[1] else short[found[2]],
            code,
        )
    )


def _json(text: str) -> Iterator[Row]:
    document = json.loads(text)
    if document["taken"].keys() < {"time", "boot_id", "ipc_namespace", "filtered"}:
        raise WrongError(f"taken {document['taken']}")
    for kind in Kind:
        for found in document.get(kind.collection) or ():  # null: they cannot be listed
            yield {**_json_row(found), "kind": kind.value}


def _jsonl(text: str) -> Iterator[Row]:
    return (_json_row(json.loads(line)) for line in text.splitlines())


def removed_in(report: str) -> Iterator[Place]:
    """Yield the objects that rm -v reports."""
    for noun, name in _REMOVING.findall(report):
        yield _NOUNS[noun], unescaped(name)


def event_rows(lines: Iterable[bytes]) -> Iterator[tuple[str, Row]]:
    """Yield the events of a stream, each with the values of its object."""
    for line in lines:
        found = json.loads(line)
        event = found.pop("event")
        del found["time"]
        yield event, _identified(_json_row(found))


def _json_row(found: dict[str, Any]) -> Row:
    code = found.pop("name_base64", None)
    cells = {_JSON_NAMES.get(name, name): _json_text(value) for name, value in found.items()}
    if code:  # the name is not UTF-8
        return {**cells, "identity": os.fsdecode(base64.b64decode(code))}
    return {**cells, "identity": cells["name"]} if "name" in cells else cells


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
    """Parse tables of a terminal; check the numbers in their titles.

    Of a reason on several lines only the first one is parsed; its end is unknown then.
    """
    whole = re.sub(r"^ {12}.*\n", "", text, flags=re.MULTILINE)  # longer than any id
    cut = "" if whole == text else "…"
    for kind, title in _TITLES.items():
        if count := re.search(rf"^{title} \(([\d,]+)\)$", text, re.MULTILINE):
            rows = table_of(whole, title)
            if len(rows) != int(count[1].replace(",", "")):
                raise WrongError(f"{title}: {len(rows)} rows, and {count[1]} in the title")
            for cells in rows:
                found = {name.lower(): "" if cell == "-" else cell for name, cell in cells.items()}
                reason = {"reason": found["reason"] + cut} if "reason" in found else {}
                yield {**found, **reason, "kind": kind.value}


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

    The bytes of removed files are unknown while the usage of /dev/shm changes all the time.

    Raises:
        WrongError, TypeError, ValueError: they are not.
    """
    match format_:
        case "json":
            ((_, figures),) = json.loads(text).items()
            numbers = [figures.pop("shm_held", None) or 0, *figures.values()]
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
        Kind.POSIX_QUEUE: ("posixipc_queue_messages", "msgs"),
        Kind.POSIX_SEGMENT: ("posixipc_segment_size_bytes", "size"),
        Kind.POSIX_SEMAPHORE: ("posixipc_semaphore_value", "value"),
    }
    values = {
        (sample.name, sample.labels.get("id") or sample.labels["name"]): sample.value
        for sample in samples
        if {"id", "name"} & sample.labels.keys()
    }
    for one in cast:
        name, fact = gauges[one.kind]
        found = values.get((name, one.identity))
        if one.kind in kinds and found != int(one.facts[fact]):
            raise WrongError(f"{name} of {one} is {found}")
    names = {name for name, _ in gauges.values()}
    return sum(1 for name, _ in values if name in names)
