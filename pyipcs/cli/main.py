"""Run a command line; turn errors into messages and exit statuses."""

import os
from collections.abc import Mapping, Sequence

import click
from click.core import ParameterSource

from pyipcs.cli.app import app, load
from pyipcs.errors import (
    CommandError,
    IpcError,
    Status,
    StoppedError,
    UnseenError,
    UnsupportedError,
)
from pyipcs.terminal.streams import Output, WriteError

_HELP_TOPIC = "(pyipcs help "  # the start of a message's own pointer to help
_IMPORTER = "<frozen importlib"  # the start of the file names of Python's import system
# The commands that pyipcs runs under the names of util-linux's programs.
DROP_IN_NAMES = {"ipcs": "list", "ipcmk": "make", "ipcrm": "rm"}
# Scripts that call these programs expect their format, even on a terminal.
_DROP_IN_DEFAULTS = {"format_": "plain"}


def main(argv: Sequence[str]) -> int:
    """Run a command line with the program's name; return the exit status."""
    output = Output()
    name = os.path.basename(argv[0])
    if name in DROP_IN_NAMES:
        command = load(DROP_IN_NAMES[name])
        status = _run(command, name, argv[1:], output, default_map=_DROP_IN_DEFAULTS)
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
        # No variable can be named "=". With click's default a stray _PYIPCS_COMPLETE in the
        # environment would replace the command by click's own completion.
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
    except (CommandError, UnseenError) as error:
        output.error(str(error))
        return error.status if isinstance(error, CommandError) else Status.FAILED
    except StoppedError as error:
        from pyipcs.process.interruptible import end_by

        end_by(error.number)
        return 128 + error.number
    except OSError as error:
        if _is_import_failure(error):
            raise
        output.error(_os_error_line(error))
        return Status.FAILED
    except WriteError:
        return Status.FAILED  # reported by the last flush
    return status or Status.DONE


def _is_import_failure(error: OSError) -> bool:
    """Return True if a module could not be read.

    Commands import modules late, within the same `try` as their own system calls, and the path in
    such an error may be that of a module or a folder: only the traceback shows the origin.
    """
    trace = error.__traceback__
    innermost = ""
    while trace:
        innermost, trace = trace.tb_frame.f_code.co_filename, trace.tb_next
    return innermost.startswith(_IMPORTER)


def _os_error_line(error: OSError) -> str:
    """Return the message for an error of the kernel that no command explains."""
    reason = error.strerror or str(error)
    if isinstance(error, UnsupportedError):  # a complete message
        return reason
    subject = "System V IPC" if isinstance(error, IpcError) else error.filename
    if isinstance(subject, int):  # a descriptor, as of os.scandir
        subject = None
    return f"{subject}: {reason}" if subject else reason


def _usage_line(error: click.UsageError) -> str:
    """Return the message for an error of click, in one line."""
    if isinstance(error, click.MissingParameter) and error.param is not None:
        message = f"{_source(error.param, error.ctx)} is missing"
    elif isinstance(error, click.BadParameter) and error.param is not None:
        message = f"{_source(error.param, error.ctx)}: {error.message.removesuffix('.')}"
    else:
        message = error.format_message()
        if type(error) is not click.UsageError:  # click's own messages are sentences
            message = message[:1].lower() + message[1:].removesuffix(".")
    path = error.ctx.command_path if error.ctx else "pyipcs"
    command = "" if path == "pyipcs" else f"{path.split()[-1]}: "
    pointer = "" if _HELP_TOPIC in message else f" (see {path} --help)"
    return f"{command}{message}{pointer}"


def _source(param: click.Parameter, ctx: click.Context | None) -> str:
    """Return the source of a value: an operand, an option or a variable."""
    if isinstance(param, click.Argument):
        return str(param.metavar).removesuffix("...").strip("[]")
    source = ctx.get_parameter_source(param.name) if ctx and param.name else None
    if source is ParameterSource.ENVIRONMENT:
        return str(param.envvar)
    return "/".join(param.opts)
