"""Listings of kernels that list objects more than once (Linux 5.3 to 5.7)."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyipcs.listing import Listing, listing_of
from pyipcs.model import SYSV, Kind
from pyipcs.query.plan import Report
from pyipcs.render import metrics
from pyipcs.sysv import procfs
from tests.kit import samples
from tests.kit.kernel import IS_ROOT, Objects, ids
from tests.kit.program import PYIPCS, Result, need_tool, run

HEADER = (
    "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid"
    "      stime      rtime      ctime\n"
)
OPTIONS = {Kind.QUEUE: "-q", Kind.SEGMENT: "-m", Kind.SEMAPHORE: "-s"}
ROWS = 5000  # of several chunks


def listed_ids(folder: Path, ids_: Iterable[int]) -> list[int]:
    """Return the ids of a listing of a file that has a row for each given id."""
    rows = (f"{0:10d} {n:10d}  644 {'0 ' * 11}\n" for n in ids_)
    (folder / "msg").write_text(HEADER + "".join(rows))
    listings = procfs.read(Kind.QUEUE, str(folder))
    return [int(word) for listing in listings for word in listing.column("id")]


@pytest.mark.parametrize("times", [1, 2, 3])
def test_read_of_repeated_rows_has_each_object_once(tmp_path: Path, times: int) -> None:
    """A chunk may end between two rows of an object."""
    repeated = [n for n in range(ROWS) for _ in range(times)]
    assert listed_ids(tmp_path, repeated) == [*range(ROWS)]


def test_read_of_rows_for_each_free_place_has_each_object_once(tmp_path: Path) -> None:
    """The kernel repeated an object for each free place before it."""
    there = [*range(0, 60, 20), *range(70, 90)]
    before = [-1, *there]
    repeated = [n for last, n in zip(before, there, strict=False) for _ in range(n - last)]
    assert len(repeated) == 90
    assert listed_ids(tmp_path, repeated) == there


@given(st.lists(st.integers(0, 9), max_size=30))
def test_distinct_keeps_the_first_row_of_each_id(numbers: Sequence[int]) -> None:
    queue = samples.QUEUES[0]
    rows = [queue._replace(id=number, qnum=row) for row, number in enumerate(numbers)]
    found = listing_of(Kind.QUEUE, rows).distinct()
    expected = [numbers.index(number) for number in dict.fromkeys(numbers)]
    assert [*map(int, found.column("qnum"))] == expected
    assert [*found.column("qbytes")] == [queue.qbytes] * len(expected) if rows else True


def test_metrics_of_repeated_rows_have_each_series_once() -> None:
    """The second row may be in another listing."""
    first = listing_of(Kind.SEMAPHORE, [*samples.SETS, samples.SETS[0]])
    listings: list[Listing] = [first, listing_of(Kind.SEMAPHORE, samples.SETS)]
    report = Report({Kind.SEMAPHORE: listings}, {}, samples.MACHINE)
    once = report._replace(found={Kind.SEMAPHORE: [first.take([0, 1])]})
    assert "".join(metrics.document(report)) == "".join(metrics.document(once))


def repeating_rows(kind: Kind, folder: Path, *args: str) -> Result:
    """Run pyipcs where /proc/sysvipc lists each object of a kind three times."""
    header, *rows = Path("/proc/sysvipc", kind.value).read_text().splitlines(keepends=True)
    (folder / kind.value).write_text("".join([header, *(row * 3 for row in rows)]))
    user = [] if IS_ROOT else ["--user", "--map-root-user"]
    mount = f'mount --bind {folder / kind.value} /proc/sysvipc/{kind.value} && exec "$@"'
    unshare = [need_tool("unshare"), *user, "--mount", "sh", "-c", mount, "sh"]
    if run(*unshare, "true").status:
        pytest.skip("no file can be mounted on /proc/sysvipc")
    return run(*unshare, PYIPCS, *args)


@pytest.mark.tools("mount")
@pytest.mark.parametrize("kind", SYSV)
def test_openmetrics_of_repeated_rows_has_each_series_once(
    isolated: None, objects: Objects, tmp_path: Path, kind: Kind
) -> None:
    for _ in range(3):
        objects.make(kind)
    done = repeating_rows(kind, tmp_path, "list", OPTIONS[kind], "-f", "openmetrics")
    assert (done.status, done.err) == (0, "")
    series = [line.rpartition(" ")[0] for line in done.out.splitlines() if line[0] != "#"]
    assert len(set(series)) == len(series)
    assert {int(found) for found in re.findall('{id="([0-9]+)"', done.out)} == ids(kind)


@pytest.mark.tools("mount")
def test_json_of_repeated_rows_has_each_object_once(
    isolated: None, objects: Objects, tmp_path: Path
) -> None:
    msqid = objects.queue()
    done = repeating_rows(Kind.QUEUE, tmp_path, "list", "-q", "-f", "json")
    assert (done.status, done.err) == (0, "")
    assert [queue["id"] for queue in json.loads(done.out)["queues"]] == [msqid]
