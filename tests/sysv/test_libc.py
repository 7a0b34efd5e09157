import errno
import os
from pathlib import Path

import pytest

from pyipcs.errors import DeniedError, ExistsError, IpcError, NotFoundError
from pyipcs.model import SYSV, Kind, Queue, Segment, SemaphoreSet
from pyipcs.sysv import abi, libc
from pyipcs.sysv.info import (
    QueueLimits,
    QueueUsage,
    SegmentLimits,
    SegmentUsage,
    SemaphoreLimits,
    SemaphoreUsage,
)
from tests.kit import kernel
from tests.kit.kernel import Objects, row

KERNEL = Path("/proc/sys/kernel")
STAT_NAMES = {"mode": "perms", "segsz": "size"}


def read_setting(name: str) -> list[int]:
    return [int(word) for word in (KERNEL / name).read_text().split()]


def test_limits_are_the_settings_of_proc_sys() -> None:
    queues = libc.limits(Kind.QUEUE)
    assert isinstance(queues, QueueLimits)
    assert [queues.msgmni] == read_setting("msgmni")
    assert [queues.msgmax] == read_setting("msgmax")
    assert [queues.msgmnb] == read_setting("msgmnb")
    segments = libc.limits(Kind.SEGMENT)
    assert isinstance(segments, SegmentLimits)
    assert [segments.shmmni] == read_setting("shmmni")
    assert [segments.shmmax] == read_setting("shmmax")
    assert [segments.shmall] == read_setting("shmall")
    sets = libc.limits(Kind.SEMAPHORE)
    assert isinstance(sets, SemaphoreLimits)
    assert [sets.semmsl, sets.semmns, sets.semopm, sets.semmni] == read_setting("sem")
    assert sets.semvmx == 32767


def test_usage_counts_the_objects(objects: Objects, isolated: None) -> None:
    kernel.send(objects.queue(), b"12345")
    objects.queue()
    objects.segment(size=5 * os.sysconf("SC_PAGESIZE"))
    objects.semaphores(nsems=7)
    assert libc.usage(Kind.QUEUE) == QueueUsage(msgpool=2, msgmap=1, msgtql=5)
    segments = libc.usage(Kind.SEGMENT)
    assert isinstance(segments, SegmentUsage)
    assert segments[:3] == (1, 5, 0)
    assert libc.usage(Kind.SEMAPHORE) == SemaphoreUsage(semusz=1, semaem=7)


@pytest.mark.parametrize("kind", SYSV)
@pytest.mark.parametrize("mode", [0, 0o600])
def test_stat_gives_the_row_of_proc_sysvipc(objects: Objects, kind: Kind, mode: int) -> None:
    object_id = objects.make(kind, -9, mode)
    if kind is Kind.QUEUE and mode:
        kernel.send(object_id)
        kernel.receive(object_id)
        kernel.send(object_id, b"abc")
    record = libc.stat(kind, object_id)
    words = row(kind, object_id)
    for field in set(record._fields) - {"id", "mode", "qbytes", "rss", "swap", "semaphores"}:
        assert getattr(record, field) == int(words[STAT_NAMES.get(field, field)]), field
    assert (record.kind, record.id, record.mode) == (kind, object_id, mode)


def test_stat_of_queue_has_qbytes(objects: Objects) -> None:
    record = libc.stat(Kind.QUEUE, objects.queue())
    assert isinstance(record, Queue)
    assert [record.qbytes] == read_setting("msgmnb")


@pytest.mark.parametrize("kind", SYSV)
def test_stat_of_unused_id_fails(objects: Objects, kind: Kind) -> None:
    object_id = objects.make(kind)
    another_sequence = object_id + 32768
    for missing in (another_sequence, 2**31 - 1, 32767):
        with pytest.raises(NotFoundError):
            libc.stat(kind, missing)


@pytest.mark.parametrize("kind", SYSV)
def test_stat_of_former_id_with_a_reused_index_fails(
    objects: Objects, isolated: None, kind: Kind
) -> None:
    """An index is reused after some hundred others (ipc/util.c)."""
    first = object_id = objects.make(kind, mode=0)
    while object_id <= max(first, 0x8000):
        kernel.remove(kind, object_id)
        gone, object_id = object_id, objects.make(kind, mode=0)
    assert libc.stat(kind, object_id).id == object_id
    for missing in (gone, object_id & 0x7FFF, object_id + 0x8000):
        with pytest.raises(NotFoundError):
            libc.stat(kind, missing)


@pytest.mark.parametrize("kind", SYSV)
def test_stat_without_stat_any_gives_the_same(
    objects: Objects, isolated: None, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux before 4.17 refuses *_STAT_ANY as an unknown command."""
    object_id = objects.make(kind, 5, 0o600)
    expected = libc.stat(kind, object_id)
    # No kernel of today lacks the command.
    monkeypatch.setitem(abi.STAT_ANY, kind, 99)
    assert libc.stat(kind, object_id) == expected
    assert [*libc.scan(kind)] == [expected]
    with pytest.raises(NotFoundError):
        libc.stat(kind, 2**31 - 1)


def test_change_keeps_the_other_fields(objects: Objects) -> None:
    msqid = objects.queue(0, 0o641)
    libc.change(Kind.QUEUE, msqid, qbytes=1000)
    record = libc.stat(Kind.QUEUE, msqid)
    assert isinstance(record, Queue)
    assert (record.qbytes, record.mode, record.uid) == (1000, 0o641, os.geteuid())
    libc.change(Kind.QUEUE, msqid, mode=0o600)
    record = libc.stat(Kind.QUEUE, msqid)
    assert isinstance(record, Queue)
    assert (record.qbytes, record.mode) == (1000, 0o600)


@pytest.mark.root
@pytest.mark.parametrize("kind", SYSV)
def test_change_owner_keeps_creator_and_mode(objects: Objects, kind: Kind) -> None:
    object_id = objects.make(kind)
    libc.change(kind, object_id, uid=12, gid=13)
    record = libc.stat(kind, object_id)
    assert (record.uid, record.gid, record.cuid, record.mode) == (12, 13, 0, 0o644)


def test_set_values_sets_values_and_pids(objects: Objects) -> None:
    semid = objects.semaphores(nsems=3)
    libc.set_values(semid, [5, 0, 32767])
    assert libc.semaphores(semid, 3) == (
        (0, 5, 0, 0, os.getpid()),
        (1, 0, 0, 0, os.getpid()),
        (2, 32767, 0, 0, os.getpid()),
    )


def test_set_values_over_semvmx_fails(objects: Objects) -> None:
    semid = objects.semaphores(nsems=3)
    with pytest.raises(IpcError) as caught:
        libc.set_values(semid, [32768, 0, 0])
    assert caught.value.errno == errno.ERANGE


def test_semaphores_of_unused_id_fails() -> None:
    with pytest.raises(NotFoundError):
        libc.semaphores(2**31 - 1, 1)


def test_shmget_and_semget_create_objects(objects: Objects) -> None:
    flags = abi.IPC_CREAT | abi.IPC_EXCL | 0o600
    shmid = objects.adopt(Kind.SEGMENT, libc.shmget(0x4711, 10, flags))
    semid = objects.adopt(Kind.SEMAPHORE, libc.semget(0x4711, 4, flags))
    segment, array = libc.stat(Kind.SEGMENT, shmid), libc.stat(Kind.SEMAPHORE, semid)
    assert isinstance(segment, Segment)
    assert isinstance(array, SemaphoreSet)
    assert (segment.segsz, array.nsems) == (10, 4)
    assert libc.shmget(0x4711, 0, 0) == shmid


def test_semget_excl_with_taken_key_fails(objects: Objects) -> None:
    objects.semaphores(0x4711)
    with pytest.raises(ExistsError):
        libc.semget(0x4711, 4, abi.IPC_CREAT | abi.IPC_EXCL | 0o600)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every set")
def test_semaphores_without_read_permission_fails(objects: Objects) -> None:
    semid = objects.semaphores(mode=0)
    with pytest.raises(DeniedError):
        libc.semaphores(semid, 1)
