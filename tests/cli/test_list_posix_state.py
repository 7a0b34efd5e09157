"""pyipcs list and stat: STATE, REASON, USERS, MAPPED and WAITERS of POSIX objects."""

import csv
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pyipcs.model import POSIX, Kind
from tests.kit.factories import scripted
from tests.kit.kernel import Objects
from tests.kit.posix import child_in, hold_mapped, hold_open, needs_leases
from tests.kit.posix_objects import PosixObjects
from tests.kit.program import PYIPCS, invoke, run
from tests.kit.terminal import whole_run, without_codes
from tests.kit.wait import wait_until

ADDED = "STATE,REASON,USERS,MAPPED,WAITERS"
KEYS = {
    Kind.POSIX_QUEUE: {"state", "reason", "users", "waiters"},
    Kind.POSIX_SEGMENT: {"state", "reason", "users", "mapped"},
    Kind.POSIX_SEMAPHORE: {"state", "reason", "users", "waiters"},
}
OPTIONS = {Kind.POSIX_QUEUE: "-Q", Kind.POSIX_SEGMENT: "-M", Kind.POSIX_SEMAPHORE: "-S"}
RECEIVE = (
    "queue = libc.mq_open(b'/waited', os.O_RDONLY)\n"
    "libc.mq_receive(queue, room, ctypes.c_size_t(99), None)"
)
CALL = {"x86_64": "243 "}.get(os.uname().machine, "183 ")

pytestmark = needs_leases


class Users(NamedTuple):
    """The pids of the processes that use the objects of the fixture `used`."""

    waiter: int
    opener: int
    mapper: int


def open_and_map(path: Path) -> None:
    hold_mapped(path)
    hold_open(path)


@pytest.fixture
def used(posix_objects: PosixObjects) -> Iterator[Users]:
    """Create an object of each kind in use, and one that is not."""
    for kind in POSIX:
        posix_objects.make(kind, "unused")
    posix_objects.make(Kind.POSIX_QUEUE, "full", messages=2)
    posix_objects.make(Kind.POSIX_QUEUE, "waited")
    semaphore = posix_objects.make(Kind.POSIX_SEMAPHORE, "open")
    segment = posix_objects.make(Kind.POSIX_SEGMENT, "mapped")
    with (
        scripted(RECEIVE) as process,
        child_in(lambda: hold_open(semaphore)) as opener,
        child_in(lambda: open_and_map(segment)) as mapper,
    ):
        wait_until(lambda: Path(f"/proc/{process.pid}/syscall").read_text().startswith(CALL))
        yield Users(process.pid, opener, mapper)


def expected(users: Users) -> dict[tuple[str, str], tuple[str, list[int], list[int] | None]]:
    """Return STATE, USERS, and MAPPED or WAITERS, by kind and name."""
    return {
        ("pmsg", "/full"): ("suspect", [], []),
        ("pmsg", "/unused"): ("orphaned", [], []),
        ("pmsg", "/waited"): ("in-use", [users.waiter], [users.waiter]),
        ("pshm", "/unused"): ("orphaned", [], []),
        ("pshm", "/mapped"): ("in-use", [users.mapper], [users.mapper]),
        ("psem", "/unused"): ("orphaned", [], []),
        ("psem", "/open"): ("in-use", [users.opener], []),
    }


def found(rows: Any) -> dict[tuple[str, str], tuple[str, list[int], list[int] | None]]:
    """Return the values of `expected` in JSON objects."""
    return {
        (row["kind"], row["name"]): (
            row["state"],
            row["users"],
            row["mapped"] if row["kind"] == "pshm" else row["waiters"],
        )
        for row in rows
    }


def test_list_state_in_json_has_lists_of_pids(used: Users) -> None:
    result = invoke("list", "--posix", "-o", f"+{ADDED}", "-J")
    assert (result.status, result.err) == (0, "")
    document = json.loads(result.out)
    rows = [row for kind in POSIX for row in document[kind.collection]]
    assert found(rows) == expected(used)


def test_list_state_in_jsonl_has_lists_of_pids(used: Users) -> None:
    result = invoke("list", "--posix", "-o", f"+{ADDED}", "-f", "jsonl")
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert found(rows) == expected(used)


@pytest.mark.parametrize("kind", POSIX)
def test_list_state_in_json_adds_its_keys_alone(kind: Kind, used: Users) -> None:
    columns = ",".join(sorted(KEYS[kind])).upper()
    plain, more = (
        json.loads(invoke("list", OPTIONS[kind], "-J", *args).out)[kind.collection][0]
        for args in ([], ["-o", f"+{columns}"])
    )
    assert more.keys() - plain.keys() == KEYS[kind]
    assert not plain.keys() & KEYS[kind]


@pytest.mark.parametrize("format_", ["csv", "tsv"])
def test_list_state_in_delimited_formats_has_one_cell_a_column(format_: str, used: Users) -> None:
    result = invoke("list", "--posix", "-o", f"KIND,NAME,{ADDED}", "-f", format_)
    assert (result.status, result.err) == (0, "")
    dialect = {"csv": "excel", "tsv": "excel-tab"}[format_]
    rows = [*csv.DictReader(result.out.splitlines(), dialect=dialect)]
    for row in rows:
        state, users, others = expected(used)[row["KIND"], row["NAME"]]
        column, absent = ("MAPPED", "WAITERS") if row["KIND"] == "pshm" else ("WAITERS", "MAPPED")
        assert row["STATE"] == state
        assert [int(pid) for pid in re.findall(r"\d+", row["USERS"])] == users
        assert [int(pid) for pid in re.findall(r"\d+", row[column])] == others
        assert row[absent] == ""
        assert all(f"{pid} (" in row["REASON"] for pid in users)
    assert len(rows) == len(expected(used))


def test_list_state_in_export_has_shell_words(used: Users) -> None:
    result = invoke("list", "-M", "-o", "NAME,STATE,USERS", "-f", "export")
    assert (result.status, result.err) == (0, "")
    assert re.search(r"STATE=.?in-use", result.out)
    assert str(used.mapper) in result.out


@pytest.mark.parametrize("format_", ["plain", "table"])
def test_list_state_in_columns_has_each_object(format_: str, used: Users) -> None:
    result = invoke("list", "--posix", "-w", "-o", "NAME,STATE,USERS", "-f", format_)
    assert (result.status, result.err) == (0, "")
    for (_, name), (state, users, _) in expected(used).items():
        line = rf"(^|\s){name}\s+{state}\s+{users[0] if users else '-?'}\s*$"
        assert re.search(line, result.out, re.MULTILINE), (line, result.out)


@pytest.mark.parametrize("format_", ["plain", "table", "csv", "jsonl", "json", "export"])
def test_list_all_columns_of_state_work_beside_system_v(
    format_: str, used: Users, objects: Objects
) -> None:
    objects.queue()
    result = invoke("list", "-a", "--posix", "-o", "+STATE,REASON,WAITERS", "-f", format_)
    assert (result.status, result.err) == (0, "")
    for _, name in expected(used):
        assert name in result.out


def test_list_sort_by_state_orders_the_objects(used: Users) -> None:
    result = invoke("list", "-Q", "-o", "STATE", "--sort", "STATE", "-f", "csv", "--noheadings")
    assert result == (0, "in-use\norphaned\nsuspect\n", "")
    result = invoke("list", "-Q", "-o", "NAME", "--sort", "-STATE", "-f", "csv", "--noheadings")
    assert result == (0, "/full\n/unused\n/waited\n", "")


@pytest.mark.tools("strace")
def test_list_usual_columns_take_no_lease(posix_objects: PosixObjects, tmp_path: Path) -> None:
    for kind in POSIX:
        posix_objects.make(kind)
    trace = tmp_path / "trace"
    strace = ["strace", "-f", "-e", "trace=fcntl", "-o", str(trace)]
    assert run(*strace, PYIPCS, "list", "--posix").status == 0
    assert "F_SETLEASE" not in trace.read_text()
    assert run(*strace, PYIPCS, "list", "--posix", "-o", "+STATE").status == 0
    assert "F_SETLEASE" in trace.read_text()


@pytest.mark.tools("strace")
def test_list_state_of_both_families_scans_proc_once(
    used: Users, objects: Objects, tmp_path: Path
) -> None:
    objects.queue()
    objects.segment()
    trace = tmp_path / "trace"
    strace = ["strace", "-f", "-e", "trace=open,openat", "-o", str(trace)]
    args = ("list", "-a", "--posix", "-o", "+STATE,REASON", "-J")
    assert run(*strace, PYIPCS, *args).status == 0
    opened = Counter(re.findall(r'"/proc/(\d+)/maps"', trace.read_text()))
    assert {str(used.waiter), str(used.opener), str(used.mapper)} <= opened.keys()
    assert {*opened.values()} == {1}


@pytest.mark.tools("strace")
def test_list_state_without_users_reads_no_maps(
    posix_objects: PosixObjects, tmp_path: Path
) -> None:
    """The lease alone decides: STATE needs no scan of /proc."""
    for kind in POSIX:
        posix_objects.make(kind)
    trace = tmp_path / "trace"
    strace = ["strace", "-f", "-e", "trace=open,openat", "-o", str(trace)]
    assert run(*strace, PYIPCS, "list", "--posix", "-o", "+STATE").status == 0
    assert not re.search(r'"/proc/\d+/maps"', trace.read_text())


# stat.


@pytest.mark.parametrize("name", ["/waited", "/open", "/mapped"])
def test_stat_reports_the_state_and_its_users(name: str, used: Users) -> None:
    pid = {"/waited": used.waiter, "/open": used.opener, "/mapped": used.mapper}[name]
    result = invoke("stat", name)
    assert (result.status, result.err) == (0, "")
    assert re.search(rf"in.use.*\b{pid} \(", result.out, re.DOTALL)


def test_stat_json_has_the_state(used: Users) -> None:
    document = json.loads(invoke("stat", "/mapped", "-J").out)
    (row,) = document["posix_shmems"]
    assert (row["state"], row["users"], row["mapped"]) == ("in-use", [used.mapper], [used.mapper])
    assert f"{used.mapper} (" in row["reason"]


def test_stat_panel_on_a_terminal_names_the_users(used: Users) -> None:
    status, text = whole_run("stat", "/mapped", width=100)
    assert status == 0
    assert re.search(rf"in-use.*{used.mapper}", without_codes(text), re.DOTALL)


@pytest.mark.parametrize("kind", POSIX)
def test_stat_of_unused_object_is_orphaned(kind: Kind, posix_objects: PosixObjects) -> None:
    posix_objects.make(kind)
    result = invoke("stat", "/x", "-f", "csv", "-o", "STATE,REASON")
    assert (result.status, result.err) == (0, "")
    assert result.out.splitlines()[1].startswith("orphaned,nobody has it open")
