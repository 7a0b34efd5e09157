"""pyipcs rm --all: POSIX objects by kinds and filters."""

import json
import os
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

import pytest

from pyipcs.model import POSIX, Kind
from pyipcs.posix import lease
from tests.kit.kernel import IS_ROOT, NOBODY, Objects, everything
from tests.kit.posix import SHM, ShmFiles, child_in, hold_mapped, needs_leases
from tests.kit.posix_objects import PosixObjects, path_of, posix_files
from tests.kit.program import invoke, ordinary
from tests.kit.terminal import end, on_terminal, read_until, without_codes
from tests.kit.wait import LIMIT

NAMES = {
    Kind.POSIX_QUEUE: "mqueue/x",
    Kind.POSIX_SEGMENT: "shm/x",
    Kind.POSIX_SEMAPHORE: "shm/sem.x",
}
LINES = {
    Kind.POSIX_QUEUE: "removing POSIX message queue `{}'\n",
    Kind.POSIX_SEGMENT: "removing POSIX shared memory `{}'\n",
    Kind.POSIX_SEMAPHORE: "removing POSIX semaphore `{}'\n",
}
EACH = [Kind.POSIX_SEGMENT, Kind.POSIX_QUEUE, Kind.POSIX_SEMAPHORE]


def make_each(posix_objects: PosixObjects, name: str = "x", **options: int) -> list[Path]:
    """Create an object of each POSIX kind."""
    return [posix_objects.make(kind, name, **options) for kind in POSIX]


def in_use(*paths: Path) -> AbstractContextManager[object]:
    """Run a process that has files open within a `with` block."""
    return child_in(lambda: [os.open(path, os.O_RDONLY) for path in paths])


@pytest.mark.parametrize(
    ("option", "removed"),
    [
        (["--all=pshm"], [Kind.POSIX_SEGMENT]),
        (["--all=psem"], [Kind.POSIX_SEMAPHORE]),
        (["--all=pmsg"], [Kind.POSIX_QUEUE]),
        (["--all=pmsg,psem"], [Kind.POSIX_QUEUE, Kind.POSIX_SEMAPHORE]),
        (["--all=posix"], POSIX),
        (["-a", "posix"], POSIX),
        (["-a=pshm"], [Kind.POSIX_SEGMENT]),
        (["-apmsg"], [Kind.POSIX_QUEUE]),
        (["--all=posix,pshm"], POSIX),
    ],
    ids=str,
)
@pytest.mark.parametrize("program", ["pyipcs", "ipcrm"])
def test_rm_all_of_posix_kinds_removes_them_alone(
    option: list[str],
    removed: Sequence[Kind],
    program: str,
    posix_objects: PosixObjects,
    objects: Objects,
) -> None:
    objects.queue()
    make_each(posix_objects)
    result = invoke(*["rm"] * (program == "pyipcs"), *option, program=program)
    assert result == (0, "", "")
    assert posix_files() == {NAMES[kind] for kind in POSIX if kind not in removed}
    assert len(everything()) == 1


@pytest.mark.parametrize("option", ["--all", "-a", "--all=sysv", "-asysv", "--all=msg,shm,sem"])
def test_rm_all_of_system_v_leaves_posix_objects(
    option: str, posix_objects: PosixObjects, objects: Objects
) -> None:
    objects.queue()
    objects.segment()
    make_each(posix_objects)
    assert invoke("rm", option) == (0, "", "")
    assert everything() == set()
    assert posix_files() == {*NAMES.values()}


def test_rm_all_of_both_families_removes_both(
    posix_objects: PosixObjects, objects: Objects
) -> None:
    objects.queue()
    make_each(posix_objects)
    assert invoke("rm", "--all=sysv,posix") == (0, "", "")
    assert (everything(), posix_files()) == (set(), set())


@pytest.mark.parametrize("word", ["nosuch", "pshm,", "pshm,x", "POSIX", ""])
def test_rm_all_of_unknown_kind_removes_nothing(word: str, posix_objects: PosixObjects) -> None:
    make_each(posix_objects)
    result = invoke("rm", f"--all={word}")
    assert result.status == 2
    assert result.err.count("\n") == 1
    assert posix_files() == {*NAMES.values()}


def test_rm_all_verbose_prints_each_removed_object(posix_objects: PosixObjects) -> None:
    make_each(posix_objects)
    posix_objects.make(Kind.POSIX_SEGMENT, "new\nline")
    result = invoke("rm", "-v", "--all=posix")
    assert (result.status, result.err) == (0, "")
    expected = [LINES[kind].format("/x") for kind in EACH]
    expected.append(LINES[Kind.POSIX_SEGMENT].format(r"\x2fnew\nline"))
    assert sorted(result.out.splitlines(keepends=True)) == sorted(expected)


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("filters", "left"),
    [
        (["--mine"], ""),
        (["--match", "x"], "yz"),
        (["--match", "/[xy]"], "z"),
        (["--match", "x", "--match", "z"], "y"),
        (["--match", "x", "--mine"], "yz"),
        (["--older-than", "1h"], "xyz"),
        pytest.param(["--orphaned"], "", marks=needs_leases),
        pytest.param(["--suspect", "--match", "?"], "", marks=needs_leases),
    ],
    ids=str,
)
def test_rm_all_with_filters_removes_the_matching_objects(
    filters: list[str], left: str, dry_run: bool, posix_objects: PosixObjects
) -> None:
    for name in "xyz":
        make_each(posix_objects, name)
    before = posix_files()
    options = ["-n", "-f", "csv", "-o", "KIND,NAME"] if dry_run else []
    result = invoke("rm", "--all=posix", *filters, *options)
    assert (result.status, result.err) == (0, "")
    expected = {str(path_of(kind, name).relative_to("/dev")) for kind in POSIX for name in left}
    assert posix_files() == (before if dry_run else expected)
    if dry_run:
        rows = [line.split(",/") for line in result.out.splitlines()[1:]]
        shown = {str(path_of(Kind(kind), name).relative_to("/dev")) for kind, name in rows}
        assert shown == before - expected


def test_rm_all_not_in_removes_newer_objects(posix_objects: PosixObjects, tmp_path: Path) -> None:
    make_each(posix_objects, "old")
    listing = tmp_path / "before.json"
    listing.write_text(invoke("list", "--posix", "-J").out)
    old = posix_files()
    make_each(posix_objects, "new")
    assert invoke("rm", "--all=posix", "--not-in", str(listing)) == (0, "", "")
    assert posix_files() == old


@needs_leases
@pytest.mark.parametrize("kind", POSIX)
def test_rm_all_empty_and_unattached_remove_their_kinds_alone(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    posix_objects.make(kind)
    option = {Kind.POSIX_QUEUE: "--empty", Kind.POSIX_SEGMENT: "--unattached"}
    for other in ("--empty", "--unattached"):
        if option.get(kind) != other:
            assert invoke("rm", f"--all={kind.value}", other).status == 2
    assert len(posix_files()) == 1
    if kind in option:
        assert invoke("rm", "--all=posix", option[kind]) == (0, "", "")
        assert posix_files() == set()


# Objects in use.


@pytest.mark.parametrize("kind", POSIX)
def test_rm_all_without_filter_removes_objects_in_use(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    with in_use(posix_objects.make(kind)):
        assert invoke("rm", f"--all={kind.value}") == (0, "", "")
        assert posix_files() == set()


@needs_leases
@pytest.mark.parametrize("kind", POSIX)
@pytest.mark.parametrize("filters", [["--mine"], ["--match", "*"], ["--not-in"]], ids=" ".join)
@pytest.mark.parametrize("dry_run", [[], ["-n"]])
def test_rm_all_with_filter_skips_object_in_use(
    kind: Kind,
    filters: list[str],
    dry_run: list[str],
    posix_objects: PosixObjects,
    tmp_path: Path,
) -> None:
    listing = tmp_path / "before.json"
    listing.write_text(invoke("list", "--posix", "-J").out)
    if filters == ["--not-in"]:
        filters = ["--not-in", str(listing)]
    used = posix_objects.make(kind, "used")
    posix_objects.make(kind)
    with in_use(used):
        result = invoke("rm", f"--all={kind.value}", *dry_run, *filters)
    assert (result.status, result.err) == (1, f"pyipcs: skipped {kind.noun} /used: in use\n")
    assert used.exists()
    assert len(posix_files()) == 1 + bool(dry_run)
    assert "/used" not in result.out


@needs_leases
@pytest.mark.parametrize("kind", POSIX)
@pytest.mark.parametrize("option", ["--orphaned", "--suspect"])
@pytest.mark.parametrize("dry_run", [[], ["-n"]])
def test_rm_all_orphaned_does_not_select_object_in_use(
    kind: Kind, option: str, dry_run: list[str], posix_objects: PosixObjects
) -> None:
    used = posix_objects.make(kind, "used")
    posix_objects.make(kind)
    with in_use(used):
        result = invoke("rm", f"--all={kind.value}", *dry_run, option)
    assert (result.status, result.err) == (0, "")
    assert used.exists()
    assert len(posix_files()) == 1 + bool(dry_run)
    assert "/used" not in result.out


@needs_leases
def test_rm_all_unattached_does_not_select_mapped_segment(posix_objects: PosixObjects) -> None:
    used = posix_objects.make(Kind.POSIX_SEGMENT, "used")
    posix_objects.make(Kind.POSIX_SEGMENT)
    with child_in(partial(hold_mapped, used)):
        assert invoke("rm", "--all=pshm", "--unattached") == (0, "", "")
    assert posix_files() == {"shm/used"}


@needs_leases
def test_rm_all_orphaned_leaves_queue_with_messages_to_suspect(
    posix_objects: PosixObjects,
) -> None:
    posix_objects.make(Kind.POSIX_QUEUE, messages=1)
    posix_objects.make(Kind.POSIX_QUEUE, "empty")
    assert invoke("rm", "--all=pmsg", "--orphaned") == (0, "", "")
    assert posix_files() == {"mqueue/x"}
    assert invoke("rm", "--all=pmsg", "--suspect") == (0, "", "")
    assert posix_files() == set()


# Other files, and objects of other users.


def test_rm_all_leaves_other_files_and_counts_them(
    posix_objects: PosixObjects, shm: ShmFiles
) -> None:
    others = {f"shm/{name}" for name in shm.hostile()}
    make_each(posix_objects)
    number = sum(len(names) for _, _, names in os.walk(SHM)) - 2  # a segment and a semaphore
    note = f"pyipcs: not removed from /dev/shm: {number} other files (no POSIX objects)\n"
    assert invoke("rm", "--all=posix") == (0, "", note)
    assert posix_files() == others
    assert Path("/etc/passwd").exists()


def test_rm_all_of_queues_does_not_count_other_files(
    posix_objects: PosixObjects, shm: ShmFiles
) -> None:
    shm.hostile()
    posix_objects.make(Kind.POSIX_QUEUE)
    assert invoke("rm", "--all=pmsg") == (0, "", "")


@pytest.mark.root
@pytest.mark.parametrize("filters", [[], ["--match", "*"], ["--orphaned"]], ids=" ".join)
def test_rm_all_in_sticky_directory_takes_own_objects_alone(
    filters: list[str], posix_objects: PosixObjects
) -> None:
    make_each(posix_objects, "others", mode=0o666)
    before = posix_files()
    for path in make_each(posix_objects, "own"):
        os.chown(path, NOBODY, NOBODY)
    assert ordinary("rm", "--all=posix", *filters) == (0, "", "")
    assert posix_files() == before


@pytest.mark.root
def test_rm_all_without_sticky_bit_takes_objects_of_others(posix_objects: PosixObjects) -> None:
    posix_objects.make(Kind.POSIX_SEGMENT, mode=0o666)
    mode = SHM.stat().st_mode & 0o7777
    try:
        SHM.chmod(0o777)
        assert ordinary("rm", "--all=pshm", "-n", "-f", "csv", "-o", "NAME").out == "NAME\n/x\n"
        # No lease is possible: with a filter it is skipped.
        skipped = ordinary("rm", "--all=pshm", "--match", "x")
        why = "only its owner can check that nobody uses it"
        assert skipped == (1, "", f"pyipcs: skipped POSIX segment /x: {why}\n")
        assert ordinary("rm", "--all=pshm") == (0, "", "")
    finally:
        SHM.chmod(mode)
    assert posix_files() == set()


@pytest.mark.slow
@pytest.mark.parametrize("filters", [[], ["--mine"], ["--orphaned"]], ids=" ".join)
def test_rm_all_of_many_objects_removes_all(
    filters: Sequence[str], posix_objects: PosixObjects
) -> None:
    for number in range(1200):
        posix_objects.make(Kind.POSIX_SEGMENT, f"many-{number}")
    if filters == ["--orphaned"] and not lease.is_supported():
        pytest.skip("needs Linux 5.3")
    result = invoke("rm", "-v", "--all=pshm", *filters)
    assert (result.status, result.err) == (0, "")
    assert len({*result.out.splitlines()}) == 1200
    assert posix_files() == set()


@pytest.mark.parametrize("format_", ["plain", "table", "json", "jsonl", "csv", "tsv", "export"])
def test_rm_all_dry_run_shows_the_objects_in_any_format(
    format_: str, posix_objects: PosixObjects
) -> None:
    make_each(posix_objects)
    make_each(posix_objects, "other")
    before = posix_files()
    result = invoke("rm", "-n", "--all=posix", "--match", "x", "-f", format_)
    assert (result.status, result.err) == (0, "")
    assert result.out.count("/x") == 3
    assert "/other" not in result.out
    assert posix_files() == before
    if format_ == "json":
        document = json.loads(result.out)
        for kind in POSIX:
            assert [one["name"] for one in document[kind.collection]] == ["/x"]
        assert "queues" not in document


@needs_leases
def test_rm_all_orphaned_dry_run_in_a_table_shows_the_evidence(posix_objects: PosixObjects) -> None:
    posix_objects.make(Kind.POSIX_SEGMENT)
    result = invoke("rm", "-n", "--all=pshm", "--orphaned", "-f", "table")
    assert result.status == 0
    assert re.search(r"/x\s.*orphaned\s+nobody has it open", result.out)


# The question on a terminal.


def answered(answer: bytes, *args: str) -> tuple[int, str]:
    """Return the status of rm on a terminal, and its question."""
    process, terminal = on_terminal("rm", *args)
    try:
        text = read_until(terminal, r"\[y/N\]")
        os.write(terminal, answer)
        return process.wait(LIMIT), without_codes(text)
    finally:
        end(process, terminal)


@pytest.mark.parametrize(("answer", "status", "left"), [(b"y\n", 0, 0), (b"n\n", 1, 4)])
def test_rm_all_asks_with_the_kinds_in_the_order_of_the_listing(
    answer: bytes, status: int, left: int, posix_objects: PosixObjects
) -> None:
    make_each(posix_objects)
    posix_objects.make(Kind.POSIX_SEGMENT, "y")
    found, text = answered(answer, "--all=posix")
    assert found == status
    assert "Remove 1 POSIX queue, 2 POSIX segments and 1 POSIX semaphore?" in text
    assert len(posix_files()) == left


@needs_leases
def test_rm_all_asks_with_the_number_in_use_and_of_others(posix_objects: PosixObjects) -> None:
    used, other, _ = make_each(posix_objects)
    if IS_ROOT:
        os.chown(other, NOBODY, NOBODY)
    with in_use(used):
        status, text = answered(b"n\n", "--all=posix")
    assert status == 1
    expected = " 1 is in use, 1 belongs to another user." if IS_ROOT else " 1 is in use."
    assert f"1 POSIX semaphore?{expected}" in text
    assert len(posix_files()) == 3


def test_rm_all_of_no_object_asks_nothing(posix_objects: PosixObjects) -> None:
    process, terminal = on_terminal("rm", "--all=posix")
    try:
        assert process.wait(LIMIT) == 0
    finally:
        end(process, terminal)


@needs_leases
def test_rm_all_skips_object_opened_during_the_question(posix_objects: PosixObjects) -> None:
    paths = make_each(posix_objects)
    process, terminal = on_terminal("rm", "--all=posix", "--orphaned")
    try:
        read_until(terminal, r"\[y/N\]")
        paths[1].unlink()
        with ExitStack() as stack:
            stack.enter_context(in_use(paths[0]))
            os.write(terminal, b"y\n")
            text = without_codes(read_until(terminal, "in use"))
            assert process.wait(LIMIT) == 0
    finally:
        end(process, terminal)
    assert "skipped POSIX queue /x: in use" in text
    assert posix_files() == {NAMES[Kind.POSIX_QUEUE]}
