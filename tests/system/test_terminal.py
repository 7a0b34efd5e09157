"""Output on terminals: tables of any width, live views, untrusted text."""

import os
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from pyipcs.model import Kind
from pyipcs.process.signals import FINAL_MESSAGE_TIMEOUT
from tests.kit import kernel
from tests.kit.factories import read_line, scripted
from tests.kit.isolation import ACCENTED_USER_ID, ESCAPE_USER_ID
from tests.kit.kernel import Objects, row
from tests.kit.posix import ShmFiles
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
    wait_until_full,
    whole_run,
    without_codes,
)
from tests.kit.wait import LIMIT, wait_for_state, wait_until

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
ESCAPE = re.compile(
    "\x1b(?!\\[[\\d;?]*[A-Za-z])|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u202e]"
)


@pytest.fixture
def population(objects: Objects, isolated: None) -> Objects:
    """Create a used queue, a segment and a set of semaphores."""
    msqid = objects.queue(0x1234, 0o600)
    for _ in range(2):
        kernel.send(msqid, b"x" * 8000)
    objects.segment(0xCAFE, 0o666, 2**20)
    objects.semaphores(7, nsems=3)
    return objects


def test_list_table_equals_the_rows_of_the_kernel(population: Objects) -> None:
    (queue,) = table_of(picture("list", "-q", width=200), "Message queues (1)")
    words = row(Kind.QUEUE, int(queue["ID"]))
    assert queue["KEY"] == "0x00001234"
    assert queue["PERMS"] == "rw-------"
    assert (queue["MSGS"], queue["USEDBYTES"], queue["QBYTES"]) == ("2", "15.6K", "16K")
    assert queue["USE%"] == "███████▉ 97%"
    assert queue["SEND"] == time.ctime(int(words["stime"]))
    assert queue["CTIME"] == time.ctime(int(words["ctime"]))
    assert queue["RECV"] == "never"
    name = Path("/proc/self/comm").read_text().strip()
    assert queue["LSPID"] == f"{os.getpid()} {name}", "a living process has its name"
    assert queue["LRPID"] == "-"


def test_list_table_shows_an_ended_process_without_a_name(objects: Objects, isolated: None) -> None:
    msqid = objects.queue(5)
    assert pyipcs("send", "0x5", "hello").status == 0
    (queue,) = table_of(picture("list", "-q"), "Message queues (1)")
    assert queue["LSPID"] == row(Kind.QUEUE, msqid)["lspid"]


@pytest.mark.parametrize("width", [40, 80, 100, 120, 200])
def test_list_table_in_any_width_has_whole_cells(width: int, population: Objects) -> None:
    text = picture("list", width=width)
    assert max(len(line) for line in text.splitlines()) <= width
    full, short = (picture("list", "--time-format", form, width=300) for form in ("full", "short"))
    for title in ("Message queues (1)", "Shared memory segments (1)", "Semaphore sets (1)"):
        (cells,) = table_of(text, title)
        (all_cells,), (short_cells,) = table_of(full, title), table_of(short, title)
        owner = all_cells["OWNER"]
        cut = f"{owner[:15]}\u2026" if len(owner) > 16 else owner
        assert cells.items() <= all_cells.items() | short_cells.items() | {("OWNER", cut)}
        assert {"KEY", "ID"} <= cells.keys()


@pytest.mark.parametrize("day", [1, 30])
def test_list_table_has_a_day_of_one_digit_or_two(day: int, shm: ShmFiles) -> None:
    seconds = int(time.mktime((2026, 11, day, 9, 30, 0, 0, 0, -1)))
    os.utime(shm.file("x"), (seconds, seconds))
    (segment,) = table_of(picture("list", "-M", width=200), "POSIX shared memory segments (1)")
    assert segment["MTIME"] == time.ctime(seconds)


def test_list_views_have_their_columns(population: Objects) -> None:
    for view, names in (
        ("-t", {"SEND", "RECV", "CTIME"}),
        ("-p", {"LSPID", "LRPID"}),
        ("-c", {"CUSER", "CGROUP", "USER", "GROUP"}),
    ):
        (queue,) = table_of(picture("list", view), "Message queues (1)")
        assert names <= queue.keys()


def test_list_limits_prints_limits_with_their_usage(population: Objects) -> None:
    text = picture("list", "-l")
    rows = {found["RESOURCE"]: found for found in table_of(text, "System V IPC limits")}
    assert rows["MSGMNI"]["USED"] == "1"
    assert rows["SEMMNS"]["USED"] == "3"
    assert rows["MSGMNI"]["LIMIT"] == f"{int(Path('/proc/sys/kernel/msgmni').read_text()):,}"
    assert "MSGTQL" not in rows, "the kernel has no such limit"
    assert len(rows) == 12
    assert len(table_of(picture("list", "-lq"), "System V IPC limits")) == 3
    assert "No room" not in picture("list", "-l", width=80)


def test_list_summary_prints_the_usage_alone(population: Objects) -> None:
    text = picture("list", "-u")
    rows = {found["RESOURCE"]: found for found in table_of(text, "System V IPC usage")}
    assert {*rows["MSGMNI"]} == {"RESOURCE", "DESCRIPTION", "USED"}
    assert (rows["MSGMAP"]["USED"], rows["MSGTQL"]["USED"]) == ("2", "15.6K")
    assert "SHMMAX" not in rows, "nothing of it is in use"
    assert len(rows) == 9
    assert "No room" not in picture("list", "-u", width=60)


def test_list_limits_and_summary_show_pages_as_sizes(population: Objects) -> None:
    for args, title in (("-l",), "limits"), (("-u",), "usage"):
        rows = {
            found["RESOURCE"]: found
            for found in table_of(picture("list", *args), f"System V IPC {title}")
        }
        assert rows["SHMALL"]["USED"] == "1M"
        assert rows["SHMALL"]["DESCRIPTION"] == "Size of all segments"
        exact = picture("list", *args, "-b")
        assert re.search(r"Size of all segments \(bytes\) .* 1,048,576\b", exact)
    done = pyipcs("list", "-m", "-u", "-f", "csv", "-o", "RESOURCE,UNIT,USED").out
    pages = 2**20 // os.sysconf("SC_PAGESIZE")
    assert f"SHMALL,pages,{pages}\n" in done, "formats for programs keep the kernel's units"


def test_list_table_without_objects_is_one_line(isolated: None) -> None:
    assert picture("list") == "No message queues, segments or semaphore sets.\n"
    assert picture("list", "-m") == "No segments.\n"


def test_stat_and_list_id_draw_panels(population: Objects) -> None:
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


def test_rm_dry_run_prints_a_table(population: Objects) -> None:
    text = picture("rm", "-n", "--all=msg")
    assert table_of(text, "Message queues (1)")
    assert kernel.ids(Kind.QUEUE)


@pytest.mark.parametrize(
    "args", [("list",), ("list", "-l"), ("stat", "0x1234"), ("list", "--noheadings")]
)
@pytest.mark.parametrize(
    "size", [(1, 1), (2, 5), (10, 1), (40, 1), (40, 24), (0, 0), (80, 0), (0, 24), (1000, 500)]
)
def test_output_on_a_terminal_of_any_size_succeeds(
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
def test_list_table_is_as_wide_as_a_valid_columns_variable(
    columns: str, population: Objects
) -> None:
    text = picture("list", "-q", width=100, env={"COLUMNS": columns})
    longest = max(map(len, text.splitlines()))
    if columns == "60":
        assert longest <= 60
    elif "999" not in columns:
        assert 60 < longest <= 100


def test_list_without_color_prints_the_same_text(population: Objects) -> None:
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
        assert text == without_codes(colored), "color never carries meaning alone"
    _, text = whole_run("list", env={"NO_COLOR": ""})
    assert text == colored, "an empty variable counts as unset"
    _, text = whole_run("list", "--color", "always", env={"NO_COLOR": "1"})
    assert text == colored


def test_list_color_always_in_a_pipe_colors_tables(population: Objects) -> None:
    """The default format in a pipe is plain, which has no colors."""
    assert pyipcs("list", "--color", "always") == pyipcs("list")
    drawn = pyipcs("list", "--color", "always", "-f", "table").out
    assert "\x1b[1mMessage queues (1)\x1b[0m" in drawn
    assert "CTIME" in drawn, "a pipe has no width that could hide columns"
    narrow = pyipcs("list", "--color=always", "-f", "table", env={"COLUMNS": "60"}).out
    assert max(len(line) for line in without_codes(narrow).splitlines()) <= 60


def test_list_format_table_in_a_pipe_is_ascii_text(population: Objects) -> None:
    text = pyipcs("list", "-f", "table").out
    assert text.isascii()
    assert text.startswith("Message queues\nKEY ")
    assert " 15.6K " in text
    assert pyipcs("list", "-l", "-f", "table").out.startswith("Message queues\nRESOURCE ")


def test_list_format_on_a_terminal_prints_the_same_as_in_a_pipe(population: Objects) -> None:
    for args in (["-f", "plain"], ["-f", "csv"], ["-o", "ID,KEY", "-f", "tsv"]):
        _, text = whole_run("list", *args)
        assert text.replace("\r\n", "\n") == pyipcs("list", *args).out


ASCII = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_tables_in_an_ascii_locale_are_ascii(population: Objects) -> None:
    text = picture("list", env=ASCII)
    assert text.isascii()
    assert "#" * 7 in text
    for width in (8, 14, 20):
        assert picture("stat", "0x1234", width=width, env=ASCII).isascii()


@pytest.mark.root
def test_list_in_an_ascii_locale_prints_the_bytes_of_user_names(
    objects: Objects, accounts: None, isolated: None
) -> None:
    from pyipcs.sysv import libc

    libc.change(Kind.QUEUE, objects.queue(5), uid=ACCENTED_USER_ID)
    for format_ in ("plain", "json", "jsonl", "csv", "tsv", "export", "openmetrics", "table"):
        done = pyipcs("list", "-q", "-f", format_, env=ASCII)
        assert (done.status, done.err) == (0, ""), format_
        assert done.out, format_
    assert "josé" in pyipcs("list", "-q", "-f", "csv", env=ASCII).out, "the bytes of the name"


def test_send_progress_with_any_columns_variable_succeeds(objects: Objects, tmp_path: Path) -> None:
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


# Untrusted text


@contextmanager
def sending(msqid: int, name: bytes) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a process with this name that has sent a message."""
    script = f"""
libc.prctl(15, {name!r}, 0, 0, 0)  # PR_SET_NAME
libc.msgsnd({msqid}, (1).to_bytes(8, sys.byteorder), 0, 0)
print(flush=True)
time.sleep(600)
"""
    with scripted(script) as process:
        read_line(process)
        yield process


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


def test_hostile_process_names_are_escaped(objects: Objects, isolated: None) -> None:
    keys = [f"{key:#x}" for key in range(1, len(HOSTILE) + 1)]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(sending(objects.queue(int(key, 16)), name))
            for key, (name, _) in zip(keys, HOSTILE, strict=True)
        ]
        for args in (["list", "-q"], ["stat", *keys], ["stat", *keys, "-f", "plain"]):
            for color in ("never", "always"):
                _, text = whole_run(*args, "--color", color)
                assert not ESCAPE.search(text.replace("\r\n", "\n")), args
                # Plain text keeps tabs, as in a pipe.
                seen = text.replace("\t", "\\t") if "plain" in args else text
                for process, (_, shown) in zip(processes, HOSTILE, strict=True):
                    assert f"{process.pid} {shown}" in seen or f"({shown})" in seen, args


def test_hostile_command_line_is_escaped(objects: Objects, isolated: None) -> None:
    hostile = "a\n\x1b[31m\u202e[red]\t$(id)`\"'\\"
    waiting = "import time; print(flush=True); time.sleep(600)"
    command = [sys.executable, "-c", waiting, hostile]
    script = f"print(libc.shmget(6, 100, 0o1600), flush=True); os.execv({command[0]!r}, {command})"
    with scripted(script) as process:
        objects.adopt(Kind.SEGMENT, int(read_line(process)))
        read_line(process)
        _, text = whole_run("list", "-m", "-o", "KEY,COMMAND", width=400)
        assert "a\\n\\x1b[31m\\u202e[red]\\t$(id)`\"'\\" in text
        assert not ESCAPE.search(without_codes(text).replace("\r\n", "\n"))
        for format_ in ("plain", "csv", "tsv", "export", "json", "jsonl"):
            _, text = whole_run("list", "-m", "-o", "KEY,COMMAND", "-f", format_)
            assert "\x1b" not in text, format_
            assert "\u202e" not in text, format_
        lines = pyipcs("list", "-m", "-o", "COMMAND", "-f", "jsonl").out
        assert hostile in lines.encode().decode("unicode_escape")
        assert "\x1b[31m\u202e" in pyipcs("list", "-m", "-o", "COMMAND", "-f", "csv").out


@pytest.mark.root
def test_hostile_user_name_is_escaped_only_on_a_terminal(
    objects: Objects, accounts: None, isolated: None
) -> None:
    from pyipcs.sysv import libc

    msqid = objects.queue(5)
    libc.change(Kind.QUEUE, msqid, uid=ESCAPE_USER_ID)
    for args in (["list"], ["list", "-c"], ["stat", "0x5"], ["list", "-q", "-o", "USER,OWNER"]):
        _, text = whole_run(*args)
        assert "esc\\x1b[31mred" in text, args
        assert "esc\x1b" not in text, args
    for args in (["list", "-q"], ["list", "-qc"]):
        for format_ in ("table", "csv", "plain"):
            status, text = whole_run(*args, "-f", format_, "--color", "never")
            assert status == 0
            assert "\x1b" not in text, (args, format_)
            assert "esc\\x1b[31m" in text, (args, format_)
        assert "esc\x1b[31m" in pyipcs(*args).out, "a pipe gets the bytes"
    assert "esc\x1b[31mred" in pyipcs("list", "-f", "csv").out


# Live views


def assert_restored(text: str) -> None:
    """Assert that all modes of the terminal that were set are reset."""
    assert text.count(ENTER) == text.count(LEAVE) > 0
    assert text.count(HIDE) == text.count(SHOW) > 0
    assert text.rindex(LEAVE) > text.rindex("\x1b[H")
    assert text.rindex(SHOW) > text.rindex(HIDE)


@pytest.fixture
def watching(objects: Objects, isolated: None) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start a live view, which has drawn a queue with key 5."""
    objects.queue(5)
    process, terminal = on_terminal("list", "--watch=0.1", width=100)
    read_until(terminal, "0x00000005")
    yield process, terminal
    end(process, terminal)


def next_frame(terminal: int) -> str:
    """Return the next whole frame of a live view."""
    return frames(read_until(terminal, r"\x1b\[H(?s:.*)\x1b\[H"))[-2].replace("\r", "")


def interrupt(process: "subprocess.Popen[bytes]", terminal: int) -> str:
    """End a live view by SIGINT; return the output until its end."""
    process.send_signal(signal.SIGINT)
    text = read_all(terminal)
    assert process.wait(LIMIT) == -signal.SIGINT
    return text


def test_list_watch_shows_the_rates_of_messages(
    watching: tuple[subprocess.Popen[bytes], int],
) -> None:
    process, terminal = watching
    (msqid,) = kernel.ids(Kind.QUEUE)
    for _ in range(50):
        kernel.send(msqid)
    text = read_until(terminal, r"\+\d+\.\d")
    kernel.receive_all(msqid)
    text += read_until(terminal, r"-\d+\.\d")
    text += read_until(terminal, r"Message queues \(1\)")
    text += interrupt(process, terminal)
    assert LEAVE in text[-40:]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
@pytest.mark.parametrize("args", [("list",), ("list", "-u"), ("stat", "0x5")])
def test_watch_ended_by_a_signal_restores_the_terminal(
    number: signal.Signals, args: tuple[str, ...], objects: Objects, isolated: None
) -> None:
    objects.queue(5)
    process, terminal = on_terminal(*args, "--watch=0.1")
    text = read_until(terminal, "Every 0.1s")
    process.send_signal(number)
    text += read_all(terminal)
    assert process.wait(LIMIT) == -number
    assert_restored(text)


@pytest.mark.slow
def test_list_watch_ended_by_sigterm_at_any_moment_restores_the_terminal(
    objects: Objects, isolated: None
) -> None:
    objects.queue(5)
    for hundredths in range(8, 40, 3):
        process, terminal = on_terminal("list", "--watch=0.1")
        time.sleep(hundredths / 100)  # one of the moments, no wait for a condition
        process.send_signal(signal.SIGTERM)
        text = read_all(terminal)
        assert process.wait(LIMIT) == -signal.SIGTERM
        assert text.count(ENTER) == text.count(LEAVE)
        assert text.count(HIDE) == text.count(SHOW)
        assert "Traceback" not in text


def test_list_watch_on_a_terminal_of_unknown_size_draws(isolated: None) -> None:
    for height in (0, 1):
        process, terminal = on_terminal("list", "--watch=0.1", width=0, height=height)
        read_until(terminal, "No message queues")
        interrupt(process, terminal)


def test_list_watch_on_a_resized_terminal_fits_it(
    watching: tuple[subprocess.Popen[bytes], int],
) -> None:
    process, terminal = watching

    def fits(frame: str, width: int, height: int) -> bool:
        lines = frame.split("\n")
        return max(map(len, lines)) <= width and len(lines) <= height

    for size in ((40, 24), (120, 10), (60, 1), (3, 3), (200, 50)):
        resize(terminal, *size)
        process.send_signal(signal.SIGWINCH)
        # The terminal may hold frames of the size before.
        wait_until(lambda size=size: fits(next_frame(terminal), *size))  # type: ignore[misc]
        assert fits(next_frame(terminal), *size), size
    interrupt(process, terminal)


def test_list_watch_on_a_terminal_with_fewer_lines_than_kinds_fits_it(one_of_each: None) -> None:
    process, terminal = on_terminal("list", "--sysv", "--posix", "--watch=0.1")
    for height in (1, 3, 6):
        resize(terminal, 200, height)
        process.send_signal(signal.SIGWINCH)
        wait_until(lambda height=height: len(next_frame(terminal).split("\n")) == height)  # type: ignore[misc]
    interrupt(process, terminal)


def test_list_watch_with_a_thousand_inherited_descriptors_goes_on() -> None:
    """select(2) takes no descriptor above 1023."""
    many = 'ulimit -n 2048; for ((n = 3; n < 1100; n++)); do eval "exec $n</dev/null"; done'
    before = ["bash", "-c", f'{many}; exec "$@"', "bash"]
    process, terminal = on_terminal("list", "--watch=0.1", before=before)
    read_until(terminal, "(Every 0.1s(?s:.*)){4}")
    interrupt(process, terminal)


def test_list_watch_on_the_largest_terminal_draws() -> None:
    process, terminal = on_terminal("list", "--watch", width=65535, height=65535)
    read_until(terminal, "Every 2s")
    end(process, terminal)


def test_list_watch_on_a_resized_terminal_draws_at_once(objects: Objects, isolated: None) -> None:
    objects.queue(5)
    process, terminal = on_terminal("list", "--watch=60", width=100)
    read_until(terminal, "0x00000005")
    resize(terminal, 50, 24)
    process.send_signal(signal.SIGWINCH)
    read_until(terminal, "No room for")
    end(process, terminal)


def test_list_watch_counts_the_rows_without_room(objects: Objects, isolated: None) -> None:
    for _ in range(50):
        objects.queue()
    process, terminal = on_terminal("list", "-q", "--watch=0.1", height=10)
    text = without_codes(read_until(terminal, r"\d more\."))
    end(process, terminal)
    assert "Message queues (50)" in text
    assert "45 more." in text


KEYS = {"up": b"\x1b[A", "down": b"\x1b[B", "page up": b"\x1b[5~", "page down": b"\x1b[6~"}
TITLES = ("Message queues (20)", "Shared memory segments (20)", "Semaphore sets (20)")


@pytest.fixture
def sixty(objects: Objects, isolated: None) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start a live view of 20 objects of each kind, with keys 1 to 60, at 80x24."""
    for key in range(1, 21):
        objects.queue(key)
        objects.segment(20 + key)
        objects.semaphores(40 + key)
    process, terminal = on_terminal("list", "--sort=KEY", "--watch=0.1", width=80)
    read_until(terminal, "Every")
    yield process, terminal
    end(process, terminal)


def keys_in(frame: str) -> list[int]:
    """Return the keys of the objects in a picture."""
    return [int(key, 16) for key in re.findall("0x[0-9a-f]{8}", frame)]


def test_list_watch_in_a_small_terminal_shows_rows_of_each_kind(
    sixty: tuple[subprocess.Popen[bytes], int],
) -> None:
    frame = next_frame(sixty[1])
    assert "q quits, arrows scroll" in frame
    assert all(title in frame for title in TITLES)
    assert keys_in(frame) == [1, 2, 3, 4, 21, 22, 23, 41, 42, 43]
    assert re.findall(r"(\d+) more\.", frame) == ["16", "17", "17"]
    assert len(frame.split("\n")) == 24


def test_list_watch_keys_scroll_through_all_rows(
    sixty: tuple[subprocess.Popen[bytes], int],
) -> None:
    _, terminal = sixty
    seen = {*keys_in(next_frame(terminal))}

    def first_key_is(key: int) -> bool:
        found = keys_in(next_frame(terminal))
        seen.update(found)
        return found[0] == key

    for name, key in (("page down", 5), ("down", 6), ("up", 5), ("page down", 21)):
        os.write(terminal, KEYS[name])
        wait_until(lambda key=key: first_key_is(key))  # type: ignore[misc]
    os.write(terminal, KEYS["page down"] * 5)
    wait_until(lambda: 60 in keys_in(next_frame(terminal)))
    wait_until(lambda: first_key_is(41))
    assert seen == {*range(1, 61)}
    os.write(terminal, KEYS["page up"] * 6)
    wait_until(lambda: first_key_is(1))


def test_list_watch_on_a_resized_terminal_keeps_its_place(
    sixty: tuple[subprocess.Popen[bytes], int],
) -> None:
    process, terminal = sixty
    os.write(terminal, KEYS["page down"])
    wait_until(lambda: keys_in(next_frame(terminal))[0] == 5)
    for height in (12, 30):
        resize(terminal, 80, height)
        process.send_signal(signal.SIGWINCH)
        wait_until(lambda height=height: next_frame(terminal).count("\n") == height - 1)  # type: ignore[misc]
        assert keys_in(next_frame(terminal))[0] == 5
    resize(terminal, 80, 100)
    process.send_signal(signal.SIGWINCH)
    wait_until(lambda: keys_in(next_frame(terminal)) == [*range(1, 61)])


def test_stat_watch_scrolls(objects: Objects, isolated: None) -> None:
    for key in range(1, 11):
        objects.queue(key)
    process, terminal = on_terminal("stat", *map(hex, range(1, 11)), "--watch=0.1", width=80)
    read_until(terminal, r"lines more\)")
    os.write(terminal, b"\x1b[F")
    wait_until(lambda: 10 in keys_in(next_frame(terminal)))
    os.write(terminal, b"q")
    assert read_all(terminal).endswith(SHOW + LEAVE)
    assert process.wait(LIMIT) == 0


@pytest.mark.parametrize("args", [("list",), ("list", "-u"), ("stat", "0x5")])
def test_watch_ended_by_q_restores_the_terminal(
    args: tuple[str, ...], objects: Objects, isolated: None
) -> None:
    objects.queue(5)
    process, terminal = on_terminal(*args, "--watch=60")
    before = termios.tcgetattr(terminal)
    text = read_until(terminal, "Every 60s")
    wait_until(lambda: not has_mode(terminal, termios.ICANON | termios.ECHO))
    os.write(terminal, b"x\x1b[Bq")
    assert process.wait(LIMIT) == 0
    assert termios.tcgetattr(terminal) == before
    text += read_all(terminal)
    assert_restored(text)
    assert "x" not in without_codes(text[text.rindex(LEAVE) :])


def has_mode(terminal: int, flags: int) -> bool:
    """Return True if one of these local modes is set."""
    return bool(termios.tcgetattr(terminal)[3] & flags)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT])
def test_list_watch_ended_by_a_signal_restores_the_modes(
    number: signal.Signals, isolated: None
) -> None:
    process, terminal = on_terminal("list", "--watch=60")
    before = termios.tcgetattr(terminal)
    read_until(terminal, "Every 60s")
    process.send_signal(number)
    assert process.wait(LIMIT) == -number
    assert termios.tcgetattr(terminal) == before
    end(process, terminal)


def test_stat_watch_with_columns_shows_a_table(objects: Objects, isolated: None) -> None:
    msqid = objects.queue(5)
    objects.segment(6)
    line = ("stat", "0x5", "0x6", "--watch=0.1", "-o", "ID,MSGS,SIZE")
    process, terminal = on_terminal(*line, width=80)
    try:
        text = without_codes(read_until(terminal, "Shared memory segments"))
        assert re.search(r"ID +MSGS +NET/S\b", text)
        assert "Last send" not in text
        kernel.send(msqid, b"x")
        read_until(terminal, r"\+\d+\.\d")
        os.write(terminal, b"q")
        read_all(terminal)
        assert process.wait(LIMIT) == 0
    finally:
        end(process, terminal)


def test_stat_watch_with_an_unknown_column_is_refused(objects: Objects, isolated: None) -> None:
    objects.queue(5)
    status, text = whole_run("stat", "0x5", "--watch", "-o", "NOPE")
    assert (status, "no column 'NOPE'" in text) == (2, True)


def test_stat_watch_ended_by_an_error_restores_the_modes(objects: Objects, isolated: None) -> None:
    msqid = objects.queue(5)
    process, terminal = on_terminal("stat", "0x5", "--watch=0.1")
    before = termios.tcgetattr(terminal)
    read_until(terminal, "Every 0.1s")
    kernel.remove(Kind.QUEUE, msqid)
    assert process.wait(LIMIT) == 1
    assert termios.tcgetattr(terminal) == before
    end(process, terminal)


def test_list_watch_with_other_input_reads_no_keys(isolated: None) -> None:
    before = ["sh", "-c", 'exec "$@" < /dev/null', "sh"]
    process, terminal = on_terminal("list", "--watch=0.1", before=before)
    read_until(terminal, "Every 0.1s")
    os.write(terminal, b"q")
    text = read_until(terminal, "(Every 0.1s(?s:.*)){3}")
    assert "q quits" not in text
    assert has_mode(terminal, termios.ICANON)
    assert not has_mode(terminal, termios.ECHO)
    interrupt(process, terminal)


def test_list_watch_with_input_from_dev_tty_reads_keys(isolated: None) -> None:
    command = ["sh", "-c", 'exec "$@" < /dev/tty', "sh", PYIPCS, "list", "--watch=0.1"]
    process, terminal = start(command, controlling=True)
    read_until(terminal, "q quits")
    os.write(terminal, b"q")
    read_all(terminal)
    assert process.wait(LIMIT) == 0


@contextmanager
def bash_terminal() -> Iterator[int]:
    """Start bash with line editing and job control on a terminal of its own."""
    process, terminal = start(["bash", "--norc", "-i"], controlling=True, env={"PS1": "$ "})
    try:
        read_until(terminal, r"\$ ")
        yield terminal
    finally:
        end(process, terminal)


def test_list_watch_ended_by_q_leaves_later_typing_to_the_shell(isolated: None) -> None:
    with bash_terminal() as terminal:
        os.write(terminal, f"{PYIPCS} list --watch=0.1\n".encode())
        read_until(terminal, "q quits")
        os.write(terminal, b"xqecho status $? ty''ped\nstty -a\n")
        text = without_codes(read_until(terminal, "echonl"))
    assert "status 0 typed\r\n" in text
    assert " icanon " in text
    assert re.search(r"\secho\s", text)


def test_list_watch_stopped_by_ctrl_z_restores_the_modes_until_fg(isolated: None) -> None:
    with bash_terminal() as terminal:
        os.write(terminal, f"{PYIPCS} list --watch=0.1\n".encode())
        read_until(terminal, "q quits")
        os.write(terminal, b"\x1aecho ty''ped\nstty -a\n")
        text = without_codes(read_until(terminal, "echonl"))
        assert "Stopped" in text
        assert "typed\r\n" in text
        assert " icanon " in text
        assert re.search(r"\secho\s", text)
        os.write(terminal, b"fg\n")
        read_until(terminal, "q quits")
        wait_until(lambda: not has_mode(terminal, termios.ICANON | termios.ECHO))
        os.write(terminal, b"qecho status $? ty''ped\n")
        read_until(terminal, "status 0 typed\r\n")


def test_list_watch_started_in_the_background_draws_in_the_foreground(isolated: None) -> None:
    with bash_terminal() as terminal:
        os.write(terminal, f"{PYIPCS} list --watch=0.1 &\n".encode())
        read_until(terminal, r"\$ ")
        wait_until(lambda: has_stopped_job(terminal))
        os.write(terminal, b"fg\n")
        read_until(terminal, "q quits")
        os.write(terminal, b"qstty -a\n")
        text = without_codes(read_until(terminal, "echonl"))
    assert " icrnl " in text
    assert " icanon " in text


def has_stopped_job(terminal: int) -> bool:
    """Return True if bash reports a stopped job."""
    os.write(terminal, b"jobs; echo e''nd\n")
    return "Stopped" in read_until(terminal, "end\r\n")


def test_list_watch_stopped_and_continued_draws_again(
    watching: tuple[subprocess.Popen[bytes], int],
) -> None:
    process, terminal = watching
    process.send_signal(signal.SIGTSTP)
    text = read_until(terminal, re.escape(LEAVE))
    wait_for_state(process.pid, "T")
    process.send_signal(signal.SIGCONT)
    text += read_until(terminal, "0x00000005")
    text += interrupt(process, terminal)
    assert_restored(ENTER + HIDE + text)


def test_stat_watch_of_a_removed_object_restores_the_terminal(
    objects: Objects, isolated: None
) -> None:
    first, second = objects.queue(5), objects.queue(6)
    process, terminal = on_terminal("stat", "0x5", "0x6", "--watch=0.1")
    text = read_until(terminal, "key 0x00000006")
    kernel.remove(Kind.QUEUE, first)
    text += read_until(terminal, "0x5: no object has that key")
    kernel.remove(Kind.QUEUE, second)
    text += read_all(terminal)
    assert process.wait(LIMIT) == 1
    assert_restored(text)
    assert without_codes(text[text.rindex(LEAVE) :]).split("\r\n")[-2:] == [
        "pyipcs: 0x5: no object has that key",
        "",
    ]


@pytest.mark.tools("strace")
def test_list_watch_with_a_failing_call_restores_the_terminal(
    objects: Objects, isolated: None
) -> None:
    objects.queue(5)
    inject = ["-P", "/proc/sysvipc/msg", "-e", "inject=read:error=EIO:when=6+"]
    process, terminal = on_terminal(
        *("list", "-q", "--watch=0.1"), before=["strace", "-f", "-o", "/dev/null", *inject]
    )
    text = read_all(terminal)
    assert process.wait(LIMIT) == 1
    assert_restored(text)
    assert text.endswith("/proc/sysvipc/msg: Input/output error\r\n")


@pytest.fixture
def unread(
    objects: Objects, isolated: None, request: pytest.FixtureRequest
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start a live view, which waits for room on an unread terminal."""
    for _ in range(300):
        objects.queue()
    nonblocking = getattr(request, "param", False)
    process, terminal = on_terminal(
        *("list", "--watch=0.1"), width=400, height=300, nonblocking=nonblocking
    )
    wait_until_full(process, terminal)
    yield process, terminal
    end(process, terminal)


def test_list_watch_on_a_full_terminal_dies_of_a_signal(
    unread: tuple[subprocess.Popen[bytes], int],
) -> None:
    process, _ = unread
    process.send_signal(signal.SIGTERM)
    assert process.wait(LIMIT) == -signal.SIGTERM


@pytest.mark.slow
def test_list_watch_on_a_slow_terminal_restores_it(
    unread: tuple[subprocess.Popen[bytes], int],
) -> None:
    """The terminal takes the last frame in parts, and more than a second for all."""
    process, terminal = unread
    text = b""

    def has_left() -> bool:
        nonlocal text
        if select.select([terminal], [], [], 0)[0]:
            text += os.read(terminal, 4096)
        return LEAVE.encode() in text

    process.send_signal(signal.SIGTERM)
    begun = time.monotonic()
    wait_until(has_left, pause=0.1)
    assert time.monotonic() - begun > FINAL_MESSAGE_TIMEOUT
    assert process.wait(LIMIT) == -signal.SIGTERM
    assert_restored(text.decode())


@pytest.mark.parametrize("unread", [True], indirect=True, ids=["O_NONBLOCK"])
def test_list_watch_on_a_nonblocking_terminal_waits_for_room(
    unread: tuple[subprocess.Popen[bytes], int],
) -> None:
    """O_NONBLOCK belongs to the open file, so another process may have set it."""
    process, terminal = unread
    text = read_until(terminal, "Every")
    assert_restored(text + interrupt(process, terminal))


def test_list_watch_on_a_closed_terminal_is_a_write_error() -> None:
    process, terminal = on_terminal(
        *("list", "--watch=0.1"),
        before=["sh", "-c", 'trap "" HUP; exec "$@"', "sh"],
        stderr=subprocess.PIPE,
    )
    assert process.stderr
    read_until(terminal, "Every")
    os.close(terminal)
    assert process.wait(LIMIT) == 1
    assert process.stderr.read() == b"pyipcs: write error: Input/output error\n"
    process.stderr.close()


def test_list_watch_ignores_the_variables_of_rich() -> None:
    env = {"TTY_INTERACTIVE": "0", "TTY_COMPATIBLE": "0", "COLUMNS": "20000", "LINES": "7"}
    process, terminal = on_terminal("list", "--watch=0.1", width=60, env=env)
    read_until(terminal, "Every")
    frame = next_frame(terminal)
    end(process, terminal)
    assert max(map(len, frame.splitlines())) <= 60


def test_list_watch_drops_the_name_of_an_ended_process(objects: Objects, isolated: None) -> None:
    msqid = objects.queue()
    with sending(msqid, b"shortlived") as sender:
        process, terminal = on_terminal("list", "-q", "--watch=0.1")
        read_until(terminal, f"{sender.pid} shortlived")
    wait_until(lambda: "shortlived" not in next_frame(terminal))
    assert f"{sender.pid}" in next_frame(terminal)
    end(process, terminal)


@pytest.mark.parametrize(
    ("line", "status"), [("list -q -o VALUES --watch", 2), ("stat 2147483647 --watch", 1)]
)
def test_watch_that_fails_prints_one_line_without_a_screen(line: str, status: int) -> None:
    done, text = whole_run(*line.split())
    assert (done, text.count("\n"), ENTER in text) == (status, 1, False)


def test_list_watch_ignores_pyipcs_format() -> None:
    process, terminal = on_terminal("list", "--watch", env={"PYIPCS_FORMAT": "json"})
    read_until(terminal, "Every 2s")
    end(process, terminal)


@pytest.mark.slow
def test_list_watch_grows_neither_in_memory_nor_in_descriptors(
    objects: Objects, isolated: None
) -> None:
    for _ in range(200):
        objects.queue()
    process, terminal = on_terminal("list", "--watch=0.1", height=60)
    sizes, counts = [], []
    for _ in range(2):
        for _ in range(10):
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


def test_list_watch_in_tmux_leaves_the_screen_and_the_typing(
    objects: Objects, isolated: None, tmp_path: Path
) -> None:
    """The terminal of tmux shares no code with the kit of the tests."""
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
        for key in range(6, 36):
            objects.queue(key)
        run(*tmux, "send-keys", f"clear; {PYIPCS} list -q --sort=KEY --watch", "Enter")
        assert "0x00000023" not in screen(r"\d more\.")
        run(*tmux, "send-keys", "PageDown", "PageDown", "PageDown")
        assert "Message queues" not in screen("0x00000023")
        run(*tmux, "send-keys", "q")
        run(*tmux, "send-keys", "echo status $?", "Enter")
        screen("status 0")
    finally:
        run(*tmux, "kill-server")
