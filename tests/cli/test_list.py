import csv
import json
import os
import re
import sys
import time
from datetime import datetime
from io import StringIO
from pathlib import Path

import pytest

from pyipcs.cli.options.output import _POSIX_FLAGS
from pyipcs.model import SYSV, Kind
from pyipcs.query.columns import OF_KIND
from tests.kit import kernel
from tests.kit.kernel import Objects, row
from tests.kit.posix import bind, own_mounts
from tests.kit.program import PYIPCS, as_nobody, elsewhere, forked, invoke, run
from tests.kit.terminal import picture


def test_list_json_matches_the_kernels_records(objects: Objects) -> None:
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


def test_list_json_taken_identifies_time_and_namespaces() -> None:
    before = int(time.time())
    taken = json.loads(invoke("list", "-J").out)["taken"]
    assert before <= datetime.fromisoformat(taken.pop("time")).timestamp() <= time.time()
    unique = taken.pop("ipc_namespace_id")
    assert unique is None or unique > 0
    assert taken == {
        "boot_id": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        "ipc_namespace": Path("/proc/self/ns/ipc").stat().st_ino,
        "pid_namespace": Path("/proc/self/ns/pid").stat().st_ino,
        "user_namespace": Path("/proc/self/ns/user").stat().st_ino,
        "filtered": False,
    }


@pytest.mark.parametrize(("text", "boot_id"), [(b"", None), (b"\xff\n", "\ufffd")])
def test_list_json_with_a_masked_boot_id_is_json(
    own_shm: None, tmp_path: Path, text: bytes, boot_id: str | None
) -> None:
    """Some containers mount a file over a parameter of the kernel."""
    (tmp_path / "mask").write_bytes(text)

    def mask() -> None:
        own_mounts()
        bind(tmp_path / "mask", Path("/proc/sys/kernel/random/boot_id"))

    result = elsewhere("list", "-q", "-J", before=[mask])
    assert (result.status, result.err) == (0, "")
    assert json.loads(result.out)["taken"]["boot_id"] == boot_id


def test_list_json_has_only_the_selected_kinds(isolated: None) -> None:
    document = json.loads(invoke("list", "-qs", "--json").out)
    del document["taken"]
    assert document == {"queues": [], "semaphores": []}


def test_list_json_has_each_semaphore_only_in_details(objects: Objects) -> None:
    semid = objects.semaphores(nsems=2)
    for args in (["--sort", "VALUES"], ["--sort", "NCOUNT", "-o", "ID"], ["-o", "VALUES"]):
        assert '"semaphores": [{"num"' not in invoke("list", "-s", "-J", *args).out
    for args, expected in (([], True), (["-o", "+AGE"], True), (["-o", "ID"], False)):
        out = invoke("list", "-s", "-i", str(semid), "-J", *args).out
        assert ('"semaphores": [{"num"' in out) is expected, args


def test_list_id_json_numbers_the_semaphores_of_a_set(objects: Objects) -> None:
    semid = objects.semaphores(nsems=2)
    document = json.loads(invoke("list", "-s", "-i", str(semid), "-J").out)
    assert document["taken"]["filtered"] is True
    (found,) = document["semaphores"]
    assert [semaphore["num"] for semaphore in found["semaphores"]] == [0, 1]


def test_list_id_json_has_rss_of_a_segment(objects: Objects) -> None:
    shmid = objects.segment()
    (found,) = json.loads(invoke("list", "-m", "-i", str(shmid), "-J").out)["shmems"]
    assert (found["id"], found["rss"]) == (shmid, 0)


def test_list_json_limits_and_usage_have_all_fields(isolated: None) -> None:
    limits = json.loads(invoke("list", "-lJ").out)["limits"]
    assert [*limits] == [
        *("msgmni", "msgmax", "msgmnb", "shmmni", "shmmax", "shmall", "shmmin"),
        *("semmni", "semmsl", "semmns", "semopm", "semvmx"),
    ]
    assert limits["shmmax"] == int(Path("/proc/sys/kernel/shmmax").read_text())
    usage = json.loads(invoke("list", "-uJ", "-q").out)["usage"]
    assert usage == {"msgpool": 0, "msgmap": 0, "msgtql": 0}


def test_list_format_defaults_to_the_environment_variable() -> None:
    assert "taken" in json.loads(invoke("list", env={"PYIPCS_FORMAT": "json"}).out)
    plain = invoke("list", "-f", "plain", env={"PYIPCS_FORMAT": "json"}).out
    assert plain.startswith("\n------ Message Queues --------\n")


def test_list_id_of_no_object_fails_without_output() -> None:
    for kind in ("-q", "-m", "-s"):
        for extra in ((), ("-J",)):
            result = invoke("list", kind, "-i", "2147483647", *extra)
            assert (result.status, result.out, result.err.count("\n")) == (1, "", 1)
    # The message has the id as typed, like that of ipcs.
    assert " 02147483647 " in invoke("list", "-q", "-i", "02147483647").err


def test_list_flags_of_posix_fit_no_column() -> None:
    """Such a word gets another message."""
    names = {column.name.lower() for columns in OF_KIND.values() for column in columns}
    assert not [name for name in names if re.fullmatch(_POSIX_FLAGS, name)]


# Paths to a usage error besides those of tests/messages/table.
@pytest.mark.parametrize(
    ("args", "why"),
    [
        ("-a -i 5", "exactly one of -q, -m and -s"),
        ("-q -i x -i 0", "'x': not an id"),  # a later option does not hide it
        ("-f xml -J", "'xml': not one of"),
        ("-o LIMIT", "have no column LIMIT"),
        ("-q --sort -NATTCH -J", "message queues have no column NATTCH"),
        ("-u -f jsonl --sort USED", "--sort is not for usage in jsonl"),
        ("--created-by -1", "'-1': no such user"),
        ("--older-than -5", "not a duration"),
        ("--idle d", "not a duration"),
        ("--idle 1d2", "not a duration"),
        ("-ms --empty", "--empty is about message queues, POSIX queues, not segments, semaphore"),
        # Only the options of ipcs can be abbreviated.
        ("--forma json", "no such option --forma, did you mean --format?"),
        ("--out ID", "no such option --out, did you mean --output?"),
    ],
)
def test_list_wrong_arguments_print_one_line_and_list_nothing(args: str, why: str) -> None:
    result = invoke("list", *args.split())
    assert (result.status, result.out) == (2, "")
    assert why in result.err
    assert result.err.count("\n") == 1


@pytest.mark.root
def test_list_shows_qbytes_of_unreadable_queues(objects: Objects) -> None:
    msqid = objects.queue(mode=0)
    shown = as_nobody("list", "-q", "-i", str(msqid))
    assert f"\tqbytes={Path('/proc/sys/kernel/msgmnb').read_text().strip()}\t" in shown.out
    (found,) = (
        queue for queue in json.loads(as_nobody("list", "-J").out)["queues"] if queue["id"] == msqid
    )
    assert found["qbytes"] > 0


def test_list_looks_up_each_user_once(objects: Objects) -> None:
    for _ in range(5):
        objects.queue()
    # In a new process, in which no name is cached.
    script = (
        "import pwd, sys\n"
        "look_up = pwd.getpwuid\n"
        "pwd.getpwuid = lambda uid: print(uid, file=sys.stderr) or look_up(uid)\n"
        "from pyipcs.__main__ import main\n"
        "main()\n"
    )
    result = run(sys.executable, "-c", script, "list", "-q")
    looked_up = result.err.split()
    assert str(os.geteuid()) in looked_up
    assert len(looked_up) == len({*looked_up})


def test_list_named_ipcs_is_the_same_command(objects: Objects) -> None:
    objects.queue(3)
    assert invoke("-q", program="/usr/local/bin/ipcs") == invoke("list", "-q")
    assert invoke("-Z", program="ipcs").err == "pyipcs: ipcs: no such option -Z (see ipcs --help)\n"


@pytest.mark.root
@pytest.mark.tools("ipcs", "unshare")
def test_list_without_proc_matches_ipcs(objects: Objects, isolated: None) -> None:
    # Both use system calls where /proc/sysvipc is hidden.
    objects.queue(5, 0)
    kernel.send(objects.queue(-5))
    objects.segment(6, 0o600, 2**40, 0o10000)
    objects.semaphores(7, 0o640, 3)
    script = (
        "mount -t tmpfs none /proc/sysvipc && for view in '' -t -p -c -u -l; do"
        f" ipcs $view | cmp - <({PYIPCS} list $view) || exit 1; done"
    )
    assert run("unshare", "--mount", "bash", "-c", script) == (0, "", "")


def test_list_output_keeps_the_given_column_order(objects: Objects, isolated: None) -> None:
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


def test_list_output_skips_kinds_without_the_columns(objects: Objects, isolated: None) -> None:
    for kind in SYSV:
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


def test_list_plain_with_column_options_prints_columns(objects: Objects, isolated: None) -> None:
    objects.queue(5)
    for option in (["--noheadings"], ["-P"], ["--time-format", "epoch"], ["-o", "+AGE"]):
        assert "0x00000005" in invoke("list", "-q", *option).out
        assert "------" not in invoke("list", "-q", *option).out
    assert invoke("list", "-q", "--sort", "ID").out == invoke("list", "-q").out


def test_list_sort_keeps_the_layout_of_ipcs(objects: Objects, isolated: None) -> None:
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


def test_list_key_keeps_the_layout_of_ipcs(objects: Objects, isolated: None) -> None:
    objects.queue(5)
    kept = objects.queue(6)
    lines = invoke("list", "-q").out.splitlines(keepends=True)
    result = invoke("list", "-q", "--key", "6")
    assert result.out == "".join(line for line in lines if "0x00000005" not in line)
    assert json.loads(invoke("list", "-qJ", "--key", "6").out)["queues"][0]["id"] == kept


def test_list_filter_of_one_kind_shows_only_that_kind(objects: Objects, isolated: None) -> None:
    objects.queue()
    objects.segment()
    out = invoke("list", "--unattached").out
    assert "Shared Memory" in out
    assert "Queues" not in out
    assert [*json.loads(invoke("list", "--empty", "-J").out)] == ["taken", "queues"]


@pytest.mark.parametrize(
    "format_", ["plain", "json", "jsonl", "csv", "tsv", "export", "table", "openmetrics"]
)
def test_list_fail_if_any_returns_23_for_matches(
    format_: str, objects: Objects, isolated: None
) -> None:
    assert invoke("list", "--fail-if-any", "-f", format_).status == 0
    msqid = objects.queue(5)
    assert invoke("list", "--fail-if-any", "-f", format_).status == 23
    assert invoke("list", "-s", "--fail-if-any", "-f", format_).status == 0
    assert invoke("list", "--fail-if-any", "-f", format_, "--key", "6").status == 0
    assert invoke("list", "--fail-if-any", "-f", format_, "-q", "-i", str(msqid)).status == 23
    assert invoke("list", "--fail-if-any", "-q", "-i", "2147483647").status == 1
    for view in ("-t", "-p", "-c"):
        assert invoke("list", "--fail-if-any", "-f", format_, view).status == 23
    assert forked("list", "--fail-if-any", "-f", format_, first=_close_stdout).status == 23


def test_list_fail_if_any_returns_23_for_any_stdout(objects: Objects, isolated: None) -> None:
    objects.queue()
    for output in (">&-", ">/dev/null"):
        assert run("bash", "-c", f"{PYIPCS} list --fail-if-any {output}").status == 23


def _close_stdout() -> None:
    os.close(1)
    sys.stdout = None  # as the interpreter sets it at its start


@pytest.mark.tools("ipcs")
def test_list_fail_if_any_counts_objects_outside_the_view(objects: Objects, isolated: None) -> None:
    assert invoke("list", "-p", "--fail-if-any").status == 0
    objects.semaphores()
    result = invoke("list", "-p", "--fail-if-any")
    assert (result.status, result.out) == (23, run("ipcs", "-p").out)


def test_list_every_format_has_all_objects(objects: Objects, isolated: None) -> None:
    for kind in SYSV:
        objects.make(kind, 77)
    for format_ in ("plain", "json", "jsonl", "csv", "tsv", "export", "table"):
        out = invoke("list", "-f", format_).out
        assert out.count("0x0000004d") == 3, format_
    assert invoke("list", "-a", "-f", "openmetrics").out.count('key="0x0000004d"') > 3


def test_list_openmetrics_has_single_objects_only_on_request(
    objects: Objects, isolated: None
) -> None:
    objects.queue(5)
    totals = invoke("list", "-f", "openmetrics").out
    assert 'sysvipc_used{resource="msgmni"} 1\n' in totals
    assert "queue_messages" not in totals
    queues = invoke("list", "-q", "-f", "openmetrics").out
    assert 'sysvipc_queue_limit_bytes{id="' in queues
    assert "semmni" not in queues
    filtered = invoke("list", "--empty", "-f", "openmetrics").out
    assert "sysvipc_queue_messages{" in filtered
    assert 'sysvipc_limit{resource="msgmni"}' in filtered
    assert "sysvipc_used" not in invoke("list", "-l", "-f", "openmetrics").out
    assert "sysvipc_limit" not in invoke("list", "-u", "-f", "openmetrics").out
    for args in (["-l"], ["-u"], [], ["-a"], ["--mine"]):
        assert invoke("list", *args, "-f", "openmetrics").out.endswith("# EOF\n")


def test_list_limits_and_usage_have_columns(objects: Objects, isolated: None) -> None:
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


def test_list_id_details_come_in_every_format(objects: Objects) -> None:
    semid = objects.semaphores(9, nsems=2)
    args = ["list", "-s", "-i", str(semid)]
    assert invoke(*args, "-o", "KEY,VALUES", "-f", "csv").out == 'KEY,VALUES\n0x00000009,"0,0"\n'
    (line,) = invoke(*args, "-f", "jsonl").out.splitlines()
    assert json.loads(line)["semaphores"][1]["num"] == 1
    assert invoke(*args, "-f", "table").out == invoke(*args).out


@pytest.mark.parametrize("view", ["-t", "-p", "-c", "-l"])
def test_list_id_in_columns_has_those_of_the_view(view: str, objects: Objects) -> None:
    msqid = objects.queue(9)
    whole = "" if view == "-l" else view  # as ipcs -i -l
    args = ("-q", "-f", "csv", "--key", "9")
    expected = invoke("list", *args, *whole.split()).out
    assert invoke("list", *args[:3], "-i", str(msqid), view).out == expected


def test_list_time_format_and_human_apply_to_columns(objects: Objects) -> None:
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


def test_list_csv_agrees_with_json(objects: Objects, isolated: None) -> None:
    for number in range(5):
        kernel.send(objects.queue(number + 1), b"x" * number)
    found = json.loads(invoke("list", "-qJ").out)["queues"]
    names = {"KEY": "key", "ID": "id", "USEDBYTES": "cbytes", "MSGS": "qnum", "SEND": "stime"}
    rows = list(csv.DictReader(StringIO(invoke("list", "-q", "-f", "csv").out)))
    for line, one in zip(rows, found, strict=True):
        for name, key in names.items():
            assert line[name] == str(one[key])
