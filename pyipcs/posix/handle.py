"""Handles of POSIX objects by name."""

import errno
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, ClassVar, Self, cast

from pyipcs.errors import (
    BusyError,
    FormError,
    IpcError,
    NotFoundError,
    UnseenError,
    ipc_error,
)
from pyipcs.model import Kind, PosixRecord, Target
from pyipcs.posix.places import Identity, identity


class PosixHandle(ABC):
    """A POSIX object by its name.

    The first record that a handle reads decides the object: for a later object with the name, all
    methods raise NotFoundError.

    Attributes:
        kind: the kind of the object.
        id: the name of the object, with its slash.
    """

    kind: ClassVar[Kind]

    def __init__(self, name: str) -> None:
        self.id = name
        self._record: PosixRecord | None = None
        self._identity: Identity | None = None
        self._held: int | None = None

    def __del__(self) -> None:
        """Close the descriptors that are still open."""
        self.close()

    def close(self) -> None:
        """Close the object; its senders and receivers cannot be used any more.

        An exception may keep a handle alive for long, and an open queue counts against
        RLIMIT_MSGQUEUE.
        """
        for descriptor in self._take_descriptors():
            with suppress(OSError):  # the kernel closes it all the same (close(2))
                os.close(descriptor)

    def _take_descriptors(self) -> list[int]:
        """Return the descriptors to close, and forget them."""
        taken = [] if self._held is None else [self._held]
        self._held = None
        return taken

    def _hold(self, descriptor: int) -> None:
        """Keep a new object open, so that no later one can have its inode."""
        self._held = descriptor

    @classmethod
    def find(cls, name: str) -> Self:
        """Return the object with a name.

        Raises:
            NotFoundError: there is no such object.
            DeniedError: the caller may not open the object.
            IpcError: ENODEV, the caller may not read or search the directory.
            FormError: the file of that name is no such object.
        """
        handle = cls(name)
        handle.stat()
        return handle

    @classmethod
    def reach(cls, target: Target) -> Self:
        """Return the object of a target; raise the errors of `find`."""
        return cls.find(target.name)

    @classmethod
    def remove_id(cls, name: str) -> None:
        """Remove the object with a name; raise the errors of `remove`."""
        cls(name).remove()

    @property
    def record(self) -> PosixRecord:
        """The last record that this handle has read; the first access reads it."""
        return self.stat() if self._record is None else self._record

    @abstractmethod
    def stat(self) -> PosixRecord:
        """Read the object's record, with the fields that every listing has.

        Raises:
            NotFoundError: there is no such object, or it was replaced.
            FormError: the file of that name is no such object.
        """

    @abstractmethod
    def details(self, record: PosixRecord | None = None) -> PosixRecord:
        """Return the object's record with all fields; unreadable ones are None.

        Args:
            record: the record to complete; None to read it.

        Raises:
            NotFoundError: there is no such object, or it was replaced.
        """

    def change(
        self,
        *,
        uid: int | None = None,
        gid: int | None = None,
        mode: int | None = None,
        size: int | None = None,
    ) -> None:
        """Change the given properties; the size first, which fails most easily.

        Args:
            uid: the new owner.
            gid: the new group.
            mode: the new permissions.
            size: the new size of a segment in bytes.

        Raises:
            NotFoundError: there is no such object, or it was replaced.
            DeniedError: the caller does not own the object, or may not give it to this owner; or it
                may neither open nor list a queue.
            BusyError: the segment would shrink, but another process has it open or mapped.
            IpcError: EINVAL, the user namespace has no such user or group, or the object has no
                size.
        """
        if size is not None:
            self._resize(size)
        if size is None or (uid, gid, mode) != (None, None, None):
            with self._opened() as file, kernel_errors():
                self._change_file(file, uid, gid, mode)
        self._record = None

    def _resize(self, size: int) -> None:  # noqa: ARG002 - PosixSharedMemory uses it
        """Change the size; only segments have one."""
        raise ipc_error(errno.EINVAL)

    @abstractmethod
    def _opened(self) -> AbstractContextManager[int | str]:
        """Open the object to change its mode and owner.

        Yields:
            A descriptor. For an object that its owner may neither read nor write, a path of /proc.
        """

    @abstractmethod
    def _change_file(
        self, file: int | str, uid: int | None, gid: int | None, mode: int | None
    ) -> None:
        """Change the given properties of the opened object."""

    @abstractmethod
    def remove(self) -> None:
        """Remove the name; processes that have the object open keep it.

        Raises:
            NotFoundError: there is no such object, or it was replaced.
            DeniedError: the caller does not own the object.
            FormError: the file of that name is no such object.
        """

    def _check_same(self, status: os.stat_result) -> None:
        """Raise NotFoundError if a file is not the object of this handle."""
        check_identity(self._identity, status)


class FileHandle(PosixHandle):
    """An object that is a file in /dev/shm.

    Attributes:
        entry: the name of the file.
    """

    record_class: ClassVar[type[Any]]

    def __init__(self, name: str) -> None:
        from pyipcs.posix.names import entry

        super().__init__(name)
        self.entry = entry(self.kind, name)

    def stat(self) -> PosixRecord:
        """Read the object's record."""
        return self._read(*self._examine())

    def details(self, record: PosixRecord | None = None) -> PosixRecord:
        """Return the object's record with all fields."""
        from pyipcs.listing import Listing
        from pyipcs.posix.listing import complete

        fields = (self.stat() if record is None else record)._asdict()
        known = {name: [value] for name, value in fields.items() if value is not None}
        listing = complete(Listing(self.kind, (), [], known), fields)
        if not listing.length:
            raise ipc_error(errno.ENOENT)
        completed = {name: listing.added[name][0] for name in listing.added}
        return cast(PosixRecord, self.record_class(**completed))

    def _change_file(
        self, file: int | str, uid: int | None, gid: int | None, mode: int | None
    ) -> None:
        """Change the mode, and then the owner: only the owner may change the mode."""
        change_mode(file, mode)
        change_owner(file, uid, gid)

    def remove(self) -> None:
        """Unlink the object's file."""
        directory = shm()
        self._examine()
        with kernel_errors():
            try:
                os.unlink(self.entry, dir_fd=directory)
            except IsADirectoryError as error:  # it has just replaced the object
                raise FormError(errno.EISDIR, "is a directory") from error
        self._record = self._identity = None

    def _undo_creation(self) -> None:
        """Unlink a new file, unless another has its name; open no file for that."""
        with suppress(OSError):
            expected = self._identity
            if expected is None and self._held is not None:
                expected = identity(os.fstat(self._held))
            status = os.stat(self.entry, dir_fd=shm(), follow_symlinks=False)
            if identity(status) == expected:
                os.unlink(self.entry, dir_fd=shm())

    def _examine(self) -> tuple[os.stat_result, int | None]:
        """Return the status of the object's file, and the value of a semaphore."""
        from pyipcs.posix import files

        directory = shm()
        found = files.status(directory, self.entry)
        value = files.check_form(self.kind, directory, self.entry, found)
        self._check_same(found)
        return found, value

    def _read(self, found: os.stat_result, value: int | None = None) -> PosixRecord:
        """Set and return the record of a file.

        Args:
            found: the status of the file.
            value: the value of a semaphore.
        """
        from pyipcs.posix.listing import fields_of

        self._identity = identity(found)
        fields = fields_of(self.kind, self.id, found, value)
        self._record = cast(PosixRecord, self.record_class(**fields))
        return self._record

    def _open(self, flags: int) -> int:
        """Open the object's file; keep its atime if it is only read.

        Raises:
            NotFoundError: the object was removed or replaced.
            DeniedError: the mode of the object forbids it.
            IpcError: EAGAIN, another process holds a lease on the object.
        """
        from pyipcs.posix import files

        record = self.record
        expected = (record.device, record.inode)
        try:
            if flags == os.O_RDONLY:
                return files.open_quietly(shm(), self.entry, expected)
            return files.open_file(shm(), self.entry, flags, expected)
        except BusyError as error:  # not to be taken for an operation that would wait
            raise IpcError(error.errno, "another process holds a lease on it") from None

    @contextmanager
    def _opened(self) -> Iterator[int | str]:
        from pyipcs.posix import files

        found, _ = self._examine()
        expected = identity(found)
        for flags in (os.O_RDONLY, os.O_WRONLY, os.O_PATH):
            try:
                descriptor = files.open_file(shm(), self.entry, flags, expected)
            except IpcError as error:
                if error.errno != errno.EACCES or flags == os.O_PATH:
                    raise
                continue
            try:
                yield path_of(descriptor) if flags == os.O_PATH else descriptor
            finally:
                os.close(descriptor)
            return


def shm() -> int:
    """Return the directory of segments and semaphores.

    Raises:
        NotFoundError: there is none.
        IpcError: ENODEV, it cannot be read.
    """
    from pyipcs.posix.directory import open_shm

    try:
        return open_shm()
    except UnseenError as error:
        if error.is_missing:
            raise NotFoundError(errno.ENOENT, error.reason) from None
        raise IpcError(errno.ENODEV, error.reason) from None


def path_of(descriptor: int) -> str:
    """Return a path of a file that is open with O_PATH.

    Raises:
        DeniedError: there is no /proc.
    """
    path = f"/proc/self/fd/{descriptor}"
    if not os.path.exists(path):
        raise ipc_error(errno.EACCES)
    return path


def change_mode(file: int | str, mode: int | None) -> None:
    """Set the permissions of a file; None keeps them."""
    if mode is not None:
        os.chmod(file, mode)


def change_owner(file: int | str, uid: int | None, gid: int | None) -> None:
    """Set the owner and the group of a file; None keeps them."""
    if uid is not None or gid is not None:
        os.chown(file, -1 if uid is None else uid, -1 if gid is None else gid)


def check_identity(expected: Identity | None, status: os.stat_result) -> None:
    """Check the device and the inode of a file; None allows any.

    Raises:
        NotFoundError: they are those of another file.
    """
    if expected not in {None, identity(status)}:
        raise ipc_error(errno.ENOENT)


@contextmanager
def kernel_errors() -> Iterator[None]:
    """Raise IpcError instead of OSError for Python's system calls."""
    try:
        yield
    except IpcError:
        raise
    except OSError as error:
        raise ipc_error(error.errno or errno.EIO) from None


def handle_class(kind: Kind) -> type[PosixHandle]:
    """Return the class of the handles of a POSIX kind, and import its module."""
    match kind:
        case Kind.POSIX_QUEUE:
            from pyipcs.posix.queue import PosixMessageQueue

            return PosixMessageQueue
        case Kind.POSIX_SEGMENT:
            from pyipcs.posix.segment import PosixSharedMemory

            return PosixSharedMemory
        case Kind.POSIX_SEMAPHORE:
            from pyipcs.posix.semaphore import PosixNamedSemaphore

            return PosixNamedSemaphore
        case _:
            raise KeyError(kind)
