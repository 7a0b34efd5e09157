"""Listings: the text of /proc/sysvipc by columns, in chunks, as the kernel wrote it.

A listing stays text until a value of it is asked for: most of the cost of listing thousands of
objects would be conversions that nobody needs (proc_sysvipc(5)).
"""

import errno
import os
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from io import FileIO
from itertools import chain, compress, islice, repeat
from operator import eq
from typing import Any, NamedTuple

from pyipcs.errors import IpcError, NotFoundError
from pyipcs.model import RECORDS, Kind, Queue, Record

SYSVIPC = "/proc/sysvipc"
_NUMBERS = b"-0123456789 \n"  # all that its rows are written with
_CHUNK = 1 << 17  # bytes: large enough to be fast, small enough to keep memory flat
# What not every listing has: some is a matter of `completed`, and rss of newer kernels.
_NOT_LISTED = frozenset({"qbytes", "rss", "swap", "semaphores"})
# What the records call otherwise than /proc/sysvipc.
_PROC_NAMES = {"mode": "perms", "segsz": "size"}
_ID_NAMES = {Kind.QUEUE: "msqid", Kind.SEGMENT: "shmid", Kind.SEMAPHORE: "semid"}


class Listing(NamedTuple):
    """Some objects of one kind.

    Attributes:
        kind: theirs.
        header: the header of /proc/sysvipc.
        words: the words of all rows.
        added: what else is known of them, by the records' names, a value an object;
            None is what could not be told.
    """

    kind: Kind
    header: tuple[str, ...]
    words: list[str]
    added: Mapping[str, Sequence[Any]] = {}

    @property
    def length(self) -> int:
        """How many objects there are."""
        return len(self.words) // len(self.header)

    def has(self, field: str) -> bool:
        """Whether the values of this field are here."""
        return field in self.added or _proc_name(self.kind, field) in self.header

    def column(self, field: str) -> Sequence[Any]:
        """The words of one field of the records, or what was added, one an object."""
        if field in self.added:
            return self.added[field]
        words = self._listed(field)
        return self._resident(words) if field == "rss" else words

    def _listed(self, field: str) -> list[str]:
        return self.words[self.header.index(_proc_name(self.kind, field)) :: len(self.header)]

    def _resident(self, words: Sequence[str]) -> list[str | None]:
        from pyipcs.sysv.hugepages import pools_in_use, resident

        return resident(self._listed("segsz"), words, pools_in_use())

    def records(self) -> Iterator[Record]:
        """The rows as records; a column that this kernel lacks (rss, swap) is None."""
        record = RECORDS[self.kind]
        columns = [self._values(field) for field in record._fields]
        return map(record._make, zip(*columns, strict=False))

    def _values(self, field: str) -> Iterable[Any]:
        if field in self.added:
            return self.added[field]
        if not self.has(field):
            return repeat(None)
        words = self.column(field)
        if field == "rss":  # of huge pages, it may be unknown
            return (None if word is None else int(word) for word in words)
        return map(int, words, repeat(8 if field == "mode" else 10))

    def select(self, ids: Container[int]) -> "Listing":
        """The rows of these ids alone."""
        return self.where(int(word) in ids for word in self.column("id"))

    def owned_by(self, uid: int) -> Iterator[bool]:
        """Of each row, whether this user created or owns the object."""
        user = str(uid)
        owners = zip(self.column("uid"), self.column("cuid"), strict=True)
        return (user in pair for pair in owners)

    def where(self, kept: Iterable[object]) -> "Listing":
        """The rows for which `kept` has something true."""
        return self.take(list(compress(range(self.length), kept)))

    def take(self, rows: Sequence[int]) -> "Listing":
        """The rows of these numbers, in their order."""
        width = len(self.header)
        words = (self.words[row * width : (row + 1) * width] for row in rows)
        added = {name: [values[row] for row in rows] for name, values in self.added.items()}
        return self._replace(words=list(chain.from_iterable(words)), added=added)

    def distinct(self, before: str = "") -> "Listing":
        """Return the first row of each id, without rows of the id that stood before.

        Linux 5.3 to 5.7 list an object again for each free place before it.
        """
        ids = self.column("id")
        if len({before, *ids}) == len(ids) + 1:
            return self
        first: dict[str, int] = {}
        for row, word in enumerate(ids):
            first.setdefault(word, row)
        first.pop(before, None)
        return self.take([*first.values()])

    def with_added(self, field: str, values: Sequence[Any]) -> "Listing":
        """The same rows with one field more."""
        return self._replace(added={**self.added, field: values})


def listing_of(kind: Kind, records: Iterable[Record]) -> Listing:
    """Records as a listing, as if the kernel had listed them."""
    found = list(records)
    header = tuple(_proc_name(kind, field) for field in _listed_fields(kind))
    words = [
        f"{value:o}" if field == "mode" else str(value)
        for record in found
        for field in _listed_fields(kind)
        for value in (getattr(record, field),)
    ]
    added = {
        field: [getattr(record, field) for record in found]
        for field in RECORDS[kind]._fields
        if field in _NOT_LISTED and any(getattr(record, field) is not None for record in found)
    }
    return Listing(kind, header, words, added)


def merged(listings: Iterable[Listing]) -> Listing | None:
    """One listing of all; None where there is not even an empty one."""
    found = [*listings]
    if len(found) < 2:
        return found[0] if found else None
    words = [*chain.from_iterable(listing.words for listing in found)]
    # An empty one may lack what is known of the others.
    added = {
        name: [*chain.from_iterable(one.added.get(name, [None] * one.length) for one in found)]
        for name in dict.fromkeys(chain.from_iterable(listing.added for listing in found))
    }
    return found[0]._replace(words=words, added=added)


def _proc_name(kind: Kind, field: str) -> str:
    return _ID_NAMES[kind] if field == "id" else _PROC_NAMES.get(field, field)


def read(kind: Kind, directory: str = SYSVIPC) -> Iterator[Listing]:
    """All objects of a kind in the reader's IPC namespace, a chunk at a time.

    Where /proc is not there, or not to be read, the kernel is asked object by object.

    Raises:
        IpcError: the kernel has no System V IPC.
        OSError: (EIO) the rows are not the kernel's.
    """
    path = f"{directory}/{kind.value}"
    # Asked at once: that there is no System V IPC comes before all else.
    return _distinct(_parse(kind, path)) if _is_readable(path) else iter([_ask(kind)])


def _distinct(listings: Iterable[Listing]) -> Iterator[Listing]:
    """Drop rows that repeat the id of the row before: the kernel repeats an object at once."""
    last = ""
    for listing in listings:
        ids = [last, *listing.column("id")]
        repeated = any(map(eq, ids, islice(ids, 1, None)))
        yield listing.distinct(last) if repeated else listing
        last = ids[-1]


def _is_readable(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def records(kind: Kind, directory: str = SYSVIPC) -> Iterator[Record]:
    """All objects of a kind as records, as far as /proc/sysvipc tells."""
    return chain.from_iterable(listing.records() for listing in read(kind, directory))


def completed(listings: Iterable[Listing], fields: Collection[str]) -> Iterator[Listing]:
    """Listings with those of the fields that /proc/sysvipc does not tell.

    They are the qbytes of queues, the semaphores of sets, whether all are in use, as `state`
    alone or as `evidence` (state.py), and whether somebody is seen to wait on queues and sets
    (`waited`). They are asked for object by object. Objects that go
    meanwhile are left out. What the kernel does not tell the caller is None: the semaphores of a
    set that it may not read, and before Linux 4.17 the qbytes of such a queue.
    """
    for listing in listings:
        for field, (kinds, ask) in _ASKED.items():
            wanted = field in fields or (field == "semaphores" and not _JUDGED.isdisjoint(fields))
            if wanted and listing.kind in kinds and not listing.has(field):
                listing = _asked(listing, field, ask)  # noqa: PLW2901 - it grows
        yield listing


def _asked(listing: Listing, field: str, ask: Callable[[Listing], list[Any]]) -> Listing:
    values = ask(listing) if listing.length else []
    kept = [row for row, value in enumerate(values) if value is not _GONE]
    grown = listing.with_added(field, values)
    return grown if len(kept) == len(values) else grown.take(kept)


def _ask_qbytes(queues: Listing) -> list[Any]:
    from pyipcs.sysv import libc

    msqids = [*map(int, queues.column("id"))]
    told: list[Any] = list(libc.qbytes(msqids))
    if None in told:
        rows = zip(msqids, told, strict=True)
        return [_or_gone(_stat_qbytes, msqid) if found is None else found for msqid, found in rows]
    return told


def _stat_qbytes(msqid: int) -> int | None:
    from pyipcs.sysv import libc

    record = libc.stat(Kind.QUEUE, msqid)
    assert isinstance(record, Queue)
    return record.qbytes


def _ask_semaphores(sets: Listing) -> list[Any]:
    from pyipcs.sysv import libc

    named = zip(map(int, sets.column("id")), map(int, sets.column("nsems")), strict=True)
    return [_or_gone(libc.semaphores, semid, nsems) for semid, nsems in named]


def _or_gone(ask: Callable[..., Any], *args: int) -> Any:
    """What the kernel answers; None where it refuses."""
    try:
        return ask(*args)
    except NotFoundError:
        return _GONE
    except IpcError:
        return None


def _ask_state(listing: Listing) -> list[Any]:
    from pyipcs.usage.state import states

    return [*states(listing.kind, listing.records())]


def _ask_evidence(listing: Listing) -> list[Any]:
    from pyipcs.usage.state import evidence

    return [*evidence(listing.records(), attached=listing.kind is Kind.SEGMENT)]


def _ask_waited(listing: Listing) -> list[Any]:
    from pyipcs.usage.state import waited

    if listing.kind is Kind.SEMAPHORE and not listing.has("semaphores"):
        told = [None if one is _GONE else one for one in _ask_semaphores(listing)]
        listing = listing.with_added("semaphores", told)
    return [*waited(listing.records())]


_GONE = object()
_JUDGED = {"state", "evidence"}  # what asks for the semaphores of sets
# Of which kinds each is asked, and how, in this order: the state of sets needs their semaphores.
_ASKED: dict[str, tuple[Collection[Kind], Callable[[Listing], list[Any]]]] = {
    "qbytes": ({Kind.QUEUE}, _ask_qbytes),
    "semaphores": ({Kind.SEMAPHORE}, _ask_semaphores),
    "state": ({*Kind}, _ask_state),
    "evidence": ({*Kind}, _ask_evidence),
    "waited": ({Kind.QUEUE, Kind.SEMAPHORE}, _ask_waited),
}


def _parse(kind: Kind, path: str) -> Iterator[Listing]:
    header: tuple[str, ...] = ()
    with open(path, "rb", buffering=0) as file:
        for text in _whole_lines(file):
            if header:
                yield _rows(kind, header, text, path)
            else:
                first, _, rest = text.partition("\n")
                header = tuple(first.split())
                if not _is_header(kind, header):  # masked by another file, as in some containers
                    yield _ask(kind)
                    return
                yield _rows(kind, header, rest, path)


def _rows(kind: Kind, header: tuple[str, ...], text: str, path: str) -> Listing:
    words = text.split()
    if len(words) % len(header) or text.encode().translate(None, _NUMBERS):
        raise OSError(errno.EIO, os.strerror(errno.EIO), path)  # something covers it
    return Listing(kind, header, words)


def _listed_fields(kind: Kind) -> list[str]:
    """The fields of the records that every listing has."""
    return [field for field in RECORDS[kind]._fields if field not in _NOT_LISTED]


def _is_header(kind: Kind, words: Container[str]) -> bool:
    return all(_proc_name(kind, field) in words for field in _listed_fields(kind))


def _whole_lines(file: FileIO) -> Iterator[str]:
    """The file in chunks that end where a line ends (the kernel gives a page a read)."""
    pending: list[bytes] = []
    size = 0
    while block := _block(file):
        pending.append(block)
        size += len(block)
        if size >= _CHUNK:
            lines, newline, rest = b"".join(pending).rpartition(b"\n")
            yield (lines + newline).decode(errors="replace")
            pending, size = [rest], len(rest)
    yield b"".join(pending).decode(errors="replace")


def _block(file: FileIO) -> bytes:
    try:
        return file.read(_CHUNK) or b""
    except OSError as error:
        raise OSError(error.errno, error.strerror, file.name) from None


def _ask(kind: Kind) -> Listing:
    from pyipcs.sysv import libc

    return listing_of(kind, libc.scan(kind))
