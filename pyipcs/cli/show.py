"""Results handed to the renderer of the format that was asked for."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any

from pyipcs.cli.output import Output
from pyipcs.model import Kind, Queue, Record
from pyipcs.render import plain
from pyipcs.render.plain import Unit, View
from pyipcs.sysv import proc
from pyipcs.sysv.proc import Listing


def listings(
    output: Output,
    found: Mapping[Kind, Iterable[Listing]],
    format_: str,
    *,
    view: View = View.STATUS,
    unit: Unit = Unit.DEFAULT,
    filtered: bool = False,
) -> None:
    """Show listings; `filtered` says that they do not hold every object of their kinds."""
    if format_ == "json":
        completed = {kind: proc.completed(chunks) for kind, chunks in found.items()}
        output.write(_json(completed, filtered=filtered))
    else:
        output.write(plain.listings(found, view, unit))


def selected(output: Output, ids: Mapping[Kind, Container[int]], format_: str) -> None:
    """Show some of the objects there are."""

    def listed(kind: Kind) -> Iterator[Listing]:
        return (listing.select(ids[kind]) for listing in proc.read(kind))

    found = {kind: listed(kind) for kind in Kind if kind in ids}
    listings(output, found, format_, filtered=True)


def details(output: Output, record: Record, format_: str, unit: Unit) -> None:
    """Show all there is to know of one object."""
    if format_ == "json":
        records(output, [record])
    else:
        output.write(plain.details(record, unit))


def records(output: Output, found: Iterable[Record]) -> None:
    """Show records as JSON, one of a kind."""
    output.write(_json({record.kind: [record] for record in found}, filtered=True))


def dossiers(output: Output, found: Iterable[Queue], format_: str) -> None:
    """Show all there is to know of objects, one after the other."""
    if format_ == "json":
        output.write(_json({Kind.QUEUE: found}, filtered=True))
        return
    from pyipcs.render import showmsg
    from pyipcs.sysv.processes import recorded

    for number, record in enumerate(found):
        output.write(["\n"] if number else [])
        sender = recorded(record.lspid, record.stime)
        receiver = recorded(record.lrpid, record.rtime)
        output.write(showmsg.details(record, sender, receiver))


def figures(output: Output, name: str, kinds: Iterable[Kind], format_: str, unit: Unit) -> None:
    """Show the kernel's limits, or its usage, whichever is named."""
    from pyipcs.sysv import libc

    sources: dict[str, tuple[Callable[[Kind], Any], Callable[..., Iterator[str]]]] = {
        "limits": (libc.limits, plain.limits),
        "usage": (libc.usage, plain.usage),
    }
    ask, render = sources[name]
    found = {kind: ask(kind) for kind in kinds}
    if format_ == "json":
        from pyipcs.render import data

        output.write(data.figures(name, found.values()))
    else:
        output.write(render(found, unit))


def _json(found: Mapping[Kind, Iterable[Record]], *, filtered: bool) -> Iterator[str]:
    from pyipcs.render import data

    return data.objects(found, _taken(filtered=filtered))


def _taken(*, filtered: bool) -> dict[str, Any]:
    """When and where a listing was taken."""
    import time

    from pyipcs.render.data import iso_time
    from pyipcs.sysv.namespace import boot_id, ipc_namespace

    return {
        "time": iso_time(int(time.time())),
        "boot_id": boot_id(),
        "ipc_namespace": ipc_namespace(),
        "filtered": filtered,
    }
