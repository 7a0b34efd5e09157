"""Creation of objects, all or none, even after errors and signals."""

import errno
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FrameType
from typing import Any, NamedTuple, Self

from pyipcs.errors import (
    CommandError,
    DeniedError,
    ExistsError,
    IpcError,
    NotFoundError,
    TooBigError,
)
from pyipcs.model import By, Kind, Queue, Record, Target
from pyipcs.process.accounts import owner_noun, unmapped
from pyipcs.process.signals import terminating_signals
from pyipcs.sysv.handle import Handle, with_free_key
from pyipcs.terminal.streams import Output
from pyipcs.text import plural

_PRIVATE = Target(By.KEY, 0, "IPC_PRIVATE")
# The words of ipcmk(1) for the kinds.
_NOUNS = {
    Kind.SEGMENT: "share memory",
    Kind.QUEUE: "message queue",
    Kind.SEMAPHORE: "semaphore",
}


class CreateOptions(NamedTuple):
    """The objects to create, and their properties.

    Attributes:
        size: bytes of a segment; None creates none.
        nsems: number of semaphores of a set; None creates none.
        queue: True to create a queue.
        mode: permission bits.
        key: key of all objects; None for a random free key for each.
        private: True for IPC_PRIVATE.
        exist_ok: True to accept an existing object with the key.
        qbytes: capacity of the queue in bytes.
        values: values of the semaphores.
        owner: uid and gid; None keeps the caller's.
    """

    size: int | None
    nsems: int | None
    queue: bool
    mode: int
    key: Target | None
    private: bool
    exist_ok: bool
    qbytes: int | None
    values: Sequence[int] | None
    owner: tuple[int | None, int | None] | None


class _Plan(NamedTuple):
    """One object to create.

    Attributes:
        kind: the kind.
        create: creation with a key.
        find: search by a key.
        amount: the required bytes of a segment, qbytes of a queue, or semaphores of a set.
        steps: changes of the new object, by their names in messages.
    """

    kind: Kind
    create: Callable[[int], Handle]
    find: Callable[[int], Handle]
    amount: int
    steps: Mapping[str, Callable[[Any], None]]


def create(
    output: Output, options: CreateOptions, report: Callable[[Sequence[Handle]], None]
) -> None:
    """Create objects and report them; remove them again if either fails.

    Args:
        output: the streams.
        options: the objects.
        report: prints the objects, which are in the order of ipcmk(1).

    Raises:
        CommandError: the kernel refused a call, or an existing object is too small.
    """
    if why := unmapped(options.owner):
        raise CommandError(f"set {owner_noun(options.owner)} failed: {why}")
    with CreationRollback(output) as rollback:
        handles = [_create(plan, options, rollback) for plan in _plans(options)]
        rollback.report(partial(report, handles))


def record_of(handle: Handle) -> Record:
    """Return the record of a new object.

    Raises:
        CommandError: another process removed the object.
    """
    try:
        return handle.details(handle.record) if handle.kind is Kind.SEGMENT else handle.record
    except IpcError:
        message = f"{handle.kind.noun} {handle.id} was removed by another process"
        raise CommandError(message) from None


class _InterruptedError(Exception):
    """A signal that arrives while standard output is not writable."""


class CreationRollback:
    """Removal of created objects if a later step fails.

    Terminating signals are blocked while objects are created: no signal can leave only some of
    the objects. SIGPIPE is blocked to the end: objects that cannot be reported are removed. A
    signal that arrives after the report has no effect: a program that dies of a signal has
    created nothing.

    Attributes:
        created: the objects to remove on failure.
    """

    def __init__(self, output: Output) -> None:
        self.created: list[Handle] = []
        self._output = output
        self._stopped = 0  # the first signal that was handled
        self._is_interruptible = False

    def __enter__(self) -> Self:
        self._terminating = terminating_signals()
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, {*self._terminating, signal.SIGPIPE})
        return self

    def report(self, report: Callable[[], None]) -> None:
        """Print the objects by a function, once standard output is writable.

        Signals interrupt the wait: a reader that does not read must not disable Ctrl-C.
        """
        for number in self._terminating:
            signal.signal(number, self._interrupt)
        self._is_interruptible = True
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self._terminating - self._mask)
            self._output.wait()
        finally:
            self._is_interruptible = False
            signal.pthread_sigmask(signal.SIG_BLOCK, self._terminating)
        if self._stopped:  # by a signal between the last two statements
            raise _InterruptedError
        report()

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if error:
            self._undo()
        for number in self._terminating:
            signal.signal(number, signal.SIG_DFL)
        if error:
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
            if self._stopped:
                os.kill(os.getpid(), self._stopped)

    def _interrupt(self, number: int, _frame: FrameType | None) -> None:
        self._stopped = self._stopped or number
        is_interruptible, self._is_interruptible = self._is_interruptible, False  # raise only once
        if is_interruptible:
            raise _InterruptedError

    def _undo(self) -> None:
        for handle in self.created:
            try:
                handle.remove()
            except NotFoundError:  # removed by another process
                continue
            except IpcError as error:
                name = f"{handle.kind.noun} {handle.id}"
                self._output.error(f"could not clean up {name}: {error.strerror}")


def _plans(options: CreateOptions) -> list[_Plan]:
    """Return the objects to create, in the order of ipcmk(1)."""
    plans = []
    if options.size is not None:
        plans.append(_segment_plan(options.size, options))
    if options.queue:
        plans.append(_queue_plan(options))
    if options.nsems is not None:
        plans.append(_set_plan(options.nsems, options))
    return plans


# Each function imports only the module of its kind, for a fast start.


def _segment_plan(size: int, options: CreateOptions) -> _Plan:
    from pyipcs.sysv.segment import SharedMemory

    create = partial(SharedMemory.create, mode=options.mode, size=size)
    find = partial(SharedMemory.find, size=size)
    return _Plan(Kind.SEGMENT, create, find, size, _owner_step(options))


def _queue_plan(options: CreateOptions) -> _Plan:
    from pyipcs.sysv.queue import MessageQueue

    qbytes = options.qbytes
    steps: dict[str, Callable[[Any], None]] = {}
    if qbytes is not None:
        steps["set qbytes"] = lambda handle: handle.change(qbytes=qbytes)
    create = partial(MessageQueue.create, mode=options.mode)
    steps |= _owner_step(options)
    return _Plan(Kind.QUEUE, create, MessageQueue.find, qbytes or 0, steps)


def _set_plan(nsems: int, options: CreateOptions) -> _Plan:
    from pyipcs.sysv.semaphore import SemaphoreArray

    mode = first_mode = options.mode
    steps: dict[str, Callable[[Any], None]] = {}
    if values := options.values:
        steps["set values"] = lambda handle: handle.initialize(values)
        if mode & 0o600 != 0o600:
            # semop(2) and SETALL check the mode even for the creator.
            first_mode = 0o600
            steps["set mode"] = lambda handle: handle.change(mode=mode)
    create = partial(SemaphoreArray.create, mode=first_mode, nsems=nsems)
    find = partial(SemaphoreArray.find, nsems=nsems)
    return _Plan(Kind.SEMAPHORE, create, find, nsems, steps | _owner_step(options))


def _owner_step(options: CreateOptions) -> dict[str, Callable[[Any], None]]:
    if not options.owner:
        return {}
    uid, gid = options.owner
    return {f"set {owner_noun(options.owner)}": lambda handle: handle.change(uid=uid, gid=gid)}


def _create(plan: _Plan, options: CreateOptions, rollback: CreationRollback) -> Handle:
    key = _PRIVATE if options.private else options.key
    try:
        handle, is_new = _create_or_find(plan, key, exist_ok=options.exist_ok)
    except IpcError as error:
        raise _creation_error(plan, _reason(plan, key, error)) from None
    if is_new:
        rollback.created.append(handle)
        _check_persists(plan)
        _take_steps(plan, handle)
    return handle


def _create_or_find(plan: _Plan, key: Target | None, *, exist_ok: bool) -> tuple[Handle, bool]:
    """Return the object, and True if it is new."""
    if key is None:
        return with_free_key(plan.create), True
    while True:
        try:
            return plan.create(key.number), True
        except ExistsError:
            if not exist_ok:
                raise
        try:
            return _find(plan, key), False
        except NotFoundError:
            continue  # removed since: the key is free again


def _find(plan: _Plan, key: Target) -> Handle:
    """Return the object that has the key.

    Raises:
        CommandError: the object is smaller than requested.
        NotFoundError: there is no such object, or it was removed meanwhile.
    """
    try:
        handle = plan.find(key.number)
    except IpcError as error:
        if error.errno != errno.EINVAL:
            raise
        is_segment = plan.kind is Kind.SEGMENT
        size = f"{'less' if is_segment else 'fewer'} than "
        size += plural(plan.amount, "byte" if is_segment else "semaphore")
        raise _too_small(plan, key, size) from None
    if plan.kind is Kind.QUEUE and plan.amount:
        record = handle.record  # msgget(2) checks no size
        if isinstance(record, Queue) and (record.qbytes or 0) < plan.amount:
            raise _too_small(plan, key, f"qbytes {record.qbytes or 0}, less than {plan.amount}")
    return handle


def _too_small(plan: _Plan, key: Target, size: str) -> CommandError:
    return _creation_error(plan, f"the {plan.kind.noun} with key {key.typed} has {size}")


def _check_persists(plan: _Plan) -> None:
    """Raise an error if the kernel removes a segment when its creator ends."""
    if plan.kind is not Kind.SEGMENT:
        return
    from pyipcs.sysv.segment import is_rmid_forced

    if is_rmid_forced():
        why = "the kernel removes a segment that no process attaches (kernel.shm_rmid_forced is 1)"
        raise _creation_error(plan, why)


def _take_steps(plan: _Plan, handle: Handle) -> None:
    for name, apply in plan.steps.items():
        try:
            apply(handle)
        except IpcError as error:
            why = _with_hint(error, _step_hint(plan, name, error))
            raise CommandError(f"{name} failed: {why}") from None


def _step_hint(plan: _Plan, name: str, error: IpcError) -> str:
    """Return the limit that made a step fail; empty if there is none."""
    from pyipcs.actions.hints import explain, explain_qbytes

    if name == "set qbytes" and isinstance(error, DeniedError):
        return explain_qbytes(plan.amount)  # the only change that the owner of a queue may not make
    return explain(plan.kind, error, plan.amount) if isinstance(error, TooBigError) else ""


def _reason(plan: _Plan, key: Target | None, error: IpcError) -> str:
    """Return the reason of a failed creation, with the limit if there is one."""
    from pyipcs.actions.hints import explain

    if isinstance(error, ExistsError) and key is not None:
        hint = f"key {key.typed} is in use; --exist-ok accepts its object"
    else:
        hint = explain(plan.kind, error, plan.amount)
    return _with_hint(error, hint)


def _with_hint(error: IpcError, hint: str) -> str:
    return f"{error.strerror} ({hint})" if hint else error.strerror


def _creation_error(plan: _Plan, why: str) -> CommandError:
    return CommandError(f"create {_NOUNS[plan.kind]} failed: {why}")
