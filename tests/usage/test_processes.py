import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pyipcs.usage.processes import Process, command_line, recorded
from tests.kit.factories import read_line, running, scripted
from tests.kit.kernel import IS_ROOT
from tests.kit.program import run
from tests.kit.samples import NO_PID
from tests.kit.wait import LIMIT


def test_recorded_living_process_has_its_name() -> None:
    assert recorded(os.getpid(), int(time.time())) == Process(
        os.getpid(), True, Path("/proc/self/comm").read_text().rstrip("\n")
    )


def test_recorded_name_with_parentheses_is_whole() -> None:
    script = "libc.prctl(15, b'a) R (b')\nprint(flush=True)\ntime.sleep(600)"  # PR_SET_NAME
    with scripted(script) as process:
        read_line(process)
        assert recorded(process.pid, int(time.time())).command == "a) R (b"


def test_recorded_process_that_ended_is_gone() -> None:
    process = subprocess.Popen(["true"])
    process.wait(LIMIT)
    assert recorded(process.pid, int(time.time())) == Process(process.pid, False)


def test_recorded_process_that_started_later_is_gone() -> None:
    before = int(time.time())
    with running("sleep", "600") as process:
        after = int(time.time())
        assert recorded(process.pid, after).alive
        assert recorded(process.pid, after - 1).alive, "the times are whole seconds"
        assert recorded(process.pid, before - 10) == Process(process.pid, False)


@pytest.mark.root
@pytest.mark.tools("unshare")
@pytest.mark.parametrize("ahead", [100_000, -1])
def test_recorded_in_a_time_namespace_is_alive(isolated: None, ahead: int) -> None:
    """The clock there does not show whether a process outside started earlier."""
    if not Path("/proc/self/ns/time").exists():
        pytest.skip("this kernel has no time namespaces")
    offset = ahead if ahead > 0 else -int(time.clock_gettime(time.CLOCK_BOOTTIME)) + 1
    script = (
        "from pyipcs.usage.processes import recorded; import os, time;"
        f"print(recorded({os.getpid()}, int(time.time())).alive)"
    )
    unshare = ["unshare", "--time", "--boottime", str(offset), "--fork"]
    assert run(*unshare, sys.executable, "-c", script).out == "True\n"


def test_command_line_of_large_arguments_is_cut() -> None:
    words = [sys.executable, "-c", "print(flush=True); import time; time.sleep(600)"]
    large = ["x" * 5_000] * 5
    with running(*words, *large) as process:
        read_line(process)
        found = command_line(process.pid, int(time.time()))
    assert found == " ".join([*words, *large])[: 1 << 13]


def test_recorded_pid_0_is_unknown() -> None:
    assert recorded(0, 1) == Process(0, None)


@pytest.mark.root
@pytest.mark.tools("unshare")
def test_recorded_with_proc_of_another_pid_namespace_is_unknown(isolated: None) -> None:
    script = (
        "from pyipcs.usage.processes import command_line, recorded; import os, time; "
        "print(recorded(1, 2**33), recorded(os.getpid(), 2**33), command_line(2, 2**33))"
    )
    assert run("unshare", "--pid", "--fork", sys.executable, "-c", script).out == (
        "Process(pid=1, alive=None, command=None) Process(pid=1, alive=None, command=None) None\n"
    )


@pytest.mark.tools("unshare", "mount")
def test_recorded_without_proc_is_unknown_or_gone(isolated: None) -> None:
    """Without /proc, a pid in use may be that of a later process."""
    script = (
        "import os; from pyipcs.usage.processes import recorded; p = os.getppid();"
        f"print(recorded(p, 1), recorded({NO_PID}, 1))"
    )
    tmpfs = f"mount -t tmpfs none /proc && exec {sys.executable} -c '{script}'"
    rights = [] if IS_ROOT else ["--user", "-r"]
    done = run("unshare", *rights, "--mount", "sh", "-c", tmpfs)
    assert done.status == 0, done.err
    first, second = done.out.strip().split(") ")
    assert "alive=None" in first
    assert "alive=False" in second
