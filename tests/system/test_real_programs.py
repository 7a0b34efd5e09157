"""Real programs: the states of their objects, and the removal of the leaked ones."""

import json
import os
from collections.abc import Iterator, Mapping, Set
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from pyipcs.model import POSIX, SYSV, Kind
from tests.kit.documents import ROOT
from tests.kit.family import adoption
from tests.kit.kernel import IS_ROOT, remove, row
from tests.kit.posix import ShmFiles, is_in_use
from tests.kit.program import Result, inline, need_success
from tests.kit.wait import wait_until
from tests.system.programs.by_hand import BY_HAND
from tests.system.programs.program import (
    IN_USE,
    ORPHANED,
    SUSPECT,
    UNKNOWN,
    Object,
    Program,
    Running,
    present,
    running,
)
from tests.system.programs.required import REQUIRED, STRESS_NG_POSIX
from tests.system.programs.table import table

ROUNDS = int(os.environ.get("PYIPCS_TEST_ROUNDS", "3"))
REMOVALS = [
    (SYSV, ("--all", "--suspect"), {ORPHANED, SUSPECT}),
    (POSIX, ("--all=posix", "--orphaned"), {ORPHANED}),
    (POSIX, ("--all=posix", "--suspect"), {SUSPECT}),
]
TOGETHER = "changed together with "
# Others lack the rights to examine some processes, or the PID namespace of the machine.
SEES_ALL_PROCESSES = IS_ROOT and Path("/proc/self/ns/pid").stat().st_ino == 0xEFFFFFFC


class Use(NamedTuple):
    """A state, its reason, and the users of a POSIX object."""

    state: str
    reason: str
    users: list[int] | None


@pytest.fixture
def programs(isolated: None, shm: ShmFiles, own_mqueue: None) -> Iterator[None]:
    """Adopt the daemons of programs, and remove the objects that programs leave."""
    with adoption():
        yield
    remove_all()


def remove_all() -> None:
    """Remove all objects, without pyipcs."""
    for each in present():
        if each.kind in POSIX:
            each.path.unlink()
        else:
            remove(each.kind, int(each.name))


def as_parameters(programs: list[Program], *marks: pytest.MarkDecorator) -> list[object]:
    """Return the programs as parameters of a test that needs their tools."""
    return [
        pytest.param(each, id=each.name, marks=[pytest.mark.tools(*each.tools), *marks])
        for each in programs
    ]


def listed(*args: str) -> dict[Object, Use]:
    """Return the objects in a listing or a dry run of pyipcs, and their states if they have."""
    done = inline(*args, "-f", "jsonl")
    check_errors(done)
    documents = [json.loads(line) for line in done.out.splitlines()]
    return {
        Object(Kind(each["kind"]), each.get("id", each.get("name"))): Use(
            each.get("state", ""), each.get("reason", ""), each.get("users")
        )
        for each in documents
    }


def check_errors(done: Result) -> None:
    """Check that pyipcs reported no error, except for a folder in /dev/shm.

    If it does not see all processes, it also reports queues and sets in doubt.
    """
    errors = [line for line in done.err.splitlines() if "(no POSIX objects)" not in line]
    assert (done.status, errors) == (0, []) or not SEES_ALL_PROCESSES


def sure(found: Set[Object]) -> set[Object]:
    """Return the objects whose state no unseen process can change.

    A queue or a set is unknown while a process that may wait on it cannot be examined; such
    processes come and go.
    """
    return {each for each in found if SEES_ALL_PROCESSES or not may_have_unseen_waiter(each)}


def may_have_unseen_waiter(each: Object) -> bool:
    """Return True for a queue and a set: the kernel counts the users of other objects."""
    return each.kind in {Kind.QUEUE, Kind.SEMAPHORE}


def states() -> dict[Object, Use]:
    """Return all objects with their states."""
    return listed("list", "--sysv", "--posix", "-o", "+STATE,REASON,USERS")


def state_by_lease(each: Object) -> str:
    """Return the state of a POSIX object from a lease and from the bytes in a queue."""
    if is_in_use(each.path):
        return IN_USE
    has_messages = each.kind is Kind.POSIX_QUEUE and "QSIZE:0 " not in each.path.read_text()
    return SUSPECT if has_messages else ORPHANED


def named() -> set[Object]:
    """Return the objects that a dry run of a removal names."""
    return set(listed("rm", "--all=sysv,posix", "--suspect", "-n"))


def removable(found: Mapping[Object, Use]) -> set[Object]:
    """Return the objects in a state in which `rm --suspect` removes them."""
    return {each for each, use in found.items() if use.state in {ORPHANED, SUSPECT}}


def are_unused(objects: Set[Object]) -> bool:
    """Return True if no process has an object attached, open or mapped, as the kernel shows."""
    return not any(
        row(each.kind, int(each.name))["nattch"] != "0"
        if each.kind is Kind.SEGMENT
        else each.kind in POSIX and is_in_use(each.path)
        for each in objects
    )


def check_states(
    program: Program,
    found: Mapping[Object, Use],
    *,
    killed: bool,
    among_others: bool = False,
) -> None:
    """Compare the objects and states of a program with its definition.

    Among other programs of its user, a queue or a set can be in doubt.
    """
    for kind, made in program.made.items():
        uses = {each: use for each, use in found.items() if each.kind is kind}
        allowed = made.killed if killed else made.running
        in_doubt = {UNKNOWN} if not sure(uses.keys()) else set()
        judged = [use for use in uses.values() if not among_others or TOGETHER not in use.reason]
        assert {use.state for use in judged} <= {*allowed, *in_doubt}, uses
        if killed or not made.changes:
            check_leases(uses)
        if not made.changes:
            assert len(uses) >= (made.count if allowed else 0), found
    assert {each.kind for each in found} <= program.made.keys()


def check_leases(uses: Mapping[Object, Use]) -> None:
    """Compare the states of POSIX objects with the kernel's leases, and their users with both."""
    for each, use in uses.items():
        if each.kind in POSIX:
            assert use.state == state_by_lease(each)
            assert bool(use.users) == (use.state == IN_USE)


def may_be_named(program: Program, each: Object) -> bool:
    """Return True if a running program has nothing open of an object at times."""
    return each.kind in program.made and ORPHANED in program.made[each.kind].running


# -- Each program alone.


@pytest.mark.slow
@pytest.mark.parametrize(
    "program", as_parameters(REQUIRED) + as_parameters(BY_HAND, pytest.mark.real)
)
def test_rm_suspect_spares_running_program_and_removes_leaked_objects(
    programs: None, program: Program
) -> None:
    need_success(program.check)
    with running(program) as run:
        check_states(program, states(), killed=False)
        assert {each for each in named() if not may_be_named(program, each)} == set()

        run.kill()
        wait_until(lambda: are_unused(present()))
        left = states()
        check_states(program, left, killed=True)
        assert sure(named()) == sure(removable(left))

        remove_leaked(left)
        remove_all()
        run.start()
        check_states(program, states(), killed=False)


def remove_leaked(left: Mapping[Object, Use]) -> None:
    """Remove the leaked objects with pyipcs, and compare the rest with their states."""
    rest = set(left)
    for kinds, arguments, selected in REMOVALS:
        if not any(each.kind in kinds for each in rest):
            continue
        check_errors(inline("rm", *arguments, "-y"))
        rest -= {each for each in rest if each.kind in kinds and left[each].state in selected}
        assert sure(present()) == sure(rest)


# -- All at once.


@pytest.mark.slow
@pytest.mark.tools(*sorted({tool for program in REQUIRED for tool in program.tools}))
def test_rm_suspect_of_programs_running_together_names_only_the_killed(programs: None) -> None:
    for program in REQUIRED:
        need_success(program.check)
    with ExitStack() as stack:
        runs, stable = start_all(stack)
        owned = set().union(*stable.values())
        for _ in range(ROUNDS):
            names = named()
            assert names & owned == set()
            assert {each for each in names if not may_be_named(STRESS_NG_POSIX, each)} == set()

        killed: set[Object] = set()
        for run in reversed(runs):  # those first whose objects change
            run.kill()
            created = stable.get(run.program.name) or of_kinds(run.program, present() - owned)
            wait_until(partial(are_unused, created))
            killed |= created
            found = states()
            uses = {each: found[each] for each in created}
            check_states(run.program, uses, killed=True, among_others=True)
            leaked = removable(found)
            assert leaked <= killed
            assert sure(named()) == sure(leaked)

    left = states()
    for run in runs:
        created = stable.get(run.program.name) or of_kinds(run.program, left.keys() - owned)
        check_states(run.program, {each: left[each] for each in created}, killed=True)
    assert sure(named()) == sure(removable(left))
    remove_leaked(left)


def start_all(stack: ExitStack) -> tuple[list[Running], dict[str, set[Object]]]:
    """Start the required programs; return them, and the objects of those whose objects stay."""
    runs, stable, before = [], {}, present()
    for program in sorted(REQUIRED, key=has_changes):
        runs.append(stack.enter_context(running(program)))
        if not has_changes(program):
            stable[program.name] = present() - before
            before = present()
    return runs, stable


def of_kinds(program: Program, found: Set[Object]) -> set[Object]:
    """Return the objects of the kinds that a program creates."""
    return {each for each in found if each.kind in program.made}


def has_changes(program: Program) -> bool:
    """Return True if a program removes and creates objects all the time."""
    return any(made.changes for made in program.made.values())


def test_table_of_real_programs_in_readme_has_their_definitions() -> None:
    assert table() in Path(ROOT, "tests/README.md").read_text()
