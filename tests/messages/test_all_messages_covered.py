"""Compare the table with the messages in the source code."""

import json
import re

import pytest

from tests.messages.sources import IGNORED_NAMES, collect_messages, defined_names
from tests.messages.table import TABLE


def test_messages_of_the_sources_are_in_the_table() -> None:
    outputs = [row.stderr for row in TABLE]
    messages = collect_messages()
    assert messages
    missing = {
        location: pattern
        for location, pattern in messages.items()
        if not any(re.search(pattern, output) for output in outputs)
    }
    assert not missing, json.dumps(missing, indent=1)


@pytest.mark.parametrize("module", IGNORED_NAMES)
def test_names_ignored_by_the_collector_are_defined(module: str) -> None:
    assert defined_names(module) >= IGNORED_NAMES[module]
