"""The examples in pyipcs-recipes(7), run and compared."""

import inspect
import os
import re
import textwrap
from pathlib import Path

import pytest

from pyipcs import sysv
from pyipcs.describe import template
from tests.kit import turns
from tests.kit.documents import IN_NEW_NAMESPACE
from tests.kit.kernel import IS_ROOT
from tests.kit.posix import SHM, ShmFiles
from tests.kit.program import PYIPCS, need_all_processes, run
from tests.kit.recipes import check_output, first_line, pasted

TEXT = "\n".join(template.read("pyipcs-recipes.in"))
BLOCKS = re.findall(r"^\.EX\n(.*?)^\.EE$", TEXT, re.MULTILINE | re.DOTALL)
RECIPES = [block for block in BLOCKS if block.startswith("$ ")]
POSIX_RECIPES = [recipe for recipe in RECIPES if re.search("-n '?/|/dev/shm", recipe)]
SYSV_RECIPES = [recipe for recipe in RECIPES if recipe not in POSIX_RECIPES]
SCRIPTS = [block for block in BLOCKS if block.startswith("#!")]
FOR_CI = [block for block in BLOCKS if re.match(r"jobs:|test:|pipeline \{|17 3 ", block)]


def test_page_has_recipes_scripts_and_files_for_ci() -> None:
    assert len(SYSV_RECIPES) > 30
    assert len(POSIX_RECIPES) > 7
    assert (len(SCRIPTS), len(FOR_CI)) == (3, 4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "recipe", [turns.make_case(recipe, [recipe], id=first_line(recipe)) for recipe in SYSV_RECIPES]
)
def test_recipe_prints_its_output(recipe: str, tmp_path: Path, isolated: None) -> None:
    if "suspect" in recipe:
        need_all_processes()
    if "suspect" in recipe and not IS_ROOT:
        pytest.skip("a stopped process of another test makes a set doubtful (usage/halted.py)")
    check_output(recipe, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", POSIX_RECIPES, ids=first_line)
def test_posix_recipe_prints_its_output_and_leaves_nothing(
    recipe: str, tmp_path: Path, isolated: None, shm: ShmFiles
) -> None:
    check_output(recipe, tmp_path)
    assert [*SHM.iterdir()] == []


def run_script(script: str) -> list[str]:
    """Run a script, which must leave no objects; return its lines."""
    path = f"{Path(PYIPCS).parent}:{os.environ['PATH']}"
    plural = 'sh -euc "$1"; cat /proc/sysvipc/* | grep -c "^ *[-0-9]" >&2'
    result = run(*IN_NEW_NAMESPACE, "sh", "-c", plural, "sh", script, env={"PATH": path})
    assert result.err == "0\n"
    return result.out.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("forks", {f"philosopher {n}, meal {meal}" for n in range(5) for meal in (1, 2, 3)}),
        ("barrier", {f"{n} {action}" for n in (1, 2, 3) for action in ("has come", "goes on")}),
        ("ring", {str(n * n) for n in range(8)}),
    ],
)
def test_script_prints_its_lines_and_leaves_nothing(
    name: str, lines: set[str], isolated: None
) -> None:
    (script,) = (script for script in SCRIPTS if name in script)
    assert sorted(run_script(script)) == sorted(lines)


@pytest.mark.slow
def test_lines_for_ci_end_with_their_status(isolated: None, shm: ShmFiles, tmp_path: Path) -> None:
    """Each runs in one namespace, with a job that leaves objects."""
    lines = pasted(FOR_CI)
    assert len(lines) == 7
    make = tmp_path / "make"
    make.write_text(
        "#!/bin/sh\n"
        "pyipcs make -M 4K >/dev/null; pyipcs make -Q >/dev/null; pyipcs make -m 4K -n /x -i\n"
    )
    make.chmod(0o755)
    path = f"{tmp_path}:{Path(PYIPCS).parent}:{os.environ['PATH']}"
    statuses = {"run": 23, "list --sysv -M -S --mine": 23}
    for line in lines:
        expected = next((statuses[name] for name in statuses if f"pyipcs {name}" in line), 0)
        job = "make test; " if "--not-in" in line else ""
        script = f"cd {tmp_path}; pyipcs list --sysv -M -S -J >before.json; {job}{line}"
        result = run(*IN_NEW_NAMESPACE, "sh", "-c", script, env={"PATH": path})
        assert result.status == expected, f"{line}\n{result.err}"
        kept = {"x"} if "--fail-if-any" in line else set()
        assert {file.name for file in SHM.iterdir()} == kept, line
        shm.remove_all()


def test_python_example_is_that_of_the_docstring() -> None:
    example = inspect.cleandoc(sysv.__doc__ or "").partition("Example:\n")[2]
    assert f"{textwrap.dedent(example)}\n" in BLOCKS
