"""What --help teaches: commands by purpose, options by what they are for, examples that work."""

import os
import re
import sys
from pathlib import Path

import pytest

from pyipcs import cli
from pyipcs.cli.argv import Grammar
from tests.program import PYIPCS, invoke, run
from tests.test_docs import FRESH

# What the examples find: the objects, and the files beside them.
THERE = """
import sys
from pyipcs.cli import main
for line in (
    "make -Q -k 0x1234",
    "send 0x1234 one two three",
    "make -S 3 -k 0x10c --values 1,1,1",
    "make -M 64K -k 0x5e9",
):
    sys.stdout = open("/dev/null", "w")
    assert main(["pyipcs", *line.split()]) == 0
"""


def command(name: str) -> Grammar:
    found = cli.load(name)
    assert isinstance(found, Grammar)
    return found


def test_the_commands_stand_by_purpose() -> None:
    out = invoke().out
    places = [out.index(f"\n{title}:\n") for title in cli.PURPOSES]
    assert places == sorted(places)
    for name, words in cli.COMMANDS.items():
        assert f"  {name:5}  {words}\n" in out
    assert sum(map(len, cli.PURPOSES.values())) == len(cli.COMMANDS)
    assert re.findall("^(.*):$", out, re.MULTILINE) == [*cli.PURPOSES, "General"]


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_options_stand_in_groups(name: str) -> None:
    titles = [title for title, _ in command(name).grouped()]
    assert len(titles) == len({*titles})
    assert "Options" not in titles
    assert titles[-1] == "General"
    out = invoke(name, "--help").out
    places = [out.index(f"\n{title}:\n  -") for title in titles]
    assert places == sorted(places)
    options = [option for _, group in command(name).grouped() for option in group]
    assert len(options) == sum(1 for one in command(name).params if one.param_type_name == "option")
    assert all(option.help for option in options)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_examples_fit_into_the_help(name: str) -> None:
    out = invoke(name, "--help").out
    assert len(command(name).examples) == 3
    for line, words in command(name).examples:
        assert f"  $ {line}\n      {words}\n" in out
        assert f"pyipcs {name} " in f"{line} "
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_examples_work(name: str, tmp_path: Path, isolated: None) -> None:
    (tmp_path / "tests.sh").write_text("#!/bin/sh\n")
    (tmp_path / "tests.sh").chmod(0o755)
    (tmp_path / "copy").write_bytes(b"copied")
    env = {"PATH": f"{Path(PYIPCS).parent}:{os.environ['PATH']}"}
    lines = "".join(f"{line}\n" for line, _ in command(name).examples)
    there = "" if name == "make" else THERE  # which makes the same objects
    script = f'pyipcs list -J >before.json; "$1" -c "$2"\n{lines}'
    result = run(
        *FRESH, "bash", "-euc", script, "bash", sys.executable, there, env=env, cwd=tmp_path
    )
    assert (result.status, result.err) == (0, "")
