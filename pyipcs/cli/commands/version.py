"""pyipcs version: print the version."""

import click

from pyipcs import __version__
from pyipcs.cli.options.common import subcommand
from pyipcs.terminal.streams import Output


@subcommand(
    enters=False,
    needs_linux=False,
    examples=(
        ("pyipcs version", "Print the name and the version."),
        ("pyipcs version | cut -d ' ' -f 2", "Print the version alone."),
        ("pyipcs version >> report.txt", "Add the version to the report of a bug."),
    ),
)
@click.pass_obj
def command(output: Output, /) -> None:
    """Print the version."""
    output.write([f"pyipcs {__version__}\n"])
