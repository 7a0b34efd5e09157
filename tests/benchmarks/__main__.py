"""Benchmark of pyipcs against its peers: python -m tests.benchmarks.

It runs in its own IPC namespace.
"""

import compileall
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.kit import isolation

_ISOLATION = isolation.enter()

import pyipcs  # noqa: E402 - after the namespace
from tests.benchmarks.measure import CLICK, Command, in_turn  # noqa: E402
from tests.benchmarks.objects import empty, fill  # noqa: E402
from tests.benchmarks.output import WIDTHS, compare, head, row  # noqa: E402
from tests.kit.kernel import IPC_CREAT, IPC_EXCL, libc, receive_all, send  # noqa: E402
from tests.kit.program import PYIPCS, run  # noqa: E402
from tests.kit.shells import Shell, link  # noqa: E402

RICH = [sys.executable, "-c", "import click, rich.table, rich.console"]
FORMATS = ["jsonl", "csv", "tsv", "export", "openmetrics"]
START_UPS = {
    "list": ["list"],
    "list -J": ["list", "-J"],
    **{f"list -f {format_}": ["list", "-f", format_] for format_ in FORMATS},
    "list -o ID,KEY": ["list", "-o", "ID,KEY"],
    "list -l": ["list", "-l"],
    "list -u": ["list", "-u"],
    "list -q -i ID": ["list", "-q", "-i", "{queue}"],
    "make -Q": ["make", "-Q"],
    "make -M 1K": ["make", "-M", "1K"],
    "make -S 1": ["make", "-S", "1"],
    "rm --all": ["rm", "--all", "--yes"],
    "send 0x5eed": ["send", "0x5eed", "hello"],
    "send ID": ["send", "{queue}", "hello"],
    "recv 0x5eed": ["recv", "0x5eed"],
    "recv ID": ["recv", "{queue}"],
    "stat ID": ["stat", "{queue}"],
    "set ID --mode": ["set", "{queue}", "-q", "--mode", "600"],
    "op ID V": ["op", "{array}", "V"],
    "read ID": ["read", "{segment}"],
    "write ID": ["write", "{segment}", "hello"],
    "key /": ["key", "/"],
    "run true": ["run", "true"],
    "--help": ["--help"],
    "--version": ["--version"],
}
# The commands that draw tables on a terminal.
DRAWN_START_UPS = ["list", "list -o ID,KEY", "list -l", "list -u", "list -q -i ID", "stat ID"]
START_UP_ROUNDS = 21
# The number of lines through a queue, with the rounds of each program.
LINES = {1_000: 5, 1_000_000: 3}
# The numbers of messages of one byte to peek at.
PEEKS = [2_000, 4_000, 8_000, 16_000]
# The bytes of the segment to read and write.
MEMORY, MEMORY_ROUNDS = 1 << 30, 7
_SOURCE = Path(__file__).parent.parent / "c" / "lines.c"
# The numbers of objects, with the rounds of each command.
QUEUES = {10: 15, 1_000: 15, 31_900: 9}
SEGMENTS, SETS, ROUNDS = 4_096, 10_000, 9
# The number of processes that have the segments attached, some segments each.
PROCESSES = 2_000
# The number of queues for completion, and of keystrokes.
_TAB_QUEUES, _TABS = 1_000, 9
_EXCLUSIVE = IPC_CREAT | IPC_EXCL | 0o644


def main() -> None:
    """Print the tables."""
    if not shutil.which("cc"):
        sys.exit("the benchmarks need a C compiler for their peers")
    if not _ISOLATION.namespace:
        sys.exit(f"the benchmarks need an IPC namespace of their own: {_ISOLATION.why}")
    all_cores = os.sched_getaffinity(0)
    # On one core: two cores can differ in speed, which would spoil the ratios.
    os.sched_setaffinity(0, {max(all_cores)})
    # pip compiles an installed package; a checkout may lack the compiled files.
    compileall.compile_dir(Path(pyipcs.__file__).parent, quiet=2)
    _floor()
    _start_up("start-up, into a pipe", START_UPS, "import click", CLICK)
    drawn = {label: START_UPS[label] for label in DRAWN_START_UPS}
    _start_up("tables, on a terminal", drawn, "import click, rich", RICH, terminal=True)
    others = {label: words for label, words in START_UPS.items() if label not in drawn}
    _start_up("others, on a terminal", others, "import click", CLICK, terminal=True)
    _held()
    _streams("one core")
    _peeks()
    for count, rounds in QUEUES.items():
        fill("queues", count)
        compare(f"{count:,} queues", _LISTS["queues"], rounds)
        _remove_queues(count, rounds)
        _make_queues(count, rounds)
        fill("queues", count)
        if count == _TAB_QUEUES:
            _tab(count)
        compare("the same on a terminal", _DRAWN["queues"], rounds, terminal=True)
        compare("with states", _CLASSIFIED[0], rounds)
        compare("on a terminal, with states", _CLASSIFIED[1], rounds, terminal=True)
        empty()
    fill("segments", SEGMENTS)
    compare(f"{SEGMENTS:,} segments", _LISTS["segments"], ROUNDS)
    _details(4_000)
    compare("the same on a terminal", _DRAWN["segments"], ROUNDS, terminal=True)
    empty()
    _states()
    fill("sets", SETS)
    compare(f"{SETS:,} sets", _LISTS["sets"], ROUNDS)
    empty()
    os.sched_setaffinity(0, all_cores)
    _streams(f"{len(all_cores)} cores")
    _memory()


def _pyipcs(*args: str) -> Command:
    return [PYIPCS, *args]


# The pairs to compare: a command of pyipcs and its peer.
_LISTS: dict[str, list[tuple[Command, Command]]] = {
    "queues": [
        (_pyipcs("list", "-q"), ["ipcs", "-q"]),
        (_pyipcs("list", "-q"), ["lsipc", "-q"]),
        (_pyipcs("list"), ["ipcs"]),
        *(
            (_pyipcs("list", "-q", "-f", format_), ["lsipc", "-q", "-J"])
            for format_ in ("json", *FORMATS)
        ),
        # The call for Tab, beside the start of Python.
        (_pyipcs("--complete", "target:msg", ""), [sys.executable, "-c", "pass"]),
    ],
    "segments": [
        (_pyipcs("list", "-m"), ["ipcs", "-m"]),
        (_pyipcs("list", "-m", "-J"), ["lsipc", "-m", "-J"]),
    ],
    "sets": [
        (_pyipcs("list", "-s"), ["ipcs", "-s"]),
        (_pyipcs("list", "-s", "-J"), ["lsipc", "-s", "-J"]),
    ],
}


# A listing with states beside one without, and on a terminal beside one into a pipe.
_STATES = _pyipcs("list", "-q", "-o", "+STATE")
_CLASSIFIED = [[(_STATES, _pyipcs("list", "-q"))], [(_STATES, _STATES)]]
# The same command on a terminal and into a pipe.
_DRAWN: dict[str, list[tuple[Command, Command]]] = {
    "queues": [(_pyipcs("list", "-q"), _pyipcs("list", "-q"))],
    "segments": [(_pyipcs("list", "-m"), _pyipcs("list", "-m"))],
}


def _floor() -> None:
    """Measure the lower bounds: Python, click and rich alone."""
    head("the floor")
    bare = [sys.executable, "-c", "pass"]
    for label, imports in (("import click", CLICK), ("import click, rich", RICH)):
        costs = in_turn({"imports": imports, "bare": bare}, rounds=START_UP_ROUNDS)
        row(label, "python -c pass", costs["imports"], costs["bare"])


def _start_up(
    title: str,
    commands: dict[str, list[str]],
    peer: str,
    imports: Command,
    *,
    terminal: bool = False,
) -> None:
    """Compare the start of commands with their imports, in the same place."""
    head(title)
    ids = _one_of_each()
    for label, words in commands.items():
        queue, args = ids["queue"], [word.format(**ids) for word in words]
        both = {"imports": imports, "pyipcs": _pyipcs(*args)}
        if words[0] == "recv":
            for _ in range(2 * START_UP_ROUNDS):
                send(int(queue))
        costs = in_turn(both, rounds=START_UP_ROUNDS, terminal=both if terminal else ())
        row(label, peer, costs["pyipcs"], costs["imports"])
        if words[0] == "rm":
            ids = _one_of_each()
        receive_all(int(ids["queue"]))
    empty()


def _one_of_each() -> dict[str, str]:
    """Create an object of each kind; return their ids."""
    return {
        "queue": str(libc.msgget(0x5EED, _EXCLUSIVE)),
        "array": str(libc.semget(0x5EED, 1, _EXCLUSIVE)),
        "segment": str(libc.shmget(0x5EED, 4096, _EXCLUSIVE)),
    }


def _held() -> None:
    """Compare a command that holds a semaphore with `key`."""
    array = libc.semget(0x5EED, 1, _EXCLUSIVE)
    run(PYIPCS, "set", str(array), "--value", "0=1")
    pair = (_pyipcs("op", "0x5eed", "P", "--", "true"), _pyipcs("key", "/"))
    compare("a command held", [pair], START_UP_ROUNDS)
    empty()


def _states() -> None:
    """Compare listings with and without STATE, with many processes."""
    fill("segments", SEGMENTS)
    shmids = [libc.shmget(key, 0, 0) for key in range(1, SEGMENTS + 1)]
    children = [_attaching(shmids[number::PROCESSES]) for number in range(PROCESSES)]
    plain = _pyipcs("list", "-m", "-o", "+LPID")
    pairs = [
        (_pyipcs("list", "-m", "-o", "+STATE"), plain),
        (_pyipcs("list", "-m", "-o", "+REASON"), plain),
        (_pyipcs("list", "-o", "+STATE"), plain),
        (_pyipcs("rm", "-a", "-n", "--suspect"), plain),
    ]
    compare(f"{SEGMENTS:,} segments, {PROCESSES:,} processes", pairs, ROUNDS)
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    empty()


def _attaching(shmids: list[int]) -> int:
    """Start a process that has segments attached; return its pid."""
    child = os.fork()
    if child == 0:
        for shmid in shmids:
            libc.shmat(shmid, None, 0)
        signal.pause()
        os._exit(0)
    return child


def _memory() -> None:
    """Compare read and write with cat and a file in memory."""
    segment = libc.shmget(0x5EED, MEMORY, _EXCLUSIVE)
    with TemporaryDirectory(dir="/dev/shm") as folder:
        file, other = f"{folder}/file", f"{folder}/other"
        with open(file, "wb") as written:  # noqa: PTH123 - a path as text
            written.writelines(os.urandom(1 << 20) for _ in range(MEMORY >> 20))
        run(PYIPCS, "write", str(segment), "-F", file)
        head(f"{MEMORY >> 30} GiB, all cores")
        for label, peer, ours, theirs in (
            ("read | cat", "cat FILE | cat", f"{PYIPCS} read {segment}", f"cat {file}"),
            (
                "cat FILE | write",
                "cat FILE | cat >FILE",
                f"cat {file} | {PYIPCS} write {segment}",
                f"cat {file} | cat >{other}",
            ),
        ):
            sink = " | cat >/dev/null" if label.startswith("read") else ""
            mine, others = ["sh", "-c", ours + sink], ["sh", "-c", theirs + sink]
            costs = in_turn({"pyipcs": mine, "peer": others}, rounds=MEMORY_ROUNDS)
            row(label, peer, costs["pyipcs"], costs["peer"])
    empty()


def _streams(cores: str) -> None:
    """Compare pyipcs and a minimal C program: lines through a queue."""
    libc.msgget(0x5EED, _EXCLUSIVE)
    with TemporaryDirectory() as folder:
        program, lines = _compiled(folder), f"{folder}/input"
        for count, rounds in LINES.items():
            Path(lines).write_text("".join(f"{number}\n" for number in range(count)))
            head(f"{count:,} lines, {cores}")
            c_send, c_recv = f"{program} send 0x5eed < {lines}", f"{program} recv 0x5eed {count}"
            ours = f"{PYIPCS} send 0x5eed -l < {lines}", f"{PYIPCS} recv 0x5eed -n {count}"
            for label, peer, (our_send, our_recv), their_recv in (
                ("send -l, recv -n", "C, C", ours, c_recv),
                ("C, recv -n", "C, C", (c_send, ours[1]), c_recv),
                ("send -l, C", "C, C", (ours[0], c_recv), c_recv),
                ("C, recv -F", "C, C", (c_send, f"{PYIPCS} recv 0x5eed -F"), f"{c_recv} each"),
            ):
                sink = f"head -n {count} >/dev/null"
                mine = ["sh", "-c", f"{our_send} & {our_recv} | {sink}; wait"]
                theirs = ["sh", "-c", f"{c_send} & {their_recv} | {sink}; wait"]
                costs = in_turn({"pyipcs": mine, "C": theirs}, rounds=rounds)
                row(label, peer, costs["pyipcs"], costs["C"])
    empty()


def _peeks() -> None:
    """Compare peeking; the kernel walks to each message from the first."""
    queue = libc.msgget(0x5EED, _EXCLUSIVE)
    run(PYIPCS, "set", str(queue), "-q", "--qbytes", str(PEEKS[-1]))
    head("peeking")
    with TemporaryDirectory() as folder:
        program = _compiled(folder)
        for count, more in zip(PEEKS, (PEEKS[0], *PEEKS), strict=False):
            for _ in range(more):
                send(queue, b"x")
            ours = _pyipcs("recv", "0x5eed", "--peek", "-a")
            costs = in_turn({"pyipcs": ours, "C": [program, "peek", "0x5eed"]}, rounds=ROUNDS)
            row(f"recv --peek -a, {count:,}", "C", costs["pyipcs"], costs["C"])
    empty()


def _compiled(folder: str) -> str:
    program = f"{folder}/lines"
    subprocess.run(["cc", "-O2", "-o", program, _SOURCE], check=True)
    return program


def _tab(count: int) -> None:
    """Measure the time from Tab until the shells show many queues."""
    one_core = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    print(f"\n{f'Tab, {count:,} queues':>{WIDTHS[0]}} {'ms':>{WIDTHS[1]}}")
    for name, shown in {"bash": "\a", "zsh": "do you wish", "fish": "rows"}.items():
        with TemporaryDirectory() as folder:
            shell = Shell(name, Path(folder), link(Path(folder, "prefix")))
            took = [shell.timed("pyipcs recv 0x00000", "\t", shown) for _ in range(_TABS)]
            shell.end()
        print(f"{name:>{WIDTHS[0]}} {1000 * median(took):>{WIDTHS[1]}.1f}", flush=True)
    os.sched_setaffinity(0, one_core)


def _details(count: int) -> None:
    """Compare all details of segments with their listing."""
    shmids = [str(libc.shmget(key, 0, 0)) for key in range(1, count + 1)]
    costs = in_turn(
        {"stat": _pyipcs("stat", "-m", *shmids), "list": _pyipcs("list", "-m")}, rounds=ROUNDS
    )
    row(f"stat -m, {count:,} ids", "list -m", costs["stat"], costs["list"])


def _make_queues(count: int, rounds: int) -> None:
    """Compare the creation of a queue beside many others."""
    fill("queues", count)
    costs = in_turn({"pyipcs": _pyipcs("make", "-Q"), "peer": ["ipcmk", "-Q"]}, rounds=rounds)
    row("make -Q", "ipcmk -Q", costs["pyipcs"], costs["peer"])
    empty()


def _remove_queues(count: int, rounds: int) -> None:
    costs = in_turn(
        {"pyipcs": _pyipcs("rm", "--all"), "peer": ["ipcrm", "-a"]},
        rounds=rounds,
        before=lambda: fill("queues", count),
    )
    row("rm --all", "ipcrm -a", costs["pyipcs"], costs["peer"])
    filtered = in_turn(
        {"filtered": _pyipcs("rm", "--all", "--mine"), "all": _pyipcs("rm", "--all")},
        rounds=rounds,
        before=lambda: fill("queues", count),
    )
    row("rm --all --mine", "rm --all", filtered["filtered"], filtered["all"])


if __name__ == "__main__":
    main()
