"""A process that creates, uses and removes objects at random.

`python -m tests.trials.churn SEED PAUSE` does so until SIGTERM. It touches only its own objects,
and fails if another process removed a POSIX object that it had in use.
"""

import errno
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyipcs.model import SYSV, Kind
from tests.kit.kernel import (
    IPC_CREAT,
    IPC_EXCL,
    IPC_NOWAIT,
    acting_as,
    libc,
    operate,
    receive,
    remove,
    send,
)
from tests.trials.churn_posix import OWNERS, PosixChurn

_MOST = 8  # objects of a kind at a time
_KEYS = 2**31 - 1
_ROOT = Path(__file__).parents[2]
# A full queue, an empty one, a semaphore of 0, a key in use, a mode that refuses an ordinary user,
# a POSIX object that another process removed, and the limits of queues.
_EXPECTED = {errno.EAGAIN, errno.ENOMSG, errno.EEXIST, errno.EACCES}
_EXPECTED |= {errno.ENOENT, errno.EMFILE, errno.ENOSPC}


@contextmanager
def churning(seed: int, pause: float = 0.002) -> Iterator[int]:
    """Run a churner within a `with` block; yield its pid."""
    command = [sys.executable, "-m", "tests.trials.churn", str(seed), str(pause)]
    process = subprocess.Popen(command, cwd=_ROOT)
    try:
        yield process.pid
    finally:
        process.terminate()
        status = process.wait()
    if status != 0:
        raise ChildProcessError(f"the churner ended with {status}")


class Churn:
    """Objects, with random actions on them."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._ids: dict[Kind, list[int]] = {kind: [] for kind in SYSV}
        self._addresses: list[int] = []
        self.posix = PosixChurn(self._chance)
        self._acts = (
            *(self._make, self._make, self._remove, self._send, self._receive),
            *(self._attach, self._detach, self._operate),
            *self.posix.acts,
        )

    def act(self) -> None:
        """Do a random action, which may fail."""
        try:
            self._chance.choice(self._acts)()
        except OSError as error:
            if error.errno not in _EXPECTED:
                raise

    def end(self) -> None:
        """Remove all objects."""
        for kind, ids in self._ids.items():
            for object_id in ids:
                remove(kind, object_id)
        for address in self._addresses:
            libc.shmdt(address)
        self.posix.end()

    def _make(self) -> None:
        kind = self._chance.choice([*SYSV])
        if len(self._ids[kind]) >= _MOST:
            return
        key = self._chance.choice((0, self._chance.randint(1, _KEYS)))
        flags = IPC_CREAT | IPC_EXCL | self._chance.randint(0, 0o777)
        with acting_as(self._chance.choice(OWNERS)):
            self._ids[kind].append(self._new(kind, key, flags))

    def _new(self, kind: Kind, key: int, flags: int) -> int:
        match kind:
            case Kind.QUEUE:
                return int(libc.msgget(key, flags))
            case Kind.SEGMENT:
                return int(libc.shmget(key, self._chance.randint(1, 1 << 20), flags))
            case _:
                return int(libc.semget(key, self._chance.randint(1, 20), flags))

    def _one(self, kind: Kind) -> int | None:
        ids = self._ids[kind]
        return self._chance.choice(ids) if ids else None

    def _remove(self) -> None:
        """Remove an object; the kernel keeps a segment until its last detachment."""
        kind = self._chance.choice([*SYSV])
        object_id = self._one(kind)
        if object_id is not None:
            self._ids[kind].remove(object_id)
            remove(kind, object_id)

    def _send(self) -> None:
        msqid = self._one(Kind.QUEUE)
        if msqid is not None:
            send(msqid, bytes(self._chance.randint(0, 3000)), self._chance.randint(1, 9))

    def _receive(self) -> None:
        msqid = self._one(Kind.QUEUE)
        if msqid is not None:
            receive(msqid)

    def _attach(self) -> None:
        shmid = self._one(Kind.SEGMENT)
        if shmid is not None:
            self._addresses.append(libc.shmat(shmid, None, 0))

    def _detach(self) -> None:
        if self._addresses:
            index = self._chance.randrange(len(self._addresses))
            libc.shmdt(self._addresses.pop(index))

    def _operate(self) -> None:
        semid = self._one(Kind.SEMAPHORE)
        if semid is not None:
            operate(semid, self._chance.choice((-1, 1)), IPC_NOWAIT)


def _main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    churn = Churn(int(sys.argv[1]))
    try:
        while True:
            churn.act()
            time.sleep(float(sys.argv[2]))
    finally:
        churn.end()
        if lost := churn.posix.lost:
            sys.exit(f"removed while in use: {lost}")


if __name__ == "__main__":
    _main()
