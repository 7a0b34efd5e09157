"""pyipcs as a process: signals, pipes, full disks, questions, scripts."""

import fcntl
import os
import pty
import re
import shlex
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest

from pyipcs import cli
from pyipcs.model import SYSV, Kind
from tests.kit import kernel
from tests.kit.documents import IN_NEW_NAMESPACE
from tests.kit.factories import in_waiting_call, running
from tests.kit.kernel import Objects, ids, row
from tests.kit.program import PYIPCS, Result, invoke, pyipcs, run
from tests.kit.terminal import end, on_terminal, read_all, read_until, whole_run
from tests.kit.wait import LIMIT, blocks_signal, process_state, wait_for_state, wait_until

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
    """Return a command line that writes something."""
    line: str = request.param
    return f"{PYIPCS} {line.format(msqid=objects.queue())}"


def shell(script: str, **options: Any) -> Result:
    return run("bash", "-c", script, **options)


NO_SPACE = "pyipcs: write error: No space left on device\n"


def test_output_to_full_disk_is_a_write_error(command_line: str) -> None:
    assert shell(f"{command_line} > /dev/full") == (1, "", NO_SPACE)


def test_list_larger_than_a_buffer_to_full_disk_is_a_write_error(
    objects: Objects, isolated: None
) -> None:
    for _ in range(500):
        objects.queue()
    assert shell(f"{PYIPCS} list > /dev/full") == (1, "", NO_SPACE)


def test_closed_stdout_is_no_error(command_line: str) -> None:
    assert shell(f"{command_line} >&-") == (0, "", "")


def test_closed_stderr_keeps_the_status() -> None:
    for script in (f"{PYIPCS} rm -q 2147483647 2>&-", f"{PYIPCS} rm -q 2147483647 2>/dev/full"):
        assert shell(script) == (1, "", "")
    assert shell(f"{PYIPCS} list -z 2>&-") == (2, "", "")
    assert shell(f"{PYIPCS} list -l <&- >&- 2>&-") == (0, "", "")


def test_list_to_closed_pipe_dies_of_sigpipe(objects: Objects, isolated: None) -> None:
    for _ in range(2000):  # more than a pipe holds
        objects.queue()
    for args in ("list", "list -J"):
        result = shell(f"{PYIPCS} {args} | head -n 1 >/dev/null; echo ${{PIPESTATUS[0]}}")
        assert result == (0, f"{128 + signal.SIGPIPE}\n", "")


def test_make_to_full_disk_removes_the_objects(isolated: None) -> None:
    assert shell(f"{PYIPCS} make -Q -M 1 -S 1 > /dev/full") == (1, "", NO_SPACE)
    assert not any(ids(kind) for kind in SYSV)


def test_make_to_closed_pipe_removes_the_objects(isolated: None) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [PYIPCS, "make", "-Q", "-M", "1", "-S", "1"]
    done = subprocess.run(command, stdout=write, stderr=-1, check=False, timeout=LIMIT)
    os.close(write)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b"")
    assert not any(ids(kind) for kind in SYSV)


@pytest.mark.parametrize("call", ["semget", "msgget", "shmget", "semctl"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGALRM"])
@pytest.mark.tools("strace")
def test_make_signalled_during_a_call_removes_the_objects(
    call: str, name: str, isolated: None
) -> None:
    inject = ["-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal={name}"]
    args = [*("make", "-Q", "-M", "1"), *("-S", "2", "--values", "5,5", "-p", "400", "-k", "9")]
    assert run("strace", *inject, PYIPCS, *args) == (-signal.Signals[name], "", "")
    assert not any(ids(kind) for kind in SYSV)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"])
def test_make_signalled_at_a_full_pipe_removes_the_objects(name: str, isolated: None) -> None:
    read, write = kernel.full_pipe()
    process = subprocess.Popen([PYIPCS, "make", "-Q", "-M", "1"], stdout=write)
    wait_until(lambda: ids(Kind.QUEUE) and ids(Kind.SEGMENT))
    wait_for_state(process.pid, "S")  # it waits to write the ids
    process.send_signal(signal.Signals[name])
    assert process.wait(LIMIT) == -signal.Signals[name]
    os.close(read)
    os.close(write)
    assert not any(ids(kind) for kind in SYSV)


# SIGTERM arrives in a callback of the import system, which discards all exceptions.
SIGNALLED_IN_CALLBACK = """
import os, signal, sys
from pyipcs.__main__ import main

def trace(frame, event, argument):
    code = frame.f_code
    is_callback = code.co_name == "cb" and "importlib" in code.co_filename
    if is_callback and signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        os.kill(os.getpid(), signal.SIGTERM)

sys.settrace(trace)
main()
"""


def test_make_signalled_during_an_import_removes_the_objects(isolated: None) -> None:
    read, write = kernel.full_pipe()
    script = f'exec "$0" "$@" >&{write}'
    command = [sys.executable, "-c", SIGNALLED_IN_CALLBACK, "make", "-Q"]
    with running("bash", "-c", script, *command, pass_fds=[write]) as process:
        wait_until(lambda: ids(Kind.QUEUE) and not blocks_signal(process.pid, signal.SIGTERM))
        process.terminate()
        assert process.wait(LIMIT) == -signal.SIGTERM
    os.close(read)
    os.close(write)
    assert not ids(Kind.QUEUE)


@pytest.mark.tools("strace")
@pytest.mark.parametrize("name", ["INT", "TERM", "HUP"])
def test_make_with_ignored_signal_creates_the_queue(name: str, objects: Objects) -> None:
    inject = f"-f -o /dev/null -e trace=msgget -e inject=msgget:signal={name}"
    result = shell(f"trap '' {name}; strace {inject} {PYIPCS} make -Q -i")
    objects.adopt(Kind.QUEUE, int(result.out))
    assert (result.status, result.err) == (0, "")


def test_make_with_blocked_signal_creates_the_queue(objects: Objects) -> None:
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        process = subprocess.Popen([PYIPCS, "make", "-Q", "-i"], stdout=subprocess.PIPE)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=LIMIT)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    objects.adopt(Kind.QUEUE, int(out))
    assert process.returncode == 0


@pytest.mark.tools("strace")
@pytest.mark.parametrize("error", ["EACCES", "EMFILE", "ENOTDIR"])
def test_list_without_its_proc_file_asks_the_kernel(
    error: str, objects: Objects, isolated: None
) -> None:
    objects.queue(3)
    inject = ["-P", "/proc/sysvipc/msg", "-e", f"inject=openat:error={error}"]
    result = run("strace", "-o", "/dev/null", *inject, PYIPCS, "list", "-q")
    assert result == pyipcs("list", "-q")


@pytest.mark.tools("strace")
@pytest.mark.parametrize(
    ("inject", "args", "why"),
    [
        ("read:error=EIO", "list", "/proc/sysvipc/msg: Input/output error"),
        ("read:error=EIO", "list -J", "/proc/sysvipc/msg: Input/output error"),
        ("read:error=EIO", "rm -a", "/proc/sysvipc/msg: Input/output error"),
        ("getdents64:error=EIO", "list -M", "Input/output error"),
        ("msgctl:error=EIO", "rm -q 5", "id failed (5): Input/output error"),
        (
            "msgget:error=ENOMEM",
            "make -Q",
            "create message queue failed: Cannot allocate memory",
        ),
    ],
)
def test_refused_system_call_prints_one_line(inject: str, args: str, why: str) -> None:
    places = {"read": "/proc/sysvipc/msg", "getdents64": "/dev/shm"}
    place = places.get(inject.partition(":")[0])
    paths = ["-P", place] if place else []
    result = run(
        *("strace", "-o", "/dev/null", *paths, "-e", f"inject={inject}", PYIPCS, *args.split())
    )
    assert (result.status, result.err) == (1, f"pyipcs: {why}\n")


@pytest.mark.tools("strace")
@pytest.mark.parametrize("module", ["cli/commands/list", "render/plain", "cli/app"])
@pytest.mark.parametrize("error", ["EMFILE", "ENOENT"])
def test_module_that_cannot_be_opened_prints_one_line(module: str, error: str) -> None:
    folder = Path(cli.__file__).parent.parent
    package, name = module.rsplit("/", 1)
    files = [folder / f"{module}.py", *(folder / package / "__pycache__").glob(f"{name}.*.pyc")]
    paths = [word for file in files for word in ("-P", str(file))]
    inject = ["-e", "trace=openat,newfstatat", "-e", f"inject=openat,newfstatat:error={error}"]
    result = run("strace", "-o", "/dev/null", *paths, *inject, PYIPCS, "list", "-q")
    assert (result.status, result.out) == (1, "")
    assert re.fullmatch(r"pyipcs: cannot start: [^/\n]+\n", result.err), result.err


def wait_for_full_pipe(process: subprocess.Popen[bytes]) -> None:
    """Wait until a process has filled the pipe of its output, and waits."""
    assert process.stdout
    pipe = process.stdout.fileno()
    almost = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ) - os.sysconf("SC_PAGESIZE")

    def length() -> int:
        return int(struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0])

    wait_until(lambda: length() >= almost and process_state(process.pid) == "S")


def test_unbuffered_list_interrupted_in_a_write_is_complete(
    objects: Objects, isolated: None
) -> None:
    """write(2) to a pipe that a signal interrupts takes only a part."""
    for _ in range(3000):
        objects.queue()
    process = subprocess.Popen(
        [PYIPCS, "list", "-q"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    wait_for_full_pipe(process)
    process.send_signal(signal.SIGSTOP)
    process.send_signal(signal.SIGCONT)
    out, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 0
    assert out.count(b"\n") == 3000 + 4


def test_list_to_nonblocking_pipe_is_complete(objects: Objects, isolated: None) -> None:
    for _ in range(3000):
        objects.queue()
    script = (
        "import os, sys; os.set_blocking(1, False); os.execv(sys.argv[1], [*sys.argv[1:], 'list'])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, PYIPCS], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    wait_for_full_pipe(process)
    out, err = process.communicate(timeout=LIMIT)
    assert (process.returncode, err) == (0, b"")
    assert out.decode() == pyipcs("list").out


@pytest.mark.slow
@pytest.mark.tools("strace")
def test_sigint_at_any_moment_of_the_start_prints_no_traceback(tmp_path: Path) -> None:
    """A moment is a file that the program opens after its entry point."""
    trace = tmp_path / "trace"
    pyipcs("list")  # writes the compiled modules, where that is allowed
    run("strace", "-o", str(trace), "-e", "trace=openat", PYIPCS, "list")
    opened = [line for line in trace.read_text().splitlines() if line.startswith("openat(")]
    entry = re.compile(r"/pyipcs/(__pycache__/)?__main__\.")
    first = next(index for index, line in enumerate(opened, 1) if entry.search(line))
    moments = [*range(first, len(opened) + 1, (len(opened) - first) // 12 or 1)]
    assert len(moments) > 10
    for inject in (*(f"openat:signal=INT:when={moment}" for moment in moments), "write:signal=INT"):
        result = run("strace", "-o", "/dev/null", "-e", f"inject={inject}", PYIPCS, "list")
        assert result.status == -signal.SIGINT, inject
        # Before the entry point is loaded, the interpreter itself prints a traceback.
        assert not re.search(r"pyipcs/__main__.py\", line \d+, in (?!<module>)", result.err)
        assert "pyipcs/cli" not in result.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_rm_all_signalled_at_its_question_dies_of_the_signal(
    number: signal.Signals, objects: Objects, isolated: None
) -> None:
    objects.queue()
    process, terminal = on_terminal("rm", "-a")
    read_until(terminal, "Remove ")
    process.send_signal(number)
    assert process.wait(LIMIT) == -number
    os.close(terminal)


def test_ignored_sigint_stays_ignored() -> None:
    """A background job of a shell without job control must not die of Ctrl-C."""
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
def test_rm_all_on_a_terminal_asks_once(
    objects: Objects, isolated: None, answer: str, status: int, gone: bool
) -> None:
    for _ in range(2):
        objects.queue()
    objects.semaphores()
    process, terminal = on_terminal("rm", "-a")
    question = read_until(terminal, r"\] ")
    assert question.startswith("Remove 2 message queues and 1 semaphore set? ")
    os.write(terminal, answer.encode())
    text = read_all(terminal)
    assert process.wait(LIMIT) == status
    assert ("nothing was removed" in text) is not gone
    assert any(ids(kind) for kind in SYSV) is not gone


def test_rm_all_without_a_readable_answer_removes_nothing(objects: Objects, isolated: None) -> None:
    msqid = objects.queue()
    ours, theirs = pty.openpty()
    writable = os.open(os.ttyname(theirs), os.O_WRONLY | os.O_NOCTTY)
    process = subprocess.Popen([PYIPCS, "rm", "-a"], stdin=writable, stdout=theirs, stderr=theirs)
    os.close(writable)
    os.close(theirs)
    text = read_all(ours)
    assert process.wait(LIMIT) == 1
    assert text.endswith("nothing was removed\r\n")
    assert "Traceback" not in text
    assert msqid in ids(Kind.QUEUE)


@pytest.mark.parametrize("args", [("-a", "-y"), ("-q", "{msqid}"), ("-y", "--all=msg")])
def test_rm_with_yes_or_an_id_does_not_ask(
    objects: Objects, isolated: None, args: tuple[str, ...]
) -> None:
    msqid = objects.queue()
    assert whole_run("rm", *(arg.format(msqid=msqid) for arg in args)) == (0, "")
    assert not ids(Kind.QUEUE)


def test_rm_all_without_objects_does_not_ask(isolated: None) -> None:
    assert whole_run("rm", "-a") == (0, "")


def test_error_on_a_terminal_is_colored() -> None:
    line = "invalid id (2147483647)\r\n"
    assert whole_run("rm", "-q", "2147483647") == (1, f"\x1b[1;31mpyipcs:\x1b[0m {line}")
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        env = {name: value}
        assert whole_run("rm", "-q", "2147483647", env=env) == (1, f"pyipcs: {line}")


@pytest.fixture
def links(tmp_path: Path) -> Path:
    """Return a folder with links to pyipcs under the names of the peers."""
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


@pytest.mark.tools("ipcs", "ipcmk", "ipcrm")
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_script_with_links_or_aliases_prints_the_same(
    script: str, links: Path, isolated: None
) -> None:
    bash = [*IN_NEW_NAMESPACE, "bash", "-c"]
    peer = run(*bash, script)
    by_link = run(*bash, script, env={"PATH": f"{links}:{os.environ['PATH']}"})
    by_alias = run(*bash, ALIASES.format(PYIPCS) + script)
    keyless = [_without_keys(result) for result in (peer, by_link, by_alias)]
    assert keyless[0] == keyless[1] == keyless[2]
    assert peer.out


def _without_keys(result: Result) -> tuple[int, list[str]]:
    """Remove the keys, which are random."""
    return result.status, [
        line.partition(" ")[2] if "0x" in line else line for line in result.out.splitlines()
    ]


def test_links_in_path_serve_xargs(objects: Objects, links: Path, isolated: None) -> None:
    for _ in range(3):
        objects.queue(0x123 + len(ids(Kind.QUEUE)))
    script = "ipcs -q | awk '/^0x/{print $2}' | xargs -n1 ipcrm -q"
    assert shell(script, env={"PATH": f"{links}:{os.environ['PATH']}"}) == (0, "", "")
    assert not ids(Kind.QUEUE)


def test_make_large_segment_takes_no_memory(objects: Objects) -> None:
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
    for each in made:
        with contextlib.suppress(sysv_ipc.ExistentialError):
            each.remove()
"""


@pytest.mark.slow
def test_object_that_vanishes_meanwhile_is_no_error(isolated: None) -> None:
    with running(sys.executable, "-c", CHURN) as churn:
        for _ in range(30):
            for args in (["list"], ["list", "-J"], ["rm", "-na"], ["rm", "-nJa"]):
                result = invoke(*args)
                assert (result.status, result.err) == (0, ""), args
            for letter, kind in (("-q", Kind.QUEUE), ("-s", Kind.SEMAPHORE)):
                for object_id in list(ids(kind))[:3]:
                    result = invoke("list", letter, "-i", str(object_id))
                    assert result.err in {"", f"pyipcs: id {object_id} not found\n"}
            assert invoke("rm", "-asem") == (0, "", "")
        assert churn.poll() is None
    invoke("rm", "-a")


def test_python_m_pyipcs_runs_the_program() -> None:
    assert run(sys.executable, "-m", "pyipcs", "list", "-l") == pyipcs("list", "-l")


def test_list_limits_in_any_locale_prints_the_same() -> None:
    plain = pyipcs("list", "-l")
    for locale in ("C.UTF-8", "POSIX", "de_DE.ISO-8859-1"):
        assert pyipcs("list", "-l", env={"LC_ALL": locale, "LANG": locale}) == plain
    assert pyipcs("list", "-l", env={"PYTHONIOENCODING": "ascii"}) == plain


@pytest.mark.tools("ipcs")
@pytest.mark.parametrize("zone", ["UTC", "America/St_Johns", "XXX-13:45", ":no/such/zone"])
def test_list_times_are_in_the_time_zone_as_in_ipcs(
    objects: Objects, isolated: None, zone: str
) -> None:
    msqid = objects.queue()
    kernel.send(msqid)
    env = {"TZ": zone}
    for args in (("-q", "-t"), ("-q", "-i", str(msqid))):
        assert pyipcs("list", *args, env=env) == run("ipcs", *args, env=env)


@pytest.fixture
def send_lines(objects: Objects, tmp_path: Path) -> list[str]:
    """Return a command that sends 3,000 lines; twice as many fill a queue."""
    objects.queue(0x5EED)
    (tmp_path / "lines").write_text("".join(f"{number}\n" for number in range(3000)))
    return ["send", "0x5eed", "-l", "--progress", "-F", str(tmp_path / "lines")]


def test_send_progress_on_a_terminal_draws_a_bar(send_lines: list[str]) -> None:
    status, text = whole_run(*send_lines)
    assert status == 0
    assert "3,000 messages" in text
    assert "\x1b[?25h" in text, "the cursor is shown again"


def test_send_progress_in_a_pipe_prints_nothing(send_lines: list[str]) -> None:
    assert pyipcs(*send_lines) == (0, "", "")


def test_send_progress_ended_by_sigterm_reports_the_count(
    send_lines: list[str], isolated: None
) -> None:
    (msqid,) = ids(Kind.QUEUE)
    assert pyipcs(*send_lines).status == 0
    process, terminal = on_terminal(*send_lines)
    try:
        wait_until(lambda: in_waiting_call(process.pid))  # the queue is full
        process.send_signal(signal.SIGTERM)
        text = read_all(terminal)
        assert process.wait(LIMIT) == -signal.SIGTERM
    finally:
        end(process, terminal)
    sent = int(row(Kind.QUEUE, msqid)["qnum"]) - 3000
    assert text.endswith(f" 0x5eed: Terminated; {sent} messages were sent\r\n")
    assert text.rindex("\x1b[?25h") < text.rindex("0x5eed")
