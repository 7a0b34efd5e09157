import os
import resource

import pytest

from pyipcs.model import SYSV, Kind
from pyipcs.sysv import libc
from tests.kit.kernel import IS_ROOT, NOBODY, Objects, row
from tests.kit.program import PYIPCS, as_nobody, invoke, run

KEY = "0x5eed"
# The start of a command that has no capability, though its user stays the same.
UNPRIVILEGED = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if IS_ROOT else []


@pytest.fixture
def semid(objects: Objects) -> int:
    """Create a set of three semaphores with the values 1, 2 and 3."""
    created = objects.semaphores(0x5EED, nsems=3)
    libc.set_values(created, [1, 2, 3])
    return created


def values(semid: int) -> list[int]:
    return [semaphore.value for semaphore in libc.semaphores(semid, 3)]


@pytest.mark.parametrize("kind", SYSV)
def test_set_mode_sets_the_permissions(objects: Objects, kind: Kind) -> None:
    object_id = objects.make(kind, 0x5EED)
    for mode in ("600", "0", "0777", "640"):
        assert invoke("set", KEY, "--mode", mode) == (0, "", "")
        assert row(kind, object_id)["perms"] == f"{int(mode, 8):o}"


@pytest.mark.parametrize("kind", SYSV)
@pytest.mark.root
def test_set_owner_sets_user_and_group(objects: Objects, kind: Kind) -> None:
    object_id = objects.make(kind, 0x5EED)
    before = row(kind, object_id)
    assert invoke("set", KEY, "--owner", "nobody").status == 0
    assert row(kind, object_id) == {
        **before,
        "uid": str(NOBODY),
        "ctime": row(kind, object_id)["ctime"],
    }
    assert invoke("set", KEY, "--owner", "7:9", "--mode=0666").status == 0
    after = row(kind, object_id)
    assert (after["uid"], after["gid"], after["perms"]) == ("7", "9", "666")
    assert as_nobody("set", KEY, "--mode", "600").status == 1
    assert row(kind, object_id)["perms"] == "666"


@pytest.mark.tools("unshare")
def test_set_owner_unknown_in_the_namespace_sets_nothing() -> None:
    script = (
        f"semid=$({PYIPCS} make -S 1 -i); {PYIPCS} set -s $semid --value 0=7 --owner 12345;"
        f"echo $?; {PYIPCS} list -s -o VALUES --noheadings"
    )
    result = run("unshare", "--user", "-r", "--ipc", "sh", "-c", script)
    assert (result.status, result.out) == (0, "1\n0\n")


def test_set_qbytes_with_mode_sets_both(objects: Objects) -> None:
    msqid = objects.queue(0x5EED)
    assert invoke("set", KEY, "--qbytes", "4K", "--mode", "0660").status == 0
    record = libc.stat(Kind.QUEUE, msqid)
    assert (record._asdict()["qbytes"], record.mode) == (4096, 0o660)


def test_set_qbytes_over_msgmnb_without_capability_sets_nothing(objects: Objects) -> None:
    msqid = objects.queue(0x5EED)
    msgmnb = libc.limits(Kind.QUEUE)._asdict()["msgmnb"]
    program = [PYIPCS, "set", KEY, "--qbytes", str(msgmnb + 1), "--mode", "0666"]
    assert run(*UNPRIVILEGED, *program).status == 1
    record = libc.stat(Kind.QUEUE, msqid)
    assert (record._asdict()["qbytes"], record.mode) == (msgmnb, 0o644)


def test_set_value_and_values_set_semaphores(semid: int) -> None:
    assert invoke("set", KEY, "--value", "1=32767").status == 0
    assert values(semid) == [1, 32767, 3]
    assert invoke("set", str(semid), "-s", "--value=0=7", "--value", "2=0").status == 0
    assert values(semid) == [7, 32767, 0]
    assert invoke("set", KEY, "--values", "4,5,6").status == 0
    assert values(semid) == [4, 5, 6]


def test_set_values_and_mode_are_set_in_the_order_that_succeeds(semid: int) -> None:
    # A mode without write permission forbids setting values.
    assert invoke("set", KEY, "--values", "4,5,6", "--mode", "0400").status == 0
    assert values(semid) == [4, 5, 6]
    script = f"{PYIPCS} set {KEY} --value 0=9 --mode 0600"
    # Without CAP_IPC_OWNER, which overrides modes.
    result = run(*UNPRIVILEGED, "sh", "-c", script)
    assert (result.status, values(semid)) == (0, [9, 5, 6])
    assert invoke("set", KEY, "--mode", "0400").status == 0
    script = f"{PYIPCS} set {KEY} --value 0=1 --mode 0440"
    assert run(*UNPRIVILEGED, "sh", "-c", script).status == 1
    assert (values(semid)[0], row(Kind.SEMAPHORE, semid)["perms"]) == (9, "400")


def test_set_lock_and_unlock_change_the_segment(objects: Objects) -> None:
    shmid = objects.segment(0x5EED)
    assert invoke("set", KEY, "--lock").status == 0
    assert int(row(Kind.SEGMENT, shmid)["perms"], 8) & 0o2000
    assert invoke("set", KEY, "--unlock", "--mode", "0600").status == 0
    assert row(Kind.SEGMENT, shmid)["perms"] == "600"


def test_set_lock_over_the_memlock_limit_reports_the_limit(objects: Objects) -> None:
    shmid = objects.segment(0x5EED, size=65536)

    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (8192, 8192))

    result = run(*UNPRIVILEGED, PYIPCS, "set", KEY, "--lock", preexec_fn=lower)
    assert result == (
        1,
        "",
        f"pyipcs: {KEY}: set locking failed: Cannot allocate memory (size: 65536 bytes, "
        "RLIMIT_MEMLOCK for all locks of its user: 8192 bytes; more requires CAP_IPC_LOCK)\n",
    )
    assert row(Kind.SEGMENT, shmid)["perms"] == "644"


@pytest.mark.tools("strace")
def test_set_value_failing_keeps_the_values_set_before(objects: Objects) -> None:
    semid = objects.semaphores(0x5EED, nsems=2)
    inject = "inject=semctl:error=EIDRM:when=3"  # the second SETVAL
    args = ["--value", "0=5", "--value", "1=6", "--mode", "600"]
    result = run("strace", "-o", os.devnull, "-e", inject, PYIPCS, "set", KEY, *args)
    assert (result.status, result.out) == (1, "")
    assert [semaphore.value for semaphore in libc.semaphores(semid, 2)] == [5, 0]
    assert row(Kind.SEMAPHORE, semid)["perms"] == "644"


# -- Errors, after which nothing has changed.


@pytest.mark.parametrize(
    "args", [["--value", "0=9", "--value", "3=1"], ["--values", "9,9", "--mode", "600"]]
)
def test_set_values_for_another_number_of_semaphores_sets_nothing(
    semid: int, args: list[str]
) -> None:
    assert invoke("set", KEY, *args).status == 1
    assert (values(semid), row(Kind.SEMAPHORE, semid)["perms"]) == ([1, 2, 3], "644")


# Paths to a usage error besides those of tests/messages/table.
@pytest.mark.parametrize(
    ("args", "why"),
    [
        *(
            (["--value", text], "not NUM=V (V is 0 to 32767)")
            for text in ("=1", "0=", "a=1", "-1=1", "0=-1", "0=32768")
        ),
        (["--value", "0=1", "--qbytes", "1"], "--qbytes and --value are for objects of different"),
        (["-s", "-m", "--qbytes", "1"], "--qbytes is for message queues, not segments or semaph"),
    ],
)
def test_set_wrong_arguments_print_one_line_and_set_nothing(
    semid: int, args: list[str], why: str
) -> None:
    result = invoke("set", KEY, *args)
    assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)
    assert why in result.err
    assert values(semid) == [1, 2, 3]


def test_set_key_of_two_objects_needs_the_kind(objects: Objects, semid: int) -> None:
    msqid = objects.queue(0x5EED)

    def modes() -> tuple[str, str]:
        return row(Kind.QUEUE, msqid)["perms"], row(Kind.SEMAPHORE, semid)["perms"]

    assert invoke("set", KEY, "--mode", "600").status == 2
    assert modes() == ("644", "644")
    assert invoke("set", KEY, "-q", "--mode", "600").status == 0
    assert modes() == ("600", "644")
    # Only a set has values.
    assert invoke("set", KEY, "--value", "0=8", "--mode", "660").status == 0
    assert modes() == ("600", "660")
