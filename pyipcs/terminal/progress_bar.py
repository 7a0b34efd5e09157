"""The progress bar of a long input."""

import os
import select
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from pyipcs.process.nonblocking import ready

if TYPE_CHECKING:
    from rich.progress import Progress

_FINAL_TIMEOUT = 1.0  # seconds to wait for a stopped terminal (Ctrl-S)
_Batches = Iterator[Iterable[bytes]]


@contextmanager
def bar(
    total: int | None, read: Callable[[], int] | None, file: TextIO, *, has_color: bool
) -> Iterator[Callable[[_Batches], _Batches]]:
    """Show rich's bar; yield a function that counts passing records.

    Args:
        total: the size of the input in bytes, if known.
        read: returns the bytes of the input so far, where a byte ends each record but the last;
            None if nothing stands between the records.
        file: the terminal.
        has_color: True if the bar is coloured.
    """
    progress = _progress(file, has_color=has_color)
    progress.add_task("send", total=total, count=0)
    task = progress.tasks[0]

    # Both without rich's lock: its thread holds it while it waits for a stopped terminal.
    def track(batches: _Batches) -> _Batches:
        for batch in batches:
            yield count(batch)
        task.total = task.completed

    def count(records: Iterable[bytes]) -> Iterator[bytes]:
        for record in records:
            yield record  # the caller sends it before it requests the next one
            task.fields["count"] += 1
            size = task.completed + len(record)
            task.completed = min(size + 1, read()) if read else size

    try:
        progress.start()
    except RuntimeError:  # the limit on threads is reached
        yield track
        return
    try:
        yield track
    finally:
        # A terminal that stays stopped would block the end of the program.
        if ready(file.fileno(), select.POLLOUT, _FINAL_TIMEOUT):
            progress.stop()


def _progress(file: TextIO, *, has_color: bool) -> "Progress":
    """Return rich's bar with the columns of a transfer of messages."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        ProgressColumn,
        Task,
        TimeElapsedColumn,
    )
    from rich.text import Text

    class Count(ProgressColumn):
        def render(self, task: Task) -> Text:
            count = task.fields["count"]
            return Text(f"{count:,} message{'' if count == 1 else 's'}")

    columns = (
        Count(),
        BarColumn(bar_width=None),
        DownloadColumn(binary_units=True),
        TimeElapsedColumn(),
    )
    # TERM alone: rich fails on bad values of other variables, such as COLUMNS.
    environment = {"TERM": os.environ.get("TERM", "")}
    console = Console(file=file, no_color=not has_color, _environ=environment)
    return Progress(*columns, console=console)
