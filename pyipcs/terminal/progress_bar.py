"""How far a long input is, on a terminal."""

import os
import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from pyipcs.process.nonblocking import ready

_PATIENCE = 1.0  # seconds for a terminal that was stopped
_STEP = 32  # records between two looks
_Batches = Iterator[list[bytes]]


@contextmanager
def bar(
    total: int | None, file: TextIO, *, color: bool
) -> Iterator[Callable[[_Batches], _Batches]]:
    """Draw rich's bar while batches of records pass through what this gives.

    Args:
        total: the bytes that will come, if that is known.
        file: the terminal.
        color: whether the bar has colour.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.fields[count]:,} messages"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TimeElapsedColumn(),
    )
    # Of the variables only what the terminal is, as rich trips over some of the others.
    environment = {"TERM": os.environ.get("TERM", "")}
    console = Console(file=file, no_color=not color, _environ=environment)
    progress = Progress(*columns, console=console)
    progress.add_task("send", total=total, count=0)
    task = progress.tasks[0]

    def track(batches: _Batches) -> _Batches:
        # Set without rich's lock, which its thread holds for as long as a terminal takes nothing.
        for batch in batches:
            for start in range(0, len(batch), _STEP):
                part = batch[start : start + _STEP]
                yield part  # and its records are sent when the next one is asked for
                task.fields["count"] += len(part)
                task.completed += sum(map(len, part)) + len(part)

    try:
        progress.start()
    except RuntimeError:  # there can be no more threads
        yield track
        return
    try:
        yield track
    finally:
        if ready(file.fileno(), select.POLLOUT, _PATIENCE):  # otherwise there is nobody to draw for
            progress.stop()
