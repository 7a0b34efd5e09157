import json
from pathlib import Path

import pytest

from pyipcs.model import SYSV, Kind
from pyipcs.sysv import libc
from tests.kit.kernel import Objects, everything, ids, row
from tests.kit.program import as_nobody, invoke

KEY = "0x5eed"


def adopt(objects: Objects, out: str) -> list[int]:
    """Add the printed objects to those of the test; return their ids."""
    kinds = {"Shared": Kind.SEGMENT, "Message": Kind.QUEUE, "Semaphore": Kind.SEMAPHORE}
    return [
        objects.adopt(kinds[line.split()[0]], int(line.split()[-1])) for line in out.splitlines()
    ]


def test_make_all_kinds_prints_an_id_for_each(objects: Objects) -> None:
    result = invoke("make", "-S", "3", "-Q", "-M", "10K", "-p", "0620")
    shmid, msqid, semid = adopt(objects, result.out)
    assert result == (
        0,
        f"Shared memory id: {shmid}\nMessage queue id: {msqid}\nSemaphore id: {semid}\n",
        "",
    )
    assert (row(Kind.SEGMENT, shmid)["size"], row(Kind.SEGMENT, shmid)["perms"]) == ("10240", "620")
    assert row(Kind.QUEUE, msqid)["perms"] == "620"
    assert (row(Kind.SEMAPHORE, semid)["nsems"], row(Kind.SEMAPHORE, semid)["perms"]) == (
        "3",
        "620",
    )


def test_make_without_key_takes_a_random_key(objects: Objects) -> None:
    (first,) = adopt(objects, invoke("make", "-Q").out)
    (second,) = adopt(objects, invoke("make", "-Q").out)
    keys = {row(Kind.QUEUE, first)["key"], row(Kind.QUEUE, second)["key"]}
    assert len(keys) == 2
    assert "0" not in keys


def test_make_private_has_key_0(objects: Objects) -> None:
    for object_id, kind in zip(
        adopt(objects, invoke("make", "-Q", "-M1", "-S1", "--private").out),
        (Kind.SEGMENT, Kind.QUEUE, Kind.SEMAPHORE),
        strict=True,
    ):
        assert row(kind, object_id)["key"] == "0"


def test_make_key_takes_every_notation(objects: Objects, tmp_path: Path) -> None:
    for text, key in (("5", 5), ("-5", -5), ("0xffffffff", -1), ("key:010", 8)):
        (msqid,) = adopt(objects, invoke("make", "-Q", "-k", text).out)
        assert row(Kind.QUEUE, msqid)["key"] == str(key)
    (msqid,) = adopt(objects, invoke("make", "-Q", "-k", f"ftok:{tmp_path}:7").out)
    assert int(row(Kind.QUEUE, msqid)["key"]) % 2**32 >> 24 == 7


def test_make_exist_ok_leaves_an_existing_object_unchanged(objects: Objects) -> None:
    semid = objects.semaphores(0x5EED, 0o600, 2)
    libc.set_values(semid, [7, 8])
    before = row(Kind.SEMAPHORE, semid)
    args = ["make", "-S2", "--values", "1,1", "-k", KEY, "--exist-ok", "-p", "644"]
    assert invoke(*args) == (0, f"Semaphore id: {semid}\n", "")
    assert [semaphore.value for semaphore in libc.semaphores(semid, 2)] == [7, 8]
    assert row(Kind.SEMAPHORE, semid) == before


def test_make_exist_ok_creates_a_missing_object_with_values(objects: Objects) -> None:
    args = ["make", "-S2", "--values", "1,32767", "-k", KEY, "--exist-ok"]
    (semid,) = adopt(objects, invoke(*args).out)
    assert [semaphore.value for semaphore in libc.semaphores(semid, 2)] == [1, 32767]
    assert invoke(*args).out == f"Semaphore id: {semid}\n"


def test_make_qbytes_sets_the_limit_of_the_queue(objects: Objects) -> None:
    (msqid,) = adopt(objects, invoke("make", "-Q", "--qbytes", "1234").out)
    found = json.loads(invoke("list", "-q", "-i", str(msqid), "-J").out)["queues"]
    assert found[0]["qbytes"] == 1234
    assert row(Kind.QUEUE, msqid)["perms"] == "644"


def test_make_values_of_a_read_only_set_are_set(objects: Objects) -> None:
    (semid,) = adopt(objects, invoke("make", "-S1", "--values", "5", "-p", "0444").out)
    assert row(Kind.SEMAPHORE, semid)["perms"] == "444"
    assert libc.semaphores(semid, 1)[0].value == 5


@pytest.mark.root
def test_make_owner_changes_owner_but_not_creator(objects: Objects) -> None:
    created = adopt(objects, invoke("make", "-Q", "-M1", "-S1", "--owner", "12:34").out)
    for object_id, kind in zip(created, (Kind.SEGMENT, Kind.QUEUE, Kind.SEMAPHORE), strict=True):
        words = row(kind, object_id)
        assert [words[name] for name in ("uid", "gid", "cuid", "cgid")] == ["12", "34", "0", "0"]
    (msqid,) = adopt(objects, invoke("make", "-Q", "--owner", "root").out)
    assert row(Kind.QUEUE, msqid)["gid"] == "0"


@pytest.mark.root
def test_make_values_of_a_set_unreadable_to_its_owner_succeeds(objects: Objects) -> None:
    result = as_nobody("make", "-S1", "--values", "5", "-p", "0044")
    (semid,) = adopt(objects, result.out)
    assert (result.status, row(Kind.SEMAPHORE, semid)["perms"]) == (0, "44")


def test_make_ids_and_json_describe_the_new_objects(objects: Objects) -> None:
    out = invoke("make", "-Q", "-M", "7", "-i").out.split()
    objects.adopt(Kind.SEGMENT, int(out[0]))
    objects.adopt(Kind.QUEUE, int(out[1]))
    document = json.loads(invoke("make", "-Q", "-M", "7", "-J", "-p", "0").out)
    for name, kind in (("shmems", Kind.SEGMENT), ("queues", Kind.QUEUE)):
        (found,) = document[name]
        assert row(kind, objects.adopt(kind, found["id"]))["perms"] == found["mode"].lstrip("0") + (
            "0" if found["mode"] == "0000" else ""
        )
    assert document["shmems"][0]["segsz"] == 7


# Paths to a usage error besides those of tests/messages/table.
@pytest.mark.parametrize(
    ("args", "why"),
    [
        ("-p 644", "nothing to create"),
        ("-Q -k 0", "IPC_PRIVATE"),
        ("-M junk -M 1", "'junk': not a size"),  # a later option does not hide it
        ("-Q -p 9 --mode=600", "'9': not a mode"),
        ("--s 3", "ambiguous (--semaphore, --shmem)"),
    ],
)
def test_make_wrong_arguments_print_one_line_and_create_nothing(
    isolated: None, args: str, why: str
) -> None:
    before = everything()
    result = invoke("make", *args.split())
    assert (result.status, result.out) == (2, "")
    assert why in result.err
    assert result.err.count("\n") == 1
    assert everything() == before


@pytest.mark.root
@pytest.mark.parametrize(
    ("setting", "value", "args", "limit"),
    [
        ("msgmni", "1", "-Q", "limit msgmni: 1, in use: 1"),
        ("shmmni", "1", "-M 1", "limit shmmni: 1, in use: 1"),
        ("shmall", "2", "-M 8193", "limit shmall: 2 pages of 4096 bytes, in use: 1"),
        ("sem", "100 1000 10 1", "-S 1", "limit semmni: 1, in use: 1"),
        ("sem", "100 5 10 100", "-S 5", "limit semmns: 5, in use: 1"),
    ],
)
def test_make_over_a_limit_reports_limit_and_use(
    objects: Objects, isolated: None, setting: str, value: str, args: str, limit: str
) -> None:
    for kind in SYSV:
        objects.make(kind)
    file = Path("/proc/sys/kernel", setting)
    before = file.read_text()
    file.write_text(value)
    try:
        result = invoke("make", *args.split())
    finally:
        file.write_text(before)
    assert (result.status, result.out) == (1, "")
    assert result.err.endswith(f"failed: No space left on device ({limit})\n")


@pytest.mark.root
def test_make_failing_qbytes_removes_all_new_objects(isolated: None) -> None:
    before = everything()
    result = as_nobody("make", "-M", "1", "-S", "1", "-Q", "--qbytes", "99999999")
    assert (result.status, result.out, result.err.count("\n")) == (1, "", 1)
    assert everything() == before


def test_make_failing_kind_removes_the_other_kinds(isolated: None) -> None:
    before = everything()
    assert invoke("make", "-M", "1", "-Q", "-S", "2147483647").status == 1
    assert everything() == before


def test_make_named_ipcmk_takes_abbreviations(objects: Objects) -> None:
    result = invoke("--q", "--mode=600", program="ipcmk")
    (msqid,) = adopt(objects, result.out)
    assert msqid in ids(Kind.QUEUE)
