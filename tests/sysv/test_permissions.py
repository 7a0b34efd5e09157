import os
import sys
from itertools import chain

import pytest

from pyipcs.model import SYSV
from pyipcs.sysv.permissions import can_control, removable
from tests.kit.kernel import IS_ROOT, Objects
from tests.kit.program import run

SCRIPT = (
    "from pyipcs.sysv.permissions import can_control; print(can_control(1, 2), can_control(0, 9))"
)


@pytest.mark.root
def test_can_control_as_root_includes_objects_of_others() -> None:
    assert can_control(12345, 12345)


@pytest.mark.skipif(IS_ROOT, reason="root may control every object")
def test_can_control_as_user_includes_own_and_created_objects() -> None:
    me = os.geteuid()
    assert can_control(me, 12345)
    assert can_control(12345, me)
    assert not can_control(12345, 12345)


def test_removable_lists_unreadable_own_objects(objects: Objects) -> None:
    for kind in SYSV:
        object_id = objects.make(kind, mode=0)
        assert str(object_id) in chain.from_iterable(
            listing.column("id") for listing in removable(kind)
        )


@pytest.mark.root
@pytest.mark.tools("unshare")
@pytest.mark.parametrize(
    ("options", "answers"), [([], "False True\n"), (["--ipc"], "True True\n")], ids=["outer", "own"]
)
def test_can_control_as_root_of_a_user_namespace_needs_its_own_ipc(
    isolated: None, options: list[str], answers: str
) -> None:
    """Its capabilities are void in the IPC namespace around it."""
    unshare = ["unshare", "--user", "--map-root-user", *options]
    done = run(*unshare, sys.executable, "-c", SCRIPT)
    assert done.out == answers, done.err
