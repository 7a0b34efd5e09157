from collections.abc import Iterator

import pytest

from tests.kit import samples


@pytest.fixture
def utc() -> Iterator[None]:
    """Set the time zone to UTC, for outputs with times."""
    with samples.zone("UTC"):
        yield
