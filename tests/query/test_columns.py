"""The columns: names, and values of real objects."""

import os
import time

import pytest

from pyipcs.model import SYSV, Kind, View
from pyipcs.query import choose, columns
from pyipcs.query.choose import arranged
from pyipcs.sysv import libc, procfs
from pyipcs.usage.processes import command_line
from tests.kit import kernel
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


@pytest.mark.parametrize("kind", SYSV)
def test_column_names_and_json_keys_are_unique(kind: Kind) -> None:
    names = [column.name for column in columns.OF_KIND[kind]]
    fields = [column.field for column in columns.OF_KIND[kind] if column.name != "STATUS"]
    assert len(names) == len(set(names))
    assert len(fields) == len(set(fields))


@pytest.mark.parametrize("kind", SYSV)
@pytest.mark.parametrize("view", View)
def test_default_columns_exist(kind: Kind, view: View) -> None:
    assert choose.shown(kind, view, None)
    assert {column.name for column in choose.document(kind, None)} <= EVERY


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


@pytest.mark.root
def test_values_of_unreadable_set_are_missing(objects: Objects) -> None:
    semid = objects.semaphores(mode=0)
    out = as_nobody("list", "-s", "-o", "ID,VALUES").out
    assert f"{semid} -" in " ".join(out.split())
