"""Parsers of outside text, each as a function that fails on a defect.

A parser refuses a wrong text by its documented error. Any other exception is a defect; so is a
result that a renderer cannot show, or that is different after writing and reading it again.
"""

import errno
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from pyipcs import objects, operations
from pyipcs.cli import types
from pyipcs.codec import FORMATS, Layout, encoder, from_hex, from_json
from pyipcs.errors import UnseenError
from pyipcs.listing import Listing
from pyipcs.model import By, Kind, Message, Target, View
from pyipcs.objects import parse_target
from pyipcs.posix import directory, files, mqueue
from pyipcs.posix.names import entry, format_name, parse_name
from pyipcs.process import accounts
from pyipcs.query import choose, columns
from pyipcs.query.baseline import not_in
from pyipcs.query.complete import complete
from pyipcs.query.plan import Format, Report, Style, TimeFormat
from pyipcs.render import details_renderer, metrics, plain, renderer, table, text_columns
from pyipcs.render.details import Details
from pyipcs.sysv import keys, namespace, procfs
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.text import one_line, parse_number
from pyipcs.usage import scan, waits
from tests.kit.posix import glibc_semaphore, i386_semaphore


class Parser(NamedTuple):
    """One parser.

    Attributes:
        check: the function that parses a text and checks the result.
        seeds: valid texts.
    """

    check: Callable[[bytes], object]
    seeds: tuple[bytes, ...]


def _parsed(parse: Callable[[Any], Any], text: Any) -> Any:
    """Return the parsed text, or None if the parser refuses it with a reason."""
    try:
        return parse(text)
    except ValueError as error:
        refusal = error
    # A message of Python's own, as of int(), means that the parser lacks a check.
    is_own = type(refusal).__module__.startswith("pyipcs.")
    assert is_own or type(refusal) is ValueError, f"{refusal!r} of {text!r}"
    assert str(refusal), f"refused without a reason: {text!r}"
    by_chance = re.search(r"int\(\)|int_max|could not convert", str(refusal))
    assert not by_chance, f"refused by chance: {refusal} of {text!r}"
    return None


# -- Arguments of a command line.


def _word(parse: Callable[[str], Any], *seeds: str) -> Parser:
    """Return a parser of one argument: bytes without NUL (execve(2))."""

    def check(text: bytes) -> Any:
        return _parsed(parse, os.fsdecode(text.replace(b"\0", b"")))

    return Parser(check, tuple(map(os.fsencode, seeds)))


def _between(parse: Callable[[str], Any], least: float, most: float) -> Callable[[str], Any]:
    """Return the parser with a check of the bounds of its numbers."""

    def check(text: str) -> Any:
        number = parse(text)
        assert least <= number <= most, f"{number!r} of {text!r}"
        assert type(number) is type(least), f"{number!r} of {text!r}"
        return number

    return check


def _target(text: str) -> Target:
    target = parse_target(text)
    assert target.typed == text
    match target.by:
        case By.ID:
            again = f"id:{target.number}"
        case By.KEY:
            again = keys.format_key(target.number)
        case By.NAME:
            again = format_name(target.name)
    assert parse_target(again)._replace(typed=text) == target
    return target


def _name(text: str) -> str:
    """Check the name of a semaphore, the only kind whose file has another name."""
    name = parse_name(text, Kind.POSIX_SEMAPHORE)
    assert parse_name(format_name(name), Kind.POSIX_SEMAPHORE) == name
    assert len(os.fsencode(entry(Kind.POSIX_SEMAPHORE, name))) <= 255
    return name


def _operation(text: str) -> operations.Operation:
    operation = operations.parse_operation(text)
    assert 0 <= operation.first <= operation.last < 2**16
    assert len([*operation.each()]) == operation.nsops
    return operation


def _layout(text: str) -> Layout:
    layout = Layout(text)
    if layout.size > _MOST:
        return layout
    zeros = bytes(layout.size)
    words = layout.unpack(zeros)
    assert len(words) == layout.length
    assert layout.pack(words) == zeros
    return layout


_MOST = 1 << 12  # bytes of a struct and of a body: larger ones take long and find no more
_SIZES = ("1", "4096", "1K", "2KiB", "3KB", "0x10K", "010", "1.5M", "+1", "16EiB")
_NUMBERS = ("0", "1", "+7", "007", "255", "32767", "2147483647", "9223372036854775807")
_DURATIONS = ("30s", "1h30m", "2.5d", "1w2d3h4m5s", "10", "0.1")
_KEYS = ("0x1234", "-1", "017", "key:0x5", "key:-5", "ftok:/:7", "ftok:/", "4294967295")
_WORDS = {
    "bytes": _word(_between(types.parse_bytes, 0, 2**64 - 1), *_SIZES),
    "size": _word(_between(types.parse_size, 1, 2**64 - 1), *_SIZES),
    "qbytes": _word(_between(types.parse_qbytes, 0, 2**31 - 1), *_SIZES),
    "body size": _word(_between(types.parse_body_size, 0, 2**31 - 1), *_SIZES),
    "mode": _word(_between(types.parse_mode, 0, 0o777), "600", "0644", "+7", "00000777"),
    "nsems": _word(_between(types.parse_nsems, 1, 2**31 - 1), *_NUMBERS),
    "count": _word(_between(types.parse_count, 1, 2**63 - 1), *_NUMBERS),
    "status": _word(_between(types.parse_status, 0, 255), *_NUMBERS),
    "type": _word(_between(types.parse_type, -(2**63), 2**63 - 1), "-9", *_NUMBERS),
    "message type": _word(_between(types.parse_message_type, 1, 2**63 - 1), *_NUMBERS),
    "values": _word(types.parse_values, "0", "1,2,3", "32767, 0"),
    "value": _word(types.parse_value, "0=1", "250=32767"),
    "kinds": _word(types.parse_kinds, "msg", "shm", "sem"),
    "seconds": _word(_between(types.parse_seconds, 0.0, 1e9), ".5", "1.", *_DURATIONS),
    "duration": _word(_between(types.parse_duration, 0.0, 1e9), *_DURATIONS),
    "interval": _word(_between(types.parse_interval, 0.1, 1e9), *_DURATIONS),
    "operation": _word(_operation, "P", "Vn", "Zu", "0-1", "0:3+2nu", "7=0"),
    "number": _word(parse_number, "0x1f", "-0X1F", "017", "10", " +5"),
    "id": _word(_between(keys.parse_id, 0, 2**31 - 1), *_NUMBERS),
    "key": _word(_between(keys.parse_key, -(2**31), 2**31 - 1), *_KEYS),
    "name": _word(_name, "/x", "x", r"\x2fa\x20b\n", "/dev/shm/x", "/..", "/" + "n" * 251),
    "target": _word(_target, "5", "id:5", "0111", "/x", r"/a\x20b", *_KEYS),
    "project": _word(
        _between(keys.parse_project, -(2**31), 2**32 - 1), "1", "-1", "0x2c", "a", "0007"
    ),
    "user": _word(accounts.parse_user, "root", "0", "65534"),
    "owner": _word(accounts.parse_owner, "root", "root:root", "0:0", "root:", ":root"),
    "namespace": _word(namespace.path_of, "1", "/proc/self/ns/ipc", "-1"),
    "columns": _word(choose.parse_choice, "ID,KEY", "+AGE", "use%, state", "-ID"),
    "column": _word(choose.parse_sort, "ID", "-MSGS", "use%"),
    "layout": _word(_layout, "i", "id", "2h8s", "<qQ?c", "5p3x", "@0l", "e f d n N"),
}


# -- Bodies of messages.


def _shown(message: Message) -> None:
    for format_ in FORMATS.keys() - {"unpack"}:
        for with_type in (False, True):
            encoder(format_, with_type=with_type)(message)


def _json_line(line: bytes) -> None:
    message = _parsed(from_json, line)
    if message is not None:
        assert from_json(encoder("json")(message)) == message
        _shown(message)


def _hex_digits(digits: bytes) -> None:
    body = _parsed(from_hex, digits)
    if body is not None:
        assert from_hex(body.hex().encode()) == body
        _shown(Message(1, body))


def _struct_words(record: bytes) -> None:
    """Check a struct: its notation in the first line, then its values."""
    notation, _, words = record.partition(b"\n")
    layout = _parsed(Layout, os.fsdecode(notation))
    if layout is None or layout.size > _MOST:
        return
    body = _parsed(layout.pack, words.split(b"\t"))
    if body is not None:
        assert len(body) == layout.size
        assert layout.pack(layout.unpack(body)) == body
        _shown(Message(1, body))


def _baseline(text: bytes) -> None:
    """Check an earlier listing as --not-in reads it."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):  # the option's parser reports it
        return
    check_baseline(document if isinstance(document, dict) else {})


def check_baseline(document: dict[str, Any]) -> None:
    """Check a listing as --not-in uses it: it is refused, or selects objects of each kind."""
    baseline = _parsed(not_in, document)
    if baseline is not None:
        for kind in baseline.kinds:
            for listing in complete(objects.read(kind), baseline.requires):
                assert len([*baseline.keep(listing)]) == listing.length


def valid_baseline() -> dict[str, Any]:
    """Return an earlier listing of this place, with objects of both families."""
    taken = {**namespace.origin(), "filtered": False, "shm_device": _shm_device()}
    queue = {"key": "0xfffffff0", "id": 5, "cuid": 0, "cgid": 0}
    posix = {"name": "/x", "inode": 7, "device": 30, "born": "2026-11-30T10:00:00+00:00"}
    return {
        "taken": taken,
        "queues": [queue],
        "shmems": [{**queue, "cpid": 9}],
        "posix_queues": [{**posix, "born": None}],
        "posix_shmems": [posix, {**posix, "name": "/\ufffd", "name_base64": "L/8="}],
        "posix_semaphores": [{**posix, "born": 1764496800}],
    }


def _shm_device() -> int | None:
    with suppress(UnseenError):
        return directory.device()
    return None


_BODIES = {
    "json": Parser(
        _json_line,
        (b'{"type": 1, "size": 2, "data": "a\\u0000"}', b'{"base64": "eA==", "type": 7}'),
    ),
    "hex": Parser(_hex_digits, (b"00 ff 41", b"6A6b\n")),
    "struct": Parser(_struct_words, (b"id\n42\t1.5", b"<3sh?\nab\t0x10\t1", b"cp2f\na\t\tinf\t-0")),
    "baseline": Parser(_baseline, (json.dumps(valid_baseline()).encode(),)),
}


# -- Files of the kernel.

_TIME_MAX = 2**34  # seconds: the kernel's clock ends in 2262 (ktime_t)
_CAPABILITIES = (
    TerminalCapabilities(200, 24, has_color=True, has_unicode=True),
    TerminalCapabilities(30, 5, has_color=False, has_unicode=False),
)
_STYLES = [*map(Style, TimeFormat, *zip(*[(True, False)] * 5, strict=True))]


@contextmanager
def _file(name: str, text: bytes) -> Iterator[str]:
    """Create a temporary folder with one file."""
    with TemporaryDirectory() as folder:
        Path(folder, name).write_bytes(text)
        yield folder


def _unless_refused(read: Callable[[], Any]) -> Any:
    """Return the result, or None after an EIO that names the file."""
    try:
        return read()
    except OSError as error:
        refusal = error
    assert refusal.errno == errno.EIO, repr(refusal)
    assert refusal.filename, repr(refusal)
    return None


def _sysvipc(kind: Kind, text: bytes) -> None:
    """Check the reader of a file of /proc/sysvipc with any text."""
    with _file(kind.value, text) as folder:
        found = _unless_refused(lambda: [*procfs.read(kind, folder)])
    for listing in found or ():
        if _is_possible(listing):
            for _ in rendered(listing):
                pass


def _is_possible(listing: Listing) -> bool:
    """Return True if the kernel could have written these numbers."""
    names = listing.header * listing.length
    return all(map(_is_possible_word, names, listing.words))


def _is_possible_word(name: str, word: str) -> bool:
    if not re.fullmatch("[0-7]{1,6}" if name == "mode" else "-?[0-9]{1,20}", word):
        return False
    if name.endswith("pid"):
        return abs(int(word)) < 2**31
    return not name.endswith("time") or abs(int(word)) < _TIME_MAX


def rendered(listing: Listing) -> Iterator[str]:
    """Yield a listing in each format, with columns that need no system call."""
    found = {listing.kind: [listing]}
    for view, style in product(View, _STYLES):
        yield from plain.listings(Report(found, {}, style, view=view))
    yield from metrics.document(Report(found, {}, _STYLES[0]))
    own = tuple(one for one in columns.OF_KIND[listing.kind] if not one.requires)
    for style in _STYLES:
        report = Report(found, {listing.kind: own}, style)
        for format_ in (Format.JSON, Format.JSONL, Format.CSV, Format.TSV, Format.EXPORT):
            yield from renderer(format_, report, None)(report, None)
        yield from text_columns.table(report)
    for capabilities in _CAPABILITIES:
        yield from table.tables(report, capabilities)
    for column in own:
        choose.arranged([listing], own, own, (column.name, True))
    for record in listing.records():
        for like_ipcs in (False, True):
            yield from details_renderer(None, like_ipcs=like_ipcs)(
                Details(record, _STYLES[0]), None
            )


def _maps(text: bytes) -> None:
    devices = frozenset({b"00:01"})
    for (_, kind, shmid), user in scan._attached(9, None, text, devices).items():
        assert (kind, user.does) == (Kind.SEGMENT, "attached")
        assert shmid >= 0
        assert user.times > 0


def _syscall(text: bytes) -> None:
    with _file("syscall", text) as folder:
        numbers = _unless_refused(lambda: waits._numbers(folder))
    call = waits._call(numbers) if numbers and len(numbers) == 3 else None
    if call is not None:
        (kind, _), object_id = call
        assert kind is not Kind.SEGMENT
        assert 0 <= object_id < 2**32


def _mqueue(text: bytes) -> None:
    """Check the reader of a queue's file with any text."""
    with _file("queue", text) as folder:
        descriptor = os.open(f"{folder}/queue", os.O_RDONLY)
        fields = mqueue._text(descriptor)
        os.close(descriptor)
    assert fields.keys() <= {"cbytes", "notify_pid"}
    assert all(type(value) in {int, type(None)} for value in fields.values()), fields


def _semaphore(content: bytes) -> None:
    """Check that only a file in the form of glibc's semaphores counts as one."""
    value = files.semaphore_value(content)
    if value is not None:
        assert 0 <= value < 2**31
        # 32 bits: the lowest bit of the value, and the last word, are those of waiting processes.
        narrow = content[4:12] == i386_semaphore(value)[4:12] and len(content) == 16
        assert narrow or content == glibc_semaphore(value, _waiters(content))
    with _file("sem.x", content) as folder:
        top = os.open(folder, os.O_RDONLY)
        found = files.examine(top, "sem.x", files.status(top, "sem.x"))
        os.close(top)
    kind = Kind.POSIX_SEGMENT if value is None else Kind.POSIX_SEMAPHORE
    assert found == (kind, value)


def _waiters(content: bytes) -> int:
    return int.from_bytes(content[4:8], sys.byteorder)


def _visible(text: bytes) -> None:
    """Check an untrusted name as messages show it."""
    shown = one_line(os.fsdecode(text))
    assert shown.isprintable() or all(not 0 <= ord(one) < 0x20 for one in shown)
    shown.encode()  # fails if a surrogate remains


_ROWS = {
    Kind.QUEUE: b"""\
       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid\
      stime      rtime      ctime
     22221          0   644           5          1  1234     0     0     0     0     0\
 1764100000          0 1764100000
        -5      98305   600           0          0     0     0 65534     0     0     0\
          0          0 1764100000
""",
    Kind.SEGMENT: b"""\
       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid\
      atime      dtime      ctime                   rss                  swap
         0          3  1600                  4096  1234  1234      2     0     0     0     0\
 1764100000          0 1764100000                     0                     0
""",
    Kind.SEMAPHORE: b"""\
       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime
      1234          7   660          3     0     0     0     0          0 1764100000
""",
}
_KERNEL = {
    **{
        f"sysvipc {kind.value}": Parser(partial(_sysvipc, kind), (text,))
        for kind, text in _ROWS.items()
    },
    "maps": Parser(
        _maps,
        (
            b"7f5c2a9b8000-7f5c2a9b9000 rw-s 00000000 00:01 32772"
            b"                      /SYSV00001234 (deleted)\n"
            b"7f5c2a9ba000-7f5c2a9bb000 r--s 00000000 00:01 3 /SYSV00000000 (deleted)\n",
        ),
    ),
    "syscall": Parser(
        _syscall,
        (
            b"running\n",
            b"-1 0x7ffc1d4f3c80 0x7f0b0d1c3c3a\n",
            b"70 0x8001 0x7ffc1d4f3c80 0x2000 0x0 0x0 0x0 0x7ffc1d4f3c80 0x7f0b0d1c3c3a\n",
            b"117 0xb 0x8001 0x7ffc1d4f3c80 0x2000 0x0 0x0 0x7ffc1d4f3c80 0x7f0b0d1c3c3a\n",
        ),
    ),
    "mqueue": Parser(_mqueue, (b"QSIZE:6          NOTIFY:0     SIGNO:10    NOTIFY_PID:25121 \n",)),
    "semaphore": Parser(
        _semaphore, (glibc_semaphore(3), glibc_semaphore(0, 2), i386_semaphore(5), bytes(32))
    ),
    "text": Parser(_visible, (b"a name", b"\x1b[31m\xff\n\t\xe2\x80\xae")),
}
PARSERS = {**_WORDS, **_BODIES, **_KERNEL}
