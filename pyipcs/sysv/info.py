"""Limits and usage, under the kernel's field names."""

from typing import NamedTuple, TypeAlias

from pyipcs.model import Kind


class QueueLimits(NamedTuple):
    """Limits of queues (IPC_INFO of msgctl(2)).

    Attributes:
        msgmni: the number of queues.
        msgmax: the size of a message in bytes.
        msgmnb: the size of a new queue in bytes.
    """

    msgmni: int
    msgmax: int
    msgmnb: int


class SegmentLimits(NamedTuple):
    """Limits of segments (IPC_INFO of shmctl(2)).

    Attributes:
        shmmni: the number of segments.
        shmmax: the size of a segment in bytes.
        shmall: the size of all segments in pages.
        shmmin: the least size of a segment in bytes.
    """

    shmmni: int
    shmmax: int
    shmall: int
    shmmin: int


class SemaphoreLimits(NamedTuple):
    """Limits of semaphores (IPC_INFO of semctl(2)).

    Attributes:
        semmni: the number of sets.
        semmsl: the number of semaphores of a set.
        semmns: the number of semaphores of all sets.
        semopm: the number of operations of a semop(2).
        semvmx: the value of a semaphore.
    """

    semmni: int
    semmsl: int
    semmns: int
    semopm: int
    semvmx: int


class QueueUsage(NamedTuple):
    """Usage of queues (MSG_INFO of msgctl(2)).

    Attributes:
        msgpool: the number of queues.
        msgmap: the number of messages on all queues.
        msgtql: the bytes of all messages.
    """

    msgpool: int
    msgmap: int
    msgtql: int


class SegmentUsage(NamedTuple):
    """Usage of segments (SHM_INFO of shmctl(2)).

    Attributes:
        used_ids: the number of segments.
        shm_tot: the size of all segments in pages.
        shm_rss: the pages in memory; None if the kernel does not report them.
        shm_swp: the pages in swap; None if the kernel does not report them.
        swap_attempts: always 0 (ipc/shm.c).
        swap_successes: always 0 (ipc/shm.c).
    """

    used_ids: int
    shm_tot: int
    shm_rss: int | None
    shm_swp: int | None
    swap_attempts: int
    swap_successes: int


class SemaphoreUsage(NamedTuple):
    """Usage of semaphores (SEM_INFO of semctl(2)).

    Attributes:
        semusz: the number of sets.
        semaem: the number of semaphores of all sets.
    """

    semusz: int
    semaem: int


Limits: TypeAlias = QueueLimits | SegmentLimits | SemaphoreLimits
Usage: TypeAlias = QueueUsage | SegmentUsage | SemaphoreUsage
LIMITS: dict[Kind, type[QueueLimits] | type[SegmentLimits] | type[SemaphoreLimits]] = {
    Kind.QUEUE: QueueLimits,
    Kind.SEGMENT: SegmentLimits,
    Kind.SEMAPHORE: SemaphoreLimits,
}
USAGE: dict[Kind, type[QueueUsage] | type[SegmentUsage] | type[SemaphoreUsage]] = {
    Kind.QUEUE: QueueUsage,
    Kind.SEGMENT: SegmentUsage,
    Kind.SEMAPHORE: SemaphoreUsage,
}
