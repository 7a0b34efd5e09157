"""The program described, for shells and for man(1), from what its commands declare.

`python -m pyipcs.describe` writes the files anew.
"""

from pyipcs.cli import app
from pyipcs.describe import bash, fish, grammar, man, zsh


def files() -> dict[str, str]:
    """The texts of all files, by their places in the project."""
    program, commands = grammar.described(app.app), [*grammar.commands()]
    return {
        "completions/pyipcs.bash": bash.script(program, commands),
        "completions/_pyipcs": zsh.script(program, commands),
        "completions/pyipcs.fish": fish.script(program, commands),
        **{f"pyipcs/man/{name}": page for name, page in man.pages().items()},
    }
