"""The grammar of getopt_long(3), applied before click parses arguments.

click alone refuses abbreviations and negative numbers, reads `-a=shm` as `=shm`, and keeps no
order between options. The arguments that a `Scan` returns are unambiguous: each option by its own
name, followed by its value, then `--` and the operands.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from pyipcs.errors import UsageError

if TYPE_CHECKING:

    class ScannedOption(Protocol):
        """The attributes of `command.Option` that the grammar uses."""

        opts: list[str]
        is_flag: bool
        multiple: bool
        once: bool
        value_hint: str
        is_value_optional: bool
        following_values: frozenset[str]
        stands_for: tuple[str, str] | None

        @property
        def name(self) -> str | None:  # a str in the types of newer clicks
            """The name of its value in click."""


# The value of an option without one. No argument of a program contains a NUL.
NO_VALUE = "\0"


class Scan:
    """The options and operands of a command line.

    Attributes:
        given: the options, each by its own name and followed by its value.
        operands: the arguments that are neither options nor their values.
        order: click's names of the options, in the order of the command line.
        overridden: values that a later value replaces, each after the own name of its option.
        error: the first mistake. The rest is read nevertheless: --help must work.
    """

    def __init__(
        self,
        options: "Mapping[str, ScannedOption]",
        args: Sequence[str],
        abbreviable_names: frozenset[str],
        *,
        stops: bool = False,
        any_operand: str = "",
    ) -> None:
        """Scan a command line.

        Args:
            options: the options by each of their names.
            args: the arguments.
            abbreviable_names: the long options that may be abbreviated.
            stops: True if the first operand ends the options.
            any_operand: the metavar of the operand that may begin with `-`.
        """
        self._options = options
        self._abbreviable_names = abbreviable_names
        self._rest = deque(args)
        self._stops = stops
        self._any_operand = any_operand
        self.given: list[str] = []
        self.operands: list[str] = []
        self.order: list[str] = []
        self.overridden: list[tuple[str, str]] = []
        self._last: dict[str, str] = {}  # values by the own names of their options
        self.error: UsageError | None = None
        self._scan()

    @property
    def args(self) -> list[str]:
        """The arguments for click."""
        return [*self.given, "--", *self.operands]

    def unexpected(self, operand: str) -> UsageError:
        """Return the error for a surplus operand, perhaps the value of an option."""
        without = [name for name, value in pairwise(self.given) if value == NO_VALUE]
        hint = f" ({without[-1]}={operand}?)" if without else ""
        return UsageError(f"unexpected operand '{operand}'{hint}")

    def _scan(self) -> None:
        while self._rest:
            arg = self._rest.popleft()
            try:
                if arg == "--":
                    self.operands.extend(self._rest)
                    return
                if arg.startswith("--"):
                    self._long(arg)
                elif _is_short(arg):
                    self._short(arg)
                else:
                    self.operands.append(arg)
                    if self._stops:
                        self.operands.extend(self._rest)
                        return
            except UsageError as error:
                self.error = self.error or error

    def _long(self, arg: str) -> None:
        name, equals, value = arg.partition("=")
        option = self._options[self._full_name(name)]
        if option.is_value_optional:
            self._take(option, value if equals else self._following(option))
        elif not option.is_flag:
            self._take(option, value if equals else self._next(name, option))
        elif equals:
            raise UsageError(f"option {name} takes no value")
        else:
            self._take(option)

    def _short(self, arg: str) -> None:
        if not self._abbreviable_names:  # util-linux applies each letter before the next one
            self._check_letters(arg)
        for position, letter in enumerate(arg[1:], start=2):
            name = f"-{letter}"
            option = self._options.get(name)
            if option is None:
                raise self._unknown(name)
            if option.is_value_optional:
                value = arg[position:].removeprefix("=")
                self._take(option, value if arg[position:] else self._following(option))
                return
            if not option.is_flag:
                self._take(option, arg[position:] or self._next(name, option))
                return
            self._take(option)

    def _check_letters(self, arg: str) -> None:
        """Raise a UsageError if a letter is no option: -hello is not -h."""
        for letter in arg[1:]:
            option = self._options.get(f"-{letter}")
            if option is None:
                raise self._unknown(f"-{letter}", arg)
            if option.is_value_optional or not option.is_flag:
                return  # the rest is its value

    def _full_name(self, name: str) -> str:
        """Return the name of a long option that may be abbreviated."""
        if name in self._options:
            return name
        if name == "--":  # of `--=VALUE`; alone it would end the options
            raise self._unknown(name)
        matches = sorted(known for known in self._abbreviable_names if known.startswith(name))
        if len(matches) > 1:
            raise UsageError(f"option {name} is ambiguous ({', '.join(matches)})")
        if not matches:
            raise self._unknown(name)
        return matches[0]

    def _unknown(self, name: str, arg: str = "") -> UsageError:
        from difflib import get_close_matches

        close = [known for known in self._options if len(name) > 2 and known.startswith(name)]
        close = close or get_close_matches(name, self._options, cutoff=0.75)
        hint = f", did you mean {' or '.join(close)}?" if close else ""
        if self._any_operand:
            location = f" in '{arg}'" if len(arg) > len(name) else ""
            hint += f"{location} (put -- before a {self._any_operand} that begins with -)"
        return UsageError(f"no such option {name}{hint}")

    def _next(self, name: str, option: "ScannedOption") -> str:
        if not self._rest:
            hint = f" ({option.value_hint})" if option.value_hint else ""
            raise UsageError(f"option {name} needs a value{hint}")
        return self._rest.popleft()

    def _following(self, option: "ScannedOption") -> str:
        if self._rest and self._rest[0] in option.following_values:
            return self._rest.popleft()
        return NO_VALUE

    def _take(self, option: "ScannedOption", *value: str) -> None:
        if option.stands_for:
            name, *value_of_alias = option.stands_for
            self._take(self._options[name], *value_of_alias)
            return
        own_name = option.opts[-1]
        if value and not option.multiple:
            if own_name in self._last:
                if option.once:
                    raise UsageError(f"option {own_name} is given twice")
                self.overridden.append((own_name, self._last[own_name]))
            self._last[own_name] = value[0]
        self.given += [own_name, *value]
        self.order.append(option.name or "")


def _is_short(arg: str) -> bool:
    """Return True for short options; `-5` and `-.5` are operands."""
    if len(arg) < 2 or arg[0] != "-":
        return False
    return arg == "-0" or not (arg[1].isdigit() or arg[1] == ".")
