"""The columns: names, choices, order, and what they hold of real objects."""

import os
import time

import pytest

from pyipcs import columns
from pyipcs.columns import Choice, arranged, parse_choice, parse_sort
from pyipcs.model import Kind, View
from pyipcs.sysv import libc, proc
from pyipcs.sysv.processes import command_line
from tests.kit import kernel, samples
from tests.kit.kernel import Objects, row
from tests.kit.program import as_nobody, need_tool, run

EVERY = {column.name for each in columns.OF_KIND.values() for column in each}


def test_lsipcs_names_are_all_there() -> None:
    need_tool("lsipc")
    words = run("lsipc", "--help").out
    section = words[words.index("Generic columns") : words.index("Summary columns")]
    theirs = {
        line.split()[0]
        for line in section.splitlines()
        if line[14:15] != "" and "  " in line.strip()
    }
    assert theirs
    assert theirs <= EVERY


@pytest.mark.parametrize("kind", Kind)
def test_names_and_json_keys_are_unique(kind: Kind) -> None:
    names = [column.name for column in columns.OF_KIND[kind]]
    fields = [column.field for column in columns.OF_KIND[kind] if column.name != "STATUS"]
    assert len(names) == len(set(names))
    assert len(fields) == len(set(fields))


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("view", View)
def test_the_usual_columns_are_columns(kind: Kind, view: View) -> None:
    assert columns.shown(kind, view, None)
    assert {column.name for column in columns.document(kind, None)} <= EVERY


def test_choices() -> None:
    assert parse_choice("id,Key") == Choice(("ID", "KEY"), more=False)
    assert parse_choice("+use%, AGE") == Choice(("USE%", "AGE"), more=True)
    assert parse_sort("-size") == ("SIZE", True)
    names = [column.name for column in columns.shown(Kind.QUEUE, View.PID, parse_choice("+AGE,ID"))]
    assert names == ["KEY", "ID", "OWNER", "LSPID", "LRPID", "AGE"]
    names = [c.name for c in columns.shown(Kind.QUEUE, View.PID, parse_choice("AGE,SIZE,ID,AGE"))]
    assert names == ["AGE", "ID"]
    for wrong in ("NOPE", "ID KEY", "id;key"):
        with pytest.raises(ValueError, match=r"no column .* \(there are KIND, KEY, ID"):
            parse_choice(wrong)
    for without in ("", "+", "ID,"):
        with pytest.raises(ValueError, match="a column's name is missing"):
            parse_choice(without)


def ids_by(kind: Kind, sort: str) -> list[str]:
    sorting = parse_sort(sort)
    found = arranged(samples.listings(kind)[kind], (), columns.OF_KIND[kind], sorting)
    return [word for listing in found for word in listing.column("id")]


@pytest.mark.parametrize(
    ("kind", "sort", "ids"),
    [
        (Kind.QUEUE, "ID", ["0", "7", "98305"]),
        (Kind.QUEUE, "-ID", ["98305", "7", "0"]),
        (Kind.QUEUE, "KEY", ["7", "0", "98305"]),
        (Kind.QUEUE, "-KEY", ["98305", "0", "7"]),
        (Kind.QUEUE, "USE%", ["7", "0", "98305"]),
        (Kind.QUEUE, "QBYTES", ["0", "98305", "7"]),
        (Kind.QUEUE, "SEND", ["7", "0", "98305"]),
        (Kind.QUEUE, "-AGE", ["98305", "0", "7"]),
        (Kind.QUEUE, "OWNER", ["7", "0", "98305"]),
        (Kind.QUEUE, "PERMS", ["0", "7", "98305"]),
        (Kind.QUEUE, "SIZE", ["0", "98305", "7"]),
        (Kind.SEGMENT, "-SIZE", ["32772", "3"]),
        (Kind.SEGMENT, "-STATUS", ["32772", "3"]),
        (Kind.SEGMENT, "COMMAND", ["3", "32772"]),
        (Kind.SEMAPHORE, "-NSEMS", ["1", "0"]),
    ],
)
def test_sorting(kind: Kind, sort: str, ids: list[str]) -> None:
    assert ids_by(kind, sort) == ids


def test_what_is_not_known_comes_last_either_way(objects: Objects) -> None:
    listing = samples.listings(Kind.QUEUE)[Kind.QUEUE][0].with_added("qbytes", [5, None, 7])
    for sort, order in (("QBYTES", ["0", "7", "98305"]), ("-QBYTES", ["7", "0", "98305"])):
        found = arranged([listing], (), columns.OF_KIND[Kind.QUEUE], parse_sort(sort))
        assert [word for one in found for word in one.column("id")] == order


def held(kind: Kind, name: str, object_id: int) -> object:
    """What a column holds of one real object."""
    column = next(column for column in columns.OF_KIND[kind] if column.name == name)
    for listing in arranged(proc.read(kind), [column], columns.OF_KIND[kind], None):
        for word, found in zip(column.of(listing), listing.column("id"), strict=True):
            if int(found) == object_id:
                return word
    raise LookupError(object_id)


def test_columns_of_real_objects(objects: Objects) -> None:
    msqid = objects.queue(5)
    kernel.send(msqid, b"x" * 100)
    libc.change(Kind.QUEUE, msqid, qbytes=400)
    assert held(Kind.QUEUE, "USE%", msqid) == "25.00"
    assert held(Kind.QUEUE, "QBYTES", msqid) == 400
    assert held(Kind.QUEUE, "USER", msqid) == run("id", "-un").out.strip()
    assert held(Kind.QUEUE, "CGROUP", msqid) == run("id", "-gn").out.strip()
    age = held(Kind.QUEUE, "AGE", msqid)
    assert isinstance(age, int)
    assert 0 <= age - (int(time.time()) - int(row(Kind.QUEUE, msqid)["ctime"])) <= 1
    semid = objects.semaphores(nsems=3)
    libc.set_values(semid, [4, 5, 6])
    assert held(Kind.SEMAPHORE, "VALUES", semid) == (4, 5, 6)
    assert held(Kind.SEMAPHORE, "NCOUNT", semid) == (0, 0, 0)


def test_the_command_of_the_creator(objects: Objects) -> None:
    shmid = objects.segment()
    assert held(Kind.SEGMENT, "COMMAND", shmid) == command_line(os.getpid(), int(time.time()))
    gone = run("sh", "-c", "ipcmk -M 10 | cut -d: -f2").out
    assert held(Kind.SEGMENT, "COMMAND", objects.adopt(Kind.SEGMENT, int(gone))) is None


def test_the_columns_that_ask_for_nothing_cost_nothing(objects: Objects) -> None:
    """Only what is shown, or sorted by, is asked for."""
    objects.queue()
    known = columns.OF_KIND[Kind.QUEUE]
    for names, asked in (("ID,MSGS", False), ("ID,QBYTES", True)):
        chosen = columns.shown(Kind.QUEUE, View.STATUS, parse_choice(names))
        for listing in arranged(proc.read(Kind.QUEUE), chosen, known, None):
            assert listing.has("qbytes") is asked


@pytest.mark.root
def test_values_that_may_not_be_read(objects: Objects) -> None:
    semid = objects.semaphores(mode=0)
    out = as_nobody("list", "-s", "-o", "ID,VALUES").out
    assert f"{semid} -" in " ".join(out.split())
