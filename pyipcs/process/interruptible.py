"""Waiting that a signal, a timeout or a departed reader ends, with nothing lost.

msgsnd(2) and msgrcv(2) know no timeout, and a signal that comes just before the call does not end
it. So signals only leave a note, their numbers in a pipe (signal.set_wakeup_fd). Once a call has
to wait, a thread looks at that pipe, the reader and the clock, and when one of them is to end the
wait, it interrupts the waiting thread again and again until that has seen why.
"""

import gc
import math
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Self, TypeVar

from pyipcs.errors import CommandError, ExpiredError, InterruptError, StoppedError
from pyipcs.model import INT_MAX
from pyipcs.process.nonblocking import ready
from pyipcs.process.signals import terminating_signals

_DAY = 24 * 60 * 60.0

# What interrupts the waiting thread: a signal that nobody minds, for it is ignored by default.
_WAKE_SIGNAL = signal.SIGURG
_AGAIN, _AGAIN_MAX = 0.005, 0.1  # seconds between two of them, which grow
FINAL_MESSAGE_TIMEOUT = (
    1.0  # seconds that a signalled program may take to say what it leaves undone
)
_T = TypeVar("_T")


def end_by(number: int) -> None:
    """End the program by a signal of which a StoppedError told."""
    os.kill(os.getpid(), number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})


class InterruptibleWait:
    """Turns signals that end the program into StoppedError, raised only where it is looked for.

    It is raised at the latest on leaving. Whoever catches it says in a moment what there is to
    say, with signals blocked, and ends the program by that signal.

    Attributes:
        stopped: the first signal that is to end the program, or 0.
        relay: told of all that follow.
    """

    def __init__(
        self, *, timeout: float | None = None, reader: int | None = None, last: bool = False
    ) -> None:
        """What ends a wait besides signals.

        Args:
            timeout: the seconds that one wait may take.
            reader: a descriptor whose reader ends every wait by going away.
            last: whether nothing follows but the program's own end. A signal that comes then has
                come too late: what is done must not look as if it had not been.
        """
        self.stopped = 0
        self.on_later_signal: Callable[[int], None] | None = None
        self._timeout = timeout
        self._reader = reader
        self._last = last
        self._deadline: float | None = None  # of the wait that is going on
        self._alarm = math.inf  # when the thread will look at the deadline of its own accord
        self._signalled = False  # whether one of the signals was handled
        self._seen = False  # whether the waiting thread knows that it is to stop
        self._main = threading.get_ident()
        self._thread: threading.Thread | None = None
        self._failure: OSError | None = None  # of the thread

    def __enter__(self) -> Self:
        if not gc.isenabled():  # the program's entry point saw to that, for programs that end soon
            gc.freeze()
            gc.enable()
        self._notes, self._pen = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._former_pen = signal.set_wakeup_fd(self._pen, warn_on_full_buffer=False)
        self._terminating = terminating_signals()
        self._former = {
            number: signal.signal(number, self._handle)
            for number in {*self._terminating, _WAKE_SIGNAL}
        }
        # Ignored, so that a write(2) fails with EPIPE.
        self._former[signal.SIGPIPE] = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        self._mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, {_WAKE_SIGNAL})
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        self._seen = True
        if self._thread:
            self._nudge()
            self._thread.join()
            self._thread = None
        # Blocked, a signal falls to either handler, and not between the two.
        signal.pthread_sigmask(signal.SIG_BLOCK, self._terminating)
        signal.set_wakeup_fd(self._former_pen)
        for number, handler in self._former.items():
            signal.signal(number, handler)
        os.close(self._notes)
        os.close(self._pen)
        # A reader that has gone after the last message has missed nothing. A signal counts more
        # than an error: whoever sent it expects the program to end by it.
        if self.stopped not in {0, signal.SIGPIPE} and not isinstance(error, StoppedError):
            raise StoppedError(self.stopped) from error
        if not isinstance(error, StoppedError) and not (self._last and error is None):
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def check(self) -> None:
        """Raise what is to end the wait, if anything is.

        Raises:
            StoppedError: a signal came, or the reader has gone.
            ExpiredError: the wait's time is over.
        """
        if self.stopped:
            self._seen = True
            raise StoppedError(self.stopped)
        if self._failure:
            self._seen = True
            raise CommandError(f"waiting failed: {self._failure.strerror}")
        if self._expired():
            raise ExpiredError

    def wait(self, call: Callable[[], _T]) -> _T:
        """Make a call that waits (msgop(2)), again where a signal interrupts it for nothing.

        Raises:
            StoppedError: a signal came, or the reader has gone; the call did nothing.
            ExpiredError: the timeout ran out; the call did nothing.
        """
        if self._timeout is not None:
            self._set_deadline(time.monotonic() + self._timeout)
        if not self._thread:
            self._thread = self._started()
        try:
            while True:
                self.check()
                with suppress(InterruptError):
                    return call()
        finally:
            self._deadline = None

    def sleep(self, seconds: float) -> None:
        """Wait for a while, which any signal that is handled cuts short.

        Raises:
            StoppedError: a signal came that is to end the program.
        """
        self.check()
        ready(self._notes, select.POLLIN, min(seconds, _DAY))  # poll(2) takes no month
        self._read_notes()
        self.check()

    def poller(self, descriptor: int, event: int) -> Callable[[], int]:
        """What waits until a descriptor is ready, and returns the events of poll(2).

        It raises StoppedError. The timeout does not run meanwhile.
        """
        poll = select.poll()
        poll.register(self._notes, select.POLLIN)
        poll.register(descriptor, event)

        def wait() -> int:
            while True:
                if self.stopped:
                    self.check()
                for which, events in poll.poll():
                    if which == descriptor:
                        return events
                self._read_notes()

        return wait

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if number in self._terminating:
            # `stopped` does not tell the first: the thread may have noted it before.
            again, self._signalled = self._signalled, True
            if again and self.on_later_signal:
                self.on_later_signal(number)
        self._note(number)

    def _note(self, number: int) -> None:
        if number in self._terminating and not self.stopped:
            self.stopped = number

    def _started(self) -> threading.Thread:
        thread = threading.Thread(target=self._look_out, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            raise CommandError(f"waiting takes a thread: {error}") from None
        return thread

    def _read_notes(self) -> None:
        with suppress(BlockingIOError):
            for number in os.read(self._notes, 512):
                self._note(number)

    def _nudge(self) -> None:
        with suppress(BlockingIOError):  # there are notes enough to read
            os.write(self._pen, b"\0")

    def _expired(self) -> bool:
        deadline = self._deadline
        return deadline is not None and time.monotonic() >= deadline

    def _set_deadline(self, deadline: float) -> None:
        self._deadline = deadline
        if self._alarm > deadline:
            self._nudge()

    def _look_out(self) -> None:
        """The thread: sees to it that the waiting one learns what is to end its wait."""
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        poll = select.poll()
        poll.register(self._notes, select.POLLIN)
        if self._reader is not None:
            poll.register(self._reader, 0)  # that it has gone is told unasked
        pause = _AGAIN
        while not self._seen:
            if self.stopped or self._failure or self._expired():
                signal.pthread_kill(self._main, _WAKE_SIGNAL)
                time.sleep(pause)
                pause = min(pause * 1.5, _AGAIN_MAX)
                continue
            pause = _AGAIN
            try:
                self._look(poll.poll(self._patience()))
            except OSError as error:
                self._failure = error

    def _look(self, ready: list[tuple[int, int]]) -> None:
        for descriptor, _ in ready:
            if descriptor == self._reader:
                self.stopped = self.stopped or signal.SIGPIPE
            else:
                self._read_notes()

    def _patience(self) -> int | None:
        """The milliseconds to the deadline that is known.

        The alarm is off before the deadline is read: whoever sets a new one after that finds it
        off, and nudges. Otherwise the new deadline could be slept through.
        """
        self._alarm = math.inf
        deadline = self._deadline
        if deadline is None:
            return None
        self._alarm = deadline
        return min(math.ceil(max(deadline - time.monotonic(), 0) * 1000), INT_MAX)
