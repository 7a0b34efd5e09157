import errno
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from resource import RLIMIT_MSGQUEUE, setrlimit

import pytest

from pyipcs.errors import DeniedError, ExistsError, IpcError, LimitError, NotFoundError
from pyipcs.model import By, PosixQueue, Target, Wanted
from pyipcs.posix import libc as _loaded  # noqa: F401 # a child without rights cannot import it
from pyipcs.posix import mqueue
from pyipcs.posix.queue import PosixMessageQueue
from tests.kit.child import (
    NEWIPC,
    NEWNS,
    NEWPID,
    become_ordinary,
    drop_capabilities,
    drop_privileges,
    hide,
    in_child,
    unshare,
    unshare_user,
)
from tests.kit.kernel import NOBODY
from tests.kit.mqueue import (
    MQUEUE,
    SIZES,
    Attributes,
    attributes,
    make_queue,
    notify,
    open_queue,
    queue,
    send_message,
    unlink_queue,
)
from tests.kit.posix_objects import open_objects

NAME, OTHER = "/pyipcs-test", "/pyipcs-other"
FILE = Path(f"{MQUEUE}{NAME}")
NO_MOUNT = (partial(unshare, NEWNS), partial(hide, "/dev/mqueue"), drop_privileges)
BAD_NAMES = {
    "": errno.EINVAL,
    "x": errno.EINVAL,
    "/": errno.ENOENT,
    "/.": errno.EACCES,
    "/..": errno.EACCES,
    "//etc/passwd": errno.EACCES,
    "/a/b": errno.EACCES,
    "/" + "n" * 256: errno.ENAMETOOLONG,
}


@pytest.fixture(autouse=True)
def _own_queues(own_mqueue: None) -> None:
    pass


@pytest.fixture
def made() -> Iterator[int]:
    with queue(NAME, 0o644) as descriptor:
        yield descriptor


@pytest.fixture
def removed() -> Iterator[None]:
    """Remove the queue that the test creates."""
    yield
    unlink_queue(NAME)


def created(**sizes: int) -> Attributes:
    PosixMessageQueue.create(NAME, 0o600, **sizes)
    descriptor = open_queue(NAME, os.O_RDONLY)
    try:
        return attributes(descriptor)
    finally:
        os.close(descriptor)


def sysctl(name: str) -> int:
    return int(Path("/proc/sys/fs/mqueue", name).read_text())


def failed(name: str) -> int:
    """Return the errno of a search for a queue."""
    with pytest.raises(IpcError) as raised:
        PosixMessageQueue.find(name)
    return raised.value.errno


def test_create_gives_default_sizes(removed: None) -> None:
    assert created() == (sysctl("msg_default"), sysctl("msgsize_default"), 0)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"maxmsg": 3}, (3, 8192, 0)),
        ({"msgsize": 17}, (10, 17, 0)),
        ({"maxmsg": 3, "msgsize": 17}, (3, 17, 0)),
    ],
)
def test_create_with_sizes_gives_default_of_missing_one(
    removed: None, sizes: dict[str, int], expected: tuple[int, ...]
) -> None:
    assert created(**sizes) == expected


def test_create_cuts_default_by_maximum() -> None:
    def lowered() -> list[Attributes]:
        Path("/proc/sys/fs/mqueue/msg_max").write_text("4")
        with_default = created()
        unlink_queue(NAME)
        return [with_default, created(msgsize=8192)]

    try:
        found = in_child(lowered, partial(unshare, NEWIPC))
    except PermissionError:
        pytest.skip("this kernel gives the limits to the initial root alone")
    assert found == [(4, 8192, 0), (4, 8192, 0)]


def test_create_cuts_mode_by_umask(removed: None) -> None:
    before = os.umask(0o027)
    try:
        PosixMessageQueue.create(NAME, 0o666)
    finally:
        os.umask(before)
    assert FILE.lstat().st_mode & 0o7777 == 0o640


def test_create_without_permissions_succeeds(removed: None) -> None:
    in_child(lambda: PosixMessageQueue.create(NAME, 0).id)
    assert FILE.lstat().st_mode & 0o7777 == 0


def test_create_of_existing_queue_leaves_it(made: int) -> None:
    send_message(made, b"abc")
    with pytest.raises(ExistsError):
        PosixMessageQueue.create(NAME, 0o600, 1, 1)
    assert attributes(made) == (*SIZES, 1)


@pytest.mark.parametrize("sizes", [(0, 1), (1, 0), (-1, 1), (10**6, 1), (1, 2**31 - 1)])
def test_create_with_refused_size_fails(sizes: tuple[int, int]) -> None:
    with pytest.raises(IpcError) as raised:
        PosixMessageQueue.create(NAME, 0o600, *sizes)
    assert raised.value.errno == errno.EINVAL


def test_create_over_rlimit_fails() -> None:
    def create() -> None:
        setrlimit(RLIMIT_MSGQUEUE, (0, 0))
        PosixMessageQueue.create(NAME, 0o600)

    with pytest.raises(IpcError) as raised:
        in_child(create)
    assert raised.value.errno == errno.EMFILE


def test_create_over_number_of_queues_fails() -> None:
    def fill() -> None:
        become_ordinary()  # CAP_SYS_RESOURCE would lift the limit
        unshare_user(NEWIPC)
        drop_capabilities()
        for number in range(sysctl("queues_max")):
            os.close(make_queue(f"/{number}", 0o600, (1, 1)))
        PosixMessageQueue.create(NAME, 0o600, 1, 1)

    with pytest.raises(LimitError):
        in_child(fill)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_handle_of_bad_name_raises_error_of_kernel(name: str) -> None:
    calls = (
        lambda: PosixMessageQueue.create(name, 0o600),
        lambda: PosixMessageQueue.find(name),
        lambda: PosixMessageQueue(name).remove(),
        lambda: PosixMessageQueue(name).change(mode=0o600),
        lambda: PosixMessageQueue(name).details(),
    )
    for call in calls:
        with pytest.raises(IpcError) as raised:
            call()
        assert raised.value.errno == BAD_NAMES[name]


def test_find_has_basic_fields(made: int) -> None:
    (listing,) = mqueue.read()
    record = PosixMessageQueue.find(NAME).record
    assert record == PosixQueue(*(values[0] for values in listing.added.values()))


def test_reach_finds_queue_of_target(made: int) -> None:
    assert PosixMessageQueue.reach(Target(By.NAME, 0, NAME, NAME)).id == NAME


def test_find_without_mount_has_same_record(made: int) -> None:
    expected = PosixMessageQueue.find(NAME).record
    assert in_child(lambda: PosixMessageQueue.find(NAME).record, *NO_MOUNT) == expected


def test_find_without_mount_of_write_only_queue_succeeds(made: int) -> None:
    FILE.chmod(0o222)
    found = in_child(lambda: PosixMessageQueue.find(NAME).details(), *NO_MOUNT)
    assert (found.qnum, found.maxmsg, found.cbytes, found.notify_pid) == (0, 10, 0, None)


def test_find_without_mount_of_forbidden_queue_is_denied(made: int) -> None:
    FILE.chmod(0)
    assert in_child(partial(failed, NAME), *NO_MOUNT) == errno.EACCES


def test_find_of_forbidden_queue_where_listed_succeeds(made: int) -> None:
    FILE.chmod(0)
    with queue(OTHER):
        record = in_child(lambda: PosixMessageQueue.find(NAME).record, drop_privileges)
    assert record.mode == 0


@pytest.mark.parametrize("steps", [(), (drop_privileges,), NO_MOUNT])
def test_find_of_missing_queue_fails(steps: tuple[partial[None], ...]) -> None:
    assert in_child(partial(failed, NAME), *steps) == errno.ENOENT


def test_find_below_mount_of_another_namespace_fails(made: int) -> None:
    steps = (partial(unshare, NEWIPC), drop_privileges)
    assert in_child(partial(failed, NAME), *steps) == errno.ENOENT


def test_stat_changes_no_time(made: int) -> None:
    send_message(made, b"abc")
    os.utime(FILE, (1, 2))
    before = FILE.lstat()
    PosixMessageQueue.find(NAME).stat()
    assert FILE.lstat() == before


def test_details_has_all_fields(made: int) -> None:
    send_message(made, b"abc")
    notify(made)
    found = PosixMessageQueue.find(NAME).details()
    assert (found.qnum, found.cbytes, found.maxmsg, found.msgsize) == (1, 3, *SIZES)
    assert found.notify_pid == os.getpid()
    assert found.name == NAME


def test_details_of_registered_process_in_another_pid_namespace_is_unknown(made: int) -> None:
    # A process that has left by unshare(2) has its children, not itself, in the new namespace.
    notify(made)

    def details() -> PosixQueue:
        return in_child(PosixMessageQueue.find(NAME).details)

    found = in_child(details, partial(unshare, NEWPID), drop_privileges)
    assert (found.qnum, found.notify_pid) == (0, None)


def test_details_of_replaced_queue_fails(made: int) -> None:
    handle = PosixMessageQueue.find(NAME)
    unlink_queue(NAME)
    os.close(make_queue(NAME))
    with pytest.raises(NotFoundError):
        handle.details(handle.record)


def test_remove_and_change_of_replaced_queue_fail() -> None:
    os.close(make_queue(NAME))
    handle = PosixMessageQueue.find(NAME)
    unlink_queue(NAME)
    with queue(NAME):
        with pytest.raises(NotFoundError):
            handle.remove()
        with pytest.raises(NotFoundError):
            handle.change(mode=0o600)
        assert FILE.lstat().st_mode & 0o7777 == 0o644


def test_close_closes_all_descriptors(made: int) -> None:
    before = open_objects()
    handle = PosixMessageQueue.find(NAME)
    handle.sender()(0, b"", False)
    handle.receiver(Wanted())
    assert len(open_objects() - before) == 2
    handle.close()
    handle.close()
    assert open_objects() == before


def test_details_leaves_no_descriptor_open(made: int) -> None:
    PosixMessageQueue.find(NAME).details()
    before = os.listdir("/proc/self/fd")  # noqa: PTH208
    PosixMessageQueue.find(NAME).details()
    PosixMessageQueue.find(NAME).change(mode=0o600)
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208


@pytest.mark.parametrize("steps", [(), NO_MOUNT])
def test_change_of_mode_sets_it(steps: tuple[partial[None], ...]) -> None:
    def change() -> tuple[int, int]:
        descriptor = make_queue(NAME, 0o600)
        handle = PosixMessageQueue.find(NAME)
        handle.change(mode=0o640)
        seen = handle.record.mode, os.fstat(descriptor).st_mode & 0o7777
        handle.remove()
        return seen

    assert in_child(change, *steps) == (0o640, 0o640)


@pytest.mark.root
def test_change_of_owner_sets_it(made: int) -> None:
    PosixMessageQueue.find(NAME).change(uid=NOBODY)
    PosixMessageQueue.find(NAME).change(gid=NOBODY)
    status = FILE.lstat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (NOBODY, NOBODY, 0o644)


def test_change_of_queue_that_owner_may_not_open_succeeds(made: int) -> None:
    def change() -> int:
        with queue(NAME + "2", 0):
            PosixMessageQueue.find(NAME + "2").change(mode=0o640)
            return Path(f"{MQUEUE}{NAME}2").lstat().st_mode & 0o7777

    assert in_child(change, drop_privileges) == 0o640


@pytest.mark.root
def test_change_of_queue_of_another_user_is_denied(made: int) -> None:
    with pytest.raises(DeniedError):
        in_child(lambda: PosixMessageQueue(NAME).change(mode=0o666), drop_privileges)
    with pytest.raises(DeniedError):
        in_child(lambda: PosixMessageQueue(NAME).change(uid=NOBODY), drop_privileges)


def test_change_size_is_refused(made: int) -> None:
    with pytest.raises(IpcError):
        PosixMessageQueue(NAME).change(size=1)


@pytest.mark.parametrize("steps", [(), NO_MOUNT])
def test_remove_unlinks_the_queue(steps: tuple[partial[None], ...]) -> None:
    def remove() -> int:
        os.close(make_queue(NAME))
        PosixMessageQueue.find(NAME).remove()
        return failed(NAME)

    assert in_child(remove, *steps) == errno.ENOENT


@pytest.mark.root
def test_remove_of_queue_of_another_user_is_denied(made: int) -> None:
    FILE.chmod(0o666)
    with pytest.raises(DeniedError):
        in_child(lambda: PosixMessageQueue(NAME).remove(), drop_privileges)


def test_remove_of_missing_queue_fails() -> None:
    with pytest.raises(NotFoundError):
        PosixMessageQueue(NAME).remove()
