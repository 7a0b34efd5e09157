"""A /dev/shm of its own for a command."""

from collections.abc import Mapping, Sequence

from pyipcs import objects
from pyipcs.listing import Listing
from pyipcs.model import IN_SHM, Kind
from pyipcs.posix import directory
from pyipcs.posix.other_files import OtherFile, other_files
from pyipcs.query.complete import METRICS, complete


class PrivateShm:
    """A /dev/shm that only the command uses.

    Attributes:
        name: the name for JSON.
    """

    name = "private"

    def __init__(self) -> None:
        """Open the present /dev/shm, which the command may hide by another mount."""
        directory.use_own()
        directory.open_shm()

    def leftovers(self) -> Mapping[Kind, Sequence[Listing]]:
        """Return all POSIX segments and semaphores, with all columns."""
        return {kind: [*complete(objects.read(kind), METRICS)] for kind in IN_SHM}

    def other_files(self) -> Sequence[OtherFile]:
        """Return the files that are no objects."""
        return other_files()
