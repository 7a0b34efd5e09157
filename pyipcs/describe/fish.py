"""The completion for fish."""

from collections.abc import Iterable, Iterator

from pyipcs.describe.grammar import Command, Option, Value
from pyipcs.describe.template import MADE, fill, read

# The arguments of `complete` for the lookups: functions of fish, or of the template.
_LOOKUPS = {
    "": "-x",
    "file": "-r -F",
    "namespace": "-r -F -k -a '(__pyipcs_lookup namespace)'",
    "process": "-x -k -a '(__pyipcs_lookup process)'",
    "user": "-x -a '(__fish_complete_users)'",
    "owner": "-x -a '(__pyipcs_owner)'",
    "command": "-x -a '(__fish_complete_command)'",
    "ftok": "-x -a '(__pyipcs_ftok)'",
    "target or kind": "-x -k -a '(__pyipcs_target_or_kind)'",
}
_BEFORE_COLUMN = {"columns": r"(?:.*,|\+)?", "column": "-?"}


def script(program: Command, commands: Iterable[Command]) -> str:
    """Return the text of the file."""
    listed = [*commands]
    wrappers = [one.name for one in listed if one.wraps == "--"]
    options = [
        f"set -g __pyipcs_options {' '.join(_specs(program))}",
        f"set -g __pyipcs_wrappers {' '.join(wrappers)}",
        *(f"set -g __pyipcs_options_{one.name} {' '.join(_specs(one))}" for one in listed),
    ]
    completions = [_complete("", f"-a {one.name}", one.summary) for one in listed]
    for one in (program._replace(name="''"), *listed):
        completions += [*_options(one), *_operands(one)]
    return fill(
        read("pyipcs.fish.in"), MADE=[f"# {MADE}"], OPTIONS=options, COMPLETIONS=completions
    )


def _specs(command: Command) -> Iterator[str]:
    """Yield the options in the notation of fish's `argparse`."""
    for option in command.options:
        value = option.value
        mark = "" if value is None else "=?" if value.is_optional else "=+"
        yield f"'{'/'.join(name.lstrip('-') for name in option.names)}{mark}'"


def _options(command: Command) -> Iterator[str]:
    for option in command.options:
        names = [f"-l {name[2:]}" if name[1] == "-" else f"-s {name[1]}" for name in option.names]
        yield _complete(command.name, " ".join([*names, *_option_value(option)]), option.help)


def _option_value(option: Option) -> Iterator[str]:
    """Yield the arguments of `complete` for the value of an option, if any."""
    if option.value:
        arguments = _value(option.value)
        # -x requires a value.
        yield arguments.removeprefix("-x ") if option.value.is_optional else arguments


def _operands(command: Command) -> Iterator[str]:
    if command.wraps == "--":
        yield f"complete -c pyipcs -n '__pyipcs_in_wrapped {command.name}' -a '(__pyipcs_wrapped)'"
    if command.wraps == "first":
        yield _complete(command.name, "-a '(__pyipcs_wrapped)'")
    last = len(command.operands) - 1
    for position, value in enumerate(command.operands):
        more = " or-more" if command.can_repeat_last and position == last else ""
        yield _complete(f"{command.name} {position}{more}", _value(value))


def _complete(condition: str, arguments: str, description: str = "") -> str:
    described = f" -d {_quoted(description)}" if description else ""
    condition = _quoted(f"__pyipcs_in {condition}".rstrip())
    return f"complete -c pyipcs -n {condition} {arguments}{described}"


def _value(value: Value) -> str:
    """Return the arguments of `complete` for a value."""
    choices = value.choices
    if isinstance(choices, str):
        if choices in _LOOKUPS:
            return _LOOKUPS[choices]
        ftok = "" if choices.startswith(("id", "name")) else " (__pyipcs_ftok)"
        return f"-x -k -a '(__pyipcs_lookup {choices}){ftok}'"
    words = " ".join(
        f"{word}\\t{_quoted(text)}" if text else word for word, text in choices.items()
    )
    if value.columns:
        words = f"(__pyipcs_columns {_quoted(_BEFORE_COLUMN[value.columns])} {words})"
    return f"-x -k -a {_quoted(words)}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
