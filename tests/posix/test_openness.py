"""The use of POSIX objects as the kernel reports it, and their removal under a lease."""

import ctypes
import errno
import mmap
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest

from pyipcs import objects
from pyipcs.errors import BusyError, DeniedError, IpcError, NotFoundError
from pyipcs.model import IN_SHM, POSIX, Kind
from pyipcs.posix.handle import handle_class
from pyipcs.posix.openness import (
    Candidate,
    Openness,
    Outcome,
    candidate_of,
    candidates,
    probe,
    probe_listing,
    remove,
)
from pyipcs.query.complete import Requirement, complete
from tests.kit.child import NEWNS, NEWPID, become_ordinary, in_child, unshare
from tests.kit.kernel import libc
from tests.kit.mqueue import open_queue, send_message
from tests.kit.posix import (
    SHM,
    as_nobody,
    bind,
    child_in,
    hold_lease,
    hold_mapped,
    hold_open,
    needs_leases,
    own_mounts,
)
from tests.kit.posix_objects import PosixObjects, give_to_ordinary, path_of, posix_files
from tests.kit.program import load_all
from tests.kit.wait import exit_code

TMPFS = 0x01021994  # statfs(2)
MANY = 600  # more than two batches

pytestmark = needs_leases


@pytest.fixture(scope="module", autouse=True)
def _modules() -> None:
    """Import what an ordinary user in a child may not be able to read."""
    load_all()


def hold_in_pid_namespace(path: Path) -> None:
    """Continue in a process of a new PID namespace that has a file open."""
    unshare(NEWPID)
    if child := os.fork():
        os._exit(exit_code(child))
    hold_open(path)


def hold_in_mount_namespace(path: Path) -> None:
    unshare(NEWNS)
    hold_open(path)


def hold_as_other_user(path: Path) -> None:
    hold_open(path)
    become_ordinary()


@contextmanager
def in_flight(path: Path) -> Iterator[None]:
    """Keep a file open in a message between two sockets alone."""
    sender, receiver = socket.socketpair()
    with sender, receiver:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        socket.send_fds(sender, [b"x"], [descriptor])
        os.close(descriptor)
        yield


def held(hold: Callable[[Path], object]) -> Callable[[Path], AbstractContextManager[object]]:
    return lambda path: child_in(partial(hold, path))


USES: dict[str, Callable[[Path], AbstractContextManager[object]]] = {
    "open read-only": held(hold_open),
    "open for reading and writing": held(partial(hold_open, flags=os.O_RDWR)),
    "open in a mount namespace": held(hold_in_mount_namespace),
    "open in a PID namespace": held(hold_in_pid_namespace),
    "in flight over a socket": in_flight,
}
MAPPED: dict[str, Callable[[Path], AbstractContextManager[object]]] = {
    "mapped read-only": held(hold_mapped),
    "mapped": held(partial(hold_mapped, protection=mmap.PROT_READ | mmap.PROT_WRITE)),
    "mapped privately": held(partial(hold_mapped, flags=mmap.MAP_PRIVATE)),
}
EACH_USE = [
    *(pytest.param(kind, use, id=f"{kind.value}-{use}") for kind in POSIX for use in USES),
    *(pytest.param(kind, use, id=f"{kind.value}-{use}") for kind in IN_SHM for use in MAPPED),
]


def identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def file_system_type(path: Path) -> int:
    """Return the type of a file system (statfs(2))."""
    buffer = ctypes.create_string_buffer(256)
    libc.statfs(os.fsencode(path), buffer)
    return int.from_bytes(buffer.raw[: ctypes.sizeof(ctypes.c_long)], sys.byteorder)


def use_of(kind: Kind, name: str = "/x") -> Openness:
    """Return the answer of a probe of one present object."""
    (only,) = probe(kind, [(name, identity(path_of(kind, name)))])
    return only


def present(kind: Kind) -> list[Candidate]:
    """Return all objects of a kind, in the order of their names."""
    listings = complete(objects.read(kind), {Requirement.QUEUE_ATTRIBUTES})
    return sorted(one for listing in listings for one in candidates(listing))


def remove_present(kind: Kind) -> Outcome | IpcError:
    """Return the result of the removal of the present object /x."""
    (only,) = remove(kind, [one for one in present(kind) if one.name == "/x"])
    return only


@pytest.mark.parametrize("kind", POSIX)
def test_probe_of_unused_object_is_closed_and_leaves_no_lease(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    assert use_of(kind) is Openness.CLOSED
    os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))


@pytest.mark.parametrize("kind", POSIX)
def test_remove_of_unused_object_unlinks_it(kind: Kind, posix_objects: PosixObjects) -> None:
    posix_objects.make(kind)
    assert remove_present(kind) is Outcome.REMOVED
    assert posix_files() == set()


@pytest.mark.parametrize(("kind", "use"), EACH_USE)
def test_probe_of_object_in_use_is_open(kind: Kind, use: str, posix_objects: PosixObjects) -> None:
    path = posix_objects.make(kind)
    with (USES | MAPPED)[use](path):
        assert use_of(kind) is Openness.OPEN
    assert use_of(kind) is Openness.CLOSED


@pytest.mark.parametrize(("kind", "use"), EACH_USE)
def test_remove_of_object_in_use_leaves_it(
    kind: Kind, use: str, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    with (USES | MAPPED)[use](path):
        assert isinstance(remove_present(kind), BusyError)
        assert path.exists()
    assert remove_present(kind) is Outcome.REMOVED


@pytest.mark.root
@pytest.mark.parametrize("kind", POSIX)
def test_probe_of_object_that_another_user_has_open_is_open(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    with child_in(lambda: hold_as_other_user(path)):
        assert use_of(kind) is Openness.OPEN
        assert isinstance(remove_present(kind), BusyError)
    give_to_ordinary(path)
    with child_in(lambda: hold_open(path)):  # root, as seen by its owner
        assert as_nobody(lambda: use_of(kind)) is Openness.OPEN


@pytest.mark.parametrize("kind", POSIX)
def test_probe_and_remove_of_object_with_a_lease_of_another_process_find_it_in_use(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    with child_in(lambda: hold_lease(path)):
        assert use_of(kind) is Openness.OPEN
        (refused,) = remove(kind, [Candidate("/x", (*identity(path), 0, 0, 0, 0))])
    assert isinstance(refused, BusyError)
    assert refused.strerror == "in use"


@pytest.mark.parametrize("kind", POSIX)
@pytest.mark.parametrize("mode", [0o200, 0o400])
def test_probe_by_owner_needs_one_right(kind: Kind, mode: int, posix_objects: PosixObjects) -> None:
    give_to_ordinary(posix_objects.make(kind, mode=mode))
    assert in_child(lambda: use_of(kind), become_ordinary) is Openness.CLOSED


@pytest.mark.parametrize("kind", [Kind.POSIX_QUEUE, Kind.POSIX_SEGMENT])
def test_remove_by_owner_without_rights_leaves_it(kind: Kind, posix_objects: PosixObjects) -> None:
    give_to_ordinary(posix_objects.make(kind, mode=0))
    posix_objects.make(kind, "readable", mode=0o644)  # without it, no queue can be opened

    def attempt() -> tuple[Openness, str]:
        refused = remove_present(kind)
        assert isinstance(refused, DeniedError)
        return use_of(kind), refused.strerror

    text = "its mode prevents the check that nobody uses it"
    assert in_child(attempt, become_ordinary) == (Openness.UNREADABLE, text)
    assert len(posix_files()) == 2


@pytest.mark.root
@pytest.mark.parametrize("kind", POSIX)
def test_probe_and_remove_of_object_of_another_user_are_denied(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    posix_objects.make(kind, mode=0o666)

    def attempt() -> tuple[Openness, str]:
        refused = remove_present(kind)
        assert isinstance(refused, DeniedError)
        return use_of(kind), refused.strerror

    text = "only its owner can check that nobody uses it"
    assert as_nobody(attempt) == (Openness.DENIED, text)
    assert len(posix_files()) == 1


@pytest.mark.parametrize("kind", POSIX)
def test_probe_and_remove_of_removed_object_find_none(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    listed, before = present(kind), identity(path)
    path.unlink()
    assert probe(kind, [("/x", before)]) == [Openness.GONE]
    assert isinstance(remove(kind, listed)[0], NotFoundError)


@pytest.mark.parametrize("kind", POSIX)
def test_probe_and_remove_of_replaced_object_leave_the_new_one(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    listed, before = present(kind), identity(path)
    path.unlink()
    posix_objects.make(kind)
    assert probe(kind, [("/x", before)]) == [Openness.GONE]
    assert isinstance(remove(kind, listed)[0], NotFoundError)
    assert path.exists()


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


@pytest.mark.parametrize("kind", IN_SHM)
@pytest.mark.parametrize(
    "replace",
    [os.mkdir, os.mkfifo, make_socket, partial(os.symlink, "/etc/passwd")],
    ids=["directory", "FIFO", "socket", "link"],
)
def test_probe_and_remove_of_object_replaced_by_another_file_leave_it(
    kind: Kind, replace: Callable[[Path], None], posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    listed, before = present(kind), identity(path)
    path.unlink()
    replace(path)
    assert probe(kind, [("/x", before)]) == [Openness.GONE]
    assert isinstance(remove(kind, listed)[0], NotFoundError)
    assert os.path.lexists(path)


def change_mode(path: Path) -> None:
    path.chmod(0o640)


def touch(path: Path) -> None:
    os.utime(path, (1, 1))


def write(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"other")


def send_in_the_same_second(path: Path) -> None:
    """Send a message to a queue, and leave its times as they were."""
    before = path.stat()
    descriptor = open_queue(f"/{path.name}", os.O_WRONLY)
    send_message(descriptor, b"late")
    os.close(descriptor)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime == before.st_mtime


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        *((kind, change) for kind in POSIX for change in (change_mode, touch)),
        *((kind, write) for kind in IN_SHM),
        (Kind.POSIX_QUEUE, send_in_the_same_second),
    ],
)
def test_remove_of_object_changed_since_the_listing_leaves_it(
    kind: Kind, change: Callable[[Path], None], posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    os.utime(path, (1000, 1000))
    listed = present(kind)
    change(path)
    assert remove(kind, listed) == [Outcome.CHANGED]
    assert path.exists()
    assert remove_present(kind) is Outcome.REMOVED


@pytest.mark.parametrize("kind", POSIX)
def test_remove_after_a_full_listing_sees_no_change(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    """Reading the value of a semaphore, or the bytes of a queue, sets times."""
    path = posix_objects.make(kind, messages=1 if kind is Kind.POSIX_QUEUE else 0)
    os.utime(path, (1000, 1000))
    required = {*Requirement} - {Requirement.STATE, Requirement.EVIDENCE, Requirement.OPEN}
    (listed,) = complete(objects.read(kind), required)
    assert remove(kind, [*candidates(listed)]) == [Outcome.REMOVED]


@pytest.mark.parametrize("kind", POSIX)
def test_candidate_of_record_is_that_of_the_listing(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    posix_objects.make(kind)
    record = handle_class(kind)("/x").details()
    assert [candidate_of(record)] == present(kind)


@pytest.mark.parametrize("kind", IN_SHM)
def test_probe_of_many_objects_answers_each(kind: Kind, posix_objects: PosixObjects) -> None:
    paths = [posix_objects.make(kind, f"x{number:04}") for number in range(MANY)]
    listed = present(kind)
    used = {number for number in range(MANY) if number % 7 == 3}
    gone = {number for number in range(MANY) if number % 11 == 5} - used
    for number in gone:
        paths[number].unlink()
    expected = [
        Openness.OPEN if number in used else Openness.GONE if number in gone else Openness.CLOSED
        for number in range(MANY)
    ]
    with child_in(lambda: [os.open(paths[number], os.O_RDONLY) for number in used]):
        objects_ = [(one.name, (one.fields[0], one.fields[1])) for one in listed]
        assert probe(kind, objects_) == expected
        removed = remove(kind, listed)
    assert {row for row, one in enumerate(removed) if isinstance(one, BusyError)} == used
    assert {path for path in paths if path.exists()} == {paths[number] for number in used}


def test_probe_of_listing_has_an_answer_for_each_row(posix_objects: PosixObjects) -> None:
    kind = Kind.POSIX_SEGMENT
    used = posix_objects.make(kind, "b")
    posix_objects.make(kind, "a")
    with child_in(lambda: hold_open(used)):
        (listing,) = objects.read(kind)
        answers = dict(zip(listing.column("name"), probe_listing(listing), strict=True))
    assert answers == {"/a": Openness.CLOSED, "/b": Openness.OPEN}


def mount_overlay(folder: Path) -> None:
    """Mount an overlay of directories in a folder at /dev/shm."""
    for name in ("lower", "upper", "work"):
        (folder / name).mkdir()
    options = ",".join(f"{name}dir={folder}/{name}" for name in ("lower", "upper", "work"))
    libc.mount(b"overlay", os.fsencode(SHM), b"overlay", 0, os.fsencode(f"{options},userxattr"))


def mount_other_file_system(kind: str, folder: Path) -> None:
    """Mount a file system that is no tmpfs at /dev/shm."""
    own_mounts()
    if kind == "overlay":
        mount_overlay(folder)
    else:
        bind(folder, SHM)


@pytest.mark.parametrize("kind", IN_SHM)
@pytest.mark.parametrize("file_system", ["directory", "overlay"])
def test_probe_and_remove_on_another_file_system_are_not_supported(
    kind: Kind, file_system: str, tmp_path: Path, posix_objects: PosixObjects
) -> None:
    mount = partial(mount_other_file_system, file_system, tmp_path)

    def attempt() -> tuple[Openness, int | None, str, set[str]] | None:
        if file_system_type(SHM) == TMPFS:
            return None
        posix_objects.make(kind)
        refused = remove_present(kind)
        assert isinstance(refused, IpcError)
        return use_of(kind), refused.errno, refused.strerror, posix_files()

    try:
        answers = in_child(attempt, mount)
    except OSError as error:
        pytest.skip(str(error))
    if answers is None:
        pytest.skip("the directory for temporary files is on a tmpfs")
    text = "its file system cannot check that nobody uses it"
    left = {f"shm/{path_of(kind, 'x').name}"}
    assert answers == (Openness.UNCHECKED, errno.EINVAL, text, left)


@pytest.mark.parametrize("kind", POSIX)
def test_probe_and_remove_keep_the_signal_mask(kind: Kind, posix_objects: PosixObjects) -> None:
    posix_objects.make(kind)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    try:
        use_of(kind)
        remove_present(kind)
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == mask | {signal.SIGUSR1}
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
