"""A child process in the foreground: its signals, stops and terminal.

The shell sees the child and this program as one job.
"""

import os
import signal
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias

from pyipcs.process.program import Program
from pyipcs.process.signals import FAULT_SIGNALS

# The signals that stop a job; _JOB has also SIGCONT, which continues it.
_STOPPING = {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
_JOB = {*_STOPPING, signal.SIGCONT}
# A stop signal that is always blocked and pending in this process. An arriving SIGCONT discards it,
# even if a later stop signal discards the SIGCONT (signal(7)): its absence shows that a SIGCONT has
# arrived. SIGTTOU is free for this purpose: users do not send it by hand, and a command that writes
# in the background gets a SIGTTOU of its own.
_NO_CONT_SINCE = signal.SIGTTOU
_WITNESS_TIMEOUT = 0.1  # seconds to wait for an answer before checking for a stopped witness
# The descriptors to close without /proc. RLIMIT_NOFILE is a billion in many containers: a loop over
# so many would take minutes.
_DESCRIPTORS_MAX = 1 << 16
_Modes: TypeAlias = list[tuple[int, list[Any]]]


class Termination(NamedTuple):
    """The termination of a command.

    Attributes:
        status: the exit status that a shell would report.
        signal: the signal that killed the command, or 0.
        was_forwarded: True if this program got the same signal.
    """

    status: int
    signal: int
    was_forwarded: bool


def supervise(program: Program) -> Termination:
    """Run a command and wait for its termination.

    The command stays in the process group of this process, because the shell gives the terminal to
    this group. Forward the signals that only this process gets. When the command stops, stop this
    process as well: then the shell sees a stopped job. Reap adopted processes.
    """
    # A fault signal concerns this process alone.
    watched = signal.valid_signals() - FAULT_SIGNALS
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    # While SIGCHLD is ignored, the kernel keeps no status (wait(2)).
    former = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    modes = _terminal_modes()
    witness: _Witness | None = None
    try:
        witness = _Witness()
        early = _take_pending(watched, witness)
        child = os.fork()
    except OSError:
        if witness:
            witness.end()
        signal.signal(signal.SIGCHLD, former)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        raise
    if child == 0:
        signal.signal(signal.SIGCHLD, former)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        # If it fails, the child prints the error and exits with the status of the error.
        program.become()
    try:
        ended = _Supervisor(child, watched, witness).run(early)
        if ended.signal:
            _restore(modes)
        return ended
    finally:
        witness.end()
        signal.sigtimedwait({_NO_CONT_SINCE}, 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


class _Witness:
    """A child that shows if a signal was sent to the whole process group.

    siginfo is the same for kill(2) to a process and to its group. The child is in the same group
    and blocks every signal: a signal that is pending in the child was sent to the group. The kernel
    signals the youngest members of a group first, so the child gets a signal before this process.
    """

    def __init__(self) -> None:
        self.pid = 0
        self._stopped = False
        requests, self._requests = os.pipe2(os.O_CLOEXEC)
        try:
            self._answers, answers = os.pipe2(os.O_CLOEXEC)
        except OSError:
            os.close(requests)
            os.close(self._requests)
            raise
        with suppress(OSError):  # without a child, `take` returns None
            self.pid = os.fork()
            if self.pid == 0:
                try:
                    _serve(requests, answers)
                finally:
                    os._exit(0)
        os.close(requests)
        os.close(answers)

    def take(self, number: int) -> bool | None:
        """Take a signal from the child; return True if the group got it.

        None means that the answer is unknown.
        """
        if not self.pid:
            return None
        woken = False
        try:
            os.write(self._requests, bytes([number]))
            while not self._has_answer():
                woken = self._wake() or woken
            answer = os.read(self._answers, 1)
        except BrokenPipeError:
            signal.sigtimedwait({signal.SIGPIPE}, 0)
            answer = b""
        if not answer:
            return None
        if not woken:
            return answer != b"\0"
        if number == signal.SIGCONT:
            return False  # `_wake` has sent it
        self.take(signal.SIGCONT)
        return answer != b"\0"

    def record(self, status: int) -> None:
        """Record a change of the child's state, as wait(2) reports it."""
        if os.WIFSTOPPED(status) or os.WIFCONTINUED(status):
            self._stopped = os.WIFSTOPPED(status)
        else:
            self.pid = 0

    def end(self) -> None:
        """Kill the child."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
            self.pid = 0
        os.close(self._requests)
        os.close(self._answers)

    def _has_answer(self) -> bool:
        import select

        from pyipcs.process.nonblocking import ready

        return ready(self._answers, select.POLLIN, _WITNESS_TIMEOUT)

    def _wake(self) -> bool:
        """Continue the child if a SIGSTOP to the group has stopped it."""
        if os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOHANG):
            self._stopped = True
        stopped, self._stopped = self._stopped, False
        if stopped:
            os.kill(self.pid, signal.SIGCONT)
        return stopped


def _serve(requests: int, answers: int) -> None:
    """Read the numbers of signals; answer 1 for each that was pending, else 0."""
    signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
    _close_all_but(requests, answers)  # or the reader of an inherited pipe would never see its end
    while request := os.read(requests, 1):
        os.write(answers, bytes([_take(request[0])]))


def _close_all_but(*kept: int) -> None:
    """Close all other descriptors, also those above a lowered RLIMIT_NOFILE."""
    numbers: Iterable[int]
    try:
        numbers = [*map(int, os.listdir("/proc/self/fd"))]
    except OSError:
        numbers = range(_DESCRIPTORS_MAX)
    for number in {*numbers}.difference(kept):
        with suppress(OSError):
            os.close(number)


def _take(number: int) -> bool:
    """Take a pending signal; return True if this process got it.

    A stop signal counts as received if SIGCONT is pending: SIGCONT discards earlier stop signals.
    """
    taken = signal.sigtimedwait({number}, 0) is not None
    return taken or (number in _STOPPING and signal.SIGCONT in signal.sigpending())


def _take_pending(watched: Collection[int], witness: _Witness) -> list[int]:
    """Take the signals that arrived before the start of the command."""
    early: list[int] = []
    while found := signal.sigtimedwait(watched, 0):
        if found.si_signo != signal.SIGCHLD:
            early.append(found.si_signo)
            witness.take(found.si_signo)
    return early


class _Supervisor:
    """The loop that forwards signals and stops when the command stops."""

    def __init__(self, child: int, watched: Collection[int], witness: _Witness) -> None:
        self._child = child
        self._watched = {*watched} - {_NO_CONT_SINCE}
        self._witness = witness
        self._forwarded: set[int] = set()
        self._stopped = 0  # the signal that has stopped the command
        self._is_stopping = False  # True if the command got a stop signal and still runs
        self._status: int | None = None
        self._terminals: list[int] = []  # with a process group of the command in the foreground

    def run(self, early: Iterable[int]) -> Termination:
        """Wait for the termination of the command.

        Args:
            early: signals to forward at once.
        """
        for number in early:
            self._forwarded |= {number} - _JOB
            self._send(number)
        self._expect_cont()
        while self._status is None:
            found = signal.sigwaitinfo(self._watched)
            if found.si_signo == signal.SIGCONT:
                self._continue()
            elif found.si_signo != signal.SIGCHLD:
                self._forward(found.si_signo, by_kernel=found.si_code > 0)
            if self._reap():
                self._stop()
        # Late signals concern the command. They must not end this process before its report.
        while late := signal.sigtimedwait(self._watched, 0):
            self._forwarded |= {late.si_signo} - _JOB - {signal.SIGCHLD}
        code = os.waitstatus_to_exitcode(self._status)
        status = code if code >= 0 else 128 - code
        return Termination(status, max(-code, 0), -code in self._forwarded)

    def _forward(self, number: int, *, by_kernel: bool) -> None:
        self._forwarded |= {number} - _JOB
        if not self._has_reached(number, by_kernel=by_kernel):
            self._is_stopping |= number in _STOPPING
            self._send(number)

    def _has_reached(self, number: int, *, by_kernel: bool) -> bool:
        """Return True if the sender has signaled the command directly."""
        is_for_group = self._witness.take(number)
        if is_for_group is None:  # most signals of the kernel go to the foreground group
            is_for_group = by_kernel
        # Two equal signals to the group may have merged in the witness, but not in this process.
        merges = number < signal.SIGRTMIN and number != signal.SIGCONT
        while is_for_group and merges and signal.sigtimedwait({number}, 0):
            self._witness.take(number)
        return is_for_group and os.getpgid(self._child) == os.getpgrp()

    def _send(self, number: int) -> None:
        with suppress(PermissionError):  # the command has become another user
            os.kill(self._child, number)

    def _reap(self) -> bool:
        """Record all results of wait(2); return True if the command has stopped."""
        stopped = False
        options = os.WNOHANG | os.WUNTRACED | os.WCONTINUED
        while self._status is None:
            pid, status = os.waitpid(-1, options)
            if pid == 0:
                break
            if pid == self._witness.pid:
                self._witness.record(status)
            elif pid == self._child:
                stopped = os.WIFSTOPPED(status)
                if stopped or os.WIFCONTINUED(status):
                    self._stopped = os.WSTOPSIG(status) if stopped else 0
                    self._is_stopping = False
                else:
                    self._status = status
        return stopped

    def _stop(self) -> None:
        """Stop like the command, unless a SIGCONT has arrived since.

        The stop signal is sent while it is blocked: a later SIGCONT discards it. An earlier SIGCONT
        has reached the command, or has discarded the pending `_NO_CONT_SINCE`. In an orphaned
        process group the kernel does not stop this process, and no shell waits for a stop.
        """
        group = os.getpgid(self._child)
        self._terminals = [one for one in range(3) if _foreground(one) == group != os.getpgrp()]
        number = signal.SIGTTIN if self._stopped == signal.SIGTTIN else signal.SIGTSTP
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        self._reap()
        is_continued = _NO_CONT_SINCE not in signal.sigpending()
        if self._stopped and self._status is None and not is_continued:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})  # this process stops here
            signal.pthread_sigmask(signal.SIG_BLOCK, {number})
        signal.sigtimedwait({number}, 0)
        if is_continued and self._status is None:
            self._continue()

    def _continue(self) -> None:
        """Continue the command, unless SIGCONT has reached it directly.

        If a process group of the command had the terminal, as with a shell, give it back.
        """
        self._expect_cont()
        reached = self._has_reached(signal.SIGCONT, by_kernel=False)
        # SIGCONT has discarded stop signals to the group in this process, but not in the witness.
        for number in _STOPPING - signal.sigpending():
            self._witness.take(number)
        self._reap()
        if self._status is not None or (reached and not self._stopped and not self._is_stopping):
            return
        self._is_stopping = False
        for terminal in self._terminals:
            with suppress(OSError):  # the terminal is gone
                os.tcsetpgrp(terminal, os.getpgid(self._child))
        self._send(signal.SIGCONT)

    def _expect_cont(self) -> None:
        """Make `_NO_CONT_SINCE` pending, and discard a pending SIGCONT."""
        signal.sigtimedwait({signal.SIGCONT}, 0)
        os.kill(os.getpid(), _NO_CONT_SINCE)


def _foreground(terminal: int) -> int:
    """Return the foreground process group of a terminal of this session, or 0."""
    with suppress(OSError):
        return os.tcgetpgrp(terminal)
    return 0


def _terminal_modes() -> _Modes:
    """Return the terminals of the standard streams, or /dev/tty, with modes."""
    terminals = [one for one in range(3) if os.isatty(one)]
    if not terminals:
        with suppress(OSError):  # there is no controlling terminal
            terminals = [os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)]
    if not terminals:
        return []
    import termios

    modes: _Modes = []
    for terminal in terminals:
        with suppress(termios.error):
            modes.append((terminal, termios.tcgetattr(terminal)))
    return modes


def _restore(modes: _Modes) -> None:
    """Restore the modes of terminals without another job in the foreground.

    SIGTTOU is blocked, so a background process may do this, too.
    """
    if not modes:
        return
    import termios

    for terminal, before in modes:
        with suppress(OSError, termios.error):  # the terminal is gone
            if not _has_other_job(terminal) and termios.tcgetattr(terminal) != before:
                termios.tcsetattr(terminal, termios.TCSANOW, before)


def _has_other_job(terminal: int) -> bool:
    """Return True if another existing process group is in the foreground."""
    group = _foreground(terminal)
    if group in {0, os.getpgrp()}:
        return False
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
