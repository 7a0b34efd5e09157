"""How far a long input is, on a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_STEP = 32  # records between two looks
_Batches = Iterator[list[bytes]]


@contextmanager
def bar(total: int | None, *, color: bool) -> Iterator[Callable[[_Batches], _Batches]]:
    """Draw rich's bar on standard error while batches of records pass through what this gives.

    Args:
        total: the bytes that will come, if that is known.
        color: whether the bar has colour.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.fields[count]:,} messages"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True, no_color=not color)) as progress:
        task = progress.add_task("send", total=total, count=0)
        count = 0

        def track(batches: _Batches) -> _Batches:
            nonlocal count
            for batch in batches:
                for start in range(0, len(batch), _STEP):
                    part = batch[start : start + _STEP]
                    yield part  # and its records are sent when the next one is asked for
                    count += len(part)
                    size = sum(map(len, part)) + len(part)
                    progress.update(task, advance=size, count=count)

        yield track
