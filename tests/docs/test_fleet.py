"""The recipes in pyipcs-fleet(7), run with the programs that they are for."""

import json
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from pyipcs.describe import template
from pyipcs.model import Kind
from tests.kit.factories import running, suspect_queue
from tests.kit.kernel import Objects, ids
from tests.kit.node_exporter import scraped
from tests.kit.posix import ShmFiles
from tests.kit.posix_objects import PosixObjects
from tests.kit.program import PYIPCS, Result, need_tool, run
from tests.kit.wait import wait_until

TEXT = "\n".join(template.read("pyipcs-fleet.in"))
BLOCKS = re.findall(r"^\.EX\n(.*?)^\.EE$", TEXT, re.MULTILINE | re.DOTALL)
INSTALLED = "/opt/pyipcs/bin/pyipcs"
USER = 54321


def block(word: str) -> str:
    """Return the only example that contains a word, with the program that is tested."""
    (found,) = (str(block) for block in BLOCKS if word in block)
    return found.replace(INSTALLED, PYIPCS)


@pytest.mark.slow
@pytest.mark.root
@pytest.mark.tools("prometheus-node-exporter")
def test_service_writes_a_file_that_node_exporter_reads(
    objects: Objects, shm: ShmFiles, own_mqueue: None, tmp_path: Path
) -> None:
    objects.segment()
    shm.file("x", b"hello")
    (line,) = re.findall("^ExecStart=(.*)$", block("[Service]"), re.MULTILINE)
    done = run(*shlex.split(line), cwd=tmp_path)
    assert (done.status, done.out, done.err) == (0, "", "")
    assert [file.name for file in tmp_path.iterdir()] == ["pyipcs.prom"]
    found = scraped(tmp_path, tmp_path / "log")
    assert {"sysvipc_objects", "posixipc_objects", "posixipc_segment_size_bytes"} <= {*found}


@pytest.mark.root
@pytest.mark.tools("unshare", "umount", "setpriv")
def test_service_keeps_its_file_if_queues_cannot_be_listed(
    own_mqueue: None, tmp_path: Path
) -> None:
    (line,) = re.findall("^ExecStart=(.*)$", block("[Service]"), re.MULTILINE)
    (tmp_path / "pyipcs.prom").write_text("old")
    limited = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin")
    for prefix, status in ((limited, 1), ((), 0)):
        words = shlex.join([*prefix, *shlex.split(line)])
        unmounted = ("unshare", "-m", "sh", "-c", f"umount /dev/mqueue && exec {words}")
        done = run(*unmounted, cwd=tmp_path)
        assert (done.status, "POSIX queues cannot be listed" in done.err) == (status, bool(status))
        assert ((tmp_path / "pyipcs.prom").read_text() == "old") is bool(status)


@pytest.mark.tools("systemd-analyze")
def test_units_have_no_fault_that_systemd_finds(tmp_path: Path) -> None:
    names = re.findall(r"^\.SS /etc/systemd/system/(.*)$", TEXT, re.MULTILINE)
    for name, word in zip(names, ("[Service]", "[Timer]"), strict=True):
        (tmp_path / name).write_text(block(word))
    done = run(need_tool("systemd-analyze"), "verify", *names, cwd=tmp_path)
    assert (*done,) == (0, "", "")


@pytest.mark.tools("promtool")
def test_alerts_fire_when_they_should(tmp_path: Path) -> None:
    promtool = need_tool("promtool")
    (tmp_path / "rules.yml").write_text(block("IpcNearLimit"))
    shutil.copy(Path(__file__).with_name("fleet_rules_test.yml"), tmp_path)
    done = run(promtool, "check", "rules", "rules.yml", cwd=tmp_path)
    assert (done.status, "SUCCESS: 4 rules found" in done.out) == (0, True), done.err
    done = run(promtool, "test", "rules", "fleet_rules_test.yml", cwd=tmp_path)
    assert done.status == 0, done.out + done.err


@pytest.fixture
def two_hosts(tmp_path: Path) -> dict[str, str]:
    """Make an inventory of two hosts that are this one; return the environment for it."""
    variables = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
    (tmp_path / "hosts").write_text(f"one {variables}\ntwo {variables}\n")
    return {
        "ANSIBLE_INVENTORY": str(tmp_path / "hosts"),
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
        "ANSIBLE_REMOTE_TEMP": str(tmp_path / "remote"),
        "LC_ALL": "C.UTF-8",
    }


def orphaned_segment(objects: Objects, owner: int = os.getuid()) -> int:
    """Make a segment whose creator and last user are gone."""
    made = run(PYIPCS, "make", "-M", "4K", "-i", "--owner", str(owner))
    shmid = objects.adopt(Kind.SEGMENT, int(made.out))
    assert run(PYIPCS, "write", str(shmid), "hello").status == 0
    return shmid


@pytest.mark.slow
@pytest.mark.real
def test_ansible_shows_the_leaks_of_each_host(
    objects: Objects, shm: ShmFiles, own_mqueue: None, two_hosts: dict[str, str]
) -> None:
    shmid = orphaned_segment(objects)
    command, *args = [word for word in shlex.split(block("ansible all")) if word != "-b"]
    done = run(need_tool(command), *args, env=two_hosts)
    assert done.status == 0, done.out + done.err
    assert len(re.findall(rf"^0x\w{{8}} {shmid} ", done.out, re.MULTILINE)) == 2


@pytest.mark.slow
@pytest.mark.real
def test_playbook_collects_the_leaks_of_all_hosts(
    objects: Objects,
    shm: ShmFiles,
    own_mqueue: None,
    two_hosts: dict[str, str],
    tmp_path: Path,
) -> None:
    shmid = orphaned_segment(objects)
    shm.file("leak", b"hello")
    playbook = tmp_path / "leaks.yml"
    playbook.write_text(block("hosts: all"))
    as_caller = ("-e", "ansible_become=false")
    done = run(need_tool("ansible-playbook"), *as_caller, str(playbook), env=two_hosts)
    assert done.status == 0, done.out + done.err
    leaks = json.loads((tmp_path / "leaks.json").read_text())
    assert [*leaks] == ["one", "two"]
    for found in leaks.values():
        assert shmid in [record["id"] for record in found["shmems"]]
        assert [record["name"] for record in found["posix_shmems"]] == ["/leak"]


@pytest.mark.tools("shellcheck")
def test_epilog_has_no_fault_that_shellcheck_finds(tmp_path: Path) -> None:
    (tmp_path / "epilog").write_text(block("pgrep"))
    done = run(need_tool("shellcheck"), "epilog", cwd=tmp_path)
    assert (done.status, done.out) == (0, "")


@pytest.mark.slow
@pytest.mark.root
@pytest.mark.tools("pgrep", "setpriv")
@pytest.mark.all_processes
def test_epilog_removes_the_leftovers_of_the_user_alone(
    objects: Objects, posix_objects: PosixObjects
) -> None:
    leaked, other = orphaned_segment(objects, USER), orphaned_segment(objects)
    msqid = suspect_queue(objects)
    run(PYIPCS, "set", "-q", str(msqid), "--owner", str(USER))
    leak, kept = (posix_objects.make(Kind.POSIX_SEGMENT, name) for name in ("leak", "kept"))
    queue = posix_objects.make(Kind.POSIX_QUEUE, "queue", messages=1)
    for path in (leak, queue):
        os.chown(path, USER, USER)
    done = epilog({"SLURM_JOB_UID": str(USER)})
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines() == [
        f"removing shared memory segment id `{leaked}'",
        f"removing message queue id `{msqid}'",
        "removing POSIX shared memory `/leak'",
        "removing POSIX message queue `/queue'",
    ]
    assert (leaked in ids(Kind.SEGMENT), other in ids(Kind.SEGMENT)) == (False, True)
    assert (leak.exists(), kept.exists()) == (False, True)


@pytest.mark.slow
@pytest.mark.root
@pytest.mark.tools("pgrep", "setpriv")
@pytest.mark.parametrize("user", ["--reuid", "--euid", "--ruid"])
def test_epilog_removes_nothing_while_a_process_of_the_user_exists(
    objects: Objects, shm: ShmFiles, own_mqueue: None, user: str
) -> None:
    """A setuid program has the real user of its caller, and the effective user of its file."""
    leaked = orphaned_segment(objects, USER)
    with running("setpriv", f"{user}={USER}", "sleep", "600") as process:
        wait_until(lambda: has_user(process.pid))
        assert (*epilog({"SLURM_JOB_UID": str(USER)}),) == (0, "", "")
    assert leaked in ids(Kind.SEGMENT)


@pytest.mark.parametrize("variables", [{}, {"SLURM_JOB_UID": "0"}, {"SLURM_JOB_UID": "x"}], ids=str)
def test_epilog_without_an_ordinary_user_removes_nothing(variables: dict[str, str]) -> None:
    done = epilog(variables)
    assert (done.status, done.out) == (0, "")


def epilog(variables: dict[str, str]) -> Result:
    """Run the epilog with the variables of Slurm."""
    return run("sh", "-c", block("pgrep"), env=variables)


def has_user(pid: int) -> bool:
    """Return True if a process has the user of the job as its real or effective user."""
    (line,) = re.findall("^Uid:(.*)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return str(USER) in line.split()
