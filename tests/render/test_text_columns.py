"""Aligned columns of text, which awk can read."""

import pytest

from pyipcs.listing import Listing
from pyipcs.model import Kind
from pyipcs.query import columns
from pyipcs.query.columns import Column, ValueType
from pyipcs.query.plan import Report
from pyipcs.render import text_columns
from tests.kit import samples

pytestmark = pytest.mark.usefixtures("utc")

GOLDEN = """\
KIND KEY           ID OWNER        USE% STATUS      SEND
msg  0x00001234     0 root         0.04 -           2001-09-09T01:46:40+00:00
msg  0xfffffffb 98305 root       100.00 -           2001-09-09T01:46:40+00:00
msg  0x00000000     7 4242424242   0.00 -           -
shm  0x0000cafe     3 root            - -           -
shm  0x00000000 32772 root            - dest,locked -
sem  0x00000007     0 root            - -           -
sem  0x00000000     1 root            - -           -
"""


def test_table_aligns_columns() -> None:
    report = samples.report(choice="KEY,ID,OWNER,USE%,STATUS,SEND")
    assert "".join(text_columns.table(report)) == GOLDEN


def test_table_without_headings_is_rows() -> None:
    report = samples.report(Kind.SEMAPHORE, choice="ID", headings=False)
    assert "".join(text_columns.table(report)) == "0\n1\n"
    assert "".join(text_columns.table(report._replace(found={Kind.SEMAPHORE: []}))) == ""


def test_table_escapes_newlines_and_counts_wide_letters_twice() -> None:
    texts = ["a\nb\tc", "漢字", "e\u0301", "x" * 7]
    listing = Listing(Kind.QUEUE, ("id",), ["1", "2", "3", "4"], {"command": texts})
    shown = (Column("COMMAND", ValueType.TEXT, "command", ""), columns.OF_KIND[Kind.QUEUE][2])
    report = Report({Kind.QUEUE: [listing]}, {Kind.QUEUE: shown}, samples.MACHINE)
    assert "".join(text_columns.table(report)) == (
        "COMMAND ID\na\\nb\\tc  1\n漢字     2\ne\u0301        3\nxxxxxxx  4\n"
    )


def test_tables_give_a_title_to_each_kind() -> None:
    text = "".join(
        text_columns.tables(samples.report(Kind.QUEUE, Kind.SEMAPHORE, choice="ID,NSEMS"))
    )
    assert text.split("\n\n") == [
        "Message queues\n   ID\n    0\n98305\n    7",
        "Semaphore sets\nID NSEMS\n 0     3\n 1   250\n",
    ]
