"""Waits that a signal, timeout or closed reader ends without data loss.

msgsnd(2) and msgrcv(2) have no timeout, and a signal that arrives right before such a call does not
interrupt it. Therefore handlers only record signals, and Python writes their numbers into a pipe
(signal.set_wakeup_fd). The first wait starts a thread, which polls the pipe, the reader and the
clock. When one of them ends the wait, the thread sends SIGURG to the main thread until the main
thread acknowledges the reason: a single SIGURG, too, may arrive right before the call.

    main thread   event                           next state
    OUTSIDE       __enter__                       IDLE: handlers and pipe are installed
    IDLE          wait(call)                      CHECKING: the deadline is set
    CHECKING      a signal or a closed reader     IDLE: acknowledge, raise StoppedError
                  the deadline has passed         IDLE: raise ExpiredError
                  none of them                    BLOCKED: make the call
    BLOCKED       EINTR                           CHECKING: the call had no effect
                  the call succeeds               IDLE: return its result
    IDLE          __exit__                        OUTSIDE: acknowledge, join the thread, restore the
                                                  handlers; raise StoppedError after a signal

    thread        event                           next state
    POLLING       a byte in the pipe              POLLING: record signals, read the deadline again
                  a signal or a closed reader     INTERRUPTING
                  the deadline has passed         INTERRUPTING
    INTERRUPTING  every 5 to 100 ms               INTERRUPTING: send SIGURG
                  the deadline is removed         POLLING
    any           acknowledged                    ENDED

The main thread reads the reason in `stopped` and `_deadline`, and acknowledges it by
`_acknowledged`.
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

_STDERR = 2
_DAY = 24 * 60 * 60.0

_WAKE_SIGNAL = signal.SIGURG  # interrupts the blocked call; its default action is to ignore it
_INTERVAL, _INTERVAL_MAX = 0.005, 0.1  # seconds between two wake signals: the first, the longest
_T = TypeVar("_T")


def end_by(number: int) -> None:
    """End the program by the signal of a StoppedError."""
    os.kill(os.getpid(), number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})


class InterruptibleWait:
    """A context that raises StoppedError after a terminating signal.

    The next check or wait raises the error, or else the end of the context does. From then on
    signals are blocked: the caller has to report the interruption at once, and to end the program
    by the signal (`end_by`).

    Attributes:
        stopped: the first terminating signal, or 0.
        on_later_signal: a function to call for each terminating signal after the first.
    """

    def __init__(
        self,
        *,
        timeout: float | None = None,
        reader: int | None = None,
        last: bool = False,
        has_report: bool = False,
    ) -> None:
        """Set the conditions that end a wait, in addition to signals.

        Args:
            timeout: the limit of one wait in seconds; None is no limit.
            reader: the write end of a pipe or socket; a wait ends when the reader closes its end.
            last: True if the program ends right after this context. Then a signal after a
                successful body has no effect, because the results are already visible.
            has_report: True if the caller reports the effects of a failed body right after this
                context. Then a signal after the failure has no effect, unless the report would
                have to wait for standard error.
        """
        self.stopped = 0
        self.on_later_signal: Callable[[int], None] | None = None
        self._timeout = timeout
        self._reader = reader
        self._last = last
        self._has_report = has_report
        self._deadline: float | None = None  # of the current wait
        self._polled_deadline = math.inf  # the timeout of the thread's current poll(2)
        self._has_handled_signal = False
        self._acknowledged = False  # the main thread has seen the reason
        self._main = threading.get_ident()
        self._thread: threading.Thread | None = None
        self._failure: OSError | None = None  # of the thread

    def __enter__(self) -> Self:
        if not gc.isenabled():  # __main__ disables it for commands that end soon
            gc.freeze()
            gc.enable()
        self._wakeup_read, self._wakeup_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._former_wakeup = signal.set_wakeup_fd(self._wakeup_write, warn_on_full_buffer=False)
        self._terminating = terminating_signals()
        self._former_handlers = {
            number: signal.signal(number, self._handle)
            for number in {*self._terminating, _WAKE_SIGNAL}
        }
        # With SIGPIPE ignored, a write(2) fails with EPIPE.
        self._former_handlers[signal.SIGPIPE] = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        self._mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, {_WAKE_SIGNAL})
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        self._acknowledged = True
        if self._thread:
            self._wake_thread()
            self._thread.join()
            self._thread = None
        # Blocked signals cannot arrive before the former handlers are restored.
        signal.pthread_sigmask(signal.SIG_BLOCK, self._terminating)
        signal.set_wakeup_fd(self._former_wakeup)
        for number, handler in self._former_handlers.items():
            signal.signal(number, handler)
        os.close(self._wakeup_read)
        os.close(self._wakeup_write)
        # A reader that closes after the last message has lost nothing. A signal takes precedence
        # over an error, because its sender expects the program to end by it.
        if self.stopped not in {0, signal.SIGPIPE} and not isinstance(error, StoppedError):
            raise StoppedError(self.stopped) from error
        if not self._ends_blocked(error):
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def _ends_blocked(self, error: BaseException | None) -> bool:
        """Return True if signals stay blocked after the context."""
        if error is None:
            return self._last
        if isinstance(error, StoppedError):
            return True
        with suppress(OSError):  # no memory for poll(2)
            return self._has_report and ready(_STDERR, select.POLLOUT, 0)
        return False

    def check(self) -> None:
        """Raise an error if the wait has to end.

        Raises:
            StoppedError: a signal arrived, or the reader has closed its end.
            ExpiredError: the timeout has expired.
            CommandError: the thread has failed.
        """
        if self.stopped:
            self._acknowledged = True
            raise StoppedError(self.stopped)
        if self._failure:
            self._acknowledged = True
            raise CommandError(f"waiting failed: {self._failure.strerror}")
        if self._has_expired():
            raise ExpiredError

    def wait(self, call: Callable[[], _T]) -> _T:
        """Make a waiting call (msgop(2)); repeat it after unrelated signals.

        Raises:
            StoppedError: a signal arrived, or the reader is closed; the call had no effect.
            ExpiredError: the timeout has expired; the call had no effect.
        """
        if self._timeout is not None:
            self._set_deadline(time.monotonic() + self._timeout)
        if not self._thread:
            self._thread = self._start_thread()
        try:
            while True:
                self.check()
                with suppress(InterruptError):
                    return call()
        finally:
            self._deadline = None

    def sleep(self, seconds: float, reader: int | None = None) -> bool:
        """Sleep, or return earlier after any handled signal or with input.

        Args:
            seconds: the duration.
            reader: a descriptor of input; None for none.

        Returns:
            True if there is input, and no signal arrived before it.

        Raises:
            StoppedError: a terminating signal arrived, or the reader of the output is closed.
        """
        self.check()
        poll = select.poll()
        for descriptor in (self._wakeup_read, reader):
            if descriptor is not None:
                poll.register(descriptor, select.POLLIN)
        if self._reader is not None:
            poll.register(self._reader, 0)  # poll(2) always reports POLLERR and POLLHUP
        # The timeout of poll(2) is an int of milliseconds.
        ready = {descriptor for descriptor, _ in poll.poll(min(max(seconds, 0), _DAY) * 1000)}
        # poll(2) reports input alone if a signal arrives while it returns.
        has_signal = self._read_wakeups()
        if self._reader in ready:
            self.note_closed_reader()
        self.check()
        return reader in ready and not has_signal

    def note_closed_reader(self) -> None:
        """Record that nobody reads the output; the next check raises StoppedError."""
        self.stopped = self.stopped or signal.SIGPIPE

    def poller(self, descriptor: int, event: int) -> Callable[[], int]:
        """Return a function that waits for a descriptor and returns its events.

        The function raises StoppedError. It does not use the timeout.
        """
        poll = select.poll()
        poll.register(self._wakeup_read, select.POLLIN)
        poll.register(descriptor, event)

        def wait() -> int:
            while True:
                if self.stopped:
                    self.check()
                for which, events in poll.poll():
                    if which == descriptor:
                        return events
                self._read_wakeups()

        return wait

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if number in self._terminating:
            # The thread may have set `stopped` already, even for the first signal.
            is_later, self._has_handled_signal = self._has_handled_signal, True
            if is_later and self.on_later_signal:
                self.on_later_signal(number)
        self._record(number)

    def _record(self, number: int) -> None:
        if number in self._terminating and not self.stopped:
            self.stopped = number

    def _read_wakeups(self) -> bool:
        """Record the signals that arrived; return True if there are any."""
        try:
            numbers = os.read(self._wakeup_read, 512)
        except BlockingIOError:
            return False
        for number in numbers:
            self._record(number)
        return bool(numbers)

    def _has_expired(self) -> bool:
        deadline = self._deadline
        return deadline is not None and time.monotonic() >= deadline

    def _set_deadline(self, deadline: float) -> None:
        self._deadline = deadline
        if self._polled_deadline > deadline:
            self._wake_thread()

    def _wake_thread(self) -> None:
        with suppress(BlockingIOError):  # a full pipe wakes the thread, too
            os.write(self._wakeup_write, b"\0")

    def _start_thread(self) -> threading.Thread:
        thread = threading.Thread(target=self._run_thread, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            raise CommandError(f"waiting needs a thread: {error}") from None
        return thread

    def _run_thread(self) -> None:
        """Poll pipe, reader and clock; interrupt the main thread to end the wait."""
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        poll = select.poll()
        poll.register(self._wakeup_read, select.POLLIN)
        if self._reader is not None:
            poll.register(self._reader, 0)  # poll(2) always reports POLLERR and POLLHUP
        interval = _INTERVAL
        while not self._acknowledged:
            if self.stopped or self._failure or self._has_expired():
                signal.pthread_kill(self._main, _WAKE_SIGNAL)
                time.sleep(interval)
                interval = min(interval * 1.5, _INTERVAL_MAX)
                continue
            interval = _INTERVAL
            try:
                self._record_events(poll.poll(self._poll_timeout()))
            except OSError as error:
                self._failure = error

    def _record_events(self, events: list[tuple[int, int]]) -> None:
        for descriptor, _ in events:
            if descriptor == self._reader:
                self.note_closed_reader()
            else:
                self._read_wakeups()

    def _poll_timeout(self) -> int | None:
        """Return the milliseconds until the deadline; set the polled deadline.

        The polled deadline is infinite while the deadline is read: any deadline that the main
        thread sets meanwhile then wakes this thread.
        """
        self._polled_deadline = math.inf
        deadline = self._deadline
        if deadline is None:
            return None
        self._polled_deadline = deadline
        return min(math.ceil(max(deadline - time.monotonic(), 0) * 1000), INT_MAX)
