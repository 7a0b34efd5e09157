"""Objects that the filters of the trials must spare or remove."""

import ctypes
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count

from pyipcs.model import POSIX, Kind
from tests.kit.factories import fork_child, leaked_segment, suspect_queue, suspect_set
from tests.kit.kernel import Objects, acting_as, libc, operate, receive, remove, send
from tests.kit.posix import hold_mapped, hold_open
from tests.kit.posix_objects import SIZES, PosixObjects, path_of
from tests.kit.wait import wait_for_state
from tests.trials.listings import Known, known

TENANT = 4243  # the uid of the owner of queues, some of them empty
DEPARTED = 4299  # the uid of the creator of unused objects only
HELD = "churn-held"  # the prefix of names of objects in use
_KEYS = iter(range(0x7A000000, 0x7B000000))  # random keys rarely hit these
_NUMBERS = count()
_library = ctypes.CDLL(None)
_library.sem_open.restype = ctypes.c_void_p
_library.sem_wait.argtypes = (ctypes.c_void_p,)


def _attach(shmid: int) -> int:
    return int(libc.shmat(shmid, None, 0))


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


def closed(kind: Kind, *, uid: int = 0, messages: int = 0, prefix: str = "closed") -> str:
    """Create a user's POSIX object that nobody has open; return its name."""
    name = f"/{prefix}-{next(_NUMBERS)}"
    with acting_as(uid):
        PosixObjects().make(kind, name, messages=messages)
    return name


def _hold(use: Callable[[], object]) -> None:
    use()
    signal.pause()


def _await_message(name: str) -> None:
    descriptor = libc.mq_open(os.fsencode(name), os.O_RDONLY)
    room = ctypes.create_string_buffer(SIZES[1])
    libc.mq_receive(descriptor, room, ctypes.c_size_t(len(room)), None)


def _await_semaphore(name: str) -> None:
    semaphore = _library.sem_open(os.fsencode(name), 0)
    _library.sem_wait(semaphore)  # the value is 1
    _library.sem_wait(semaphore)


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
        users = [held(partial(_hold, partial(_attach, shmid))) for shmid in (attached, marked)]
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
            *_surviving_posix(held),
        ]
    finally:
        for holder in holders:
            os.kill(holder, signal.SIGKILL)
            os.waitpid(holder, 0)


def _surviving_posix(held: Callable[[Callable[[], object]], int]) -> Iterator[Known]:
    """Create POSIX objects that no filter selects; `held` runs a function in a new process."""
    # The names match the filters that select by name and use.
    for kind in POSIX:
        name = closed(kind, uid=DEPARTED, prefix=HELD)
        user = held(partial(_hold, partial(hold_open, path_of(kind, name))))
        yield known(kind, name, "in-use", user)
    mapped = closed(Kind.POSIX_SEGMENT, uid=DEPARTED, prefix=HELD)
    user = held(partial(_hold, partial(hold_mapped, path_of(Kind.POSIX_SEGMENT, mapped))))
    yield known(Kind.POSIX_SEGMENT, mapped, "in-use", user)
    awaited = closed(Kind.POSIX_QUEUE, uid=DEPARTED)
    user = held(partial(_await_message, awaited))
    yield known(Kind.POSIX_QUEUE, awaited, "in-use", user)
    taken = closed(Kind.POSIX_SEMAPHORE, uid=DEPARTED)
    user = held(partial(_await_semaphore, taken))
    yield known(Kind.POSIX_SEMAPHORE, taken, "in-use", user)
    yield known(Kind.POSIX_QUEUE, closed(Kind.POSIX_QUEUE, uid=TENANT, messages=1), "suspect")
    for kind in POSIX:
        yield known(kind, closed(kind, uid=TENANT + 1), "orphaned")
