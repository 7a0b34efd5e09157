"""Conservation in small: see tests/trials/conservation.py, which does it with a million."""

import random

import pytest

from tests.trials.conservation import conserve


@pytest.mark.parametrize("removed", [False, True], ids=["queue kept", "queue removed"])
def test_no_message_is_lost_and_none_is_doubled(*, removed: bool) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)  # which pytest shows of a test that fails
    tally = conserve(senders=3, receivers=3, messages=20_000, seed=seed, removed=removed)
    assert tally.conserved, tally
    assert tally.sent == tally.received + tally.told + tally.left
    assert tally.signals
    assert tally.broken_pipes
    if not removed:
        assert tally.sent == tally.messages
