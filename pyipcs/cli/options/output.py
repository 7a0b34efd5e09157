"""Output options, combined into one value."""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from pyipcs.cli.command import DocumentedChoice, HelpSections, given_option_names
from pyipcs.cli.options.common import combine_options, json_option, showing
from pyipcs.cli.types import ParsedType
from pyipcs.model import POSIX, Kind, Unit
from pyipcs.query.plan import Format, OutputOptions

if TYPE_CHECKING:
    from pyipcs.query.choose import Choice
    from pyipcs.query.columns import Column

TIME_FORMATS = {
    "short": "time of day if today, else the date, as in lsipc",
    "full": "as in ctime(3)",
    "iso": "ISO 8601 with the offset of the local zone",
    "relative": "time since then, such as 5m ago",
    "epoch": "seconds since 1970",
}
FORMATS = {
    Format.TABLE.value: "tables for people",
    Format.PLAIN.value: "layout of util-linux, for scripts; with -o, columns of text",
    Format.JSON.value: "one JSON document",
    Format.JSONL.value: "one JSON object per line",
    Format.CSV.value: "comma-separated values with a line of headings",
    Format.TSV.value: "tab-separated values with a line of headings",
    Format.EXPORT.value: "shell assignments, one line per object",
    Format.OPENMETRICS.value: "gauges for Prometheus and compatible programs",
}


# The flags of POSIX's ipcs. -o is a flag there, too, and can precede others, as in -mob.
_POSIX_FLAGS = "[abcmopqst]+"
_POSIX_OUTSTANDING = "for POSIX's -o use -o MSGS,USEDBYTES of queues or -o NATTCH of segments"


def _parse_choice(text: str) -> "Choice":
    from pyipcs.query.choose import parse_choice

    if re.fullmatch(_POSIX_FLAGS, text.removeprefix("-")):  # fits no column
        raise ValueError(f"no such column ({_POSIX_OUTSTANDING})")
    return parse_choice(text)


def _parse_sort(text: str) -> tuple[str, bool]:
    from pyipcs.query.choose import parse_sort

    return parse_sort(text)


_OPTIONS = (
    showing(
        "-f",
        "--format",
        "format_",
        type=DocumentedChoice(FORMATS, topic="formats"),
        metavar="FORMAT",
        envvar="PYIPCS_FORMAT",
        help="Format of the output. [default: $PYIPCS_FORMAT, else table on a terminal and plain "
        "elsewhere]",
        details="Under the names ipcs and ipcrm the default is always plain.",
    ),
    json_option,
    showing(
        "-o",
        "--output",
        "choice",
        type=ParsedType("col,...", _parse_choice, "columns"),
        metavar="COL,...",
        value_hint=_POSIX_OUTSTANDING,
        help="Columns; +COL,... adds to the default ones. STATE costs a scan of /proc.",
        details="In openmetrics, +STATE adds the number of objects in each state.",
    ),
    showing(
        "-w",
        "--wide",
        "is_wide",
        is_flag=True,
        help="Omit and cut no column of a table.",
        details="The table can be wider than the terminal.",
    ),
    showing("--noheadings", is_flag=True, help="Omit headings, and keep columns that do not fit."),
    showing(
        "--sort",
        type=ParsedType("col", _parse_sort, "column"),
        metavar="[-]COL",
        help="Sort by a column; -COL sorts in reverse.",
    ),
    showing(
        "--time-format",
        type=DocumentedChoice(TIME_FORMATS, topic="formats"),
        metavar="FORMAT",
        help="Format of times. [default: full in a table, short in a narrow one, else iso]",
    ),
    showing(
        "-P", "--numeric-perms", is_flag=True, help="Permissions as 0644 instead of rw-r--r--."
    ),
    showing("-b", "--bytes", "unit", flag_value="bytes", help="Sizes in bytes, also in a table."),
    showing(
        "--human", "unit", flag_value="human", help="Sizes with units, as 64K, except in JSON."
    ),
)
# click's names of these options; -J, -b and --human set one of them.
_NAMES = (
    "format_",
    "choice",
    "noheadings",
    "sort",
    "time_format",
    "numeric_perms",
    "unit",
    "is_wide",
)


def _make_options(  # noqa: PLR0913 - an argument for each option
    *,
    format_: str | None,
    choice: "Choice | None",
    noheadings: bool,
    sort: tuple[str, bool] | None,
    time_format: str | None,
    numeric_perms: bool,
    unit: str | None,
    is_wide: bool,
) -> OutputOptions:
    return OutputOptions(
        Format(format_) if format_ else None,
        choice,
        not noheadings,
        sort,
        time_format,
        numeric_perms,
        Unit(unit or "default"),
        is_wide,
    )


# Adds the options, as one argument.
output_options = combine_options(_OPTIONS, _NAMES, "output_options", _make_options)


def columns_of(*kinds: Kind, limits: bool = False) -> HelpSections:
    """Return the function that lists the columns in a command's help.

    Args:
        kinds: the kinds of the objects that the command shows.
        limits: True if the command shows limits and usage.
    """

    def help_sections() -> Iterator[tuple[str, Iterator[tuple[str, str]]]]:
        from pyipcs.query.columns import COMMON, KIND, OWN_COLUMNS, POSIX_COMMON, RESOURCE

        yield "Columns of all System V kinds", _described(COMMON)
        if not {*POSIX}.isdisjoint(kinds):
            yield "Columns of all POSIX kinds", _described(POSIX_COMMON)
        for kind in kinds:
            yield f"Columns of {kind.plural}", _described(OWN_COLUMNS[kind])
        if limits:
            own = [column for column in RESOURCE if column is not KIND]
            yield "Columns of limits and usage", _described(own)

    return help_sections


def _described(columns: Iterable["Column"]) -> Iterator[tuple[str, str]]:
    return ((column.name, column.help) for column in columns)


def with_namespace(ctx: click.Context, options: OutputOptions) -> OutputOptions:
    """Return the options with the IPC namespace of --ns."""
    if "ns" not in given_option_names(ctx):
        return options
    from pyipcs.sysv.namespace import current

    return options._replace(namespace=current())


def given_output_options(ctx: click.Context) -> Iterator[str]:
    """Yield the names of the output options on the command line."""
    for param in ctx.command.params:
        source = ctx.get_parameter_source(param.name or "")
        if param.name in _NAMES and source is ParameterSource.COMMANDLINE:
            yield param.opts[0]
