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
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    from tests.kit import isolation

    isolation.enter()

from tests.kit.kernel import Objects, everything, remove, send
from tests.kit.program import PYIPCS
from tests.kit.terminal import on_terminal, resize
from tests.trials import parse_options
from tests.trials.churn import churning

_TICK = 0.05  # seconds between two rounds of reading and feeding
_TICKS_A_SIZE = 20
_FRAME, _LINE = b"\x1b[H", b"\n"
_BLOCK = 4096  # bytes that a pipe takes whole or not at all (PIPE_BUF)
_LONGEST = 80  # bytes of a line
_BURST = 40  # messages at once
_SAMPLES = 120
_PATIENCE = 60  # seconds


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

    def descriptors(self, part: slice) -> int:
        """Return the number of permanent descriptors: the lowest of samples."""
        return min(sample.descriptors for sample in self.samples[part])


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
        self.samples: list[Sample] = []
        self.complaints: list[str] = []

    @property
    def is_ready(self) -> bool:
        """Return True if the program has started, or prints nothing."""
        return self.passed > 3 or not self.mark

    def read(self, wrong: bytes = b"pyipcs: ") -> None:
        """Count the output, and complain about a wrong text in it."""
        with suppress(OSError):  # EIO: it has ended
            text = os.read(self.output, 1 << 16)
            self.bytes += len(text)
            self.passed += text.count(self.mark) if self.mark else 0
            if wrong in text:
                self.complaints.append(text.decode(errors="replace"))

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
                sum(1 for _ in Path(folder, "fd").iterdir()),
                int(status["Threads"]),
                int(status["voluntary_ctxt_switches"]) + int(status["nonvoluntary_ctxt_switches"]),
            )
        )

    def end(self) -> None:
        """End the program by SIGTERM, and read the rest of its output."""
        if self.process.poll() is not None:
            self.complaints.append(f"it ended with {self.process.returncode}")
        self.process.terminate()
        while self.process.poll() is None:
            if select.select([self.output], [], [], _TICK)[0]:
                self.read(wrong=b"Traceback")  # it may report how far it came
        if self.process.returncode != -signal.SIGTERM:
            self.complaints.append(f"SIGTERM ended it with {self.process.returncode}")
        os.close(self.output)
        if self.process.stdin:
            self.process.stdin.close()

    @property
    def course(self) -> Course:
        """Return the samples and complaints."""
        return Course(self.label, tuple(self.samples), self.passed, tuple(self.complaints))


class _Endurance:
    """All subjects, and their load."""

    def __init__(self, seed: int, objects: Objects) -> None:
        self._chance = random.Random(seed)
        self._lines, self._bursts, self._executed = (objects.queue() for _ in range(3))
        self._segment = objects.segment()
        self._set = objects.semaphores(nsems=3)
        self._fed = 0  # bytes
        self._ticks = 0
        self._screens = [
            self._screen("list"),
            self._screen("list", "-o", "+STATE,REASON,ATTACHED,WAITERS"),
            self._screen("list", "-l"),
            self._screen("stat", "-q", str(self._bursts)),
            self._screen("stat", "-m", str(self._segment)),
        ]
        self._sender = _piped("send", str(self._lines), "-l")
        self._receiver = _piped("recv", str(self._lines), "-F", mark=_LINE)
        others = [
            _piped("recv", str(self._bursts), "-F", "-f", "json", "--with-type", mark=_LINE),
            _piped("recv", str(self._executed), "-F", "--exec", "wc -c", mark=_LINE),
            _piped("op", str(self._set), "P"),
            _piped("run", "sh", "-c", "while sleep 0.2; do echo; done", mark=_LINE),
        ]
        self.subjects = [*self._screens, self._receiver, self._sender, *others]

    def _screen(self, *args: str) -> _Subject:
        process, terminal = on_terminal(*args, "--watch=0.1", width=150, height=50)
        return _Subject(" ".join((*_without_ids(args), "--watch=0.1")), process, terminal, _FRAME)

    def tick(self) -> None:
        """Feed all subjects, and read their output for a moment."""
        self._feed_lines()
        self._send(self._bursts, _BURST)
        self._ticks += 1
        if self._ticks % 4 == 0:
            self._send(self._executed, 1)
        if self._ticks % _TICKS_A_SIZE == 0:
            self._resize()
        self.read(_TICK)

    def read(self, seconds: float) -> None:
        """Read the output of the subjects for this time."""
        end = time.monotonic() + seconds
        by_output = {subject.output: subject for subject in self.subjects}
        while (remaining := end - time.monotonic()) > 0:
            for output in select.select([*by_output], [], [], remaining)[0]:
                by_output[output].read()

    def finish(self) -> None:
        """Wait until all bytes have passed from the sender to the receiver."""
        end = time.monotonic() + _PATIENCE
        while self._receiver.bytes < self._fed and time.monotonic() < end:
            self.read(_TICK)
        if self._receiver.bytes != self._fed:
            complaint = f"{self._fed} bytes went in, {self._receiver.bytes} came out"
            self._receiver.complaints.append(complaint)

    def _feed_lines(self) -> None:
        stdin = self._sender.process.stdin
        assert stdin
        block = b""
        while len(block) < _BLOCK - _LONGEST:
            block += b"x" * self._chance.randint(1, _LONGEST - 1) + b"\n"
        with suppress(BlockingIOError):
            self._fed += os.write(stdin.fileno(), block)
            self._sender.passed += block.count(b"\n")

    def _send(self, msqid: int, number: int) -> None:
        for _ in range(number):
            with suppress(BlockingIOError):  # it is full
                send(msqid, b"y" * self._chance.randint(0, 200), self._chance.randint(1, 9))

    def _resize(self) -> None:
        for screen in self._screens:
            resize(screen.output, self._chance.randint(20, 200), self._chance.randint(1, 60))
            screen.process.send_signal(signal.SIGWINCH)


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

    It needs its own IPC namespace.
    """
    with ExitStack() as stack:
        stack.callback(_remove_all)
        stack.enter_context(churning(seed))
        trial = _Endurance(seed, Objects())
        stack.enter_context(_ended(trial.subjects))
        begun = time.monotonic()
        while not all(subject.is_ready for subject in trial.subjects):
            if time.monotonic() - begun > _PATIENCE:
                raise TimeoutError([one.label for one in trial.subjects if not one.is_ready])
            trial.tick()
        _watch(trial, seconds)
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
