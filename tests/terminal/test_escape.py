import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyipcs.text import one_line, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢", "plain é 漢"),
        ("a\tb\n", "a\tb\n"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m", "\\x9b31m"),
        ("bell\a\r", "bell\\x07\\x0d"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        (b"\xff\x1b".decode(errors="surrogateescape"), "\\xff\\x1b"),
    ],
)
def test_visible_escapes_control_characters(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_one_line_escapes_newlines_and_tabs() -> None:
    assert one_line("a\nb\tc\x1b") == "a\\nb\\tc\\x1b"


@given(st.text())
def test_one_line_leaves_no_control_character(text: str) -> None:
    for character in one_line(text):
        assert unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}
        assert unicodedata.bidirectional(character) not in {
            *("LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"),
        }
