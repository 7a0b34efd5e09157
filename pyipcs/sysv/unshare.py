"""Moves of this process, or of a function call, to other IPC namespaces."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, TypeVar, cast

from pyipcs.errors import DeniedError, IpcError, LimitError, ipc_error
from pyipcs.process import sysctl
from pyipcs.process.child import bytes_from_child
from pyipcs.process.identity import effective_gid, effective_uid
from pyipcs.sysv.namespace import note_own, owner

_OWN = "/proc/self/ns/ipc"
_T = TypeVar("_T")
# The limits of an IPC namespace, and of the number of namespaces (sysctl(8)). The kernel limits a
# default by its maximum, so the maxima stand first.
_LIMITS = (
    *("kernel.shmmax", "kernel.shmall", "kernel.shmmni", "kernel.shm_rmid_forced"),
    *("kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem"),
    *("fs.mqueue.queues_max", "fs.mqueue.msg_max", "fs.mqueue.msgsize_max"),
    *("fs.mqueue.msg_default", "fs.mqueue.msgsize_default"),
)
_NAMESPACE_LIMITS = ("user.max_ipc_namespaces", "user.max_user_namespaces")


class DifferentLimit(NamedTuple):
    """A limit that differs between two IPC namespaces.

    Attributes:
        name: its name in sysctl(8).
        outside: its value in the first namespace.
        inside: its value in the second namespace.
    """

    name: str
    outside: str
    inside: str


def unshare_ipc() -> list[DifferentLimit]:
    """Move to a new IPC namespace with the same limits.

    Without CAP_SYS_ADMIN, create a user namespace first, which has only the caller's user and
    group.

    Returns:
        The limits that the caller may not set.

    Raises:
        IpcError: the kernel refuses the move; nothing has changed.
    """
    limits = {name: sysctl.read(name) for name in _LIMITS}
    try:
        _unshare()
    except LimitError as error:
        raise sysctl.with_limits(error, _NAMESPACE_LIMITS) from None
    note_own()
    differences = [_set_limit(name, value) for name, value in limits.items() if value]
    return [*filter(None, differences)]


def _set_limit(name: str, value: str) -> DifferentLimit | None:
    """Set a limit to a value; return the limit if it differs afterwards."""
    # An ordinary user may not write the limits of POSIX queues, not even the present value.
    if sysctl.read(name) == value:
        return None
    with suppress(OSError):
        sysctl.write(name, value)
    inside = sysctl.read(name)
    return None if inside in {value, ""} else DifferentLimit(name, value, inside)


def _unshare() -> None:
    from pyipcs.process import libc

    try:
        libc.unshare(libc.CLONE_NEWIPC)
    except DeniedError:
        # Try it in a child first, because it can fail after some of its steps.
        _in_child(_unshare_user)
        _unshare_user()


def _unshare_user() -> None:
    from pyipcs.process import libc

    uid, gid = effective_uid(), effective_gid()
    libc.unshare(libc.CLONE_NEWUSER | libc.CLONE_NEWIPC)
    try:
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{uid} {uid} 1"),
            ("gid_map", f"{gid} {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    except OSError as error:
        raise ipc_error(error.errno or errno.EPERM) from None


def enter(path: str) -> None:
    """Move to another IPC namespace (setns(2)).

    Without CAP_SYS_ADMIN over the namespace, enter the user namespace that owns it first. This is
    possible if the caller has created that user namespace.

    Args:
        path: the file of the namespace, as /proc/PID/ns/ipc.

    Raises:
        OSError: there is no such file, the caller may not open or enter it, or (EINVAL) the file is
            no IPC namespace.
    """
    # O_NONBLOCK, because opening a FIFO would wait for its other end.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not os.path.samestat(os.fstat(descriptor), os.stat(_OWN)):
            _enter(descriptor)
    finally:
        os.close(descriptor)


def _enter(descriptor: int) -> None:
    from pyipcs.process import libc

    try:
        libc.setns(descriptor, libc.CLONE_NEWIPC)
    except DeniedError as refused:
        user_namespace = owner(descriptor)
        try:
            libc.setns(user_namespace, libc.CLONE_NEWUSER)
        except IpcError:  # for example, the caller is in that user namespace already
            raise refused from None
        finally:
            os.close(user_namespace)
        libc.setns(descriptor, libc.CLONE_NEWIPC)


def within(path: str, ask: Callable[[], _T]) -> _T:
    """Call a function in another IPC namespace; return its result.

    A child process calls the function, because a process cannot leave a user namespace.

    Args:
        path: the file of the namespace.
        ask: the function; pickle must accept its result and its exceptions.

    Raises:
        OSError: see `enter`.
    """

    def enter_and_ask() -> _T:
        enter(path)
        return ask()

    return _in_child(enter_and_ask)


def _in_child(ask: Callable[[], _T]) -> _T:
    """Call a function in a child; return its result or raise its exception.

    Raises:
        OSError: see `bytes_from_child`.
    """
    import pickle

    returned, raised = pickle.loads(bytes_from_child(lambda: _answer(ask)))
    if raised:
        raise raised
    return cast(_T, returned)


def _answer(ask: Callable[[], _T]) -> bytes:
    """Return the pickled result and exception of a function.

    If pickle refuses the result, return its error as the exception.
    """
    import pickle

    try:
        return pickle.dumps((ask(), None))
    except Exception as error:
        return pickle.dumps((None, error))
