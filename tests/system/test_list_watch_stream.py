"""list --watch -f jsonl: the stream of changes, read from a pipe."""

import json
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple

import pytest

from pyipcs.model import POSIX, SYSV, Kind
from tests.kit import kernel
from tests.kit.child import drop_privileges
from tests.kit.factories import leaked_segment, read_line, scripted
from tests.kit.kernel import Objects
from tests.kit.mqueue import open_queue, send_message
from tests.kit.posix import ShmFiles
from tests.kit.posix_objects import PosixObjects, path_of
from tests.kit.program import PYIPCS, fork, load_all, need_tool, run, text_in
from tests.kit.terminal import end, on_terminal, read_until
from tests.kit.wait import LIMIT, exit_code, wait_until, wait_until_idle

Event = dict[str, Any]
NEXT_ID = {
    Kind.QUEUE: Path("/proc/sys/kernel/msg_next_id"),
    Kind.SEGMENT: Path("/proc/sys/kernel/shm_next_id"),
    Kind.SEMAPHORE: Path("/proc/sys/kernel/sem_next_id"),
}
IN_SHM = (Kind.POSIX_SEGMENT, Kind.POSIX_SEMAPHORE)
ALL = ("--sysv", "--posix")


class Events:
    """The events that a stream has written so far."""

    def __init__(self, output: int) -> None:
        self.output = output
        self.events: list[Event] = []
        self._rest = b""

    def read(self, seconds: float) -> list[Event]:
        """Return the next events; none if no output arrives in time."""
        if not select.select([self.output], [], [], seconds)[0]:
            return []
        *lines, self._rest = (self._rest + os.read(self.output, 1 << 16)).split(b"\n")
        events: list[Event] = [*map(json.loads, lines)]
        self.events += events
        return events

    def wait_for(self, event: str, **members: Any) -> Event:
        """Return the first event with these members."""
        seen = 0
        deadline = time.monotonic() + LIMIT
        while time.monotonic() < deadline:
            for one in self.events[seen:]:
                if one["event"] == event and members.items() <= one.items():
                    return one
            seen = len(self.events)
            self.read(1)
        raise TimeoutError(f"no {event} {members} in {self.events[-20:]}")


class Stream(Events):
    """A running stream with its events."""

    def __init__(self, process: "subprocess.Popen[bytes]", output: int) -> None:
        super().__init__(output)
        self.process = process

    def events_until_tick(self, objects: Objects) -> list[Event]:
        """Return the events up to the end of a whole tick, without those of a marker.

        Two new objects are two ticks: the first may appear in a tick that has begun before.
        """
        start = len(self.events)
        for _ in range(2):
            marker = objects.semaphores()
            self.wait_for("added", kind="sem", id=marker)
            kernel.remove(Kind.SEMAPHORE, marker)
            self.wait_for("removed", kind="sem", id=marker)
        return [one for one in self.events[start:] if one["kind"] != "sem"]


# pyipcs that accepts intervals from 1 ms, for many ticks.
_MAIN = """
from pyipcs.__main__ import main
from pyipcs.cli import types
types._INTERVAL_MIN = 0.001
main()
"""
FAST = (sys.executable, "-c", _MAIN)


@contextmanager
def streaming(
    *args: str, interval: str = "0.1", program: Sequence[str] = (PYIPCS,)
) -> Iterator[Stream]:
    """Run a stream into a pipe."""
    command = [*program, "list", f"--watch={interval}", "-f", "jsonl", *args]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    assert process.stderr
    try:
        yield Stream(process, process.stdout.fileno())
    finally:
        process.kill()
        process.wait(LIMIT)
        process.stdout.close()
        process.stderr.close()


def make(kind: Kind, objects: Objects, posix_objects: PosixObjects) -> tuple[str, int | str]:
    """Create an object; return the member that identifies it."""
    if kind in SYSV:
        return "id", objects.make(kind)
    return "name", f"/{posix_objects.make(kind, 'made').name.removeprefix('sem.')}"


def remove(kind: Kind, identity: int | str) -> None:
    if isinstance(identity, int):
        kernel.remove(kind, identity)
    else:
        path_of(kind, identity).unlink()


@pytest.mark.parametrize("kind", Kind)
def test_list_watch_jsonl_reports_each_change_of_an_object(
    kind: Kind, objects: Objects, posix_objects: PosixObjects
) -> None:
    first = objects.queue(7)
    posix_objects.make(Kind.POSIX_SEMAPHORE, "last")
    posix_objects.make(Kind.POSIX_QUEUE, "seen")  # others than root cannot trust an empty folder
    with streaming(*ALL) as stream:
        present = stream.wait_for("present", kind="msg", id=first)
        stream.wait_for("present", name="/last")
        second = objects.queue(8)  # of the kind that is listed first
        stream.wait_for("added", kind="msg", id=second)  # the first tick is over
        name, identity = make(kind, objects, posix_objects)
        added = stream.wait_for("added", **{"kind": kind.value, name: identity})
        remove(kind, identity)
        removed = stream.wait_for("removed", **{"kind": kind.value, name: identity})
        of_object = [
            one for one in stream.events if (one["kind"], one.get(name)) == (kind.value, identity)
        ]
    assert [*added][:3] == ["event", "time", "kind"]
    assert present["key"] == "0x00000007"
    events = [one["event"] for one in of_object]
    assert (events[0], events[-1], {*events[1:-1]} <= {"changed"}) == ("added", "removed", True)
    last = of_object[-2]
    assert {**removed, "event": "", "time": ""} == {**last, "event": "", "time": ""}


def test_list_watch_jsonl_has_the_members_of_a_listing(objects: Objects, shm: ShmFiles) -> None:
    objects.segment(5)
    shm.file("x", b"hello")
    line = ("list", "--sysv", "--posix", "-f", "jsonl", "--time-format", "epoch")
    listed = [json.loads(text) for text in run(PYIPCS, *line).out.splitlines()]
    with streaming(*line[1:3], *line[5:]) as stream:
        while len(stream.events) < len(listed):
            assert stream.read(LIMIT)
    for event, one in zip(stream.events, listed, strict=True):
        assert event.pop("event") == "present"
        assert isinstance(event.pop("time"), int)
        assert [*event] == [*one]


def test_list_watch_jsonl_reports_changed_members(
    objects: Objects, posix_objects: PosixObjects, own_mqueue: None
) -> None:
    msqid = objects.queue()
    posix_objects.make(Kind.POSIX_QUEUE, "jobs")
    with streaming(*ALL) as stream:
        stream.wait_for("present", id=msqid)
        kernel.send(msqid, b"hello")
        stream.wait_for("changed", id=msqid, cbytes=5)
        descriptor = open_queue("/jobs", os.O_WRONLY)
        send_message(descriptor, b"abc")
        os.close(descriptor)
        stream.wait_for("changed", name="/jobs", qnum=1)


def test_list_watch_jsonl_of_unchanged_objects_reports_nothing(
    objects: Objects, posix_objects: PosixObjects
) -> None:
    """Neither the age nor a time that the listing itself sets is a change."""
    for kind in SYSV:
        objects.make(kind)
    for kind in POSIX:
        posix_objects.make(kind, "still", messages=1)
    age = ("-o", "+AGE")
    with (
        streaming(*ALL, *age) as plain,
        streaming(*ALL, *age, "--time-format", "relative") as relative,
    ):
        for stream in (plain, relative):
            stream.wait_for("present", kind="psem")
        time.sleep(1.2)  # ages and relative times have seconds
        for stream in (plain, relative):
            assert stream.events_until_tick(objects) == []


@pytest.mark.root
@pytest.mark.parametrize("kind", SYSV)
def test_list_watch_jsonl_of_reused_id_reports_removal_and_creation(
    kind: Kind, objects: Objects, isolated: None
) -> None:
    if not NEXT_ID[kind].exists():
        pytest.skip("the kernel lacks CONFIG_CHECKPOINT_RESTORE")
    first = objects.make(kind, 5)
    with streaming("--sysv") as stream:
        stream.wait_for("present", id=first, kind=kind.value)
        stop(stream)
        kernel.remove(kind, first)
        NEXT_ID[kind].write_text(str(first))
        assert objects.make(kind, 6) == first
        stream.process.send_signal(signal.SIGCONT)
        assert stream.wait_for("removed", id=first, kind=kind.value)["key"] == "0x00000005"
        assert stream.wait_for("added", id=first, kind=kind.value)["key"] == "0x00000006"


@pytest.mark.root
def test_list_watch_jsonl_of_reused_id_and_key_tells_objects_by_their_use(
    objects: Objects, isolated: None
) -> None:
    first = objects.queue(5)
    kernel.send(first)
    with streaming("-q") as stream:
        assert stream.wait_for("present", id=first)["qnum"] == 1
        stop(stream)
        kernel.remove(Kind.QUEUE, first)
        if not NEXT_ID[Kind.QUEUE].exists():
            pytest.skip("the kernel lacks CONFIG_CHECKPOINT_RESTORE")
        NEXT_ID[Kind.QUEUE].write_text(str(first))
        assert objects.queue(5) == first
        stream.process.send_signal(signal.SIGCONT)
        assert stream.wait_for("removed", id=first)["qnum"] == 1
        stream.wait_for("added", id=first)
        assert [one["event"] for one in stream.events] == ["present", "removed", "added"]


def stop(stream: Stream) -> None:
    """Stop a stream between two ticks, so that it sees two changes at once."""
    wait_until_idle(stream.process.pid)
    stream.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: "T" in Path(f"/proc/{stream.process.pid}/stat").read_text().split()[2])


@pytest.mark.parametrize("kind", POSIX)
def test_list_watch_jsonl_of_reused_name_reports_removal_and_creation(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    posix_objects.make(kind, "same")
    with streaming("--posix") as stream:
        before = stream.wait_for("present", name="/same")
        stop(stream)
        path_of(kind, "same").unlink()
        posix_objects.make(kind, "same")
        stream.process.send_signal(signal.SIGCONT)
        assert stream.wait_for("removed", name="/same")["inode"] == before["inode"]
        assert stream.wait_for("added", name="/same")["inode"] != before["inode"]


def test_list_watch_jsonl_of_removed_attached_segment_is_a_change(
    objects: Objects, isolated: None
) -> None:
    shmid = objects.segment(5)
    with kernel.attached(shmid), streaming("-m") as stream:
        stream.wait_for("present", id=shmid)
        kernel.remove(Kind.SEGMENT, shmid)
        assert stream.wait_for("changed", id=shmid, key="0x00000000")["dest"] is True
        assert not [one for one in stream.events if one["event"] in {"added", "removed"}]


def test_list_watch_jsonl_with_filter_follows_the_matches(objects: Objects, isolated: None) -> None:
    msqid = objects.queue()
    with streaming("-q", "--empty") as stream:
        stream.wait_for("present", id=msqid)
        kernel.send(msqid)
        assert stream.wait_for("removed", id=msqid)["qnum"] == 0
        kernel.receive_all(msqid)
        stream.wait_for("added", id=msqid)


_USING_BY_TURNS = """
print(flush=True)
for line in sys.stdin:
    exec(line)
"""


def test_list_watch_jsonl_with_used_by_follows_the_process_and_ends_with_it(
    objects: Objects, posix_objects: PosixObjects
) -> None:
    shmid = leaked_segment(objects)
    path = posix_objects.make(Kind.POSIX_SEGMENT, "used")
    with scripted(_USING_BY_TURNS, stdin=subprocess.PIPE, bufsize=0) as user:
        read_line(user)
        assert user.stdin
        with streaming("-mM", "--used-by", str(user.pid)) as stream:
            wait_until_idle(stream.process.pid)
            user.stdin.write(b"file = open(%r)\n" % str(path).encode())
            stream.wait_for("added", name="/used")
            user.stdin.write(b"file.close()\n")
            stream.wait_for("removed", name="/used")
            user.stdin.write(b"libc.shmat(%d, None, 0)\n" % shmid)
            assert stream.wait_for("added", id=shmid)["nattch"] == 1
            user.kill()
            user.wait(LIMIT)
            assert stream.process.wait(LIMIT) == 1
            assert stream.process.stderr
            reason = f"pyipcs: --used-by: process {user.pid}: no such process\n"
            assert stream.process.stderr.read().decode() == reason


def test_list_watch_jsonl_with_used_by_of_unreadable_process_reports_it_once(
    objects: Objects, isolated: None
) -> None:
    script = "print(libc.shmget(0, 4096, 0o1644), libc.prctl(4, 0, 0, 0, 0), flush=True)"
    reading, writing = os.pipe()
    with (
        TemporaryFile() as errors,
        scripted(f"{script}; time.sleep(600)") as user,
        open("/dev/null", "rb") as null,  # noqa: PTH123
    ):
        shmid = objects.adopt(Kind.SEGMENT, int(read_line(user).split()[0]))
        line = ("list", "-m", "--watch=0.1", "-f", "jsonl", "--used-by", str(user.pid))
        load_all()
        child = fork(
            *line,
            stdin=null.fileno(),
            stdout=writing,
            stderr=errors.fileno(),
            first=drop_privileges,
        )
        os.close(writing)
        events = Events(reading)
        events.wait_for("present", id=shmid)
        with kernel.attached(shmid):
            events.wait_for("changed", id=shmid, nattch=1)
        events.wait_for("changed", id=shmid, nattch=0)
        user.kill()
        user.wait(LIMIT)
        assert exit_code(child) == 1
        os.close(reading)
        texts = text_in(errors).splitlines()
    assert [text.partition(" (")[0] for text in texts] == [
        f"pyipcs: process {user.pid}",
        f"pyipcs: --used-by: process {user.pid}: no such process",
    ]


def test_list_watch_jsonl_with_columns_identifies_the_objects(
    objects: Objects, shm: ShmFiles
) -> None:
    shmid = objects.segment(5)
    shm.file("x", b"hello")
    with streaming("-m", "-M", "-o", "SIZE") as stream:
        sysv = stream.wait_for("present", kind="shm")
        posix = stream.wait_for("present", name="/x")
    members = ["event", "time", "kind"]
    assert [*sysv] == [*members, "key", "id", "segsz"]
    assert (sysv["id"], sysv["key"]) == (shmid, "0x00000005")
    assert [*posix] == [*members, "name", "segsz"]


def test_list_watch_jsonl_on_a_terminal_is_the_stream(objects: Objects, isolated: None) -> None:
    objects.queue(5)
    process, terminal = on_terminal("list", "-q", "--watch=0.1", "-f", "jsonl")
    text = read_until(terminal, '"event": "present", .*\n')
    assert "\x1b" not in text
    process.send_signal(signal.SIGINT)
    assert process.wait(LIMIT) == -signal.SIGINT
    end(process, terminal)


# -- Its end.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
@pytest.mark.parametrize("interval", ["0.1", "1h"])
def test_list_watch_jsonl_ends_by_a_signal(
    number: signal.Signals, interval: str, objects: Objects, isolated: None
) -> None:
    objects.queue()
    with streaming("-q", interval=interval) as stream:
        stream.wait_for("present")
        stream.process.send_signal(number)
        assert stream.process.wait(LIMIT) == -number


def test_list_watch_jsonl_into_a_full_pipe_ends_by_a_signal(
    objects: Objects, isolated: None
) -> None:
    objects.queue()
    read, write = kernel.full_pipe()
    with subprocess.Popen([PYIPCS, "list", "--watch", "-f", "jsonl"], stdout=write) as process:
        os.close(write)
        wait_until_idle(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT) == -signal.SIGTERM
    os.close(read)


def pair() -> tuple[int, int]:
    """Return both ends of a socket."""
    ours, theirs = socket.socketpair()
    return ours.detach(), theirs.detach()


@pytest.mark.parametrize("connect", [os.pipe, pair, kernel.full_pipe])
@pytest.mark.parametrize("has_objects", [True, False])
def test_list_watch_jsonl_ends_with_its_reader_while_nothing_changes(
    connect: Callable[[], tuple[int, int]], has_objects: bool, objects: Objects, isolated: None
) -> None:
    if has_objects:
        objects.queue()
    read, write = connect()
    with subprocess.Popen(
        [PYIPCS, "list", "--watch=1h", "-f", "jsonl"], stdout=write, stderr=subprocess.PIPE
    ) as process:
        os.close(write)
        wait_until_idle(process.pid)
        assert process.poll() is None
        os.close(read)
        assert process.wait(LIMIT) == -signal.SIGPIPE
        assert process.stderr
        assert process.stderr.read() == b""


def test_list_watch_jsonl_to_full_disk_is_a_write_error(objects: Objects, isolated: None) -> None:
    objects.queue()
    done = run("sh", "-c", f"{PYIPCS} list --watch -f jsonl >/dev/full")
    assert done == (1, "", "pyipcs: write error: No space left on device\n")


# -- Its costs.


@pytest.mark.slow
@pytest.mark.tools("strace")
def test_list_watch_jsonl_scans_proc_once_a_tick(one_of_each: None, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    pauses = re.compile(r"= 0 \(Timeout\)")
    options = ["-f", "-e", "trace=openat,poll", "-e", "signal=none", "-s", "40", "-o", str(trace)]
    columns = ["-o", "+STATE,REASON,AGE", "--watch=0.1", "-f", "jsonl"]
    with subprocess.Popen(
        [need_tool("strace"), *options, PYIPCS, "list", *ALL, *columns], stdout=subprocess.PIPE
    ) as process:
        wait_until(lambda: trace.exists() and len(pauses.findall(trace.read_text())) > 8)
        assert process.stdout
        process.stdout.close()  # strace alone would end by a signal
        process.wait(LIMIT)
    ticks = [one for one in pauses.split(trace.read_text())[:-1] if "/proc/sysvipc" in one]
    assert [tick.count('"/proc", ') for tick in ticks] == [1] * len(ticks)


@pytest.mark.slow
@pytest.mark.untraced
def test_list_watch_jsonl_memory_is_flat_over_1000_ticks(objects: Objects, shm: ShmFiles) -> None:
    changing = [objects.queue() for _ in range(100)]
    shm.file("first")
    with streaming("--sysv", "-M", interval="0.001", program=FAST) as stream:
        sizes: list[int] = []
        ticks = 0
        stream.wait_for("present", name="/first")
        while ticks < 1000:
            kernel.send(changing[ticks % 100], b"")
            path = shm.file(f"tick{ticks}")
            stream.wait_for("added", name=f"/tick{ticks}")
            path.unlink()
            stream.events.clear()
            ticks += 1
            if ticks % 100 == 0:
                sizes.append(resident(stream.process.pid))
    # The caches of formatted times hold up to 4,096 texts.
    assert max(sizes) - sizes[0] < 4096, f"KiB: {sizes}"


def resident(pid: int) -> int:
    """Return the KiB of a process in memory."""
    (line,) = (
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmRSS" in line
    )
    return int(line.split()[1])


# -- Many changes.

CHANGES = 10_000
MOST = 150  # objects at once


class Life(NamedTuple):
    """An object, with the numbers of markers that were seen before its creation and removal."""

    kind: Kind
    identity: int | str
    created: int
    removed: int


class Churn:
    """A fast creator and remover of objects of all kinds."""

    def __init__(self, objects: Objects, posix_objects: PosixObjects) -> None:
        self._objects = objects
        self._posix_objects = posix_objects
        self._random = random.Random(1)
        self._living: list[tuple[Kind, int | str, int]] = []
        self._names = 0
        self.past: list[Life] = []
        self.changes = 0

    def change(self, markers: int) -> None:
        """Create or remove an object."""
        self.changes += 1
        if len(self._living) < MOST and (not self._living or self._random.random() < 0.5):
            self._living.append((*self._create(self._random.choice([*Kind])), markers))
        else:
            # Most removals are of recent objects: lives are short and long.
            place = -1 if self._random.random() < 0.7 else self._random.randrange(len(self._living))
            self._remove(place, markers)

    def remove_all(self, markers: int) -> None:
        """Remove the living objects."""
        while self._living:
            self._remove(-1, markers)

    def _create(self, kind: Kind) -> tuple[Kind, int | str]:
        if kind in SYSV:
            return kind, self._objects.make(kind)
        self._names += 1
        self._posix_objects.make(kind, f"n{self._names}")
        return kind, f"/n{self._names}"

    def _remove(self, place: int, markers: int) -> None:
        kind, identity, created = self._living.pop(place)
        remove(kind, identity)
        self.past.append(Life(kind, identity, created, markers))


@pytest.mark.slow
def test_list_watch_jsonl_misses_no_object_that_lived_for_two_ticks(
    objects: Objects, posix_objects: PosixObjects
) -> None:
    """A marker is created once the one before is seen: two markers are more than a tick."""
    churn = Churn(objects, posix_objects)
    with streaming(*ALL) as stream:
        markers, marker = 0, posix_objects.make(Kind.POSIX_SEMAPHORE, "marker0")
        while churn.changes < CHANGES:
            for _ in range(10):
                churn.change(markers)
            for event in stream.read(0.002):
                if event.get("name") == f"/marker{markers}" and event["event"] != "removed":
                    marker.unlink()
                    markers += 1
                    marker = posix_objects.make(Kind.POSIX_SEMAPHORE, f"marker{markers}")
        churn.remove_all(markers)
        last = objects.queue()
        posix_objects.make(Kind.POSIX_SEMAPHORE, "last")
        stream.wait_for("added", name="/last")
        kernel.remove(Kind.QUEUE, last)
        path_of(Kind.POSIX_SEMAPHORE, "last").unlink()
        stream.wait_for("removed", name="/last")
    seen: dict[tuple[str, int | str], list[str]] = {}
    for event in stream.events:
        identity = event["name"] if "name" in event else event["id"]
        seen.setdefault((event["kind"], identity), []).append(event["event"])
    long_lived = 0
    for life in churn.past:
        events = seen.get((life.kind.value, life.identity), [])
        if life.removed - life.created >= 2:
            long_lived += 1
            assert events, life
        if events:
            assert events[0] in {"present", "added"}, life
            assert events[-1] == "removed", life
            assert {*events[1:-1]} <= {"changed"}, (life, events)
    assert markers > 10
    assert long_lived > 100, Counter(life.removed - life.created for life in churn.past)
