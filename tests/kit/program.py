"""Runners of pyipcs and its peers: new processes, forks, other users."""

import ctypes
import os
import select
import shlex
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from inspect import signature
from pathlib import Path
from pkgutil import walk_packages
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple, NoReturn

import pytest
from click.testing import CliRunner

import pyipcs as pyipcs_package
from pyipcs.__main__ import main
from pyipcs.cli.main import main as run_line
from pyipcs.sysv.namespace import is_initial
from pyipcs.usage.scan import expire
from tests.kit.child import clear_caches, drop_privileges, find_caches
from tests.kit.kernel import NOBODY
from tests.kit.turns import check_turn
from tests.kit.wait import LIMIT, exit_code

PYIPCS = str(Path(sys.executable).with_name("pyipcs"))
_C_SOURCES = Path(__file__).parents[1] / "c"
_MISSING_TOOLS_FAIL = "PYIPCS_TEST_REQUIRE_TOOLS"


def need_tool(name: str) -> str:
    """Return the path of a program; skip the test without it.

    In .ci/run, which installs the programs, the test fails.
    """
    from shutil import which

    path = which(name)
    if not path:
        _skip(f"{name} is not installed")
    return path


def need_all_processes() -> None:
    """Skip the test outside of the initial PID namespace, as in a container.

    There a process that cannot be seen may use a queue or a set: none is suspect.
    """
    if not is_initial("pid"):
        pytest.skip("needs the initial PID namespace, which has all processes")


def need_success(command: Sequence[str]) -> None:
    """Skip the test if a command fails, because a part of its program is missing.

    In .ci/run, which installs the parts, the test fails.
    """
    if command and run(*command).status:
        _skip(f"{shlex.join(command)} fails")


def _skip(reason: str) -> NoReturn:
    if os.environ.get(_MISSING_TOOLS_FAIL):
        pytest.fail(reason)
    pytest.skip(reason)


class Result(NamedTuple):
    """The exit status and the outputs of a command."""

    status: int
    out: str
    err: str


# Before click 8.2 the runner needs an option to keep the two streams apart.
_SEPARATE_STREAMS: dict[str, Any] = (
    {"mix_stderr": False} if "mix_stderr" in signature(CliRunner).parameters else {}
)


class _Program:
    """The entry point in the form that click's test runner calls."""

    name = "pyipcs"

    @staticmethod
    def main(args: Sequence[str], prog_name: str, **_extra: Any) -> NoReturn:
        sys.exit(run_line([prog_name, *args]))


def invoke(*args: str, program: str = "pyipcs", env: Mapping[str, str] | None = None) -> Result:
    """Run pyipcs in this process."""
    check_turn(args)
    expire()  # a program scans /proc once
    runner = CliRunner(**_SEPARATE_STREAMS)
    with mask_restored():
        result = runner.invoke(_Program, args, prog_name=program, env=env)  # type: ignore[arg-type] # it has what the runner calls
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Result(
        result.exit_code,
        result.stdout_bytes.decode(errors="surrogateescape"),
        result.stderr_bytes.decode(errors="surrogateescape") if result.stderr_bytes else "",
    )


@contextmanager
def mask_restored() -> Iterator[None]:
    """Restore the blocked signals after a `with` block: a program does not do it at its end."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def inline(*args: str, data: bytes = b"") -> Result:
    """Run pyipcs in this process, with files as its standard streams.

    A command that copies bytes needs these; others can have those of `invoke`. Faster than
    `forked`, for commands that no signal ends.
    The test fails if the command does not end within the limit.
    """
    check_turn(args)
    with _time_limit(), _files_as_streams(data) as (out, err):
        expire()
        status = run_line(["pyipcs", *args])
        sys.stdout.flush()
        sys.stderr.flush()
        return Result(status, text_in(out), text_in(err))


@contextmanager
def _files_as_streams(data: bytes) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Replace the standard streams by files within a `with` block; yield those of the outputs."""
    streams, saved = (sys.stdin, sys.stdout, sys.stderr), [os.dup(number) for number in range(3)]
    with mask_restored(), TemporaryFile() as source, TemporaryFile() as out, TemporaryFile() as err:
        source.write(data)
        source.seek(0)
        try:
            for number, file in enumerate((source, out, err)):
                os.dup2(file.fileno(), number)
            _open_streams()
            yield out, err
        finally:
            sys.stdin, sys.stdout, sys.stderr = streams
            for number, descriptor in enumerate(saved):
                os.dup2(descriptor, number)
                os.close(descriptor)


@contextmanager
def _time_limit() -> Iterator[None]:
    def fail(*_: object) -> NoReturn:
        pytest.fail(
            f"pyipcs did not end within {LIMIT:g} s"
        )  # no Exception, which pyipcs may catch

    action = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, action)


def _open_streams() -> None:
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115


def run(*command: str, env: Mapping[str, str] | None = None, **options: Any) -> Result:
    """Run a command in a new process, in the C locale."""
    check_turn(command)
    environment = {**os.environ, "LC_ALL": "C", **(env or {})}
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env=environment,
        timeout=2 * LIMIT,
        **options,
    )
    return Result(
        done.returncode,
        done.stdout.decode(errors="surrogateescape"),
        done.stderr.decode(errors="surrogateescape"),
    )


def compile_c(name: str, folder: Path, *options: str, compiler: str = "cc") -> str:
    """Compile a program of tests/c; return its path.

    Args:
        name: the source without its suffix.
        folder: the folder for the program.
        options: further options of the compiler.
        compiler: the compiler.
    """
    path = str(folder / name)
    source = str(_C_SOURCES / f"{name}.c")
    done = run(need_tool(compiler), *options, "-o", path, source, "-pthread", "-lrt")
    assert done.status == 0, done.err
    return path


def pyipcs(*args: str, **options: Any) -> Result:
    """Run pyipcs in a new process."""
    return run(PYIPCS, *args, **options)


def fork(
    *args: str,
    stdin: int,
    stdout: int,
    stderr: int,
    program: str = "pyipcs",
    first: Callable[[], object] = bool,
) -> int:
    """Start pyipcs in a forked process, faster than a new one; return its pid.

    The process calls `first` before anything else.
    """
    check_turn(args)
    find_caches()
    # No signal may arrive before the entry point has installed its handlers.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            for number, descriptor in enumerate((stdin, stdout, stderr)):
                os.dup2(descriptor, number)
            os.closerange(3, 256)
            clear_caches()  # their descriptors are closed
            _open_streams()
            sys.argv = [program, *args]
            first()
            main()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(99)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return child


def forked(
    *args: str,
    data: bytes = b"",
    program: str = "pyipcs",
    timeout: float = LIMIT,
    first: Callable[[], object] = bool,
) -> Result:
    """Run pyipcs in a forked process with a file as its standard input.

    It is killed after `timeout` seconds, and calls `first` before anything else.
    """
    with TemporaryFile() as source, TemporaryFile() as out, TemporaryFile() as err:
        source.write(data)
        source.seek(0)
        child = fork(
            *args,
            stdin=source.fileno(),
            stdout=out.fileno(),
            stderr=err.fileno(),
            program=program,
            first=first,
        )
        _kill_after(timeout, child)
        _, status = os.waitpid(child, 0)
        return Result(os.waitstatus_to_exitcode(status), text_in(out), text_in(err))


def text_in(file: IO[bytes]) -> str:
    """Return the whole text of a file."""
    file.seek(0)
    return file.read().decode(errors="surrogateescape")


def _kill_after(seconds: float, child: int) -> None:
    descriptor = os.pidfd_open(child)
    if not select.select([descriptor], [], [], seconds)[0]:
        os.kill(child, signal.SIGKILL)
    os.close(descriptor)


def peer_as_nobody(*command: str) -> Result:
    """Run a peer as the user nobody."""
    return run(*command, user=NOBODY, group=NOBODY, extra_groups=[])


def as_nobody(*args: str) -> Result:
    """Run pyipcs with the rights of the user nobody in a forked process.

    Only the effective user changes. File access stays root's, because nobody may have no access to
    this interpreter's files.
    """
    return forked(*args, first=become_nobody)


def become_nobody() -> None:
    """Take the rights of the user nobody, except for the access to files."""
    os.setgroups([])
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    ctypes.CDLL(None).setfsuid(0)
    clear_caches()  # they are root's


def unprivileged(*args: str, before: Sequence[Callable[[], object]] = ()) -> Result:
    """Run pyipcs as an ordinary user without capabilities, in a forked process.

    File access is that of the user, too. The command must change nothing, because it also runs
    here: it imports what the user may not be able to read.

    Args:
        args: the command line.
        before: called by the process while it has the rights of the tests.
    """
    invoke(*args)
    return forked(*args, first=partial(_call_all, (*before, drop_privileges, clear_caches)))


def ordinary(
    *args: str, uid: int = NOBODY, become: Callable[[int], object] = drop_privileges
) -> Result:
    """Run pyipcs as an ordinary user without capabilities, in a forked process.

    It may change things: all modules are imported here, because the user may not be able to read
    them. The process calls `become`, with the user, before anything else.
    """
    load_all()
    return forked(*args, first=partial(_call_all, (partial(become, uid), clear_caches)))


def load_all() -> None:
    """Import all of pyipcs, so that no command imports anything."""
    for name in ("grp", "json", "pwd", "encodings.idna"):
        import_module(name)
    for module in walk_packages(pyipcs_package.__path__, "pyipcs."):
        if not module.name.endswith("__main__"):  # it runs a program
            import_module(module.name)


def elsewhere(*args: str, before: Sequence[Callable[[], object]]) -> Result:
    """Run pyipcs in a forked process, after functions that change its namespaces."""
    return forked(*args, first=partial(_call_all, (*before, clear_caches)))


def _call_all(steps: Sequence[Callable[[], object]]) -> None:
    for step in steps:
        step()


def piped(*args: str, data: bytes, first: Callable[[], object] = bool) -> Result:
    """Run pyipcs in a forked process with a pipe as its standard input.

    A pipe takes no more than 64 KiB of data. The process calls `first` before anything else.
    """
    read, write = os.pipe()
    os.write(write, data)
    with TemporaryFile() as out, TemporaryFile() as err:
        child = fork(*args, stdin=read, stdout=out.fileno(), stderr=err.fileno(), first=first)
        os.close(read)
        os.close(write)
        return Result(exit_code(child), text_in(out), text_in(err))
