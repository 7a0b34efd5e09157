"""Sets of signals by their effect on a program."""

import signal

FINAL_MESSAGE_TIMEOUT = 1.0  # seconds to wait until a stream accepts a last message after a signal
FINAL_OUTPUT_TIMEOUT = 10.0  # seconds to wait until it accepts a long output in parts
# Signals that report a fault of the program itself or cannot be caught.
FAULT_SIGNALS = {
    *(signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS),
    *(signal.SIGKILL, signal.SIGSTOP),
}
# Signals whose default action does not end a program.
_HARMLESS = {
    *(signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH),
    *(signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU),
}


def terminating_signals() -> set[int]:
    """Return the signals that would end the program and can be caught.

    An ignored signal stays ignored, for example under nohup(1). SIGPIPE is not included, because a
    write(2) of the program itself causes it.
    """
    others = {signal.SIGPIPE, *FAULT_SIGNALS, *_HARMLESS}
    return {
        number
        for number in signal.valid_signals() - others
        if signal.getsignal(number) is signal.SIG_DFL
    }
