"""Renderer of one object as text, in the layout of textbooks' showmsg."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from pyipcs.model import Queue, Segment, Semaphore, SemaphoreSet
from pyipcs.query.plan import Style
from pyipcs.render.details import Details
from pyipcs.render.format_units import flag_names, human
from pyipcs.render.stat_words import USES, act, last_user, moment, names, process, using
from pyipcs.sysv.keys import format_key
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.text import plural
from pyipcs.usage.processes import recorded


def details(object_: Details, _capabilities: TerminalCapabilities | None = None) -> Iterator[str]:
    """Render one object."""
    record, style, state = object_.record, object_.style, object_.state()
    match record:
        case Queue():
            id_name, lines = "msqid", _queue(record, style)
        case Segment():
            id_name, lines = "shmid", _segment(record, style)
        case SemaphoreSet():
            id_name, lines = "semid", _set(record, style, is_condensed=object_.is_condensed)
    yield f"Key {format_key(record.key)}, {id_name} {record.id}\n\n"
    yield from (f"{line}\n" for line in lines)
    yield f"Last change {moment(record.ctime, style)}\n\n"
    for user in state.users or ():
        phrase, _label = USES[user.does]
        yield f"{phrase} {using(user)}\n"
    yield f"State {state.state.value}: {state.reason}\n\n"
    yield f"Owner {names(record.uid, record.gid)}, "
    yield f"created by {names(record.cuid, record.cgid)}, mode {record.mode & 0o777:04o}\n"


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
        yield "\nValues: no read permission"
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


def _size(size: int | None, style: Style) -> str:
    if size is None:
        return "unknown"
    return human(size) if style.human else plural(size, "byte")


def _used(cbytes: int, qbytes: int, style: Style) -> str:
    if style.human:
        return f"{human(cbytes)} of {human(qbytes)}"
    return f"{cbytes} of {qbytes} bytes"
