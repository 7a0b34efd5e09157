"""The completion for bash, with or without the package bash-completion."""

from collections.abc import Iterable, Iterator

from pyipcs.describe.grammar import Command, Value

_SCRIPT = r"""
# Made by `python -m pyipcs.describe`; do not edit.

# The options, values and operands of a command, for _pyipcs.
_pyipcs_grammar() {
  case $1 in
%s
  esac
}

# Offer those lines of words that fit, each perhaps with a tab and what it is, which a list shows.
_pyipcs_offer() {
  local line word width=0 several= untold=
  local -a found=() told=()
  for line in $1; do
    [[ $line = "$cur"* ]] || continue
    word=${line%%%%$'\t'*}
    found+=("$before$word") told+=("$before$line")
    [[ $line = *$'\t'* ]] || untold=yes
    [[ $before$word = "${found[0]}" ]] || several=yes
    (( ${#word} > width )) && width=${#word}
  done
  # 63, 33 and 64 are the sorts of completion that list what there is.
  if [[ -n $several && -z $untold && $COMP_TYPE = @(63|33|64) ]]; then
    local IFS=$'\t'
    printf -v line "%%-$(( ${#before} + width ))s  (%%s)\n" ${told[*]}
    IFS=$'\n'
    COMPREPLY+=($line)
  else
    COMPREPLY+=("${found[@]}")
  fi
}

_pyipcs_there() {
  _pyipcs_offer "$("$program" --complete "$1" "$cur" "${words[@]:1:cword-1}" 2>/dev/null)"
}

# Offer what bash itself knows: files, users, commands and so on, by the options of compgen.
_pyipcs_own() {
  local word
  for word in $(compgen "$@" -- "$cur"); do COMPREPLY+=("$before$word"); done
}

_pyipcs_files() {
  local i
  compopt -o filenames
  _pyipcs_own -f
  # Behind what is no part of a file's name, bash does not see that it is a folder.
  [[ -n ${before#"$stays"} ]] || return
  for i in "${!COMPREPLY[@]}"; do
    [[ -d ${COMPREPLY[i]#"$before"} ]] && COMPREPLY[i]+=/ && compopt -o nospace
  done
}

# Another command with its words, of which the first stands at this place.
_pyipcs_wrapped() {
  if declare -F _command_offset >/dev/null; then
    local IFS=$' \t\n'
    set +f
    _command_offset "$1"
  elif (( cword == $1 )); then
    _pyipcs_own -c
  else
    _pyipcs_files
  fi
}

# Offer what may stand as a value.
_pyipcs_value() {
  local kind=$1 text=$cur
  shift
  case $kind in
    words) _pyipcs_offer "$*" ;;
    columns | column)
      compopt -o nospace
      [[ $kind = column ]] && cur=${cur#-} || cur=${cur##*[+,]}
      before+=${text%%"$cur"} cur=${cur^^}
      _pyipcs_offer "$*"
      ;;
    target* | id* | key*)
      _pyipcs_there "$kind"
      [[ $kind != id* && ${#COMPREPLY[@]} = 0 ]] && _pyipcs_value ftok
      ;;
    ftok)
      if [[ $cur = ftok:* ]]; then
        before+=ftok: cur=${cur#ftok:}
        _pyipcs_files
      elif [[ -n $cur && ftok: = "$cur"* ]]; then
        compopt -o nospace
        COMPREPLY+=("${before}ftok:")
      fi
      ;;
    file) _pyipcs_files ;;
    user) _pyipcs_own -u ;;
    owner)
      [[ $cur = *:* ]] || { _pyipcs_own -u; return; }
      before+=${cur%%%%:*}: cur=${cur#*:}
      _pyipcs_own -g
      ;;
    namespace)
      if [[ $cur = [0-9]* || -z $cur ]]; then _pyipcs_there namespace; else _pyipcs_files; fi
      ;;
    command) _pyipcs_own -c ;;
    kind)
      case ${given[0]-} in
        '') _pyipcs_value words msg shm sem ;;
        msg | shm | sem) _pyipcs_there "id:${given[0]}" ;;
      esac
      ;;
  esac
}

# Find the first of bundled short options that takes a value: its name, and what is attached.
_pyipcs_bundle() {
  local i
  name= value=
  for (( i = 1; i < ${#1}; i++ )); do
    name=-${1:i:1} value=${1:i+1}
    [[ -n ${values[$name]+taken}${attached[$name]+taken} ]] && return
  done
  return 1
}

# Set `redirected` to the target of a redirection that a word is, or begins.
_pyipcs_redirects() {
  [[ $1 = *[\<\>]* && ${1%%[<>]*} = *([0-9&]) ]] || return
  redirected=${1##*[<>]} redirected=${redirected#[&|]}
}

_pyipcs() {
  local -
  set +eu -f
  local IFS=$'\n' program before= command= wraps= many= awaited= ended= redirected=
  local cur word apart piece rest=${COMP_LINE:0:COMP_POINT} name value i cword place
  local stays head= quotes
  local -a words=() options=() operands=() given=()
  local -A values=() attached=()
  program=${1//[\"\'\\]/} program=${program/#\~\//$HOME/}
  # The words as the program gets them, which to bash also end at = and : (COMP_WORDBREAKS).
  for (( i = 0; i <= COMP_CWORD; i++ )); do
    apart=${rest%%%%[![:space:]]*} rest=${rest#"${rest%%%%[![:space:]]*}"} piece=${COMP_WORDS[i]}
    if (( i == COMP_CWORD )); then
      piece=$rest quotes=${rest//[^\"\']/}
      # What follows a quote that is open is a piece of its own.
      if (( ${#quotes} %% 2 )); then
        head=${rest%%[\"\']*} piece=${rest##*[\"\']}
        [[ $quotes = *\" && $piece = *\$* ]] && return 0 # which nobody but bash can expand
      fi
    fi
    rest=${rest#"${COMP_WORDS[i]}"}
    if [[ $i = 0 || -n $apart ]]; then words+=("$head$piece"); else words[-1]+=$head$piece; fi
  done
  cword=$(( ${#words[@]} - 1 )) cur=${words[-1]}
  # What is offered takes the place of the last piece of the word only.
  [[ $piece = [:=@] && $COMP_WORDBREAKS = *"$piece"* ]] && piece=
  stays=${cur%%"$piece"}
  _pyipcs_grammar ''
  for (( i = 1; i < cword; i++ )); do
    word=${words[i]}
    awaited=
    if _pyipcs_redirects "$word"; then
      [[ -n $redirected ]] || awaited=redirection
    elif [[ -z $ended && $word = -- ]]; then
      ended=yes
      [[ $wraps = -- ]] && { _pyipcs_wrapped $(( i + 1 )); return 0; }
    elif [[ -z $ended && $word = --?* ]]; then
      [[ -n ${values[$word]+taken} ]] && awaited=$word
    elif [[ -z $ended && $word = -[a-zA-Z0]* ]]; then
      _pyipcs_bundle "$word" && [[ -z $value && -n ${values[$name]+taken} ]] && awaited=$name
    elif [[ -z $command ]]; then
      command=$word options=() values=()
      _pyipcs_grammar "$command"
    elif [[ $wraps = first ]]; then
      _pyipcs_wrapped "$i"
      return 0
    else
      given+=("$word")
    fi
    [[ -n $awaited ]] && (( i + 1 < cword )) && (( i++ )) && awaited=
  done

  place=${#given[@]}
  (( place >= ${#operands[@]} )) && [[ -n $many ]] && place=$(( ${#operands[@]} - 1 ))
  if [[ $awaited = redirection ]]; then
    _pyipcs_files
  elif _pyipcs_redirects "$cur"; then
    before=${cur%%"$redirected"} cur=$redirected
    _pyipcs_files
  elif [[ -n $awaited ]]; then
    eval "_pyipcs_value ${values[$awaited]}"
  elif [[ -z $ended && $cur = --*=* ]]; then
    name=${cur%%%%=*} before=${cur%%%%=*}= cur=${cur#*=}
    eval "_pyipcs_value ${values[$name]-${attached[$name]-}}"
  elif [[ -z $ended && $cur = -[a-zA-Z0]?* ]] && _pyipcs_bundle "$cur"; then
    before=${cur%%"$value"} cur=$value
    eval "_pyipcs_value ${values[$name]-${attached[$name]-}}"
  elif [[ -z $ended && $cur = -* && ! $cur = -[1-9.]* ]]; then
    _pyipcs_offer "${options[*]}"
  elif [[ -z $command ]]; then
    _pyipcs_offer "${operands[*]}"
  elif [[ $wraps = first ]]; then
    _pyipcs_wrapped "$cword"
    return 0
  else
    eval "_pyipcs_value ${operands[place]-}"
  fi

  for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=${COMPREPLY[i]#"$stays"}; done
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
    return _SCRIPT.lstrip() % "\n".join(cases)


def _case(command: Command, operands: Iterable[str]) -> str:
    """What sets the grammar of a command."""
    options = [_told(name, one.help) for one in command.options for name in one.names]
    values = [(name, one.value) for one in command.options for name in one.names]
    taken = {name: _action(value) for name, value in values if value and not value.optional}
    attached = {name: _action(value) for name, value in values if value and value.optional}
    wraps = {"": "first", None: ""}.get(command.wraps, command.wraps)
    lines = [
        _array("options", map(_quoted, options)),
        _array("values", (f"[{name}]={_quoted(action)}" for name, action in taken.items())),
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
    if isinstance(value.choices, str):
        return _NAMES.get(value.choices, value.choices)
    words = (_quoted(_told(word, what)) for word, what in value.choices.items())
    return " ".join([value.columns or "words", *words])


def _told(word: str, what: str) -> str:
    return f"{word}\t{what}" if what else word


def _quoted(text: str) -> str:
    """A word as bash reads it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\t", "\\t")
    return f"$'{escaped}'" if escaped != text else f"'{text}'"
