"""The program as a process: signals, pipes, full disks, terminals, names, scripts."""

import os
import pty
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pyipcs import cli
from pyipcs.model import Kind
from tests.kit import kernel
from tests.kit.isolation import ESCAPE_USER_ID
from tests.kit.kernel import Objects, ids, row
from tests.kit.program import PYIPCS, Result, invoke, need_tool, pyipcs, run
from tests.kit.terminal import on_terminal, read_all, read_terminal, whole_run

COMMANDS = {
    "list": "list",
    "list json": "list -J",
    "usage": "list -u",
    "limits": "list -l",
    "details": "list -q -i {msqid}",
    "help": "--help",
    "command's help": "rm --help",
    "version": "-V",
    "stat": "stat {msqid}",
    "stat json": "stat -J {msqid}",
    "dry run": "rm -n -q {msqid}",
    "verbose removal": "rm -v -q {msqid}",
}


@pytest.fixture(params=list(COMMANDS.values()), ids=list(COMMANDS))
def command_line(request: pytest.FixtureRequest, objects: Objects) -> str:
    """A command line that writes something."""
    line: str = request.param
    return f"{PYIPCS} {line.format(msqid=objects.queue())}"


def shell(script: str, **options: Any) -> Result:
    return run("bash", "-c", script, **options)


def test_a_full_disk(command_line: str) -> None:
    assert shell(f"{command_line} > /dev/full") == (
        1,
        "",
        "pyipcs: write error: No space left on device\n",
    )


def test_a_full_disk_with_more_than_a_buffer(objects: Objects, isolated: None) -> None:
    for _ in range(500):
        objects.queue()
    result = shell(f"{PYIPCS} list > /dev/full")
    assert result == (1, "", "pyipcs: write error: No space left on device\n")


def test_no_standard_output(command_line: str) -> None:
    assert shell(f"{command_line} >&-") == (0, "", "")


def test_no_standard_error() -> None:
    for script in (f"{PYIPCS} rm -q 2147483647 2>&-", f"{PYIPCS} rm -q 2147483647 2>/dev/full"):
        assert shell(script) == (1, "", "")
    assert shell(f"{PYIPCS} list -z 2>&-") == (2, "", "")
    assert shell(f"{PYIPCS} list -l <&- >&- 2>&-") == (0, "", "")


def test_a_reader_that_goes_away_ends_it_by_sigpipe(objects: Objects, isolated: None) -> None:
    for _ in range(2000):  # more than a pipe holds
        objects.queue()
    for args in ("list", "list -J"):
        result = shell(f"{PYIPCS} {args} | head -n 1 >/dev/null; echo ${{PIPESTATUS[0]}}")
        assert result == (0, f"{128 + signal.SIGPIPE}\n", "")


def test_what_was_made_goes_when_its_id_cannot_be_told(isolated: None) -> None:
    result = shell(f"{PYIPCS} make -Q -M 1 -S 1 > /dev/full")
    assert result == (1, "", "pyipcs: write error: No space left on device\n")
    assert not any(ids(kind) for kind in Kind)


def test_no_reader_of_the_id(isolated: None) -> None:
    """It ends by SIGPIPE, and what nobody was told of is not left."""
    result = shell(f"(sleep 0.2; {PYIPCS} make -Q -M 1 -S 1; echo $? >&2) | true")
    assert result == (0, "", f"{128 + signal.SIGPIPE}\n")
    assert not any(ids(kind) for kind in Kind)


@pytest.mark.parametrize("call", ["semget", "msgget", "shmget", "semctl"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGALRM"])
def test_a_signal_in_the_middle_of_make_leaves_nothing(
    call: str, name: str, isolated: None
) -> None:
    strace = need_tool("strace")
    inject = ["-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal={name}"]
    args = [*("make", "-Q", "-M", "1"), *("-S", "2", "--values", "5,5", "-p", "400", "-k", "9")]
    assert run(strace, *inject, PYIPCS, *args) == (-signal.Signals[name], "", "")
    assert not any(ids(kind) for kind in Kind)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"])
def test_a_signal_while_nobody_reads_the_id_leaves_nothing(name: str, isolated: None) -> None:
    read, write = kernel.full_pipe()
    process = subprocess.Popen([PYIPCS, "make", "-Q", "-M", "1"], stdout=write)
    while not ids(Kind.QUEUE):
        time.sleep(0.01)
    time.sleep(0.2)  # it is at the write, which waits
    process.send_signal(signal.Signals[name])
    assert process.wait(timeout=10) == -signal.Signals[name]
    os.close(read)
    os.close(write)
    assert not any(ids(kind) for kind in Kind)


@pytest.mark.parametrize("name", ["INT", "TERM", "HUP"])
def test_an_ignored_signal_does_not_disturb_make(name: str, objects: Objects) -> None:
    strace = need_tool("strace")
    inject = f"-f -o /dev/null -e trace=msgget -e inject=msgget:signal={name}"
    result = shell(f"trap '' {name}; {strace} {inject} {PYIPCS} make -Q -i")
    objects.adopt(Kind.QUEUE, int(result.out))
    assert (result.status, result.err) == (0, "")


def test_a_signal_that_the_caller_blocks_does_not_disturb_make(objects: Objects) -> None:
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        process = subprocess.Popen([PYIPCS, "make", "-Q", "-i"], stdout=subprocess.PIPE)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    objects.adopt(Kind.QUEUE, int(out))
    assert process.returncode == 0


@pytest.mark.parametrize("error", ["EACCES", "EMFILE", "ENOTDIR"])
def test_a_listing_that_may_not_be_opened_is_asked_for(error: str, objects: Objects) -> None:
    strace = need_tool("strace")
    objects.queue(3)
    inject = ["-P", "/proc/sysvipc/msg", "-e", f"inject=openat:error={error}"]
    result = run(strace, "-o", "/dev/null", *inject, PYIPCS, "list", "-q")
    assert result == pyipcs("list", "-q")


@pytest.mark.parametrize(
    ("inject", "args", "why"),
    [
        ("read:error=EIO", "list", "/proc/sysvipc/msg: Input/output error"),
        ("read:error=EIO", "list -J", "/proc/sysvipc/msg: Input/output error"),
        ("read:error=EIO", "rm -a", "/proc/sysvipc/msg: Input/output error"),
        (
            "msgctl:error=ENOSYS",
            "list -u",
            "System V IPC is not in this kernel, or a sandbox hides it",
        ),
        ("msgctl:error=EPERM", "list -l", "System V IPC: Operation not permitted"),
        ("msgctl:error=EIO", "rm -q 5", "id failed (5): Input/output error"),
        (
            "msgget:error=ENOMEM",
            "make -Q",
            "create message queue failed: Cannot allocate memory",
        ),
    ],
)
def test_a_refused_system_call_is_one_line(inject: str, args: str, why: str) -> None:
    strace = need_tool("strace")
    paths = ["-P", "/proc/sysvipc/msg"] if inject.startswith("read") else []
    result = run(
        *(strace, "-o", "/dev/null", *paths, "-e", f"inject={inject}", PYIPCS, *args.split())
    )
    assert (result.status, result.err) == (1, f"pyipcs: {why}\n")


@pytest.mark.parametrize("module", ["cli/list", "render/plain", "cli/__init__"])
@pytest.mark.parametrize("error", ["EMFILE", "ENOENT"])
def test_a_module_that_cannot_be_loaded_is_one_line(module: str, error: str) -> None:
    """Where descriptors have run out, say, or the installation has lost a file."""
    strace = need_tool("strace")
    folder = Path(cli.__file__).parent.parent
    package, name = module.split("/")
    files = [folder / f"{module}.py", *(folder / package / "__pycache__").glob(f"{name}.*.pyc")]
    paths = [word for file in files for word in ("-P", str(file))]
    inject = ["-e", "trace=openat,newfstatat", "-e", f"inject=openat,newfstatat:error={error}"]
    result = run(strace, "-o", "/dev/null", *paths, *inject, PYIPCS, "list", "-q")
    assert (result.status, result.out) == (1, "")
    assert re.fullmatch(r"pyipcs: cannot go on: [^/\n]+\n", result.err), result.err


def test_nothing_is_lost_where_python_does_not_buffer(objects: Objects, isolated: None) -> None:
    """A write(2) to a pipe that is interrupted takes a part, and that must be noticed."""
    for _ in range(3000):
        objects.queue()
    process = subprocess.Popen(
        [PYIPCS, "list", "-q"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    time.sleep(0.5)  # it has filled the pipe, and waits
    process.send_signal(signal.SIGSTOP)
    process.send_signal(signal.SIGCONT)
    out, _ = process.communicate()
    assert process.returncode == 0
    assert out.count(b"\n") == 3000 + 4


def test_a_pipe_that_does_not_wait(objects: Objects, isolated: None) -> None:
    for _ in range(3000):
        objects.queue()
    script = (
        "import os, sys; os.set_blocking(1, False); os.execv(sys.argv[1], [*sys.argv[1:], 'list'])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, PYIPCS], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    time.sleep(0.3)  # it has filled the pipe, and waits all the same
    out, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert out.decode() == pyipcs("list").out


def test_interrupt_at_any_moment_of_the_start() -> None:
    """Death by the signal and not a word, from the first line of ours to the end of the output."""
    durations = []
    for _ in range(3):
        start = time.perf_counter()
        pyipcs("list")
        durations.append(time.perf_counter() - start)
    interrupted = 0
    for _ in range(60):
        process = subprocess.Popen(
            [PYIPCS, "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        time.sleep(min(durations) * random.uniform(0.4, 1))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
        interrupted += process.returncode == -signal.SIGINT
        # Until it has loaded the entry point, the interpreter speaks for itself.
        assert not re.search(r"pyipcs/__main__.py\", line \d+, in (?!<module>)", errors)
        assert "pyipcs/cli" not in errors
    assert interrupted > 10


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_while_it_waits(
    number: signal.Signals, objects: Objects, isolated: None
) -> None:
    objects.queue()
    process, terminal = on_terminal("rm", "-a")
    assert "Remove " in read_terminal(terminal)
    process.send_signal(number)
    assert process.wait() == -number
    os.close(terminal)


def test_an_ignored_interrupt_stays_ignored() -> None:
    """A background job of a shell without job control must not die of the terminal's Ctrl-C."""
    script = f"import signal; import sys; sys.argv = ['pyipcs', '-V']; {MAIN_AND_SHOW}"
    result = shell(f"trap '' INT; {sys.executable} -c {shlex.quote(script)}")
    assert result.out.strip().endswith("True")


MAIN_AND_SHOW = """
import os, pyipcs.__main__
def leave(status):
    print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)
    sys.stdout.flush()
    os.kill(os.getpid(), 9)
os._exit = leave
pyipcs.__main__.main()
"""


@pytest.mark.parametrize(
    ("answer", "status", "gone"),
    [("y\n", 0, True), ("YES\n", 0, True), ("n\n", 1, False), ("\n", 1, False), ("\x04", 1, False)],
)
def test_all_asks_once_on_a_terminal(
    objects: Objects, isolated: None, answer: str, status: int, gone: bool
) -> None:
    for _ in range(2):
        objects.queue()
    objects.semaphores()
    process, terminal = on_terminal("rm", "-a")
    assert read_terminal(terminal) == "Remove 1 semaphore set, 2 message queues? [y/N] "
    os.write(terminal, answer.encode())
    text = read_all(terminal)
    assert process.wait() == status
    assert ("nothing was removed" in text) is not gone
    assert any(ids(kind) for kind in Kind) is not gone


def test_an_answer_that_cannot_be_read_is_no(objects: Objects, isolated: None) -> None:
    msqid = objects.queue()
    ours, theirs = pty.openpty()
    writable = os.open(os.ttyname(theirs), os.O_WRONLY | os.O_NOCTTY)
    process = subprocess.Popen([PYIPCS, "rm", "-a"], stdin=writable, stdout=theirs, stderr=theirs)
    os.close(writable)
    os.close(theirs)
    text = read_all(ours)
    assert process.wait() == 1
    assert text.endswith("nothing was removed\r\n")
    assert "Traceback" not in text
    assert msqid in ids(Kind.QUEUE)


@pytest.mark.parametrize("args", [("-a", "-y"), ("-q", "{msqid}"), ("-y", "--all=msg")])
def test_what_does_not_ask(objects: Objects, isolated: None, args: tuple[str, ...]) -> None:
    msqid = objects.queue()
    assert whole_run("rm", *(arg.format(msqid=msqid) for arg in args)) == (0, "")
    assert not ids(Kind.QUEUE)


def test_an_empty_system_is_no_question(isolated: None) -> None:
    assert whole_run("rm", "-a") == (0, "")


@pytest.mark.root
def test_hostile_names_do_not_reach_the_terminal(objects: Objects, accounts: None) -> None:
    from pyipcs.sysv import libc

    libc.change(Kind.QUEUE, objects.queue(), uid=ESCAPE_USER_ID)
    for args in (["list", "-q"], ["list", "-qc"]):
        for more in ([], ["-f", "csv"], ["-f", "plain"]):
            status, text = whole_run(*args, *more, "--color", "never")
            assert status == 0
            assert "\x1b" not in text
            assert "esc\\x1b[31m" in text
        assert "esc\x1b[31m" in pyipcs(*args).out, "a pipe gets the bytes"


def test_errors_have_colour_on_a_terminal_alone() -> None:
    line = "invalid id (2147483647)\r\n"
    assert whole_run("rm", "-q", "2147483647") == (1, f"\x1b[1;31mpyipcs:\x1b[0m {line}")
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        env = {name: value}
        assert whole_run("rm", "-q", "2147483647", env=env) == (1, f"pyipcs: {line}")


@pytest.fixture
def links(tmp_path: Path) -> Path:
    """A folder with symbolic links to pyipcs under the peers' names."""
    for name in ("ipcs", "ipcmk", "ipcrm"):
        (tmp_path / name).symlink_to(PYIPCS)
    return tmp_path


ALIASES = "shopt -s expand_aliases; alias ipcs='{0} list' ipcmk='{0} make' ipcrm='{0} rm'\n"
SCRIPTS = {
    "remove all queues": "ipcmk -Q; ipcmk -Q; "
    "ipcs -q | awk '/^0x/{print $2}' | while read id; do ipcrm -q $id; done; ipcs -q",
    "id of a new segment": "id=$(ipcmk -M 4K | awk '{print $NF}'); ipcrm -v -m $id; ipcs -m",
    "keys of sets": "ipcmk -S 3 >/dev/null; for k in $(ipcs -s | awk '/^0x/{print $1}');"
    " do ipcrm -S $k; done; ipcs -s",
    "counting": "ipcmk -Q >/dev/null; ipcs -q | grep -c ^0x; ipcrm --all=msg; ipcs -qu",
    "limits": "ipcs -l | grep -i 'max seg size'; ipcs -q -l --human",
    "old syntax": "ipcrm msg $(ipcmk -Q | cut -d' ' -f4);"
    " ipcrm shm 2147483647 2>/dev/null || echo no",
    "statuses": "ipcs -i 5 >/dev/null 2>&1 || echo bad;"
    " ipcrm -q 2147483647 2>/dev/null || echo none",
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_cannot_tell(script: str, links: Path, isolated: None) -> None:
    need_tool("ipcs")
    fresh = ["unshare", "--ipc"] if os.geteuid() == 0 else ["unshare", "--user", "--ipc"]
    peer = run(*fresh, "bash", "-c", script)
    by_link = run(*fresh, "bash", "-c", script, env={"PATH": f"{links}:{os.environ['PATH']}"})
    by_alias = run(*fresh, "bash", "-c", ALIASES.format(PYIPCS) + script)
    keyless = [_without_keys(result) for result in (peer, by_link, by_alias)]
    assert keyless[0] == keyless[1] == keyless[2]
    assert peer.out


def _without_keys(result: Result) -> tuple[int, list[str]]:
    """Keys are random; all else is the same."""
    return result.status, [
        line.partition(" ")[2] if "0x" in line else line for line in result.out.splitlines()
    ]


def test_links_reach_other_programs_too(objects: Objects, links: Path, isolated: None) -> None:
    for _ in range(3):
        objects.queue(0x123 + len(ids(Kind.QUEUE)))
    script = "ipcs -q | awk '/^0x/{print $2}' | xargs -n1 ipcrm -q"
    assert shell(script, env={"PATH": f"{links}:{os.environ['PATH']}"}) == (0, "", "")
    assert not ids(Kind.QUEUE)


def test_a_huge_segment_takes_no_memory(objects: Objects) -> None:
    result = pyipcs("make", "-M", "10GiB")
    shmid = objects.adopt(Kind.SEGMENT, int(result.out.split()[-1]))
    words = row(Kind.SEGMENT, shmid)
    assert (words["size"], words["rss"], words["atime"]) == (str(10 * 2**30), "0", "0")


CHURN = """
import contextlib, random, sysv_ipc
while True:
    made = [sysv_ipc.MessageQueue(None, sysv_ipc.IPC_CREX) for _ in range(random.randrange(50))]
    with contextlib.suppress(sysv_ipc.ExistentialError):
        for _ in range(random.randrange(50)):
            made.append(sysv_ipc.Semaphore(None, sysv_ipc.IPC_CREX))
    for one in made:
        with contextlib.suppress(sysv_ipc.ExistentialError):
            one.remove()
"""


def test_objects_that_come_and_go(isolated: None) -> None:
    """What vanishes while it is looked at is left out, and never the end of the program."""
    churn = subprocess.Popen([sys.executable, "-c", CHURN])
    try:
        for _ in range(200):
            for args in (["list"], ["list", "-J"], ["rm", "-na"], ["rm", "-nJa"]):
                result = invoke(*args)
                assert (result.status, result.err) == (0, ""), args
            for letter, kind in (("-q", Kind.QUEUE), ("-s", Kind.SEMAPHORE)):
                for object_id in list(ids(kind))[:3]:
                    result = invoke("list", letter, "-i", str(object_id))
                    assert result.err in {"", f"pyipcs: id {object_id} not found\n"}
            assert invoke("rm", "-asem") == (0, "", "")
        assert churn.poll() is None
    finally:
        churn.kill()
        churn.wait()
        invoke("rm", "-a")


def test_python_m_pyipcs() -> None:
    assert run(sys.executable, "-m", "pyipcs", "list", "-l") == pyipcs("list", "-l")


def test_the_locale_does_not_matter() -> None:
    plain = pyipcs("list", "-l")
    for locale in ("C.UTF-8", "POSIX", "de_DE.ISO-8859-1"):
        assert pyipcs("list", "-l", env={"LC_ALL": locale, "LANG": locale}) == plain
    assert pyipcs("list", "-l", env={"PYTHONIOENCODING": "ascii"}) == plain


@pytest.mark.parametrize("zone", ["UTC", "America/St_Johns", "XXX-13:45", ":no/such/zone"])
def test_times_are_local(objects: Objects, zone: str) -> None:
    need_tool("ipcs")
    msqid = objects.queue()
    kernel.send(msqid)
    env = {"TZ": zone}
    for args in (("-q", "-t"), ("-q", "-i", str(msqid))):
        assert pyipcs("list", *args, env=env) == run("ipcs", *args, env=env)


def test_a_bar_of_how_far_a_long_input_is(objects: Objects, tmp_path: Path) -> None:
    msqid = objects.queue(0x5EED)
    (tmp_path / "lines").write_text("".join(f"{number}\n" for number in range(3000)))
    args = ["send", "0x5eed", "-l", "--progress", "-F", str(tmp_path / "lines")]
    status, text = whole_run(*args)
    assert status == 0
    assert "3,000 messages" in text
    assert "\x1b[?25h" in text, "the cursor is shown again"
    kernel.receive_all(msqid)
    assert pyipcs(*args) == (0, "", ""), "where there is no terminal, there is no bar"
    process, terminal = on_terminal(*args)  # and now the queue is full half-way
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    text = read_all(terminal)
    assert process.wait() == -signal.SIGTERM
    sent = int(row(Kind.QUEUE, msqid)["qnum"]) - 3000
    assert text.endswith(f" 0x5eed: Terminated; {sent} messages were sent\r\n")
    assert text.rindex("\x1b[?25h") < text.rindex("0x5eed")
