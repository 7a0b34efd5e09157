"""Processes without memory."""

import resource
from contextlib import suppress
from pathlib import Path

_PAGE = resource.getpagesize()
# Python takes blocks of up to 512 bytes from its own pools, and larger ones from malloc(3).
_SIZES = (1 << 20, 1 << 16, 4096, 512)
_HEADER = 48  # bytes of a block that are no data, at most
_kept: dict[int, list[bytes]] = {}  # the free memory of the process, by the size of the blocks


def exhaust_memory(left: int) -> None:
    """Leave this process so many bytes for small objects, and as many for larger ones."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * _PAGE
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    spare = bytearray(_SIZES[1])  # for the end of this function
    resource.setrlimit(resource.RLIMIT_AS, (size, most))
    for length in _SIZES:
        blocks = _kept[length] = []
        with suppress(MemoryError):
            while True:
                blocks.append(bytes(length - _HEADER))
    del spare
    resource.setrlimit(resource.RLIMIT_AS, (size + left, most))
    small = _kept[_SIZES[-1]]
    del small[max(len(small) - left // _SIZES[-1], 0) :]
