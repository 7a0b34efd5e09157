"""pyipcs make: POSIX objects by name."""

import json
import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyipcs.model import Kind
from tests.kit import posix_objects
from tests.kit.child import NEWNS, unshare
from tests.kit.factories import running
from tests.kit.kernel import IS_ROOT, Objects, everything, full_pipe, ids, libc
from tests.kit.mqueue import (
    MQUEUE,
    Attributes,
    attributes,
    make_queue,
    open_queue,
    queue,
    send_message,
)
from tests.kit.posix import SHM, ShmFiles, glibc_semaphore, mount_tmpfs
from tests.kit.posix_objects import PosixObjects, posix_files
from tests.kit.program import PYIPCS, Result, elsewhere, invoke, ordinary, run
from tests.kit.wait import LIMIT, blocks_signal, wait_until

KINDS = {"-m 10": Kind.POSIX_SEGMENT, "-q": Kind.POSIX_QUEUE, "-s": Kind.POSIX_SEMAPHORE}
LONGEST, LONGEST_SEMAPHORE = "n" * 255, "n" * 251


@pytest.fixture(autouse=True)
def _umask(posix_objects: PosixObjects) -> Iterator[None]:
    """Set a known umask for a test, whose objects are removed."""
    umask = os.umask(0o022)
    yield
    os.umask(umask)


def path_of(option: str, name: str) -> Path:
    """Return the file of an object, by the option that creates it."""
    (kind,) = (kind for each, kind in KINDS.items() if each[:2] == option[:2])
    return posix_objects.path_of(kind, name)


def permissions(path: Path) -> int:
    """Return the permission bits of a file."""
    return path.stat().st_mode & 0o7777


def sizes(name: str) -> Attributes:
    """Return the attributes of a queue."""
    descriptor = open_queue(name, os.O_RDONLY)
    try:
        return attributes(descriptor)
    finally:
        os.close(descriptor)


def test_make_all_kinds_prints_ids_and_names_in_the_order_of_ipcmk(objects: Objects) -> None:
    result = invoke("make", *["-q", "-s", "-Q", "-S", "2", "-m", "10K", "-M", "1", "-n", "/x"])
    objects.adopt_all()
    (shmid,), (msqid,), (semid,) = (
        ids(kind) for kind in (Kind.SEGMENT, Kind.QUEUE, Kind.SEMAPHORE)
    )
    assert result == (
        0,
        f"Shared memory id: {shmid}\nPOSIX shared memory name: /x\n"
        f"Message queue id: {msqid}\nPOSIX message queue name: /x\n"
        f"Semaphore id: {semid}\nPOSIX semaphore name: /x\n",
        "",
    )
    assert posix_files() == {"shm/x", "shm/sem.x", "mqueue/x"}
    assert (SHM / "x").stat().st_size == 10240
    assert (SHM / "sem.x").read_bytes() == glibc_semaphore(0)


@pytest.mark.parametrize("options", ["-m 1 -n x", "--posix-shm=1 --na x", "-m1 -n/x", "-mn 1"])
def test_make_name_needs_no_slash_and_option_may_be_short(options: str) -> None:
    is_wrong = options == "-mn 1"  # n is the size
    result = invoke("make", *options.split())
    assert result.status == (2 if is_wrong else 0)
    assert posix_files() == (set() if is_wrong else {"shm/x"})


@pytest.mark.parametrize("program", ["pyipcs", "ipcmk"])
def test_make_prints_only_names_with_i(program: str) -> None:
    command = ["make"] if program == "pyipcs" else []
    result = invoke(*command, "-i", "-m", "1", "-q", "-n", "a", program=program)
    assert result == (0, "/a\n/a\n", "")


@pytest.mark.parametrize("option", KINDS)
def test_make_json_has_all_details(option: str) -> None:
    result = invoke("make", *option.split(), "-n", "/x", "-J", "-p", "600")
    document = json.loads(result.out)
    (array,) = document.keys() - {"taken"}
    (found,) = document[array]
    status = path_of(option, "x").stat()
    assert (found["name"], found["inode"], found["mode"]) == ("/x", status.st_ino, "0600")
    details = {
        Kind.POSIX_SEGMENT: {"segsz": 10, "rss": 0, "swap": 0},
        Kind.POSIX_QUEUE: {"qnum": 0, "maxmsg": 10, "msgsize": 8192, "cbytes": 0, "notify_pid": 0},
        Kind.POSIX_SEMAPHORE: {"value": 0},
    }[KINDS[option]]
    assert {name: found[name] for name in details} == details


@pytest.mark.parametrize("option", KINDS)
@pytest.mark.parametrize(
    ("mode", "umask", "expected"),
    [
        (None, 0o022, 0o644),
        (None, 0o077, 0o600),
        ("666", 0o022, 0o644),
        ("666", 0, 0o666),
        ("0", 0, 0),
        ("7777", 0, 0o777),
    ],
)
def test_make_mode_is_reduced_by_the_umask(
    option: str, mode: str | None, umask: int, expected: int
) -> None:
    os.umask(umask)
    result = invoke("make", *option.split(), "-n", "/x", *(["-p", mode] if mode else []))
    assert (result.status, result.err) == (0, "")
    assert permissions(path_of(option, "x")) == expected


@pytest.mark.root
@pytest.mark.parametrize("option", KINDS)
def test_make_owner_keeps_the_mode(option: str) -> None:
    invoke("make", *option.split(), "-n", "/x", "--owner", "12:34", "-p", "640")
    status = path_of(option, "x").stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (12, 34, 0o640)


def test_make_values_is_the_value_of_a_semaphore() -> None:
    assert invoke("make", "-s", "-n", "/x", "--values", "2147483647").status == 0
    assert (SHM / "sem.x").read_bytes() == glibc_semaphore(2**31 - 1)


def test_make_sizes_are_those_of_the_queue() -> None:
    assert invoke("make", *["-q", "-n", "/x", "--maxmsg", "3", "--msgsize", "77"]).status == 0
    assert sizes("/x") == (3, 77, 0)
    assert invoke("make", *["-q", "-n", "/y", "--msgsize", "77"]).status == 0
    assert sizes("/y") == (10, 77, 0)


def test_make_segment_of_0_bytes_is_created() -> None:
    assert invoke("make", "-m", "0", "-n", "/x").status == 0
    assert (SHM / "x").stat().st_size == 0


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (r"\x2fa\nb", b"a\nb"),
        ("a\nb", b"a\nb"),
        (r"\x2f\xff\x1b[31m", b"\xff\x1b[31m"),
        ("a b\t", b"a b\t"),
        (r"\x2fback\\slash", b"back\\slash"),
        (r"back\slash", b"back\\slash"),
        ("ä", "ä".encode()),
    ],
)
@pytest.mark.parametrize("option", KINDS)
def test_make_hostile_name_is_printed_escaped_and_names_the_object_again(
    option: str, typed: str, name: bytes
) -> None:
    printed = invoke("make", *option.split(), "-n", typed, "-i").out.removesuffix("\n")
    assert path_of(option, os.fsdecode(name)).exists()
    assert printed.isprintable()
    assert " " not in printed
    again = invoke("make", *option.split(), "-n", printed, "--exist-ok", "-i")
    assert again == (0, f"{printed}\n", "")
    assert invoke("rm", printed) == (0, "", "")
    assert posix_files() == set()


@pytest.mark.parametrize(
    ("option", "name"), [("-m 1", LONGEST), ("-q", LONGEST), ("-s", LONGEST_SEMAPHORE)]
)
def test_make_longest_name_is_accepted_and_longer_is_a_usage_error(option: str, name: str) -> None:
    assert invoke("make", *option.split(), "-n", name).status == 0
    result = invoke("make", *option.split(), "-n", f"{name}n")
    assert (result.status, result.out) == (2, "")
    assert f"it has more than {len(name)} bytes" in result.err


@pytest.mark.parametrize("name", ["", "/", "/.", "/..", "/a/b", "//a", "/dev/shm/x", r"\x2fa\q"])
@pytest.mark.parametrize("option", KINDS)
def test_make_wrong_name_is_a_usage_error(option: str, name: str) -> None:
    result = invoke("make", *option.split(), "-n", name)
    assert (result.status, result.out) == (2, "")
    assert "not a POSIX name" in result.err
    assert posix_files() == set()


def test_make_never_truncates_a_live_segment(shm: ShmFiles) -> None:
    content = os.urandom(65536)
    path = shm.file("live", content)
    before = path.stat()
    for options in ("", "--exist-ok", "--exist-ok -p 0 -m 1", f"--exist-ok --owner {os.geteuid()}"):
        result = invoke("make", "-m", "4K", "-n", "/live", *options.split())
        assert result.status == (0 if options else 1)
    assert invoke("make", "-m", "64K", "-n", "/live", "--exist-ok", "-i").out == "/live\n"
    assert invoke("make", "-m", "65537", "-n", "/live", "--exist-ok").status == 1
    after = path.stat()
    assert (after.st_ino, after.st_mode, after.st_uid) == (
        before.st_ino,
        before.st_mode,
        before.st_uid,
    )
    assert path.read_bytes() == content


def test_make_exist_ok_leaves_a_semaphore_and_its_value(shm: ShmFiles) -> None:
    path = shm.file("sem.x", glibc_semaphore(7))
    args = ["make", "-s", "-n", "/x", "--values", "9"]
    assert invoke(*args).status == 1
    assert invoke(*args, "--exist-ok") == (0, "POSIX semaphore name: /x\n", "")
    assert path.read_bytes() == glibc_semaphore(7)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("", ""),
        ("--maxmsg 5 --msgsize 100", ""),
        ("--maxmsg 6", "has maxmsg 5, less than 6"),
        ("--msgsize 101", "has msgsize 100, less than 101"),
    ],
)
def test_make_exist_ok_checks_the_sizes_of_a_queue(options: str, why: str) -> None:
    with queue("/x", sizes=(5, 100)) as descriptor:
        send_message(descriptor, b"hello")
        result = invoke("make", "-q", "-n", "/x", "--exist-ok", *options.split())
        assert result.status == bool(why)
        assert why in result.err
        assert attributes(descriptor) == (5, 100, 1)


def test_make_exist_ok_creates_what_is_missing_of_both_families(objects: Objects) -> None:
    args = ["make", *["-Q", "-q", "-n", "/x", "-k", "0x5eed", "--exist-ok"]]
    first = invoke(*args)
    objects.adopt_all()
    assert invoke(*args) == first
    assert len(ids(Kind.QUEUE)) == 1
    assert posix_files() == {"mqueue/x"}


@pytest.mark.parametrize("option", ["-m 1", "-s"])
def test_make_follows_nothing_that_is_no_object(option: str, shm: ShmFiles, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("kept")
    shm.hostile()
    for prefix in ("", "sem."):
        (SHM / f"{prefix}to-file").symlink_to(target)
        (SHM / f"{prefix}to-nothing").symlink_to(tmp_path / "nothing")
    before = posix_files()
    for path in [*SHM.iterdir()]:
        is_semaphore = path.name.startswith("sem.")
        if is_semaphore is not (option == "-s"):
            continue
        name = path.name.removeprefix("sem.") if is_semaphore else path.name
        for exist_ok in ([], ["--exist-ok"]):
            result = invoke("make", *option.split(), "-n", name, *exist_ok)
            assert (result.status, result.out) == (1, "")
            assert ", not a POSIX s" in result.err
    assert posix_files() == before
    assert [*tmp_path.iterdir()] == [target]
    assert target.read_text() == "kept"


@pytest.mark.parametrize(
    ("args", "taken"),
    [
        ("-Q -S 1 -m 1 -q -s -n /x", "sem.x"),  # the semaphore is the last object
        ("-M 1 -m 1 -q -n /x -S 2147483647", ""),
        ("-m 1 -s -q -n /x --maxmsg 70000", ""),
    ],
)
def test_make_failure_removes_the_objects_of_both_families(
    args: str, taken: str, shm: ShmFiles
) -> None:
    if taken:
        shm.file(taken, b"no semaphore")
    before = everything()
    result = invoke("make", *args.split())
    assert (result.status, result.out) == (1, "")
    assert result.err.count("\n") == 1
    assert everything() == before
    assert posix_files() == ({f"shm/{taken}"} if taken else set())


def test_make_failed_output_removes_the_objects_of_a_new_owner() -> None:
    owner = "12:34" if IS_ROOT else f":{os.getegid()}"
    for options in ("", "-J", f"--owner {owner}"):
        script = f"{PYIPCS} make -Q -m 1 -q -s -n /x {options} >/dev/full"
        result = run("bash", "-c", script)
        assert result.status == 1
        assert "No space left on device" in result.err
        assert (posix_files(), everything()) == (set(), set())


@contextmanager
def unreported(*args: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run make until it has created its objects, and cannot report them."""
    path = path_of(args[0], "x")
    reading, writing = full_pipe()
    script = f'exec "$0" make -n /x "$@" >&{writing}'
    with running("bash", "-c", script, PYIPCS, *args, pass_fds=[writing]) as process:
        wait_until(lambda: path.exists() and not blocks_signal(process.pid, signal.SIGTERM))
        yield process
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("option", KINDS)
def test_make_failure_leaves_an_object_that_replaced_the_new_one(option: str) -> None:
    path = path_of(option, "x")
    with unreported(*option.split(), "-Q") as process:
        path.unlink()
        path.write_bytes(b"")  # another queue, or another file
        process.terminate()
        assert process.wait(LIMIT) == -signal.SIGTERM
    assert path.exists()
    assert everything() == set()


@pytest.mark.parametrize("option", KINDS)
def test_make_ended_by_a_signal_removes_its_objects(option: str) -> None:
    with unreported(*option.split(), "-Q", "--owner", f":{os.getegid()}") as process:
        process.terminate()
        assert process.wait(LIMIT) == -signal.SIGTERM
    assert (posix_files(), everything()) == (set(), set())


def test_make_queue_over_rlimit_names_it_and_what_is_in_use() -> None:
    with queue("/one", sizes=(10, 100)):

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_MSGQUEUE, (3000, 3000))

        args = ["-m", "1", "-q", "-n", "/x", "--maxmsg", "10", "--msgsize", "100"]
        result = elsewhere("make", *args, before=[limit])
    assert result == (
        1,
        "",
        "pyipcs: create POSIX message queue failed: Too many open files "
        "(RLIMIT_MSGQUEUE: 3000 bytes, queues here: 1960, needed: 1960)\n",
    )
    assert posix_files() == set()


@pytest.mark.root
def test_make_queue_over_queues_max_names_the_limit() -> None:
    setting = Path("/proc/sys/fs/mqueue/queues_max")
    before = setting.read_text()
    os.close(make_queue("/one"))
    setting.write_text("1")
    try:
        result = ordinary("make", "-q", "-n", "/x")
    finally:
        setting.write_text(before)
    assert result.err == (
        "pyipcs: create POSIX message queue failed: No space left on device "
        "(limit queues_max: 1, in use: 1)\n"
    )


def full_shm(*args: str, size: str) -> Result:
    """Run pyipcs where /dev/shm is a full file system of its own."""

    def fill() -> None:
        unshare(NEWNS)
        libc.mount(b"none", b"/", None, 16384 | 1 << 18, None)
        libc.mount(b"tmpfs", b"/dev/shm", b"tmpfs", 0, size.encode())
        for number in range(2):
            (SHM / f"file{number}").write_bytes(b"x" * 4096)

    return elsewhere(*args, before=[fill])


def test_make_in_full_shm_names_its_limits() -> None:
    result = full_shm("make", "-s", "-n", "/x", size="mode=1777,size=8k,nr_inodes=20")
    assert (result.status, result.err) == (
        1,
        "pyipcs: create POSIX semaphore failed: No space left on device "
        "(/dev/shm: 8192 of 8192 bytes, 3 of 20 files in use)\n",
    )
    result = full_shm("make", "-m", "1", "-n", "/x", size="mode=1777,nr_inodes=3,size=1m")
    assert (result.status, result.err) == (
        1,
        "pyipcs: create POSIX shared memory failed: No space left on device "
        "(/dev/shm: 8192 of 1048576 bytes, 3 of 3 files in use)\n",
    )


@pytest.mark.root
def test_make_as_ordinary_user_creates_own_objects() -> None:
    result = ordinary("make", *["-m", "1", "-s", "-q", "-n", "/x"])
    assert (result.status, result.err) == (0, "")
    assert {path_of(option, "x").stat().st_uid for option in KINDS} == {65534}
    SHM.chmod(0o755)
    try:
        result = ordinary("make", *["-q", "-s", "-n", "/y"])
    finally:
        SHM.chmod(0o1777)
    assert result.err == "pyipcs: create POSIX semaphore failed: Permission denied\n"
    assert posix_files() == {"shm/x", "shm/sem.x", "mqueue/x"}


def test_make_needs_no_mqueue_file_system() -> None:
    def hide() -> None:
        unshare(NEWNS)
        libc.mount(b"none", b"/", None, 16384 | 1 << 18, None)
        mount_tmpfs(MQUEUE)

    args = ["-q", "-n", "/x", "--maxmsg", "3", "--exist-ok"]
    for _ in range(2):
        assert elsewhere("make", *args, before=[hide]).out == "POSIX message queue name: /x\n"
    assert sizes("/x").maxmsg == 3
