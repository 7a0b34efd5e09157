"""Run each row of the table on objects of the kernel."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyipcs.errors import Status
from pyipcs.model import SYSV
from tests.kit import turns
from tests.kit.kernel import Objects, everything
from tests.kit.mqueue import MQUEUE
from tests.kit.posix import SHM
from tests.messages.placeholders import Placeholders
from tests.messages.rows import Row
from tests.messages.runners import posix_queue_removed, queue_removed, set_removed
from tests.messages.table import TABLE


@pytest.fixture
def _no_queues(own_mqueue: None) -> Iterator[None]:
    """Remove the POSIX queues of a test."""
    yield
    for path in MQUEUE.iterdir():
        path.unlink()


@pytest.mark.usefixtures("isolated", "shm", "_no_queues")
@pytest.mark.parametrize("row", [turns.make_case(row, row.args, id=row.name) for row in TABLE])
def test_row_prints_its_message_and_changes_no_object(
    row: Row, objects: Objects, tmp_path: Path
) -> None:
    placeholders = Placeholders(objects, tmp_path)
    args = [placeholders.substitute(arg) for arg in row.args]
    before, records, files = everything(), _records(), _posix_files()
    result = row.runner(*args)
    placeholders.close()
    assert re.fullmatch(placeholders.pattern(row.stderr), result.err), result.err
    assert result.status == row.status
    assert row.runner is posix_queue_removed or _posix_files() == files
    if row.status == Status.USAGE:
        assert (result.out, _records()) == ("", records)
    elif row.runner not in (queue_removed, set_removed):
        assert everything() == before


def _posix_files() -> dict[Path, tuple[int, int, int]]:
    """Return all files of POSIX objects, with their inode, size and mode."""
    paths = [path for folder in (SHM, MQUEUE) for path in folder.iterdir()]
    found = [(path, path.lstat()) for path in paths]
    return {path: (one.st_ino, one.st_size, one.st_mode) for path, one in found}


def _records() -> list[str]:
    """Return /proc/sysvipc, with the times and counters of all objects."""
    return [Path("/proc/sysvipc", kind.value).read_text() for kind in SYSV]
