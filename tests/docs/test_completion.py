"""Completion: the words that the program offers, and Tab in real shells."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from pwd import getpwuid

import pytest

from pyipcs import describe
from pyipcs.describe import grammar
from tests.kit.child import clear_caches
from tests.kit.documents import ROOT
from tests.kit.kernel import Objects
from tests.kit.mqueue import queue
from tests.kit.posix import ShmFiles, glibc_semaphore
from tests.kit.program import PYIPCS, Result, forked, need_tool, run
from tests.kit.shells import BASH_COMPLETION, EVALUATING, SHELLS, Shell, link


def test_generated_files_are_current() -> None:
    """`python -m pyipcs.describe` writes them."""
    for name, text in describe.files().items():
        assert (ROOT / name).read_text() == text, f"{name} is out of date"


def test_describe_writes_all_files(tmp_path: Path) -> None:
    assert run(sys.executable, "-m", "pyipcs.describe", str(tmp_path)).status == 0
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {
        tmp_path / name for name in describe.files()
    }


# Programs that read the shells' code and run nothing.
CHECKS = {
    "pyipcs.bash": ("shellcheck",),
    "_pyipcs": ("zsh", "-f", "-n"),
    "pyipcs.fish": ("fish", "--no-config", "-n"),
}
TEMPLATES = ROOT / "pyipcs" / "describe" / "templates"


@pytest.mark.parametrize(
    ("check", "path"),
    [
        pytest.param(check, path, id=path.name, marks=pytest.mark.tools(check[0]))
        for name, check in CHECKS.items()
        for path in (TEMPLATES / f"{name}.in", ROOT / "completions" / name)
    ],
)
def test_syntax_check_of_a_script_reports_nothing(check: tuple[str, ...], path: Path) -> None:
    assert run(*check, str(path)) == (0, "", "")


@pytest.mark.parametrize(
    "check", [pytest.param(one, marks=pytest.mark.tools(one[0])) for one in CHECKS.values()]
)
def test_syntax_check_of_an_open_quote_fails(check: tuple[str, ...], tmp_path: Path) -> None:
    """The checks would also be silent if their options made them read nothing."""
    (tmp_path / "open.bash").write_text('echo "\n')
    assert run(*check, str(tmp_path / "open.bash")).status != 0


# The words that --complete offers.


def offered(what: str, *words: str) -> list[tuple[str, str]]:
    """Return the offered words with their descriptions."""
    result = forked("--complete", what, *words, first=clear_caches)
    assert (result.status, result.err) == (0, "")
    rows = [line.split("\t") for line in result.out.splitlines()]
    return [(word, description) for word, description in rows]


@pytest.fixture
def user() -> str:
    """Return the name of the user who creates the objects."""
    return getpwuid(os.geteuid()).pw_name


@pytest.fixture
def there(objects: Objects, shm: ShmFiles, isolated: None) -> dict[str, int]:
    """Create one object of each kind with a key, a queue without one, and files in /dev/shm."""
    shm.file("tab-segment", b"x" * 4096)
    shm.file("sem.tab-lock", glibc_semaphore(3))
    queue = objects.queue(0x1234, mode=0o600)
    assert run(PYIPCS, "send", str(queue), "one", "seven").status == 0
    return {
        "queue": queue,
        "private": objects.queue(0),
        "segment": objects.segment(0x1235, size=65536),
        "set": objects.semaphores(0x1236, nsems=3),
    }


def test_complete_target_offers_keys(there: dict[str, int], user: str) -> None:
    queue = ("0x00001234", f"id {there['queue']}: 2 messages, 8 bytes, {user}")
    private = (
        str(there["private"]),
        f"message queue {there['private']}, no key: 0 messages, 0 bytes, {user}",
    )
    segment = ("0x00001235", f"id {there['segment']}: 64K, 0 attached, {user}")
    array = ("0x00001236", f"id {there['set']}: 3 semaphores, {user}")
    # The kernel lists objects by their index, which depends on earlier ones.
    assert sorted(offered("target:msg", "")) == sorted([queue, private])
    assert offered("target:shm", "") == [segment]
    assert offered("target:sem", "0x") == [array]
    names = [name for name, _ in offered("target", "")]
    assert sorted(names) == sorted([queue[0], private[0], segment[0], array[0]])
    for flag in ("-m", "-om", "--shm", "--shmems"):
        kinds = [segment] if flag != "-om" else [queue, private, segment, array]
        assert len(offered("target", "", "stat", flag)) == len(kinds)
    assert offered("target", "", "stat", "-qs", "-f", "json")[0][1].startswith("message queue ")


def test_complete_target_offers_ids_and_short_keys_for_a_prefix(there: dict[str, int]) -> None:
    key, object_id = "0x00001234", str(there["queue"])
    names = [name for name, _ in offered("target:msg", object_id)]
    assert object_id in names
    assert (key in names) == (object_id == "0")
    assert [name for name, _ in offered("target:msg", "0x12")] == ["0x1234"]
    assert [name for name, _ in offered("target:msg", "key:")] == [f"key:{key}"]
    assert f"id:{object_id}" in [name for name, _ in offered("target:msg", "id:")]
    assert offered("target:msg", "ftok:") == []
    assert [name for name, _ in offered("key:msg", "")] == [key]
    assert object_id in [name for name, _ in offered("id:msg", "")]
    assert offered("target:msg", "9x") == []


@pytest.mark.parametrize("families", [[], ["--sysv"], ["--sysv", "--posix"], ["--posix", "--sy"]])
def test_complete_key_offers_those_of_the_chosen_families(
    families: list[str], there: dict[str, int]
) -> None:
    keys = [name for name, _ in offered("key", "", "list", *families)]
    assert "0x00001234" in keys
    assert "key:0x00001234" in [name for name, _ in offered("target", "key:", *families)]


def test_complete_name_offers_posix_objects(
    there: dict[str, int], own_mqueue: None, user: str
) -> None:
    segment = ("/tab-segment", f"POSIX segment: 4K, {user}")
    lock = ("/tab-lock", f"POSIX semaphore: value 3, {user}")
    with queue("/tab-queue", sizes=(2, 64)):
        jobs = ("/tab-queue", f"POSIX queue: {user}")
        if os.geteuid() == 0:  # an ordinary user sees queues only beside one that it may open
            assert offered("name:pmsg", "") == [jobs]
        assert sorted(offered("name", "")) == sorted([jobs, segment, lock])
        assert offered("name", "", "list", "-Q") == [jobs]
        assert offered("target:msg", "/tab", "send") == [jobs]
        assert offered("target:msg", "", "recv")[0][0] != "/tab-queue"
    assert offered("name:pshm", "") == [segment]
    assert offered("name", "/tab-s", "list", "-S") == []
    assert offered("name", "/tab-", "list", "--posix-shm") == [segment]
    assert sorted(offered("target", "/tab-", "stat")) == sorted([segment, lock])
    assert offered("target", "/", "stat", "-m") == [segment]
    assert offered("target", "/nothing", "stat") == []
    assert offered("target:msg", "/tab-", "recv") == []
    assert offered("target:shm", "/", "read") == [segment]
    assert offered("target:sem", "/t", "op") == [lock]


def test_complete_name_of_special_characters_is_not_offered(shm: ShmFiles) -> None:
    for name in ("with space", "new\nline", "\x1b[31m", "\udcff", "a'b", "$(reboot)", "`id`", "*"):
        shm.file(name)
    shm.file("plain-1.x")
    assert [name for name, _ in offered("name", "")] == ["/plain-1.x"]


def test_complete_name_beside_hostile_files_offers_objects_alone(shm: ShmFiles) -> None:
    shm.hostile()
    shm.file("data")
    assert [name for name, _ in offered("name", "")] == ["/data"]


def test_complete_target_with_ns_offers_the_objects_of_that_namespace(
    there: dict[str, int],
) -> None:
    assert offered("target", "", "list", "--ns", f"{os.getpid()}") == offered("target", "")
    for words in (("--ns", "/dev/null"), ("--ns=/nowhere",), ("--ns", ".")):
        assert run(PYIPCS, "--complete", "target", "", *words) == Result(1, "", "")


def test_complete_process_offers_pids_with_names() -> None:
    name = Path("/proc/self/comm").read_text().removesuffix("\n")
    own = str(os.getpid())
    assert (own, name) in offered("process", own)
    assert own in [pid for pid, _ in offered("process", "")]
    assert "2" not in [pid for pid, name in offered("process", "2") if name == "kthreadd"]
    assert offered("process", "x") == []


@pytest.mark.parametrize("args", [(), ("what",), ("target:none", ""), ("id:", "\x1b")])
def test_complete_of_unknown_words_prints_nothing(args: tuple[str, ...]) -> None:
    result = run(PYIPCS, "--complete", *args)
    assert (result.out, result.err) == ("", "")


def test_completion_imports_no_click() -> None:
    script = "import sys; from pyipcs import completion; print('click' in sys.modules)"
    assert run(sys.executable, "-c", script).out == "False\n"


def test_complete_target_finds_kinds_only_before_an_option_with_a_value(
    there: dict[str, int],
) -> None:
    """In -om the letter m is the value of -o, in -bm it is an option."""
    options = {
        name[1]: bool(option.value)
        for command in grammar.commands()
        if command.name != "make"  # there -q creates a queue
        if any("-q" in option.names and not option.value for option in command.options)
        for option in command.options
        for name in option.names
        if len(name) == 2 and name[1] not in "qms"
    }
    assert {*options.values()} == {True, False}
    for letter, has_value in options.items():
        kinds = offered("target", "", "stat", f"-{letter}m")
        assert len(kinds) == (4 if has_value else 1), letter


# The files that the program prints.


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
@pytest.mark.installed
def test_completion_prints_the_file_byte_for_byte(name: str, tmp_path: Path) -> None:
    file = {"bash": "pyipcs.bash", "zsh": "_pyipcs", "fish": "pyipcs.fish"}[name]
    prefix = os.environ.get("PYIPCS_TEST_PREFIX")
    program = f"{prefix}/bin/pyipcs" if prefix else PYIPCS
    with (tmp_path / "printed").open("wb") as printed:
        command = [program, "completion", name]
        assert subprocess.run(command, stdout=printed, cwd=tmp_path, check=False).returncode == 0
    assert (tmp_path / "printed").read_bytes() == (ROOT / "completions" / file).read_bytes()


def test_completion_without_the_file_fails(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "pyipcs", tmp_path / "pyipcs")
    command = (sys.executable, "-m", "pyipcs", "completion", "bash")
    result = run(*command, cwd=tmp_path)
    path = tmp_path / "pyipcs" / "completions" / "pyipcs.bash"
    assert result == (1, "", f"pyipcs: {path}: No such file or directory\n")
    (tmp_path / "pyipcs" / "completions").mkdir()
    path.write_text("of the wheel")
    assert run(*command, cwd=tmp_path) == (0, "of the wheel", "")


# Tab in the shells.


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    """Start a shell with the files of an installed wheel, or the project's."""
    name: str = request.param
    need_tool(name.split(maxsplit=1)[0])
    if name == "bash" and not Path(BASH_COMPLETION).exists():
        need_tool("bash-completion")
    prefix = os.environ.get("PYIPCS_TEST_PREFIX")
    (tmp_path / "home").mkdir()
    installed = Path(prefix) if prefix else link(tmp_path / "prefix")
    started = Shell(name, tmp_path / "home", installed)
    yield started
    started.end()


# Typed keys, and a pattern that is then shown. In bash two tabs list the words.
SEEN = {
    "pyipcs vers\t": r"version ",
    "pyipcs help col\t": r"help columns ",
    "pyipcs help re\t\t": r"recv.*\n?.*Receive messages from a queue, or peek at them",
    "pyipcs completion z\t": r"completion zsh ",
    "pyipcs rec\t": r"recv ",
    "pyipcs r\t\t": r"recv.*\n?.*Receive messages from a queue, or peek at them",
    "pyipcs recv \t\t\t": r"0x00001234\b.* 2 messages, 8 bytes, (?s:.*), no key: 0 messages",
    "pyipcs stat -m 0x12\t": r"0x1235 ",
    "pyipcs op \t": r"0x00001236 ",
    "pyipcs op 0x1236 \t\t": r"wait for semaphore 0 and decrement it",
    "pyipcs rm msg \t\t\t": r"message queue \d+, 0x00001234: 2 messages",
    "pyipcs rm \t\t\t": r"0x00001235\b(?s:.*)\b(msg|sem)\b|\b(msg|sem)\b(?s:.*)0x00001235\b",
    "pyipcs rm 0x1235 0x12\t\t\t": r"0x1236\b",
    "pyipcs rm ms\t": r"rm msg ",
    "pyipcs rm key:0x00001235\t": r"key:0x00001235 ",
    "pyipcs rm --all=se\t": r"--all=sem",
    "pyipcs list -q -o KEY,LS\t": r"KEY,LSPID",
    "pyipcs list --output=+USE\t\t": r"USE%(?s:.*)Owner's name",
    "pyipcs list --sort=-NAT\t": r"--sort=-NATTCH",
    "pyipcs list --ns /pro\t": r"--ns /proc/",
    "pyipcs list -N /tab-s\t": r"-N /tab-segment ",
    "pyipcs stat /tab-l\t": r"stat /tab-lock ",
    "pyipcs stat -m /tab-\t": r"stat -m /tab-segment ",
    "pyipcs list --format=ope\t": r"--format=openmetrics",
    "pyipcs list --owner roo\t": r"--owner root",
    "pyipcs set 0x1234 --owner root:daem\t": r"root:daemon",
    "pyipcs recv 0x1234 --unpack \t\t": r"char\[8\]",
    "pyipcs recv 0x1234 --pe\t": r"--peek ",
    "pyipcs make -k ftok:/usr/shar\t": r"ftok:/usr/share/",
    "pyipcs key /usr/shar\t": r"key /usr/share/",
    "pyipcs make -p 6\t\t": r"everyone",
    # Attached and quoted values, and redirections.
    "pyipcs list --not-in=/usr/shar\t": r"--not-in=/usr/share/",
    "pyipcs list --owner=roo\t": r"--owner=root",
    "pyipcs list -f 'openm\t": r"'openmetrics'",
    'pyipcs op "0x1\t': r"\"0x1236\"",
    "pyipcs rm -Q ftok:/usr/shar\t": r"ftok:/usr/share/",
    "pyipcs list -J > /usr/shar\t": r"/usr/share/",
    "pyipcs list --not-in '/usr/shar\t": r"'/usr/share/",
    "pyipcs list --color=n\t": r"--color=never",
    "pyipcs stat key:0x00001235\t": r"key:0x00001235 ",
}
# fish completes no files in attached values, and no values of bundled options.
ATTACHED = {
    "pyipcs send 1 -F/usr/shar\t": r"-F/usr/share/",
    "pyipcs send 1 -lF/usr/shar\t": r"-lF/usr/share/",
    "pyipcs list -oKEY,LS\t": r"-oKEY,LSPID",
    'pyipcs list -o"KEY,LS\t': r'list -o"(KEY,LS[\b]*)?KEY,LSPID',  # zsh redraws it
    "pyipcs send 1 -F'/usr/shar\t": r" -F'/usr/share/",
    "pyipcs list -qo KEY,LS\t": r"-qo KEY,LSPID",
}
# The words of a wrapped command.
OTHERS = {
    "pyipcs op 0x1236 P -- ls --si\t\t": r"--size",
    "pyipcs run ls --si\t\t": r"--size",
}


@pytest.mark.slow
@pytest.mark.installed
def test_tab_offers_the_words_of_the_position(shell: Shell, there: dict[str, int]) -> None:
    # Without the package bash-completion, bash has no completions of other commands.
    others = {} if shell.name in {"bash alone", "bash strict"} else OTHERS
    attached = {} if shell.name == "fish" else ATTACHED
    for keys, pattern in {**SEEN, **attached, **others}.items():
        text = shell.type(keys, pattern)
        assert re.search(pattern, text), f"{keys!r}: {text}"
        assert not WRONG.search(text), f"{keys!r}: {text}"


@pytest.mark.slow
@pytest.mark.installed
@pytest.mark.parametrize("name", EVALUATING)
def test_tab_works_with_the_printed_file(name: str, tmp_path: Path, there: dict[str, int]) -> None:
    need_tool(name.split(maxsplit=1)[0])
    prefix = os.environ.get("PYIPCS_TEST_PREFIX")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pyipcs").symlink_to(f"{prefix}/bin/pyipcs" if prefix else PYIPCS)
    (tmp_path / "home").mkdir()
    shell = Shell(name, tmp_path / "home", tmp_path)
    for keys in ("pyipcs help col\t", "pyipcs stat -m 0x12\t", "pyipcs list --format=ope\t"):
        text = shell.type(keys, SEEN[keys])
        assert re.search(SEEN[keys], text), f"{keys!r}: {text}"
        assert not WRONG.search(text), f"{keys!r}: {text}"
    shell.end()


WRONG = re.compile(r"(?i)error|pyipcs:|not found|unknown command|\\bbad\\b|line \\d")
# Words with which Tab must neither report an error nor run a command.
ODD = (
    "pyipcs recv 0x1234 \t\t",
    "pyipcs recv -- 0x99\t\t",
    "pyipcs nothing -\t\t",
    "pyipcs stat --ns /nowhere \t\t",
    "pyipcs read '0x\t\t",
    "pyipcs recv --$(touch evil) \t\t",
    "pyipcs list -o 'a[$(touch evil)]\t\t",
    "nowhere/pyipcs recv \t\t",
)


@pytest.mark.installed
def test_tab_among_odd_words_reports_and_runs_nothing(
    shell: Shell, there: dict[str, int], tmp_path: Path
) -> None:
    for keys in ODD:
        text = shell.type(keys)
        assert not WRONG.search(text), f"{keys!r}: {text}"
    assert not [*tmp_path.rglob("evil")]
