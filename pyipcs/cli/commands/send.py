"""pyipcs send: send messages to a queue."""

import os
from collections.abc import Callable, Sequence
from itertools import chain

import click

from pyipcs.actions.send import Decode, SendOptions, default_number, message_decoder, send
from pyipcs.cli.arguments import decode_argument, pack_fields
from pyipcs.cli.command import options_titled
from pyipcs.cli.options.common import (
    options_as,
    pack_option,
    refuse,
    showing,
    subcommand,
    wait_options,
)
from pyipcs.cli.types import FILE, MESSAGE_TYPE, PRIORITY, target_type
from pyipcs.model import Kind, Target
from pyipcs.objects import QueueHandle, queue_class
from pyipcs.terminal.streams import Output

# The options by the fields of messages that they set.
_OPTIONS = {"type": "-t", "priority": "--priority"}
_message = options_titled("Messages", once=True)


@subcommand(
    any_operand="MESSAGE",
    examples=(
        ("seq 100 | pyipcs send 0x1234 --lines", "Send each line as a message."),
        (
            "pyipcs send 0x1234 -t 7 --pack id 42 1.5",
            "Send a C struct of an int and a double, as type 7.",
        ),
        ("pyipcs send /jobs --priority 9 urgent", "Send to a POSIX queue."),
    ),
)
@_message(
    "-t",
    "--type",
    "type_",
    type=MESSAGE_TYPE,
    help="Type of the messages, a positive long; with --json, of messages without a type. "
    "[default: 1]",
)
@_message(
    "--priority",
    type=PRIORITY,
    help="Priority of the messages of a POSIX queue, 0 to 32767; with --json, of messages without "
    "a priority. [default: 0]",
)
@_message("-l", "--lines", is_flag=True, help="One message per line, without the newline.")
@_message("-0", "--null", is_flag=True, help="One message per record that ends with a NUL.")
@_message("-F", "--file", type=FILE, help="Read FILE; - is standard input.")
@_message("--hex", "hex_", is_flag=True, help="Messages as hex digits.")
@_message("-J", "--json", is_flag=True, help="Messages as lines of `recv -J`.")
@pack_option(_message, fields="the arguments", stream="-l makes each line a struct")
@_message("-z", "--nul", is_flag=True, help="Append a NUL to each message, as in C strings.")
@wait_options(" for each message")
@showing("--progress", is_flag=True, help="Show the progress on the terminal.")
@click.argument("target", type=target_type(Kind.QUEUE), metavar="QUEUE")
@click.argument("messages", nargs=-1, metavar="[MESSAGE]...")
@options_as(SendOptions)
@click.pass_obj
def command(
    output: Output, /, *, target: Target, messages: Sequence[str], options: SendOptions
) -> None:
    """Send messages to a queue.

    Each MESSAGE is sent as one message. Without MESSAGE, standard input is one message, or several
    with -l or -0. If the queue is full, send waits. If send ends early, it reports the number of
    sent messages. A regular file is checked first: if the queue could never take one of its
    messages, none is sent.

    QUEUE is an id (5), a key (0x1234 or key:5), ftok:PATH[:PROJ], or /NAME of a POSIX queue.
    """
    queues = queue_class(target)
    _check(messages, options, queues)
    decode = message_decoder(options, queues.message_field)
    number = default_number(options, queues.message_field)
    send(output, target, _parse(messages, decode, number, options), decode, options)


def _check(messages: Sequence[str], options: SendOptions, queues: type[QueueHandle]) -> None:
    layout, lines, null = options.layout, options.lines, options.null
    own = queues.message_field.name
    notations = (options.hex_, options.json, layout is not None)
    refuse(
        (
            *(
                (
                    number is not None and name != own,
                    f"{_OPTIONS[name]} is not for {queues.kind.plural} (their messages have a "
                    f"{own}: {_OPTIONS[own]})",
                )
                for name, number in options.numbers.items()
            ),
            (messages and options.file is not None, "-F FILE and MESSAGE cannot be combined"),
            (
                messages and (lines or null),
                "-l and -0 split standard input or a file, not MESSAGE",
            ),
            (lines and null, "-l and -0 cannot be combined"),
            (sum(notations) > 1, "--hex, --json and --pack cannot be combined"),
            (
                options.nul and (options.json or layout),
                "-z cannot be combined with --json or --pack",
            ),
        )
    )


def _parse(
    messages: Sequence[str], decode: Decode, number: int, options: SendOptions
) -> list[tuple[int, bytes]]:
    """Parse the messages on the command line, or the fields for --pack."""
    records = [os.fsencode(message) for message in messages]
    layout = options.layout
    if layout is None or (layout.length and not records):
        decode_one = _list(decode)
        return list(chain.from_iterable(decode_argument(record, decode_one) for record in records))
    return [(number, pack_fields(records, layout))]


def _list(decode: Decode) -> Callable[[bytes], list[tuple[int, bytes]]]:
    return lambda record: list(decode([record]))
