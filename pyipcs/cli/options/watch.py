"""A live view until a signal ends it: when it is drawn, and what grows how fast."""

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, NoReturn, TypeAlias

import click

from pyipcs.cli.command import OptionalValue
from pyipcs.cli.options.common import showing
from pyipcs.cli.options.output import Format, OutputOptions, given
from pyipcs.cli.types import INTERVAL
from pyipcs.model import Kind
from pyipcs.sysv.procfs import Listing
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.terminal.streams import Output

if TYPE_CHECKING:
    from pyipcs.render.listing_report import Report

_HEAD = 6  # lines, below which the head would take room from what it stands above
Picture: TypeAlias = Callable[[TerminalCapabilities], Iterable[str]]

watch_option = showing(
    "--watch",
    "interval",
    cls=OptionalValue,
    type=INTERVAL,
    metavar="[=SECONDS]",
    help="A live view on the terminal until Ctrl-C. It is drawn anew every 2 seconds or so many, "
    "with NET/S: the messages that came, less those that went, in a second.",
)


def check(ctx: click.Context, output: Output, options: OutputOptions) -> OutputOptions:
    """See to it that a live view can be shown; in what manner.

    Raises:
        click.UsageError: it cannot.
    """
    if options.format_ is not Format.TABLE and "-f" in given(ctx):
        raise click.UsageError("--watch draws tables, so no other format")
    if not output.terminal or output.dumb:
        raise click.UsageError("--watch needs a terminal that can be drawn on")
    return options._replace(format_=Format.TABLE)


def watch(output: Output, interval: float, picture: Picture) -> NoReturn:
    """Draw a picture every `interval` seconds, and at once where the terminal has a new size.

    Raises:
        StoppedError: a signal came; the terminal is as it was.
        CommandError: the terminal has gone.
    """
    from pyipcs.process.interruptible import InterruptibleWait
    from pyipcs.terminal.live_screen import Screen
    from pyipcs.terminal.writer import InterruptibleWriter

    def drawn() -> tuple[str, TerminalCapabilities]:
        canvas = output.screen_canvas()
        head = f"Every {interval:g}s: {time.ctime()}\n\n" if canvas.height > _HEAD else ""
        return head + "".join(picture(canvas)), canvas

    with InterruptibleWait() as waiting, _Stops() as stops:
        shown = drawn()  # what is wrong with it is said before the screen is taken
        with (
            InterruptibleWriter(output.descriptor(), output.encoding, waiting) as pen,
            Screen(pen, color=output.has_color) as screen,
        ):
            while True:
                screen.show(*shown)
                waiting.sleep(interval)
                if stops.wanted:
                    screen.stop()
                    stops.stop()
                    screen.start()
                shown = drawn()


class _Stops:
    """Ctrl-Z, which has to wait until the terminal is as it was; and new sizes, which wake."""

    def __init__(self) -> None:
        self.wanted = False

    def __enter__(self) -> "_Stops":
        self._former = {
            number: signal.signal(number, self._note)
            for number in (signal.SIGTSTP, signal.SIGWINCH)
            if signal.getsignal(number) is signal.SIG_DFL
        }
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.wanted = self.wanted or number == signal.SIGTSTP

    def stop(self) -> None:
        """Stop, until somebody has the program go on."""
        self.wanted = False
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._note)


class Growth:
    """By how many messages the second queues grow, from one look to the next."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._taken = 0.0

    def shown(self, report: "Report") -> "Report":
        """A report with the growth of queues behind their number of messages."""
        from pyipcs.query.columns import RATE

        columns = report.columns.get(Kind.QUEUE, ())
        behind = next((i for i, column in enumerate(columns, 1) if column.name == "MSGS"), 0)
        if not behind:
            return report
        queues = self.added(report.found[Kind.QUEUE])
        return report._replace(
            found={**report.found, Kind.QUEUE: queues},
            columns={**report.columns, Kind.QUEUE: (*columns[:behind], RATE, *columns[behind:])},
        )

    def added(self, listings: Iterable[Listing]) -> Iterator[Listing]:
        """The queues with their growth, which is None for those that are new."""
        whole = [*listings]
        rates = self.of(
            (int(msqid), int(number))
            for listing in whole
            for msqid, number in zip(listing.column("id"), listing.column("qnum"), strict=True)
        )
        for listing in whole:
            yield listing.with_added(
                "rate", [rates.get(int(word)) for word in listing.column("id")]
            )

    def of(self, counts: Iterable[tuple[int, int]]) -> dict[int, float]:
        """The growth of queues, by their ids, from the numbers of messages on them now."""
        now = time.monotonic()
        passed, self._taken = now - self._taken, now
        former, self._counts = self._counts, dict(counts)
        return {
            msqid: (number - former[msqid]) / passed
            for msqid, number in self._counts.items()
            if msqid in former
        }
