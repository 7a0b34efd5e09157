"""Objects in use and commands in containers: see tests/trials/containers.py."""

import pytest

from pyipcs.sysv.namespace import is_initial
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

# The places of each run; the others, which combine or resemble them, are trials.
USUAL = {
    *("here", "here, ordinary user", "PID namespace", "PID namespace, ordinary user"),
    *("hidepid=2", "subset=pid", "no /proc", "/dev/shm a plain folder"),
    *("no /dev/shm, no /dev/mqueue", "read-only /dev/shm, ordinary user"),
    *("/dev/mqueue not mounted, ordinary user", "no leases"),
    *("no leases, PID namespace, ordinary user", "IPC namespace alone", "another user"),
    *("user namespace, own uid", "CAP_SYS_PTRACE alone", "CAP_FOWNER alone, PID namespace"),
    *("Docker, IPC and PIDs of the host", "Docker, user 65534", "Docker"),
}


def marks(name: str) -> list[pytest.MarkDecorator]:
    """Return the markers of a place."""
    assert PLACES.keys() >= USUAL | WITH_ALL_NAMESPACES
    trial = [pytest.mark.trial] * (name not in USUAL)
    return trial + [pytest.mark.alone] * (name in WITH_ALL_NAMESPACES)


@pytest.mark.slow
@pytest.mark.root
@needs_leases
@pytest.mark.usefixtures("isolated", "shm", "own_mqueue")
@pytest.mark.parametrize("name", [pytest.param(name, marks=marks(name)) for name in PLACES])
def test_commands_in_a_container_spare_the_objects_in_use(name: str) -> None:
    """No used object is orphaned or suspect there, and no filter removes it."""
    findings = examine(name, all_namespaces=name in WITH_ALL_NAMESPACES)
    assert not findings.complaints
    assert findings.outcomes["refused"] == REFUSED.get(name, 0), findings.outcomes
    assert findings.states["used", True]
    if name == "here":
        # Outside of the initial PID namespace, no queue and no set is orphaned or suspect.
        assert findings.removed == {"unused": 6 if is_initial("pid") else 4}
