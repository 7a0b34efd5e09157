"""pyipcs recv: receive messages from a queue, or peek at them."""

from contextlib import closing

import click

from pyipcs.actions.lookup import find
from pyipcs.actions.receive import ReceiveOptions, Receiver
from pyipcs.cli.command import DocumentedChoice, options_titled
from pyipcs.cli.options.common import (
    format_of,
    json_option,
    options_as,
    refuse,
    showing,
    subcommand,
    unpack_option,
    wait_options,
)
from pyipcs.cli.types import BODY_SIZE, COMMAND_LINE, COUNT, TYPE, target_type
from pyipcs.codec import FORMATS
from pyipcs.errors import Status
from pyipcs.model import Kind, Target
from pyipcs.objects import QueueHandle, queue_class
from pyipcs.terminal.streams import Output

_message = options_titled("Messages", once=True)


@subcommand(
    examples=(
        ("pyipcs recv /jobs --timeout 5", "Wait at most five seconds for a POSIX message."),
        ("pyipcs recv 0x1234 --peek --all", "Show all messages, and leave them on the queue."),
        ("pyipcs recv 0x1234 -n 2 --exec 'wc -c'", "Run a command for each of two messages."),
    ),
)
@_message(
    "-t",
    "--type",
    "type_",
    type=TYPE,
    help="Type of the messages. 0: the first message; N: the first of type N; -N: the first of "
    "the lowest type up to N. [default: 0]",
)
@_message("-x", "--except", "others", is_flag=True, help="Any type except that of -t.")
@_message("-n", "--count", "number", type=COUNT, help="Number of messages. [default: 1]")
@_message(
    "-a",
    "--all",
    "all_",
    is_flag=True,
    help="All messages on the queue, without waiting; status 0 even if there is none.",
)
@_message("-F", "--follow", is_flag=True, help="All messages until a signal ends recv.")
@_message(
    "--peek",
    is_flag=True,
    help="Leave the messages on the queue, and do not wait. This is no snapshot: if other "
    "processes receive at the same time, messages may be missing.",
)
@_message("--max-size", type=BODY_SIZE, help="Largest message to take. [default: no limit]")
@_message("--truncate", is_flag=True, help="Cut larger messages at --max-size; the rest is lost.")
@wait_options(" for each message")
@json_option
@showing(
    "-f",
    "--format",
    "format_",
    type=DocumentedChoice(FORMATS),
    metavar="FORMAT",
    help="Format of the messages. [default: text; with --exec raw]",
)
@unpack_option(
    "A larger message stays on the queue, a smaller one goes back to its tail; a POSIX queue gets "
    "both back. C pads the end of a struct, as `0l` does."
)
@showing("-0", "--null", is_flag=True, help="End each message with a NUL, not with a newline.")
@showing(
    "-u",
    "--unbuffered",
    is_flag=True,
    help="Write each message by itself, as -F does. If recv is killed by SIGKILL, at most one "
    "message is lost; without -u, at most 4 KiB of messages.",
)
@showing(
    "--with-type",
    is_flag=True,
    help="Print the type, or the priority, and a tab before each message.",
)
@showing(
    "--exec",
    "command_line",
    type=COMMAND_LINE,
    once=True,
    help="Run CMD with sh for each message, with the message as standard input. PYIPCS_TYPE is the "
    "type of the message, or PYIPCS_PRIORITY its priority; PYIPCS_ID is the id or the name of the "
    "queue. If CMD fails, its message goes back and "
    "recv ends. After a signal, recv waits for CMD; a second signal is passed on to CMD.",
)
@click.argument("target", type=target_type(Kind.QUEUE), metavar="QUEUE")
@options_as(ReceiveOptions)
@click.pass_obj
def command(output: Output, /, *, target: Target, options: ReceiveOptions) -> Status:
    """Receive messages from a queue, or peek at them.

    recv takes one message by default, and waits for it. It takes a message only when the message
    can be written. No message is lost: an unwritten message goes back to the tail of the queue, in
    a POSIX queue behind those of its priority. A message counts as delivered once the pipe accepted
    it; data still in the pipe when the reader exits is lost. So `-n 2` is safe, and `| head -n 2`
    is not.

    A POSIX queue returns messages of the highest priority first; the kernel has no call for -t, -x,
    --peek, --max-size and --truncate. After the removal of a POSIX queue, recv takes its messages,
    and then fails.

    QUEUE is an id (5), a key (0x1234 or key:5), ftok:PATH[:PROJ], or /NAME of a POSIX queue.
    """
    format_ = format_of(
        options.format_,
        unpacks=options.layout is not None,
        default="text" if options.command_line is None else "raw",
    )
    options = options._replace(format_=format_)
    queues = queue_class(target)
    _check(options, queues)
    with closing(find(queues, target)) as queue:
        is_complete = Receiver(output, target, queue, options).run()
    return Status.DONE if is_complete or options.all_ else Status.WAIT


def _check(options: ReceiveOptions, queues: type[QueueHandle]) -> None:
    choices = {
        "-t": options.type_ is not None,
        "-x": options.others,
        "--peek": options.peek,
        "--max-size": options.max_size is not None,
        "--truncate": options.truncate,
    }
    numbers = (options.number is not None, options.all_, options.follow)
    refuse(
        (
            *(
                (
                    is_given and not queues.can_choose,
                    f"{option} is not for {queues.kind.plural} (the kernel has no such call)",
                )
                for option, is_given in choices.items()
            ),
            (sum(numbers) > 1, "-n, -a and -F cannot be combined"),
            (
                options.peek and options.follow,
                "--peek and -F cannot be combined (--peek does not wait)",
            ),
            (
                options.timeout and options.peek,
                "--peek and --timeout cannot be combined (--peek does not wait)",
            ),
            (
                options.timeout and options.all_,
                "-a and --timeout cannot be combined (-a does not wait)",
            ),
            (options.others and (options.type_ or 0) <= 0, "-x needs -t TYPE with a positive type"),
            (options.truncate and options.max_size is None, "--truncate needs --max-size"),
            (
                options.null and options.format_ in {"raw", "hex"},
                f"-0 is not for -f {options.format_}",
            ),
            (options.command_line == "", "--exec needs a command"),
        )
    )
