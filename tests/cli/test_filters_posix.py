"""Options of filters with POSIX kinds, and earlier listings of POSIX objects."""

import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pyipcs.model import POSIX, Kind
from tests.kit.child import NEWNS, hide, unshare
from tests.kit.kernel import Objects
from tests.kit.posix import (
    SHM,
    child_in,
    hold_lease,
    hold_open,
    mount_tmpfs,
    needs_leases,
    own_mounts,
)
from tests.kit.posix_objects import PosixObjects, path_of
from tests.kit.program import elsewhere, invoke, unprivileged

OPTIONS = {Kind.POSIX_QUEUE: "-Q", Kind.POSIX_SEGMENT: "-M", Kind.POSIX_SEMAPHORE: "-S"}
Save = Callable[..., Path]


def listed(*args: str) -> list[str]:
    """Return the kinds with the ids or names that a successful listing has."""
    result = invoke("list", "-f", "jsonl", *args)
    assert (result.status, result.err) == (0, "")
    found = [json.loads(line) for line in result.out.splitlines()]
    return sorted(f"{one['kind']}{one.get('name', one.get('id'))}" for one in found)


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Return a function that saves the output of `list -J` to a file."""

    def save(*args: str) -> Path:
        path = tmp_path / "before.json"
        result = invoke("list", "-J", *args)
        assert result.status == 0
        path.write_text(result.out)
        return path

    return save


# Filters that some kinds lack.


@pytest.mark.parametrize("command", [["list"], ["rm", "--all=posix"]], ids=" ".join)
@pytest.mark.parametrize("filter_", ["--key 5", "--private", "--created-by 0"])
def test_filter_of_system_v_with_posix_kinds_alone_is_refused(
    command: list[str], filter_: str, posix_objects: PosixObjects
) -> None:
    for kind in POSIX:
        posix_objects.make(kind)
    kinds = ["--posix"] if command == ["list"] else []
    result = invoke(*command, *kinds, *filter_.split())
    option = filter_.split(maxsplit=1)[0]
    assert (result.status, result.out) == (2, "")
    assert f"{option} is about System V objects, not POSIX objects" in result.err
    assert all(path_of(kind, "x").exists() for kind in POSIX)


@pytest.mark.parametrize("filter_", ["--key 5", "--created-by {}"])
def test_filter_of_system_v_beside_posix_kinds_selects_none_of_them(
    filter_: str, posix_objects: PosixObjects, objects: Objects
) -> None:
    msqid = objects.queue(5)
    for kind in POSIX:
        posix_objects.make(kind)
    args = filter_.format(os.geteuid()).split()
    assert listed("-qmsQMS", *args) == [f"msg{msqid}"]
    assert listed("-q", "--posix", *args) == [f"msg{msqid}"]


def test_private_beside_posix_kinds_selects_none_of_them(
    posix_objects: PosixObjects, objects: Objects
) -> None:
    shmid = objects.segment()
    posix_objects.make(Kind.POSIX_SEGMENT)
    assert listed("-mM", "--private") == [f"shm{shmid}"]


@pytest.mark.parametrize("kinds", [[], ["-q"], ["--sysv"]], ids=str)
def test_match_of_system_v_kinds_alone_is_refused(
    kinds: list[str], posix_objects: PosixObjects
) -> None:
    result = invoke("list", *kinds, "--match", "x")
    assert (result.status, result.out) == (2, "")
    assert "--match is about POSIX objects, not " in result.err


def test_match_beside_system_v_kinds_selects_none_of_them(
    posix_objects: PosixObjects, objects: Objects
) -> None:
    objects.segment()
    posix_objects.make(Kind.POSIX_SEGMENT)
    posix_objects.make(Kind.POSIX_QUEUE)
    assert listed("-mM", "--match", "*") == ["pshm/x"]


@pytest.mark.parametrize(
    ("option", "refused"),
    [
        ("--empty", ["-M", "-S", "-MS"]),
        ("--unattached", ["-Q", "-S", "-QS"]),
    ],
)
def test_empty_and_unattached_without_their_kinds_are_refused(
    option: str, refused: list[str], posix_objects: PosixObjects
) -> None:
    for kinds in refused:
        result = invoke("list", kinds, option)
        assert (result.status, result.out) == (2, "")
        assert f"{option} is about " in result.err


def test_empty_with_mixed_kinds_selects_queues_of_both_families(
    posix_objects: PosixObjects, objects: Objects
) -> None:
    msqid = objects.queue()
    posix_objects.make(Kind.POSIX_QUEUE)
    posix_objects.make(Kind.POSIX_QUEUE, "full", messages=1)
    posix_objects.make(Kind.POSIX_SEGMENT)
    assert listed("-qQM", "--empty") == [f"msg{msqid}", "pmsg/x"]


@needs_leases
def test_unattached_with_mixed_kinds_selects_segments_of_both_families(
    posix_objects: PosixObjects, objects: Objects
) -> None:
    shmid = objects.segment()
    used = posix_objects.make(Kind.POSIX_SEGMENT, "used")
    posix_objects.make(Kind.POSIX_SEGMENT)
    with child_in(lambda: hold_open(used)):
        assert listed("-mMS", "--unattached") == ["pshm/x", f"shm{shmid}"]


def test_filters_that_exclude_each_other_are_refused(posix_objects: PosixObjects) -> None:
    result = invoke("list", "-qM", "--key", "5", "--match", "x")
    assert (result.status, result.out) == (2, "")
    assert "and another filter about" in result.err


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("x*", "x1"), ("/x*", "x1"), ("new*", "new\nline"), ("*\udcff*", "\udcff"), ("x[12]", "x1")],
)
@pytest.mark.parametrize("kind", POSIX)
def test_match_on_the_command_line_selects_by_pattern(
    kind: Kind, pattern: str, name: str, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind, name)
    posix_objects.make(kind, "other")
    result = invoke("rm", f"--all={kind.value}", "--match", pattern)
    assert (result.status, result.err) == (0, "")
    assert not path.exists()
    assert path_of(kind, "other").exists()


@pytest.mark.parametrize("kind", [Kind.POSIX_QUEUE, Kind.POSIX_SEGMENT])
def test_idle_selects_unused_files_by_their_times(kind: Kind, posix_objects: PosixObjects) -> None:
    old = time.time() - 7200
    os.utime(posix_objects.make(kind, "old"), (old, old))
    posix_objects.make(kind, "new")
    assert listed(OPTIONS[kind], "--idle", "1h") == [f"{kind.value}/old"]
    assert listed(OPTIONS[kind], "--idle", "3h") == []


# Objects that cannot be judged.


@pytest.mark.root
@pytest.mark.parametrize("option", ["--orphaned", "--suspect"])
def test_orphaned_counts_objects_that_cannot_be_judged(
    option: str, posix_objects: PosixObjects
) -> None:
    posix_objects.make(Kind.POSIX_SEGMENT, "a", mode=0o666)
    posix_objects.make(Kind.POSIX_SEGMENT, "b", mode=0o666)
    posix_objects.make(Kind.POSIX_QUEUE, mode=0o666)
    result = unprivileged("list", "--posix", option, "-f", "csv", "-o", "NAME")
    assert (result.status, result.out) == (0, "KIND,NAME\n")
    (line,) = result.err.splitlines()
    assert line.startswith("pyipcs: 1 POSIX queue and 2 POSIX segments could not be judged: ")


@pytest.mark.root
def test_unattached_counts_segments_that_cannot_be_judged(posix_objects: PosixObjects) -> None:
    posix_objects.make(Kind.POSIX_SEGMENT, mode=0o666)
    result = unprivileged("list", "-M", "--unattached", "-f", "csv", "-o", "NAME")
    assert (result.status, result.out) == (0, "NAME\n")
    assert result.err.startswith("pyipcs: 1 POSIX segment could not be judged: ")


def test_empty_counts_queues_with_unknown_messages(posix_objects: PosixObjects) -> None:
    path = posix_objects.make(Kind.POSIX_QUEUE)
    posix_objects.make(Kind.POSIX_QUEUE, "empty")
    with child_in(lambda: hold_lease(path)):
        result = invoke("list", "-Q", "--empty", "-f", "csv", "-o", "NAME")
    why = "1 POSIX queue could not be judged: the messages cannot be counted"
    assert result == (0, "NAME\n/empty\n", f"pyipcs: {why}\n")


# Earlier listings.


@pytest.mark.parametrize("time_format", ["iso", "epoch"])
def test_not_in_selects_new_objects_by_listings_with_exact_times(
    time_format: str, posix_objects: PosixObjects, save: Save
) -> None:
    for kind in POSIX:
        posix_objects.make(kind, "old")
    before = save("--posix", "--time-format", time_format)
    assert listed("--posix", "--not-in", str(before)) == []
    for kind in POSIX:
        posix_objects.make(kind, "new")
    assert listed("--posix", "--not-in", str(before)) == ["pmsg/new", "psem/new", "pshm/new"]


@pytest.mark.parametrize("time_format", ["full", "short", "relative"])
def test_not_in_listing_with_inexact_births_is_refused(
    time_format: str, posix_objects: PosixObjects, save: Save
) -> None:
    posix_objects.make(Kind.POSIX_SEGMENT)
    before = save("-M", "--time-format", time_format)
    result = invoke("rm", "--all=pshm", "--not-in", str(before))
    assert (result.status, result.out) == (2, "")
    assert path_of(Kind.POSIX_SEGMENT, "x").exists()


@pytest.mark.parametrize("kind", POSIX)
def test_not_in_selects_object_that_replaced_its_namesake(
    kind: Kind, posix_objects: PosixObjects, save: Save
) -> None:
    path = posix_objects.make(kind)
    with child_in(lambda: hold_open(path)):  # its inode stays used
        before = save("--posix")
        path.unlink()
        posix_objects.make(kind)
        assert listed("--posix", "--not-in", str(before)) == [f"{kind.value}/x"]


@pytest.mark.parametrize("kind", POSIX)
def test_not_in_ignores_changed_objects(
    kind: Kind, posix_objects: PosixObjects, save: Save
) -> None:
    path = posix_objects.make(kind)
    before = save("--posix")
    path.chmod(0o640)
    os.utime(path, (1, 1))
    assert listed("--posix", "--not-in", str(before)) == []


@pytest.mark.parametrize("kind", POSIX)
def test_not_in_compares_names_that_are_no_utf_8(
    kind: Kind, posix_objects: PosixObjects, save: Save
) -> None:
    for name in (b"\xff", b"\xfe", b"\\xff", b"new\nline"):
        posix_objects.make(kind, os.fsdecode(name))
    before = save("--posix")
    assert "name_base64" in before.read_text()
    assert listed("--posix", "--not-in", str(before)) == []
    path_of(kind, "\udcff").unlink()
    posix_objects.make(kind, "\udcff2")
    (new,) = json.loads(invoke("list", "--posix", "--not-in", str(before), "-J").out)[
        kind.collection
    ]
    assert "name_base64" in new


@pytest.mark.parametrize("field", ["inode", "device", "born", "name"])
def test_not_in_compares_each_field_of_identity(
    field: str, posix_objects: PosixObjects, save: Save
) -> None:
    posix_objects.make(Kind.POSIX_SEGMENT)
    before = save("-M")
    document: dict[str, Any] = json.loads(before.read_text())
    (row,) = document["posix_shmems"]
    other = {"born": "2001-09-09T01:46:40+00:00", "name": "/other"}
    row[field] = other.get(field, 4711)
    before.write_text(json.dumps(document))
    assert listed("-M", "--not-in", str(before)) == ["pshm/x"]
    del row[field]
    before.write_text(json.dumps(document))
    result = invoke("list", "-M", "--not-in", str(before))
    assert (result.status, result.out) == (2, "")
    assert f"lacks a field that identifies objects: '{field}'" in result.err


@pytest.mark.parametrize(
    ("saved", "kinds"), [("-q", "-Q"), ("-Q", "-M"), ("-M", "--posix"), ("--sysv", "--posix")]
)
def test_not_in_listing_without_a_chosen_kind_is_refused(
    saved: str, kinds: str, posix_objects: PosixObjects, save: Save
) -> None:
    before = save(saved)
    for kind in POSIX:
        posix_objects.make(kind)
    result = invoke("list", kinds, "--not-in", str(before))
    assert (result.status, result.out) == (2, "")
    assert "--not-in has a listing of " in result.err
    letter = {"-Q": "pmsg", "-M": "pshm", "--posix": "posix"}[kinds]
    assert invoke("rm", f"--all={letter}", "--not-in", str(before)).status == 2
    assert all(path_of(kind, "x").exists() for kind in POSIX)


def test_not_in_listing_with_queues_that_were_not_visible_is_refused(
    posix_objects: PosixObjects, save: Save
) -> None:
    before = save("--posix")
    document = json.loads(before.read_text())
    document["posix_queues"] = None
    before.write_text(json.dumps(document))
    posix_objects.make(Kind.POSIX_QUEUE)
    posix_objects.make(Kind.POSIX_SEGMENT)
    assert listed("-MS", "--not-in", str(before)) == ["pshm/x"]
    result = invoke("list", "--posix", "--not-in", str(before))
    assert (result.status, result.out) == (2, "")
    assert "--not-in has a listing of POSIX segments, POSIX semaphores, not POSIX queues" in (
        result.err.replace("POSIX shared memory segments", "POSIX segments")
    )


def test_not_in_listing_of_invisible_queues_has_null(
    posix_objects: PosixObjects, tmp_path: Path
) -> None:
    """The listing is that of a user who cannot see the queues."""
    before = tmp_path / "before.json"
    steps = [partial(unshare, NEWNS), partial(hide, "/dev/mqueue")]
    listing = unprivileged("list", "--posix", "-J", before=steps)
    assert json.loads(listing.out)["posix_queues"] is None
    before.write_text(listing.out)


@pytest.mark.parametrize(
    "value", [5, [5], [{}], "x", [{"name": 5, "inode": 1, "device": 1, "born": None}]]
)
def test_not_in_listing_of_invalid_posix_objects_is_refused(
    value: object, posix_objects: PosixObjects, save: Save
) -> None:
    before = save("--posix")
    document = json.loads(before.read_text())
    document["posix_shmems"] = value
    before.write_text(json.dumps(document))
    result = invoke("list", "-M", "--not-in", str(before))
    assert (result.status, result.out) == (2, "")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("base64", ["", "%%%", "eA", 5, None])
def test_not_in_listing_with_invalid_base64_is_refused(
    base64: object, posix_objects: PosixObjects, save: Save
) -> None:
    posix_objects.make(Kind.POSIX_SEGMENT, "\udcff")
    before = save("-M")
    document = json.loads(before.read_text())
    document["posix_shmems"][0]["name_base64"] = base64
    before.write_text(json.dumps(document))
    result = invoke("list", "-M", "--not-in", str(before))
    assert (result.status, result.out) == (2, "")
    assert "not a listing of pyipcs" in result.err


def replace_shm() -> None:
    """Mount another /dev/shm, with a file of the same name."""
    own_mounts()
    mount_tmpfs(SHM)
    (SHM / "x").write_bytes(b"hello")


@pytest.mark.parametrize("device", [4711, None, "x"])
def test_not_in_listing_with_another_device_is_refused(
    device: object, posix_objects: PosixObjects, save: Save
) -> None:
    posix_objects.make(Kind.POSIX_SEGMENT)
    before = save("--posix")
    document = json.loads(before.read_text())
    document["taken"]["shm_device"] = device
    before.write_text(json.dumps(document))
    result = invoke("list", "-M", "--not-in", str(before))
    assert (result.status, result.out) == (2, "")
    assert "the listing is from another /dev/shm" in result.err


@pytest.mark.root  # others would enter another user namespace, too
@pytest.mark.parametrize("command", [["list", "-M"], ["rm", "--all=pshm"]], ids=" ".join)
def test_not_in_listing_of_another_shm_is_refused(
    command: list[str], posix_objects: PosixObjects, save: Save
) -> None:
    posix_objects.make(Kind.POSIX_SEGMENT)
    before = save("--posix")
    result = elsewhere(*command, "--not-in", str(before), before=[replace_shm])
    assert (result.status, result.out) == (2, "")
    assert "the listing is from another /dev/shm" in result.err


@pytest.mark.root
def test_not_in_listing_of_queues_alone_needs_no_shm(
    posix_objects: PosixObjects, save: Save
) -> None:
    before = save("-Q")
    posix_objects.make(Kind.POSIX_QUEUE)
    args = ("list", "-Q", "--not-in", str(before), "-f", "csv", "-o", "NAME")
    assert elsewhere(*args, before=[replace_shm]) == (0, "NAME\n/x\n", "")


def test_not_in_twice_selects_objects_in_neither_listing(
    posix_objects: PosixObjects, save: Save
) -> None:
    posix_objects.make(Kind.POSIX_SEGMENT, "first")
    before = save("-M")
    later = before.rename(before.with_name("first.json"))
    path_of(Kind.POSIX_SEGMENT, "first").unlink()
    posix_objects.make(Kind.POSIX_SEGMENT, "second")
    now = save("-M")
    posix_objects.make(Kind.POSIX_SEGMENT, "third")
    assert listed("-M", "--not-in", str(later), "--not-in", str(now)) == ["pshm/third"]
    assert listed("-M", "--not-in", str(later)) == ["pshm/second", "pshm/third"]
