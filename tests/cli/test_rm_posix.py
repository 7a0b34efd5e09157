"""pyipcs rm: POSIX objects by name."""

import json
import os
import socket
from pathlib import Path

import pytest

from pyipcs.model import Kind
from tests.kit.child import NEWNS, hide, unshare
from tests.kit.kernel import Objects, everything
from tests.kit.mqueue import open_queue
from tests.kit.posix import SHM, ShmFiles, glibc_semaphore
from tests.kit.posix_objects import PosixObjects, posix_files
from tests.kit.program import elsewhere, invoke, ordinary

OPTIONS = {
    "--posix-shmem": "removing POSIX shared memory `{}'\n",
    "--posix-mqueue": "removing POSIX message queue `{}'\n",
    "--posix-semaphore": "removing POSIX semaphore `{}'\n",
}
KINDS = {
    "--posix-shmem": Kind.POSIX_SEGMENT,
    "--posix-mqueue": Kind.POSIX_QUEUE,
    "--posix-semaphore": Kind.POSIX_SEMAPHORE,
}

pytestmark = pytest.mark.usefixtures("posix_objects")


def make(option: str, name: str, mode: int = 0o644) -> Path:
    """Create an object for an option of rm; return its file."""
    return PosixObjects().make(KINDS[option], name, mode)


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("typed", ["/x", "x", r"\x2f\x78"])
def test_rm_name_option_removes_only_its_kind_and_verbose_names_it_once(
    option: str, typed: str
) -> None:
    paths = {each: make(each, "x") for each in OPTIONS}
    assert invoke("rm", "-v", option, typed) == (0, OPTIONS[option].format("/x"), "")
    assert {each for each, path in paths.items() if path.exists()} == OPTIONS.keys() - {option}


@pytest.mark.parametrize("program", ["pyipcs", "ipcrm"])
def test_rm_keeps_the_order_of_the_command_line_and_goes_on(program: str, objects: Objects) -> None:
    msqid = objects.queue(0x5EED)
    for option in OPTIONS:
        make(option, "x")
    line = (
        "-v --posix-sem x --posix-shm nosuch -Q 0x5eed --posix-mq /x --posix-sem /x --posix-shm x"
    )
    command = ["rm"] if program == "pyipcs" else []
    result = invoke(*command, *line.split(), program=program)
    assert result == (
        1,
        "removing POSIX semaphore `/x'\n"
        "removing POSIX shared memory `/nosuch'\n"
        f"removing message queue id `{msqid}'\n"
        "removing POSIX message queue `/x'\n"
        "removing POSIX semaphore `/x'\n"
        "removing POSIX shared memory `/x'\n",
        f"{program}: name `nosuch' not found\n{program}: name `/x' not found\n".replace(
            "ipcrm:", "pyipcs:"
        ),
    )
    assert (posix_files(), everything()) == (set(), set())


@pytest.mark.parametrize("option", OPTIONS)
def test_rm_target_removes_the_object_with_the_name(option: str, objects: Objects) -> None:
    objects.segment(0x5EED)
    make(option, "x")
    assert invoke("rm", "/x", "0x5eed") == (0, "", "")
    assert (posix_files(), everything()) == (set(), set())


def test_rm_target_of_several_kinds_is_refused_with_a_hint_that_works() -> None:
    for option in OPTIONS:
        make(option, "x")
    make("--posix-shmem", "y")
    result = invoke("rm", "/x", "/y")
    assert result == (
        1,
        "",
        "pyipcs: /x is a POSIX queue and a POSIX segment and a POSIX semaphore (choose with "
        "rm --posix-mqueue /x, rm --posix-shmem /x or rm --posix-semaphore /x)\n",
    )
    assert posix_files() == {"mqueue/x", "shm/x", "shm/sem.x"}
    assert invoke("rm", "--posix-mqueue", "/x", "--posix-semaphore", "/x").status == 0
    assert invoke("rm", "/x") == (0, "", "")


def test_rm_removes_nothing_that_is_no_object(shm: ShmFiles) -> None:
    names = shm.hostile()
    shm.file("sem.bad", b"no")
    shm.file("sem.zero", b"")
    shm.file("sem.large", glibc_semaphore(1) + b"x")
    shm.file("sem.musl", glibc_semaphore(1).replace(b"\x80", b"\0"))
    before = posix_files()
    for name in {*names, "sem.bad", "sem.zero", "sem.large", "sem.musl"}:
        is_semaphore = name.startswith("sem.")
        option = "--posix-semaphore" if is_semaphore else "--posix-shmem"
        plain = name.removeprefix("sem.")
        for args in ([option, plain], ["-n", option, plain], [f"/{plain}"], ["-n", f"/{plain}"]):
            result = invoke("rm", *args)
            assert result.status == 1
            assert ", not a POSIX s" in result.err
            assert result.err.count("\n") == 1
    assert posix_files() == before
    assert Path("/etc/passwd").exists()


def test_rm_segment_with_the_file_of_a_semaphore_is_refused() -> None:
    make("--posix-semaphore", "x")
    assert invoke("rm", "--posix-shmem", "/sem.x") == (
        1,
        "",
        "pyipcs: name `/sem.x' is the POSIX semaphore /x, not a POSIX segment\n",
    )
    assert posix_files() == {"shm/sem.x"}


@pytest.mark.parametrize("option", OPTIONS)
def test_rm_object_of_no_permissions_is_removed_by_its_owner(option: str) -> None:
    make(option, "x", mode=0)
    assert invoke("rm", "/x") == (0, "", "")
    assert posix_files() == set()


@pytest.mark.root
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("dry_run", [[], ["-n"]])
def test_rm_of_another_user_is_denied_and_the_rest_removed(option: str, dry_run: list[str]) -> None:
    make(option, "x", mode=0o666)
    make("--posix-shmem", "own").chmod(0o600)
    os.chown(SHM / "own", 65534, 65534)
    result = ordinary("rm", *dry_run, option, "x", "--posix-shmem", "own")
    assert (result.status, result.err) == (1, "pyipcs: permission denied for name `x'\n")
    assert (SHM / "own").exists() is bool(dry_run)
    assert len(posix_files()) == 1 + bool(dry_run)


@pytest.mark.root
def test_rm_in_directory_of_the_caller_needs_no_own_object(shm: ShmFiles) -> None:
    status = SHM.stat()
    shm.file("x")
    try:
        os.chown(SHM, 65534, 65534)
        assert ordinary("rm", "-n", "--posix-shmem", "x").err == ""
        SHM.chmod(0o555)
        for dry_run in ([], ["-n"]):
            result = ordinary("rm", *dry_run, "--posix-shmem", "x")
            assert result.err == "pyipcs: permission denied for name `x'\n"
        SHM.chmod(0o755)
        assert ordinary("rm", "--posix-shmem", "x") == (0, "", "")
    finally:
        os.chown(SHM, status.st_uid, status.st_gid)
        SHM.chmod(status.st_mode & 0o7777)


@pytest.mark.parametrize("option", OPTIONS)
def test_rm_removes_the_name_of_an_object_in_use(option: str) -> None:
    path = make(option, "x")
    held = open_queue("/x", os.O_RDONLY) if option == "--posix-mqueue" else os.open(path, os.O_RDWR)
    try:
        assert invoke("rm", option, "x") == (0, "", "")
        assert os.fstat(held).st_nlink == 0
    finally:
        os.close(held)


@pytest.mark.parametrize("format_", ["plain", "table", "json", "jsonl", "csv", "tsv", "export"])
def test_rm_dry_run_shows_the_objects_in_any_format(format_: str, objects: Objects) -> None:
    objects.queue(0x5EED)
    for option in OPTIONS:
        make(option, "x")
    make("--posix-shmem", "other")
    before = posix_files()
    options = [word for option in OPTIONS for word in (option, "x")]
    result = invoke("rm", "-n", *options, "-Q", "0x5eed", "-f", format_)
    assert (result.status, result.err) == (0, "")
    assert result.out.count("/x") == 3
    assert "other" not in result.out.replace('"other": {"files"', "")
    assert posix_files() == before


def test_rm_dry_run_of_targets_has_the_json_arrays_of_their_families() -> None:
    make("--posix-shmem", "x")
    document = json.loads(invoke("rm", "-n", "/x", "-J").out)
    assert [one["name"] for one in document["posix_shmems"]] == ["/x"]
    assert document["posix_queues"] == document["posix_semaphores"] == []
    assert "queues" not in document
    document = json.loads(invoke("rm", "-n", "/nosuch", "7", "-J").out)
    for kind in Kind:
        assert document[kind.collection] == []


def test_rm_dry_run_counts_a_name_once() -> None:
    make("--posix-shmem", "x")
    result = invoke("rm", "-n", "--posix-shmem", "x", "--posix-shmem", "/x", "-f", "csv")
    assert (result.status, result.err) == (1, "pyipcs: name `/x' not found\n")
    assert len(result.out.splitlines()) == 2


@pytest.mark.parametrize(
    "name", ["a b", "new\nline", "\x1b[31mred", os.fsdecode(b"\xff\xfe"), "-n", "'", "*", "back\\n"]
)
def test_rm_hostile_name_is_escaped_in_all_output(name: str, shm: ShmFiles) -> None:
    shm.file(name)
    shm.file(name.encode(errors="surrogateescape") + b"2")
    listed = invoke("rm", "-n", "--posix-shmem", name, "-f", "csv", "-o", "NAME")
    printed = listed.out.splitlines()[1]
    assert printed.isprintable()
    result = invoke("rm", "-v", "--posix-shmem", printed)
    assert (result.status, result.out) == (0, f"removing POSIX shared memory `{printed}'\n")
    assert len(posix_files()) == 1
    missing = invoke("rm", "--posix-shmem", name)
    assert missing.status == 1
    assert missing.err.removesuffix("\n").isprintable()


def test_rm_old_syntax_takes_no_name(shm: ShmFiles) -> None:
    shm.file("x")
    assert invoke("rm", "shm", "/x") == (1, "", "pyipcs: invalid id: /x\n")
    assert posix_files() == {"shm/x"}


def test_rm_all_leaves_posix_objects_and_other_files(objects: Objects) -> None:
    objects.queue()
    for option in OPTIONS:
        make(option, "x")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(SHM / "socket"))
    assert invoke("rm", "--all", "-y").status == 0
    assert everything() == set()
    assert posix_files() == {"mqueue/x", "shm/x", "shm/sem.x", "shm/socket"}


def test_rm_queue_needs_no_mqueue_file_system() -> None:
    make("--posix-mqueue", "x", mode=0)
    make("--posix-mqueue", "y")

    def unmount() -> None:
        unshare(NEWNS)
        hide("/dev/mqueue")

    assert elsewhere("rm", "/y", before=[unmount]) == (0, "", "")
    assert elsewhere("rm", "--posix-mqueue", "/x", before=[unmount]) == (0, "", "")
    assert posix_files() == set()
