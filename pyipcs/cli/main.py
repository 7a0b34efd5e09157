"""Run a command line; turn errors into messages and exit statuses."""

import os
from collections.abc import Mapping, Sequence

import click
from click.core import ParameterSource

from pyipcs.cli.app import app, load
from pyipcs.errors import CommandError, IpcError, Status, StoppedError, UnsupportedError
from pyipcs.terminal.streams import Output, WriteError

_IMPORTER = "<frozen importlib"  # the file of what loads modules
# The names under which pyipcs stands in for util-linux's programs.
DROP_IN_NAMES = {"ipcs": "list", "ipcmk": "make", "ipcrm": "rm"}


def main(argv: Sequence[str]) -> int:
    """Run a command line whose first word is the program's name; return the exit status."""
    output = Output()
    name = os.path.basename(argv[0])
    if name in DROP_IN_NAMES:
        # Scripts that call the peer count on its format, also where they run on a terminal.
        os.environ.pop("PYIPCS_FORMAT", None)
        defaults = {"format_": "plain"}
        status = _run(load(DROP_IN_NAMES[name]), name, argv[1:], output, default_map=defaults)
    else:
        status = _run(app, "pyipcs", argv[1:], output)
    try:
        output.flush()
    except WriteError as error:
        output.error(f"write error: {error}")
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
        output.error(_usage_line(error))
        return Status.USAGE
    except CommandError as error:
        output.error(str(error))
        return error.status
    except StoppedError as error:
        from pyipcs.process.interruptible import end_by

        end_by(error.number)
        return 128 + error.number
    except OSError as error:
        if _of_import(error):
            raise
        output.error(_refusal(error))
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
