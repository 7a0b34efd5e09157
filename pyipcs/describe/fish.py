"""The completion for fish."""

from collections.abc import Iterable, Iterator

from pyipcs.describe.grammar import Command, Value

_HEAD = """\
# Made by `python -m pyipcs.describe`; do not edit.

# What stands before the cursor: the command, then its operands. For one that wraps another
# command, the words of that. fish asks for each condition anew, so it is kept.
function __pyipcs_words
    set -l words (commandline -opc)[2..]
    if test "$words" != "$__pyipcs_asked" || not set -q __pyipcs_answer
        set -g __pyipcs_asked $words
        set -g __pyipcs_answer (__pyipcs_parse $words)
    end
    printf '%s\\n' $__pyipcs_answer
end

function __pyipcs_parse
    argparse -s $__pyipcs_options -- $argv 2>/dev/null
    set -l command $argv[1]
    set -l options __pyipcs_options_$command
    string match -qr '^[a-z]+$' -- "$command" && set -q $options || return
    set -l words $argv[2..]
    if contains $command $__pyipcs_wrappers && set -l place (contains -i -- -- $words)
        printf '%s\\n' $command behind $words[(math $place + 1)..]
        return
    end
    argparse -i $$options -- $words 2>/dev/null
    printf '%s\\n' $command $argv
end

# Whether this is the command, and this many operands stand before the cursor, or at least so many.
function __pyipcs_in -a command number least
    set -l words (__pyipcs_words)
    test "$words[1]" = "$command" || return
    test "$words[2]" = behind && return 1
    test -z "$number" || test (math (count $words) - 1) -eq $number && return
    test -n "$least" && test (count $words) -gt $number
end

function __pyipcs_behind -a command
    set -l words (__pyipcs_words)
    test "$words[1]" = "$command" && test "$words[2]" = behind
end

# The word at the cursor, without the option that it is the value of.
function __pyipcs_current
    commandline -ct | string replace -r '^(--[a-z-]+=|-[a-zA-Z](?=[^-]))?["\\']?' ''
end

function __pyipcs_there -a what
    set -l words (commandline -opc)
    set -l program (string replace -r '^~' $HOME -- $words[1])
    command -q $program || return
    command $program --complete $what (__pyipcs_current) $words[2..] 2>/dev/null
end

# Columns, with commas between, behind what sets them off.
function __pyipcs_columns -a before
    string match -rq "^(?<prefix>$before)" -- (__pyipcs_current)
    printf '%s\\n' "$prefix"$argv[2..]
end

function __pyipcs_owner
    set -l current (__pyipcs_current)
    if string match -q '*:*' -- $current
        printf '%s\\n' (string split -f1 : -- $current):(__fish_print_groups)
    else
        __fish_complete_users
    end
end

function __pyipcs_ftok
    set -l current (__pyipcs_current)
    if string match -q 'ftok:*' -- $current
        printf 'ftok:%s\\n' (__fish_complete_path (string sub -s 6 -- $current))
    else if test -n "$current" && string match -q -- "$current*" ftok:
        printf 'ftok:\\tthe key that ftok(3) makes of a file\\n'
    end
end

function __pyipcs_kind_and_ids
    set -l words (__pyipcs_words)
    if test (count $words) -eq 1
        printf 'msg\\tmessage queues\\nshm\\tsegments\\nsem\\tsemaphore sets\\n'
    else if contains -- $words[2] msg shm sem
        __pyipcs_there id:$words[2]
    end
end

# The words of another command.
function __pyipcs_wrapped
    set -l words (__pyipcs_words)[2..]
    test "$words[1]" = behind && set -e words[1]
    complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
end

complete -c pyipcs -e
complete -c pyipcs -f
"""
# How an option, or an operand, gets what fish itself or one of the functions above knows.
_OWN = {
    "": "-x",
    "file": "-r -F",
    "namespace": "-r -F -k -a '(__pyipcs_there namespace)'",
    "user": "-x -a '(__fish_complete_users)'",
    "owner": "-x -a '(__pyipcs_owner)'",
    "command": "-x -a '(__fish_complete_command)'",
    "ftok": "-x -a '(__pyipcs_ftok)'",
    "kind and ids": "-x -k -a '(__pyipcs_kind_and_ids)'",
}
_BEFORE = {"columns": r"(?:.*,|\+)?", "column": "-?"}


def script(program: Command, commands: Iterable[Command]) -> str:
    """The whole file."""
    listed = [*commands]
    lines = [
        f"set -g __pyipcs_options {' '.join(_specs(program))}",
        f"set -g __pyipcs_wrappers {' '.join(one.name for one in listed if one.wraps == '--')}",
        *(f"set -g __pyipcs_options_{one.name} {' '.join(_specs(one))}" for one in listed),
        *(_complete("", f"-a {one.name}", one.summary) for one in listed),
        *(line for one in [program._replace(name="''"), *listed] for line in _command(one)),
    ]
    return _HEAD + "\n".join(lines) + "\n"


def _specs(command: Command) -> Iterator[str]:
    """The options for fish's argparse."""
    for option in command.options:
        value = option.value
        mark = "" if value is None else "=?" if value.optional else "=+"
        yield f"'{'/'.join(name.lstrip('-') for name in option.names)}{mark}'"


def _command(command: Command) -> Iterator[str]:
    for option in command.options:
        names = " ".join(
            f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names
        )
        taken = f" {_value(option.value)}" if option.value else ""
        if option.value and option.value.optional:
            taken = taken.replace(" -x", "")  # what may be left out cannot be asked for
        yield _complete(command.name, names + taken, option.help)
    if command.wraps == "--":
        yield f"complete -c pyipcs -n '__pyipcs_behind {command.name}' -a '(__pyipcs_wrapped)'"
    if command.wraps == "":
        yield _complete(command.name, "-a '(__pyipcs_wrapped)'")
    last = len(command.operands) - 1
    for place, value in enumerate(command.operands):
        least = " or-more" if command.many and place == last else ""
        yield _complete(f"{command.name} {place}{least}", _value(value))


def _complete(condition: str, what: str, about: str = "") -> str:
    told = f" -d {_quoted(about)}" if about else ""
    return f"complete -c pyipcs -n {_quoted(f'__pyipcs_in {condition}'.rstrip())} {what}{told}"


def _value(value: Value) -> str:
    choices = value.choices
    if isinstance(choices, str):
        if choices in _OWN:
            return _OWN[choices]
        ftok = "" if choices.startswith("id") else " (__pyipcs_ftok)"
        return f"-x -k -a '(__pyipcs_there {choices}){ftok}'"
    words = " ".join(
        f"{word}\\t{_quoted(what)}" if what else word for word, what in choices.items()
    )
    if value.columns:
        words = f"(__pyipcs_columns {_quoted(_BEFORE[value.columns])} {words})"
    return f"-x -k -a {_quoted(words)}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
