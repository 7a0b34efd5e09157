"""Ways to run a row of the table, other than in this process."""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from ctypes import c_ulong
from functools import partial
from pathlib import Path

import pytest

from pyipcs.model import Kind
from tests.kit import program
from tests.kit.child import NEWIPC, NEWNS, hide, unshare
from tests.kit.factories import in_waiting_call, read_line, running
from tests.kit.kernel import IS_ROOT, NOBODY, OTHER_USER, ids, libc, remove, send
from tests.kit.mqueue import make_queue, unlink_queue
from tests.kit.posix import SHM, bind, child_in, hold_lease, own_mounts
from tests.kit.program import PYIPCS, Result, forked, invoke, need_all_processes, need_tool, run
from tests.kit.terminal import end, on_terminal, read_all, read_until, without_codes
from tests.kit.wait import LIMIT, wait_until
from tests.messages.rows import Runner

LIMITS = Path("/proc/sys/kernel")

# -- Users and their rights


def as_nobody(*args: str) -> Result:
    """Run with the rights of the user nobody."""
    _require_root()
    return program.as_nobody(*args)


def as_ordinary(*args: str) -> Result:
    """Run with the rights of the user nobody, for files, too."""
    _require_root()
    return program.ordinary(*args)


def as_ipcrm(*args: str) -> Result:
    """Run `rm` under the name ipcrm; the result names it as `pyipcs rm`."""
    result = invoke(*args[1:], program="ipcrm")
    err = result.err.replace(": ipcrm: ", ": rm: ").replace("see ipcrm", "see pyipcs rm")
    return result._replace(err=err)


def as_root(runner: Runner) -> Runner:
    """Run only as root, who can examine every process."""

    def run_as_root(*args: str) -> Result:
        _require_root()
        return runner(*args)

    return run_as_root


def with_all_processes(runner: Runner) -> Runner:
    """Run only in the initial PID namespace: see `need_all_processes`."""

    def run_with_all(*args: str) -> Result:
        need_all_processes()
        return runner(*args)

    return run_with_all


def without_other_namespaces(runner: Runner) -> Runner:
    """Run, and ignore errors about IPC namespaces of other programs."""
    other = re.compile(r"pyipcs: IPC namespace \d+: .*\n")

    def run_without(*args: str) -> Result:
        result = runner(*args)
        err = other.sub("", result.err)
        return result if err == result.err else result._replace(err=err, status=0)

    return run_without


def without_capabilities(script: str) -> Runner:
    """Run by a script around "$@", as this user without capabilities."""
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if IS_ROOT else []
    return lambda *args: run(*drop, "bash", "-c", script, "bash", PYIPCS, *args)


def in_user_namespace(script: str) -> Runner:
    """Run by a script, as root of new namespaces without another user."""
    return lambda *args: run(*_unshare_user(), "bash", "-c", script, "bash", PYIPCS, *args)


def _unshare_user() -> list[str]:
    return [need_tool("unshare"), "--user", "--map-root-user", "--ipc"]


def _require_root() -> None:
    if not IS_ROOT:
        pytest.skip("needs root")


# -- Input, output and environment


def with_input(data: bytes) -> Runner:
    """Run with these data on standard input."""
    return partial(forked, data=data)


def shell(script: str) -> Runner:
    """Run by a script, in which "$@" is the command line."""
    return lambda *args: run("bash", "-c", script, "bash", PYIPCS, *args)


def with_variable(name: str, value: str) -> Runner:
    """Run with an environment variable."""
    return partial(invoke, env={name: value})


def answering(answer: str, *, before: Callable[[], None] = lambda: None) -> Runner:
    """Run on a terminal and answer; the result has the output after that.

    Args:
        answer: the line to type.
        before: called when the question is shown.
    """

    def answer_question(*args: str) -> Result:
        process, terminal = on_terminal(*args)
        try:
            read_until(terminal, r"\[y/N\] ")
            before()
            os.write(terminal, f"{answer}\n".encode())
            output = without_codes(read_all(terminal)).replace("\r\n", "\n")
            return Result(process.wait(LIMIT), "", output.removeprefix(f"{answer}\n"))
        finally:
            end(process, terminal)

    return answer_question


def send_to_all_queues() -> None:
    """Put a message on every queue of the namespace."""
    for msqid in ids(Kind.QUEUE):
        send(msqid)


# -- The kernel and the machine


def with_limit(name: str, value: str, runner: Runner = invoke) -> Runner:
    """Run while a limit (sysctl kernel.NAME) has another value."""

    def run_with_limit(*args: str) -> Result:
        _require_root()
        before = (LIMITS / name).read_text()
        (LIMITS / name).write_text(value)
        try:
            return runner(*args)
        finally:
            (LIMITS / name).write_text(before)

    return run_with_limit


def as_ordinary_after(*before: Callable[[], object]) -> Runner:
    """Run as an ordinary user, after functions that change the namespaces."""
    return partial(program.unprivileged, before=before)


def after(*before: Callable[[], object]) -> Runner:
    """Run with the rights of the tests, after changes of namespaces."""
    return partial(program.elsewhere, before=before)


def own_dev() -> None:
    """Mount an empty /dev, in a mount namespace of this process."""
    own_mounts()
    hide("/dev")


def own_mqueue() -> None:
    """Mount a /dev/mqueue with one queue that no process may open."""
    unshare(NEWIPC | NEWNS)
    libc.mount(b"none", b"/", None, c_ulong(1 << 18 | 16384), None)
    libc.mount(b"mqueue", b"/dev/mqueue", b"mqueue", c_ulong(0), None)
    make_queue("/closed", 0, (2, 64))


def beside(prepare: Callable[[], object]) -> Runner:
    """Run beside a process that called a function; PID stands for its pid."""

    def run_beside(*args: str) -> Result:
        with child_in(prepare) as pid:
            return run(PYIPCS, *(arg.replace("PID", str(pid)) for arg in args))

    return run_beside


def mqueue_for_shm() -> None:
    """Mount another file system than a tmpfs at /dev/shm."""
    unshare(NEWIPC | NEWNS)
    libc.mount(b"none", b"/", None, c_ulong(1 << 18 | 16384), None)
    libc.mount(b"mqueue", b"/dev/shm", b"mqueue", c_ulong(0), None)


def with_queue_limit(name: str, value: str) -> Runner:
    """Run without capabilities while fs.mqueue.NAME has a value."""

    def run_with_limit(*args: str) -> Result:
        _require_root()
        setting = Path("/proc/sys/fs/mqueue", name)
        before = setting.read_text()
        setting.write_text(value)
        try:
            return program.ordinary(*args, uid=OTHER_USER)
        finally:
            setting.write_text(before)

    return run_with_limit


def below_changed_root(*args: str) -> Result:
    """Run below a root directory at which nothing is mounted (chroot(2))."""
    _require_root()

    def change_root() -> None:
        own_mounts()
        for name in ("usr", "bin", "lib", "lib64", "proc"):
            if (source := Path("/", name)).is_dir():
                target = Path(folder, name)
                target.mkdir()
                bind(source, target)
        Path(folder, "dev/mqueue").mkdir(parents=True)
        os.chroot(folder)

    program.load_all()  # its files are not there
    with tempfile.TemporaryDirectory() as folder:
        return program.elsewhere(*args, before=[change_root])


def with_full_shm(*args: str) -> Result:
    """Run where /dev/shm has no free page."""
    script = """
        mount -t tmpfs -o size=4k none /dev/shm && head -c 4096 /dev/zero >/dev/shm/full &&
        exec "$@"
    """
    return run(*_unshare_user(), "--mount", "sh", "-c", script, "sh", PYIPCS, *args)


def with_sparse_segment(*args: str) -> Result:
    """Run where /dev/shm has the segment /sparse of 64 KiB and one free page."""
    script = """
        mount -t tmpfs -o size=4k,huge=never none /dev/shm && truncate -s 64K /dev/shm/sparse &&
        exec "$@"
    """
    return run(*_unshare_user(), "--mount", "sh", "-c", script, "sh", PYIPCS, *args)


def with_another_process(*args: str) -> Result:
    """Run in the place of another process, by --ns."""
    with running("sleep", "600") as process:
        return forked(*args, "--ns", str(process.pid))


def with_files_open(*args: str) -> Result:
    """Run while all files in /dev/shm are open."""
    with ExitStack() as files:
        for path in SHM.iterdir():
            files.enter_context(path.open("rb"))
        return invoke(*args)


def with_files_leased(*args: str) -> Result:
    """Run while another process has a lease on all files in /dev/shm."""

    def lease_all() -> None:
        for path in SHM.iterdir():
            hold_lease(path)

    with child_in(lease_all):
        return invoke(*args)


def with_files_mounted(*args: str) -> Result:
    """Run where another file is mounted over each file in /dev/shm."""
    script = 'for file in /dev/shm/*; do mount --bind "$0" "$file" || exit; done; exec "$@"'
    with tempfile.NamedTemporaryFile() as source:
        if os.fstat(source.fileno()).st_dev == SHM.stat().st_dev:
            pytest.skip("needs another file system")
        return run(*_unshare_user(), "--mount", "sh", "-c", script, source.name, PYIPCS, *args)


def with_faults(calls: str, *, isolated: bool = False) -> Runner:
    """Run with system calls that fail.

    Args:
        calls: which calls fail and how, as in strace's option -e inject.
        isolated: True for a new IPC namespace, with which the program's objects are removed.
    """

    def run_with_faults(*args: str) -> Result:
        return run(*(_unshare_user() if isolated else []), *_strace(calls), PYIPCS, *args)

    return run_with_faults


def without_overcommit(calls: str) -> Runner:
    """Run with system calls that fail, where vm.overcommit_memory reads 2.

    A file is mounted over the setting, which is the machine's.
    """
    setting = "/proc/sys/vm/overcommit_memory"

    def run_without_overcommit(*args: str) -> Result:
        _require_root()
        script = (
            f'echo 2 >"$0" && mount --bind "$0" {setting} && exec {shlex.join(_strace(calls))} "$@"'
        )
        with tempfile.NamedTemporaryFile() as file:
            unshare = [need_tool("unshare"), "--mount", "sh", "-c"]
            return run(*unshare, script, file.name, PYIPCS, *args)

    return run_without_overcommit


def _strace(calls: str) -> list[str]:
    # With a seccomp filter only these calls stop at strace, which is twice as fast.
    strace = [need_tool("strace"), "-f", "--seccomp-bpf", "-o", os.devnull]
    return [*strace, "-e", f"trace={calls.partition(':')[0]}", "-e", f"inject={calls}"]


def on_darwin(*args: str) -> Result:
    """Run where Python reports another operating system."""
    script = "import sys; sys.platform = 'darwin'; from pyipcs.__main__ import main; main()"
    return run(sys.executable, "-c", script, *args)


def on_32_bits(*args: str) -> Result:
    """Run where uname reports a machine of 32 bits."""
    if run(need_tool("linux32"), "true").status:
        pytest.skip("this machine has no 32-bit personality")
    return run("linux32", PYIPCS, *args)


def without_proc(*args: str) -> Result:
    """Run where another file system is mounted on /proc."""
    _require_root()
    script = 'mount -t tmpfs none /proc && exec "$@"'
    return run(need_tool("unshare"), "--mount", "sh", "-c", script, "sh", PYIPCS, *args)


# -- Other processes


def beside_closed_namespace(*args: str) -> Result:
    """Run as nobody beside a namespace that nobody may not enter.

    Other tests may have such namespaces at the same time: the result has only lines about this one.
    """
    _require_root()
    command = ["setpriv", f"--regid={NOBODY}", "--clear-groups", "--bounding-set=-all"]
    command += ["--inh-caps=-all", "sh", "-c", "echo; exec sleep 600"]
    with running(need_tool("unshare"), "--ipc", *command) as process:
        read_line(process)
        number = Path(f"/proc/{process.pid}/ns/ipc").stat().st_ino
        status, out, err = as_nobody(*args)
        lines = [line for line in err.splitlines(keepends=True) if f" {number}: " in line]
        return Result(status, out, "".join(lines))


def with_setns_killed(*args: str) -> Result:
    """Run beside one other namespace; a process that enters it is killed."""
    _require_root()
    script = f"""
        coproc unshare --ipc sh -c 'echo; exec sleep 600'
        read -u "${{COPROC[0]}}"
        {shlex.join(_strace("setns:signal=KILL"))} "$@"
    """
    alone = [need_tool("unshare"), "--pid", "--fork", "--mount-proc"]
    return run(*alone, "bash", "-c", script, "bash", PYIPCS, *args)


def leaving_sleep(*args: str) -> Result:
    """Run a command that leaves a process `sleep`, and kill that process."""
    result = forked(*args)
    for pid in re.findall(r"([0-9]+) \(sleep\)", result.err):
        os.kill(int(pid), signal.SIGKILL)
    return result


def _while_waiting(act: Callable[[subprocess.Popen[bytes], str], None]) -> Runner:
    """Run, and act when the program waits for its first argument."""

    def run_and_act(*args: str) -> Result:
        with running(PYIPCS, *args, stderr=subprocess.PIPE) as process:
            wait_until(lambda: in_waiting_call(process.pid))
            act(process, args[1])
            out, err = process.communicate(timeout=LIMIT)
        return Result(process.returncode, out.decode(), err.decode())

    return run_and_act


queue_removed = _while_waiting(lambda _process, msqid: remove(Kind.QUEUE, int(msqid)))
set_removed = _while_waiting(lambda _process, semid: remove(Kind.SEMAPHORE, int(semid)))
posix_queue_removed = _while_waiting(lambda _process, name: unlink_queue(name))
terminated = _while_waiting(lambda process, _target: process.terminate())
