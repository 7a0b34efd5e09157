"""Namespaces for each test process, and a check for leaked objects."""

import gc
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from pyipcs.model import POSIX, SYSV
from pyipcs.posix import directory, mqueue
from tests.kit import isolation
from tests.kit.isolation import Isolation
from tests.kit.kernel import IS_ROOT, Objects, everything, remove
from tests.kit.message_queues import FAMILIES, MessageQueue, PosixQueue
from tests.kit.mqueue import queue as created_queue
from tests.kit.posix import ShmFiles
from tests.kit.posix_objects import PosixObjects, open_objects
from tests.kit.program import compile_c, need_all_processes, need_tool
from tests.kit.turns import Turns

# The number of examples is for tests that set none. With the usual number, each run has the same
# examples: no test fails by chance. No example has to be quick, because the machine may be busy.
_examples = os.environ.get("PYIPCS_TEST_EXAMPLES")
settings.register_profile(
    "asked",
    max_examples=int(_examples or 50),
    derandomize=not _examples,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("asked")

NOT_ISOLATED = (
    "NO IPC NAMESPACE OF ITS OWN ({}): the tests use the machine's namespace, touch only the "
    "objects they create, and many are skipped"
)
# The markers of tests that run only if -m has the marker.
BY_NAME = ("real", "trial")
_isolation = pytest.StashKey[Isolation]()
_turns = pytest.StashKey[Turns]()


def pytest_configure(config: pytest.Config) -> None:
    """Enter the namespaces, unless this process only distributes the tests."""
    isolation.reset_signals()
    isolation.reset_locale()
    isolation.reset_bytecode()
    if config.getoption("dist", "no") == "no":
        config.stash[_isolation] = isolation.enter()
        config.stash[_turns] = Turns()
    else:
        isolation.share_user_namespace()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Return two processes for each core, because many tests wait.

    They are eight at most, because all their queues count against the user's RLIMIT_MSGQUEUE.
    Without namespaces it is one: the keys of several would clash.
    """
    if not isolation.is_available():
        return 1
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None  # pytest-xdist reads it
    return min(2 * len(os.sched_getaffinity(0)), 8)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: list[Any]) -> None:
    """Start each worker of pytest-xdist in namespaces of its own."""
    for spec in specs:
        spec.python = isolation.worker_command()


@pytest.hookimpl(trylast=True)  # after the options -k and -m
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that are run by name, unless -m names their marker.

    Each worker begins with its share of the slow tests: a slow test at the end would leave the
    other workers without work.
    """
    unasked = [name for name in BY_NAME if name not in config.option.markexpr]
    if left_out := [item for item in items if any(map(item.get_closest_marker, unasked))]:
        config.hook.pytest_deselected(items=left_out)
        kept = {*items} - {*left_out}
        items[:] = [item for item in items if item in kept]
    if worker := getattr(config, "workerinput", None):
        items[:] = shares(items, worker["workercount"])


def shares(items: Sequence[pytest.Item], workers: int) -> Iterator[pytest.Item]:
    """Yield the tests in equal parts, which pytest-xdist gives to its workers (worksteal).

    The first part begins with the tests that run alone: the others wait for them once.
    """
    alone = [item for item in items if _is_alone(item)]
    rest = [item for item in items if not _is_alone(item)]
    slow = [item for item in rest if item.get_closest_marker("slow")]
    quick = iter([item for item in rest if not item.get_closest_marker("slow")])
    ends = [len(items) * number // workers for number in range(workers + 1)]
    for number in range(workers):
        first = alone * (number == 0) + slow[number::workers]
        yield from first
        yield from islice(quick, max(0, ends[number + 1] - ends[number] - len(first)))


def pytest_collection_finish() -> None:
    """Exclude the collected tests from garbage collection.

    They are 170,000 objects: a collection takes 150 ms here, and more in a forked process, because
    it writes to each page that both share.
    """
    gc.collect()
    gc.freeze()


def pytest_report_header(config: pytest.Config) -> str:
    """Report the namespace in which the tests run."""
    if not (mine := config.stash.get(_isolation, None)):
        return "System V IPC: a namespace for each test process"
    if not mine.namespace:
        return NOT_ISOLATED.format(mine.why)
    names = "its own" if mine.accounts else "the machine's"
    return f"System V IPC: in a namespace of its own, with {names} accounts"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Run a test in its turn."""
    turns = item.config.stash[_turns]
    turns.begin(alone=_is_alone(item))
    try:
        return (yield)
    finally:
        turns.end(keep=nextitem is not None and _is_alone(nextitem))


def _is_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests that need root, all processes, or programs that are not installed."""
    if item.get_closest_marker("root") and not IS_ROOT:
        pytest.skip("needs root")
    if item.get_closest_marker("all_processes"):
        need_all_processes()
    for marker in item.iter_markers("tools"):
        for name in marker.args:
            need_tool(name)


@pytest.fixture
def _mine(pytestconfig: pytest.Config) -> Isolation:
    return pytestconfig.stash[_isolation]


@pytest.fixture
def isolated(_mine: Isolation) -> None:
    """For tests that list, or remove, all objects there are."""
    if not _mine.namespace:
        pytest.skip(f"needs an IPC namespace of its own: {_mine.why}")


@pytest.fixture
def accounts(_mine: Isolation) -> None:
    """For tests that need users with odd names."""
    if not _mine.accounts:
        pytest.skip(f"needs account files of its own: {_mine.why}")


@pytest.fixture
def own_shm(_mine: Isolation) -> None:
    """Skip a test whose programs leave files, without its own /dev/shm."""
    if not _mine.shm:
        pytest.skip(f"needs a /dev/shm of its own: {_mine.why}")


@pytest.fixture
def shm(own_shm: None) -> Iterator[ShmFiles]:
    """Create files in an empty /dev/shm, and remove them after the test."""
    files = ShmFiles()
    directory.use_own()
    yield files
    directory.use_own()
    files.remove_all()


@pytest.fixture
def own_mqueue(_mine: Isolation) -> None:
    """Skip a test whose programs create queues, without its own /dev/mqueue."""
    if not _mine.mqueue:
        pytest.skip(f"needs a /dev/mqueue of its own: {_mine.why}")


@pytest.fixture
def posix_objects(shm: ShmFiles, own_mqueue: None, isolated: None) -> Iterator[PosixObjects]:
    """Create POSIX objects where there are no others, and remove all after the test."""
    made = PosixObjects()
    yield made
    made.remove_all()


@pytest.fixture
def one_of_each(objects: Objects, posix_objects: PosixObjects) -> None:
    """Create an object of each kind; the POSIX ones have the name /x."""
    for kind in SYSV:
        objects.make(kind)
    for kind in POSIX:
        posix_objects.make(kind)


@pytest.fixture
def objects() -> Iterator[Objects]:
    """Create objects, and remove them after the test."""
    made = Objects()
    yield made
    made.remove_all()


@pytest.fixture(params=FAMILIES.values(), ids=[*FAMILIES])
def new_queue(request: pytest.FixtureRequest) -> Iterator[Callable[..., MessageQueue]]:
    """Return a function that creates queues of a family; remove them after the test."""
    family, made = request.param, []
    if family is PosixQueue:
        request.getfixturevalue("own_mqueue")

    def create(number: int = 0, capacity: int | None = None, size: int = 1) -> MessageQueue:
        made.append(family(number, capacity, size))
        return made[-1]  # type: ignore[no-any-return] # of the parameter

    yield create
    for queue in made:
        queue.close()


@pytest.fixture
def queue(new_queue: Callable[..., MessageQueue]) -> MessageQueue:
    """Create a queue of each family."""
    return new_queue()


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Return a function that compiles a program of tests/c and returns its path."""
    folder = tmp_path_factory.mktemp("c")
    return lambda name: compile_c(name, folder)


@pytest.fixture(autouse=True)
def _known_mqueue(_mine: Isolation) -> None:
    """Prove by a queue that /dev/mqueue is that of this IPC namespace.

    An ordinary user's program cannot know it while the folder is empty. A process keeps the proof:
    without this fixture, a test would depend on the tests before it. Where the limit leaves no
    room for a queue (RLIMIT_MSGQUEUE), the tests of other objects still run.
    """
    if _mine.mqueue and mqueue.known_directory() is None:
        with suppress(OSError), created_queue("/proof"):
            mqueue.known_directory()


@pytest.fixture(autouse=True)
def _no_leaks(_mine: Isolation) -> Iterator[None]:
    """Fail a test that leaks an object, and remove the object."""
    if not _mine.namespace:
        yield  # other programs create objects too
        return
    before, files = everything(), _posix_files(_mine)
    yield
    leaked, leaked_files = everything() - before, _posix_files(_mine) - files
    for kind, object_id in leaked:
        remove(kind, object_id)
    for path in leaked_files:
        path.unlink()
    assert not leaked, f"leaked: {leaked}"
    assert not leaked_files, f"leaked: {leaked_files}"


@pytest.fixture(autouse=True)
def _no_open_objects() -> Iterator[None]:
    """Fail a test that leaves a POSIX object open: a queue counts against the user's limit."""
    before = open_objects()
    yield
    left = open_objects() - before
    assert not left, f"left open: {left}"


@pytest.fixture(autouse=True)
def _no_blocked_signals() -> Iterator[None]:
    """Fail a test that leaves signals blocked, which later programs would inherit."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    after = signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert after == before


def _posix_files(mine: Isolation) -> set[Path]:
    folders = ["/dev/shm"] * mine.shm + ["/dev/mqueue"] * mine.mqueue
    return {path for folder in folders for path in Path(folder).iterdir()}
