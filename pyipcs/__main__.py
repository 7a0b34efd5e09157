"""The program's entry point."""

import errno
import gc
import os
import signal
import sys


def main() -> None:
    """Run pyipcs; never returns.

    The signals come before the imports, so that from here on Ctrl-C ends the program as it ends
    a C program, with no traceback, and so does a reader that goes away.
    """
    # A short command leaves no garbage worth the time that looking for it takes, which is a tenth
    # of its whole; what may live long switches this on again (process/interruptible.py).
    gc.disable()
    # An ignored SIGINT (a background job of sh) stays ignored.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        _restore_sigint()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if sys.argv[1:2] == ["--complete"]:
        os._exit(_complete(sys.argv[2:]))

    # All is flushed. Taking the interpreter apart would take an eighth of the time of a short
    # command, and would complain once more about a stream that could not be written.
    os._exit(_run())


def _run() -> int:
    """Run a command line; what Python itself could not do is told in one line, too."""
    try:
        from pyipcs.cli.main import main as run

        return run(sys.argv)
    except (ImportError, MemoryError, OSError, SystemError) as error:
        words = str(error).partition(" (/")[0]  # without the path of a module
        why = getattr(error, "strerror", None) or words or os.strerror(errno.ENOMEM)
        os.write(2, f"pyipcs: cannot go on: {why}\n".encode(errors="backslashreplace"))
        return 1


def _complete(args: list[str]) -> int:
    """Tell a shell what it may offer; never an error, for nobody asked a question."""
    from pyipcs.completion import main as complete

    try:
        complete(args)
    except Exception:
        return 1
    return 0


def _restore_sigint() -> None:
    """Give SIGINT its default action; one that comes meanwhile must not get lost in between."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


if __name__ == "__main__":
    main()
