"""README's table of features against the help of the programs."""

import re
from functools import cache

import pytest

from pyipcs.cli import app
from pyipcs.model import Kind
from tests.kit.documents import README
from tests.kit.kernel import Objects, ids
from tests.kit.program import invoke, run

pytestmark = pytest.mark.tools("ipcs", "ipcmk", "ipcrm", "lsipc")

_TABLE = README[README.index("| | pyipcs | ipcs, ipcmk, ipcrm |") :].split("\n\n")[0]
ROWS = {
    name: cells
    for name, *cells in (
        [cell.strip() for cell in line.strip("|").split("|")] for line in _TABLE.splitlines()[2:]
    )
}
# Words that only the help of a program with this feature has.
SIGNS = {
    "ipcs's output, byte for byte": r"layout of util-linux|show status summary",
    "tables for a terminal, which lose whole columns where it is narrow": r"keep\s+columns",
    "used of qbytes, limits and usage side by side, with bars": r"USED as a share of LIMIT",
    "columns of your choice": r"--output",
    "sorting by any column": r"--sort",
    "JSON with numbers as numbers, times with their offset": r"--json",
    "JSON lines, CSV, TSV, OpenMetrics": r"jsonl|csv|tsv|openmetrics",
    "assignments for a shell": r"--export|shell assignments",
    "memory in which a segment is held, and swap": r"RSS|SWAP",
    "filters, by owner, age, use and an earlier listing": r"--older-than|--idle|--owner USER",
    "a status that says whether there is any object": r"--fail-if-any",
    "a live view": r"--watch",
    "qbytes of every queue, also of those that you may not read": r"QBYTES",
    "objects with a key of your choice, or without one": r"--private|-k, --key",
    "values, size and owner set in the call that creates": r"--values|--qbytes",
    "all is checked before anything is removed": r"--dry-run",  # tested below
    "dry run": r"--dry-run",
    'which limit stands behind "No space left on device"': r"RESOURCE",  # tested below
    "messages sent and received, with a timeout": r"--timeout",
    "messages looked at and left": r"--peek",
    "semaphore operations, several at once, with a timeout": r"--undo",
    "semaphores held while a command runs, given back however it ends": r"-- CMD",
    "bytes of a segment read and written": r"--offset",
    "mode, owner, qbytes, values and locking of what is there changed": r"--lock",
    "the key of a file": r"ftok",
    "values, waiting processes and last user of each semaphore": r"NCOUNT",
    "who sent and received last, and whether that process lives": r"LSPID",
    "which processes have a segment attached, or wait on a queue or a set": r"ATTACHED|WAITERS",
    "whether an object is in use or leaked, and why": r"REASON",
    "removal by filters, each object looked at again right before": r"--orphaned|--older-than",
    "a command in a namespace of its own, and what it left": r"--private",
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


def test_table_of_features_has_a_sign_for_each_line() -> None:
    assert [*SIGNS] == [*ROWS]
    assert {len(cells) for cells in ROWS.values()} == {6}


@pytest.mark.parametrize("name", SIGNS)
def test_line_of_the_table_agrees_with_the_help(name: str) -> None:
    columns = zip(("pyipcs", "util-linux", "lsipc"), ROWS[name], strict=False)
    for program, cell in columns:
        if cell in {"yes", "no"}:
            can = bool(re.search(SIGNS[name], help_of(program)))
            assert can == (cell == "yes"), f"{program}: {cell}"


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
