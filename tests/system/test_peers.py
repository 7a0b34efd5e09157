"""list, make and rm against ipcs, ipcmk and ipcrm, byte for byte."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import groupby, product
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyipcs.model import SYSV, Kind
from pyipcs.sysv import libc
from tests.kit import kernel
from tests.kit.isolation import ACCENTED_USER_ID, LONG_USER_ID, NAMELESS_ID
from tests.kit.kernel import IS_ROOT, NOBODY, Objects, attached, ids, row
from tests.kit.program import Result, as_nobody, invoke, peer_as_nobody, run

pytestmark = [
    pytest.mark.usefixtures("isolated"),
    pytest.mark.tools("ipcs", "ipcmk", "ipcrm"),
]

SHM_NORESERVE = 0o10000
KINDS = ("", "-q", "-m", "-s", "-a", "-qm", "-sm", "-qs")
VIEWS = ("", "-t", "-p", "-c", "-l", "-u", "-ut", "-lp")
UNITS = ("", "-b", "--human", "-b --human")
OWNERS = (0, NOBODY, LONG_USER_ID, ACCENTED_USER_ID, NAMELESS_ID, 2**31, 1)

COMMAND_LINES = [" ".join(words).split() for words in product(KINDS, VIEWS, UNITS)]


def assert_same_as_ipcs(*args: str) -> None:
    """Assert that pyipcs and ipcs print the same and end with the same status."""
    theirs = run("ipcs", *args)
    ours = invoke("list", *args)
    assert ours.out == theirs.out, args
    assert (ours.status, ours.err) == (theirs.status, ""), args


class Spec(NamedTuple):
    """An object to create, and what to do with it."""

    kind: Kind
    key: int
    mode: int
    size: int
    uid: int
    gid: int
    used: bool
    used_twice: bool
    locked: bool
    destroyed: bool


SIZES = st.one_of(
    st.integers(1, 10_000),
    st.integers(1, 2**62),
    st.builds(
        lambda shift, more: max(1, (1 << shift) + more), st.integers(0, 61), st.integers(-60, 60)
    ),
)
SPECS = st.builds(
    Spec,
    kind=st.sampled_from(SYSV),
    key=st.one_of(st.just(0), st.integers(-(2**31), 2**31 - 1)),
    mode=st.integers(0, 0o777),
    size=SIZES,
    uid=st.sampled_from(OWNERS),
    gid=st.sampled_from(OWNERS),
    used=st.booleans(),
    used_twice=st.booleans(),
    locked=st.booleans(),
    destroyed=st.booleans(),
)


@contextmanager
def population(specs: list[Spec]) -> Iterator[None]:
    """Create objects within a `with` block."""
    made = Objects()
    with ExitStack() as stack:
        stack.callback(made.remove_all)
        for spec in {
            (spec.kind, spec.key or index): spec for index, spec in enumerate(specs)
        }.values():
            _make(spec, made, stack)
        yield


def _make(spec: Spec, made: Objects, stack: ExitStack) -> None:
    mode = spec.mode if IS_ROOT else spec.mode | 0o600
    match spec.kind:
        case Kind.QUEUE:
            object_id = made.queue(spec.key, mode)
            if spec.used:
                kernel.send(object_id, b"x" * (spec.size % 64))
            if spec.used and spec.used_twice:
                kernel.receive(object_id)
        case Kind.SEGMENT:
            object_id = made.segment(spec.key, mode, spec.size, SHM_NORESERVE)
            if spec.size < 2**20:
                _use_segment(object_id, spec, stack)
        case Kind.SEMAPHORE:
            object_id = made.semaphores(spec.key, mode, spec.size % 50 + 1)
            if spec.used:
                libc.set_values(object_id, [spec.size % 1000] * (spec.size % 50 + 1))
    if IS_ROOT:
        libc.change(spec.kind, object_id, uid=spec.uid, gid=spec.gid)


def _use_segment(shmid: int, spec: Spec, stack: ExitStack) -> None:
    if spec.used:
        with attached(shmid):
            pass
    if spec.locked and IS_ROOT:
        kernel.lock(shmid)
    if spec.destroyed:
        stack.enter_context(attached(shmid))
        kernel.remove(Kind.SEGMENT, shmid)


@pytest.mark.usefixtures("accounts")
class TestList:
    """pyipcs list against ipcs."""

    def test_all_options_without_objects_equal_ipcs(self) -> None:
        for args in COMMAND_LINES:
            assert_same_as_ipcs(*args)

    def test_all_options_with_objects_equal_ipcs(self) -> None:
        specs = [
            Spec(kind, key, mode, size, uid, uid, used, not used, mode > 0o400, key == -7)
            for kind in SYSV
            for index, (key, mode, size, uid, used) in enumerate(
                [
                    (0x1234, 0o644, 5, 0, True),
                    (-7, 0o600, 1000, NOBODY, True),
                    (0, 0, 2**40 + 2**39, LONG_USER_ID, False),
                    (-(2**31), 0o777, 12345, NAMELESS_ID, False),
                    (2**31 - 1, 0o77, 4095, ACCENTED_USER_ID, True),
                ]
            )
        ]
        with population(specs):
            for args in COMMAND_LINES:
                assert_same_as_ipcs(*args)

    @pytest.mark.slow
    @settings(
        max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        specs=st.lists(SPECS, max_size=12),
        lines=st.lists(st.sampled_from(COMMAND_LINES), min_size=6, max_size=6, unique_by=tuple),
    )
    def test_generated_populations_equal_ipcs(
        self, specs: list[Spec], lines: list[list[str]]
    ) -> None:
        with population(specs):
            for args in lines:
                assert_same_as_ipcs(*args)
            for kind, letter in zip(SYSV, "qms", strict=True):
                for object_id in sorted(ids(kind))[:2]:
                    assert_same_as_ipcs(f"-{letter}", "-i", str(object_id), *lines[0][1:])

    @pytest.mark.root
    def test_options_as_another_user_equal_ipcs(self) -> None:
        specs = [
            Spec(kind, key, mode, 4096, uid, uid, True, False, False, False)
            for kind in SYSV
            for key, mode, uid in ((1, 0, 0), (2, 0o600, NOBODY), (3, 0o644, 0))
        ]
        with population(specs):
            for args in COMMAND_LINES[::7]:
                theirs = peer_as_nobody("ipcs", *args)
                assert as_nobody("list", *args) == theirs


# Without 04000, which asks ipcmk's shmget(2) for huge pages.
MODES = st.integers(0, 0o3777)


class TestMake:
    """pyipcs make against ipcmk."""

    @settings(max_examples=60, deadline=None)
    @given(
        options=st.lists(
            st.one_of(
                st.just("-Q"),
                st.builds("--shmem={}".format, st.integers(1, 2**30)),
                st.builds("-M{}{}".format, st.integers(1, 30), st.sampled_from(["K", "KiB", "MB"])),
                st.builds("-S{}".format, st.integers(1, 300)),
                st.builds("--sema={}".format, st.integers(1, 9)),
                st.builds("-p{:o}".format, MODES),
                st.builds("--mode=0{:o}".format, MODES),
            ),
            max_size=5,
        )
    )
    def test_generated_command_lines_equal_ipcmk(self, options: list[str]) -> None:
        theirs, ours = run("ipcmk", *options), invoke("make", *options)
        if theirs.status:
            assert (theirs.status, ours.status) == (1, 2), "usage errors have another status"
            return
        assert _made(ours) == _made(theirs)
        assert (ours.status, ours.err) == (0, "")

    def test_refusals_of_the_kernel_equal_ipcmk(self) -> None:
        for args in (["-S", "99999"], ["-M", "1E"]):
            theirs, ours = run("ipcmk", *args), invoke("make", *args)
            assert ours.status == theirs.status == 1
            assert ours.err.startswith(theirs.err.replace("ipcmk:", "pyipcs:").rstrip())


def _made(result: Result) -> list[tuple[str, ...]]:
    """Remove the created objects; return what ipcmk and pyipcs must agree on."""
    kinds = {"Shared": Kind.SEGMENT, "Message": Kind.QUEUE, "Semaphore": Kind.SEMAPHORE}
    made: list[tuple[str, ...]] = []
    for line in result.out.splitlines():
        words, _, object_id = line.rpartition(" ")
        kind = kinds[words.split()[0]]
        found = row(kind, int(object_id))
        made.append((words, found["perms"], found.get("size", ""), found.get("nsems", "")))
        assert found["key"] != "0"
        kernel.remove(kind, int(object_id))
    return made


class Named(NamedTuple):
    """An object as an argument of ipcrm."""

    kind: Kind
    by_key: bool
    number: int  # in the population; higher ones name no object


NAMED = st.builds(Named, st.sampled_from(SYSV), st.booleans(), st.integers(0, 5))
# Words of ipcs's own headings, keys, and numbers that no object can have.
NO_IDS = st.sampled_from(["Shared", "shmid", "Message", "0x0000cafe", "7up", "5.0", "-3", "a b"])
LETTERS = {Kind.QUEUE: "q", Kind.SEGMENT: "m", Kind.SEMAPHORE: "s"}
ALL = ("", "-a", "--all", "-amsg", "--all=shm", "--all=sem", "--al")


class TestRemove:
    """pyipcs rm against ipcrm."""

    @settings(max_examples=100, deadline=None)
    @given(
        named=st.lists(NAMED, max_size=8),
        all_option=st.sampled_from(ALL),
        all_position=st.integers(0, 8),
        verbose=st.booleans(),
        user=st.sampled_from(["root", "nobody"] if IS_ROOT else ["self"]),
    )
    def test_generated_command_lines_equal_ipcrm(
        self, named: list[Named], all_option: str, all_position: int, verbose: bool, user: str
    ) -> None:
        if not (named or all_option):
            return  # pyipcs reports a usage error, ipcrm does nothing
        if all_option and user == "nobody":
            return  # ipcrm complains about objects of other users, pyipcs does not

        def outcome(program: str) -> tuple[object, ...]:
            made = Objects()
            population = {
                kind: [made.make(kind, 0x1000 + n, 0o666) for n in range(4)] for kind in SYSV
            }
            options = [word for name in named for word in _naming(name, population)]
            if all_option:
                position = 2 * min(all_position, len(named))
                options[position:position] = all_option.split()
            result = _runner(program, user)(*(["-v"] if verbose else []), *options)
            left = {
                (kind, index)
                for kind, made_ids in population.items()
                for index, object_id in enumerate(made_ids)
                if object_id in ids(kind)
            }
            made.remove_all()
            return result.status, left, *(_label(text, population) for text in result[1:])

        assert outcome("pyipcs") == outcome("ipcrm")

    @settings(max_examples=30, deadline=None)
    @given(
        kind=st.sampled_from(SYSV),
        words=st.lists(st.one_of(st.integers(0, 4), NO_IDS), min_size=1, max_size=4),
    )
    def test_old_syntax_equals_ipcrm(self, kind: Kind, words: list[int | str]) -> None:
        def outcome(program: str) -> tuple[object, ...]:
            made = Objects()
            population = {kind: [made.make(kind) for _ in range(3)]}
            typed = [
                _naming(Named(kind, False, word), population)[1] if isinstance(word, int) else word
                for word in words
            ]
            result = _runner(program, "self")(kind.value, *typed)
            left = {index for index, made_id in enumerate(population[kind]) if made_id in ids(kind)}
            made.remove_all()
            return result.status, left, *(_label(text, population) for text in result[1:])

        assert outcome("pyipcs") == outcome("ipcrm")


def _naming(name: Named, population: dict[Kind, list[int]]) -> tuple[str, str]:
    letter = LETTERS[name.kind]
    if name.by_key:
        return f"-{letter.upper()}", hex(0x1000 + name.number)
    made = population[name.kind]
    return f"-{letter}", str(
        made[name.number] if name.number < len(made) else 2**31 - 1 - name.number
    )


def _runner(program: str, user: str) -> Callable[..., Result]:
    if program == "ipcrm":
        peer = peer_as_nobody if user == "nobody" else run
        return lambda *args: peer("ipcrm", *args)
    return lambda *args: (as_nobody if user == "nobody" else invoke)("rm", *args)


def _label(text: str, population: dict[Kind, list[int]]) -> str:
    """Replace the ids in a message by indexes, equal for both programs.

    If the object of a key may not be removed, ipcrm prints its id and pyipcs the key.
    """
    labels = {
        str(object_id): f"{kind.value} #{index}"
        for kind, made in population.items()
        for index, object_id in enumerate(made)
    }
    text = re.sub(r"\d+", lambda match: labels.get(match[0], match[0]), text)
    text = re.sub(r"permission denied for key \(.*\)", "permission denied for key (it)", text)
    # The kernel assigns indexes cyclically, so `-a` may remove a kind in any order.
    text = "".join(
        line
        for _, lines in groupby(text.splitlines(keepends=True), key=lambda line: line.split("`")[0])
        for line in sorted(lines)
    )
    return text.replace("ipcrm:", "pyipcs:")
