"""--idle of rm and list, and the evidence for each removal by a filter."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from pyipcs.model import SYSV, Kind
from pyipcs.sysv import libc as product_libc
from pyipcs.sysv.handle import handle_class
from pyipcs.usage.doubt import rescan
from pyipcs.usage.scan import is_cached, scan_for
from tests.kit.factories import (
    created_by_departed,
    fork_child,
    in_waiting_call,
    leaked_segment,
    suspect_queue,
    suspect_set,
    waiting,
)
from tests.kit.kernel import (
    IPC_CREAT,
    IPC_EXCL,
    Objects,
    everything,
    ids,
    libc,
    receive,
)
from tests.kit.program import Result, invoke
from tests.kit.wait import wait_for_second, wait_for_state, wait_until

IDLE = "0.1s"
RECEIVE = "msgrcv({}, room, 9, 99, 0)"
WAIT_FOR_ZERO = "semop({}, bytes(6), 1)"


# An ordinary user cannot be certain of queues and sets: a process that it cannot read may wait, or
# may be stopped.
pytestmark = pytest.mark.root


def listed(*args: str) -> set[tuple[Kind, int]]:
    """Return the objects that a command line lists."""
    lines = invoke("list", "-f", "jsonl", *args).out.splitlines()
    found = [json.loads(line) for line in lines]
    return {(Kind(one["kind"]), one["id"]) for one in found}


def end(children: list[int]) -> None:
    """Kill the child processes of a test."""
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


# -- --idle


def wait_until_old() -> None:
    """Wait until all present objects are idle for IDLE.

    Recorded times are rounded down, and count from the next second.
    """
    wait_for_second(int(time.time()) + 2)


@pytest.mark.slow
def test_idle_leaves_queue_and_set_on_which_a_process_waits(
    objects: Objects, isolated: None
) -> None:
    waited = [(Kind.QUEUE, objects.queue()), (Kind.SEMAPHORE, suspect_set(objects))]
    idle = {(kind, objects.make(kind)) for kind in SYSV}
    idle.add((Kind.SEMAPHORE, objects.semaphores(mode=0o200)))
    (_, msqid), (_, semid) = waited
    with waiting(RECEIVE.format(msqid)), waiting(WAIT_FOR_ZERO.format(semid)) as pid:
        wait_until_old()
        assert listed("--idle", IDLE) == idle
        os.kill(pid, signal.SIGSTOP)
        wait_for_state(pid, "T")
        wait_until(lambda: not sum(product_libc.semaphores(semid, 1)[0][2:4]))
        assert listed("--idle", IDLE) == idle, "the scan sees the stopped one"
        assert invoke("rm", "--all", "--idle", IDLE) == Result(0, "", "")
        assert everything() == set(waited)


@pytest.mark.slow
def test_idle_leaves_queue_on_which_a_process_waits_since_the_question(
    objects: Objects, isolated: None
) -> None:
    msqid, other = objects.queue(), objects.queue()
    wait_until_old()
    remove = handle_class(Kind.QUEUE).remove_id
    children: list[int] = []

    def wait_on_the_other(object_id: int) -> None:
        """Let a process wait on the other queue before the first removal."""
        if not children:
            rest = {msqid, other} - {object_id}
            children.append(fork_child(lambda: receive(*rest, blocking=True)))
            wait_until(lambda: in_waiting_call(children[0]))
            time.sleep(0.1)  # until the scan is too old
        remove(object_id)

    with patched(Kind.QUEUE, wait_on_the_other):
        result = invoke("rm", "--all", "--idle", IDLE)
    (left,) = ids(Kind.QUEUE)
    assert result == Result(
        0, "", f"pyipcs: skipped message queue {left}: changed since it was listed\n"
    )
    end(children)


def test_idle_scans_only_for_objects_that_are_old_enough(objects: Objects) -> None:
    objects.queue()
    objects.semaphores()
    assert listed("--idle", "1h", "--mine") == set()
    assert not is_cached(attached=False)


@contextmanager
def patched(kind: Kind, remove: Callable[[int], None]) -> Iterator[None]:
    """Replace the removal of a kind by a function that calls it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handle_class(kind), "remove_id", staticmethod(remove))
        yield


# -- The age of a scan


@pytest.mark.parametrize("kind", [*SYSV])
@pytest.mark.all_processes
def test_scan_behind_a_removal_began_at_most_its_duration_and_10_ms_ago(
    objects: Objects, isolated: None, kind: Kind
) -> None:
    create = {
        Kind.QUEUE: suspect_queue,
        Kind.SEGMENT: leaked_segment,
        Kind.SEMAPHORE: suspect_set,
    }[kind]
    made = {create(objects) for _ in range(20)}
    remove, late = handle_class(kind).remove_id, []

    def check_age(object_id: int) -> None:
        now = time.monotonic()
        seen = scan_for(kind)
        late.append(now - seen.begun - seen.took)
        remove(object_id)
        time.sleep(0.004)

    with patched(kind, check_age):
        assert invoke("rm", "--all", "--suspect") == Result(0, "", "")
    assert not ids(kind)
    assert len(late) == len(made)
    # The call itself follows the check at once, unless this process has to wait for a processor.
    assert sorted(late)[len(late) // 2] <= 0.010


@pytest.mark.all_processes
def test_set_is_asked_for_waiters_after_the_scan(objects: Objects, isolated: None) -> None:
    """A process that begins to wait after the scan is counted."""
    semid = suspect_set(objects)
    children: list[int] = []

    def rescan_then_wait(kind: Kind) -> None:
        rescan(kind)
        if not children:
            children.append(fork_child(lambda: libc.semop(semid, bytes(6), 1)))
            wait_until(lambda: product_libc.semaphores(semid, 1)[0].zcount)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pyipcs.usage.doubt.rescan", rescan_then_wait)
        result = invoke("rm", "--all", "--suspect")
    assert result.err == f"pyipcs: skipped semaphore set {semid}: changed since it was listed\n"
    assert ids(Kind.SEMAPHORE) == {semid}
    end(children)


@pytest.mark.slow
@pytest.mark.all_processes
def test_set_with_many_semaphores_is_removed(objects: Objects, isolated: None) -> None:
    """Reading its semaphores takes longer than a scan stays fresh."""

    def create() -> int:
        semid = int(libc.semget(0, 32000, IPC_CREAT | IPC_EXCL | 0o600))
        libc.semctl(semid, 0, 16, 1)
        return semid

    semid = objects.adopt(Kind.SEMAPHORE, created_by_departed(create))
    for _ in range(10):
        result = invoke("rm", "--all", "--suspect")
        if not result.err.endswith("could not examine it in time\n"):
            break
        assert semid in ids(Kind.SEMAPHORE)
    else:
        pytest.skip("the machine is too busy to examine 32,000 semaphores in time")
    assert result == Result(0, "", "")
    assert semid not in ids(Kind.SEMAPHORE)


# -- Related objects


@pytest.mark.parametrize("create", [suspect_queue, suspect_set])
@pytest.mark.all_processes
def test_suspect_leaves_objects_changed_together_with_a_used_one(
    objects: Objects, isolated: None, create: Callable[[Objects], int]
) -> None:
    used, _ = objects.segment(), create(objects)
    before = everything()
    assert listed("--suspect") == set()
    assert invoke("rm", "--all", "--suspect") == Result(0, "", "")
    assert everything() == before
    assert (Kind.SEGMENT, used) in before


@pytest.mark.slow
@pytest.mark.all_processes
def test_suspect_leaves_set_with_a_related_object_used_since_the_question(
    objects: Objects, isolated: None
) -> None:
    """A process waits on the listed queue by the time the set is removed."""
    msqid = objects.queue()
    first, second = suspect_set(objects), suspect_set(objects)
    remove = handle_class(Kind.SEMAPHORE).remove_id
    children: list[int] = []

    def wait_on_queue(object_id: int) -> None:
        if not children:
            children.append(fork_child(lambda: receive(msqid, blocking=True)))
            wait_until(lambda: in_waiting_call(children[0]))
            time.sleep(0.2)  # until the scan is too old
        remove(object_id)

    with patched(Kind.SEMAPHORE, wait_on_queue):
        result = invoke("rm", "--all=sem", "--suspect")
    (left,) = ids(Kind.SEMAPHORE)
    assert left in {first, second}
    assert result == Result(
        0, "", f"pyipcs: skipped semaphore set {left}: changed since it was listed\n"
    )
    end(children)
