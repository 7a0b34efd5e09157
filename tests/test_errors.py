"""All that pyipcs can say of errors, in one table, each row of it run on objects of the kernel.

What the sources can say is collected from them: words that no row has are a failure, too.
"""

import ast
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

import pyipcs
from pyipcs.columns import OF_KIND, RESOURCE, Column
from pyipcs.errors import Status
from pyipcs.model import Kind
from pyipcs.sysv import libc
from tests.kit import kernel
from tests.kit.kernel import IS_ROOT, NOBODY, Objects, everything, ids
from tests.kit.program import PYIPCS, Result, as_nobody, forked, invoke, need_tool, run
from tests.kit.terminal import end, on_terminal, read_all, read_until, without_codes

# How a row is run: what takes the words of the command line.
Under: TypeAlias = Callable[..., Result]

KEY = 0x5EED
SYSTEM = Path("/proc/sys/kernel")


# -- How rows are run, where it is not simply in this process.


def for_root() -> None:
    if not IS_ROOT:
        pytest.skip("only root can do this")


def nobody(*args: str) -> Result:
    """With nobody's rights."""
    for_root()
    return as_nobody(*args)


def given(data: bytes) -> Under:
    """With these data on standard input, in a process of its own."""
    return partial(forked, data=data)


APART = given(b"")  # in a process of its own, which may change its namespace or become a command


def shell(script: str) -> Under:
    """By a script in which "$@" is the program."""
    return lambda *args: run("bash", "-c", script, "bash", PYIPCS, *args)


def unprivileged(script: str) -> Under:
    """By a script, without any capability, and yet as the same user."""
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if IS_ROOT else []
    return lambda *args: run(*drop, "bash", "-c", script, "bash", PYIPCS, *args)


def variable(name: str, value: str) -> Under:
    """With a variable in the environment."""
    return partial(invoke, env={name: value})


def limited(name: str, value: str, under: Under = invoke) -> Under:
    """While a limit of the namespace has another value."""

    def ran(*args: str) -> Result:
        for_root()
        before = (SYSTEM / name).read_text()
        (SYSTEM / name).write_text(value)
        try:
            return under(*args)
        finally:
            (SYSTEM / name).write_text(before)

    return ran


def refused(calls: str, *, apart: bool = False) -> Under:
    """With system calls that the kernel refuses, in the words of strace's inject.

    Args:
        calls: which, and how.
        apart: whether it is in an IPC namespace that goes with what is left there.
    """

    def ran(*args: str) -> Result:
        strace = [need_tool("strace"), "-f", "-o", os.devnull, "-e", f"inject={calls}"]
        return run(*(_in_user_namespace() if apart else []), *strace, PYIPCS, *args)

    return ran


def in_user_namespace(script: str) -> Under:
    """By a script, as root of a user namespace that has but this one user."""
    words = ["bash", "-c", script, "bash"]
    return lambda *args: run(*_in_user_namespace(), *words, PYIPCS, *args)


def _in_user_namespace() -> list[str]:
    return [need_tool("unshare"), "--user", "--map-root-user", "--ipc"]


def elsewhere(*args: str) -> Result:
    """On another system, as far as Python tells."""
    script = "import sys; sys.platform = 'darwin'; from pyipcs.__main__ import main; main()"
    return run(sys.executable, "-c", script, *args)


def narrow(*args: str) -> Result:
    """On what calls itself a machine of 32 bits."""
    if run(need_tool("linux32"), "true").status:
        pytest.skip("this machine has no 32 bits")
    return run("linux32", PYIPCS, *args)


def waiting(act: Callable[[subprocess.Popen[bytes], str], None]) -> Under:
    """Do something to the program, or to the object that it waits on."""

    def ran(*args: str) -> Result:
        with subprocess.Popen([PYIPCS, *args], stdout=-1, stderr=-1) as process:
            try:
                _await(process.pid)
                act(process, args[1])
                out, err = process.communicate(timeout=10)
            finally:
                process.kill()
        return Result(process.returncode, out.decode(), err.decode())

    return ran


def _await(pid: int) -> None:
    """Wait until a process waits on an object."""
    deadline = time.monotonic() + 10
    while str(pid) not in invoke("list", "-qs", "-o", "WAITERS", "--noheadings").out.split():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _remove_queue(_process: subprocess.Popen[bytes], msqid: str) -> None:
    kernel.remove(Kind.QUEUE, int(msqid))


def _remove_set(_process: subprocess.Popen[bytes], semid: str) -> None:
    kernel.remove(Kind.SEMAPHORE, int(semid))


def _terminate(process: subprocess.Popen[bytes], _object_id: str) -> None:
    process.terminate()


def _send_to_all() -> None:
    for msqid in ids(Kind.QUEUE):
        kernel.send(msqid)


def asked(answer: bytes, *, meanwhile: Callable[[], None] = lambda: None) -> Under:
    """On a terminal, where it asks; only what it says behind the question counts."""

    def ran(*args: str) -> Result:
        process, terminal = on_terminal(*args)
        try:
            read_until(terminal, r"\[y/N\] ")
            meanwhile()
            os.write(terminal, answer)
            text = without_codes(read_all(terminal)).replace("\r\n", "\n")
            return Result(process.wait(), "", text.removeprefix(answer.decode()))
        finally:
            end(process, terminal)

    return ran


def beside_unreachable(*args: str) -> Result:
    """While there is a namespace that nobody may look at, and not enter: it is root's."""
    for_root()
    words = ["setpriv", f"--regid={NOBODY}", "--clear-groups", "--bounding-set=-all"]
    words += ["--inh-caps=-all", "sh", "-c", "echo there; exec sleep 60"]
    with subprocess.Popen([need_tool("unshare"), "--ipc", *words], stdout=-1) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            return as_nobody(*args)
        finally:
            process.kill()


def without_proc(*args: str) -> Result:
    """Where a file system that is no /proc lies over it."""
    for_root()
    script = 'mount -t tmpfs none /proc && exec "$@"'
    return run(need_tool("unshare"), "--mount", "sh", "-c", script, "sh", PYIPCS, *args)


def killed_beside(*args: str) -> Result:
    """Where there is one other namespace, and who goes there is killed."""
    for_root()
    strace = f"{need_tool('strace')} -f -o {os.devnull} -e inject=setns:signal=KILL"
    script = f"""
        coproc unshare --ipc sh -c 'echo there; exec sleep 60'
        read -u "${{COPROC[0]}}"
        {strace} "$@"
    """
    alone = [need_tool("unshare"), "--pid", "--fork", "--mount-proc"]
    return run(*alone, "bash", "-c", script, "bash", PYIPCS, *args)


# -- What rows name in angle brackets: objects and files, made where they are first named.


class Things:
    """The values of the names, by the name."""

    def __init__(self, objects: Objects, folder: Path) -> None:
        self.objects = objects
        self.folder = folder
        self._known: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        if name not in self._known:
            self._known[name] = MAKERS[name](self)
        return self._known[name]

    def named(self, text: str) -> str:
        """A text with the values in the places of the names."""
        return _NAME.sub(lambda match: self[match[1]], text)

    def pattern(self, text: str) -> str:
        """What a text with names stands for; some of them stand for anything."""
        parts = _NAME.split(text)  # names in between
        parts[::2] = map(re.escape, parts[::2])
        parts[1::2] = [ANY[name] if name in ANY else re.escape(self[name]) for name in parts[1::2]]
        return "".join(parts)

    def queue(self, *bodies: bytes, qbytes: int | None = None, mode: int = 0o644) -> str:
        """The id of a queue with messages on it."""
        msqid = self.objects.queue(mode=mode)
        if qbytes is not None:
            libc.change(Kind.QUEUE, msqid, qbytes=qbytes)
        for body in bodies:
            kernel.send(msqid, body)
        return str(msqid)

    def of_key(self, *kinds: Kind) -> str:
        """The key of an object of each of these kinds."""
        for kind in kinds:
            self.objects.make(kind, KEY)
        return f"{KEY:#x}"

    def digits_of_key(self) -> str:
        """The key of a queue without its 0x."""
        self.objects.queue(0x77777777)
        return "77777777"

    def file(self, text: str, name: str = "file") -> str:
        """The path of a file."""
        (self.folder / name).write_text(text)
        return str(self.folder / name)

    def listing(self, *args: str, **taken: object) -> str:
        """The path of a listing (list -J), some words of which are forged."""
        document = json.loads(invoke("list", "-J", *args).out)
        document["taken"] |= taken
        return self.file(json.dumps(document))


_NAME = re.compile("<([a-z][a-z0-9-]*)>")
# Names of what no row knows before.
ANY = {
    "lines": "(?:.*\n)*.*",
    "number": "[0-9]+",
    "python": "[a-z ]+",  # of its module struct
}
MAKERS: dict[str, Callable[[Things], str]] = {
    "queue": Things.queue,
    "queue-of-hello": lambda things: things.queue(b"hello"),
    "queue-of-3000": lambda things: things.queue(b"x" * 3000),
    "queue-of-5": lambda things: things.queue(qbytes=5),
    "queue-of-0": lambda things: things.queue(qbytes=0),
    "full-queue": lambda things: things.queue(b"hello", qbytes=5),
    "secret-queue": lambda things: things.queue(mode=0o600),
    "segment": lambda things: str(things.objects.segment()),
    "secret-segment": lambda things: str(things.objects.segment(mode=0o600)),
    "set": lambda things: str(things.objects.semaphores(nsems=2)),
    "secret-set": lambda things: str(things.objects.semaphores(mode=0o600)),
    "key": lambda _: f"{KEY:#x}",
    "key-of-queue": lambda things: things.of_key(Kind.QUEUE),
    "key-of-segment": lambda things: things.of_key(Kind.SEGMENT),
    "key-of-set": lambda things: things.of_key(Kind.SEMAPHORE),
    "key-of-two": lambda things: things.of_key(Kind.QUEUE, Kind.SEGMENT),
    "digits-of-key": Things.digits_of_key,
    "folder": lambda things: str(things.folder),
    "file": lambda things: things.file("hello"),
    "file-with-colon": lambda things: things.file("", "file:1"),
    "large-file": lambda things: things.file("x" * 5000),
    "script": lambda things: things.file("exit"),
    "listing": Things.listing,
    "listing-of-queues": lambda things: things.listing("-q"),
    "listing-of-mine": lambda things: things.listing("--mine"),
    "listing-of-keys": lambda things: things.queue() and things.listing("-q", "-o", "KEY"),
    "listing-of-old-boot": lambda things: things.listing(boot_id="0"),
    "listing-of-another-namespace": lambda things: things.listing(ipc_namespace=0),
    "listing-of-other-pids": lambda things: things.listing(pid_namespace=0),
    "listing-of-other-users": lambda things: things.listing(user_namespace=0),
    "listing-without-proc": lambda things: things.listing(boot_id=None),
    "msgmnb": lambda _: (SYSTEM / "msgmnb").read_text().strip(),
    "shmmax": lambda _: (SYSTEM / "shmmax").read_text().strip(),
    "over-shmmax": lambda things: str(int(things["shmmax"]) + 1),
    "semmsl": lambda _: (SYSTEM / "sem").read_text().split()[0],
    "semopm": lambda _: (SYSTEM / "sem").read_text().split()[2],
    "pyipcs": lambda _: PYIPCS,
    "page": lambda _: str(os.sysconf("SC_PAGESIZE")),
    "machine": lambda _: run("linux32", "uname", "-m").out.strip(),
    "columns": lambda _: _columns(*OF_KIND.values(), RESOURCE),
    "columns-of-queues": lambda _: _columns(OF_KIND[Kind.QUEUE]),
    "columns-of-limits": lambda _: _columns(RESOURCE),
    "columns-of-queues-and-segments": lambda _: _columns(
        OF_KIND[Kind.QUEUE], OF_KIND[Kind.SEGMENT]
    ),
}


def _columns(*kinds: Iterable[Column]) -> str:
    return ", ".join(dict.fromkeys(column.name for columns in kinds for column in columns))


# -- The table.

# A queue, on which somebody waits for a while.
WAITER = (
    "q=$(<pyipcs> make -Q -i); <pyipcs> recv $q --timeout 1 >/dev/null 2>&1 & "
    "until <pyipcs> list -q -o WAITERS --noheadings | grep -q [0-9]; do sleep 0.01; done"
)


class Row(NamedTuple):
    """A command line, what it says, and how it is run."""

    command: str
    status: int
    line: str
    said: str
    under: Under = invoke

    @property
    def words(self) -> list[str]:
        """The words of the command line, names and all."""
        return [*filter(None, [self.command]), *shlex.split(self.line)]

    @property
    def full(self) -> str:
        """All that stands on standard error; what is wrong in a command line points to its help."""
        told = self.said
        if self.status == Status.USAGE:
            named = f"{self.command}: " if self.command else ""
            told = f"{named}{told} (see {' '.join(['pyipcs', *self.words[: bool(named)]])} --help)"
        return f"pyipcs: {told}\n"


def says(
    command: str, status: int, *rows: tuple[str, str] | tuple[str, str, Under]
) -> Iterator[Row]:
    """Rows of a command that end with the same status: the rest of the line, and what it says.

    Args:
        command: the command.
        status: the exit status.
        rows: the rest of the line, what it says, and how it is run.
    """
    for row in rows:
        under = row[2] if len(row) == 3 else invoke
        yield Row(command, status, row[0], row[1], under)


TABLE = [
    # -- pyipcs itself
    *says(
        "",
        2,
        ("--nope", "no such option --nope"),
        ("--color", "option --color needs a value"),
        ("--color blue", "--color: 'blue' is not one of 'auto', 'always', 'never'"),
        ("--help=x", "option --help takes no value"),
        ("lst", "no such command 'lst', did you mean list?"),
        ("nope", "no such command 'nope'"),
        ("ls", "no such command 'ls', did you mean list?"),
        ("peek", "no such command 'peek', did you mean recv --peek?"),
        ("watch", "no such command 'watch', did you mean list --watch?"),
        ("limits", "no such command 'limits', did you mean list --limits?"),
    ),
    # -- list
    *says(
        "list",
        2,
        # What holds for the options of every command.
        ("--nope", "no such option --nope"),
        ("-z", "no such option -z"),
        ("--sorted", "no such option --sorted, did you mean --sort?"),
        ("--limit=5", "option --limit takes no value"),
        ("--s", "option --s is ambiguous (--semaphores, --shmems, --summary)"),
        ("--=3", "no such option --"),
        ("-i", "option -i needs a value"),
        ("operand", "unexpected operand 'operand'"),
        ("--color blue", "--color: 'blue' is not one of 'auto', 'always', 'never'"),
        ("--ns ''", "--ns: '': neither a pid nor a path"),
        # Which objects.
        ("-q -i x", "-i/--id: 'x': not an id (ids are decimal numbers)"),
        ("-q -i 2147483648", "-i/--id: '2147483648': not an id (the highest is 2147483647)"),
        ("-i 5", "-i needs exactly one of -q, -m and -s"),
        ("-qm -i 5", "-i needs exactly one of -q, -m and -s"),
        ("-q -i 5 --mine --empty", "-i names an object, so no --mine, --empty"),
        ("-q -i 5 --watch", "-i shows an object once, so no --watch"),
        ("-l --mine", "-l and -u are not about single objects, so no --mine"),
        ("-u --fail-if-any", "-l and -u are about no objects, so no --fail-if-any"),
        ("--owner nosuch", "--owner: 'nosuch': no such user"),
        ("--created-by nosuch", "--created-by: 'nosuch': no such user"),
        (
            "--key x",
            "--key: 'x': not a key (decimal, 0x hexadecimal or 0 octal, key:N or ftok:PATH[:PROJ])",
        ),
        ("--key 0", "--key: '0': key 0 is IPC_PRIVATE, which names no object"),
        ("--key 0x100000000", "--key: '0x100000000': not a key (a key has 32 bits)"),
        ("--key ftok:/nope", "--key: 'ftok:/nope': No such file or directory: '/nope'"),
        (
            "--key ftok:/:0",
            "--key: 'ftok:/:0': the project is a number from 1 to 255, or one character "
            "that is no digit",
        ),
        (
            "--key ftok:<file-with-colon>",
            "--key: 'ftok:<file-with-colon>': No such file or directory: "
            "'<folder>/file' (ftok:<file-with-colon>:1?)",
        ),
        ("--older-than x", "--older-than: 'x': not a duration (30s, 10m, 2h, 7d)"),
        ("--idle 5y", "--idle: '5y': not a duration (30s, 10m, 2h, 7d)"),
        ("-m --empty", "--empty is about message queues, not segments"),
        ("-qs --unattached", "--unattached is about segments, not message queues, semaphore sets"),
        (
            "--empty --unattached",
            "--empty is about message queues, and another filter about segments",
        ),
        # Not in an earlier listing.
        ("--not-in /nope", "--not-in: '/nope': No such file or directory"),
        ("--not-in <folder>", "--not-in: '<folder>': Is a directory"),
        ("--not-in <file>", "--not-in: '<file>': not a listing of pyipcs (list -J)"),
        ("--not-in -", "--not-in: '-': not a listing of pyipcs (list -J)", given(b"{}")),
        ("--not-in -", "--not-in: '-': not a listing of pyipcs (list -J)", given(b"{")),
        ("--not-in -", "--not-in: '-': standard input is closed", shell('"$@" <&-')),
        (
            "--not-in <listing-of-mine>",
            "--not-in: '<listing-of-mine>': the listing does not hold all objects of its kinds",
        ),
        (
            "--not-in <listing-of-keys>",
            "--not-in: '<listing-of-keys>': the listing lacks what objects are known "
            "again by: 'id'",
        ),
        (
            "--not-in <listing-of-old-boot>",
            "--not-in: '<listing-of-old-boot>': the listing is of another boot",
        ),
        (
            "--not-in <listing-of-another-namespace>",
            "--not-in: '<listing-of-another-namespace>': the listing is of another IPC namespace",
        ),
        (
            "--not-in <listing-of-other-pids>",
            "--not-in: '<listing-of-other-pids>': the listing is of another PID namespace",
        ),
        (
            "--not-in <listing-of-other-users>",
            "--not-in: '<listing-of-other-users>': the listing is of another user namespace",
        ),
        (
            "--not-in <listing-without-proc>",
            "--not-in: '<listing-without-proc>': which boot it is of cannot be told without /proc",
        ),
        (
            "-m --not-in <listing-of-queues>",
            "--not-in has a listing of message queues, not segments",
        ),
        # All namespaces.
        ("--all-ns -q -i 5", "-i is about one namespace, so no --all-ns"),
        ("--all-ns -l", "-l and -u are about one namespace, so no --all-ns"),
        ("--all-ns --watch", "--watch is about one namespace, so no --all-ns"),
        (
            "--all-ns --not-in <listing>",
            "--not-in is about one namespace, so no --all-ns",
        ),
        (
            "--all-ns --ns /proc/self/ns/ipc",
            "--ns is about one namespace, so no --all-ns",
        ),
        ("--all-ns -f openmetrics", "--all-ns is not for openmetrics"),
        # A live view.
        ("--watch", "--watch needs a terminal that can be drawn on"),
        ("--watch 5", "unexpected operand '5' (--watch=5?)"),
        ("--watch=x", "--watch: 'x': not a duration (30s, 10m, 2h, 7d)"),
        ("--watch=0.01", "--watch: '0.01': too short (the least is 0.1)"),
        ("--watch --fail-if-any", "--watch does not end, so no --fail-if-any"),
        ("--watch -f csv", "--watch draws tables, so no other format"),
        # How they are shown.
        (
            "-f xml",
            "-f/--format: 'xml' is not one of 'table', 'plain', 'json', 'jsonl', 'csv', "
            "'tsv', 'export', 'openmetrics'",
        ),
        (
            "",
            "PYIPCS_FORMAT: 'xml' is not one of 'table', 'plain', 'json', 'jsonl', "
            "'csv', 'tsv', 'export', 'openmetrics'",
            variable("PYIPCS_FORMAT", "xml"),
        ),
        (
            "--time-format x",
            "--time-format: 'x' is not one of 'short', 'full', 'iso', 'relative', 'epoch'",
        ),
        ("-o NOPE", "-o/--output: 'NOPE': no column 'NOPE' (there are <columns>)"),
        ("-o KEY,", "-o/--output: 'KEY,': a column's name is missing"),
        ("--sort -NOPE", "--sort: '-NOPE': no column 'NOPE' (there are <columns>)"),
        ("-q -o NATTCH", "message queues have no column NATTCH (there are <columns-of-queues>)"),
        (
            "-q -m --sort NSEMS",
            "message queues, segments have no column NSEMS (there are "
            "<columns-of-queues-and-segments>)",
        ),
        ("-l -o ID", "limits and usage have no column ID (there are <columns-of-limits>)"),
        ("-l -J -o LIMIT", "-o is not for limits in json"),
        ("-f openmetrics -o ID", "-o is not for openmetrics"),
        ("-u -f openmetrics --sort ID", "--sort is not for openmetrics"),
    ),
    *says(
        "list",
        1,
        ("-q -i 2147483647", "id 2147483647 not found"),
        ("-s -i <secret-set>", "id <secret-set>: Permission denied", nobody),
        ("--ns 2147483647", "--ns: process 2147483647: no such process"),
        ("--ns /nope", "--ns: /nope: No such file or directory"),
        ("--ns <file>", "--ns: <file>: not an IPC namespace"),
        ("--ns 1", "--ns: process 1: Permission denied", nobody),
        ("--all-ns", "IPC namespace <number>: Operation not permitted", beside_unreachable),
        (
            "--all-ns",
            "IPC namespaces cannot be told apart: /proc cannot be read, or is of another PID "
            "namespace",
            without_proc,
        ),
        (
            "--all-ns",
            "IPC namespace <number>: the process that went there has died",
            killed_beside,
        ),
        ("-l", "write error: No space left on device", shell('"$@" >/dev/full')),
        (
            "-l",
            "System V IPC is not in this kernel, or a sandbox hides it",
            refused("msgctl:error=ENOSYS"),
        ),
        ("", "it needs Linux (this is darwin)", elsewhere),
        (
            "-l",
            "System V IPC: the System V structures of <machine> are not known",
            narrow,
        ),
    ),
    # -- make
    *says(
        "make",
        2,
        ("", "nothing to make: give -Q, -M SIZE or -S NSEMS"),
        ("operand", "unexpected operand 'operand'"),
        ("-M 0", "-M/--shmem: '0': a segment has 1 byte at the least"),
        ("-M x", "-M/--shmem: 'x': not a size (bytes, or with K, KiB, KB, M, MiB, MB and so on)"),
        ("-M 16E", "-M/--shmem: '16E': too large (the most is 18446744073709551615)"),
        ("-S 0", "-S/--semaphore: '0': a set has 1 semaphore at the least"),
        ("-S x", "-S/--semaphore: 'x': not a decimal number"),
        ("-S 2147483648", "-S/--semaphore: '2147483648': too large (the most is 2147483647)"),
        ("-Q -p 888", "-p/--mode: '888': not a mode (octal, 0 to 0777)"),
        (
            "-Q -k x",
            "-k/--key: 'x': not a key (decimal, 0x hexadecimal or 0 octal, key:N or "
            "ftok:PATH[:PROJ])",
        ),
        ("-Q -k 5 --private", "--private means no key, so no -k"),
        ("-Q --exist-ok", "--exist-ok needs -k KEY"),
        ("-M 1 --qbytes 1", "--qbytes needs -Q"),
        ("-Q --qbytes 2147483648", "--qbytes: '2147483648': too large (the most is 2147483647)"),
        ("-Q --values 1", "--values needs -S NSEMS"),
        ("-S 2 --values 1,x", "--values: '1,x': not values (0 to 32767, with commas between)"),
        ("-S 2 --values 1", "--values needs a value for each of the 2 semaphores"),
        ("-Q --owner nosuch", "--owner: 'nosuch': no such user"),
        ("-Q --owner 0:nosuch", "--owner: '0:nosuch': no such group"),
        ("-Q --owner :0", "--owner: ':0': not USER or USER:GROUP"),
        ("-Q -i -J", "-i and -J are two ways to print"),
    ),
    *says(
        "make",
        1,
        (
            "-Q -k <key-of-queue>",
            "create message queue failed: File exists (key <key-of-queue> is taken; "
            "--exist-ok gives the id of what has it)",
        ),
        (
            "-M 1 -k <key-of-segment>",
            "create share memory failed: File exists (key <key-of-segment> is taken; "
            "--exist-ok gives the id of what has it)",
        ),
        (
            "-S 1 -k <key-of-set>",
            "create semaphore failed: File exists (key <key-of-set> is taken; "
            "--exist-ok gives the id of what has it)",
        ),
        (
            "-M 5000 --exist-ok -k <key-of-segment>",
            "create share memory failed: the segment with key <key-of-segment> has less than "
            "5000 bytes",
        ),
        (
            "-S 2 --exist-ok -k <key-of-set>",
            "create semaphore failed: the semaphore set with key <key-of-set> has less than "
            "2 semaphores",
        ),
        (
            "-M <over-shmmax>",
            "create share memory failed: Invalid argument (limit shmmax: <shmmax>)",
        ),
        ("-S 2147483647", "create semaphore failed: Invalid argument (limit semmsl: <semmsl>)"),
        (
            "-Q",
            "create message queue failed: No space left on device (limit msgmni: 0, in use: 0)",
            limited("msgmni", "0"),
        ),
        (
            "-M 1",
            "create share memory failed: No space left on device (limit shmall: 0 pages "
            "of <page> bytes, in use: 0)",
            limited("shmall", "0"),
        ),
        (
            "-S 5",
            "create semaphore failed: No space left on device (limit semmns: 4, in use: 0)",
            limited("sem", "100 4 10 100"),
        ),
        (
            "-Q --qbytes 99999999",
            "set qbytes failed: Operation not permitted (99999999 is over msgmnb, which "
            "is <msgmnb>: it takes CAP_SYS_RESOURCE)",
            nobody,
        ),
        (
            "-Q --owner 12345",
            "set owner failed: this user namespace has no uid 12345",
            in_user_namespace('"$@"'),
        ),
        (
            "-M 1 -S 2147483647",
            "segment 0 was made and is left: Permission denied\npyipcs: create semaphore "
            "failed: Invalid argument (limit semmsl: <semmsl>)",
            refused("shmctl:error=EPERM", apart=True),
        ),
        (
            "-Q -J",
            "message queue 0: somebody removed it at once",
            refused("msgctl:error=EINVAL", apart=True),
        ),
    ),
    # -- rm
    *says(
        "rm",
        2,
        ("", "nothing to remove: name an object, or --all"),
        (
            "queue 5",
            "unknown argument 'queue' (msg, shm or sem, then ids; keys stand behind -Q, -M, -S)",
        ),
        ("msg", "not enough arguments: msg ID..."),
        ("msg x", "ID: 'x': not an id (ids are decimal numbers)"),
        ("msg 5 -a", "msg ID... goes with no option that names objects"),
        ("-q x", "-q/--queue-id: 'x': not an id (ids are decimal numbers)"),
        ("-Q 0", "-Q/--queue-key: '0': key 0 is IPC_PRIVATE, which names no object"),
        ("-a=x", "-a/--all: 'x': not one of msg, shm, sem"),
        ("-q 5 --mine", "--mine is for --all"),
        ("-amsg --unattached", "--unattached is about segments, not message queues"),
        ("-a -o ID", "-o is for --dry-run"),
    ),
    *says(
        "rm",
        1,
        ("-q 2147483647", "invalid id (2147483647)"),
        ("-Q <key>", "invalid key (<key>)"),
        ("-q <secret-queue>", "permission denied for id (<secret-queue>)", nobody),
        ("-n -q <secret-queue>", "permission denied for id (<secret-queue>)", nobody),
        ("-q 2147483647 -m 2147483647", "invalid id (2147483647)\npyipcs: invalid id (2147483647)"),
        (
            "-n -q 2147483647",
            "already removed id (2147483647)",
            refused("msgctl:error=EIDRM"),
        ),
        (
            "-q 2147483647",
            "id failed (2147483647): System V IPC is not in this kernel, or a sandbox hides it",
            refused("msgctl:error=ENOSYS"),
        ),
        ("-a --key <key-of-queue>", "nothing was removed", asked(b"n\n")),
    ),
    *says(
        "rm",
        0,
        (
            "-a --empty --key <key-of-queue>",
            "message queue <number> has changed since, and is left",
            asked(b"y\n", meanwhile=_send_to_all),
        ),
    ),
    # -- send
    *says(
        "send",
        2,
        ("", "QUEUE is missing"),
        # The name of an object, as every command takes it.
        ("x", "QUEUE: 'x': not an id, a 0x key, id:N, key:N or ftok:PATH[:PROJ]"),
        ("05", "QUEUE: '05': id:5 or key:05?"),
        ("2147483648", "QUEUE: '2147483648': not an id (the highest is 2147483647)"),
        ("id:x", "QUEUE: 'id:x': not an id (ids are decimal numbers)"),
        (
            "key:x",
            "QUEUE: 'key:x': not a key (decimal, 0x hexadecimal or 0 octal, key:N or "
            "ftok:PATH[:PROJ])",
        ),
        (
            "0x",
            "QUEUE: '0x': not a key (decimal, 0x hexadecimal or 0 octal, key:N or "
            "ftok:PATH[:PROJ])",
        ),
        ("key:0", "QUEUE: 'key:0': key 0 is IPC_PRIVATE, which names no object"),
        ("0x100000000", "QUEUE: '0x100000000': not a key (a key has 32 bits)"),
        ("ftok:/nope:1", "QUEUE: 'ftok:/nope:1': No such file or directory: '/nope'"),
        (
            "ftok:/:long",
            "QUEUE: 'ftok:/:long': the project is a number from 1 to 255, or one "
            "character that is no digit",
        ),
        # How messages are written.
        ("-t 0 <queue> a", "-t/--type: '0': not a message's type (1 to 9223372036854775807)"),
        ("-t x <queue> a", "-t/--type: 'x': not a message's type (1 to 9223372036854775807)"),
        ("--timeout x <queue> a", "--timeout: 'x': not a number of seconds, nor 10m or 2h"),
        ("-F <file> <queue> a", "-F FILE stands in the place of MESSAGE"),
        ("-l <queue> a", "-l and -0 split standard input or a file, not MESSAGE"),
        ("-l -0 <queue>", "-l and -0 are two ways to split"),
        ("--hex --json <queue>", "--hex, --json and --pack are three ways to write a message"),
        ("-z --json <queue>", "-z goes with text and --hex alone"),
        ("--hex <queue> abc", "'abc': not pairs of hex digits"),
        ("--json <queue> x", "'x': not JSON"),
        ("--json <queue> []", "'[]': not an object of JSON"),
        ("--json <queue> {}", "'{}': it needs exactly one of data and base64"),
        (
            """--json <queue> '{"data": "a", "type": 0}'""",
            '\'{"data": "a", "type": 0}\': the type is not a number from 1 to 9223372036854775807',
        ),
        (
            """--json <queue> '{"data": "a", "size": 2}'""",
            '\'{"data": "a", "size": 2}\': the size is not that of the body, 1 byte',
        ),
        (
            r"""--json <queue> '{"data": "\ud800"}'""",
            '\'{"data": "\\ud800"}\': data is not text (half of a surrogate pair)',
        ),
        ("""--json <queue> '{"base64": "!"}'""", '\'{"base64": "!"}\': base64 is not valid'),
        ("--pack '' <queue>", "--pack: '': not a struct (bad char in struct format)"),
        (
            "--pack 5 <queue>",
            "--pack: '5': not a struct (<python>)",
        ),
        ("--pack 99999999s <queue>", "--pack: '99999999s': too large (99999999 bytes)"),
        ("--pack 2i <queue> 1", "--pack 2i: the struct has 2 fields, not 1"),
        ("--pack i <queue> x", "--pack i: 'x' is not a number"),
        ("--pack ? <queue> 2", "--pack ?: '2' is neither 0 nor 1"),
        ("--pack 2s <queue> abc", "--pack 2s: 'abc' has more than 2 bytes"),
        ("--pack d <queue> 1e999", "--pack d: '1e999' does not fit in d"),
        ("--pack e <queue> 1e9", "--pack e: '1e9' does not fit in e"),
        ("--pack iB <queue> 1 300", "--pack iB: '300' does not fit in B"),
    ),
    *says(
        "send",
        1,
        ("<key> a", "<key>: no such message queue"),
        ("2147483647 a", "2147483647: no such message queue"),
        (
            "<digits-of-key> a",
            "<digits-of-key>: no such message queue (0x<digits-of-key> is a key)",
        ),
        (
            "<key-of-segment> a",
            "<key-of-segment>: no such message queue (but a segment of that key)",
        ),
        ("<secret-queue> a", "<secret-queue>: Permission denied; nothing was sent", nobody),
        (
            "<queue> 12345678901",
            "message 1: it has 11 bytes, and a message has 10 bytes at the most (msgmax); "
            "nothing was sent",
            limited("msgmax", "10"),
        ),
        (
            "<queue-of-5> abcdef",
            "message 1: it has 6 bytes, and this queue holds 5 bytes at the most (qbytes); "
            "nothing was sent",
        ),
        (
            "<queue-of-5> a bcdefg",
            "message 2: it has 6 bytes, and this queue holds 5 bytes at the most (qbytes); "
            "nothing was sent",
        ),
        (
            "<queue-of-0> ''",
            "message 1: it has 0 bytes, and this queue holds 0 bytes at the most (qbytes); "
            "nothing was sent",
        ),
        ("<queue> -F /nope", "/nope: No such file or directory"),
        ("<queue> -F <folder>", "<folder>: Is a directory"),
        ("<queue>", "standard input is closed", shell('"$@" <&-')),
        (
            "<queue>",
            "standard input is not open for reading",
            shell('"$@" <>/dev/null 0>/dev/null'),
        ),
        (
            "<queue> --hex",
            "standard input: not pairs of hex digits; nothing was sent",
            given(b"xyz"),
        ),
        ("<queue> --json", "line 2: not JSON; nothing was sent", given(b'{"data": "a"}\n{')),
        (
            "<queue> --json",
            "line 1: too long a number, or nested too deep; nothing was sent",
            given(b"[" * 100_000),
        ),
        (
            "<queue> --pack i -0",
            "record 3: the struct has 1 field, not 2; nothing was sent",
            given(b"1\0002\0003\t4"),
        ),
        (
            "<queue-of-5> -l",
            "line 1: it has more than 65696 characters, and this queue holds 5 bytes at the most "
            "(qbytes); nothing was sent",
            given(b"x" * 200_000),
        ),
        (
            "<full-queue> a",
            "<full-queue>: the message queue was removed; nothing was sent",
            waiting(_remove_queue),
        ),
        (
            "<full-queue> a",
            "waiting takes a thread: can't start new thread; nothing was sent",
            refused("clone,clone3:error=EAGAIN"),
        ),
        (
            "<full-queue> a",
            "waiting failed: Cannot allocate memory; nothing was sent",
            refused("?poll,ppoll:error=ENOMEM"),
        ),
    ),
    *says(
        "send",
        3,
        ("<full-queue> a --nowait", "<full-queue>: the queue is full; nothing was sent"),
        ("<full-queue> a --timeout 0.01", "<full-queue>: the queue is full; nothing was sent"),
        ("<queue-of-5> abc de f --nowait", "<queue-of-5>: the queue is full; 2 messages were sent"),
        ("<queue-of-5> abcde f --nowait", "<queue-of-5>: the queue is full; 1 message was sent"),
    ),
    *says(
        "send",
        -signal.SIGTERM,
        ("<full-queue> a", "<full-queue>: Terminated; nothing was sent", waiting(_terminate)),
    ),
    # -- recv
    *says(
        "recv",
        2,
        ("", "QUEUE is missing"),
        ("<queue> operand", "unexpected operand 'operand'"),
        ("-t x <queue>", "-t/--type: 'x': not a type (a decimal number)"),
        (
            "-t 9223372036854775808 <queue>",
            "-t/--type: '9223372036854775808': not a type (a long: -9223372036854775808 "
            "to 9223372036854775807)",
        ),
        ("-x <queue>", "-x needs -t TYPE with a positive type"),
        ("-n 0 <queue>", "-n/--count: '0': the least is 1"),
        ("-n x <queue>", "-n/--count: 'x': not a decimal number"),
        (
            "-n 9223372036854775808 <queue>",
            "-n/--count: '9223372036854775808': too large (the most is 9223372036854775807)",
        ),
        ("-n 1 -a <queue>", "-n, -a and -F are three ways to say how many"),
        ("--peek -F <queue>", "--peek does not wait, so no -F"),
        ("--peek --timeout 1 <queue>", "--peek does not wait, so no --timeout"),
        ("-a --timeout 1 <queue>", "-a does not wait, so no --timeout"),
        ("--timeout -1 <queue>", "--timeout: '-1': not a number of seconds, nor 10m or 2h"),
        (
            "--max-size x <queue>",
            "--max-size: 'x': not a size (bytes, or with K, KiB, KB, M, MiB, MB and so on)",
        ),
        ("--truncate <queue>", "--truncate needs --max-size"),
        (
            "-f xml <queue>",
            "-f/--format: 'xml' is not one of 'text', 'raw', 'hex', 'json', 'unpack'",
        ),
        ("-f unpack <queue>", "-f unpack and --unpack FORMAT go together"),
        ("--unpack y <queue>", "--unpack: 'y': not a struct (bad char in struct format)"),
        (
            "--unpack i0p <queue>",
            "--unpack: 'i0p': not a struct (p has at least the byte which counts the others)",
        ),
        ("-0 -f raw <queue>", "-0 is not for -f raw"),
        ("--exec '' <queue>", "--exec needs a command"),
    ),
    *says(
        "recv",
        1,
        ("<key>", "<key>: no such message queue"),
        ("<key-of-set>", "<key-of-set>: no such message queue (but a semaphore set of that key)"),
        ("<secret-queue>", "<secret-queue>: Permission denied", nobody),
        (
            "<queue-of-hello> --max-size 4",
            "<queue-of-hello>: the message has more than 4 bytes, and stays (--truncate cuts it)",
            APART,
        ),
        (
            "<queue-of-hello> --unpack i",
            "<queue-of-hello>: the message has more than the 4 bytes of i, and stays",
            APART,
        ),
        (
            "<queue-of-hello> --unpack d",
            "<queue-of-hello>: the message has 5 bytes, d has 8; it went back to the tail",
            APART,
        ),
        (
            "<queue-of-hello> --peek --unpack d",
            "<queue-of-hello>: the message has 5 bytes, d has 8",
            APART,
        ),
        (
            "<queue-of-hello> --unpack d",
            '<queue-of-hello>: Permission denied; what could not be put back:\n{"type": '
            '1, "size": 5, "data": "hello"}\npyipcs: <queue-of-hello>: the message has 5 '
            "bytes, d has 8",
            refused("msgsnd:error=EACCES"),
        ),
        ("<queue> -n 2", "<queue>: the message queue was removed", waiting(_remove_queue)),
        (
            "<queue-of-hello> --peek",
            "<queue-of-hello>: message 1 has more bytes than msgmax, which is 4",
            limited("msgmax", "4", APART),
        ),
        (
            "<queue-of-hello> --peek",
            "<queue-of-hello>: this kernel cannot copy messages (CONFIG_CHECKPOINT_RESTORE)",
            refused("msgrcv:error=ENOSYS"),
        ),
        ("<queue-of-hello>", "standard output is closed", shell('"$@" >&-')),
        ("<queue-of-hello>", "write error: No space left on device", shell('"$@" >/dev/full')),
        ("<queue-of-hello>", "standard output is not open for writing", shell('"$@" 1</dev/null')),
        (
            "<queue-of-3000> -f raw",
            "the output ends within a message\npyipcs: write error: File too large",
            shell('f=$(mktemp -u); ulimit -f 1; "$@" >$f; s=$?; rm $f; exit $s'),
        ),
        (
            "<queue-of-hello> --exec true",
            "Too many open files",
            refused("pipe2:error=EMFILE"),
        ),
        (
            "<queue> --timeout 1",
            "waiting takes a thread: can't start new thread",
            refused("clone,clone3:error=EAGAIN"),
        ),
    ),
    *says("recv", 7, ("<queue-of-hello> --exec 'exit 7'", "'exit 7' ended with status 7", APART)),
    # -- stat
    *says(
        "stat",
        2,
        ("", "TARGET is missing"),
        ("5 x", "TARGET: 'x': not an id, a 0x key, id:N, key:N or ftok:PATH[:PROJ]"),
        ("5 -o NOPE", "-o/--output: 'NOPE': no column 'NOPE' (there are <columns>)"),
        (
            "-q 5 --sort NATTCH",
            "message queues have no column NATTCH (there are <columns-of-queues>)",
        ),
        ("5 -f openmetrics -o ID", "-o is not for openmetrics"),
        ("5 --watch", "--watch needs a terminal that can be drawn on"),
    ),
    *says(
        "stat",
        1,
        ("2147483647", "2147483647: no object has that id"),
        ("<digits-of-key>", "<digits-of-key>: no object has that id (0x<digits-of-key> is a key)"),
        ("5", "it needs Linux (this is darwin)", elsewhere),
        (
            "2147483647",
            "System V IPC is not in this kernel, or a sandbox hides it",
            refused("msgctl:error=ENOSYS"),
        ),
        ("<key>", "<key>: no object has that key"),
        ("-q <key>", "<key>: no such message queue"),
        (
            "-q -m <key-of-set>",
            "<key-of-set>: no such message queue or segment (but a semaphore set of that key)",
        ),
        (
            "-s <key-of-two>",
            "<key-of-two>: no such semaphore set (but a message queue and a segment of that key)",
        ),
        (
            "2147483646 2147483647",
            "2147483646: no object has that id\npyipcs: 2147483647: no object has that id",
        ),
    ),
    # -- set
    *says(
        "set",
        2,
        ("", "TARGET is missing"),
        ("5", "nothing to change (--mode, --owner, --value ...)"),
        ("5 --mode 999", "--mode: '999': not a mode (octal, 0 to 0777)"),
        ("5 --owner nosuch", "--owner: 'nosuch': no such user"),
        (
            "5 --qbytes x",
            "--qbytes: 'x': not a size (bytes, or with K, KiB, KB, M, MiB, MB and so on)",
        ),
        ("5 --value 1", "--value: '1': not NUM=V (V is 0 to 32767)"),
        ("5 --values x", "--values: 'x': not values (0 to 32767, with commas between)"),
        ("5 --lock --unlock", "--lock and --unlock contradict each other"),
        ("5 --value 0=1 --values 1", "--value and --values are two ways to set values"),
        ("5 --value 0=1 --value 0=2", "--value is given twice for one semaphore"),
        ("5 --lock --qbytes 5", "--qbytes and --lock are for objects of different kinds"),
        ("-q 5 --lock", "--lock is for segments, not message queues"),
        (
            "<key-of-two> --mode 600",
            "<key-of-two> is a message queue and a segment: say which by -q, -m or -s",
        ),
    ),
    *says(
        "set",
        1,
        ("<key> --mode 600", "<key>: no object has that key"),
        (
            "<key-of-queue> --lock",
            "<key-of-queue>: no such segment (but a message queue of that key)",
        ),
        (
            "-m <key-of-set> --mode 600",
            "<key-of-set>: no such segment (but a semaphore set of that key)",
        ),
        ("<set> --value 2=1", "<set>: no semaphore 2: the set has 2 semaphores, counted from 0"),
        ("<set> --values 1,2,3", "<set>: 3 values, and the set has 2 semaphores"),
        (
            "<queue> -q --mode 600",
            "<queue>: set mode failed: Operation not permitted (it takes the owner, the "
            "creator or CAP_SYS_ADMIN)",
            nobody,
        ),
        (
            "<queue> -q --mode 600 --owner 1",
            "<queue>: set mode and owner failed: Operation not permitted (it takes the "
            "owner, the creator or CAP_SYS_ADMIN)",
            nobody,
        ),
        (
            "<queue> --qbytes 99999999",
            "<queue>: set qbytes failed: Operation not permitted (99999999 is over "
            "msgmnb, which is <msgmnb>: it takes CAP_SYS_RESOURCE)",
            unprivileged('"$@"'),
        ),
        ("<set> --value 0=1", "<set>: set semaphore 0 failed: Permission denied", nobody),
        (
            "<set> --value 0=1 --value 1=1",
            "<set>: set semaphore 1 failed: the semaphore set was removed; "
            "done before: semaphore 0",
            refused("semctl:error=EIDRM:when=4"),  # the second SETVAL
        ),
        (
            "<segment> --lock",
            "<segment>: set locking failed: Operation not permitted (it takes the "
            "owner, the creator or CAP_IPC_LOCK)",
            nobody,
        ),
        (
            "<segment> --lock",
            "<segment>: set locking failed: Operation not permitted (it has 4096 bytes, "
            "and RLIMIT_MEMLOCK lets its user lock 0 in all: more takes CAP_IPC_LOCK)",
            unprivileged('ulimit -l 0; "$@"'),
        ),
        (
            "0 --owner 12345",
            "0: set owner failed: this user namespace has no uid 12345",
            in_user_namespace('"$1" make -Q >/dev/null; "$@"'),
        ),
    ),
    # -- op
    *says(
        "op",
        2,
        ("5", "OP is missing"),
        (
            "5 x",
            "OP: 'x': not an operation (0-1, 0+1, 0=0, LO:HI-1, P, V, Z; with n or u behind; "
            "a command stands behind --)",
        ),
        (
            "5 Pnn",
            "OP: 'Pnn': not an operation (0-1, 0+1, 0=0, LO:HI-1, P, V, Z; with n or u behind; "
            "a command stands behind --)",
        ),
        ("5 3:1-1", "OP: '3:1-1': the range ends before it begins"),
        ("5 65536-1", "OP: '65536-1': no set has so many semaphores (the last is 65535)"),
        ("5 0+32768", "OP: '0+32768': no semaphore has such a value (the most is 32767)"),
        ("5 0=1", "OP: '0=1': not an operation (= waits for zero)"),
        ("5 0-0", "OP: '0-0': not an operation (to wait for zero is =0)"),
        ("5 P -E 256", "-E/--conflict-exit-code: '256': not a status (0 to 255)"),
        ("5 P --timeout x", "--timeout: 'x': not a number of seconds, nor 10m or 2h"),
        ("5 P --", "a command is missing behind --"),
    ),
    *says(
        "op",
        1,
        ("<key> P", "<key>: no such semaphore set"),
        ("<set> 2+1", "<set>: no semaphore 2: the set has 2 semaphores, counted from 0"),
        ("<set> 0:65535+1", "65536 operations at once, and the most is <semopm> (semopm)"),
        (
            "<set> 0+32767 0+1",
            "<set>: a value, or what is to be undone, would go over 32767 (SEMVMX)",
        ),
        (
            "<secret-set> P",
            "<secret-set>: Permission denied (- and + take write permission, =0 read permission)",
            nobody,
        ),
        ("<set> P", "<set>: the semaphore set was removed", waiting(_remove_set)),
    ),
    *says("op", 126, ("<set> V -- <script>", "'<script>': Permission denied", APART)),
    *says("op", 127, ("<set> V -- nosuch", "'nosuch': command not found", APART)),
    # -- read
    *says(
        "read",
        2,
        ("", "SEG is missing"),
        (
            "5 --offset x",
            "--offset: 'x': not a size (bytes, or with K, KiB, KB, M, MiB, MB and so on)",
        ),
        (
            "5 --length -1",
            "--length: '-1': not a size (bytes, or with K, KiB, KB, M, MiB, MB and so on)",
        ),
        ("5 -f xml", "-f/--format: 'xml' is not one of 'raw', 'hex', 'unpack'"),
        ("5 -f unpack", "-f unpack and --unpack FORMAT go together"),
        ("5 --unpack x!", "--unpack: 'x!': not a struct (bad char in struct format)"),
        ("5 --unpack 0i", "--unpack: the struct has no bytes"),
        ("5 --unpack i --length 0", "--length 0 has no struct"),
        ("5 --unpack i --length 6", "--length is no multiple of 4"),
    ),
    *says(
        "read",
        1,
        ("<key>", "<key>: no such segment"),
        ("<secret-segment>", "<secret-segment>: Permission denied", nobody),
        ("<segment> --offset 4097", "<segment>: no offset 4097: the segment has 4096 bytes"),
        (
            "<segment> --offset 4095 --unpack i",
            "<segment>: i has 4 bytes, and from 4095 on there are 1",
        ),
        (
            "<segment> --offset 4090 --unpack i --length 8",
            "<segment>: the segment ends 2 bytes into a struct",
            APART,
        ),
        ("<segment>", "standard output is closed", shell('"$@" >&-')),
        ("<segment>", "write error: No space left on device", shell('"$@" >/dev/full')),
    ),
    # -- write
    *says(
        "write",
        2,
        ("", "SEG is missing"),
        ("5 a b", "unexpected operand 'b' (DATA is one word; quote it)"),
        ("5 -F <file> a", "-F FILE stands in the place of DATA"),
        ("5 --hex --pack i", "--hex and --pack are two ways to write data"),
        ("5 --hex x", "'x': not pairs of hex digits"),
        ("5 --pack i 1 2", "--pack i: the struct has 1 field, not 2"),
        (
            "5 --offset x a",
            "--offset: 'x': not a size (bytes, or with K, KiB, KB, M, MiB, MB and so on)",
        ),
    ),
    *says(
        "write",
        1,
        ("<key> a", "<key>: no such segment"),
        ("<segment> a", "<segment>: Permission denied", nobody),
        ("<segment> --offset 4097 a", "<segment>: no offset 4097: the segment has 4096 bytes"),
        (
            "<segment> --offset 4094 abc",
            "<segment>: 3 bytes from 4094 on, and the segment ends at 4096",
        ),
        (
            "<segment> -F <large-file>",
            "<segment>: 5000 bytes from 0 on, and the segment ends at 4096",
        ),
        ("<segment> -F /nope", "/nope: No such file or directory"),
        ("<segment>", "standard input is closed", shell('"$@" <&-')),
        (
            "<segment>",
            "<segment>: the segment ends; 4096 bytes went, and there is more",
            shell('head -c 5000 /dev/zero | "$@"'),
        ),
        (
            "<segment>",
            "standard input: Input/output error; 0 bytes went",
            refused("readv:error=EIO"),
        ),
        ("<segment> --hex", "standard input: not pairs of hex digits", given(b"xyz")),
        (
            "<segment> --hex",
            "standard input: far more than the segment's 4096 bytes",
            given(b"00" * 200_000),
        ),
        (
            "<segment> --pack i",
            "standard input: line 2: the struct has 1 field, not 2",
            given(b"1\n1\t2\n"),
        ),
    ),
    # -- key
    *says(
        "key",
        2,
        ("", "PATH is missing"),
        ("/nope", "PATH: '/nope': No such file or directory"),
        ("''", "PATH: '': No such file or directory"),
        (
            "/ 0",
            "PROJ: '0': the project is a number from 1 to 255, or one character that is no digit",
        ),
        (
            "/ long",
            "PROJ: 'long': the project is a number from 1 to 255, or one character that "
            "is no digit",
        ),
    ),
    # -- run
    *says(
        "run",
        2,
        ("", "CMD is missing"),
        ("--private x true", "--private: 'x' is not one of 'auto', 'always', 'never'"),
        (
            "-f openmetrics true",
            "-f/--format: 'openmetrics' is not one of 'table', 'plain', 'json', "
            "'jsonl', 'csv', 'tsv', 'export'",
        ),
    ),
    *says(
        "run",
        0,
        (
            "true",
            "it left nothing, but had no IPC namespace of its own: Operation not permitted",
            refused("unshare:error=EPERM"),
        ),
        (
            "bash -c 'sleep 1 >/dev/null 2>&1 & sleep 0.2'",
            "still running in its namespace: <number> (sleep)",
            APART,
        ),
    ),
    *says(
        "run",
        23,
        (
            "bash -c '<pyipcs> make -Q >/dev/null'",
            "'bash' left 1 message queue\n<lines>",
            APART,
        ),
        (
            "bash -c '<pyipcs> make -Q -M 1 -S 1 >/dev/null'",
            "'bash' left 1 message queue, 1 segment and 1 semaphore set\n<lines>",
            APART,
        ),
        (
            f"--private never --rm bash -c '{WAITER}'",
            "'bash' left 1 message queue\n<lines>\npyipcs: they are new since, and yours; in this "
            "namespace, which was not its own (--private never), other programs of yours may have "
            "made them\npyipcs: 1 object in use, or perhaps so, and left",
            in_user_namespace('"$@"'),
        ),
    ),
    *says(
        "run",
        1,
        (
            "--private always true",
            "no IPC namespace of its own for the command: No space left on device "
            "(user.max_ipc_namespaces is 0, user.max_user_namespaces is <number>)",
            in_user_namespace('echo 0 > /proc/sys/user/max_ipc_namespaces; "$@"'),
        ),
    ),
    *says(
        "run",
        126,
        ("<folder>", "'<folder>': Is a directory", APART),
        ("<script>", "'<script>': Permission denied", APART),
    ),
    *says(
        "run",
        127,
        ("nosuch", "'nosuch': command not found", APART),
        ("''", "'': command not found", APART),
    ),
]


@pytest.mark.usefixtures("isolated")
@pytest.mark.parametrize(
    "row", TABLE, ids=[f"{row.command} {row.line}".strip() or "nothing" for row in TABLE]
)
def test_each_row_says_so_and_leaves_everything_as_it_was(
    row: Row, objects: Objects, tmp_path: Path
) -> None:
    things = Things(objects, tmp_path)
    words = [things.named(word) for word in row.words]
    before, listed = everything(), _listed()
    result = row.under(*words)
    assert re.fullmatch(things.pattern(row.full), result.err), result.err
    assert result.status == row.status
    assert everything() == before or "was removed" in row.said
    if row.status == Status.USAGE:
        assert (result.out, _listed()) == ("", listed)


def _listed() -> list[str]:
    """The kernel's own lists, whole: with the times and the counts of uses."""
    return [Path("/proc/sysvipc", kind.value).read_text() for kind in Kind]


# -- All words are in the table.

SOURCES = Path(pyipcs.__file__).parent
# What these hold is no error, but results and help.
SILENT = {
    "completion.py",
    "describe",
    "model.py",
    "render",
    "sysv/state.py",  # what stands in the column REASON
    "sysv/survey.py",  # the same
}
# And so it is with these functions, classes and constants.
SILENT_NAMES = {
    "cli/__init__.py": {"PURPOSES", "_IMPORTER"},  # the help, and no text at all
    "cli/argv.py": {"collect_usage_pieces"},  # the help
    "cli/everywhere.py": {"heading"},
    # Names of what is made, and of what is done to it, which stand within other words.
    "cli/make.py": {"_segment_plan", "_queue_plan", "_set_plan"},
    "cli/manner.py": {"columns_of"},  # the help
    "cli/options.py": {"_show_version"},
    "cli/output.py": {"ask"},
    "cli/removal.py": {"_VERBOSE"},
    "cli/rm.py": {"_question"},
    "cli/watching.py": {"watch"},  # the head of a live view
    "errors.py": {"StoppedError"},  # the program ends by the signal, which says it
    "sysv/libc.py": {"_PERM", "_SEM_TIMES"},  # names of the kernel's
}
# Arguments of these are results, help, or names of the kernel's.
SILENT_CALLS = {"Column", "OneOf", "_Layout", "_Resource", "options_titled", "write"}
SILENT_ARGUMENTS = {"help", "metavar", "which"}
# A single word counts as said only in the arguments of these.
SPEAKING = {"CommandError", "IpcError", "LimitError", "UsageError", "ValueError"}
SPEAKING |= {"OverflowError", "_wrong", "complain", "fail", "refuse"}


class _Words(ast.NodeVisitor):
    """The texts of a module that are sentences or parts of some, as patterns by their places."""

    def __init__(self, silent: set[str]) -> None:
        self.found: dict[str, str] = {}
        self._silent = silent
        self._speaks = False

    def visit_Module(self, node: ast.Module) -> None:
        # Of the constants those count that a function's body names; others are help.
        used = {
            within.id
            for function in ast.walk(node)
            if isinstance(function, ast.FunctionDef)
            for statement in function.body
            for within in ast.walk(statement)
            if isinstance(within, ast.Name)
        }
        constants = [one for one in node.body if isinstance(one, ast.Assign | ast.AnnAssign)]
        unused = [one for one in constants if not used & _targets(one)]
        self._visit_body([one for one in node.body if one not in unused])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if node.name not in self._silent:
            self._visit_body(node.body)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.name not in self._silent:
            self._visit_body(node.body)  # and no decorators, which hold the help

    def visit_Assign(self, node: ast.Assign) -> None:
        if self._silent.isdisjoint(_targets(node)):
            self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value and self._silent.isdisjoint(_targets(node)):
            self.visit(node.value)  # and no annotation

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        name = ast.unparse(node.func).rpartition(".")[2]
        if name in SILENT_CALLS:
            return
        before, self._speaks = self._speaks, self._speaks or name in SPEAKING
        self.generic_visit(node)
        self._speaks = before

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg not in SILENT_ARGUMENTS:
            self.visit(node.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._add(node, node.value.split("{}"))  # which it is for str.format

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        # Between two fields there may be no text, which is one all the same.
        parts = [""]
        for part in node.values:
            if isinstance(part, ast.Constant):
                parts[-1] += str(part.value)
            else:
                parts.append("")
                self.visit(part)
        self._add(node, parts)

    def visit_FormattedValue(self, node: ast.FormattedValue) -> None:
        self.visit(node.value)  # its format is no text

    def _visit_body(self, body: Sequence[ast.AST]) -> None:
        for node in body:
            self.visit(node)

    def _add(self, node: ast.expr, parts: list[str]) -> None:
        has_words = any(re.search("[a-z]{2}", part) for part in parts)
        if has_words and (self._speaks or " " in "_".join(parts).strip()):
            self.found[f"{node.lineno}:{node.col_offset}"] = ".*".join(map(re.escape, parts))


def _targets(node: ast.Assign | ast.AnnAssign) -> set[str]:
    """The names that are assigned to."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {ast.unparse(target) for target in targets}


def _texts() -> dict[str, str]:
    """All that the sources can say of errors, as patterns, by where it stands."""
    texts: dict[str, str] = {}
    for path in sorted(SOURCES.rglob("*.py")):
        name = str(path.relative_to(SOURCES))
        if SILENT.isdisjoint({name, name.partition("/")[0]}):
            words = _Words(SILENT_NAMES.get(name, set()))
            words.visit(ast.parse(path.read_text()))
            texts |= {f"{name}:{place}": pattern for place, pattern in words.found.items()}
    return texts


def test_all_that_the_sources_can_say_is_in_the_table() -> None:
    said = [row.full for row in TABLE]
    texts = _texts()
    missing = {
        place: pattern
        for place, pattern in texts.items()
        if not any(re.search(pattern, text) for text in said)
    }
    assert texts
    assert not missing, json.dumps(missing, indent=1)


@pytest.mark.parametrize("name", SILENT_NAMES)
def test_what_is_said_to_be_silent_is_there(name: str) -> None:
    nodes = [*ast.walk(ast.parse((SOURCES / name).read_text()))]
    there = {node.name for node in nodes if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    there.update(*(_targets(node) for node in nodes if isinstance(node, ast.Assign)))
    assert there >= SILENT_NAMES[name]
