import os
import subprocess
import sys
from itertools import chain

import pytest

from pyipcs.model import Kind
from pyipcs.sysv.permissions import may_control, removable
from tests.kit.kernel import IS_ROOT, Objects

SCRIPT = (
    "from pyipcs.sysv.permissions import may_control; print(may_control(1, 2), may_control(0, 9))"
)


@pytest.mark.root
def test_root_may_control_what_is_others() -> None:
    assert may_control(12345, 12345)


@pytest.mark.skipif(IS_ROOT, reason="root may remove all")
def test_an_ordinary_user_may_control_what_it_owns_or_made() -> None:
    me = os.geteuid()
    assert may_control(me, 12345)
    assert may_control(12345, me)
    assert not may_control(12345, 12345)


def test_what_may_be_removed_is_listed(objects: Objects) -> None:
    for kind in Kind:
        object_id = objects.make(kind, mode=0)
        assert str(object_id) in chain.from_iterable(
            listing.column("id") for listing in removable(kind)
        )


@pytest.mark.root
def test_root_of_a_user_namespace_rules_only_what_is_its_own(isolated: None) -> None:
    """All capabilities in a user namespace are none over the IPC namespace around it."""
    for command, expected in (
        (["unshare", "--user", "--map-root-user"], "False True"),
        (["unshare", "--user", "--map-root-user", "--ipc"], "True True"),
    ):
        done = subprocess.run(
            [*command, sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == expected
