import errno
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from resource import RLIMIT_NOFILE, getrlimit, setrlimit
from stat import S_IMODE

import pytest

from pyipcs.errors import UnseenError
from pyipcs.model import Kind
from pyipcs.posix import libc as _loaded  # noqa: F401 # a child without rights cannot import it
from pyipcs.posix import mqueue
from pyipcs.sysv.unshare import enter
from tests.kit.child import (
    NEWIPC,
    NEWNS,
    become_ordinary,
    call_number,
    drop_capabilities,
    drop_privileges,
    hide,
    in_child,
    refuse_call,
    unshare,
    unshare_user,
)
from tests.kit.kernel import IS_ROOT
from tests.kit.mqueue import (
    MQUEUE,
    SIZES,
    attributes,
    make_queue,
    notify,
    queue,
    send_message,
    unlink_queue,
)
from tests.kit.policy import REFUSALS
from tests.kit.posix import child_in, hold_lease
from tests.kit.wait import exit_code

NAME, OTHER = "/pyipcs-test", "/pyipcs-other"
FSOPEN = 430  # a system call with one number on all architectures
ATTRIBUTES = ("qnum", "maxmsg", "msgsize")


@pytest.fixture(autouse=True)
def _own_queues(own_mqueue: None) -> None:
    pass


def test_own_directory_is_known_before_the_first_queue() -> None:
    """Tests of other modules have the same start, whichever test was before them."""
    assert not [*MQUEUE.iterdir()]
    assert mqueue.known_directory() is not None


@pytest.fixture
def made() -> Iterator[int]:
    with queue(NAME, 0o644) as descriptor:
        yield descriptor


def names() -> list[str]:
    return [name for chunk in mqueue.read() for name in chunk.column("name")]


def completed(*fields: str) -> dict[str, tuple[int | None, ...]]:
    chunks = (mqueue.complete(chunk, fields) for chunk in mqueue.read())
    return {
        row[0]: row[1:]
        for chunk in chunks
        for row in zip(*map(chunk.column, ("name", *fields)), strict=True)
    }


def refusal() -> tuple[str, bool]:
    """Return the reason why no queue is listed, and whether it is certain."""
    with pytest.raises(UnseenError) as raised:
        mqueue.read()
    return str(raised.value), raised.value.is_certain


def times(name: str = NAME) -> tuple[int, int, int]:
    status = Path(f"{MQUEUE}{name}").lstat()
    return status.st_mtime_ns, status.st_atime_ns, status.st_ctime_ns


def test_read_has_fields_of_lstat(made: int) -> None:
    (listing,) = mqueue.read()
    status = Path(f"{MQUEUE}{NAME}").lstat()
    assert listing.kind is Kind.POSIX_QUEUE
    assert listing.length == 1
    assert {field: values[0] for field, values in listing.added.items()} == {
        "name": NAME,
        "inode": status.st_ino,
        "device": status.st_dev,
        "mode": S_IMODE(status.st_mode),
        "uid": status.st_uid,
        "gid": status.st_gid,
        "mtime": int(status.st_mtime),
        "atime": int(status.st_atime),
        "ctime": int(status.st_ctime),
    }


@pytest.mark.parametrize("name", ["/a b", "/line\nfeed", os.fsdecode(b"/\xff"), "/" + "n" * 255])
def test_read_of_odd_name_keeps_it(name: str) -> None:
    with queue(name):
        assert names() == [name]
        assert completed("qnum") == {name: (0,)}


def test_read_keeps_order_of_kernel() -> None:
    with queue("/b"), queue("/a"), queue("/c"):
        assert names() == [f"/{name}" for name in os.listdir(MQUEUE)]  # noqa: PTH208 # the order


def test_read_twice_reports_new_queue(made: int) -> None:
    assert names() == [NAME]
    with queue(OTHER):
        assert sorted(names()) == sorted([NAME, OTHER])


@pytest.mark.root
def test_read_without_queues_has_columns() -> None:
    (listing,) = mqueue.read()
    assert listing.length == 0
    assert listing.has("inode")


def test_complete_has_attributes_of_mq_getattr() -> None:
    with queue(NAME, sizes=(3, 17)) as first, queue(OTHER) as second:
        send_message(first, b"abc", 5)
        assert completed("qnum", "maxmsg", "msgsize") == {
            name: (attr.qnum, attr.maxmsg, attr.msgsize)
            for name, attr in ((NAME, attributes(first)), (OTHER, attributes(second)))
        }
        assert completed(*ATTRIBUTES)[NAME] == (1, 3, 17)


def test_complete_counts_sent_bytes(made: int) -> None:
    for body in (b"", b"abc", b"x" * 100):
        send_message(made, body)
    assert completed("cbytes") == {NAME: (103,)}


def test_complete_reports_registered_process(made: int) -> None:
    assert completed("notify_pid") == {NAME: (0,)}
    notify(made)
    assert completed("notify_pid", "cbytes") == {NAME: (os.getpid(), 0)}


def test_complete_of_attributes_changes_no_time(made: int) -> None:
    send_message(made, b"abc")
    os.utime(f"{MQUEUE}{NAME}", (1, 2))
    before = times()
    assert completed(*ATTRIBUTES) == {NAME: (1, *SIZES)}
    assert times() == before


def test_complete_of_cbytes_of_empty_queue_changes_no_time(made: int) -> None:
    os.utime(f"{MQUEUE}{NAME}", (1, 2))
    before = times()
    assert completed("cbytes") == {NAME: (0,)}
    assert times() == before


def test_complete_of_cbytes_sets_atime(made: int) -> None:
    send_message(made, b"abc")
    os.utime(f"{MQUEUE}{NAME}", (1, 2))
    completed("cbytes")
    assert times()[1] > 10**9


def test_complete_drops_removed_and_replaced_queues() -> None:
    with queue("/kept"):
        os.close(make_queue(NAME))
        os.close(make_queue(OTHER))
        (listing,) = mqueue.read()
        for name in (NAME, OTHER):
            (MQUEUE / name[1:]).unlink()
        with queue(OTHER):
            assert mqueue.complete(listing, ATTRIBUTES).column("name") == ["/kept"]


def test_complete_leaves_no_descriptor_open(made: int) -> None:
    completed(*ATTRIBUTES, "cbytes")
    before = os.listdir("/proc/self/fd")  # noqa: PTH208
    completed(*ATTRIBUTES, "cbytes")
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208


def test_complete_of_write_only_queue_lacks_text(made: int) -> None:
    send_message(made, b"abc")
    os.chmod(f"{MQUEUE}{NAME}", 0o222)  # noqa: PTH101
    with queue(OTHER):
        found = in_child(partial(completed, "qnum", "cbytes", "notify_pid"), drop_privileges)
    assert found[NAME] == (1, None, None)


def test_complete_of_forbidden_queue_is_unknown(made: int) -> None:
    os.chmod(f"{MQUEUE}{NAME}", 0)  # noqa: PTH101
    with queue(OTHER):
        found = in_child(partial(completed, "qnum", "cbytes"), drop_privileges)
    assert found == {NAME: (None, None), OTHER: (0, 0)}


def test_complete_of_leased_queue_is_unknown() -> None:
    os.close(make_queue(NAME))
    try:
        with queue(OTHER), child_in(partial(hold_lease, MQUEUE / NAME[1:])):
            assert completed("qnum", "cbytes") == {NAME: (None, None), OTHER: (0, 0)}
            assert in_child(partial(completed, "qnum"), drop_privileges)[NAME] == (None,)
    finally:
        unlink_queue(NAME)


def test_read_by_ordinary_user_of_leased_queue_is_undecided() -> None:
    os.close(make_queue(NAME))
    try:
        with child_in(partial(hold_lease, MQUEUE / NAME[1:])):
            reason, is_certain = in_child(refusal, drop_privileges)
    finally:
        unlink_queue(NAME)
    assert "no queue in it can be opened" in reason
    assert not is_certain


@pytest.mark.parametrize("error", REFUSALS)
def test_complete_where_mq_getattr_is_refused_has_text_only(made: int, error: int) -> None:
    send_message(made, b"abc")
    refuse = partial(refuse_call, call_number("mq_getsetattr"), error)
    assert in_child(partial(completed, "qnum", "maxmsg", "cbytes"), refuse) == {
        NAME: (None, None, 3)
    }


@pytest.mark.parametrize("error", REFUSALS)
def test_read_where_fstatfs_is_refused_needs_queue_of_own(made: int, error: int) -> None:
    steps = drop_privileges, partial(refuse_call, call_number("fstatfs"), error)
    assert in_child(names, *steps) == [NAME]
    reason, is_certain = in_child(refusal, partial(unshare, NEWIPC), *steps)
    assert "/dev/mqueue may be that of another IPC namespace" in reason
    assert not is_certain


@pytest.mark.root
def test_complete_of_forbidden_queue_drops_replaced_one() -> None:
    os.close(make_queue(NAME, 0))
    (listing,) = mqueue.read()
    (MQUEUE / NAME[1:]).unlink()
    with queue(NAME, 0), queue(OTHER):
        found = in_child(lambda: mqueue.complete(listing, ATTRIBUTES).length, drop_privileges)
    assert found == 0


def test_read_by_ordinary_user_lists_own_namespace(made: int) -> None:
    assert in_child(names, drop_privileges) == [NAME]


def test_read_by_ordinary_user_of_empty_folder_is_undecided() -> None:
    reason, is_certain = in_child(refusal, drop_privileges)
    assert "/dev/mqueue is empty" in reason
    assert not is_certain


def test_read_by_ordinary_user_of_forbidden_queues_is_undecided(made: int) -> None:
    os.chmod(f"{MQUEUE}{NAME}", 0)  # noqa: PTH101
    reason, is_certain = in_child(refusal, drop_privileges)
    assert "no queue in it can be opened" in reason
    assert not is_certain


def test_read_by_ordinary_user_without_mount_reports_it(made: int) -> None:
    steps = (partial(unshare, NEWNS), partial(hide, "/dev/mqueue"), drop_privileges)
    reason, is_certain = in_child(refusal, *steps)
    assert "not mounted at /dev/mqueue (as root no mount is needed)" in reason
    assert is_certain


def test_read_by_ordinary_user_without_folder_reports_it(made: int) -> None:
    steps = (partial(unshare, NEWNS), partial(hide, "/dev"), drop_privileges)
    reason, is_certain = in_child(refusal, *steps)
    assert "there is no /dev/mqueue (as root no mount is needed)" in reason
    assert is_certain


def test_read_by_ordinary_user_of_another_namespace_reports_it(made: int) -> None:
    reason, is_certain = in_child(refusal, partial(unshare, NEWIPC), drop_privileges)
    assert "/dev/mqueue has those of another IPC namespace" in reason
    assert is_certain


def test_read_by_ordinary_user_of_same_name_in_another_namespace_reports_it(made: int) -> None:
    steps = (partial(unshare, NEWIPC), partial(make_queue, NAME), drop_privileges)
    reason, is_certain = in_child(refusal, *steps)
    assert "/dev/mqueue has those of another IPC namespace" in reason
    assert is_certain


def test_read_of_unreadable_folder_is_undecided(made: int) -> None:
    def forbid() -> None:
        hide("/dev/mqueue")
        MQUEUE.chmod(0o700 if IS_ROOT else 0)

    steps = (partial(unshare, NEWNS), forbid, drop_privileges)
    reason, is_certain = in_child(refusal, *steps)
    assert "/dev/mqueue cannot be read" in reason
    assert not is_certain


def test_read_with_rights_needs_no_mount() -> None:
    def steps() -> None:
        unshare(NEWIPC | NEWNS)
        hide("/dev")
        make_queue(OTHER)

    assert in_child(names, steps) == [OTHER]


@pytest.mark.parametrize("closed", [(0,), (0, 1), (0, 1, 2)])
def test_read_with_rights_needs_no_standard_streams(closed: tuple[int, ...]) -> None:
    """The directory gets the number 0."""

    def read() -> list[str]:
        unshare(NEWIPC | NEWNS)
        hide("/dev")
        os.close(make_queue(NAME))
        for descriptor in closed:
            os.close(descriptor)
        return names()

    assert in_child(read) == [NAME]


def test_read_without_free_descriptor_names_the_directory(made: int) -> None:
    def read() -> tuple[int | None, object]:
        names()  # opens the directory
        _, most = getrlimit(RLIMIT_NOFILE)
        setrlimit(RLIMIT_NOFILE, (3, most))
        for descriptor in range(3):  # closed where the tests run without standard input
            os.dup2(2, descriptor)
        with pytest.raises(OSError, match="Too many open files") as caught:
            names()
        return caught.value.errno, caught.value.filename

    assert in_child(read) == (errno.EMFILE, str(MQUEUE))


def test_read_with_rights_ignores_mount_of_another_namespace(made: int) -> None:
    assert in_child(names, partial(unshare, NEWIPC)) == []


def test_read_by_owner_of_namespace_without_its_mounts_lists_its_queues(made: int) -> None:
    def own() -> None:
        become_ordinary()
        unshare_user(NEWIPC)
        make_queue(OTHER)

    assert in_child(names, own) == [OTHER]


@pytest.mark.root
@pytest.mark.parametrize("error", [errno.EPERM, errno.ENOSYS])
def test_read_where_fsopen_is_refused_lists_mount(made: int, error: int) -> None:
    assert in_child(names, partial(refuse_call, FSOPEN, error)) == [NAME]


@pytest.mark.root
def test_read_where_fsopen_is_refused_ignores_mount_of_another_namespace(made: int) -> None:
    steps = (partial(unshare, NEWIPC), partial(refuse_call, FSOPEN, errno.EPERM))
    reason, is_certain = in_child(refusal, *steps)
    assert reason.endswith("/dev/mqueue has those of another IPC namespace")
    assert is_certain


@pytest.mark.root
def test_read_by_root_without_capabilities_names_the_missing_one(made: int) -> None:
    steps = (partial(unshare, NEWNS), partial(hide, "/dev/mqueue"), drop_capabilities)
    reason, _ = in_child(refusal, *steps)
    assert reason.endswith("(with CAP_SYS_ADMIN no mount is needed)")


def test_read_in_entered_namespace_of_same_user_lists_it(made: int) -> None:
    def enter_and_read() -> list[str]:
        become_ordinary()
        (is_ready, ready), (is_done, done) = os.pipe(), os.pipe()
        holder = os.fork()
        if holder == 0:
            try:
                os.close(done)
                unshare_user(NEWIPC)
                make_queue(OTHER)
                os.close(ready)
                os.read(is_done, 1)
            finally:
                os._exit(0)
        os.close(ready)
        os.read(is_ready, 1)
        try:
            enter(f"/proc/{holder}/ns/ipc")
            return names()
        finally:
            os.close(done)
            exit_code(holder)

    assert in_child(enter_and_read) == [OTHER]


def test_read_in_child_follows_new_namespace(made: int) -> None:
    def after_reading() -> list[list[str]]:
        before = names()
        unshare(NEWIPC)
        make_queue(OTHER)
        return [before, names()]

    assert in_child(after_reading) == [[NAME], [OTHER]]
