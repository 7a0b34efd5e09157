"""A security policy that refuses IPC_INFO, MSG_INFO, SHM_INFO, SEM_INFO."""

import errno
import os
import sys

import pytest

from tests.kit.kernel import IS_ROOT
from tests.kit.program import PYIPCS, Result, need_tool, run

REFUSALS = [errno.EACCES, errno.EPERM, errno.EINVAL, errno.ENOSYS]
# The architecture (linux/audit.h), and the numbers of msgctl, shmctl and semctl.
_NUMBERS = {
    "x86_64": (0xC000003E, 71, 31, 66),
    "aarch64": (0xC00000B7, 187, 195, 191),
}
# Installs a seccomp filter, and becomes the program.
_LAUNCHER = """
import ctypes, os, struct, sys
error, arch, msgctl, shmctl, semctl = map(int, sys.argv[1:6])
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
NUMBER, ARCH, SECOND, THIRD = 0, 4, 24, 32  # members of struct seccomp_data
code = [(LOAD, 0, 0, ARCH), (EQUAL, 1, 0, arch), (RETURN, 0, 0, ALLOW)]
for call, command, info in ((msgctl, SECOND, 12), (shmctl, SECOND, 14), (semctl, THIRD, 19)):
    code += [
        (LOAD, 0, 0, NUMBER), (EQUAL, 0, 5, call),
        (LOAD, 0, 0, command), (EQUAL, 1, 0, 3), (EQUAL, 0, 1, info),
        (RETURN, 0, 0, ERRNO | error), (RETURN, 0, 0, ALLOW),
    ]
code.append((RETURN, 0, 0, ALLOW))
buffer = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in code))
program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(buffer))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program):  # no new privileges, seccomp
    sys.exit(f"seccomp: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[6], sys.argv[6:])
"""
_HIDE_SYSCTL = 'mount -t tmpfs none /proc/sys/kernel && exec "$@"'


def refused_info(error: int = errno.EACCES) -> list[str]:
    """Return a command prefix under which *_INFO commands fail."""
    machine = os.uname().machine
    if machine not in _NUMBERS:
        pytest.skip(f"the system calls of {machine} are not in the test")
    words = [sys.executable, "-c", _LAUNCHER, str(error), *map(str, _NUMBERS[machine])]
    if (done := run(*words, "true")).status:
        pytest.skip(done.err)
    return words


def hidden_sysctl() -> list[str]:
    """Return the start of a command that runs where /proc/sys/kernel is empty."""
    user = [] if IS_ROOT else ["--user", "--map-root-user"]
    return [need_tool("unshare"), *user, "--mount", "sh", "-c", _HIDE_SYSCTL, "sh"]


def without_info(*args: str) -> Result:
    """Run pyipcs where the *_INFO commands are refused."""
    return run(*refused_info(), PYIPCS, *args)


def without_limits(*args: str, error: int = errno.EACCES) -> Result:
    """Run pyipcs without *_INFO commands and without /proc/sys/kernel."""
    return run(*hidden_sysctl(), *refused_info(error), PYIPCS, *args)


def without_limits_or_capabilities(*args: str) -> Result:
    """Run pyipcs without capabilities and without any readable limit."""
    drop = [need_tool("setpriv"), "--bounding-set=-all", "--inh-caps=-all"]
    return run(*hidden_sysctl(), *drop, *refused_info(), PYIPCS, *args)
