"""The program's entry point."""

import os
import signal
import sys


def main() -> None:
    """Run pyipcs; never returns.

    The signals come before the imports, so that from here on Ctrl-C ends the program as it ends
    a C program, with no traceback, and so does a reader that goes away.
    """
    # An ignored SIGINT (a background job of sh) stays ignored.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)

    from pyipcs.cli import run

    # All is flushed. Taking the interpreter apart would take an eighth of the time of a short
    # command, and would complain once more about a stream that could not be written.
    os._exit(run(sys.argv))


if __name__ == "__main__":
    main()
