"""Help: commands by purpose, options in groups, examples that work."""

import os
import re
from pathlib import Path

import pytest

from pyipcs.cli import app
from pyipcs.describe import man
from tests.kit.documents import IN_NEW_NAMESPACE
from tests.kit.posix import ShmFiles
from tests.kit.program import PYIPCS, invoke, run


def test_help_lists_commands_by_purpose() -> None:
    out = invoke("--help").out
    assert out == invoke().out
    positions = [out.index(f"\n{title}:\n") for title in app.PURPOSES]
    assert positions == sorted(positions)
    for name, summary in app.COMMANDS.items():
        assert re.search(f"^  {name} +{re.escape(summary)}$", out, re.MULTILINE)
    assert sum(map(len, app.PURPOSES.values())) == len(app.COMMANDS)
    assert re.findall("^(.*):$", out, re.MULTILINE) == [*app.PURPOSES, "General"]


@pytest.mark.parametrize("name", app.COMMANDS)
def test_help_of_a_command_starts_with_its_summary(name: str) -> None:
    help_ = app.load(name).help
    assert help_
    assert help_.splitlines()[0] == app.COMMANDS[name]


@pytest.mark.parametrize("name", app.COMMANDS)
def test_help_lists_options_in_groups(name: str) -> None:
    titles = [title for title, _ in app.load(name).grouped()]
    assert len(titles) == len({*titles})
    assert "Options" not in titles
    assert titles[-1] == "General"
    out = invoke(name, "--help").out
    positions = [out.index(f"\n{title}:\n  -") for title in titles]
    assert positions == sorted(positions)
    options = [option for _, group in app.load(name).grouped() for option in group]
    assert len(options) == sum(
        parameter.param_type_name == "option" for parameter in app.load(name).params
    )
    assert all(option.help for option in options)


@pytest.mark.parametrize("name", app.COMMANDS)
def test_help_examples_fit_into_80_columns(name: str) -> None:
    out = invoke(name, "--help").out
    assert len(app.load(name).examples) == 3
    for line, purpose in app.load(name).examples:
        assert f"  $ {line}\n      {purpose}\n" in out
        assert f"pyipcs {name} " in f"{line} "
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.slow
@pytest.mark.tools("unshare")
def test_help_examples_work_in_the_order_of_the_manual(
    tmp_path: Path, shm: ShmFiles, isolated: None
) -> None:
    commands = man.in_sequence(app.load(name) for name in app.COMMANDS)
    lines = [line for command in commands for line, _ in command.examples]
    (tmp_path / "tests.sh").write_text("#!/bin/sh\n")
    (tmp_path / "tests.sh").chmod(0o755)
    env = {"PATH": f"{Path(PYIPCS).parent}:{os.environ['PATH']}"}
    script = "".join(f"{line} || exit\necho done >&2\n" for line in lines)
    result = run(*IN_NEW_NAMESPACE, "bash", "-uc", script, env=env, cwd=tmp_path)
    assert (result.status, result.err) == (0, "done\n" * 3 * len(app.COMMANDS))
