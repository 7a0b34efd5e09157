"""The waits of threads for messages and semaphores, by their system calls."""

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import NamedTuple

from pyipcs.errors import NotFoundError
from pyipcs.model import Kind
from pyipcs.sysv.namespace import current
from pyipcs.usage.processes import read_proc
from pyipcs.usage.users import FileKey, ObjectKey, User

GONE = (FileNotFoundError, ProcessLookupError)  # the errors for a process that exited
_X32 = 0x40000000  # x86-64 adds it to the call numbers of x32 programs
# The waiting system calls, by number. Their first argument is the id.
_SEND, _RECEIVE = (Kind.QUEUE, "send"), (Kind.QUEUE, "receive")
_OPERATE = (Kind.SEMAPHORE, "operation")
_GENERIC = {189: _SEND, 188: _RECEIVE, 193: _OPERATE, 192: _OPERATE}
# The numbers of 32-bit programs; for 64-bit programs they mean no other calls.
_I386_SYSCALLS = {400: _SEND, 401: _RECEIVE, 420: _OPERATE}
_MACHINE = os.uname().machine
_CALLS = _I386_SYSCALLS | {
    "x86_64": {69: _SEND, 70: _RECEIVE, 65: _OPERATE, 220: _OPERATE},
    "aarch64": _GENERIC | {301: _SEND, 302: _RECEIVE, 298: _OPERATE, 312: _OPERATE},
}.get(_MACHINE, _GENERIC)
# mq_timedsend(2) and mq_timedreceive(2), whose first argument is the descriptor of a POSIX queue.
# For 64-bit programs the numbers of 32-bit ones mean calls without such a descriptor.
_GENERIC_QUEUE_CALLS = {182: "send", 183: "receive"}
_QUEUE_CALLS = {279: "send", 280: "receive", 418: "send", 419: "receive"} | {
    "x86_64": {242: "send", 243: "receive"},
    "aarch64": _GENERIC_QUEUE_CALLS,
}.get(_MACHINE, _GENERIC_QUEUE_CALLS)
# futex(2), whose first argument is the address of a POSIX semaphore.
_FUTEX_CALLS = {240, 422, {"x86_64": 202}.get(_MACHINE, 98)}
_FUTEX_OPERATION = 0x7F  # the rest are flags; processes share no futex with the flag PRIVATE
_FUTEX_WAITS = {0, 9}  # FUTEX_WAIT, FUTEX_WAIT_BITSET
_FUTEX_PRIVATE = 0x80
# The number of ipc(2) in 32-bit programs; its first argument selects the call.
_NARROW_IPC = {"x86_64": 117}.get(_MACHINE)
_IPC_CALLS = {1: _OPERATE, 4: _OPERATE, 11: _SEND, 12: _RECEIVE}


class Waits(NamedTuple):
    """The waits of the threads of a process.

    Attributes:
        objects: the System V objects.
        queues: the files of POSIX queues.
        futexes: the addresses that other processes may share.
    """

    objects: dict[ObjectKey, User]
    queues: list[tuple[FileKey, User]]
    futexes: list[int]


def waits_of(pid: int) -> Waits:
    """Return the waits of the threads of a process."""
    found = Waits({}, [], [])
    for thread in threads(pid):
        with suppress(*GONE):  # other threads may have exited
            _add_wait(pid, thread, found)
    return found


def _add_wait(pid: int, thread: str, found: Waits) -> None:
    numbers = _numbers(thread)
    if len(numbers) < 3:  # the thread runs, or is in no system call
        return
    number, first, second = numbers[0] & ~_X32, *numbers[1:]
    if call := _call(numbers):
        (kind, does), object_id = call
        key = namespace_of(thread), kind, object_id  # each thread has its own namespace
        user = found.objects.get(key, User(pid, None, does, 0))
        found.objects[key] = user._replace(times=user.times + 1)
    elif number in _QUEUE_CALLS:
        from pyipcs.process.libc import cached_identity

        with suppress(NotFoundError):
            queue = cached_identity(f"{thread}/fd/{first & 0xFFFFFFFF}")
            found.queues.append((queue, User(pid, None, _QUEUE_CALLS[number])))
    elif number in _FUTEX_CALLS:
        operation = second & _FUTEX_OPERATION
        if operation in _FUTEX_WAITS and not second & _FUTEX_PRIVATE:
            found.futexes.append(first)


def _numbers(thread: str) -> list[int]:
    """Return a thread's system call with two arguments; empty if it runs.

    Raises:
        FileNotFoundError: the thread is exiting.
    """
    try:
        text = read_proc(f"{thread}/syscall")
    except PermissionError:
        namespace_of(thread)  # raises FileNotFoundError for an exiting thread
        raise
    if text == b"running\n":
        return []
    fields = text.split() if text.endswith(b"\n") else []
    try:
        number, *arguments = fields
        return [int(number), *(int(argument, 16) for argument in arguments[:2])]
    except ValueError:  # another file is mounted over it
        raise OSError(errno.EIO, os.strerror(errno.EIO), thread) from None


def _call(numbers: list[int]) -> tuple[tuple[Kind, str], int] | None:
    """Return the waiting call and the id in a result of `_numbers`."""
    number, first, second = numbers
    if number == _NARROW_IPC:
        call, object_id = _IPC_CALLS.get(first & 0xFFFF), second
    else:
        call, object_id = _CALLS.get(number & ~_X32), first
    return (call, object_id & 0xFFFFFFFF) if call else None


def threads(pid: int) -> Iterator[str]:
    """Yield the directories of the threads of a process in /proc."""
    folder = f"/proc/{pid}/task"
    for thread in os.listdir(folder):
        yield f"{folder}/{thread}"


def namespace_of(thread: str) -> int | None:
    """Return the IPC namespace of a thread; None if /proc has none."""
    return os.stat(f"{thread}/ns/ipc").st_ino if _has_namespaces() else None


@cache
def _has_namespaces() -> bool:
    """Return True if /proc has the IPC namespaces of processes."""
    return current() is not None
