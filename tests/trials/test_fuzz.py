"""Generated texts for the parsers, and generated command lines.

PYIPCS_TEST_EXAMPLES=20000 makes 20,000 examples of each, other ones in each run. Without it, all
runs have the same few (see conftest.py).
"""

import os
import re
import resource
import signal
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from pyipcs.cli.main import DROP_IN_NAMES
from pyipcs.describe import grammar
from pyipcs.errors import Status
from pyipcs.model import SYSV
from pyipcs.sysv import procfs
from tests.kit.kernel import Objects, everything, libc, remove, send
from tests.kit.mqueue import MQUEUE, make_queue
from tests.kit.parsers import PARSERS, check_baseline, valid_baseline
from tests.kit.posix import (
    SHM,
    ShmFiles,
    bind,
    child_in,
    glibc_semaphore,
    i386_semaphore,
    own_mounts,
)
from tests.kit.program import Result, forked, need_tool, pyipcs
from tests.kit.wait import LIMIT

fuzz = settings(deadline=None, suppress_health_check=[*HealthCheck])
# For tests that start a process for each example.
fuzz_processes = settings(fuzz, max_examples=max(fuzz.max_examples // 4, 1))


# -- Texts, some of them valid ones with changed pieces.

_PIECES = st.one_of(
    st.sampled_from(
        [
            *(b"", b"0", b"-", b"+", b".", b":", b"=", b",", b"e", b"x", b"0x", b"%", b"\\u"),
            *(b"\0", b"\n", b"\n\n", b" ", b"\t", b"\r", b"\x1b[31m", b"\xff", b"\xed\xb2\x80"),
            *("é٣\u202e½".encode(), b"9" * 30, b"9" * 5000, b"-9223372036854775808", b"[" * 5000),
            *(b"18446744073709551615", b"4294967296", b"2147483648", b"1e400", b"nan", b"/SYSV"),
        ]
    ),
    st.integers(-(2**64), 2**64).map(lambda number: b"%d" % number),
    st.binary(max_size=6),
)


@st.composite
def mutated(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """Return a text with some pieces replaced or removed."""
    text = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        # Often a whole word, up to the space after it.
        word = re.compile(rb"\s*[^\s]*").match(text, start)
        assert word
        length = draw(st.one_of(st.just(word.end() - start), st.integers(0, 3), st.just(len(text))))
        text = text[:start] + draw(_PIECES) + text[start + length :]
    return text


def _utf8(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


@pytest.mark.parametrize("name", PARSERS)
@fuzz
@given(data=st.data())
def test_parser_of_any_text_returns_or_refuses(name: str, data: st.DataObject) -> None:
    check, seeds = PARSERS[name]
    check(data.draw(st.one_of(mutated(seeds), st.binary(), st.text().map(_utf8))))


# -- Earlier listings.

_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.sampled_from(
            [0, -1, 2**31, 2**63, 2**70, 1.5, 1e400, "", "/", "/x", "x", "\0", "\ud800"]
        ),
        st.sampled_from(
            ["0x0000000g", "0xfffffff0", "L/8=", "=", "2026-11-30T25:00:00", "9" * 5000]
        ),
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return all places in a JSON value, as containers with their keys."""
    keys = [*value] if isinstance(value, dict) else range(len(value))
    found: list[tuple[Any, Any]] = [(value, key) for key in keys]
    for key in keys:
        if isinstance(value[key], dict | list):
            found += _places(value[key])
    return found


@fuzz
@given(
    edits=st.lists(
        st.tuples(st.integers(0, 999), st.none() | _VALUES.map(lambda one: [one])), max_size=4
    )
)
def test_baseline_of_any_json_is_compared_or_refused(
    edits: list[tuple[int, list[Any] | None]],
) -> None:
    """Each edit removes or replaces a value, at a place in thousandths of all places."""
    document = valid_baseline()
    for place, new in edits:
        places = _places(document)
        if places:
            container, key = places[len(places) * place // 1000]
            if new is None:
                del container[key]
            else:
                container[key] = new[0]
    check_baseline(document)


# -- Files of /proc, and of semaphores, with any content.

# Files that commands read; %s is another process, which uses the objects.
_PROC = (
    *("self/status", "self/stat", "self/maps", "self/mountinfo", "self/cgroup", "self/uid_map"),
    *("%s/status", "%s/stat", "%s/maps", "%s/comm", "%s/cmdline", "%s/cgroup", "%s/syscall"),
    *("sysvipc/msg", "sysvipc/shm", "sysvipc/sem", "meminfo", "sys/vm/overcommit_memory"),
    *("sys/kernel/sem", "sys/kernel/msgmni", "sys/kernel/shmmax", "sys/kernel/random/boot_id"),
    *("sys/fs/mqueue/msg_max", "sys/fs/mqueue/queues_max", "sys/kernel/shm_rmid_forced"),
)
_READERS = (
    *("list -J", "list -o +STATE,REASON,ATTACHED,WAITERS", "list -l", "list -f openmetrics"),
    *("list --posix -o +STATE,REASON,USERS,WAITERS,MAPPED", "list --posix -l", "list --posix -u"),
    *("list --used-by %s", "stat 0x5eed", "stat /fuzz -J", "list --all-ns -f csv"),
    *("make -M 16EiB", "make -M 8E -k 1", "rm --all --suspect -n", "rm --all=posix --orphaned -n"),
    *("make -q -n /new --maxmsg 99999", "set 0x5eed -q --owner 4242424242", "op 0x5eed V"),
    *("run --private never true", "run --private never -J true", "send 0x5eed x --nowait"),
)


# Changes of a text that is different in each run: a place in thousandths, the bytes from there on
# that go, and others that replace them.
_EDITS = st.lists(
    st.tuples(
        st.integers(0, 999), st.sampled_from((rb"", rb"\s*\S*", rb".*", rb"(?s:.*)")), _PIECES
    ),
    min_size=1,
    max_size=3,
)


def _edited(text: bytes, edits: Sequence[tuple[int, bytes, bytes]]) -> bytes:
    for place, pattern, piece in edits:
        start = len(text) * place // 1000
        removed = re.compile(pattern).match(text, start)
        assert removed
        text = text[:start] + piece + text[removed.end() :]
    return text


def _cover(path: str, source: Path) -> None:
    """Mount a file over a file of /proc, in a mount namespace of this process."""
    own_mounts()
    bind(source, Path("/proc", path.replace("self", str(os.getpid()))))


@pytest.mark.root
@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.usefixtures("isolated", "own_shm", "own_mqueue", "_folder")
@fuzz_processes
@given(path=st.sampled_from(_PROC), reader=st.sampled_from(_READERS), edits=_EDITS)
def test_command_with_any_text_in_proc_ends_with_a_documented_status(
    path: str, reader: str, edits: list[tuple[int, bytes, bytes]]
) -> None:
    with _some_objects() as there, child_in(partial(libc.shmat, there["%shm"], None, 0)) as user:
        path, words = path.replace("%s", str(user)), reader.replace("%s", str(user)).split()
        source = Path("covered")
        source.write_bytes(_edited(Path("/proc", path).read_bytes(), edits))
        before = _rows()
        result = forked(*words, first=partial(_cover, path, source))
        event(f"{words[0]} {result.status}")
        _check(words, result, changed=before != _rows())


_SEMAPHORES = (
    *(glibc_semaphore(1), glibc_semaphore(0), glibc_semaphore(2**31 - 1), glibc_semaphore(2, 1)),
    *(i386_semaphore(1), bytes(32), b"\xff" * 32),
)


@pytest.mark.slow
@pytest.mark.usefixtures("isolated", "own_shm", "own_mqueue", "_folder")
@fuzz_processes
@given(
    content=st.one_of(
        mutated(_SEMAPHORES),
        st.builds(
            lambda whole, size: whole[:size], st.sampled_from(_SEMAPHORES), st.integers(0, 32)
        ),
        st.binary(max_size=40),
    ),
    command=st.sampled_from(
        ("op /any V", "op /any P --nowait", "op /any 0+3", "stat -s /any -J", "list -S -J")
    ),
)
def test_semaphore_file_with_any_content_changes_only_if_it_is_one(
    content: bytes, command: str
) -> None:
    files = ShmFiles()
    path = files.file("sem.any", content)
    try:
        result = forked(*command.split())
        after = path.read_bytes()
    finally:
        files.remove_all()
    event(f"{command} {result.status}")
    _check(command.split(), result, changed=content != after)
    if content != after:
        value, waiters = struct.unpack_from("=II", content)
        assert content == glibc_semaphore(value, waiters)
        change = {"P": -1, "V": 1}.get(command.split()[2], 3)
        assert after == glibc_semaphore(value + change, waiters)


# -- Whole command lines.

KEY = 0x5EED
# A command that may wait is killed after so many seconds.
_WAITING, _WAITS = 0.5, {"send", "recv", "op"}
_HERE = "/proc/self/ns/ipc"
# The values of --ns. Others could lead to objects of other users, which a generated command line
# must not change.
_NAMESPACES = (_HERE, "/proc/self/ns/net", "999999999", "-1", "missing", ".", "text")
_FILES = ("text", "junk", "empty", "lines", "listing", "-", ".", "missing", "/dev/null")
_NUMBERS = ("0", "1", "2", "3", "7", "100", "32767", "-2", "0x10", "9223372036854775807")
_IDS = ("%msg", "%shm", "%sem", "0", "2147483647")
_TARGETS = (*_IDS, "0x5eed", "key:24301", "id:%msg", "id:%shm", "ftok:.", "ftok:text:7", "017")
_NAMES = (
    *(
        "/fuzz",
        "fuzz",
        "/narrow",
        "/musl",
        "/short",
        "/sem.fuzz",
        "/new",
        "new",
        r"\xff",
        r"\n",
        ".",
        "/",
        "a/b",
        r"\q",
        "/dev/shm/x",
    ),
    *(r"\x2ffuzz", "/folder", "/missing", "//", "/" + "n" * 255, "/" + "n" * 256, r"/\x00"),
)
_STRUCTS = ("i", "2i", "id", "8s", "c", "5p", "<q?", "0l", "4x", "f")
_BYTES = ("0", "1", "4", "16K", "0x10", "1.5K", "8GiB", "2147483647", "16EiB")
_BODIES = ("hello", "42", "41 42", "1.5", '{"data": "x"}', '{"base64": "eA==", "type": 2}')
_COLUMNS = ("ID", "KEY,ID", "+AGE", "-ID", "MSGS,SIZE,NSEMS", "use%", "STATE,REASON", "+VALUES")
# Values by metavar, where the program itself has no list of words.
_EXAMPLES: dict[str, Sequence[str]] = {
    "id": _IDS,
    "target": (*_TARGETS, *_NAMES),
    "name": _NAMES,
    "/name": _NAMES,
    "n": _NUMBERS,
    "queue": _TARGETS,
    "seg": _TARGETS,
    "sem": _TARGETS,
    "key": ("0x5eed", "24301", "key:0x5eed", "ftok:.", "0x77", "-1"),
    "user": ("root", "0", "nobody", "65534", "4242424242"),
    "user:group": ("root", "0:0", "nobody:", "65534:65534", "4242424242"),
    "file": _FILES,
    "glob": ("*", "a*", "[", "[!a]*", "[[:alpha:]", "\\", "?/*", ""),
    "file|fd:n": (*_FILES, "fd:1", "fd:2", "fd:99", "fd:x"),
    "path": _FILES,
    "proj": ("1", "255", "a"),
    "col": _COLUMNS,
    "pid": ("1", str(os.getpid()), "0", "-1", "4194305", "self"),
    "pid|path": (*[_HERE] * 10, *_NAMESPACES),
    "nsems": _NUMBERS,
    "v": ("0", "1,2,3", "32767,0,1", "1,2"),
    "numv": ("0=1", "2=32767", "9=0"),
    "type": _NUMBERS,
    "priority": _NUMBERS,
    "count": _NUMBERS,
    "status": _NUMBERS,
    "seconds": ("0", "0.01", ".01", "0.1s"),
    "bytes": _BYTES,
    "size": _BYTES,
    "cmd": ("cat", "true", "false", "exit 7", "missing"),
    "target|msg|shm|sem id": ("msg", "shm", "sem", *_IDS, *_TARGETS, *_NAMES),
    "message": _BODIES,
    "data": _BODIES,
    "format": _STRUCTS,
}
_PROGRAMS = ("true", "false", "cat", "missing", ".", "text", "")
# A word cannot have NUL. Without a slash it names only files of the folder.
_ANYTHING = st.binary(max_size=12).map(lambda word: os.fsdecode(re.sub(rb"[\0/]", b"", word)))
_EDGES = (
    *("", "-", "--", "---", "=", "-=", "--=", "-0", "-1", "-.5", "+1", "0x", "*", "{}", "%s", ":"),
    *(",", ",,", "+", "[red]", "msg", "1e9", "nan", "inf", "id:", "key:", "ftok:", "ftok::"),
    *("\x1b[31m", "\n", "a\tb", "\r", "\x7f", "é٣", "\udcff", "\u202e", "ftok:missing:a"),
    *("x" * 5000, "9" * 5000, "0" * 5000, f"{-(2**63) - 1}", f"{2**64}"),
)
_WILD = st.one_of(st.sampled_from(_EDGES), _ANYTHING)
_RARELY = st.integers(1, 20).map(lambda number: number == 20)
_NOTHING, _LETTERS = st.just(""), st.sampled_from("qmstplubJPvnyahzQMSN")
COMMANDS = grammar.commands()
_PEERS = {command: peer for peer, command in DROP_IN_NAMES.items()}
T = TypeVar("T")


def _mostly(
    likely: st.SearchStrategy[T], other: st.SearchStrategy[T], times: int = 12
) -> st.SearchStrategy[T]:
    """Draw from `likely`, so many times as often as from `other`."""
    return st.integers(0, times).flatmap(lambda number: likely if number else other)


def _examples(value: grammar.Value) -> st.SearchStrategy[str]:
    """Return mostly plausible values."""
    named = [*value.choices] if isinstance(value.choices, Mapping) else []
    likely = st.sampled_from([*named, *_EXAMPLES.get(value.metavar, ())])
    return likely if value.metavar == "pid|path" else _mostly(likely, _WILD)


@st.composite
def _options(draw: st.DrawFn, options: Sequence[grammar.Option]) -> list[str]:
    """Return an option with its value, in one of the ways to write them."""
    option = draw(st.sampled_from(options))
    name = draw(st.sampled_from(option.names))
    if option.value is None:
        return [name + draw(_mostly(_NOTHING, _LETTERS))] if len(name) == 2 else [name]
    value = draw(_examples(option.value))
    if len(name) > 2:
        name = name[: draw(_mostly(st.just(len(name)), st.integers(4, 6)))]
    attached = name + ("=" if len(name) > 2 else draw(_mostly(_NOTHING, st.just("=")))) + value
    if option.value.is_optional:
        return draw(st.sampled_from([[name], [attached], [name, value]]))
    return draw(_mostly(st.sampled_from([[name, value], [attached]]), st.just([name])))


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """Return a program, a command, and mostly words of its grammar."""
    command = draw(st.sampled_from(COMMANDS))
    options = _options(command.options)
    parts = draw(st.lists(_mostly(options, _WILD.map(_alone)), max_size=4))
    position = 0
    for operand in command.operands:
        position = draw(st.integers(position, len(parts)))
        parts.insert(position, [draw(_examples(operand))])
        position += 1
    if command.operands and command.can_repeat_last:
        more = _examples(command.operands[-1])
        parts += [[word] for word in draw(st.lists(more, max_size=2))]
    if any("--nowait" in option.names for option in command.options):
        parts.insert(0, ["--nowait"])
    if command.wraps and draw(st.sampled_from([True, command.wraps == "first"])):
        parts.append(["--"] if command.wraps == "--" else [])
        parts += [[draw(st.sampled_from(_PROGRAMS))], draw(st.lists(_WILD, max_size=2))]
    words = [word for part in parts for word in part]
    if draw(_RARELY):
        words.insert(draw(st.integers(0, len(words))), draw(_WILD))
    if draw(_RARELY) and words:
        del words[draw(st.integers(0, len(words) - 1))]
    peer = _PEERS.get(command.name)
    return [peer, *words] if peer and draw(_RARELY) else ["pyipcs", command.name, *words]


def test_values_of_all_options_and_operands_have_examples() -> None:
    values = [one.value for command in COMMANDS for one in command.options if one.value]
    values += [operand for command in COMMANDS for operand in command.operands]
    named = {one.metavar for one in values if isinstance(one.choices, str) or not one.choices}
    assert named <= {*_EXAMPLES}


def _alone(word: str) -> list[str]:
    return [word]


def _is_local(words: Sequence[str]) -> bool:
    """Return True if a command line uses only objects of the tests."""
    named = [word.partition("=")[2] for word in words if word.startswith("--ns=")]
    named += [words[index + 1] for index in range(len(words) - 1) if words[index] == "--ns"]
    return {*named} <= {*_NAMESPACES}


ENVIRONMENTS = st.fixed_dictionaries(
    {},
    optional={
        "PYIPCS_FORMAT": st.sampled_from(["table", "json", "export", "hex", "", "\udcff"]),
        "COLUMNS": st.sampled_from(["0", "1", "40", "9" * 5000, "x", "-5", ""]),
        "NO_COLOR": st.sampled_from(["", "1"]),
        "TERM": st.sampled_from(["dumb", "", "nope"]),
        "TZ": st.sampled_from(["UTC", "Asia/Kathmandu", "nope", ":"]),
    },
)
INPUTS = {
    "text": b"one\ntwo\tthree\n42\n",
    "junk": b"\0\xff\x1b[31m\n\n-1\t\0" + bytes(range(256)),
    "empty": b"",
    "lines": b'{"type": 2, "data": "x"}\n{"base64": "//8="}\n{"data": 5}\n[]\n',
    "hex": b"00 ff\n41\nzz\n",
}


@pytest.fixture(name="_folder", scope="module")
def _folder_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Work in a folder with files, and with harmless programs in PATH."""
    folder = tmp_path_factory.mktemp("fuzz")
    for name, text in INPUTS.items():
        (folder / name).write_bytes(text)
    (folder / "listing").write_text(pyipcs("list", "--sysv", "--posix", "-J").out)
    (folder / "bin").mkdir()
    for name in ("true", "false", "cat"):
        (folder / "bin" / name).symlink_to(need_tool(name))
    with pytest.MonkeyPatch.context() as patch, _limited():
        patch.chdir(folder)
        patch.setenv("PATH", str(folder / "bin"))
        yield


@contextmanager
def _limited() -> Iterator[None]:
    """Limit files and memory, because segments may be huge."""
    limits = {resource.RLIMIT_FSIZE: 1 << 22, resource.RLIMIT_AS: 1 << 31}
    former = {limit: resource.getrlimit(limit) for limit in limits}
    try:
        for limit, most in limits.items():
            resource.setrlimit(limit, (most, former[limit][1]))
        yield
    finally:
        for limit, both in former.items():
            resource.setrlimit(limit, both)


@contextmanager
def _some_objects() -> Iterator[dict[str, int]]:
    """Create one object of each kind; remove all objects at the end."""
    made, files = Objects(), ShmFiles()
    try:
        files.file("fuzz", b"hello")
        files.file("sem.fuzz", glibc_semaphore(1))
        files.file("sem.narrow", i386_semaphore(1))
        files.file("sem.musl", bytes(32))
        files.file("sem.short", glibc_semaphore(1)[:20])
        (SHM / "folder").mkdir()
        os.close(make_queue("/fuzz", sizes=(2, 100)))
        queue, segment = made.queue(KEY), made.segment(KEY)
        send(queue, b"hello", 2)
        send(queue, b"\xff\x1b[31m\0\n", 7)
        yield {"%msg": queue, "%shm": segment, "%sem": made.semaphores(KEY, nsems=3)}
    finally:
        for kind, object_id in everything():
            remove(kind, object_id)
        files.remove_all()
        for path in MQUEUE.iterdir():
            path.unlink()


def _rows() -> list[str]:
    """Return the lists of all objects in /proc/sysvipc, and of POSIX objects."""
    listed = [Path(procfs.SYSVIPC, kind.value).read_text() for kind in SYSV]
    paths = sorted(path for folder in (SHM, MQUEUE) for path in folder.iterdir())
    return [*listed, *(f"{path} {path.stat().st_mode} {path.stat().st_size}" for path in paths)]


_PLACES = re.compile("%(?:msg|shm|sem)")
_STATUSES = {0, 1, 2, 3, 23}
_COLOUR = re.compile(r"\x1b\[(?:1;31|0)m")
_INSIDE = re.compile(r"Traceback|\b[A-Z]\w+(?:Error|Exception)\b|\.py\b|<\w+ object")
_RAW = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def _can_run_a_command(words: Sequence[str]) -> bool:
    """Return True if a command line may run another command."""
    return bool({"run", "op", "recv"} & {*words}) and bool(
        "run" in words or "--" in words or any(word.startswith("--exec") for word in words)
    )


def _check(words: Sequence[str], result: Result, *, changed: bool) -> None:
    """Assert what holds for every command line."""
    shown = f"{words!r} ended in {result}"
    if result.status == -signal.SIGKILL:
        assert _WAITS & {*words}, f"it waits: {shown}"
        return
    assert not _INSIDE.search(result.err), shown
    assert "Traceback" not in result.out, shown
    if "(see pyipcs" in result.err:
        assert result.status == Status.USAGE, shown
    if _can_run_a_command(words):
        assert 0 <= result.status <= 127, shown
        return
    assert result.status in _STATUSES or "op" in words, shown
    if result.status == Status.USAGE and "op" not in words:
        assert re.search(r"--help\)|\(pyipcs help columns lists them\)", result.err), shown
    if result.status == Status.USAGE:
        assert not changed, shown
    # op -E N ends with N where an operation would wait, without a message.
    chosen = any(word.startswith(("-E", "--conflict-exit-code")) for word in words)
    if result.status == Status.USAGE or (result.status == Status.FAILED and not chosen):
        assert result.err, shown
    plain = _COLOUR.sub("", result.err)
    assert not _RAW.search(plain), shown
    assert all(line.startswith("pyipcs: ") for line in plain.splitlines()), shown


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.usefixtures("isolated", "own_shm", "own_mqueue", "_folder")
@fuzz
@given(
    line=command_lines().filter(_is_local),
    source=st.sampled_from([*INPUTS]),
    environment=ENVIRONMENTS,
)
def test_command_line_of_any_words_ends_with_a_documented_status(
    line: list[str], source: str, environment: dict[str, str]
) -> None:
    with _some_objects() as there, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        words = [_PLACES.sub(lambda found: str(there[found[0]]), word) for word in line]
        before = _rows()
        timeout = _WAITING if _WAITS & {*words} else LIMIT
        program, *args = words
        result = forked(*args, data=INPUTS[source], program=program, timeout=timeout)
        event(f"status {result.status}")
        _check(words, result, changed=before != _rows())
