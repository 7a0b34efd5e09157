import json
import os
import time
from datetime import datetime
from pathlib import Path

import pytest

from pyipcs.model import Kind
from tests.kit import kernel
from tests.kit.kernel import Objects, row
from tests.kit.program import PYIPCS, as_nobody, invoke, run
from tests.kit.terminal import picture


def test_json_holds_what_the_kernel_says(objects: Objects) -> None:
    msqid = objects.queue(-5, 0o640)
    kernel.send(msqid, b"12345")
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
    unique = taken.pop("ipc_namespace_id")
    assert unique is None or unique > 0
    assert abs(datetime.fromisoformat(taken.pop("time")).timestamp() - time.time()) < 5
    assert taken == {
        "boot_id": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        "ipc_namespace": Path("/proc/self/ns/ipc").stat().st_ino,
        "pid_namespace": Path("/proc/self/ns/pid").stat().st_ino,
        "user_namespace": Path("/proc/self/ns/user").stat().st_ino,
        "filtered": False,
    }


def test_json_has_only_the_kinds_asked_for(isolated: None) -> None:
    document = json.loads(invoke("list", "-qs", "--json").out)
    del document["taken"]
    assert document == {"queues": [], "semaphores": []}


def test_only_details_tell_of_each_semaphore(objects: Objects) -> None:
    semid = objects.semaphores(nsems=2)
    for args in (["--sort", "VALUES"], ["--sort", "NCOUNT", "-o", "ID"], ["-o", "VALUES"]):
        assert '"semaphores": [{"num"' not in invoke("list", "-s", "-J", *args).out
    for args, told in (([], True), (["-o", "+AGE"], True), (["-o", "ID"], False)):
        out = invoke("list", "-s", "-i", str(semid), "-J", *args).out
        assert ('"semaphores": [{"num"' in out) is told, args


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
        ("-o", "-o needs a value"),
        ("-o NOPE", "no column 'NOPE' (there are KIND, KEY, ID"),
        ("-o ID,", "a column's name is missing"),
        ("-o +", "a column's name is missing"),
        ("-q -o SIZE", "message queues have no column SIZE (there are KIND, KEY, ID"),
        ("-qs -o NATTCH", "message queues, semaphore sets have no column NATTCH"),
        ("-q --sort NATTCH", "message queues have no column NATTCH"),
        ("-q --sort -NATTCH -J", "message queues have no column NATTCH"),
        ("-q --sort ID -f openmetrics", "--sort is not for openmetrics"),
        ("-l -o SIZE", "limits and usage have no column SIZE (there are KIND, RESOURCE"),
        ("-o LIMIT", "have no column LIMIT"),
        ("--sort NOPE", "no column 'NOPE'"),
        ("-f openmetrics -o ID", "-o is not for openmetrics"),
        ("-l -J -o LIMIT", "-o is not for limits in json"),
        ("-u -f jsonl --sort USED", "--sort is not for usage in jsonl"),
        ("--time-format x", "'x' is not one of"),
        ("--owner no-such-user", "'no-such-user': no such user"),
        ("--created-by -1", "'-1': no such user"),
        ("--key 0", "IPC_PRIVATE"),
        ("--key x", "not a key"),
        ("--older-than 5x", "not a duration"),
        ("--older-than -5", "not a duration"),
        ("--idle d", "not a duration"),
        ("--idle 1d2", "not a duration"),
        ("-q --unattached", "--unattached is about segments, not message queues"),
        ("-a --empty", "--empty is about message queues, not segments, semaphore sets"),
        (
            "--empty --unattached",
            "--empty is about message queues, and another filter about segments",
        ),
        ("-q -i 5 --mine", "-i names an object, so no --mine"),
        ("-l --mine --key 5", "so no --mine, --key"),
        ("-u --fail-if-any", "so no --fail-if-any"),
        ("--watch --fail-if-any", "--watch does not end, so no --fail-if-any"),
        ("-q -i 5 --watch", "-i shows an object once"),
        ("--watch=0", "too short"),
        ("--watch=x", "not a duration"),
        ("--watch 5", "unexpected operand '5' (--watch=5?)"),
        ("--out ID", "no such option --out, did you mean --output?"),
    ],
)
def test_usage_errors(args: str, why: str) -> None:
    result = invoke("list", *args.split())
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("pyipcs: list: ")
    assert why in result.err
    assert result.err.count("\n") == 1


@pytest.mark.root
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


@pytest.mark.root
def test_without_proc_it_is_what_ipcs_says(objects: Objects, isolated: None) -> None:
    """Both fall back on the kernel's own calls where /proc/sysvipc is hidden."""
    objects.queue(5, 0)
    kernel.send(objects.queue(-5))
    objects.segment(6, 0o600, 2**40, 0o10000)
    objects.semaphores(7, 0o640, 3)
    script = (
        "mount -t tmpfs none /proc/sysvipc && for view in '' -t -p -c -u -l; do"
        f" ipcs $view | cmp - <({PYIPCS} list $view) || exit 1; done"
    )
    assert run("unshare", "--mount", "bash", "-c", script) == (0, "", "")


def test_columns_come_in_the_order_of_the_user(objects: Objects, isolated: None) -> None:
    msqid = objects.queue(5, 0o640)
    semid = objects.semaphores(6, 0o600, 3)
    assert invoke("list", "-q", "-o", "perms,ID,key").out == (
        f"PERMS     {'ID':>{len(str(msqid))}} KEY\nrw-r----- {msqid:>2} 0x00000005\n"
    )
    rows = invoke("list", "-o", "NSEMS,KEY,MSGS", "-f", "tsv").out.splitlines()
    assert rows == [
        "KIND\tNSEMS\tKEY\tMSGS",
        "msg\t\t0x00000005\t0",
        "sem\t3\t0x00000006\t",
    ]
    assert invoke("list", "-s", "-o", "ID", "--noheadings").out == f"{semid}\n"
    assert invoke("list", "-s", "-o", "PERMS", "-P", "--noheadings").out == "0600\n"


def test_kinds_that_have_none_of_the_columns_are_left_out(objects: Objects, isolated: None) -> None:
    for kind in Kind:
        objects.make(kind)
    assert invoke("list", "-o", "SIZE").out == "SIZE\n4096\n"
    assert invoke("list", "-o", "MSGS,NSEMS", "-f", "tsv").out == (
        "KIND\tMSGS\tNSEMS\nmsg\t0\t\nsem\t\t1\n"
    )
    document = json.loads(invoke("list", "-o", "SIZE", "-J").out)
    del document["taken"]
    assert document == {"shmems": [{"segsz": 4096}]}
    assert invoke("list", "-o", "KIND").out.split() == ["KIND", "msg", "shm", "sem"]
    assert picture("list", "-o", "SIZE") == "Shared memory segments (1)\nSIZE\n────\n  4K\n"


def test_what_ipcs_has_not_takes_columns(objects: Objects, isolated: None) -> None:
    """With plain, any option that util-linux's layout has no place for."""
    objects.queue(5)
    for option in (["--noheadings"], ["-P"], ["--time-format", "epoch"], ["-o", "+AGE"]):
        assert "0x00000005" in invoke("list", "-q", *option).out
        assert "------" not in invoke("list", "-q", *option).out
    assert invoke("list", "-q", "--sort", "ID").out == invoke("list", "-q").out


def test_sorting_keeps_the_layout_of_ipcs(objects: Objects, isolated: None) -> None:
    ids = [objects.queue(key) for key in (7, 5, 6)]
    lines = invoke("list", "-q").out.splitlines(keepends=True)
    rows = {line.split()[1]: line for line in lines if line.startswith("0x")}
    result = invoke("list", "-q", "--sort", "KEY").out.splitlines(keepends=True)
    order = [rows[str(ids[place])] for place in (1, 2, 0)]
    assert [line for line in result if line.startswith("0x")] == order
    assert [line for line in result if line not in order] == lines[:3] + lines[-1:]
    assert [
        line.split()[0]
        for line in invoke("list", "-q", "--sort=-KEY", "--noheadings").out.splitlines()
    ] == [
        *("0x00000007", "0x00000006", "0x00000005"),
    ]


def test_filters_keep_the_layout_of_ipcs(objects: Objects, isolated: None) -> None:
    objects.queue(5)
    kept = objects.queue(6)
    lines = invoke("list", "-q").out.splitlines(keepends=True)
    result = invoke("list", "-q", "--key", "6")
    assert result.out == "".join(line for line in lines if "0x00000005" not in line)
    assert json.loads(invoke("list", "-qJ", "--key", "6").out)["queues"][0]["id"] == kept


def test_a_filter_that_speaks_of_one_kind_shows_that_kind(objects: Objects, isolated: None) -> None:
    objects.queue()
    objects.segment()
    out = invoke("list", "--unattached").out
    assert "Shared Memory" in out
    assert "Queues" not in out
    assert [*json.loads(invoke("list", "--empty", "-J").out)] == ["taken", "queues"]


@pytest.mark.parametrize(
    "format_", ["plain", "json", "jsonl", "csv", "tsv", "export", "table", "openmetrics"]
)
def test_fail_if_any(format_: str, objects: Objects, isolated: None) -> None:
    assert invoke("list", "--fail-if-any", "-f", format_).status == 0
    msqid = objects.queue(5)
    assert invoke("list", "--fail-if-any", "-f", format_).status == 23
    assert invoke("list", "-s", "--fail-if-any", "-f", format_).status == 0
    assert invoke("list", "--fail-if-any", "-f", format_, "--key", "6").status == 0
    assert invoke("list", "--fail-if-any", "-f", format_, "-q", "-i", str(msqid)).status == 23
    assert invoke("list", "--fail-if-any", "-q", "-i", "2147483647").status == 1
    for view in ("-t", "-p", "-c"):
        assert invoke("list", "--fail-if-any", "-f", format_, view).status == 23
    for closed in (">&-", ">/dev/null"):
        line = f"{PYIPCS} list --fail-if-any -f {format_} {closed}"
        assert run("bash", "-c", line).status == 23


def test_fail_if_any_counts_what_a_view_does_not_show(objects: Objects, isolated: None) -> None:
    assert invoke("list", "-p", "--fail-if-any").status == 0
    objects.semaphores()
    result = invoke("list", "-p", "--fail-if-any")
    assert (result.status, result.out) == (23, run("ipcs", "-p").out)


def test_the_same_objects_in_every_format(objects: Objects, isolated: None) -> None:
    ids = {str(objects.make(kind, 77)) for kind in Kind}
    for format_ in ("plain", "json", "jsonl", "csv", "tsv", "export", "table"):
        out = invoke("list", "-f", format_).out
        assert out.count("0x0000004d") == 3, format_
    assert invoke("list", "-a", "-f", "openmetrics").out.count('key="0x0000004d"') > 3
    assert len(ids) >= 1


def test_metrics_tell_of_each_object_where_asked(objects: Objects, isolated: None) -> None:
    objects.queue(5)
    totals = invoke("list", "-f", "openmetrics").out
    assert 'sysvipc_used{resource="msgmni"} 1\n' in totals
    assert "queue_messages" not in totals
    queues = invoke("list", "-q", "-f", "openmetrics").out
    assert 'sysvipc_queue_limit_bytes{id="' in queues
    assert "semmni" not in queues
    filtered = invoke("list", "--empty", "-f", "openmetrics").out
    assert "sysvipc_queue_messages{" in filtered
    assert "sysvipc_limit" not in filtered
    assert "sysvipc_used" not in invoke("list", "-l", "-f", "openmetrics").out
    assert "sysvipc_limit" not in invoke("list", "-u", "-f", "openmetrics").out
    for args in (["-l"], ["-u"], [], ["-a"], ["--mine"]):
        assert invoke("list", *args, "-f", "openmetrics").out.endswith("# EOF\n")


def test_limits_and_usage_as_tables(objects: Objects, isolated: None) -> None:
    objects.queue()
    rows = [line.split(",") for line in invoke("list", "-lf", "csv").out.splitlines()]
    assert rows[0] == ["KIND", "RESOURCE", "DESCRIPTION", "LIMIT", "USED", "USE%"]
    msgmni = Path("/proc/sys/kernel/msgmni").read_text().strip()
    assert rows[1][:2] + rows[1][3:5] == ["msg", "MSGMNI", msgmni, "1"]
    out = invoke("list", "-u", "-q", "-o", "resource,used", "--sort", "-USED").out
    assert out.splitlines() == [
        *("RESOURCE USED", "MSGMNI      1", "MSGMAP      0", "MSGTQL      0"),
        *("MSGMAX      -", "MSGMNB      -"),
    ]
    lines = [json.loads(line) for line in invoke("list", "-l", "-f", "jsonl").out.splitlines()]
    assert [line["kind"] for line in lines] == ["msg", "shm", "sem"]
    assert lines[0]["msgmni"] == int(msgmni)


def test_details_in_other_formats(objects: Objects) -> None:
    semid = objects.semaphores(9, nsems=2)
    args = ["list", "-s", "-i", str(semid)]
    assert invoke(*args, "-o", "KEY,VALUES", "-f", "csv").out == 'KEY,VALUES\n0x00000009,"0,0"\n'
    (line,) = invoke(*args, "-f", "jsonl").out.splitlines()
    assert json.loads(line)["semaphores"][1]["num"] == 1
    assert invoke(*args, "-f", "table").out == invoke(*args).out


def test_times_and_sizes_are_shown_as_asked(objects: Objects) -> None:
    shmid = objects.segment(size=65536)
    ctime = row(Kind.SEGMENT, shmid)["ctime"]

    def shown(*args: str) -> str:
        out = invoke("list", "-m", "-i", str(shmid), "--noheadings", *args).out
        return out.rstrip("\n")

    assert shown("-o", "CTIME", "--time-format", "epoch") == ctime
    assert shown("-o", "CTIME", "--time-format=full") == time.ctime(int(ctime))
    assert datetime.fromisoformat(shown("-o", "CTIME")).timestamp() == int(ctime)
    assert shown("-o", "SIZE") == shown("-o", "SIZE", "-b") == "65536"
    assert shown("-o", "SIZE", "--human") == shown("-o", "size", "-f", "csv", "--human") == "64K"
    assert shown("-o", "SIZE", "-J", "--human").endswith('{"segsz": 65536}]}')
    (found,) = json.loads(shown("-J", "--time-format", "epoch"))["shmems"]
    assert found["ctime"] == int(ctime)


def test_every_format_agrees_with_json(objects: Objects, isolated: None) -> None:
    import csv as library
    from io import StringIO

    for number in range(5):
        kernel.send(objects.queue(number + 1), b"x" * number)
    found = json.loads(invoke("list", "-qJ").out)["queues"]
    names = {"KEY": "key", "ID": "id", "USEDBYTES": "cbytes", "MSGS": "qnum", "SEND": "stime"}
    rows = list(library.DictReader(StringIO(invoke("list", "-q", "-f", "csv").out)))
    for line, one in zip(rows, found, strict=True):
        for name, key in names.items():
            assert line[name] == str(one[key])
