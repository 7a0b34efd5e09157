"""CSV read by the csv module, TSV, and assignments read by shells."""

import csv
import subprocess
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyipcs.listing import Listing
from pyipcs.model import Kind, State
from pyipcs.query import columns
from pyipcs.query.columns import Column, ValueType
from pyipcs.query.plan import Report
from pyipcs.render import delimited
from pyipcs.usage.state import UsageState
from tests.kit import samples
from tests.kit.program import need_tool
from tests.kit.wait import LIMIT

pytestmark = pytest.mark.usefixtures("utc")

CSV = """\
KIND,KEY,ID,OWNER,PERMS,MSGS,USEDBYTES,QBYTES,USE%,LSPID,LRPID,SEND,RECV,CTIME,SIZE,RSS,NATTCH,\
STATUS,CPID,LPID,ATTACH,DETACH,NSEMS,OTIME
msg,0x00001234,0,root,rw-------,2,6,16384,0.04,4194305,0,2001-09-09T01:46:40+00:00,,\
2001-09-09T01:45:40+00:00,,,,,,,,,,
msg,0xfffffffb,98305,root,rw-rw-rw-,16,16384,16384,100.00,4194305,4194305,\
2001-09-09T01:46:40+00:00,2001-09-09T01:46:40+00:00,1970-01-01T00:00:05+00:00,,,,,,,,,,
msg,0x00000000,7,4242424242,rw-r--r--,0,0,65536,0.00,0,0,,,2001-09-09T01:46:40+00:00,,,,,,,,,,
shm,0x0000cafe,3,root,rw-r--r--,,,,,,,,,2001-09-09T01:46:40+00:00,65536,4096,1,,4194305,4194305,\
2001-09-09T01:46:40+00:00,,,
shm,0x00000000,32772,root,rw-------,,,,,,,,,2001-09-09T01:46:40+00:00,1099511627776,1073741824,12,\
"dest,locked",4194305,4194305,2001-09-09T01:46:40+00:00,2001-09-09T01:46:41+00:00,,
sem,0x00000007,0,root,rw-r--r--,,,,,,,,,2001-09-09T01:46:40+00:00,,,,,,,,,3,
sem,0x00000000,1,root,rw-------,,,,,,,,,2001-09-09T01:46:40+00:00,,,,,,,,,250,\
2001-09-09T01:46:40+00:00
"""
EXPORT = """\
KIND="msg" KEY="0x00001234" ID="0" USE_PCT="0.04" STATUS="" NSEMS=""
KIND="msg" KEY="0xfffffffb" ID="98305" USE_PCT="100.00" STATUS="" NSEMS=""
KIND="msg" KEY="0x00000000" ID="7" USE_PCT="0.00" STATUS="" NSEMS=""
KIND="shm" KEY="0x0000cafe" ID="3" USE_PCT="" STATUS="" NSEMS=""
KIND="shm" KEY="0x00000000" ID="32772" USE_PCT="" STATUS="dest,locked" NSEMS=""
KIND="sem" KEY="0x00000007" ID="0" USE_PCT="" STATUS="" NSEMS="3"
KIND="sem" KEY="0x00000000" ID="1" USE_PCT="" STATUS="" NSEMS="250"
"""
# Names of files, arguments and users that a shell can hold.
TEXTS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1
) | st.sampled_from(['"; touch pwned; "', "$(id)", "`id`", "a\n; rm -rf x #", "\\", '\\"', "!!"])
HOSTILE = Column("COMMAND", ValueType.TEXT, "command", "")


def hostile(*texts: str) -> Report:
    """Return a report of objects with one column, which holds the texts."""
    listing = Listing(Kind.QUEUE, ("id",), ["0"] * len(texts), {"command": texts})
    return Report({Kind.QUEUE: [listing]}, {Kind.QUEUE: (HOSTILE,)}, samples.MACHINE)


def evaluate(shell: str, lines: str) -> tuple[list[str], str]:
    """Return the values of COMMAND in a shell, and its messages."""
    script = 'while IFS= read -r line; do eval "$line"; printf "%s\\0" "$COMMAND"; done'
    command = [shell, "-c", script]
    done = subprocess.run(
        command, input=lines.encode(), capture_output=True, check=True, timeout=LIMIT
    )
    return done.stdout.decode().split("\0")[:-1], done.stderr.decode()


def test_csv_has_every_object() -> None:
    text = "".join(delimited.csv(samples.report()))
    assert text == CSV
    rows = list(csv.reader(StringIO(text), strict=True))
    assert {len(row) for row in rows} == {24}


def test_tsv_has_the_same_table() -> None:
    rows = [line.split("\t") for line in "".join(delimited.tsv(samples.report())).splitlines()]
    assert rows == list(csv.reader(StringIO(CSV)))


def test_csv_of_one_kind_has_no_column_kind() -> None:
    text = "".join(delimited.csv(samples.report(Kind.SEMAPHORE, choice="id,nsems")))
    assert text == "ID,NSEMS\n0,3\n1,250\n"
    text = "".join(delimited.csv(samples.report(choice="id,kind")))
    assert text.startswith("ID,KIND\n0,msg\n")


def test_tsv_without_headings_is_rows() -> None:
    text = "".join(delimited.tsv(samples.report(Kind.SEMAPHORE, choice="id", headings=False)))
    assert text == "0\n1\n"


def test_csv_empty_row_is_quoted() -> None:
    text = "".join(delimited.csv(samples.report(Kind.SEMAPHORE, choice="otime")))
    assert text == 'OTIME\n""\n2001-09-09T01:46:40+00:00\n'
    assert len([*csv.reader(StringIO(text))]) == 3


@given(st.lists(TEXTS, min_size=1))
def test_csv_any_text_is_read_back(texts: list[str]) -> None:
    text = "".join(delimited.csv(hostile(*texts)))
    rows = list(csv.reader(StringIO(text, newline=""), strict=True))
    assert rows == [["COMMAND"], *([text] for text in texts)]


@given(st.lists(TEXTS, min_size=1))
def test_tsv_any_text_is_read_back(texts: list[str]) -> None:
    _, *lines = "".join(delimited.tsv(hostile(*texts))).removesuffix("\n").split("\n")
    escapes = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r"}
    found = []
    for line in lines:
        assert "\t" not in line
        pairs = iter(line)
        found.append(
            "".join(escapes[char + next(pairs)] if char == "\\" else char for char in pairs)
        )
    assert found == texts


def test_export_gives_assignments() -> None:
    assert "".join(delimited.export(samples.report(choice="KEY,ID,USE%,STATUS,NSEMS"))) == EXPORT


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh"])
def test_export_hostile_text_is_evaluated_to_itself(shell: str) -> None:
    need_tool(shell)
    texts = [
        *("plain", "two words", "$HOME", "`echo x`", "$(echo x)", '"', "'", "\\", "\\\\", '\\"'),
        *("a;b", "a&b", "a|b", "a>b", "*", "~", "#", "!x", "\x1b[31m", "\t", "é漢", "\u202e", "{}"),
        *('"; echo pwned; "', "$((1+1))", "a=b", "-n", "\r"),
    ]
    lines = "".join(delimited.export(hostile(*texts)))
    assert evaluate(shell, lines) == (texts, "")


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_export_any_text_is_evaluated_to_itself(texts: list[str]) -> None:
    lines = "".join(delimited.export(hostile(*texts)))
    assert lines.count("\n") == len(texts)
    assert evaluate("sh", lines) == ([text.replace("\n", "\\n") for text in texts], "")


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh"])
def test_export_names_change_no_variable_of_a_shell(shell: str) -> None:
    need_tool(shell)
    everything = ",".join(
        dict.fromkeys(column.name for each in columns.OF_KIND.values() for column in each)
    )
    report = samples.report(choice=everything)
    found = {
        kind: [
            listing.with_added("semaphores", [()] * listing.length).with_added(
                "evidence", [UsageState(State.UNKNOWN, "never used")] * listing.length
            )
            for listing in listings
        ]
        for kind, listings in report.found.items()
    }
    lines = "".join(delimited.export(report._replace(found=found)))
    script = 'while IFS= read -r line; do eval "$line" || exit 9; done; echo "$OWNER_UID"'
    done = subprocess.run(
        [shell, "-c", script],
        check=False,
        input=lines,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")
