"""Templates of the generated files, each in the language of its file."""

import re
from collections.abc import Iterable
from pathlib import Path

MADE = "Made by `python -m pyipcs.describe`; do not edit."
FOLDER = Path(__file__).parent / "templates"


def read(name: str) -> list[str]:
    """Return the lines of a template; none if there is no such template."""
    path = FOLDER / name
    return path.read_text().splitlines() if path.exists() else []


def fill(template: Iterable[str], **parts: Iterable[str]) -> str:
    """Return a template, each line with @NAME@ replaced by that part's lines."""

    def lines_for(line: str) -> Iterable[str]:
        placeholder = re.search("@([A-Z]+)@", line)
        return parts[placeholder[1]] if placeholder else [line]

    return "".join(f"{line}\n" for each in template for line in lines_for(each))
