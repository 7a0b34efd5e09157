"""All there is to know of one object, in the manner of the textbooks' showmsg."""

from collections.abc import Iterator

from pyipcs.model import Queue, Record, Segment, SemaphoreSet
from pyipcs.query.plan import Style
from pyipcs.render.format_units import flag_names, human
from pyipcs.render.stat_words import act, last_user, moment, names, process, using
from pyipcs.sysv.keys import format_key
from pyipcs.text import plural
from pyipcs.usage.processes import recorded
from pyipcs.usage.state import UsageState


def details(record: Record, found: UsageState, style: Style) -> Iterator[str]:
    """The lines of an object, with who uses it, whether it is leaked, and why."""
    match record:
        case Queue():
            id_name, lines = "msqid", _queue(record, style)
        case Segment():
            id_name, lines = "shmid", _segment(record, style)
        case SemaphoreSet():
            id_name, lines = "semid", _set(record, style)
    yield f"Key {format_key(record.key)}, {id_name} {record.id}\n\n"
    yield from (f"{line}\n" for line in lines)
    yield f"Last change {moment(record.ctime, style)}\n\n"
    yield from (f"{line}\n" for line in _uses(found))
    yield f"State {found.state.value}: {found.reason}\n\n"
    yield f"Owner {names(record.uid, record.gid)}, "
    yield f"created by {names(record.cuid, record.cgid)}, mode {record.mode & 0o777:04o}\n"


def _queue(queue: Queue, style: Style) -> Iterator[str]:
    messages = plural(queue.qnum, "message")
    yield f"{messages} on queue, {_used(queue.cbytes, queue.qbytes or 0, style)}\n"
    yield f"Last send {act(queue.lspid, queue.stime, style)}"
    yield f"Last recv {act(queue.lrpid, queue.rtime, style)}"


def _segment(segment: Segment, style: Style) -> Iterator[str]:
    size = human(segment.segsz) if style.human else plural(segment.segsz, "byte")
    flags = flag_names(segment.mode)
    yield f"{size}, attached {plural(segment.nattch, 'time')}" + (f", {flags}" if flags else "")
    yield f"{_held(segment.rss, style)} in memory, {_held(segment.swap, style)} in swap\n"
    yield f"Created by proc {process(recorded(segment.cpid, segment.made))}"
    yield f"Last use {act(segment.lpid, segment.used, style)}"
    yield f"Last attach {moment(segment.atime, style)}"
    yield f"Last detach {moment(segment.dtime, style)}"


def _set(record: SemaphoreSet, style: Style) -> Iterator[str]:
    yield f"{plural(record.nsems, 'semaphore')} in set" + ("" if record.semaphores else "\n")
    for one in record.semaphores or ():
        end = "\n" if one.num == record.nsems - 1 else ""
        counts = f"value {one.value}, ncount {one.ncount}, zcount {one.zcount}"
        yield f"Semaphore {one.num}: {counts}, last proc {last_user(one, record)}{end}"
    if record.semaphores is None:
        yield "Values: you may not read them\n"
    yield f"Last op {moment(record.otime, style)}"


def _uses(found: UsageState) -> Iterator[str]:
    """Who uses an object now, a line a process."""
    for user in found.users or ():
        yield f"{_USES[user.does]} {using(user)}"


# What stands before a process, by what it does.
_USES = {
    "attached": "Attached by",
    "send": "Waiting to send:",
    "receive": "Waiting to receive:",
    "operation": "Waiting:",
}


def _held(size: int | None, style: Style) -> str:
    if size is None:
        return "unknown"
    return human(size) if style.human else plural(size, "byte")


def _used(cbytes: int, qbytes: int, style: Style) -> str:
    if style.human:
        return f"{human(cbytes)} of {human(qbytes)}"
    return f"{cbytes} of {qbytes} bytes"
