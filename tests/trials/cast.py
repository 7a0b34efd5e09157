"""Objects whose fate is known: those that every filter has to spare, and those that have to go."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from pyipcs.model import Kind
from tests.kit.kernel import IPC_CREAT, IPC_EXCL, Objects, libc, receive, remove, send
from tests.trials.churn import acting_as, operate
from tests.trials.listings import Known, known

TENANT = 4243  # who owns queues, some of them empty
_EXCLUSIVE = IPC_CREAT | IPC_EXCL | 0o600
_KEYS = iter(range(0x7A000000, 0x7B000000))  # which nobody takes by chance
_PATIENCE = 30  # seconds


def departed(act: Callable[[], object]) -> None:
    """Have something done by a process that is gone afterwards."""
    child = _child(act)
    if os.waitpid(child, 0)[1]:
        raise ChildProcessError(f"{act}")


def _child(act: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            act()
            status = 0
        finally:
            os._exit(status)
    return child


def _attach(shmid: int) -> int:
    return int(libc.shmat(shmid, None, 0))


def _hold(shmid: int) -> None:
    _attach(shmid)
    signal.pause()


def _used(shmid: int) -> None:
    libc.shmdt(_attach(shmid))


def abandoned_segment(objects: Objects, act: Callable[[int], object] = _used) -> int:
    """A segment whose creator has gone, having done something with it."""
    key = next(_KEYS)
    departed(lambda: act(libc.shmget(key, 4096, _EXCLUSIVE)))
    return objects.adopt(Kind.SEGMENT, libc.shmget(key, 0, 0))


def abandoned_queue(objects: Objects) -> int:
    """A queue whose last sender has gone."""
    msqid = objects.queue(next(_KEYS), 0o600)
    departed(partial(send, msqid))
    return msqid


def abandoned_set(objects: Objects) -> int:
    """A set whose last user has gone."""
    semid = objects.semaphores(next(_KEYS), 0o600, nsems=2)
    departed(partial(operate, semid, 1))
    return semid


def tenants_queue(objects: Objects) -> int:
    """An empty queue of the tenant's."""
    with acting_as(TENANT):
        return objects.queue(next(_KEYS), 0o640)


@contextmanager
def surviving(objects: Objects) -> Iterator[list[Known]]:
    """Objects that no filter of the trials means, each for another reason, for a while."""
    holders: list[int] = []

    def held(act: Callable[[], object]) -> int:
        holders.append(_child(act))
        _await_sleep(holders[-1])
        return holders[-1]

    try:
        attached = abandoned_segment(objects)
        marked = abandoned_segment(objects)
        awaited = abandoned_queue(objects)
        locked = abandoned_set(objects)
        users = [held(partial(_hold, shmid)) for shmid in (attached, marked)]
        remove(Kind.SEGMENT, marked)  # which goes with its last attachment
        users.append(held(partial(receive, awaited, 5, blocking=True)))
        users.append(held(partial(operate, locked, -5)))
        full = tenants_queue(objects)
        send(full)
        with acting_as(TENANT + 1):
            others = objects.queue(next(_KEYS))
        unattached = abandoned_segment(objects, act=int)
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


def _await_sleep(pid: int) -> None:
    """Wait until a child that does but one thing waits for it to be done."""
    end = time.monotonic() + _PATIENCE
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "S":
        if time.monotonic() > end:
            raise TimeoutError(f"{pid} does not wait")
        time.sleep(0.01)
