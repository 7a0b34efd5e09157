"""pyipcs stat of POSIX objects by name."""

import csv
import errno
import json
import os
import re
import socket
from collections.abc import Callable
from functools import partial

import pytest

from pyipcs.posix.names import format_name
from pyipcs.text import plural
from tests.kit.child import NEWNS, call_number, hide, refuse_call, unshare
from tests.kit.kernel import IS_ROOT
from tests.kit.mqueue import notify, queue, send_message
from tests.kit.policy import REFUSALS
from tests.kit.posix import SHM, ShmFiles, glibc_semaphore, i386_semaphore
from tests.kit.program import Result, elsewhere, forked, invoke, unprivileged
from tests.kit.terminal import end, on_terminal, read_until, whole_run, without_codes
from tests.kit.wait import LIMIT

# All queues of a user count against RLIMIT_MSGQUEUE, in other namespaces, too.
SMALL = (2, 64)
FSOPEN = 430  # the same number on all architectures
ODD_NAMES = [
    *("new\nline", "tab\t", "back\\slash", "sp ace", "\x1b[31mred", "\udcff", "quote'\"", "-rf"),
    *("é", "\u202egnp", "a" * 255, "sem.", "x (deleted)", "*", "..."),
]


@pytest.fixture
def both(shm: ShmFiles, own_mqueue: None) -> ShmFiles:
    """Clear /dev/shm for a test that makes queues, too."""
    return shm


def rows(result: Result) -> list[list[str]]:
    """Return the rows of a successful command in CSV."""
    assert (result.status, result.err) == (0, "")
    return [*csv.reader(result.out.splitlines())][1:]


def document(name: str, *args: str, run: Callable[..., Result] = invoke) -> dict[str, object]:
    """Return the single object of a name in JSON."""
    result = run("stat", name, "-J", *args)
    assert (result.status, result.err) == (0, "")
    arrays = [value for key, value in json.loads(result.out).items() if key.startswith("posix_")]
    ((found,),) = filter(None, arrays)
    assert isinstance(found, dict)
    return found


def test_stat_segment_has_size_and_memory_of_stat(shm: ShmFiles) -> None:
    path = shm.file("data", b"x" * 9000, mode=0o640)
    os.truncate(path, 1 << 20)
    found, status = document("/data"), path.stat()
    assert (found["kind"], found["name"]) == ("pshm", "/data")
    assert (found["segsz"], found["rss"]) == (1 << 20, status.st_blocks * 512)
    assert (found["inode"], found["device"]) == (status.st_ino, status.st_dev)
    assert found["mode"] == "0640"


@pytest.mark.parametrize("form", [glibc_semaphore, i386_semaphore])
def test_stat_semaphore_has_value(form: object, shm: ShmFiles) -> None:
    assert callable(form)
    shm.file("sem.lock", form(7))
    assert (document("/lock")["kind"], document("/lock")["value"]) == ("psem", 7)


def test_stat_queue_has_attributes(both: ShmFiles) -> None:
    with queue("/jobs", sizes=(5, 100)) as descriptor:
        send_message(descriptor, b"hello")
        notify(descriptor)
        # Any close of the queue by this process would end the notification.
        found = document("/jobs", run=forked)
    assert (found["qnum"], found["cbytes"], found["maxmsg"], found["msgsize"]) == (1, 5, 5, 100)
    assert found["notify_pid"] == os.getpid()
    assert found["born"] is None


def test_stat_name_of_several_kinds_shows_each(both: ShmFiles) -> None:
    both.file("x", b"abc")
    both.file("sem.x", glibc_semaphore(1))
    with queue("/x", sizes=SMALL):
        assert rows(stat_kinds("/x")) == [["pmsg", "/x"], ["pshm", "/x"], ["psem", "/x"]]
        assert rows(stat_kinds("-q", "/x")) == [["pmsg", "/x"]]
        assert rows(stat_kinds("-m", "/x")) == [["pshm", "/x"]]
        assert rows(stat_kinds("-s", "/x")) == [["psem", "/x"]]
        assert rows(stat_kinds("-ms", "/x")) == [["pshm", "/x"], ["psem", "/x"]]


def stat_kinds(*args: str) -> Result:
    return invoke("stat", *args, "-f", "csv", "-o", "KIND,NAME")


def test_stat_name_given_twice_shows_it_once(shm: ShmFiles) -> None:
    shm.file("x")
    assert rows(stat_kinds("/x", r"\x2f\x78", "/x")) == [["pshm", "/x"]]


def test_stat_of_both_families_shows_each(shm: ShmFiles) -> None:
    shm.file("x")
    result = invoke("stat", "0x7a7a7a7a", "/x", "-f", "csv", "-o", "KIND,NAME")
    assert result.out == "KIND,NAME\npshm,/x\n"
    assert result.err == "pyipcs: 0x7a7a7a7a: no object has that key\n"
    assert result.status == 1


def test_stat_missing_name_shows_the_others(shm: ShmFiles) -> None:
    shm.file("x")
    result = stat_kinds("/nope", "/x", "/neither")
    assert result.out == "KIND,NAME\npshm,/x\n"
    assert result.err == (
        "pyipcs: /nope: no object has that name\npyipcs: /neither: no object has that name\n"
    )
    assert result.status == 1


def test_stat_name_of_another_kind_names_it(shm: ShmFiles) -> None:
    shm.file("x")
    shm.file("sem.x", glibc_semaphore(1))
    message = "no such POSIX queue (but a POSIX segment and a POSIX semaphore have that name)"
    assert invoke("stat", "-q", "/x") == (1, "", f"pyipcs: /x: {message}\n")


def test_stat_of_files_that_are_no_objects_fails(shm: ShmFiles) -> None:
    (SHM / "folder").mkdir()
    (SHM / "link").symlink_to("/etc/passwd")
    (SHM / "sem.dangling").symlink_to("missing")
    os.mkfifo(SHM / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(SHM / "socket"))
    forms = {
        "/folder": "is a directory, not a POSIX segment",
        "/link": "is a symbolic link, not a POSIX segment",
        "/dangling": "is a symbolic link, not a POSIX semaphore",
        "/fifo": "is a FIFO, not a POSIX segment",
        "/socket": "is a socket, not a POSIX segment",
    }
    if IS_ROOT:
        os.mknod(SHM / "device", 0o600 | 0o020000, os.makedev(1, 3))
        forms["/device"] = "is a device, not a POSIX segment"
    result = invoke("stat", *forms)
    assert result.err == "".join(f"pyipcs: {name}: {text}\n" for name, text in forms.items())
    assert (result.status, result.out) == (1, "")


@pytest.mark.parametrize("size", [0, 1, 2, 32])
def test_stat_of_semaphore_file_in_another_form_fails(size: int, shm: ShmFiles) -> None:
    shm.file("sem.x", b"\xa5" * size)
    text = f"is a file of {plural(size, 'byte')} in another form, not a POSIX semaphore"
    assert invoke("stat", "/x") == (1, "", f"pyipcs: /x: {text}\n")
    assert rows(stat_kinds("/sem.x")) == [["pshm", "/sem.x"]]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_stat_takes_the_name_that_it_prints(name: str, shm: ShmFiles) -> None:
    shm.file(name, b"abc")
    printed = rows(invoke("list", "-M", "-f", "csv", "-o", "KIND,NAME"))[0][1]
    assert printed == format_name(f"/{name}")
    assert rows(stat_kinds(printed)) == [["pshm", printed]]
    assert document(printed)["segsz"] == 3
    assert document(f"/{name}")["segsz"] == 3


def test_stat_of_name_too_long_for_its_kind_is_missing(shm: ShmFiles) -> None:
    name = "/" + "a" * 255
    shm.file(name[1:])
    reason = "no such POSIX semaphore (but a POSIX segment has that name)"
    assert invoke("stat", "-s", name) == (1, "", f"pyipcs: {name}: {reason}\n")


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("format_", ["plain", "table", "csv", "tsv", "export", "jsonl", "json"])
def test_stat_prints_no_raw_byte_of_a_name(name: str, format_: str, shm: ShmFiles) -> None:
    shm.file(name)
    result = invoke("stat", format_name(f"/{name}"), "-f", format_)
    assert (result.status, result.err) == (0, "")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", result.out)
    result.out.encode()  # no invalid UTF-8


def test_stat_of_an_odd_name_on_a_terminal_shows_it_escaped(shm: ShmFiles) -> None:
    shm.file("a\x1b]0;owned\x07\n")
    name = r"\x2fa\x1b]0;owned\x07\n"
    status, text = whole_run("stat", name)
    assert status == 0
    assert name in without_codes(text)
    assert "\x07" not in text


def test_stat_message_about_an_odd_name_has_no_raw_byte(shm: ShmFiles) -> None:
    result = invoke("stat", "/a\x1b[31m\n\udcff")
    assert result.status == 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f\udc80-\udcff]", result.err)
    assert result.err.count("\n") == 1


@pytest.mark.root
def test_stat_of_forbidden_objects_has_null_for_the_unreadable(both: ShmFiles) -> None:
    os.chown(both.file("sem.lock", glibc_semaphore(3), mode=0o600), 0, 0)
    both.file("data", b"x" * 5000, mode=0o600)
    with queue("/jobs", 0o600, SMALL), queue("/open", 0o644, SMALL):
        result = unprivileged("stat", "/jobs", "/lock", "/data", "-J")
    assert (result.status, result.err) == (0, "")
    found = json.loads(result.out)
    (jobs,), (lock,), (data,) = (
        found[name] for name in ("posix_queues", "posix_semaphores", "posix_shmems")
    )
    assert [jobs[key] for key in ("mode", "qnum", "cbytes", "notify_pid")] == ["0600", *[None] * 3]
    assert (lock["mode"], lock["value"]) == ("0600", None)
    assert (data["segsz"], data["rss"]) == (5000, 8192)


@pytest.mark.root
def test_stat_of_write_only_queue_has_its_attributes(both: ShmFiles) -> None:
    with queue("/jobs", 0o622, SMALL) as descriptor:
        send_message(descriptor, b"x")
        result = unprivileged("stat", "/jobs", "-f", "csv", "-o", "MSGS,MAXMSG,USEDBYTES")
    assert rows(result) == [["1", "2", ""]]


@pytest.mark.root
def test_stat_of_forbidden_queue_without_mount_fails(both: ShmFiles) -> None:
    both.file("jobs", b"x", mode=0o644)
    with queue("/jobs", 0o600, SMALL):
        result = unprivileged("stat", "/jobs", "-f", "csv", "-o", "KIND,NAME", before=NO_MQUEUE)
        alone = unprivileged("stat", "-q", "/jobs", "-f", "csv", "-o", "NAME", before=NO_MQUEUE)
    assert result == (
        1,
        "KIND,NAME\npshm,/jobs\n",
        "pyipcs: /jobs: POSIX queue: Permission denied\n",
    )
    assert alone == (1, "NAME\n", "pyipcs: /jobs: POSIX queue: Permission denied\n")


NO_MQUEUE = (lambda: unshare(NEWNS), lambda: hide("/dev/mqueue"))


def test_stat_of_readable_queue_needs_no_mount(both: ShmFiles) -> None:
    with queue("/jobs", sizes=SMALL) as descriptor:
        send_message(descriptor, b"x")
        found = unprivileged("stat", "/jobs", "-f", "csv", "-o", "KIND,MSGS", before=NO_MQUEUE)
    assert rows(found) == [["pmsg", "1"]]


def test_stat_of_queue_without_shm_shows_it(both: ShmFiles) -> None:
    before = (lambda: unshare(NEWNS), lambda: hide("/dev"))
    with queue("/jobs", sizes=SMALL):
        result = elsewhere("stat", "/jobs", "-f", "csv", "-o", "KIND,NAME", before=before)
        alone = elsewhere("stat", "-q", "/jobs", "-f", "csv", "-o", "KIND,NAME", before=before)
    assert result == (0, "KIND,NAME\npmsg,/jobs\n", "")
    assert rows(alone) == [["pmsg", "/jobs"]]


# The live view.


def test_stat_watch_of_queue_shows_its_growth(both: ShmFiles) -> None:
    with queue("/jobs", sizes=(10, 8)) as descriptor:
        process, terminal = on_terminal("stat", "/jobs", "--watch=0.2", width=100)
        try:
            read_until(terminal, "0 messages")
            for _ in range(5):
                send_message(descriptor, b"x")
            read_until(terminal, r"5 messages \(net \+\d")
            os.write(terminal, b"q")
            assert process.wait(LIMIT) == 0
        finally:
            end(process, terminal)


def test_stat_watch_ends_with_its_last_object(shm: ShmFiles) -> None:
    path = shm.file("x")
    process, terminal = on_terminal("stat", "/x", "--watch=0.1")
    try:
        read_until(terminal, "/x")
        path.unlink()
        text = read_until(terminal, "no object has that name")
        assert process.wait(LIMIT) == 1
    finally:
        end(process, terminal)
    assert "/x: no object has that name" in without_codes(text)


def without_queues(*args: str) -> Result:
    """Run pyipcs on a kernel without POSIX queues."""
    refused = (FSOPEN, call_number("mq_open"), call_number("mq_unlink"))
    steps = [lambda: unshare(NEWNS), lambda: hide("/dev/mqueue")]
    steps += [partial(refuse_call, number, errno.ENOSYS) for number in refused]
    return elsewhere(*args, before=steps)


def test_commands_without_queues_in_kernel_find_objects_of_other_kinds(shm: ShmFiles) -> None:
    path = shm.file("x", b"x" * 10, mode=0o600)
    shm.file("sem.only", glibc_semaphore(1))
    assert rows(without_queues("stat", "/x", "-f", "csv", "-o", "NAME")) == [["/x"]]
    assert without_queues("set", "/x", "--mode", "640") == (0, "", "")
    assert path.stat().st_mode & 0o777 == 0o640
    assert without_queues("rm", "/x", "/only").status == 0
    assert not any(SHM.iterdir())


def test_stat_without_queues_in_kernel_reports_them_for_missing_name(shm: ShmFiles) -> None:
    shm.file("x")
    text = "pyipcs: POSIX message queues are not in this kernel, or a sandbox hides them\n"
    result = without_queues("stat", "/no", "/nope", "/x", "-f", "csv", "-o", "NAME")
    assert result == (1, "NAME\n/x\n", text)
    assert without_queues("rm", "/no") == (1, "", text)
    missing = "pyipcs: /no: no such POSIX segment\n"
    assert without_queues("stat", "-m", "/no") == (1, "", missing)
    assert shm.file("x").exists()


@pytest.mark.root
@pytest.mark.parametrize("error", REFUSALS)
def test_stat_where_mq_open_is_refused_reads_the_file(error: int, both: ShmFiles) -> None:
    with queue("/q", mode=0o640, sizes=SMALL):
        refuse = partial(refuse_call, call_number("mq_open"), error)
        result = elsewhere("stat", "/q", "-J", before=[refuse])
    assert (result.status, result.err) == (0, "")
    (found,) = json.loads(result.out)["posix_queues"]
    assert (found["mode"], found["qnum"]) == ("0640", 0)
