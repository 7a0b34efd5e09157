"""Conservation at scale: through signals, broken pipes and a removal, none lost, none twice.

python -m tests.trials.conservation [--messages N] [--seed N]

Senders put numbered lines on one queue, receivers take them. At random moments a signal ends one
of them, or a receiver's reader goes away; another one takes its place, and a sender goes on where
the former said that it had stopped. In the second form the queue is removed in the middle.
"""

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from tempfile import TemporaryFile
from typing import NamedTuple

from pyipcs.errors import Status
from pyipcs.model import Kind
from tests.kit import isolation
from tests.kit.kernel import Objects, receive_all, row
from tests.kit.program import fork, forked

_KEY = 0x5EED
_BODY = b"#%09d"
_WIDTH = len(_BODY % 0) + 1  # of a line, so that a sender's input can be entered anywhere
_NUMBER = re.compile(rb"#(\d{9})")
_ACCOUNT = re.compile(rb"; (?:nothing|(\d+) messages?) w(?:as|ere) sent\n")
_BLOCK = 1 << 16
_TICK = 0.01  # seconds in which the pipes fill, so that reading them costs little
_PATIENCE = 60  # seconds without a message or an end, after which nothing will come any more
_STRIKES = 16  # for each process that runs at a time; spread over the messages,
_APART = 800  # and so many of these apart, at the least, on the average


class Tally(NamedTuple):
    """What each side said, and how that adds up.

    Attributes:
        messages: those that there were to send.
        sent: by what the senders said.
        received: on the receivers' standard output.
        told: on their standard error, for they could not be put back.
        left: on the queue in the end, or when it was removed.
        lost: sent, and in none of these places.
        twice: in two of these places, or twice in one.
        unsent: in one of these places, but not sent by what the senders said.
        restarts: processes that took an ended one's place.
        signals: processes that were sent SIGINT or SIGTERM.
        broken_pipes: receivers whose reader went away.
        seconds: how long it took.
    """

    messages: int
    sent: int
    received: int
    told: int
    left: int
    lost: int
    twice: int
    unsent: int
    restarts: int
    signals: int
    broken_pipes: int
    seconds: float

    @property
    def conserved(self) -> bool:
        """Whether every message that was sent is in one place, and no other is."""
        return self.lost == self.twice == self.unsent == 0


class _Run:
    """One process of pyipcs."""

    def __init__(self, *args: str, stdin: int, stdout: int, endless: bool = False) -> None:
        self.struck = 0  # the signal that is to end it
        self._args = args
        self._endless = endless
        self._errors = TemporaryFile()  # noqa: SIM115 - it stays open until the process has ended
        latch, write = os.pipe()
        self._pid = fork(*args, stdin=stdin, stdout=stdout, stderr=self._errors.fileno())
        os.close(write)
        os.read(latch, 1)  # until it has closed what is not its own, such as others' pipes
        os.close(latch)
        self._status: int | None = None

    @property
    def ended(self) -> bool:
        if self._status is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status is not None

    def strike(self, number: int) -> None:
        """Send the signal that is to end it."""
        self.struck = number
        os.kill(self._pid, number)

    def halt(self) -> None:
        """Stop it, and wait until it stands still, if it has not ended."""
        os.kill(self._pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self._pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        os.kill(self._pid, signal.SIGCONT)

    def last_words(self, *, removed: bool) -> bytes:
        """What an ended one left on standard error.

        Raises:
            AssertionError: it did not end as it should, by what was done to it or to its queue.
        """
        self._errors.seek(0)
        words = self._errors.read()
        self._errors.close()
        status = self._status
        expected = (
            (self.struck and status == -self.struck)
            or (not self._endless and status == Status.DONE)
            or (removed and status == Status.FAILED and words.startswith(b"pyipcs: "))
        )
        assert expected, f"{self._args} ended with {status} after signal {self.struck}: {words!r}"
        return words

    def kill(self) -> None:
        if not self.ended:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        self._errors.close()


class _Sender:
    """Sends a range of numbers, by one process after the other."""

    def __init__(self, numbers: range, type_: int, *, piped: bool) -> None:
        self.numbers = numbers
        self.sent = 0
        self.run: _Run | None = None
        self._args = ("send", hex(_KEY), "-l", "-t", str(type_))
        self._piped = piped
        self._feeder: subprocess.Popen[bytes] | None = None
        self._lines = TemporaryFile()  # noqa: SIM115 - `close` closes it
        self._lines.write(b"".join((_BODY + b"\n") % number for number in numbers))
        self._lines.flush()

    @property
    def done(self) -> bool:
        return self.sent == len(self.numbers)

    def start(self) -> None:
        """Send what has not been sent."""
        self._source = self._lines.fileno()
        os.lseek(self._source, self.sent * _WIDTH, os.SEEK_SET)
        if self._piped:
            self._source, write = os.pipe()
            self._feeder = subprocess.Popen(["cat"], stdin=self._lines, stdout=write)
            os.close(write)
        self.run = _Run(*self._args, stdin=self._source, stdout=1)

    def settle(self, *, removed: bool) -> None:
        """Believe what the ended process said."""
        assert self.run
        words = self.run.last_words(removed=removed)
        self.run = None
        self.sent += self._account(words)
        self._end_feeder()

    def close(self) -> None:
        if self.run:
            self.run.kill()
            self._end_feeder()
        self._lines.close()

    def _account(self, words: bytes) -> int:
        if said := _ACCOUNT.search(words):
            return int(said[1] or 0)
        # It was silent: it was not at work yet, or had done all. Its input tells which.
        return 0 if os.read(self._source, 1) else len(self.numbers) - self.sent

    def _end_feeder(self) -> None:
        if self._feeder:
            os.close(self._source)
            self._feeder.wait()
            self._feeder = None


class _Receiver:
    """One process that receives, and the pipe that its messages come through."""

    def __init__(self, args: tuple[str, ...]) -> None:
        self._end = b"\0" if "-0" in args else b"\n"
        self._part = b""  # of a message
        self._pipe, write = os.pipe()
        os.set_blocking(self._pipe, False)
        self._open = True
        self.run = _Run(
            *("recv", hex(_KEY), *args),
            stdin=0,
            stdout=write,
            endless="-F" in args,
        )
        os.close(write)

    @property
    def ended(self) -> bool:
        """Whether nothing more can come of it."""
        return not self._open and self.run.ended

    def read(self) -> list[int]:
        """The numbers that have come since."""
        data = self._part
        with suppress(BlockingIOError):
            while self._open:
                block = os.read(self._pipe, _BLOCK)
                data += block
                if not block:
                    self._close_pipe()
        whole, end, self._part = data.rpartition(self._end)
        numbers = _numbers(whole)
        assert len(numbers) == (whole + end).count(self._end), "a message is not as it was sent"
        return numbers

    def break_pipe(self) -> list[int]:
        """Let the reader go away; the numbers that the pipe still held.

        Those would be gone with the pipe, so it is emptied while nobody can write into it.
        """
        self.run.halt()
        numbers = self.read()
        self._close_pipe()
        self.run.struck = signal.SIGPIPE
        self.run.resume()
        return numbers

    def settle(self, *, removed: bool) -> list[int]:
        """The numbers of the messages that could not be put back."""
        assert not self._part, f"a message in part: {self._part!r}"
        return _numbers(self.run.last_words(removed=removed))

    def close(self) -> None:
        self.run.kill()
        self._close_pipe()

    def _close_pipe(self) -> None:
        if self._open:
            os.close(self._pipe)
            self._open = False


def _numbers(text: bytes) -> list[int]:
    return [int(number) for number in _NUMBER.findall(text)]


class _Trial:
    """The senders and receivers of a queue, and the count of what comes out of it."""

    def __init__(self, msqid: int, *, senders: int, receivers: int, messages: int, seed: int):
        self._msqid = msqid
        self._random = random.Random(seed)
        self._messages = messages
        bounds = [messages * number // senders for number in range(senders + 1)]
        self._senders = [
            _Sender(range(bounds[number], bounds[number + 1]), number + 1, piped=number % 2 == 1)
            for number in range(senders)
        ]
        self._receivers = [self._receiver() for _ in range(receivers)]
        for sender in self._senders:
            sender.start()
        strikes = min(_STRIKES * (senders + receivers), messages // _APART)
        self._moments = sorted(self._random.sample(range(messages), strikes), reverse=True)
        self._seen = bytearray(messages)  # how often each number was
        self._received = self._to_command_error = self._left = 0
        self._removed = False
        self._restarts = self._signals = self._broken_pipes = 0
        self._start = self._latest = time.monotonic()

    def work(self, received: int) -> None:
        """Let messages flow until so many are received, or all are sent.

        A pipe breaks and a signal comes in each trial, however fast the messages flow.
        """
        for _ in range(2):
            self._strike()
        while self._received < received and not all(sender.done for sender in self._senders):
            self._look(replace=True)
            if self._moments and self._received >= self._moments[-1]:
                self._moments.pop()
                self._strike()

    def end(self) -> None:
        """Stop the receivers, and look what they left on the queue."""
        for receiver in self._receivers:
            if not receiver.run.struck:
                receiver.run.strike(signal.SIGTERM)
        self._await_ends()
        left = [number for _, body in receive_all(self._msqid) for number in _numbers(body)]
        self._left = len(left)
        self._count(left)

    def remove(self) -> None:
        """Remove the queue from under all of them, some of which have just been struck."""
        for _ in range(len(self._receivers)):
            self._strike()
        runs = [*self._runs()]
        for run in runs:
            run.halt()
        self._left = int(row(Kind.QUEUE, self._msqid)["qnum"])
        result = forked("rm", "-q", str(self._msqid))
        assert result.status == Status.DONE, result.err
        self._removed = True
        for run in runs:
            run.resume()
        self._await_ends()

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
            told=self._to_command_error,
            left=self._left,
            # What was removed with its queue is known by its number alone.
            lost=missing - self._left if self._removed else missing,
            twice=self._messages - self._seen.count(0) - self._seen.count(1),
            unsent=unsent,
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
        """A receiver of a random kind."""
        some = str(self._random.randrange(1, 2 + self._messages // 16))
        ways = (
            ("-F",),
            ("-F", "--json"),
            ("-F", "--with-type"),
            ("-F", "-t", str(-len(self._senders))),  # the lowest type first
            ("-F", "--max-size", str(_WIDTH), "--truncate"),  # past sysv_ipc
            ("-n", some),
            ("-n", some, "-0"),
            ("-n", some, "--json"),
            ("-a",),
        )
        return _Receiver(self._random.choice(ways))

    def _look(self, *, replace: bool) -> None:
        """Read what has come, and see who has ended."""
        time.sleep(_TICK)
        for receiver in [*self._receivers]:
            self._receive(receiver.read())
            if receiver.ended:
                self._settle_receiver(receiver, replace=replace)
        for sender in self._senders:
            if sender.run and sender.run.ended:
                self._settle_sender(sender, replace=replace)
        if time.monotonic() - self._latest > _PATIENCE:
            raise TimeoutError(f"all stand still: {self.tally()}")

    def _settle_receiver(self, receiver: _Receiver, *, replace: bool) -> None:
        self._latest = time.monotonic()
        told = receiver.settle(removed=self._removed)
        self._to_command_error += len(told)
        self._count(told)
        self._receivers.remove(receiver)
        if replace:
            self._receivers.append(self._receiver())
            self._restarts += 1

    def _settle_sender(self, sender: _Sender, *, replace: bool) -> None:
        self._latest = time.monotonic()
        sender.settle(removed=self._removed)
        if replace and not sender.done:
            sender.start()
            self._restarts += 1

    def _await_ends(self) -> None:
        while any(True for _ in self._runs()):
            self._look(replace=False)

    def _strike(self) -> None:
        """End a process that was not struck yet: every third by a broken pipe."""
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

    def _count(self, numbers: Iterable[int]) -> None:
        seen = self._seen
        for number in numbers:
            seen[number] += 1


def conserve(*, senders: int, receivers: int, messages: int, seed: int, removed: bool) -> Tally:
    """Send messages through a queue of its own, and count them.

    Args:
        senders: how many send at a time.
        receivers: how many receive at a time.
        messages: how many there are to send.
        seed: of what happens at random, as far as the processes' own pace allows.
        removed: whether the queue is removed once half of them are received.

    Raises:
        AssertionError: a process ended otherwise than it should, or wrote what was not sent.
        TimeoutError: nothing goes on.
    """
    objects = Objects()
    trial = _Trial(
        objects.queue(_KEY, 0o600),
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
        objects.remove_all()


def main() -> None:
    """Print what both forms add up to."""
    parser = argparse.ArgumentParser(description="Whether pyipcs loses messages, or doubles them.")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    entered = isolation.enter()
    if not entered.namespace:
        sys.exit(f"the trial needs an IPC namespace of its own: {entered.why}")
    print(f"8 senders, 8 receivers, {options.messages:,} messages, seed {options.seed}", flush=True)
    kept, removed = (
        conserve(
            senders=8,
            receivers=8,
            messages=options.messages,
            seed=options.seed,
            removed=removed,
        )
        for removed in (False, True)
    )
    print(f"{'':14}{'queue kept':>14}{'queue removed':>16}")
    for name, *values in zip(Tally._fields, kept, removed, strict=True):
        texts = [f"{value:,}" if isinstance(value, int) else f"{value:.1f}" for value in values]
        print(f"{name.replace('_', ' '):14}{texts[0]:>14}{texts[1]:>16}")
    if not (kept.conserved and removed.conserved):
        sys.exit("not conserved")


if __name__ == "__main__":
    main()
