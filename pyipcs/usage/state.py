"""Whether an object is in use, or leaked, and what speaks for it.

Only shared memory has a count of who has it, kept by the kernel. So a segment can be known to be
orphaned, and a queue or a semaphore set only be suspected of it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple, TypeAlias

from pyipcs.errors import IpcError
from pyipcs.model import Kind, Queue, Record, Segment, SemaphoreSet, State
from pyipcs.sysv.namespace import is_initial
from pyipcs.text import phrase, plural
from pyipcs.usage.doubt import doubts_of
from pyipcs.usage.processes import Process, recorded
from pyipcs.usage.scan import Scan, User, nothing, scan, scan_for

_Life: TypeAlias = Callable[[int, int], Process]


class RecordedProcess(NamedTuple):
    """What a process did to an object, by the object's record.

    Attributes:
        name: "creator", "last user", "last sender" or "last receiver".
        process: the process; its pid is 0 where it was one of another PID namespace.
    """

    name: str
    process: Process


class UsageFacts(NamedTuple):
    """All that is known of the use of an object.

    Attributes:
        kind: its kind.
        roles: the processes on its record.
        used: whether anybody used it after it was made.
        held: how many attachments, or waiting processes, the kernel counts; None where it tells
            of none, as of queues.
        users: the processes that are seen to use it now; None where none could be seen.
        unseen: why somebody may wait on it unseen; else empty.
        key: its key; 0 is IPC_PRIVATE.
    """

    kind: Kind
    roles: Sequence[RecordedProcess] = ()
    used: bool = True
    held: int | None = None
    users: Sequence[User] | None = ()
    unseen: str = ""
    key: int = 0


class UsageState(NamedTuple):
    """What is to be said of an object.

    Attributes:
        state: its state.
        reason: the sentence that says why.
        users: who uses it; None if nobody was seen though somebody does, or may.
        in_company: whether it is in doubt because of an object that changed together with it.
    """

    state: State
    reason: str
    users: Sequence[User] | None = ()
    in_company: bool = False


def classify(facts: UsageFacts) -> UsageState:
    """The state that facts speak for; what is in doubt is not leaked."""
    state, reason = State.IN_USE, _use(facts)
    if not reason:
        state, reason = State.UNKNOWN, _doubt(facts)
    if not reason:
        state = State.ORPHANED if facts.kind is Kind.SEGMENT else State.SUSPECT
        reason = f"{_idle(facts)}; {_gone(facts)}{_findable(facts)}"
    return UsageState(state, reason, _users(facts))


def _users(facts: UsageFacts) -> Sequence[User] | None:
    """Who uses an object; None if nobody was seen though somebody does, or may."""
    unseen = facts.held or (facts.unseen and facts.kind is not Kind.SEGMENT)
    return None if unseen and not facts.users else facts.users


def _use(facts: UsageFacts) -> str:
    """Why an object is in use; empty if nothing says so."""
    if facts.held or facts.users:
        return _attached(facts) if facts.kind is Kind.SEGMENT else _waiting(facts)
    alive = [role for role in facts.roles if role.process.alive]
    return f"{_these(alive)} {_verb(alive, 'lives', 'live')}" if alive else ""


def _doubt(facts: UsageFacts) -> str:
    """Why nothing can be said of an object that nothing shows in use; empty if something can."""
    doubtful = [role for role in facts.roles if role.process.alive is None]
    if facts.users is None:
        return facts.unseen
    if doubtful:
        return f"{_idle(facts)}, but {_not_known(doubtful)}"
    if facts.kind is Kind.SEGMENT:
        return "" if facts.used else f"never attached; {_gone(facts)}"
    if not facts.used:
        return f"never used, but {facts.unseen}" if facts.unseen else "never used"
    if facts.unseen and facts.roles:
        return f"{_gone(facts)}, but {facts.unseen}"
    return facts.unseen


def _idle(facts: UsageFacts) -> str:
    return "not attached" if facts.kind is Kind.SEGMENT else "nobody waits"


def _gone(facts: UsageFacts) -> str:
    return f"{_these(facts.roles)} {_verb(facts.roles, 'is', 'are')} gone"


def _findable(facts: UsageFacts) -> str:
    """Return whether programs can find an orphaned segment again."""
    if facts.kind is not Kind.SEGMENT:
        return ""
    return "; it can be found again by its key" if facts.key else "; it is private"


def _attached(facts: UsageFacts) -> str:
    users = facts.users or ()
    if not facts.held:
        return f"not attached, but mapped by {phrase([user.named for user in users])}"
    times = f"attached {plural(facts.held, 'time')}"
    if not users:
        return f"{times}, by processes that were not seen"
    some = sum(user.times for user in users) < (facts.held or 0)
    others = ", and by others that were not seen" if some else ""
    return f"{times}, by {phrase([user.named for user in users])}{others}"


def _waiting(facts: UsageFacts) -> str:
    if not facts.users:
        held = facts.held or 0
        waits, was = ("waits", "was") if held == 1 else ("wait", "were")
        return f"{plural(held, 'thread')} {waits} on it, and {was} not seen"
    names = phrase([user.named for user in facts.users])
    return f"{names} {'waits' if len(facts.users) == 1 else 'wait'} on it"


def _these(roles: Iterable[RecordedProcess]) -> str:
    """Processes by what they did: "its creator and last user, 5 (cat),", say."""
    pids: dict[str, list[str]] = {}
    for role in roles:
        names = pids.setdefault(role.process.named, [])
        if role.name not in names:
            names.append(role.name)
    groups: dict[str, list[str]] = {}
    for process, names in pids.items():
        groups.setdefault(" and ".join(names), []).append(process)
    return " and ".join(
        f"its {name}{'s' if len(some) > 1 else ''}, {phrase(some)},"
        for name, some in groups.items()
    )


def _verb(roles: Iterable[RecordedProcess], singular: str, plural: str) -> str:
    return singular if len({role.process.pid for role in roles}) == 1 else plural


def _not_known(roles: Sequence[RecordedProcess]) -> str:
    """What is not known of processes."""
    foreign = [role.name for role in roles if role.process.pid == 0]
    if foreign:
        names = " and ".join(dict.fromkeys(foreign))
        return f"its {names} was a process of another PID namespace"
    return f"whether {_these(roles)} {_verb(roles, 'lives', 'live')} cannot be seen"


def states(kind: Kind, records: Iterable[Record]) -> Iterator[State]:
    """The state alone of objects of a kind, for which nobody need know who has segments."""
    if kind is Kind.SEGMENT:
        return (found.state for found in _classified_segments(records))
    return (found.state for found in _classified(records, scan(attached=False), state_only=True))


def evidence(records: Iterable[Record], *, attached: bool = True) -> Iterator[UsageState]:
    """The state of objects, each with what speaks for it; a set's needs its semaphores.

    Args:
        records: theirs.
        attached: whether there are segments among them.
    """
    return _classified(records, scan() if attached else scan(attached=False))


def evidence_of(record: Record) -> UsageState:
    """The state of one object, for which no more is looked at than tells of its kind."""
    if isinstance(record, Segment) and not record.nattch:
        return next(_classified_segments([record]))
    return next(_classified([record], scan_for(record.kind)))


def waited(records: Iterable[Record]) -> Iterator[bool]:
    """Return of each queue or set whether a waiting process is counted or seen."""
    seen = scan(attached=False).from_here()
    return (bool(_held(record) or seen.using(record)) for record in records)


def is_clear(record: Record, *, judged: bool) -> bool:
    """Return whether the cached scan shows no sign of use of an object.

    Args:
        record: its record.
        judged: whether a doubt is a sign, too.
    """
    seen = scan_for(record.kind).from_here()
    if seen.using(record) or not seen.readable:
        return False
    if not judged or isinstance(record, Segment):
        return True
    doubts = doubts_of(seen, _is_used)
    return not (doubts.unseen(record) or doubts.near(record))


def is_unchanged(record: Record) -> bool:
    """Return whether the kernel's record of an object, a set's semaphores included, is this one.

    Then the processes on it are those that it named, and who was gone stays gone.
    """
    from pyipcs.sysv import libc

    try:
        now = libc.stat(record.kind, record.id)
        if isinstance(now, SemaphoreSet):
            if not isinstance(record, SemaphoreSet) or record.semaphores is None:
                return False
            now = now._replace(semaphores=libc.semaphores(now.id, now.nsems))
    except IpcError:
        return False
    return _comparable(now) == _comparable(record)


def _comparable(record: Record) -> Record:
    """Return a record without what only listings, or only single objects, have."""
    match record:
        case Queue():
            return record._replace(qbytes=None)
        case Segment():
            return record._replace(rss=None, swap=None)
        case SemaphoreSet():
            return record


def _classified(
    records: Iterable[Record], seen: Scan, *, state_only: bool = False
) -> Iterator[UsageState]:
    seen = seen.from_here()
    life = cache(recorded)
    doubts = doubts_of(seen, _is_used)
    for record in records:
        facts = collect_facts(record, seen, life, doubts.unseen)
        found = classify(facts)
        if _needs_company(facts, found.state, state_only=state_only):
            found = _in_company(found, doubts.near(record))
        yield found


def _classified_segments(records: Iterable[Record]) -> Iterator[UsageState]:
    """Return the evidence about segments, with a scan only for those that it can change."""
    life = cache(recorded)
    unscanned = nothing()
    for record in records:
        found = classify(collect_facts(record, unscanned, life, _no_doubt))
        if found.state is State.ORPHANED:
            found = classify(collect_facts(record, scan().from_here(), life, _no_doubt))
        yield found


def _needs_company(facts: UsageFacts, state: State, *, state_only: bool) -> bool:
    """Return whether an object in use that changed together with this one makes a difference."""
    if state is State.SUSPECT:
        return True
    never_used = state is State.UNKNOWN and facts.users is not None and not facts.used
    return never_used and facts.kind is not Kind.SEGMENT and not state_only


def _in_company(found: UsageState, other: str) -> UsageState:
    if not other:
        return found
    reason = f"changed together with {other}, which is in use"
    return UsageState(State.UNKNOWN, reason, None, in_company=True)


def _is_used(record: Record) -> bool:
    """Return whether an object is in use, apart from those who wait on it."""
    if _use(collect_facts(record, Scan({}, {}, [], ""), recorded, _no_doubt)):
        return True
    # What is mapped without being attached is seen by a scan alone.
    return isinstance(record, Segment) and next(states(Kind.SEGMENT, [record])) is State.IN_USE


def _no_doubt(_record: Record) -> str:
    return ""


def collect_facts(
    record: Record, seen: Scan, life: _Life, unseen: Callable[[Record], str]
) -> UsageFacts:
    """What is known of the use of an object.

    Args:
        record: the object's, a set's with its semaphores if they may be read.
        seen: what a pass over /proc saw.
        life: what tells of a process on record whether it lives (`recorded`).
        unseen: why somebody may wait unseen on an object.
    """
    users = seen.using(record) if seen.readable else None
    match record:
        case Segment():
            return _segment(record, users, life, seen.incomplete_reason)
        case Queue():
            hidden = "" if users else unseen(record)
            return _queue(record, users, life, hidden)
        case SemaphoreSet():
            hidden = "" if users or _held(record) else unseen(record)
            return _set(record, users, life, hidden)


def _queue(queue: Queue, users: list[User] | None, life: _Life, hidden: str) -> UsageFacts:
    acts = [
        (name, pid, when)
        for name, pid, when in (
            ("last sender", queue.lspid, queue.stime),
            ("last receiver", queue.lrpid, queue.rtime),
        )
        if pid or when
    ]
    # Of what is in use nobody asks who used it before; of thousands that would take its time.
    roles = [] if users else [RecordedProcess(name, life(pid, when)) for name, pid, when in acts]
    return UsageFacts(queue.kind, roles, bool(acts), None, users, hidden)


def _segment(
    segment: Segment, users: list[User] | None, life: _Life, incomplete_reason: str
) -> UsageFacts:
    if segment.nattch:
        return UsageFacts(segment.kind, (), True, segment.nattch, users, incomplete_reason)
    used = bool(segment.lpid or segment.used)
    roles = [RecordedProcess("creator", life(segment.cpid, segment.made))]
    if used:
        roles.append(RecordedProcess("last user", life(segment.lpid, segment.used)))
    # The kernel does not count mappings of /proc/PID/map_files. A process that came from another
    # IPC namespace may have mapped another segment of this id: a doubt, and no leak.
    seen = users or (None if users is None else ())
    return UsageFacts(segment.kind, roles, used, 0, seen, incomplete_reason, segment.key)


def _set(record: SemaphoreSet, users: list[User] | None, life: _Life, hidden: str) -> UsageFacts:
    if record.semaphores is None:
        unread = "its semaphores may not be read"
        return UsageFacts(record.kind, (), True, None, users, unread)  # SETALL leaves otime at 0
    if (held := _held(record)) or users:
        return UsageFacts(record.kind, (), True, held, users, hidden)
    pids = dict.fromkeys(semaphore.pid for semaphore in record.semaphores)
    used = bool(record.otime or any(pids))
    roles = [RecordedProcess("last user", life(pid, record.used)) for pid in pids if pid]
    if used and 0 in pids and not (roles and is_initial("pid")):
        # All others see every process: there, 0 is a semaphore that nobody has used yet.
        roles.append(RecordedProcess("last user", Process(0, None)))
    return UsageFacts(record.kind, roles, used, 0, users, hidden)


def _held(record: Record) -> int:
    """Return how many threads the kernel counts that wait on the semaphores of a set."""
    if not isinstance(record, SemaphoreSet):
        return 0
    return sum(semaphore.ncount + semaphore.zcount for semaphore in record.semaphores or ())
