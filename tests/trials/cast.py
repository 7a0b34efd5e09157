"""Objects that the filters of the trials must spare or remove."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from pyipcs.model import Kind
from tests.kit.factories import fork_child, leaked_segment, suspect_queue, suspect_set
from tests.kit.kernel import Objects, libc, operate, receive, remove, send
from tests.kit.wait import wait_for_state
from tests.trials.churn import acting_as
from tests.trials.listings import Known, known

TENANT = 4243  # the uid of the owner of queues, some of them empty
DEPARTED = 4299  # the uid of the creator of unused objects only
_KEYS = iter(range(0x7A000000, 0x7B000000))  # random keys rarely hit these


def _attach(shmid: int) -> int:
    return int(libc.shmat(shmid, None, 0))


def _hold(shmid: int) -> None:
    _attach(shmid)
    signal.pause()


def abandoned_segment(objects: Objects, *, uid: int = 0, used: bool = True) -> int:
    """Return a user's segment whose creator is gone."""
    with acting_as(uid):
        return leaked_segment(objects, next(_KEYS), used=used)


def abandoned_queue(objects: Objects, *, uid: int = 0) -> int:
    """Return a user's queue whose last sender is gone."""
    with acting_as(uid):
        return suspect_queue(objects, next(_KEYS))


def abandoned_set(objects: Objects, *, uid: int = 0) -> int:
    """Return a user's set whose last user is gone."""
    with acting_as(uid):
        return suspect_set(objects, next(_KEYS), nsems=2)


def tenants_queue(objects: Objects) -> int:
    """Create an empty queue of the tenant; return its id."""
    with acting_as(TENANT):
        return objects.queue(next(_KEYS), 0o640)


@contextmanager
def surviving(objects: Objects) -> Iterator[list[Known]]:
    """Create objects that no filter selects, each for another reason."""
    holders: list[int] = []

    def held(act: Callable[[], object]) -> int:
        holders.append(fork_child(act))
        wait_for_state(holders[-1], "S")
        return holders[-1]

    try:
        attached = abandoned_segment(objects)
        marked = abandoned_segment(objects)
        awaited = abandoned_queue(objects)
        locked = abandoned_set(objects)
        users = [held(partial(_hold, shmid)) for shmid in (attached, marked)]
        remove(Kind.SEGMENT, marked)  # the kernel destroys it with its last attachment
        users.append(held(partial(receive, awaited, 5, blocking=True)))
        users.append(held(partial(operate, locked, -5)))
        full = tenants_queue(objects)
        send(full)
        with acting_as(TENANT + 1):
            others = objects.queue(next(_KEYS))
        unattached = abandoned_segment(objects, used=False)
        yield [
            known(Kind.SEGMENT, attached, "in-use", users[0]),
            known(Kind.SEGMENT, marked, "in-use", users[1]),
            known(Kind.QUEUE, awaited, "in-use", users[2]),
            known(Kind.SEMAPHORE, locked, "in-use", users[3]),
            known(Kind.QUEUE, full, "in-use"),
            known(Kind.QUEUE, others, "unknown"),
            known(Kind.SEGMENT, unattached, "unknown"),
            known(Kind.SEMAPHORE, objects.semaphores(next(_KEYS)), "unknown"),
        ]
    finally:
        for holder in holders:
            os.kill(holder, signal.SIGKILL)
            os.waitpid(holder, 0)
