"""The commands, scripts and outputs in README, run and compared."""

import os
import re
import sys
import tomllib
from pathlib import Path

import pytest

from tests.kit.documents import IN_NEW_NAMESPACE, README, ROOT, shared_files
from tests.kit.kernel import everything
from tests.kit.posix import SHM, ShmFiles
from tests.kit.program import PYIPCS, run
from tests.kit.recipes import check_output, first_line, pasted

RECIPES = re.findall(r"^```console\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
POSIX_RECIPES = [recipe for recipe in RECIPES if re.search(r"-n /|/dev/shm", recipe)]
SYSV_RECIPES = [recipe for recipe in RECIPES if recipe not in POSIX_RECIPES]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", SYSV_RECIPES, ids=first_line)
def test_recipe_in_readme_prints_its_output(recipe: str, tmp_path: Path, isolated: None) -> None:
    check_output(recipe, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", POSIX_RECIPES, ids=first_line)
def test_posix_recipe_in_readme_prints_its_output_and_leaves_nothing(
    recipe: str, tmp_path: Path, isolated: None, shm: ShmFiles
) -> None:
    check_output(recipe, tmp_path)
    assert [*SHM.iterdir()] == []


PAGES = re.findall(r"^```(?:yaml|cron)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
PASTED = pasted(PAGES)


@pytest.mark.slow
def test_lines_of_readme_for_ci_end_with_their_status(isolated: None, tmp_path: Path) -> None:
    """Each runs in one namespace, with a job that leaves objects."""
    assert len(PAGES) == 2
    assert len(PASTED) == 2
    make = tmp_path / "make"
    make.write_text("#!/bin/sh\npyipcs make -M 4K >/dev/null; pyipcs make -Q >/dev/null\n")
    make.chmod(0o755)
    path = f"{tmp_path}:{Path(PYIPCS).parent}:{os.environ['PATH']}"
    for line in PASTED:
        result = run(*IN_NEW_NAMESPACE, "sh", "-c", f"cd {tmp_path}; {line}", env={"PATH": path})
        assert result.status == (23 if "pyipcs run" in line else 0), f"{line}\n{result.err}"


def test_python_example_of_readme_prints_its_output(tmp_path: Path, isolated: None) -> None:
    ((example, output),) = re.findall(
        r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", README, re.MULTILINE | re.DOTALL
    )
    (tmp_path / "example.py").write_text(example)
    assert run(sys.executable, str(tmp_path / "example.py")) == (0, output, "")
    assert not everything()


def test_readme_is_read_in_ten_minutes() -> None:
    assert len(README.splitlines()) <= 400


def test_readme_has_recipes() -> None:
    assert len(SYSV_RECIPES) >= 6
    assert len(POSIX_RECIPES) >= 4


def test_readme_has_the_commands_for_use_and_tests() -> None:
    blocks = re.findall(r"^```sh\n(.*?)\n```$", README, re.MULTILINE | re.DOTALL)
    assert blocks[:2] == [
        "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/pyipcs list",
        "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest",
    ]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"test", "dev"} <= set(extras["optional-dependencies"])


def test_readme_scripts_link_the_files_of_a_virtual_environment_and_remove_them(
    tmp_path: Path,
) -> None:
    (script,) = re.findall(r"^```sh\n([^`]*cp -rsf.*?)^```$", README, re.MULTILINE | re.DOTALL)
    for here, there in shared_files().items():
        (tmp_path / ".venv" / there).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / ".venv" / there).symlink_to(ROOT / here)
    home = tmp_path / "home"
    for _ in range(2):  # and again after an upgrade
        assert run("bash", "-euc", script, env={"HOME": str(home)}, cwd=tmp_path) == (0, "", "")
    for here, there in shared_files().items():
        assert (home / ".local" / there).read_bytes() == (ROOT / here).read_bytes()
    (script,) = re.findall(r"^```sh\n(find .*?)^```$", README, re.MULTILINE | re.DOTALL)
    (home / ".local/bin/other").symlink_to("/bin/true")
    assert run("bash", "-euc", script, env={"HOME": str(home)}, cwd=tmp_path) == (0, "", "")
    assert [path.name for path in home.rglob("*") if not path.is_dir()] == ["other"]
    assert not (tmp_path / ".venv").exists()


@pytest.mark.slow
def test_readme_lines_set_up_completion_for_each_shell(tmp_path: Path) -> None:
    (script,) = re.findall(r"^```sh\n(echo 'eval.*?)^```$", README, re.MULTILINE | re.DOTALL)
    (tmp_path / ".config" / "fish").mkdir(parents=True)
    env = {"HOME": str(tmp_path), "PATH": f"{Path(PYIPCS).parent}:{os.environ['PATH']}"}
    assert run("bash", "-euc", script, env=env) == (0, "", "")
    check = ". ~/.bashrc; complete -p pyipcs"
    assert run("bash", "-euc", check, env=env) == (0, "complete -F _pyipcs pyipcs\n", "")
    written = (tmp_path / ".zfunc" / "_pyipcs").read_bytes()
    assert written == (ROOT / "completions" / "_pyipcs").read_bytes()
    line = (tmp_path / ".config" / "fish" / "config.fish").read_text()
    assert line == "pyipcs completion fish | source\n"
