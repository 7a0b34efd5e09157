"""What --help teaches: commands by purpose, options by what they are for, examples that work."""

import os
import re
from pathlib import Path

import pytest

from pyipcs import cli
from pyipcs.describe import man
from tests.kit.documents import IN_NEW_NAMESPACE
from tests.kit.program import PYIPCS, invoke, run


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
    titles = [title for title, _ in cli.load(name).grouped()]
    assert len(titles) == len({*titles})
    assert "Options" not in titles
    assert titles[-1] == "General"
    out = invoke(name, "--help").out
    places = [out.index(f"\n{title}:\n  -") for title in titles]
    assert places == sorted(places)
    options = [option for _, group in cli.load(name).grouped() for option in group]
    assert len(options) == sum(
        1 for one in cli.load(name).params if one.param_type_name == "option"
    )
    assert all(option.help for option in options)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_examples_fit_into_the_help(name: str) -> None:
    out = invoke(name, "--help").out
    assert len(cli.load(name).examples) == 3
    for line, words in cli.load(name).examples:
        assert f"  $ {line}\n      {words}\n" in out
        assert f"pyipcs {name} " in f"{line} "
    assert max(map(len, out.splitlines())) <= 80


def test_the_examples_work_one_after_the_other(tmp_path: Path, isolated: None) -> None:
    """As the manual has them, in an empty namespace."""
    commands = man.in_sequence(cli.load(name) for name in cli.COMMANDS)
    lines = [line for one in commands for line, _ in one.examples]
    (tmp_path / "tests.sh").write_text("#!/bin/sh\n")
    (tmp_path / "tests.sh").chmod(0o755)
    env = {"PATH": f"{Path(PYIPCS).parent}:{os.environ['PATH']}"}
    script = "".join(f"{line} || exit\necho done >&2\n" for line in lines)
    result = run(*IN_NEW_NAMESPACE, "bash", "-uc", script, env=env, cwd=tmp_path)
    assert (result.status, result.err) == (0, "done\n" * 3 * len(cli.COMMANDS))
