"""Write leases beside other processes: python -m tests.trials.leases."""

import ctypes
import mmap
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    from tests.kit import isolation

    isolation.enter()

from pyipcs.model import Kind
from pyipcs.posix.openness import Openness, probe
from tests.kit.posix import SHM, ShmFiles
from tests.kit.program import forked
from tests.kit.wait import LIMIT, exit_code
from tests.trials import parse_options

_KIND = Kind.POSIX_SEGMENT
_NAMES = [f"opened-{number}" for number in range(8)]
_OPENERS = 2
_HOLD_MAX = 0.05  # seconds
_OBJECTS, _ROUNDS = 20_000, 10
_libc = ctypes.CDLL(None)
_libc.mmap.restype = ctypes.c_void_p
_libc.munmap.argtypes = ctypes.c_void_p, ctypes.c_size_t


class Openings(NamedTuple):
    """The numbers of processes that open objects while others remove them.

    Attributes:
        held: the objects that were held, by a descriptor or by a mapping.
        lost: the held objects that were removed, which must not happen.
        late: the objects that were removed while they were opened.
        gone: the objects that were removed before they were opened.
        removed: the removed objects, as rm reports them.
    """

    held: int = 0
    lost: int = 0
    late: int = 0
    gone: int = 0
    removed: int = 0


def count_false(objects: int, rounds: int, *, processes: int = 2) -> int:
    """Count the unused objects that processes report as used while all probe the same ones."""
    paths = [ShmFiles().file(f"probed-{number}", b"x") for number in range(objects)]
    try:
        found = _in_children([lambda: {"false": _probe(paths, rounds)}] * processes)
        return found["false"]
    finally:
        for path in paths:
            path.unlink()


def _probe(paths: Sequence[Path], rounds: int) -> int:
    statuses = [path.stat() for path in paths]
    identities = ((status.st_dev, status.st_ino) for status in statuses)
    objects = [*zip((f"/{path.name}" for path in paths), identities, strict=True)]
    return sum(
        answer is not Openness.CLOSED for _ in range(rounds) for answer in probe(_KIND, objects)
    )


def remove_beside_openers(seconds: float, seed: int) -> Openings:
    """Open objects for moments in some processes; remove unused ones in another one."""
    end = time.monotonic() + seconds
    chance = random.Random(seed)
    openers = [_Opener(end, chance.random()).run for _ in range(_OPENERS)]
    found = _in_children([*openers, lambda: _remove_until(end)])
    for name in _NAMES:
        (SHM / name).unlink(missing_ok=True)
    return Openings(**found)


class _Opener:
    """A process that opens objects, holds them for moments, and creates missing ones."""

    def __init__(self, end: float, seed: float) -> None:
        self._end = end
        self._chance = random.Random(seed)
        self._numbers: Counter[str] = Counter()

    def run(self) -> Mapping[str, int]:
        """Return the numbers of `Openings`."""
        while time.monotonic() < self._end:
            path = SHM / self._chance.choice(_NAMES)
            try:
                descriptor = os.open(path, os.O_RDWR)
            except FileNotFoundError:
                self._numbers["gone"] += 1
                path.write_bytes(bytes(mmap.PAGESIZE))
                continue
            self._use(path, descriptor)
        return self._numbers

    def _use(self, path: Path, descriptor: int) -> None:
        """Hold an open object by its descriptor, or by a mapping alone; then close it."""
        status = os.fstat(descriptor)
        if not status.st_nlink:
            self._numbers["late"] += 1
            os.close(descriptor)
            return
        self._numbers["held"] += 1
        address = _map(descriptor) if self._chance.random() < 0.5 else 0
        if address:
            os.close(descriptor)
        time.sleep(self._chance.choice([0, self._chance.uniform(0, _HOLD_MAX)]))
        if address:
            self._numbers["lost"] += not _has_name(path, status.st_ino)
            _libc.munmap(address, mmap.PAGESIZE)
        else:
            self._numbers["lost"] += not os.fstat(descriptor).st_nlink
            os.close(descriptor)


def _map(descriptor: int) -> int:
    """Map the first page of a file; return its address."""
    flags = mmap.PROT_READ, mmap.MAP_SHARED
    return int(_libc.mmap(None, mmap.PAGESIZE, *flags, descriptor, 0))


def _has_name(path: Path, inode: int) -> bool:
    try:
        return path.stat().st_ino == inode
    except FileNotFoundError:
        return False


def _remove_until(end: float) -> Mapping[str, int]:
    removed = 0
    while time.monotonic() < end:
        result = forked("rm", "-v", "-y", "--all=pshm", "--orphaned")
        assert result.status == 0, result
        removed += result.out.count("removing ")
    return {"removed": removed}


def _in_children(acts: Sequence[Callable[[], Mapping[str, int]]]) -> dict[str, int]:
    """Return the sums of the numbers of functions that run at the same time."""
    read, write = os.pipe()
    children = []
    for act in acts:
        if (child := os.fork()) == 0:
            status = 1
            try:
                lines = [f"{name} {number}\n" for name, number in act().items()]
                os.write(write, "".join(lines).encode())
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    os.close(write)
    statuses = [exit_code(child, seconds=100 * LIMIT) for child in children]
    sums: Counter[str] = Counter()
    with os.fdopen(read) as file:
        for line in file:
            name, number = line.split()
            sums[name] += int(number)
    assert not any(statuses), statuses
    return dict(sums)


def _main() -> None:
    options = parse_options(seconds=120)
    false = count_false(_OBJECTS, _ROUNDS)
    print(f"{2 * _OBJECTS * _ROUNDS:,} probes by two processes, {false} false")
    openings = remove_beside_openers(options.seconds, options.seed)
    print(*(f"{name:8} {number:>9,}" for name, number in openings._asdict().items()), sep="\n")
    sys.exit(bool(openings.lost))


if __name__ == "__main__":
    _main()
