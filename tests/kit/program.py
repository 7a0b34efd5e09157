"""pyipcs and its peers, run: in this process, in a new one, as another user."""

import ctypes
import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple, NoReturn

import pytest
from click.testing import CliRunner

from pyipcs import cli
from pyipcs.__main__ import main
from pyipcs.sysv import permissions
from pyipcs.sysv.survey import survey
from tests.kit.kernel import NOBODY

PYIPCS = str(Path(sys.executable).with_name("pyipcs"))
_MISSING_TOOLS_FAIL = "PYIPCS_TEST_REQUIRE_TOOLS"


def need_tool(name: str) -> str:
    """The path of a tool; a test whose tool is missing is skipped, or fails where all must run."""
    from shutil import which

    if path := which(name):
        return path
    if os.environ.get(_MISSING_TOOLS_FAIL):
        pytest.fail(f"{name} is not installed")
    pytest.skip(f"{name} is not installed")


class Result(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


# Before click 8.2 the runner had to be told to keep the two streams apart.
_APART: dict[str, Any] = (
    {"mix_stderr": False} if "mix_stderr" in signature(CliRunner).parameters else {}
)


class _Program:
    """pyipcs as click's test runner wants it."""

    name = "pyipcs"

    @staticmethod
    def main(args: Sequence[str], prog_name: str, **_extra: Any) -> NoReturn:
        sys.exit(cli.main([prog_name, *args]))


def invoke(*args: str, program: str = "pyipcs", env: Mapping[str, str] | None = None) -> Result:
    """Run pyipcs in this process."""
    survey.cache_clear()  # for one program, /proc is looked at once
    runner = CliRunner(**_APART)
    mask = signal.pthread_sigmask(
        signal.SIG_BLOCK, []
    )  # which a program that ends need not restore
    result = runner.invoke(_Program, args, prog_name=program, env=env)  # type: ignore[arg-type] # has all that it calls
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Result(
        result.exit_code,
        result.stdout_bytes.decode(errors="surrogateescape"),
        result.stderr_bytes.decode(errors="surrogateescape") if result.stderr_bytes else "",
    )


def run(*command: str, env: Mapping[str, str] | None = None, **options: Any) -> Result:
    """Run a command in a new process, in the C locale."""
    environment = {**os.environ, "LC_ALL": "C", **(env or {})}
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env=environment,
        timeout=60,
        **options,
    )
    return Result(
        done.returncode,
        done.stdout.decode(errors="surrogateescape"),
        done.stderr.decode(errors="surrogateescape"),
    )


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
    """Start pyipcs from its entry point in a forked process, which starts in no time; its pid.

    The process calls `first` before all else.
    """
    # No signal comes before the entry point can see to it.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            for number, descriptor in enumerate((stdin, stdout, stderr)):
                os.dup2(descriptor, number)
            os.closerange(3, 256)
            sys.stdin = open(0, closefd=False)  # noqa: SIM115
            sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
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
    *args: str, data: bytes | None = None, program: str = "pyipcs", patience: float | None = None
) -> Result:
    """Run pyipcs in a forked process, with these data in a file that is its standard input.

    One that takes more than `patience` seconds is killed.
    """
    with TemporaryFile() as source, TemporaryFile() as out, TemporaryFile() as err:
        source.write(data or b"")
        source.seek(0)
        child = fork(
            *args,
            stdin=source.fileno(),
            stdout=out.fileno(),
            stderr=err.fileno(),
            program=program,
        )
        if patience is not None:
            _kill_after(patience, child)
        _, status = os.waitpid(child, 0)
        return Result(os.waitstatus_to_exitcode(status), text_in(out), text_in(err))


def text_in(file: IO[bytes]) -> str:
    """All that was written into a file."""
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
    """Run pyipcs with nobody's rights in a forked process.

    Only the effective user changes, and file access stays root's, so that it works also where
    nobody cannot reach this interpreter's files.
    """
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    child = os.fork()
    if child == 0:
        _run_as_nobody(args, out_write, err_write)
    os.close(out_write)
    os.close(err_write)
    with open(out_read, "rb") as out, open(err_read, "rb") as err:  # noqa: PTH123 - descriptors
        texts = [stream.read().decode(errors="surrogateescape") for stream in (out, err)]
    _, status = os.waitpid(child, 0)
    return Result(os.waitstatus_to_exitcode(status), *texts)


def _run_as_nobody(args: Sequence[str], out: int, err: int) -> NoReturn:
    status = 99
    try:
        os.dup2(out, 1)
        os.dup2(err, 2)
        sys.stdin = open(os.devnull)  # noqa: PTH123, SIM115
        sys.stdout, sys.stderr = open(1, "w"), open(2, "w")  # noqa: SIM115
        os.setgroups([])
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
        ctypes.CDLL(None).setfsuid(0)
        permissions._administers.cache_clear()  # it is root's answer
        survey.cache_clear()
        status = cli.main(["pyipcs", *args])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)
