"""Commands in containers and other restricted places: python -m tests.trials.containers.

In each place, the objects of a user are listed and removed with filters. Some of them are in use by
processes outside the place, some by processes inside it: no command may call these orphaned or
suspect, and no filter may remove them.
"""

import errno
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from ctypes import c_ulong
from functools import partial
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    from tests.kit import isolation

    isolation.enter()

from pyipcs.model import Kind
from tests.kit.child import (
    NEWIPC,
    NEWPID,
    NEWUSER,
    become_capable,
    clear_caches,
    drop_privileges,
    filter_calls,
    in_child,
    keep_capabilities,
    unshare,
    unshare_user,
)
from tests.kit.kernel import NOBODY, OTHER_USER, libc
from tests.kit.mqueue import MQUEUE
from tests.kit.population import (
    Place,
    Population,
    existing,
    is_sysv,
    populated,
    used_by_children,
)
from tests.kit.posix import SHM, own_mounts
from tests.kit.program import Result, inline, load_all
from tests.trials.listings import removed_in, rows_of

Steps = Sequence[Callable[[], object]]
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REMOUNT, _MS_BIND = 1, 2, 4, 32, 4096
_MS_REC = 16384
_PR_SET_DUMPABLE = 4
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000  # results of a seccomp filter
# capabilities(7): those of a container of Docker.
_DOCKER = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)
# System calls that Docker refuses without further capabilities, by architecture: mount, umount2,
# unshare, setns, process_vm_readv, kcmp, perf_event_open, bpf, userfaultfd, the keys. Those with
# one number on all: open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, pidfd_getfd,
# mount_setattr, cachestat.
_REFUSED = {
    "x86_64": (165, 166, 272, 308, 310, 312, 298, 321, 323, 248, 249, 250),
    "aarch64": (40, 39, 97, 268, 270, 272, 241, 280, 282, 217, 218, 219),
}
_REFUSED_ANYWHERE = (428, 429, 430, 431, 432, 433, 438, 442, 451)
_FCNTL = {"x86_64": 72, "aarch64": 25}
_F_SETLEASE = 1024
_CLONE3 = 435  # ENOSYS in Docker: the C library falls back to clone
_MESSAGE = re.compile(r"pyipcs: .*")
_LETTERS = {"in-use": "u", "unknown": "?", "orphaned": "o", "suspect": "s", "not seen": "-"}
_LEAKED = {"orphaned", "suspect"}
# The commands that remove by the use of objects.
_REMOVALS = (
    "rm --all=sysv,posix --suspect -v -y",
    "rm --all=sysv,posix --orphaned -v -y",
    "rm --all=shm,pshm --unattached -v -y",
    "rm --all=posix --match * -v -y",
)
# Other commands, with the output of each; they create the objects that they use.
_COMMANDS = (
    ("make -Q -k 7 -p 600", r"Message queue id: \d+\n"),
    ("send key:7 hello -t 3", ""),
    ("recv key:7 --nowait", "hello\n"),
    ("make -M 4096 -k 8", r"Shared memory id: \d+\n"),
    ("write key:8 hello", ""),
    ("read key:8 --length 5", "hello"),
    ("make -S 2 -k 9", r"Semaphore id: \d+\n"),
    ("op key:9 V P", ""),
    ("stat key:7 key:8 key:9 -f csv -o KEY", r"KIND,KEY\n(\w+,0x0000000\d\n){3}"),
    ("rm key:7 key:8 key:9", ""),
    ("make -q -n /new -p 600 --maxmsg 2 --msgsize 9", "POSIX message queue name: /new\n"),
    ("send /new hello", ""),
    ("recv /new --nowait", "hello\n"),
    ("stat -q /new -f csv -o NAME", "NAME\n/new\n"),
    ("rm --posix-mqueue /new", ""),
    ("make -m 4096 -n /new", "POSIX shared memory name: /new\n"),
    ("write /new hello", ""),
    ("read /new --length 5", "hello"),
    ("stat -m /new -f csv -o NAME,SIZE", "NAME,SIZE\n/new,4096\n"),
    ("rm --posix-shmem /new", ""),
    ("make -s -n /new", "POSIX semaphore name: /new\n"),
    ("op /new V", ""),
    ("op /new P --nowait", ""),
    ("rm --posix-semaphore /new", ""),
    ("list -l --posix --sysv", r"(?s:.*)"),
    ("list -u --posix --sysv", r"(?s:.*)"),
    ("list --posix --sysv -f openmetrics -o +STATE", r"(?s:.*)# EOF\n"),
)


class Findings(NamedTuple):
    """What the commands did in a place.

    Attributes:
        states: the states of the objects, by their use and by their family (True: System V).
        removed: the objects that the removals removed, by their use.
        outcomes: the number of other commands that succeeded, and of those that failed.
        inside: the objects that processes in the place used.
        complaints: the defects.
    """

    states: dict[tuple[str, bool], Counter[str]]
    removed: Counter[str]
    outcomes: Counter[str]
    inside: frozenset[Place]
    complaints: list[str]


# -- The steps into a place.


def _new_pids() -> None:
    """Go on as process 1 of a new PID namespace, with the /proc of before."""
    libc.unshare(NEWPID)
    child = os.fork()
    if child:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)


def _mount_proc(options: bytes = b"") -> None:
    own_mounts()
    libc.mount(b"proc", b"/proc", b"proc", c_ulong(0), options)


def _remount_read_only(path: str) -> None:
    """Make a mount read-only."""
    own_mounts()
    _bind_read_only(path)


def _bind_read_only(path: str) -> None:
    """Mount a folder over itself, read-only."""
    name = path.encode()
    libc.mount(name, name, None, c_ulong(_MS_BIND | _MS_REC), None)
    libc.mount(b"none", name, None, c_ulong(_MS_BIND | _MS_REMOUNT | _MS_RDONLY), None)


def _hide(path: str) -> None:
    own_mounts()
    libc.mount(b"none", path.encode(), b"tmpfs", c_ulong(0), b"mode=755")


def _hide_dev() -> None:
    """Have a /dev without /dev/shm and /dev/mqueue."""
    _hide("/dev")


def _plain_shm() -> None:
    """Have a folder /dev/shm on which nothing is mounted."""
    _hide("/dev")
    SHM.mkdir(mode=0o1777)
    SHM.chmod(0o1777)


def _user_namespace(uids: str) -> None:
    """Enter a user namespace with a mapping of uids and gids; become its root.

    The parent writes the mapping, which needs its rights.
    """
    told, tell = os.pipe()
    parent = os.getpid()
    if (child := os.fork()) == 0:
        os.read(told, 1)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{parent}/{name}").write_text(uids)
        os._exit(0)
    libc.unshare(NEWUSER)
    os.write(tell, b"y")
    os.close(told)
    os.close(tell)
    assert os.waitpid(child, 0)[1] == 0
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)  # else the files of /proc/self stay root's


def _docker() -> None:
    """Take Docker's mounts over /proc, its capabilities and its seccomp filter."""
    for name in ("asound", "acpi", "kcore", "keys", "timer_list", "sched_debug", "scsi"):
        path = Path("/proc", name)
        if path.is_dir():
            libc.mount(b"tmpfs", bytes(path), b"tmpfs", c_ulong(_MS_RDONLY), None)
        elif path.exists():
            libc.mount(b"/dev/null", bytes(path), None, c_ulong(_MS_BIND), None)
    for path in (Path("/proc", name) for name in ("bus", "fs", "irq", "sys", "sysrq-trigger")):
        if path.exists():
            _bind_read_only(str(path))
    keep_capabilities(_DOCKER)
    filter_calls([*_refusals(), (0x06, 0, 0, _ALLOW)])


def _refusals() -> Iterator[tuple[int, int, int, int]]:
    """Yield the steps of a seccomp filter that refuse Docker's system calls."""
    refused = dict.fromkeys((*_REFUSED[os.uname().machine], *_REFUSED_ANYWHERE), errno.EPERM)
    yield 0x20, 0, 0, 0  # load the number of the call
    for number, error in {**refused, _CLONE3: errno.ENOSYS}.items():
        yield 0x15, 0, 1, number
        yield 0x06, 0, 0, _ERRNO | error


def _refuse_leases() -> None:
    """Refuse F_SETLEASE of fcntl(2), as sandboxes do that implement system calls themselves."""
    load, equal, give = 0x20, 0x15, 0x06
    number, command = 0, 24  # in struct seccomp_data; the low half of the second argument
    code = [(load, 0, 0, number), (equal, 0, 3, _FCNTL[os.uname().machine])]
    code += [(load, 0, 0, command), (equal, 0, 1, _F_SETLEASE)]
    filter_calls([*code, (give, 0, 0, _ERRNO | errno.EINVAL), (give, 0, 0, _ALLOW)])


def _new_ipc() -> None:
    """Have an IPC namespace, a /dev/shm and a /dev/mqueue without objects."""
    own_mounts()
    libc.unshare(NEWIPC)
    flags = c_ulong(_MS_NOSUID | _MS_NODEV)
    libc.mount(b"tmpfs", bytes(SHM), b"tmpfs", flags, b"mode=1777,size=64m")
    libc.mount(b"mqueue", bytes(MQUEUE), b"mqueue", flags, None)


def _capable(number: int) -> Callable[[], None]:
    """Return a step that becomes another user with one capability (capabilities(7))."""
    return partial(become_capable, number, OTHER_USER)


_CONTAINER: Steps = (_new_pids, _mount_proc)
_NOBODY: Steps = (drop_privileges,)
PLACES: dict[str, Steps] = {
    "here": (),
    "here, ordinary user": _NOBODY,
    "PID namespace": _CONTAINER,
    "PID namespace, ordinary user": (*_CONTAINER, *_NOBODY),
    "PID namespace, /proc of outside": (_new_pids,),
    "hidepid=1": (partial(_mount_proc, b"hidepid=1"), *_NOBODY),
    "hidepid=2": (partial(_mount_proc, b"hidepid=2"), *_NOBODY),
    "hidepid=4": (partial(_mount_proc, b"hidepid=4"), *_NOBODY),
    "subset=pid": (partial(_mount_proc, b"subset=pid"),),
    "subset=pid, ordinary user": (partial(_mount_proc, b"subset=pid"), *_NOBODY),
    "read-only /proc": (partial(_remount_read_only, "/proc"),),
    "no /proc": (partial(_hide, "/proc"),),
    "no /proc, ordinary user": (partial(_hide, "/proc"), *_NOBODY),
    "no /dev/shm, no /dev/mqueue": (_hide_dev,),
    "no /dev/shm, ordinary user": (_hide_dev, *_NOBODY),
    "/dev/shm a plain folder": (_plain_shm,),
    "read-only /dev/shm": (partial(_remount_read_only, "/dev/shm"),),
    "read-only /dev/shm, ordinary user": (partial(_remount_read_only, "/dev/shm"), *_NOBODY),
    "read-only /dev/mqueue": (partial(_remount_read_only, "/dev/mqueue"), *_NOBODY),
    "/dev/mqueue not mounted": (partial(_hide, "/dev/mqueue"),),
    "/dev/mqueue not mounted, ordinary user": (partial(_hide, "/dev/mqueue"), *_NOBODY),
    "no leases": (_refuse_leases,),
    "no leases, ordinary user": (_refuse_leases, *_NOBODY),
    "no leases, PID namespace": (*_CONTAINER, _refuse_leases),
    "no leases, PID namespace, ordinary user": (*_CONTAINER, _refuse_leases, *_NOBODY),
    "no leases, hidepid=2": (partial(_mount_proc, b"hidepid=2"), _refuse_leases, *_NOBODY),
    "no leases, subset=pid": (partial(_mount_proc, b"subset=pid"), _refuse_leases),
    "no leases, no /proc": (partial(_hide, "/proc"), _refuse_leases),
    "no leases, user namespace": (*_NOBODY, partial(unshare_user, 0), _refuse_leases),
    "IPC namespace alone": (own_mounts, partial(unshare, NEWIPC)),
    "mount namespace alone": (partial(_hide, "/dev/shm"), partial(os.chmod, SHM, 0o1777)),
    "user namespace, own uid": (*_NOBODY, partial(unshare_user, 0)),
    "user namespace, 65536 uids": (partial(_user_namespace, "0 100000 65536"),),
    "user namespace, root and nobody": (partial(_user_namespace, f"0 0 1\n{NOBODY} {NOBODY} 1"),),
    "user namespace, nobody as root": (partial(_user_namespace, f"0 {NOBODY} 1"),),
    "another user": (partial(drop_privileges, OTHER_USER),),
    "CAP_DAC_OVERRIDE alone": (_capable(1),),
    "CAP_DAC_READ_SEARCH alone": (_capable(2),),
    "CAP_FOWNER alone": (_capable(3),),
    "CAP_IPC_OWNER alone": (_capable(15),),
    "CAP_SYS_PTRACE alone": (_capable(19),),
    "CAP_SYS_ADMIN alone": (_capable(21),),
    "CAP_LEASE alone": (_capable(28),),
    "CAP_FOWNER alone, PID namespace": (*_CONTAINER, _capable(3)),
    "CAP_SYS_ADMIN alone, PID namespace": (*_CONTAINER, _capable(21)),
    "Docker, IPC of the host": (*_CONTAINER, _docker),
    "Docker, IPC and PIDs of the host": (own_mounts, _docker),
    "Docker, user 65534": (*_CONTAINER, _docker, *_NOBODY),
    "Docker": (_new_ipc, *_CONTAINER, _docker),
}
# Places that see no object of outside: the population is created there.
_ALONE = {"Docker"}


def examine(name: str, *, all_namespaces: bool = True) -> Findings:
    """Run all commands in a place; return what they did.

    Args:
        name: the place.
        all_namespaces: list the objects of all namespaces, too.
    """
    load_all()  # an ordinary user may not be able to read the modules
    if name in _ALONE:
        return in_child(partial(_examine_alone, all_namespaces), *PLACES[name])
    with populated(NOBODY) as population:
        findings = in_child(partial(_examine, population, all_namespaces), *PLACES[name])
        lost = (population.used | population.unused | population.free) - existing()
        used = population.used | findings.inside
        if wrong := lost & used:
            findings.complaints.append(f"removed while in use: {wrong}")
    return findings


def _examine_alone(all_namespaces: bool) -> Findings:
    with populated(os.geteuid()) as population:
        return _examine(population, all_namespaces)


def _examine(population: Population, all_namespaces: bool) -> Findings:
    """Run all commands in the place of this process, which is a child."""
    clear_caches()
    with used_by_children(population.free) as inside:
        visit = _Visit(population, inside)
        visit.list_states()
        if all_namespaces:
            visit.list_namespaces()
        for line in _REMOVALS:
            visit.remove(line)
        for line, pattern in _COMMANDS:
            visit.run(line, pattern)
    return visit.findings


class _Visit:
    """The commands in a place, and what they did so far."""

    def __init__(self, population: Population, inside: frozenset[Place]) -> None:
        self._use: dict[Place, str] = {
            **dict.fromkeys(population.used, "used"),
            **dict.fromkeys(population.unused | population.free, "unused"),
            **dict.fromkeys(inside, "inside"),
        }
        self.findings = Findings({}, Counter(), Counter(), inside, [])

    def list_states(self) -> None:
        """List all objects; check the states of those in use."""
        result = self._checked("list --sysv --posix -J -o +STATE")
        rows = rows_of("json", result.out, []) if result.out else []
        found = {(Kind(row["kind"]), row["identity"]): row["state"] for row in rows}
        for place, use in self._use.items():
            state = found.get(place, "not seen")
            self.findings.states.setdefault((use, is_sysv(place)), Counter())[state] += 1
            if state not in _LETTERS or (use != "unused" and state in _LEAKED):
                self.findings.complaints.append(f"{use} {place} is {state}")

    def list_namespaces(self) -> None:
        """List the objects of all namespaces; which ones can be read, is the machine's."""
        self._checked("list --sysv --posix --all-ns -o KIND,ID,NAME,STATE")

    def remove(self, line: str) -> None:
        """Remove objects by a filter; check that none of them is in use."""
        result = self._checked(line)
        for place in removed_in(result.out):
            use = self._use.get(place, "strange")
            self.findings.removed[use] += 1
            if use != "unused":
                self.findings.complaints.append(f"{line}: removed {place}: {use}")

    def run(self, line: str, pattern: str) -> None:
        """Run another command; check its output, or its message."""
        result = self._checked(line)
        outcome = "refused" if result.status else "done"
        self.findings.outcomes[outcome] += 1
        if result.status == 0 and not re.fullmatch(pattern, result.out):
            self.findings.complaints.append(f"{line}: {result}")

    def _checked(self, line: str) -> Result:
        """Run a command; check that it prints messages alone on standard error."""
        result = inline(*line.split())
        lines = result.err.splitlines()
        wrong = [one for one in lines if not _MESSAGE.fullmatch(one)]
        if wrong or (result.status != 0) > bool(lines) or result.status not in {0, 1, 3}:
            self.findings.complaints.append(f"{line}: {result}")
        return result


def _table(found: Mapping[str, Findings]) -> Iterator[str]:
    """Yield the lines of the table, and the complaints."""
    width = max(map(len, found))
    yield f"{'':{width}}  used  used  inside inside unused unused"
    yield f"{'':{width}}  SysV  POSIX  SysV  POSIX  SysV   POSIX  removed  done  refused"
    for name, findings in found.items():
        cells = (
            f"{_letters(findings.states.get((use, family))):5}"
            for use in ("used", "inside", "unused")
            for family in (True, False)
        )
        outcomes = findings.outcomes
        numbers = findings.removed["unused"], outcomes["done"], outcomes["refused"]
        yield "{}  {}  {:>7}  {:>4}  {:>7}".format(f"{name:{width}}", "  ".join(cells), *numbers)
    for name, findings in found.items():
        yield from (f"{name}: {complaint}" for complaint in findings.complaints)


def _letters(states: Counter[str] | None) -> str:
    """Return a letter for each state of objects."""
    return "".join(letter for state, letter in _LETTERS.items() if state in (states or ()))


def _main() -> None:
    found = {}
    for name in sys.argv[1:] or PLACES:
        found[name] = examine(name)
        print(name, *found[name].complaints, sep="\n  ", flush=True)
    print()
    print(*_table(found), sep="\n")
    sys.exit(any(findings.complaints for findings in found.values()))


if __name__ == "__main__":
    _main()
