"""Tables and panels of several widths, compared with pictures."""

import pwd
import re
import time
from collections.abc import Sequence
from functools import partial
from itertools import cycle, islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyipcs.listing import Listing, listing_of
from pyipcs.model import SYSV, Kind, Semaphore, State, SysvRecord, View
from pyipcs.query.choose import resources, shown
from pyipcs.query.columns import RESOURCE, percent
from pyipcs.query.plan import Report, Style, TimeFormat
from pyipcs.render import panel, showmsg, table
from pyipcs.render.details import Details
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.usage.state import UsageState
from pyipcs.usage.users import User
from tests.kit import samples
from tests.kit.factories import running
from tests.kit.isolation import LONG_USER
from tests.kit.samples import PEOPLE
from tests.render.drawing import compare, terminal

USED = UsageState(
    State.IN_USE,
    "attached 3 times, by 12 (cat) and 13 (a name)",
    [
        User(12, "cat", "attached", 2, read_only=True),
        User(13, "a\nname", "send"),
        User(14, None, "receive", 3),
        User(15, "dog", "operation"),
    ],
)
LEAKED = UsageState(State.SUSPECT, "nobody waits; its last sender, 4194305, is gone")
CODES = re.compile(r"\x1b\[[\d;]*m")
pytestmark = pytest.mark.usefixtures("utc")


def panel_of(record: SysvRecord, state: UsageState, capabilities: TerminalCapabilities) -> str:
    return "".join(panel.details(Details(record, PEOPLE, state), capabilities))


def usual(*kinds: Kind, style: Style = PEOPLE) -> Report:
    """Return a report with the usual columns of a terminal."""
    report = samples.report(*kinds, style=style)
    columns = {kind: shown(kind, View.STATUS, None, has_state=True) for kind in report.found}
    found = {
        kind: [listing.with_added("state", [*islice(cycle(State), listing.length)])]
        for kind, (listing,) in samples.listings(*kinds).items()
    }
    return report._replace(found=found, columns=columns)


def drawn(capabilities: TerminalCapabilities, *kinds: Kind) -> str:
    return "".join(table.tables(usual(*kinds), capabilities))


def limits() -> Report:
    added: dict[str, Sequence[Any]] = {
        "description": ["Queues", "Size", "Memory", "Sets"],
        "unit": [None, "bytes", "pages", None],
        "limit": [32000, 8192, 2**64 - 2**24 - 1, 10],
        "used": [31900, None, 17, 8],
    }
    found = {Kind.QUEUE: [Listing(Kind.QUEUE, ("resource",), ["A", "B", "C", "D"], added)]}
    columns = {Kind.QUEUE: resources(None)}
    return Report(found, columns, PEOPLE, title="System V IPC limits")


@pytest.mark.parametrize("width", [40, 80, 100, 120, 200])
def test_table_for_a_width_is_its_picture(width: int) -> None:
    text = drawn(terminal(width))
    compare(f"list-{width}", text)
    assert max(map(len, text.splitlines())) <= width


def test_panel_details_are_their_picture() -> None:
    records = [one for records in samples.RECORDS.values() for one in records]
    found = zip(records, cycle([USED, LEAKED]), strict=False)
    text = "".join(panel_of(one, use, terminal(80)) for one, use in found)
    compare("stat-80", text)


def test_table_resources_are_their_picture() -> None:
    compare("limits-80", "".join(table.tables(limits(), terminal(80))))


def test_table_color_changes_no_text() -> None:
    colored = drawn(terminal(120, color=True))
    assert "\x1b[" in colored
    assert CODES.sub("", colored) == drawn(terminal(120))
    one = panel_of(samples.QUEUES[1], USED, terminal(80, color=True))
    assert CODES.sub("", one) == panel_of(samples.QUEUES[1], USED, terminal(80))


def test_table_color_marks_values_that_need_attention() -> None:
    text = drawn(terminal(color=True))
    for word, code in (
        ("████████ full", "31"),
        ("dest,locked", "31"),
        ("rw-rw-rw-", "33"),
        ("never", "2"),
        ("0x00000000", "2"),
    ):
        assert f"\x1b[{code}m{word}\x1b[0m" in text


def test_table_without_unicode_is_ascii() -> None:
    for text in (
        drawn(terminal(120, unicode=False)),
        "".join(table.tables(limits(), terminal(80, unicode=False))),
        *(panel_of(one, USED, terminal(80, unicode=False)) for one in samples.QUEUES),
    ):
        assert text.isascii()
    assert "######## full" in drawn(terminal(120, unicode=False))


@pytest.mark.parametrize("width", [*range(8, 130), 200, None])
def test_table_for_any_width_cuts_no_cell(width: int | None) -> None:
    short = usual(style=PEOPLE._replace(time_format=TimeFormat.SHORT))
    whole = drawn(terminal(None)) + "".join(table.tables(short, terminal(None)))
    cells = {*re.split(r"\s{2,}", whole.replace("\n", "  "))}
    text = re.sub(r"^No room.*?\.$", "", drawn(terminal(width)), flags=re.MULTILINE | re.DOTALL)
    for line in text.splitlines():
        if not line.startswith("─"):
            assert {*re.split(r"\s{2,}", line.strip())} <= cells, line


def test_table_for_any_width_keeps_id_then_key() -> None:
    names = {column.name for column in usual(Kind.QUEUE).columns[Kind.QUEUE]}
    for width in range(11, 201):
        head = drawn(terminal(width), Kind.QUEUE).splitlines()[1].split()
        assert {*head} <= names
        assert "ID" in head
        assert ("KEY" in head) is (width >= 17)


def set_of(*numbers: int) -> Report:
    """Return a report of a set with these values, whose column may be long."""
    (listing,) = samples.listings(Kind.SEMAPHORE)[Kind.SEMAPHORE]
    semaphores = tuple(Semaphore(num, value, 0, 0, 0) for num, value in enumerate(numbers))
    shown = samples.report(Kind.SEMAPHORE, choice="key,id,owner,values", style=PEOPLE)
    whole = listing.take([0]).with_added("semaphores", [semaphores])
    return shown._replace(found={Kind.SEMAPHORE: [whole]})


@pytest.mark.parametrize("width", [12, 30, 60, 89])
@pytest.mark.parametrize("unicode", [True, False])
def test_table_named_values_are_whole_and_broken_between_numbers(width: int, unicode: bool) -> None:
    text = "".join(table.tables(set_of(*range(100, 200)), terminal(width, unicode=unicode)))
    _, head, _, *rows = text.splitlines()
    assert re.split(r"[\s|]+", head) == ["KEY", "ID", "OWNER", "VALUES"]
    parts = [row[head.index("VALUES") :] for row in rows]
    assert "".join(parts) == ",".join(map(str, range(100, 200)))
    assert all(re.fullmatch(r"(1\d\d,)*1\d\d,?", part) for part in parts)
    assert "100,101,102" in "".join(table.tables(set_of(100, 101, 102), terminal(60)))


def judged(*reasons: str, choice: str = "", state: State = State.SUSPECT) -> Report:
    """Return a report of queues with these reasons."""
    evidence = [UsageState(state, reason) for reason in reasons]
    (listing,) = samples.listings(Kind.QUEUE)[Kind.QUEUE]
    whole = listing.take([*range(len(reasons))]).with_added("evidence", evidence)
    report = samples.report(Kind.QUEUE, choice=choice, style=PEOPLE)
    return report._replace(found={Kind.QUEUE: [whole]})


REASON = "nobody waits; its last sender, 4194305, is gone, and so is its creator"


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 240])
def test_table_named_columns_are_all_there_and_the_last_text_is_wrapped(width: int) -> None:
    report = judged(REASON, "short", choice="key,owner,send,recv,ctime,reason")
    _, head, _, *rows = "".join(table.tables(report, terminal(width))).splitlines()
    assert head.split() == ["KEY", "OWNER", "SEND", "RECV", "CTIME", "REASON"]
    parts = [row[head.index("REASON") :].strip() for row in rows]
    assert " ".join(parts) == f"{REASON} short"
    assert width < 80 or max(map(len, rows)) <= width
    assert ("2001-Sep09" in rows[0]) is (width < 160)


@pytest.mark.parametrize("width", range(12, 100, 4))
def test_table_named_column_alone_is_wrapped_at_the_width(width: int) -> None:
    _, _, _, *rows = "".join(
        table.tables(judged(REASON, choice="reason"), terminal(width))
    ).splitlines()
    assert " ".join(rows) == REASON
    assert max(map(len, rows)) <= width


def test_table_added_columns_stay_and_usual_ones_go() -> None:
    report = judged(REASON, choice="+age,reason")
    for width in (40, 60, 80, 100):
        text = "".join(table.tables(report._replace(wanted=("AGE", "REASON")), terminal(width)))
        head = text.splitlines()[1].split()
        assert {"KEY", "ID", "AGE", "REASON"} <= {*head}
        assert "No room for" in text


def test_table_of_a_command_leaves_out_its_long_column_last_but_names() -> None:
    """The columns of a report of `run` are not named by the user."""
    report = judged(REASON, choice="key,id,owner,msgs,lspid,reason")._replace(wanted=())
    former: set[str] = set()
    for width in range(1, 161):
        names = {*heads(report, width)}
        assert former <= names
        former = names
    assert {*heads(report, 30)} == {"KEY", "ID", "MSGS"}
    assert {*heads(report, 60)} == {"KEY", "ID", "MSGS", "OWNER", "REASON"}


def heads(report: Report, width: int) -> list[str]:
    """Return the column names of a report's one table."""
    return "".join(table.tables(report, terminal(width))).splitlines()[1].split()


@pytest.mark.slow
@pytest.mark.parametrize("kind", SYSV)
def test_table_on_a_wider_terminal_never_has_fewer_columns(kind: Kind) -> None:
    report = usual(kind)
    ((listing,),) = report.found.values()
    for rows in ([0], [1], [*range(listing.length)]):
        some = report._replace(found={kind: [listing.take(rows)]})
        former: set[str] = set()
        for width in range(40, 261):
            names = {*heads(some, width)}
            assert former <= names, width
            former = names
        assert names == {column.name for column in report.columns[kind]}


def test_table_shortens_times_before_a_column_goes() -> None:
    report = samples.report(Kind.SEGMENT, style=PEOPLE)
    every = [column.name for column in report.columns[Kind.SEGMENT]]
    text = "".join(table.tables(report, terminal(130)))
    assert text.splitlines()[1].split() == every
    assert "2001-Sep09" in text
    chosen = report._replace(keeps_times=True)
    assert "Sun Sep  9" in "".join(table.tables(chosen, terminal(130))), "--time-format is kept"


def test_table_leaves_out_empty_columns_first() -> None:
    """LRPID and RECV have no value in any row; a counter at 0 is a value."""
    unused = samples.QUEUES[0]._replace(qnum=0, cbytes=0)
    report = samples.report(Kind.QUEUE, style=PEOPLE)._replace(
        found={Kind.QUEUE: [listing_of(Kind.QUEUE, [unused])]}
    )
    every = [column.name for column in report.columns[Kind.QUEUE]]
    there = [heads(report, width) for width in range(200, 60, -1)]
    gone = [[name for name in every if name not in names] for names in there]
    steps = [*dict.fromkeys(map(tuple, gone))]
    assert steps[:5] == [
        (),
        ("RECV",),
        ("LRPID", "RECV"),
        ("LRPID", "RECV", "CTIME"),
        ("QBYTES", "LRPID", "RECV", "CTIME"),
    ]


def test_table_caps_long_names_before_a_column_goes(accounts: None) -> None:
    owned = samples.SETS[1]._replace(uid=pwd.getpwnam(LONG_USER).pw_uid)
    found = {Kind.SEMAPHORE: [listing_of(Kind.SEMAPHORE, [owned])]}
    report = samples.report(Kind.SEMAPHORE, style=PEOPLE)._replace(found=found)
    assert f" {LONG_USER} " in "".join(table.tables(report, terminal(140)))
    for unicode, mark in ((True, "…"), (False, "+")):
        text = "".join(table.tables(report, terminal(75, unicode=unicode)))
        assert re.search(rf"\b{LONG_USER[:15]}{re.escape(mark)} ", text)
        assert "No room" not in text
    assert "OWNER" in heads(report, 60)
    named = samples.report(Kind.SEMAPHORE, choice="key,owner,perms,ctime", style=PEOPLE)
    for width in (40, 60):
        text = "".join(table.tables(named._replace(found=found), terminal(width)))
        assert "…" not in text
        assert "No room" not in text


def test_table_without_objects_is_one_line() -> None:
    empty = {kind: [listing_of(kind, [])] for kind in SYSV}
    report = samples.report(style=PEOPLE)._replace(found=empty)
    assert "".join(table.tables(report, terminal())) == (
        "No message queues, segments or semaphore sets.\n"
    )
    some = report._replace(found={**empty, Kind.QUEUE: samples.listings()[Kind.QUEUE]})
    text = "".join(table.tables(some, terminal()))
    assert text.endswith("\n\nNo segments or semaphore sets.\n")


def test_table_wide_keeps_every_column_and_value() -> None:
    report = samples.report(Kind.SEGMENT, style=PEOPLE)._replace(is_wide=True)
    narrow, unlimited = (
        "".join(table.tables(report, terminal(width))).splitlines() for width in (40, 400)
    )
    assert "No room" not in "\n".join(narrow)
    assert narrow[1].split() == unlimited[1].split()
    assert len(narrow[1]) > 100


def test_table_without_headings_is_rows() -> None:
    report = samples.report(Kind.SEMAPHORE, style=PEOPLE, headings=False)
    lines = "".join(table.tables(report, terminal())).splitlines()
    assert [line.split()[0] for line in lines] == ["0x00000007", "0x00000000"]
    empty = report._replace(found={Kind.SEMAPHORE: []})
    assert "".join(table.tables(empty, terminal())) == ""


def test_table_with_fewer_rows_counts_all_in_its_title() -> None:
    report = samples.report(Kind.QUEUE, style=PEOPLE)
    lines = "".join(
        table.tables(report._replace(max_rows={Kind.QUEUE: 1}), terminal())
    ).splitlines()
    assert lines[0] == "Message queues (3)"
    assert len(lines) == table.HEAD + 2
    assert lines[-1] == "2 more."


@given(lengths=st.lists(st.integers(0, 50), max_size=6), rows=st.integers(0, 400))
def test_shares_of_any_tables_use_all_rows_fairly(lengths: list[int], rows: int) -> None:
    shares = table.shares(lengths, rows)
    assert sum(shares) == min(rows, sum(lengths))
    cut = [share for share, length in zip(shares, lengths, strict=True) if share < length]
    for share, length in zip(shares, lengths, strict=True):
        assert share <= length
        assert share or not length or rows < sum(map(bool, lengths))
        assert not cut or share <= min(cut) + 1, "no table has more than a cut one"


def test_shares_give_the_odd_rows_to_the_first_tables() -> None:
    assert table.shares([20, 20, 20], 11) == [4, 4, 3]
    assert table.shares([2, 20, 20], 11) == [2, 5, 4]


def test_bar_shows_a_small_part_as_an_eighth_of_a_block() -> None:
    bar = partial(table.bar, has_unicode=True)
    assert bar("0.00") == ("░" * 8 + "   0%", "dim")
    assert bar("0.00", is_used=True) == ("▏" + "░" * 7 + "  <1%", "green")
    assert bar(percent(20, 32000), is_used=True) == ("▏" + "░" * 7 + "  <1%", "green")
    assert bar("17.00") == ("█▍" + "░" * 6 + "  17%", "green")
    assert bar("50.00") == ("█" * 4 + "░" * 4 + "  50%", "green")
    assert bar("99.99") == ("█" * 7 + "▉  99%", "red")
    assert bar("100.00") == ("█" * 8 + " full", "red")


def test_bar_for_any_share_is_eight_columns_and_never_shrinks() -> None:
    for has_unicode, order in ((True, "░▏▎▍▌▋▊▉█"), (False, ".#")):
        drawn = [table.bar(f"{n / 10}", has_unicode=has_unicode)[0] for n in range(1001)]
        bars = [[*map(order.index, text[:8])] for text in drawn]
        assert all(text[8] == " " and len(text) == 13 for text in drawn)
        assert bars == sorted(bars)
        assert len({*map(tuple, bars)}) == (65 if has_unicode else 9)


def test_bar_in_ascii_shows_whole_blocks() -> None:
    bar = partial(table.bar, has_unicode=False)
    assert bar("0.06", is_used=True) == ("#.......  <1%", "green")
    assert bar("17.00")[0] == "#.......  17%"
    assert bar("99.99")[0] == "#######.  99%"


def test_panel_for_any_width_has_the_whole_key() -> None:
    for width in range(30, 60):
        text = panel_of(samples.SETS[0], USED, terminal(width))
        assert re.search(r"0x00000007\b", text), width


def test_panel_title_is_bold_and_the_frame_is_dim() -> None:
    """Bold without a color is readable on light and dark backgrounds."""
    text = panel_of(samples.QUEUES[0], USED, terminal(80, color=True))
    assert re.search(r"\x1b\[1m ?Message queue 0, key 0x00001234 ?\x1b\[0m\x1b\[2m", text)


def test_panel_names_the_creator_once() -> None:
    text = panel_of(samples.SEGMENTS[0], LEAKED, terminal(80))
    assert len(re.findall("creat", text, re.IGNORECASE)) == 1


def test_table_queue_full_of_empty_messages_is_full() -> None:
    """A queue holds at most as many messages as bytes (msgsnd(2))."""
    full = samples.QUEUES[0]._replace(cbytes=0, qnum=16384)
    report = samples.report(Kind.QUEUE, style=PEOPLE)._replace(
        found={Kind.QUEUE: [listing_of(Kind.QUEUE, [full])]}
    )
    assert " full " in "".join(table.tables(report, terminal()))
    assert " full " in panel_of(full, USED, terminal(80))


def test_table_unknown_qbytes_are_a_dash() -> None:
    unknown = samples.QUEUES[0]._replace(qbytes=None)
    listing = listing_of(Kind.QUEUE, [unknown]).with_added("qbytes", [None])
    report = samples.report(Kind.QUEUE, style=PEOPLE)._replace(found={Kind.QUEUE: [listing]})
    assert " - " in "".join(table.tables(report, terminal()))
    assert "6 of unknown bytes" in panel_of(unknown, USED, terminal(80))


def test_resource_columns_have_their_order() -> None:
    assert [column.name for column in RESOURCE] == [
        *("KIND", "RESOURCE", "DESCRIPTION", "UNIT", "LIMIT", "USED", "USE%"),
    ]


def test_table_creator_whose_pid_was_reused_is_gone() -> None:
    """IPC_SET changes the ctime of a segment after its use."""
    now = int(time.time())
    with running("sleep", "600") as process:
        segment = samples.SEGMENTS[0]._replace(cpid=process.pid, atime=now - 100, ctime=now)
        report = samples.report(Kind.SEGMENT, choice="cpid,command", style=PEOPLE)._replace(
            found={Kind.SEGMENT: [listing_of(Kind.SEGMENT, [segment])]}
        )
        text = "".join(table.tables(report, terminal()))
        panels = panel_of(segment, LEAKED, terminal(80))
        lines = "".join(showmsg.details(Details(segment, PEOPLE, LEAKED)))
    assert re.search(rf"^{process.pid} +- *$", text, re.MULTILINE)
    assert f"Creator      root:root, proc {process.pid} (gone)" in panels
    assert f"Created by proc {process.pid} (gone)" in lines
