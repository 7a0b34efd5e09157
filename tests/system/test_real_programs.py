"""Real programs: the states of their objects, and the removal of the leaked ones."""

import json
import os
from collections.abc import Iterator, Mapping, Set
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from pyipcs.model import POSIX, Kind
from tests.kit.documents import ROOT
from tests.kit.family import adoption
from tests.kit.kernel import IS_ROOT, remove, row
from tests.kit.posix import ShmFiles, is_in_use
from tests.kit.program import need_success, pyipcs
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

ROUNDS = int(os.environ.get("PYIPCS_TEST_ROUNDS", "5"))
TOGETHER = "changed together with "
UNREADABLE = ", and may wait on it"  # processes of other users


class Use(NamedTuple):
    """A state and its reason."""

    state: str
    reason: str


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
    done = pyipcs(*args, "-f", "jsonl")
    assert (done.status, done.err if IS_ROOT else "") == (0, "")
    documents = [json.loads(line) for line in done.out.splitlines()]
    return {
        Object(Kind(each["kind"]), each.get("id", each.get("name"))): Use(
            each.get("state", ""), each.get("reason", "")
        )
        for each in documents
    }


def sure(found: Set[Object]) -> set[Object]:
    """Return the objects whose state no process of another user can change.

    To an ordinary user a queue or a set is unknown while a process that may wait on it cannot be
    examined; such processes come and go.
    """
    return {each for each in found if IS_ROOT or each.kind not in {Kind.QUEUE, Kind.SEMAPHORE}}


def states() -> dict[Object, Use]:
    """Return all objects with their states."""
    return listed("list", "-o", "+STATE,REASON") | posix_states()


def posix_states() -> dict[Object, Use]:
    """Return the POSIX objects with the states that the kernel's leases give."""
    found = {}
    for each in present():
        with suppress(FileNotFoundError):  # its program removed it
            if each.kind in POSIX:
                found[each] = Use(state_by_lease(each), "")
    return found


def state_by_lease(each: Object) -> str:
    """Return the state of a POSIX object from a lease and from the bytes in a queue."""
    if is_in_use(each.path):
        return IN_USE
    has_messages = each.kind is Kind.POSIX_QUEUE and "QSIZE:0 " not in each.path.read_text()
    return SUSPECT if has_messages else ORPHANED


def named() -> set[Object]:
    """Return the objects that a dry run of a removal names."""
    return set(listed("rm", "--all", "--suspect", "-n")) | removable(posix_states())


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
        sure = [use for use in uses.values() if not is_in_doubt(use, among_others=among_others)]
        assert {use.state for use in sure} <= set(allowed), uses
        if not made.changes:
            assert len(uses) >= (made.count if allowed else 0), found
    assert {each.kind for each in found} <= program.made.keys()


def is_in_doubt(use: Use, *, among_others: bool) -> bool:
    """Return True if the processes of other programs or users make a state unknown."""
    by_program = among_others and use.reason.startswith(TOGETHER)
    by_user = not IS_ROOT and UNREADABLE in use.reason
    return use.state == UNKNOWN and (by_program or by_user)


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
        leaked = removable(left)
        assert sure(named()) == sure(leaked)

        remove_leaked(leaked)
        assert sure(present()) == sure(left.keys() - leaked)

        remove_all()
        run.start()
        check_states(program, states(), killed=False)


def remove_leaked(leaked: set[Object]) -> None:
    """Remove leaked objects, as an administrator does."""
    done = pyipcs("rm", "--all", "--suspect", "-y")
    assert done == (0, "", "") or not IS_ROOT
    for each in leaked:
        if each.kind in POSIX:
            each.path.unlink()


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
    leaked = removable(left)
    assert sure(named()) == sure(leaked)
    remove_leaked(leaked)
    assert sure(present()) == sure(left.keys() - leaked)


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


def test_table_of_real_programs_in_readme_shows_their_definitions() -> None:
    assert table() in Path(ROOT, "tests/README.md").read_text()
