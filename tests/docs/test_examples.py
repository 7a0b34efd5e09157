"""The commands, scripts and outputs in README, run and compared."""

import os
import re
import tomllib
from pathlib import Path

import pytest

from pyipcs.model import POSIX, SYSV, Semaphore
from pyipcs.query.columns import OF_KIND
from tests.kit.documents import IN_NEW_NAMESPACE, README, ROOT, shared_files
from tests.kit.kernel import IS_ROOT, Objects
from tests.kit.mqueue import queue
from tests.kit.posix import SHM, ShmFiles, glibc_semaphore
from tests.kit.program import PYIPCS, invoke, run
from tests.kit.terminal import end, read_all, start, without_codes
from tests.kit.wait import LIMIT

SCRIPTS = re.findall(r"^```sh\n(#!.*?)^```$", README, re.MULTILINE | re.DOTALL)
RECIPES = re.findall(r"^```console\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
POSIX_RECIPES = [recipe for recipe in RECIPES if re.search("-n '?/|/dev/shm", recipe)]
SYSV_RECIPES = [recipe for recipe in RECIPES if recipe not in POSIX_RECIPES]


def first_line(recipe: str) -> str:
    """Return the first command of a recipe, cut."""
    return recipe.splitlines()[0][2:40]


def commands(recipe: str) -> list[tuple[str, str]]:
    """Return the commands of a recipe with their outputs."""
    parts = re.split(r"^\$ (.*)\n", recipe, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def check_output(recipe: str, folder: Path) -> None:
    """Run the commands of a recipe, and compare their outputs."""
    found = commands(recipe)
    mark = "-- 8< --"
    script = "".join(f"{command}\necho '{mark}'\n" for command, _ in found)
    path = f"{Path(PYIPCS).parent}:{os.environ['PATH']}"
    result = run(*IN_NEW_NAMESPACE, "bash", "-euc", script, env={"PATH": path}, cwd=folder)
    assert (result.status, result.err) == (0, "")
    outputs = result.out.split(f"{mark}\n")[:-1]
    for (command, expected), output in zip(found, outputs, strict=True):
        # Three dots stand for text that differs; more are bytes of a dump.
        pattern = re.sub(r"(?<!\\\.)(\\\.){3}(?!\\\.)", ".*", re.escape(expected))
        assert re.fullmatch(pattern, output, re.DOTALL), f"{command}\n{output}"


@pytest.mark.slow
@pytest.mark.parametrize("recipe", SYSV_RECIPES, ids=first_line)
def test_recipe_in_readme_prints_its_output(recipe: str, tmp_path: Path, isolated: None) -> None:
    if "--suspect" in recipe and not IS_ROOT:
        pytest.skip("a stopped process of another test makes a set doubtful (usage/halted.py)")
    check_output(recipe, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", POSIX_RECIPES, ids=first_line)
def test_posix_recipe_in_readme_prints_its_output_and_leaves_nothing(
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
def test_philosophers_in_readme_all_eat(isolated: None) -> None:
    (script,) = (script for script in SCRIPTS if "forks" in script)
    meals = [f"philosopher {n}, meal {meal}" for n in range(5) for meal in (1, 2, 3)]
    assert sorted(run_script(script)) == meals


def test_barrier_in_readme_holds_until_all_have_come(isolated: None) -> None:
    (script,) = (script for script in SCRIPTS if "barrier" in script)
    lines = run_script(script)
    assert sorted(lines[:3]) == [f"{n} has come" for n in (1, 2, 3)]
    assert sorted(lines[3:]) == [f"{n} goes on" for n in (1, 2, 3)]


@pytest.mark.slow
def test_ring_in_readme_carries_all_numbers_in_order(isolated: None) -> None:
    (script,) = (script for script in SCRIPTS if "ring" in script)
    assert run_script(script) == [str(n * n) for n in range(8)]


PAGES = re.findall(r"^```(?:yaml|groovy|cron)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
PASTED = [
    line.strip().strip("'")
    for page in PAGES
    for line in re.findall(r"(?:^ *- |^ *- run: |bin/)(pyipcs [^']*?)'?$", page, re.MULTILINE)
]


@pytest.mark.slow
def test_lines_of_readme_for_ci_end_with_their_status(isolated: None, tmp_path: Path) -> None:
    """Each runs in one namespace, with a job that leaves objects."""
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


def test_table_in_readme_has_the_shape_of_a_drawn_one(isolated: None) -> None:
    """Ids, pids and times differ. In this width, pids of 3 to 7 digits have the same columns."""
    (shown,) = re.findall(r"^```text\n\$ pyipcs list\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    path = f"{Path(PYIPCS).parent}:{os.environ['PATH']}"
    process, terminal = start(
        [*IN_NEW_NAMESPACE, "bash", "-euc", PICTURED], width=102, env={"PATH": path}
    )
    try:
        drawn = without_codes(read_all(terminal)).replace("\r\n", "\n")
        assert process.wait(LIMIT) == 0
    finally:
        end(process, terminal)
    assert _shape(shown) == _shape(drawn)


PICTURED = """
pyipcs make -Q -k 0x1234 -p 600 >/dev/null
pyipcs make -Q -k 0xcafe -p 666 >/dev/null
pyipcs make -M 64K -k 0x1234 >/dev/null
head -c 8000 /dev/zero | pyipcs send 0x1234
head -c 6500 /dev/zero | pyipcs send 0x1234
pyipcs recv 0xcafe -F >/dev/null &
pyipcs send 0xcafe hello
until pyipcs list -q -o KEY,MSGS,STATE -f csv | grep -q cafe,0,in-use; do sleep 0.01; done
pyipcs list
kill $!
"""


def _shape(text: str) -> str:
    """Replace the parts of a text that differ from run to run."""
    days, months = "(Mon|Tue|Wed|Thu|Fri|Sat|Sun)", "[A-Z][a-z]{2}"
    text = re.sub(rf"{days} {months} .\d", "Day", text)
    text = re.sub(rf"\b{months}\d\d\b", "00:00", text)  # yesterday, just after midnight
    text = text.replace("suspect", "unknown")  # after two seconds nothing changed together
    return re.sub("─+", "─", re.sub(" +", " ", re.sub(r"\d+", "0", text)))


def test_readme_has_recipes() -> None:
    assert len(SYSV_RECIPES) > 8
    assert len(POSIX_RECIPES) > 8


def test_readme_has_the_commands_for_use_and_tests() -> None:
    blocks = re.findall(r"^```sh\n(.*?)\n```$", README, re.MULTILINE | re.DOTALL)
    assert blocks[:2] == [
        "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/pyipcs list",
        "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest",
    ]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"test", "dev"} <= set(extras["optional-dependencies"])


def test_readme_documents_all_json_keys(objects: Objects) -> None:
    table = README[README.index("| object | keys |") :].split("\n\n")[0]
    documented = set(re.findall(r"`(\w+)`", table))
    for kind in SYSV:
        objects.make(kind)
    found = set(Semaphore._fields) | {"semaphores", "limits", "usage", "taken"}
    everything = {column.name for kind in SYSV for column in OF_KIND[kind]}
    for args in (["-l"], ["-u"], [], ["-o", f"+{','.join(everything)}"]):
        found |= _keys(invoke("list", "-J", *args).out)
    assert documented == found - {"queues", "shmems"}


def test_readme_documents_all_json_keys_of_posix_objects(shm: ShmFiles, own_mqueue: None) -> None:
    table = README[README.index("| POSIX object | keys |") :].split("\n\n")[0]
    documented = set(re.findall(r"`(\w+)`", table))
    shm.file(b"not-utf-8-\xff")
    shm.file("sem.semaphore", glibc_semaphore(1))
    everything = {column.name for kind in POSIX for column in OF_KIND[kind]}
    found: set[str] = set()
    with queue("/queue"):
        for args in (["-l"], ["-u"], [], ["-o", f"+{','.join(everything)}"]):
            found |= _keys(invoke("list", "--posix", "-J", *args).out)
    taken = _keys(invoke("list", "-J").out) - {"queues", "shmems", "semaphores"}
    shared = {"ipc_namespace", "queues"}  # a column, and a count of usage
    assert documented - shared == found - taken - {kind.collection for kind in POSIX} - shared
    assert shared <= documented & found


def test_readme_has_the_reasons_for_unseen_queues() -> None:
    table = README[README.index("| POSIX queues cannot be listed:") :].split("\n\n")[0]
    rows = re.findall(r"^\| (.*) \| [01] \|$", table, re.MULTILINE)
    source = (ROOT / "pyipcs/posix/mqueue.py").read_text().replace("{PATH}", "/dev/mqueue")
    assert len(rows) == 6
    assert [row for row in rows if row not in source] == []


def test_readme_documents_all_metrics_of_posix_objects(shm: ShmFiles, own_mqueue: None) -> None:
    section = README[README.index("### JSON and metrics of POSIX") :].split("\n### ")[0]
    shm.file("segment")
    shm.file("sem.semaphore", glibc_semaphore(1))
    with queue("/queue"):
        text = invoke("list", "--posix", "-f", "openmetrics").out
    names = re.findall(r"^# TYPE posixipc_(\w+)", text, re.MULTILINE)
    assert len(names) > 10
    assert [name for name in names if not re.search(rf"`(posixipc_)?{name}`", section)] == []


def _keys(text: str) -> set[str]:
    return set(re.findall(r'"(\w+)": ', text))


def test_readme_script_links_the_files_of_a_virtual_environment(tmp_path: Path) -> None:
    (script,) = re.findall(r"^```sh\n([^`]*cp -rsf.*?)^```$", README, re.MULTILINE | re.DOTALL)
    for here, there in shared_files().items():
        (tmp_path / ".venv" / there).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / ".venv" / there).symlink_to(ROOT / here)
    home = tmp_path / "home"
    for _ in range(2):  # and again after an upgrade
        assert run("bash", "-euc", script, env={"HOME": str(home)}, cwd=tmp_path) == (0, "", "")
    for here, there in shared_files().items():
        assert (home / ".local" / there).read_bytes() == (ROOT / here).read_bytes()


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
