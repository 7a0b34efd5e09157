import json
import os
import re
import select
import signal
import time
from pathlib import Path

import pytest

from pyipcs.model import SYSV, Kind
from pyipcs.sysv import libc
from tests.kit import kernel
from tests.kit.factories import leaked_segment, running, suspect_set
from tests.kit.kernel import NOBODY, Objects, attached, everything, full_pipe, ids
from tests.kit.program import PYIPCS, as_nobody, fork, invoke
from tests.kit.terminal import end, on_terminal, read_all, read_until, whole_run, without_codes
from tests.kit.wait import (
    LIMIT,
    exit_code,
    wait_for_second,
    wait_for_state,
    wait_until,
    wait_until_idle,
)

NOWHERE = "2147483647"


def test_rm_removes_ids_and_keys_in_the_given_order(objects: Objects) -> None:
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


def test_rm_removes_unreadable_objects_by_key(objects: Objects) -> None:
    created = {(kind, objects.make(kind, 0x77, 0)) for kind in SYSV}
    assert invoke("rm", "-Q0x77", "-M0x77", "-S0x77") == (0, "", "")
    assert not created & everything()


def test_rm_missing_objects_do_not_stop_the_rest(objects: Objects) -> None:
    first, second = objects.queue(), objects.semaphores()
    result = invoke("rm", "-q", NOWHERE, "-q", str(first), "-M", "0x4242", "-s", str(second))
    assert (result.status, result.out, result.err.count("\n")) == (1, "", 2)
    assert first not in ids(Kind.QUEUE)
    assert second not in ids(Kind.SEMAPHORE)


def test_rm_wrong_later_argument_removes_nothing(objects: Objects) -> None:
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


# Paths to a usage error besides those of tests/messages/table.
@pytest.mark.parametrize(
    ("args", "why"),
    [
        ("-v", "nothing to remove"),
        ("-n", "nothing to remove"),
        ("msg 5 -q 5", "options that name objects"),
        ("-a msg 5", "TARGET and --all cannot be combined"),
        ("--all=all", "not one of"),
        ("--all=", "not one of"),
        ("-as 5", "'s': not one of"),
        ("-an", "'n': not one of"),
        ("-J -q 5", "-f needs --dry-run"),
        ("-q 5 -f plain", "-f needs --dry-run"),
        ("--suspect --empty msg 5", "--empty needs --all"),
        ("-a --orphaned=5", "option --orphaned takes no value"),
        ("--que 5", "ambiguous (--queue-id, --queue-key)"),
        # Only the options of ipcrm can be abbreviated.
        ("--dry -a", "no such option --dry"),
    ],
)
def test_rm_wrong_arguments_print_one_line(args: str, why: str) -> None:
    result = invoke("rm", *args.split())
    assert (result.status, result.out) == (2, "")
    assert why in result.err
    assert result.err.count("\n") == 1


def test_rm_old_syntax_removes_ids_of_a_kind(objects: Objects) -> None:
    first, second = objects.queue(), objects.queue()
    assert invoke("rm", "msg", str(first), f"0{second}") == (0, "resource(s) deleted\n", "")
    assert not {first, second} & ids(Kind.QUEUE)
    result = invoke("rm", "shm", NOWHERE, "-v")
    assert (result.status, result.out) == (
        1,
        f"removing shared memory segment id `{NOWHERE}'\n",
    )


@pytest.mark.parametrize("args", ["-a", "--all", "--al"])
def test_rm_all_removes_every_object(objects: Objects, isolated: None, args: str) -> None:
    for kind in SYSV:
        objects.make(kind)
    assert invoke("rm", *args.split()) == (0, "", "")
    assert everything() == set()


@pytest.mark.parametrize("kind", SYSV)
@pytest.mark.parametrize(
    "spelling",
    ["-a{}", "-a={}", "--all={}", "-a {}", "--all {}", "-va{}"],
)
def test_rm_all_of_a_kind_removes_only_that_kind(
    objects: Objects, isolated: None, kind: Kind, spelling: str
) -> None:
    for each in SYSV:
        objects.make(each)
    assert invoke("rm", *spelling.format(kind.value).split()).status == 0
    assert {each for each, _ in everything()} == set(SYSV) - {kind}


def test_rm_all_removes_named_objects_first(objects: Objects, isolated: None) -> None:
    first, second = objects.queue(), objects.queue()
    result = invoke("rm", "-v", "-a", "-q", str(second))
    assert result == (
        0,
        f"removing message queue id `{second}'\nremoving message queue id `{first}'\n",
        "",
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("is_pipe", [False, True])
def test_rm_verbose_ended_by_a_signal_names_the_removed_objects(
    is_pipe: bool, number: signal.Signals, objects: Objects, isolated: None, tmp_path: Path
) -> None:
    first, second = objects.queue(), objects.queue()
    if is_pipe:
        reader, writer = os.pipe()
    else:
        writer = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)
        reader = os.open(tmp_path / "out", os.O_RDONLY)
    nobody, full = full_pipe()
    line = ("rm", "-v", "-q", str(first), "-q", NOWHERE, "-q", str(second))
    child = fork(*line, stdin=reader, stdout=writer, stderr=full)
    os.close(writer)
    wait_until(lambda: first not in ids(Kind.QUEUE))
    wait_until_idle(child)  # nobody reads its message about the missing queue
    os.kill(child, number)
    assert exit_code(child) == -number
    lines = os.read(reader, 4096).decode()
    for descriptor in (reader, nobody, full):
        os.close(descriptor)
    assert lines == "".join(f"removing message queue id `{one}'\n" for one in (first, NOWHERE))
    assert second in ids(Kind.QUEUE)


def test_rm_verbose_into_a_full_pipe_ended_by_a_signal_loses_no_line(
    objects: Objects, isolated: None
) -> None:
    reader, writer = os.pipe()
    many = 5000  # lines: more than a pipe and the buffer take
    with open("/dev/null", "r+b") as null:  # noqa: PTH123
        line = ("rm", "-v", *["-q", NOWHERE] * many)
        child = fork(*line, stdin=null.fileno(), stdout=writer, stderr=null.fileno())
    os.close(writer)
    wait_until(lambda: select.select([reader], [], [], 0)[0])
    wait_until_idle(child)
    os.kill(child, signal.SIGSTOP)
    wait_for_state(child, "T")
    os.kill(child, signal.SIGTERM)
    text = os.read(reader, 1 << 20)
    os.kill(child, signal.SIGCONT)
    with open(reader, "rb") as rest:  # noqa: PTH123 - a descriptor
        text += rest.read()
    assert exit_code(child) == -signal.SIGTERM
    expected = f"removing message queue id `{NOWHERE}'\n".encode()
    number = len(text) // len(expected)
    assert text == expected * number
    assert 1 << 16 < len(text) < many * len(expected)


def test_rm_attached_segment_exists_until_it_is_detached(objects: Objects) -> None:
    shmid = objects.segment(9)
    with attached(shmid):
        assert invoke("rm", "-m", str(shmid)).status == 0
        assert shmid in ids(Kind.SEGMENT)
    assert shmid not in ids(Kind.SEGMENT)


@pytest.mark.root
class TestRmAsAnotherUser:
    def test_rm_of_others_queue_is_refused(self, objects: Objects) -> None:
        msqid = objects.queue(0x66)
        result = as_nobody("rm", "-q", str(msqid), "-Q", "key:0x66")
        assert (result.status, result.out) == (1, "")
        assert [line.rpartition("(")[2] for line in result.err.splitlines()] == [
            f"{msqid})",
            "key:0x66)",
        ]
        assert msqid in ids(Kind.QUEUE)

    def test_rm_all_removes_only_own_objects(self, objects: Objects, isolated: None) -> None:
        theirs = {(kind, objects.make(kind)) for kind in SYSV}
        for kind in SYSV:
            libc.change(kind, objects.make(kind, mode=0), uid=NOBODY)
        listed = json.loads(as_nobody("rm", "-a", "-nJ").out)
        assert [len(listed[name]) for name in ("queues", "shmems", "semaphores")] == [1, 1, 1]
        assert as_nobody("rm", "-a") == (0, "", "")
        assert everything() == theirs

    def test_rm_all_removes_own_creations_of_another_owner(
        self, objects: Objects, isolated: None
    ) -> None:
        msqid = int(as_nobody("make", "-Q", "-i").out)
        libc.change(Kind.QUEUE, objects.adopt(Kind.QUEUE, msqid), uid=0)
        assert as_nobody("rm", "-a") == (0, "", "")
        assert everything() == set()


def test_rm_dry_run_lists_targets_and_removes_nothing(objects: Objects, isolated: None) -> None:
    first, second = objects.queue(0x11), objects.queue(0x22)
    shmid = objects.segment(0x33)
    before = everything()
    result = invoke("rm", "-n", "-q", str(first), "-Q0x22", "-m", NOWHERE)
    assert (result.status, result.err.count("\n")) == (1, 1)
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


def test_rm_dry_run_of_an_attached_segment_named_twice_fails_like_rm(objects: Objects) -> None:
    # The kernel takes the key at once, and removes the segment when it is detached.
    for args in ("-m{id} -m{id}", "-M7 -m{id}", "-m{id} -M7", "-M7 -M7", "-m{id} -m{id} -M7"):
        shmid = objects.segment(7)
        words = args.format(id=shmid).split()
        with attached(shmid):
            dry, real = invoke("rm", "-n", *words), invoke("rm", *words)
        assert (dry.status, dry.err) == (real.status, real.err)


def test_rm_dry_run_of_a_queue_named_twice_fails_like_rm(objects: Objects) -> None:
    msqid = objects.queue(0x11)
    args = ["-q", str(msqid), "-Q", "0x11", "-q", str(msqid)]
    dry = invoke("rm", "-n", *args)
    real = invoke("rm", *args)
    assert (dry.status, dry.err) == (real.status, real.err)
    assert real.err.count("\n") == 2


def test_rm_dry_run_lists_only_the_named_queue(objects: Objects) -> None:
    objects.queue(0x11)
    chosen = objects.queue(0x22)
    out = invoke("rm", "-n", "-q", str(chosen)).out
    assert [line.split()[1] for line in out.splitlines() if line.startswith("0x")] == [str(chosen)]


def test_rm_named_ipcrm_takes_abbreviations(objects: Objects) -> None:
    msqid = objects.queue()
    assert invoke("--queue-i", str(msqid), program="ipcrm") == (0, "", "")


def test_rm_removes_a_queue_with_messages(objects: Objects) -> None:
    msqid = objects.queue()
    kernel.send(msqid)
    assert invoke("rm", "-q", str(msqid)).status == 0
    assert msqid not in ids(Kind.QUEUE)


# -- Filters.


def listed_by_dry_run(*args: str) -> set[tuple[Kind, int]]:
    """Return the objects that a dry run lists."""
    document = json.loads(invoke("rm", "-n", "-J", *args).out)
    return {(kind, one["id"]) for kind in SYSV for one in document.get(kind.collection, [])}


@pytest.mark.root
@pytest.mark.slow
@pytest.mark.all_processes
def test_rm_orphaned_and_suspect_spare_objects_in_use(objects: Objects, isolated: None) -> None:
    filters = (["--orphaned"], ["--orphaned", "--suspect"], ["--suspect"])
    orphaned = {(Kind.SEGMENT, leaked_segment(objects)) for _ in filters}
    suspect = (Kind.SEMAPHORE, suspect_set(objects))
    changed = int(kernel.row(*suspect)["ctime"])
    wait_for_second(changed + 3)  # else the used segment changed together with the set
    used = objects.segment()
    for kind in SYSV:
        objects.make(kind)
    with attached(used):
        for filter_ in filters:
            before = everything()
            expected = orphaned if "--orphaned" in filter_ else orphaned | {suspect}
            assert listed_by_dry_run("-a", *filter_) == expected
            assert everything() == before
            assert invoke("rm", "-a", *filter_) == (0, "", "")
            assert everything() == before - expected
            orphaned = {(Kind.SEGMENT, leaked_segment(objects))}


def test_rm_all_with_filters_removes_only_matches(objects: Objects, isolated: None) -> None:
    keyed, full = objects.queue(0x77), objects.queue()
    kernel.send(full)
    for kind in SYSV:
        objects.make(kind)
    before = everything()
    assert listed_by_dry_run("-a", "--key", "0x77") == {(Kind.QUEUE, keyed)}
    assert (Kind.QUEUE, full) not in listed_by_dry_run("-a", "--empty")
    assert {kind for kind, _ in listed_by_dry_run("-a", "--empty")} == {Kind.QUEUE}
    assert {kind for kind, _ in listed_by_dry_run("-ashm", "--mine")} == {Kind.SEGMENT}
    assert listed_by_dry_run("-a", "--older-than", "1h") == set()
    assert listed_by_dry_run("-a", "--mine") == before
    assert invoke("rm", "-va", "--empty", "--key", "0x77") == (
        0,
        f"removing message queue id `{keyed}'\n",
        "",
    )
    assert everything() == before - {(Kind.QUEUE, keyed)}


def test_rm_not_in_spares_the_objects_of_a_listing(
    objects: Objects, isolated: None, tmp_path: Path
) -> None:
    for kind in SYSV:
        objects.make(kind)
    baseline = tmp_path / "before.json"
    baseline.write_text(invoke("list", "-J").out)
    before = everything()
    new = {(kind, objects.make(kind)) for kind in SYSV}
    args = ("-a", "--mine", "--not-in", str(baseline))
    assert listed_by_dry_run(*args) == new
    assert invoke("rm", *args) == (0, "", "")
    assert everything() == before


@pytest.mark.parametrize(
    "args",
    [
        "--orphaned",
        "-amsg --orphaned",
        "-a --empty --orphaned",
        "-a --orphaned --not-in /nope",
        "-a --orphaned --owner nosuch",
        "-a --orphaned --idle x",
    ],
)
def test_rm_wrong_filters_remove_nothing(objects: Objects, isolated: None, args: str) -> None:
    leaked_segment(objects)
    objects.queue()
    before = everything()
    assert invoke("rm", *args.split()).status == 2
    assert everything() == before


def test_rm_orphaned_spares_a_segment_attached_during_the_question(
    objects: Objects, isolated: None
) -> None:
    used, gone, same, changed = (leaked_segment(objects) for _ in range(4))
    process, terminal = on_terminal("rm", "--all", "--orphaned", "-v")
    try:
        assert read_until(terminal, r"\[y/N\] ").endswith("Remove 4 segments? [y/N] ")
        kernel.remove(Kind.SEGMENT, gone)
        libc.change(Kind.SEGMENT, changed, mode=0o644)  # it is the same segment
        with attached(used):
            os.write(terminal, b"y\n")
            text = without_codes(read_all(terminal))
            process.wait(LIMIT)
    finally:
        end(process, terminal)
    assert f"pyipcs: skipped segment {used}: " in text
    assert str(gone) not in re.findall(r"segment id `(\d+)'", text)
    assert process.returncode == 0
    assert ids(Kind.SEGMENT) == {used}
    assert same not in ids(Kind.SEGMENT)


def test_rm_all_on_a_terminal_removes_nothing_without_yes(objects: Objects, isolated: None) -> None:
    shmid = leaked_segment(objects)
    process, terminal = on_terminal("rm", "--all", "--orphaned")
    try:
        read_until(terminal, r"\[y/N\] ")
        os.write(terminal, b"n\n")
        read_all(terminal)
        assert process.wait(LIMIT) == 1
    finally:
        end(process, terminal)
    assert shmid in ids(Kind.SEGMENT)
    process, terminal = on_terminal("rm", "--all", "--unattached", "--key", "0x4242")
    try:
        assert read_all(terminal) == "", "asked though nothing matches"
        assert process.wait(LIMIT) == 0
    finally:
        end(process, terminal)


@pytest.mark.root
@pytest.mark.all_processes
def test_rm_suspect_spares_a_set_used_during_the_question(objects: Objects, isolated: None) -> None:
    semid = suspect_set(objects)
    process, terminal = on_terminal("rm", "--all", "--suspect")
    try:
        read_until(terminal, r"\[y/N\] ")
        with running(PYIPCS, "op", f"id:{semid}", "0-9"):
            wait_until(lambda: libc.semaphores(semid, 1)[0].ncount)
            os.write(terminal, b"y\n")
            text = without_codes(read_all(terminal))
    finally:
        end(process, terminal)
    assert f"pyipcs: skipped semaphore set {semid}: " in text
    assert semid in ids(Kind.SEMAPHORE)


@pytest.mark.root
def test_rm_filters_spare_other_users_objects(
    objects: Objects, isolated: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = {(kind, objects.make(kind)) for kind in SYSV}
    libc.change(Kind.QUEUE, objects.queue(), uid=NOBODY)
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + 10)  # the objects are 10 s old
    assert as_nobody("rm", "-a", "--older-than", "0", "--empty") == (0, "", "")
    assert everything() == theirs


def test_rm_dry_run_on_a_terminal_shows_state_and_reason(objects: Objects, isolated: None) -> None:
    shmid = leaked_segment(objects)
    status, text = whole_run("rm", "-n", "-a", "--orphaned")
    assert status == 0
    lines = without_codes(text).splitlines()
    assert [line.split() for line in lines if line.startswith("KEY")] == [
        ["KEY", "ID", "OWNER", "SIZE", "STATE", "REASON"]
    ]
    assert any(f" {shmid} " in line and "not attached; its creator" in line for line in lines)
