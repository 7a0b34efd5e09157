"""pyipcs set: POSIX objects by name."""

import mmap
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.kit.kernel import IS_ROOT
from tests.kit.mqueue import MQUEUE, make_queue
from tests.kit.posix import SHM, ShmFiles, child_in, glibc_semaphore, hold_lease, hold_mapped
from tests.kit.program import invoke, ordinary
from tests.messages.runners import with_faults

PATHS = [SHM / "x", SHM / "sem.x", MQUEUE / "x"]
LETTERS = {"-m": PATHS[0], "-s": PATHS[1], "-q": PATHS[2]}


@pytest.fixture(autouse=True)
def _objects(shm: ShmFiles, own_mqueue: None, isolated: None) -> Iterator[None]:
    """Create an object of each kind with the name /x."""
    shm.file("x", b"hello", 0o640)
    shm.file("sem.x", glibc_semaphore(5), 0o640)
    os.close(make_queue("/x", 0o640))
    yield
    for path in MQUEUE.iterdir():
        path.unlink()


def state(path: Path) -> tuple[int, int, int, int, int]:
    """Return the inode, mode, owner, group and size of a file."""
    found = path.lstat()
    return found.st_ino, found.st_mode & 0o7777, found.st_uid, found.st_gid, found.st_size


@pytest.mark.parametrize("letter", LETTERS)
def test_set_mode_changes_the_object_of_the_chosen_kind(letter: str) -> None:
    before = {path: state(path) for path in PATHS}
    assert invoke("set", letter, "/x", "--mode", "7604") == (0, "", "")
    inode, _, *rest = before[LETTERS[letter]]
    assert {path: state(path) for path in PATHS} == before | {
        LETTERS[letter]: (inode, 0o604, *rest)
    }


@pytest.mark.parametrize("letter", LETTERS)
def test_set_changes_an_object_that_its_owner_may_not_open(letter: str) -> None:
    LETTERS[letter].chmod(0)
    assert invoke("set", letter, "/x", "--mode", "600") == (0, "", "")
    assert state(LETTERS[letter])[1] == 0o600


@pytest.mark.root
@pytest.mark.parametrize("letter", LETTERS)
@pytest.mark.parametrize(
    ("owner", "expected"), [("12", (12, 0)), (":34", (0, 34)), ("12:34", (12, 34))]
)
def test_set_owner_keeps_what_is_not_named(
    letter: str, owner: str, expected: tuple[int, int]
) -> None:
    assert invoke("set", letter, "/x", "--owner", owner, "--mode", "611") == (0, "", "")
    _, mode, *ids, _ = state(LETTERS[letter])
    assert (mode, *ids) == (0o611, *expected)


@pytest.mark.parametrize(("size", "expected"), [("3", b"hel"), ("0", b""), ("5", b"hello")])
def test_set_size_of_an_unused_segment_changes_it(size: str, expected: bytes) -> None:
    assert invoke("set", "/x", "--size", size) == (0, "", "")
    assert PATHS[0].read_bytes() == expected


def test_set_size_enlarges_a_segment_in_use_and_keeps_its_content() -> None:
    with child_in(lambda: hold_mapped(PATHS[0])):
        assert invoke("set", "-m", "/x", "--size", "64K", "--mode", "600") == (0, "", "")
    assert PATHS[0].read_bytes() == b"hello".ljust(65536, b"\0")
    assert state(PATHS[0])[1] == 0o600


@pytest.mark.parametrize("protection", [mmap.PROT_READ, mmap.PROT_READ | mmap.PROT_WRITE])
def test_set_size_never_shrinks_a_mapped_segment(protection: int) -> None:
    PATHS[0].write_bytes(b"x" * 65536)
    before = state(PATHS[0])
    with child_in(lambda: hold_mapped(PATHS[0], protection)):
        result = invoke("set", "/x", "--size", "4K", "--mode", "600")
        assert state(PATHS[0]) == before
    assert result == (
        1,
        "",
        "pyipcs: /x: set size failed: in use "
        "(a segment that a process has open or mapped cannot shrink)\n",
    )
    assert invoke("set", "/x", "--size", "4K") == (0, "", "")
    assert state(PATHS[0])[-1] == 4096


@pytest.mark.parametrize(
    ("letter", "change"),
    [("-m", "--mode 600"), ("-m", "--size 64K"), ("-s", "--mode 600"), ("-q", "--mode 600")],
)
def test_set_of_a_leased_object_names_the_lease(letter: str, change: str) -> None:
    with child_in(partial(hold_lease, LETTERS[letter])):
        result = invoke("set", letter, "/x", *change.split())
    what = change[2:6]
    reason = "Resource temporarily unavailable (a process holds a lease on it)"
    assert result == (1, "", f"pyipcs: /x: set {what} failed: {reason}\n")


def test_set_size_chooses_the_segment_among_objects_with_the_name() -> None:
    assert invoke("set", "/x", "--size", "9").status == 0
    result = invoke("set", "/x", "--mode", "600")
    assert result.status == 2
    assert "choose with -q, -m or -s" in result.err


@pytest.mark.parametrize(
    "option", ["--qbytes 5", "--value 0=1", "--values 1", "--lock", "--unlock"]
)
def test_set_option_of_system_v_on_a_name_is_refused(option: str) -> None:
    before = {path: state(path) for path in PATHS}
    result = invoke("set", "/x", *option.split(), "--mode", "600")
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith(f"pyipcs: set: {option.split(maxsplit=1)[0]} is for ")
    assert "not POSIX objects" in result.err
    assert {path: state(path) for path in PATHS} == before


@pytest.mark.parametrize("target", ["5", "0x5eed", "key:5", "ftok:/:1", "-m 5", "-q 5"])
def test_set_size_of_a_system_v_target_is_refused(target: str) -> None:
    result = invoke("set", *target.split(), "--size", "5")
    assert (result.status, result.out) == (2, "")
    assert "(a System V segment keeps its size)" in result.err


def test_set_follows_nothing_that_is_no_object(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("kept")
    target.chmod(0o600)
    for name in ("link", "sem.link"):
        (SHM / name).symlink_to(target)
    (SHM / "folder").mkdir(mode=0o700)
    os.mkfifo(SHM / "pipe", 0o600)
    before = {path: state(path) for path in SHM.iterdir()}
    for name in ("link", "folder", "pipe"):
        for options in (["--mode", "777"], ["--size", "0"]):
            result = invoke("set", "-m", f"/{name}", *options)
            assert (result.status, result.out) == (1, "")
            assert ", not a POSIX segment" in result.err
    assert invoke("set", "-s", "/link", "--mode", "777").status == 1
    assert {path: state(path) for path in SHM.iterdir()} == before
    assert target.read_text() == "kept"
    assert target.stat().st_mode & 0o7777 == 0o600


@pytest.mark.root
def test_set_denied_mode_or_owner_changes_no_size() -> None:
    PATHS[0].chmod(0o666)
    before = state(PATHS[0])
    for options in ("--mode 600", "--owner 65534", "--owner :65534"):
        result = ordinary("set", "-m", "/x", "--size", "1M", *options.split())
        assert result.status == 1
        assert "Operation not permitted" in result.err
        assert state(PATHS[0]) == before
    assert ordinary("set", "-m", "/x", "--size", "1M") == (0, "", "")
    assert state(PATHS[0])[-1] == 1 << 20


@pytest.mark.root
def test_set_new_mode_allows_the_owner_the_new_size() -> None:
    os.chown(PATHS[0], 65534, 65534)
    PATHS[0].chmod(0o400)
    assert ordinary("set", "-m", "/x", "--size", "9", "--mode", "600") == (0, "", "")
    assert state(PATHS[0])[1:] == (0o600, 65534, 65534, 9)
    PATHS[0].chmod(0o400)
    result = ordinary("set", "-m", "/x", "--size", "10", "--mode", "440")
    assert result.err == "pyipcs: /x: set size failed: Permission denied\n"
    assert state(PATHS[0])[1:] == (0o400, 65534, 65534, 9)


@pytest.mark.tools("strace")
def test_set_failed_step_reports_what_is_already_changed() -> None:
    set_with_fault = with_faults("fchmod:error=EIO")
    assert set_with_fault("set", "-m", "/x", "--size", "9", "--mode", "600") == (
        1,
        "",
        "pyipcs: /x: set mode failed: Input/output error; already changed: size\n",
    )
    assert state(PATHS[0])[-1] == 9


def test_set_owner_of_the_same_user_and_group_needs_no_right() -> None:
    owner = f"{os.geteuid()}:{os.getegid()}"
    assert invoke("set", "-m", "/x", "--owner", owner, "--mode", "600") == (0, "", "")
    assert state(PATHS[0])[2:4] == (os.geteuid(), os.getegid())
    if not IS_ROOT:
        assert invoke("set", "-m", "/x", "--owner", "root").status == 1


@pytest.mark.parametrize("name", ["/a b", r"\x2fa\x20b"])
def test_set_escaped_name_is_the_object(name: str, shm: ShmFiles) -> None:
    path = shm.file("a b", mode=0o600)
    assert invoke("set", name, "--mode", "640") == (0, "", "")
    assert state(path)[1] == 0o640
