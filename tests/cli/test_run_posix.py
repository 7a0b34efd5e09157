"""pyipcs run: the POSIX queues, the /dev/shm and the mounts of the command."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kit.program import PYIPCS, Result, ordinary, run

LIMITS = Path("/proc/sys/fs/mqueue")


@pytest.fixture(autouse=True)
def _own_place(isolated: None, own_mqueue: None) -> None:
    pass


def run_run(*args: str) -> Result:
    return run(PYIPCS, "run", *args)


# -- Limits


@contextmanager
def limits(**values: int) -> Iterator[None]:
    """Set limits of POSIX queues in this namespace within a `with` block."""
    former = {name: (LIMITS / name).read_text() for name in values}
    for name, value in values.items():
        (LIMITS / name).write_text(str(value))
    try:
        yield
    finally:
        for name, text in former.items():
            (LIMITS / name).write_text(text)


OTHER_LIMITS = {
    "queues_max": 99,
    "msg_max": 100,
    "msgsize_max": 9000,
    "msg_default": 50,
    "msgsize_default": 8999,
}


@pytest.mark.root
def test_run_namespace_has_the_same_limits_of_posix_queues() -> None:
    with limits(**OTHER_LIMITS):
        result = run_run("sh", "-c", f"cd {LIMITS}; cat {' '.join(OTHER_LIMITS)}")
    assert result == (0, "".join(f"{value}\n" for value in OTHER_LIMITS.values()), "")


@pytest.mark.root
def test_run_as_ordinary_user_reports_limits_that_differ() -> None:
    with limits(msg_max=100, queues_max=99):
        result = ordinary("run", "true")
        document = ordinary("run", "-J", "true")
    names = "fs.mqueue.queues_max (256 instead of 99), fs.mqueue.msg_max (10 instead of 100)"
    message = f"pyipcs: limits that could not be carried over: {names}\n"
    assert result == (0, "", message)
    assert json.loads(document.err)["run"]["limits"] == [
        {"name": "fs.mqueue.queues_max", "outside": 99, "inside": 256},
        {"name": "fs.mqueue.msg_max", "outside": 100, "inside": 10},
    ]


@pytest.mark.root
def test_run_as_ordinary_user_reports_kernel_sem_with_all_numbers() -> None:
    file = Path("/proc/sys/kernel/sem")
    former = file.read_text()
    file.write_text("250 32000 32 128")
    try:
        document = ordinary("run", "-J", "true")
    finally:
        file.write_text(former)
    (limit,) = json.loads(document.err)["run"]["limits"]
    assert (limit["name"], limit["outside"]) == ("kernel.sem", [250, 32000, 32, 128])
    assert limit["inside"] == [*map(int, former.split())]


@pytest.mark.tools("strace")
def test_run_equal_limits_are_not_written(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-o", str(trace), "-e", "trace=openat", PYIPCS, "run", "true"]
    assert run(*command) == (0, "", "")
    opened = [line for line in trace.read_text().splitlines() if "/proc/sys/" in line]
    assert opened
    assert not [line for line in opened if "O_RDONLY" not in line]
