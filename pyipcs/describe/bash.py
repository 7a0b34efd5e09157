"""The completion for bash, with or without the package bash-completion."""

from collections.abc import Iterable, Iterator

from pyipcs.describe.grammar import Command, Value

_SCRIPT = """\
# Made by `python -m pyipcs.describe`; do not edit.

# The options, values and operands of a command, for _pyipcs.
_pyipcs_grammar() {
  case $1 in
%s
  esac
}

# Offer those lines of words that fit, each perhaps with a tab and what it is, which a list shows.
_pyipcs_offer() {
  local - line word width=0 several=
  local -a found=() told=()
  set -f
  for line in $1; do
    [[ $line = "$cur"* ]] || continue
    word=${line%%%%$'\\t'*}
    found+=("$word") told+=("$line")
    [[ $word = "${found[0]}" ]] || several=yes
    (( ${#word} > width )) && width=${#word}
  done
  # 63, 33 and 64 are the sorts of completion that list what there is.
  if [[ -n $several && ${told[0]} = *$'\\t'* && $COMP_TYPE = @(63|33|64) ]]; then
    local IFS=$'\\t'
    printf -v line "%%-${width}s  (%%s)\\n" ${told[*]}
    IFS=$'\\n'
    COMPREPLY+=($line)
  else
    COMPREPLY+=("${found[@]/#/$before}")
  fi
}

_pyipcs_there() {
  _pyipcs_offer "$("$program" --complete "$1" "$cur" "${words[@]:1:cword-1}" 2>/dev/null)"
}

_pyipcs_files() {
  compopt -o filenames 2>/dev/null
  COMPREPLY+=($(compgen -f -- "$cur"))
}

# Another command with its words, of which the first stands at this place.
_pyipcs_wrapped() {
  local IFS=$' \\t\\n'
  if declare -F _command_offset >/dev/null; then
    _command_offset "$1"
  elif (( cword == $1 )); then
    COMPREPLY+=($(compgen -c -- "$cur"))
  else
    _pyipcs_files
  fi
}

# Offer what may stand as a value.
_pyipcs_value() {
  local kind=$1
  shift
  case $kind in
    words) _pyipcs_offer "$*" ;;
    columns | column)
      compopt -o nospace
      [[ $kind = column ]] && before=${cur%%%%[^-]*} || before=${cur%%"${cur##*[+,]}"}
      cur=${cur#"$before"}
      _pyipcs_offer "$*"
      ;;
    target* | id* | key*)
      _pyipcs_there "$kind"
      [[ $kind = target* && -z ${COMPREPLY[*]} ]] && _pyipcs_value ftok
      ;;
    ftok)
      if [[ $cur = ftok:* ]]; then
        cur=${cur#ftok:}
        _pyipcs_files
      elif [[ -n $cur && ftok: = "$cur"* ]]; then
        compopt -o nospace
        COMPREPLY+=(ftok:)
      fi
      ;;
    file) _pyipcs_files ;;
    user) COMPREPLY+=($(compgen -u -- "$cur")) ;;
    owner)
      if [[ $cur = *:* ]]; then
        COMPREPLY+=($(compgen -g -P "${cur%%:*}:" -- "${cur#*:}"))
      else
        COMPREPLY+=($(compgen -u -- "$cur"))
      fi
      ;;
    namespace)
      [[ $cur = /* ]] && _pyipcs_files || COMPREPLY+=($(cd /proc && compgen -G "$cur*[0-9]"))
      ;;
    command) COMPREPLY+=($(compgen -c -- "$cur")) ;;
    kind)
      case ${given[0]-} in
        '') _pyipcs_value words msg shm sem ;;
        msg | shm | sem) _pyipcs_there "id:${given[0]}" ;;
      esac
      ;;
  esac
}

_pyipcs() {
  local program=${1/#\\~/$HOME} before= command= wraps= many= awaited= ended=
  local IFS=$'\\n' cur word letter apart rest=${COMP_LINE:0:COMP_POINT} i cword letters
  local -a words=() options=() operands=() given=()
  local -A value=() attached=()
  # The words as the program gets them, which to bash also end at = and : (COMP_WORDBREAKS).
  for (( i = 0; i <= COMP_CWORD; i++ )); do
    apart=${rest%%%%[![:space:]]*} rest=${rest#"${rest%%%%[![:space:]]*}"} word=${COMP_WORDS[i]}
    (( i == COMP_CWORD )) && word=$rest
    rest=${rest#"$word"}
    if [[ $i = 0 || -n $apart ]]; then words+=("$word"); else words[-1]+=$word; fi
  done
  cword=$(( ${#words[@]} - 1 )) cur=${words[-1]}
  _pyipcs_grammar ''
  for (( i = 1; i < cword; i++ )); do
    word=${words[i]}
    awaited=
    if [[ -z $ended && $word = -- ]]; then
      ended=yes
      if [[ $wraps = -- ]]; then
        _pyipcs_wrapped $(( i + 1 ))
        return
      fi
    elif [[ -z $ended && $word = --?* ]]; then
      [[ -n ${value[$word]+taken} ]] && awaited=$word
    elif [[ -z $ended && $word = -[a-zA-Z0]* ]]; then
      for (( letters = 1; letters < ${#word}; letters++ )); do
        letter=-${word:letters:1}
        [[ -n ${attached[$letter]+taken} ]] && break
        [[ -n ${value[$letter]+taken} ]] || continue
        (( letters == ${#word} - 1 )) && awaited=$letter
        break
      done
    elif [[ -z $command ]]; then
      command=$word options=() value=()
      _pyipcs_grammar "$command"
    elif [[ $wraps = first ]]; then
      _pyipcs_wrapped "$i"
      return
    else
      given+=("$word")
    fi
    [[ -n $awaited ]] && (( i + 1 < cword )) && (( i++ )) && awaited=
  done

  local place=${#given[@]}
  (( place >= ${#operands[@]} )) && [[ -n $many ]] && place=$(( ${#operands[@]} - 1 ))
  if [[ -n $awaited ]]; then
    eval "_pyipcs_value ${value[$awaited]}"
  elif [[ -z $ended && $cur = --*=* ]]; then
    word=${cur%%%%=*} cur=${cur#*=}
    [[ $COMP_WORDBREAKS = *=* ]] || before=$word=
    eval "_pyipcs_value ${value[$word]-${attached[$word]-}}"
  elif [[ -z $ended && $cur = -[a-zA-Z]?* && -n ${value[${cur:0:2}]+taken} ]]; then
    before=${cur:0:2} cur=${cur:2}
    eval "_pyipcs_value ${value[$before]}"
  elif [[ -z $ended && $cur = -* && ! $cur = -[1-9.]* ]]; then
    _pyipcs_offer "${options[*]}"
  elif [[ -z $command ]]; then
    _pyipcs_offer "${operands[*]}"
  elif [[ $wraps = first ]]; then
    _pyipcs_wrapped "$cword"
  else
    eval "_pyipcs_value ${operands[place]-}"
  fi
  # What stands before a colon is to bash another word.
  if [[ $cur = *:* && $COMP_WORDBREAKS = *:* ]]; then
    word=${cur%%"${cur##*:}"}
    COMPREPLY=("${COMPREPLY[@]#"$word"}")
  fi
} 2>/dev/null && complete -F _pyipcs pyipcs
"""
_NAMES = {"kind and ids": "kind"}


def script(program: Command, commands: Iterable[Command]) -> str:
    """The whole file."""
    listed = [*commands]
    words = tuple(_told(one.name, one.summary) for one in listed)
    cases = [
        _case(program._replace(name="''"), words),
        *(_case(one, _operands(one)) for one in listed),
    ]
    return _SCRIPT % "\n".join(cases)


def _case(command: Command, operands: Iterable[str]) -> str:
    """What sets the grammar of a command."""
    options = [_told(name, one.help) for one in command.options for name in one.names]
    values = [(name, one.value) for one in command.options for name in one.names]
    taken = {name: _action(value) for name, value in values if value and not value.optional}
    attached = {name: _action(value) for name, value in values if value and value.optional}
    wraps = {"": "first", None: ""}.get(command.wraps, command.wraps)
    lines = [
        _array("options", map(_quoted, options)),
        _array("value", (f"[{name}]={_quoted(action)}" for name, action in taken.items())),
        _array("attached", (f"[{name}]={_quoted(action)}" for name, action in attached.items())),
        _array("operands", map(_quoted, operands)),
        f"      many={'yes' if command.many else ''} wraps={wraps}\n",
    ]
    return f"    {command.name})\n{''.join(lines)}      ;;"


def _array(name: str, items: Iterable[str]) -> str:
    """What sets an array, an item a line."""
    lines = "".join(f"        {item}\n" for item in items)
    return f"      {name}=(\n{lines}      )\n" if lines else ""


def _operands(command: Command) -> Iterator[str]:
    return map(_action, command.operands)


def _action(value: Value) -> str:
    """The arguments for _pyipcs_value."""
    if isinstance(value.offers, str):
        return _NAMES.get(value.offers, value.offers)
    words = (_quoted(_told(word, what)) for word, what in value.offers.items())
    return " ".join([value.columns or "words", *words])


def _told(word: str, what: str) -> str:
    return f"{word}\t{what}" if what else word


def _quoted(text: str) -> str:
    """A word as bash reads it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\t", "\\t")
    return f"$'{escaped}'" if escaped != text else f"'{text}'"
