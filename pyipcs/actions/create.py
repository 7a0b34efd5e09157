"""Creation of objects, all or none, even after errors and signals."""

import errno
import select
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self, cast

from pyipcs.errors import (
    CommandError,
    DeniedError,
    ExistsError,
    IpcError,
    NotFoundError,
    StoppedError,
    TooBigError,
)
from pyipcs.model import By, Kind, Queue, Record, Target
from pyipcs.objects import Handle, format_target_id
from pyipcs.process.accounts import owner_noun, unmapped
from pyipcs.process.signals import terminating_signals
from pyipcs.terminal.streams import Output
from pyipcs.text import plural

if TYPE_CHECKING:
    from pyipcs.sysv.handle import Handle as SysvHandle

_PRIVATE = Target(By.KEY, 0, "IPC_PRIVATE")
# The words of ipcmk(1) for the kinds.
_NOUNS = {
    Kind.SEGMENT: "share memory",
    Kind.QUEUE: "message queue",
    Kind.SEMAPHORE: "semaphore",
    Kind.POSIX_SEGMENT: "POSIX shared memory",
    Kind.POSIX_QUEUE: "POSIX message queue",
    Kind.POSIX_SEMAPHORE: "POSIX semaphore",
}
# The order in which ipcmk(1) creates objects.
_ORDER = (
    *(Kind.SEGMENT, Kind.POSIX_SEGMENT, Kind.QUEUE, Kind.POSIX_QUEUE),
    *(Kind.SEMAPHORE, Kind.POSIX_SEMAPHORE),
)


class CreateOptions(NamedTuple):
    """The objects to create, and their properties.

    Attributes:
        size: bytes of a segment; None creates none.
        nsems: number of semaphores of a set; None creates none.
        queue: True to create a queue.
        posix_size: bytes of a POSIX segment; None creates none.
        posix_queue: True to create a POSIX queue.
        posix_semaphore: True to create a POSIX semaphore.
        name: name of all POSIX objects.
        mode: permission bits; the umask reduces those of POSIX objects.
        key: key of all System V objects; None for a random free key for each.
        private: True for IPC_PRIVATE.
        exist_ok: True to accept an existing object with the key or the name.
        qbytes: capacity of the queue in bytes.
        maxmsg: limit of messages of the POSIX queue.
        msgsize: limit of bytes of a message of the POSIX queue.
        values: values of the semaphores.
        owner: uid and gid; None keeps the caller's.
    """

    size: int | None
    nsems: int | None
    queue: bool
    posix_size: int | None
    posix_queue: bool
    posix_semaphore: bool
    name: Target | None
    mode: int
    key: Target | None
    private: bool
    exist_ok: bool
    qbytes: int | None
    maxmsg: int | None
    msgsize: int | None
    values: Sequence[int] | None
    owner: tuple[int | None, int | None] | None


class Plan(NamedTuple):
    """One object to create.

    Attributes:
        kind: the kind.
        create: creation; it raises ExistsError if an object has the key or the name.
        find: search of that object, which raises CommandError if it is smaller than requested;
            None if no object can have the key.
        explain: returns the hint for a refused creation.
        amount: the required bytes of a segment, qbytes of a queue, or semaphores of a set.
        steps: changes of the new object, by their names in messages.
    """

    kind: Kind
    create: Callable[[], Handle]
    find: Callable[[], Handle] | None
    explain: Callable[[IpcError], str]
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
        StoppedError: a signal arrived before the objects were reported.
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
    one: Any = handle  # of either family
    try:
        record: Record = one.record
        has_all = handle.kind in {Kind.QUEUE, Kind.SEMAPHORE}
        return record if has_all else cast(Record, one.details(record))
    except IpcError:
        name = format_target_id(handle.kind, handle.id)
        message = f"{handle.kind.noun} {name} was removed by another process"
        raise CommandError(message) from None


class CreationRollback:
    """Removal of created objects if a later step fails.

    Terminating signals are blocked while objects are created: no signal can leave only some of
    the objects. SIGPIPE is blocked to the end: objects that cannot be reported are removed. A
    signal that arrives after the report has no effect: a program that dies of a signal has
    created nothing.
    """

    def __init__(self, output: Output) -> None:
        self._created: list[Handle] = []
        self._output = output

    def __enter__(self) -> Self:
        self._terminating = terminating_signals()
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, {*self._terminating, signal.SIGPIPE})
        return self

    def add(self, handle: Handle) -> None:
        """Remove a new object on failure."""
        self._created.append(handle)

    def report(self, report: Callable[[], None]) -> None:
        """Print the objects by a function, once standard output is writable.

        Raises:
            StoppedError: a signal has arrived since the first creation. It interrupts the wait: a
                reader that does not read must not disable Ctrl-C.
        """
        from pyipcs.process.nonblocking import ready

        signals = self._terminating - self._mask
        descriptor = self._output.open_descriptor
        is_writable = descriptor is None or ready(descriptor, select.POLLOUT, 0)
        if not is_writable or signals & signal.sigpending():
            self._wait(signals)
        report()

    def _wait(self, signals: set[int]) -> None:
        """Wait until standard output is writable; raise StoppedError after a signal."""
        from pyipcs.process.interruptible import InterruptibleWait

        descriptor = self._output.open_descriptor
        with InterruptibleWait() as waiting:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
            if descriptor is not None:
                waiting.poller(descriptor, select.POLLOUT)()

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if error:
            self._undo()
            if not isinstance(error, StoppedError):  # its signal will end the program
                signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def _undo(self) -> None:
        for handle in self._created:
            try:
                handle.remove()
            except NotFoundError:  # removed by another process
                continue
            except IpcError as error:
                name = f"{handle.kind.noun} {format_target_id(handle.kind, handle.id)}"
                self._output.error(f"could not clean up {name}: {error.strerror}")


def _plans(options: CreateOptions) -> list[Plan]:
    """Return the objects to create, in the order of ipcmk(1)."""
    plans = [*_sysv_plans(options)]
    if options.name:
        from pyipcs.actions.create_posix import posix_plans

        plans += posix_plans(options, options.name)
    return sorted(plans, key=lambda plan: _ORDER.index(plan.kind))


# Each function imports only the module of its kind, for a fast start.


def _sysv_plans(options: CreateOptions) -> Iterator[Plan]:
    if options.size is not None:
        yield _segment_plan(options.size, options)
    if options.queue:
        yield _queue_plan(options)
    if options.nsems is not None:
        yield _set_plan(options.nsems, options)


def _segment_plan(size: int, options: CreateOptions) -> Plan:
    from pyipcs.sysv.segment import SharedMemory

    create = partial(SharedMemory.create, mode=options.mode, size=size)
    find = partial(SharedMemory.find, size=size)
    return _keyed(Kind.SEGMENT, create, find, size, owner_step(options), options)


def _queue_plan(options: CreateOptions) -> Plan:
    from pyipcs.sysv.queue import MessageQueue

    qbytes = options.qbytes
    steps: dict[str, Callable[[Any], None]] = {}
    if qbytes is not None:
        steps["set qbytes"] = lambda handle: handle.change(qbytes=qbytes)
    create = partial(MessageQueue.create, mode=options.mode)
    steps |= owner_step(options)
    return _keyed(Kind.QUEUE, create, MessageQueue.find, qbytes or 0, steps, options)


def _set_plan(nsems: int, options: CreateOptions) -> Plan:
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
    return _keyed(Kind.SEMAPHORE, create, find, nsems, steps | owner_step(options), options)


def owner_step(options: CreateOptions) -> dict[str, Callable[[Any], None]]:
    """Return the change of the owner, if one is given."""
    if not options.owner:
        return {}
    uid, gid = options.owner
    return {f"set {owner_noun(options.owner)}": lambda handle: handle.change(uid=uid, gid=gid)}


def _keyed(
    kind: Kind,
    create: "Callable[[int], SysvHandle]",
    find: "Callable[[int], SysvHandle]",
    amount: int,
    steps: Mapping[str, Callable[[Any], None]],
    options: CreateOptions,
) -> Plan:
    """Return the plan of an object with the key of the options.

    Args:
        kind: the kind.
        create: creation with a key.
        find: search by a key.
        amount: see Plan.
        steps: see Plan.
        options: the options of the command line.
    """
    from pyipcs.sysv.handle import with_free_key

    key = _PRIVATE if options.private else options.key
    explain = partial(_explain, kind, key, amount)
    if key is None:
        return Plan(kind, partial(with_free_key, create), None, explain, amount, steps)
    search = partial(_find, kind, find, key, amount)
    return Plan(kind, partial(create, key.number), search, explain, amount, steps)


def _create(plan: Plan, options: CreateOptions, rollback: CreationRollback) -> Handle:
    try:
        handle, is_new = _create_or_find(plan, exist_ok=options.exist_ok)
    except IpcError as error:
        raise creation_error(plan.kind, _with_hint(error, plan.explain(error))) from None
    if is_new:
        rollback.add(handle)
        _check_persists(plan)
        _take_steps(plan, handle)
    return handle


def _create_or_find(plan: Plan, *, exist_ok: bool) -> tuple[Handle, bool]:
    """Return the object, and True if it is new."""
    while True:
        try:
            return plan.create(), True
        except ExistsError:
            if not exist_ok or plan.find is None:
                raise
        try:
            return plan.find(), False
        except NotFoundError:
            continue  # removed since: the key or the name is free again


def _find(kind: Kind, find: Callable[[int], Handle], key: Target, amount: int) -> Handle:
    """Return the object that has the key.

    Raises:
        CommandError: the object is smaller than requested.
        NotFoundError: there is no such object, or it was removed meanwhile.
    """
    words = f"the {kind.noun} with key {key.typed} has"
    try:
        handle = find(key.number)
    except IpcError as error:
        if error.errno != errno.EINVAL:
            raise
        is_segment = kind is Kind.SEGMENT
        size = f"{'less' if is_segment else 'fewer'} than "
        size += plural(amount, "byte" if is_segment else "semaphore")
        raise creation_error(kind, f"{words} {size}") from None
    if kind is Kind.QUEUE and amount:
        record = handle.record  # msgget(2) checks no size
        if isinstance(record, Queue) and (record.qbytes or 0) < amount:
            raise creation_error(kind, f"{words} qbytes {record.qbytes or 0}, less than {amount}")
    return handle


def _check_persists(plan: Plan) -> None:
    """Raise an error if the kernel removes a segment when its creator ends."""
    if plan.kind is not Kind.SEGMENT:
        return
    from pyipcs.sysv.segment import is_rmid_forced

    if is_rmid_forced():
        why = "the kernel removes a segment that no process attaches (kernel.shm_rmid_forced is 1)"
        raise creation_error(plan.kind, why)


def _take_steps(plan: Plan, handle: Handle) -> None:
    for name, apply in plan.steps.items():
        try:
            apply(handle)
        except IpcError as error:
            why = _with_hint(error, _step_hint(plan, name, error))
            raise CommandError(f"{name} failed: {why}") from None


def _step_hint(plan: Plan, name: str, error: IpcError) -> str:
    """Return the limit that made a step fail; empty if there is none."""
    from pyipcs.actions.hints import explain, explain_qbytes

    if name == "set qbytes" and isinstance(error, DeniedError):
        return explain_qbytes(plan.amount)  # the only change that the owner of a queue may not make
    return explain(plan.kind, error, plan.amount) if isinstance(error, TooBigError) else ""


def _explain(kind: Kind, key: Target | None, amount: int, error: IpcError) -> str:
    """Return the reached limit or the used key of a failed creation; else ""."""
    from pyipcs.actions.hints import explain

    if isinstance(error, ExistsError) and key is not None:
        return f"key {key.typed} is in use; --exist-ok accepts its object"
    return explain(kind, error, amount)


def _with_hint(error: IpcError, hint: str) -> str:
    return f"{error.strerror} ({hint})" if hint else error.strerror


def creation_error(kind: Kind, why: str) -> CommandError:
    """Return the error for an object that was not created, as ipcmk(1) has it."""
    return CommandError(f"create {_NOUNS[kind]} failed: {why}")
