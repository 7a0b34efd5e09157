"""All that shows or removes objects, while these come and go (for minutes: tests.trials.chaos)."""

import pytest

from tests.trials.chaos import storm


@pytest.mark.root
@pytest.mark.usefixtures("isolated")
def test_nothing_is_wrong_while_objects_come_and_go() -> None:
    tally = storm(8, seed=1)
    assert not tally.complaints, "\n".join(tally.complaints)
    assert tally.objects > 100
    assert tally.removed
