"""pyipcs key: print the ftok(3) key of a file, and its objects."""

import click

from pyipcs.actions.lookup import find_named
from pyipcs.cli.options.common import showing, subcommand
from pyipcs.cli.types import FILE, PROJECT
from pyipcs.model import SYSV, By, Target
from pyipcs.sysv.keys import format_key, ftok, low_bits
from pyipcs.terminal.streams import Output


@subcommand(
    any_operand="PATH",
    examples=(
        ("pyipcs key /etc 7", 'Print the result of ftok("/etc", 7).'),
        ("pyipcs key -v /etc", "Print the objects that have the key, too."),
        ('pyipcs make -Q -k "$(pyipcs key /etc 7)"', "Create a queue with that key."),
    ),
)
@showing("-v", "--verbose", is_flag=True, help="Print the objects that have the key, too.")
@click.argument("path", type=FILE, metavar="PATH")
@click.argument("project", type=PROJECT, default="1", metavar="[PROJ]")
@click.pass_obj
def command(output: Output, /, *, path: str, project: int, verbose: bool) -> None:
    """Print the ftok(3) key of a file.

    PROJ is a number (decimal or 0x hexadecimal), or one character other than a digit. [default: 1]
    ftok(3) uses only its low 8 bits; -v reports a number that has more. Other commands accept
    the key as ftok:PATH[:PROJ].
    """
    try:
        key = ftok(path, project)
    except OSError as error:
        raise click.UsageError(f"PATH: '{path}': {error.strerror}") from None
    except ValueError as error:
        raise click.UsageError(f"PATH: '{path}': {error}") from None
    output.write([f"{format_key(key)}\n"])
    if verbose:
        if project != low_bits(project):
            output.error(f"project {project}: ftok uses only the low 8 bits ({low_bits(project)})")
        handles = find_named(SYSV, Target(By.KEY, key, path))
        output.write(f"{handle.kind.noun} {handle.id}\n" for handle in handles)
