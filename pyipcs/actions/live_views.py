"""The live views of list and stat, each drawn anew from current objects."""

from collections.abc import Collection, Iterator, Sequence

from pyipcs.actions.lookup import read_all
from pyipcs.model import Kind, Queue, View
from pyipcs.query import plan
from pyipcs.query.plan import Format, OutputOptions
from pyipcs.query.rates import Growth
from pyipcs.query.selection import Selection
from pyipcs.render import panel, table
from pyipcs.render.details import Details
from pyipcs.sysv import procfs
from pyipcs.sysv.keys import Target
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.terminal.escape import one_line
from pyipcs.terminal.live_loop import FrameRenderer
from pyipcs.usage.scan import expire


def selected_objects(
    kinds: Sequence[Kind], selection: Selection, options: OutputOptions, view: View
) -> FrameRenderer:
    """Return the view of the selected objects, with the growth of queues."""
    growth = Growth()

    def render(capabilities: TerminalCapabilities) -> Iterator[str]:
        expire()
        found = {kind: selection.of(procfs.read(kind)) for kind in kinds}
        report = plan.report(found, options, Format.TABLE, view)
        report = growth.shown(report)._replace(
            which=selection.scope.which, max_rows=capabilities.height
        )
        return table.tables(report, capabilities)

    return render


def limits_and_usage(kinds: Sequence[Kind], options: OutputOptions) -> FrameRenderer:
    """Return the view of the kernel's limits and their usage."""
    return lambda capabilities: table.tables(
        plan.resources(kinds, options, Format.TABLE), capabilities
    )


def named_objects(
    kinds: Collection[Kind], targets: Sequence[Target], options: OutputOptions
) -> FrameRenderer:
    """Return the view of all details of objects; it ends with the last one."""
    style = options.style(Format.TABLE)
    growth = Growth()

    def render(capabilities: TerminalCapabilities) -> Iterator[str]:
        expire()
        found, errors = read_all(kinds, targets)
        if not found:
            raise errors[0]
        rates = growth.of((queue.id, queue.qnum) for queue in found if isinstance(queue, Queue))
        for record in plan.in_order(kinds, found, options):
            rate = rates.get(record.id) if record.kind is Kind.QUEUE else None
            object_ = Details(record, style, is_condensed=not options.is_wide, growth=rate)
            yield from panel.details(object_, capabilities)
        for error in errors:
            yield f"{one_line(str(error))}\n"

    return render
