"""A real program: its command, its objects, and the states that they have."""

import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pyipcs.model import Kind
from tests.kit.family import kill_family
from tests.kit.kernel import IS_ROOT, NOBODY, everything, libc
from tests.kit.posix import SHM, kind_of_file
from tests.kit.wait import LIMIT, wait_until

IN_USE, ORPHANED, SUSPECT, UNKNOWN = "in-use", "orphaned", "suspect", "unknown"
# A queue or a set that its program creates with others, or has not used yet.
IN_DOUBT = (IN_USE, UNKNOWN)
MQUEUE = Path("/dev/mqueue")
_GETPID = 11  # semctl(2)


class Object(NamedTuple):
    """An object, as JSON names it: by its id, or by its name with a slash."""

    kind: Kind
    name: int | str

    @property
    def path(self) -> Path:
        """The file of a POSIX object."""
        name = str(self.name)[1:]
        if self.kind is Kind.POSIX_QUEUE:
            return MQUEUE / name
        return SHM / (f"sem.{name}" if self.kind is Kind.POSIX_SEMAPHORE else name)

    @property
    def was_used(self) -> bool:
        """True for other kinds, and if the first semaphore has a last user."""
        if self.kind is not Kind.SEMAPHORE:
            return True
        with suppress(OSError):  # its program removed it
            return bool(libc.semctl(self.name, 0, _GETPID) > 0)
        return False


@dataclass(frozen=True)
class Made:
    """The objects of one kind that a program creates.

    Args:
        count: their number, or the lowest number in the versions of a program.
        running: the possible states while the program runs.
        killed: the possible states after SIGKILL of all its processes; empty if none is left.
        changes: whether the program removes and creates objects all the time.
    """

    count: int
    running: tuple[str, ...]
    killed: tuple[str, ...]
    changes: bool = False


@dataclass(frozen=True)
class Program:
    """A real program.

    Args:
        name: its name in the table.
        command: the command line; {folder} stands for the working directory.
        made: the objects that it creates.
        tools: the programs that it needs.
        check: a command that fails if a part of a tool is missing.
        files: the files of the working directory: their names and their texts.
        prepare: a shell command for the working directory.
        ready: the text in its output that shows that it is ready.
        environment: additional variables.
        is_busy: whether it uses all CPU time that it gets.
        refuses_root: whether it runs as nobody if the tests run as root.
        note: the end of its row in the table.
        last_run: the date of the last run of a program that `pytest -m real` runs.
    """

    name: str
    command: tuple[str, ...]
    made: Mapping[Kind, Made]
    tools: tuple[str, ...] = ()
    check: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    prepare: str = ""
    ready: str = "ready"
    environment: Mapping[str, str] = field(default_factory=dict)
    is_busy: bool = False
    refuses_root: bool = False
    note: str = ""
    last_run: str = ""

    @property
    def user(self) -> dict[str, Any]:
        """The arguments of Popen for the user of the program."""
        if self.refuses_root and IS_ROOT:
            return {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        return {}


class Running:
    """A program that runs in a folder, and can be started there again."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.program = program
        self.folder = folder
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Write the files of the program, and run its command for the folder."""
        for name, text in self.program.files.items():
            (self.folder / name).write_text(text.replace("{folder}", str(self.folder)))
        if self.program.user:
            os.chown(self.folder, NOBODY, NOBODY)
        if self.program.prepare:
            process = self._popen("sh", "-ec", self.program.prepare)
            assert process.wait(LIMIT) == 0, self.log()

    def start(self) -> None:
        """Start the program; return when it is ready and has created and used its objects."""
        before = present()
        process = self._popen(*self.program.command)
        missing = set(self.program.made)

        def is_ready() -> bool:
            assert process.poll() is None, f"{self.program.name} ended: {self.log()}"
            kinds = Counter(each.kind for each in present() - before if each.was_used)
            missing.difference_update(kind for kind in kinds if kinds[kind] >= self._least(kind))
            return not missing and self.program.ready in self.log()

        try:
            wait_until(is_ready)
        except TimeoutError as error:
            raise TimeoutError(f"{self.program.name}: no {missing}: {self.log()}") from error

    def kill(self) -> None:
        """Kill all processes of the program at once, and wait until they are gone."""
        if process := self._process:
            self._process = None
            kill_family(process.pid, str(self.folder))
            process.wait(LIMIT)

    def log(self) -> str:
        """Return the output of the program."""
        return self._log.read_text(errors="replace")

    def _least(self, kind: Kind) -> int:
        made = self.program.made.get(kind)
        return made.count if made and not made.changes else 1

    def _popen(self, *command: str) -> "subprocess.Popen[bytes]":
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [word.replace("{folder}", str(self.folder)) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**os.environ, "TMPDIR": str(self.folder), **self.program.environment},
                start_new_session=True,
                **self.program.user,
            )
        if self.program.is_busy:
            _lower_priority(self._process.pid)
        return self._process


def _lower_priority(pid: int) -> None:
    """Lower the priority of the session of a program.

    The nice values of processes count within their session alone (sched(7), autogroup).
    """

    def lower() -> bool:
        try:
            Path(f"/proc/{pid}/autogroup").write_text("19")
        except BlockingIOError:  # the kernel takes one in 100 ms from ordinary users
            return False
        return True

    with suppress(FileNotFoundError, ProcessLookupError):  # no such sessions; it has ended
        wait_until(lower)


@contextmanager
def running(program: Program) -> Iterator[Running]:
    """Start a program in a new folder within a `with` block; kill it at its end."""
    with tempfile.TemporaryDirectory(prefix="pyipcs-") as folder:
        run = Running(program, Path(folder))
        try:
            run.prepare()
            run.start()
            yield run
        finally:
            run.kill()


def present() -> set[Object]:
    """Return all objects: System V from /proc/sysvipc, POSIX from the file systems."""
    found = {Object(kind, number) for kind, number in everything()}
    found |= {Object(Kind.POSIX_QUEUE, f"/{path.name}") for path in MQUEUE.iterdir()}
    for path in SHM.iterdir():
        with suppress(FileNotFoundError):  # its program removed it
            if kind := kind_of_file(path):
                name = path.name.removeprefix("sem.") if kind is Kind.POSIX_SEMAPHORE else path.name
                found.add(Object(kind, f"/{name}"))
    return found
