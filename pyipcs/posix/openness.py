"""Probes and removals of unused POSIX objects, by write leases.

The leases are taken in batches, because blocking the signals takes longer than a lease.
"""

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from stat import S_IMODE, ST_ATIME, ST_CTIME, ST_GID, ST_MTIME, ST_UID
from typing import NamedTuple, TypeAlias

from pyipcs.errors import IpcError, NotFoundError, ipc_error
from pyipcs.listing import Listing, listing_of
from pyipcs.model import Kind, PosixRecord
from pyipcs.posix import directory, lease, mqueue
from pyipcs.posix.lease import LeaseBlock
from pyipcs.posix.names import entry as entry_of
from pyipcs.posix.places import SAFE_FLAGS, Identity, identity, open_error

# The fields of a record that reveal a change after the listing.
_Fields: TypeAlias = tuple[int, ...]
_BATCH = 256  # objects for which the signals are blocked: a few milliseconds
_COMPARED = ("device", "inode", "mode", "uid", "gid", "mtime")
# Listing the bytes of a queue sets its other times.
_COMPARED_FILE = (*_COMPARED, "atime", "ctime")


class Openness(Enum):
    """The use of an object by any process, as the kernel reports it."""

    OPEN = lease.IN_USE
    CLOSED = "closed"
    DENIED = lease.DENIED
    UNREADABLE = "its mode prevents the check that nobody uses it"
    UNSUPPORTED = lease.UNSUPPORTED
    UNCHECKED = "its file system cannot check that nobody uses it"
    GONE = "gone"


class Outcome(Enum):
    """The result of a removal that the kernel did not refuse."""

    REMOVED = "removed"
    REMOVED_FROM_OPENER = "opened"  # a process was opening the object
    CHANGED = "changed"  # since it was listed


# The answers of open(2) and of fcntl(2), by errno. Any user can cause others: a running program
# cannot be opened for writing, for example.
_AT_OPEN = {
    errno.ENOENT: Openness.GONE,
    errno.EAGAIN: Openness.OPEN,  # another process has a lease
}
_AT_LEASE = {
    errno.EAGAIN: Openness.OPEN,
    errno.EACCES: Openness.DENIED,
    errno.EPERM: Openness.DENIED,  # a sandbox
}
# The errors of this process, which are no answers.
_OWN_ERRORS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


class Candidate(NamedTuple):
    """An object to remove if nobody has it open.

    Attributes:
        name: the name with its slash.
        fields: the fields that a change would alter, device and inode first.
        qnum: the number of messages of a queue; None if it does not matter.
    """

    name: str
    fields: _Fields
    qnum: int | None = None


def probe(kind: Kind, objects: Sequence[tuple[str, Identity]]) -> list[Openness]:
    """Return the use of objects of a kind, each given by name and identity.

    An object counts as open after three refusals with random pauses.

    Raises:
        IpcError: the process has no free descriptor.
    """
    found = [Openness.OPEN] * len(objects)
    folder = _Folder(kind)
    if folder.refusal:
        return [folder.refusal] * len(objects)
    waiting: Sequence[int] = range(len(objects))
    for left in reversed(range(lease.TRIES)):
        for rows in _batches(waiting):
            with LeaseBlock() as block:
                for row in rows:
                    found[row] = folder.probe(block, *objects[row])
        waiting = [row for row in waiting if found[row] is Openness.OPEN]
        if not waiting:
            break
        if left:
            lease.pause()
    return found


def probe_listing(listing: Listing) -> list[Openness]:
    """Return the use of the objects of a listing; see `probe`."""
    identities = zip(listing.column("device"), listing.column("inode"), strict=True)
    return probe(listing.kind, [*zip(listing.column("name"), identities, strict=True)])


def candidates(listing: Listing) -> Iterator[Candidate]:
    """Yield the objects of a listing as candidates for their removal."""
    is_queue = listing.kind is Kind.POSIX_QUEUE
    fields = zip(*map(listing.column, _COMPARED if is_queue else _COMPARED_FILE), strict=True)
    counts = listing.column("qnum") if listing.has("qnum") else [None] * listing.length
    return map(Candidate, listing.column("name"), fields, counts)


def candidate_of(record: PosixRecord) -> Candidate:
    """Return an object as a candidate for its removal."""
    return next(candidates(listing_of(record.kind, [record])))


def remove(kind: Kind, objects: Sequence[Candidate]) -> list[Outcome | IpcError]:
    """Remove objects of a kind that nobody has open or mapped.

    Each is unlinked under a write lease, right after a check that the lease still stands. A file
    gets another name first: another program may replace the file of a name at any moment, and only
    the file without its name can be compared with the examined one.

    Returns:
        The result for each object: NotFoundError if it was removed or replaced, BusyError if it is
        in use, or was in this one try, another IpcError if the kernel refused a call.
    """
    found: list[Outcome | IpcError] = [ipc_error(errno.EAGAIN)] * len(objects)
    folder = _Folder(kind)
    if folder.refusal:
        return [IpcError(errno.EINVAL, folder.refusal.value)] * len(objects)
    for rows in _batches(range(len(objects))):
        with LeaseBlock() as block:
            for row in rows:
                found[row] = folder.remove(block, objects[row])
    return found


def _batches(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(rows), _BATCH):
        yield rows[start : start + _BATCH]


def _answer(error: IpcError, answers: Mapping[int, Openness], other: Openness) -> Openness:
    """Return the answer of a refused call; raise an error of this process.

    Args:
        error: the error of the call.
        answers: the answers by errno.
        other: the answer for all others.
    """
    if error.errno in _OWN_ERRORS:
        raise error
    return answers.get(error.errno, other)


def _random_name() -> str:
    """Return a name that no other file has."""
    return f".pyipcs-{os.urandom(8).hex()}"


class _Folder:
    """The files of one kind.

    Attributes:
        refusal: UNSUPPORTED or UNCHECKED without correct leases; else None.

    Raises:
        UnseenError: /dev/shm cannot be read.
    """

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._prefix = entry_of(kind, "/")  # of the names of files
        if kind is Kind.POSIX_QUEUE:
            self._directory = mqueue.known_directory()
        else:
            self._directory = directory.open_shm()
        self.refusal: Openness | None = None
        if not lease.is_supported():
            self.refusal = Openness.UNSUPPORTED
        elif self._directory is not None and not lease.is_supported_in(self._directory):
            self.refusal = Openness.UNCHECKED

    def probe(self, block: LeaseBlock, name: str, expected: Identity) -> Openness:
        """Return the use of an object."""
        try:
            descriptor = self._open(name)
        except IpcError as error:
            return _answer(error, _AT_OPEN, Openness.UNREADABLE)
        try:
            if identity(os.fstat(descriptor)) != expected:
                return Openness.GONE
            block.take(descriptor)
        except IpcError as error:
            # EINVAL: leases are disabled (fs.leases-enable).
            return _answer(error, _AT_LEASE, Openness.UNSUPPORTED)
        finally:
            os.close(descriptor)  # this gives the lease back
        return Openness.CLOSED

    def remove(self, block: LeaseBlock, candidate: Candidate) -> Outcome | IpcError:
        """Remove an object; return the result of `remove`."""
        try:
            descriptor = self._open(candidate.name)
        except IpcError as error:
            if isinstance(error, NotFoundError) or error.errno in _OWN_ERRORS:
                return error
            answer = _answer(error, _AT_OPEN, Openness.UNREADABLE)
            return type(error)(error.errno, answer.value)
        try:
            block.take(descriptor)
            return self._remove(descriptor, candidate)
        except IpcError as error:
            is_same = identity(os.fstat(descriptor)) == candidate.fields[:2]
            return error if is_same else ipc_error(errno.ENOENT)
        finally:
            os.close(descriptor)  # this gives the lease back

    def _remove(self, descriptor: int, candidate: Candidate) -> Outcome:
        """Remove an object with a lease on it."""
        found = os.fstat(descriptor)
        if not self._is_unchanged(descriptor, found, candidate):
            if identity(found) != candidate.fields[:2]:
                raise ipc_error(errno.ENOENT)
            return Outcome.CHANGED
        lease.check_held(descriptor)
        self._unlink(candidate.name, found)
        return Outcome.REMOVED if lease.is_held(descriptor) else Outcome.REMOVED_FROM_OPENER

    def _is_unchanged(self, descriptor: int, found: os.stat_result, candidate: Candidate) -> bool:
        owner = found[ST_UID], found[ST_GID]
        values = (*identity(found), S_IMODE(found.st_mode), *owner, found[ST_MTIME])
        if self._kind is not Kind.POSIX_QUEUE:
            return (*values, found[ST_ATIME], found[ST_CTIME]) == candidate.fields
        if candidate.qnum is None:
            return values == candidate.fields
        # mtime has whole seconds: a message may have come in the same one.
        from pyipcs.posix import libc

        return values == candidate.fields and libc.mq_getattr(descriptor).qnum == candidate.qnum

    def _open(self, name: str) -> int:
        """Open an object for reading, or else for writing.

        Raises:
            NotFoundError: there is none, or it was replaced.
            DeniedError: the caller may neither read nor write it.
            BusyError: another process has a lease on it.
        """
        if self._directory is None:
            return mqueue.open_queue(name)
        entry = self._prefix + name[1:]
        try:
            try:
                return os.open(entry, os.O_RDONLY | SAFE_FLAGS, dir_fd=self._directory)
            except PermissionError:
                return os.open(entry, os.O_WRONLY | SAFE_FLAGS, dir_fd=self._directory)
        except OSError as error:
            raise open_error(error) from None

    def _unlink(self, name: str, opened: os.stat_result) -> None:
        """Unlink an object; raise NotFoundError if another has its name."""
        try:
            if self._kind is Kind.POSIX_QUEUE:
                self._unlink_queue(name, opened)
            else:
                self._unlink_file(self._prefix + name[1:], opened)
        except IpcError:
            raise
        except OSError as error:
            raise ipc_error(error.errno or errno.EIO) from None

    def _unlink_queue(self, name: str, opened: os.stat_result) -> None:
        """Unlink a queue; its file system has no rename(2)."""
        if self._directory is None:
            from pyipcs.posix import libc

            if not opened.st_nlink:
                raise ipc_error(errno.ENOENT)
            libc.mq_unlink(name)
            return
        found = os.stat(name[1:], dir_fd=self._directory, follow_symlinks=False)
        if not os.path.samestat(found, opened):
            raise ipc_error(errno.ENOENT)
        os.unlink(name[1:], dir_fd=self._directory)

    def _unlink_file(self, entry: str, opened: os.stat_result) -> None:
        """Rename a file; unlink it if it is the opened one, else restore it.

        Restore it, too, if the kernel refuses a call after the renaming.
        """
        folder = self._directory
        temporary = _random_name()  # once seen, any user can create a file with it
        os.rename(entry, temporary, src_dir_fd=folder, dst_dir_fd=folder)
        try:
            found = os.stat(temporary, dir_fd=folder, follow_symlinks=False)
            if found[1:3] == opened[1:3]:  # inode and device; samestat takes longer
                os.unlink(temporary, dir_fd=folder)
                return
        except FileNotFoundError:  # another process has removed it
            raise
        except BaseException:
            self._restore(temporary, entry)
            raise
        self._restore(temporary, entry)
        raise ipc_error(errno.ENOENT)

    def _restore(self, temporary: str, entry: str) -> None:
        """Give a file its name back.

        Raises:
            IpcError: a third file has the name (EEXIST), or the kernel refused the call.
        """
        from pyipcs.process import libc

        assert self._directory is not None  # that of queues alone may be missing
        try:
            libc.rename_new(self._directory, temporary, entry)
        except IpcError as error:
            text = (
                f"it was replaced, and the new file is /dev/shm/{temporary} now ({error.strerror})"
            )
            raise IpcError(error.errno, text) from None
