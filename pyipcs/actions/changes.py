"""The stream of changes of list --watch -f jsonl."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from pyipcs.actions.visible import find_selected
from pyipcs.listing import Listing
from pyipcs.model import Kind, View
from pyipcs.process.signals import FINAL_MESSAGE_TIMEOUT
from pyipcs.query import plan
from pyipcs.query.columns import DOCUMENTS, OF_KIND, Column, ValueType
from pyipcs.query.complete import Requirement, complete
from pyipcs.query.plan import Format, OutputOptions, Report, TimeFormat
from pyipcs.query.selection import Selection
from pyipcs.query.sightings import Sighting, sightings
from pyipcs.render.data import json_event, json_objects
from pyipcs.terminal.streams import Output
from pyipcs.usage.scan import expire

_IDENTIFYING = {"KEY", "ID", "NAME"}
# The listing of the other columns of a queue sets them (mqueue_read_file in ipc/mqueue.c).
_SET_BY_LISTING = {(Kind.POSIX_QUEUE, "ATIME"), (Kind.POSIX_QUEUE, "CTIME")}
_CHANGING_TIMES = {TimeFormat.RELATIVE, TimeFormat.SHORT}


class _Known(NamedTuple):
    """An object at the last tick.

    Attributes:
        sighting: the object, to tell it from another with the same id or name.
        line: its line.
        compared: the line, or the hash of its compared members if others always change.
    """

    sighting: Sighting
    line: str
    compared: str | int


_Objects: TypeAlias = dict[int | str, _Known]  # by id or name


class Changes:
    """The changes of the selected objects since the last tick."""

    def __init__(
        self,
        output: Output,
        kinds: Sequence[Kind],
        selection: Selection,
        options: OutputOptions,
        view: View,
    ) -> None:
        """Prepare the first tick.

        Args:
            output: the streams; reasons for missing objects go to standard error, each once.
            kinds: the kinds.
            selection: the filters.
            options: the output options.
            view: the columns of objects.
        """
        self._output = output
        self._kinds = kinds
        self._selection = selection
        self._options = options
        self._view = view
        self._known: dict[Kind, _Objects] = {}
        self._reported: set[str] = set()

    def lines(self) -> Iterator[str]:
        """Yield the lines of the changes, of each kind the removals first.

        At the first tick all objects are present. A kind that cannot be listed keeps its objects.

        Raises:
            CommandError: a process that a filter names has ended.
        """
        expire()
        selected = find_selected(self._kinds, self._selection)
        found = {
            kind: complete(listings, {Requirement.BORN})
            for kind, listings in selected.found.items()
        }
        unseen = [*selected.unseen]
        report = plan.report(found, self._options, Format.JSONL, self._view, unseen=unseen)
        report = report._replace(
            columns={kind: _with_identifying(kind, each) for kind, each in report.columns.items()}
        )
        is_first = not self._known
        for kind, listings in report.found.items():
            yield from self._lines_of(report, kind, listings)
        self._report(selected.reasons(self._selection.unjudged() if is_first else ()))

    def _report(self, reasons: Iterable[str]) -> None:
        """Report reasons for missing objects that were not reported before."""
        for reason in reasons:
            if reason not in self._reported:
                self._reported.add(reason)
                self._output.error(reason, timeout=FINAL_MESSAGE_TIMEOUT)

    def _lines_of(self, report: Report, kind: Kind, listings: Iterable[Listing]) -> Iterator[str]:
        before = self._known.get(kind)
        present: _Objects = {}
        removed: list[str] = []
        others: list[tuple[str, str]] = []
        for listing in listings:
            for name, now in _rows(report, kind, listing):
                last = before and before.get(name)
                if before is None:
                    others.append(("present", now.line))
                elif not last:
                    others.append(("added", now.line))
                elif not last.sighting.is_same(now.sighting):
                    removed.append(last.line)
                    others.append(("added", now.line))
                elif last.compared != now.compared:
                    others.append(("changed", now.line))
                present[name] = last if last and last == now else now
            if before is None:
                yield from _events(others, report)
                others.clear()
        if before is not None:
            removed += [last.line for name, last in before.items() if name not in present]
        self._known[kind] = present
        yield from _events([*(("removed", line) for line in removed), *others], report)


def _events(events: Sequence[tuple[str, str]], report: Report) -> Iterator[str]:
    """Yield the lines of events in one chunk, with the current time."""
    now = int(time.time())
    yield "".join(json_event(event, now, line, report.style) for event, line in events)


def _with_identifying(kind: Kind, columns: Sequence[Column]) -> tuple[Column, ...]:
    """Return columns with those that identify an object of a kind."""
    names = _IDENTIFYING.intersection(DOCUMENTS[kind].split())
    missing = [one for one in OF_KIND[kind] if one.name in names and one not in columns]
    return (*missing, *columns)


def _rows(report: Report, kind: Kind, listing: Listing) -> Iterator[tuple[int | str, _Known]]:
    """Yield the objects of a listing by id or name."""
    if not listing.length:
        return
    lines = [*json_objects(report, kind, listing)]
    columns = tuple(one for one in report.columns[kind] if _is_compared(kind, one))
    style = report.style
    compared: Sequence[str | int] = lines
    if columns != report.columns[kind] or style.time_format in _CHANGING_TIMES:
        stable = report._replace(
            columns={kind: columns}, style=style._replace(time_format=TimeFormat.EPOCH)
        )
        compared = [*map(hash, json_objects(stable, kind, listing))]
    rows = zip(listing.ids, sightings(listing), lines, compared, strict=True)
    for name, sighting, line, hashed in rows:
        yield name, _Known(sighting, line, hashed)


def _is_compared(kind: Kind, column: Column) -> bool:
    """Return True if a different value of a column is a change of the object."""
    return (
        column.value_type is not ValueType.DURATION and (kind, column.name) not in _SET_BY_LISTING
    )
