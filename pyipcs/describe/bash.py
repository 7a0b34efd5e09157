"""The completion for bash, with or without the package bash-completion."""

from collections.abc import Iterable, Iterator

from pyipcs.describe.grammar import Command, Value
from pyipcs.describe.template import MADE, fill, read


def script(program: Command, commands: Iterable[Command]) -> str:
    """Return the text of the file."""
    listed = [*commands]
    names = [_described(one.name, one.summary) for one in listed]
    cases = [*_case("''", program, names)]
    for one in listed:
        cases += _case(one.name, one, map(_arguments, one.operands))
    return fill(read("pyipcs.bash.in"), MADE=[f"# {MADE}"], CASES=cases)


def _case(pattern: str, command: Command, operands: Iterable[str]) -> Iterator[str]:
    """Yield the lines that set the grammar of a command."""
    options = [_described(name, one.help) for one in command.options for name in one.names]
    values = [(name, one.value) for one in command.options for name in one.names if one.value]
    yield f"    {pattern})"
    yield from _array("options", map(_quoted, options))
    for array, is_optional in (("values", False), ("attached", True)):
        chosen = [(name, value) for name, value in values if value.is_optional == is_optional]
        yield from _array(array, (f"[{name}]={_quoted(_arguments(one))}" for name, one in chosen))
    yield from _array("operands", map(_quoted, operands))
    many = "yes" if command.can_repeat_last else ""
    yield f"      many='{many}' wraps='{command.wraps}'"
    yield "      ;;"


def _array(name: str, items: Iterable[str]) -> Iterator[str]:
    """Yield the lines that set an array, unless it is empty."""
    if lines := [f"        {item}" for item in items]:
        yield from (f"      {name}=(", *lines, "      )")


def _arguments(value: Value) -> str:
    """Return the arguments of `_pyipcs_value` for a value."""
    if isinstance(value.choices, str):
        return "removable" if value.choices == "target or kind" else value.choices
    choices = (_quoted(_described(*choice)) for choice in value.choices.items())
    return " ".join([value.columns or "words", *choices])


def _described(word: str, description: str) -> str:
    return f"{word}\t{description}" if description else word


def _quoted(text: str) -> str:
    """Return a text as a word of bash."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\t", "\\t")
    return f"$'{escaped}'" if escaped != text else f"'{text}'"
