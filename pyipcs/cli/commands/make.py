"""pyipcs make: create objects, as ipcmk(1) does, and set them up in the same call."""

import errno
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import click

from pyipcs.actions.create import CreationRollback
from pyipcs.cli import present
from pyipcs.cli.command import options_titled
from pyipcs.cli.options.common import refuse, showing, subcommand
from pyipcs.cli.types import MODE, NEW_KEY, NSEMS, OWNER, QBYTES, SIZE, VALUES
from pyipcs.errors import (
    CommandError,
    DeniedError,
    ExistsError,
    IpcError,
    NotFoundError,
    TooBigError,
)
from pyipcs.model import Kind, Queue, Record
from pyipcs.process.accounts import owner_noun, unmapped
from pyipcs.sysv.handle import Handle, with_free_key
from pyipcs.sysv.keys import By, Target
from pyipcs.terminal.streams import Output
from pyipcs.text import plural

_what = options_titled("What to make")
_how = options_titled("With what")
_PRIVATE = Target(By.KEY, 0, "IPC_PRIVATE")


class _Step(NamedTuple):
    """What is done to a new object, and what that is called."""

    what: str
    apply: Callable[[Any], None]


class _Plan(NamedTuple):
    """One object to make, in ipcmk's words."""

    kind: Kind
    noun: str
    label: str
    create: Callable[[int], Handle]
    find: Callable[[int], Handle]
    amount: int  # bytes, of a queue its qbytes if they are set, or semaphores
    steps: Sequence[_Step]


@subcommand(
    abbreviable_names=("shmem", "semaphore", "queue", "mode", "version", "help"),
    examples=(
        ("pyipcs make -Q -k 0x1234 --exist-ok", "A queue with a key, if there is none yet."),
        ("id=$(pyipcs make -M 64K -k 0x5e9 -i)", "A segment, and its bare id in a variable."),
        ("pyipcs make -S 3 --values 1,0,4 -k 0x10c", "A set of semaphores with their values."),
    ),
)
@_what(
    "-M",
    "--shmem",
    "size",
    type=SIZE,
    metavar="SIZE",
    help="A segment of SIZE bytes. K and KiB are 1024, KB is 1000, and so on up to Y.",
)
@_what("-S", "--semaphore", "nsems", type=NSEMS, metavar="NSEMS", help="A set of NSEMS semaphores.")
@_what("-Q", "--queue", is_flag=True, help="A message queue.")
@_how("-p", "--mode", type=MODE, default="0644", show_default=True, help="Permissions, in octal.")
@_how(
    "-k",
    "--key",
    type=NEW_KEY,
    once=True,
    help="The key: decimal, 0x hexadecimal, 0 octal, or ftok:PATH[:PROJ]. If left out, a random "
    "one that is free.",
)
@_how("--private", is_flag=True, help="No key (IPC_PRIVATE).")
@_how(
    "--exist-ok",
    is_flag=True,
    help="Take what has the key already, and leave it as it is; less than what is asked for is an "
    "error.",
)
@_how("--qbytes", type=QBYTES, once=True, help="How many bytes the queue may hold.")
@_how(
    "--values",
    type=VALUES,
    once=True,
    help="The values of the semaphores, 0 to 32767 each. System V cannot create a set with values "
    "in one step: a process that finds the set by its key must wait until its sem_otime is set "
    "(semget(2)); before, it may see zeros.",
)
@_how(
    "--owner",
    type=OWNER,
    once=True,
    help="The owner, by name or number, as chown(1) reads it: :GROUP sets the group alone.",
)
@showing(
    "-i", "--id-only", is_flag=True, help="Print bare ids: the segment's, the queue's, the set's."
)
@showing("-J", "--json", is_flag=True, help="Print the objects as JSON.")
@click.pass_obj
def command(
    output: Output,
    /,
    *,
    key: Target | None,
    private: bool,
    exist_ok: bool,
    id_only: bool,
    json: bool,
    **wanted: Any,
) -> None:
    """Create System V IPC objects."""
    _check(key=key, private=private, exist_ok=exist_ok, id_only=id_only, json=json, **wanted)
    if nobody := unmapped(wanted["owner"]):
        raise CommandError(f"set {owner_noun(wanted['owner'])} failed: {nobody}")
    plans = _plans(**wanted)
    with CreationRollback(output) as attempt:
        handles = [
            _make(plan, _PRIVATE if private else key, attempt, exist_ok=exist_ok) for plan in plans
        ]
        records = [_listed(handle) for handle in handles] if json else []
        attempt.tell(partial(_tell, output, plans, handles, records, id_only=id_only))


def _tell(
    output: Output,
    plans: Sequence[_Plan],
    handles: Sequence[Handle],
    records: Sequence[Record],
    *,
    id_only: bool,
) -> None:
    if records:
        present.records(output, records)
    elif id_only:
        output.write(f"{handle.id}\n" for handle in handles)
    else:
        output.write(
            f"{plan.label}: {handle.id}\n" for plan, handle in zip(plans, handles, strict=True)
        )
    output.flush()


def _listed(handle: Handle) -> Record:
    try:
        return handle.details(handle.record) if handle.kind is Kind.SEGMENT else handle.record
    except IpcError:
        words = f"{handle.kind.noun} {handle.id}: somebody removed it at once"
        raise CommandError(words) from None


def _check(**given: Any) -> None:
    contradictions = (
        (
            not (given["size"] or given["nsems"] or given["queue"]),
            "nothing to make: give -Q, -M SIZE or -S NSEMS",
        ),
        (given["private"] and given["key"] is not None, "--private means no key, so no -k"),
        (given["exist_ok"] and given["key"] is None, "--exist-ok needs -k KEY"),
        (given["qbytes"] is not None and not given["queue"], "--qbytes needs -Q"),
        (given["values"] and not given["nsems"], "--values needs -S NSEMS"),
        (
            given["values"] and given["nsems"] and len(given["values"]) != given["nsems"],
            f"--values needs a value for each of the {given['nsems']} semaphores",
        ),
        (given["id_only"] and given["json"], "-i and -J are two ways to print"),
    )
    refuse(contradictions)


def _plans(
    *,
    size: int | None,
    queue: bool,
    nsems: int | None,
    mode: int,
    qbytes: int | None,
    values: Sequence[int] | None,
    owner: tuple[int | None, int | None] | None,
) -> list[_Plan]:
    """What to make, in ipcmk's order."""
    uid, gid = owner or (None, None)
    own = []
    if owner:
        what = f"set {owner_noun(owner)}"
        own = [_Step(what, lambda handle: handle.change(uid=uid, gid=gid))]
    plans = []
    if size is not None:
        plans.append(_segment_plan(size, mode, own))
    if queue:
        plans.append(_queue_plan(qbytes, mode, own))
    if nsems is not None:
        plans.append(_set_plan(nsems, values, mode, own))
    return plans


# Each loads the module of its kind only when such an object is asked for.


def _segment_plan(size: int, mode: int, own: list[_Step]) -> _Plan:
    from pyipcs.sysv.segment import SharedMemory

    create = partial(SharedMemory.create, mode=mode, size=size)
    find = partial(SharedMemory.find, size=size)
    return _Plan(Kind.SEGMENT, "share memory", "Shared memory id", create, find, size, own)


def _queue_plan(qbytes: int | None, mode: int, own: list[_Step]) -> _Plan:
    from pyipcs.sysv.queue import MessageQueue

    steps = []
    if qbytes is not None:
        steps = [_Step("set qbytes", lambda handle: handle.change(qbytes=qbytes))]
    create = partial(MessageQueue.create, mode=mode)
    find = MessageQueue.find
    return _Plan(
        Kind.QUEUE, "message queue", "Message queue id", create, find, qbytes or 0, steps + own
    )


def _set_plan(nsems: int, values: Sequence[int] | None, mode: int, own: list[_Step]) -> _Plan:
    from pyipcs.sysv.semaphore import SemaphoreArray

    steps = []
    first_mode = mode
    if values:
        steps = [_Step("set values", lambda handle: handle.initialize(values))]
        if mode & 0o600 != 0o600:
            # semop(2) and SETALL need rights that the mode does not give even to the creator.
            first_mode = 0o600
            steps.append(_Step("set mode", lambda handle: handle.change(mode=mode)))
    create = partial(SemaphoreArray.create, mode=first_mode, nsems=nsems)
    find = partial(SemaphoreArray.find, nsems=nsems)
    return _Plan(Kind.SEMAPHORE, "semaphore", "Semaphore id", create, find, nsems, steps + own)


def _make(plan: _Plan, key: Target | None, attempt: CreationRollback, *, exist_ok: bool) -> Handle:
    try:
        handle, new = _create_or_find(plan, key, exist_ok=exist_ok)
    except IpcError as error:
        raise CommandError(f"create {plan.noun} failed: {_why(plan, key, error)}") from None
    if new:
        attempt.made.append(handle)
        _check_stays(plan)
        _set_up(plan, handle)
    return handle


def _check_stays(plan: _Plan) -> None:
    """Raise an error where the kernel removes a new segment when this process ends."""
    if plan.kind is not Kind.SEGMENT:
        return
    from pyipcs.sysv.segment import is_rmid_forced

    if is_rmid_forced():
        why = "the kernel removes a segment that nothing has attached (kernel.shm_rmid_forced is 1)"
        raise CommandError(f"create {plan.noun} failed: {why}")


def _create_or_find(plan: _Plan, key: Target | None, *, exist_ok: bool) -> tuple[Handle, bool]:
    """The object, and whether it is new."""
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
            continue  # removed in between: it can be created now


def _find(plan: _Plan, key: Target) -> Handle:
    """Return the object that has the key.

    Raises:
        CommandError: it has less than what is asked for.
        NotFoundError: there is none, or it is gone meanwhile.
    """
    try:
        handle = plan.find(key.number)
    except IpcError as error:
        if error.errno != errno.EINVAL:
            raise
        what = plural(plan.amount, "byte" if plan.kind is Kind.SEGMENT else "semaphore")
        raise _too_small(plan, key, f"has less than {what}") from None
    if plan.kind is Kind.QUEUE and plan.amount:
        record = handle.record  # msgget(2) checks no size
        if isinstance(record, Queue) and (record.qbytes or 0) < plan.amount:
            held = plural(record.qbytes or 0, "byte")
            raise _too_small(plan, key, f"holds {held} at the most (qbytes), not {plan.amount}")
    return handle


def _too_small(plan: _Plan, key: Target, words: str) -> CommandError:
    found = f"the {plan.kind.noun} with key {key.typed}"
    return CommandError(f"create {plan.noun} failed: {found} {words}")


def _set_up(plan: _Plan, handle: Handle) -> None:
    for what, apply in plan.steps:
        try:
            apply(handle)
        except IpcError as error:
            hint = _step_hint(plan, what, error)
            words = f"{error.strerror} ({hint})" if hint else error.strerror
            raise CommandError(f"{what} failed: {words}") from None


def _step_hint(plan: _Plan, what: str, error: IpcError) -> str:
    """Return the limit behind a refused step; empty if there is none."""
    from pyipcs.actions.hints import explain, explain_qbytes

    if what == "set qbytes" and isinstance(error, DeniedError):
        return explain_qbytes(plan.amount)  # owners may do all but raise qbytes
    return explain(plan.kind, error, plan.amount) if isinstance(error, TooBigError) else ""


def _why(plan: _Plan, key: Target | None, error: IpcError) -> str:
    """Why a creation failed, with the limit behind it where there is one."""
    from pyipcs.actions.hints import explain

    if isinstance(error, ExistsError) and key is not None:
        hint = f"key {key.typed} is taken; --exist-ok gives the id of what has it"
    else:
        hint = explain(plan.kind, error, plan.amount)
    return f"{error.strerror} ({hint})" if hint else error.strerror
