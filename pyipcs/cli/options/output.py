"""How results are to be shown: the options, read once into one value."""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from pyipcs.cli.command import DocumentedChoice, HelpSections
from pyipcs.cli.options.common import combine_options, json_option, showing
from pyipcs.cli.types import ParsedType
from pyipcs.model import Kind, Unit
from pyipcs.query.plan import Format, OutputOptions

if TYPE_CHECKING:
    from pyipcs.query.choose import Choice
    from pyipcs.query.columns import Column

_TIME_FORMATS = {
    "short": "the time of today, or the day, as lsipc has it",
    "full": "as ctime(3) has it",
    "iso": "ISO 8601, with the offset of the local zone",
    "relative": "how long ago",
    "epoch": "seconds since 1970",
}
FORMATS = {
    Format.TABLE.value: "tables, for people",
    Format.PLAIN.value: "as util-linux prints it, for scripts; with -o, columns of text",
    Format.JSON.value: "one document",
    Format.JSONL.value: "a JSON object a line",
    Format.CSV.value: "comma-separated, with a line of headings",
    Format.TSV.value: "the same with tabs",
    Format.EXPORT.value: "assignments for a shell, a line an object",
    Format.OPENMETRICS.value: "gauges for Prometheus and its like",
}


# The letters of POSIX's ipcs, where -o is a flag and may stand before others, as in -mob.
_POSIX_FLAGS = "[abcmopqst]+"
_POSIX_OUTSTANDING = (
    "POSIX's -o shows what is in use: -o MSGS,USEDBYTES of queues, -o NATTCH of segments"
)


def _parse_choice(text: str) -> "Choice":
    from pyipcs.query.choose import parse_choice

    try:
        return parse_choice(text)
    except ValueError:
        if re.fullmatch(_POSIX_FLAGS, text.removeprefix("-")):
            raise ValueError(f"no such column ({_POSIX_OUTSTANDING})") from None
        raise


def _parse_sort(text: str) -> tuple[str, bool]:
    from pyipcs.query.choose import parse_sort

    return parse_sort(text)


_OPTIONS = (
    showing(
        "-f",
        "--format",
        "format_",
        type=DocumentedChoice(FORMATS),
        metavar="FORMAT",
        envvar="PYIPCS_FORMAT",
        help="The format. If left out, what the variable PYIPCS_FORMAT says; without it, table on "
        "a terminal, and elsewhere plain, which is util-linux's own. Under the names ipcs and "
        "ipcrm, plain everywhere.",
    ),
    json_option,
    showing(
        "-o",
        "--output",
        "choice",
        type=ParsedType("col,...", _parse_choice, "columns"),
        metavar="COL,...",
        value_hint=_POSIX_OUTSTANDING,
        help="Which columns; +COL,... adds to the usual ones. They are listed below.",
    ),
    showing(
        "--noheadings", is_flag=True, help="No headings; and all columns, however wide they are."
    ),
    showing(
        "--sort",
        type=ParsedType("col", _parse_sort, "column"),
        metavar="[-]COL",
        help="Sort by one column; -COL reverses.",
    ),
    showing(
        "--time-format",
        type=DocumentedChoice(_TIME_FORMATS),
        metavar="FORMAT",
        help="How times look. If left out, full in a table, and elsewhere iso.",
    ),
    showing("-P", "--numeric-perms", is_flag=True, help="Permissions as 0644, not rw-r--r--."),
    showing("-b", "--bytes", "unit", flag_value="bytes", help="Sizes in bytes; a table has 64K."),
    showing("--human", "unit", flag_value="human", help="Sizes as 64K; JSON has bytes."),
)
# click's names of these options; -J, -b and --human set one of them.
_NAMES = ("format_", "choice", "noheadings", "sort", "time_format", "numeric_perms", "unit")


def _make_options(
    *,
    format_: str | None,
    choice: "Choice | None",
    noheadings: bool,
    sort: tuple[str, bool] | None,
    time_format: str | None,
    numeric_perms: bool,
    unit: str | None,
) -> OutputOptions:
    return OutputOptions(
        Format(format_) if format_ else None,
        choice,
        not noheadings,
        sort,
        time_format,
        numeric_perms,
        Unit(unit or "default"),
    )


# Adds the options, as one argument.
output_options = combine_options(_OPTIONS, _NAMES, "output_options", _make_options)


def columns_of(*kinds: Kind, limits: bool = False) -> HelpSections:
    """The columns that there are, for a command's help.

    Args:
        kinds: of which kinds the command shows objects.
        limits: whether it shows limits and usage.
    """

    def help_sections() -> Iterator[tuple[str, Iterator[tuple[str, str]]]]:
        from pyipcs.query.columns import COMMON, KIND, OWN_COLUMNS, RESOURCE

        yield "Columns of all kinds", _described(COMMON)
        for kind in kinds:
            yield f"Columns of {kind.plural}", _described(OWN_COLUMNS[kind])
        if limits:
            own = [column for column in RESOURCE if column is not KIND]
            yield "Columns of limits and usage", _described(own)

    return help_sections


def _described(columns: Iterable["Column"]) -> Iterator[tuple[str, str]]:
    return ((column.name, column.help) for column in columns)


def given_output_options(ctx: click.Context) -> Iterator[str]:
    """Those of the options of `output_options` that stand on the command line."""
    for param in ctx.command.params:
        source = ctx.get_parameter_source(param.name or "")
        if param.name in _NAMES and source is ParameterSource.COMMANDLINE:
            yield param.opts[0]
