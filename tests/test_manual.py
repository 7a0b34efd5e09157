"""The pages of the manual."""

import os
import re
from pathlib import Path

import pytest

from pyipcs import cli, describe
from pyipcs.columns import COMMON, OWN, RESOURCE
from pyipcs.errors import MEANINGS, Status
from tests.kit.program import invoke, need_tool, run

FOLDER = Path(__file__).parent.parent / "pyipcs" / "man"
PAGES = sorted(FOLDER.glob("*.1"))


def shown(page: Path) -> str:
    """A page as a reader sees it, in lines as long as they like."""
    need_tool("man")
    result = run("man", "-l", str(page), env={"MANWIDTH": "1000", "LC_ALL": "C.UTF-8"})
    assert result.status == 0, result.err
    return result.out


def test_there_is_a_page_of_all_and_one_of_each_command() -> None:
    """Whether they are current is test_completion.py's matter, which looks at all files."""
    names = ["pyipcs.1", *(f"pyipcs-{name}.1" for name in cli.COMMANDS)]
    assert [page.name for page in PAGES] == sorted(names)
    assert {f"pyipcs/man/{name}" for name in names} <= describe.files().keys()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_man_has_nothing_to_warn_of(page: Path) -> None:
    need_tool("man")
    env = {"MANROFFSEQ": "", "MANWIDTH": "80", "LC_ALL": "C.UTF-8"}
    options = ("--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z")
    result = run("man", *options, str(page), env=env)
    assert (result.status, result.err) == (0, "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_mandoc_has_nothing_to_find(page: Path) -> None:
    need_tool("mandoc")
    assert run("mandoc", "-T", "lint", str(page)) == (0, "", "")


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_a_page_says_what_the_help_says(name: str) -> None:
    """Word for word, however the lines are broken."""
    words = re.sub(r"\s+", " ", shown(FOLDER / f"pyipcs-{name}.1"))
    help_ = invoke(name, "--help").out
    for line in help_.splitlines():
        told = re.sub(r"\s+", " ", line.replace("`", "").removeprefix("  $ ")).strip()
        told = told.removeprefix("Usage: ")
        if told and not told.endswith(":"):
            assert told in words, line


def test_the_page_of_all_has_its_sections() -> None:
    text = shown(FOLDER / "pyipcs.1")
    sections = re.findall(r"^([A-Z][A-Z ]+)$", text, re.MULTILINE)
    assert sections == [
        *("NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS OF ALL COMMANDS"),
        *("NAMES OF OBJECTS", "FORMATS AND COLUMNS", "EXIT STATUS", "SIGNALS", "STATES"),
        *("COMPATIBILITY", "ENVIRONMENT", "FILES", "EXAMPLES", "SEE ALSO"),
    ]
    commands = text[text.index("\nCOMMANDS") : text.index("\nOPTIONS OF ALL")]
    assert re.findall(r"^   (\w+)$", commands, re.MULTILINE) == [*cli.COMMANDS]
    lists = text[text.index("\nFORMATS AND") : text.index("\nEXIT STATUS")]
    for column in {*COMMON, *RESOURCE, *(one for own in OWN.values() for one in own)}:
        assert re.search(
            rf"^ +{re.escape(column.name)}\s+{re.escape(column.help)}$", lists, re.MULTILINE
        )
    statuses = text[text.index("\nEXIT STATUS") : text.index("\nSIGNALS")]
    assert [int(number) for number in re.findall(r"^ {7}(\d+) ", statuses, re.MULTILINE)] == [
        *Status
    ]
    assert MEANINGS.keys() == {*Status}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_line_has_what_the_source_was_indented_by(page: Path) -> None:
    assert not re.findall(r"^ .*|\S {2,}\S", page.read_text(), re.MULTILINE)


def test_each_variable_that_is_asked_for_is_documented() -> None:
    """Those of the environment that the sources name."""
    text = shown(FOLDER / "pyipcs.1")
    environment = text[text.index("\nENVIRONMENT") : text.index("\nFILES")]
    source = "".join(
        path.read_text() for path in FOLDER.parent.rglob("*.py") if "describe" not in path.parts
    )
    asked = set(re.findall(r'(?:environ(?:\.get\(|\[)|envvar=)"([A-Z_]+)"', source))
    assert {"NO_COLOR", "PYIPCS_FORMAT", "TERM", "COLUMNS"} <= asked
    assert not [name for name in asked if name not in environment and name != "PATH"]


def test_man_finds_the_page_by_its_name(tmp_path: Path) -> None:
    need_tool("man")
    prefix = os.environ.get("PYIPCS_TEST_PREFIX")
    place = Path(prefix) / "share/man" if prefix else tmp_path / "man"
    if not prefix:
        place.mkdir()
        (place / "man1").symlink_to(FOLDER)
    for name in ("pyipcs", "pyipcs-recv"):
        result = run("man", name, env={"MANPATH": str(place), "LC_ALL": "C.UTF-8"})
        assert result.status == 0, result.err
        assert result.out.startswith(f"{name.upper()}(1)")
