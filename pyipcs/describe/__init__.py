"""Generator of the completions and the manual from the commands.

`python -m pyipcs.describe` writes the files. They are in the wheel; this package is not.
"""

from pyipcs.describe import bash, fish, grammar, man, zsh


def files() -> dict[str, str]:
    """Return the texts of all generated files by their paths in the project."""
    program, commands = grammar.program(), grammar.commands()
    return {
        "completions/pyipcs.bash": bash.script(program, commands),
        "completions/_pyipcs": zsh.script(program, commands),
        "completions/pyipcs.fish": fish.script(program, commands),
        **{f"pyipcs/man/{name}": page for name, page in man.pages().items()},
    }
