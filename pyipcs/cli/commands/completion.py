"""pyipcs completion: print the file with which a shell completes command lines of pyipcs."""

import os

import click

import pyipcs
from pyipcs.cli.command import DocumentedChoice
from pyipcs.cli.options.common import subcommand
from pyipcs.terminal.streams import Output

_FILES = {"bash": "pyipcs.bash", "zsh": "_pyipcs", "fish": "pyipcs.fish"}


@subcommand(
    enters=False,
    needs_linux=False,
    examples=(
        (
            'eval "$(pyipcs completion bash)"',
            "Complete with Tab in this shell; in ~/.bashrc, in every new one.",
        ),
        ("pyipcs completion zsh > _pyipcs", "Write the file for a directory in the fpath of zsh."),
        ("pyipcs completion fish > pyipcs.fish", "Write the file for ~/.config/fish/completions."),
    ),
)
@click.argument(
    "shell",
    type=DocumentedChoice(
        {
            "bash": "code for eval in .bashrc",
            "zsh": "file of a directory in fpath, or code for eval after compinit",
            "fish": "code for source in config.fish, or file of a directory of completions",
        }
    ),
    metavar="SHELL",
)
@click.pass_obj
def command(output: Output, /, *, shell: str) -> None:
    """Print the completion file of a shell.

    Tab then offers commands, options, columns, users, and the existing objects. pipx 1.16 or newer
    puts the same files where bash and fish find them.
    """
    with open(_path(_FILES[shell]), "rb") as file:
        output.write_bytes([file.read()])


def _path(name: str) -> str:
    """Return the path of a file in the installed package or the project."""
    package = os.path.dirname(pyipcs.__file__)
    installed, source = (
        os.path.join(folder, "completions", name) for folder in (package, os.path.dirname(package))
    )
    return source if not os.path.exists(installed) and os.path.exists(source) else installed
