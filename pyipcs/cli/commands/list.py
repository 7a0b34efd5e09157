"""pyipcs list: objects, limits and usage, as ipcs(1) and in many other formats."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from pyipcs.cli import present
from pyipcs.cli.command import given_option_names
from pyipcs.cli.options import watch
from pyipcs.cli.options.common import refuse, selecting, showing, subcommand
from pyipcs.cli.options.filters import filter_options, listed_kind_options
from pyipcs.cli.options.output import columns_of, output_options
from pyipcs.cli.options.watch import watch_option
from pyipcs.cli.types import id_type
from pyipcs.errors import CommandError, IpcError, NotFoundError, Status
from pyipcs.model import Kind, Record, View
from pyipcs.query import plan
from pyipcs.query.plan import Format, OutputOptions
from pyipcs.query.selection import Selection
from pyipcs.sysv import procfs
from pyipcs.sysv.keys import Target
from pyipcs.sysv.listing import Listing
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.terminal.streams import Output

if TYPE_CHECKING:
    from pyipcs.terminal.live_loop import FrameRenderer


@subcommand(
    abbreviable_names=(
        *("id", "queues", "shmems", "semaphores", "all", "time", "pid", "creator"),
        *("limits", "summary", "human", "bytes", "version", "help"),
    ),
    help_sections=columns_of(*Kind, limits=True),
    examples=(
        ("pyipcs list -q -o KEY,MSGS,USE% --sort -MSGS", "The fullest queues first."),
        (
            "pyipcs list --mine --unattached --older-than 1d",
            "Your segments that nobody has attached, unchanged for a day.",
        ),
        ("pyipcs list -J > before.json", "All objects, for --not-in to compare with later."),
    ),
)
@listed_kind_options
@selecting("-a", "--all", "all_kinds", is_flag=True, help="All kinds, as without -q, -m and -s.")
@selecting("-i", "--id", "target", type=id_type(), help="One object, with one of -q -m -s.")
@filter_options
@selecting(
    "--all-ns",
    "everywhere",
    is_flag=True,
    help="The objects of every IPC namespace that a process lives in which you may look at.",
)
@showing("-t", "--time", "view", flag_value="time", help="Times of last use and change.")
@showing("-p", "--pid", "view", flag_value="pid", help="PIDs of creator and last users.")
@showing("-c", "--creator", "view", flag_value="creator", help="Creators and owners.")
@showing("-l", "--limits", "view", flag_value="limits", help="The kernel's limits.")
@showing("-u", "--summary", "view", flag_value="usage", help="What is in use.")
@output_options
@watch_option
@showing("--fail-if-any", is_flag=True, help="End with status 23 if there is an object.")
@click.pass_context
def command(  # noqa: PLR0913 - the options are its arguments
    ctx: click.Context,
    /,
    *,
    kinds: Sequence[Kind],
    all_kinds: bool,
    target: Target | None,
    view: str | None,
    options: OutputOptions,
    selection: Selection,
    everywhere: bool,
    fail_if_any: bool,
    interval: float | None,
) -> Status:
    """Show System V IPC objects, limits and usage.

    Of several filters, --owner and the options behind it, an object has to meet every one.
    """
    output: Output = ctx.obj
    named = [*Kind] if all_kinds else kinds
    figures = view if view in {"limits", "usage"} else None
    _check(
        named,
        selection.named,
        target=target,
        figures=figures,
        interval=interval,
        everywhere=everywhere,
        elsewhere="ns" in given_option_names(ctx),
        fail_if_any=fail_if_any,
    )
    meant = selection.kinds(named)
    shown = View.STATUS if figures else View(view or "status")
    if interval is not None:
        options = watch.check(ctx, output, options)
        live = _frame_of_limits if figures else partial(_frame_of_objects, selection, shown)
        from pyipcs.terminal import live_loop

        return live_loop.watch(output, interval, live(meant, options))
    if target:
        return _one(output, named[0], target, options, fail=fail_if_any)
    if figures:
        present.figures(output, figures, meant, options)
        return Status.DONE
    if everywhere:
        return _everywhere(output, meant, selection, options, shown, fail=fail_if_any)
    each = bool(named or selection.filters or fail_if_any)
    return _here(output, meant, selection, options, shown, each=each, fail=fail_if_any)


def _check(named: Sequence[Kind], filters: str, **given: Any) -> None:
    """Refuse options that contradict each other."""
    target, figures, interval = given["target"], given["figures"], given["interval"]
    everywhere, elsewhere = given["everywhere"], given["elsewhere"]
    fail_if_any = given["fail_if_any"]
    alone = "is about one namespace, so no --all-ns"
    refuse(
        (
            (target and len(named) != 1, "-i needs exactly one of -q, -m and -s"),
            (target and filters, f"-i names an object, so no {filters}"),
            (target and interval, "-i shows an object once, so no --watch"),
            (figures and filters, f"-l and -u are not about single objects, so no {filters}"),
            (figures and fail_if_any, "-l and -u are about no objects, so no --fail-if-any"),
            (interval and fail_if_any, "--watch does not end, so no --fail-if-any"),
            (everywhere and target, f"-i {alone}"),
            (everywhere and figures, "-l and -u are about one namespace, so no --all-ns"),
            (everywhere and interval, f"--watch {alone}"),
            (everywhere and "--not-in" in filters, f"--not-in {alone}"),
            (everywhere and elsewhere, f"--ns {alone}"),
        )
    )


def _here(
    output: Output,
    kinds: Sequence[Kind],
    selection: Selection,
    options: OutputOptions,
    view: View,
    *,
    each: bool,
    fail: bool,
) -> Status:
    """The objects of this namespace."""
    count = _Count()
    present.listings(
        output,
        {kind: count.passing(selection.of(procfs.read(kind))) for kind in kinds},
        options,
        view=view,
        scope=selection.scope,
        totals=[] if selection.filters else kinds,
        each=each,
    )
    if unjudged := selection.unjudged():
        output.error(unjudged)
    return Status.FOUND if fail and count.total() else Status.DONE


def _one(
    output: Output, kind: Kind, target: Target, options: OutputOptions, *, fail: bool
) -> Status:
    """One object by its id."""
    plan.check([kind], options, options.chosen(terminal=output.is_terminal))
    record = _details(kind, target)
    present.details(output, [kind], [record], options, like_ipcs=True)
    return Status.FOUND if fail else Status.DONE


def _everywhere(
    output: Output,
    kinds: Sequence[Kind],
    selection: Selection,
    options: OutputOptions,
    view: View,
    *,
    fail: bool,
) -> Status:
    """The objects of all namespaces."""
    from pyipcs.actions.all_namespaces import collect

    format_ = options.chosen(terminal=output.is_terminal)
    if format_ is Format.OPENMETRICS:
        raise click.UsageError("--all-ns is not for openmetrics")
    plan.check(kinds, options, format_)
    groups, is_incomplete = collect(output, kinds, selection, options, view)
    present.namespaces(output, groups, options, view=view, scope=selection.scope)
    if is_incomplete:
        return Status.FAILED
    return Status.FOUND if fail and any(group.length for group in groups) else Status.DONE


def _frame_of_objects(
    selection: Selection, view: View, kinds: Sequence[Kind], options: OutputOptions
) -> "FrameRenderer":
    """Return the function that renders the objects with the growth of queues."""
    from pyipcs.query.rates import Growth
    from pyipcs.render import table
    from pyipcs.usage.scan import expire

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


def _frame_of_limits(kinds: Sequence[Kind], options: OutputOptions) -> "FrameRenderer":
    """Return the function that renders the limits with their usage."""
    from pyipcs.render import table

    return lambda capabilities: table.tables(
        plan.resources(kinds, options, Format.TABLE), capabilities
    )


class _Count:
    """How many objects there were in what has passed."""

    def __init__(self) -> None:
        self._total = 0
        self._passing: list[Iterator[Listing]] = []

    def passing(self, listings: Iterable[Listing]) -> Iterator[Listing]:
        """The same listings, counted."""
        self._passing.append(self._counted(listings))
        return self._passing[-1]

    def _counted(self, listings: Iterable[Listing]) -> Iterator[Listing]:
        for listing in listings:
            self._total += listing.length
            yield listing

    def total(self) -> int:
        """The objects in all, with those that nobody has asked for: a format may not show them."""
        for listings in self._passing:
            for _ in listings:
                pass
        return self._total


def _details(kind: Kind, target: Target) -> Record:
    from pyipcs.sysv.handle import handle_class

    try:
        return handle_class(kind)(target.number).details()
    except NotFoundError:
        raise CommandError(f"id {target.typed} not found") from None
    except IpcError as error:
        raise CommandError(f"id {target.typed}: {error.strerror}") from None
