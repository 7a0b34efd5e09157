"""Objects in use and commands in containers: see tests/trials/containers.py."""

import pytest

from tests.kit.posix import needs_leases
from tests.trials.containers import PLACES, examine

# The number of commands of 27 that fail with one line; 0 in the other places.
REFUSED = {
    "no /dev/shm, no /dev/mqueue": 12,
    "no /dev/shm, ordinary user": 12,
    "read-only /dev/shm": 9,
    "read-only /dev/shm, ordinary user": 9,
    "/dev/mqueue not mounted, ordinary user": 2,
}
# The places where the objects of all namespaces are listed, too.
WITH_ALL_NAMESPACES = {
    *("here", "subset=pid", "no /proc", "/dev/mqueue not mounted", "read-only /dev/shm"),
    *("IPC namespace alone", "Docker, IPC and PIDs of the host", "here, ordinary user"),
}


@pytest.mark.slow
@pytest.mark.root
@needs_leases
@pytest.mark.usefixtures("isolated", "shm", "own_mqueue")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.alone] if name in WITH_ALL_NAMESPACES else [])
        for name in PLACES
    ],
)
def test_commands_in_a_container_spare_the_objects_in_use(name: str) -> None:
    """No used object is orphaned or suspect there, and no filter removes it."""
    assert PLACES.keys() >= WITH_ALL_NAMESPACES
    findings = examine(name, all_namespaces=name in WITH_ALL_NAMESPACES)
    assert not findings.complaints
    assert findings.outcomes["refused"] == REFUSED.get(name, 0), findings.outcomes
    assert findings.states["used", True]
    if name == "here":
        assert findings.removed == {"unused": 6}
