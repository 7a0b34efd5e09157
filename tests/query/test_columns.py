"""The columns: names, choices, order, and values of real objects."""

import os
import time

import pytest

from pyipcs.model import Kind, View
from pyipcs.query import columns
from pyipcs.query.columns import Choice, arranged, parse_choice, parse_sort
from pyipcs.sysv import libc, procfs
from pyipcs.usage.processes import command_line
from tests.kit import kernel, samples
from tests.kit.factories import leaked_segment
from tests.kit.kernel import Objects, row
from tests.kit.program import as_nobody, run

EVERY = {column.name for each in columns.OF_KIND.values() for column in each}


@pytest.mark.tools("lsipc")
def test_column_names_include_those_of_lsipc() -> None:
    words = run("lsipc", "--help").out
    section = words[words.index("Generic columns") : words.index("Summary columns")]
    names = {
        line.split()[0]
        for line in section.splitlines()
        if line[14:15] != "" and "  " in line.strip()
    }
    assert names
    assert names <= EVERY


@pytest.mark.parametrize("kind", Kind)
def test_column_names_and_json_keys_are_unique(kind: Kind) -> None:
    names = [column.name for column in columns.OF_KIND[kind]]
    fields = [column.field for column in columns.OF_KIND[kind] if column.name != "STATUS"]
    assert len(names) == len(set(names))
    assert len(fields) == len(set(fields))


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("view", View)
def test_default_columns_exist(kind: Kind, view: View) -> None:
    assert columns.shown(kind, view, None)
    assert {column.name for column in columns.document(kind, None)} <= EVERY


def test_parse_choice_ignores_case_and_blanks() -> None:
    assert parse_choice("id,Key") == Choice(("ID", "KEY"), more=False)
    assert parse_choice("+use%, AGE") == Choice(("USE%", "AGE"), more=True)


def test_parse_sort_minus_reverses() -> None:
    assert parse_sort("-size") == ("SIZE", True)


def test_choice_replaces_or_adds_columns_of_the_kind() -> None:
    names = [column.name for column in columns.shown(Kind.QUEUE, View.PID, parse_choice("+AGE,ID"))]
    assert names == ["KEY", "ID", "OWNER", "LSPID", "LRPID", "AGE"]
    names = [c.name for c in columns.shown(Kind.QUEUE, View.PID, parse_choice("AGE,SIZE,ID,AGE"))]
    assert names == ["AGE", "ID"]


@pytest.mark.parametrize(
    ("choice", "why"),
    [
        *(
            (choice, r"no column .* \(there are KIND, KEY, ID")
            for choice in ("NOPE", "ID KEY", "id;key")
        ),
        *((choice, "a column's name is missing") for choice in ("", "+", "ID,")),
    ],
)
def test_parse_choice_of_unknown_or_missing_name_fails(choice: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_choice(choice)


def sorted_ids(kind: Kind, sort: str) -> list[int]:
    sorting = parse_sort(sort)
    found = arranged(samples.listings(kind)[kind], (), columns.OF_KIND[kind], sorting)
    return [word for listing in found for word in listing.column("id")]


@pytest.mark.parametrize(
    ("kind", "sort", "ids"),
    [
        (Kind.QUEUE, "ID", [0, 7, 98305]),
        (Kind.QUEUE, "-ID", [98305, 7, 0]),
        (Kind.QUEUE, "KEY", [7, 0, 98305]),
        (Kind.QUEUE, "-KEY", [98305, 0, 7]),
        (Kind.QUEUE, "USE%", [7, 0, 98305]),
        (Kind.QUEUE, "QBYTES", [0, 98305, 7]),
        (Kind.QUEUE, "SEND", [7, 0, 98305]),
        (Kind.QUEUE, "-AGE", [98305, 0, 7]),
        (Kind.QUEUE, "OWNER", [7, 0, 98305]),
        (Kind.QUEUE, "PERMS", [0, 7, 98305]),
        (Kind.QUEUE, "SIZE", [0, 98305, 7]),
        (Kind.SEGMENT, "-SIZE", [32772, 3]),
        (Kind.SEGMENT, "-STATUS", [32772, 3]),
        (Kind.SEGMENT, "COMMAND", [3, 32772]),
        (Kind.SEMAPHORE, "-NSEMS", [1, 0]),
    ],
)
def test_sort_orders_by_the_column(kind: Kind, sort: str, ids: list[int]) -> None:
    assert sorted_ids(kind, sort) == ids


def test_sort_puts_unknown_values_last() -> None:
    listing = samples.listings(Kind.QUEUE)[Kind.QUEUE][0].with_added("qbytes", [5, None, 7])
    for sort, order in (("QBYTES", [0, 7, 98305]), ("-QBYTES", [7, 0, 98305])):
        found = arranged([listing], (), columns.OF_KIND[Kind.QUEUE], parse_sort(sort))
        assert [word for one in found for word in one.column("id")] == order


def value_of(kind: Kind, name: str, object_id: int) -> object:
    """Return the value of a column for one real object."""
    column = next(column for column in columns.OF_KIND[kind] if column.name == name)
    for listing in arranged(procfs.read(kind), [column], columns.OF_KIND[kind], None):
        for word, found in zip(column.of(listing), listing.column("id"), strict=True):
            if int(found) == object_id:
                return word
    raise LookupError(object_id)


def test_columns_have_the_values_of_the_kernel(objects: Objects) -> None:
    msqid = objects.queue(5)
    kernel.send(msqid, b"x" * 100)
    libc.change(Kind.QUEUE, msqid, qbytes=400)
    assert value_of(Kind.QUEUE, "USE%", msqid) == "25.00"
    assert value_of(Kind.QUEUE, "QBYTES", msqid) == 400
    assert value_of(Kind.QUEUE, "USER", msqid) == run("id", "-un").out.strip()
    assert value_of(Kind.QUEUE, "CGROUP", msqid) == run("id", "-gn").out.strip()
    created = int(row(Kind.QUEUE, msqid)["ctime"])
    before = int(time.time())
    age = value_of(Kind.QUEUE, "AGE", msqid)
    assert isinstance(age, int)
    assert before <= created + age <= time.time() + 1
    semid = objects.semaphores(nsems=3)
    libc.set_values(semid, [4, 5, 6])
    assert value_of(Kind.SEMAPHORE, "VALUES", semid) == (4, 5, 6)
    assert value_of(Kind.SEMAPHORE, "NCOUNT", semid) == (0, 0, 0)


def test_command_is_that_of_the_creator(objects: Objects) -> None:
    shmid = objects.segment()
    assert value_of(Kind.SEGMENT, "COMMAND", shmid) == command_line(os.getpid(), int(time.time()))
    assert value_of(Kind.SEGMENT, "COMMAND", leaked_segment(objects)) is None


def test_arranged_reads_qbytes_only_for_its_column(objects: Objects) -> None:
    objects.queue()
    known = columns.OF_KIND[Kind.QUEUE]
    for names, is_read in (("ID,MSGS", False), ("ID,QBYTES", True)):
        chosen = columns.shown(Kind.QUEUE, View.STATUS, parse_choice(names))
        for listing in arranged(procfs.read(Kind.QUEUE), chosen, known, None):
            assert listing.has("qbytes") is is_read


@pytest.mark.root
def test_values_of_unreadable_set_are_missing(objects: Objects) -> None:
    semid = objects.semaphores(mode=0)
    out = as_nobody("list", "-s", "-o", "ID,VALUES").out
    assert f"{semid} -" in " ".join(out.split())
