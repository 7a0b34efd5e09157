import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pyipcs.sysv.processes import Process, recorded
from tests.kit.kernel import IS_ROOT
from tests.kit.program import need_tool, run


def test_one_that_lives() -> None:
    assert recorded(os.getpid(), int(time.time())) == Process(
        os.getpid(), True, Path("/proc/self/comm").read_text().rstrip("\n")
    )


def test_one_whose_name_is_odd() -> None:
    script = (
        "import ctypes, time; ctypes.CDLL(None).prctl(15, b'a) R (b');"
        "print(flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    assert recorded(process.pid, int(time.time())).command == "a) R (b"
    process.kill()
    process.communicate()


def test_one_that_has_gone() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert recorded(process.pid, int(time.time())) == Process(process.pid, False)


def test_a_number_that_is_used_again() -> None:
    process = subprocess.Popen(["sleep", "60"])
    now = int(time.time())
    assert recorded(process.pid, now).alive
    assert recorded(process.pid, now - 1).alive, "whole seconds, and a margin"
    assert recorded(process.pid, now - 10) == Process(process.pid, False)
    process.kill()
    process.wait()


@pytest.mark.root
@pytest.mark.parametrize("ahead", [100_000, -1])
def test_a_time_namespace(ahead: int) -> None:
    """One in which the processes around have yet to start tells nothing of who was first."""
    if not Path("/proc/self/ns/time").exists():
        pytest.skip("this kernel has no time namespaces")
    offset = ahead if ahead > 0 else -int(time.clock_gettime(time.CLOCK_BOOTTIME)) + 1
    script = (
        "from pyipcs.sysv.processes import recorded; import os, time;"
        f"print(recorded({os.getpid()}, int(time.time())).alive)"
    )
    unshare = [need_tool("unshare"), "--time", "--boottime", str(offset), "--fork"]
    assert run(*unshare, sys.executable, "-c", script).out == "True\n"


def test_none_and_those_of_another_namespace() -> None:
    assert recorded(0, 1) == Process(0, None)


@pytest.mark.root
def test_the_proc_of_another_namespace_tells_of_others() -> None:
    script = (
        "from pyipcs.sysv.processes import command_line, recorded; import os, time; "
        "print(recorded(1, 2**33), recorded(os.getpid(), 2**33), command_line(2, 2**33))"
    )
    unshare = need_tool("unshare")
    found = run(unshare, "--pid", "--fork", sys.executable, "-c", script).out
    assert found == (
        "Process(pid=1, alive=None, command=None) Process(pid=1, alive=None, command=None) None\n"
    )


def test_one_that_proc_does_not_show() -> None:
    """Without /proc, or with hidepid, a number in use says nothing of whose it is."""
    unshare = need_tool("unshare")
    script = (
        "import os; from pyipcs.sysv.processes import recorded; p = os.getppid();"
        "print(recorded(p, 1), recorded(2**22 - 3, 1))"
    )
    tmpfs = f"mount -t tmpfs none /proc && exec {sys.executable} -c '{script}'"
    rights = [] if IS_ROOT else ["--user", "-r"]
    done = subprocess.run(
        [unshare, *rights, "--mount", "sh", "-c", tmpfs], capture_output=True, text=True, check=True
    )
    first, second = done.stdout.strip().split(") ")
    assert "alive=None" in first
    assert "alive=False" in second
