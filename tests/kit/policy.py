"""A security policy that refuses IPC_INFO, MSG_INFO, SHM_INFO, SEM_INFO."""

import errno
import os
from collections.abc import Callable, Sequence
from functools import cache, partial

import pytest

from tests.kit.child import (
    NEWNS,
    drop_capabilities,
    filter_calls,
    hide,
    in_child,
    unshare,
)
from tests.kit.program import Result, elsewhere

REFUSALS = [errno.EACCES, errno.EPERM, errno.EINVAL, errno.ENOSYS]
# The architecture (linux/audit.h), and the numbers of msgctl, shmctl and semctl.
_NUMBERS = {
    "x86_64": (0xC000003E, 71, 31, 66),
    "aarch64": (0xC00000B7, 187, 195, 191),
}
_NUMBER, _ARCH, _SECOND, _THIRD = 0, 4, 24, 32  # members of struct seccomp_data
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000


def refuse_info(error: int = errno.EACCES) -> None:
    """Let the *_INFO commands of this process fail with an errno."""
    arch, msgctl, shmctl, semctl = _NUMBERS[os.uname().machine]
    code = [(_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, arch), (_RETURN, 0, 0, _ALLOW)]
    for call, command, info in (
        (msgctl, _SECOND, 12),
        (shmctl, _SECOND, 14),
        (semctl, _THIRD, 19),
    ):
        code += [
            *[(_LOAD, 0, 0, _NUMBER), (_EQUAL, 0, 5, call)],
            *[(_LOAD, 0, 0, command), (_EQUAL, 1, 0, 3), (_EQUAL, 0, 1, info)],
            *[(_RETURN, 0, 0, _ERRNO | error), (_RETURN, 0, 0, _ALLOW)],
        ]
    filter_calls([*code, (_RETURN, 0, 0, _ALLOW)])


def refused_info(error: int = errno.EACCES) -> Callable[[], None]:
    """Return a function that refuses *_INFO commands; skip the test where that is impossible."""
    if reason := _why_impossible():
        pytest.skip(reason)
    return partial(refuse_info, error)


@cache
def _why_impossible() -> str:
    if (machine := os.uname().machine) not in _NUMBERS:
        return f"the system calls of {machine} are not in the test"
    try:
        in_child(bool, refuse_info)
    except OSError as error:
        return f"seccomp: {error}"
    return ""


def _without_sysctl() -> None:
    """Empty /proc/sys/kernel in a mount namespace of this process."""
    unshare(NEWNS)
    hide("/proc/sys/kernel")


def without_info(*args: str, error: int = errno.EACCES) -> Result:
    """Run pyipcs where the *_INFO commands are refused."""
    return elsewhere(*args, before=[refused_info(error)])


def without_limits(
    *args: str, error: int = errno.EACCES, before: Sequence[Callable[[], object]] = ()
) -> Result:
    """Run pyipcs without *_INFO commands and without /proc/sys/kernel.

    Args:
        args: the command line.
        error: the errno of *_INFO commands.
        before: called by the process before the commands are refused.
    """
    return elsewhere(*args, before=[_without_sysctl, *before, refused_info(error)])


def without_limits_or_capabilities(*args: str) -> Result:
    """Run pyipcs without capabilities and without any readable limit."""
    return without_limits(*args, before=[drop_capabilities])
