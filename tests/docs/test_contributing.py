"""Paths, folders and checks in the pages for contributors."""

import re

import pytest

from tests.kit.documents import README, ROOT

PAGE = (ROOT / ".ci" / "CONTRIBUTING.md").read_text()
PAGES = {
    "README.md": README[README.index("## How it is built") : README.index("## Changes")],
    ".ci/CONTRIBUTING.md": PAGE,
    "tests/README.md": (ROOT / "tests" / "README.md").read_text(),
}


@pytest.mark.parametrize("name", PAGES)
def test_paths_in_a_page_exist(name: str) -> None:
    paths = re.findall(r"`((?:pyipcs|tests|completions)/[\w./]*)`", PAGES[name])
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", PAGES)
def test_links_in_a_page_exist(name: str) -> None:
    folder = (ROOT / name).parent
    links = re.findall(r"\]\(([^)#:]+)\)", PAGES[name])
    assert [link for link in links if not (folder / link).exists()] == []


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
