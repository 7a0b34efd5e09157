"""Help, version, messages and variables of the program as a whole."""

import re

import pytest

from pyipcs import __version__
from pyipcs.cli.app import COMMANDS
from pyipcs.cli.options.output import FORMATS, TIME_FORMATS
from pyipcs.model import Kind
from pyipcs.query.columns import OF_KIND, RESOURCE
from tests.kit.program import invoke
from tests.messages.runners import on_darwin


def test_pyipcs_without_command_lists_the_commands() -> None:
    result = invoke()
    assert (result.status, result.err) == (0, "")
    for name in COMMANDS:
        assert f"\n  {name} " in result.out
    assert result == invoke("--help") == invoke("-h")


@pytest.mark.parametrize("args", [(), *((name,) for name in COMMANDS)])
def test_help_and_version_have_short_and_long_options(args: tuple[str, ...]) -> None:
    assert invoke(*args, "-V") == invoke(*args, "--version") == (0, f"pyipcs {__version__}\n", "")
    assert invoke(*args, "-h") == invoke(*args, "--help")
    assert invoke(*args, "-h").out.startswith(f"Usage: {' '.join(('pyipcs', *args))} ")


def test_version_prints_what_the_option_prints() -> None:
    assert invoke("version") == invoke("--version") == (0, f"pyipcs {__version__}\n", "")


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("width", ["80", "200"])
def test_help_of_a_command_equals_its_option(name: str, width: str) -> None:
    env = {"COLUMNS": width}
    assert invoke("help", name, env=env) == invoke(name, "--help", env=env)


def test_help_without_topic_lists_the_commands() -> None:
    assert invoke("help") == invoke("--help")


def test_help_columns_describes_the_columns_of_all_kinds_and_of_limits() -> None:
    result = invoke("help", "columns")
    assert (result.status, result.err) == (0, "")
    for column in {*(column for columns in OF_KIND.values() for column in columns), *RESOURCE}:
        pattern = rf"^  {re.escape(column.name)} +{re.escape(column.help)}$"
        assert re.search(pattern, result.out, re.MULTILINE), column.name
    titles = re.findall("^(.*):$", result.out, re.MULTILINE)
    families = ["all System V kinds", "all POSIX kinds"]
    kinds = [*families, *(kind.plural for kind in Kind), "limits and usage"]
    assert titles == [f"Columns of {kind}" for kind in kinds]


def test_help_formats_describes_each_format() -> None:
    out = invoke("help", "formats").out
    for name, description in {**FORMATS, **TIME_FORMATS}.items():
        assert re.search(rf"^  {name} +{re.escape(description)}$", out, re.MULTILINE)


def test_help_and_completion_work_on_other_systems() -> None:
    for args in (("help", "list"), ("help", "columns"), ("version",), ("completion", "zsh")):
        result = on_darwin(*args)
        assert (result.status, result.err) == (0, "")


@pytest.mark.parametrize("wrong", ["-i x", "-z", "operand", "--nope", "--s", "-q=", "-i"])
def test_help_beside_wrong_options_is_printed(wrong: str) -> None:
    assert invoke("list", "--help", *wrong.split()) == invoke("list", "--help")
    assert invoke("list", "-V", *wrong.split()).status == 0


def test_color_always_colours_the_prefix_of_errors() -> None:
    assert invoke("list", "--color", "always", "-q", "-i", "2147483647").err.startswith(
        "\x1b[1;31mpyipcs:\x1b[0m id "
    )
    assert invoke("list", "--color=never", "-q", "-i", "2147483647").err.startswith("pyipcs: id ")
    assert invoke("list", "--color", "blue").status == 2
    assert invoke("list", "--nope", "--color", "always").err.startswith("\x1b[1;31mpyipcs:\x1b[0m")


@pytest.mark.parametrize("args", [(), *((name,) for name in COMMANDS)])
def test_help_is_ascii(args: tuple[str, ...]) -> None:
    assert invoke(*args, "--help").out.isascii()


@pytest.mark.parametrize("word", ["foo...", "--foo...", "no\\such", "5."])
def test_usage_error_repeats_the_word_as_typed(word: str) -> None:
    assert word in invoke("rm", word).err


def test_completion_variable_of_click_is_ignored() -> None:
    for value in ("bash_complete", "x"):
        env = {"_PYIPCS_COMPLETE": value, "_IPCS_COMPLETE": value}
        assert invoke("list", "-l", env=env) == invoke("list", "-l")
        assert invoke("-l", program="ipcs", env=env) == invoke("list", "-l")


def test_format_variable_invalid_is_reported_by_its_name() -> None:
    result = invoke("list", env={"PYIPCS_FORMAT": "xml"})
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert result.err.startswith("pyipcs: list: PYIPCS_FORMAT: 'xml': not one of table, ")


def test_format_variable_is_ignored_beside_an_option_and_where_it_cannot_apply() -> None:
    assert invoke("list", "-qJ", env={"PYIPCS_FORMAT": "xml"}).status == 0
    refused = invoke("rm", "-q", "2147483647", env={"PYIPCS_FORMAT": "openmetrics"})
    assert refused == invoke("rm", "-q", "2147483647")
    assert refused.status == 1


def test_usage_error_escapes_control_characters() -> None:
    result = invoke("rm", "-q", "\x1b[31m\n5")
    assert result.status == 2
    assert "\x1b" not in result.err
    assert result.err.count("\n") == 1
    assert "'\\x1b[31m\\n5'" in result.err
    assert "'\\xff'" in invoke("rm", "-q", b"\xff".decode(errors="surrogateescape")).err


def test_format_variable_is_ignored_by_ipcs() -> None:
    env = {"PYIPCS_FORMAT": "json"}
    assert invoke("-l", program="ipcs", env=env) == invoke("list", "-l")
    assert invoke("list", "-l", env=env) == invoke("list", "-l", "-J")


@pytest.mark.parametrize("command", ["list", "stat", "rm"])
def test_help_of_listing_commands_points_to_columns_and_formats(command: str) -> None:
    out = invoke(command, "--help").out
    assert out.endswith(
        "\n\n  See `pyipcs help columns` and `pyipcs help formats` for the names.\n"
    )
    assert "QBYTES " not in out
    assert "OpenMetrics" not in out


def test_help_of_commands_with_own_formats_lists_them() -> None:
    assert "\n--format:\n" in invoke("recv", "--help").out
    assert "pyipcs help" not in invoke("recv", "--help").out


@pytest.mark.parametrize("command", ["list", "rm"])
def test_help_of_list_and_rm_fits_in_80_lines(command: str) -> None:
    lines = invoke(command, "--help", env={"COLUMNS": "80"}).out.splitlines()
    assert len(lines) <= 80
    assert max(map(len, lines)) <= 80
