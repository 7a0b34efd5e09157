import ctypes
import errno
from collections.abc import Callable
from pathlib import Path

import pytest
import sysv_ipc

from pyipcs.errors import (
    BusyError,
    DeniedError,
    ExistsError,
    InterruptError,
    IpcError,
    LimitError,
    NotFoundError,
    ipc_error,
    missing_if_einval,
)
from pyipcs.model import SYSV, Kind, Segment, SemaphoreSet, Wanted
from pyipcs.operations import Operation
from pyipcs.sysv.handle import Handle, handle_class, sysv_ipc_error, with_free_key
from pyipcs.sysv.queue import MessageQueue
from pyipcs.sysv.segment import SharedMemory
from pyipcs.sysv.semaphore import SemaphoreArray
from tests.kit.kernel import Objects, attached, everything, ids, remove, row, send

KEY = 0x5EED


def create(kind: Kind, key: int, mode: int = 0o600) -> Handle:
    match kind:
        case Kind.QUEUE:
            return MessageQueue.create(key, mode)
        case Kind.SEGMENT:
            return SharedMemory.create(key, mode, 4096)
        case _:
            return SemaphoreArray.create(key, mode, 2)


@pytest.mark.parametrize("kind", SYSV)
class TestHandle:
    def test_create_with_key_is_found_until_removed(self, objects: Objects, kind: Kind) -> None:
        handle = create(kind, KEY, 0o640)
        objects.adopt(kind, handle.id)
        record = handle.stat()
        assert (record.kind, record.id, record.key, record.mode) == (kind, handle.id, KEY, 0o640)
        assert handle_class(kind).find(KEY).id == handle.id
        handle.remove()
        assert handle.id not in ids(kind)

    def test_create_private_gives_a_new_object(self, objects: Objects, kind: Kind) -> None:
        first, second = create(kind, 0), create(kind, 0)
        for handle in (first, second):
            objects.adopt(kind, handle.id)
            assert handle.stat().key == 0
        assert first.id != second.id

    def test_create_with_taken_key_fails(self, objects: Objects, kind: Kind) -> None:
        objects.make(kind, KEY)
        with pytest.raises(ExistsError):
            create(kind, KEY)

    def test_find_unused_key_fails(self, kind: Kind) -> None:
        with pytest.raises(NotFoundError):
            handle_class(kind).find(KEY)

    def test_remove_and_stat_of_unused_id_fail(self, kind: Kind) -> None:
        handle = handle_class(kind)(2**31 - 1)
        for call in (handle.remove, handle.stat):
            with pytest.raises(NotFoundError):
                call()

    def test_find_needs_no_permission(self, objects: Objects, kind: Kind) -> None:
        object_id = objects.make(kind, -5, 0)
        assert handle_class(kind).find(-5).id == object_id

    def test_with_free_key_skips_taken_keys(self, objects: Objects, kind: Kind) -> None:
        keys = iter([KEY, KEY, KEY + 1])
        objects.make(kind, KEY)
        handle = with_free_key(lambda _key: create(kind, next(keys)))
        objects.adopt(kind, handle.id)
        assert handle.stat().key == KEY + 1


def test_handle_calls_on_removed_object_fail(objects: Objects) -> None:
    queue, array = MessageQueue(objects.queue()), SemaphoreArray(objects.semaphores(nsems=2))
    segment = SharedMemory(objects.segment())
    send, receive = queue.sender(), queue.receiver(Wanted())
    for handle in (queue, array, segment):
        remove(handle.kind, handle.id)
    calls: dict[str, Callable[[], object]] = {
        "change": lambda: queue.change(mode=0o600),
        "send": lambda: send(1, b"", False),
        "receive": lambda: receive(False),
        "copies": lambda: [*queue.copies(Wanted())],
        "attach": lambda: segment.attach(read_only=True),
        "lock": lambda: segment.lock(locked=True),
        "value": lambda: array.set_value(0, 1),
        "values": lambda: array.set_values([1, 2]),
        "operate": lambda: array.operate([Operation(0, 0, 1)]),
        "details": array.details,
    }
    raised = {name: type(_error_of(call)) for name, call in calls.items()}
    assert raised == dict.fromkeys(calls, NotFoundError)


def _error_of(call: Callable[[], object]) -> IpcError:
    with pytest.raises(IpcError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize(
    "call",
    [
        lambda array: array.set_value(2, 1),
        lambda array: array.set_values([1]),
        lambda array: array.set_values([1, 2, 3]),
        lambda array: array.change(uid=2**32 - 1),
    ],
)
def test_semaphore_array_invalid_call_changes_nothing(
    objects: Objects, call: Callable[[SemaphoreArray], None]
) -> None:
    array = SemaphoreArray(objects.semaphores(nsems=2))
    array.set_values([5, 6])
    with pytest.raises(IpcError) as caught:
        call(array)
    assert caught.value.errno == errno.EINVAL
    assert [semaphore.value for semaphore in array.details().semaphores or ()] == [5, 6]


# Numbers that C cannot hold: the kernel would get the low 32 or 64 bits of them.
BEYOND_INT, BEYOND_LONG = 2**32, 2**64


@pytest.mark.parametrize(
    ("call", "number"),
    [
        (lambda array: array.set_values([70000, 1]), errno.ERANGE),
        (lambda array: array.initialize([70000, 1]), errno.ERANGE),
        (lambda array: array.set_value(0, BEYOND_INT + 7), errno.ERANGE),
        (lambda array: array.set_value(BEYOND_INT, 7), errno.EINVAL),
        (lambda array: array.operate([Operation(70000, 70000, 1)]), errno.EFBIG),
        (lambda array: array.operate([Operation(0, 0, 70000)]), errno.ERANGE),
        (lambda array: array.change(uid=BEYOND_INT), errno.EINVAL),
        (lambda array: SemaphoreArray(array.id + BEYOND_INT).set_values([7, 7]), errno.ENOENT),
        (lambda array: SemaphoreArray.remove_id(array.id + BEYOND_INT), errno.EINVAL),
    ],
)
def test_semaphore_array_number_beyond_its_type_changes_nothing(
    objects: Objects, call: Callable[[SemaphoreArray], None], number: int
) -> None:
    array = SemaphoreArray(objects.semaphores(nsems=2))
    array.set_values([5, 6])
    before = array.details()
    with pytest.raises(IpcError) as caught:
        call(array)
    assert caught.value.errno == number
    assert array.details() == before


@pytest.mark.parametrize(
    "create_object",
    [
        lambda: SharedMemory.create(0, 0o600, BEYOND_LONG + 4096),
        lambda: SemaphoreArray.create(0, 0o600, BEYOND_INT + 1),
        lambda: MessageQueue.create(KEY + BEYOND_INT, 0o600),
        lambda: SharedMemory.create(KEY + BEYOND_LONG, 0o600, 4096),
        lambda: SemaphoreArray.create(KEY - BEYOND_INT, 0o600, 1),
    ],
)
def test_create_with_number_beyond_its_type_creates_nothing(
    isolated: None, create_object: Callable[[], object]
) -> None:
    before = everything()
    with pytest.raises(IpcError) as caught:
        create_object()
    assert caught.value.errno == errno.EINVAL
    assert everything() == before


@pytest.mark.parametrize("type_", [BEYOND_LONG, -BEYOND_LONG, 2**63])
def test_message_type_beyond_its_type_is_invalid(objects: Objects, type_: int) -> None:
    queue = MessageQueue(objects.queue())
    send(queue.id)
    for call in (
        lambda: queue.sender()(type_, b"x", False),
        lambda: queue.receiver(Wanted(type=type_))(False),
    ):
        with pytest.raises(IpcError) as caught:
            call()
        assert caught.value.errno == errno.EINVAL
    assert queue.stat().qnum == 1


def test_semaphore_array_infinite_timeout_waits(objects: Objects) -> None:
    array = SemaphoreArray(objects.semaphores())
    array.operate([Operation(0, 0, 0)], timeout=float("inf"))


def test_shared_memory_create_touches_no_page(objects: Objects) -> None:
    shmid = objects.adopt(Kind.SEGMENT, SharedMemory.create(KEY, 0o600, 1 << 20).id)
    SharedMemory.find(KEY)
    words = row(Kind.SEGMENT, shmid)
    assert (words["rss"], words["atime"], words["lpid"]) == ("0", "0", "0")


def test_find_with_larger_size_fails(objects: Objects) -> None:
    objects.segment(KEY, size=4096)
    objects.semaphores(KEY, nsems=2)
    for find in (lambda: SharedMemory.find(KEY, 4097), lambda: SemaphoreArray.find(KEY, 3)):
        with pytest.raises(IpcError) as caught:
            find()
        assert caught.value.errno == errno.EINVAL


def test_shared_memory_details_have_rss(objects: Objects) -> None:
    shmid = objects.segment(size=1 << 20)
    with attached(shmid) as address:
        ctypes.memset(address, 1, 1 << 20)
        record = SharedMemory(shmid).details()
    assert isinstance(record, Segment)
    assert record.rss == 1 << 20
    assert record.swap == 0


def test_semaphore_array_details_have_values(objects: Objects) -> None:
    array = SemaphoreArray(objects.semaphores(nsems=2))
    array.set_values([3, 4])
    record = array.details()
    assert isinstance(record, SemaphoreSet)
    assert [semaphore.value for semaphore in record.semaphores or ()] == [3, 4]


def test_record_is_kept_until_stat_or_change(objects: Objects) -> None:
    queue = MessageQueue(objects.queue())
    first = queue.record
    send(queue.id)
    assert queue.record is first
    assert (queue.stat().qnum, queue.record.qnum) == (1, 1)
    queue.change(mode=0o600)
    assert queue.record.mode == 0o600


def test_change_with_record_takes_the_other_fields_from_it(objects: Objects) -> None:
    queue = MessageQueue(objects.queue(mode=0o644))
    record = queue.record
    MessageQueue(queue.id).change(mode=0o600)
    queue.change(qbytes=100, record=record)
    changed = queue.stat()
    assert (changed.qbytes, changed.mode) == (100, 0o644)


def test_details_with_record_completes_it(objects: Objects) -> None:
    array, segment = SemaphoreArray(objects.semaphores(nsems=2)), SharedMemory(objects.segment())
    record = array.record._replace(otime=7)
    assert array.details(record) == record._replace(semaphores=array.details().semaphores)
    rss = segment.details(segment.record._replace(atime=7))
    assert (rss.atime, rss.rss) == (7, 0)


def test_missing_if_einval_translates_einval_alone() -> None:
    assert isinstance(missing_if_einval(ipc_error(errno.EINVAL)), NotFoundError)
    denied = ipc_error(errno.EPERM)
    assert missing_if_einval(denied) is denied


@pytest.mark.root
def test_message_queue_create_over_msgmni_fails(objects: Objects, isolated: None) -> None:
    limit = Path("/proc/sys/kernel/msgmni")
    before = limit.read_text()
    objects.queue()
    limit.write_text("1")
    try:
        with pytest.raises(LimitError):
            MessageQueue.create(KEY, 0o600)
    finally:
        limit.write_text(before)


def test_sysv_ipc_error_has_the_class_of_the_errno() -> None:
    table = [
        (sysv_ipc.ExistentialError("x"), errno.EINVAL, IpcError),
        (sysv_ipc.ExistentialError("x"), errno.EEXIST, ExistsError),
        (sysv_ipc.PermissionsError("x"), errno.EEXIST, DeniedError),
        (MemoryError("x"), errno.EEXIST, IpcError),
        (OSError("a limit"), errno.EEXIST, LimitError),
        (OSError(errno.EIDRM, "gone"), errno.EEXIST, NotFoundError),
        (sysv_ipc.BusyError("x"), errno.EEXIST, BusyError),
        (sysv_ipc.Error("Signaled while waiting"), errno.EEXIST, InterruptError),
    ]
    for error, enoent_means, family in table:
        assert type(sysv_ipc_error(error, enoent_means)) is family
    assert sysv_ipc_error(MemoryError("x"), 0).errno == errno.ENOMEM


def test_sysv_ipc_error_without_errno_keeps_the_text() -> None:
    error = sysv_ipc_error(sysv_ipc.InternalError("it is odd"), errno.EEXIST)
    assert (error.errno, error.strerror) == (errno.EIO, "it is odd")
