"""Hostile files in /dev/shm: list and stat follow none and print no raw byte."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyipcs.model import IN_SHM
from pyipcs.posix.names import format_name
from tests.kit.child import become_ordinary
from tests.kit.kernel import IS_ROOT, NOBODY
from tests.kit.posix import SHM, ShmFiles, glibc_semaphore
from tests.kit.program import PYIPCS, elsewhere, forked, need_tool, run, unprivileged
from tests.kit.terminal import whole_run, without_codes
from tests.kit.wait import LIMIT, exit_code

FORMATS = ["plain", "table", "csv", "tsv", "export", "jsonl", "json", "openmetrics"]
SEGMENTS = [
    *("new\nline", "tab\t", "back\\slash", "sp ace", "\x1b[31mred", "\udcff\udcfe", "a" * 255),
    *("\u202egnp", "-rf", "*", "é", "x (deleted)", "'\"$(reboot)`", "sem.", ".hidden", "\x9b31m"),
    # Files with the name of a semaphore but another form.
    *("sem.zero", "sem.two", "sem.random"),
]
SEMAPHORES = ["good", "esc\x1b[2J\udcff\n", "other"]
# Control characters, and those that change the direction of text. A surrogate is invalid UTF-8.
RAW = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]")


@pytest.fixture
def hostile(shm: ShmFiles) -> set[str]:
    """Fill /dev/shm; return the names of the files that are no objects."""
    for name in SEGMENTS:
        shm.file(name, b"x" * 10)
    shm.file("sem.zero")
    shm.file("sem.two", b"ab")
    shm.file("sem.random", os.urandom(8) + b"\xa5" * 24)
    for name in SEMAPHORES:
        shm.file(f"sem.{name}", glibc_semaphore(3))
    return shm.hostile()


def rows(kind: str, *columns: str) -> list[list[str]]:
    result = forked("list", kind, "-f", "csv", "-o", ",".join(["KIND", *columns]))
    assert (result.status, result.err) == (0, "")
    return [row[1:] for row in csv.reader(result.out.splitlines())][1:]


def printed(names: list[str]) -> list[str]:
    return sorted(format_name(f"/{name}") for name in names)


def test_list_has_the_right_kinds(hostile: set[str]) -> None:
    assert sorted(name for (name,) in rows("-M", "NAME")) == printed(SEGMENTS)
    assert sorted(name for (name,) in rows("-S", "NAME")) == printed(SEMAPHORES)


@pytest.mark.parametrize("format_", FORMATS)
def test_list_into_a_pipe_has_no_raw_byte(format_: str, hostile: set[str]) -> None:
    result = forked("list", "-MS", "-f", format_)
    assert (result.status, result.err) == (0, "")
    assert not RAW.search(result.out.replace("\x1b[0m", ""))


@pytest.mark.parametrize("format_", FORMATS)
def test_list_on_a_terminal_has_no_raw_byte(format_: str, hostile: set[str]) -> None:
    status, text = whole_run("list", "-MS", "-f", format_, width=400, height=50)
    assert status == 0
    assert not RAW.search(without_codes(text).replace("\r\n", "\n"))
    for sequence in ("\x1b[31m", "\x1b[2J", "\x9b", "\u202e"):
        assert f"{sequence}red" not in text
        assert f"esc{sequence}" not in text


@pytest.mark.parametrize("format_", ["csv", "tsv", "plain", "table"])
def test_list_prints_one_line_for_each_object(format_: str, hostile: set[str]) -> None:
    result = forked("list", "-M", "-f", format_, "-o", "NAME,SIZE", "--noheadings")
    lines = [line for line in result.out.splitlines() if line]
    assert len(lines) == len(SEGMENTS)
    assert all(re.search(r"\b(10|0|2|32)B?\b", line) for line in lines)


def test_list_prints_names_that_stat_takes(hostile: set[str]) -> None:
    """As with `pyipcs list -M -o NAME --noheadings | xargs pyipcs stat`."""
    names = forked("list", "-M", "-f", "tsv", "-o", "NAME", "--noheadings").out.splitlines()
    result = forked("stat", "-m", *names, "-f", "tsv", "-o", "NAME", "--noheadings")
    assert (result.status, result.err) == (0, "")
    assert sorted(result.out.splitlines()) == sorted(names)


def test_list_json_keeps_names(hostile: set[str]) -> None:
    found = json.loads(forked("list", "-M", "-J").out)["posix_shmems"]
    names = {one["name"] for one in found if "name_base64" not in one}
    assert names == {f"/{name}" for name in SEGMENTS} - {"/\udcff\udcfe"}
    encoded = [b64decode(one["name_base64"]) for one in found if "name_base64" in one]
    assert encoded == [b"/\xff\xfe"]


def test_list_counts_the_other_files(hostile: set[str]) -> None:
    # The directory `directory` has one file, `sem.directory` none; both are not counted themselves.
    others = [*hostile - {"directory", "sem.directory"}, "directory/below/file"]
    sizes = sum((SHM / name).lstat().st_blocks * 512 for name in others)
    for kind in ("-M", "-S", "--posix"):
        other = json.loads(forked("list", kind, "-J").out)["other"]
        assert (other["files"], other["bytes"]) == (len(others), sizes)
    assert "other" not in json.loads(forked("list", "-Q", "-J").out)
    assert "other" not in json.loads(forked("list", "-J").out)


def test_list_on_a_terminal_notes_the_other_files(hostile: set[str]) -> None:
    last = whole_run("list", "-M", width=300)[1].splitlines()[-1]
    count = len(hostile) - 1
    assert without_codes(last).startswith(f"{count} other files in /dev/shm (")
    assert last.startswith("\x1b[2m")
    assert "other file" not in forked("list", "-M").out


@pytest.mark.tools("strace")
@pytest.mark.parametrize("args", ["list --posix -J", "stat /link /sem.dangling /fifo /socket /x"])
def test_list_and_stat_of_hostile_files_open_none(
    args: str, hostile: set[str], tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    run(need_tool("strace"), "-f", "-o", str(trace), "-e", "trace=%file", PYIPCS, *args.split())
    calls = [line for line in trace.read_text().splitlines() if re.search(r'"(\w+/)*[^/"]*"', line)]
    assert any("newfstatat" in call or "statx" in call for call in calls)
    for name in hostile - {"directory", "sem.directory"}:
        opened = [call for call in calls if f'"{name}"' in call and "open" in call]
        assert opened == []
    # The account file is read for names of users, but never through the link.
    assert not [call for call in calls if '"link"' in call and "NOFOLLOW" not in call]


def test_stat_names_what_is_no_object(hostile: set[str]) -> None:
    result = forked("stat", *(f"/{name}" for name in sorted(hostile)))
    assert (result.status, result.out) == (1, "")
    assert result.err.count("\n") == len(hostile)
    assert "Traceback" not in result.err


def test_list_as_another_user_goes_by_name_and_size(shm: ShmFiles) -> None:
    if not IS_ROOT:
        pytest.skip("needs files of another user")
    shm.file("sem.random", b"\xa5" * 32)  # 0600: only root can read it
    shm.file("sem.two", b"ab")
    shm.file("sem.good", glibc_semaphore(5), mode=0o644)
    shm.file("data", b"x" * 5000)
    result = unprivileged("list", "-MS", "-J")
    assert (result.status, result.err) == (0, "")
    found = json.loads(result.out)
    assert {one["name"]: one["segsz"] for one in found["posix_shmems"]} == {
        "/data": 5000,
        "/sem.two": 2,
    }
    values = {one["name"]: one["value"] for one in found["posix_semaphores"]}
    assert values == {"/good": 5, "/random": None}


@pytest.mark.root
def test_list_with_folder_of_another_user_has_incomplete_count(shm: ShmFiles) -> None:
    secret = SHM / "secret"
    secret.mkdir(mode=0o700)
    (secret / "file").write_bytes(b"x" * 5000)
    (SHM / "fifo").touch()
    result = unprivileged("list", "-M", "-J")
    assert (result.status, result.err) == (0, "")
    assert json.loads(result.out)["other"] == {"files": None, "bytes": None}
    assert [one["name"] for one in json.loads(result.out)["posix_shmems"]] == ["/fifo"]


@pytest.mark.root
def test_list_of_files_of_other_users_has_their_owners(shm: ShmFiles) -> None:
    for number, uid in enumerate((NOBODY, 4242424242)):
        os.chown(shm.file(f"f{number}", b"x"), uid, uid)
    found = rows("-M", "NAME", "UID", "OWNER")
    owners = {"/f0": [str(NOBODY), "nobody"], "/f1": ["4242424242", "4242424242"]}
    assert {name: rest for name, *rest in found} == owners


_CHURN = """
import os, sys
os.chdir("/dev/shm")
print(flush=True)
for number in range(int(sys.argv[1])):
    name = f"{'sem.' if number % 2 else ''}churn{number % 50}"
    if number % 7 == 0:
        os.mkdir(name)
        os.rmdir(name)
    elif number % 5 == 0:
        os.symlink("/etc/passwd", name)
        os.unlink(name)
    else:
        with open(name, "wb") as file:
            file.write(bytes(32))
        os.unlink(name)
    if number % 1000 == 0 and os.getppid() != int(sys.argv[2]):
        break
"""


@pytest.fixture
def churn(shm: ShmFiles) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that creates and removes files of all forms."""
    command = [sys.executable, "-c", _CHURN, str(10_000_000), str(os.getpid())]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    yield process
    process.send_signal(signal.SIGKILL)
    process.wait(LIMIT)
    process.stdout.close()


@pytest.mark.slow
@pytest.mark.parametrize("args", ["list -MS -J", "list -MS -f csv -o +AGE", "list -MS -f table"])
def test_list_beside_churn_shows_what_stays(
    args: str, shm: ShmFiles, churn: subprocess.Popen[bytes]
) -> None:
    shm.file("stays", b"x")
    shm.file("sem.stays", glibc_semaphore(1))
    for _ in range(20):
        result = elsewhere(*args.split(), before=())
        assert (result.status, result.err) == (0, "")
        assert result.out.count("/stays") == len(IN_SHM)
    assert churn.poll() is None


@pytest.mark.slow
def test_stat_beside_churn_shows_object_or_reports_it_missing(
    shm: ShmFiles, churn: subprocess.Popen[bytes]
) -> None:
    texts = set()
    for _ in range(30):
        result = elsewhere("stat", "/churn0", "/churn1", "/churn5", "-J", before=())
        assert result.status in {0, 1}
        assert "Traceback" not in result.err
        texts |= {line.partition(": ")[2] for line in result.err.splitlines()}
    known = r"/churn\d: (no object has that name|the POSIX \w+ was removed|is a .*)"
    assert [text for text in texts if not re.fullmatch(known, text)] == []
    assert churn.poll() is None


def test_list_of_files_of_an_ended_user_namespace_shows_them(shm: ShmFiles) -> None:
    """A child that leaves files with the mode 000 hides nothing from a listing."""
    child = os.fork()
    if child == 0:
        become_ordinary()
        (SHM / "left").touch(mode=0)
        os._exit(0)
    assert exit_code(child) == 0
    (SHM / "left").chmod(0)
    assert rows("-M", "NAME", "PERMS") == [["/left", "---------"]]
