"""What README says, run."""

import os
import re
import tomllib
from pathlib import Path

import pytest

from pyipcs.columns import OF_KIND
from pyipcs.model import Kind, Semaphore
from tests.kit.documents import IN_NEW_NAMESPACE, README, ROOT, shared_files
from tests.kit.kernel import Objects
from tests.kit.program import PYIPCS, invoke, run
from tests.kit.terminal import read_all, start, without_codes

SCRIPTS = re.findall(r"^```sh\n(#!.*?)^```$", README, re.MULTILINE | re.DOTALL)
RECIPES = re.findall(r"^```console\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands(recipe: str) -> list[tuple[str, str]]:
    """The commands of a recipe with the outputs that it promises."""
    parts = re.split(r"^\$ (.*)\n", recipe, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.splitlines()[0][2:40])
def test_a_recipe_prints_what_it_promises(recipe: str, tmp_path: Path, isolated: None) -> None:
    found = commands(recipe)
    mark = "-- 8< --"
    script = "".join(f"{command}\necho '{mark}'\n" for command, _ in found)
    path = f"{Path(PYIPCS).parent}:{os.environ['PATH']}"
    result = run(*IN_NEW_NAMESPACE, "bash", "-euc", script, env={"PATH": path}, cwd=tmp_path)
    assert (result.status, result.err) == (0, "")
    outputs = result.out.split(f"{mark}\n")[:-1]
    for (command, expected), output in zip(found, outputs, strict=True):
        # Three dots are what differs; more are bytes in a dump.
        pattern = re.sub(r"(?<!\\\.)(\\\.){3}(?!\\\.)", ".*", re.escape(expected))
        assert re.fullmatch(pattern, output, re.DOTALL), f"{command}\n{output}"


def scripted(script: str) -> list[str]:
    """The lines of a script, which leaves nothing behind."""
    path = f"{Path(PYIPCS).parent}:{os.environ['PATH']}"
    counted = 'sh -euc "$1"; cat /proc/sysvipc/* | grep -c "^ *[-0-9]" >&2'
    result = run(*IN_NEW_NAMESPACE, "sh", "-c", counted, "sh", script, env={"PATH": path})
    assert result.err == "0\n"
    return result.out.splitlines()


def test_the_philosophers(isolated: None) -> None:
    (script,) = (script for script in SCRIPTS if "forks" in script)
    meals = [f"philosopher {n}, meal {meal}" for n in range(5) for meal in (1, 2, 3)]
    assert sorted(scripted(script)) == meals


def test_the_barrier(isolated: None) -> None:
    (script,) = (script for script in SCRIPTS if "barrier" in script)
    lines = scripted(script)
    assert sorted(lines[:3]) == [f"{n} has come" for n in (1, 2, 3)]
    assert sorted(lines[3:]) == [f"{n} goes on" for n in (1, 2, 3)]


def test_the_producer_and_the_consumer(isolated: None) -> None:
    (script,) = (script for script in SCRIPTS if "ring" in script)
    assert scripted(script) == [str(n * n) for n in range(8)]


PAGES = re.findall(r"^```(?:yaml|groovy|cron)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
PASTED = [
    line.strip().strip("'")
    for page in PAGES
    for line in re.findall(r"(?:^ *- |^ *- run: |bin/)(pyipcs [^']*?)'?$", page, re.MULTILINE)
]


def test_what_is_to_be_pasted(isolated: None, tmp_path: Path) -> None:
    """In their order, in one namespace, with a job that makes and leaves objects."""
    assert len(PAGES) == 4
    assert len(PASTED) == 7
    make = tmp_path / "make"
    make.write_text("#!/bin/sh\npyipcs make -M 4K >/dev/null; pyipcs make -Q >/dev/null\n")
    make.chmod(0o755)
    path = f"{tmp_path}:{Path(PYIPCS).parent}:{os.environ['PATH']}"
    statuses = {"run": 23, "list --mine": 23}
    for line in PASTED:
        expected = next((statuses[name] for name in statuses if f"pyipcs {name}" in line), 0)
        job = "make test; " if "--not-in" in line else ""
        script = f"cd {tmp_path}; pyipcs list -J >before.json; {job}{line}"
        result = run(*IN_NEW_NAMESPACE, "sh", "-c", script, env={"PATH": path})
        assert result.status == expected, f"{line}\n{result.err}"


def test_the_picture(isolated: None) -> None:
    """The table is one of the program's, with other ids, pids and times."""
    (shown,) = re.findall(r"^```text\n\$ pyipcs list\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    path = f"{Path(PYIPCS).parent}:{os.environ['PATH']}"
    process, terminal = start(
        [*IN_NEW_NAMESPACE, "bash", "-euc", PICTURED], width=120, env={"PATH": path}
    )
    drawn = without_codes(read_all(terminal)).replace("\r\n", "\n")
    assert process.wait() == 0
    assert _shape(shown) == _shape(drawn)


PICTURED = """
pyipcs make -Q -k 0x1234 -p 600 >/dev/null
pyipcs make -Q -k 0xcafe -p 666 >/dev/null
pyipcs make -M 64K -k 0x1234 >/dev/null
head -c 8000 /dev/zero | pyipcs send 0x1234
head -c 6500 /dev/zero | pyipcs send 0x1234
pyipcs recv 0xcafe -F >/dev/null &
pyipcs send 0xcafe hello
until pyipcs list -q -o KEY,MSGS -f csv | grep -q cafe,0; do :; done
pyipcs list
kill $!
"""


def _shape(text: str) -> str:
    """A text without what differs from run to run."""
    days, months = "(Mon|Tue|Wed|Thu|Fri|Sat|Sun)", "[A-Z][a-z]{2}"
    text = re.sub(rf"{days} {months} .\d", "Day", text)
    return re.sub("─+", "─", re.sub(" +", " ", re.sub(r"\d+", "0", text)))


def test_there_are_recipes() -> None:
    assert len(RECIPES) > 8


def test_the_two_commands() -> None:
    blocks = re.findall(r"^```sh\n(.*?)\n```$", README, re.MULTILINE | re.DOTALL)
    assert blocks[:2] == [
        "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/pyipcs list",
        "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest",
    ]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"test", "dev"} <= set(extras["optional-dependencies"])


def test_the_json_keys_are_documented(objects: Objects) -> None:
    table = README[README.index("| object | keys |") :].split("\n\n")[0]
    documented = set(re.findall(r"`(\w+)`", table))
    for kind in Kind:
        objects.make(kind)
    found = set(Semaphore._fields) | {"semaphores", "limits", "usage", "taken"}
    everything = {column.name for each in OF_KIND.values() for column in each}
    for args in (["-l"], ["-u"], [], ["-o", f"+{','.join(everything)}"]):
        found |= _keys(invoke("list", "-J", *args).out)
    assert documented == found - {"queues", "shmems"}


def _keys(text: str) -> set[str]:
    return set(re.findall(r'"(\w+)": ', text))


def test_the_lines_that_link_what_a_virtual_environment_has(tmp_path: Path) -> None:
    (script,) = re.findall(r"^```sh\n([^`]*cp -rsf.*?)^```$", README, re.MULTILINE | re.DOTALL)
    for here, there in shared_files().items():
        (tmp_path / ".venv" / there).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / ".venv" / there).symlink_to(ROOT / here)
    home = tmp_path / "home"
    for _ in range(2):  # once more after an upgrade
        assert run("bash", "-euc", script, env={"HOME": str(home)}, cwd=tmp_path) == (0, "", "")
    for here, there in shared_files().items():
        assert (home / ".local" / there).read_bytes() == (ROOT / here).read_bytes()
