"""Changes of an object: its mode, owner, size, qbytes, values and locking."""

import errno
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from pyipcs.actions.lookup import find_all
from pyipcs.actions.refusals import no_semaphore, refusal_reason, refusals
from pyipcs.errors import (
    BusyError,
    CommandError,
    DeniedError,
    IpcError,
    UsageError,
    ipc_error,
)
from pyipcs.model import (
    By,
    Kind,
    PosixRecord,
    PosixSegment,
    Queue,
    Segment,
    SemaphoreSet,
    SysvRecord,
    Target,
)
from pyipcs.objects import Handle
from pyipcs.process.accounts import owner_noun, unmapped
from pyipcs.text import plural


class ChangeOptions(NamedTuple):
    """The changes of an object; None and empty leave a property unchanged.

    Attributes:
        mode: permission bits.
        owner: uid and gid.
        size: size of a POSIX segment in bytes.
        qbytes: capacity of a queue in bytes.
        single: values of single semaphores, by semnum.
        values: values of all semaphores of a set.
        lock: True to lock a segment in memory.
        unlock: True to unlock it.
    """

    mode: int | None
    owner: tuple[int | None, int | None] | None
    size: int | None
    qbytes: int | None
    single: Sequence[tuple[int, int]]
    values: Sequence[int] | None
    lock: bool
    unlock: bool

    @property
    def control(self) -> dict[str, int | None]:
        """The fields that one IPC_SET changes."""
        uid, gid = self.owner or (None, None)
        fields = {"mode": self.mode, "uid": uid, "gid": gid, "qbytes": self.qbytes}
        return {name: value for name, value in fields.items() if value is not None}


class _Step(NamedTuple):
    """One system call.

    Attributes:
        name: the changed property, in messages.
        apply: the call.
        is_control: True for IPC_SET.
    """

    name: str
    apply: Callable[[Any], None]
    is_control: bool = False


class _Failure(NamedTuple):
    """A failed step, with the names of the steps that succeeded before it."""

    step: _Step
    error: IpcError
    done: Sequence[str]

    @property
    def is_first_denied(self) -> bool:
        """True if the first step was denied, and nothing has changed."""
        return isinstance(self.error, DeniedError) and not self.done


def change(kinds: Collection[Kind], target: Target, options: ChangeOptions) -> None:
    """Change the object of these kinds that a target names.

    Raises:
        UsageError: several objects have the name.
        CommandError: there is no object, or the kernel refused a change.
    """
    handle = _find(kinds, target)
    change_class = _PosixChange if target.by is By.NAME else _SysvChange
    change_class(handle, target, options).run()


def _find(kinds: Collection[Kind], target: Target) -> Handle:
    handles = find_all(kinds, target)
    if len(handles) > 1:
        nouns = " and a ".join(handle.kind.noun for handle in handles)
        raise UsageError(f"{target.typed} is a {nouns} (choose with -q, -m or -s)")
    return handles[0]


class _Change(ABC):
    """The changes of one object."""

    def __init__(self, handle: Handle, target: Target, options: ChangeOptions) -> None:
        self._handle = handle
        self._target = target
        self._options = options
        with refusals(handle.kind, target):
            self._record = handle.record

    def run(self) -> None:
        """Check the changes, then make them.

        Raises:
            CommandError: a check failed, and nothing has changed; or the kernel refused a step.
        """
        self._check()
        if failure := self._apply():
            raise self._to_command_error(failure)

    @abstractmethod
    def _check(self) -> None:
        """Check the caller's rights and the options."""

    @abstractmethod
    def _steps(self) -> list[_Step]:
        """Return the system calls."""

    @abstractmethod
    def _hint(self, step: _Step, error: IpcError) -> str:
        """Return the limit or the missing right; empty if the errno is clear."""

    @abstractmethod
    def _after_denial(self, steps: Sequence[_Step]) -> Sequence[_Step]:
        """Return the steps with the new mode first; none if it allows no other."""

    def _check_owner(self) -> None:
        if why := unmapped(self._options.owner):
            raise self._error(f"set {owner_noun(self._options.owner)} failed: {why}")

    def _apply(self) -> _Failure | None:
        steps = self._steps()
        failure = self._take(steps)
        if failure and failure.is_first_denied and (again := self._after_denial(steps)):
            failure = self._take(again)
        return failure

    def _take(self, steps: Iterable[_Step]) -> _Failure | None:
        """Make the system calls up to the first that fails."""
        done: list[str] = []
        for step in steps:
            try:
                step.apply(self._handle)
            except IpcError as error:
                return _Failure(step, error, done)
            done.append(step.name)
        return None

    def _deny(self, step: _Step) -> CommandError:
        """Return the error for a step that the caller may not take."""
        return self._to_command_error(_Failure(step, ipc_error(errno.EPERM), ()))

    def _to_command_error(self, failure: _Failure) -> CommandError:
        step, error, done = failure
        why = refusal_reason(self._record.kind, error)
        if hint := self._hint(step, error):
            why += f" ({hint})"
        if done:
            why += f"; already changed: {', '.join(done)}"
        return self._error(f"set {step.name} failed: {why}")

    def _error(self, message: str) -> CommandError:
        return CommandError(f"{self._target.typed}: {message}")


class _SysvChange(_Change):
    """The changes of a System V object."""

    _record: SysvRecord

    def _check(self) -> None:
        self._check_rights()
        if isinstance(self._record, SemaphoreSet):
            self._check_semaphores(self._record)

    def _check_rights(self) -> None:
        from pyipcs.sysv.permissions import can_control

        options = self._options
        if options.control and not can_control(self._record.uid, self._record.cuid):
            raise self._deny(_control_step(options))
        self._check_owner()

    def _check_semaphores(self, record: SemaphoreSet) -> None:
        missing = [semnum for semnum, _ in self._options.single if semnum >= record.nsems]
        if missing:
            raise self._error(no_semaphore(missing[0], record))
        values = self._options.values
        if values and len(values) != record.nsems:
            count = plural(record.nsems, "semaphore")
            raise self._error(f"{plural(len(values), 'value')} for {count}")

    def _steps(self) -> list[_Step]:
        return [*_sysv_steps(self._options)]

    def _after_denial(self, steps: Sequence[_Step]) -> Sequence[_Step]:
        *others, last = steps
        return [last, *others] if others and _can_grant(last, self._options) else []

    def _hint(self, step: _Step, error: IpcError) -> str:
        from pyipcs.actions import hints
        from pyipcs.sysv import permissions

        record = self._record
        if isinstance(record, Segment) and not step.is_control:
            return hints.explain_lock(record, error)
        if not step.is_control or not isinstance(error, DeniedError):
            return ""
        if not permissions.can_control(record.uid, record.cuid):
            return "only for the owner, the creator or with CAP_SYS_ADMIN"
        if isinstance(record, Queue):
            # IPC_SET always sets qbytes, even if only to the present number.
            return hints.explain_qbytes(self._options.qbytes or record.qbytes or 0)
        return ""


class _PosixChange(_Change):
    """The changes of a POSIX object: a call for each property.

    The rights to change mode and owner are checked first, because a size cannot be restored.
    """

    _record: PosixRecord

    def _check(self) -> None:
        from pyipcs.posix.permissions import can_control, can_give

        steps = {step.name: step for step in self._steps()}
        if (mode := steps.get("mode")) and not can_control(self._record):
            raise self._deny(mode)
        self._check_owner()
        owner = steps.get(owner_noun(self._options.owner))
        if owner and not can_give(self._record, *(self._options.owner or (None, None))):
            raise self._deny(owner)

    def _steps(self) -> list[_Step]:
        """Return the system calls, with the change of the owner last.

        It may end the caller's rights.
        """
        options = self._options
        uid, gid = options.owner or (None, None)
        fields = {
            "size": {"size": options.size},
            "mode": {"mode": options.mode},
            owner_noun(options.owner): {"uid": uid, "gid": gid},
        }
        return [
            _Step(name, partial(_change_posix, **values), is_control=name != "size")
            for name, values in fields.items()
            if any(value is not None for value in values.values())
        ]

    def _after_denial(self, steps: Sequence[_Step]) -> Sequence[_Step]:
        first, *others = steps
        is_granted = others and _can_grant(others[0], self._options)
        return [others[0], first, *others[1:]] if is_granted else []

    def _hint(self, step: _Step, error: IpcError) -> str:
        if isinstance(error, BusyError):
            return self._busy_hint(step)
        if error.errno == errno.EFBIG:
            from pyipcs.actions.hints import explain_file_size

            return explain_file_size(self._options.size or 0)
        if not step.is_control or error.errno != errno.EPERM:
            return ""
        if step.name == "mode":
            return "only for the owner or with CAP_FOWNER"
        if step.name == "group":
            return "only for the owner as a member of the group, or with CAP_CHOWN"
        return "only with CAP_CHOWN"

    def _busy_hint(self, step: _Step) -> str:
        record, size = self._record, self._options.size
        if step.name == "size" and isinstance(record, PosixSegment) and (size or 0) < record.segsz:
            return "a segment that a process has open or mapped cannot shrink"
        return "a process holds a lease on it"


def _sysv_steps(options: ChangeOptions) -> Iterator[_Step]:
    """Yield the system calls; IPC_SET last, which can forbid the others."""
    if values := options.values:
        yield _Step("values", lambda array: array.set_values(values))
    for semnum, value in options.single:
        yield _Step(f"semaphore {semnum}", partial(_set_value, semnum=semnum, value=value))
    if options.lock or options.unlock:
        yield _Step("locking", lambda segment: segment.lock(locked=options.lock))
    if options.control:
        yield _control_step(options)


def _change_posix(handle: Any, **values: int | None) -> None:
    """Change properties of a POSIX object."""
    handle.change(**values)


def _set_value(array: Any, semnum: int, value: int) -> None:
    array.set_value(semnum, value)


def _control_step(options: ChangeOptions) -> _Step:
    owner = owner_noun(options.owner)
    nouns = {"mode": "mode", "uid": owner, "gid": owner, "qbytes": "qbytes"}
    name = " and ".join(dict.fromkeys(nouns[field] for field in options.control))
    return _Step(
        name, lambda handle: handle.change(record=handle.record, **options.control), is_control=True
    )


def _can_grant(step: _Step, options: ChangeOptions) -> bool:
    """Return True if a step grants write permission, to set values."""
    return step.is_control and bool((options.mode or 0) & 0o200)
