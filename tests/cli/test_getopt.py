"""The grammar of command lines, compared with the module getopt."""

import getopt
from collections.abc import Sequence

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyipcs.cli.command import Alias, Grammar, Option, OptionalValue, values_in_order
from pyipcs.cli.getopt import NO_VALUE, Scan
from pyipcs.errors import UsageError

NAMES = {"-a": "--all", "-t": "--time", "-l": "--limits", "-i": "--id", "-k": "--key"}


def command(*, optional_values: bool = False) -> Grammar:
    params: list[click.Parameter] = [
        Option([short, long], is_flag=short not in {"-i", "-k"}, multiple=short in {"-i", "-k"})
        for short, long in NAMES.items()
    ]
    if optional_values:
        params.append(OptionalValue(["-w", "--watch"], multiple=True))
        params.append(OptionalValue(["-x", "--xall"], following_values=("msg",), multiple=True))
    params.append(click.Argument(["operands"], nargs=-1))
    grammar = Grammar("test", params=params, add_help_option=False)
    grammar.abbreviable_names = frozenset({*NAMES.values(), "--timeless"})
    return grammar


def scanned(tested: Grammar, args: Sequence[str], abbreviable_names: frozenset[str]) -> Scan:
    params = [param for param in tested.params if isinstance(param, Option)]
    return Scan({name: param for param in params for name in param.opts}, args, abbreviable_names)


def scan(*args: str, optional_values: bool = False) -> tuple[list[str], list[str]]:
    """Return the options and the operands."""
    tested = command(optional_values=optional_values)
    found = scanned(tested, args, tested.abbreviable_names)
    if found.error:
        raise found.error
    assert found.args == [*found.given, "--", *found.operands]
    return found.given, found.operands


def by_getopt(args: list[str]) -> tuple[list[str], list[str]]:
    longs = ["all", "time", "limits", "id=", "key=", "timeless"]
    options, operands = getopt.gnu_getopt(args, "atli:k:", longs)
    words: list[str] = []
    for name, value in options:
        long = NAMES.get(name, name)
        words += [long, value] if long in {"--id", "--key"} else [long]
    return words, operands


WORDS = st.one_of(
    st.sampled_from(
        [
            *("-a", "-t", "-l", "-at", "-tla", "-i", "-i5", "-ai", "-atk", "-kx", "-z", "-az"),
            *("--all", "--al", "--a", "--time", "--tim", "--t", "--limits", "--li", "--id", "--i"),
            *("--id=5", "--key=", "--k=x=y", "--all=x", "--nope", "--", "-", "word", "", "msg"),
        ]
    ),
    st.text("-aitk=5", max_size=4).filter(lambda word: word[:2] not in {"-5", "-=", "--"}),
)


@given(st.lists(WORDS, max_size=6))
def test_scan_agrees_with_getopt_long(args: list[str]) -> None:
    try:
        expected = by_getopt(args)
    except getopt.GetoptError:
        with pytest.raises(UsageError):
            scan(*args)
    else:
        if "--timeless" in expected[0]:  # the command has no such option
            return
        assert scan(*args) == expected


def test_scan_takes_negative_numbers_as_operands_and_values() -> None:
    assert scan("-5", "-a", "-.5", "-t", "-10") == (["--all", "--time"], ["-5", "-.5", "-10"])
    assert scan("-i", "-10", "-k-3") == (["--id", "-10", "--key", "-3"], [])


def test_scan_takes_minus_zero_as_an_option() -> None:
    with pytest.raises(UsageError, match="-0"):
        scan("-0")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["-w"], ["--watch", NO_VALUE]),
        (["--watch"], ["--watch", NO_VALUE]),
        (["--watch=5"], ["--watch", "5"]),
        (["-w5"], ["--watch", "5"]),
        (["-wa"], ["--watch", "a"]),
        (["--watch="], ["--watch", ""]),
        (["-w=5"], ["--watch", "5"]),
        (["-aw"], ["--all", "--watch", NO_VALUE]),
        (["-x"], ["--xall", NO_VALUE]),
        (["-xmsg"], ["--xall", "msg"]),
        (["-x", "msg"], ["--xall", "msg"]),
        (["--xall", "msg"], ["--xall", "msg"]),
    ],
)
def test_scan_optional_value_is_in_the_same_word_or_a_listed_one(
    args: list[str], words: list[str]
) -> None:
    assert scan(*args, optional_values=True) == (words, [])


def test_scan_optional_value_leaves_other_words_as_operands() -> None:
    assert scan("-w", "5", optional_values=True) == (["--watch", NO_VALUE], ["5"])
    assert scan("-x", "msgs", optional_values=True) == (["--xall", NO_VALUE], ["msgs"])


def test_scan_rejects_an_abbreviation_of_two_names() -> None:
    with pytest.raises(UsageError, match="--time, --timeless"):
        scan("--ti")


def test_scan_abbreviates_only_the_names_of_the_peers() -> None:
    with pytest.raises(UsageError, match="--watc"):
        scan("--watc", optional_values=True)


def test_alias_counts_as_the_option_it_stands_for() -> None:
    option = Option(["-f", "--format"])
    alias = Alias(["-J", "--json"], stands_for=("--format", "json"))
    tested = Grammar("test", params=[option, alias], add_help_option=False)
    for args, value in (["-J"], "json"), (["-J", "-fx"], "x"), (["-fx", "--json"], "json"):
        context = tested.make_context("test", args)
        assert context.params == {"format": value}


def test_scan_with_an_error_returns_the_other_words() -> None:
    tested = command()
    found = scanned(tested, ["-z", "-t", "--nope", "--id=5", "-k"], frozenset())
    assert (found.given, found.operands) == (["--time", "--id", "5"], [])
    assert "-z" in str(found.error)


def test_values_in_order_returns_values_as_given() -> None:
    tested = command()
    context = tested.make_context("test", ["-i1", "-k", "2", "--id=3", "-a", "-k4", "word"])
    assert [*values_in_order(context, ["id", "key"])] == [
        ("id", "1"),
        ("key", "2"),
        ("id", "3"),
        ("key", "4"),
    ]
    assert context.params["operands"] == ("word",)


def test_grammar_takes_words_after_two_dashes_as_operands() -> None:
    context = command().make_context("test", ["--", "-a", "--", "-5"])
    assert context.params["operands"] == ("-a", "--", "-5")
    assert not context.params["all"]
