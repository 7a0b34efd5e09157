"""Commands and options of click with the grammar of getopt_long(3).

The help has titles and examples.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, TypeAlias

import click

from pyipcs.cli.getopt import Scan
from pyipcs.errors import UsageError

# Keys of a context's meta.
_ORDER = f"{__name__}.order"
_TRAILING = f"{__name__}.trailing"
# Returns lists of terms with their meanings, by titles, for completion and `pyipcs help`.
HelpSections: TypeAlias = Callable[[], Iterable[tuple[str, Iterable[tuple[str, str]]]]]


class Option(click.Option):
    """An option that stands under a title in the help.

    Attributes:
        group: the title.
        details: sentences after the help that only the manual has.
        once: True to refuse a second value. Otherwise the last value counts, as in getopt
            programs: that suits defaults in an alias, but can silently drop work or a condition.
        value_hint: the end of the message for a missing value.
        is_value_optional: see OptionalValue.
        following_values: see OptionalValue.
        stands_for: see Alias.
    """

    is_value_optional = False
    following_values: frozenset[str] = frozenset()
    stands_for: tuple[str, str] | None = None

    def __init__(
        self,
        *args: Any,
        group: str = "Options",
        details: str = "",
        once: bool = False,
        value_hint: str = "",
        **attributes: Any,
    ) -> None:
        super().__init__(*args, **attributes)
        self.group = group
        self.details = details
        self.once = once
        self.value_hint = value_hint

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the variable's value; None if the context has a default."""
        return None if self.name in (ctx.default_map or {}) else super().resolve_envvar_value(ctx)


def options_titled(title: str, *, once: bool = False) -> Callable[..., Callable[[Any], Any]]:
    """Return `click.option` for options under a title; see Option.once."""
    return partial(click.option, cls=Option, group=title, once=once)


class DocumentedChoice(click.Choice):  # type: ignore[type-arg] # generic in newer clicks only
    """A choice of values, each with its meaning.

    Attributes:
        suggestions: the values with their meanings.
        topic: the topic of `pyipcs help` that lists them; empty if the command's help does.
    """

    def __init__(self, choices: Mapping[str, str], topic: str = "") -> None:
        super().__init__([*choices])
        self.suggestions = choices
        self.topic = topic

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value; refuse another one in the words of `ParsedType`."""
        if value not in self.suggestions:
            self.fail(f"'{value}': not one of {', '.join(self.suggestions)}", param, ctx)
        return value


class OptionalValue(Option):
    """An option with an optional value, NO_VALUE by default.

    The value is attached (`--all=shm`, `-ashm`, `-a=shm`), or it is the following argument if
    that is one of `following_values`.
    """

    is_value_optional = True

    def __init__(self, *args: Any, following_values: Iterable[str] = (), **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.following_values = frozenset(following_values)


class Alias(Option):
    """A flag that stands for another option with a value."""

    def __init__(self, *args: Any, stands_for: tuple[str, str], **attributes: Any) -> None:
        super().__init__(*args, **attributes | {"is_flag": True, "expose_value": False})
        self.stands_for = stands_for


def given_option_names(ctx: click.Context) -> list[str]:
    """Return click's names of the options on the command line, in their order."""
    names: list[str] = ctx.meta[_ORDER]
    return names


def values_in_order(ctx: click.Context, names: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Yield names and values of repeatable options, in the given order."""
    values = {name: iter(ctx.params[name]) for name in names}
    for name in given_option_names(ctx):
        if name in values:
            yield name, next(values[name])


def trailing_command(ctx: click.Context) -> list[str] | None:
    """Return the arguments of a Wrapper after `--`; None without `--`."""
    args: list[str] | None = ctx.meta[_TRAILING]
    return args


class Grammar(click.Command):
    """A command that reads its arguments by getopt_long's rules."""

    abbreviable_names: frozenset[str] = frozenset()
    help_sections: HelpSections | None = None
    examples: Sequence[tuple[str, str]] = ()
    stops_at_operand = False
    any_operand = ""

    def grouped(self) -> Iterator[tuple[str, list[Option]]]:
        """Yield the options by their titles."""
        options = (param for param in self.params if isinstance(param, Option))
        for title, group in groupby(options, lambda option: option.group):
            yield title, [*group]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options by their titles."""
        for title, options in self.grouped():
            with formatter.section(title):
                formatter.write_dl([row for one in options if (row := one.get_help_record(ctx))])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the end of the help: examples and lists."""
        super().format_epilog(ctx, formatter)
        if self.examples:
            with formatter.section("Examples"):
                for line, description in self.examples:
                    formatter.write(f"  $ {line}\n      {description}\n")
        write_lists(formatter, self.lists())
        if topics := self.topics():
            formatter.write_paragraph()
            with formatter.indentation():
                pointers = " and ".join(f"`pyipcs help {topic}`" for topic in topics)
                formatter.write_text(f"See {pointers} for the names.")

    def lists(self) -> Iterator[tuple[str, Iterable[tuple[str, str]]]]:
        """Yield the choices of options with their meanings, by title."""
        yield from ((title, rows) for topic, title, rows in self._choices() if not topic)

    def topics(self) -> list[str]:
        """Return the topics of `pyipcs help` with further lists."""
        topics = ["columns"] if self.help_sections else []
        return [*topics, *dict.fromkeys(topic for topic, *_ in self._choices() if topic)]

    def _choices(self) -> Iterator[tuple[str, str, Iterable[tuple[str, str]]]]:
        """Yield the choices of options: topic, title, and terms with meanings."""
        for param in self.params:
            # Without a metavar the choices stand in its place.
            if isinstance(param.type, DocumentedChoice) and param.metavar:
                is_option = isinstance(param, click.Option)
                title = param.opts[-1] if is_option else param.metavar
                yield param.type.topic, title, param.type.suggestions.items()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Scan the arguments, then let click convert and check them."""
        params = self.get_params(ctx)
        options = {
            name: param for param in params if isinstance(param, Option) for name in param.opts
        }
        scan = Scan(
            *(options, args, self.abbreviable_names),
            stops=self.stops_at_operand,
            any_operand=self.any_operand,
        )
        error = scan.error
        most = None if self.stops_at_operand else _operands_max(params)
        if most is not None and len(scan.operands) > most:
            error = error or scan.unexpected(scan.operands[most])
            del scan.operands[most:]
        ctx.meta[_ORDER] = scan.order
        try:
            rest = super().parse_args(ctx, scan.args)  # ends here for --help
        except click.MissingParameter as missing:
            raise _with_context(error, ctx) if error else missing from None
        if error:
            raise _with_context(error, ctx)
        for name, value in scan.overridden:  # click has checked only the last values
            options[name].type.convert(value, options[name], ctx)
        return rest

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; add its name to errors in its options."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            raise _with_context(error, ctx) from None


def write_lists(
    formatter: click.HelpFormatter, lists: Iterable[tuple[str, Iterable[tuple[str, str]]]]
) -> None:
    """Write lists of terms with their meanings under their titles."""
    for title, rows in lists:
        with formatter.section(title):
            formatter.write_dl([*rows])


def _operands_max(params: Iterable[click.Parameter]) -> int | None:
    """Return the largest number of operands; None for no limit."""
    numbers = [param.nargs for param in params if isinstance(param, click.Argument)]
    return None if -1 in numbers else sum(numbers)


def _with_context(error: UsageError, ctx: click.Context) -> click.UsageError:
    return click.UsageError(str(error), ctx)


class Prefix(Grammar):
    """A command that runs another one; the name of that ends the options."""

    stops_at_operand = True


class Wrapper(Grammar):
    """A command that accepts another command after the first `--`."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return the parts of the usage line, with the other command."""
        return [*super().collect_usage_pieces(ctx), "[-- CMD [ARG]...]"]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments before the first `--`, and keep the others."""
        end = args.index("--") if "--" in args else len(args)
        command = args[end + 1 :]
        ctx.meta[_TRAILING] = command or None
        rest = super().parse_args(ctx, args[:end])
        if end < len(args) and not command:
            raise click.UsageError("a command is missing after --", ctx)
        return rest
