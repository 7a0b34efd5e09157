import os
import pwd

import pytest

from pyipcs.process.accounts import group_name, parse_owner, user_name
from tests.kit.isolation import LONG_USER, NAMELESS_ID


def test_user_name_without_a_name_is_the_number() -> None:
    me = pwd.getpwuid(os.geteuid())
    assert user_name(me.pw_uid) == user_name(str(me.pw_uid)) == me.pw_name
    assert user_name(NAMELESS_ID) == str(NAMELESS_ID)
    assert user_name(2**32 - 1) == str(2**32 - 1)


def test_group_name_without_a_name_is_the_number() -> None:
    assert group_name("0") == "root"
    assert group_name(NAMELESS_ID) == str(NAMELESS_ID)


@pytest.mark.parametrize(
    ("text", "owner"),
    [("0", (0, None)), ("root", (0, None)), ("root:root", (0, 0)), ("12:34", (12, 34))],
)
def test_parse_owner_takes_names_and_numbers(text: str, owner: tuple[int, int | None]) -> None:
    assert parse_owner(text) == owner


def test_parse_owner_takes_long_names(accounts: None) -> None:
    assert parse_owner(LONG_USER)[0] == pwd.getpwnam(LONG_USER).pw_uid


@pytest.mark.parametrize("text", ["no-such-user", ":no-such", "root:no-such", "-1", "4294967295"])
def test_parse_owner_unknown_name_fails(text: str) -> None:
    with pytest.raises(ValueError, match=r"no such (user|group)"):
        parse_owner(text)


@pytest.mark.parametrize("text", ["", ":"])
def test_parse_owner_without_user_and_group_fails(text: str) -> None:
    with pytest.raises(ValueError, match="not USER, USER:GROUP or :GROUP"):
        parse_owner(text)
