"""The objects of both families, by kind or by target."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias, cast

from pyipcs.listing import Listing
from pyipcs.model import COUNTERPARTS, POSIX, By, Kind, PosixRecord, Record, Target

if TYPE_CHECKING:
    from pyipcs.posix.handle import PosixHandle
    from pyipcs.posix.queue import PosixMessageQueue
    from pyipcs.posix.segment import PosixSharedMemory
    from pyipcs.posix.semaphore import PosixNamedSemaphore
    from pyipcs.sysv.handle import Handle as SysvHandle
    from pyipcs.sysv.info import Limits, Usage
    from pyipcs.sysv.queue import MessageQueue
    from pyipcs.sysv.segment import SharedMemory
    from pyipcs.sysv.semaphore import SemaphoreArray

Handle: TypeAlias = "SysvHandle | PosixHandle"
QueueHandle: TypeAlias = "MessageQueue | PosixMessageQueue"
SegmentHandle: TypeAlias = "SharedMemory | PosixSharedMemory"
SemaphoreHandle: TypeAlias = "SemaphoreArray | PosixNamedSemaphore"
# Limits or usage: the kernel's values for System V, rows of `resources` for POSIX.
Figures: TypeAlias = "Limits | Usage | Listing"


def read(kind: Kind) -> Iterator[Listing]:
    """Return all objects of a kind, in chunks.

    System V objects and POSIX queues are those of the caller's IPC namespace, POSIX segments and
    semaphores those of the current /dev/shm (`posix.directory`).

    Raises:
        UnseenError: the caller cannot list the objects of this kind.
        OSError: the kernel refused a call.
    """
    if kind in POSIX:
        from pyipcs.posix import listing

        return listing.read(kind)
    from pyipcs.sysv import procfs

    return procfs.read(kind)


def handle_class(kind: Kind) -> "type[Handle]":
    """Return the class of the handles of a kind, and import its module."""
    if kind in POSIX:
        from pyipcs.posix import handle as posix

        return posix.handle_class(kind)
    from pyipcs.sysv import handle as sysv

    return sysv.handle_class(kind)


def queue_class(target: Target) -> "type[QueueHandle]":
    """Return the class of the queues that a target can name."""
    return cast("type[QueueHandle]", _class_of(Kind.QUEUE, target))


def segment_class(target: Target) -> "type[SegmentHandle]":
    """Return the class of the segments that a target can name."""
    return cast("type[SegmentHandle]", _class_of(Kind.SEGMENT, target))


def semaphore_class(target: Target) -> "type[SemaphoreHandle]":
    """Return the class of the semaphores that a target can name."""
    return cast("type[SemaphoreHandle]", _class_of(Kind.SEMAPHORE, target))


def _class_of(kind: Kind, target: Target) -> "type[Handle]":
    """Return the class of a System V kind, or of its counterpart for a name."""
    return handle_class(kind if kind in target.kinds else COUNTERPARTS[kind])


def parse_target(text: str) -> Target:
    """Parse a target of either family.

    It is /NAME, an id, a 0x key, `id:N`, `key:N` or `ftok:PATH[:PROJ]`.

    Raises:
        ValueError: the text is no target; the message has the reason.
    """
    if text.startswith(("/", "\\")):
        from pyipcs.posix import names

        return names.parse_target(text)
    from pyipcs.sysv import keys

    try:
        return keys.parse_target(text)
    except keys.NoTargetError:
        notations = "not an id, a 0x key, id:N, key:N, ftok:PATH[:PROJ] or /NAME"
        raise ValueError(notations) from None


def format_target_id(kind: Kind, object_id: int | str) -> str:
    """Return a System V id as text, or an escaped POSIX name."""
    if kind in POSIX:
        from pyipcs.posix import names

        return names.format_name(str(object_id))
    return str(object_id)


def target_of(kind: Kind, object_id: int | str) -> Target:
    """Return the target of a System V id or a POSIX name."""
    typed = format_target_id(kind, object_id)
    if isinstance(object_id, str):
        return Target(By.NAME, 0, typed, object_id)
    return Target(By.ID, object_id, typed)


def can_remove(record: Record) -> bool:
    """Return True if the caller may remove an object."""
    if isinstance(record, PosixRecord):
        from pyipcs.posix import permissions as posix

        return posix.can_unlink(record)
    from pyipcs.sysv import permissions as sysv

    return sysv.can_control(record.uid, record.cuid)


def removable(kind: Kind) -> Iterator[Listing]:
    """Return all objects of a kind that the caller may remove, in chunks.

    Raises:
        UnseenError, OSError: see `read`.
    """
    if kind in POSIX:
        from pyipcs.posix import permissions as posix

        return posix.unlinkable(kind)
    from pyipcs.sysv import permissions as sysv

    return sysv.removable(kind)


def figures(name: str, kind: Kind, *, is_corrected: bool) -> Figures:
    """Return the limits ("limits") or the usage ("usage") of a kind.

    Args:
        name: "limits" or "usage".
        kind: the kind.
        is_corrected: False for System V usage exactly as the kernel counts it.

    Returns:
        The kernel's values for System V, and rows of `resources` for POSIX.

    Raises:
        IpcError: the kernel does not report them.
    """
    if kind in POSIX:
        from pyipcs.posix import limits as posix

        return of_figures(posix.resources(kind), name)
    from pyipcs.sysv import limits as sysv

    if name == "limits":
        return sysv.limits(kind)
    return sysv.corrected_usage(kind) if is_corrected else sysv.usage(kind)


def resources(kind: Kind) -> Listing:
    """Return the limits and the usage of a kind, a row for each resource.

    Raises:
        IpcError: the kernel reports neither limits nor usage.
    """
    if kind in POSIX:
        from pyipcs.posix import limits as posix

        return posix.resources(kind)
    from pyipcs.sysv import limits as sysv

    return sysv.resources(kind)


def of_figures(rows: Listing, name: str) -> Listing:
    """Return the resources with a limit ("limits") or a count ("usage")."""
    return rows.where(rows.column("is_limited" if name == "limits" else "is_counted"))
