"""Namespaces for each test process, and a check for leaked objects."""

import gc
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from pyipcs.posix import directory
from tests.kit import isolation
from tests.kit.isolation import Isolation
from tests.kit.kernel import IS_ROOT, Objects, everything, remove
from tests.kit.message_queues import FAMILIES, MessageQueue, PosixQueue
from tests.kit.posix import ShmFiles
from tests.kit.posix_objects import PosixObjects
from tests.kit.program import compile_c, need_tool

# The number of examples is for tests that set none. No example has to be quick, because the
# machine may be busy.
settings.register_profile(
    "asked",
    max_examples=int(os.environ.get("PYIPCS_TEST_EXAMPLES", "50")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("asked")

NOT_ISOLATED = (
    "NO IPC NAMESPACE OF ITS OWN ({}): the tests use the machine's namespace, touch only the "
    "objects they create, and many are skipped"
)
_isolation = pytest.StashKey[Isolation]()


def pytest_configure(config: pytest.Config) -> None:
    """Enter the namespaces, unless this process only distributes the tests."""
    isolation.reset_signals()
    isolation.reset_locale()
    if config.getoption("dist", "no") == "no":
        config.stash[_isolation] = isolation.enter()
    else:
        isolation.share_user_namespace()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Run one process without namespaces: the keys of several would clash."""
    return None if isolation.is_available() else 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: list[Any]) -> None:
    """Start each worker of pytest-xdist in namespaces of its own."""
    for spec in specs:
        spec.python = isolation.worker_command()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the programs that are run by hand, unless -m names their marker."""
    if "real" in config.option.markexpr:
        return
    by_hand = [item for item in items if item.get_closest_marker("real")]
    config.hook.pytest_deselected(items=by_hand)
    items[:] = [item for item in items if item not in by_hand]


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


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests that need root, or programs that are not installed."""
    if item.get_closest_marker("root") and not IS_ROOT:
        pytest.skip("needs root")
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
def _no_blocked_signals() -> Iterator[None]:
    """Fail a test that leaves signals blocked, which later programs would inherit."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    after = signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert after == before


def _posix_files(mine: Isolation) -> set[Path]:
    folders = ["/dev/shm"] * mine.shm + ["/dev/mqueue"] * mine.mqueue
    return {path for folder in folders for path in Path(folder).iterdir()}
