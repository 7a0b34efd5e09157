"""A command run as a child that a shell takes for this program: signals, stops, terminals."""

import os
import signal
from collections.abc import Collection
from contextlib import suppress
from typing import NamedTuple

from pyipcs.cli.launch import Program
from pyipcs.sysv.signals import OWN

# What stops a job, and has it go on.
_JOB = {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCONT}


class Ended(NamedTuple):
    """How a command ended.

    Attributes:
        status: the exit status that a shell would see.
        signal: the signal that ended it, or 0.
        told: whether this program got that signal too.
    """

    status: int
    signal: int
    told: bool


def supervise(program: Program) -> Ended:
    """Run a program to its end.

    It is in the process group of this program, so that it has the terminal as a job of the shell,
    and gets what is typed. A signal that is sent to this program alone is passed on. When it is
    stopped, this program stops too, so that the shell sees it.
    """
    watched = signal.valid_signals() - OWN  # a fault of this program is not for the command
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    former = signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it would leave no status
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGCHLD, former)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        # Where that fails, the child itself tells, and ends as any command that cannot go on;
        # its status is the program's.
        program.become()
    try:
        return _watch(child, watched)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _watch(child: int, watched: Collection[int]) -> Ended:
    told: set[int] = set()
    while True:
        found = signal.sigwaitinfo(watched)
        number = found.si_signo
        if number != signal.SIGCHLD:
            told |= {number} - _JOB
            # What the kernel sent, it sent to all that are on the terminal.
            if found.si_code <= 0:
                os.kill(child, number)
        pid, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
        if pid and os.WIFSTOPPED(status):
            _stop(child)
        elif pid:
            code = os.waitstatus_to_exitcode(status)
            return Ended(code if code >= 0 else 128 - code, max(-code, 0), -code in told)


def _stop(child: int) -> None:
    """Stop as the command did, and when this program goes on, have the command go on.

    A shell in the place of the command has made the terminal its own; it gets that back.
    """
    group = os.getpgid(child)
    owned = [one for one in range(3) if _foreground(one) == group != os.getpgrp()]
    os.kill(os.getpid(), signal.SIGSTOP)
    for terminal in owned:
        with suppress(OSError):  # it has gone
            os.tcsetpgrp(terminal, group)
    os.kill(child, signal.SIGCONT)


def _foreground(terminal: int) -> int:
    """The process group that has a terminal; 0 where this is none, or not this session's."""
    with suppress(OSError):
        return os.tcgetpgrp(terminal)
    return 0
