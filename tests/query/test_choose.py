"""The choice of columns, and the order of objects by one."""

import re

import pytest

from pyipcs.model import Kind, View
from pyipcs.query import choose, columns
from pyipcs.query.choose import Choice, arranged, parse_choice, parse_sort
from pyipcs.sysv import procfs
from tests.kit import samples
from tests.kit.kernel import Objects


def test_parse_choice_ignores_case_and_blanks() -> None:
    assert parse_choice("id,Key") == Choice(("ID", "KEY"), more=False)
    assert parse_choice("+use%, AGE") == Choice(("USE%", "AGE"), more=True)


def test_parse_sort_minus_reverses() -> None:
    assert parse_sort("-size") == ("SIZE", True)


def test_choice_replaces_or_adds_columns_of_the_kind() -> None:
    names = [column.name for column in choose.shown(Kind.QUEUE, View.PID, parse_choice("+AGE,ID"))]
    assert names == ["KEY", "ID", "OWNER", "LSPID", "LRPID", "AGE"]
    names = [c.name for c in choose.shown(Kind.QUEUE, View.PID, parse_choice("AGE,SIZE,ID,AGE"))]
    assert names == ["AGE", "ID"]


@pytest.mark.parametrize("choice", ["", "+", "ID,", " ,ID"])
def test_parse_choice_of_missing_name_fails(choice: str) -> None:
    with pytest.raises(ValueError, match="a column's name is missing"):
        parse_choice(choice)


# Names that a listing of queues lacks, with the suggestion.
UNKNOWN = {
    "MSG": "MSGS",
    "msgz": "MSGS",
    "ownr": "OWNER",
    "USE": "USE%",  # not USER
    "cbytes": "USEDBYTES",  # the kernel's name
    "mode": "PERMS",
    "siz": None,  # only segments have SIZE
    "NOPE": None,
    "ID KEY": None,
    "id;key": None,
    "\x1b[31m": None,
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_check_of_unknown_name_suggests_a_column_of_the_kinds(name: str) -> None:
    hint = f", did you mean {UNKNOWN[name]}?" if UNKNOWN[name] else ""
    message = f"no column '{name}'{hint} (pyipcs help columns lists them)"
    for names in (parse_choice(f"KEY,{name}").names, parse_sort(f"-{name}")[:1]):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            choose.check(names, [columns.OF_KIND[Kind.QUEUE]], "message queues")


def test_check_of_all_kinds_suggests_columns_of_each() -> None:
    for name, closest in (("SIZ", "SIZE"), ("NSEM", "NSEMS"), ("MSG", "MSGS")):
        with pytest.raises(ValueError, match=f"did you mean {closest}\\?"):
            choose.check([name], columns.OF_KIND.values(), "")


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


def test_arranged_reads_qbytes_only_for_its_column(objects: Objects) -> None:
    objects.queue()
    known = columns.OF_KIND[Kind.QUEUE]
    for names, is_read in (("ID,MSGS", False), ("ID,QBYTES", True)):
        chosen = choose.shown(Kind.QUEUE, View.STATUS, parse_choice(names))
        for listing in arranged(procfs.read(Kind.QUEUE), chosen, known, None):
            assert listing.has("qbytes") is is_read
