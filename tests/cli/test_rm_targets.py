"""pyipcs rm TARGET...: objects by the names that the other commands take."""

import json
from pathlib import Path

import pytest

from pyipcs.model import SYSV, Kind
from tests.kit.documents import IN_NEW_NAMESPACE
from tests.kit.kernel import Objects, attached, everything, ids
from tests.kit.program import PYIPCS, Result, as_nobody, invoke, run
from tests.kit.terminal import whole_run, without_codes

NOWHERE = "2147483647"


def in_fresh_namespace(script: str) -> Result:
    """Run a script in a namespace whose first object of each kind has id 0."""
    if run(*IN_NEW_NAMESPACE, "true").status:
        pytest.skip("the kernel gives the user no IPC namespace")
    return run(*IN_NEW_NAMESPACE, "bash", "-c", script)


def test_rm_target_removes_the_object_of_each_notation(
    objects: Objects, isolated: None, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.touch()
    key = int(invoke("key", str(path), "1").out, 16)
    objects.queue(0x1005)
    objects.segment(0x1006)
    objects.semaphores(4103)
    objects.queue(key)
    assert invoke("rm", "0x1005", "key:0x1006", "key:4103", f"ftok:{path}:1") == (0, "", "")
    assert everything() == set()


@pytest.mark.parametrize("kind", SYSV)
@pytest.mark.parametrize("notation", ["{}", "id:{}"])
def test_rm_target_removes_an_id_of_any_kind(
    objects: Objects, isolated: None, kind: Kind, notation: str
) -> None:
    assert invoke("rm", notation.format(objects.make(kind))) == (0, "", "")
    assert everything() == set()


def test_rm_target_without_permissions_is_removed_by_its_owner(
    objects: Objects, isolated: None
) -> None:
    objects.queue(0x11, mode=0)
    msqid = objects.queue(mode=0)
    assert invoke("rm", "0x11", str(msqid)) == (0, "", "")
    assert everything() == set()


def test_rm_target_of_several_kinds_is_refused_and_the_rest_removed(
    objects: Objects, isolated: None
) -> None:
    kept = {(kind, objects.make(kind, 0x11)) for kind in SYSV}
    objects.queue(0x12)
    result = invoke("rm", "0x11", "0x99", "0x12")
    assert (result.status, result.out) == (1, "")
    assert result.err.splitlines() == [
        "pyipcs: 0x11 is a message queue and a segment and a semaphore set "
        "(choose with rm -Q 0x11, rm -M 0x11 or rm -S 0x11)",
        "pyipcs: 0x99: no object has that key",
    ]
    assert everything() == kept


@pytest.mark.tools("unshare")
def test_rm_target_of_an_id_that_several_kinds_have_names_their_options() -> None:
    script = f"{PYIPCS} make -Q -M 1 >/dev/null; {PYIPCS} rm id:0; {PYIPCS} list -o ID --noheadings"
    result = in_fresh_namespace(script)
    assert result.out.split() == ["msg", "0", "shm", "0"]
    assert result.err == (
        "pyipcs: id:0 is a message queue and a segment (choose with rm -q 0 or rm -m 0)\n"
    )


@pytest.mark.tools("unshare")
def test_rm_targets_are_all_found_before_the_first_is_removed() -> None:
    """Without the queue 0, 0 would be the segment alone."""
    script = f"{PYIPCS} make -Q -k 5 >/dev/null; {PYIPCS} make -M 1 >/dev/null; {PYIPCS} rm 0x5 0"
    result = in_fresh_namespace(f"{script}; {PYIPCS} list -o ID --noheadings")
    assert result.out.split() == ["shm", "0"]
    assert "0 is a message queue and a segment" in result.err


def test_rm_target_that_is_missing_gets_the_hint_of_the_other_commands(objects: Objects) -> None:
    objects.queue(5432001)
    assert invoke("rm", "5432001") == (
        1,
        "",
        "pyipcs: 5432001: no object has that id (5432001 is a key: key:5432001)\n",
    )


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ("{} x", "TARGET: 'x': not an id, a 0x key, id:N, key:N, ftok:PATH[:PROJ] or /NAME"),
        ("{} 05", "TARGET: '05': id:5 or key:05?"),
        ("{} 0x0", "TARGET: '0x0': key 0 is IPC_PRIVATE"),
        ("{} ftok:/nope", "TARGET: 'ftok:/nope': No such file or directory"),
        ("{} --all", "TARGET and --all cannot be combined"),
        ("-amsg {}", "TARGET and --all cannot be combined"),
        ("{} --mine", "TARGET and --mine cannot be combined"),
        ("--idle 1d {}", "TARGET and --idle cannot be combined"),
        ("{} -a --orphaned", "TARGET and --all cannot be combined"),
        ("{} msg 5", "TARGET and msg ID... cannot be combined"),
        ("-q 5 {}", "TARGET and -q cannot be combined"),
        ("{} --shmem-key 5", "TARGET and -M cannot be combined"),
        ("{} -J", "-f needs --dry-run"),
    ],
)
def test_rm_target_beside_wrong_arguments_removes_nothing(
    objects: Objects, args: str, why: str
) -> None:
    msqid = objects.queue()
    result = invoke("rm", *args.format(msqid).split())
    assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)
    assert why in result.err
    assert msqid in ids(Kind.QUEUE)


def test_rm_target_under_the_name_ipcrm_is_an_unknown_argument(objects: Objects) -> None:
    objects.queue(0x11)
    before = everything()
    result = invoke("0x11", program="ipcrm")
    assert (result.status, result.out) == (2, "")
    assert "unknown argument '0x11'" in result.err
    assert everything() == before


def test_rm_verbose_reports_removed_targets(objects: Objects, isolated: None) -> None:
    shmid, semid = objects.segment(0x11), objects.semaphores(0x12)
    assert invoke("rm", "-v", "0x12", "0x11") == (
        0,
        f"removing semaphore id `{semid}'\nremoving shared memory segment id `{shmid}'\n",
        "",
    )


def test_rm_dry_run_shows_the_targets_and_removes_nothing(objects: Objects, isolated: None) -> None:
    msqid = objects.queue(0x11)
    objects.queue(0x12)
    before = everything()
    result = invoke("rm", "-n", "0x11", "0x99")
    assert (result.status, result.err) == (1, "pyipcs: 0x99: no object has that key\n")
    lines = result.out.splitlines()
    assert [line for line in lines if line.startswith("---")] == ["------ Message Queues --------"]
    assert [line.split()[1] for line in lines if line.startswith("0x")] == [str(msqid)]
    assert everything() == before


def test_rm_dry_run_of_targets_as_json_has_all_kinds(objects: Objects, isolated: None) -> None:
    shmid = objects.segment(0x11)
    for target, shmems in (("0x11", [shmid]), ("0x99", [])):
        document = json.loads(invoke("rm", "-nJ", target).out)
        assert [*document] == ["taken", "queues", "shmems", "semaphores"]
        assert [one["id"] for one in document["shmems"]] == shmems


def test_rm_dry_run_of_a_missing_target_shows_no_objects(objects: Objects, isolated: None) -> None:
    objects.queue()
    assert invoke("rm", "-n", "0x99").out == invoke("rm", "-n", "-a", "--key", "0x99").out


@pytest.mark.parametrize("words", ["{id} {id}", "0x7 {id}", "{id} 0x7", "0x7 0x7", "id:{id} {id}"])
@pytest.mark.parametrize("is_attached", [False, True])
def test_rm_dry_run_of_a_target_named_twice_fails_like_rm(
    objects: Objects, isolated: None, words: str, *, is_attached: bool
) -> None:
    shmid = objects.segment(7)
    args = words.format(id=shmid).split()
    if is_attached:
        with attached(shmid):
            dry, real = invoke("rm", "-n", *args), invoke("rm", *args)
    else:
        dry, real = invoke("rm", "-n", *args), invoke("rm", *args)
    assert (dry.status, dry.err) == (real.status, real.err)


def test_rm_target_on_a_terminal_does_not_ask(objects: Objects, isolated: None) -> None:
    objects.queue(0x11)
    status, text = whole_run("rm", "0x11")
    assert (status, without_codes(text)) == (0, "")
    assert everything() == set()


@pytest.mark.root
def test_rm_target_of_another_user_is_refused(objects: Objects, isolated: None) -> None:
    msqid = objects.queue(0x66)
    result = as_nobody("rm", str(msqid), "key:0x66", NOWHERE)
    assert (result.status, result.out) == (1, "")
    assert result.err.splitlines() == [
        f"pyipcs: {NOWHERE}: no object has that id",
        f"pyipcs: permission denied for id ({msqid})",
        "pyipcs: permission denied for key (key:0x66)",
    ]
    assert as_nobody("rm", "-n", str(msqid), "key:0x66", NOWHERE).err == result.err
    assert msqid in ids(Kind.QUEUE)
