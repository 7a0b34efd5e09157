"""Resources of long-lived commands: python -m tests.trials.endurance."""

import os
import random
import select
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    from tests.kit import isolation

    isolation.enter()

from tests.kit.kernel import Objects, everything, remove, send
from tests.kit.mqueue import make_queue, send_message
from tests.kit.posix import ShmFiles, glibc_semaphore
from tests.kit.posix_objects import PosixObjects
from tests.kit.program import PYIPCS
from tests.kit.terminal import on_terminal, resize
from tests.trials import parse_options
from tests.trials.churn import churning

_TICK = 0.05  # seconds between two rounds of reading and feeding
_TICKS_A_SIZE = 20
_FRAME, _LINE, _TRACEBACK = b"\x1b[H", b"\n", b"Traceback"
_BLOCK = 4096  # bytes that a pipe takes whole or not at all (PIPE_BUF)
_LONGEST = 80  # bytes of a line
_BURST = 40  # messages at once
_SAMPLES = 120
_QUEUE_SIZES = (10, 256)  # messages, and bytes of a message
_REPEAT = ("sh", "-c", "while sleep 0.2; do echo; done")
_ALL = ("--sysv", "--posix", "-o", "+STATE,REASON,USERS,WAITERS")
_PATIENCE = 300  # seconds, for a busy machine


class Sample(NamedTuple):
    """The resources of a process in /proc."""

    seconds: float
    rss: int  # KiB
    descriptors: int
    threads: int
    switches: int


class Course(NamedTuple):
    """The samples and complaints of one program."""

    label: str
    samples: tuple[Sample, ...]
    passed: int  # frames or messages
    complaints: tuple[str, ...]

    @property
    def settled(self) -> tuple[Sample, ...]:
        """Return the samples after the first tenth of the time."""
        first = self.samples[0].seconds
        tenth = first + (self.samples[-1].seconds - first) / 10
        return tuple(sample for sample in self.samples if sample.seconds >= tenth)

    @property
    def growth(self) -> float:
        """Return the growth in KiB an hour, by linear regression."""
        times = [sample.seconds for sample in self.settled]
        return 3600 * statistics.linear_regression(times, [one.rss for one in self.settled]).slope


class _Subject:
    """A long-lived program, with a count of its output."""

    def __init__(
        self, label: str, process: "subprocess.Popen[bytes]", output: int, mark: bytes
    ) -> None:
        self.label = label
        self.process = process
        self.output = output
        self.mark = mark
        self.passed = 0
        self.bytes = 0
        self.last = b""  # the last part of its output
        self.samples: list[Sample] = []
        self.complaints: list[str] = []

    @property
    def is_ready(self) -> bool:
        """Return True if the program has started, or prints nothing."""
        return self.passed > 3 or not self.mark

    def read(self, *wrong: bytes) -> None:
        """Count the output, and complain about wrong texts in it."""
        with suppress(OSError):  # EIO: it has ended
            text = os.read(self.output, 1 << 16)
            self.last = text or self.last
            self.bytes += len(text)
            self.passed += text.count(self.mark) if self.mark else 0
            if any(one in text for one in wrong):
                self.complaints.append(text.decode(errors="replace"))

    @property
    def has_more_descriptors(self) -> bool:
        """Return True if it has more descriptors than it ever had in the first third."""
        first = self.samples[: len(self.samples) // 3]
        return _descriptors(self.process.pid) > min(sample.descriptors for sample in first)

    def sample(self, seconds: float) -> None:
        """Add a sample of its resources."""
        folder = Path("/proc", str(self.process.pid))
        status = dict(
            line.split(":", 1) for line in Path(folder, "status").read_text().splitlines()
        )
        self.samples.append(
            Sample(
                seconds,
                int(status["VmRSS"].split()[0]),
                _descriptors(self.process.pid),
                int(status["Threads"]),
                int(status["voluntary_ctxt_switches"]) + int(status["nonvoluntary_ctxt_switches"]),
            )
        )

    def end(self) -> None:
        """End the program by SIGTERM, and read the rest of its output."""
        if self.process.poll() is not None:
            self.complaints.append(f"it ended with {self.process.returncode}: {self.last!r}")
        self.process.terminate()
        while self.process.poll() is None:
            if select.select([self.output], [], [], _TICK)[0]:
                self.read(_TRACEBACK)  # it may report how far it came
        if self.process.returncode != -signal.SIGTERM:
            self.complaints.append(f"SIGTERM ended it with {self.process.returncode}")
        os.close(self.output)
        if self.process.stdin:
            self.process.stdin.close()

    @property
    def course(self) -> Course:
        """Return the samples and complaints."""
        return Course(self.label, tuple(self.samples), self.passed, tuple(self.complaints))


def _descriptors(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


class _Flow:
    """A sender and a receiver of lines, which share a queue."""

    def __init__(self, queue: str) -> None:
        self.sender = _piped("send", queue, "-l")
        self.receiver = _piped("recv", queue, "-F", mark=_LINE)
        self._fed = 0  # bytes

    def feed(self, chance: random.Random) -> None:
        """Write a block of lines to the sender, if its pipe has room."""
        stdin = self.sender.process.stdin
        assert stdin
        block = b""
        while len(block) < _BLOCK - _LONGEST:
            block += b"x" * chance.randint(1, _LONGEST - 1) + b"\n"
        with suppress(BlockingIOError):
            self._fed += os.write(stdin.fileno(), block)
            self.sender.passed += block.count(b"\n")

    @property
    def is_complete(self) -> bool:
        """Return True if all bytes have passed from the sender to the receiver."""
        return self.receiver.bytes == self._fed

    def complain(self) -> None:
        """Add a complaint if bytes are missing."""
        if not self.is_complete:
            complaint = f"{self._fed} bytes went in, {self.receiver.bytes} came out"
            self.receiver.complaints.append(complaint)


class _Endurance:
    """All subjects, and their load."""

    def __init__(self, seed: int, objects: Objects) -> None:
        self._chance = random.Random(seed)
        lines, self._bursts, self._executed = (objects.queue() for _ in range(3))
        segment, awaited = objects.segment(), objects.semaphores(nsems=3)
        self._posix_bursts, self._posix_executed = map(_posix_queue, ("/bursts", "/executed"))
        os.close(_posix_queue("/lines"))
        ShmFiles().file("segment", bytes(5000))
        ShmFiles().file("sem.awaited", glibc_semaphore(0))
        self._ticks = 0
        self._screens = [
            self._screen("list"),
            self._screen("list", "-o", "+STATE,REASON,ATTACHED,WAITERS"),
            self._screen("list", *_ALL),
            self._screen("list", "-l"),
            self._screen("stat", "-q", str(self._bursts)),
            self._screen("stat", "-m", str(segment)),
            self._screen("stat", "/bursts", "/segment", "/awaited"),
        ]
        self._flows = [_Flow(str(lines)), _Flow("/lines")]
        others = [
            _piped("list", *_ALL, "--watch=0.1", "-f", "jsonl", mark=_LINE),
            _piped("recv", str(self._bursts), "-F", "-f", "json", "--with-type", mark=_LINE),
            _piped("recv", "/bursts", "-F", "-f", "json", "--with-type", mark=_LINE),
            _piped("recv", str(self._executed), "-F", "--exec", "wc -c", mark=_LINE),
            _piped("recv", "/executed", "-F", "--exec", "wc -c", mark=_LINE),
            _piped("op", str(awaited), "P"),
            _piped("op", "/awaited", "P"),
            _piped("run", "sh", "-c", "while sleep 0.2; do echo; done", mark=_LINE),
            _piped(
                "run",
                "--private",
                "never",
                "sh",
                "-c",
                "while sleep 0.2; do echo; done",
                mark=_LINE,
            ),
        ]
        pairs = ((flow.receiver, flow.sender) for flow in self._flows)
        self.subjects = [*self._screens, *chain.from_iterable(pairs), *others]

    def _screen(self, *args: str) -> _Subject:
        process, terminal = on_terminal(*args, "--watch=0.1", width=150, height=50)
        return _Subject(" ".join((*_without_ids(args), "--watch=0.1")), process, terminal, _FRAME)

    def tick(self) -> None:
        """Feed all subjects, and read their output for a moment."""
        for flow in self._flows:
            flow.feed(self._chance)
        self._send(_BURST, self._bursts, self._posix_bursts)
        self._ticks += 1
        if self._ticks % 4 == 0:
            self._send(1, self._executed, self._posix_executed)
        if self._ticks % _TICKS_A_SIZE == 0:
            self._resize()
        self.read(_TICK)

    def read(self, seconds: float) -> None:
        """Read the output of the subjects for this time."""
        end = time.monotonic() + seconds
        by_output = {subject.output: subject for subject in self.subjects}
        while (remaining := end - time.monotonic()) > 0:
            for output in select.select([*by_output], [], [], remaining)[0]:
                by_output[output].read(b"pyipcs: ", _TRACEBACK)

    def finish(self) -> None:
        """Wait until all bytes have passed from the senders to the receivers."""
        end = time.monotonic() + _PATIENCE
        while not all(flow.is_complete for flow in self._flows) and time.monotonic() < end:
            self.read(_TICK)
        for flow in self._flows:
            flow.complain()

    def close(self) -> None:
        """Close the queues that it feeds."""
        os.close(self._posix_bursts)
        os.close(self._posix_executed)

    def _send(self, number: int, msqid: int, descriptor: int) -> None:
        """Send messages to a queue of each family, as far as they have room."""
        for _ in range(number):
            body, type_ = b"y" * self._chance.randint(0, 200), self._chance.randint(1, 9)
            with suppress(BlockingIOError):
                send(msqid, body, type_)
            with suppress(BlockingIOError):
                send_message(descriptor, body, type_)

    def _resize(self) -> None:
        for screen in self._screens:
            resize(screen.output, self._chance.randint(20, 200), self._chance.randint(1, 60))
            screen.process.send_signal(signal.SIGWINCH)


def _posix_queue(name: str) -> int:
    """Create a queue; return its descriptor."""
    return make_queue(name, sizes=_QUEUE_SIZES)


def _piped(*args: str, mark: bytes = b"") -> _Subject:
    """Start a program between pipes."""
    ours, theirs = os.pipe()
    process = subprocess.Popen(
        [PYIPCS, *args],
        stdin=subprocess.PIPE,
        stdout=theirs,
        stderr=subprocess.STDOUT,
        process_group=0,
    )
    os.close(theirs)
    assert process.stdin
    os.set_blocking(process.stdin.fileno(), False)
    return _Subject(" ".join(_without_ids(args)), process, ours, mark)


def _without_ids(args: Sequence[str]) -> Iterator[str]:
    return (arg for arg in args if not arg.isdigit())


def endure(seconds: float, seed: int) -> list[Course]:
    """Keep the long-lived commands busy for a time; return their courses.

    It needs its own IPC namespace, /dev/shm and /dev/mqueue.
    """
    with ExitStack() as stack:
        stack.callback(_remove_all)
        stack.enter_context(churning(seed))
        trial = _Endurance(seed, Objects())
        stack.callback(trial.close)
        stack.enter_context(_ended(trial.subjects))
        begun = time.monotonic()
        while late := [one for one in trial.subjects if not one.is_ready]:
            if time.monotonic() - begun > _PATIENCE:
                raise TimeoutError([one.label for one in late])
            if ended := [one for one in late if one.process.poll() is not None]:
                raise ChildProcessError([(one.label, one.last) for one in ended])
            trial.tick()
        _watch(trial, seconds)
        _await_descriptors(trial)
        trial.finish()
    return [subject.course for subject in trial.subjects]


def _watch(trial: _Endurance, seconds: float) -> None:
    begun = time.monotonic()
    step = seconds / _SAMPLES
    for number in range(_SAMPLES + 1):
        while (passed := time.monotonic() - begun) < number * step:
            trial.tick()
        for subject in trial.subjects:
            if subject.process.poll() is None:
                subject.sample(passed)


def _await_descriptors(trial: _Endurance) -> None:
    """Wait until all programs have closed their transient descriptors; complain about others."""
    end = time.monotonic() + _PATIENCE
    late = [subject for subject in trial.subjects if subject.process.poll() is None]
    while late and time.monotonic() < end:
        trial.tick()
        late = [subject for subject in late if subject.has_more_descriptors]
    for subject in late:
        subject.complaints.append("it has more descriptors than in the first third of the time")


@contextmanager
def _ended(subjects: Sequence[_Subject]) -> Iterator[None]:
    try:
        yield
    finally:
        for subject in subjects:
            subject.end()


def _remove_all() -> None:
    for kind, object_id in everything():
        remove(kind, object_id)
    PosixObjects().remove_all()


def _table(courses: Sequence[Course]) -> Iterator[str]:
    """Yield the lines of the tables of memory and of other resources."""
    width = max(len(course.label) for course in courses)
    last = courses[0].samples[-1].seconds
    moments = [60 * minute for minute in range(int(last / 60) + 1)] or [0]
    if last - moments[-1] > 1:
        moments.append(int(last))
    heads = (f"{moment / 60:>6.3g}m" for moment in moments)
    yield f"{'RSS, KiB, after':{width}} {' '.join(heads)} {'KiB/h':>8}"
    for course in courses:
        sizes = (
            min(course.samples, key=lambda one: abs(one.seconds - moment)).rss for moment in moments
        )
        cells = " ".join(f"{size:>7}" for size in sizes)
        yield f"{course.label:{width}} {cells} {course.growth:>8.0f}"
    yield ""
    yield f"{'':{width}} {'fds':>9} {'threads':>9} {'switches/s':>10} {'passed':>10}"
    for course in courses:
        fds = _span([sample.descriptors for sample in course.samples])
        threads = _span([sample.threads for sample in course.samples])
        first, final = course.samples[0], course.samples[-1]
        rate = (final.switches - first.switches) / (final.seconds - first.seconds)
        yield f"{course.label:{width}} {fds:>9} {threads:>9} {rate:>10.0f} {course.passed:>10,}"
    for course in courses:
        yield from (f"{course.label}: {complaint}" for complaint in course.complaints)


def _span(numbers: Sequence[int]) -> str:
    least, most = min(numbers), max(numbers)
    return str(least) if least == most else f"{least}..{most}"


def _main() -> None:
    options = parse_options(seconds=600)
    courses = endure(options.seconds, options.seed)
    print(*_table(courses), sep="\n")
    sys.exit(any(course.complaints for course in courses))


if __name__ == "__main__":
    _main()
