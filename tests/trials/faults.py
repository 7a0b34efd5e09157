"""Faults in each system call, and shortages: python -m tests.trials.faults [CASE...].

A forked process has all of pyipcs loaded, so that strace(1) injects faults into the command's own
system calls; in a new process also into those of Python, which loads it. A command must not lose
anything, stop halfway or print a wrong output without a message.
"""

import argparse
import ctypes
import os
import re
import shlex
import signal
import struct
import subprocess
import sys
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import NamedTuple

from tests.kit import isolation

if __name__ == "__main__":
    isolation.enter()

from pyipcs.errors import Status
from pyipcs.model import Kind
from tests.kit.kernel import (
    IPC_CREAT,
    attached,
    everything,
    libc,
    receive_all,
    remove,
    row,
    send,
)
from tests.kit.mqueue import (
    MQUEUE,
    attributes,
    make_queue,
    open_queue,
    receive_messages,
    send_message,
)
from tests.kit.posix import SHM, ShmFiles, glibc_semaphore
from tests.kit.program import PYIPCS, Result, fork, forked, load_all, run, text_in
from tests.kit.terminal import without_codes

# The command lines by name. {queue}, {array} and {segment} are ids; {lines}, {json} and {dump} are
# files. /faults is a POSIX object of each kind, /zero a POSIX semaphore.
CASES = {
    "list": "list",
    "list json": "list -J",
    "list csv": "list -q -f csv",
    "list export": "list -f export",
    "list openmetrics": "list -q -f openmetrics",
    "list table": "list -f table --color always",
    "list columns": "list -o ID,KEY,OWNER,SIZE,MSGS,NSEMS --sort -ID",
    "list state": "list -o +STATE,REASON,ATTACHED,WAITERS",
    "list id": "list -q -i {queue}",
    "list limits": "list -l",
    "list usage": "list -u",
    "list filtered": "list --suspect",
    "stat": "stat 0x5eed",
    "stat table": "stat 0x5eed -f table --color always",
    "list posix": "list --posix",
    "list posix json": "list --posix -J",
    "list posix csv": "list -M -f csv",
    "list posix export": "list --posix -f export",
    "list posix openmetrics": "list --posix -f openmetrics",
    "list posix table": "list --posix -f table --color always",
    "list posix columns": "list --posix -o KIND,NAME,SIZE,MSGS,MAXMSG,VALUE,RSS --sort -NAME",
    "list posix state": "list --posix -o +STATE,REASON,USERS,WAITERS,MAPPED",
    "list posix name": "list -Q -N /faults",
    "list posix limits": "list --posix -l",
    "list posix usage": "list --posix -u",
    "list posix filtered": "list --posix --orphaned",
    "stat posix": "stat /faults",
    "stat posix table": "stat /faults -f table --color always",
    "key": "key {lines}",
    "make": "make -Q -M 1K -S 2 --values 3,4",
    "make key": "make -Q -k 0x77",
    "make or show": "make -Q -k 0x5eed --exist-ok",
    "make posix": "make -q -m 1K -s -n /new --values 3",
    "make posix sizes": "make -q -n /new --maxmsg 3 --msgsize 100 -p 622",
    "make posix owner": "make -q -m 1K -s -n /new --owner {user}:{group}",
    "make posix or show": "make -q -m 1K -s -n /faults --exist-ok",
    "make both": "make -Q -M 1K -S 2 -q -m 1K -s -n /new",
    "rm": "rm -q {queue} -m {segment} -s {array}",
    "rm keys": "rm -Q 0x5eed -M 0x5eed -S 0x5eed",
    "rm all": "rm --all",
    "rm state": "rm --all --suspect",
    "rm dry": "rm --all -n",
    "rm posix": "rm --posix-mqueue /faults --posix-shmem /faults --posix-semaphore /faults",
    "rm posix target": "rm /zero",
    "rm posix all": "rm --all=posix",
    "rm posix state": "rm --all=posix --orphaned",
    "rm posix dry": "rm --all=posix -n",
    "send": "send 0x5eed hello",
    "send lines": "send 0x5eed -l -F {lines}",
    "send input": "send 0x5eed -l < {lines}",
    "send json": "send 0x5eed --json < {json}",
    "recv": "recv 0x5eed",
    "recv two": "recv 0x5eed -n 2",
    "recv all": "recv 0x5eed -a --json",
    "recv type": "recv 0x5eed -t 2 --timeout 5",
    "recv peek": "recv 0x5eed --peek -a",
    "recv exec": "recv 0x5eed -n 2 --exec cat",
    "recv unpack": "recv 0x5eed -n 2 --unpack 5s",
    "send posix": "send /faults hello",
    "send posix lines": "send /faults --priority 3 -l -F {lines}",
    "send posix input": "send /faults -l < {lines}",
    "send posix json": "send /faults --json < {dump}",
    "send posix timed": "send /faults hello --timeout 5",
    "recv posix": "recv /faults",
    "recv posix all": "recv /faults -a --json",
    "recv posix timed": "recv /faults -n 3 --timeout 5",
    "recv posix exec": "recv /faults -n 2 --exec cat",
    "recv posix unpack": "recv /faults -n 2 --unpack 5s",
    "set mode": "set 0x5eed -q --mode 600",
    "set owner": "set 0x5eed -m --owner {user}",
    "set size": "set 0x5eed --qbytes 8192",
    "set values": "set 0x5eed --value 0=5 --value 1=6",
    "set lock": "set 0x5eed --lock",
    "set posix queue": "set -q /faults --mode 640 --owner {user}:{group}",
    "set posix segment": "set -m /faults --mode 640 --owner {user}:{group} --size 2K",
    "set posix shrink": "set -m /faults --size 512",
    "set posix semaphore": "set -s /faults --mode 640",
    "op": "op 0x5eed V 1=0",
    "op timed": "op 0x5eed P --timeout 5",
    "op holding": "op 0x5eed P -- true",
    "read": "read 0x5eed",
    "read part": "read 0x5eed --offset 100 --length 50 -f hex",
    "write": "write 0x5eed hello",
    "write file": "write 0x5eed --offset 10 -F {lines}",
    "write input": "write 0x5eed < {lines}",
    "op posix": "op /faults V",
    "op posix timed": "op /faults P --timeout 5",
    "op posix waiting": "op /zero P --timeout 0.05",
    "read posix": "read /faults",
    "read posix part": "read /faults --offset 100 --length 50 -f hex",
    "write posix": "write /faults hello",
    "write posix file": "write /faults --offset 10 -F {lines}",
    "write posix input": "write /faults < {lines}",
    "run": "run true",
    "run leaks": "run ipcmk -Q",
    "run rm": "run --rm ipcmk -Q",
    "run shm": "run --private always --shm private cp {lines} /dev/shm/left",
    "run posix leaks": "run --private always touch /dev/mqueue/left",
    "run posix shared": "run touch /dev/shm/left",
    "run posix rm": "run --rm touch /dev/shm/left",
    "run posix json": "run --private never -J touch /dev/mqueue/left /dev/shm/left",
}
# The cases that also run in a new process, which makes a thousand more calls.
LOADED = ["list", "send", "send posix", "recv posix", "stat table", "rm keys", "op posix timed"]
LOADED += ["read posix", "list posix json", "make posix", "rm posix state"]
_KEY = 0x5EED
_NAME = "/faults"
_SIZES = (8, 64)  # messages, and bytes of a message, of the POSIX queue
_BODIES = [(1, b"first"), (2, b"other"), (1, b"third")]
_BODY_TEXTS = [body.decode() for _, body in _BODIES]
_FILES = {
    "lines": "one\ntwo\nthree\n",
    "json": '{"type": 3, "data": "four"}\n{"type": 4, "data": "five"}\n',
    "dump": '{"priority": 3, "data": "four"}\n{"priority": 4, "data": "five"}\n',
}
_POSIX_FILES = {
    "faults": bytes(range(256)) * 4,
    "sem.faults": glibc_semaphore(2),
    "sem.zero": glibc_semaphore(0),
}
_SETVAL, _GETALL, _IPC_STAT = 16, 13, 2

# The errors of each call.
_IPC = ("EPERM", "EIDRM", "ENOSYS", "ENOMEM")
_ERRORS = {
    **dict.fromkeys(("msgget", "semget", "shmget"), ("EACCES", "ENOSPC", "ENOSYS")),
    **dict.fromkeys(("msgctl", "semctl", "shmctl", "shmat"), _IPC),
    **dict.fromkeys(("msgsnd", "msgrcv", "semop", "semtimedop"), ("EAGAIN", "EINTR", *_IPC)),
    "mq_open": ("EACCES", "ENOENT", "EMFILE", "ENOSYS"),
    **dict.fromkeys(
        ("mq_timedsend", "mq_timedreceive"), ("ETIMEDOUT", "EINTR", "EPERM", "ENOSYS", "ENOMEM")
    ),
    "openat": ("EMFILE", "EACCES", "ENOENT"),
    "read": ("EIO", "EINTR"),
    "write": ("ENOSPC", "EIO", "EAGAIN", "EINTR"),
    "pwrite64": ("ENOSPC", "EIO", "EINTR"),
    **dict.fromkeys(("pread64", "preadv"), ("EIO", "EINTR")),
    **dict.fromkeys(("mmap", "mremap"), ("ENOMEM",)),
    **dict.fromkeys(("clone", "clone3", "vfork", "fork"), ("EAGAIN",)),
    **dict.fromkeys(("poll", "ppoll", "select", "pselect6"), ("EINTR", "ENOMEM")),
    **dict.fromkeys(("dup", "dup2", "memfd_create", "pipe2"), ("EMFILE",)),
    "fcntl": ("EMFILE", "EAGAIN", "EACCES"),
    **dict.fromkeys(("unlink", "unlinkat", "mq_unlink"), ("EACCES", "ENOENT", "EROFS")),
    **dict.fromkeys(("newfstatat", "statx"), ("ENOENT", "EACCES", "EIO")),
    **dict.fromkeys(("link", "linkat"), ("EEXIST", "ENOSPC")),
    **dict.fromkeys(("ftruncate", "fallocate"), ("ENOSPC", "EFBIG", "EINTR")),
    "execve": ("EACCES", "ENOENT", "ENOMEM"),
}
_OTHERS = ("EPERM", "EIO")
# No refusals: another process removed the object, or there is no message.
_NEWS = {"EIDRM", "EAGAIN", "ETIMEDOUT"}
# The valid outcomes: no difference; fewer names, processes or namespaces in the output; a message
# and no change; a message and a part of the changes.
OUTCOMES = ("unharmed", "poorer", "refused", "partly")
# The calls that read names, processes and the semaphores of a set, or give namespaces and mounts.
_ABOUT = {
    "semctl",
    *("openat", "read", "close", "newfstatat", "ioctl", "socket", "connect", "readlink"),
    *("getdents64", "memfd_create", "mmap", "munmap", "mprotect", "mount", "unshare"),
}
# The calls that read fields of POSIX objects; a listing without one has an empty field.
_FIELDS = {"mq_open", "mq_getsetattr", "pread64", "statx", "fcntl", "fstatfs", "cachestat"}
_STATUS = ("newfstatat", "statx", "openat", "unlinkat", "mq_unlink")
_LISTING = ("list", "stat", "rm", "run")
# The cases with several steps; the others change all or nothing.
_STEPWISE = ("rm", "send", "recv", "set values", "set posix", "write", "run")
# Calls without a useful fault: they end the process, return from a signal handler, or never fail,
# and the C library and Python rely on that (brk(2) reports by its result).
_SPARED = {
    *("exit_group", "exit", "rt_sigreturn", "restart_syscall"),
    *("rt_sigaction", "rt_sigprocmask", "futex", "getpid", "geteuid", "uname", "lseek", "brk"),
}
# Python's handler of signals writes into a pipe, which has no such errors.
_SPARED_IN = {"op posix waiting": {"write"}}
# sem_open(3) unlinks its temporary file, and unmaps the semaphore, without a check.
_SPARED_IN |= {case: {"unlink", "munmap"} for case in CASES if case.startswith("make")}
# The kind and the id or name of an object in openmetrics.
_METRIC = re.compile(r'ipc_(queue|segment|set|semaphore)_\w+{(?:id|name)="(.*?)"')
# A message of pyipcs, or of the command that it ran.
_MESSAGE = re.compile("pyipcs: |(true|touch|cp|cat|sh|/bin/sh|ipcmk): ")
# The parts that differ from run to run: numbers of objects, processes and namespaces; times; ages.
_VARYING = re.compile(r"0x\w+|[\d:-]*\d{2}[\d:T+-]*|\d(?= (?=\S)|\n|,)|\w{3} \w{3} +(?=#)")
_STATUSES = {0, 1, 2, 3, 23, 126, 127}
_NO_LINE = re.compile(r"Traceback|\.py\b|\w+Error\b|<\w+ object|\bNone\b")
_ENTRY = "/pyipcs/__main__"  # in the first call of the program itself
_CALL = re.compile(r"^(\w+)\(", re.MULTILINE)
_PR_SET_PTRACER, _ANYBODY = 0x59616D61, ctypes.c_ulong(-1)


class Fault(NamedTuple):
    """One failure of a system call."""

    call: str
    occasion: int  # from 1
    error: str


class Remains(NamedTuple):
    """The objects, with those in /dev/shm, and the messages after a command."""

    objects: list[str]
    messages: list[str]


class Ended(NamedTuple):
    """The result of a command, with names for ids, and the remains."""

    result: Result
    remains: Remains


class Tally(NamedTuple):
    """The outcomes of the faults of a case, or of a shortage in all cases."""

    name: str  # of a case, or of a shortage
    calls: int
    outcomes: Counter[str]  # by OUTCOMES
    complaints: list[str]

    def add(self, case: str, fault: str, outcome: str, ended: Ended) -> None:
        """Add the outcome of a fault, and a complaint about a defect."""
        self.outcomes[outcome] += 1
        if outcome not in OUTCOMES:
            self.complaints.append(f"{case}: {fault}: {outcome}: {ended}")


class World:
    """One System V object of each kind, POSIX ones, and the files that commands read."""

    def __init__(self, folder: Path, case: str) -> None:
        """Create them; the messages are on the queue of the case's family."""
        self._files = {name: folder / name for name in _FILES}
        for name, text in _FILES.items():
            self._files[name].write_text(text)
        remove_all()
        _objects(0)  # the next objects have large ids, unlike any other number
        remove_all()
        self._ids = _objects(_KEY)
        descriptor = make_queue(_NAME, 0o600, _SIZES)
        for number, body in _BODIES:
            if "posix" in case:
                send_message(descriptor, body, number)
            else:
                send(self._ids["queue"], body, number)
        os.close(descriptor)
        with attached(self._ids["segment"]) as address:
            ctypes.memmove(address, bytes(range(256)) * 4, 1024)
        libc.semctl(self._ids["array"], 0, _SETVAL, 2)
        for name, content in _POSIX_FILES.items():
            ShmFiles().file(name, content)

    def run(self, case: str, *strace: str, new: bool = False) -> Ended:
        """Run a case's command under strace(1), in a forked or a new process."""
        words, source = self._command_line(case)
        if new:
            result = run("strace", *strace, PYIPCS, *words)
        else:
            result = _under_strace([*strace], words, source)
        return self._ended(result)

    def start(self, case: str, *program: str) -> Ended:
        """Run a case's command, without its standard input, as the arguments of a program."""
        words, _ = self._command_line(case)
        return self._ended(run(*program, *words))

    def fork(self, case: str, first: Callable[[], object] = bool) -> Ended:
        """Run a case's command in a forked process, which calls `first` before it."""
        words, source = self._command_line(case)
        return self._ended(forked(*words, data=Path(source).read_bytes(), first=first))

    def _command_line(self, case: str) -> tuple[list[str], str]:
        """Return the arguments of a case, and its standard input."""
        user = {"user": os.geteuid(), "group": os.getegid()}
        words, _, source = CASES[case].format(**self._ids, **self._files, **user).partition(" < ")
        return shlex.split(words), source or os.devnull

    def _ended(self, result: Result) -> Ended:
        return Ended(Result(result.status, *map(_constant, result[1:])), self.remains())

    def remains(self) -> Remains:
        """Return the present objects and messages; remove the messages."""
        messages = [f"{type_} {body!r}" for type_, body in self._messages()]
        objects = [*sorted(map(_described, everything()))]
        for path in sorted(MQUEUE.iterdir()):
            descriptor = open_queue(f"/{path.name}", os.O_RDONLY)
            objects.append(f"queue {_described_file(path)} {attributes(descriptor)[:2]}")
            messages += [f"{priority} {body!r}" for priority, body in receive_messages(descriptor)]
            os.close(descriptor)
        objects += [_described_file(path) for path in sorted(SHM.iterdir())]
        return Remains(objects, messages)

    def _messages(self) -> list[tuple[int, bytes]]:
        queues = [object_id for kind, object_id in everything() if kind is Kind.QUEUE]
        return receive_all(self._ids["queue"]) if self._ids["queue"] in queues else []


def _constant(text: str) -> str:
    """Remove colours, and the parts that differ from run to run."""
    return _VARYING.sub("#", re.sub(" +|─+", " ", without_codes(text)))


def _objects(key: int) -> dict[str, int]:
    flags = IPC_CREAT | 0o644
    return {
        "queue": libc.msgget(key, flags),
        "array": libc.semget(key, 2, flags),
        "segment": libc.shmget(key, 1024, flags),
    }


def remove_all() -> None:
    """Remove all objects, and all files in /dev/shm."""
    for path in MQUEUE.iterdir():
        path.unlink()
    for kind, object_id in everything():
        remove(kind, object_id)
    ShmFiles().remove_all()


def _described(place: tuple[Kind, int]) -> str:
    """Return all values of an object that a command can change."""
    kind, object_id = place
    common = "{perms} {uid} {gid}".format(**row(kind, object_id))
    key = "named" if int(row(kind, object_id)["key"]) == _KEY else "new"
    match kind:
        case Kind.QUEUE:
            state = ctypes.create_string_buffer(120)
            libc.msgctl(object_id, _IPC_STAT, state)
            more = struct.unpack_from("L", state, 88)[0]  # qbytes
        case Kind.SEMAPHORE:
            values = array("H", [0, 0])
            libc.semctl(object_id, 0, _GETALL, ctypes.c_void_p(values.buffer_info()[0]))
            more = [*values]
        case Kind.SEGMENT:
            with attached(object_id) as address:
                more = zlib.crc32(ctypes.string_at(address, 1024))
    return f"{key} {kind.noun} {common} {more}"


def _described_file(path: Path) -> str:
    """Return all values of a POSIX object that a command can change."""
    status = path.stat()
    # The text of a queue's file holds the size of its messages.
    shape = f"{status.st_size} {zlib.crc32(path.read_bytes())}" if path.parent == SHM else ""
    return f"{path.name} {status.st_mode:o} {status.st_uid} {status.st_gid} {shape}"


def _under_strace(strace: list[str], words: list[str], source: str) -> Result:
    """Run pyipcs in a forked process under strace(1)."""
    with (
        Path(source).open("rb") as stdin,
        TemporaryFile() as out,
        TemporaryFile() as err,
    ):
        child = fork(
            *words,
            stdin=stdin.fileno(),
            stdout=out.fileno(),
            stderr=err.fileno(),
            first=_wait_for_strace,
        )
        os.waitpid(child, os.WUNTRACED)
        command = ["strace", "-p", str(child), *strace]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
            assert tracer.stderr
            attached_to = tracer.stderr.readline()
            assert "attached" in attached_to, attached_to
            os.kill(child, signal.SIGCONT)
            _, status = os.waitpid(child, 0)
        return Result(os.waitstatus_to_exitcode(status), text_in(out), text_in(err))


def _wait_for_strace() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANYBODY, 0, 0, 0)
    os.kill(os.getpid(), signal.SIGSTOP)


def fail_each(case: str, folder: Path, most: int, *, new: bool = False) -> Tally:
    """Let each call of a case fail, at this number of its occasions at most."""
    untouched = World(folder, case).remains()
    trace = folder / "trace"
    complete = World(folder, case).run(case, "-o", str(trace), new=new)
    # Before the entry point, Python itself reports a fault.
    before, _, after = trace.read_text().partition(_ENTRY) if new else ("", "", trace.read_text())
    own = after[: _end_of(after)]
    earlier, calls = (Counter(_CALL.findall(text)) for text in (before, own))
    tally = Tally(case, calls.total(), Counter(), [])
    for call in _SPARED | _SPARED_IN.get(case, set()):
        calls.pop(call, None)
    for fault in _faults(calls, most):
        when = earlier[fault.call] + fault.occasion
        inject = f"inject={fault.call}:error={fault.error}:when={when}"
        for _ in range(2):  # again if another program may have looked at the objects meanwhile
            ended = World(folder, case).run(case, "-o", os.devnull, "-e", inject, new=new)
            found = outcome(
                *(case, ended, untouched, complete),
                may_lack=_may_lack(case, fault.call),
                is_news=_is_news(case, fault),
            )
            if found in OUTCOMES:
                break
        tally.add(case, " ".join(map(str, fault)), found, ended)
    return tally


def _end_of(trace: str) -> int:
    """Return the position after a successful execve(2), or the end."""
    found = re.search(r"^execve\(.* = 0$", trace, re.MULTILINE)
    return found.end() if found else len(trace)


def _faults(calls: Counter[str], most: int) -> Iterator[Fault]:
    for call, count in calls.items():
        step = max(count / most, 1)
        for number in range(min(count, most)):
            for error in _ERRORS.get(call, _OTHERS):
                yield Fault(call, int(number * step) + 1, error)


def _may_lack(case: str, call: str) -> bool:
    """Return True if a command may print less after the fault of a call."""
    return call in _ABOUT or (call in _FIELDS and case.startswith(_LISTING))


def _is_news(case: str, fault: Fault) -> bool:
    """Return True if the fault means what another process, or another kernel, can cause."""
    # A kernel may lack a kind: then no object of the kind has the name.
    is_absent = case.startswith("stat") and fault.error == "ENOSYS"
    is_removed = fault.call in _STATUS and fault.error == "ENOENT" and case.startswith(_LISTING)
    return fault.error in _NEWS or is_absent or is_removed


def outcome(
    case: str,
    ended: Ended,
    untouched: Remains,
    complete: Ended,
    *,
    may_lack: bool,
    is_news: bool = False,
) -> str:
    """Return the outcome of a fault, one of OUTCOMES, or the defect.

    Args:
        case: the name of the command line.
        ended: the command with the fault.
        untouched: the objects and messages before it.
        complete: the command without a fault.
        may_lack: True if the output may lack names, processes or namespaces.
        is_news: True for a fault that another process could cause: it needs no message.
    """
    status, _, err = ended.result
    if defect := _defect(case, ended):
        return defect
    if ".pyipcs-" in "".join(ended.remains.objects) and not is_news:
        return "a renamed object"
    if status == complete.result.status and ended.remains == complete.remains:
        return _difference(ended.result, complete.result, may_lack=may_lack, is_news=is_news)
    has_message = not err if status == Status.WAIT else bool(_MESSAGE.match(err))
    # Objects in doubt, and places that a command lacks, are reported with the status of the rest.
    is_refused = status or case.startswith(("rm", "run"))
    if not (is_refused and has_message) and not is_news:
        return "no message"
    done = "partly" if case.startswith(_STEPWISE) else "half done"
    return "refused" if ended.remains == untouched else done


def _defect(case: str, ended: Ended) -> str:
    """Return a defect that no fault excuses, or an empty text."""
    status, out, err = ended.result
    if status < 0:
        return "a signal"
    if _NO_LINE.search(out + err) or status not in _STATUSES:
        return "a traceback"
    if case.startswith("recv"):
        printed = out + err + "".join(ended.remains.messages)
        times = [printed.count(body) for body in _BODY_TEXTS]
        if min(times) == 0:
            return "a message is lost"
        # A command gets its message again if pyipcs could not learn that it has succeeded.
        if max(times) > 1 and not case.endswith(("peek", "exec")):
            return "a message is twice"
    return ""


def _difference(found: Result, complete: Result, *, may_lack: bool, is_news: bool) -> str:
    """Return the outcome of a command that changed as much as without a fault."""
    if found == complete:
        return "unharmed"
    lacks_rows = len(_rows(found.out)) < len(_rows(complete.out))
    if lacks_rows and not (found.err or is_news):
        return "fewer rows"
    # Status 23 reports leftovers, whatever the output has.
    return "poorer" if may_lack or is_news or found.status == Status.FOUND else "other output"


def _rows(out: str) -> Collection[object]:
    """Return the lines of a listing; of metrics and details, where unknown values lack, objects."""
    if out.startswith("# TYPE"):
        return {*_METRIC.findall(out)}
    return re.findall(r"\bOwner ", out) or out.splitlines()


def main() -> None:
    """Run the cases that are named, or all."""
    from tests.trials import shortages  # it uses this module

    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=int, default=12, help="occasions of each system call")
    parser.add_argument("--only", choices=["faults", "loading", "shortages"])
    parser.add_argument("cases", nargs="*", metavar="CASE")
    options = parser.parse_args()
    load_all()
    cases = options.cases or [*CASES]
    complaints = 0
    with TemporaryDirectory() as folder:
        for new in (False, True):
            if options.only in {None, "loading" if new else "faults"}:
                chosen = [case for case in cases if not new or case in LOADED]
                most = 5 * options.most if new else options.most
                complaints += print_table(
                    (fail_each(case, Path(folder), most, new=new) for case in chosen),
                    "while loading" if new else "faults",
                )
        if options.only in {None, "shortages"}:
            complaints += print_table(shortages.starve_all(cases, Path(folder)), "shortages")
    remove_all()
    sys.exit(bool(complaints))


def print_table(tallies: Iterable[Tally], title: str) -> int:
    """Print the outcomes of each tally, their sums, and complaints; return their number."""
    sums: Counter[str] = Counter()
    complaints = 0
    print(f"{title:26} {'calls':>6}", *(f"{outcome:>9}" for outcome in OUTCOMES), flush=True)
    for tally in tallies:
        print(*tally.complaints, sep="\n", end="\n" * bool(tally.complaints))
        print(_line(tally.name, tally.calls, tally.outcomes), flush=True)
        sums += tally.outcomes + Counter(calls=tally.calls)
        complaints += len(tally.complaints)
    print(_line("", sums["calls"], sums), f"complaints: {complaints}\n", sep="\n")
    return complaints


def _line(name: str, calls: int, outcomes: Counter[str]) -> str:
    return " ".join([f"{name:26} {calls:6}", *(f"{outcomes[one]:9}" for one in OUTCOMES)])


if __name__ == "__main__":
    main()
