"""The tables of features in PEERS.md and README against the help of the programs."""

import re
from functools import cache

import pytest
import sysv_ipc

from pyipcs.cli import app
from pyipcs.model import Kind
from tests.kit.documents import README, ROOT
from tests.kit.kernel import Objects, ids
from tests.kit.program import invoke, run

pytestmark = pytest.mark.tools("ipcs", "ipcmk", "ipcrm", "lsipc")


def rows_of(page: str, start: str) -> dict[str, list[str]]:
    """Return the cells of a table by the first cell of each row."""
    lines = page[page.index(start) :].split("\n\n", maxsplit=1)[0].splitlines()[2:]
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {name: others for name, *others in cells}


PEERS = (ROOT / "tests" / "docs" / "PEERS.md").read_text()
_START = "| | pyipcs | ipcs, ipcmk, ipcrm |"
ROWS = rows_of(PEERS, _START)
SHORT_ROWS = rows_of(README, _START)
# Words that only the help of a program with this feature has.
SIGNS = {
    "ipcs's output, byte for byte": r"layout of util-linux|show status summary",
    "tables for a terminal, without whole columns if it is narrow": r"keep\s+columns",
    "used of qbytes, limits and usage side by side, with bars": r"USED as a share of LIMIT",
    "columns of your choice": r"--output",
    "sorting by any column": r"--sort",
    "JSON with numbers as numbers, times with their offset": r"--json",
    "JSON lines, CSV, TSV, OpenMetrics": r"jsonl|csv|tsv|openmetrics",
    "assignments for a shell": r"--export|shell assignments",
    "memory and swap of a segment": r"RSS|SWAP",
    "filters, by owner, age, use and an earlier listing": r"--older-than|--idle|--owner USER",
    "an exit status for the presence of objects": r"--fail-if-any",
    "a live view": r"--watch",
    "qbytes of every queue, unreadable ones too": r"QBYTES",
    "objects with a key of your choice, or without one": r"--private|-k, --key",
    "values, size and owner set in the call that creates": r"--values|--qbytes",
    "a check of all arguments before the first removal": r"--dry-run",  # tested below
    "dry run": r"--dry-run",
    'the limit behind "No space left on device"': r"RESOURCE",  # tested below
    "messages sent and received, with a timeout": r"--timeout",
    "messages read and left on the queue": r"--peek",
    "semaphore operations, several at once, with a timeout": r"--undo",
    "semaphores held while a command runs, given back if it is killed": r"-- CMD",
    "bytes of a segment read and written": r"--offset",
    "mode, owner, qbytes, values and locking of objects changed": r"--lock",
    "the key of a file": r"ftok",
    "values, waiting processes and last user of each semaphore": r"NCOUNT",
    "the last sender and receiver, and their names while they live": r"LSPID",
    "the processes that have a segment attached, or wait on a queue or a set": r"ATTACHED|WAITERS",
    "the state of an object, in use or leaked, with the reason": r"REASON",
    "removal by filters, each object examined again right before": r"--orphaned|--older-than",
    "a command in a namespace of its own, and its leftover objects": r"--private",
    "POSIX objects listed, created and removed": r"--posix",
    "the objects of another IPC namespace, or of all": r"--all-ns|--ns",
}


@cache
def help_of(program: str) -> str:
    """Return the help of the programs of a column of the table."""
    match program:
        case "pyipcs":
            topics = (*app.COMMANDS, "columns", "formats")
            return "".join(invoke("help", name).out for name in topics)
        case "lsipc":
            return run("lsipc", "--help").out
        case _:
            return "".join(run(name, "--help").out for name in ("ipcs", "ipcmk", "ipcrm"))


# The same for the rows of README.
SHORT_SIGNS = {
    "output of ipcs, byte for byte": SIGNS["ipcs's output, byte for byte"],
    "columns, JSON": r"--json",
    "CSV, OpenMetrics, a live view": r"jsonl|csv|tsv|openmetrics|--watch",
    "filters by owner, age and use": SIGNS["filters, by owner, age, use and an earlier listing"],
    "processes that use an object": r"ATTACHED|WAITERS",
    "state of an object, with the reason": r"REASON",
    "dry run; each object examined again before removal": r"--dry-run",
    "messages sent and received": r"--peek|\bsend\b.*\brecv\b",
    "lock around a command": r"-- CMD",
    "bytes of a segment read and written": r"--offset",
    "POSIX objects": r"--posix",
    "leftovers of a command": r"--report",
}


def test_table_of_features_has_a_sign_for_each_line() -> None:
    assert [*SIGNS] == [*ROWS]
    assert {len(cells) for cells in ROWS.values()} == {6}
    assert [*SHORT_SIGNS] == [*SHORT_ROWS]
    assert {len(cells) for cells in SHORT_ROWS.values()} == {6}
    assert f"has {len(ROWS)} features" in README


@pytest.mark.parametrize("name", SIGNS)
def test_line_of_the_table_agrees_with_the_help(name: str) -> None:
    check_cells(ROWS[name], SIGNS[name])


@pytest.mark.parametrize("name", SHORT_SIGNS)
def test_line_of_readme_agrees_with_the_help(name: str) -> None:
    check_cells(SHORT_ROWS[name], SHORT_SIGNS[name])


def check_cells(cells: list[str], sign: str) -> None:
    """Compare the cells with yes or no with the help of the programs."""
    for program, cell in zip(("pyipcs", "util-linux", "lsipc"), cells, strict=False):
        if cell in {"yes", "no"}:
            can = bool(re.search(sign, help_of(program)))
            assert can == (cell == "yes"), f"{program}: {cell}"


def test_cells_of_readme_about_python_agree_with_sysv_ipc() -> None:
    """posix_ipc is not a dependency."""
    column = {name: cells[4] for name, cells in SHORT_ROWS.items()}
    assert column["messages sent and received"] == "yes"
    assert callable(sysv_ipc.MessageQueue.send)
    assert column["bytes of a segment read and written"] == "yes"
    assert callable(sysv_ipc.SharedMemory.read)
    assert column["processes that use an object"] == "counts"
    assert hasattr(sysv_ipc.SharedMemory, "number_attached")


# Features that no help mentions, and cells with more than yes or no.


def test_ipcrm_removes_before_it_has_parsed_all(objects: Objects) -> None:
    msqid = objects.queue()
    run("ipcrm", "-q", str(msqid), "-q", "wrong")
    assert msqid not in ids(Kind.QUEUE)
    msqid = objects.queue()
    assert invoke("rm", "-q", str(msqid), "-q", "wrong").status == 2
    assert msqid in ids(Kind.QUEUE)


@pytest.mark.root  # only root can lower a limit
def test_ipcmk_names_no_limit(isolated: None) -> None:
    script = "echo 0 > /proc/sys/kernel/msgmni; ipcmk -Q"
    result = run("unshare", "--ipc", "sh", "-c", script)
    assert "No space left on device" in result.err
    assert "msgmni" not in result.err


def test_lsipc_json_has_numbers_as_strings(objects: Objects, isolated: None) -> None:
    objects.queue()
    assert re.search(r'"(msgs|usedbytes)": *"0"', run("lsipc", "-q", "-J").out)


def test_ipcs_with_an_id_prints_qbytes_and_values(objects: Objects) -> None:
    msqid, semid = objects.queue(), objects.semaphores()
    assert "qbytes=" in run("ipcs", "-q", "-i", str(msqid)).out
    assert "ncount" in run("ipcs", "-s", "-i", str(semid)).out


def test_lsipc_with_an_id_prints_values(objects: Objects) -> None:
    assert "NCOUNT" in run("lsipc", "-s", "-i", str(objects.semaphores())).out


def test_help_of_the_peers_mentions_past_pids_and_attachments() -> None:
    assert "PIDs of creator and last operator" in help_of("util-linux")
    assert re.search("LSPID|LRPID|LPID", help_of("lsipc"))
    assert "Number of attached processes" in help_of("lsipc")
    assert "system-wide usage" in help_of("lsipc")
