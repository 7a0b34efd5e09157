"""pyipcs help: the help of a command, the columns, the formats."""

from collections.abc import Iterable, Iterator

import click

from pyipcs.cli.app import COMMANDS, load, suggestion
from pyipcs.cli.command import write_lists
from pyipcs.cli.options.common import subcommand
from pyipcs.cli.types import ParsedType
from pyipcs.model import Kind
from pyipcs.terminal.streams import Output

_TOPICS = {
    "columns": "Columns for -o and --sort.",
    "formats": "Formats of output and of times.",
}


def _columns() -> Iterable[tuple[str, Iterable[tuple[str, str]]]]:
    from pyipcs.cli.options.output import columns_of

    return columns_of(*Kind, limits=True)()


def _formats() -> Iterator[tuple[str, Iterable[tuple[str, str]]]]:
    from pyipcs.cli.options.output import FORMATS, TIME_FORMATS

    yield "--format", FORMATS.items()
    yield "--time-format", TIME_FORMATS.items()


_LISTS = {"columns": _columns, "formats": _formats}


@subcommand(
    enters=False,
    needs_linux=False,
    help_sections=_columns,
    examples=(
        ("pyipcs help list", "Show the options of list, with examples."),
        ("pyipcs help columns", "List the columns for -o and --sort."),
        ("pyipcs help formats", "List the formats of output and of times."),
    ),
)
@click.argument(
    "topic", default="", type=ParsedType("topic", str, COMMANDS | _TOPICS), metavar="[COMMAND]"
)
@click.pass_context
def command(ctx: click.Context, /, *, topic: str) -> None:
    """Show the help of a command, the columns or the formats.

    COMMAND is a command, `columns` or `formats`. Without it, list the commands.
    """
    output: Output = ctx.obj
    parent = ctx.find_root()
    if not topic:
        output.write([parent.get_help() + "\n"])
    elif topic in COMMANDS:
        context = click.Context(load(topic), parent=parent, info_name=topic)
        output.write([context.get_help() + "\n"])
    elif topic in _LISTS:
        formatter = ctx.make_formatter()
        write_lists(formatter, _LISTS[topic]())
        output.write([formatter.getvalue().lstrip("\n")])
    else:
        close = suggestion(topic, [*COMMANDS, *_TOPICS]).partition(" ")[0]
        hint = f", did you mean {close}?" if close else ""
        raise click.UsageError(f"no command '{topic}'{hint}")
