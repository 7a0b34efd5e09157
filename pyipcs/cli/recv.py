"""pyipcs recv: take messages from a queue, or look at them."""

from collections.abc import Iterable
from functools import partial
from itertools import islice, repeat
from typing import Any

import click

from pyipcs.cli.argv import Alias
from pyipcs.cli.delivery import Delivery, PutBack, ToCommand, ToOutput, to_tail
from pyipcs.cli.options import subcommand, wait_options
from pyipcs.cli.output import Output
from pyipcs.cli.params import BODY_SIZE, COUNT, LAYOUT, TARGET, TYPE
from pyipcs.cli.queues import find_queue, queue_error
from pyipcs.codec import FORMATS, Encoder, Layout, encoder
from pyipcs.errors import BusyError, CommandError, ExpiredError, IpcError, Status, TooBigError
from pyipcs.model import Message
from pyipcs.render.escape import visible
from pyipcs.sysv.keys import Target
from pyipcs.sysv.queue import MessageQueue, Wanted
from pyipcs.sysv.wait import Watch


@subcommand()
@click.option(
    "-t",
    "--type",
    "type_",
    type=TYPE,
    default="0",
    show_default=True,
    help="0: the first; N: the first of type N; -N: the first of the lowest type up to N.",
)
@click.option("-x", "--except", "others", is_flag=True, help="Any type but that of -t.")
@click.option("-n", "--count", type=COUNT, help="How many; 1 if left out.")
@click.option("-a", "--all", "all_", is_flag=True, help="Until the queue is empty; no waiting.")
@click.option("-F", "--follow", is_flag=True, help="Until it is stopped.")
@click.option(
    "--peek",
    is_flag=True,
    help="Leave the messages on the queue, and do not wait. It is no snapshot: where others "
    "receive meanwhile, it may leave messages out.",
)
@wait_options
@click.option(
    "--max-size", type=BODY_SIZE, help="Take no larger message; without it, none is too large."
)
@click.option("--truncate", is_flag=True, help="Cut what is larger than --max-size; it is lost.")
@click.option(
    "-J", "--json", cls=Alias, stands_for=("--format", "json"), help="Short for --format json."
)
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    help="text: without trailing NULs, with a newline; raw: as it is; hex: a dump; "
    "json: one object a line; unpack: see --unpack. If left out: text, and raw for --exec.",
)
@click.option(
    "--unpack",
    "layout",
    type=LAYOUT,
    metavar="FORMAT",
    help="Messages are C structs, in the notation of Python's module struct; tabs between fields. "
    "A larger message stays where it is, a smaller one goes back to the tail. C pads the end of a "
    "struct, as `0l` does.",
)
@click.option("-0", "--null", is_flag=True, help="End each message with a NUL, not a newline.")
@click.option("--with-type", is_flag=True, help="Put the type and a tab first.")
@click.option(
    "--exec",
    "command_line",
    metavar="CMD",
    help="Run CMD by sh for each message, which is its standard input; PYIPCS_TYPE and PYIPCS_ID "
    "are its type and its queue. The first CMD that fails ends it; its message goes back. A signal "
    "lets CMD end, a second one is passed on to it.",
)
@click.argument("target", type=TARGET, metavar="QUEUE")
@click.pass_obj
def command(
    output: Output, /, *, target: Target, peek: bool, timeout: float | None, **how: Any
) -> Status:
    """Take messages from a queue and write them out; one, if not told otherwise.

    It waits for a message, and takes it only when it can be written. No message is lost: what
    cannot be written goes back to the queue's tail. Written is what the pipe has taken; what is
    in it when its reader leaves is gone, so that `-n 2` is safe and `| head -n 2` is not.
    """
    how["format_"] = how["format_"] or _default_format(**how)
    _check(peek=peek, timeout=timeout, **how)
    count = None if how["all_"] or how["follow"] else how["count"] or 1
    wanted = _wanted(**how)
    queue = find_queue(target)
    with Watch(timeout=timeout or None, reader=_reader(output, **how)) as watch:
        put_back = _leave if peek else to_tail(output, target, queue.sender())
        with _delivery(output, queue, put_back, watch, **how) as delivery:
            try:
                if peek:
                    whole = _show(queue, wanted, delivery, count)
                else:
                    whole = _take(
                        queue, wanted, delivery, watch, count, wait=_waits(timeout, **how)
                    )
            except (IpcError, ValueError) as error:
                raise _told(target, error, peek=peek, **how) from None
    return Status.DONE if whole or how["all_"] else Status.WAIT


def _default_format(*, layout: Layout | None, command_line: str | None, **_rest: Any) -> str:
    if layout:
        return "unpack"
    return "text" if command_line is None else "raw"


def _check(**how: Any) -> None:
    """What click does not see: options that contradict each other, or miss what they are for."""
    numbers = [how["count"] is not None, how["all_"], how["follow"]]
    contradictions = (
        (sum(numbers) > 1, "-n, -a and -F are three ways to say how many"),
        (how["peek"] and how["follow"], "--peek does not wait, and -F does"),
        (how["timeout"] and (how["peek"] or how["all_"]), "--peek and -a do not wait"),
        (how["others"] and how["type_"] <= 0, "-x needs -t TYPE with a positive type"),
        (how["truncate"] and how["max_size"] is None, "--truncate needs --max-size"),
        (
            (how["format_"] == "unpack") != (how["layout"] is not None),
            "-f unpack and --unpack FORMAT go together",
        ),
        (how["null"] and how["format_"] in {"raw", "hex"}, f"-0 is not for -f {how['format_']}"),
        (how["command_line"] == "", "--exec needs a command"),
    )
    for wrong, why in contradictions:
        if wrong:
            raise click.UsageError(why)


def _wanted(
    *,
    type_: int,
    others: bool,
    max_size: int | None,
    truncate: bool,
    layout: Layout | None,
    **_rest: Any,
) -> Wanted:
    if layout and max_size is None:
        max_size = layout.size  # what is larger is no such struct, and stays where it is
    return Wanted(type_, others, max_size, truncate)


def _reader(output: Output, *, command_line: str | None, **_rest: Any) -> int | None:
    """Whose going away ends a wait."""
    return output.descriptor() if command_line is None else None


def _waits(timeout: float | None, *, all_: bool, **_rest: Any) -> bool:
    return not all_ and timeout != 0


def _leave(_messages: Iterable[Message]) -> None:
    """Put back what was never taken."""


def _delivery(
    output: Output,
    queue: MessageQueue,
    put_back: PutBack,
    watch: Watch,
    *,
    command_line: str | None,
    follow: bool,
    **how: Any,
) -> Delivery:
    if command_line is not None:
        encode = _encoder(**how)
        return ToCommand(command_line, queue.id, encode, put_back, watch)
    encode = _visible(_encoder(**how)) if output.terminal else _encoder(**how)
    return ToOutput(output, encode, put_back, watch, each=follow)


def _encoder(
    *, format_: str, layout: Layout | None, null: bool, with_type: bool, **_rest: Any
) -> Encoder:
    end = b"\0" if null else b"\n"
    return encoder(format_, layout=layout, end=end, with_type=with_type)


def _visible(encode: Encoder) -> Encoder:
    """For a terminal, which obeys what strangers sent."""
    return lambda message: visible(encode(message).decode(errors="surrogateescape")).encode()


def _told(
    target: Target,
    error: IpcError | ValueError,
    *,
    peek: bool,
    layout: Layout | None,
    max_size: int | None,
    **_rest: Any,
) -> CommandError:
    """Why a message was not delivered, and where it is."""
    match error:
        case TooBigError() if max_size is None and layout:
            words = f"the message has more bytes than {layout.notation}, {layout.size}, and stays"
        case TooBigError():
            words = f"the message has more than {max_size} bytes, and stays (--truncate cuts it)"
        case IpcError():
            return queue_error(target, error)
        case _:
            words = str(error) if peek else f"{error}; it goes back to the tail"
    return CommandError(f"{target.typed}: {words}")


def _take(
    queue: MessageQueue,
    wanted: Wanted,
    delivery: Delivery,
    watch: Watch,
    count: int | None,
    *,
    wait: bool,
) -> bool:
    """Take that many messages; whether they came without a wait that was not wanted."""
    take = queue.receiver(wanted)
    for _ in repeat(None) if count is None else range(count):
        delivery.ready()
        try:
            message = take(False)
        except BusyError:
            delivery.flush()
            if not wait:
                return False
            delivery.ready()
            try:
                message = watch.wait(partial(take, True))
            except ExpiredError:
                return False
        delivery.add(message)
    return True


def _show(queue: MessageQueue, wanted: Wanted, delivery: Delivery, count: int | None) -> bool:
    """Show that many messages; whether there were as many."""
    shown = 0
    for message in islice(queue.copies(wanted), count):
        delivery.ready()
        delivery.add(message)
        shown += 1
    return shown == count
