"""States of POSIX objects, with reasons.

The kernel itself reports by a write lease if anybody has an object open or mapped. A scan of /proc
names the processes. It also decides if the caller may take no lease.
"""

from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import repeat
from typing import NamedTuple

from pyipcs.listing import Listing, listing_of
from pyipcs.model import Kind, PosixRecord, State
from pyipcs.posix import lease
from pyipcs.posix.openness import Openness, probe_listing
from pyipcs.process.identity import effective_uid
from pyipcs.text import phrase, plural
from pyipcs.usage.scan import Scan, scan_files
from pyipcs.usage.state import UsageState
from pyipcs.usage.users import FileKey, User


class _Use(NamedTuple):
    """The use of an object.

    Attributes:
        key: the device and the inode of the object.
        openness: the answer of the kernel to a lease.
        qnum: the number of messages; None if it is unknown, 0 for other kinds than queues.
    """

    key: FileKey
    openness: Openness
    qnum: int | None


def states(listing: Listing) -> Iterator[State | None]:
    """Yield the states of objects; None for an object that was removed.

    Only objects without a lease require a scan. The listing of queues has their messages.
    """
    for use in _uses(listing):
        match use.openness:
            case Openness.GONE:
                yield None
            case Openness.OPEN:
                yield State.IN_USE
            case Openness.CLOSED:
                yield _unused(listing.kind, use.qnum).state
            case _:
                yield _by_scan(listing.kind, use, scan_files()).state


def evidence(listing: Listing) -> Iterator[UsageState | None]:
    """Yield the states of objects with the evidence; see `states`."""
    for use in _uses(listing):
        match use.openness:
            case Openness.GONE:
                yield None
            case Openness.OPEN:
                yield _used(_users(use, scan_files()), scan_files())
            case Openness.CLOSED:
                yield _unused(listing.kind, use.qnum)
            case _:
                yield _by_scan(listing.kind, use, scan_files())


def evidence_of(record: PosixRecord) -> UsageState | None:
    """Return the state of one object with the evidence; None if removed."""
    return next(evidence(listing_of(record.kind, [record])))


def unknown_reason() -> str:
    """Return the reason why the cached scan leaves states unknown."""
    return _unseen(scan_files()) or lease.UNSUPPORTED


def _uses(listing: Listing) -> Iterator[_Use]:
    keys = zip(listing.column("device"), listing.column("inode"), strict=True)
    counts = _message_counts(listing)
    return map(_Use, keys, probe_listing(listing), counts)


def _message_counts(listing: Listing) -> Iterable[int | None]:
    if listing.kind is not Kind.POSIX_QUEUE:
        return repeat(0, listing.length)
    return listing.column("qnum") if listing.has("qnum") else repeat(None, listing.length)


def _unused(kind: Kind, qnum: int | None, check: str = "nobody has it open") -> UsageState:
    """Return the state of an object that nobody has open.

    Args:
        kind: the kind of the object.
        qnum: the number of messages of a queue; None if it is unknown.
        check: the sentence about the use of the object.
    """
    if qnum is None:
        return UsageState(State.UNKNOWN, f"{check}, but its messages cannot be counted")
    if qnum:
        return UsageState(State.SUSPECT, f"{check}, but it has {plural(qnum, 'message')}")
    same = "; a plain file looks the same" if kind is Kind.POSIX_SEGMENT else ""
    return UsageState(State.ORPHANED, f"{check}{same}")


def _by_scan(kind: Kind, use: _Use, seen: Scan) -> UsageState:
    """Return the state of an object by /proc alone."""
    if users := _users(use, seen):
        return _used(users, seen)
    if use.openness is Openness.UNCHECKED:  # maps may have another device of the file system
        return UsageState(State.UNKNOWN, use.openness.value, None)
    if unseen := _unseen(seen, use.key[0]):
        return UsageState(State.UNKNOWN, f"{use.openness.value}, and {unseen}", None)
    return _unused(kind, use.qnum, "no process in /proc has it open")


def _used(users: Sequence[User], seen: Scan) -> UsageState:
    """Return the state of an object that somebody has open or mapped."""
    if not users:
        unseen = _unseen(seen)
        rest = f" ({unseen})" if unseen else ""
        reason = f"open or mapped by a process that was not seen{rest}"
        return UsageState(State.IN_USE, reason, None)
    closed = {one.pid for one in seen.unreadable}
    can_wait_unseen = any(user.pid in closed for user in users)
    reason = _use_reason(users)
    return UsageState(State.IN_USE, reason, users, can_wait_unseen=can_wait_unseen)


def _users(use: _Use, seen: Scan) -> Sequence[User]:
    users = seen.file_uses.users.get(use.key, {})
    return [users[key] for key in sorted(users)]


def _use_reason(users: Sequence[User]) -> str:
    """Return the sentence about the visible users of an object."""
    waiting = {user.pid: user.named for user in users if user.is_waiting}
    holding = {user.pid: user.named for user in users if user.pid not in waiting}
    mapping = {user.pid for user in users if user.has_mapped} & holding.keys()
    how = "open" if not mapping else "mapped" if len(mapping) == len(holding) else "open or mapped"
    clauses = []
    if holding:
        clauses.append(f"{phrase([*holding.values()])} {_verb(holding, 'has', 'have')} it {how}")
    if waiting:
        clauses.append(f"{phrase([*waiting.values()])} {_verb(waiting, 'waits', 'wait')} on it")
    return "; ".join(clauses)


def _verb(processes: Sized, singular: str, plural: str) -> str:
    return singular if len(processes) == 1 else plural


def _unseen(seen: Scan, device: int | None = None) -> str:
    """Return the reason why a user may be unseen; empty without one.

    Args:
        seen: the scan.
        device: the file system of the object; None for any.
    """
    if not seen.readable or seen.incomplete_reason:
        return seen.incomplete_reason
    files = seen.file_uses
    if device is not None and device not in files.devices:
        return "its file system was not examined"
    if not files.closed:
        return ""
    user = effective_uid()
    is_own = any(one.uid in {None, user} for one in files.closed.values())
    whose = "" if is_own else "of other users "
    number = len(files.closed)
    hint = " (try as root)" if user else ""
    return f"{number} process{'es' if number > 1 else ''} {whose}cannot be examined{hint}"
