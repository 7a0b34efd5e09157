"""Paths, links, folders and checks in the pages of the repository."""

import re

import pytest

from pyipcs import __version__
from tests.kit.documents import ROOT

PAGE = (ROOT / ".ci" / "CONTRIBUTING.md").read_text()
PAGES = {
    name: (ROOT / name).read_text()
    for name in (
        "README.md",
        ".ci/CONTRIBUTING.md",
        "pyipcs/ARCHITECTURE.md",
        "pyipcs/CHANGELOG.md",
        "tests/README.md",
        "tests/benchmarks/README.md",
        "tests/trials/README.md",
    )
}


@pytest.mark.parametrize("name", PAGES)
def test_paths_in_a_page_exist(name: str) -> None:
    paths = re.findall(r"`((?:pyipcs|tests|completions)/[\w./]*)`", PAGES[name])
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", PAGES)
def test_modules_in_a_page_exist(name: str) -> None:
    modules = {path.name for path in ROOT.glob("*/**/*.py")}
    assert {*re.findall(r"`(\w+\.py)`", PAGES[name])} <= modules


@pytest.mark.parametrize("name", PAGES)
def test_links_in_a_page_exist(name: str) -> None:
    folder = (ROOT / name).parent
    links = re.findall(r"\]\(([^)#:]+)\)", PAGES[name])
    assert [link for link in links if not (folder / link).exists()] == []


@pytest.mark.parametrize("name", PAGES)
def test_links_into_a_page_name_its_headings(name: str) -> None:
    headings = re.findall(r"^#+ (.*)$", PAGES[name], re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = re.findall(r"\]\(#([^)]+)\)", PAGES[name])
    assert [link for link in links if link not in anchors] == []


@pytest.mark.parametrize("folder", ["benchmarks", "trials"])
def test_programs_of_a_folder_are_on_its_page(folder: str) -> None:
    program = rf"python -m (tests\.{folder}(?:\.\w+)?)"
    sources = (path.read_text() for path in (ROOT / "tests" / folder).glob("*.py"))
    programs = {name for source in sources for name in re.findall(program, source)}
    programs -= {"tests.trials.NAME"}
    assert set(re.findall(program, PAGES[f"tests/{folder}/README.md"])) == programs


def test_tree_in_contributing_has_each_folder_of_the_package() -> None:
    tree = PAGE[PAGE.index("## The tree") : PAGE.index("## Where to add")]
    package = ROOT / "pyipcs"
    folders = {path.parent.relative_to(ROOT).parts[1] for path in package.glob("*/*.py")}
    modules = {path.name for path in package.glob("*.py")} - {"__init__.py", "__main__.py"}
    missing = {f"`pyipcs/{one}/`" for one in folders if f"`pyipcs/{one}/`" not in tree}
    assert missing | {one for one in modules if one not in tree} == set()


def test_checks_in_contributing_are_the_steps_of_ci() -> None:
    steps = re.findall(r"^step_(\w+)\(\)", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert re.findall(r"`\.ci/run (\w+)`", PAGE) == steps


def test_version_and_date_of_the_program_are_the_newest_in_the_changelog() -> None:
    version, date = re.findall(
        r"^## \[(\d\S*)\] - (\S+)$", PAGES["pyipcs/CHANGELOG.md"], re.MULTILINE
    )[0]
    assert version == __version__
    assert f'{date} "pyipcs {version}"' in (ROOT / "pyipcs/man/man1/pyipcs.1").read_text()
