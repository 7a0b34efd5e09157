"""pyipcs set: change what can be changed of an object that is there."""

import errno
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import click

from pyipcs.actions.lookup import find_all, no_semaphore, refusal_reason, refusals
from pyipcs.cli.command import options_titled
from pyipcs.cli.options.common import refuse, subcommand
from pyipcs.cli.options.filters import kind_options
from pyipcs.cli.types import MODE, OWNER, QBYTES, VALUE, VALUES, target_type
from pyipcs.errors import CommandError, DeniedError, IpcError, ipc_error
from pyipcs.model import Kind, Queue, Record, Segment, SemaphoreSet
from pyipcs.process.accounts import owner_noun, unmapped
from pyipcs.sysv.handle import Handle
from pyipcs.sysv.keys import Target
from pyipcs.text import plural

_what = options_titled("What to change", once=True)


class _Wanted(NamedTuple):
    """What is to be changed, None or nothing where it stays."""

    mode: int | None
    owner: tuple[int | None, int | None] | None
    qbytes: int | None
    single: Sequence[tuple[int, int]]
    values: Sequence[int] | None
    locked: bool | None

    @property
    def control(self) -> dict[str, int | None]:
        """What one IPC_SET changes."""
        uid, gid = self.owner or (None, None)
        fields = {"mode": self.mode, "uid": uid, "gid": gid, "qbytes": self.qbytes}
        return {name: value for name, value in fields.items() if value is not None}

    @property
    def own_kinds(self) -> dict[Kind, str]:
        """The kinds that the options are made for, each with its option."""
        given = {
            "--qbytes": (Kind.QUEUE, self.qbytes is not None),
            "--lock": (Kind.SEGMENT, self.locked is True),
            "--unlock": (Kind.SEGMENT, self.locked is False),
            "--values": (Kind.SEMAPHORE, self.values is not None),
            "--value": (Kind.SEMAPHORE, bool(self.single)),
        }
        return {kind: option for option, (kind, is_given) in given.items() if is_given}


class _Step(NamedTuple):
    """One system call: what it sets, the call, and whether it is IPC_SET."""

    what: str
    apply: Callable[[Any], None]
    control: bool = False


class _Failure(NamedTuple):
    """A step that failed, why, and what was done before."""

    step: _Step
    error: IpcError
    done: Sequence[str]

    @property
    def denied_at_once(self) -> bool:
        """Whether the first step was forbidden, and nothing is done."""
        return isinstance(self.error, DeniedError) and not self.done


@subcommand(
    examples=(
        ("pyipcs set 0x1234 --mode 660 --qbytes 8K", "Who may use a queue, and how much it holds."),
        ("pyipcs set 0x10c --value 0=1 --value 2=5", "The values of two semaphores."),
        ("pyipcs set -m 0x5e9 --owner root:root", "A segment's owner and group."),
    ),
)
@kind_options
@_what("--mode", type=MODE, help="Permissions, in octal.")
@_what(
    "--owner",
    type=OWNER,
    help="The owner, by name or number, as chown(1) reads it: USER alone leaves the group, and "
    ":GROUP the user.",
)
@_what(
    "--qbytes",
    type=QBYTES,
    help="How many bytes a queue may hold; over msgmnb it takes CAP_SYS_RESOURCE.",
)
@_what(
    "--value",
    "single",
    type=VALUE,
    multiple=True,
    metavar="NUM=V",
    help="The value of one semaphore of a set, 0 to 32767; may be given several times.",
)
@_what("--values", type=VALUES, help="The values of all semaphores of a set, at once.")
@_what("--lock", is_flag=True, help="Keep a segment in memory, out of swap.")
@_what("--unlock", is_flag=True, help="Let it be swapped again.")
@click.argument("target", type=target_type(), metavar="TARGET")
def command(
    *,
    kinds: Sequence[Kind],
    target: Target,
    lock: bool,
    unlock: bool,
    **rest: Any,
) -> None:
    """Change modes, owners, sizes of queues, values of semaphores, locking.

    All is checked first. Mode, owner and qbytes change in one step, and so do --values; each
    --value is a step of its own. Setting a value cancels what processes were to undo on it.

    TARGET is an id (5), a key (0x1234 or key:5), or ftok:PATH[:PROJ]. Where objects of several
    kinds have that name, -q, -m or -s tells which, and so does an option that one kind alone has.
    """
    refuse([(lock and unlock, "--lock and --unlock contradict each other")])
    wanted = _Wanted(locked=lock if lock or unlock else None, **rest)
    handle = _find(_kinds(kinds, wanted), target)
    record = _checked(handle, target, wanted)
    _apply(handle, target, record, wanted)


def _kinds(kinds: Sequence[Kind], wanted: _Wanted) -> Sequence[Kind]:
    """The kinds that can be meant."""
    own = wanted.own_kinds
    options = " and ".join(own.values())
    about, others = (" or ".join(each.plural for each in some) for some in (own, kinds))
    refuse(
        (
            (not own and not wanted.control, "nothing to change (--mode, --owner, --value ...)"),
            (wanted.single and wanted.values, "--value and --values are two ways to set values"),
            (
                len({semnum for semnum, _ in wanted.single}) < len(wanted.single),
                "--value is given twice for one semaphore",
            ),
            (len(own) > 1, f"{options} are for objects of different kinds"),
            (kinds and not own.keys() <= {*kinds}, f"{options} is for {about}, not {others}"),
        )
    )
    return [*own] or kinds or [*Kind]


def _find(kinds: Sequence[Kind], target: Target) -> Handle:
    found = find_all(kinds, target)
    if len(found) > 1:
        nouns = " and a ".join(handle.kind.noun for handle in found)
        raise click.UsageError(f"{target.typed} is a {nouns}: say which by -q, -m or -s")
    return found[0]


def _checked(handle: Handle, target: Target, wanted: _Wanted) -> Record:
    """The object as it is, if all that is wanted can be done to it as far as can be seen.

    Raises:
        CommandError: it cannot.
    """
    from pyipcs.sysv.permissions import may_control

    with refusals(handle.kind, target):
        record = handle.record
        if wanted.control and not may_control(record.uid, record.cuid):
            raise _to_command_error(
                target, record, wanted, _control_step(wanted), ipc_error(errno.EPERM)
            )
        if nobody := unmapped(wanted.owner):
            what = owner_noun(wanted.owner)
            raise CommandError(f"{target.typed}: set {what} failed: {nobody}")
    if isinstance(record, SemaphoreSet):
        wrong = [semnum for semnum, _ in wanted.single if semnum >= record.nsems]
        if wrong:
            raise CommandError(f"{target.typed}: {no_semaphore(wrong[0], record)}")
        if wanted.values and len(wanted.values) != record.nsems:
            values, has = plural(len(wanted.values), "value"), plural(record.nsems, "semaphore")
            raise CommandError(f"{target.typed}: {values}, and the set has {has}")
    return record


def _steps(wanted: _Wanted) -> Iterator[_Step]:
    """The system calls, IPC_SET last: it may take away the right to the others."""
    if wanted.values:
        yield _Step("values", lambda array: array.set_values(wanted.values))
    for semnum, value in wanted.single:
        yield _Step(f"semaphore {semnum}", partial(_set_value, semnum=semnum, value=value))
    if wanted.locked is not None:
        yield _Step("locking", lambda segment: segment.lock(locked=wanted.locked))
    if wanted.control:
        yield _control_step(wanted)


def _set_value(array: Any, semnum: int, value: int) -> None:
    array.set_value(semnum, value)


def _control_step(wanted: _Wanted) -> _Step:
    owner = owner_noun(wanted.owner)
    names = {"mode": "mode", "uid": owner, "gid": owner, "qbytes": "qbytes"}
    what = " and ".join(dict.fromkeys(names[name] for name in wanted.control))
    return _Step(
        what,
        lambda handle: handle.change(record=handle.record, **wanted.control),
        control=True,
    )


def _apply(handle: Handle, target: Target, record: Record, wanted: _Wanted) -> None:
    *others, last = _steps(wanted)
    failure = _failure(handle, [*others, last])
    if failure and others and _may_grant(last, wanted) and failure.denied_at_once:
        # The new mode allows what the old one does not.
        failure = _failure(handle, [last, *others])
    if failure:
        raise _to_command_error(target, record, wanted, *failure)


def _may_grant(step: _Step, wanted: _Wanted) -> bool:
    """Whether a step gives the right to write, which values take."""
    return step.control and bool((wanted.mode or 0) & 0o200)


def _failure(handle: Handle, steps: Iterable[_Step]) -> _Failure | None:
    """Take the steps, up to one that fails."""
    done: list[str] = []
    for step in steps:
        try:
            step.apply(handle)
        except IpcError as error:
            return _Failure(step, error, done)
        done.append(step.what)
    return None


def _to_command_error(
    target: Target,
    record: Record,
    wanted: _Wanted,
    step: _Step,
    error: IpcError,
    done: Sequence[str] = (),
) -> CommandError:
    """What the kernel refused and why, and what was done before."""
    why = refusal_reason(record.kind, error)
    reason = _reason(record, wanted, step, error)
    hint = f" ({reason})" if reason else ""
    rest = f"; done before: {', '.join(done)}" if done else ""
    return CommandError(f"{target.typed}: set {step.what} failed: {why}{hint}{rest}")


def _reason(record: Record, wanted: _Wanted, step: _Step, error: IpcError) -> str:
    """What the kernel's words leave unsaid."""
    from pyipcs.actions import hints
    from pyipcs.sysv import permissions

    if isinstance(record, Segment) and not step.control:
        return hints.explain_lock(record, error)
    if not step.control or not isinstance(error, DeniedError):
        return ""
    if not permissions.may_control(record.uid, record.cuid):
        return "it takes the owner, the creator or CAP_SYS_ADMIN"
    if isinstance(record, Queue):
        # IPC_SET sets qbytes in any case, be it to what they are.
        return hints.explain_qbytes(wanted.qbytes or record.qbytes or 0)
    return ""
