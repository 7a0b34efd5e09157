"""The command line: the commands by name, and one place where errors become statuses."""

import os
from collections.abc import Mapping, Sequence
from importlib import import_module

import click
from click.core import ParameterSource

from pyipcs.cli.command import Grammar, Prefix
from pyipcs.cli.options.common import common_options
from pyipcs.errors import CommandError, IpcError, Status, StoppedError, UnsupportedError
from pyipcs.terminal.streams import Output, WriteError

# The commands by purpose, each with what its help begins with: here, so that the help of pyipcs
# itself need not load them all.
PURPOSES = {
    "Look": {
        "list": "Show System V IPC objects, limits and usage.",
        "stat": "Show objects with all that is known of them.",
        "key": "Show the key that ftok(3) makes of a file.",
    },
    "Create, change, remove": {
        "make": "Create System V IPC objects.",
        "set": "Change modes, owners, sizes of queues, values of semaphores, locking.",
        "rm": "Remove System V IPC objects, by id, by key, or all.",
    },
    "Messages, semaphores, memory": {
        "send": "Put messages on a queue.",
        "recv": "Take messages from a queue, or look at them.",
        "op": "Operate on semaphores, or hold them while a command runs.",
        "read": "Read bytes out of a segment.",
        "write": "Write bytes into a segment.",
    },
    "Find leaks": {
        "run": "Run a command, and tell which objects it leaves behind.",
    },
}
COMMANDS = {name: words for group in PURPOSES.values() for name, words in group.items()}
# What other programs call them.
_MEANT = {
    **dict.fromkeys(("ls", "ipcs", "lsipc", "show"), "list"),
    **dict.fromkeys(("create", "new", "add", "ipcmk"), "make"),
    **dict.fromkeys(("remove", "delete", "del", "ipcrm"), "rm"),
    **dict.fromkeys(("receive", "get"), "recv"),
    **dict.fromkeys(("info", "inspect"), "stat"),
    "put": "send",
    "peek": "recv --peek",
    "watch": "list --watch",
    "limits": "list --limits",
    "help": "--help",
}
_IMPORTER = "<frozen importlib"  # the file of what loads modules
# The names under which pyipcs stands in for util-linux's programs.
PEERS = {"ipcs": "list", "ipcmk": "make", "ipcrm": "rm"}


class App(Prefix, click.Group):
    """The group, which loads only the command that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """The commands in the order of their help."""
        return [*COMMANDS]  # once its module is loaded, `list` is a module here

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of a name, its module loaded now."""
        return load(cmd_name) if cmd_name in COMMANDS else None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands in the help, none of them loaded, then the options."""
        for title, commands in PURPOSES.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:5}", words) for name, words in commands.items()])
        super().format_options(ctx, formatter)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names."""
        name, *_ = args
        if name not in COMMANDS:
            from difflib import get_close_matches

            close = get_close_matches(name, COMMANDS, n=1, cutoff=0.75)
            meant = _MEANT.get(name) or "".join(close)
            hint = f", did you mean {meant}?" if meant else ""
            raise click.UsageError(f"no such command '{name}'{hint}", ctx)
        return super().resolve_command(ctx, args)


def load(name: str) -> Grammar:
    """The command of a name."""
    command: Grammar = import_module(f"pyipcs.cli.commands.{name}").command
    return command


@click.group(
    cls=App,
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    add_help_option=False,
    epilog="`pyipcs COMMAND --help` tells the options of a command, with examples; `man pyipcs` "
    "all of it.",
)
@click.pass_context
def app(ctx: click.Context) -> None:
    """System V IPC from the shell: message queues, semaphores, shared memory."""
    if ctx.invoked_subcommand is None:
        ctx.obj.write([ctx.get_help() + "\n"])


app.params += common_options()


def main(argv: Sequence[str]) -> int:
    """Run a command line whose first word is the program's name; return the exit status."""
    output = Output()
    name = os.path.basename(argv[0])
    if name in PEERS:
        # Scripts that call the peer count on its format, also where they run on a terminal.
        os.environ.pop("PYIPCS_FORMAT", None)
        defaults = {"format_": "plain"}
        status = _run(load(PEERS[name]), name, argv[1:], output, default_map=defaults)
    else:
        status = _run(app, "pyipcs", argv[1:], output)
    try:
        output.flush()
    except WriteError as error:
        output.complain(f"write error: {error}")
        return Status.FAILED
    return status


def _run(
    command: click.Command,
    name: str,
    args: Sequence[str],
    output: Output,
    default_map: Mapping[str, str] | None = None,
) -> int:
    try:
        # No variable for completion, for none can have such a name: click's would take a stray
        # _PYIPCS_COMPLETE for the command.
        status = command.main(
            [*args],
            prog_name=name,
            complete_var="=",
            standalone_mode=False,
            obj=output,
            default_map=default_map,
        )
    except click.UsageError as error:
        output.complain(_usage_line(error))
        return Status.USAGE
    except CommandError as error:
        output.complain(str(error))
        return error.status
    except StoppedError as error:
        from pyipcs.process.interruptible import end_by

        end_by(error.number)
        return 128 + error.number
    except OSError as error:
        if _of_import(error):
            raise
        output.complain(_refusal(error))
        return Status.FAILED
    except WriteError:
        return Status.FAILED  # which the last flush tells
    return status or Status.DONE


def _of_import(error: OSError) -> bool:
    """Whether it is a module that could not be read, whose path says nothing to a user."""
    trace = error.__traceback__
    innermost = ""
    while trace:
        innermost, trace = trace.tb_frame.f_code.co_filename, trace.tb_next
    return innermost.startswith(_IMPORTER)


def _refusal(error: OSError) -> str:
    """What the kernel refused, where no command knows more."""
    known = isinstance(error, UnsupportedError)  # whose words say it all
    what = "System V IPC" if isinstance(error, IpcError) else error.filename
    why = error.strerror or str(error)
    return f"{what}: {why}" if what and not known else why


def _usage_line(error: click.UsageError) -> str:
    """What click has to say, in one line of ours."""
    if isinstance(error, click.MissingParameter) and error.param is not None:
        message = f"{_source(error.param, error.ctx)} is missing"
    elif isinstance(error, click.BadParameter) and error.param is not None:
        message = f"{_source(error.param, error.ctx)}: {error.message.removesuffix('.')}"
    else:
        message = error.format_message()
        if type(error) is not click.UsageError:  # click's own, which begins and ends as a sentence
            message = message[:1].lower() + message[1:].removesuffix(".")
    path = error.ctx.command_path if error.ctx else "pyipcs"
    command = "" if path == "pyipcs" else f"{path.split()[-1]}: "
    return f"{command}{message} (see {path} --help)"


def _source(param: click.Parameter, ctx: click.Context | None) -> str:
    """Where a value came from: the operand, the option by its names, or the variable."""
    if isinstance(param, click.Argument):
        return str(param.metavar).removesuffix("...").strip("[]")
    source = ctx.get_parameter_source(param.name) if ctx and param.name else None
    if source is ParameterSource.ENVIRONMENT:
        return str(param.envvar)
    return "/".join(param.opts)
