"""Probes and removals beside other processes for a short time: see leases.py."""

import random

import pytest

from tests.kit.posix import needs_leases
from tests.trials.leases import count_false, remove_beside_openers

pytestmark = [
    needs_leases,
    pytest.mark.usefixtures("shm"),
    pytest.mark.slow,
]


def test_probe_by_two_processes_at_once_reports_unused_objects() -> None:
    """A process may lose its processor within a lease: then the other one tries in vain.

    One try alone is false in every hundredth probe.
    """
    objects, rounds = 2000, 10
    assert count_false(objects, rounds) < 2 * objects * rounds / 1000


def test_rm_orphaned_beside_openers_removes_no_held_object() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)  # pytest prints it when the test fails
    found = remove_beside_openers(3, seed)
    assert found.held > 10
    assert found.removed
    assert not found.lost, found
