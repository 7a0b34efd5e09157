"""What a person sees: the program on terminals of any size, live views, hostile text."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyipcs.model import Kind
from tests.kit import kernel
from tests.kit.isolation import ACCENTED_USER_ID, ESCAPE_USER_ID
from tests.kit.kernel import Objects, row
from tests.kit.program import PYIPCS, need_tool, pyipcs, run
from tests.kit.terminal import (
    end,
    frames,
    on_terminal,
    picture,
    read_all,
    read_until,
    resize,
    start,
    table_of,
    whole_run,
    without_codes,
)
from tests.kit.wait import wait_until

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
ESCAPE = re.compile(
    "\x1b(?!\\[[\\d;?]*[A-Za-z])|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u202e]"
)


@pytest.fixture
def population(objects: Objects, isolated: None) -> Objects:
    """A few objects of each kind, some of them used."""
    msqid = objects.queue(0x1234, 0o600)
    for _ in range(2):
        kernel.send(msqid, b"x" * 8000)
    objects.segment(0xCAFE, 0o666, 2**20)
    objects.semaphores(7, nsems=3)
    return objects


def test_a_table_holds_what_the_kernel_says(population: Objects) -> None:
    (queue,) = table_of(picture("list", "-q", width=200), "Message queues (1)")
    words = row(Kind.QUEUE, int(queue["ID"]))
    assert queue["KEY"] == "0x00001234"
    assert queue["PERMS"] == "rw-------"
    assert (queue["MSGS"], queue["USEDBYTES"], queue["QBYTES"]) == ("2", "15.6K", "16K")
    assert queue["USE%"] == "███████░ 97%"
    assert queue["SEND"] == time.ctime(int(words["stime"]))
    assert queue["CTIME"] == time.ctime(int(words["ctime"]))
    assert queue["RECV"] == "never"
    name = Path("/proc/self/comm").read_text().strip()
    assert queue["LSPID"] == f"{os.getpid()} {name}", "a living process has its name"
    assert queue["LRPID"] == "-"


def test_a_process_that_has_gone_has_no_name(objects: Objects, isolated: None) -> None:
    msqid = objects.queue(5)
    assert pyipcs("send", "0x5", "hello").status == 0
    (queue,) = table_of(picture("list", "-q"), "Message queues (1)")
    assert queue["LSPID"] == row(Kind.QUEUE, msqid)["lspid"]


@pytest.mark.parametrize("width", [40, 80, 100, 120, 200])
def test_every_width_shows_whole_cells(width: int, population: Objects) -> None:
    text = picture("list", width=width)
    assert max(len(line) for line in text.splitlines()) <= width
    whole = {
        title: table_of(picture("list", width=300), title)
        for title in ("Message queues (1)", "Shared memory segments (1)", "Semaphore sets (1)")
    }
    for title, (all_cells,) in whole.items():
        (cells,) = table_of(text, title)
        assert cells.items() <= all_cells.items()
        assert {"KEY", "ID"} <= cells.keys()


def test_views_have_their_columns(population: Objects) -> None:
    for view, names in (
        ("-t", {"SEND", "RECV", "CTIME"}),
        ("-p", {"LSPID", "LRPID"}),
        ("-c", {"CUSER", "CGROUP", "USER", "GROUP"}),
    ):
        (queue,) = table_of(picture("list", view), "Message queues (1)")
        assert names <= queue.keys()


def test_limits_and_usage_are_one_table(population: Objects) -> None:
    text = picture("list", "-l")
    assert text == picture("list", "-u")
    rows = {found["RESOURCE"]: found for found in table_of(text, "System V IPC limits")}
    assert rows["MSGMNI"]["USED"] == "1"
    assert rows["SEMMNS"]["USED"] == "3"
    assert rows["MSGMNI"]["LIMIT"] == f"{int(Path('/proc/sys/kernel/msgmni').read_text()):,}"
    assert (rows["MSGMAP"]["USED"], rows["MSGTQL"]["USED"]) == ("2", "15.6K")
    assert len(rows) == 16
    assert len(table_of(picture("list", "-lq"), "System V IPC limits")) == 5
    assert "No room" not in picture("list", "-l", width=80)


def test_an_empty_system_says_so_in_one_line(isolated: None) -> None:
    assert picture("list") == "No message queues, segments or semaphore sets.\n"
    assert picture("list", "-m") == "No segments.\n"


def test_panels(population: Objects) -> None:
    text = picture("stat", "0x1234", width=80)
    assert "│ Messages     2 messages " in text
    assert "16,000 of 16,384 bytes" in text
    assert f"by proc {os.getpid()} (" in text
    assert len({len(line) for line in text.splitlines()}) == 1
    (semid,) = kernel.ids(Kind.SEMAPHORE)
    text = picture("list", "-s", "-i", str(semid), width=80)
    assert "SEMNUM  VALUE  NCOUNT  ZCOUNT  PID" in text
    (shmid,) = kernel.ids(Kind.SEGMENT)
    assert "1M (1,048,576 bytes)" in picture("list", "-m", "-i", str(shmid))


def test_a_dry_run_is_a_table_too(population: Objects) -> None:
    text = picture("rm", "-n", "--all=msg")
    assert table_of(text, "Message queues (1)")
    assert kernel.ids(Kind.QUEUE)


@pytest.mark.parametrize(
    "args", [("list",), ("list", "-l"), ("stat", "0x1234"), ("list", "--noheadings")]
)
@pytest.mark.parametrize(
    "size", [(1, 1), (2, 5), (10, 1), (40, 1), (40, 24), (0, 0), (80, 0), (0, 24), (1000, 500)]
)
def test_no_size_breaks_it(
    args: tuple[str, ...], size: tuple[int, int], population: Objects
) -> None:
    width, height = size
    status, text = whole_run(*args, width=width, height=height)
    assert status == 0
    assert "Traceback" not in text
    assert text


@pytest.mark.parametrize(
    "columns", ["60", "0", "", "x", "-5", "99999999999999999999", "9" * 5000, "²"]
)
def test_the_variable_columns(columns: str, population: Objects) -> None:
    text = picture("list", "-q", width=100, env={"COLUMNS": columns})
    longest = max(map(len, text.splitlines()))
    if columns == "60":
        assert longest <= 60
    elif "999" not in columns:
        assert 60 < longest <= 100


def test_where_there_is_no_colour(population: Objects) -> None:
    _, colored = whole_run("list")
    assert "\x1b[1m" in colored
    for env, args in (
        ({"NO_COLOR": "1"}, []),
        ({"TERM": "dumb"}, []),
        ({}, ["--color", "never"]),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, []),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}, []),
    ):
        _, text = whole_run("list", *args, env=env)
        assert "\x1b" not in text, env
        assert text == without_codes(colored), "colour never carries meaning alone"
    _, text = whole_run("list", env={"NO_COLOR": ""})
    assert text == colored, "a variable that is empty is not set"
    _, text = whole_run("list", "--color", "always", env={"NO_COLOR": "1"})
    assert text == colored


def test_colour_in_a_pipe(population: Objects) -> None:
    """The default there is plain, which has none; a table has it where it is asked for."""
    assert pyipcs("list", "--color", "always") == pyipcs("list")
    drawn = pyipcs("list", "--color", "always", "-f", "table").out
    assert "\x1b[1mMessage queues (1)\x1b[0m" in drawn
    assert "CTIME" in drawn, "nobody knows a width that would cut columns off"
    narrow = pyipcs("list", "--color=always", "-f", "table", env={"COLUMNS": "60"}).out
    assert max(len(line) for line in without_codes(narrow).splitlines()) <= 60


def test_a_table_in_a_pipe_is_columns_of_text(population: Objects) -> None:
    text = pyipcs("list", "-f", "table").out
    assert text.isascii()
    assert text.startswith("Message queues\nKEY ")
    assert " 15.6K " in text
    assert pyipcs("list", "-l", "-f", "table").out.startswith("Message queues\nRESOURCE ")


def test_other_formats_on_a_terminal_are_the_same(population: Objects) -> None:
    for args in (["-f", "plain"], ["-f", "csv"], ["-o", "ID,KEY", "-f", "tsv"]):
        _, text = whole_run("list", *args)
        assert text.replace("\r\n", "\n") == pyipcs("list", *args).out


ASCII = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_ascii_alone(population: Objects) -> None:
    text = picture("list", env=ASCII)
    assert text.isascii()
    assert "#" * 7 in text
    for width in (8, 14, 20):
        assert picture("stat", "0x1234", width=width, env=ASCII).isascii()


@pytest.mark.root
def test_names_that_ascii_has_not(objects: Objects, accounts: None, isolated: None) -> None:
    from pyipcs.sysv import libc

    libc.change(Kind.QUEUE, objects.queue(5), uid=ACCENTED_USER_ID)
    for format_ in ("plain", "json", "jsonl", "csv", "tsv", "export", "openmetrics", "table"):
        done = pyipcs("list", "-q", "-f", format_, env=ASCII)
        assert (done.status, done.err) == (0, ""), format_
    assert "josé" in pyipcs("list", "-q", "-f", "csv", env=ASCII).out, "the bytes of the name"
    assert done.out


def test_a_bar_for_what_is_sent(objects: Objects, tmp_path: Path) -> None:
    msqid = objects.queue()
    path = tmp_path / "lines"
    path.write_text("line\n" * 20)
    for columns in ("50", "²", ""):
        status, text = whole_run(
            "send", str(msqid), "--progress", "--lines", "-F", str(path), env={"COLUMNS": columns}
        )
        assert status == 0
        assert "20 messages" in without_codes(text)
        assert len(kernel.receive_all(msqid)) == 20


# Strangers


def named_process(name: bytes, calls: str) -> subprocess.Popen[bytes]:
    """A process with this name, which makes calls of the C library, says so, and waits."""
    script = (
        "import ctypes, sys, time; c = ctypes.CDLL(None); "
        f"c.prctl(15, {name!r}); {calls}; print(flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    return process


HOSTILE = [
    (b"\x1b[31mred", "\\x1b[31mred"),
    (b"\x1b]0;title\x07", "\\x1b]0;title\\x07"),
    (b"[red]x[/red]", "[red]x[/red]"),
    (b"[/]", "[/]"),
    (b"a\nb\tc\r", "a\\nb\\tc\\x0d"),
    ("\u202egnp".encode(), "\\u202egnp"),
    (b"\xff\xc3", "\\xff\\xc3"),
    (b"\xc2\x9b31m", "\\x9b31m"),
    ("漢字".encode(), "漢字"),
    (b":smile:", ":smile:"),
]


@pytest.mark.parametrize(("name", "shown"), HOSTILE, ids=range(len(HOSTILE)))
def test_what_a_process_calls_itself(
    name: bytes, shown: str, objects: Objects, isolated: None
) -> None:
    msqid = objects.queue(5)
    calls = f"c.msgsnd({msqid}, b'\\1' + bytes(7), ctypes.c_size_t(0), 0)"
    with named_process(name, calls) as process:
        try:
            for args in (["list", "-q"], ["stat", "0x5"], ["stat", "0x5", "-f", "plain"]):
                for color in ("never", "always"):
                    _, text = whole_run(*args, "--color", color)
                    assert not ESCAPE.search(text.replace("\r\n", "\n")), args
                    # Plain text keeps its tabs, as one does into a pipe.
                    seen = text.replace("\t", "\\t") if "plain" in args else text
                    assert f"{process.pid} {shown}" in seen or f"({shown})" in seen, args
        finally:
            process.kill()


def test_what_a_command_line_holds(objects: Objects, isolated: None, tmp_path: Path) -> None:
    hostile = "a\n\x1b[31m\u202e[red]\t$(id)`\"'\\"
    script = (
        "import ctypes, sys, time; c = ctypes.CDLL(None); "
        "print(c.shmget(6, 100, 0o1600), flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", script, hostile], stdout=subprocess.PIPE)
    assert process.stdout
    objects.adopt(Kind.SEGMENT, int(process.stdout.readline()))
    try:
        _, text = whole_run("list", "-m", "-o", "KEY,COMMAND", width=400)
        assert "a\\n\\x1b[31m\\u202e[red]\\t$(id)`\"'\\" in text
        assert not ESCAPE.search(without_codes(text).replace("\r\n", "\n"))
        for format_ in ("plain", "csv", "tsv", "export", "json", "jsonl"):
            _, text = whole_run("list", "-m", "-o", "KEY,COMMAND", "-f", format_)
            assert "\x1b" not in text, format_
            assert "\u202e" not in text, format_
        assert hostile in pyipcs("list", "-m", "-o", "COMMAND", "-f", "jsonl").out.encode().decode(
            "unicode_escape"
        )
        assert "\x1b[31m\u202e" in pyipcs("list", "-m", "-o", "COMMAND", "-f", "csv").out
    finally:
        process.kill()
        process.communicate()


@pytest.mark.root
def test_what_a_user_is_called(objects: Objects, accounts: None, isolated: None) -> None:
    from pyipcs.sysv import libc

    msqid = objects.queue(5)
    libc.change(Kind.QUEUE, msqid, uid=ESCAPE_USER_ID)
    for args in (["list"], ["list", "-c"], ["stat", "0x5"], ["list", "-q", "-o", "USER,OWNER"]):
        _, text = whole_run(*args)
        assert "esc\\x1b[31mred" in text, args
        assert "esc\x1b" not in text, args
    assert "esc\x1b[31mred" in pyipcs("list", "-f", "csv").out


# Live views


def assert_left_as_it_was(text: str) -> None:
    assert text.count(ENTER) == text.count(LEAVE) > 0
    assert text.count(HIDE) == text.count(SHOW) > 0
    assert text.rindex(LEAVE) > text.rindex("\x1b[H")
    assert text.rindex(SHOW) > text.rindex(HIDE)


@pytest.fixture
def watching(objects: Objects, isolated: None) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A live view that has shown something of a queue with key 5."""
    objects.queue(5)
    process, terminal = on_terminal("list", "--watch=0.2", width=100)
    read_until(terminal, "0x00000005")
    yield process, terminal
    end(process, terminal)


def test_a_live_view_shows_how_fast_messages_come(
    watching: tuple[subprocess.Popen[bytes], int],
) -> None:
    process, terminal = watching
    (msqid,) = kernel.ids(Kind.QUEUE)
    for _ in range(50):
        kernel.send(msqid)
        time.sleep(0.01)
    text = read_until(terminal, r"\+\d+\.\d")
    kernel.receive_all(msqid)
    text += read_until(terminal, r"-\d+\.\d")
    text += read_until(terminal, r"Message queues \(1\)")
    process.send_signal(signal.SIGINT)
    text += read_all(terminal)
    assert process.wait() == -signal.SIGINT
    assert text.rstrip().endswith(LEAVE) or LEAVE in text[-40:]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
@pytest.mark.parametrize("args", [("list",), ("list", "-u"), ("stat", "0x5")])
def test_a_signal_ends_it_and_the_terminal_is_as_it_was(
    number: signal.Signals, args: tuple[str, ...], objects: Objects, isolated: None
) -> None:
    objects.queue(5)
    process, terminal = on_terminal(*args, "--watch=0.1")
    text = read_until(terminal, "Every 0.1s")
    process.send_signal(number)
    text += read_all(terminal)
    assert process.wait() == -number
    assert_left_as_it_was(text)


def test_signals_at_any_moment(objects: Objects, isolated: None) -> None:
    objects.queue(5)
    for _ in range(40):
        process, terminal = on_terminal("list", "--watch=0.1")
        time.sleep(random.uniform(0.08, 0.4))
        process.send_signal(signal.SIGTERM)
        text = read_all(terminal)
        assert process.wait() == -signal.SIGTERM
        assert text.count(ENTER) == text.count(LEAVE)
        assert text.count(HIDE) == text.count(SHOW)
        assert "Traceback" not in text


def test_a_terminal_that_does_not_know_its_size(objects: Objects, isolated: None) -> None:
    for height in (0, 1):
        process, terminal = on_terminal("list", "--watch=0.1", width=0, height=height)
        read_until(terminal, "No message queues")
        process.send_signal(signal.SIGINT)
        read_all(terminal)
        assert process.wait() == -signal.SIGINT


def test_it_follows_the_size(watching: tuple[subprocess.Popen[bytes], int]) -> None:
    process, terminal = watching
    for width, height in ((40, 24), (120, 10), (60, 1), (3, 3), (200, 50)):
        resize(terminal, width, height)
        process.send_signal(signal.SIGWINCH)
        read_until(terminal, r"\x1b\[H")
        text = read_until(terminal, r"\x1b\[H(?s:.*)\x1b\[H")
        frame = frames(text)[-2]
        lines = frame.replace("\r", "").split("\n")
        assert max(map(len, lines)) <= width
        assert len(lines) <= height
    process.send_signal(signal.SIGINT)
    read_all(terminal)
    assert process.wait() == -signal.SIGINT


def test_descriptors_that_were_handed_down_do_not_end_a_live_view() -> None:
    """There is no select(2) of one over 1023."""
    many = 'ulimit -n 2048; for ((n = 3; n < 1100; n++)); do eval "exec $n</dev/null"; done'
    before = ["bash", "-c", f'{many}; exec "$@"', "bash"]
    process, terminal = on_terminal("list", "--watch=0.1", before=before)
    read_until(terminal, "(Every 0.1s(?s:.*)){4}")
    process.send_signal(signal.SIGINT)
    read_all(terminal)
    assert process.wait() == -signal.SIGINT


def test_no_terminal_is_too_large_to_be_drawn_on() -> None:
    process, terminal = on_terminal("list", "--watch", width=65535, height=65535)
    read_until(terminal, "Every 2s", seconds=5)
    end(process, terminal)


def test_a_new_size_is_drawn_at_once(objects: Objects, isolated: None) -> None:
    objects.queue(5)
    process, terminal = on_terminal("list", "--watch=60", width=100)
    read_until(terminal, "0x00000005")
    resize(terminal, 50, 24)
    process.send_signal(signal.SIGWINCH)
    read_until(terminal, "No room for")
    end(process, terminal)


def test_what_there_is_no_room_for_is_counted(objects: Objects, isolated: None) -> None:
    for _ in range(50):
        objects.queue()
    process, terminal = on_terminal("list", "-q", "--watch=0.1", height=10)
    text = read_until(terminal, r"lines more\)")
    end(process, terminal)
    assert "Message queues (50)" in text


def test_stop_and_go_on(watching: tuple[subprocess.Popen[bytes], int]) -> None:
    process, terminal = watching
    process.send_signal(signal.SIGTSTP)
    text = read_until(terminal, re.escape(LEAVE))
    while "T (stopped)" not in Path(f"/proc/{process.pid}/status").read_text():
        time.sleep(0.01)
    process.send_signal(signal.SIGCONT)
    text += read_until(terminal, "0x00000005")
    process.send_signal(signal.SIGINT)
    text += read_all(terminal)
    assert process.wait() == -signal.SIGINT
    assert_left_as_it_was(ENTER + HIDE + text)


def test_an_error_leaves_the_terminal_as_it_was(objects: Objects, isolated: None) -> None:
    first, second = objects.queue(5), objects.queue(6)
    process, terminal = on_terminal("stat", "0x5", "0x6", "--watch=0.1")
    text = read_until(terminal, "key 0x00000006")
    kernel.remove(Kind.QUEUE, first)
    text += read_until(terminal, "0x5: no object has that key")
    kernel.remove(Kind.QUEUE, second)
    text += read_all(terminal)
    assert process.wait() == 1
    assert_left_as_it_was(text)
    assert without_codes(text[text.rindex(LEAVE) :]).split("\r\n")[-2:] == [
        "pyipcs: 0x5: no object has that key",
        "",
    ]


def test_a_failing_call_leaves_the_terminal_as_it_was(objects: Objects, isolated: None) -> None:
    strace = need_tool("strace")
    objects.queue(5)
    inject = ["-P", "/proc/sysvipc/msg", "-e", "inject=read:error=EIO:when=6+"]
    process, terminal = on_terminal(
        *("list", "-q", "--watch=0.1"), before=[strace, "-f", "-o", "/dev/null", *inject]
    )
    text = read_all(terminal)
    assert process.wait() == 1
    assert_left_as_it_was(text)
    assert text.endswith("/proc/sysvipc/msg: Input/output error\r\n")


def test_a_signal_ends_it_while_the_terminal_takes_nothing(
    objects: Objects, isolated: None
) -> None:
    for _ in range(300):
        objects.queue()
    process, terminal = on_terminal("list", "--watch=0.1", height=300)
    time.sleep(1)  # in which it fills the terminal, and waits
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == -signal.SIGTERM
    assert time.monotonic() - started < 3
    os.close(terminal)


def test_a_slow_terminal_is_left_as_it_was(objects: Objects, isolated: None) -> None:
    for _ in range(300):
        objects.queue()
    process, terminal = on_terminal("list", "--watch=0.1", height=300)
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    text = ""
    while LEAVE not in text:
        time.sleep(0.01)
        text += os.read(terminal, 4096).decode(errors="replace")
    assert process.wait(10) == -signal.SIGTERM
    os.close(terminal)
    assert_left_as_it_was(text)


def test_a_terminal_that_others_do_not_wait_for(objects: Objects, isolated: None) -> None:
    """O_NONBLOCK on the open file that is shared is as good as nothing."""
    for _ in range(300):
        objects.queue()
    process, terminal = on_terminal("list", "--watch=0.1", height=300, nonblocking=True)
    time.sleep(1)
    text = read_until(terminal, "Every")
    process.send_signal(signal.SIGINT)
    text += read_all(terminal)
    assert process.wait() == -signal.SIGINT
    assert_left_as_it_was(text)


def test_a_terminal_that_has_gone(objects: Objects, isolated: None) -> None:
    process, terminal = on_terminal(
        *("list", "--watch=0.1"),
        before=["sh", "-c", 'trap "" HUP; exec "$@"', "sh"],
        stderr=subprocess.PIPE,
    )
    assert process.stderr
    read_until(terminal, "Every")
    os.close(terminal)
    assert process.wait(10) == 1
    assert process.stderr.read() == b"pyipcs: write error: Input/output error\n"
    process.stderr.close()


def test_variables_that_rich_obeys_do_not_count(objects: Objects, isolated: None) -> None:
    env = {"TTY_INTERACTIVE": "0", "TTY_COMPATIBLE": "0", "COLUMNS": "20000", "LINES": "7"}
    process, terminal = on_terminal("list", "--watch=0.1", width=60, env=env)
    read_until(terminal, "Every")
    text = read_until(terminal, r"\x1b\[H(?s:.*)\x1b\[H")
    end(process, terminal)
    assert max(len(line) for line in frames(text)[-2].splitlines()) <= 60


def test_who_lives_is_looked_at_anew(objects: Objects, isolated: None) -> None:
    msqid = objects.queue()
    calls = f"c.msgsnd({msqid}, b'\\1' + bytes(7), ctypes.c_size_t(0), 0)"
    with named_process(b"shortlived", calls) as sender:
        process, terminal = on_terminal("list", "-q", "--watch=0.1")
        read_until(terminal, f"{sender.pid} shortlived")
        sender.kill()
    read_until(terminal, "Every")
    read_until(terminal, rf"{sender.pid}(?! shortlived)")
    end(process, terminal)


def test_a_live_view_takes_a_terminal(objects: Objects) -> None:
    msqid = objects.queue()
    for args in (["list", "--watch"], ["stat", str(msqid), "--watch=5"]):
        result = pyipcs(*args)
        assert (result.status, result.out) == (2, "")
        assert "--watch needs a terminal that can be drawn on" in result.err
    status, text = whole_run("list", "--watch", "-J")
    assert status == 2
    assert "--watch draws tables, so no other format" in text
    for args, status in ((["list", "-q", "-o", "VALUES"], 2), (["stat", "2147483647"], 1)):
        done, text = whole_run(*args, "--watch")
        assert (done, text.count("\n"), ENTER in text) == (status, 1, False)
    process, terminal = on_terminal("list", "--watch", env={"PYIPCS_FORMAT": "json"})
    read_until(terminal, "Every 2s")
    end(process, terminal)


def test_memory_stays_flat_and_descriptors_are_few(objects: Objects, isolated: None) -> None:
    for _ in range(200):
        objects.queue()
    process, terminal = on_terminal("list", "--watch=0.1", height=60)
    sizes, counts = [], []
    for _ in range(2):
        for _ in range(15):
            read_until(terminal, "Every")
        status = Path(f"/proc/{process.pid}/status").read_text()
        sizes.append(int(re.findall(r"VmRSS:\s+(\d+)", status)[0]))
        counts.append(sum(1 for _ in Path(f"/proc/{process.pid}/fd").iterdir()))
    end(process, terminal)
    assert counts[0] == counts[1]
    assert sizes[1] < sizes[0] + 2000


def test_list_watch_ended_by_ctrl_c_leaves_later_typing_to_the_shell(
    objects: Objects, isolated: None
) -> None:
    script = 'trap : INT; "$@"; echo "status $?"; read -r line; echo "read $line"'
    command = ["sh", "-c", script, "sh", PYIPCS, "list", "--watch=0.1"]
    process, terminal = start(command, controlling=True)
    try:
        read_until(terminal, "Every 0.1s")
        os.write(terminal, b"lost\x03typed\n")
        text = read_until(terminal, "read .*\r\n")
    finally:
        end(process, terminal)
    after = without_codes(text[text.rindex(LEAVE) :]).split("\r\n")
    assert after[-3:] == ["status 130", "read typed", ""]


def test_in_a_real_terminal(objects: Objects, isolated: None, tmp_path: Path) -> None:
    """tmux is a terminal that somebody else wrote."""
    objects.queue(5)
    tmux = [need_tool("tmux"), "-S", str(tmp_path / "socket")]
    run(*tmux, "-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "20", "sh")

    def screen(until: str) -> str:
        wait_until(lambda: re.search(until, run(*tmux, "capture-pane", "-p").out))
        return run(*tmux, "capture-pane", "-p").out

    try:
        run(*tmux, "send-keys", f"PS1='$ '; clear; echo before; {PYIPCS} list -q", "Enter")
        text = screen("0x00000005")
        assert text.startswith("before\nMessage queues (1)\nKEY ")
        run(*tmux, "send-keys", f"{PYIPCS} list --watch", "Enter")
        assert screen("Every 2s").startswith("Every 2s: ")
        run(*tmux, "send-keys", "C-c")
        run(*tmux, "send-keys", "echo status $?", "Enter")
        text = screen("status 130")
        assert text.startswith("before\nMessage queues (1)\nKEY "), "as it was"
    finally:
        run(*tmux, "kill-server")
