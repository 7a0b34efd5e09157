"""Examples of README and the manual, run in a new IPC namespace."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from tests.kit.documents import IN_NEW_NAMESPACE
from tests.kit.program import PYIPCS, run


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


def pasted(pages: Iterable[str]) -> list[str]:
    """Return the lines with pyipcs of files for CI and cron."""
    return [
        line.strip().strip("'")
        for page in pages
        for line in re.findall(r"(?:^ *- |^ *- run: |bin/)(pyipcs [^']*?)'?$", page, re.MULTILINE)
    ]
