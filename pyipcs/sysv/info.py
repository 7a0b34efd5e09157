"""Limits and usage, under the kernel's field names."""

from typing import NamedTuple, TypeAlias

from pyipcs.model import Kind


class QueueLimits(NamedTuple):
    """IPC_INFO of msgctl(2): queues, bytes of a message, bytes of a new queue."""

    msgmni: int
    msgmax: int
    msgmnb: int


class SegmentLimits(NamedTuple):
    """IPC_INFO of shmctl(2): segments, bytes of one, pages of all, bytes at the least."""

    shmmni: int
    shmmax: int
    shmall: int
    shmmin: int


class SemaphoreLimits(NamedTuple):
    """IPC_INFO of semctl(2): sets, semaphores of a set, of all, operations, value."""

    semmni: int
    semmsl: int
    semmns: int
    semopm: int
    semvmx: int


class QueueUsage(NamedTuple):
    """MSG_INFO of msgctl(2), which counts queues, messages and bytes in these fields."""

    msgpool: int
    msgmap: int
    msgtql: int


class SegmentUsage(NamedTuple):
    """SHM_INFO of shmctl(2): segments, then pages: all, in memory, in swap.

    The pages in memory and in swap are None where the kernel does not report them.
    """

    used_ids: int
    shm_tot: int
    shm_rss: int | None
    shm_swp: int | None
    swap_attempts: int
    swap_successes: int


class SemaphoreUsage(NamedTuple):
    """SEM_INFO of semctl(2), which counts sets and semaphores in these fields."""

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
