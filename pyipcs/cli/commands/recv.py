"""pyipcs recv: take messages from a queue, or look at them."""

from collections.abc import Iterable
from functools import partial
from itertools import islice, repeat
from typing import Any, NamedTuple

import click

from pyipcs.actions.lookup import find, refusal, refusals
from pyipcs.actions.receive import Delivery, ToCommand, ToOutput, requeuer
from pyipcs.cli.command import DocumentedChoice, options_titled
from pyipcs.cli.options.common import (
    format_of,
    json_option,
    refuse,
    showing,
    subcommand,
    unpack_option,
    wait_options,
)
from pyipcs.cli.types import BODY_SIZE, COMMAND_LINE, COUNT, TYPE, target_type
from pyipcs.codec import FORMATS, Encoder, Layout, encoder
from pyipcs.errors import BusyError, CommandError, ExpiredError, IpcError, Status, TooBigError
from pyipcs.model import Kind, Message
from pyipcs.process.interruptible import FINAL_MESSAGE_TIMEOUT, InterruptibleWait
from pyipcs.sysv.keys import Target
from pyipcs.sysv.queue import MessageQueue, Wanted
from pyipcs.terminal.escape import visible
from pyipcs.terminal.streams import Output
from pyipcs.text import plural

_which = options_titled("Which messages", once=True)


class _How(NamedTuple):
    """Which messages, how many, how long to wait for them, and what becomes of them."""

    type_: int
    others: bool
    number: int | None
    all_: bool
    follow: bool
    peek: bool
    timeout: float | None
    max_size: int | None
    truncate: bool
    format_: str
    layout: Layout | None
    null: bool
    with_type: bool
    unbuffered: bool
    command_line: str | None

    @property
    def most(self) -> int | None:
        """The most messages; None is any number."""
        return None if self.all_ or self.follow else self.number or 1

    @property
    def waits(self) -> bool:
        """Whether to wait for a message."""
        return not self.all_ and self.timeout != 0

    @property
    def wanted(self) -> Wanted:
        """Which messages to take; a larger one than a struct is no such struct, and stays."""
        max_size = self.max_size
        if self.layout and max_size is None:
            max_size = self.layout.size
        return Wanted(self.type_, self.others, max_size, self.truncate)


@subcommand(
    examples=(
        ("pyipcs recv 0x1234 --timeout 5", "One message, waited for five seconds at most."),
        ("pyipcs recv 0x1234 --peek --all", "All that are on the queue, and stay there."),
        ("pyipcs recv 0x1234 -n 2 --exec 'wc -c'", "Two messages, each as a command's input."),
    ),
)
@_which(
    "-t",
    "--type",
    "type_",
    type=TYPE,
    default="0",
    show_default=True,
    help="Of which type. 0: the first; N: the first of type N; -N: the first of the lowest type "
    "up to N.",
)
@_which("-x", "--except", "others", is_flag=True, help="Any type but that of -t.")
@_which("-n", "--count", "number", type=COUNT, help="So many; 1 if left out.")
@_which(
    "-a",
    "--all",
    "all_",
    is_flag=True,
    help="All that are there, without waiting; status 0 also if none is.",
)
@_which("-F", "--follow", is_flag=True, help="All that come, until it is stopped.")
@_which(
    "--peek",
    is_flag=True,
    help="Leave the messages on the queue, and do not wait. It is no snapshot: where others "
    "receive meanwhile, it may leave messages out.",
)
@_which("--max-size", type=BODY_SIZE, help="Take no larger message; without it, none is too large.")
@_which("--truncate", is_flag=True, help="Cut what is larger than --max-size; it is lost.")
@wait_options(" for each message")
@json_option
@showing(
    "-f",
    "--format",
    "format_",
    type=DocumentedChoice(FORMATS),
    metavar="FORMAT",
    help="How messages are written. If left out: text, and raw for --exec.",
)
@unpack_option(
    "A larger message stays where it is, a smaller one goes back to the tail. C pads the end of a "
    "struct, as `0l` does."
)
@showing("-0", "--null", is_flag=True, help="End each message with a NUL, not a newline.")
@showing(
    "-u",
    "--unbuffered",
    is_flag=True,
    help="Write each message by itself, as -F does. If recv is killed by SIGKILL, at most one "
    "message is lost; without -u, at most 4 KiB of messages.",
)
@showing("--with-type", is_flag=True, help="Put the type and a tab first.")
@showing(
    "--exec",
    "command_line",
    type=COMMAND_LINE,
    once=True,
    help="Run CMD by sh for each message, which is its standard input. PYIPCS_TYPE and PYIPCS_ID "
    "are its type and its queue. The first CMD that fails ends it; its message goes back. A signal "
    "lets CMD end, a second one is passed on to it.",
)
@click.argument("target", type=target_type(Kind.QUEUE), metavar="QUEUE")
@click.pass_obj
def command(
    output: Output,
    /,
    *,
    target: Target,
    format_: str | None,
    layout: Layout | None,
    command_line: str | None,
    **how: Any,
) -> Status:
    """Receive messages from a queue, or peek at them.

    One, if not told otherwise. It waits for a message, and takes it only when it can be written.
    No message is lost: what cannot be written goes back to the queue's tail. Written is what the
    pipe has taken; what is in it when its reader leaves is gone, so that `-n 2` is safe and
    `| head -n 2` is not.

    QUEUE is an id (5), a key (0x1234 or key:5), or ftok:PATH[:PROJ].
    """
    default = "text" if command_line is None else "raw"
    format_ = format_of(format_, unpacks=layout is not None, default=default)
    return _recv(
        output, target, _How(format_=format_, layout=layout, command_line=command_line, **how)
    )


def _recv(output: Output, target: Target, how: _How) -> Status:
    _check(how)
    queue = find(MessageQueue, target)
    reader = output.descriptor() if how.command_line is None else None
    delivery = None
    try:
        with InterruptibleWait(timeout=how.timeout or None, reader=reader, last=True) as watch:
            with refusals(Kind.QUEUE, target):
                delivery = _delivery(output, target, queue, how, watch)
            complete = _deliver(queue, target, delivery, watch, how)
    finally:
        if delivery is not None and delivery.partial_write:
            output.error("the output ends within a message", timeout=FINAL_MESSAGE_TIMEOUT)
    return Status.DONE if complete or how.all_ else Status.WAIT


def _deliver(
    queue: MessageQueue, target: Target, delivery: Delivery, watch: InterruptibleWait, how: _How
) -> bool:
    """Deliver messages; whether as many as wanted were there in time."""
    try:
        with delivery:
            if how.peek:
                return _show(queue, delivery, how)
            return _take(queue, delivery, watch, how)
    except (IpcError, ValueError) as error:
        raise _to_command_error(target, error, delivery, how) from None


def _check(how: _How) -> None:
    numbers = (how.number is not None, how.all_, how.follow)
    refuse(
        (
            (sum(numbers) > 1, "-n, -a and -F are three ways to say how many"),
            (how.peek and how.follow, "--peek does not wait, so no -F"),
            (how.timeout and how.peek, "--peek does not wait, so no --timeout"),
            (how.timeout and how.all_, "-a does not wait, so no --timeout"),
            (how.others and how.type_ <= 0, "-x needs -t TYPE with a positive type"),
            (how.truncate and how.max_size is None, "--truncate needs --max-size"),
            (how.null and how.format_ in {"raw", "hex"}, f"-0 is not for -f {how.format_}"),
            (how.command_line == "", "--exec needs a command"),
        )
    )


def _delivery(
    output: Output, target: Target, queue: MessageQueue, how: _How, watch: InterruptibleWait
) -> Delivery:
    requeue = _leave if how.peek else requeuer(output, target, queue.sender())
    end = b"\0" if how.null else b"\n"
    encode = encoder(how.format_, layout=how.layout, end=end, with_type=how.with_type)
    if how.command_line is not None:
        return ToCommand(how.command_line, queue.id, encode, requeue, watch)
    if output.is_terminal:
        encode = _visible(encode)
    return ToOutput(output, encode, requeue, watch, each=how.follow or how.unbuffered)


def _leave(_messages: Iterable[Message]) -> bool:
    """Put back what was never taken."""
    return False


def _visible(encode: Encoder) -> Encoder:
    """For a terminal, which obeys what strangers sent."""
    return lambda message: visible(encode(message).decode(errors="surrogateescape")).encode()


def _to_command_error(
    target: Target, error: IpcError | ValueError, delivery: Delivery, how: _How
) -> CommandError:
    """Why a message was not delivered, and where it is."""
    match error:
        case TooBigError() if how.max_size is None and how.layout:
            fits = f"{plural(how.layout.size, 'byte')} of {how.layout.notation}"
            words = f"the message has more than the {fits}, and stays"
        case TooBigError():
            words = f"the message has more than {how.max_size} bytes, and stays"
            words += " (--truncate cuts it)"
        case IpcError():
            return refusal(Kind.QUEUE, target, error)
        case _:
            words = f"{error}; it went back to the tail" if delivery.returned else str(error)
    return CommandError(f"{target.typed}: {words}")


def _take(queue: MessageQueue, delivery: Delivery, watch: InterruptibleWait, how: _How) -> bool:
    """Take messages; whether all of them came without a wait that was not wanted."""
    take = queue.receiver(how.wanted)
    turns = islice(repeat(None), how.most)  # None has no end
    for _ in turns:
        delivery.ready()
        try:
            message = take(False)
        except BusyError:
            delivery.flush()
            if not how.waits:
                return False
            delivery.ready()
            try:
                message = watch.wait(partial(take, True))
            except ExpiredError:
                return False
        delivery.add(message)
    return True


def _show(queue: MessageQueue, delivery: Delivery, how: _How) -> bool:
    """Show messages; whether there were as many as wanted."""
    shown = 0
    for message in islice(queue.copies(how.wanted), how.most):
        delivery.ready()
        delivery.add(message)
        shown += 1
    return shown == how.most
