"""Resident memory of huge pages, which newer kernels count several times."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

POOLS = "/sys/kernel/mm/hugepages"
_PAGE = os.sysconf("SC_PAGESIZE")


def resident(
    segment_sizes: Iterable[str], rss: Sequence[str], pools: Mapping[int, int]
) -> list[str | None]:
    """Return the bytes of segments in memory; None if a number is ambiguous.

    ipc/shm.c multiplies the number of huge pages in the page cache by the small pages in a huge
    page. Since Linux 6.7 the page cache counts small pages itself: the result is too large by a
    factor of 512 (for pages of 2 MiB and 4 KiB). A record does not show if its segment has huge
    pages. Therefore a number is ambiguous if it can be right and can also be 512 times too large.

    Args:
        segment_sizes: the sizes of the segments, as /proc/sysvipc has them.
        rss: the bytes of the segments in memory, as /proc/sysvipc has them.
        pools: the bytes in use by size of huge page (`pools_in_use`).
    """
    return [
        number if number == "0" else _resident(int(size), int(number), pools)
        for size, number in zip(segment_sizes, rss, strict=True)
    ]


def sizes(directory: str = POOLS) -> Iterator[tuple[int, str]]:
    """Yield the sizes of huge pages in bytes, and the folders of their pools."""
    with suppress(OSError):  # a kernel without huge pages
        for name in os.listdir(directory):
            kib = int(name.removeprefix("hugepages-").removesuffix("kB"))
            yield kib * 1024, f"{directory}/{name}"


def pools_in_use(directory: str = POOLS) -> dict[int, int]:
    """Return the bytes in use by size of huge page, without unused sizes."""
    pools: dict[int, int] = {}
    for size, folder in sizes(directory):
        with suppress(OSError):  # a pool that is not readable
            used = _number(f"{folder}/nr_hugepages") - _number(f"{folder}/free_hugepages")
            if used > 0:
                pools[size] = used * size
    return pools


def _number(path: str) -> int:
    with open(path, "rb") as file:
        return int(file.read())


def _resident(size: int, rss: int, pools: Mapping[int, int]) -> str | None:
    most = -(-size // _PAGE) * _PAGE
    known = {rss} if rss <= most else set()
    known |= {number for number in _divided(rss, pools) if number <= most}
    return str(known.pop()) if len(known) == 1 else None


def _divided(rss: int, pools: Mapping[int, int]) -> Iterator[int]:
    """Yield the right sizes if the number counts huge pages too often."""
    for huge, used in pools.items():
        size, rest = divmod(rss, huge // _PAGE)
        if not rest and not size % huge and size <= used:
            yield size
