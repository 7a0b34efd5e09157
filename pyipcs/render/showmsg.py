"""Renderer of one object as text, in the layout of textbooks' showmsg."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from pyipcs.model import (
    PosixQueue,
    PosixRecord,
    PosixSegment,
    PosixSemaphore,
    Queue,
    Record,
    Segment,
    Semaphore,
    SemaphoreSet,
)
from pyipcs.objects import format_target_id
from pyipcs.query.plan import Style
from pyipcs.render.details import Details
from pyipcs.render.format_units import flag_names, human
from pyipcs.render.stat_words import (
    UNREADABLE,
    UNREADABLE_POSIX,
    USES,
    act,
    file_number,
    last_user,
    moment,
    names,
    process,
    registered,
    using,
)
from pyipcs.sysv.keys import format_key
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.text import plural
from pyipcs.usage.processes import recorded


def details(object_: Details, _capabilities: TerminalCapabilities | None = None) -> Iterator[str]:
    """Render one object."""
    record, style, state = object_.record, object_.style, object_.state()
    yield f"{_identity(record)}\n\n"
    lines = _facts(record, style, is_condensed=object_.is_condensed)
    yield from (f"{line}\n" for line in lines)
    # Reading the text of a POSIX queue has just changed its ctime.
    change = (
        "" if isinstance(record, PosixQueue) else f"Last change {moment(record.ctime, style)}\n"
    )
    yield f"{change}\n"
    if state:
        for user in state.users or ():
            phrase, _label = USES[user.does]
            yield f"{phrase} {using(user)}\n"
        yield f"State {state.state.value}: {state.reason}\n\n"
    yield f"{_owner(record)}\n"


def _identity(record: Record) -> str:
    match record:
        case Queue():
            id_name = "msqid"
        case Segment():
            id_name = "shmid"
        case SemaphoreSet():
            id_name = "semid"
        case _:
            return f"{record.kind.noun} {format_target_id(record.kind, record.name)}"
    return f"Key {format_key(record.key)}, {id_name} {record.id}"


def _owner(record: Record) -> str:
    owner, mode = names(record.uid, record.gid), f"mode {record.mode & 0o777:04o}"
    if isinstance(record, PosixRecord):
        return f"Owner {owner}, {mode}, inode {file_number(record)}"
    return f"Owner {owner}, created by {names(record.cuid, record.cgid)}, {mode}"


def _facts(record: Record, style: Style, *, is_condensed: bool) -> Iterator[str]:
    match record:
        case Queue():
            return _queue(record, style)
        case Segment():
            return _segment(record, style)
        case SemaphoreSet():
            return _set(record, style, is_condensed=is_condensed)
        case PosixQueue():
            return _posix_queue(record, style)
        case PosixSegment():
            return _posix_segment(record, style)
        case PosixSemaphore():
            return _posix_semaphore(record, style)


def _queue(queue: Queue, style: Style) -> Iterator[str]:
    messages = plural(queue.qnum, "message")
    yield f"{messages} on queue, {_used(queue.cbytes, queue.qbytes or 0, style)}\n"
    yield f"Last send {act(queue.lspid, queue.stime, style)}"
    yield f"Last recv {act(queue.lrpid, queue.rtime, style)}"


def _segment(segment: Segment, style: Style) -> Iterator[str]:
    size = _size(segment.segsz, style)
    flags = flag_names(segment.mode)
    yield f"{size}, attached {plural(segment.nattch, 'time')}" + (f", {flags}" if flags else "")
    yield f"{_size(segment.rss, style)} in memory, {_size(segment.swap, style)} in swap\n"
    yield f"Created by proc {process(recorded(segment.cpid, segment.creation_time))}"
    yield f"Last use {act(segment.lpid, segment.last_use_time, style)}"
    yield f"Last attach {moment(segment.atime, style)}"
    yield f"Last detach {moment(segment.dtime, style)}"


def _set(record: SemaphoreSet, style: Style, *, is_condensed: bool) -> Iterator[str]:
    yield f"{plural(record.nsems, 'semaphore')} in set"
    if record.semaphores is None:
        yield f"\nValues: {UNREADABLE}"
    else:
        yield from _semaphores(record, record.semaphores, is_condensed=is_condensed)
    yield f"\nLast op {moment(record.otime, style)}"


def _semaphores(
    record: SemaphoreSet, semaphores: Sequence[Semaphore], *, is_condensed: bool
) -> Iterator[str]:
    from pyipcs.render.semaphores import condensed, whole

    shown = condensed(semaphores, str) if is_condensed else whole(semaphores)
    if shown.summary:
        yield f"Values {shown.summary}"
    user = lru_cache(maxsize=4096)(last_user)
    for one, last in shown.runs:
        numbers = f" {one.num}" if one.num == last else f"s {one.num} to {last}"
        counts = f"value {one.value}, ncount {one.ncount}, zcount {one.zcount}"
        yield f"Semaphore{numbers}: {counts}, last proc {user(one.pid, record.last_use_time)}"
    if shown.rest:
        yield shown.rest


def _posix_queue(queue: PosixQueue, style: Style) -> Iterator[str]:
    if queue.qnum is None:
        yield f"Messages: {UNREADABLE_POSIX}\n"
    else:
        used = f"size {UNREADABLE_POSIX}" if queue.cbytes is None else _size(queue.cbytes, style)
        yield f"{queue.qnum} of {plural(queue.maxmsg or 0, 'message')} on queue, {used}"
        yield f"Messages of at most {_size(queue.msgsize, style)}\n"
    yield f"Notification: {registered(queue)}"
    yield f"Last send or receive {moment(queue.mtime, style)}"


def _posix_segment(segment: PosixSegment, style: Style) -> Iterator[str]:
    yield _size(segment.segsz, style)
    yield f"{_size(segment.rss, style)} in memory, {_size(segment.swap, style)} in swap\n"
    yield f"Born {moment(segment.born, style)}"
    yield f"Last recorded write {moment(segment.mtime, style)}"
    yield f"Last recorded read or mapping {moment(segment.atime, style)}"


def _posix_semaphore(semaphore: PosixSemaphore, style: Style) -> Iterator[str]:
    known = semaphore.value is not None
    yield f"Value {semaphore.value}\n" if known else f"Value: {UNREADABLE_POSIX}\n"
    yield f"Born {moment(semaphore.born, style)}"


def _size(size: int | None, style: Style) -> str:
    if size is None:
        return "unknown"
    return human(size) if style.human else plural(size, "byte")


def _used(cbytes: int, qbytes: int, style: Style) -> str:
    if style.human:
        return f"{human(cbytes)} of {human(qbytes)}"
    return f"{cbytes} of {qbytes} bytes"
