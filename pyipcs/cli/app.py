"""The group of commands, each loaded only when it is used."""

from collections.abc import Collection
from importlib import import_module

import click

from pyipcs.cli.command import Grammar, Prefix
from pyipcs.cli.options.common import common_options

# The commands by purpose, each with the first line of its help. `pyipcs --help` prints them
# without loading the commands; tests/docs/test_help.py compares both.
PURPOSES = {
    "Inspect": {
        "list": "Show System V and POSIX IPC objects, limits and usage.",
        "stat": "Show all details of objects.",
        "key": "Print the ftok(3) key of a file.",
    },
    "Create, change, remove": {
        "make": "Create System V and POSIX IPC objects, all of them or none.",
        "set": "Change modes, owners, sizes, values of semaphores, locking.",
        "rm": "Remove objects by id, key or name, or all of some kinds.",
    },
    "Messages, semaphores, memory": {
        "send": "Send messages to a queue.",
        "recv": "Receive messages from a queue, or peek at them.",
        "op": "Operate on semaphores, or hold them while a command runs.",
        "read": "Read bytes from a segment.",
        "write": "Write bytes into a segment.",
    },
    "Find leaks": {
        "run": "Run a command, and report the objects it leaves behind.",
    },
    "Help": {
        "help": "Show the help of a command, the columns or the formats.",
        "version": "Print the version.",
        "completion": "Print the completion file of a shell.",
    },
}
COMMANDS = {name: line for group in PURPOSES.values() for name, line in group.items()}
# The commands by their names in other programs, for hints.
_SUGGESTIONS = {
    **dict.fromkeys(("ls", "ipcs", "lsipc", "show"), "list"),
    **dict.fromkeys(("create", "new", "add", "ipcmk"), "make"),
    **dict.fromkeys(("remove", "delete", "del", "ipcrm"), "rm"),
    **dict.fromkeys(("receive", "get"), "recv"),
    **dict.fromkeys(("info", "inspect"), "stat"),
    "put": "send",
    "peek": "recv --peek",
    "watch": "list --watch",
    "limits": "list --limits",
}


class App(Prefix, click.Group):
    """A group that loads only the command on the command line."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """Return the names of the commands in the order of the help."""
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load the command of a name."""
        return load(cmd_name) if cmd_name in COMMANDS else None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, without loading them, and the options."""
        for title, commands in PURPOSES.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:5}", line) for name, line in commands.items()])
        super().format_options(ctx, formatter)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first argument names."""
        name, *_ = args
        if name not in COMMANDS:
            close = suggestion(name, COMMANDS)
            hint = f", did you mean {close}?" if close else ""
            raise click.UsageError(f"no such command '{name}'{hint}", ctx)
        return super().resolve_command(ctx, args)


def suggestion(name: str, words: Collection[str]) -> str:
    """Return the words for an unknown command; empty if none is close."""
    from difflib import get_close_matches

    return _SUGGESTIONS.get(name) or "".join(get_close_matches(name, words, n=1, cutoff=0.75))


def load(name: str) -> Grammar:
    """Import the command of a name."""
    command: Grammar = import_module(f"pyipcs.cli.commands.{name}").command
    return command


@click.group(
    cls=App,
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    add_help_option=False,
    epilog="`pyipcs help COMMAND` shows the options of a command, with examples. The manual is "
    "`man pyipcs`; more examples are in `man pyipcs-recipes`.",
)
@click.pass_context
def app(ctx: click.Context) -> None:
    """System V and POSIX IPC from the shell: queues, semaphores, shared memory."""
    if ctx.invoked_subcommand is None:
        ctx.obj.write([ctx.get_help() + "\n"])


app.params += common_options()
