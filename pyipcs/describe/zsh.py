"""The completion for zsh, by its own `_arguments`."""

import re
from collections.abc import Iterable, Iterator, Mapping

from pyipcs.describe.grammar import Command, Option, Value

# What zsh itself knows how to complete, and the functions below. Behind a space, they are called as
# they stand here.
_OWN = {
    "file": "_files",
    "ftok": " _pyipcs_ftok",
    "user": "_users",
    "owner": " _pyipcs_owner",
    "namespace": " _pyipcs_namespace",
    "command": "_command_names -e",
    "kind and ids": " _pyipcs_kind_and_ids",
    "": " ",
}

_HEAD = """\
#compdef pyipcs
# Made by `python -m pyipcs.describe`; do not edit.

# The objects there are, as the program tells them.
_pyipcs_there() {
  local line lines
  local -a there
  lines=$($pyipcs --complete "$1" "${(Q)PREFIX}" "${(@Q)line_so_far}" 2>/dev/null)
  for line in "${(@f)lines}"; do
    [[ -n $line ]] && there+=("${${line%%$'\\t'*}//:/\\:}:${line#*$'\\t'}")
  done
  _describe -V -t objects 'object' there
}

_pyipcs_target() { _pyipcs_there "$1" || _pyipcs_ftok }

_pyipcs_ftok() {
  compset -P 'ftok:' && { _files; return }
  [[ -n $PREFIX && ftok: = $PREFIX* ]] && compadd -S '' -- ftok:
}

_pyipcs_owner() {
  if compset -P '*:'; then _groups; else _users -qS:; fi
}

_pyipcs_namespace() {
  if [[ $PREFIX = [0-9]* || -z $PREFIX ]]; then _pyipcs_there namespace; else _files; fi
}

_pyipcs_kind_and_ids() {
  local kind=$words[(r)(msg|shm|sem)]
  if [[ -n $kind ]]; then _pyipcs_there id:$kind; else compadd -- msg shm sem; fi
}

# Columns with commas between, perhaps behind a + that adds them.
_pyipcs_columns() {
  compset -P '+'
  _values -s , column "$@"
}

_pyipcs_column() {
  compset -P '-'
  _values column "$@"
}
"""

_MAIN = """
_pyipcs() {
  local curcontext=$curcontext state state_descr line pyipcs=${(Q)words[1]}
  local -a line_so_far=("${(@)words[1,CURRENT-1]}")
  typeset -A opt_args
  [[ $pyipcs = '~/'* ]] && pyipcs=$HOME${pyipcs#\\~}
  _arguments -C -s -S : \\
%s \\
    ': :->command' '*:: :->words' && return
  if [[ $state = command ]]; then
    local -a commands=(
%s
    )
    _describe -t commands command commands
    return
  fi
  curcontext=${curcontext%%:*:*}:pyipcs-$words[1]:
  (( $+functions[_pyipcs-$words[1]] )) && _pyipcs-$words[1]
}

_pyipcs "$@"
"""


def script(program: Command, commands: Iterable[Command]) -> str:
    """The whole file."""
    listed = [*commands]
    functions = "".join(map(_function, listed))
    names = (f"      {_quoted(f'{one.name}:{one.summary}')}" for one in listed)
    return _HEAD + functions + _MAIN % (_specs(_options(program)), "\n".join(names))


def _function(command: Command) -> str:
    """The function of a command."""
    begin = _BEHIND if command.wraps == "--" else ""
    specs = _specs([*_options(command), *_operands(command)])
    return f"\n_pyipcs-{command.name}() {{\n{begin}  _arguments -s -S : \\\n{specs}\n}}\n"


_BEHIND = """\
  local -i behind=$words[(i)--]
  if (( behind < CURRENT )); then
    shift $behind words
    (( CURRENT -= behind ))
    _normal
    return
  fi
"""


def _specs(specs: Iterable[str]) -> str:
    return " \\\n".join(f"    {_quoted(spec)}" for spec in specs)


def _options(command: Command) -> Iterator[str]:
    for option in command.options:
        others = "" if option.repeatable else f"({' '.join(option.names)})"
        for name in option.names:
            yield f"{'*' if option.repeatable else others}{_option(name, option)}"


def _option(name: str, option: Option) -> str:
    about = re.sub(r"([][])", r"\\\1", option.help)
    if option.value is None:
        return f"{name}[{about}]"
    value = option.value
    if value.optional:
        attached = "=-" if name.startswith("--") else "-"
        return f"{name}{attached}[{about}]::{_value(value)}"
    attached = "=" if name.startswith("--") else "+"
    return f"{name}{attached}[{about}]:{_value(value)}"


def _operands(command: Command) -> Iterator[str]:
    if command.wraps == "":
        yield "(-)1:command:_command_names -e"
        yield "*:: :_normal"
    last = len(command.operands)
    for place, value in enumerate(command.operands, start=1):
        yield f"{'*' if command.many and place == last else place}:{_value(value)}"


def _value(value: Value) -> str:
    return f"{_escaped(value.metavar)}:{_action(value)}"


def _action(value: Value) -> str:
    choices = value.choices
    if isinstance(choices, str):
        if choices in _OWN:
            return _OWN[choices]
        function = "_pyipcs_there" if choices.startswith("id") else "_pyipcs_target"
        return f" {function} {_escaped(choices)}"
    if value.columns:
        listed = " ".join(_quoted(f"{name}[{_escaped(what)}]") for name, what in choices.items())
        return f" _pyipcs_{value.columns} {listed}"
    return _words(choices)


def _words(choices: Mapping[str, str]) -> str:
    """Words, each with what it is if that is told."""
    if any(choices.values()):
        listed = (f"{_escaped(word)}\\:{_quoted(what)}" for word, what in choices.items())
        return f"(({' '.join(listed)}))"
    return f"({' '.join(choices)})"


def _escaped(text: str) -> str:
    return re.sub(r"([:\\])", r"\\\1", text)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
