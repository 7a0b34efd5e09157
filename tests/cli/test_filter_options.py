"""Options given several times: no filter, input or target is dropped."""

import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from pyipcs.cli import app
from pyipcs.cli.command import Alias, Option
from pyipcs.model import SYSV, Kind
from pyipcs.query.filters import FILTERS
from pyipcs.sysv import libc
from tests.kit.factories import leaked_segment, suspect_queue
from tests.kit.kernel import NOBODY, Objects, attached, everything, receive_all, remove, row
from tests.kit.program import invoke, pyipcs
from tests.kit.wait import wait_for_second

_Baseline = Callable[[str], str]


@pytest.fixture
def baseline(tmp_path: Path) -> _Baseline:
    """Return a function that writes a listing and returns its path."""

    def write(name: str) -> str:
        path = tmp_path / name
        path.write_text(invoke("list", "-J").out)
        return str(path)

    return write


def listed(*args: str) -> set[tuple[Kind, int]]:
    """Return the objects that a command line lists."""
    result = invoke("list", "-f", "jsonl", *args)
    assert (result.status, result.err) == (0, "")
    found = [json.loads(line) for line in result.out.splitlines()]
    return {(Kind(one["kind"]), one["id"]) for one in found}


# -- Filters


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_not_in_repeated_selects_objects_missing_from_all_files(
    order: tuple[str, str], objects: Objects, isolated: None, baseline: _Baseline
) -> None:
    """The second file does not replace the first."""
    first = objects.segment(5)
    paths = {"a": baseline("a")}
    remove(Kind.SEGMENT, first)
    second, third = objects.segment(6), objects.segment(7)
    paths["b"] = baseline("b")
    remove(Kind.SEGMENT, third)
    new = objects.segment(8)
    filters = [word for name in order for word in ("--not-in", paths[name])]
    assert listed(*filters) == {(Kind.SEGMENT, new)}
    assert invoke("rm", "--all", *filters) == (0, "", "")
    assert everything() == {(Kind.SEGMENT, second)}


def test_not_in_repeated_selects_only_the_kinds_that_all_files_have(
    objects: Objects, isolated: None, baseline: _Baseline, tmp_path: Path
) -> None:
    queues = tmp_path / "queues"
    queues.write_text(invoke("list", "-J", "-q").out)
    path = baseline("all")
    msqid = objects.queue()
    objects.segment()
    for one, other in ((path, str(queues)), (str(queues), path)):
        assert listed("--not-in", one, "--not-in", other) == {(Kind.QUEUE, msqid)}


def test_key_repeated_selects_any_of_the_keys(objects: Objects, isolated: None) -> None:
    expected = {(kind, objects.make(kind, key)) for kind in SYSV for key in (5, -6)}
    objects.queue(7)
    objects.segment()
    filters = ("--key", "5", "--key", "0xfffffffa")
    assert listed(*filters) == expected
    before = everything()
    assert invoke("rm", "--all", *filters) == (0, "", "")
    assert everything() == before - expected


@pytest.mark.root
def test_owner_and_creator_repeated_select_any_of_the_users(
    objects: Objects, isolated: None
) -> None:
    mine, given, other = objects.queue(), objects.queue(), objects.queue()
    libc.change(Kind.QUEUE, given, uid=NOBODY)
    libc.change(Kind.QUEUE, other, uid=12345)
    both = {(Kind.QUEUE, mine), (Kind.QUEUE, given)}
    assert listed("--owner", "0", "--owner", str(NOBODY)) == both
    assert listed("--owner", str(NOBODY), "--owner", "0") == both
    assert listed("--created-by", "0", "--created-by", "1") == both | {(Kind.QUEUE, other)}
    assert listed("--created-by", "1", "--created-by", "2") == set()
    assert listed("--owner", "0", "--owner", "1", "--created-by", "1") == set()


@pytest.mark.slow
def test_durations_repeated_must_all_hold(objects: Objects, isolated: None) -> None:
    msqid = objects.queue()
    found = {(Kind.QUEUE, msqid)}
    wait_for_second(int(row(Kind.QUEUE, msqid)["ctime"]) + 2)  # with a margin of one
    for option in ("--older-than", "--idle"):
        assert listed(option, "0", option, "0.5") == found - listed(option, "0", option, "1h")
        assert listed(option, "1h", option, "0") == set()
        assert listed(option, "0", option, "1h") == set()
        assert invoke("rm", "--all", option, "1h", option, "0") == (0, "", "")
        assert everything() == found


def test_orphaned_beside_suspect_selects_orphaned_segments(
    objects: Objects, isolated: None
) -> None:
    leaked = leaked_segment(objects)
    suspect_queue(objects)
    for filters in (("--orphaned", "--suspect"), ("--suspect", "--orphaned")):
        assert listed(*filters) == {(Kind.SEGMENT, leaked)}


def test_private_selects_objects_without_a_key(objects: Objects, isolated: None) -> None:
    private = {(kind, objects.make(kind)) for kind in SYSV}
    keyed = {(kind, objects.make(kind, 5)) for kind in SYSV}
    assert listed("--private") == private
    assert listed("--private", "--key", "5") == set()
    assert invoke("rm", "--all", "--private") == (0, "", "")
    assert everything() == keyed


def test_private_beside_orphaned_spares_segments_with_a_key(
    objects: Objects, isolated: None
) -> None:
    private, keyed = leaked_segment(objects), leaked_segment(objects, 5)
    assert listed("--orphaned") == {(Kind.SEGMENT, private), (Kind.SEGMENT, keyed)}
    assert invoke("rm", "--all", "--orphaned", "--private") == (0, "", "")
    assert everything() == {(Kind.SEGMENT, keyed)}


@pytest.mark.parametrize(
    ("key", "words"), [(0, "it is private"), (5, "it can be found again by its key")]
)
def test_reason_of_an_orphaned_segment_shows_whether_it_has_a_key(
    key: int, words: str, objects: Objects
) -> None:
    leaked = leaked_segment(objects, key)
    result = invoke("stat", "-m", str(leaked), "-f", "jsonl", "-o", "STATE,REASON")
    found = json.loads(result.out)
    assert found["state"] == "orphaned"
    assert found["reason"].endswith(f" gone; {words}")


def test_private_selects_a_segment_that_lost_its_key(objects: Objects, isolated: None) -> None:
    shmid = objects.segment(5)
    with attached(shmid):
        assert listed("--private") == set()
        remove(Kind.SEGMENT, shmid)
        assert listed("--private") == {(Kind.SEGMENT, shmid)}


@pytest.mark.parametrize("command", ["list", "rm"])
def test_help_explains_how_repeated_filters_combine(command: str) -> None:
    text = " ".join(invoke(command, "--help").out.split())
    assert "options from --owner to --not-in are filters" in text
    assert text.lower().count("if repeated") == {"list": 6, "rm": 5}[command]


# -- Options in general

# The options whose last value counts: they affect only the output, or are those of util-linux. No
# object, input or change is dropped.
LAST_COUNTS = {
    "": {"--color"},
    "list": {"--id", "--format", "--output", "--sort", "--time-format", "--watch"},
    "make": {"--shmem", "--semaphore", "--mode", "--posix-shmem"},
    "rm": {"--format", "--output", "--sort", "--time-format"},
    "send": {"--timeout"},
    "recv": {"--timeout", "--format", "--unpack"},
    "stat": {"--format", "--output", "--sort", "--time-format", "--watch"},
    "op": {"--timeout", "--conflict-exit-code"},
    "read": {"--format", "--unpack"},
    "run": {"--private", "--shm", "--format"},
}


def repeatable(param: click.Parameter) -> bool:
    """Return True if only the last of several values of an option counts."""
    if not isinstance(param, Option) or isinstance(param, Alias) or param.is_flag:
        return False
    return not param.multiple and not param.once


@pytest.mark.parametrize("command", app.COMMANDS)
def test_last_value_counts_only_where_nothing_is_dropped(command: str) -> None:
    found = {param.opts[-1] for param in app.load(command).params if repeatable(param)}
    assert found == LAST_COUNTS[""] | LAST_COUNTS.get(command, set())


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("send {msqid} -F {file} -F /dev/null", "--file"),
        ("send {msqid} -t 1 --type=2 a", "--type"),
        ("recv {msqid} --exec 'echo a' --exec 'echo b'", "--exec"),
        ("recv {msqid} -t 1 -t 1", "--type"),
        ("recv {msqid} -n1 -n2", "--count"),
        ("set {msqid} --mode 600 --mode 644", "--mode"),
        ("set {msqid} --owner 0 --owner 0", "--owner"),
        ("make -Q -k 5 -k 6", "--key"),
        ("make -S 1 --values 1 --values 2", "--values"),
        ("list --ns {pid} --ns {pid}", "--ns"),
        ("rm --all=shm --all=msg", "--all"),
        ("rm -a msg -a", "--all"),
        ("read {msqid} --offset 1 --offset 2", "--offset"),
        ("write {msqid} -F {file} -F {file}", "--file"),
    ],
)
def test_option_given_twice_is_refused_before_anything_is_done(
    line: str, option: str, objects: Objects, isolated: None, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("lost")
    msqid = objects.queue()
    before = everything()
    result = pyipcs(*shlex.split(line.format(msqid=msqid, file=file, pid=os.getpid())))
    command = line.split(maxsplit=1)[0]
    assert result == (
        2,
        "",
        f"pyipcs: {command}: option {option} is given twice (see pyipcs {command} --help)\n",
    )
    assert everything() == before
    assert receive_all(msqid) == []


def test_filter_options_of_rm_have_a_filter_each() -> None:
    """`rm --all` would ignore such an option and remove every object."""
    (options,) = (options for title, options in app.load("rm").grouped() if title == "Objects")
    assert {option.name for option in options} == {"all_kinds", *FILTERS, "not_in"}
