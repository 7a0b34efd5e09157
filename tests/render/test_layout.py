"""Texts on several lines, and cut texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyipcs.render.layout import capped, wrapped
from pyipcs.terminal.escape import width

WORDS = st.text(st.sampled_from("abc ,0123é漢字\u0301"), max_size=80)


@given(WORDS, st.integers(2, 40))
def test_wrapped_text_is_whole_and_fits(text: str, size: int) -> None:
    lines = wrapped(text, size)
    assert all(width(line) <= size for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one two three", ["one two", "three"]),
        ("abcdefghijkl", ["abcdefgh", "ijkl"]),
        ("100,101,102", ["100,101,", "102"]),
        ("a b", ["a b"]),
        ("", [""]),
    ],
)
def test_wrapped_text_is_broken_between_words_and_numbers(text: str, lines: list[str]) -> None:
    assert wrapped(text, 8) == lines


@given(WORDS, st.integers(2, 40), st.sampled_from("…+"))
def test_capped_text_is_whole_or_ends_with_the_mark(text: str, size: int, mark: str) -> None:
    cut = capped(text, size, mark)
    assert width(cut) <= size
    assert cut == text or (cut.endswith(mark) and text.startswith(cut.removesuffix(mark)))
