"""Namespaces of a test process, entered before its first test.

Each test process has an IPC namespace and a mount namespace of its own: no test sees the machine's
objects or those of another test process. The mounts are a copy of /etc with accounts for the tests,
and an empty /dev/shm and /dev/mqueue.

Run as a program, this module enters the namespaces and then becomes the Python interpreter with the
remaining arguments: pytest-xdist starts its workers so, because a process with several threads
cannot create a user namespace.
"""

import ctypes
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_CLONE_NEWNS = 0x00020000
_CLONE_NEWIPC = 0x08000000
_CLONE_NEWUSER = 0x10000000
_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_MOVE, _MS_REC, _MS_PRIVATE = 2, 4, 4096, 8192, 16384, 1 << 18
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_SYS_ADMIN_NUMBER = 21
_CAP_SYS_ADMIN = 1 << _CAP_SYS_ADMIN_NUMBER
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 47, 2
_VARIABLE = "PYIPCS_TEST_ISOLATION"  # holds the Isolation for the workers' interpreters
_SHARED_VARIABLE = "PYIPCS_TEST_SHARED"  # set in the user namespace that workers share
# What a /dev needs for programs and shells; pseudo-terminals are mounted apart.
_DEVICES = ["null", "zero", "full", "random", "urandom", "tty", "shm"]
_DEVICES += ["fd", "stdin", "stdout", "stderr"]

LONG_USER, LONG_USER_ID = "a-rather-long-user-name", 61001
ACCENTED_USER, ACCENTED_USER_ID = "josé-josé-josé", 61002
ESCAPE_USER, ESCAPE_USER_ID = "esc\x1b[31mred", 61003
NAMELESS_ID = 4242424242

_libc = ctypes.CDLL(None, use_errno=True)


class Isolation(NamedTuple):
    """The namespaces and files that a test process has for itself."""

    namespace: bool = False  # an IPC namespace
    accounts: bool = False  # a copy of /etc, with users for the tests
    shm: bool = False  # a file system on /dev/shm
    mqueue: bool = False  # the queues of its IPC namespace on /dev/mqueue
    why: str = ""  # the reason for what is missing


def enter() -> Isolation:
    """Move this process and its future children into namespaces of their own."""
    if _VARIABLE in os.environ:
        return Isolation(**json.loads(os.environ[_VARIABLE]))
    uid = os.geteuid()
    try:
        if uid and not os.environ.get(_SHARED_VARIABLE):
            _enter_user_namespace()
        _unshare(_CLONE_NEWIPC | _CLONE_NEWNS)
    except OSError as error:
        return Isolation(why=error.strerror or str(error))
    isolation = Isolation(namespace=True)
    try:
        _mount("none", "/", flags=_MS_REC | _MS_PRIVATE)
        _mount_etc(uid)
        isolation = isolation._replace(accounts=True)
        if not Path("/dev/mqueue").is_dir():
            _mount_dev()
        _mount("tmpfs", "/dev/shm", "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=1777")
        isolation = isolation._replace(shm=True)
        _mount("mqueue", "/dev/mqueue", "mqueue", _MS_NOSUID | _MS_NODEV)
        isolation = isolation._replace(mqueue=True)
    except OSError as error:
        isolation = isolation._replace(why=str(error))
    if uid:
        _set_capabilities(0)
    return isolation


def is_available() -> bool:
    """Return True if this user can create an IPC namespace; a child tries it."""
    child = os.fork()
    if child == 0:
        os._exit(not enter().namespace)
    return os.waitpid(child, 0)[1] == 0


def share_user_namespace() -> None:
    """Enter a user namespace for the workers of an ordinary user.

    In a user namespace of its own, a worker could not read the processes of the others, and some
    states would be unknown while another worker has stopped a process.
    """
    if os.geteuid() == 0:
        return
    with suppress(OSError):
        _enter_user_namespace()
        _set_capabilities(_CAP_SYS_ADMIN)
        if _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_SYS_ADMIN_NUMBER, 0, 0) == 0:
            os.environ[_SHARED_VARIABLE] = "1"


def worker_command() -> str:
    """Return the command that starts an interpreter in namespaces of its own."""
    return shlex.join([sys.executable, "-P", __file__])


def reset_signals() -> None:
    """Give ignored and blocked signals back their default action.

    A shell starts background jobs with SIGINT and SIGQUIT ignored, nohup with SIGHUP; the programs
    under test would inherit that.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:  # Python's own
        if signal.getsignal(number) is signal.SIG_IGN:
            default = number == signal.SIGINT
            signal.signal(number, signal.default_int_handler if default else signal.SIG_DFL)


def reset_locale() -> None:
    """Print sizes with a decimal point in any locale of the environment."""
    if everything := os.environ.pop("LC_ALL", None):
        os.environ["LANG"] = everything
    os.environ["LC_NUMERIC"] = "C"


def reset_bytecode() -> None:
    """Let new processes write compiled modules: else thousands of them compile the program."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def _mount_etc(uid: int) -> None:
    """Mount a copy of /etc with long, accented and hostile user names.

    The copy is of the folder, because a package manager renames passwd, which detaches a mount on
    the file.
    """
    # An ordinary user can only own objects under one name, so that name is the long one.
    accounts = {
        LONG_USER: uid or LONG_USER_ID,
        ACCENTED_USER: ACCENTED_USER_ID,
        ESCAPE_USER: ESCAPE_USER_ID,
    }
    with tempfile.TemporaryDirectory(prefix="pyipcs-etc-") as folder:
        _mount("tmpfs", folder, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755")
        # It fails for files that this user cannot read, which no test needs.
        copy = ["cp", "-a", "--no-target-directory", "/etc", folder]
        subprocess.run(copy, check=False, stderr=subprocess.DEVNULL)
        passwd = Path(folder, "passwd")
        lines = [f"{name}:x:{number}:{number}::/:/bin/sh\n" for name, number in accounts.items()]
        passwd.write_text("".join(lines) + passwd.read_text())
        _mount(folder, "/etc", flags=_MS_MOVE)


def _mount_dev() -> None:
    """Mount a /dev with the folder mqueue and the usual devices of this one."""
    with tempfile.TemporaryDirectory(prefix="pyipcs-dev-") as folder:
        _mount("tmpfs", folder, "tmpfs", _MS_NOSUID, "mode=755")
        for device in (Path("/dev", name) for name in _DEVICES):
            target = Path(folder, device.name)
            if device.is_symlink():
                target.symlink_to(device.readlink())
            elif device.is_dir():
                target.mkdir()
                _mount(str(device), str(target), flags=_MS_BIND | _MS_REC)
            elif device.exists():
                target.touch()
                _mount(str(device), str(target), flags=_MS_BIND)
        for name in ("mqueue", "pts"):
            Path(folder, name).mkdir()
        # The terminals are new ones, for /dev/ptmx finds them only beside itself.
        _mount("devpts", f"{folder}/pts", "devpts", _MS_NOSUID, "newinstance,ptmxmode=0666")
        Path(folder, "ptmx").symlink_to("pts/ptmx")
        _mount(folder, "/dev", flags=_MS_MOVE)


def _mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    words = [word.encode() or None for word in (source, target, kind)]
    if _libc.mount(*words, flags, options.encode() or None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"mount on {target}: {os.strerror(number)}")


def _enter_user_namespace() -> None:
    uid, gid = os.geteuid(), os.getegid()
    _unshare(_CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def _unshare(flags: int) -> None:
    if _libc.unshare(flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _set_capabilities(mask: int) -> None:
    """Keep only these capabilities in a new user namespace; inherit them."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(mask, mask, mask)  # effective, permitted, inheritable
    if _libc.capset(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capset")


if __name__ == "__main__":
    reset_signals()
    os.environ[_VARIABLE] = json.dumps(enter()._asdict())
    os.environ.pop(_SHARED_VARIABLE, None)
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
