"""The columns: names, and values of real objects."""

import os
import time
from itertools import chain
from pathlib import Path

import pytest

from pyipcs import objects as objects_of
from pyipcs.model import POSIX, Kind, View
from pyipcs.query import choose, columns
from pyipcs.query.choose import arranged
from pyipcs.query.columns import ValueType
from pyipcs.sysv import libc, procfs
from pyipcs.usage.processes import command_line
from tests.kit import kernel, mqueue
from tests.kit.factories import leaked_segment
from tests.kit.kernel import Objects, row
from tests.kit.program import as_nobody, run
from tests.kit.wait import LIMIT

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
    names = columns.VIEWS[kind, view].split()
    assert [column.name for column in choose.shown(kind, view, None)] == names
    documented = columns.DOCUMENTS[kind].split()
    assert [column.name for column in choose.document(kind, None)] == documented


def test_columns_of_one_name_have_one_meaning() -> None:
    """Objects of several kinds can be sorted in one table."""
    found: dict[str, set[tuple[str, ValueType]]] = {}
    for column in chain(*columns.OF_KIND.values()):
        found.setdefault(column.name, set()).add((column.field, column.value_type))
    assert {name: uses for name, uses in found.items() if len(uses) > 1} == {}


@pytest.mark.parametrize("kind", POSIX)
def test_usual_columns_of_posix_kinds_have_no_state(kind: Kind) -> None:
    for view in View:
        shown = choose.shown(kind, view, None, has_state=True)
        assert "STATE" not in {column.name for column in shown}
    assert {column.name for column in columns.OF_KIND[kind]} >= {
        *("KIND", "KEY", "ID", "NAME", "OWNER", "PERMS", "UID", "GID", "USER", "GROUP"),
        *("BORN", "MTIME", "ATIME", "CTIME", "AGE", "INODE"),
    }


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


def test_columns_of_posix_objects_have_the_values_of_the_kernel(isolated: None) -> None:
    with mqueue.queue("/columns", sizes=(4, 64)) as descriptor:
        mqueue.send_message(descriptor, b"12345")
        mqueue.notify(descriptor)
        names = "NAME MSGS USEDBYTES MAXMSG MSGSIZE USE% NOTIFY BORN KEY"
        assert rows(Kind.POSIX_QUEUE, names) == [
            ("/columns", 1, 5, 4, 64, "25.00", os.getpid(), None, None)
        ]
    path = Path("/dev/shm/columns")
    path.write_bytes(b"x" * 5000)
    try:
        found = path.stat()
        names = "NAME SIZE RSS SWAP INODE DEVICE MTIME USER"
        memory, user = found.st_blocks * 512, run("id", "-un").out.strip()
        times = (found.st_ino, found.st_dev, int(found.st_mtime))
        assert rows(Kind.POSIX_SEGMENT, names) == [("/columns", 5000, memory, 0, *times, user)]
        ((born, age),) = rows(Kind.POSIX_SEGMENT, "BORN AGE")
        assert isinstance(born, int)
        assert isinstance(age, int)
        assert 0 <= time.time() - born - age < LIMIT
    finally:
        path.unlink()


def rows(kind: Kind, names: str) -> list[tuple[object, ...]]:
    """Return the values of columns for all real objects of a kind."""
    by_name = {column.name: column for column in columns.OF_KIND[kind]}
    chosen = [by_name[name] for name in names.split()]
    return [
        row
        for listing in arranged(objects_of.read(kind), chosen, chosen, None)
        for row in zip(*(column.of(listing) for column in chosen), strict=True)
    ]


def test_command_is_that_of_the_creator(objects: Objects) -> None:
    shmid = objects.segment()
    assert value_of(Kind.SEGMENT, "COMMAND", shmid) == command_line(os.getpid(), int(time.time()))
    assert value_of(Kind.SEGMENT, "COMMAND", leaked_segment(objects)) is None


@pytest.mark.root
def test_values_of_unreadable_set_are_missing(objects: Objects) -> None:
    semid = objects.semaphores(mode=0)
    out = as_nobody("list", "-s", "-o", "ID,VALUES").out
    assert f"{semid} -" in " ".join(out.split())
