"""A child process in the foreground: its signals, stops, and terminal.

To the shell, the child and this program look like one job.
"""

import os
import signal
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias

from pyipcs.process.program import Program
from pyipcs.process.signals import FAULT_SIGNALS

# The signals that stop a job; _JOB has the one that continues it, too.
_STOPPING = {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
_JOB = {*_STOPPING, signal.SIGCONT}
# A blocked stop signal that this process always has pending: the kernel discards it when a SIGCONT
# arrives, even if a later stop signal discards that SIGCONT (signal(7)). So none is missed.
# Users do not send SIGTTOU by hand, and a background command that writes gets its own.
_NO_CONT_SINCE = signal.SIGTTOU
_WITNESS_TIMEOUT = 0.1  # seconds for an answer, until the witness is checked for a stop
_Modes: TypeAlias = list[tuple[int, list[Any]]]


class Ended(NamedTuple):
    """The end of a command.

    Attributes:
        status: the exit status that a shell would see.
        signal: the signal that killed it, or 0.
        was_forwarded: true if this program got that signal too.
    """

    status: int
    signal: int
    was_forwarded: bool


def supervise(program: Program) -> Ended:
    """Run a program to its end.

    It stays in the process group of this program, so that it has the terminal as a job of the
    shell. A signal that only this program got is forwarded. When the program stops, this one stops
    too, for the shell to see it. Adopted processes are reaped.
    """
    # A fault of this program is not for the command.
    watched = signal.valid_signals() - FAULT_SIGNALS
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    # While SIGCHLD is ignored, the kernel keeps no status (wait(2)).
    former = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    modes = _terminal_modes()
    witness = _Witness()
    early = _take_pending(watched, witness)
    try:
        child = os.fork()
    except OSError:
        witness.end()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        raise
    if child == 0:
        signal.signal(signal.SIGCHLD, former)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        # If that fails, the child prints the error and ends; its status is the program's.
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
    """A child that separates signals to the group from those to the parent.

    siginfo is the same for kill(2) to a process and to its group. The child is in the same group
    and blocks every signal: a signal that is pending there was sent to the group. The kernel
    signals younger members of a group first, so that the child has it before this process.
    """

    def __init__(self) -> None:
        self.pid = 0
        self._stopped = False
        requests, self._requests = os.pipe2(os.O_CLOEXEC)
        self._answers, answers = os.pipe2(os.O_CLOEXEC)
        with suppress(OSError):  # without the child, the sender of the signal decides
            self.pid = os.fork()
            if self.pid == 0:
                try:
                    _serve(requests, answers)
                finally:
                    os._exit(0)
        os.close(requests)
        os.close(answers)

    def got(self, number: int) -> bool | None:
        """Take a signal; return whether it was sent to the group, None if unknown."""
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
            return False  # the one that woke it
        self.got(signal.SIGCONT)
        return answer != b"\0"

    def note(self, status: int) -> None:
        """Note a change of the child's state that wait(2) returned."""
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
    """Take each signal whose number is read; answer whether it was pending."""
    signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
    kept = sorted({requests, answers})
    for low, high in zip([-1, *kept], [*kept, os.sysconf("SC_OPEN_MAX")], strict=True):
        os.closerange(low + 1, high)  # a reader of theirs must not wait for this process
    while request := os.read(requests, 1):
        os.write(answers, bytes([_take(request[0])]))


def _take(number: int) -> bool:
    """Take a pending signal; return whether it was sent to this process.

    A pending SIGCONT has discarded the stop signals before it.
    """
    taken = signal.sigtimedwait({number}, 0) is not None
    return taken or (number in _STOPPING and signal.SIGCONT in signal.sigpending())


def _take_pending(watched: Collection[int], witness: _Witness) -> list[int]:
    """Take the signals that arrived before the start of the command, its own."""
    early: list[int] = []
    while found := signal.sigtimedwait(watched, 0):
        if found.si_signo != signal.SIGCHLD:
            early.append(found.si_signo)
            witness.got(found.si_signo)
    return early


class _Supervisor:
    """The loop that forwards signals and stops with the command."""

    def __init__(self, child: int, watched: Collection[int], witness: _Witness) -> None:
        self._child = child
        self._watched = {*watched} - {_NO_CONT_SINCE}
        self._witness = witness
        self._forwarded: set[int] = set()
        self._stopped = 0  # the signal that has stopped the command
        self._stopping = False  # it got a stop signal and has not stopped yet
        self._status: int | None = None
        self._terminals: list[int] = []  # those with the command's own group in the foreground

    def run(self, early: Iterable[int]) -> Ended:
        """Return how the command ended.

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
        # Signals until now were for the command. They must not end this program before the report.
        while late := signal.sigtimedwait(self._watched, 0):
            self._forwarded |= {late.si_signo} - _JOB - {signal.SIGCHLD}
        code = os.waitstatus_to_exitcode(self._status)
        return Ended(code if code >= 0 else 128 - code, max(-code, 0), -code in self._forwarded)

    def _forward(self, number: int, *, by_kernel: bool) -> None:
        self._forwarded |= {number} - _JOB
        if not self._has_reached(number, by_kernel=by_kernel):
            self._stopping |= number in _STOPPING
            self._send(number)

    def _has_reached(self, number: int, *, by_kernel: bool) -> bool:
        """Return whether the command got a signal from the sender itself."""
        got = self._witness.got(number)
        if got is None:  # the kernel mostly signals the group on the terminal
            got = by_kernel
        # A second signal to the group may have merged with the first there, and not here.
        merges = number < signal.SIGRTMIN and number != signal.SIGCONT
        while got and merges and signal.sigtimedwait({number}, 0):
            self._witness.got(number)
        return got and os.getpgid(self._child) == os.getpgrp()

    def _send(self, number: int) -> None:
        with suppress(PermissionError):  # the command has become another user
            os.kill(self._child, number)

    def _reap(self) -> bool:
        """Take what wait(2) has; return whether the command has stopped."""
        stopped = False
        options = os.WNOHANG | os.WUNTRACED | os.WCONTINUED
        while self._status is None:
            pid, status = os.waitpid(-1, options)
            if pid == 0:
                break
            if pid == self._witness.pid:
                self._witness.note(status)
            elif pid == self._child:
                stopped = os.WIFSTOPPED(status)
                if stopped or os.WIFCONTINUED(status):
                    self._stopped = os.WSTOPSIG(status) if stopped else 0
                    self._stopping = False
                else:
                    self._status = status
        return stopped

    def _stop(self) -> None:
        """Stop as the command did, unless a SIGCONT has arrived since.

        The stop signal is sent while it is blocked: a SIGCONT from then on discards it. One that
        arrived before has reached the command, or has discarded the pending `_NO_CONT_SINCE`.
        In an orphaned process group the kernel stops no process, and no shell waits for it.
        """
        group = os.getpgid(self._child)
        self._terminals = [one for one in range(3) if _foreground(one) == group != os.getpgrp()]
        number = signal.SIGTTIN if self._stopped == signal.SIGTTIN else signal.SIGTSTP
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        self._reap()
        is_continued = _NO_CONT_SINCE not in signal.sigpending()
        if self._stopped and self._status is None and not is_continued:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})  # it stops here
            signal.pthread_sigmask(signal.SIG_BLOCK, {number})
        signal.sigtimedwait({number}, 0)
        if is_continued and self._status is None:
            self._continue()

    def _continue(self) -> None:
        """Continue the command, unless the SIGCONT to this process has done so.

        If the command is a shell, it had the terminal for its own group and gets it back.
        """
        self._expect_cont()
        reached = self._has_reached(signal.SIGCONT, by_kernel=False)
        # The SIGCONT has discarded stop signals to the group here, but not in the witness.
        for number in _STOPPING - signal.sigpending():
            self._witness.got(number)
        self._reap()
        if self._status is not None or (reached and not self._stopped and not self._stopping):
            return
        self._stopping = False
        for terminal in self._terminals:
            with suppress(OSError):  # the terminal is gone
                os.tcsetpgrp(terminal, os.getpgid(self._child))
        self._send(signal.SIGCONT)

    def _expect_cont(self) -> None:
        """Make `_NO_CONT_SINCE` pending instead of a possible SIGCONT."""
        signal.sigtimedwait({signal.SIGCONT}, 0)
        os.kill(os.getpid(), _NO_CONT_SINCE)


def _foreground(terminal: int) -> int:
    """Return the foreground process group of a terminal of this session, or 0."""
    with suppress(OSError):
        return os.tcgetpgrp(terminal)
    return 0


def _terminal_modes() -> _Modes:
    """Return the terminals of the standard streams, else /dev/tty, with modes."""
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
    """Restore the modes of terminals that no other job has in the foreground.

    SIGTTOU is blocked, so that this is allowed from the background, too.
    """
    if not modes:
        return
    import termios

    for terminal, before in modes:
        with suppress(OSError, termios.error):  # the terminal is gone
            if not _has_other_job(terminal) and termios.tcgetattr(terminal) != before:
                termios.tcsetattr(terminal, termios.TCSANOW, before)


def _has_other_job(terminal: int) -> bool:
    """Return whether another existing process group is in the foreground."""
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
