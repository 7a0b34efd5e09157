import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_MSGQUEUE, getrlimit, setrlimit
from typing import Any

import pytest

from pyipcs import objects
from pyipcs.errors import UnseenError
from pyipcs.model import POSIX, Kind
from pyipcs.posix import directory, limits
from pyipcs.posix import libc as _loaded  # noqa: F401 # a child without rights cannot import it
from pyipcs.process import child as _child  # noqa: F401 # nor this
from pyipcs.process import sysctl as _sysctl  # noqa: F401 # nor this
from tests.kit.child import (
    NEWIPC,
    NEWNS,
    become_ordinary,
    call_number,
    drop_privileges,
    hide,
    in_child,
    refuse_call,
    unshare,
    unshare_user,
)
from tests.kit.kernel import libc
from tests.kit.mqueue import MQUEUE, SIZES, make_queue, queue, send_message
from tests.kit.policy import REFUSALS

NAME, OTHER = "/pyipcs-test", "/pyipcs-other"
SHM = Path("/dev/shm")
_NEW_UIDS = 1 << 24  # above the uids of accounts; pids are smaller than 1 << 22
COST = SIZES[0] * (SIZES[1] + 96)
MIB = 1 << 20


@pytest.fixture(autouse=True)
def _own_files(own_mqueue: None, own_shm: None) -> Iterator[None]:
    directory.use_own()
    yield
    directory.use_own()


def rows(kind: Kind) -> dict[str, tuple[int | None, int | None]]:
    """Return limit and usage by resource."""
    listing = limits.resources(kind)
    columns = map(listing.column, ("resource", "limit", "used"))
    return {name: (limit, used) for name, limit, used in zip(*columns, strict=True)}


def queues() -> dict[str, tuple[int | None, int | None]]:
    return rows(Kind.POSIX_QUEUE)


def segments() -> dict[str, tuple[int | None, int | None]]:
    directory.use_own()
    return rows(Kind.POSIX_SEGMENT)


def held() -> int | None:
    return segments()["SHM_HELD"][1]


def new_user() -> None:
    """Become a user without queues, in a new user namespace.

    The kernel counts the queues of a namespace also for the user who created it.
    """
    become_ordinary(_NEW_UIDS + os.getpid())
    unshare_user(NEWIPC)


@pytest.mark.parametrize("name", ["queues", "msg", "msgsize"])
def test_queue_limits_are_those_of_the_kernel(name: str) -> None:
    resource = f"{name.upper()}_MAX"
    assert queues()[resource][0] == int(Path(f"/proc/sys/fs/mqueue/{name}_max").read_text())


@pytest.mark.parametrize("name", ["msg_default", "msgsize_default"])
def test_queue_defaults_are_those_of_the_kernel(name: str) -> None:
    assert queues()[name.upper()][0] == int(Path("/proc/sys/fs/mqueue", name).read_text())


def test_queue_limits_without_sysctl_are_unknown() -> None:
    steps = (partial(unshare, NEWNS), partial(hide, "/proc/sys/fs"))
    found = in_child(queues, *steps)
    assert found["QUEUES_MAX"][0] is None
    assert found["MSG_MAX"][0] is None
    assert in_child(partial(limits.queue_sizes, None, None), *steps) == (10, 8192)


def test_queue_usage_counts_queues_and_messages() -> None:
    with queue(NAME) as first, queue(OTHER, sizes=(2, 100)):
        send_message(first, b"abc")
        send_message(first, b"")
        found = queues()
        amounts = limits.queue_number(), limits.queue_bytes()
    assert found["QUEUES_MAX"][1] == 2
    assert found["MESSAGES"] == (None, 2)
    assert found["RLIMIT_MSGQUEUE"][1] == COST + 2 * (100 + 96)
    assert found["QUEUES_MAX"] == amounts[0]
    assert found["RLIMIT_MSGQUEUE"] == amounts[1]


def test_queue_usage_changes_no_time() -> None:
    with queue(NAME) as made:
        send_message(made, b"abc")
        os.utime(f"{MQUEUE}{NAME}", (1, 2))
        before = Path(f"{MQUEUE}{NAME}").lstat()
        queues()
        assert Path(f"{MQUEUE}{NAME}").lstat() == before


@pytest.mark.root
def test_queue_bytes_leave_out_other_users() -> None:
    with queue(NAME), queue(OTHER):
        os.chown(f"{MQUEUE}{NAME}", 65534, 65534)
        assert queues()["RLIMIT_MSGQUEUE"][1] == COST


def test_queue_usage_is_unknown_where_queues_are_unseen() -> None:
    with queue(NAME):
        found = in_child(queues, partial(unshare, NEWIPC), drop_privileges)
    assert [found[name][1] for name in ("QUEUES_MAX", "RLIMIT_MSGQUEUE", "MESSAGES")] == [None] * 3
    assert found["QUEUES_MAX"][0] == 256


@pytest.mark.root
def test_messages_are_unknown_beside_forbidden_queue() -> None:
    with queue(NAME, 0o600), queue(OTHER, 0o644):
        found = in_child(queues, drop_privileges)
    assert found["QUEUES_MAX"][1] == 2
    assert found["MESSAGES"][1] is None
    assert found["RLIMIT_MSGQUEUE"][1] == 0


def test_queue_bytes_limit_is_soft_limit() -> None:
    def lowered() -> int | None:
        setrlimit(RLIMIT_MSGQUEUE, (12345, getrlimit(RLIMIT_MSGQUEUE)[1]))
        return queues()["RLIMIT_MSGQUEUE"][0]

    assert in_child(lowered) == 12345


def test_queue_bytes_without_limit_have_none() -> None:
    def unlimited() -> int | None:
        setrlimit(RLIMIT_MSGQUEUE, (RLIM_INFINITY, RLIM_INFINITY))
        return queues()["RLIMIT_MSGQUEUE"][0]

    try:
        assert in_child(unlimited) is None
    except ValueError:
        pytest.skip("needs CAP_SYS_RESOURCE")


@pytest.mark.parametrize("sizes", [(1, 1), (3, 17), (10, 8192)])
def test_queue_cost_is_the_bytes_that_the_kernel_counts(sizes: tuple[int, int]) -> None:
    def error_at(limit: int) -> int:
        setrlimit(RLIMIT_MSGQUEUE, (limit, limit))
        os.close(make_queue("/first", 0o600))
        try:
            os.close(make_queue(NAME, 0o600, sizes))
        except OSError as error:
            return error.errno or 0
        return 0

    needed = COST + limits.queue_cost(*sizes)
    assert in_child(partial(error_at, needed), new_user) == 0
    assert in_child(partial(error_at, needed - 1), new_user) == errno.EMFILE


@pytest.mark.alone  # the queues of other tests count against the limit of the user, too
def test_queue_bytes_used_reach_the_limit() -> None:
    def fill() -> tuple[int, limits.Amount]:
        limit = 3 * COST
        setrlimit(RLIMIT_MSGQUEUE, (limit, limit))
        for number in range(3):
            os.close(make_queue(f"/{number}", 0o600))
        try:
            os.close(make_queue("/3", 0o600, (1, 1)))
        except OSError as error:
            return error.errno or 0, limits.queue_bytes()
        return 0, limits.queue_bytes()

    full = limits.Amount(3 * COST, 3 * COST)
    assert in_child(fill, new_user) == (errno.EMFILE, full)


def test_segment_limits_are_those_of_statvfs() -> None:
    Path(SHM, "some").write_bytes(bytes(MIB))
    status = os.statvfs(SHM)
    found = segments()
    Path(SHM, "some").unlink()
    assert found["SHM_SIZE"] == (
        status.f_blocks * status.f_frsize,
        (status.f_blocks - status.f_bfree) * status.f_frsize,
    )
    assert found["SHM_INODES"] == (status.f_files, status.f_files - status.f_ffree)
    assert found["SHM_SIZE"][1] == MIB


def test_segment_memory_held_by_process_is_counted(tmp_path: Path) -> None:
    assert held() == 0
    folder = Path(SHM, "folder")
    folder.mkdir()
    files = [Path(SHM, "file"), Path(folder, "below")]
    for path in files:
        path.write_bytes(bytes(MIB))
    os.link(files[0], Path(SHM, "again"))
    Path(SHM, "hole").touch()
    os.truncate(Path(SHM, "hole"), 64 * MIB)
    Path(SHM, "link").symlink_to("x" * 500)
    try:
        assert held() == 0
        with Path(SHM, "held").open("wb") as file:
            file.write(bytes(2 * MIB))
            file.flush()
            Path(SHM, "held").unlink()
            assert held() == 2 * MIB
        assert held() == 0
    finally:
        subprocess.run(["rm", "-r", *SHM.iterdir()], check=True)


def test_segment_memory_held_is_unknown_beside_unreadable_folder() -> None:
    folder = Path(SHM, "folder")
    folder.mkdir(mode=0)
    try:
        assert in_child(held, drop_privileges) is None
        folder.chmod(0o755)
        assert in_child(held, drop_privileges) == 0
    finally:
        folder.rmdir()


def test_segment_memory_held_is_unknown_below_another_mount() -> None:
    folder = Path(SHM, "folder")
    folder.mkdir()

    def mount() -> None:
        unshare(NEWNS)
        hide(str(folder))

    try:
        assert in_child(held, mount) is None
    finally:
        folder.rmdir()


def test_segment_memory_held_is_unknown_beside_very_deep_folder() -> None:
    depth = 1500  # above the recursion limit of Python
    descriptor = os.open(SHM, os.O_PATH)
    try:
        for _ in range(depth):
            os.mkdir("d", dir_fd=descriptor)
            above, descriptor = descriptor, os.open("d", os.O_PATH, dir_fd=descriptor)
            os.close(above)
        assert held() is None
    finally:
        os.close(descriptor)
        subprocess.run(["rm", "-r", *SHM.iterdir()], check=True)


def test_segment_limits_without_size_are_none() -> None:
    def mount() -> None:
        unshare(NEWNS)
        hide(str(SHM))
        libc.mount(b"none", b"/dev/shm", b"tmpfs", 0, b"size=0,nr_inodes=0")

    assert set(in_child(segments, mount).values()) == {(None, None)}


@pytest.mark.parametrize("error", REFUSALS)
def test_segment_limits_where_statfs_is_refused_are_unknown(error: int) -> None:
    refuse = partial(refuse_call, call_number("fstatfs"), error)
    assert {*in_child(segments, refuse).values()} == {(None, None)}


def test_segment_limits_without_folder_are_unseen() -> None:
    with pytest.raises(UnseenError):
        in_child(segments, partial(unshare, NEWNS), partial(hide, "/dev"))


def test_semaphore_limit_is_sysconf() -> None:
    assert rows(Kind.POSIX_SEMAPHORE) == {"SEM_VALUE_MAX": (2**31 - 1, None)}


@pytest.mark.parametrize("kind", POSIX)
def test_resources_are_split_into_limits_and_usage(kind: Kind) -> None:
    listing = limits.resources(kind)
    for figures, field in (("limits", "limit"), ("usage", "used")):
        chosen = {*objects.of_figures(listing, figures).column("resource")}
        columns = zip(listing.column("resource"), listing.column(field), strict=True)
        assert {name for name, value in columns if value is not None} <= chosen


@pytest.mark.parametrize("kind", POSIX)
def test_resources_have_columns_of_system_v(kind: Kind) -> None:
    from pyipcs.sysv.limits import resources

    fields: Callable[[Any], set[str]] = lambda listing: {*listing.header, *listing.added}  # noqa: E731
    assert fields(limits.resources(kind)) == fields(resources(Kind.QUEUE))
