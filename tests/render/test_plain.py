"""Plain output for cases that a comparison with ipcs cannot reach."""

import pytest

from pyipcs.listing import Listing
from pyipcs.model import Kind, Unit
from pyipcs.query.plan import Report
from pyipcs.render import ipcs_details, plain
from pyipcs.render.format_units import human
from pyipcs.sysv.info import SegmentLimits
from tests.kit.samples import MACHINE


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0B"),
        (1, "1B"),
        (1023, "1023B"),
        (1024, "1K"),
        (1075, "1K"),
        (1076, "1.1K"),
        (1536, "1.5K"),
        (2047, "2K"),
        (1024**2 - 1, "1024K"),
        (1024**2, "1M"),
        (2**63 - 1, "8E"),
        (2**64 - 1, "16E"),
        (2**60 + 2**59, "1.5E"),
    ],
)
def test_human_size_has_at_most_one_decimal(size: int, shown: str) -> None:
    assert human(size) == shown


@pytest.mark.parametrize(
    ("unit", "line"),
    [
        (Unit.DEFAULT, "max total shared memory (kbytes) = 400"),
        (Unit.BYTES, "max total shared memory (bytes) = 409600"),
        (Unit.HUMAN, "max total shared memory = 400K"),
    ],
)
def test_limits_show_pages_as_bytes(unit: Unit, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sysconf", lambda _name: 4096)
    limits = SegmentLimits(shmmni=1, shmmax=1, shmall=100, shmmin=1)
    assert (
        line in "".join(ipcs_details.figures("limits", {Kind.SEGMENT: limits}, unit)).splitlines()
    )


def test_listings_render_each_chunk_before_the_next() -> None:
    """A long listing takes the memory of one chunk."""

    def chunks() -> object:
        yield Listing(
            Kind.SEMAPHORE, ("key", "id", "mode", "nsems", "uid"), ["1", "2", "600", "3", "0"]
        )
        raise AssertionError("asked for more than was rendered")

    report = Report({Kind.SEMAPHORE: chunks()}, {}, MACHINE)  # type: ignore[dict-item] # a generator
    rendered = plain.listings(report)
    assert [next(rendered) for _ in range(4)][-1].startswith("0x00000001 2 ")
