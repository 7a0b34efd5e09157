import ctypes
import json
import os
import re
import time
from functools import cache
from pathlib import Path

import pytest

from pyipcs.model import SYSV, Kind
from pyipcs.sysv.libc import change
from tests.kit.factories import departed, read_line, running, scripted
from tests.kit.kernel import Objects, attached, libc, lock, receive, row, send
from tests.kit.outputs import without_unreadable
from tests.kit.program import PYIPCS, as_nobody, invoke, pyipcs, run
from tests.kit.terminal import picture
from tests.kit.wait import wait_until

KEY = "0x00005eed"


@pytest.fixture
def msqid(objects: Objects) -> int:
    """Create a queue of 16 KiB, independent of msgmnb."""
    created = objects.queue(0x5EED, mode=0o620)
    change(Kind.QUEUE, created, qbytes=16384)
    return created


def test_stat_unused_queue_shows_all_fields(msqid: int) -> None:
    created = time.ctime(int(row(Kind.QUEUE, msqid)["ctime"]))
    assert without_unreadable(pyipcs("stat", KEY).out) == (
        f"Key {KEY}, msqid {msqid}\n\n"
        "0 messages on queue, 0 of 16384 bytes\n\n"
        "Last send never\n"
        "Last recv never\n"
        f"Last change at {created}\n\n"
        "State unknown: never used\n\n"
        f"Owner {whoami()}, created by {whoami()}, mode 0620\n"
    )


@cache
def whoami() -> str:
    """Return the names of the user and the group, as id(1) prints them."""
    return ":".join(run("id", flag).out.strip() for flag in ("-un", "-gn"))


def test_stat_queue_shows_last_sender_and_receiver(msqid: int) -> None:
    send(msqid, b"abc")
    send(msqid, b"defg")
    receive(msqid)
    words = row(Kind.QUEUE, msqid)
    own = f"{os.getpid()} ({comm()})"
    out = invoke("stat", str(msqid)).out
    assert "\n1 message on queue, 4 of 16384 bytes\n" in out
    assert f"\nLast send by proc {own} at {time.ctime(int(words['stime']))}\n" in out
    assert f"\nLast recv by proc {own} at {time.ctime(int(words['rtime']))}\n" in out


def comm() -> str:
    return Path("/proc/self/comm").read_text().rstrip("\n")


def test_stat_human_shortens_sizes(msqid: int) -> None:
    send(msqid, b"a" * 2048)
    assert "1 message on queue, 2K of 16K\n" in invoke("stat", KEY, "--human").out
    for args in ([], ["-b"]):
        assert "1 message on queue, 2048 of 16384 bytes\n" in invoke("stat", KEY, *args).out


def test_stat_last_sender_that_ended_is_gone(msqid: int) -> None:
    departed(lambda: send(msqid))
    pid = row(Kind.QUEUE, msqid)["lspid"]
    assert f"Last send by proc {pid} (gone) at " in invoke("stat", KEY).out


def test_stat_process_name_with_newline_stays_on_its_line(msqid: int) -> None:
    script = f"""
libc.prctl(15, b'a)\\nOwner bob')  # PR_SET_NAME
libc.msgsnd({msqid}, b'\\1' + bytes(7), 0, 0)
print(flush=True)
time.sleep(600)
"""
    with scripted(script) as process:
        read_line(process)
        out = invoke("stat", KEY).out
    assert f"by proc {process.pid} (a)\\nOwner bob) at " in out
    assert len(re.findall("^Owner", out, re.MULTILINE)) == 1


def test_stat_sort_orders_several_queues(objects: Objects, msqid: int) -> None:
    other = objects.queue()
    send(other)
    for args in (["--sort", "-MSGS"], ["--sort", "MSGS", "-J"], ["--sort=msgs", "-o", "ID"]):
        out = invoke("stat", KEY, str(other), *args).out
        first, second = (other, msqid) if args[1] == "-MSGS" else (msqid, other)
        listed = re.findall(r'(?:msqid |"id": |^ *)(\d+)(?=[,\n])', out, re.MULTILINE)
        assert [*map(int, listed)] == [first, second], args


def test_stat_sort_by_a_column_of_another_kind_fails(msqid: int) -> None:
    result = invoke("stat", KEY, "--sort", "NSEMS")
    assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)


def test_stat_wrong_columns_fail_before_the_lookup() -> None:
    for args in (["-o", "NSEMS"], ["-o", "ID", "-f", "openmetrics"], ["--sort", "SIZE"]):
        result = invoke("stat", "-q", "2147483647", *args)
        assert (result.status, result.out, result.err.count("\n")) == (2, "", 1), args


def test_stat_missing_target_does_not_hide_the_others(objects: Objects, msqid: int) -> None:
    other = objects.queue()
    result = invoke("stat", KEY, "2147483647", str(other), "-q")
    assert (result.status, result.err.count("\n")) == (1, 1)
    first, second = result.out.split("\n\nKey ")
    assert first.startswith(f"Key {KEY}")
    assert second.startswith(f"0x00000000, msqid {other}\n")


def test_stat_target_given_twice_is_shown_once(msqid: int) -> None:
    once, twice = invoke("stat", "-q", KEY), invoke("stat", "-q", KEY, str(msqid), KEY)
    assert twice.status == 0
    assert without_unreadable(twice.out) == without_unreadable(once.out)


def test_stat_json_is_that_of_list_with_state(objects: Objects, msqid: int) -> None:
    other = objects.queue()
    send(msqid)
    found = json.loads(invoke("stat", "-J", str(other), KEY).out)
    assert found["taken"]["filtered"] is True
    listed = [
        json.loads(invoke("list", "-qJ", "-i", str(id_)).out)["queues"][0] for id_ in (other, msqid)
    ]
    listed[0] |= {
        "state": "unknown",
        "reason": f"changed together with message queue {msqid}, which is in use",
    }
    sender = f"{os.getpid()} ({comm()})"
    listed[1] |= {"state": "in-use", "reason": f"its last sender, {sender}, lives"}
    for queue in found["queues"]:
        queue["reason"] = without_unreadable(queue["reason"])
        assert queue.pop("waiters") in ([], None)
        assert queue.pop("processes") in ([], None)
    assert found["queues"] == listed
    nothing = invoke("stat", "-J", "2147483647")
    assert (nothing.status, json.loads(nothing.out)["queues"]) == (1, [])
    assert invoke("stat", KEY, env={"PYIPCS_FORMAT": "json"}).out.startswith("{")


@pytest.mark.root
def test_stat_queue_of_another_user_shows_the_same(objects: Objects) -> None:
    msqid = objects.queue(mode=0)
    theirs, own = as_nobody("stat", str(msqid)), invoke("stat", str(msqid))
    assert without_unreadable(theirs.out) == without_unreadable(own.out)


def test_stat_queue_comes_in_every_format(objects: Objects, msqid: int) -> None:
    send(msqid, b"abc")
    assert invoke("stat", KEY, "-o", "KEY,MSGS", "-f", "csv").out == f"KEY,MSGS\n{KEY},1\n"
    assert invoke("stat", KEY, "-f", "export", "-o", "QBYTES").out == 'QBYTES="16384"\n'
    assert json.loads(invoke("stat", KEY, "-f", "jsonl").out)["kind"] == "msg"
    assert 'sysvipc_queue_messages{id="' in invoke("stat", KEY, "-f", "openmetrics").out
    assert "sysvipc_limit" not in invoke("stat", KEY, "-f", "openmetrics").out
    table = invoke("stat", KEY, "-f", "table").out
    assert without_unreadable(table) == without_unreadable(invoke("stat", KEY).out)
    assert invoke("stat", KEY, "-o", "MSGS").out == "MSGS\n   1\n"


def test_stat_time_format_applies_to_times(objects: Objects, msqid: int) -> None:
    words = row(Kind.QUEUE, msqid)
    out = invoke("stat", KEY, "--time-format", "epoch").out
    assert f"\nLast change at {words['ctime']}\n" in out
    out = invoke("stat", KEY, "--time-format=relative").out
    assert re.search(r"\nLast change (now|\d+s ago|1m ago)\n", out)


def test_stat_segment_shows_all_fields(objects: Objects) -> None:
    shmid = objects.segment(0x5EED, mode=0o600, size=10_000)
    words = row(Kind.SEGMENT, shmid)
    created = time.ctime(int(words["ctime"]))
    own = f"{os.getpid()} ({comm()})"
    assert invoke("stat", KEY).out == (
        f"Key {KEY}, shmid {shmid}\n\n"
        "10000 bytes, attached 0 times\n"
        "0 bytes in memory, 0 bytes in swap\n\n"
        f"Created by proc {own}\n"
        "Last use never\nLast attach never\nLast detach never\n"
        f"Last change at {created}\n\n"
        f"State in-use: its creator, {own}, lives\n\n"
        f"Owner {whoami()}, created by {whoami()}, mode 0600\n"
    )
    with attached(shmid) as address:
        ctypes.memset(address, 1, 1)
        out = invoke("stat", "-m", str(shmid), "--human").out
        assert f"\nAttached by proc {own}\nState in-use: attached 1 time, by {own}\n" in out
        when = time.ctime(int(row(Kind.SEGMENT, shmid)["atime"]))
    page = os.sysconf("SC_PAGESIZE") // 1024
    assert f"\n9.8K, attached 1 time\n{page}K in memory, 0B in swap\n" in out
    assert f"\nLast use by proc {own} at {when}\nLast attach at {when}\nLast detach never\n" in out


def test_stat_removed_and_locked_segment_shows_dest_and_locked(objects: Objects) -> None:
    shmid = objects.segment()
    lock(shmid)
    with attached(shmid):
        libc.shmctl(shmid, 0, None)
        assert ", attached 1 time, dest,locked\n" in invoke("stat", "-m", str(shmid)).out


@pytest.mark.all_processes
def test_stat_set_shows_each_semaphore_and_waiters(objects: Objects) -> None:
    semid = objects.semaphores(0x5EED, nsems=2)
    created = time.ctime(int(row(Kind.SEMAPHORE, semid)["ctime"]))
    head = f"Key {KEY}, semid {semid}\n\n2 semaphores in set\n"
    changed = f"Last change at {created}\n\n"
    tail = f"Owner {whoami()}, created by {whoami()}, mode 0644\n"
    assert invoke("stat", KEY).out == (
        f"{head}Semaphore 0: value 0, ncount 0, zcount 0, last proc -\n"
        "Semaphore 1: value 0, ncount 0, zcount 0, last proc -\n\n"
        f"Last op never\n{changed}State unknown: never used\n\n{tail}"
    )
    with running(PYIPCS, "op", KEY, "1-1") as process:
        wait_until(lambda: "ncount 1" in invoke("stat", KEY).out)
        invoke("op", KEY, "0+3")
        when = time.ctime(int(row(Kind.SEMAPHORE, semid)["otime"]))
        own = f"{os.getpid()} ({comm()})"
        assert invoke("stat", KEY).out == (
            f"{head}Semaphore 0: value 3, ncount 0, zcount 0, last proc {own}\n"
            "Semaphore 1: value 0, ncount 1, zcount 0, last proc -\n\n"
            f"Last op at {when}\n{changed}Waiting: proc {process.pid} (pyipcs)\n"
            f"State in-use: {process.pid} (pyipcs) waits on it\n\n{tail}"
        )
        values = invoke("list", "-s", "-o", "VALUES,NCOUNT,ZCOUNT", "-f", "csv").out
        assert '"3,0","0,1","0,0"' in values


def test_stat_every_kind_comes_in_every_format(objects: Objects) -> None:
    for kind in SYSV:
        object_id = objects.make(kind, 0x5EED)
        flag = {"msg": "-q", "shm": "-m", "sem": "-s"}[kind.value]
        record = json.loads(invoke("stat", flag, KEY, "-J").out)
        assert record[kind.collection][0]["id"] == object_id
        assert [*record] == ["taken", kind.collection]
        assert json.loads(invoke("stat", flag, KEY, "-f", "jsonl").out)["kind"] == kind.value
        assert invoke("stat", flag, KEY, "-f", "csv", "-o", "ID").out == f"ID\n{object_id}\n"
        assert invoke("stat", flag, KEY, "-f", "export", "-o", "ID").out == f'ID="{object_id}"\n'
        assert f'id="{object_id}"' in invoke("stat", flag, KEY, "-f", "openmetrics").out
        table = invoke("stat", flag, KEY, "-f", "table").out
        assert without_unreadable(table) == without_unreadable(invoke("stat", flag, KEY).out)
    found = json.loads(invoke("stat", KEY, "-J").out)
    assert [len(found[kind.collection]) for kind in SYSV] == [1, 1, 1]
    assert found["semaphores"][0]["semaphores"][0]["value"] == 0
    assert invoke("stat", KEY).out.count(f"Key {KEY}, ") == 3
    assert invoke("stat", KEY, "-qs").out.count(f"Key {KEY}, ") == 2
    lines = invoke("stat", KEY, "-f", "csv", "-o", "KEY,MSGS,SIZE").out.splitlines()
    assert lines == ["KIND,KEY,MSGS,SIZE", f"msg,{KEY},0,", f"shm,{KEY},,4096", f"sem,{KEY},,"]


@pytest.mark.root
def test_stat_set_without_read_permission_has_no_values(objects: Objects) -> None:
    semid = objects.semaphores(mode=0o600)
    result = as_nobody("stat", "-s", str(semid))
    assert (result.status, result.err) == (0, "")
    assert "\n1 semaphore in set\n\nValues: no read permission\n\nLast op never\n" in result.out
    assert (
        json.loads(as_nobody("stat", "-sJ", str(semid)).out)["semaphores"][0]["semaphores"] is None
    )


def test_stat_large_set_on_a_terminal_is_condensed_without_wide(objects: Objects) -> None:
    semid = str(objects.semaphores(nsems=250))
    assert invoke("op", semid, "40:49+3").status == 0
    shown = picture("stat", "-s", semid, width=100)
    assert re.search(r"Values +0 to 3, 240 at 0, last used by 1 process ", shown)
    assert re.search(r"\n│ +40:49 +3 +0 +0 +\d+ \(", shown)
    assert "│ 240 more, all at 0 (--wide shows all) " in shown
    assert len(shown.splitlines()) < 20
    lines = picture("stat", "-s", semid, "-f", "plain")
    assert "\nSemaphores 40 to 49: value 3, ncount 0, zcount 0, last proc " in lines
    for option in ("-w", "--wide"):
        shown = picture("stat", "-s", semid, option)
        assert len(re.findall(r"\n│ +\d+ +[03] +0 +0 ", shown)) == 250
        lines = picture("stat", "-s", semid, "-f", "plain", option)
        assert len(re.findall(r"\nSemaphore \d+: value", lines)) == 250
    assert "--wide" not in shown + lines


def test_list_id_of_a_large_set_on_a_terminal_is_condensed_without_wide(objects: Objects) -> None:
    semid = str(objects.semaphores(nsems=250))
    assert "all at 0 (--wide shows all)" in picture("list", "-s", "-i", semid)
    assert picture("list", "-s", "-i", semid, "-w").count("\n") > 250
    assert picture("list", "-s", "-i", semid, "-f", "plain").count("\n") > 250, "as in ipcs"


def test_stat_large_set_for_programs_has_all_semaphores(objects: Objects) -> None:
    semid = str(objects.semaphores(nsems=250))
    for args in ([], ["-f", "table"], ["-w"]):
        out = invoke("stat", "-s", semid, *args).out
        assert len(re.findall(r"^Semaphore \d+: ", out, re.MULTILINE)) == 250
    (found,) = json.loads(picture("stat", "-s", semid, "-J"))["semaphores"]
    assert len(found["semaphores"]) == 250
    values = picture("stat", "-s", semid, "-f", "csv", "-o", "VALUES").split()[1]
    assert values == '"' + ",".join(["0"] * 250) + '"'


def test_stat_json_and_csv_have_the_attached_processes(objects: Objects) -> None:
    shmid = objects.segment(0x5EED)
    with attached(shmid), attached(shmid):
        (found,) = json.loads(invoke("stat", KEY, "-J").out)["shmems"]
        assert (found["state"], found["attached"]) == ("in-use", [os.getpid()])
        user = {"pid": os.getpid(), "command": comm(), "does": "attached", "times": 2}
        assert found["processes"] == [user | {"read_only": False}]
        head, line = invoke("stat", KEY, "-f", "csv").out.splitlines()
        cells = dict(zip(head.split(","), line.split(",")[:-1], strict=False))
        assert cells["STATE"] == "in-use"
        assert head.endswith("STATE,REASON,ATTACHED")
        assert line.endswith(f",{os.getpid()}")


@pytest.mark.tools("strace")
def test_stat_many_segments_reads_their_list_once(objects: Objects) -> None:
    ids = [str(objects.segment()) for _ in range(3)]
    trace = run("strace", "-e", "trace=openat", PYIPCS, "stat", "-m", *ids)
    assert trace.out.count("bytes in memory") == len(ids)
    # The first open checks that it can be read.
    assert trace.err.count('"/proc/sysvipc/shm"') == 2
