"""States of objects from given facts and records."""

import pytest

from pyipcs.model import Kind, Queue, Segment, Semaphore, SemaphoreSet, SysvRecord
from pyipcs.usage.processes import Process
from pyipcs.usage.reason import RecordedProcess, UsageFacts
from pyipcs.usage.scan import Scan
from pyipcs.usage.state import classify, collect_facts
from pyipcs.usage.users import User

DEAD, LIVE, HIDDEN, FOREIGN = (
    Process(5, alive=False),
    Process(6, alive=True, command="cat"),
    Process(7, alive=None),
    Process(0, alive=None),
)
CREATOR, USER = "creator", "last user"
SENDER, RECEIVER = "last sender", "last receiver"
CAT = User(6, "cat", "attached")
CLOSED = "/proc cannot be read"

ROWS = {
    "segment attached": (
        UsageFacts(
            Kind.SEGMENT,
            [RecordedProcess(CREATOR, DEAD), RecordedProcess(USER, DEAD)],
            held=1,
            users=[CAT],
        ),
        "in-use: attached 1 time, by 6 (cat)",
    ),
    "segment attached by many": (
        UsageFacts(
            Kind.SEGMENT,
            held=9,
            users=[CAT._replace(times=2), *(User(pid, None, "attached") for pid in range(7, 14))],
        ),
        "in-use: attached 9 times, by 6 (cat), 7, 8, 9 and 4 more",
    ),
    "segment attached by one seen and others unseen": (
        UsageFacts(Kind.SEGMENT, [RecordedProcess(CREATOR, DEAD)], held=3, users=[CAT]),
        "in-use: attached 3 times, by 6 (cat), and by others that were not seen",
    ),
    "segment attached by unseen": (
        UsageFacts(
            Kind.SEGMENT, [RecordedProcess(CREATOR, DEAD)], held=2, users=None, unseen=CLOSED
        ),
        "in-use: attached 2 times, by processes that were not seen",
    ),
    "segment with living creator": (
        UsageFacts(
            Kind.SEGMENT, [RecordedProcess(CREATOR, LIVE), RecordedProcess(USER, DEAD)], held=0
        ),
        "in-use: its creator, 6 (cat), lives",
    ),
    "segment with living user": (
        UsageFacts(
            Kind.SEGMENT, [RecordedProcess(CREATOR, FOREIGN), RecordedProcess(USER, LIVE)], held=0
        ),
        "in-use: its last user, 6 (cat), lives",
    ),
    "segment with living creator and living user": (
        UsageFacts(
            Kind.SEGMENT,
            [RecordedProcess(CREATOR, LIVE), RecordedProcess(USER, Process(8, True, "dog"))],
            held=0,
        ),
        "in-use: its creator, 6 (cat), and its last user, 8 (dog), live",
    ),
    "segment with living creator that is its user": (
        UsageFacts(
            Kind.SEGMENT, [RecordedProcess(CREATOR, LIVE), RecordedProcess(USER, LIVE)], held=0
        ),
        "in-use: its creator and last user, 6 (cat), lives",
    ),
    "segment with creator and user gone": (
        UsageFacts(
            Kind.SEGMENT,
            [RecordedProcess(CREATOR, DEAD), RecordedProcess(USER, Process(9, False))],
            held=0,
        ),
        "orphaned: not attached; its creator, 5, and its last user, 9, are gone; it is private",
    ),
    "segment with creator that is its user gone": (
        UsageFacts(
            Kind.SEGMENT, [RecordedProcess(CREATOR, DEAD), RecordedProcess(USER, DEAD)], held=0
        ),
        "orphaned: not attached; its creator and last user, 5, is gone; it is private",
    ),
    "segment with hidden processes": (
        UsageFacts(
            Kind.SEGMENT,
            [RecordedProcess(CREATOR, DEAD), RecordedProcess(USER, DEAD)],
            held=0,
            unseen="hidden",
        ),
        "orphaned: not attached; its creator and last user, 5, is gone; it is private",
    ),
    "segment with foreign creator": (
        UsageFacts(
            Kind.SEGMENT, [RecordedProcess(CREATOR, FOREIGN), RecordedProcess(USER, DEAD)], held=0
        ),
        "unknown: not attached, but its creator was a process of another PID namespace",
    ),
    "segment with foreign user": (
        UsageFacts(
            Kind.SEGMENT, [RecordedProcess(CREATOR, DEAD), RecordedProcess(USER, FOREIGN)], held=0
        ),
        "unknown: not attached, but its last user was a process of another PID namespace",
    ),
    "segment with hidden creator": (
        UsageFacts(
            Kind.SEGMENT, [RecordedProcess(CREATOR, HIDDEN), RecordedProcess(USER, DEAD)], held=0
        ),
        "unknown: not attached, but whether its creator, 7, lives cannot be seen",
    ),
    "segment never attached": (
        UsageFacts(Kind.SEGMENT, [RecordedProcess(CREATOR, DEAD)], used=False, held=0),
        "unknown: never attached; its creator, 5, is gone",
    ),
    "segment never attached with living creator": (
        UsageFacts(Kind.SEGMENT, [RecordedProcess(CREATOR, LIVE)], used=False, held=0),
        "in-use: its creator, 6 (cat), lives",
    ),
    "segment without proc": (
        UsageFacts(
            Kind.SEGMENT, [RecordedProcess(CREATOR, DEAD)], held=0, users=None, unseen=CLOSED
        ),
        "unknown: /proc cannot be read",
    ),
    "queue waited on": (
        UsageFacts(Kind.QUEUE, [RecordedProcess(SENDER, DEAD)], users=[User(6, "cat", "receive")]),
        "in-use: 6 (cat) waits on it",
    ),
    "queue waited on and hidden processes": (
        UsageFacts(Kind.QUEUE, used=False, users=[CAT, User(7, None, "send")], unseen="hidden"),
        "in-use: 6 (cat) and 7 wait on it",
    ),
    "queue with living sender": (
        UsageFacts(
            Kind.QUEUE,
            [RecordedProcess(SENDER, LIVE), RecordedProcess(RECEIVER, DEAD)],
            unseen="hidden",
        ),
        "in-use: its last sender, 6 (cat), lives",
    ),
    "queue with living receiver": (
        UsageFacts(Kind.QUEUE, [RecordedProcess(SENDER, FOREIGN), RecordedProcess(RECEIVER, LIVE)]),
        "in-use: its last receiver, 6 (cat), lives",
    ),
    "queue with sender that is its receiver gone": (
        UsageFacts(Kind.QUEUE, [RecordedProcess(SENDER, DEAD), RecordedProcess(RECEIVER, DEAD)]),
        "suspect: nobody waits; its last sender and last receiver, 5, is gone",
    ),
    "queue with sender gone and no receiver": (
        UsageFacts(Kind.QUEUE, [RecordedProcess(SENDER, DEAD)]),
        "suspect: nobody waits; its last sender, 5, is gone",
    ),
    "queue with foreign receiver": (
        UsageFacts(Kind.QUEUE, [RecordedProcess(SENDER, DEAD), RecordedProcess(RECEIVER, FOREIGN)]),
        "unknown: nobody waits, but its last receiver was a process of another PID namespace",
    ),
    "queue with hidden sender and receiver": (
        UsageFacts(
            Kind.QUEUE,
            [RecordedProcess(SENDER, HIDDEN), RecordedProcess(RECEIVER, Process(8, None))],
        ),
        "unknown: nobody waits, but whether its last sender, 7, and its last receiver, 8, live "
        "cannot be seen",
    ),
    "queue never used": (UsageFacts(Kind.QUEUE, used=False), "unknown: never used"),
    "queue never used and unreadable process": (
        UsageFacts(Kind.QUEUE, used=False, unseen="1 could not be examined"),
        "unknown: never used, but 1 could not be examined",
    ),
    "queue with sender gone and unreadable process": (
        UsageFacts(Kind.QUEUE, [RecordedProcess(SENDER, DEAD)], unseen="1 could not be examined"),
        "unknown: its last sender, 5, is gone, but 1 could not be examined",
    ),
    "queue without proc": (
        UsageFacts(Kind.QUEUE, [RecordedProcess(SENDER, DEAD)], users=None, unseen=CLOSED),
        "unknown: /proc cannot be read",
    ),
    "set waited on": (
        UsageFacts(
            Kind.SEMAPHORE,
            [RecordedProcess(USER, DEAD)],
            held=2,
            users=[User(6, "cat", "operation")],
        ),
        "in-use: 6 (cat) waits on it",
    ),
    "set waited on by unseen threads": (
        UsageFacts(Kind.SEMAPHORE, [RecordedProcess(USER, DEAD)], held=2),
        "in-use: 2 threads wait on it, and were not seen",
    ),
    "set waited on by one unseen thread": (
        UsageFacts(Kind.SEMAPHORE, used=False, held=1, users=None, unseen=CLOSED),
        "in-use: 1 thread waits on it, and was not seen",
    ),
    "set with living user": (
        UsageFacts(
            Kind.SEMAPHORE, [RecordedProcess(USER, DEAD), RecordedProcess(USER, LIVE)], held=0
        ),
        "in-use: its last user, 6 (cat), lives",
    ),
    "set with user gone": (
        UsageFacts(Kind.SEMAPHORE, [RecordedProcess(USER, DEAD)], held=0),
        "suspect: nobody waits; its last user, 5, is gone",
    ),
    "set with several users gone": (
        UsageFacts(
            Kind.SEMAPHORE,
            [RecordedProcess(USER, Process(pid, alive=False)) for pid in range(1, 8)],
            held=0,
        ),
        "suspect: nobody waits; its last users, 1, 2, 3, 4 and 3 more, are gone",
    ),
    "set with foreign user": (
        UsageFacts(
            Kind.SEMAPHORE, [RecordedProcess(USER, DEAD), RecordedProcess(USER, FOREIGN)], held=0
        ),
        "unknown: nobody waits, but its last user was a process of another PID namespace",
    ),
    "set never used": (UsageFacts(Kind.SEMAPHORE, used=False, held=0), "unknown: never used"),
    "set without read permission": (
        UsageFacts(Kind.SEMAPHORE, unseen="its semaphores may not be read"),
        "unknown: its semaphores may not be read",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_classify_facts_gives_state_and_reason(name: str) -> None:
    facts, expected = ROWS[name]
    classified = classify(facts)
    assert f"{classified.state.value}: {classified.reason}" == expected
    doubt = facts.held or (facts.unseen and facts.kind is not Kind.SEGMENT)
    assert classified.users == (facts.users or (None if doubt else facts.users))


NOTHING = Scan({}, {}, [], "")
CLOSED_SCAN = Scan({}, {}, [], CLOSED, readable=False)


def recorded(pid: int, when: int) -> Process:
    """Return a process that lives if its pid is even, unknown if it is 0."""
    return Process(pid, None if pid == 0 else pid % 2 == 0, f"at {when}")


def collected(record: SysvRecord, seen: Scan = NOTHING, unseen: str = "") -> UsageFacts:
    return collect_facts(record, seen, recorded, lambda _access: unseen)


def queue(*, lspid: int = 0, lrpid: int = 0, stime: int = 0, rtime: int = 0) -> Queue:
    return Queue(1, 2, 0o600, 0, 0, lspid, lrpid, 0, 0, 0, 0, stime, rtime, 50)


def segment(
    *, cpid: int = 1, lpid: int = 0, nattch: int = 0, times: tuple[int, int, int] = (0, 0, 50)
) -> Segment:
    return Segment(1, 2, 0o600, 1, cpid, lpid, nattch, 0, 0, 0, 0, *times)


def semaphores(*pids: int, otime: int = 0, ncount: int = 0, zcount: int = 0) -> SemaphoreSet:
    members = tuple(Semaphore(num, 0, ncount, zcount, pid) for num, pid in enumerate(pids))
    return SemaphoreSet(1, 2, 0o600, len(pids), 0, 0, 0, 0, otime, 50, members)


def roles(facts: UsageFacts) -> list[tuple[str, int, str | None]]:
    return [(role.role, role.process.pid, role.process.command) for role in facts.recorded]


def test_collect_facts_of_queue_gives_sender_and_receiver() -> None:
    facts = collected(queue(lspid=3, stime=10, lrpid=5, rtime=20), unseen="hidden")
    assert roles(facts) == [(SENDER, 3, "at 10"), (RECEIVER, 5, "at 20")]
    assert (facts.used, facts.held, facts.users, facts.unseen) == (True, None, [], "hidden")


def test_collect_facts_of_queue_with_sender_of_another_pid_namespace_gives_pid_0() -> None:
    assert roles(collected(queue(stime=10))) == [(SENDER, 0, "at 10")]


def test_collect_facts_of_unused_queue_gives_unused() -> None:
    assert not collected(queue()).used


def test_collect_facts_of_queue_without_proc_gives_unknown_users() -> None:
    assert collected(queue(), CLOSED_SCAN).users is None


def test_collect_facts_of_segment_dates_creator_by_earliest_time() -> None:
    """IPC_SET changes the ctime of a segment after its use."""
    facts = collected(segment(lpid=3, times=(10, 20, 30)))
    assert roles(facts) == [(CREATOR, 1, "at 10"), (USER, 3, "at 20")]
    assert (facts.used, facts.held, facts.users) == (True, 0, ())


def test_collect_facts_of_unused_segment_gives_creator_alone() -> None:
    facts = collected(segment())
    assert (roles(facts), facts.used) == ([(CREATOR, 1, "at 50")], False)


def test_collect_facts_of_attached_segment_without_proc_gives_unknown_users() -> None:
    assert collected(segment(nattch=1), CLOSED_SCAN).users is None


def test_collect_facts_of_segment_with_user_of_another_pid_namespace_gives_pid_0() -> None:
    assert roles(collected(segment(times=(10, 0, 50))))[1:] == [(USER, 0, "at 10")]


def test_collect_facts_of_set_gives_each_user_once() -> None:
    facts = collected(semaphores(3, 5, 3, otime=70))
    assert roles(facts) == [(USER, 3, "at 70"), (USER, 5, "at 70")]
    assert (facts.used, facts.held, facts.unseen) == (True, 0, "")


def test_collect_facts_of_set_counts_waiting_threads() -> None:
    assert collected(semaphores(3, 5, 3, otime=70, ncount=1, zcount=1)).held == 6


def test_collect_facts_of_set_dates_setval_by_ctime() -> None:
    assert roles(collected(semaphores(3))) == [(USER, 3, "at 50")]


def test_collect_facts_of_unused_set_gives_unused() -> None:
    assert not collected(semaphores(0, 0)).used


def test_collect_facts_of_set_with_user_of_another_pid_namespace_gives_pid_0() -> None:
    assert roles(collected(semaphores(0, otime=5))) == [(USER, 0, None)]


def test_collect_facts_of_set_without_read_permission_gives_reason() -> None:
    facts = collected(semaphores()._replace(semaphores=None))
    assert (facts.held, facts.unseen) == (None, "its semaphores may not be read")
    assert classify(facts).reason == "its semaphores may not be read"
