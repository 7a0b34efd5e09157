"""Run each row of the table on objects of the kernel."""

import re
from pathlib import Path

import pytest

from pyipcs.errors import Status
from pyipcs.model import SYSV
from tests.kit.kernel import Objects, everything
from tests.messages.placeholders import Placeholders
from tests.messages.rows import Row
from tests.messages.runners import queue_removed, set_removed
from tests.messages.table import TABLE


@pytest.mark.usefixtures("isolated")
@pytest.mark.parametrize(
    "row", TABLE, ids=[f"{row.command} {row.arguments}".strip() or "no arguments" for row in TABLE]
)
def test_row_prints_its_message_and_changes_no_object(
    row: Row, objects: Objects, tmp_path: Path
) -> None:
    placeholders = Placeholders(objects, tmp_path)
    args = [placeholders.substitute(arg) for arg in row.args]
    before, records = everything(), _records()
    result = row.runner(*args)
    assert re.fullmatch(placeholders.pattern(row.stderr), result.err), result.err
    assert result.status == row.status
    if row.status == Status.USAGE:
        assert (result.out, _records()) == ("", records)
    elif row.runner not in (queue_removed, set_removed):
        assert everything() == before


def _records() -> list[str]:
    """Return /proc/sysvipc, with the times and counters of all objects."""
    return [Path("/proc/sysvipc", kind.value).read_text() for kind in SYSV]
