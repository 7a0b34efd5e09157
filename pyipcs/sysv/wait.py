"""Waiting that a signal, a timeout or a departed reader ends, with nothing lost.

msgsnd(2) and msgrcv(2) know no timeout, and a signal that comes just before the call does not end
it. So signals only leave a note, their numbers in a pipe (signal.set_wakeup_fd). Once a call has
to wait, a thread looks at that pipe, the reader and the clock, and when one of them is to end the
wait, it interrupts the waiting thread again and again until that has seen why.
"""

import errno
import math
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Self, TypeVar

from pyipcs.errors import ExpiredError, InterruptError, StoppedError

# What interrupts the waiting thread: a signal that nobody minds, for it is ignored by default.
_POKE = signal.SIGURG
_AGAIN = 0.005  # seconds between two of them
# Signals that do not end a program, that cannot be caught, or that tell of a fault of its own,
# and the one in the place of which a write fails.
_NOT_DEADLY = {
    signal.SIGPIPE,
    *(signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH),
    *(signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGKILL),
    *(signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS),
}
_INT_MAX = 2**31 - 1
# What preadv2(2) and pwritev2(2) say where a kind of file, or the kernel, has no RWF_NOWAIT.
NO_NOWAIT = {errno.EOPNOTSUPP, errno.ENOSYS, errno.ESPIPE, errno.EINVAL}
_T = TypeVar("_T")


class Watch:
    """Turns signals that end the program into StoppedError, raised only where it is looked for.

    It is raised at the latest on leaving; whoever catches it ends the program by that signal.

    Attributes:
        stopped: the first signal that is to end the program, or 0.
        relay: told of all that follow.
    """

    def __init__(self, *, timeout: float | None = None, reader: int | None = None) -> None:
        """What ends a wait besides signals.

        Args:
            timeout: the seconds that one wait may take.
            reader: a descriptor whose reader ends every wait by going away.
        """
        self.stopped = 0
        self.relay: Callable[[int], None] | None = None
        self._timeout = timeout
        self._reader = reader
        self._deadline: float | None = None  # of the wait that is going on
        self._alarm = math.inf  # when the thread will look at the deadline of its own accord
        self._seen = False  # whether the waiting thread knows that it is to stop
        self._main = threading.get_ident()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._notes, self._pen = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._former_pen = signal.set_wakeup_fd(self._pen, warn_on_full_buffer=False)
        # What is ignored, as by nohup(1), stays ignored.
        self._deadly = {
            number
            for number in signal.valid_signals() - _NOT_DEADLY
            if signal.getsignal(number) is signal.SIG_DFL
        }
        self._former = {
            number: signal.signal(number, self._handle) for number in {*self._deadly, _POKE}
        }
        self._former[signal.SIGPIPE] = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        self._mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, {_POKE})
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._seen = True
        if self._thread:
            self._nudge()
            self._thread.join()
            self._thread = None
        signal.set_wakeup_fd(self._former_pen)
        for number, handler in self._former.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        os.close(self._notes)
        os.close(self._pen)
        # A reader that has gone after the last message has missed nothing.
        if error is None and self.stopped not in {0, signal.SIGPIPE}:
            raise StoppedError(self.stopped)

    def check(self) -> None:
        """Raise what is to end the wait, if anything is.

        Raises:
            StoppedError: a signal came, or the reader has gone.
            ExpiredError: the wait's time is over.
        """
        if self.stopped:
            self._seen = True
            raise StoppedError(self.stopped)
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

    def poller(self, descriptor: int, event: int) -> Callable[[], int]:
        """What waits until a descriptor is ready, and returns the events of poll(2).

        It raises StoppedError. Waiting for it takes none of a wait's time.
        """
        poll = select.poll()
        poll.register(self._notes, select.POLLIN)
        poll.register(descriptor, event)

        def wait() -> int:
            while True:
                if self.stopped:
                    self.check()
                for ready, events in poll.poll():
                    if ready == descriptor:
                        return events
                self._read_notes()

        return wait

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.stopped and self.relay and number in self._deadly:
            self.relay(number)
        self._note(number)

    def _note(self, number: int) -> None:
        if number in self._deadly and not self.stopped:
            self.stopped = number

    def _started(self) -> threading.Thread:
        thread = threading.Thread(target=self._look_out, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            raise OSError(errno.EAGAIN, f"waiting takes a thread: {error}") from None
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
        while not self._seen:
            if self.stopped or self._expired():
                signal.pthread_kill(self._main, _POKE)
                time.sleep(_AGAIN)
                continue
            for descriptor, _ in poll.poll(self._patience()):
                if descriptor == self._reader:
                    self.stopped = self.stopped or signal.SIGPIPE
                else:
                    self._read_notes()

    def _patience(self) -> int | None:
        """The milliseconds to the deadline that is known.

        The alarm is off while the deadline is read, so that whoever sets a new one nudges.
        """
        self._alarm = math.inf
        deadline = self._deadline
        if deadline is None:
            return None
        self._alarm = deadline
        return min(math.ceil(max(deadline - time.monotonic(), 0) * 1000), _INT_MAX)
