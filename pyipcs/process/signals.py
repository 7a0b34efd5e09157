"""Which signals end a program, and which are about itself alone."""

import signal

# They tell of a fault of the program itself, or cannot be caught.
FAULT_SIGNALS = {
    *(signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS),
    *(signal.SIGKILL, signal.SIGSTOP),
}
# By default they end nothing.
_HARMLESS = {
    *(signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH),
    *(signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU),
}


def terminating_signals() -> set[int]:
    """Those that would end the program now, and can be kept from it.

    What is ignored, as by nohup(1), is to stay ignored. SIGPIPE, which a write(2) of its own
    raises, is not among them.
    """
    others = {signal.SIGPIPE, *FAULT_SIGNALS, *_HARMLESS}
    return {
        number
        for number in signal.valid_signals() - others
        if signal.getsignal(number) is signal.SIG_DFL
    }
