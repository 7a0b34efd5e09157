"""Listings and removals while objects come and go: see chaos.py."""

import pytest

from tests.trials.chaos import storm


@pytest.mark.slow
@pytest.mark.root
@pytest.mark.tools("stress-ng")
@pytest.mark.usefixtures("isolated", "shm", "own_mqueue")
def test_listings_and_removals_while_objects_come_and_go_are_right() -> None:
    tally = storm(0, seed=1)  # each trial once
    assert not tally.complaints, "\n".join(tally.complaints)
    assert tally.objects > 100
    assert tally.removed
