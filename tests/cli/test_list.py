import json
import os
import time
from datetime import datetime
from pathlib import Path

import pytest

from pyipcs.model import Kind
from tests import support
from tests.program import PYIPCS, as_nobody, invoke, run
from tests.support import Objects, root_only, row


def test_json_holds_what_the_kernel_says(objects: Objects) -> None:
    msqid = objects.queue(-5, 0o640)
    support.send(msqid, b"12345")
    shmid = objects.segment(7, 0o600, 12345)
    semid = objects.semaphores(0, 0o644, 3)
    document = json.loads(invoke("list", "-J").out)
    assert [*document] == ["taken", "queues", "shmems", "semaphores"]
    (queue,) = (found for found in document["queues"] if found["id"] == msqid)
    words = row(Kind.QUEUE, msqid)
    assert (queue["key"], queue["mode"], queue["cbytes"]) == ("0xfffffffb", "0640", 5)
    assert queue["lspid"] == os.getpid()
    assert queue["qbytes"] == int(Path("/proc/sys/kernel/msgmnb").read_text())
    assert datetime.fromisoformat(queue["stime"]).timestamp() == int(words["stime"])
    assert queue["rtime"] is None
    (segment,) = (found for found in document["shmems"] if found["id"] == shmid)
    assert (segment["segsz"], segment["nattch"], segment["rss"]) == (12345, 0, 0)
    (array,) = (found for found in document["semaphores"] if found["id"] == semid)
    assert (array["key"], array["nsems"], array["otime"]) == ("0x00000000", 3, None)


def test_json_says_where_and_when_it_was_taken() -> None:
    taken = json.loads(invoke("list", "-J").out)["taken"]
    assert abs(datetime.fromisoformat(taken.pop("time")).timestamp() - time.time()) < 5
    assert taken == {
        "boot_id": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        "ipc_namespace": Path("/proc/self/ns/ipc").stat().st_ino,
        "filtered": False,
    }


def test_json_has_only_the_kinds_asked_for(isolated: None) -> None:
    document = json.loads(invoke("list", "-qs", "--json").out)
    del document["taken"]
    assert document == {"queues": [], "semaphores": []}


def test_json_details_of_a_set(objects: Objects) -> None:
    semid = objects.semaphores(nsems=2)
    document = json.loads(invoke("list", "-s", "-i", str(semid), "-J").out)
    assert document["taken"]["filtered"] is True
    (found,) = document["semaphores"]
    assert [semaphore["num"] for semaphore in found["semaphores"]] == [0, 1]


def test_json_details_of_a_segment_have_rss(objects: Objects) -> None:
    shmid = objects.segment()
    (found,) = json.loads(invoke("list", "-m", "-i", str(shmid), "-J").out)["shmems"]
    assert (found["id"], found["rss"]) == (shmid, 0)


def test_json_limits_and_usage(isolated: None) -> None:
    limits = json.loads(invoke("list", "-lJ").out)["limits"]
    assert [*limits] == [
        *("msgmni", "msgmax", "msgmnb", "shmmni", "shmmax", "shmall", "shmmin"),
        *("semmni", "semmsl", "semmns", "semopm", "semvmx"),
    ]
    assert limits["shmmax"] == int(Path("/proc/sys/kernel/shmmax").read_text())
    usage = json.loads(invoke("list", "-uJ", "-q").out)["usage"]
    assert usage == {"msgpool": 0, "msgmap": 0, "msgtql": 0}


def test_the_format_comes_from_the_environment_too() -> None:
    assert "taken" in json.loads(invoke("list", env={"PYIPCS_FORMAT": "json"}).out)
    plain = invoke("list", "-f", "plain", env={"PYIPCS_FORMAT": "json"}).out
    assert plain.startswith("\n------ Message Queues --------\n")
    wrong = invoke("list", env={"PYIPCS_FORMAT": "xml"})
    assert (wrong.status, wrong.out) == (2, "")


def test_an_id_that_is_not_there() -> None:
    for kind in ("-q", "-m", "-s"):
        for extra in ((), ("-J",)):
            result = invoke("list", kind, "-i", "2147483647", *extra)
            assert result == (1, "", "pyipcs: id 2147483647 not found\n")
    assert invoke("list", "-q", "-i", "02147483647").err == "pyipcs: id 02147483647 not found\n"


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ("-i 5", "exactly one of -q, -m and -s"),
        ("-qm -i 5", "exactly one of -q, -m and -s"),
        ("-a -i 5", "exactly one of -q, -m and -s"),
        ("-q -i x", "'x': not an id"),
        ("-q -i -1", "'-1': not an id"),
        ("-q -i 0x5", "not an id"),
        ("-q -i 2147483648", "not an id"),
        ("-q -i", "-i needs a value"),
        ("-q -i x -i 0", "'x': not an id"),
        ("-f xml -J", "'xml' is not one of"),
        ("-q extra", "unexpected operand 'extra'"),
        ("-5", "unexpected operand '-5'"),
        ("--s", "ambiguous (--semaphores, --shmems, --summary)"),
        ("--forma json", "no such option --forma, did you mean --format?"),
        ("-f xml", "'xml' is not one of"),
        ("-z", "no such option -z"),
        ("--queues=1", "takes no value"),
    ],
)
def test_usage_errors(args: str, why: str) -> None:
    result = invoke("list", *args.split())
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("pyipcs: list: ")
    assert why in result.err
    assert result.err.count("\n") == 1


@root_only
def test_others_objects(objects: Objects) -> None:
    msqid = objects.queue(mode=0)
    semid = objects.semaphores(mode=0)
    shown = as_nobody("list", "-q", "-i", str(msqid))
    assert f"\tqbytes={Path('/proc/sys/kernel/msgmnb').read_text().strip()}\t" in shown.out
    assert as_nobody("list", "-s", "-i", str(semid)) == (
        1,
        "",
        f"pyipcs: id {semid}: Permission denied\n",
    )
    (found,) = (
        queue for queue in json.loads(as_nobody("list", "-J").out)["queues"] if queue["id"] == msqid
    )
    assert found["qbytes"] > 0


def test_names_are_asked_for_once(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    from pyipcs.render import plain
    from pyipcs.sysv import users

    asked: list[int] = []
    getpwuid = pwd.getpwuid

    def counted(uid: int) -> pwd.struct_passwd:
        asked.append(uid)
        return getpwuid(uid)

    for _ in range(5):
        objects.queue()
    users.user_name.cache_clear()
    plain._short_name.cache_clear()
    monkeypatch.setattr(pwd, "getpwuid", counted)
    invoke("list", "-q")
    assert len(asked) == len(set(asked))


def test_the_peers_name_is_the_same_command(objects: Objects) -> None:
    objects.queue(3)
    assert invoke("-q", program="/usr/local/bin/ipcs") == invoke("list", "-q")
    assert invoke("-Z", program="ipcs").err == "pyipcs: ipcs: no such option -Z (see ipcs --help)\n"


@root_only
def test_without_proc_it_is_what_ipcs_says(objects: Objects, isolated: None) -> None:
    """Both fall back on the kernel's own calls where /proc/sysvipc is hidden."""
    objects.queue(5, 0)
    support.send(objects.queue(-5))
    objects.segment(6, 0o600, 2**40, 0o10000)
    objects.semaphores(7, 0o640, 3)
    script = (
        "mount -t tmpfs none /proc/sysvipc && for view in '' -t -p -c -u -l; do"
        f" ipcs $view | cmp - <({PYIPCS} list $view) || exit 1; done"
    )
    assert run("unshare", "--mount", "bash", "-c", script) == (0, "", "")
