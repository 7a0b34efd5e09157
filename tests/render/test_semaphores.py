"""The semaphores of a set for people, all of them or condensed."""

import re
from itertools import chain

import pytest

from pyipcs.model import Semaphore, State
from pyipcs.render import panel, showmsg
from pyipcs.render.details import Details
from pyipcs.render.semaphores import Run, condensed, whole
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.terminal.escape import width
from pyipcs.usage.state import UsageState
from tests.kit import samples
from tests.kit.samples import NO_PID, PEOPLE

STATE = UsageState(State.UNKNOWN, "never used")


def zeros(nsems: int, *others: Semaphore) -> tuple[Semaphore, ...]:
    """Return the semaphores of a set; those without a given value are at 0."""
    found = {num: Semaphore(num, 0, 0, 0, 0) for num in range(nsems)}
    return (*(found | {one.num: one for one in others}).values(),)


def details_of(semaphores: tuple[Semaphore, ...], *, is_condensed: bool) -> Details:
    record = samples.SETS[1]._replace(nsems=len(semaphores), semaphores=semaphores)
    return Details(record, PEOPLE, STATE, is_condensed=is_condensed)


def panel_of(
    semaphores: tuple[Semaphore, ...], columns: int, *, is_condensed: bool, unicode: bool = True
) -> list[str]:
    capabilities = TerminalCapabilities(columns, 24, has_color=False, has_unicode=unicode)
    object_ = details_of(semaphores, is_condensed=is_condensed)
    return "".join(panel.details(object_, capabilities)).splitlines()


def rows_of(lines: list[str]) -> list[list[str]]:
    """Return the words of the rows below the heading of the semaphores."""
    start = next((n for n, line in enumerate(lines) if "SEMNUM" in line), len(lines))
    return [line.strip("│| ").split() for line in lines[start + 2 : -1]]


def test_condensed_set_has_equal_neighbours_that_are_not_zero_as_runs() -> None:
    fives = [Semaphore(num, 5, 0, 0, 9) for num in (3, 4, 5, 7)]
    other = Semaphore(6, 5, 0, 0, 8)
    shown = condensed(zeros(100, *fives, other), str)
    assert shown.runs == [Run(fives[0], 5), Run(other, 6), Run(fives[3], 7)]
    assert [run.label for run in shown.runs] == ["3:5", "6", "7"]
    assert shown.summary == "0 to 5, 95 at 0, last used by 2 processes"
    assert shown.rest == "95 more, all at 0 (--wide shows all)"


def test_condensed_set_prefers_semaphores_that_processes_wait_for() -> None:
    ups = [Semaphore(num, num % 2 + 1, 0, 0, 9) for num in range(1000)]
    waited = [Semaphore(900, 0, 2, 0, 0), Semaphore(999, 1, 0, 1, 0)]
    shown = condensed(zeros(1000, *ups, *waited), str)
    assert [run.one.num for run in shown.runs] == [*range(30), 900, 999]
    assert shown.summary == "0 to 2, 1 at 0, 2 waited for, last used by 1 process"
    assert shown.rest == "968 more (--wide shows all)"


def test_condensed_set_of_equal_values_is_one_run() -> None:
    ups = [Semaphore(num, 1, 0, 0, 0) for num in range(32000)]
    shown = condensed(zeros(32000, *ups), str)
    assert [run.label for run in shown.runs] == ["0:31999"]
    assert (shown.summary, shown.rest) == ("all at 1", "")


def test_condensed_set_at_zero_is_its_summary() -> None:
    shown = condensed(zeros(33), str)
    assert (shown.runs, shown.summary, shown.rest) == ([], "all at 0 (--wide shows all)", "")


def test_condensed_set_of_32_is_whole() -> None:
    assert condensed(zeros(32), str) == whole(zeros(32))


def test_panel_of_condensed_set_has_its_summary_and_rows() -> None:
    semaphores = zeros(32000, Semaphore(7, 3, 0, 0, NO_PID), Semaphore(31999, 0, 1, 0, 0))
    lines = panel_of(semaphores, 80, is_condensed=True)
    assert lines[1].split()[1:-1] == ["Semaphores", "32,000"]
    assert "0 to 3, 31,999 at 0, 1 waited for, last used by 1 process" in lines[2]
    assert rows_of(lines) == [
        ["7", "3", "0", "0", str(NO_PID), "(gone)"],
        ["31999", "0", "1", "0", "-"],
        ["31,998", "more,", "all", "at", "0", "(--wide", "shows", "all)"],
    ]


def test_panel_of_whole_set_has_a_row_for_each_semaphore() -> None:
    semaphores = zeros(2000, Semaphore(7, 32767, 0, 12345678, 0))
    rows = rows_of(panel_of(semaphores, 80, is_condensed=False))
    assert [row[0] for row in rows] == [*map(str, range(2000))]
    assert rows[7] == ["7", "32767", "0", "12345678", "-"]


@pytest.mark.parametrize("is_condensed", [True, False])
@pytest.mark.parametrize("unicode", [True, False])
def test_panel_of_semaphores_for_any_width_keeps_its_frame(
    is_condensed: bool, unicode: bool
) -> None:
    semaphores = zeros(40, *(Semaphore(num, num, 0, 0, NO_PID) for num in range(1, 40, 3)))
    for columns in chain(range(8, 60), [80, 100, 300]):
        lines = panel_of(semaphores, columns, is_condensed=is_condensed, unicode=unicode)
        assert {width(line) for line in lines} == {min(columns, 100)}, columns
        text = "\n".join(lines)
        assert text.isascii() or unicode or columns < 26  # rich abridges labels
        assert columns < 26 or len(re.findall(f"{NO_PID}", text)) == 13, columns
        assert (columns < 26) == ("SEMNUM" not in text), columns


def test_panel_folds_a_long_name_at_a_space() -> None:
    semaphores = (Semaphore(0, 1, 0, 0, NO_PID),)
    rows = rows_of(panel_of(semaphores, 30, is_condensed=False))
    assert rows == [["0", "1", str(NO_PID)], ["(gone)"]]


def test_showmsg_condensed_set_has_its_summary_and_runs() -> None:
    semaphores = zeros(
        100, *(Semaphore(num, 2, 0, 0, 0) for num in (3, 4)), Semaphore(9, 0, 0, 1, 0)
    )
    text = "".join(showmsg.details(details_of(semaphores, is_condensed=True)))
    assert (
        "\n100 semaphores in set\n"
        "Values 0 to 2, 98 at 0, 1 waited for\n"
        "Semaphores 3 to 4: value 2, ncount 0, zcount 0, last proc -\n"
        "Semaphore 9: value 0, ncount 0, zcount 1, last proc -\n"
        "97 more, all at 0 (--wide shows all)\n\nLast op "
    ) in text
