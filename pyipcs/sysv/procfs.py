"""The files of /proc/sysvipc, read in chunks (proc_sysvipc(5))."""

import errno
import os
from collections.abc import Iterable, Iterator
from io import FileIO
from itertools import islice
from operator import eq

from pyipcs.listing import Listing, listed_fields, listing_of
from pyipcs.model import Kind

SYSVIPC = "/proc/sysvipc"
# The names in /proc/sysvipc that differ from the fields of records.
_FIELDS = {"msqid": "id", "shmid": "id", "semid": "id", "perms": "mode", "size": "segsz"}
_NUMBERS = b"-0123456789 \n"  # the characters of the rows
_CHUNK = 1 << 17  # bytes: large enough to be fast, small enough to keep memory flat


def read(kind: Kind, directory: str = SYSVIPC) -> Iterator[Listing]:
    """Return all objects of a kind in the caller's IPC namespace, in chunks.

    Without a readable /proc, read each object by a system call.

    Raises:
        IpcError: the kernel has no System V IPC.
        OSError: EIO, the file has other text than the kernel's.
    """
    path = f"{directory}/{kind.value}"
    # A generator would raise the error of a kernel without System V IPC only on first use.
    return _distinct(_parse(kind, path)) if _is_readable(path) else iter([_ask(kind)])


def _distinct(listings: Iterable[Listing]) -> Iterator[Listing]:
    """Drop rows that repeat the id of the previous row (`Listing.distinct`)."""
    last: str | int = ""
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


def _parse(kind: Kind, path: str) -> Iterator[Listing]:
    header: tuple[str, ...] = ()
    with open(path, "rb", buffering=0) as file:
        for text in _whole_lines(file):
            if header:
                yield _rows(kind, header, text, path)
            else:
                first, _, rest = text.partition("\n")
                header = tuple(_FIELDS.get(name, name) for name in first.split())
                # Some containers mask the file by another one.
                if not {*listed_fields(kind)} <= {*header}:
                    yield _ask(kind)
                    return
                yield _rows(kind, header, rest, path)


def _rows(kind: Kind, header: tuple[str, ...], text: str, path: str) -> Listing:
    words = text.split()
    if len(words) % len(header) or text.encode().translate(None, _NUMBERS):
        raise OSError(errno.EIO, os.strerror(errno.EIO), path)  # another file is mounted over it
    return Listing(kind, header, words, corrected=_CORRECTED if "rss" in header else {})


def _resident(segments: Listing) -> list[str | None]:
    from pyipcs.sysv.hugepages import pools_in_use, resident

    return resident(segments.listed("segsz"), segments.listed("rss"), pools_in_use())


_CORRECTED = {"rss": _resident}


def _whole_lines(file: FileIO) -> Iterator[str]:
    """Yield a file in chunks of whole lines.

    A chunk joins many reads, because a read(2) of /proc returns at most a page.
    """
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
