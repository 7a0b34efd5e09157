"""The program as a whole: help, version, what it says and how it ends."""

import errno
import re
from collections.abc import Iterator

import pytest

from pyipcs import __version__
from pyipcs.cli import COMMANDS
from pyipcs.cli.output import Output
from pyipcs.columns import OF_KIND
from pyipcs.errors import IpcError
from pyipcs.model import Kind
from tests.kit.kernel import Objects
from tests.kit.program import invoke


def test_alone_it_shows_its_commands() -> None:
    result = invoke()
    assert (result.status, result.err) == (0, "")
    for name in COMMANDS:
        assert f"\n  {name} " in result.out
    assert result == invoke("--help") == invoke("-h")


@pytest.mark.parametrize("args", [(), *((name,) for name in COMMANDS)])
def test_version_and_help(args: tuple[str, ...]) -> None:
    assert invoke(*args, "-V") == invoke(*args, "--version") == (0, f"pyipcs {__version__}\n", "")
    assert invoke(*args, "-h") == invoke(*args, "--help")
    assert invoke(*args, "-h").out.startswith(f"Usage: {' '.join(('pyipcs', *args))} ")


@pytest.mark.parametrize("wrong", ["-i x", "-z", "operand", "--nope", "--s", "-q=", "-i"])
def test_help_helps_beside_what_is_wrong(wrong: str) -> None:
    assert invoke("list", "--help", *wrong.split()) == invoke("list", "--help")
    assert invoke("list", "-V", *wrong.split()).status == 0


@pytest.mark.parametrize("args", ["lst", "--nope", "list --nope", "LIST"])
def test_an_unknown_word_is_one_line(args: str) -> None:
    result = invoke(*args.split())
    assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)
    assert result.err.startswith("pyipcs: ")


def test_errors_are_coloured_where_that_is_wanted() -> None:
    assert invoke("list", "--color", "always", "-q", "-i", "2147483647").err.startswith(
        "\x1b[1;31mpyipcs:\x1b[0m id "
    )
    assert invoke("list", "--color=never", "-q", "-i", "2147483647").err.startswith("pyipcs: id ")
    assert invoke("list", "--color", "blue").status == 2
    assert invoke("list", "--nope", "--color", "always").err.startswith("\x1b[1;31mpyipcs:\x1b[0m")


@pytest.mark.parametrize("args", [(), *((name,) for name in COMMANDS)])
def test_help_can_be_written_in_any_charset(args: tuple[str, ...]) -> None:
    assert invoke(*args, "--help").out.isascii()


@pytest.mark.parametrize("word", ["foo...", "--foo...", "no\\such", "5."])
def test_words_are_told_as_typed(word: str) -> None:
    assert f"{word}" in invoke("rm", word).err


def test_a_stray_variable_of_clicks_does_not_replace_the_command() -> None:
    for value in ("bash_complete", "x"):
        env = {"_PYIPCS_COMPLETE": value, "_IPCS_COMPLETE": value}
        assert invoke("list", "-l", env=env) == invoke("list", "-l")
        assert invoke("-l", program="ipcs", env=env) == invoke("list", "-l")


def test_an_invalid_variable_is_told_by_its_name() -> None:
    result = invoke("list", env={"PYIPCS_FORMAT": "xml"})
    assert result.err.startswith("pyipcs: list: PYIPCS_FORMAT: 'xml' is not one of")
    assert invoke("list", "-qJ", env={"PYIPCS_FORMAT": "xml"}).status == 0
    refused = invoke("rm", "-q", "2147483647", env={"PYIPCS_FORMAT": "openmetrics"})
    assert (refused.status, refused.err) == (1, "pyipcs: invalid id (2147483647)\n")


def test_what_was_typed_is_told_on_one_line_and_cannot_reach_the_terminal() -> None:
    result = invoke("rm", "-q", "\x1b[31m\n5")
    assert result.status == 2
    assert "\x1b" not in result.err
    assert result.err.count("\n") == 1
    assert "'\\x1b[31m\\n5'" in result.err
    assert "'\\xff'" in invoke("rm", "-q", b"\xff".decode(errors="surrogateescape")).err


def test_scripts_that_call_a_peer_get_its_format() -> None:
    env = {"PYIPCS_FORMAT": "json"}
    assert invoke("-l", program="ipcs", env=env) == invoke("list", "-l")
    assert invoke("list", "-l", env=env) == invoke("list", "-l", "-J")


def test_what_is_read_and_fails_is_no_write_error() -> None:
    """Bytes come from somewhere, and that may be what fails."""

    def pieces() -> Iterator[bytes]:
        yield b""
        raise IpcError(errno.EIO, "no page")

    with pytest.raises(IpcError, match="no page"):
        Output().pour(pieces())


def test_names_pass_a_pipe_byte_for_byte(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyipcs.render import plain

    plain._short_name.cache_clear()
    name = b"r\xff\xc3\xa9t".decode(errors="surrogateescape")
    monkeypatch.setattr(plain, "user_name", lambda _uid: name)
    objects.queue()
    out = invoke("list", "-q").out
    plain._short_name.cache_clear()
    assert f" {name}     6" in out or f" {name}      6" in out


@pytest.mark.parametrize("command", ["list", "stat", "rm"])
def test_help_lists_the_columns(command: str) -> None:
    out = invoke(command, "--help").out
    kinds = [Kind.QUEUE] if command == "stat" else [*Kind]
    for kind in kinds:
        for column in OF_KIND[kind]:
            assert re.search(
                rf"^  {re.escape(column.name)} +{re.escape(column.help)}$", out, re.MULTILINE
            )
