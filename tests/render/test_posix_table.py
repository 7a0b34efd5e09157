"""Tables, panels and texts of POSIX objects for people."""

import os
import re
from pathlib import Path

import pytest

from pyipcs.listing import Listing
from pyipcs.model import POSIX, Kind, PosixRecord, View
from pyipcs.posix.names import format_name
from pyipcs.query import choose
from pyipcs.query.plan import Report, TimeFormat
from pyipcs.render import panel, showmsg, table
from pyipcs.render.details import Details
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.terminal.escape import width as width_of
from tests.kit import samples
from tests.kit.samples import HOSTILE_NAME, LONG_NAME, PEOPLE, POSIX_RECORDS, WIDE_NAME
from tests.render.drawing import compare, terminal

pytestmark = pytest.mark.usefixtures("utc")
HOSTILE = format_name(HOSTILE_NAME)
RECORDS = [record for records in POSIX_RECORDS.values() for record in records]
SHORT = PEOPLE._replace(time_format=TimeFormat.SHORT)
KINDS = pytest.mark.parametrize("kind", POSIX, ids=lambda kind: kind.value)

QUEUE_TEXT = """\
POSIX queue /jobs

8 of 10 messages on queue, 40B
Messages of at most 100B

Notification: proc 4194305 (gone)
Last send or receive at Sun Sep  9 01:46:40 2001

Owner root:root, mode 0644, inode 5, device 0:51
"""
SEGMENT_TEXT = f"""\
POSIX segment {HOSTILE}

1T
1G in memory, 12K in swap

Born at Sun Sep  9 01:46:40 2001
Last recorded write at Sun Sep  9 01:46:40 2001
Last recorded read or mapping at Sun Sep  9 01:46:40 2001
Last change at Sun Sep  9 01:46:40 2001

Owner 4242424242:root, mode 0666, inode 3, device 0:52
"""
SEMAPHORE_TEXT = """\
POSIX semaphore /unreadable

Value: not readable

Born unknown
Last change at Sun Sep  9 01:46:40 2001

Owner root:root, mode 0000, inode 11, device 0:52
"""


def drawn(report: Report, capabilities: TerminalCapabilities) -> str:
    return "".join(table.tables(report, capabilities))


def panel_of(record: PosixRecord, capabilities: TerminalCapabilities) -> str:
    return "".join(panel.details(Details(record, PEOPLE), capabilities))


def report_of(kind: Kind, *names: str, choice: str = "") -> Report:
    """Return a report of objects that differ only in their names."""
    report = samples.report(kind, choice=choice, style=PEOPLE)
    return report._replace(found={kind: [samples.named(kind, names)]})


def heads(report: Report, width: int) -> list[str]:
    """Return the column names of a report's one table."""
    return drawn(report, terminal(width)).splitlines()[1].split()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_table_of_posix_objects_is_its_picture(width: int) -> None:
    compare(f"posix-list-{width}", drawn(samples.report(*POSIX, style=PEOPLE), terminal(width)))


def test_panels_of_posix_objects_are_their_picture() -> None:
    text = "".join(panel_of(record, terminal(80)) for record in RECORDS)
    compare("posix-stat-80", text)
    assert {width_of(line) for line in text.splitlines()} == {80}


@pytest.mark.parametrize("width", [*range(8, 130, 3), 300, None])
def test_table_for_any_width_has_whole_names(width: int | None) -> None:
    """A cut name would be the name of another object."""
    for report in (
        samples.report(Kind.POSIX_SEGMENT, style=PEOPLE),
        samples.report(Kind.POSIX_SEGMENT, choice="NAME,SIZE,MTIME", style=PEOPLE),
        samples.report(Kind.POSIX_SEGMENT, style=PEOPLE)._replace(is_wide=True),
    ):
        lines = drawn(report, terminal(width)).splitlines()
        assert [line.split()[0] for line in lines[3:7]] == [
            "/psm_1a2b3c4d",
            HOSTILE,
            LONG_NAME,
            WIDE_NAME,
        ]


@pytest.mark.slow
@KINDS
def test_table_with_a_long_name_has_the_columns_of_others(kind: Kind) -> None:
    usual, longest = ["/psm_1a2b3c4d", "/b", "/c"], [LONG_NAME]
    for width in range(20, 200):
        assert heads(report_of(kind, *usual), width) == heads(
            report_of(kind, *usual, *longest), width
        )
    text = drawn(report_of(kind, *usual, *longest), terminal(140))
    assert "Sep  9 01:46:40 2001" in text, "the times stay long"
    starts = {
        line.index("root") for line in text.splitlines() if LONG_NAME not in line and "root" in line
    }
    assert len(starts) == 1
    assert re.search(rf"^{LONG_NAME}  root ", text, re.MULTILINE)


@KINDS
def test_table_of_long_names_alone_leaves_columns_out(kind: Kind) -> None:
    names = [f"/{'x' * 60}{number}" for number in range(3)]
    assert heads(report_of(kind, *names), 62) == ["NAME"]
    assert heads(report_of(kind, *names), 200)[:2] == ["NAME", "OWNER"]


@pytest.mark.slow
@KINDS
def test_table_of_posix_objects_on_a_wider_terminal_never_has_fewer_columns(kind: Kind) -> None:
    report = samples.report(kind, style=PEOPLE)
    former: set[str] = set()
    for width in range(8, 500):
        names = {*heads(report, width)}
        assert "NAME" in names
        assert former <= names, width
        former = names
    assert names == {column.name for column in report.columns[kind]}


@KINDS
@pytest.mark.parametrize("view", View, ids=lambda view: view.value)
def test_table_view_of_posix_objects_has_no_state_and_fits(kind: Kind, view: View) -> None:
    """Usual names, owners and short times fit into 80 columns."""
    columns = choose.shown(kind, view, None, has_state=True)
    assert "STATE" not in {column.name for column in columns}
    listing = samples.named(kind, ["/psm_1a2b3c4d"])
    report = Report({kind: [listing]}, {kind: columns}, SHORT)
    lines = drawn(report, terminal(80)).splitlines()
    assert max(map(len, lines)) <= 80
    if view is not View.STATUS or kind is not Kind.POSIX_QUEUE:
        assert "No room" not in lines[-1]


def test_table_bar_of_a_posix_queue_is_its_share_of_messages() -> None:
    rows = drawn(samples.report(Kind.POSIX_QUEUE, style=PEOPLE), terminal(200)).splitlines()[3:]
    assert "██████▍░  80%" in rows[0]
    assert "████████ full" in rows[1]
    assert " -  " in rows[2]


def test_table_notify_is_a_process_or_a_dash() -> None:
    own, nobody, unknown = (
        samples.POSIX_QUEUES[0]._replace(notify_pid=pid) for pid in (os.getpid(), 0, None)
    )
    listing = samples.posix_listing(Kind.POSIX_QUEUE, [own, nobody, unknown])
    report = samples.report(Kind.POSIX_QUEUE, choice="NOTIFY", style=PEOPLE)
    text = drawn(report._replace(found={Kind.POSIX_QUEUE: [listing]}), terminal())
    name = Path("/proc/self/comm").read_text().strip()
    assert [line.strip() for line in text.splitlines()[3:]] == [f"{os.getpid()} {name}", "-", "-"]


def test_table_unknown_time_is_a_dash() -> None:
    report = samples.report(Kind.POSIX_SEMAPHORE, choice="NAME,BORN,ATIME", style=SHORT)
    never = samples.POSIX_SEMAPHORES[2]._replace(atime=0)
    listing = samples.posix_listing(Kind.POSIX_SEMAPHORE, [never])
    text = drawn(report._replace(found={Kind.POSIX_SEMAPHORE: [listing]}), terminal())
    assert text.splitlines()[3].split() == ["/unreadable", "-", "never"]


def test_table_notes_are_dim_lines_after_the_tables() -> None:
    report = samples.report(Kind.POSIX_SEMAPHORE, style=PEOPLE)._replace(notes=["a\x1b note."])
    plain, colored = (drawn(report, terminal(color=color)) for color in (False, True))
    assert plain.endswith("\n\na\\x1b note.\n")
    assert colored.endswith("\n\n\x1b[2ma\\x1b note.\x1b[0m\n")
    empty = report._replace(found={Kind.POSIX_SEMAPHORE: []})
    assert drawn(empty, terminal()) == "No POSIX semaphores.\na\\x1b note.\n"
    assert "note" not in drawn(report._replace(headings=False), terminal())


def test_table_of_unseen_kinds_is_not_empty() -> None:
    """The table reports no absence of objects that cannot be listed."""
    report = samples.report(Kind.POSIX_SEGMENT, style=PEOPLE)
    found: dict[Kind, list[Listing]] = {Kind.POSIX_SEGMENT: []}
    unseen = report._replace(found=found, unseen=[Kind.POSIX_QUEUE])
    assert drawn(unseen, terminal()) == "No POSIX segments.\n"
    assert drawn(unseen._replace(found={}), terminal()) == ""


@pytest.mark.parametrize("record", RECORDS, ids=lambda one: f"{one.kind.value}-{one.inode}")
def test_panel_for_any_width_has_the_whole_name(record: PosixRecord) -> None:
    for width in (30, 45, 60, 80, 100, 200):
        text = panel_of(record, terminal(width))
        rows = (line.strip("│╭╮─ ") for line in text.splitlines())
        folded = "".join("".join(rows).split())
        assert format_name(record.name) in folded
        assert "…" not in text
        assert not re.search("State|Reason|Creator|Key", text)


def test_panel_of_posix_objects_without_unicode_is_ascii() -> None:
    for record in RECORDS:
        if record.name.isascii():
            assert panel_of(record, terminal(80, unicode=False)).isascii()


@pytest.mark.parametrize("record", RECORDS, ids=lambda one: f"{one.kind.value}-{one.inode}")
def test_details_of_posix_object_have_no_state(record: PosixRecord) -> None:
    assert Details(record, PEOPLE).state() is None


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (samples.POSIX_QUEUES[0], QUEUE_TEXT),
        (samples.POSIX_SEGMENTS[1], SEGMENT_TEXT),
        (samples.POSIX_SEMAPHORES[2], SEMAPHORE_TEXT),
    ],
    ids=["queue", "segment", "semaphore"],
)
def test_text_of_posix_object_has_its_facts(record: PosixRecord, text: str) -> None:
    assert "".join(showmsg.details(Details(record, PEOPLE))) == text


def test_text_of_unreadable_posix_queue_says_so() -> None:
    lines = "".join(showmsg.details(Details(samples.POSIX_QUEUES[2], PEOPLE))).splitlines()
    assert "Messages: not readable" in lines
    assert "Notification: not readable" in lines
    only_writable = samples.POSIX_QUEUES[0]._replace(cbytes=None, notify_pid=None)
    text = "".join(showmsg.details(Details(only_writable, PEOPLE)))
    assert "8 of 10 messages on queue, size not readable\n" in text


def test_text_of_notification_in_another_pid_namespace_is_unknown() -> None:
    record = samples.POSIX_QUEUES[0]._replace(notify_pid=None)
    assert "\nNotification: unknown\n" in "".join(showmsg.details(Details(record, PEOPLE)))
