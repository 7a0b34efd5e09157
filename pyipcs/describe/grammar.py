"""The commands' options, operands and values for the completions."""

import re
from collections.abc import Mapping
from inspect import cleandoc
from typing import Literal, NamedTuple

import click

from pyipcs.cli import app
from pyipcs.cli.command import Grammar, OptionalValue, Prefix, Wrapper
from pyipcs.cli.types import ParsedType, Suggestions

Wraps = Literal["", "first", "--"]


class Value(NamedTuple):
    """The value of an option, or an operand.

    Attributes:
        metavar: its name in the help.
        choices: the words that a shell offers, or the name of a lookup (`types.Suggestions`).
        is_optional: True if the option can stand without a value; a value is then attached.
        columns: "columns" for a list of columns, "column" for one column, else empty.
    """

    metavar: str
    choices: Suggestions
    is_optional: bool
    columns: str


class Option(NamedTuple):
    """One option.

    Attributes:
        names: its names, short ones first.
        help: the first sentence of its help.
        value: its value; None for a flag.
        is_repeatable: True if it can be given several times.
    """

    names: tuple[str, ...]
    help: str
    value: Value | None
    is_repeatable: bool


class Command(NamedTuple):
    """One command, or the program itself.

    Attributes:
        name: its name.
        summary: the first sentence of its help.
        options: all its options.
        operands: its operands, by position.
        can_repeat_last: True if the last operand can be given several times.
        wraps: the start of another command: "first" for the first operand, "--" for the word after
            a `--`, empty if it runs no other command.
    """

    name: str
    summary: str
    options: tuple[Option, ...]
    operands: tuple[Value, ...]
    can_repeat_last: bool
    wraps: Wraps


_COLUMNS = ("columns", "column")
_WRAPS: dict[type[click.Command], Wraps] = {Prefix: "first", Wrapper: "--"}


def program() -> Command:
    """Describe the program itself, whose operands are its commands."""
    return _describe(app.app)


def commands() -> list[Command]:
    """Describe all commands."""
    return [_describe(app.load(name)) for name in app.COMMANDS]


def _describe(command: click.Command) -> Command:
    columns = _columns(command)
    options = (one for one in command.params if isinstance(one, click.Option))
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    wraps = _WRAPS.get(type(command), "")
    return Command(
        name=command.name or "",
        summary=_first_sentence(cleandoc(command.help or "")),
        options=tuple(_option(one, columns) for one in options),
        operands=() if wraps == "first" else tuple(_value(one, columns) for one in arguments),
        can_repeat_last=any(one.nargs == -1 for one in arguments),
        wraps=wraps,
    )


def _option(option: click.Option, columns: Mapping[str, str]) -> Option:
    names = sorted(option.opts, key=len)
    value = None if option.is_flag else _value(option, columns)
    return Option(tuple(names), _first_sentence(option.help or ""), value, option.multiple)


def _value(param: click.Parameter, columns: Mapping[str, str]) -> Value:
    metavar = param.metavar or (param.type.name if isinstance(param.type, ParsedType) else "when")
    choices: Suggestions = getattr(param.type, "suggestions", "")
    kind = choices if isinstance(choices, str) and choices in _COLUMNS else ""
    return Value(
        metavar=re.sub(r"\[-\]|[][=]|,?\.\.\.", "", metavar).lower(),
        choices=columns if kind else choices,
        is_optional=isinstance(param, OptionalValue),
        columns=kind,
    )


def _columns(command: click.Command) -> dict[str, str]:
    """Return the columns of a command with their descriptions."""
    if not isinstance(command, Grammar) or not command.help_sections:
        return {}
    columns: dict[str, str] = {}
    for _, rows in command.help_sections():
        for name, description in rows:
            columns.setdefault(name, description)
    return columns


def _first_sentence(text: str) -> str:
    return re.split(r"\n|(?<!\.)\. ", text)[0].removesuffix(".")
