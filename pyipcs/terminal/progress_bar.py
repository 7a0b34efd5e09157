"""The progress bar of a long input."""

import os
import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from pyipcs.process.nonblocking import ready

_FINAL_TIMEOUT = 1.0  # seconds to wait for a stopped terminal (Ctrl-S)
_STEP = 32  # records per update of the counts
_Batches = Iterator[list[bytes]]


@contextmanager
def bar(
    total: int | None, file: TextIO, *, has_color: bool
) -> Iterator[Callable[[_Batches], _Batches]]:
    """Show rich's bar; yield a function that counts passing batches.

    Args:
        total: the size of the input in bytes, if known.
        file: the terminal.
        has_color: True if the bar is coloured.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.fields[count]:,} messages"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TimeElapsedColumn(),
    )
    # TERM alone: rich fails on bad values of other variables, such as COLUMNS.
    environment = {"TERM": os.environ.get("TERM", "")}
    console = Console(file=file, no_color=not has_color, _environ=environment)
    progress = Progress(*columns, console=console)
    progress.add_task("send", total=total, count=0)
    task = progress.tasks[0]

    def track(batches: _Batches) -> _Batches:
        # Without rich's lock: rich's thread holds the lock while a stopped terminal blocks it.
        for batch in batches:
            for start in range(0, len(batch), _STEP):
                part = batch[start : start + _STEP]
                yield part  # the caller sends the records before it requests the next part
                task.fields["count"] += len(part)
                task.completed += sum(map(len, part)) + len(part)

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
