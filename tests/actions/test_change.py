"""Changes of objects, without the command line."""

import pytest

from pyipcs.actions.change import ChangeOptions, change
from pyipcs.errors import CommandError, UsageError
from pyipcs.model import SYSV, Kind
from pyipcs.sysv.keys import parse_target
from tests.kit.kernel import Objects, row

KEY = "0x5eed"
UNCHANGED = ChangeOptions(
    mode=None,
    owner=None,
    size=None,
    qbytes=None,
    single=(),
    values=None,
    lock=False,
    unlock=False,
)


def test_change_key_of_two_kinds_raises_usage_error(objects: Objects) -> None:
    objects.queue(0x5EED)
    objects.segment(0x5EED)
    options = UNCHANGED._replace(mode=0o600)
    with pytest.raises(UsageError, match="a message queue and a segment"):
        change([*SYSV], parse_target(KEY), options)
    change([Kind.SEGMENT], parse_target(KEY), options)


def test_change_missing_semaphore_changes_nothing(objects: Objects) -> None:
    semid = objects.semaphores(0x5EED, nsems=2)
    before = row(Kind.SEMAPHORE, semid)
    options = UNCHANGED._replace(mode=0o600, single=((0, 1), (2, 1)))
    with pytest.raises(CommandError, match="no semaphore 2"):
        change([Kind.SEMAPHORE], parse_target(KEY), options)
    assert row(Kind.SEMAPHORE, semid) == before
