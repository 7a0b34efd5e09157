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

# Titles of options that several commands have.
_GENERAL = "General"
selecting = options_titled("Objects")
showing = options_titled("Output")
_waiting = options_titled("Waiting")
_Options = TypeVar("_Options", bound=tuple[Any, ...])  # a NamedTuple


def subcommand(
    *,
    abbreviable_names: Sequence[str] = (),
    examples: Sequence[tuple[str, str]] = (),
    help_sections: HelpSections | None = None,
    cls: type[Grammar] = Grammar,
    enters: bool = True,
    needs_linux: bool = True,
    any_operand: str = "",
) -> Callable[[Callable[..., Any]], click.Command]:
    """Create a command with the name of its module, and common options.

    Args:
        abbreviable_names: the long options of util-linux's program, which may be abbreviated.
        examples: command lines with their descriptions.
        help_sections: returns the lists after the options in the help.
        cls: the class of the command, which determines its grammar.
        enters: True if the command can work in another IPC namespace.
        needs_linux: True if the command fails on other systems.
        any_operand: the metavar of the operand that may begin with `-`, after `--`.
    """

    def decorate(function: Callable[..., Any]) -> click.Command:
        @wraps(function)
        def on_linux(*args: Any, **values: Any) -> Any:
            if needs_linux and sys.platform != "linux":
                raise CommandError(f"needs Linux (this is {sys.platform})")
            return function(*args, **values)

        name = function.__module__.rpartition(".")[2]
        command = click.command(name, cls=cls, add_help_option=False)(on_linux)
        command.abbreviable_names = frozenset(f"--{one}" for one in abbreviable_names)
        command.examples = examples
        command.help_sections = help_sections
        command.any_operand = any_operand
        command.params += [*([_namespace_option()] if enters else []), *common_options()]
        return command

    return decorate


def common_options() -> list[click.Option]:
    """Create the options of every command and of pyipcs itself.

    They act before all other options.
    """
    eager: dict[str, Any] = {"is_eager": True, "expose_value": False, "group": _GENERAL}
    return [
        Option(
            ["--color"],
            type=DocumentedChoice(
                {"auto": "on a terminal", "always": "anywhere", "never": "nowhere"}
            ),
            callback=_set_color,
            help="Colour the output. [default: auto, on a terminal]",
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
        help="Work in the IPC namespace of a process or file.",
        details="PID is a process, PATH a namespace file such as /proc/PID/ns/ipc.",
        is_eager=True,  # before options whose values are read in the namespace
        expose_value=False,
    )


def _enter(ctx: click.Context, _param: click.Parameter, path: str | None) -> None:
    if path is None or ctx.resilient_parsing or {"help", "version"} & {*given_option_names(ctx)}:
        return
    from pyipcs.posix.directory import use_namespace_file
    from pyipcs.sysv.unshare import enter

    same_path = use_namespace_file(path)
    try:
        enter(same_path)
    except OSError as error:
        raise CommandError(f"--ns: {_reason(path, error)}") from None


def _reason(path: str, error: OSError) -> str:
    """Return the reason of a failed entry, with the process or the file."""
    process = re.fullmatch("/proc/([0-9]+)/ns/ipc", path)
    subject = f"process {process[1]}" if process else path
    if error.errno == errno.ENOENT and process:
        return f"{subject}: no such process"
    if error.errno == errno.EINVAL:
        return f"{subject}: not an IPC namespace"
    return f"{subject}: {error.strerror}"


def _show_help(ctx: click.Context, _param: click.Parameter, is_given: bool) -> None:
    if is_given and not ctx.resilient_parsing:
        ctx.obj.write([ctx.get_help() + "\n"])
        ctx.exit()


def _show_version(ctx: click.Context, _param: click.Parameter, is_given: bool) -> None:
    if is_given and not ctx.resilient_parsing:
        ctx.obj.write([f"pyipcs {__version__}\n"])
        ctx.exit()


def _set_color(ctx: click.Context, _param: click.Parameter, when: str | None) -> None:
    if when and ctx.obj:
        ctx.obj.color = when


# For commands that have --format.
json_option = showing(
    "-J", "--json", cls=Alias, stands_for=("--format", "json"), help="Short for --format json."
)


def wait_options(each: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the decorator for --timeout and --nowait: one argument `timeout`.

    The argument is None for no limit, and 0 for no wait.

    Args:
        each: the end of the sentence for repeated waits, for example " for each message".
    """
    from pyipcs.cli.types import SECONDS

    timeout_option = _waiting(
        "--timeout",
        type=SECONDS,
        help=f"Wait at most SECONDS{each}, then exit with status 3.",
    )
    nowait_option = _waiting(
        "--nowait",
        cls=Alias,
        stands_for=("--timeout", "0"),
        help="Do not wait: exit with status 3 instead.",
    )
    return lambda function: timeout_option(nowait_option(function))


def pack_option(
    titled: Callable[..., Callable[[Any], Any]], *, fields: str, stream: str
) -> Callable[[Any], Any]:
    """Return the decorator that adds --pack, as the argument `layout`.

    Args:
        titled: creates an option with its title.
        fields: the operands that are the fields.
        stream: the relation of lines and structs in a stream.
    """
    from pyipcs.cli.types import LAYOUT

    return titled(
        "--pack",
        "layout",
        type=LAYOUT,
        metavar="FORMAT",
        help=f"Pack {fields} as the fields of a C struct, in the notation of Python's struct "
        "module: i is an int, l a long, d a double, 8s a char[8], and 0l pads the end as C does. "
        "Numbers may be 0x hexadecimal or 0 octal. In a stream, tabs separate the fields; "
        f"{stream}.",
    )


def unpack_option(more: str) -> Callable[[Any], Any]:
    """Return the decorator that adds --unpack, as the argument `layout`.

    It selects the format `unpack`: see `format_of`.

    Args:
        more: the end of the help.
    """
    from pyipcs.cli.types import LAYOUT

    return showing(
        "--unpack",
        "layout",
        type=LAYOUT,
        metavar="FORMAT",
        help="Print the fields of a C struct, in the notation of Python's struct module, "
        f"separated by tabs. {more}",
    )


def format_of(format_: str | None, *, unpacks: bool, default: str) -> str:
    """Return the format that -f or --unpack selects.

    Raises:
        click.UsageError: -f and --unpack contradict each other.
    """
    format_ = format_ or ("unpack" if unpacks else default)
    refuse(
        (
            (format_ == "unpack" and not unpacks, "-f unpack needs --unpack FORMAT"),
            (unpacks and format_ != "unpack", f"--unpack and -f {format_} cannot be combined"),
        )
    )
    return format_


def refuse(contradictions: Iterable[tuple[object, str]]) -> None:
    """Refuse options that contradict each other or need another option.

    Args:
        contradictions: conditions, each with the message if it is true.

    Raises:
        click.UsageError: a condition is true.
    """
    for is_wrong, message in contradictions:
        if is_wrong:
            raise click.UsageError(message)


def options_as(type_: type[Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Pass the options named by a NamedTuple's fields as one argument."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def collected(*args: Any, **params: Any) -> Any:
            options = type_(*map(params.pop, type_._fields))
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
        make: creates its value; the values of the options are keyword arguments.
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
