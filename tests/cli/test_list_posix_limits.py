"""pyipcs list -l and -u with POSIX kinds, and the notes beside objects."""

import json
import os
import resource
from pathlib import Path

import pytest

from pyipcs.errors import Status
from pyipcs.model import Kind
from pyipcs.posix.limits import RESOURCES
from tests.kit.child import NEWNS, hide, unshare
from tests.kit.mqueue import queue, send_message
from tests.kit.posix import SHM, ShmFiles
from tests.kit.program import Result, invoke, unprivileged
from tests.kit.terminal import whole_run, without_codes

UNSEEN = "pyipcs: POSIX segments and semaphores cannot be listed: /dev/shm"

UNSEEN_QUEUES = "pyipcs: POSIX queues cannot be listed: there is no /dev/mqueue"


def without_dev(*args: str) -> Result:
    """Run pyipcs as an ordinary user without /dev/shm and /dev/mqueue."""
    return unprivileged(*args, before=(lambda: unshare(NEWNS), lambda: hide("/dev")))


def test_list_limits_of_posix_kinds_are_those_of_the_kernel(shm: ShmFiles) -> None:
    found = json.loads(invoke("list", "--posix", "-l", "-J").out)["limits"]
    for name in ("queues_max", "msg_max", "msgsize_max", "msg_default", "msgsize_default"):
        assert found[name] == int(Path(f"/proc/sys/fs/mqueue/{name}").read_text())
    limit, _ = resource.getrlimit(resource.RLIMIT_MSGQUEUE)
    assert found["rlimit_msgqueue"] == (None if limit == resource.RLIM_INFINITY else limit)
    status = os.statvfs(SHM)
    assert found["shm_size"] == (status.f_blocks * status.f_frsize or None)
    assert found["sem_value_max"] == os.sysconf("SC_SEM_VALUE_MAX")


def test_list_usage_of_posix_kinds_counts_queues_and_memory(
    shm: ShmFiles, own_mqueue: None, isolated: None
) -> None:
    shm.file("x", b"x" * 9000)
    with queue("/usage", sizes=(2, 64)) as descriptor:
        send_message(descriptor, b"hello")
        found = json.loads(invoke("list", "--posix", "-u", "-J").out)["usage"]
    assert (found["queues"], found["messages"]) == (1, 1)
    status = os.statvfs(SHM)
    assert found["shm_used"] == (status.f_blocks - status.f_bfree) * status.f_frsize


@pytest.mark.parametrize("option", ["-l", "-u"])
def test_list_figures_of_both_families_are_one_table(option: str) -> None:
    _, text = whole_run("list", "--sysv", "--posix", option)
    title, head, _, *rows = without_codes(text).splitlines()
    assert title == f"System V and POSIX IPC {'limits' if option == '-l' else 'usage'}"
    assert head.split()[0] == "RESOURCE"
    names = [row.split()[0] for row in rows if row]
    assert len(names) == len({*names})
    assert {"MSGMNI", "QUEUES_MAX"} <= {*names}


@pytest.mark.parametrize("format_", ["plain", "table", "json", "csv", "openmetrics"])
@pytest.mark.parametrize("option", ["-l", "-u"])
def test_list_figures_without_shm_shows_the_others_and_fails(option: str, format_: str) -> None:
    result = without_dev("list", "--posix", option, "-f", format_)
    assert result.status == Status.FAILED
    *of_queues, of_files = result.err.splitlines()
    assert of_files.startswith(UNSEEN)
    is_limit = option == "-l" and format_ in {"plain", "json", "openmetrics"}  # limits alone
    assert [line.startswith(UNSEEN_QUEUES) for line in of_queues] == [True] * (not is_limit)
    names = [row.name for row in RESOURCES[Kind.POSIX_SEGMENT]]
    assert not [name for name in names if name.lower() in result.out.lower()]
    assert result.out


@pytest.mark.parametrize("format_", ["plain", "table", "json", "csv", "openmetrics"])
def test_list_usage_of_unseen_queues_has_the_reason(format_: str) -> None:
    result = without_dev("list", "-Q", "-u", "-f", format_)
    assert result.status == Status.FAILED
    assert result.err.startswith(UNSEEN_QUEUES)
    assert result.err.count("\n") == 1
    assert result.out


@pytest.mark.parametrize("option", ["-l", "-u"])
def test_list_figures_of_undecided_queues_have_the_reason(own_mqueue: None, option: str) -> None:
    result = unprivileged("list", "-Q", option, "-f", "table")
    assert (result.status, result.err.count("\n")) == (Status.DONE, 1)
    assert "/dev/mqueue is empty, but may be that of another IPC namespace" in result.err
    assert "QUEUES_MAX" in result.out
    assert unprivileged("list", "-Q", "-l", "-f", "plain").err == ""


def test_list_figures_of_unseen_kind_alone_is_its_error() -> None:
    result = without_dev("list", "-M", "-l")
    assert (result.status, result.out) == (Status.FAILED, "")


def test_list_json_of_unseen_kinds_is_null() -> None:
    result = without_dev("list", "--posix", "-J")
    found = json.loads(result.out)
    kinds = ("posix_queues", "posix_shmems", "posix_semaphores", "other")
    assert [found[name] for name in kinds] == [None] * 4
    assert "other" not in json.loads(without_dev("list", "-Q", "-J").out)


def test_stat_json_has_no_other_files(shm: ShmFiles) -> None:
    shm.file("x")
    (SHM / "fifo").mkdir()
    assert "other" not in json.loads(invoke("stat", "/x", "-J").out)


def test_list_notes_the_other_files_on_a_terminal_only(shm: ShmFiles) -> None:
    for number in range(2):
        (SHM / f"link{number}").symlink_to("/etc/passwd")
    _, text = whole_run("list", "-M")
    assert without_codes(text).splitlines() == [
        "No POSIX segments.",
        "2 other files in /dev/shm (0B) are no POSIX objects.",
    ]
    assert "other" not in invoke("list", "-M", "-f", "table").out
    _, text = whole_run("list", "-M", "--noheadings")
    assert text.strip() == ""


@pytest.mark.root
def test_list_notes_directories_that_cannot_be_read(shm: ShmFiles) -> None:
    (SHM / "secret").mkdir(mode=0o700)
    drawn = ("list", "-M", "-f", "table", "--color", "always")
    lines = without_codes(unprivileged(*drawn).out).splitlines()
    assert lines[-1] == "/dev/shm has directories that cannot be read."
    os.mkfifo(SHM / "fifo")
    lines = without_codes(unprivileged(*drawn).out).splitlines()
    assert lines[-1] == (
        "1 other file in /dev/shm (0B) is no POSIX object, besides directories that cannot be read."
    )
