"""The choice of in use, in doubt or leaked, with the sentence of REASON.

`state.classify` asks use_reason, then doubt_reason, then leak_reason. An empty text means that the
case does not apply: a changed condition here changes the state of objects.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pyipcs.model import Kind
from pyipcs.text import phrase, plural
from pyipcs.usage.processes import Process
from pyipcs.usage.users import User


class RecordedProcess(NamedTuple):
    """A process in the record of an object.

    Attributes:
        role: "creator", "last user", "last sender" or "last receiver".
        process: the process; the pid is 0 for a process of another PID namespace.
    """

    role: str
    process: Process


class UsageFacts(NamedTuple):
    """The facts about the use of an object.

    Attributes:
        kind: the kind of the object.
        recorded: the processes in its record.
        used: True if a process has used the object after its creation.
        held: the number of attachments or waiting threads that the kernel counts; None for a queue,
            which has no count.
        users: the visible processes that use the object now; None if no process is visible.
        unseen: the reason why a process may wait on the object unseen; empty without one.
        key: the key; 0 is IPC_PRIVATE.
    """

    kind: Kind
    recorded: Sequence[RecordedProcess] = ()
    used: bool = True
    held: int | None = None
    users: Sequence[User] | None = ()
    unseen: str = ""
    key: int = 0


def use_reason(facts: UsageFacts) -> str:
    """Return the reason why an object is in use; empty if it is not."""
    if facts.held or facts.users:
        return _attached(facts) if facts.kind is Kind.SEGMENT else _waiting(facts)
    alive = [one for one in facts.recorded if one.process.alive]
    return f"{_processes(alive)} {_verb(alive, 'lives', 'live')}" if alive else ""


def doubt_reason(facts: UsageFacts) -> str:
    """Return the reason why an object is in doubt; empty if it is leaked."""
    doubtful = [one for one in facts.recorded if one.process.alive is None]
    if facts.users is None:
        return facts.unseen
    if doubtful:
        return f"{_idle(facts)}, but {_unknown(doubtful)}"
    if facts.kind is Kind.SEGMENT:
        return "" if facts.used else f"never attached; {_gone(facts)}"
    if not facts.used:
        return f"never used, but {facts.unseen}" if facts.unseen else "never used"
    if facts.unseen and facts.recorded:
        return f"{_gone(facts)}, but {facts.unseen}"
    return facts.unseen


def leak_reason(facts: UsageFacts) -> str:
    """Return the reason why an object is orphaned or suspect."""
    return f"{_idle(facts)}; {_gone(facts)}{_findable(facts)}"


def related_reason(other: str) -> str:
    """Return the reason for a doubt: a related object is in use."""
    return f"changed together with {other}, which is in use"


def _idle(facts: UsageFacts) -> str:
    return "not attached" if facts.kind is Kind.SEGMENT else "nobody waits"


def _gone(facts: UsageFacts) -> str:
    return f"{_processes(facts.recorded)} {_verb(facts.recorded, 'is', 'are')} gone"


def _findable(facts: UsageFacts) -> str:
    """Return the end of the sentence about an orphaned segment: its key."""
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


def _processes(recorded: Iterable[RecordedProcess]) -> str:
    """Return processes with roles, as "its creator, 5 (cat),"."""
    roles: dict[str, list[str]] = {}
    for one in recorded:
        names = roles.setdefault(one.process.named, [])
        if one.role not in names:
            names.append(one.role)
    groups: dict[str, list[str]] = {}
    for process, names in roles.items():
        groups.setdefault(" and ".join(names), []).append(process)
    return " and ".join(
        f"its {names}{'s' if len(some) > 1 else ''}, {phrase(some)},"
        for names, some in groups.items()
    )


def _verb(recorded: Iterable[RecordedProcess], singular: str, plural: str) -> str:
    return singular if len({one.process.pid for one in recorded}) == 1 else plural


def _unknown(recorded: Sequence[RecordedProcess]) -> str:
    """Return the end of the sentence about processes that may live."""
    foreign = [one.role for one in recorded if one.process.pid == 0]
    if foreign:
        names = " and ".join(dict.fromkeys(foreign))
        return f"its {names} was a process of another PID namespace"
    return f"whether {_processes(recorded)} {_verb(recorded, 'lives', 'live')} cannot be seen"
