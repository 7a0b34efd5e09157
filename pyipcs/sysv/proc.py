"""Listings: the text of /proc/sysvipc by columns, in chunks, as the kernel wrote it.

A listing stays text until a value of it is asked for: most of the cost of listing thousands of
objects would be conversions that nobody needs (proc_sysvipc(5)).
"""

import os
from collections.abc import Container, Iterable, Iterator
from itertools import chain, compress, repeat
from typing import NamedTuple

from pyipcs.errors import IpcError, NotFoundError
from pyipcs.model import RECORDS, Kind, Record

SYSVIPC = "/proc/sysvipc"
_CHUNK = 1 << 17  # bytes: large enough to be fast, small enough to keep memory flat
# What not every listing has: qbytes is a matter of `completed`, and rss of newer kernels.
_NOT_LISTED = frozenset({"qbytes", "rss", "swap", "semaphores"})
# What the records call otherwise than /proc/sysvipc.
_PROC_NAMES = {"mode": "perms", "segsz": "size"}
_ID_NAMES = {Kind.QUEUE: "msqid", Kind.SEGMENT: "shmid", Kind.SEMAPHORE: "semid"}


class Listing(NamedTuple):
    """Some objects of one kind: the header of /proc/sysvipc, and the words of all rows."""

    kind: Kind
    header: tuple[str, ...]
    words: list[str]

    def column(self, field: str) -> list[str]:
        """The words of one field of the records, a word an object."""
        return self.words[self.header.index(_proc_name(self.kind, field)) :: len(self.header)]

    def records(self) -> Iterator[Record]:
        """The rows as records; a column that this kernel lacks (rss, swap) is None."""
        record = RECORDS[self.kind]
        columns = [
            map(int, self.column(field), repeat(8 if field == "mode" else 10))
            if _proc_name(self.kind, field) in self.header
            else repeat(None)
            for field in record._fields
        ]
        return map(record._make, zip(*columns, strict=False))

    def select(self, ids: Container[int]) -> "Listing":
        """The rows of these ids alone."""
        width = len(self.header)
        rows = (self.words[start : start + width] for start in range(0, len(self.words), width))
        kept = compress(rows, (int(word) in ids for word in self.column("id")))
        return self._replace(words=list(chain.from_iterable(kept)))


def _proc_name(kind: Kind, field: str) -> str:
    return _ID_NAMES[kind] if field == "id" else _PROC_NAMES.get(field, field)


def read(kind: Kind, directory: str = SYSVIPC) -> Iterator[Listing]:
    """All objects of a kind in the reader's IPC namespace, a chunk at a time.

    Where /proc is not there, or not to be read, the kernel is asked object by object.

    Raises:
        IpcError: the kernel has no System V IPC.
    """
    try:
        descriptor = os.open(f"{directory}/{kind.value}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield _ask(kind)
        return
    try:
        yield from _parse(kind, descriptor)
    finally:
        os.close(descriptor)


def records(kind: Kind, directory: str = SYSVIPC) -> Iterator[Record]:
    """All objects of a kind as records, as far as /proc/sysvipc tells."""
    return chain.from_iterable(listing.records() for listing in read(kind, directory))


def completed(listings: Iterable[Listing]) -> Iterator[Record]:
    """The records of listings, queues with their qbytes, which /proc/sysvipc does not tell.

    A queue that goes meanwhile is left out. Where the kernel tells qbytes only to those who may
    read (before Linux 4.17), it is None for the others.
    """
    for listing in listings:
        if listing.kind is Kind.QUEUE:
            yield from _with_qbytes(listing.records())
        else:
            yield from listing.records()


def _with_qbytes(queues: Iterable[Record]) -> Iterator[Record]:
    from pyipcs.sysv import libc

    for queue in queues:
        try:
            yield libc.stat(Kind.QUEUE, queue.id)
        except NotFoundError:
            continue
        except IpcError:
            yield queue


def _parse(kind: Kind, descriptor: int) -> Iterator[Listing]:
    header: tuple[str, ...] = ()
    for text in _whole_lines(descriptor):
        if header:
            yield Listing(kind, header, text.split())
        else:
            first, _, rest = text.partition("\n")
            header = tuple(first.split())
            if not _is_header(kind, header):  # masked by another file, as in some containers
                yield _ask(kind)
                return
            yield Listing(kind, header, rest.split())


def _listed_fields(kind: Kind) -> list[str]:
    """The fields of the records that every listing has."""
    return [field for field in RECORDS[kind]._fields if field not in _NOT_LISTED]


def _is_header(kind: Kind, words: Container[str]) -> bool:
    return all(_proc_name(kind, field) in words for field in _listed_fields(kind))


def _whole_lines(descriptor: int) -> Iterator[str]:
    """The file in chunks that end where a line ends (the kernel gives a page a read)."""
    pending: list[bytes] = []
    size = 0
    while block := os.read(descriptor, _CHUNK):
        pending.append(block)
        size += len(block)
        if size >= _CHUNK:
            lines, newline, rest = b"".join(pending).rpartition(b"\n")
            yield (lines + newline).decode(errors="replace")
            pending, size = [rest], len(rest)
    yield b"".join(pending).decode(errors="replace")


def _ask(kind: Kind) -> Listing:
    from pyipcs.sysv import libc

    found = list(libc.scan(kind))
    fields = _listed_fields(kind)
    header = tuple(_proc_name(kind, field) for field in fields)
    words = [
        f"{value:o}" if field == "mode" else str(value)
        for record in found
        for field in fields
        for value in (getattr(record, field),)
    ]
    return Listing(kind, header, words)
