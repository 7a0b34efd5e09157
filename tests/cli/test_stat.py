import ctypes
import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from pyipcs.model import Kind
from tests.kit.kernel import Objects, attached, libc, lock, receive, row, send
from tests.kit.program import PYIPCS, as_nobody, invoke, need_tool, pyipcs, run

KEY = "0x00005eed"


@pytest.fixture
def msqid(objects: Objects) -> int:
    return objects.queue(0x5EED, mode=0o620)


def test_a_queue_that_nobody_used(msqid: int) -> None:
    made = time.ctime(int(row(Kind.QUEUE, msqid)["ctime"]))
    assert certain(pyipcs("stat", KEY).out) == (
        f"Key {KEY}, msqid {msqid}\n\n"
        "0 messages on queue, 0 of 16384 bytes\n\n"
        "Last send never\n"
        "Last recv never\n"
        f"Last change at {made}\n\n"
        "State unknown: never used\n\n"
        f"Owner {whoami()}, created by {whoami()}, mode 0620\n"
    )


def certain(text: str) -> str:
    """What is said, without the doubts of those who may not look at every process."""
    return re.sub(", but .*(may wait on it|cannot be seen)", "", text)


def whoami() -> str:
    return ":".join(run("id", flag).out.strip() for flag in ("-un", "-gn"))


def test_who_sent_and_who_received_last(msqid: int) -> None:
    send(msqid, b"abc")
    send(msqid, b"defg")
    receive(msqid)
    words = row(Kind.QUEUE, msqid)
    own = f"{os.getpid()} ({comm(os.getpid())})"
    out = invoke("stat", str(msqid)).out
    assert "\n1 message on queue, 4 of 16384 bytes\n" in out
    assert f"\nLast send by proc {own} at {time.ctime(int(words['stime']))}\n" in out
    assert f"\nLast recv by proc {own} at {time.ctime(int(words['rtime']))}\n" in out


def comm(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().rstrip("\n")


def test_sizes_for_people(msqid: int) -> None:
    send(msqid, b"a" * 2048)
    assert "1 message on queue, 2K of 16K\n" in invoke("stat", KEY, "--human").out
    for args in ([], ["-b"]):
        assert "1 message on queue, 2048 of 16384 bytes\n" in invoke("stat", KEY, *args).out


def test_one_that_has_gone(msqid: int) -> None:
    assert pyipcs("send", KEY, "a").status == 0
    pid = row(Kind.QUEUE, msqid)["lspid"]
    assert f"Last send by proc {pid} (gone) at " in invoke("stat", KEY).out


def test_a_name_cannot_write_lines_of_its_own(msqid: int) -> None:
    rename = "ctypes.CDLL(None).prctl(15, b'a)\\nOwner bob')"
    sends = f"c = ctypes.CDLL(None); c.msgsnd({msqid}, b'\\1' + bytes(7), ctypes.c_size_t(0), 0)"
    script = f"import ctypes, time; {rename}; {sends}; print(flush=True); time.sleep(60)"
    with subprocess.Popen(["python3", "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        out = invoke("stat", KEY).out
        process.kill()
    assert f"by proc {process.pid} (a)\\nOwner bob) at " in out
    assert len(re.findall("^Owner", out, re.MULTILINE)) == 1


def test_several_in_order(objects: Objects, msqid: int) -> None:
    other = objects.queue()
    send(other)
    for args in (["--sort", "-MSGS"], ["--sort", "MSGS", "-J"], ["--sort=msgs", "-o", "ID"]):
        out = invoke("stat", KEY, str(other), *args).out
        first, second = (other, msqid) if args[1] == "-MSGS" else (msqid, other)
        assert re.search(rf"\b{first}\b[\s\S]*\b{second}\b", out), args
    result = invoke("stat", KEY, "--sort", "NSEMS")
    assert (result.status, result.out) == (2, "")
    assert "message queues have no column NSEMS" in result.err
    for args in (["-o", "NSEMS"], ["-o", "ID", "-f", "openmetrics"], ["--sort", "SIZE"]):
        result = invoke("stat", "-q", "2147483647", *args)
        assert (result.status, result.out, result.err.count("\n")) == (2, "", 1), args


def test_several(objects: Objects, msqid: int) -> None:
    other = objects.queue()
    result = invoke("stat", KEY, "2147483647", str(other), "-q")
    assert (result.status, result.err) == (1, "pyipcs: 2147483647: no such message queue\n")
    first, second = result.out.split("\n\nKey ")
    assert first.startswith(f"Key {KEY}")
    assert second.startswith(f"0x00000000, msqid {other}\n")
    assert invoke("stat", "-q", KEY, str(msqid), KEY) == invoke("stat", "-q", KEY)


def test_json_is_that_of_a_listing(objects: Objects, msqid: int) -> None:
    other = objects.queue()
    send(msqid)
    found = json.loads(invoke("stat", "-J", str(other), KEY).out)
    assert found["taken"]["filtered"] is True
    listed = [
        json.loads(invoke("list", "-qJ", "-i", str(one)).out)["queues"][0] for one in (other, msqid)
    ]
    state = [f"its last sender, {os.getpid()} ({comm(os.getpid())}), lives", "never used"]
    for queue, words in zip(listed, ["unknown", "in-use"], strict=True):
        queue |= {"state": words, "reason": state.pop()}
    for queue in found["queues"]:
        queue["reason"] = certain(queue["reason"])
        assert queue.pop("waiters") in ([], None)
        assert queue.pop("processes") in ([], None)
    assert found["queues"] == listed
    nothing = invoke("stat", "-J", "2147483647")
    assert (nothing.status, json.loads(nothing.out)["queues"]) == (1, [])
    assert invoke("stat", KEY, env={"PYIPCS_FORMAT": "json"}).out.startswith("{")


def test_what_is_refused(objects: Objects) -> None:
    assert invoke("stat").err == "pyipcs: stat: TARGET is missing (see pyipcs stat --help)\n"
    shmid = objects.segment(0x5EED)
    assert invoke("stat", "-q", KEY).err == (
        f"pyipcs: {KEY}: no such message queue (but a segment of that key)\n"
    )
    assert invoke("stat", "2147483647").err == "pyipcs: 2147483647: no object has that id\n"
    assert invoke("stat", "-f", "xml", str(shmid)).status == 2
    assert "no column SIZE" in invoke("stat", "-q", "-o", "SIZE", KEY).err


@pytest.mark.root
def test_a_queue_of_others(objects: Objects) -> None:
    msqid = objects.queue(mode=0)
    assert certain(as_nobody("stat", str(msqid)).out) == certain(invoke("stat", str(msqid)).out)
    assert as_nobody("send", str(msqid), "a").err == (
        f"pyipcs: {msqid}: Permission denied; nothing was sent\n"
    )


def test_every_format(objects: Objects, msqid: int) -> None:
    send(msqid, b"abc")
    assert invoke("stat", KEY, "-o", "KEY,MSGS", "-f", "csv").out == f"KEY,MSGS\n{KEY},1\n"
    assert invoke("stat", KEY, "-f", "export", "-o", "QBYTES").out == 'QBYTES="16384"\n'
    assert json.loads(invoke("stat", KEY, "-f", "jsonl").out)["kind"] == "msg"
    assert 'sysvipc_queue_messages{id="' in invoke("stat", KEY, "-f", "openmetrics").out
    assert "sysvipc_limit" not in invoke("stat", KEY, "-f", "openmetrics").out
    assert invoke("stat", KEY, "-f", "table").out == invoke("stat", KEY).out
    assert invoke("stat", KEY, "-o", "MSGS").out == "MSGS\n   1\n"


def test_times_as_asked(objects: Objects, msqid: int) -> None:
    words = row(Kind.QUEUE, msqid)
    out = invoke("stat", KEY, "--time-format", "epoch").out
    assert f"\nLast change at {words['ctime']}\n" in out
    assert re.search(
        r"\nLast change (now|\ds ago)\n", invoke("stat", KEY, "--time-format=relative").out
    )


def test_a_segment(objects: Objects) -> None:
    shmid = objects.segment(0x5EED, mode=0o600, size=10_000)
    words = row(Kind.SEGMENT, shmid)
    made = time.ctime(int(words["ctime"]))
    own = f"{os.getpid()} ({comm(os.getpid())})"
    assert invoke("stat", KEY).out == (
        f"Key {KEY}, shmid {shmid}\n\n"
        "10000 bytes, attached 0 times\n"
        "0 bytes in memory, 0 bytes in swap\n\n"
        f"Created by proc {own}\n"
        "Last use never\nLast attach never\nLast detach never\n"
        f"Last change at {made}\n\n"
        f"State in-use: its creator, {own}, lives\n\n"
        f"Owner {whoami()}, created by {whoami()}, mode 0600\n"
    )
    with attached(shmid) as address:
        ctypes.memset(address, 1, 1)
        out = invoke("stat", "-m", str(shmid), "--human").out
        assert f"\nAttached by proc {own}\nState in-use: attached 1 time, by {own}\n" in out
        when = time.ctime(int(row(Kind.SEGMENT, shmid)["atime"]))
    assert "\n9.8K, attached 1 time\n4K in memory, 0B in swap\n" in out
    assert f"\nLast use by proc {own} at {when}\nLast attach at {when}\nLast detach never\n" in out


def test_a_segment_that_is_to_go(objects: Objects) -> None:
    shmid = objects.segment()
    lock(shmid)
    with attached(shmid):
        libc.shmctl(shmid, 0, None)
        assert ", attached 1 time, dest,locked\n" in invoke("stat", "-m", str(shmid)).out


def test_a_set(objects: Objects) -> None:
    semid = objects.semaphores(0x5EED, nsems=2)
    made = time.ctime(int(row(Kind.SEMAPHORE, semid)["ctime"]))
    head = f"Key {KEY}, semid {semid}\n\n2 semaphores in set\n"
    change = f"Last change at {made}\n\n"
    tail = f"Owner {whoami()}, created by {whoami()}, mode 0644\n"
    assert invoke("stat", KEY).out == (
        f"{head}Semaphore 0: value 0, ncount 0, zcount 0, last proc -\n"
        "Semaphore 1: value 0, ncount 0, zcount 0, last proc -\n\n"
        f"Last op never\n{change}State unknown: never used\n\n{tail}"
    )
    with subprocess.Popen([PYIPCS, "op", KEY, "1-1"]) as process:
        end = time.monotonic() + 20
        while "ncount 1" not in invoke("stat", KEY).out:
            assert time.monotonic() < end
        invoke("op", KEY, "0+3")
        when = time.ctime(int(row(Kind.SEMAPHORE, semid)["otime"]))
        own = f"{os.getpid()} ({comm(os.getpid())})"
        assert invoke("stat", KEY).out == (
            f"{head}Semaphore 0: value 3, ncount 0, zcount 0, last proc {own}\n"
            "Semaphore 1: value 0, ncount 1, zcount 0, last proc -\n\n"
            f"Last op at {when}\n{change}Waiting: proc {process.pid} (pyipcs)\n"
            f"State in-use: {process.pid} (pyipcs) waits on it\n\n{tail}"
        )
        values = invoke("list", "-s", "-o", "VALUES,NCOUNT,ZCOUNT", "-f", "csv").out
        assert '"3,0","0,1","0,0"' in values
        process.terminate()


def test_every_format_of_every_kind(objects: Objects) -> None:
    for kind in Kind:
        made = objects.make(kind, 0x5EED)
        flag = {"msg": "-q", "shm": "-m", "sem": "-s"}[kind.value]
        record = json.loads(invoke("stat", flag, KEY, "-J").out)
        assert record[kind.collection][0]["id"] == made
        assert [*record] == ["taken", kind.collection]
        assert json.loads(invoke("stat", flag, KEY, "-f", "jsonl").out)["kind"] == kind.value
        assert invoke("stat", flag, KEY, "-f", "csv", "-o", "ID").out == f"ID\n{made}\n"
        assert invoke("stat", flag, KEY, "-f", "export", "-o", "ID").out == f'ID="{made}"\n'
        assert f'id="{made}"' in invoke("stat", flag, KEY, "-f", "openmetrics").out
        assert invoke("stat", flag, KEY, "-f", "table").out == invoke("stat", flag, KEY).out
    found = json.loads(invoke("stat", KEY, "-J").out)
    assert [len(found[kind.collection]) for kind in Kind] == [1, 1, 1]
    assert found["semaphores"][0]["semaphores"][0]["value"] == 0
    assert invoke("stat", KEY).out.count(f"Key {KEY}, ") == 3
    assert invoke("stat", KEY, "-qs").out.count(f"Key {KEY}, ") == 2
    lines = invoke("stat", KEY, "-f", "csv", "-o", "KEY,MSGS,SIZE").out.splitlines()
    assert lines == ["KIND,KEY,MSGS,SIZE", f"msg,{KEY},0,", f"shm,{KEY},,4096", f"sem,{KEY},,"]


@pytest.mark.root
def test_a_set_whose_values_may_not_be_read(objects: Objects) -> None:
    semid = objects.semaphores(mode=0o600)
    result = as_nobody("stat", "-s", str(semid))
    assert (result.status, result.err) == (0, "")
    assert "\n1 semaphore in set\n\nValues: you may not read them\n\nLast op never\n" in result.out
    assert (
        json.loads(as_nobody("stat", "-sJ", str(semid)).out)["semaphores"][0]["semaphores"] is None
    )


def test_the_processes_that_use_it_in_formats_for_programs(objects: Objects) -> None:
    shmid = objects.segment(0x5EED)
    with attached(shmid), attached(shmid):
        (found,) = json.loads(invoke("stat", KEY, "-J").out)["shmems"]
        assert (found["state"], found["attached"]) == ("in-use", [os.getpid()])
        user = {"pid": os.getpid(), "command": comm(os.getpid()), "does": "attached", "times": 2}
        assert found["processes"] == [user | {"read_only": False}]
        head, row_ = invoke("stat", KEY, "-f", "csv").out.splitlines()
        cells = dict(zip(head.split(","), row_.split(",")[:-1], strict=False))
        assert cells["STATE"] == "in-use"
        assert head.endswith("STATE,REASON,ATTACHED")
        assert row_.endswith(f",{os.getpid()}")


def test_however_many_segments_the_list_of_them_is_read_once(objects: Objects) -> None:
    ids = [str(objects.segment()) for _ in range(3)]
    trace = run(need_tool("strace"), "-e", "trace=openat", PYIPCS, "stat", "-m", *ids)
    assert trace.out.count("bytes in memory") == len(ids)
    # Once to see that it can be read, and once to read it.
    assert trace.err.count('"/proc/sysvipc/shm"') == 2
