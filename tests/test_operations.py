import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyipcs.operations import Operation, parse_operation

FLAGS = st.sampled_from(["", "n", "u", "nu", "un"])


@given(
    first=st.integers(0, 65535),
    more=st.integers(0, 100),
    amount=st.integers(1, 32767),
    sign=st.sampled_from([-1, 1]),
    flags=FLAGS,
)
def test_parse_operation_with_sign_adds_or_subtracts(
    first: int, more: int, amount: int, sign: int, flags: str
) -> None:
    last = min(first + more, 65535)
    text = f"{first}:{last}" if more else str(first)
    found = parse_operation(f"{text}{'-' if sign < 0 else '+'}{amount}{flags}")
    assert found == Operation(first, last, sign * amount, "n" in flags, "u" in flags)
    assert [semnum for semnum, *_ in found.each()] == [*range(first, last + 1)]
    assert found.nsops == last - first + 1


@given(flags=FLAGS)
def test_parse_operation_short_word_is_its_long_form(flags: str) -> None:
    for short, long in (("P", "0-1"), ("V", "0+1"), ("Z", "0=0")):
        assert parse_operation(short + flags) == parse_operation(long + flags)


def test_parse_operation_with_equals_waits_for_zero() -> None:
    assert parse_operation("3=0") == Operation(3, 3, 0)
    assert parse_operation("1:2=0n") == Operation(1, 2, 0, nowait=True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *((text, "not an operation") for text in ("", "0", "p", "PV", "0-", "-1", "0*1", "1:-1")),
        *((text, "not an operation") for text in ("0-1nn", "0-1x", "0x1-1", "a-1", "0- 1", "٣-1")),
        ("0=1", "= waits for zero"),
        ("0-0", "to wait for zero is =0"),
        ("0+0u", "to wait for zero is =0"),
        ("2:1-1", "ends before it begins"),
        ("65536-1", "the last is 65535"),
        (f"0:{'9' * 5000}-1", "the last is 65535"),
        ("0-32768", "too large"),
    ],
)
def test_parse_operation_invalid_text_fails(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_operation(text)
