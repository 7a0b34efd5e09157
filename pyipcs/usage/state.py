"""States of objects (in use, orphaned, suspect, unknown), with reasons.

Only segments have a count of attachments in the kernel. Therefore a segment can be orphaned for
certain; a queue or a semaphore set can only be suspect.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from pyipcs.errors import IpcError
from pyipcs.listing import Listing
from pyipcs.model import (
    LISTED_VALUES,
    RECORDS,
    Kind,
    Queue,
    Segment,
    SemaphoreSet,
    State,
    SysvRecord,
)
from pyipcs.process.identity import effective_uid
from pyipcs.sysv.namespace import is_initial
from pyipcs.usage.doubt import doubts_of
from pyipcs.usage.processes import Process, recorded
from pyipcs.usage.reason import (
    RecordedProcess,
    UsageFacts,
    doubt_reason,
    leak_reason,
    related_reason,
    use_reason,
)
from pyipcs.usage.scan import Scan, empty_scan, scan, scan_for
from pyipcs.usage.users import User

_Life: TypeAlias = Callable[[int, int], Process]
# The fields of queues and sets on which a state does not depend.
_STATELESS = {"key", "id", "cbytes", "qnum", "qbytes"}


class UsageState(NamedTuple):
    """The state of an object, with the evidence for it.

    Attributes:
        state: the state.
        reason: the reason, in a sentence.
        users: the processes that use the object; None if a process uses it unseen, or may.
        has_related_in_use: True if the state is unknown because a related object is in use.
        can_wait_unseen: True if a user of a POSIX object may wait on it unseen.
    """

    state: State
    reason: str
    users: Sequence[User] | None = ()
    has_related_in_use: bool = False
    can_wait_unseen: bool = False

    @property
    def waiting(self) -> Sequence[User] | None:
        """The users that wait for the object; None if they are unknown."""
        if self.users is None or self.can_wait_unseen:
            return None
        return [user for user in self.users if user.is_waiting]

    @property
    def mapping(self) -> Sequence[User] | None:
        """The users that have mapped the object; None if they are unknown."""
        return None if self.users is None else [user for user in self.users if user.has_mapped]


def classify(facts: UsageFacts) -> UsageState:
    """Return the state of an object by its facts; a doubt excludes a leak."""
    state, reason = State.IN_USE, use_reason(facts)
    if not reason:
        state, reason = State.UNKNOWN, doubt_reason(facts)
    if not reason:
        state = State.ORPHANED if facts.kind is Kind.SEGMENT else State.SUSPECT
        reason = leak_reason(facts)
    return UsageState(state, reason, _users(facts))


def _users(facts: UsageFacts) -> Sequence[User] | None:
    """Return the users of an object; None if all are, or may be, unseen."""
    unseen = facts.held or (facts.unseen and facts.kind is not Kind.SEGMENT)
    return None if unseen and not facts.users else facts.users


def states(listing: Listing) -> Iterator[State]:
    """Yield the states of System V objects without evidence.

    Segments are scanned only if that can change a state.

    Args:
        listing: the objects; sets with their semaphores.
    """
    if listing.kind is Kind.SEGMENT:
        return (found.state for found in _classified_segments(listing.records()))
    seen = scan(attached=False).from_here()
    cases = _cases(listing, seen)
    example_of = dict(zip(cases, range(len(cases)), strict=True))
    examples = listing.take([*example_of.values()])
    found = (one.state for one in _classified(examples.records(), seen, state_only=True))
    state_of = dict(zip(example_of, found, strict=True))
    return map(state_of.__getitem__, cases)


def _cases(listing: Listing, seen: Scan) -> list[tuple[object, ...]]:
    """Return the values of each object on which its state depends.

    The id counts only for objects with visible users. Thousands of unused queues have few cases.
    """
    used = {
        object_id
        for namespace, kind, object_id in seen.users
        if namespace == seen.here and kind is listing.kind
    }
    fields = [one for one in RECORDS[listing.kind]._fields if one not in _STATELESS]
    columns = [listing.column(field) for field in fields if listing.has(field)]
    ids = (one if one in used else None for one in listing.ids)
    return [*zip(ids, *columns, strict=True)]


def evidence(listing: Listing) -> Iterator[UsageState]:
    """Yield the states of objects with the evidence; see `states`."""
    return _classified(listing.records(), scan_for(listing.kind))


def evidence_of(record: SysvRecord) -> UsageState:
    """Return the state of one object, by the cheapest scan for its kind."""
    if isinstance(record, Segment) and not record.nattch:
        return next(_classified_segments([record]))
    return next(_classified([record], scan_for(record.kind)))


def unknown_reason() -> str:
    """Return the reason why the cached scan leaves states unknown."""
    seen = scan(attached=False).from_here()
    if seen.incomplete_reason or not seen.readable:
        return seen.incomplete_reason
    user = effective_uid()
    unreadable = [one for one in seen.unreadable if one.namespace in {None, seen.here}]
    if not unreadable:
        return "their semaphores may not be read"
    whose = "" if any(one.uid in {None, user} for one in unreadable) else " of other users"
    number = len(unreadable)
    processes = f"{number} process{'es' if number > 1 else ''}{whose}"
    return f"{processes} cannot be examined{' (try as root)' if user else ''}"


def waited(records: Iterable[SysvRecord]) -> Iterator[bool]:
    """Yield a bool for each queue or set: True if a process is known to wait."""
    seen = scan(attached=False).from_here()
    return (bool(_held(record) or seen.using(record)) for record in records)


def is_clear(record: SysvRecord, *, is_strict: bool) -> bool:
    """Return True if the cached scan shows no sign of use of an object.

    Args:
        record: the record of the object.
        is_strict: True if a doubt counts as a sign.
    """
    seen = scan_for(record.kind).from_here()
    if seen.using(record) or not seen.readable:
        return False
    if not is_strict or isinstance(record, Segment):
        return True
    doubts = doubts_of(seen, _is_used)
    return not (doubts.unseen(record) or doubts.related_to(record))


def is_unchanged(record: SysvRecord) -> bool:
    """Return True if the kernel still has this record of an object.

    The semaphores of a set are part of the record. An unchanged record has the same processes, and
    an exited process stays exited.
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
    values = LISTED_VALUES[record.kind]
    return values(now) == values(record)


def _classified(
    records: Iterable[SysvRecord], seen: Scan, *, state_only: bool = False
) -> Iterator[UsageState]:
    seen = seen.from_here()
    doubts = doubts_of(seen, _is_used)
    for record in records:
        facts = collect_facts(record, seen, recorded, doubts.unseen)
        found = classify(facts)
        if _depends_on_related(facts, found.state, state_only=state_only):
            found = _with_related(found, doubts.related_to(record))
        yield found


def _classified_segments(records: Iterable[SysvRecord]) -> Iterator[UsageState]:
    """Yield the states of segments; scan only if that can change a state."""
    unscanned = empty_scan()
    for record in records:
        found = classify(collect_facts(record, unscanned, recorded, _no_doubt))
        if found.state is State.ORPHANED:
            found = classify(collect_facts(record, scan().from_here(), recorded, _no_doubt))
        yield found


def _depends_on_related(facts: UsageFacts, state: State, *, state_only: bool) -> bool:
    """Return True if the state depends on related objects."""
    if state is State.SUSPECT:
        return True
    never_used = state is State.UNKNOWN and facts.users is not None and not facts.used
    return never_used and facts.kind is not Kind.SEGMENT and not state_only


def _with_related(found: UsageState, other: str) -> UsageState:
    if not other:
        return found
    return UsageState(State.UNKNOWN, related_reason(other), None, has_related_in_use=True)


def _is_used(record: SysvRecord) -> bool:
    """Return True if an object is in use; ignore waiting processes."""
    if use_reason(collect_facts(record, Scan({}, {}, [], ""), recorded, _no_doubt)):
        return True
    # Only a scan shows a segment that is mapped without being attached.
    return isinstance(record, Segment) and evidence_of(record).state is State.IN_USE


def _no_doubt(_record: SysvRecord) -> str:
    return ""


def collect_facts(
    record: SysvRecord, seen: Scan, life: _Life, unseen: Callable[[SysvRecord], str]
) -> UsageFacts:
    """Return the facts about the use of an object.

    Args:
        record: the record; that of a set has its semaphores if the caller may read them.
        seen: a scan of /proc.
        life: `recorded`, which has a cache.
        unseen: a function that returns the reason why a process may wait on an object unseen.
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
        (role, pid, when)
        for role, pid, when in (
            ("last sender", queue.lspid, queue.stime),
            ("last receiver", queue.lrpid, queue.rtime),
        )
        if pid or when
    ]
    # Former users do not affect a queue in use; skip them, because thousands would take long.
    former = [] if users else [RecordedProcess(role, life(pid, when)) for role, pid, when in acts]
    return UsageFacts(queue.kind, former, bool(acts), None, users, hidden)


def _segment(
    segment: Segment, users: list[User] | None, life: _Life, incomplete_reason: str
) -> UsageFacts:
    if segment.nattch:
        return UsageFacts(segment.kind, (), True, segment.nattch, users, incomplete_reason)
    used = bool(segment.lpid or segment.last_use_time)
    former = [RecordedProcess("creator", life(segment.cpid, segment.creation_time))]
    if used:
        former.append(RecordedProcess("last user", life(segment.lpid, segment.last_use_time)))
    # A process can map a segment through /proc/PID/map_files, which nattch does not count. Such a
    # segment is in use, although a process from another IPC namespace may have mapped another
    # segment with the same id.
    mapped_by = None if users is None else (*users,)
    return UsageFacts(segment.kind, former, used, 0, mapped_by, incomplete_reason, segment.key)


def _set(record: SemaphoreSet, users: list[User] | None, life: _Life, hidden: str) -> UsageFacts:
    if record.semaphores is None:
        unread = "its semaphores may not be read"
        return UsageFacts(record.kind, (), True, None, users, unread)  # SETALL leaves otime at 0
    if (held := _held(record)) or users:
        return UsageFacts(record.kind, (), True, held, users, hidden)
    pids = dict.fromkeys(semaphore.pid for semaphore in record.semaphores)
    used = bool(record.otime or any(pids))
    former = [RecordedProcess("last user", life(pid, record.last_use_time)) for pid in pids if pid]
    if used and 0 in pids and not (former and is_initial("pid")):
        # In the initial PID namespace, which has all processes, 0 means an unused semaphore.
        former.append(RecordedProcess("last user", Process(0, None)))
    return UsageFacts(record.kind, former, used, 0, users, hidden)


def _held(record: SysvRecord) -> int:
    """Return the number of waiting threads that the kernel counts for a set."""
    if not isinstance(record, SemaphoreSet):
        return 0
    return sum(semaphore.ncount + semaphore.zcount for semaphore in record.semaphores or ())
