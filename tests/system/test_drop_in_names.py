"""pyipcs under the names ipcs, ipcmk and ipcrm: terminal and pipe."""

import os
from pathlib import Path

import pytest

from pyipcs.cli.main import DROP_IN_NAMES
from tests.kit.kernel import Objects
from tests.kit.program import PYIPCS, invoke, need_tool, run
from tests.kit.terminal import end, read_all, start
from tests.kit.wait import LIMIT


@pytest.fixture
def links(tmp_path: Path) -> Path:
    """Make symbolic links to pyipcs under the names of the peers."""
    for name in DROP_IN_NAMES:
        (tmp_path / name).symlink_to(PYIPCS)
    return tmp_path


@pytest.fixture
def listed(objects: Objects, isolated: None) -> None:
    """Create an object of each kind."""
    objects.queue(0x1234)
    objects.segment(0x1235, size=12345)
    objects.semaphores(0x1236, nsems=3)


def on_terminal(*command: str, **variables: str) -> tuple[int, str]:
    process, terminal = start(command, env={"LC_ALL": "C", **variables})
    try:
        text = read_all(terminal)
        return process.wait(LIMIT), text.replace("\r\n", "\n")
    finally:
        end(process, terminal)


@pytest.mark.tools("ipcs")
@pytest.mark.parametrize("args", ["", "-m", "-qt", "-p", "-c", "-l", "-u", "-m --human", "-lb"])
def test_ipcs_on_terminal_prints_the_bytes_of_ipcs(links: Path, listed: None, args: str) -> None:
    ours = on_terminal(str(links / "ipcs"), *args.split())
    assert ours == on_terminal(need_tool("ipcs"), *args.split())


@pytest.mark.tools("ipcs")
def test_ipcs_of_one_object_on_terminal_prints_the_bytes_of_ipcs(
    links: Path, objects: Objects
) -> None:
    args = ("-m", "-i", str(objects.segment()))
    assert on_terminal(str(links / "ipcs"), *args) == on_terminal(need_tool("ipcs"), *args)


def test_ipcs_on_terminal_ignores_the_format_variable(links: Path, listed: None) -> None:
    args = (str(links / "ipcs"), "-m")
    assert on_terminal(*args, PYIPCS_FORMAT="json") == on_terminal(*args)


@pytest.mark.parametrize("args", ["-f table", "-J", "--format=csv -m"])
def test_ipcs_format_option_chooses_the_format_on_terminal(
    links: Path, listed: None, args: str
) -> None:
    _, text = on_terminal(str(links / "ipcs"), *args.split())
    _, theirs = on_terminal(PYIPCS, "list", *args.split())
    if "-J" in args:  # its first line has the time
        text, theirs = (shown.partition("\n")[2] for shown in (text, theirs))
    assert text == theirs
    assert "------ " not in text


def test_ipcs_columns_on_terminal_are_text_columns(links: Path, listed: None) -> None:
    args = ("-m", "-o", "KEY,SIZE")
    assert on_terminal(str(links / "ipcs"), *args)[1] == invoke("list", *args).out


def test_ipcrm_dry_run_on_terminal_is_plain(links: Path, listed: None) -> None:
    assert on_terminal(str(links / "ipcrm"), "-na")[1] == invoke("list").out


def test_list_on_terminal_draws_tables(listed: None) -> None:
    assert "------ " not in on_terminal(PYIPCS, "list")[1]


@pytest.mark.tools("script", "awk")
def test_ipcs_under_script_feeds_awk(links: Path, listed: None) -> None:
    line = "script -qc 'ipcs -m' /dev/null | awk '/^0x/ { print $5 }'"
    result = run("sh", "-c", line, env={"PATH": f"{links}:{os.environ['PATH']}"})
    assert (result.status, result.out.strip()) == (0, "12345")
