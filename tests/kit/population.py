"""Objects of both families, some of them in use, and the kernel's list of all objects."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import NamedTuple, TypeAlias

from pyipcs.model import POSIX, SYSV, Kind
from tests.kit.factories import fork_child, leaked_segment, suspect_queue, suspect_set
from tests.kit.kernel import Objects, acting_as, everything, libc, operate, receive, send
from tests.kit.mqueue import MQUEUE
from tests.kit.posix import SHM, hold_mapped, hold_open, kind_of_file
from tests.kit.posix_objects import PosixObjects, path_of
from tests.kit.program import invoke
from tests.kit.wait import exit_code, wait_for_state, wait_until

Place: TypeAlias = tuple[Kind, str]  # with the id or the name
_OPTIONS = {Kind.QUEUE: "-q", Kind.SEGMENT: "-m", Kind.SEMAPHORE: "-s"}
# Objects of one creator that changed together are taken for those of one program.
_CREATOR = 61005


def existing() -> set[Place]:
    """Return all objects of both families, as the kernel lists them."""
    found = {(kind, str(object_id)) for kind, object_id in everything()}
    found |= {(Kind.POSIX_QUEUE, f"/{path.name}") for path in MQUEUE.iterdir()}
    for path in SHM.iterdir():
        with suppress(FileNotFoundError):
            if kind := kind_of_file(path):
                is_semaphore = kind is Kind.POSIX_SEMAPHORE
                found.add((kind, f"/{path.name.removeprefix('sem.' * is_semaphore)}"))
    return found


class Population(NamedTuple):
    """The objects of a user.

    Attributes:
        used: those that a process uses.
        unused: those that no process uses, and that only processes of the past have used.
        free: those that a test can let processes use.
    """

    used: frozenset[Place]
    unused: frozenset[Place]
    free: frozenset[Place]


@contextmanager
def populated(uid: int = 0) -> Iterator[Population]:
    """Create objects of a user, the only ones there; other processes use some of them."""
    objects, holders = Objects(), []
    try:
        with acting_as(_CREATOR):
            unused = _one_of_each(objects, "unused")
            _give(unused, uid)
        for kind, name in unused:
            if kind in POSIX:
                os.chown(path_of(kind, name), uid, 0)
        with acting_as(uid):
            used, free = (_one_of_each(objects, name) for name in ("used", "free"))
            mapped = (Kind.POSIX_SEGMENT, "/mapped")
            PosixObjects().make(*mapped)
        for place in used:
            holders.append(_held(partial(use, place)))
        holders.append(_held(partial(hold_mapped, path_of(*mapped))))
        yield Population(used | {mapped}, unused, free)
    finally:
        for holder in holders:
            os.kill(holder, signal.SIGKILL)
            exit_code(holder)
        objects.remove_all()
        PosixObjects().remove_all()
        # A process that reads the maps of another delays the end of its attachments.
        wait_until(lambda: not {Kind.SEGMENT} & {kind for kind, _ in everything()})


def _one_of_each(objects: Objects, name: str) -> frozenset[Place]:
    """Create an object of each kind whose users are gone."""
    for kind in POSIX:
        PosixObjects().make(kind, f"/{name}")
    return frozenset(
        {
            (Kind.QUEUE, str(suspect_queue(objects))),
            (Kind.SEGMENT, str(leaked_segment(objects))),
            (Kind.SEMAPHORE, str(suspect_set(objects))),
            *((kind, f"/{name}") for kind in POSIX),
        }
    )


def _give(places: Iterable[Place], uid: int) -> None:
    """Change the owner of System V objects, as their creator may."""
    for kind, identity in places:
        if kind in SYSV:
            result = invoke("set", _OPTIONS[kind], identity, "--owner", str(uid))
            assert result.status == 0, result


def use(place: Place) -> None:
    """Use an object from now on: attach it, wait on it, or have it open."""
    kind, identity = place
    match kind:
        case Kind.QUEUE:
            receive(int(identity), type_=99, blocking=True)
        case Kind.SEGMENT:
            libc.shmat(int(identity), None, 0)
        case Kind.SEMAPHORE:
            operate(int(identity), -9)
        case _:
            hold_open(path_of(kind, identity))


def _held(act: Callable[[], object]) -> int:
    """Run a function in a new process, which then waits; return its pid."""

    def hold() -> None:
        act()
        signal.pause()

    pid = fork_child(hold)
    wait_for_state(pid, "S")
    return pid


@contextmanager
def used_by_children(places: Iterable[Place]) -> Iterator[frozenset[Place]]:
    """Let children use objects within a `with` block; yield those that they are allowed to use."""
    children: list[int] = []
    try:
        yield frozenset(place for place in places if _is_used_by_child(place, children))
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)  # there may be no /proc, and so no limit


def _is_used_by_child(place: Place, children: list[int]) -> bool:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            _touch(place)
            os.write(writing, b"y")
            os.close(writing)
            signal.pause()
        finally:
            os._exit(1)
    children.append(child)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        return pipe.read() == b"y"


def _touch(place: Place) -> None:
    """Use an object without waiting."""
    kind, identity = place
    match kind:
        case Kind.QUEUE:  # this process is on record then
            send(int(identity), b"x", 50)
            receive(int(identity), type_=50)
        case Kind.SEMAPHORE:
            operate(int(identity), 1)
            operate(int(identity), -1)
        case _:
            use(place)


def is_sysv(place: Place) -> bool:
    """Return True for an object of System V."""
    return place[0] in SYSV
