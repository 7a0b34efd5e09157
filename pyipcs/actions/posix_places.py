"""The places where a command leaves POSIX objects, its own or shared with other programs."""

import os
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from pyipcs import objects
from pyipcs.errors import UnseenError
from pyipcs.listing import Listing
from pyipcs.model import IN_SHM, Kind, State
from pyipcs.posix import directory
from pyipcs.posix.mounts import Mounts
from pyipcs.posix.mqueue import PATH as MQUEUE
from pyipcs.process.identity import effective_uid
from pyipcs.query.complete import METRICS, Requirement, complete
from pyipcs.query.selection import Selection

if TYPE_CHECKING:
    from pyipcs.posix.other_files import OtherFile

_Leftovers: TypeAlias = Mapping[Kind, Sequence[Listing]]
_COLUMNS = METRICS | {Requirement.EVIDENCE}
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class PosixPlace(ABC):
    """A place of POSIX objects.

    Attributes:
        kinds: the kinds of its objects.
        is_shared: False if it vanishes with the namespace of the command.
    """

    kinds: ClassVar[Collection[Kind]]
    is_shared: ClassVar[bool]

    @abstractmethod
    def leftovers(self) -> _Leftovers:
        """Return the objects that the command left, with all columns.

        Raises:
            UnseenError: they cannot be listed.
        """

    def other_files(self) -> "Sequence[OtherFile] | None":
        """Return the other files that the command left; None if unknown."""
        return None

    def selection(self) -> Selection:
        """Return the objects of a shared place that `run --rm` removes."""
        raise NotImplementedError


class OwnQueues(PosixPlace):
    """The POSIX queues of an IPC namespace of its own."""

    kinds = (Kind.POSIX_QUEUE,)
    is_shared = False

    def __init__(self, mounts: Mounts) -> None:
        self._mounts = mounts

    def leftovers(self) -> _Leftovers:
        """Return all queues."""
        # This spares nearly all commands the modules that list queues.
        is_empty = self._mounts.is_empty(MQUEUE)
        queues = () if is_empty else complete(objects.read(Kind.POSIX_QUEUE), _COLUMNS)
        return {Kind.POSIX_QUEUE: [*queues]}


class OwnShm(PosixPlace):
    """A /dev/shm of its own."""

    kinds = IN_SHM
    is_shared = False

    def __init__(self) -> None:
        """Open the present /dev/shm, which the command may hide by another mount."""
        directory.use_own()
        directory.open_shm()

    def leftovers(self) -> _Leftovers:
        """Return all POSIX segments and semaphores."""
        return {kind: [*complete(objects.read(kind), _COLUMNS)] for kind in IN_SHM}

    def other_files(self) -> "Sequence[OtherFile]":
        """Return all files that are no objects."""
        from pyipcs.posix.other_files import other_files

        return other_files()


class _SharedPlace(PosixPlace):
    """A place with objects from before the command, compared by inode.

    Objects that a process has open are not left: another program may use them.
    """

    is_shared = True

    def __init__(self) -> None:
        """Record the files before the command."""
        self._error: UnseenError | None = None
        try:
            self._known = frozenset(_inodes(self._open()))
        except UnseenError as error:
            self._error = error

    @abstractmethod
    def _open(self) -> int:
        """Return the directory of the objects, which stays open."""

    def _has_new(self) -> bool:
        """Return True if there are new files, without a module for listings."""
        if self._error:
            raise self._error
        return not self._known.issuperset(_inodes(self._open()))

    def leftovers(self) -> _Leftovers:
        """Return the caller's new objects, except those that a process has open."""
        if not self._has_new():
            return {kind: [] for kind in self.kinds}
        return {kind: [*map(_unused, self._new(kind))] for kind in self.kinds}

    def _new(self, kind: Kind) -> Iterable[Listing]:
        return complete(self._selection().of(objects.read(kind)), _COLUMNS)

    def _selection(self) -> Selection:
        from pyipcs.query.filters import Filter, mine

        def is_new(listing: Listing) -> Iterable[bool]:
            return (inode not in self._known for inode in listing.column("inode"))

        return Selection((mine(), Filter("--rm", is_new, self.kinds)))

    def selection(self) -> Selection:
        """Return the new objects of the caller that are orphaned or suspect."""
        from pyipcs.query.filters import suspect

        return Selection((*self._selection().filters, suspect()))


class SharedQueues(_SharedPlace):
    """The POSIX queues of an IPC namespace that other programs share."""

    kinds = (Kind.POSIX_QUEUE,)

    def _open(self) -> int:
        from pyipcs.posix import mqueue

        return mqueue.directory()


class SharedShm(_SharedPlace):
    """A /dev/shm that other programs share."""

    kinds = IN_SHM

    def _open(self) -> int:
        return directory.open_shm()

    def other_files(self) -> "Sequence[OtherFile] | None":
        """Return the caller's new files that are no objects; None if unknown."""
        try:
            if not self._has_new():
                return []
        except UnseenError:
            return None
        from pyipcs.posix.other_files import other_files

        user = effective_uid()
        return other_files(lambda one: one.st_uid == user and one.st_ino not in self._known)


def _inodes(place: int) -> Iterable[int]:
    """Return the inodes of the files in a directory."""
    # Reading moves the offset of a descriptor, which a child process may share.
    folder = os.open(".", _OPEN, dir_fd=place)
    try:
        with os.scandir(folder) as entries:
            return [entry.inode() for entry in entries]
    finally:
        os.close(folder)


def _unused(listing: Listing) -> Listing:
    return listing.where(one.state is not State.IN_USE for one in listing.column("evidence"))
