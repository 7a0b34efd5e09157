"""STATE among the usual columns: in tables on a terminal, and in no other default output."""

import json

import pytest

from pyipcs.model import SYSV, Kind, View
from pyipcs.query import choose
from tests.kit.factories import leaked_segment
from tests.kit.kernel import Objects
from tests.kit.program import forked, pyipcs
from tests.kit.terminal import end, on_terminal, picture, read_until, table_of, whole_run

TITLES = ("Message queues (1)", "Shared memory segments (1)", "Semaphore sets (1)")


@pytest.fixture
def population(objects: Objects, isolated: None) -> Objects:
    """Create a queue, a leaked segment and a set of semaphores."""
    objects.queue(0x1234)
    leaked_segment(objects)
    objects.semaphores(7, nsems=3)
    return objects


@pytest.mark.parametrize(
    "args",
    [
        ("list",),
        ("rm", "-n", "--all"),
        pytest.param(  # root may enter every namespace
            ("list", "--all-ns"), marks=[pytest.mark.root, pytest.mark.alone]
        ),
        ("list", "-o", "+AGE"),
    ],
)
def test_table_on_a_terminal_has_the_state_of_each_object(
    args: tuple[str, ...], population: Objects
) -> None:
    text = picture(*args, width=200)
    states = [table_of(text, title)[0]["STATE"] for title in TITLES]
    assert states[1] == "orphaned"
    named = forked("list", "-f", "csv", "-o", "STATE", "--noheadings").out.split()
    assert states == [line.rsplit(",", 1)[-1] for line in named]


def test_table_of_a_live_view_has_the_state(population: Objects) -> None:
    process, terminal = on_terminal("list", "-m", "--watch=60", width=120)
    read_until(terminal, "orphaned")
    end(process, terminal)


@pytest.mark.parametrize("view", ["-t", "-p", "-c"])
def test_table_of_another_view_has_no_state(view: str, population: Objects) -> None:
    assert "STATE" not in picture("list", view, width=200)


@pytest.mark.parametrize("format_", ["plain", "csv", "tsv", "export", "json", "jsonl"])
def test_other_format_on_a_terminal_has_no_state(format_: str, population: Objects) -> None:
    _, text = whole_run("list", "-f", format_)
    assert "STATE" not in text
    assert "orphaned" not in text


@pytest.mark.parametrize(
    "args",
    [(), ("-f", "table"), ("-f", "table", "--color", "always"), ("-f", "csv"), ("--noheadings",)],
)
def test_output_into_a_pipe_has_no_state(args: tuple[str, ...], population: Objects) -> None:
    out = forked("list", *args).out
    assert "STATE" not in out
    assert "orphaned" not in out


def test_json_has_no_state(population: Objects) -> None:
    document = json.loads(forked("list", "-J").out)
    assert not any("state" in one for one in document["queues"] + document["shmems"])


@pytest.mark.parametrize("kind", SYSV)
def test_usual_columns_with_state_are_those_of_the_status_view_alone(kind: Kind) -> None:
    for view in View:
        usual = choose.shown(kind, view, None)
        added = {*choose.shown(kind, view, None, has_state=True)} - {*usual}
        assert [one.name for one in added] == (["STATE"] if view is View.STATUS else [])


def test_help_of_list_states_the_cost_of_state() -> None:
    words = " ".join(pyipcs("list", "--help").out.split())
    assert "STATE costs a scan of /proc." in words
