"""The message about objects that a filter could not judge."""

import os
import re

import pytest

from pyipcs.model import Kind
from pyipcs.sysv import namespace
from tests.kit.child import drop_privileges
from tests.kit.factories import leaked_segment, suspect_queue, suspect_set
from tests.kit.kernel import NOBODY, Objects, ids
from tests.kit.program import Result, as_nobody, invoke, load_all
from tests.kit.terminal import fork_on_terminal, read_all, read_until, without_codes
from tests.kit.wait import exit_code

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("isolated")]
_WHY = "cannot be examined (try as root)\n"


@pytest.mark.parametrize("command", ["list", "rm --all -n"])
@pytest.mark.all_processes
def test_suspect_of_unreadable_processes_reports_how_many_objects_were_left_out(
    command: str, objects: Objects
) -> None:
    """Root's processes may wait on the queues unseen, but not on the set.

    A stopped process of another test makes the set doubtful too (usage/halted.py).
    """
    for msqid in (suspect_queue(objects), suspect_queue(objects)):
        assert invoke("set", "-q", str(msqid), "--owner", str(NOBODY)).status == 0
    suspect_set(objects, mode=0o666)
    result = as_nobody(*command.split(), "--suspect")
    assert result.status == 0
    line = "pyipcs: 2 message queues(?: and 1 semaphore set)? could not be judged: .* "
    assert re.fullmatch(line + re.escape(_WHY), result.err)


@pytest.mark.alone
@pytest.mark.all_processes
def test_suspect_with_all_ns_reports_the_namespaces_with_objects_that_were_left_out(
    objects: Objects,
) -> None:
    """Other programs of nobody may have namespaces of their own."""
    suspect_queue(objects, mode=0o666)
    start = f"pyipcs: IPC namespace {namespace.current()}: "
    lines = as_nobody("list", "--all-ns", "--suspect").err.splitlines(keepends=True)
    (line,) = (line for line in lines if line.startswith(start))
    reason = line.removeprefix(start)
    assert re.fullmatch("1 message queue could not be judged: .* " + re.escape(_WHY), reason)


def test_suspect_in_live_view_reports_the_number_of_each_update(objects: Objects) -> None:
    suspect_queue(objects, mode=0o666)
    load_all()
    line = ("list", "-q", "--suspect", "--watch=0.1")
    child, terminal = fork_on_terminal(*line, first=drop_privileges)
    try:
        text = read_until(terminal, r"(?s)(could not be judged.*){3}")
        os.write(terminal, b"q")
        read_all(terminal)
    finally:
        status = exit_code(child)
    assert status == 0
    numbers = re.findall(r"(\d+) message queues? could not be judged", without_codes(text))
    assert {*numbers} == {"1"}


@pytest.mark.parametrize("filters", ["--orphaned", "--suspect -m", "--idle 1d", "--mine"])
def test_filter_that_judges_no_queue_reports_nothing(filters: str, objects: Objects) -> None:
    suspect_queue(objects, mode=0o666)
    leaked_segment(objects)
    assert as_nobody("list", *filters.split()).err == ""


def test_suspect_with_a_filter_that_leaves_the_queue_out_reports_nothing(
    objects: Objects,
) -> None:
    suspect_queue(objects, mode=0o666)
    assert as_nobody("list", "--suspect", "--key", "0x5eed").err == ""


def test_suspect_of_an_unused_queue_reports_nothing_to_root(objects: Objects) -> None:
    objects.queue()
    leaked = suspect_queue(objects)
    result = invoke("rm", "--all", "--suspect", "--key", "0x5eed")
    assert result == Result(0, "", "")
    assert leaked in ids(Kind.QUEUE)
