"""Going on in another IPC namespace, and asking in one."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar, cast

from pyipcs.errors import DeniedError, IpcError, LimitError, ipc_error
from pyipcs.process.identity import effective_gid, effective_uid
from pyipcs.sysv.namespace import note_own, owner

_OWN = "/proc/self/ns/ipc"
_T = TypeVar("_T")
# The limits of an IPC namespace, and of how many namespaces there may be (sysctl(8)).
_LIMITS = (
    *("kernel.shmmax", "kernel.shmall", "kernel.shmmni", "kernel.shm_rmid_forced"),
    *("kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem"),
)
_MOST = ("user.max_ipc_namespaces", "user.max_user_namespaces")


def leave() -> None:
    """Go on in an IPC namespace of one's own, with the limits of the one before.

    Who may not do so alone gets a user namespace around it, in which but its own user and group
    are known.

    Raises:
        IpcError: the kernel refuses it; nothing has changed.
    """
    limits = {name: _limit(name) for name in _LIMITS}
    try:
        _leave_alone()
    except LimitError as error:
        most = (f"{name} is {_limit(name).strip() or 'unknown'}" for name in _MOST)
        raise LimitError(error.errno, f"{error.strerror} ({', '.join(most)})") from None
    note_own()
    for name, value in limits.items():
        if value != _limit(name):
            with suppress(OSError), open(_limit_file(name), "w") as file:
                file.write(value)


def _leave_alone() -> None:
    from pyipcs.process import libc

    try:
        libc.unshare(libc.CLONE_NEWIPC)
    except DeniedError:
        _in_child(_leave_with_user)  # tried first, for it may be refused half-way
        _leave_with_user()


def _leave_with_user() -> None:
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


def _limit(name: str) -> str:
    """A limit (sysctl(8)); empty where it cannot be read."""
    with suppress(OSError), open(_limit_file(name)) as file:
        return file.read()
    return ""


def _limit_file(name: str) -> str:
    return f"/proc/sys/{name.replace('.', '/')}"


def enter(path: str) -> None:
    """Go on in another IPC namespace (setns(2)).

    Where that takes it, the caller also enters the user namespace that the other one belongs to:
    one that it made as an ordinary user.

    Args:
        path: the file of a namespace, as /proc/PID/ns/ipc.

    Raises:
        OSError: it is not there, may not be looked at or entered, or (EINVAL) is no IPC namespace.
    """
    # Of a FIFO, which is no namespace, nobody waits for the other end.
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
        around = owner(descriptor)
        try:
            libc.setns(around, libc.CLONE_NEWUSER)
        except IpcError:  # also where it is in that user namespace already
            raise refused from None
        finally:
            os.close(around)
        libc.setns(descriptor, libc.CLONE_NEWIPC)


def within(path: str, ask: Callable[[], _T]) -> _T:
    """What a function returns in another IPC namespace.

    It is asked in a child of this process: from a user namespace there is no way back.

    Args:
        path: the file of the namespace.
        ask: the function; what it returns, and what it raises, has to be fit for pickle.

    Raises:
        OSError: as `enter`.
    """

    def go_and_ask() -> _T:
        enter(path)
        return ask()

    return _in_child(go_and_ask)


def _in_child(ask: Callable[[], _T]) -> _T:
    """What a function returns, or raises, in a child of this process.

    Raises:
        IpcError: ECHILD, the child ended before it had told.
    """
    import pickle

    reading, writing = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)  # or it would wait for ever to be read when the parent has gone
            with open(writing, "wb") as file:
                file.write(_answer(ask))
        finally:
            os._exit(0)  # nobody asks: where SIGCHLD is ignored, there is no status
    os.close(writing)
    try:
        with open(reading, "rb") as file:
            returned, raised = pickle.load(file)
    except (EOFError, pickle.UnpicklingError):
        raise IpcError(errno.ECHILD, "the process that went there has died") from None
    finally:
        with suppress(ChildProcessError):  # where SIGCHLD is ignored, once it has ended
            os.waitpid(child, 0)
    if raised:
        raise raised
    return cast(_T, returned)


def _answer(ask: Callable[[], _T]) -> bytes:
    """What a function returns and what it raises, for pickle; what is not fit for it is raised."""
    import pickle

    try:
        return pickle.dumps((ask(), None))
    except Exception as error:
        return pickle.dumps((None, error))
