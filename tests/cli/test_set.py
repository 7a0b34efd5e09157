import os
import resource

import pytest

from pyipcs.model import Kind
from pyipcs.sysv import libc
from tests.kit.kernel import IS_ROOT, NOBODY, Objects, row
from tests.kit.program import PYIPCS, as_nobody, invoke, need_tool, run

KEY = "0x5eed"
# As a user without privilege.
UNPRIVILEGED = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if IS_ROOT else []


@pytest.fixture
def semid(objects: Objects) -> int:
    """A set of three semaphores with the values 1, 2 and 3."""
    made = objects.semaphores(0x5EED, nsems=3)
    libc.set_values(made, [1, 2, 3])
    return made


def values(semid: int) -> list[int]:
    return [one.value for one in libc.semaphores(semid, 3)]


@pytest.mark.parametrize("kind", Kind)
def test_a_mode(objects: Objects, kind: Kind) -> None:
    made = objects.make(kind, 0x5EED)
    for mode in ("600", "0", "0777", "640"):
        assert invoke("set", KEY, "--mode", mode) == (0, "", "")
        assert row(kind, made)["perms"] == f"{int(mode, 8):o}"


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.root
def test_an_owner(objects: Objects, kind: Kind) -> None:
    made = objects.make(kind, 0x5EED)
    before = row(kind, made)
    assert invoke("set", KEY, "--owner", "nobody").status == 0
    assert row(kind, made) == {**before, "uid": str(NOBODY), "ctime": row(kind, made)["ctime"]}
    assert invoke("set", KEY, "--owner", "7:9", "--mode=0666").status == 0
    after = row(kind, made)
    assert (after["uid"], after["gid"], after["perms"]) == ("7", "9", "666")
    assert as_nobody("set", KEY, "--mode", "600").err == (
        f"pyipcs: {KEY}: set mode failed: Operation not permitted "
        "(it takes the owner, the creator or CAP_SYS_ADMIN)\n"
    )
    assert row(kind, made)["perms"] == "666"


def test_a_user_that_the_namespace_lacks(objects: Objects) -> None:
    inner = f"s=$({PYIPCS} make -S 1 -i); {PYIPCS} set -s $s --value 0=7 --owner 12345; "
    inner += f"echo $?; {PYIPCS} list -s -o VALUES --noheadings"
    result = run("unshare", "--user", "-r", "--ipc", "sh", "-c", inner)
    words = "pyipcs: 0: set owner failed: this user namespace has no uid 12345\n"
    assert result == (0, "1\n0\n", words)


def test_qbytes(objects: Objects) -> None:
    msqid = objects.queue(0x5EED)
    assert invoke("set", KEY, "--qbytes", "4K", "--mode", "0660").status == 0
    record = libc.stat(Kind.QUEUE, msqid)
    assert (record._asdict()["qbytes"], record.mode) == (4096, 0o660)


def test_more_qbytes_than_msgmnb(objects: Objects) -> None:
    msqid = objects.queue(0x5EED)
    msgmnb = libc.limits(Kind.QUEUE)._asdict()["msgmnb"]
    program = [PYIPCS, "set", KEY, "--qbytes", str(msgmnb + 1), "--mode", "0666"]
    # Without the capability, also for root.
    result = run(*UNPRIVILEGED, *program)
    assert result == (
        1,
        "",
        f"pyipcs: {KEY}: set mode and qbytes failed: Operation not permitted "
        f"({msgmnb + 1} is over msgmnb, which is {msgmnb}: it takes CAP_SYS_RESOURCE)\n",
    )
    record = libc.stat(Kind.QUEUE, msqid)
    assert (record._asdict()["qbytes"], record.mode) == (msgmnb, 0o644)


def test_values(semid: int) -> None:
    assert invoke("set", KEY, "--value", "1=32767").status == 0
    assert values(semid) == [1, 32767, 3]
    assert invoke("set", str(semid), "-s", "--value=0=7", "--value", "2=0").status == 0
    assert values(semid) == [7, 32767, 0]
    assert invoke("set", KEY, "--values", "4,5,6").status == 0
    assert values(semid) == [4, 5, 6]


def test_values_and_a_mode_in_either_order(semid: int) -> None:
    """The one is done first that the other would forbid."""
    assert invoke("set", KEY, "--values", "4,5,6", "--mode", "0400").status == 0
    assert values(semid) == [4, 5, 6]
    script = f"{PYIPCS} set {KEY} --value 0=9 --mode 0600"
    # Of an ordinary user, whom modes concern.
    result = run(*UNPRIVILEGED, "sh", "-c", script)
    assert (result.status, values(semid)) == (0, [9, 5, 6])
    assert invoke("set", KEY, "--mode", "0400").status == 0
    script = f"{PYIPCS} set {KEY} --value 0=1 --mode 0440"
    result = run(*UNPRIVILEGED, "sh", "-c", script)
    words = f"pyipcs: {KEY}: set semaphore 0 failed: Permission denied\n"
    assert result == (1, "", words)
    assert (values(semid)[0], row(Kind.SEMAPHORE, semid)["perms"]) == (9, "400")


def test_locking(objects: Objects) -> None:
    shmid = objects.segment(0x5EED)
    assert invoke("set", KEY, "--lock").status == 0
    assert int(row(Kind.SEGMENT, shmid)["perms"], 8) & 0o2000
    assert invoke("set", KEY, "--unlock", "--mode", "0600").status == 0
    assert row(Kind.SEGMENT, shmid)["perms"] == "600"


@pytest.mark.parametrize("limit", [0, 8192])
def test_locking_more_than_allowed(objects: Objects, limit: int) -> None:
    shmid = objects.segment(0x5EED, size=65536)

    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (limit, limit))

    result = run(*UNPRIVILEGED, PYIPCS, "set", KEY, "--lock", preexec_fn=lower)
    why = "Cannot allocate memory" if limit else "Operation not permitted"
    assert result == (
        1,
        "",
        f"pyipcs: {KEY}: set locking failed: {why} (it has 65536 bytes, and RLIMIT_MEMLOCK lets "
        f"its user lock {limit} in all: more takes CAP_IPC_LOCK)\n",
    )
    assert row(Kind.SEGMENT, shmid)["perms"] == "644"


@pytest.mark.root
def test_locking_what_is_others(objects: Objects) -> None:
    objects.segment(0x5EED)
    assert as_nobody("set", KEY, "--lock").err == (
        f"pyipcs: {KEY}: set locking failed: Operation not permitted "
        "(it takes the owner, the creator or CAP_IPC_LOCK)\n"
    )


@pytest.mark.root
def test_what_was_done_before_it_failed(objects: Objects) -> None:
    need_tool("strace")
    semid = objects.semaphores(0x5EED, nsems=2)
    # The second SETVAL of all semctl calls fails.
    calls = run("strace", "-e", "trace=semctl", PYIPCS, "set", KEY, "--value=0=5").err
    before = calls.count("semctl(") - 1
    inject = f"inject=semctl:error=EIDRM:when={before + 2}"
    words = ["--value", "0=5", "--value", "1=6", "--mode", "600"]
    result = run("strace", "-o", os.devnull, "-e", inject, PYIPCS, "set", KEY, *words)
    assert result == (
        1,
        "",
        f"pyipcs: {KEY}: set semaphore 1 failed: the semaphore set was removed; "
        "done before: semaphore 0\n",
    )
    assert [one.value for one in libc.semaphores(semid, 2)] == [5, 0]


# -- What is refused, with nothing done.


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (["--value", "0=9", "--value", "3=1"], "no semaphore 3: the set has 3 semaphores, "),
        (["--values", "9,9", "--mode", "600"], "2 values, and the set has 3 semaphores"),
    ],
)
def test_a_set_that_is_smaller(semid: int, args: list[str], why: str) -> None:
    result = invoke("set", KEY, *args)
    assert (result.status, result.out, result.err.count("\n")) == (1, "", 1)
    assert why in result.err
    assert (values(semid), row(Kind.SEMAPHORE, semid)["perms"]) == ([1, 2, 3], "644")


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ([], "nothing to change"),
        (["--value", "0=32768"], "not NUM=V (V is 0 to 32767)"),
        *((["--value", text], "not NUM=V") for text in ("0", "=1", "0=", "a=1", "-1=1", "0=-1")),
        (["--values", "1,,2"], "not values"),
        (["--mode", "1000"], "not a mode"),
        (["--owner", "nosuchuser"], "no such user"),
        (["--owner", "root:nosuchgroup"], "no such group"),
        (["--qbytes", "2147483648"], "too large"),
        (["--value", "0=1", "--values", "1,2,3"], "two ways to set values"),
        (["--value", "0=1", "--qbytes", "1"], "--qbytes and --value are for objects of different"),
        (["--lock", "--unlock"], "--lock and --unlock contradict each other"),
        (["--value", "0=1", "--value", "0=2"], "--value is given twice for one semaphore"),
        (["--lock", "--values", "1"], "--lock and --values are for objects of different kinds"),
        (["-q", "--value", "0=1"], "--value is for semaphore sets, not message queues"),
        (["-s", "-m", "--qbytes", "1"], "--qbytes is for message queues, not segments or semaph"),
    ],
)
def test_usage(semid: int, args: list[str], why: str) -> None:
    result = invoke("set", KEY, *args)
    assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)
    assert why in result.err
    assert values(semid) == [1, 2, 3]


def test_a_name_that_several_have(objects: Objects, semid: int) -> None:
    msqid = objects.queue(0x5EED)
    result = invoke("set", KEY, "--mode", "600")
    words = f"{KEY} is a message queue and a semaphore set: say which by -q, -m or -s"
    assert result == (2, "", f"pyipcs: set: {words} (see pyipcs set --help)\n")
    assert (row(Kind.QUEUE, msqid)["perms"], row(Kind.SEMAPHORE, semid)["perms"]) == ("644", "644")
    assert invoke("set", KEY, "-q", "--mode", "600").status == 0
    assert (row(Kind.QUEUE, msqid)["perms"], row(Kind.SEMAPHORE, semid)["perms"]) == ("600", "644")
    assert invoke("set", KEY, "--value", "0=8", "--mode", "660").status == 0
    assert (row(Kind.QUEUE, msqid)["perms"], row(Kind.SEMAPHORE, semid)["perms"]) == ("600", "660")


def test_what_is_not_there(objects: Objects) -> None:
    objects.queue(0x5EEE)
    assert invoke("set", "0x5eef", "--mode", "0").err == "pyipcs: 0x5eef: no object has that key\n"
    words = "no such semaphore set (but a message queue of that key)"
    assert invoke("set", "0x5eee", "--values", "1") == (1, "", f"pyipcs: 0x5eee: {words}\n")
