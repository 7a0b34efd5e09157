from collections.abc import Iterator

import pytest

from tests.kit import samples


@pytest.fixture
def utc() -> Iterator[None]:
    """For outputs with times in them."""
    with samples.zone("UTC"):
        yield
