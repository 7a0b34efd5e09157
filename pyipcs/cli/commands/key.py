"""pyipcs key: the key that ftok(3) makes of a file, and what has it."""

import click

from pyipcs.actions.lookup import find_named
from pyipcs.cli.options.common import showing, subcommand
from pyipcs.cli.types import FILE, PROJECT
from pyipcs.model import Kind
from pyipcs.sysv.keys import By, Target, format_key, ftok, low_bits
from pyipcs.terminal.streams import Output


@subcommand(
    any_operand="PATH",
    examples=(
        ("pyipcs key /etc 7", 'As ftok("/etc", 7) gives it.'),
        ("pyipcs key -v /etc", "With the objects that have it."),
        ('pyipcs make -Q -k "$(pyipcs key /etc 7)"', "A queue with that key."),
    ),
)
@showing("-v", "--verbose", is_flag=True, help="Then say which objects have it now, one a line.")
@click.argument("path", type=FILE, metavar="PATH")
@click.argument("project", type=PROJECT, default="1", metavar="[PROJ]")
@click.pass_obj
def command(output: Output, /, *, path: str, project: int, verbose: bool) -> None:
    """Show the ftok(3) key of a file.

    PROJ is a number, decimal or 0x hexadecimal, or one character that is no digit; 1 if left out.
    ftok(3) uses its low 8 bits; -v reports a number that has more. Other commands take the key as
    ftok:PATH[:PROJ], too.
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
            output.error(f"project {project}: ftok uses its low 8 bits ({low_bits(project)})")
        found = find_named(Kind, Target(By.KEY, key, path))
        output.write(f"{handle.kind.noun} {handle.id}\n" for handle in found)
