"""What the descriptions are made from: the commands with their options, operands and values."""

import re
from collections.abc import Iterator, Mapping
from inspect import cleandoc
from typing import NamedTuple

import click

from pyipcs.cli import app
from pyipcs.cli.command import Grammar, OptionalValue, Prefix, Wrapper
from pyipcs.cli.types import Parsed, Suggestions


class Value(NamedTuple):
    """What stands behind an option, or as an operand.

    Attributes:
        metavar: what the help calls it.
        choices: what a shell can offer for it (`types.Suggestions`).
        optional: whether it may be left out, and so has to be attached.
        columns: "columns" if commas may stand between several, "column" if it is one.
    """

    metavar: str
    choices: Suggestions
    optional: bool
    columns: str


class Option(NamedTuple):
    """One option.

    Attributes:
        names: the short ones first.
        help: a line of what it does.
        value: None for a flag.
        repeatable: whether it may be given several times.
    """

    names: tuple[str, ...]
    help: str
    value: Value | None
    repeatable: bool


class Command(NamedTuple):
    """One command.

    Attributes:
        name: its name.
        summary: what it does, in a line.
        options: all of them.
        operands: those that stand at places of their own; the last one may be given several times
            if `many` says so.
        many: whether it may.
        wraps: where the words of another command begin: at the first operand (""), behind "--",
            or nowhere (None).
    """

    name: str
    summary: str
    options: tuple[Option, ...]
    operands: tuple[Value, ...]
    many: bool
    wraps: str | None


_COLUMNS = ("columns", "column")
_WRAPS: dict[type[click.Command], str] = {Prefix: "", Wrapper: "--"}


def commands() -> Iterator[Command]:
    """All commands."""
    for name in app.COMMANDS:
        yield described(app.load(name))


def described(command: click.Command) -> Command:
    """One command, or the program itself."""
    columns = _columns(command)
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    wraps = _WRAPS.get(type(command))
    return Command(
        name=command.name or "",
        summary=_line(cleandoc(command.help or "")),
        options=tuple(
            _option(one, columns) for one in command.params if isinstance(one, click.Option)
        ),
        operands=() if wraps == "" else tuple(_value(one, columns) for one in arguments),
        many=any(one.nargs == -1 for one in arguments),
        wraps=wraps,
    )


def _option(option: click.Option, columns: Mapping[str, str]) -> Option:
    names = sorted(option.opts, key=len)
    value = None if option.is_flag else _value(option, columns)
    return Option(tuple(names), _line(option.help or ""), value, option.multiple)


def _value(param: click.Parameter, columns: Mapping[str, str]) -> Value:
    metavar = param.metavar or (param.type.name if isinstance(param.type, Parsed) else "when")
    return Value(
        metavar=re.sub(r"\[-\]|[][=]|,?\.\.\.", "", metavar).lower(),
        choices=_suggestions(param, columns),
        optional=isinstance(param, OptionalValue),
        columns=kind if (kind := getattr(param.type, "suggestions", "")) in _COLUMNS else "",
    )


def _suggestions(param: click.Parameter, columns: Mapping[str, str]) -> Suggestions:
    choices: Suggestions = getattr(param.type, "suggestions", "")
    return columns if choices in _COLUMNS else choices


def _columns(command: click.Command) -> dict[str, str]:
    """The columns that a command has, each with what it tells."""
    if not isinstance(command, Grammar) or not command.help_sections:
        return {}
    columns: dict[str, str] = {}
    for _, rows in command.help_sections():
        for name, words in rows:
            columns.setdefault(name, words)
    return columns


def _line(text: str) -> str:
    """The first sentence."""
    return re.split(r"\n|(?<!\.)\. ", text)[0].removesuffix(".")
