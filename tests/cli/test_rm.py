import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pyipcs.model import Kind
from pyipcs.sysv import libc
from tests.kit import kernel
from tests.kit.kernel import NOBODY, Objects, attached, everything, ids
from tests.kit.program import PYIPCS, as_nobody, invoke, run
from tests.kit.terminal import end, on_terminal, read_all, read_until, whole_run, without_codes

NOWHERE = "2147483647"


def test_by_id_and_by_key_in_the_order_given(objects: Objects) -> None:
    first, second = objects.queue(0x11), objects.queue(0x22)
    shmid, semid = objects.segment(0x33), objects.semaphores(0x44)
    result = invoke(
        *("rm", "-Q", "0x22", "-m", str(shmid), "-v", "-q", str(first), "-S", "key:68"),
    )
    assert result == (
        0,
        f"removing message queue id `{second}'\n"
        f"removing shared memory segment id `{shmid}'\n"
        f"removing message queue id `{first}'\n"
        f"removing semaphore id `{semid}'\n",
        "",
    )


def test_what_may_not_be_read_can_go(objects: Objects) -> None:
    for kind in Kind:
        objects.make(kind, 0x77, 0)
    assert invoke("rm", "-Q0x77", "-M0x77", "-S0x77") == (0, "", "")
    assert not {(kind, 0x77) for kind in Kind} & everything()


def test_one_failure_does_not_stop_the_rest(objects: Objects) -> None:
    first, second = objects.queue(), objects.semaphores()
    result = invoke("rm", "-q", NOWHERE, "-q", str(first), "-M", "0x4242", "-s", str(second))
    assert result == (
        1,
        "",
        f"pyipcs: invalid id ({NOWHERE})\npyipcs: invalid key (0x4242)\n",
    )
    assert first not in ids(Kind.QUEUE)
    assert second not in ids(Kind.SEMAPHORE)


def test_nothing_is_removed_when_a_later_argument_is_wrong(objects: Objects) -> None:
    msqid = objects.queue(5)
    for wrong in (
        ["-q", "x"],
        ["-Q", "0"],
        ["extra"],
        ["-a", "foo"],
        ["-z"],
        ["-Q", "99999999999"],
    ):
        result = invoke("rm", "-q", str(msqid), *wrong)
        assert (result.status, result.out) == (2, "")
        assert msqid in ids(Kind.QUEUE)


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ("", "nothing to remove"),
        ("-v", "nothing to remove"),
        ("-n", "nothing to remove"),
        ("-q", "-q needs a value"),
        ("-q abc", "-q/--queue-id: 'abc': not an id"),
        ("-q 0x5", "not an id"),
        ("-q -1", "not an id"),
        ("-Q 0", "IPC_PRIVATE"),
        ("-M xyz", "not a key"),
        ("-S ftok:/no/such/file", "No such file"),
        ("msg", "not enough arguments"),
        ("msg abc", "'abc': not an id"),
        ("msg 5 -q 5", "goes with no option that names objects"),
        ("-a msg 5", "unknown argument '5'"),
        ("queue 5", "unknown argument 'queue'"),
        ("5", "unknown argument '5'"),
        ("-a=foo", "'foo': not one of msg, shm, sem"),
        ("--all=foo", "not one of"),
        ("--all=all", "not one of"),
        ("--all=", "not one of"),
        ("-as 5", "'s': not one of"),
        ("-an", "'n': not one of"),
        ("-J -q 5", "-f is for --dry-run"),
        ("-q 5 -f plain", "-f is for --dry-run"),
        ("--que 5", "ambiguous (--queue-id, --queue-key)"),
        ("--dry -a", "no such option --dry"),
    ],
)
def test_usage_errors(args: str, why: str) -> None:
    result = invoke("rm", *args.split())
    assert (result.status, result.out) == (2, "")
    assert why in result.err
    assert result.err.startswith("pyipcs: rm: ")
    assert result.err.count("\n") == 1


def test_the_old_syntax(objects: Objects) -> None:
    first, second = objects.queue(), objects.queue()
    assert invoke("rm", "msg", str(first), f"0{second}") == (0, "resource(s) deleted\n", "")
    assert not {first, second} & ids(Kind.QUEUE)
    result = invoke("rm", "shm", NOWHERE, "-v")
    assert result == (
        1,
        f"removing shared memory segment id `{NOWHERE}'\n",
        f"pyipcs: invalid id ({NOWHERE})\n",
    )


@pytest.mark.parametrize("args", ["-a", "--all", "-amsg -a", "--all=msg --al"])
def test_all(objects: Objects, isolated: None, args: str) -> None:
    for kind in Kind:
        objects.make(kind)
    assert invoke("rm", *args.split()) == (0, "", "")
    assert everything() == set()


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    "form",
    ["-a{}", "-a={}", "--all={}", "-a {}", "--all {}", "-va{}", "-a -a{}", "-ashm -amsg --all={}"],
)
def test_all_of_a_kind(objects: Objects, isolated: None, kind: Kind, form: str) -> None:
    for each in Kind:
        objects.make(each)
    assert invoke("rm", *form.format(kind.value).split()).status == 0
    assert {each for each, _ in everything()} == set(Kind) - {kind}


def test_all_after_what_is_named(objects: Objects, isolated: None) -> None:
    first, second = objects.queue(), objects.queue()
    result = invoke("rm", "-v", "-a", "-q", str(second))
    assert result == (
        0,
        f"removing message queue id `{second}'\nremoving message queue id `{first}'\n",
        "",
    )


def test_a_segment_in_use_goes_when_it_is_left(objects: Objects) -> None:
    shmid = objects.segment(9)
    with attached(shmid):
        assert invoke("rm", "-m", str(shmid)).status == 0
        assert shmid in ids(Kind.SEGMENT)
    assert shmid not in ids(Kind.SEGMENT)


@pytest.mark.root
class TestAnotherUser:
    def test_is_refused(self, objects: Objects) -> None:
        msqid = objects.queue(0x66)
        result = as_nobody("rm", "-q", str(msqid), "-Q", "key:0x66")
        assert result == (
            1,
            "",
            f"pyipcs: permission denied for id ({msqid})\n"
            "pyipcs: permission denied for key (key:0x66)\n",
        )
        assert msqid in ids(Kind.QUEUE)

    def test_removes_all_that_it_may_and_leaves_the_rest(
        self, objects: Objects, isolated: None
    ) -> None:
        theirs = {(kind, objects.make(kind)) for kind in Kind}
        for kind in Kind:
            libc.change(kind, objects.make(kind, mode=0), uid=NOBODY)
        rehearsed = json.loads(as_nobody("rm", "-a", "-nJ").out)
        assert [len(rehearsed[name]) for name in ("queues", "shmems", "semaphores")] == [1, 1, 1]
        assert as_nobody("rm", "-a") == (0, "", "")
        assert everything() == theirs

    def test_removes_what_it_made(self, objects: Objects, isolated: None) -> None:
        made = as_nobody("make", "-Q", "-i").out
        libc.change(Kind.QUEUE, objects.adopt(Kind.QUEUE, int(made)), uid=0)
        assert as_nobody("rm", "-a") == (0, "", "")
        assert everything() == set()

    def test_rehearses_what_it_would_be_refused(self, objects: Objects) -> None:
        msqid = objects.queue()
        result = as_nobody("rm", "-n", "-q", str(msqid))
        assert (result.status, result.err) == (1, f"pyipcs: permission denied for id ({msqid})\n")


def test_dry_run_shows_and_removes_nothing(objects: Objects, isolated: None) -> None:
    first, second = objects.queue(0x11), objects.queue(0x22)
    shmid = objects.segment(0x33)
    before = everything()
    result = invoke("rm", "-n", "-q", str(first), "-Q0x22", "-m", NOWHERE)
    assert (result.status, result.err) == (1, f"pyipcs: invalid id ({NOWHERE})\n")
    assert result.out == invoke("list", "-q").out + (
        "------ Shared Memory Segments --------\n"
        "key        shmid      owner      perms      bytes      nattch     status      \n\n"
    )
    assert invoke("rm", "-na").out == invoke("list").out
    document = json.loads(invoke("rm", "-nJ", "-m", str(shmid)).out)
    assert (document["taken"]["filtered"], document["shmems"][0]["id"]) == (True, shmid)
    assert [*document] == ["taken", "shmems"]
    document = json.loads(invoke("rm", "-nJ", "-q", NOWHERE, "-m", str(shmid)).out)
    assert (document["queues"], len(document["shmems"])) == ([], 1)
    assert everything() == before
    assert {first, second} <= ids(Kind.QUEUE)


def test_a_dry_run_of_a_segment_in_use_that_is_named_twice(objects: Objects) -> None:
    """Its removal takes its key at once, and itself only when it is left."""
    for args in ("-m{id} -m{id}", "-M7 -m{id}", "-m{id} -M7", "-M7 -M7", "-m{id} -m{id} -M7"):
        shmid = objects.segment(7)
        words = args.format(id=shmid).split()
        with attached(shmid):
            rehearsed, real = invoke("rm", "-n", *words), invoke("rm", *words)
        assert (rehearsed.status, rehearsed.err) == (real.status, real.err)


def test_a_dry_run_of_what_is_named_twice(objects: Objects) -> None:
    msqid = objects.queue(0x11)
    args = ["-q", str(msqid), "-Q", "0x11", "-q", str(msqid)]
    rehearsed = invoke("rm", "-n", *args)
    real = invoke("rm", *args)
    assert (rehearsed.status, rehearsed.err) == (real.status, real.err)
    assert real.err == f"pyipcs: invalid key (0x11)\npyipcs: invalid id ({msqid})\n"


def test_a_dry_run_of_one_of_many(objects: Objects) -> None:
    objects.queue(0x11)
    chosen = objects.queue(0x22)
    out = invoke("rm", "-n", "-q", str(chosen)).out
    assert [line.split()[1] for line in out.splitlines() if line.startswith("0x")] == [str(chosen)]


def test_the_peers_name(objects: Objects) -> None:
    msqid = objects.queue()
    assert invoke("--queue-i", str(msqid), program="ipcrm") == (0, "", "")


def test_messages_of_a_queue_go_with_it(objects: Objects) -> None:
    msqid = objects.queue()
    kernel.send(msqid)
    assert invoke("rm", "-q", str(msqid)).status == 0
    assert msqid not in ids(Kind.QUEUE)


# -- Filters.


def orphan(objects: Objects, key: int = 0) -> int:
    """A segment whose only process is gone."""
    script = (
        "import ctypes; l = ctypes.CDLL(None);"
        f"i = l.shmget({key}, 4096, 0o1600); l.shmat(i, None, 0); print(i)"
    )
    return objects.adopt(Kind.SEGMENT, int(run(sys.executable, "-c", script).out))


def suspect(objects: Objects, key: int = 0) -> int:
    """A semaphore set whose only process is gone."""
    script = (
        "import ctypes; l = ctypes.CDLL(None);"
        f"i = l.semget({key}, 1, 0o1600); l.semctl(i, 0, 16, 1); print(i)"
    )
    return objects.adopt(Kind.SEMAPHORE, int(run(sys.executable, "-c", script).out))


def going(*args: str) -> set[tuple[Kind, int]]:
    """What a dry run says."""
    document = json.loads(invoke("rm", "-n", "-J", *args).out)
    return {(kind, one["id"]) for kind in Kind for one in document.get(kind.collection, [])}


@pytest.mark.parametrize("filter_", ["--orphaned", "--suspect", "--orphaned --suspect"])
def test_what_is_leaked_goes_and_what_is_used_stays(
    objects: Objects, isolated: None, filter_: str
) -> None:
    leaked, doubtful = (Kind.SEGMENT, orphan(objects)), (Kind.SEMAPHORE, suspect(objects))
    used = objects.segment()
    for kind in Kind:
        objects.make(kind)
    before = everything()
    expected = {leaked} if filter_ == "--orphaned" else {leaked, doubtful}
    with attached(used):
        assert going("-a", *filter_.split()) == expected
        assert everything() == before
        assert invoke("rm", "-a", *filter_.split()) == (0, "", "")
    assert everything() == before - expected


def test_filters_of_all_kinds(objects: Objects, isolated: None) -> None:
    keyed, full = objects.queue(0x77), objects.queue()
    kernel.send(full)
    for kind in Kind:
        objects.make(kind)
    before = everything()
    assert going("-a", "--key", "0x77") == {(Kind.QUEUE, keyed)}
    assert (Kind.QUEUE, full) not in going("-a", "--empty")
    assert {kind for kind, _ in going("-a", "--empty")} == {Kind.QUEUE}
    assert {kind for kind, _ in going("-ashm", "--mine")} == {Kind.SEGMENT}
    assert going("-a", "--older-than", "1h") == set()
    assert going("-a", "--mine") == before
    assert invoke("rm", "-va", "--empty", "--key", "0x77") == (
        0,
        f"removing message queue id `{keyed}'\n",
        "",
    )
    assert everything() == before - {(Kind.QUEUE, keyed)}


def test_what_has_come_since_a_listing(objects: Objects, isolated: None, tmp_path: Path) -> None:
    """The baseline of a CI job."""
    for kind in Kind:
        objects.make(kind)
    baseline = tmp_path / "before.json"
    baseline.write_text(invoke("list", "-J").out)
    before = everything()
    new = {(kind, objects.make(kind)) for kind in Kind}
    args = ("-a", "--mine", "--not-in", str(baseline))
    assert going(*args) == new
    assert invoke("rm", *args) == (0, "", "")
    assert everything() == before


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ("--mine", "--mine is for --all"),
        ("--orphaned -m 5", "--orphaned is for --all"),
        ("--suspect --empty msg 5", "--empty, --suspect is for --all"),
        ("-amsg --orphaned", "--orphaned is about segments, not message queues"),
        ("-ashm --empty", "--empty is about message queues, not segments"),
        (
            "-a --empty --orphaned",
            "--orphaned is about segments, and another filter about message queues",
        ),
        ("-a --not-in /dev/null", "'/dev/null': not a listing of pyipcs (list -J)"),
        ("-a --not-in /no/such/file", "'/no/such/file': No such file or directory"),
        ("-a --owner no-such-user", "'no-such-user': no such user"),
        ("-a --idle x", "'x': not a duration"),
        ("-a --orphaned=5", "option --orphaned takes no value"),
    ],
)
def test_filters_that_are_refused(objects: Objects, isolated: None, args: str, why: str) -> None:
    orphan(objects)
    objects.queue()
    before = everything()
    result = invoke("rm", *args.split())
    assert (result.status, result.out) == (2, "")
    assert why in result.err
    assert result.err.count("\n") == 1
    assert everything() == before


def test_one_that_changed_since_is_left_and_said(objects: Objects, isolated: None) -> None:
    """While the question waits for its answer, one is attached, one goes, one comes anew."""
    used, gone, same = orphan(objects), orphan(objects), orphan(objects)
    reborn = orphan(objects, 0x99)
    process, terminal = on_terminal("rm", "--all", "--orphaned", "-v")
    try:
        assert read_until(terminal, r"\[y/N\] ").endswith("Remove 4 segments? [y/N] ")
        kernel.remove(Kind.SEGMENT, gone)
        libc.change(Kind.SEGMENT, reborn, mode=0o644)  # which is no other segment
        with attached(used):
            os.write(terminal, b"y\n")
            text = without_codes(read_all(terminal))
            process.wait()
    finally:
        end(process, terminal)
    assert f"pyipcs: segment {used} has changed since, and is left\r\n" in text
    assert str(gone) not in re.findall(r"segment id `(\d+)'", text)
    assert process.returncode == 0
    assert ids(Kind.SEGMENT) == {used}
    assert same not in ids(Kind.SEGMENT)


def test_nobody_answers_yes(objects: Objects, isolated: None) -> None:
    shmid = orphan(objects)
    process, terminal = on_terminal("rm", "--all", "--orphaned")
    try:
        read_until(terminal, r"\[y/N\] ")
        os.write(terminal, b"n\n")
        assert "pyipcs: nothing was removed" in without_codes(read_all(terminal))
        assert process.wait() == 1
    finally:
        end(process, terminal)
    assert shmid in ids(Kind.SEGMENT)
    process, terminal = on_terminal("rm", "--all", "--unattached", "--key", "0x4242")
    try:
        assert read_all(terminal) == "", "nothing to ask about"
        assert process.wait() == 0
    finally:
        end(process, terminal)


def test_a_receiver_that_comes_while_others_go(objects: Objects, isolated: None) -> None:
    """What is suspect of queues and sets is looked at again too."""
    semid = suspect(objects)
    process, terminal = on_terminal("rm", "--all", "--suspect")
    try:
        read_until(terminal, r"\[y/N\] ")
        with subprocess.Popen([PYIPCS, "op", f"id:{semid}", "0-9"]) as waiting:
            while not libc.semaphores(semid, 1)[0].ncount:
                time.sleep(0.01)
            os.write(terminal, b"y\n")
            text = without_codes(read_all(terminal))
            waiting.terminate()
    finally:
        end(process, terminal)
    assert f"pyipcs: semaphore set {semid} has changed since, and is left\r\n" in text
    assert semid in ids(Kind.SEMAPHORE)


@pytest.mark.root
def test_filters_leave_what_others_own(objects: Objects, isolated: None) -> None:
    theirs = {(kind, objects.make(kind)) for kind in Kind}
    made = objects.queue()
    libc.change(Kind.QUEUE, made, uid=NOBODY)
    assert as_nobody("rm", "-a", "--older-than", "0", "--empty") == (0, "", "")
    time.sleep(2.1)  # whole seconds on record, of which the first may have just begun
    assert as_nobody("rm", "-a", "--older-than", "0", "--empty") == (0, "", "")
    assert everything() == theirs


def test_a_dry_run_on_a_terminal_tells_why(objects: Objects, isolated: None) -> None:
    shmid = orphan(objects)
    status, text = whole_run("rm", "-n", "-a", "--orphaned")
    assert status == 0
    lines = without_codes(text).splitlines()
    assert [line.split() for line in lines if line.startswith("KEY")] == [
        ["KEY", "ID", "OWNER", "SIZE", "STATE", "REASON"]
    ]
    assert any(f" {shmid} " in line and "not attached; its creator" in line for line in lines)
