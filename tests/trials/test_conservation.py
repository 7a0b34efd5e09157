"""Conservation with few messages: see conservation.py."""

import random

import pytest

from tests.trials.conservation import conserve


@pytest.mark.slow
@pytest.mark.parametrize("family", ["System V", "POSIX"])
@pytest.mark.parametrize("removed", [False, True], ids=["queue kept", "queue removed"])
def test_conservation_under_signals_and_broken_pipes_loses_no_message(
    own_mqueue: None, family: str, *, removed: bool
) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)  # pytest prints it when the test fails
    tally = conserve(family, senders=3, receivers=3, messages=10_000, seed=seed, removed=removed)
    assert tally.is_conserved, tally
    assert tally.sent == tally.received + tally.reported + tally.queued
    assert tally.signals
    assert tally.broken_pipes
    if not removed:
        assert tally.sent == tally.messages
