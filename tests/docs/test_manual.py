"""The manual pages: their text, and what man and mandoc report of them."""

import os
import re
from pathlib import Path

import pytest

from pyipcs import describe
from pyipcs.cli import app
from pyipcs.describe import man
from pyipcs.errors import MEANINGS, Status
from tests.kit.documents import README
from tests.kit.program import invoke, need_tool, run

FOLDER = Path(__file__).parents[2] / "pyipcs" / "man"
PAGES = sorted(FOLDER.glob("man*/*"))
PROGRAM = FOLDER / "man1" / "pyipcs.1"


def page_of(command: str) -> Path:
    """Return the page of a command."""
    return FOLDER / "man1" / f"pyipcs-{command}.1"


def rendered(page: Path) -> str:
    """Return the text of a page in very long lines."""
    need_tool("man")
    result = run("man", "-l", str(page), env={"MANWIDTH": "1000", "LC_ALL": "C.UTF-8"})
    assert result.status == 0, result.err
    return result.out


def test_manual_has_a_page_for_the_program_and_each_command() -> None:
    """test_completion.py checks that all generated files are current."""
    names = {f"{name}.{section}" for name, (section, _) in man.PAGES.items()}
    names |= {f"pyipcs-{name}.1" for name in app.COMMANDS}
    assert {page.name for page in PAGES} == names
    assert {f"pyipcs/man/{page.relative_to(FOLDER)}" for page in PAGES} <= describe.files().keys()
    assert {page.parent.name[-1] == page.name[-1] for page in PAGES} == {True}


@pytest.mark.tools("man")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_man_of_a_page_warns_of_nothing(page: Path) -> None:
    env = {"MANROFFSEQ": "", "MANWIDTH": "80", "LC_ALL": "C.UTF-8"}
    options = ("--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z")
    result = run("man", *options, str(page), env=env)
    assert (result.status, result.err) == (0, "")


@pytest.mark.tools("mandoc")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_mandoc_lint_of_a_page_reports_nothing(page: Path) -> None:
    assert run("mandoc", "-T", "lint", str(page)) == (0, "", "")


@pytest.mark.parametrize("name", app.COMMANDS)
def test_page_has_each_line_of_the_help(name: str) -> None:
    """Line breaks differ."""
    words = re.sub(r"\s+", " ", rendered(page_of(name)))
    help_ = invoke(name, "--help").out
    for line in help_.splitlines():
        text = re.sub(r"\s+", " ", line.replace("`", "").removeprefix("  $ ")).strip()
        text = text.removeprefix("Usage: ")
        if text.startswith("See pyipcs help columns"):  # the page itself has the lists
            continue
        if text and not text.endswith(":"):
            assert text in words, line


@pytest.mark.parametrize("name", app.COMMANDS)
def test_page_has_details_that_the_help_leaves_out(name: str) -> None:
    words = re.sub(r"\s+", " ", rendered(page_of(name)))
    help_ = re.sub(r"\s+", " ", invoke(name, "--help").out)
    options = [option for _, group in app.load(name).grouped() for option in group]
    for option in options:
        if option.details:
            assert f"{option.help} {option.details}" in words
            assert option.details not in help_
    assert name != "rm" or sum(bool(option.details) for option in options) >= 4


def test_page_of_the_program_has_its_sections() -> None:
    text = rendered(PROGRAM)
    sections = re.findall(r"^([A-Z][-A-Z ]+)$", text, re.MULTILINE)
    assert sections == [
        *("NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "NAMES OF OBJECTS", "OPTIONS"),
        *("EXIT STATUS", "ENVIRONMENT", "FILES", "LIMITS", "STABILITY"),
        *("DIFFERENCES FROM UTIL-LINUX", "SEE ALSO"),
    ]
    commands = text[text.index("\nCOMMANDS") : text.index("\nNAMES OF OBJECTS")]
    assert re.findall(r"^ +pyipcs-(\w+)\(1\)", commands, re.MULTILINE) == [*app.COMMANDS]
    statuses = text[text.index("\nEXIT STATUS") : text.index("\nENVIRONMENT")]
    assert [int(number) for number in re.findall(r"^ {7}(\d+) ", statuses, re.MULTILINE)] == [
        *Status
    ]
    assert MEANINGS.keys() == {*Status}


def test_exit_statuses_in_readme_are_those_of_the_manual() -> None:
    rows = dict(re.findall(r"^\| (\d+) \| (.*) \|$", README, re.MULTILINE))
    meanings = {str(status.value): text.removesuffix(".") for status, text in MEANINGS.items()}
    assert rows == {number: text[0].lower() + text[1:] for number, text in meanings.items()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_has_no_indentation_of_the_source(page: Path) -> None:
    text = re.sub(r"^\.EX$.*?^\.EE$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert not re.findall(r"^ .*|\S {2,}\S", text, re.MULTILINE)


def test_page_documents_each_environment_variable_in_the_sources() -> None:
    text = rendered(PROGRAM)
    environment = text[text.index("\nENVIRONMENT") : text.index("\nFILES")]
    package = FOLDER.parent
    described = {*package.rglob("*.py")} - {*(package / "describe").rglob("*.py")}
    source = "".join(path.read_text() for path in described)
    names = set(re.findall(r'(?:environ(?:\.get\(|\[)|envvar=)"([A-Z_]+)"', source))
    assert {"NO_COLOR", "PYIPCS_FORMAT", "TERM", "COLUMNS"} <= names
    assert not [name for name in names if name not in environment and name != "PATH"]


@pytest.mark.installed
@pytest.mark.tools("man")
def test_man_finds_the_pages_by_their_names(tmp_path: Path) -> None:
    prefix = os.environ.get("PYIPCS_TEST_PREFIX")
    place = Path(prefix) / "share/man" if prefix else tmp_path / "man"
    if not prefix:
        place.mkdir()
        for folder in FOLDER.iterdir():
            (place / folder.name).symlink_to(folder)
    for name, section in (("pyipcs", 1), ("pyipcs-recv", 1), ("pyipcs-formats", 5)):
        result = run("man", name, env={"MANPATH": str(place), "LC_ALL": "C.UTF-8"})
        assert result.status == 0, result.err
        assert result.out.startswith(f"{name.upper()}({section})")
