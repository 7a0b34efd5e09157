"""pyipcs list with POSIX objects: kinds, names, order, and the hint at them."""

import csv
import json
import os
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from pyipcs.sysv import namespace
from tests.kit import turns
from tests.kit.child import NEWNS, call_number, hide, refuse_call, unshare
from tests.kit.kernel import Objects
from tests.kit.mqueue import MQUEUE, make_queue, queue, send_message, unlink_queue
from tests.kit.policy import REFUSALS
from tests.kit.posix import SHM, ShmFiles, child_in, glibc_semaphore, hold_lease
from tests.kit.program import (
    PYIPCS,
    Result,
    elsewhere,
    forked,
    invoke,
    need_tool,
    run,
    unprivileged,
)
from tests.kit.terminal import end, on_terminal, read_until, whole_run, without_codes
from tests.kit.wait import LIMIT

ARRAYS = ["queues", "shmems", "semaphores", "posix_queues", "posix_shmems", "posix_semaphores"]
# All queues of a user count against RLIMIT_MSGQUEUE, in other namespaces, too.
SMALL = (2, 64)
HINT = "POSIX: 2 segments, 1 semaphore, 1 queue (pyipcs list --posix)"


@pytest.fixture
def posix(shm: ShmFiles, own_mqueue: None, isolated: None) -> Iterator[int]:
    """Create two segments, a semaphore and a queue; return the queue."""
    shm.file("large", b"x" * 9000, mode=0o644)
    shm.file("small", b"x" * 10, mode=0o600)
    shm.file("sem.lock", glibc_semaphore(3), mode=0o644)
    with queue("/jobs", sizes=SMALL) as descriptor:
        send_message(descriptor, b"hello")
        yield descriptor


def rows(*args: str) -> list[list[str]]:
    """Return the rows of a successful listing in CSV."""
    result = invoke("list", *args, "-f", "csv")
    assert (result.status, result.err) == (0, "")
    return [*csv.reader(result.out.splitlines())][1:]


def document(*args: str) -> dict[str, list[dict[str, object]]]:
    """Return the arrays of a successful listing in JSON."""
    result = invoke("list", *args, "-J")
    assert (result.status, result.err) == (0, "")
    return {name: value for name, value in json.loads(result.out).items() if name in ARRAYS}


@pytest.mark.parametrize(
    ("options", "arrays"),
    [
        ("", ARRAYS[:3]),
        ("--sysv", ARRAYS[:3]),
        ("-a", ARRAYS[:3]),
        ("-Q", ["posix_queues"]),
        ("--posix-mqueues", ["posix_queues"]),
        ("-M", ["posix_shmems"]),
        ("--posix-shmems", ["posix_shmems"]),
        ("-S", ["posix_semaphores"]),
        ("--posix-semaphores", ["posix_semaphores"]),
        ("--posix", ARRAYS[3:]),
        ("--posix -M", ARRAYS[3:]),
        ("-SMQ", ARRAYS[3:]),
        ("-M -q", ["queues", "posix_shmems"]),
        ("-Sms", ["shmems", "semaphores", "posix_semaphores"]),
        ("--sysv -Q", [*ARRAYS[:3], "posix_queues"]),
        ("--posix -a", ARRAYS),
    ],
)
def test_list_options_select_kinds_in_one_order(
    options: str, arrays: list[str], posix: int
) -> None:
    assert [*document(*options.split())] == arrays


def test_list_posix_shows_all_objects_of_the_kernel(posix: int) -> None:
    found = document("--posix")
    (jobs,) = found["posix_queues"]
    (lock,) = found["posix_semaphores"]
    assert (jobs["name"], jobs["qnum"], jobs["cbytes"]) == ("/jobs", 1, 5)
    assert {one["name"] for one in found["posix_shmems"]} == {"/small", "/large"}
    assert (lock["name"], lock["value"], lock["kind"]) == ("/lock", 3, "psem")
    for one in found["posix_shmems"]:
        status = Path(f"{SHM}{one['name']}").stat()
        assert one["segsz"] == status.st_size
        assert one["rss"] == status.st_blocks * 512
        assert (one["inode"], one["device"]) == (status.st_ino, status.st_dev)
        assert one["mode"] == f"{status.st_mode & 0o7777:04o}"
        assert (one["uid"], one["gid"]) == (status.st_uid, status.st_gid)


def test_list_both_families_has_empty_cells_for_the_other(posix: int, objects: Objects) -> None:
    msqid = str(objects.queue(0x5EED))
    found = rows("-qQ", "-o", "KIND,ID,KEY,NAME,MSGS")
    assert ["msg", msqid, "0x00005eed", "", "0"] in found
    assert ["pmsg", "", "", "/jobs", "1"] in found


@pytest.mark.parametrize(
    ("sort", "order"), [("SIZE", ["10", "4096", "9000"]), ("-SIZE", ["9000", "4096", "10"])]
)
def test_list_sort_orders_within_both_families(
    sort: str, order: list[str], posix: int, objects: Objects
) -> None:
    objects.segment(size=4096)
    found = rows("-mM", "-o", "KIND,SIZE", "--sort", sort)
    assert [size for _kind, size in found] == order


def test_list_sort_by_a_column_of_one_kind_puts_the_others_last(posix: int) -> None:
    found = rows("-MS", "-o", "KIND,NAME", "--sort", "-SIZE")
    assert found == [["pshm", "/large"], ["pshm", "/small"], ["psem", "/lock"]]


@pytest.mark.parametrize(
    ("options", "status"),
    [("-Q", 23), ("-M", 23), ("-S", 23), ("--posix", 23), ("--sysv", 0), ("-q", 0)],
)
def test_list_fail_if_any_counts_posix_objects(options: str, status: int, posix: int) -> None:
    assert invoke("list", options, "--fail-if-any").status == status


def test_list_fail_if_any_ignores_files_that_are_no_objects(shm: ShmFiles, isolated: None) -> None:
    (SHM / "folder").mkdir()
    assert invoke("list", "-MS", "--fail-if-any").status == 0


@pytest.mark.parametrize("name", ["small", "/small", r"\x2f\x73mall"])
def test_list_name_shows_one_object(name: str, posix: int) -> None:
    result = invoke("list", "-N", name, "-f", "csv", "-o", "KIND,NAME,SIZE")
    assert result == (0, "KIND,NAME,SIZE\npshm,/small,10\n", "")


def test_list_name_of_several_kinds_shows_each(posix: int, shm: ShmFiles) -> None:
    shm.file("jobs", b"x")
    shm.file("sem.jobs", glibc_semaphore(1))
    assert rows("-N", "/jobs", "-o", "KIND") == [["pmsg"], ["pshm"], ["psem"]]
    assert rows("-N", "/jobs", "-MS", "-o", "KIND") == [["pshm"], ["psem"]]
    assert rows("--name=jobs", "-Q", "-o", "KIND") == [["pmsg"]]


def test_list_name_with_fail_if_any_ends_with_23(posix: int) -> None:
    assert invoke("list", "-N", "jobs", "--fail-if-any").status == 23


def test_list_name_of_another_kind_names_it(posix: int) -> None:
    result = invoke("list", "-M", "-N", "jobs")
    message = "jobs: no such POSIX segment (but a POSIX queue has that name)"
    assert result == (1, "", f"pyipcs: {message}\n")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("folder", "directory"),
        ("link", "symbolic link"),
        ("socket", "socket"),
        ("fifo", "FIFO"),
    ],
)
def test_list_name_of_another_file_fails(name: str, what: str, shm: ShmFiles) -> None:
    (SHM / "folder").mkdir()
    (SHM / "link").symlink_to("/etc/passwd")
    os.mkfifo(SHM / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(SHM / "socket"))
    result = invoke("list", "-N", name)
    assert result == (1, "", f"pyipcs: {name}: is a {what}, not a POSIX segment\n")


def test_list_name_without_shm_shows_the_queue(posix: int) -> None:
    before = (lambda: unshare(NEWNS), lambda: hide("/dev"))
    result = elsewhere("list", "-N", "jobs", "-f", "csv", "-o", "KIND", before=before)
    assert result == (0, "KIND\npmsg\n", "")


@pytest.mark.alone
def test_list_all_ns_json_of_unlistable_queues_is_null(posix: int) -> None:
    before = (lambda: unshare(NEWNS), lambda: hide("/dev"))
    result = unprivileged("list", "--all-ns", "-Q", "-J", before=before)
    assert result.status == 1
    first, *_ = json.loads(result.out)["namespaces"]
    assert first["own"] is True
    assert first["posix_queues"] is None


@pytest.mark.alone
def test_list_all_ns_fail_if_any_where_queues_are_unseen_counts_others(
    posix: int, objects: Objects
) -> None:
    objects.queue(0x5EED)
    before = (lambda: unshare(NEWNS), lambda: hide("/dev"))
    line = ("list", "--all-ns", "-qQ", "--fail-if-any")
    assert unprivileged(*line, before=before).status == 23


@pytest.mark.alone
def test_list_all_ns_without_shm_reports_the_reason(posix: int) -> None:
    before = (lambda: unshare(NEWNS), lambda: hide("/dev"))
    result = unprivileged("list", "--all-ns", "-M", "-f", "csv", before=before)
    first, *_ = result.err.splitlines()
    reason = "POSIX segments and semaphores cannot be listed: /dev/shm does not exist"
    assert first == f"pyipcs: IPC namespace {namespace.current()}: {reason}"
    assert result.status == 1


def test_list_name_of_nothing_fails(shm: ShmFiles, own_mqueue: None) -> None:
    assert invoke("list", "-N", "x") == (1, "", "pyipcs: x: no object has that name\n")


# System V output, which POSIX objects must not change.

ABBREVIATIONS = ["--q", "--sh", "--se", "--su", "--a", "--t", "--p", "--c", "--l"]
ABBREVIATIONS += ["-m --hu", "-m --b"]


@pytest.mark.tools("ipcs")
@pytest.mark.parametrize("args", ["", "-a", "-q -m -s", "-t", "-p", "-c", "-l", "-u", "-bm"])
def test_list_of_system_v_beside_posix_objects_is_that_of_ipcs(
    args: str, posix: int, objects: Objects
) -> None:
    objects.queue(0x5EED)
    objects.segment()
    words = args.split()
    assert run(PYIPCS, "list", *words).out == run("ipcs", *words).out


@pytest.mark.tools("ipcs")
@pytest.mark.parametrize("option", ABBREVIATIONS)
def test_list_abbreviation_means_that_of_ipcs(option: str, objects: Objects) -> None:
    objects.segment(size=70000)
    ours, theirs = (run(*program, *option.split()) for program in ([PYIPCS, "list"], ["ipcs"]))
    assert (ours.status, ours.out) == (theirs.status, theirs.out)


@pytest.mark.parametrize("option", ["--po", "--posix-m", "--sy", "--n", "--na"])
def test_list_abbreviation_of_a_posix_option_is_refused(option: str) -> None:
    result = invoke("list", option)
    assert result.status == 2
    assert f"no such option {option}" in result.err


@pytest.mark.tools("strace")
@pytest.mark.parametrize("args", ["", "-q", "-t", "-J", "-f csv", "-l", "-u", "--mine"])
def test_list_of_system_v_makes_no_posix_call(args: str, posix: int, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    strace = [need_tool("strace"), "-f", "-o", str(trace)]
    assert run(*strace, PYIPCS, "list", *args.split()).status == 0
    calls = trace.read_text()
    assert "exited with 0" in calls
    for word in ("/dev/shm", "mqueue", "mq_open", "fsopen"):
        assert word not in calls


# The hint at POSIX objects on a terminal.


def test_list_on_a_terminal_ends_with_a_dim_hint(posix: int) -> None:
    status, text = whole_run("list")
    assert status == 0
    last = text.splitlines()[-1]
    assert without_codes(last) == HINT
    assert last.startswith("\x1b[2m")


@pytest.mark.parametrize("args", ["-t", "-p", "-c", "-o ID,KEY", "--sort ID"])
def test_list_hint_stays_with_options_for_columns(args: str, posix: int) -> None:
    assert HINT in without_codes(whole_run("list", *args.split())[1])


@pytest.mark.parametrize(
    "args",
    [
        *("-q", "-a", "--sysv", "-M", "--posix", "-N jobs", "--mine", "--key 0x5eed", "-l", "-u"),
        *("--fail-if-any", "--noheadings", "-f plain", "-f csv", "-J"),
        turns.make_case("--all-ns", ["--all-ns"]),
    ],
)
def test_list_hint_is_absent_with_options(args: str, posix: int) -> None:
    text = whole_run("list", *args.split())[1]
    assert "(pyipcs list --posix)" not in text


@pytest.mark.parametrize("args", ["", "-f table", "-f json"])
def test_list_hint_is_absent_in_a_pipe(args: str, posix: int) -> None:
    result = invoke("list", *args.split())
    assert (result.status, result.err) == (0, "")
    assert "POSIX" not in result.out


def test_list_hint_is_absent_under_the_name_ipcs(posix: int) -> None:
    result = forked("--color", "always", program="ipcs")
    assert "POSIX" not in result.out


def test_list_hint_is_absent_without_objects(shm: ShmFiles, isolated: None) -> None:
    (SHM / "folder").mkdir()
    assert "POSIX" not in whole_run("list")[1]


def test_list_hint_counts_what_is_visible(shm: ShmFiles, isolated: None, own_mqueue: None) -> None:
    shm.file("one")
    result = drawn_without("/dev/mqueue")
    assert without_codes(result.out).endswith("\nPOSIX: 1 segment (pyipcs list --posix)\n")
    assert (result.status, result.err) == (0, "")


def test_list_hint_is_absent_if_nothing_is_visible(posix: int) -> None:
    result = drawn_without("/dev")
    assert "POSIX" not in result.out
    assert (result.status, result.err) == (0, "")


def drawn_without(folder: str) -> Result:
    """Run list as on a terminal, as an ordinary user with an empty folder."""
    before = (lambda: unshare(NEWNS), lambda: hide(folder))
    return unprivileged("list", "-f", "table", "--color", "always", before=before)


# The live view.


def test_list_watch_shows_new_objects_and_growth(posix: int, shm: ShmFiles) -> None:
    process, terminal = on_terminal("list", "--posix", "--watch=0.2", width=150, height=40)
    try:
        text = read_until(terminal, "/jobs")
        send_message(posix, b"more")
        text += read_until(terminal, r"\+\d+\.\d")
        shm.file("sem.newcomer", glibc_semaphore(1))
        text += read_until(terminal, "/newcomer")
        os.write(terminal, b"q")
        assert process.wait(LIMIT) == 0
    finally:
        end(process, terminal)
    assert "NET/S" in without_codes(text)
    assert "(pyipcs list --posix)" not in text


def test_list_watch_of_system_v_has_no_hint(posix: int) -> None:
    process, terminal = on_terminal("list", "--watch=0.1")
    try:
        text = read_until(terminal, r"\x1b\[H") + read_until(terminal, "semaphore sets")
        os.write(terminal, b"q")
        assert process.wait(LIMIT) == 0
    finally:
        end(process, terminal)
    assert "POSIX" not in text


@pytest.mark.parametrize("kinds", ["-Q", "--posix"])
@pytest.mark.parametrize("format_", ["plain", "table", "csv", "export", "jsonl", "json"])
def test_list_with_leased_queue_shows_the_others(posix: int, kinds: str, format_: str) -> None:
    os.close(make_queue("/evil", sizes=SMALL))
    try:
        with child_in(partial(hold_lease, MQUEUE / "evil")):
            result = invoke("list", kinds, "-f", format_)
            details = invoke("stat", "/evil", "/jobs", "-f", "csv", "-o", "NAME,MSGS")
    finally:
        unlink_queue("/evil")
    assert (result.status, result.err) == (0, "")
    assert "/evil" in result.out
    assert "/jobs" in result.out
    assert details == (0, "NAME,MSGS\n/evil,\n/jobs,1\n", "")


@pytest.mark.parametrize("seconds", [2**62, -(2**62), -1, 2**40])
@pytest.mark.parametrize("view", ["", "-t", "-c", "--time-format full -o +MTIME,ATIME,CTIME"])
@pytest.mark.parametrize("format_", ["plain", "table", "csv", "export", "jsonl", "json"])
def test_list_with_odd_times_shows_all(posix: int, seconds: int, view: str, format_: str) -> None:
    os.utime(SHM / "small", (seconds, seconds))
    result = invoke("list", "-M", *view.split(), "-f", format_)
    assert (result.status, result.err) == (0, "")
    assert result.out.count("/small") == result.out.count("/large") == 1
    assert invoke("stat", "/small", "-f", format_).status == 0


@pytest.mark.parametrize("seconds", [2**62, -(2**62)])
def test_list_of_time_without_date_has_its_seconds(posix: int, seconds: int) -> None:
    os.utime(SHM / "small", (seconds, seconds))
    stored = str((SHM / "small").stat().st_mtime_ns // 10**9)
    assert ["/small", stored] in rows("-M", "-o", "NAME,MTIME")
    assert stored in invoke("list", "-M", "-t").out


@pytest.mark.parametrize("error", REFUSALS)
@pytest.mark.parametrize("call", ["fstatfs", "sysinfo", "mq_getsetattr"])
@pytest.mark.parametrize(
    "args", ["--posix -J", "-MSQ -f csv -o +SWAP,AGE", "--posix -f table", "-MQS -u"]
)
def test_list_where_call_is_refused_shows_all(posix: int, args: str, call: str, error: int) -> None:
    result = elsewhere(
        "list", *args.split(), before=[partial(refuse_call, call_number(call), error)]
    )
    assert (result.status, result.err) == (0, "")
    assert result.out
    names = ("/large", "/small", "/lock", "/jobs")
    assert "-u" in args or all(name in result.out for name in names)


def test_list_json_has_the_device_of_shm_with_kinds_in_it(shm: ShmFiles, own_mqueue: None) -> None:
    device = SHM.stat().st_dev
    for kinds in ("-M", "-S", "--posix", "-qM"):
        assert json.loads(invoke("list", "-J", kinds).out)["taken"]["shm_device"] == device
    for kinds in ("-Q", "-a"):
        assert "shm_device" not in json.loads(invoke("list", "-J", kinds).out)["taken"]


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(
    "options", [["-J"], ["-f", "jsonl"], ["-f", "csv"], ["-f", "export"], ["-o", "NAME,SIZE"], []]
)
def test_list_names_with_percent_signs_prints_them(
    shm: ShmFiles, options: list[str], number: int
) -> None:
    """A percent sign is no directive of the templates that render rows."""
    names = [f"{index}%s%%" for index in range(number)]
    for name in names:
        shm.file(name, b"x" * 10)
    result = invoke("list", "-M", *options)
    assert (result.status, result.err) == (0, "")
    assert sorted(name for name in names if f"/{name}" in result.out) == names


def test_list_names_with_percent_signs_on_terminal_prints_them(shm: ShmFiles) -> None:
    shm.file("1%s%%", b"x" * 10)
    assert "/1%s%%" in without_codes(whole_run("list", "-M")[1])
