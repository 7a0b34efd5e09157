"""The completion for zsh, by its own function `_arguments`."""

import re
from collections.abc import Iterable, Iterator, Mapping

from pyipcs.describe.grammar import Command, Option, Value
from pyipcs.describe.template import MADE, fill, read

# The functions that complete the lookups: functions of zsh, or of the template. zsh adds its own
# arguments to a function unless a space stands before the name.
_FUNCTIONS = {
    "file": "_files",
    "ftok": " _pyipcs_ftok",
    "user": "_users",
    "owner": " _pyipcs_owner",
    "namespace": " _pyipcs_namespace",
    "process": " _pyipcs_lookup process",
    "command": "_command_names -e",
    "target or kind": " _pyipcs_target_or_kind",
    "": " ",
}


def script(program: Command, commands: Iterable[Command]) -> str:
    """Return the text of the file."""
    listed = [*commands]
    return fill(
        read("_pyipcs.in"),
        MADE=[f"# {MADE}"],
        FUNCTIONS=[line for one in listed for line in _function(one)],
        OPTIONS=[f"{line} \\" for line in _specs(_options(program))],
        COMMANDS=[f"      {_quoted(f'{one.name}:{one.summary}')}" for one in listed],
    )


def _function(command: Command) -> Iterator[str]:
    """Yield the lines of the function that completes the words of a command."""
    *specs, last = _specs([*_options(command), *_operands(command)])
    yield from ("", f"_pyipcs-{command.name}() {{")
    if command.wraps == "--":
        yield "  (( $words[(i)--] < CURRENT )) && { _pyipcs_wrapped; return }"
    yield "  _arguments -s -S : \\"
    yield from (f"{spec} \\" for spec in specs)
    yield from (last, "}")


def _specs(specs: Iterable[str]) -> Iterator[str]:
    return (f"    {_quoted(spec)}" for spec in specs)


def _options(command: Command) -> Iterator[str]:
    """Yield the specs of the options, each with the names that exclude it."""
    for option in command.options:
        prefix = "*" if option.is_repeatable else f"({' '.join(option.names)})"
        for name in option.names:
            yield f"{prefix}{_option(name, option)}"


def _option(name: str, option: Option) -> str:
    description = re.sub(r"([][])", r"\\\1", option.help)
    is_long = name.startswith("--")
    if option.value is None:
        return f"{name}[{description}]"
    if option.value.is_optional:
        return f"{name}{'=-' if is_long else '-'}[{description}]::{_value(option.value)}"
    return f"{name}{'=' if is_long else '+'}[{description}]:{_value(option.value)}"


def _operands(command: Command) -> Iterator[str]:
    """Yield the specs of the operands."""
    if command.wraps == "first":
        yield from ("(-)1:command:_command_names -e", "*:: :_normal")
    last = len(command.operands)
    for position, value in enumerate(command.operands, start=1):
        repeats = command.can_repeat_last and position == last
        yield f"{'*' if repeats else position}:{_value(value)}"


def _value(value: Value) -> str:
    return f"{_escaped(value.metavar)}:{_action(value)}"


def _action(value: Value) -> str:
    """Return the action of `_arguments` that completes a value."""
    choices = value.choices
    if isinstance(choices, str):
        if choices in _FUNCTIONS:
            return _FUNCTIONS[choices]
        function = "_pyipcs_lookup" if choices.startswith(("id", "name")) else "_pyipcs_target"
        return f" {function} {_escaped(choices)}"
    if value.columns:
        listed = (_quoted(f"{name}[{_escaped(text)}]") for name, text in choices.items())
        return f" _pyipcs_{value.columns} {' '.join(listed)}"
    return _words(choices)


def _words(choices: Mapping[str, str]) -> str:
    """Return an action that offers words, with their descriptions if any."""
    if any(choices.values()):
        listed = (f"{_escaped(word)}\\:{_quoted(text)}" for word, text in choices.items())
        return f"(({' '.join(listed)}))"
    return f"({' '.join(choices)})"


def _escaped(text: str) -> str:
    return re.sub(r"([:\\])", r"\\\1", text)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
