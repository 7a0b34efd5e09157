"""Renderers, which turn results into text and write nothing.

Three kinds of results have one signature each:

- `Renderer`: a `Report`, that is objects or other rows. `renderer` picks it.
- `DetailsRenderer`: a `Details`, that is one object. `details_renderer` picks it.
- `FiguresRenderer`: limits or usage by the kernel's names. `figures_renderer` picks it.

To add a format: write a function with one of these signatures, and add a case here.
"""

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:  # completion loads this package for its units alone
    from collections.abc import Callable, Iterable, Mapping

    from pyipcs.model import Kind, Unit
    from pyipcs.objects import Figures
    from pyipcs.query.plan import Format, Report
    from pyipcs.render.details import Details
    from pyipcs.terminal.capabilities import TerminalCapabilities

# The capabilities of the output device; None if a program reads the output.
Renderer: TypeAlias = "Callable[[Report, TerminalCapabilities | None], Iterable[str]]"
DetailsRenderer: TypeAlias = "Callable[[Details, TerminalCapabilities | None], Iterable[str]]"
# The name is "limits" or "usage".
FiguresRenderer: TypeAlias = "Callable[[str, Mapping[Kind, Figures], Unit], Iterable[str]]"


def renderer(  # noqa: PLR0911 - one a format
    format_: "Format", report: "Report", capabilities: "TerminalCapabilities | None"
) -> Renderer:
    """Return the renderer of a format; load only its module."""
    from pyipcs.query.plan import Format

    match format_:
        case Format.TABLE if capabilities:
            from pyipcs.render import table

            return table.tables
        case Format.TABLE:
            from pyipcs.render import text_columns

            return text_columns.tables
        case Format.PLAIN if report.columns:
            from pyipcs.render import text_columns

            return text_columns.table
        case Format.PLAIN:
            from pyipcs.render import plain

            return plain.listings
        case Format.JSON:
            from pyipcs.render import data

            return data.json_document
        case Format.JSONL:
            from pyipcs.render import data

            return data.json_lines
        case Format.CSV:
            from pyipcs.render import delimited

            return delimited.csv
        case Format.TSV:
            from pyipcs.render import delimited

            return delimited.tsv
        case Format.EXPORT:
            from pyipcs.render import delimited

            return delimited.export
        case Format.OPENMETRICS:
            from pyipcs.render import metrics

            return metrics.document


def details_renderer(
    capabilities: "TerminalCapabilities | None", *, like_ipcs: bool
) -> DetailsRenderer:
    """Return the renderer of single objects.

    Args:
        capabilities: those of a terminal that shows panels, or None.
        like_ipcs: True for the text layout of ipcs -i, False for that of showmsg.
    """
    if capabilities:
        from pyipcs.render import panel

        return panel.details
    if like_ipcs:
        from pyipcs.render import ipcs_details

        return ipcs_details.details
    from pyipcs.render import showmsg

    return showmsg.details


def figures_renderer(format_: "Format") -> "FiguresRenderer | None":
    """Return the renderer of limits and usage; None to use a `Renderer`."""
    from pyipcs.query.plan import Format

    match format_:
        case Format.PLAIN:
            from pyipcs.render import ipcs_details

            return ipcs_details.figures
        case Format.JSON:
            from pyipcs.render import data

            return data.json_figures
        case Format.JSONL:
            from pyipcs.render import data

            return data.json_figures_lines
        case _:
            return None
