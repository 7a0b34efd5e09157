"""The grammar of getopt_long(3), in one pass over the words before click parses them.

click alone refuses abbreviations and negative numbers, reads `-a=shm` as `=shm`, and keeps no
order between options. The words that this pass returns can be read in one way only: each option
by its own name, its value behind it, then `--` and the operands.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby, pairwise
from typing import Any, TypeAlias

import click

from pyipcs.errors import UsageError

# What stands for a value that was left out. No word of a command line can be this.
NO_VALUE = "\0"
# Under what the words behind `--` are kept.
_BEHIND = f"{__name__}.behind"
# What gives lists of terms and what they mean, by their titles.
HelpSections: TypeAlias = Callable[[], Iterable[tuple[str, Iterable[tuple[str, str]]]]]


class Option(click.Option):
    """An option that stands under a title in the help.

    Attributes:
        group: the title.
        once: whether a second value is refused. Without it the last value counts, as in getopt
            programs, which suits defaults in an alias but would silently drop work or a condition.
        value_hint: the end of the message for a missing value.
    """

    def __init__(
        self,
        *args: Any,
        group: str = "Options",
        once: bool = False,
        value_hint: str = "",
        **attributes: Any,
    ) -> None:
        super().__init__(*args, **attributes)
        self.group = group
        self.once = once
        self.value_hint = value_hint


def options_titled(title: str, *, once: bool = False) -> Callable[..., Callable[[Any], Any]]:
    """Return `click.option` for options under a title; `once` refuses a second value of each."""
    return partial(click.option, cls=Option, group=title, once=once)


class DocumentedChoice(click.Choice):  # type: ignore[type-arg] # generic in newer clicks only
    """One of some words, each with what it means."""

    def __init__(self, choices: Mapping[str, str]) -> None:
        super().__init__([*choices])
        self.suggestions = choices


class OptionalValue(Option):
    """An option whose value may be left out, and then is LEFT_OUT.

    The value is attached (`--all=shm`, `-ashm`, `-a=shm`), or it is the word that follows, where
    that is one of `words`.
    """

    def __init__(self, *args: Any, words: Iterable[str] = (), **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.words = frozenset(words)


class Alias(Option):
    """A flag that is short for an option with a value, and takes part as that."""

    def __init__(self, *args: Any, stands_for: tuple[str, str], **attributes: Any) -> None:
        super().__init__(*args, **attributes | {"is_flag": True, "expose_value": False})
        self.stands_for = stands_for


class Scan:
    """A command line taken apart.

    Attributes:
        given: the options, each by its own name with its value behind it.
        operands: the words that are neither.
        order: click's names of the options, as often and in the order that they were given.
        overridden: the values, with their options, that later ones replace.
        error: the first thing that is wrong; what can be read of the rest is read all the same,
            so that --help helps.
    """

    def __init__(
        self,
        params: Iterable[click.Parameter],
        args: Sequence[str],
        abbreviable_names: frozenset[str],
        ctx: click.Context,
        *,
        stops: bool = False,
        any_operand: str = "",
    ) -> None:
        self._options = {
            name: param
            for param in params
            if isinstance(param, click.Option)
            for name in param.opts
        }
        self._peer_names = abbreviable_names
        self._ctx = ctx
        self._rest = deque(args)
        self._stops = stops  # whether the first operand ends the options
        self._any_operand = any_operand  # the operand that can be any text, by its metavar
        self.given: list[str] = []
        self.operands: list[str] = []
        self.order: list[str] = []
        self.overridden: list[tuple[click.Option, str]] = []
        self._last: dict[click.Option, str] = {}
        self.error: click.UsageError | None = None
        self._scan()

    @property
    def words(self) -> list[str]:
        """The words for click."""
        return [*self.given, "--", *self.operands]

    def _scan(self) -> None:
        while self._rest:
            word = self._rest.popleft()
            try:
                if word == "--":
                    self.operands.extend(self._rest)
                    return
                if word.startswith("--"):
                    self._long(word)
                elif _is_option(word):
                    self._short(word)
                else:
                    self.operands.append(word)
                    if self._stops:
                        self.operands.extend(self._rest)
                        return
            except click.UsageError as error:
                self.error = self.error or error

    def _long(self, word: str) -> None:
        name, equals, value = word.partition("=")
        option = self._options[self._full_name(name)]
        if isinstance(option, OptionalValue):
            self._take(option, value if equals else self._following(option))
        elif not option.is_flag:
            self._take(option, value if equals else self._next(name, option))
        elif equals:
            raise self._wrong(f"option {name} takes no value")
        else:
            self._take(option)

    def _short(self, word: str) -> None:
        if not self._peer_names:  # the peers act on each letter before they read the next
            self._check_letters(word)
        for position, letter in enumerate(word[1:], start=2):
            name = f"-{letter}"
            option = self._options.get(name)
            if option is None:
                raise self._unknown(name)
            if isinstance(option, OptionalValue):
                value = word[position:].removeprefix("=")
                self._take(option, value if word[position:] else self._following(option))
                return
            if not option.is_flag:
                self._take(option, word[position:] or self._next(name, option))
                return
            self._take(option)

    def _check_letters(self, word: str) -> None:
        """Raise a UsageError if a letter is no option, so that `-hello` does not print the help."""
        for letter in word[1:]:
            option = self._options.get(f"-{letter}")
            if option is None:
                raise self._unknown(f"-{letter}", word)
            if isinstance(option, OptionalValue) or not option.is_flag:
                return  # the rest is its value

    def _full_name(self, name: str) -> str:
        """The option that a long name means; abbreviations count among the peer's names only."""
        if name in self._options:
            return name
        if name == "--":  # with a value, so that it does not end the options
            raise self._unknown(name)
        matches = sorted(known for known in self._peer_names if known.startswith(name))
        if len(matches) > 1:
            raise self._wrong(f"option {name} is ambiguous ({', '.join(matches)})")
        if not matches:
            raise self._unknown(name)
        return matches[0]

    def _unknown(self, name: str, word: str = "") -> click.UsageError:
        from difflib import get_close_matches

        close = [known for known in self._options if len(name) > 2 and known.startswith(name)]
        close = close or get_close_matches(name, self._options, cutoff=0.75)
        hint = f", did you mean {' or '.join(close)}?" if close else ""
        if self._any_operand:
            place = f" in '{word}'" if len(word) > len(name) else ""
            hint += f"{place} (put -- before a {self._any_operand} that begins with -)"
        return self._wrong(f"no such option {name}{hint}")

    def _wrong(self, message: str) -> click.UsageError:
        return click.UsageError(message, self._ctx)

    def _next(self, name: str, option: click.Option) -> str:
        if not self._rest:
            hint = option.value_hint if isinstance(option, Option) else ""
            raise self._wrong(f"option {name} needs a value" + (f" ({hint})" if hint else ""))
        return self._rest.popleft()

    def _following(self, option: OptionalValue) -> str:
        if self._rest and self._rest[0] in option.words:
            return self._rest.popleft()
        return NO_VALUE

    def _take(self, option: click.Option, *value: str) -> None:
        if isinstance(option, Alias):
            name, *value_of_alias = option.stands_for
            self._take(self._options[name], *value_of_alias)
            return
        if value and not option.multiple:
            if option in self._last:
                if isinstance(option, Option) and option.once:
                    raise self._wrong(f"option {option.opts[-1]} is given twice")
                self.overridden.append((option, self._last[option]))
            self._last[option] = value[0]
        self.given += [option.opts[-1], *value]
        self.order.append(option.name or "")


def _is_option(word: str) -> bool:
    """Whether a word that is no long option is short ones; `-5` and `-.5` are arguments."""
    if len(word) < 2 or word[0] != "-":
        return False
    return word == "-0" or not (word[1].isdigit() or word[1] == ".")


def given_option_names(ctx: click.Context) -> list[str]:
    """Click's names of the options that were given."""
    names: list[str] = ctx.meta[__name__]
    return names


def values_in_order(ctx: click.Context, names: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """The values of repeatable options, each with its option's name, as the user ordered them."""
    values = {name: iter(ctx.params[name]) for name in names}
    for name in given_option_names(ctx):
        if name in values:
            yield name, next(values[name])


def _operands_max(params: Iterable[click.Parameter]) -> int | None:
    """How many operands there can be; None is any number."""
    numbers = [param.nargs for param in params if isinstance(param, click.Argument)]
    return None if -1 in numbers else sum(numbers)


def _unexpected(scan: Scan, operand: str) -> str:
    """What is said of an operand too many, which may have been meant for an option before it."""
    without = [name for name, value in pairwise(scan.given) if value == NO_VALUE]
    hint = f" ({without[-1]}={operand}?)" if without else ""
    return f"unexpected operand '{operand}'{hint}"


def trailing_command(ctx: click.Context) -> list[str] | None:
    """The words behind the first `--` of a Wrapper; None where there was none."""
    words: list[str] | None = ctx.meta[_BEHIND]
    return words


class Grammar(click.Command):
    """A command that reads its words by getopt_long's rules."""

    abbreviable_names: frozenset[str] = frozenset()
    help_sections: HelpSections | None = None
    examples: Sequence[tuple[str, str]] = ()
    stops_at_operand = False
    any_operand = ""

    def grouped(self) -> Iterator[tuple[str, list[Option]]]:
        """The options by their titles."""
        options = (param for param in self.params if isinstance(param, Option))
        for title, group in groupby(options, lambda option: option.group):
            yield title, [*group]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options in the help, by their titles."""
        for title, options in self.grouped():
            with formatter.section(title):
                formatter.write_dl([row for one in options if (row := one.get_help_record(ctx))])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples and the lists that the help ends with."""
        super().format_epilog(ctx, formatter)
        if self.examples:
            with formatter.section("Examples"):
                for line, words in self.examples:
                    formatter.write(f"  $ {line}\n      {words}\n")
        for title, rows in self.lists():
            with formatter.section(title):
                formatter.write_dl([*rows])

    def lists(self) -> Iterator[tuple[str, Iterable[tuple[str, str]]]]:
        """Words with what they mean, by titles: those of options, and the appendix."""
        for option in self.params:
            if (
                isinstance(option.type, DocumentedChoice) and option.metavar
            ):  # else they stand in its place
                yield option.opts[-1], option.type.suggestions.items()
        if self.help_sections:
            yield from self.help_sections()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the words apart, then let click convert and check them."""
        params = self.get_params(ctx)
        scan = Scan(
            *(params, args, self.abbreviable_names, ctx),
            stops=self.stops_at_operand,
            any_operand=self.any_operand,
        )
        error = scan.error
        most = None if self.stops_at_operand else _operands_max(params)
        if most is not None and len(scan.operands) > most:
            error = error or click.UsageError(_unexpected(scan, scan.operands[most]), ctx)
            del scan.operands[most:]
        ctx.meta[__name__] = scan.order
        try:
            rest = super().parse_args(ctx, scan.words)  # which ends here for --help
        except click.MissingParameter as missing:
            raise error or missing from None
        if error:
            raise error
        for option, value in scan.overridden:  # which click does not look at
            option.type.convert(value, option, ctx)
        return rest

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; name it in what it finds wrong with its options."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            raise click.UsageError(str(error), ctx) from None


class Prefix(Grammar):
    """A command that stands before another one, whose first word ends the options."""

    stops_at_operand = True


class Wrapper(Grammar):
    """A command that takes another one, with its words, behind the first `--`."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """The line of usage, with the other command."""
        return [*super().collect_usage_pieces(ctx), "[-- CMD [ARG]...]"]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read what stands before that."""
        place = args.index("--") if "--" in args else len(args)
        words = args[place + 1 :]
        ctx.meta[_BEHIND] = words or None
        rest = super().parse_args(ctx, args[:place])
        if place < len(args) and not words:
            raise click.UsageError("a command is missing behind --", ctx)
        return rest
