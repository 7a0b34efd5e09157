"""run --report: the destination of the report, and failures to write it."""

import json
import os
import shlex
import signal
from pathlib import Path

import pytest

from tests.kit.program import PYIPCS, run

LEAVE_QUEUE = f"echo noise >&2; {PYIPCS} make -Q -k 0x99 >/dev/null"


@pytest.fixture(scope="module", autouse=True)
def namespaces() -> None:
    """Skip the tests of this module where the kernel refuses IPC namespaces."""
    if run(PYIPCS, "run", "--private", "always", "true").status:
        pytest.skip("the kernel gives the user no IPC namespace")


def test_run_report_in_a_file_is_json_beside_a_noisy_command(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("x" * 100_000)
    result = run(PYIPCS, "run", "-J", "--report", str(file), "sh", "-c", LEAVE_QUEUE)
    assert (result.status, result.out, result.err) == (23, "", "noise\n")
    assert [one["key"] for one in json.loads(file.read_text())["queues"]] == ["0x00000099"]


def test_run_report_in_a_file_has_all_lines(tmp_path: Path) -> None:
    file = tmp_path / "report"
    script = f"{LEAVE_QUEUE}; sleep 600 >/dev/null 2>&1 & echo $!; exit 7"
    result = run(PYIPCS, "run", "--report", str(file), "sh", "-c", script)
    os.kill(int(result.out), signal.SIGKILL)
    assert result.status == 7
    lines = file.read_text().splitlines()
    assert lines[-1].startswith("pyipcs: still running in its namespace: ")
    assert "pyipcs:" not in result.err


@pytest.mark.parametrize("format_", ["jsonl", "csv", "tsv", "export"])
def test_run_report_for_programs_has_no_messages(format_: str, tmp_path: Path) -> None:
    file = tmp_path / "report"
    arguments = ("--private", "never", "--shm", "ignore", "--rm", "-f", format_)
    script = f"{PYIPCS} make -Q --private >/dev/null"
    line = shlex.join([PYIPCS, "run", *arguments, "--report", str(file), "sh", "-c", script])
    result = run(PYIPCS, "run", "--private", "always", "sh", "-c", line)
    assert result.status == 23
    report = file.read_text().splitlines()
    assert len(report) == (2 if format_ in {"csv", "tsv"} else 1)
    assert "msg" in report[-1]
    assert result.err.splitlines()[0].startswith("pyipcs: other programs of yours may have created")
    assert "pyipcs: not removed: 1 object in doubt" in result.err


@pytest.mark.parametrize("number", [1, 7])
def test_run_report_on_a_descriptor_is_written_there(number: int, tmp_path: Path) -> None:
    file = tmp_path / "report"
    script = f'exec {PYIPCS} run -J --report fd:{number} sh -c "{LEAVE_QUEUE}" {number}>"$0"'
    result = run("sh", "-c", script, str(file))
    assert (result.status, result.err) == (23, "noise\n")
    assert len(json.loads(file.read_text())["queues"]) == 1


def test_run_report_is_not_inherited(tmp_path: Path) -> None:
    file = str(tmp_path / "report")
    listing = "ls -l /proc/self/fd | grep -c report"
    assert run(PYIPCS, "run", "--report", file, "sh", "-c", listing).out == "0\n"
    script = f"exec {PYIPCS} run --report fd:7 sh -c '{listing}' 7>{file}"
    assert run("sh", "-c", script).out == "0\n"


@pytest.mark.parametrize("report", ["/proc/nonesuch/report", "/", "fd:9"])
def test_run_report_that_cannot_be_opened_runs_nothing(report: str) -> None:
    result = run(PYIPCS, "run", "--report", report, "echo", "ran")
    assert (result.status, result.out, result.err.count("\n")) == (1, "", 1)


def test_run_report_stays_if_there_is_no_such_command(tmp_path: Path) -> None:
    file = tmp_path / "report"
    file.write_text("before")
    assert run(PYIPCS, "run", "--report", str(file), "no-such-command").status == 127
    assert file.read_text() == "before"


@pytest.mark.parametrize(("script", "status"), [("exit 0", 1), ("exit 7", 7), (LEAVE_QUEUE, 23)])
def test_run_report_on_a_full_device_is_an_error(script: str, status: int) -> None:
    result = run(PYIPCS, "run", "-J", "--report", "/dev/full", "sh", "-c", script)
    assert result.status == status
    assert result.err.endswith("pyipcs: --report: /dev/full: No space left on device\n")


def test_run_report_on_a_pipe_without_reader_is_no_error() -> None:
    script = f"{{ sleep 0.1; exec {PYIPCS} run -J --report fd:7 true 2>&8; }} 7>&1 8>&2 | :"
    assert run("bash", "-o", "pipefail", "-c", script) == (0, "", "")
