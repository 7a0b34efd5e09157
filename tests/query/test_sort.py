"""The order of rows: all of one table, and each of several tables."""

import csv
import itertools
from collections.abc import Mapping

import pytest

from pyipcs.model import SYSV, Kind
from pyipcs.query.columns import OF_KIND
from tests.kit import kernel
from tests.kit.kernel import Objects, row
from tests.kit.program import invoke
from tests.kit.terminal import picture, table_of


def by_key(objects: Objects) -> Mapping[Kind, list[int]]:
    """Create objects of all kinds, whose keys alternate between the kinds."""
    return {
        Kind.QUEUE: [objects.queue(key) for key in (1, 4, 7)],
        Kind.SEGMENT: [objects.segment(key) for key in (2, 5, 8)],
        Kind.SEMAPHORE: [objects.semaphores(key) for key in (3, 6, 9)],
    }


@pytest.mark.parametrize("format_", ["csv", "tsv", "export", "plain"])
def test_sort_of_one_table_orders_the_rows_of_all_kinds(
    format_: str, objects: Objects, isolated: None
) -> None:
    by_key(objects)
    for minus, numbers in (("", range(1, 10)), ("-", range(9, 0, -1))):
        out = invoke("list", "-f", format_, "-o", "KIND,KEY", "--sort", f"{minus}KEY").out
        keys = [f"0x{number:08x}" for number in numbers]
        places = [out.index(key) for key in keys]
        assert places == sorted(places), out
        assert out.count("0x") == 9


def test_sort_by_ctime_over_all_kinds_is_stable(objects: Objects, isolated: None) -> None:
    ids = by_key(objects)
    args = ("list", "-f", "csv", "-o", "KIND,ID,CTIME", "--time-format", "epoch")
    for minus in ("", "-"):
        rows = [*csv.reader(invoke(*args, "--sort", f"{minus}CTIME").out.splitlines())][1:]
        times = [int(time) for _kind, _id, time in rows]
        assert times == sorted(times, reverse=bool(minus))
        for _time, same in itertools.groupby(rows, key=lambda one: one[2]):
            kinds = [kind for kind, _id, _time in same]
            assert kinds == sorted(kinds, key=[kind.value for kind in SYSV].index)
        assert {(kind, int(found)) for kind, found, _ in rows} == {
            (kind.value, one) for kind, each in ids.items() for one in each
        }
        assert all(int(row(Kind(kind), int(one))["ctime"]) == int(t) for kind, one, t in rows)


def test_sort_by_a_column_of_one_kind_puts_other_kinds_last(
    objects: Objects, isolated: None
) -> None:
    by_key(objects)
    msqid = objects.queue(10)
    kernel.send(msqid, b"message")
    for format_ in ("csv", "export"):
        lines = invoke(
            "list", "-f", format_, "-o", "KIND,KEY,MSGS", "--sort", "-MSGS", "--noheadings"
        ).out.splitlines()
        assert "0x0000000a" in lines[0]
        assert ["msg" in line for line in lines] == [True] * 4 + [False] * 6
        assert all(line.count("KEY=") == 1 for line in lines) or format_ == "csv"


@pytest.mark.parametrize("sort", ["USE%", "-USE%", "-LIMIT", "RESOURCE"])
def test_sort_of_limits_orders_the_rows_of_all_kinds(sort: str, objects: Objects) -> None:
    objects.semaphores(nsems=50)
    args = ("list", "-l", "-f", "csv", "-o", "KIND,RESOURCE,LIMIT,USED,USE%", "--sort", sort)
    rows = [*csv.DictReader(invoke(*args).out.splitlines())]
    name = sort.removeprefix("-")
    known = [one[name] for one in rows if one[name]]
    assert [*map(bool, (one[name] for one in rows))] == sorted(
        (bool(one[name]) for one in rows), reverse=True
    )
    key = str if name == "RESOURCE" else float
    assert known == sorted(known, key=key, reverse=sort.startswith("-"))
    assert {one["KIND"] for one in rows} == {kind.value for kind in SYSV}


def test_sort_of_limits_on_a_terminal_orders_all_rows(objects: Objects, isolated: None) -> None:
    for _ in range(41):  # of 4,096
        objects.segment()
    rows = table_of(picture("list", "-l", "--sort", "-USE%"), "System V IPC limits")
    assert (rows[0]["RESOURCE"], rows[0]["USE%"]) == ("SHMMNI", "▏░░░░░░░ 1%")
    assert rows[-1]["USE%"] == "-", "rows without a limit come last"


def test_sort_of_several_tables_orders_each(objects: Objects, isolated: None) -> None:
    by_key(objects)
    text = picture("list", "-o", "KEY,ID", "--sort", "-KEY")
    for title, last in (("Message queues", 7), ("Shared memory", 8), ("Semaphore sets", 9)):
        keys = [int(one["KEY"], 16) for one in table_of(text, title)]
        assert keys == [last, last - 3, last - 6]


def test_columns_of_one_name_have_one_type() -> None:
    """Rows of several kinds can be compared by them."""
    types: dict[str, set[object]] = {}
    for column in itertools.chain(*OF_KIND.values()):
        types.setdefault(column.name, set()).add(column.value_type)
    assert all(len(each) == 1 for each in types.values())
