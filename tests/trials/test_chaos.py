"""Listings and removals while objects come and go: see chaos.py."""

import pytest

from tests.kit.child import NEWNS, hide, unshare
from tests.kit.posix import SHM, ShmFiles
from tests.kit.program import forked
from tests.trials.chaos import storm
from tests.trials.listings import check_figures


@pytest.mark.slow
@pytest.mark.trial
@pytest.mark.root
@pytest.mark.tools("stress-ng")
@pytest.mark.usefixtures("isolated", "shm", "own_mqueue")
def test_listings_and_removals_while_objects_come_and_go_are_right() -> None:
    tally = storm(0, seed=1)  # each trial once
    assert not tally.complaints, "\n".join(tally.complaints)
    assert tally.objects > 100
    assert tally.removed


@pytest.mark.parametrize("format_", ["plain", "json", "csv"])
def test_check_figures_accepts_unknown_bytes_of_removed_files(
    format_: str, shm: ShmFiles, isolated: None
) -> None:
    folder = SHM / "folder"
    folder.mkdir()

    def cover_folder() -> None:
        unshare(NEWNS)
        hide(str(folder))

    result = forked("list", "-M", "-u", "-f", format_, first=cover_folder)
    assert (result.status, result.err) == (0, "")
    check_figures(format_, result.out)
