"""RSS of segments of huge pages: right or unknown, and never over SIZE."""

import ctypes
import errno
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyipcs.model import Kind, Segment
from pyipcs.sysv import hugepages, procfs
from pyipcs.sysv.hugepages import pools_in_use, resident
from tests.kit import kernel
from tests.kit.kernel import Objects, row
from tests.kit.program import invoke

PAGE = os.sysconf("SC_PAGESIZE")
HUGE = 512 * PAGE
MANY = {HUGE: 2**40}  # in use
SHM_HUGETLB = 0o4000
SHM_HEADER = "key shmid perms size cpid lpid nattch uid gid cuid cgid atime dtime ctime rss swap\n"


@pytest.mark.parametrize(
    ("size", "rss", "pools", "right"),
    [
        pytest.param(5 * PAGE, 3 * PAGE, {}, 3 * PAGE, id="small pages"),
        pytest.param(5 * PAGE, 3 * PAGE, MANY, 3 * PAGE, id="small pages beside huge ones"),
        pytest.param(1, PAGE, {}, PAGE, id="size below a page"),
        pytest.param(8 * HUGE, 3 * 512 * HUGE, MANY, 3 * HUGE, id="huge pages"),
        pytest.param(8 * HUGE, 3 * HUGE, MANY, 3 * HUGE, id="huge pages before Linux 6.7"),
        pytest.param(8 * HUGE, 0, MANY, 0, id="untouched huge pages"),
        pytest.param(8 * HUGE, 3 * 512 * HUGE, {}, None, id="size of huge pages unknown"),
        pytest.param(8 * HUGE, 9 * 512 * HUGE, MANY, None, id="more than the segment"),
        pytest.param(5 * PAGE, 6 * PAGE, MANY, None, id="more than the segment, small"),
        pytest.param(PAGE, HUGE, MANY, None, id="huge page of a small segment"),
        pytest.param(2048 * HUGE, 512 * HUGE, MANY, None, id="512 huge pages or 1"),
        pytest.param(2048 * HUGE, 512 * HUGE, {}, 512 * HUGE, id="no huge page in use"),
        pytest.param(2048 * HUGE, 1024 * HUGE, {HUGE: HUGE}, 1024 * HUGE, id="too few in use"),
    ],
)
def test_resident_is_right_or_unknown(
    size: int, rss: int, pools: dict[int, int], right: int | None
) -> None:
    expected = None if right is None else str(right)
    assert resident([str(size)], [str(rss)], pools) == [expected]


@given(
    size=st.integers(1, 2**46),
    pages=st.integers(0, 2**20),
    factor=st.sampled_from([1, 16, 512, 512 * 512]),
    pools=st.dictionaries(st.sampled_from([16 * PAGE, HUGE, 512 * HUGE]), st.integers(1, 2**50)),
)
def test_resident_is_never_over_the_size(
    size: int, pages: int, factor: int, pools: dict[int, int]
) -> None:
    (found,) = resident([str(size)], [str(pages * factor * PAGE)], pools)
    assert found is None or 0 <= int(found) <= -(-size // PAGE) * PAGE


@pytest.mark.parametrize("multiplied", [True, False])
@given(huge_pages=st.integers(1, 10_000), touched=st.integers(0, 10_000))
def test_resident_of_huge_pages_is_right_or_unknown(
    multiplied: bool, huge_pages: int, touched: int
) -> None:
    """Some kernels count too much, and some do not."""
    true = min(touched, huge_pages) * HUGE
    rss = true * 512 if multiplied else true
    (found,) = resident([str(huge_pages * HUGE)], [str(rss)], {HUGE: true} if true else {})
    assert found in {None, str(true)}


def test_pools_in_use_lack_free_pages(tmp_path: Path) -> None:
    for name, total, free in (("2048kB", 8, 5), ("1048576kB", 2, 2), ("64kB", 0, 0)):
        folder = tmp_path / f"hugepages-{name}"
        folder.mkdir()
        (folder / "nr_hugepages").write_text(f"{total}\n")
        (folder / "free_hugepages").write_text(f"{free}\n")
    assert pools_in_use(str(tmp_path)) == {2**21: 3 * 2**21}


def test_pools_in_use_without_huge_pages_are_none(tmp_path: Path) -> None:
    assert pools_in_use(str(tmp_path / "nothing")) == {}


@pytest.mark.parametrize(("pools", "right"), [({HUGE: 3 * HUGE}, 3 * HUGE), ({}, None)])
def test_listing_of_too_large_rss_is_right_or_unknown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pools: dict[int, int], right: int | None
) -> None:
    monkeypatch.setattr(hugepages, "pools_in_use", lambda: pools)
    text = f"0 5 600 {8 * HUGE} 2 3 0 5 6 7 8 9 10 11 {3 * 512 * HUGE} 0\n"
    text += f"0 6 600 {PAGE} 2 3 0 5 6 7 8 9 10 11 {PAGE} 0\n"
    (tmp_path / "shm").write_text(SHM_HEADER + text)
    (listing,) = procfs.read(Kind.SEGMENT, str(tmp_path))
    assert [*listing.column("rss")] == [right and str(right), str(PAGE)]
    found, small = listing.records()
    assert isinstance(found, Segment)
    assert isinstance(small, Segment)
    assert (found.rss, small.rss) == (right, PAGE)


def huge_segment(objects: Objects, size: int) -> int:
    """Return a segment of huge pages, or skip the test where there are none."""
    try:
        return objects.segment(size=size, flags=SHM_HUGETLB)
    except OSError as error:
        if error.errno not in {errno.ENOMEM, errno.EPERM, errno.EINVAL, errno.ENOSYS}:
            raise
        pytest.skip(f"no huge pages: {os.strerror(error.errno)}")


def test_rss_of_a_huge_page_segment_is_right_or_unknown(isolated: None, objects: Objects) -> None:
    huge = next(
        int(line.split()[1]) * 1024
        for line in Path("/proc/meminfo").read_text().splitlines()
        if line.startswith("Hugepagesize:")
    )
    shmid = huge_segment(objects, 4 * huge)
    with kernel.attached(shmid) as address:
        for touched in range(1, 4):
            ctypes.memset(address + (touched - 1) * huge, 1, 1)
            words = invoke("list", "-m", "-f", "csv", "-o", "RSS", "--noheadings").out.split()
            assert words in ([str(touched * huge)], []), row(Kind.SEGMENT, shmid)
            usage = json.loads(invoke("list", "-u", "-m", "-f", "json").out)["usage"]
            assert usage["shm_rss"] in {touched * huge // PAGE, None}
        assert words, "3 of 4 huge pages have one meaning alone"
