"""The session's own namespace, and objects that no test leaves behind."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests import isolation

ISOLATION = isolation.enter()

from tests.support import Objects, everything, remove  # noqa: E402 - after the namespace

# How many examples hypothesis makes of what has no number of its own: many, where there is time.
settings.register_profile("asked", max_examples=int(os.environ.get("PYIPCS_TEST_EXAMPLES", "100")))
settings.load_profile("asked")

NO_NAMESPACE = (
    f"NO IPC NAMESPACE OF ITS OWN ({ISOLATION.why}): the tests work among the machine's objects, "
    "on those alone that they make, and many are skipped"
)


def pytest_report_header() -> str:
    """Say on what objects the tests work."""
    if not ISOLATION.namespace:
        return NO_NAMESPACE
    names = "its own" if ISOLATION.accounts else "the machine's"
    return f"System V IPC: in a namespace of the session's own, with {names} accounts"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it where nobody misses it."""
    if not ISOLATION.namespace:
        terminalreporter.section("warning", red=True)
        terminalreporter.write_line(NO_NAMESPACE)


@pytest.fixture
def isolated() -> None:
    """For tests that look at, or remove, all objects there are."""
    if not ISOLATION.namespace:
        pytest.skip(f"needs an IPC namespace of its own: {ISOLATION.why}")


@pytest.fixture
def accounts() -> None:
    """For tests that need users with odd names."""
    if not ISOLATION.accounts:
        pytest.skip("needs account files of its own, which a mount namespace gives")


@pytest.fixture
def objects() -> Iterator[Objects]:
    """Makes objects, and removes them after the test."""
    made = Objects()
    yield made
    made.remove_all()


@pytest.fixture(autouse=True)
def _no_leaks() -> Iterator[None]:
    """Fail the test that leaves an object behind, and remove that."""
    before = everything()
    yield
    left = everything() - before
    if not ISOLATION.namespace:
        return  # others make objects too
    for kind, object_id in left:
        remove(kind, object_id)
    assert not left, f"left behind: {left}"
