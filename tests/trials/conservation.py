"""Conservation of messages under signals, broken pipes and a removal.

python -m tests.trials.conservation [--messages N] [--seed N]

Senders put numbered lines on one queue, receivers take them. At random moments a signal ends one
of them, or the pipe of a receiver breaks; some do not wait, or end after a timeout. Another process
replaces each, and a sender continues after the number of messages that its predecessor reported.
The second form removes the queue halfway. Both run on a System V queue and on a POSIX queue.
"""

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

from pyipcs.errors import Status
from pyipcs.model import Kind
from tests.kit import isolation
from tests.kit.kernel import Objects, receive_all, row
from tests.kit.mqueue import make_queue, receive_messages, unlink_queue
from tests.kit.program import fork, forked
from tests.kit.wait import wait_until

_KEY = 0x5EED
_NAME = "/pyipcs-conservation"
_SIZES = (10, 64)  # messages, and bytes of a message, of the POSIX queue
_BODY = b"#%09d"
_WIDTH = len(_BODY % 0) + 1  # of a line; a fixed width allows a start at any number
_NUMBER = re.compile(rb"#(\d{9})")
# A number with its type or priority, in JSON and with --with-type.
_TYPED = re.compile(rb'(?:"(?:type|priority)": (\d+), [^\n#]*"|^(\d+)\t)#(\d{9})', re.MULTILINE)
_REPORT = re.compile(rb"; (?:nothing|(\d+) messages?) w(?:as|ere) sent\n")
_BLOCK = 1 << 16
_BRIEF = "0.02"  # seconds of a timeout
_TICK = 0.01  # seconds between reads of all pipes
_PATIENCE = 60  # seconds without a message or an end that make the trial fail
_STRIKES = 16  # signals and broken pipes for each concurrent process
_APART = 800  # messages between two of them, on average, at least


class Tally(NamedTuple):
    """The reports of both sides, and their sums.

    Attributes:
        messages: messages to send.
        sent: messages that the senders reported as sent.
        received: messages on the receivers' standard output.
        reported: messages on their standard error, because requeuing failed.
        queued: messages on the queue at the end, or at its removal.
        lost: messages that were sent, and are in none of these places.
        twice: messages in two of these places, or twice in one place.
        unsent: messages in one of these places that no sender reported.
        altered: messages with another type or priority than the sent one.
        restarts: processes that replaced an ended one.
        signals: processes that got SIGINT or SIGTERM.
        broken_pipes: receivers whose pipe broke.
        seconds: duration of the trial.
    """

    messages: int
    sent: int
    received: int
    reported: int
    queued: int
    lost: int
    twice: int
    unsent: int
    altered: int
    restarts: int
    signals: int
    broken_pipes: int
    seconds: float

    @property
    def is_conserved(self) -> bool:
        """Return True if each sent message, and no other, is in one place, as it was sent."""
        return self.lost == self.twice == self.unsent == self.altered == 0


class _Queue(ABC):
    """The queue of a trial.

    Attributes:
        target: its name on command lines.
        number_option: the option of `send` for the type or the priority.
        receivers: options of `recv` that only this family has, or that need a trial there.
        destroyed: the number of messages that were removed with the queue.
    """

    target: str
    number_option: str
    receivers: Sequence[tuple[str, ...]]
    destroyed = 0

    @abstractmethod
    def remove(self) -> None:
        """Remove the queue by pyipcs."""

    @abstractmethod
    def left(self) -> list[tuple[int, bytes]]:
        """Take all messages that still exist; return their types or priorities, and bodies."""

    @abstractmethod
    def close(self) -> None:
        """Remove what is left of the queue."""


class _SysvQueue(_Queue):
    """A System V queue."""

    target = hex(_KEY)
    number_option = "-t"

    def __init__(self, senders: int) -> None:
        self.receivers = (
            ("-F", "-t", str(-senders)),  # the lowest type first
            ("-F", "--max-size", str(_WIDTH), "--truncate"),  # a path without sysv_ipc
        )
        self._objects = Objects()
        self._msqid = self._objects.queue(_KEY, 0o600)
        self._is_removed = False

    def remove(self) -> None:
        self.destroyed = int(row(Kind.QUEUE, self._msqid)["qnum"])
        result = forked("rm", "-q", str(self._msqid))
        assert result.status == Status.DONE, result.err
        self._is_removed = True

    def left(self) -> list[tuple[int, bytes]]:
        return [] if self._is_removed else receive_all(self._msqid)

    def close(self) -> None:
        self._objects.remove_all()


class _PosixQueue(_Queue):
    """A POSIX queue; the descriptor of the trial keeps its messages after the removal."""

    target = _NAME
    number_option = "--priority"
    receivers = (("-F", "-u"),)

    def __init__(self, _senders: int) -> None:
        self._descriptor = make_queue(_NAME, 0o600, _SIZES)

    def remove(self) -> None:
        result = forked("rm", "--posix-mqueue", _NAME)
        assert result.status == Status.DONE, result.err

    def left(self) -> list[tuple[int, bytes]]:
        return receive_messages(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)
        with suppress(FileNotFoundError):
            unlink_queue(_NAME)


_QUEUES = {"System V": _SysvQueue, "POSIX": _PosixQueue}


class _Run:
    """One process of pyipcs."""

    def __init__(self, *args: str, stdin: int, stdout: int) -> None:
        self.struck: set[int] = set()  # the signals that must end it; it dies of one of them
        self._args = args
        self._statuses = {Status.DONE} if "-F" not in args else set()
        if {"--timeout", "--nowait"} & {*args}:
            self._statuses.add(Status.WAIT)
        self._errors = TemporaryFile()  # noqa: SIM115 - open until the process ends
        latch, write = os.pipe()
        self._pid = fork(*args, stdin=stdin, stdout=stdout, stderr=self._errors.fileno())
        os.close(write)
        os.read(latch, 1)  # until the child has closed the pipes of the others
        os.close(latch)
        self._status: int | None = None

    @property
    def runs_command(self) -> bool:
        return "--exec" in self._args

    @property
    def has_ended(self) -> bool:
        if self._status is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status is not None

    def strike(self, number: int) -> None:
        """Send the signal that must end the process."""
        self.struck.add(number)
        os.kill(self._pid, number)

    def halt(self) -> None:
        """Stop the process, and wait until it is stopped or has ended; its command ends first."""
        os.kill(self._pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self._pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        if self.runs_command:
            wait_until(self._is_alone)

    def _is_alone(self) -> bool:
        """Return True if no child runs; one that has ended is a zombie until a `resume`."""
        children = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text().split()
        return all("\nState:\tZ" in Path(f"/proc/{pid}/status").read_text() for pid in children)

    def resume(self) -> None:
        os.kill(self._pid, signal.SIGCONT)

    def read_errors(self, *, removed: bool) -> bytes:
        """Return the standard error of an ended process.

        Raises:
            AssertionError: its status does not fit the signal or the removal of the queue.
        """
        self._errors.seek(0)
        text = self._errors.read()
        self._errors.close()
        status = self._status
        expected = (
            status in {-number for number in self.struck}
            # The command of --exec has the signal of a broken pipe.
            or (signal.SIGPIPE in self.struck and status == 128 + signal.SIGPIPE)
            or status in self._statuses
            or (removed and status == Status.FAILED and text.startswith(b"pyipcs: "))
        )
        assert expected, f"{self._args} ended with {status} after signals {self.struck}: {text!r}"
        return text

    def kill(self) -> None:
        if not self.has_ended:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        self._errors.close()


# How senders wait for room: most of them for ever.
_WAITS: Sequence[tuple[str, ...]] = (*[()] * 6, ("--timeout", _BRIEF), ("--nowait",))


class _Sender:
    """The sender of a range of numbers: one process after the other."""

    def __init__(
        self, queue: _Queue, numbers: range, type_: int, *, piped: bool, chance: random.Random
    ) -> None:
        self.numbers = numbers
        self.sent = 0
        self.run: _Run | None = None
        self._args = ("send", queue.target, "-l", queue.number_option, str(type_))
        self._piped = piped
        self._random = chance
        self._feeder: subprocess.Popen[bytes] | None = None
        self._lines = TemporaryFile()  # noqa: SIM115 - `close` closes it
        self._lines.write(b"".join((_BODY + b"\n") % number for number in numbers))
        self._lines.flush()

    @property
    def is_done(self) -> bool:
        return self.sent == len(self.numbers)

    def start(self) -> None:
        """Start a process that sends the rest of the numbers."""
        self._source = self._lines.fileno()
        os.lseek(self._source, self.sent * _WIDTH, os.SEEK_SET)
        if self._piped:
            self._source, write = os.pipe()
            self._feeder = subprocess.Popen(["cat"], stdin=self._lines, stdout=write)
            os.close(write)
        waiting = self._random.choice(_WAITS)
        self.run = _Run(*self._args, *waiting, stdin=self._source, stdout=1)

    def settle(self, *, removed: bool) -> None:
        """Add the number of messages that the ended process reported."""
        assert self.run
        errors = self.run.read_errors(removed=removed)
        self.run = None
        self.sent += self._sent_by_run(errors)
        self._end_feeder()

    def close(self) -> None:
        if self.run:
            self.run.kill()
            self._end_feeder()
        self._lines.close()

    def _sent_by_run(self, errors: bytes) -> int:
        if report := _REPORT.search(errors):
            return int(report[1] or 0)
        # Without a report it has sent nothing or all: the rest of its input shows which.
        return 0 if os.read(self._source, 1) else len(self.numbers) - self.sent

    def _end_feeder(self) -> None:
        if self._feeder:
            os.close(self._source)
            self._feeder.wait()
            self._feeder = None


class _Receiver:
    """One receiving process with the pipe of its messages."""

    def __init__(self, queue: _Queue, args: tuple[str, ...]) -> None:
        self.typed: list[tuple[int, int]] = []  # types or priorities, and numbers, as printed
        self._end = b"\0" if "-0" in args else b"\n"
        self._part = b""  # of a message
        self._pipe, write = os.pipe()
        os.set_blocking(self._pipe, False)
        self._is_open = True
        self.run = _Run(
            *("recv", queue.target, *args),
            stdin=0,
            stdout=write,
        )
        os.close(write)

    @property
    def has_ended(self) -> bool:
        """Return True if no more output can come."""
        return not self._is_open and self.run.has_ended

    def read(self) -> list[int]:
        """Return the numbers that have arrived since the last call."""
        data = self._part
        with suppress(BlockingIOError):
            while self._is_open:
                block = os.read(self._pipe, _BLOCK)
                data += block
                if not block:
                    self._close_pipe()
        whole, end, self._part = data.rpartition(self._end)
        numbers = _numbers(whole)
        self.typed += _typed(whole)
        assert len(numbers) == (whole + end).count(self._end), "a message is not as it was sent"
        return numbers

    def break_pipe(self) -> list[int]:
        """Close the reading end of the pipe; return the numbers that were in it.

        The process is stopped meanwhile, so that no number is lost with the pipe.
        """
        self.run.halt()
        numbers = self.read()
        self._close_pipe()
        self.run.struck.add(signal.SIGPIPE)
        self.run.resume()
        return numbers

    def settle(self, *, removed: bool) -> list[int]:
        """Return the numbers of the messages that could not be requeued."""
        assert not self._part, f"a message in part: {self._part!r}"
        errors = self.run.read_errors(removed=removed)
        self.typed += _typed(errors)
        return _numbers(errors)

    def close(self) -> None:
        self.run.kill()
        self._close_pipe()

    def _close_pipe(self) -> None:
        if self._is_open:
            os.close(self._pipe)
            self._is_open = False


def _numbers(text: bytes) -> list[int]:
    return [int(number) for number in _NUMBER.findall(text)]


def _typed(text: bytes) -> list[tuple[int, int]]:
    return [(int(json or text), int(number)) for json, text, number in _TYPED.findall(text)]


class _Trial:
    """The senders and receivers of a queue, and the count of each number."""

    def __init__(self, queue: _Queue, *, senders: int, receivers: int, messages: int, seed: int):
        self._queue = queue
        self._random = random.Random(seed)
        self._messages = messages
        bounds = [messages * number // senders for number in range(senders + 1)]
        self._senders = [
            _Sender(
                queue,
                range(bounds[number], bounds[number + 1]),
                number + 1,
                piped=number % 2 == 1,
                chance=self._random,
            )
            for number in range(senders)
        ]
        self._receivers = [self._receiver() for _ in range(receivers)]
        for sender in self._senders:
            sender.start()
        strikes = min(_STRIKES * (senders + receivers), messages // _APART)
        self._moments = sorted(self._random.sample(range(messages), strikes), reverse=True)
        self._seen = bytearray(messages)  # how often each number arrived
        self._received = self._reported = self._queued = self._altered = 0
        self._removed = False
        self._restarts = self._signals = self._broken_pipes = 0
        self._start = self._latest = time.monotonic()

    def work(self, received: int) -> None:
        """Let messages flow until this number is received, or all are sent.

        The first strikes come at once: each trial has a signal and a broken pipe at any speed.
        """
        for _ in range(2):
            self._strike()
        while self._received < received and not all(sender.is_done for sender in self._senders):
            self._collect(replace=True)
            if self._moments and self._received >= self._moments[-1]:
                self._moments.pop()
                self._strike()

    def end(self) -> None:
        """Stop the receivers, and count the messages on the queue."""
        for receiver in self._receivers:
            # A broken pipe ends the command of --exec, which only a message starts.
            if not receiver.run.struck or receiver.run.runs_command:
                receiver.run.strike(signal.SIGTERM)
        self._await_ends()
        self._count_left()

    def remove(self) -> None:
        """Remove the queue while all processes use it, some of them just struck."""
        for _ in range(len(self._receivers)):
            self._strike()
        runs = [*self._runs()]
        for run in runs:
            run.halt()
        self._queue.remove()
        self._removed = True
        for run in runs:
            run.resume()
        self._await_ends()
        self._count_left()

    def tally(self) -> Tally:
        missing = unsent = 0
        for sender in self._senders:
            first, last = sender.numbers.start, sender.numbers.stop
            missing += self._seen.count(0, first, first + sender.sent)
            unsent += last - first - sender.sent - self._seen.count(0, first + sender.sent, last)
        return Tally(
            messages=self._messages,
            sent=sum(sender.sent for sender in self._senders),
            received=self._received,
            reported=self._reported,
            queued=self._queued,
            # Of the messages that were removed with their queue, only the number is known.
            lost=missing - self._queue.destroyed,
            twice=self._messages - self._seen.count(0) - self._seen.count(1),
            unsent=unsent,
            altered=self._altered,
            restarts=self._restarts,
            signals=self._signals,
            broken_pipes=self._broken_pipes,
            seconds=time.monotonic() - self._start,
        )

    def close(self) -> None:
        for sender in self._senders:
            sender.close()
        for receiver in self._receivers:
            receiver.close()

    def _runs(self) -> Iterator[_Run]:
        yield from (sender.run for sender in self._senders if sender.run)
        yield from (receiver.run for receiver in self._receivers)

    def _receiver(self) -> _Receiver:
        """Start a receiver with random options."""
        number = str(self._random.randrange(1, 2 + self._messages // 16))
        few = str(self._random.randrange(1, 16))  # for commands, which take much longer
        choices = (
            ("-F",),
            ("-F", "--json"),
            ("-F", "--with-type"),
            *self._queue.receivers,
            ("-n", number),
            ("-n", number, "-0"),
            ("-n", number, "--json"),
            ("-n", number, "--timeout", _BRIEF),
            ("-n", number, "--with-type", "--nowait"),
            ("-n", few, "--format", "text", "--exec", "cat"),
            ("-n", few, "--json", "--timeout", _BRIEF, "--exec", "cat"),
            ("-a",),
        )
        return _Receiver(self._queue, self._random.choice(choices))

    def _collect(self, *, replace: bool) -> None:
        """Read all pipes, and settle the ended processes."""
        time.sleep(_TICK)
        for receiver in [*self._receivers]:
            self._receive(receiver.read())
            if receiver.has_ended:
                self._settle_receiver(receiver, replace=replace)
        for sender in self._senders:
            if sender.run and sender.run.has_ended:
                self._settle_sender(sender, replace=replace)
        if time.monotonic() - self._latest > _PATIENCE:
            raise TimeoutError(f"no progress: {self.tally()}")

    def _settle_receiver(self, receiver: _Receiver, *, replace: bool) -> None:
        self._latest = time.monotonic()
        numbers = receiver.settle(removed=self._removed)
        self._altered += sum(1 for pair in receiver.typed if not self._is_sent_so(*pair))
        self._reported += len(numbers)
        self._count(numbers)
        self._receivers.remove(receiver)
        if replace:
            self._receivers.append(self._receiver())
            self._restarts += 1

    def _settle_sender(self, sender: _Sender, *, replace: bool) -> None:
        self._latest = time.monotonic()
        sender.settle(removed=self._removed)
        if replace and not sender.is_done:
            sender.start()
            self._restarts += 1

    def _await_ends(self) -> None:
        while any(True for _ in self._runs()):
            self._collect(replace=False)

    def _strike(self) -> None:
        """End another process, every third one by a broken pipe."""
        runs = [run for run in self._runs() if not run.struck]
        receivers = [receiver for receiver in self._receivers if not receiver.run.struck]
        if receivers and 2 * self._broken_pipes <= self._signals:
            self._receive(self._random.choice(receivers).break_pipe())
            self._broken_pipes += 1
        elif runs:
            number = self._random.choice((signal.SIGINT, signal.SIGTERM))
            self._random.choice(runs).strike(number)
            self._signals += 1

    def _receive(self, numbers: list[int]) -> None:
        if numbers:
            self._received += len(numbers)
            self._latest = time.monotonic()
            self._count(numbers)

    def _count_left(self) -> None:
        """Count the messages on the queue after the end of all processes."""
        left = [(type_, int(body[1:])) for type_, body in self._queue.left()]
        self._queued = len(left) + self._queue.destroyed
        self._altered += sum(1 for pair in left if not self._is_sent_so(*pair))
        self._count(number for _, number in left)

    def _is_sent_so(self, type_: int, number: int) -> bool:
        """Return True if the sender of a number sends this type."""
        return number in self._senders[type_ - 1].numbers

    def _count(self, numbers: Iterable[int]) -> None:
        seen = self._seen
        for number in numbers:
            seen[number] += 1


def conserve(
    family: str, *, senders: int, receivers: int, messages: int, seed: int, removed: bool
) -> Tally:
    """Send messages through a new queue, and count them.

    Args:
        family: "System V" or "POSIX".
        senders: the number of concurrent senders.
        receivers: the number of concurrent receivers.
        messages: the number of messages to send.
        seed: the seed of the random events; the speed of the processes varies all the same.
        removed: True to remove the queue once half of the messages are received.

    Raises:
        AssertionError: a process ended with a wrong status, or wrote a wrong message.
        TimeoutError: there is no progress.
    """
    queue = _QUEUES[family](senders)
    trial = _Trial(
        queue,
        senders=senders,
        receivers=receivers,
        messages=messages,
        seed=seed,
    )
    try:
        if removed:
            trial.work(messages // 2)
            trial.remove()
        else:
            trial.work(messages)
            trial.end()
        return trial.tally()
    finally:
        trial.close()
        queue.close()


def main() -> None:
    """Print the tallies of both forms."""
    parser = argparse.ArgumentParser(
        description="Check that pyipcs neither loses nor doubles messages."
    )
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    entered = isolation.enter()
    if not entered.namespace:
        sys.exit(f"the trial needs its own IPC namespace: {entered.why}")
    print(f"8 senders, 8 receivers, {options.messages:,} messages, seed {options.seed}", flush=True)
    tallies = [
        conserve(
            family,
            senders=8,
            receivers=8,
            messages=options.messages,
            seed=options.seed,
            removed=removed,
        )
        for family in _QUEUES
        for removed in (False, True)
    ]
    print(f"{'':14}{'System V kept':>16}{'removed':>16}{'POSIX kept':>16}{'removed':>16}")
    for name, *values in zip(Tally._fields, *tallies, strict=True):
        texts = [f"{value:,}" if isinstance(value, int) else f"{value:.1f}" for value in values]
        print(f"{name.replace('_', ' '):14}" + "".join(f"{text:>16}" for text in texts))
    if not all(tally.is_conserved for tally in tallies):
        sys.exit("not conserved")


if __name__ == "__main__":
    main()
