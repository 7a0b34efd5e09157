import json
from pathlib import Path

import pytest

from pyipcs.model import Kind
from pyipcs.sysv import libc
from tests.kit.kernel import Objects, everything, ids, row
from tests.kit.program import as_nobody, invoke

KEY = "0x5eed"


def adopt(objects: Objects, out: str) -> list[int]:
    """The ids that were printed, in order; they are removed after the test."""
    kinds = {"Shared": Kind.SEGMENT, "Message": Kind.QUEUE, "Semaphore": Kind.SEMAPHORE}
    return [
        objects.adopt(kinds[line.split()[0]], int(line.split()[-1])) for line in out.splitlines()
    ]


def test_all_kinds_in_one_call(objects: Objects) -> None:
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


def test_random_keys_are_keys(objects: Objects) -> None:
    (first,) = adopt(objects, invoke("make", "-Q").out)
    (second,) = adopt(objects, invoke("make", "-Q").out)
    keys = {row(Kind.QUEUE, first)["key"], row(Kind.QUEUE, second)["key"]}
    assert len(keys) == 2
    assert "0" not in keys


def test_no_key(objects: Objects) -> None:
    for object_id, kind in zip(
        adopt(objects, invoke("make", "-Q", "-M1", "-S1", "--private").out),
        (Kind.SEGMENT, Kind.QUEUE, Kind.SEMAPHORE),
        strict=True,
    ):
        assert row(kind, object_id)["key"] == "0"


def test_a_key(objects: Objects, tmp_path: Path) -> None:
    for text, key in (("5", 5), ("-5", -5), ("0xffffffff", -1), ("key:010", 8)):
        (msqid,) = adopt(objects, invoke("make", "-Q", "-k", text).out)
        assert row(Kind.QUEUE, msqid)["key"] == str(key)
    (msqid,) = adopt(objects, invoke("make", "-Q", "-k", f"ftok:{tmp_path}:7").out)
    assert int(row(Kind.QUEUE, msqid)["key"]) % 2**32 >> 24 == 7


def test_a_key_that_is_taken(objects: Objects) -> None:
    objects.queue(0x5EED)
    before = everything()
    result = invoke("make", "-Q", "-k", KEY)
    assert (result.status, result.out) == (1, "")
    assert result.err == (
        "pyipcs: create message queue failed: File exists"
        " (key 0x5eed is taken; --exist-ok gives the id of what has it)\n"
    )
    assert everything() == before


def test_exist_ok_leaves_what_is_there_as_it_is(objects: Objects) -> None:
    semid = objects.semaphores(0x5EED, 0o600, 2)
    libc.set_values(semid, [7, 8])
    before = row(Kind.SEMAPHORE, semid)
    args = ["make", "-S2", "--values", "1,1", "-k", KEY, "--exist-ok", "-p", "644"]
    assert invoke(*args) == (0, f"Semaphore id: {semid}\n", "")
    assert [semaphore.value for semaphore in libc.semaphores(semid, 2)] == [7, 8]
    assert row(Kind.SEMAPHORE, semid) == before


def test_exist_ok_creates_and_sets_up_what_is_not_there(objects: Objects) -> None:
    args = ["make", "-S2", "--values", "1,32767", "-k", KEY, "--exist-ok"]
    (semid,) = adopt(objects, invoke(*args).out)
    assert [semaphore.value for semaphore in libc.semaphores(semid, 2)] == [1, 32767]
    assert invoke(*args).out == f"Semaphore id: {semid}\n"


def test_exist_ok_with_something_smaller(objects: Objects) -> None:
    objects.segment(0x5EED, size=100)
    result = invoke("make", "-M", "101", "-k", KEY, "--exist-ok")
    assert result == (
        1,
        "",
        "pyipcs: create share memory failed: the segment with key 0x5eed has less than 101 bytes\n",
    )


def test_setting_up(objects: Objects) -> None:
    (msqid,) = adopt(objects, invoke("make", "-Q", "--qbytes", "1234").out)
    found = json.loads(invoke("list", "-q", "-i", str(msqid), "-J").out)["queues"]
    assert found[0]["qbytes"] == 1234
    assert row(Kind.QUEUE, msqid)["perms"] == "644"


def test_values_of_a_set_that_may_not_be_written(objects: Objects) -> None:
    (semid,) = adopt(objects, invoke("make", "-S1", "--values", "5", "-p", "0444").out)
    assert row(Kind.SEMAPHORE, semid)["perms"] == "444"
    assert libc.semaphores(semid, 1)[0].value == 5


@pytest.mark.root
def test_owner(objects: Objects) -> None:
    made = adopt(objects, invoke("make", "-Q", "-M1", "-S1", "--owner", "12:34").out)
    for object_id, kind in zip(made, (Kind.SEGMENT, Kind.QUEUE, Kind.SEMAPHORE), strict=True):
        words = row(kind, object_id)
        assert [words[name] for name in ("uid", "gid", "cuid", "cgid")] == ["12", "34", "0", "0"]
    (msqid,) = adopt(objects, invoke("make", "-Q", "--owner", "root").out)
    assert row(Kind.QUEUE, msqid)["gid"] == "0"


@pytest.mark.root
def test_a_set_as_another_user(objects: Objects) -> None:
    result = as_nobody("make", "-S1", "--values", "5", "-p", "0044")
    (semid,) = adopt(objects, result.out)
    assert (result.status, row(Kind.SEMAPHORE, semid)["perms"]) == (0, "44")


def test_other_ways_to_print(objects: Objects) -> None:
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


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ("", "nothing to make"),
        ("-p 644", "nothing to make"),
        ("-M x", "'x': not a size"),
        ("-M 0", "1 byte"),
        ("-M 99999999Y", "too large (the most is 18446744073709551615)"),
        ("-S 0", "1 semaphore"),
        ("-S x", "'x': not a decimal number"),
        ("-S 99999999999", "too large (the most is 2147483647)"),
        ("-Q --qbytes 4294967296", "too large (the most is 2147483647)"),
        ("-Q -p 9", "not a mode"),
        ("-Q -p 7777", "not a mode"),
        ("-Q -k 0", "IPC_PRIVATE"),
        ("-M junk -M 1", "'junk': not a size"),
        ("-Q -p 9 --mode=600", "'9': not a mode"),
        ("-Q -k x", "not a key"),
        ("-Q -k 5 --private", "so no -k"),
        ("-Q --exist-ok", "--exist-ok needs -k"),
        ("-M 1 --qbytes 5", "--qbytes needs -Q"),
        ("-Q --values 5", "--values needs -S"),
        ("-S 2 --values 5", "each of the 2 semaphores"),
        ("-S 2 --values 5,", "not values"),
        ("-S 1 --values 32768", "not values (0 to 32767"),
        ("-Q --owner nobody-has-this-name", "no such user"),
        ("-Q -i -J", "two ways to print"),
        ("-Q extra", "unexpected operand 'extra'"),
        ("--s 3", "ambiguous (--semaphore, --shmem)"),
        ("-m 5", "no such option -m"),
    ],
)
def test_usage_errors(args: str, why: str) -> None:
    before = everything()
    result = invoke("make", *args.split())
    assert (result.status, result.out) == (2, "")
    assert why in result.err
    assert result.err.count("\n") == 1
    assert everything() == before


def test_what_the_kernel_refuses() -> None:
    over = int(Path("/proc/sys/kernel/sem").read_text().split()[0]) + 1
    result = invoke("make", "-S", str(over))
    assert result == (
        1,
        "",
        f"pyipcs: create semaphore failed: Invalid argument (limit semmsl: {over - 1})\n",
    )
    shmmax = int(Path("/proc/sys/kernel/shmmax").read_text())
    result = invoke("make", "-M", str(2**64 - 1))
    assert result.err == (
        f"pyipcs: create share memory failed: Invalid argument (limit shmmax: {shmmax})\n"
    )
    result = invoke("make", "-M", "8E")  # under shmmax, and yet too large for a file
    assert result.err == "pyipcs: create share memory failed: Invalid argument\n"


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
def test_a_limit_that_is_reached(
    objects: Objects, isolated: None, setting: str, value: str, args: str, limit: str
) -> None:
    for kind in Kind:
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
def test_what_was_made_goes_when_a_later_step_fails(isolated: None) -> None:
    before = everything()
    result = as_nobody("make", "-M", "1", "-S", "1", "-Q", "--qbytes", "99999999")
    msgmnb = Path("/proc/sys/kernel/msgmnb").read_text().strip()
    assert result == (
        1,
        "",
        "pyipcs: set qbytes failed: Operation not permitted"
        f" (99999999 is over msgmnb, which is {msgmnb}: it takes CAP_SYS_RESOURCE)\n",
    )
    assert everything() == before


def test_what_was_made_goes_when_another_kind_fails() -> None:
    before = everything()
    assert invoke("make", "-M", "1", "-Q", "-S", "2147483647").status == 1
    assert everything() == before


def test_the_peers_name(objects: Objects) -> None:
    result = invoke("--q", "--mode=600", program="ipcmk")
    (msqid,) = adopt(objects, result.out)
    assert msqid in ids(Kind.QUEUE)
