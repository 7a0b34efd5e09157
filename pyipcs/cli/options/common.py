"""Options that commands share."""

import errno
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, TypeVar

import click

from pyipcs import __version__
from pyipcs.cli.command import (
    Alias,
    DocumentedChoice,
    Grammar,
    HelpSections,
    Option,
    given_option_names,
    options_titled,
)
from pyipcs.errors import CommandError

# The titles of options that several commands have.
_GENERAL = "General"
selecting = options_titled("Which objects")
showing = options_titled("What to show")
_waiting = options_titled("How long to wait")
_Options = TypeVar("_Options", bound=tuple[Any, ...])  # a NamedTuple


def subcommand(
    *,
    abbreviable_names: Sequence[str] = (),
    examples: Sequence[tuple[str, str]] = (),
    help_sections: HelpSections | None = None,
    cls: type[Grammar] = Grammar,
    enters: bool = True,
    any_operand: str = "",
) -> Callable[[Callable[..., Any]], click.Command]:
    """A command named as its module, with the options of every command behind its own.

    Args:
        abbreviable_names: the long options of the peer, which alone may be abbreviated.
        examples: command lines, each with what it does.
        help_sections: what gives the lists behind the options in its help, by their titles.
        cls: how it reads its words.
        enters: whether it can work in another IPC namespace.
        any_operand: the metavar of the operand that may begin with `-`, behind `--`.
    """

    def decorate(function: Callable[..., Any]) -> click.Command:
        @wraps(function)
        def on_linux(*args: Any, **values: Any) -> Any:
            if sys.platform != "linux":
                raise CommandError(f"it needs Linux (this is {sys.platform})")
            return function(*args, **values)

        name = function.__module__.rpartition(".")[2]
        command = click.command(name, cls=cls, add_help_option=False)(on_linux)
        command.abbreviable_names = frozenset(f"--{peer}" for peer in abbreviable_names)
        command.examples = examples
        command.help_sections = help_sections
        command.any_operand = any_operand
        command.params += [*([_namespace_option()] if enters else []), *common_options()]
        return command

    return decorate


def common_options() -> list[click.Option]:
    """The options of every command and of pyipcs itself; they act before all others."""
    eager: dict[str, Any] = {"is_eager": True, "expose_value": False, "group": _GENERAL}
    return [
        Option(
            ["--color"],
            type=DocumentedChoice(
                {"auto": "on a terminal", "always": "anywhere", "never": "nowhere"}
            ),
            callback=_set_color,
            help="When there is colour; auto: on a terminal.",
            **eager,
        ),
        Option(
            ["-V", "--version"],
            is_flag=True,
            callback=_show_version,
            help="Show the version.",
            **eager,
        ),
        Option(
            ["-h", "--help"], is_flag=True, callback=_show_help, help="Show this help.", **eager
        ),
    ]


def _namespace_option() -> click.Option:
    from pyipcs.cli.types import NAMESPACE

    return Option(
        ["--ns"],
        group=_GENERAL,
        once=True,
        type=NAMESPACE,
        metavar="PID|PATH",
        callback=_enter,
        help="Work in the IPC namespace of a process, or of a namespace's file.",
        is_eager=True,  # before what depends on it is read
        expose_value=False,
    )


def _enter(ctx: click.Context, _param: click.Parameter, path: str | None) -> None:
    if path is None or ctx.resilient_parsing or {"help", "version"} & {*given_option_names(ctx)}:
        return
    from pyipcs.sysv.unshare import enter

    try:
        enter(path)
    except OSError as error:
        raise CommandError(f"--ns: {_why(path, error)}") from None


def _why(path: str, error: OSError) -> str:
    """Why a namespace cannot be entered, by the process or the file that the user named."""
    process = re.fullmatch("/proc/([0-9]+)/ns/ipc", path)
    named = f"process {process[1]}" if process else path
    if error.errno == errno.ENOENT and process:
        return f"{named}: no such process"
    if error.errno == errno.EINVAL:
        return f"{named}: not an IPC namespace"
    return f"{named}: {error.strerror}"


def _show_help(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        ctx.obj.write([ctx.get_help() + "\n"])
        ctx.exit()


def _show_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        ctx.obj.write([f"pyipcs {__version__}\n"])
        ctx.exit()


def _set_color(ctx: click.Context, _param: click.Parameter, when: str | None) -> None:
    if when and ctx.obj:
        ctx.obj.color = when


# Short for the format that programs read, wherever there is a choice.
json_option = showing(
    "-J", "--json", cls=Alias, stands_for=("--format", "json"), help="Short for --format json."
)


def wait_options(each: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """--timeout and --nowait, as one argument `timeout`: None for ever, 0 not at all.

    Args:
        each: " for each" of what, where there is one wait after the other.
    """
    from pyipcs.cli.types import SECONDS

    timeout_option = _waiting(
        "--timeout",
        type=SECONDS,
        help=f"Wait at most so many seconds{each}, then end with status 3.",
    )
    nowait_option = _waiting(
        "--nowait",
        cls=Alias,
        stands_for=("--timeout", "0"),
        help="Do not wait; status 3 where one would have to.",
    )
    return lambda function: timeout_option(nowait_option(function))


def pack_option(
    titled: Callable[..., Callable[[Any], Any]], *, words: str, stream: str
) -> Callable[[Any], Any]:
    """--pack, as the argument `layout`.

    Args:
        titled: what makes an option with its title.
        words: what the fields are on the command line.
        stream: which structs a stream has.
    """
    from pyipcs.cli.types import LAYOUT

    return titled(
        "--pack",
        "layout",
        type=LAYOUT,
        metavar="FORMAT",
        help=f"{words} are the fields of one C struct. Its notation is that of Python's module "
        "struct: i is an int, l a long, d a double, 8s a char[8], and 0l pads the end as C does; "
        "numbers may be 0x hexadecimal or 0 octal. In a stream, tabs are between the fields; "
        f"{stream}.",
    )


def unpack_option(more: str) -> Callable[[Any], Any]:
    """--unpack, as the argument `layout`; it makes the format `unpack`, see `format_of`.

    Args:
        more: what else its help says.
    """
    from pyipcs.cli.types import LAYOUT

    return showing(
        "--unpack",
        "layout",
        type=LAYOUT,
        metavar="FORMAT",
        help="The fields of a C struct, in the notation of Python's module struct, with tabs "
        f"between. {more}",
    )


def format_of(format_: str | None, *, unpacks: bool, default: str) -> str:
    """The format that -f, or else --unpack, stands for.

    Raises:
        click.UsageError: there is one of -f unpack and --unpack, and not the other.
    """
    format_ = format_ or ("unpack" if unpacks else default)
    refuse([((format_ == "unpack") != unpacks, "-f unpack and --unpack FORMAT go together")])
    return format_


def refuse(contradictions: Iterable[tuple[object, str]]) -> None:
    """What click does not see: options that contradict each other, or miss what they are for.

    Raises:
        click.UsageError: the first that is true, in its words.
    """
    for wrong, why in contradictions:
        if wrong:
            raise click.UsageError(why)


def options_as(
    type_: type[_Options],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Pass the options that have the names of a tuple's fields as one argument `options`."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def collected(*args: Any, **params: Any) -> Any:
            options = type_(*map(params.pop, type_._fields))  # type: ignore[attr-defined]
            return function(*args, options=options, **params)

        return collected

    return decorate


def combine_options(
    options: Sequence[Callable[..., Any]],
    names: Iterable[str],
    argument: str,
    make: Callable[..., object],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add options to a command and pass them as one argument.

    Args:
        options: the decorators that add the options.
        names: click's names of the options.
        argument: the name of the argument.
        make: creates its value from those of the options, as keyword arguments.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def combined(*args: Any, **params: Any) -> Any:
            value = make(**{name: params.pop(name) for name in names})
            return function(*args, **params, **{argument: value})

        for option in reversed(options):
            combined = option(combined)
        return combined

    return decorate
