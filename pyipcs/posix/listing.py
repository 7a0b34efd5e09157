"""Listings of POSIX objects, in chunks."""

import errno
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from operator import attrgetter, itemgetter, methodcaller
from typing import Any, NamedTuple

from pyipcs.errors import IpcError, NotFoundError, ipc_error
from pyipcs.listing import CHUNK, Listing
from pyipcs.model import Kind
from pyipcs.posix import directory, files
from pyipcs.posix.names import SEMAPHORE_PREFIX
from pyipcs.posix.names import entry as entry_of
from pyipcs.posix.places import identity

_PERMISSIONS = 0o7777
_BASIC = "name inode device mode uid gid mtime atime ctime"
# The positions in os.stat_result, a tuple of ten int.
_POSITIONS = {
    "mode": 0,
    "inode": 1,
    "device": 2,
    "uid": 4,
    "gid": 5,
    "segsz": 6,
    "atime": 7,
    "mtime": 8,
    "ctime": 9,
}
_NAME = attrgetter("name")
_STATUS = methodcaller("stat", follow_symlinks=False)  # of a DirEntry
# The fields that cost more calls, for each kind.
_DETAILS = {
    Kind.POSIX_SEGMENT: ("born", "rss", "swap"),
    Kind.POSIX_SEMAPHORE: ("born", "value"),
}


def read(kind: Kind) -> Iterator[Listing]:
    """Return all objects of a POSIX kind in chunks, in the kernel's order.

    The rows have the fields that every record has. Those of semaphores also have the value, which
    distinguishes semaphores from other files.

    Raises:
        UnseenError: the objects cannot be listed.
        OSError: the directory cannot be read.
    """
    if kind is Kind.POSIX_QUEUE:
        from pyipcs.posix import mqueue

        return mqueue.read()
    # A generator would raise these errors only on first use.
    descriptor = directory.duplicate_shm()
    try:
        entries = os.scandir(descriptor)
    except OSError:
        os.close(descriptor)
        raise
    return _chunks(kind, descriptor, entries)


def complete(listing: Listing, fields: Collection[str]) -> Listing:
    """Add fields of the records to a listing.

    A value that the caller may not read is None. The rows of objects that were removed or replaced
    since are dropped.

    Raises:
        UnseenError: the directory of the objects cannot be opened.
    """
    if listing.kind is Kind.POSIX_QUEUE:
        from pyipcs.posix import mqueue

        return mqueue.complete(listing, fields)
    fields = {*fields}
    wanted = [name for name in _DETAILS[listing.kind] if name in fields and not listing.has(name)]
    if not wanted:
        return listing
    if not listing.length:
        return listing.with_empty(wanted)
    details = _Details(directory.open_shm(), wanted)
    names = (entry_of(listing.kind, name) for name in listing.column("name"))
    identities = zip(listing.column("device"), listing.column("inode"), strict=True)
    rows = [details.row(name, one) for name, one in zip(names, identities, strict=True)]
    kept = listing.where(row is not None for row in rows)
    columns = _columns([row for row in rows if row is not None], len(wanted))
    return kept._replace(added={**kept.added, **dict(zip(wanted, columns, strict=True))})


def fields_of(
    kind: Kind, name: str, found: os.stat_result, value: int | None = None
) -> dict[str, Any]:
    """Return the fields of a record except those that cost more calls.

    Args:
        kind: the kind of the object.
        name: its name.
        found: the status of its file.
        value: the value of a semaphore.
    """
    is_segment = kind is Kind.POSIX_SEGMENT
    columns = _FileColumns([name], [found], f"{_BASIC} segsz" if is_segment else _BASIC)
    fields = {field: values[0] for field, values in columns.items()}
    return fields if is_segment else {**fields, "value": value}


def _chunks(kind: Kind, descriptor: int, entries: Any) -> Iterator[Listing]:
    select = _semaphores if kind is Kind.POSIX_SEMAPHORE else _segments
    try:
        with entries:
            while chunk := [*islice(entries, CHUNK)]:
                yield select(descriptor, chunk)
    finally:
        os.close(descriptor)


def _segments(descriptor: int, chunk: Sequence["os.DirEntry[str]"]) -> Listing:
    entries, statuses = _statuses(chunk)
    entry_names = [*map(_NAME, entries)]
    names = ["/" + name for name in entry_names]
    columns = _FileColumns(names, statuses, f"{_BASIC} segsz")
    listing = Listing(Kind.POSIX_SEGMENT, (), [], columns)
    # The checks in one step suffice for nearly all chunks: a function call for each of thousands
    # of files would take as long as stat(2).
    formats = {stat.S_IFMT(mode) for mode in {*map(itemgetter(_POSITIONS["mode"]), statuses)}}
    device = os.fstat(descriptor).st_dev
    has_mounts = not {*map(itemgetter(_POSITIONS["device"]), statuses)} <= {device}
    has_others = has_mounts or not formats <= {stat.S_IFREG}
    if not has_others and f"\0{SEMAPHORE_PREFIX}" not in "\0".join(["", *entry_names]):
        return listing
    pairs = zip(entry_names, statuses, strict=True)
    return listing.where(_is_segment(descriptor, name, status, device) for name, status in pairs)


def _is_segment(descriptor: int, entry: str, status: os.stat_result, device: int) -> bool:
    if not stat.S_ISREG(status.st_mode):
        return False
    if status.st_dev != device and files.is_mount(descriptor, status):
        return False
    if not entry.startswith(SEMAPHORE_PREFIX):
        return True
    return _examine(descriptor, entry, status)[0] is Kind.POSIX_SEGMENT


def _statuses(
    chunk: Sequence["os.DirEntry[str]"],
) -> tuple[Sequence["os.DirEntry[str]"], list[os.stat_result]]:
    """Return the entries that still exist, and their statuses."""
    try:
        return chunk, [*map(_STATUS, chunk)]
    except OSError:  # one vanished
        found = [(entry, status) for entry in chunk if (status := _status(entry))]
        entries, statuses = _columns(found, 2)
        return entries, statuses


def _semaphores(descriptor: int, chunk: Iterable["os.DirEntry[str]"]) -> Listing:
    found = [
        (f"/{entry.name.removeprefix(SEMAPHORE_PREFIX)}", status, examined[1])
        for entry in chunk
        if files.has_semaphore_name(entry.name)
        and entry.is_file(follow_symlinks=False)
        and (status := _status(entry))
        and (examined := _examine(descriptor, entry.name, status))[0] is Kind.POSIX_SEMAPHORE
    ]
    names, statuses, values = _columns(found, 3)
    columns = _FileColumns(names, statuses, _BASIC)
    return Listing(Kind.POSIX_SEMAPHORE, (), [], {**columns, "value": values})


def _status(entry: "os.DirEntry[str]") -> os.stat_result | None:
    """Return the status of a file; None if it vanished."""
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None


def _examine(descriptor: int, entry: str, status: os.stat_result) -> tuple[Kind | None, int | None]:
    """Return the result of `files.examine`; no kind if the file vanished."""
    try:
        return files.examine(descriptor, entry, status)
    except NotFoundError:
        return None, None


class _FileColumns(Mapping[str, Sequence[Any]]):
    """The basic columns of files, each created when it is first read.

    Most formats read only some of them.
    """

    def __init__(self, names: list[str], statuses: Sequence[os.stat_result], fields: str) -> None:
        self._created: dict[str, list[Any]] = {"name": names}
        self._statuses = statuses
        self._fields = fields.split()

    def __getitem__(self, field: str) -> list[Any]:
        if field not in self._created:
            if field not in self._fields:
                raise KeyError(field)
            column = [*map(itemgetter(_POSITIONS[field]), self._statuses)]
            if field == "mode":
                permissions = {mode: mode & _PERMISSIONS for mode in {*column}}
                column = [*map(permissions.__getitem__, column)]
            self._created[field] = column
        return self._created[field]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


def _columns(rows: Iterable[Any], width: int) -> list[list[Any]]:
    """Return the columns of rows; empty columns without rows."""
    return [*map(list, zip(*rows, strict=True))] or [[] for _ in range(width)]


class _Details:
    """A reader of the fields that cost more calls.

    Args:
        descriptor: the directory.
        wanted: the fields.
    """

    def __init__(self, descriptor: int, wanted: Sequence[str]) -> None:
        from pyipcs.process import libc

        self._libc = libc
        self._directory = descriptor
        self._wanted = wanted
        self._has_residency = "rss" in wanted or "swap" in wanted
        # A sandbox may refuse the calls: then each file is asked, and its swap may stay unknown.
        self._in_memory, self._swapped = False, True
        if self._has_residency:
            with suppress(IpcError):
                self._in_memory = directory.is_in_memory(descriptor)
            with suppress(IpcError):
                self._swapped = libc.is_swap_used()

    def row(self, entry: str, expected: tuple[int, int]) -> list[int | None] | None:
        """Return the values of a file; None if it was removed or replaced."""
        values: dict[str, int | None] = {}
        try:
            if "born" in self._wanted:
                values["born"] = self._born(entry, expected)
            if len(self._wanted) > len(values):
                values.update(self._examined(entry, expected))
        except IpcError:
            return None
        return [values[field] for field in self._wanted]

    def _examined(self, entry: str, expected: tuple[int, int]) -> Iterator[tuple[str, int | None]]:
        status = files.status(self._directory, entry)
        if identity(status) != expected:
            raise ipc_error(errno.ENOENT)
        if "value" in self._wanted:
            yield "value", files.examine(self._directory, entry, status)[1]
        if self._has_residency:
            rss, swap = self._residency(entry, status)
            yield "rss", rss
            yield "swap", swap

    def _born(self, entry: str, expected: tuple[int, int]) -> int | None:
        try:
            birth = self._libc.birth(self._directory, os.fsencode(entry))
        except IpcError as error:
            if error.errno != errno.ENOENT and self._is_same(entry, expected):
                return None  # the kernel or a sandbox lacks statx(2)
            raise
        if birth[:2] != expected:
            raise ipc_error(errno.ENOENT)
        return birth.time

    def _is_same(self, entry: str, expected: tuple[int, int]) -> bool:
        return identity(files.status(self._directory, entry)) == expected

    def _residency(self, entry: str, status: os.stat_result) -> tuple[int | None, int | None]:
        """Return the bytes of a file in memory and in swap."""
        if self._in_memory and not self._swapped:
            return status.st_blocks * directory.BLOCK, 0
        try:
            cached, evicted = self._cachestat(entry, identity(status))
        except IpcError as error:
            if error.errno == errno.ENOENT:
                raise
            return None, None
        page = os.sysconf("SC_PAGESIZE")
        return cached * page, evicted * page if self._in_memory else None

    def _cachestat(self, entry: str, expected: tuple[int, int]) -> tuple[int, int]:
        descriptor = files.open_file(self._directory, entry, os.O_RDONLY, expected)
        try:
            return self._libc.cachestat(descriptor)
        finally:
            os.close(descriptor)


class OtherFiles(NamedTuple):
    """The files in /dev/shm that are no objects.

    Attributes:
        files: the number of files; a directory counts with the files in it, at any depth. A mount
            of a file of another file system counts.
        bytes: the bytes of memory and swap that they take.
        is_complete: False if a directory could not be read.
    """

    files: int
    bytes: int
    is_complete: bool = True


def other_files() -> OtherFiles:
    """Count the files in /dev/shm that are no objects.

    Raises:
        UnseenError: /dev/shm cannot be read.
    """
    from pyipcs.posix.walk import Walk, share

    top = directory.open_shm()
    walk = Walk(top)
    has_mounts = _has_mounts(top)
    number = size = 0
    for depth, entry in walk:
        is_file = not depth and entry.is_file(follow_symlinks=False)
        if entry.is_dir(follow_symlinks=False) or (is_file and not has_mounts):
            continue
        status = None
        with suppress(OSError):  # it vanished, or its directory may not be searched
            status = entry.stat(follow_symlinks=False)
        if status is None or (is_file and not files.is_mount(top, status)):
            continue
        number += 1
        if status.st_dev == walk.device:
            size += share(status)
    return OtherFiles(number, size, walk.is_complete)


def _has_mounts(top: int) -> bool:
    """Return False if certainly nothing is mounted in a directory.

    Without this knowledge (proc_pid_mountinfo(5)), stat(2) of each file would be necessary.
    """
    if not directory.is_own():
        return True
    from pyipcs.process.mountinfo import id_of, mounts

    try:
        number = id_of(top)
        return any(mount.parent == number for mount in mounts())
    except OSError:
        return True
