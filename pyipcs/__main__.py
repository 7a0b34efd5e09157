"""The program's entry point."""

import errno
import gc
import os
import signal
import sys


def main() -> None:
    """Run pyipcs; never return.

    The signals are set before the imports: from then on, SIGINT and SIGPIPE end the program like a
    C program, without a traceback.
    """
    # The garbage collector takes a tenth of the time of a short command. InterruptibleWait enables
    # it again.
    gc.disable()
    # An ignored SIGINT (a background job of sh) stays ignored.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        _restore_sigint()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if sys.argv[1:2] == ["--complete"]:
        os._exit(_complete(sys.argv[2:]))

    # All output is flushed. A regular exit of the interpreter would take an eighth of the time of a
    # short command, and would report a failed stream a second time.
    os._exit(_run())


def _run() -> int:
    """Run a command line; report errors of Python itself in one line."""
    try:
        from pyipcs.cli.main import main as run

        return run(sys.argv)
    except MemoryError:
        reason = os.strerror(errno.ENOMEM)
    except (ImportError, OSError, SystemError) as error:
        text = str(error).partition(" (/")[0]  # without the path of a module
        reason = f"cannot start: {getattr(error, 'strerror', None) or text}"
    os.write(2, f"pyipcs: {reason}\n".encode(errors="backslashreplace"))
    return 1


def _complete(args: list[str]) -> int:
    """Print the suggestions for a shell; return 1 without a message on errors.

    A message would disturb the command line that the user types.
    """
    from pyipcs.completion import main as complete

    try:
        complete(args)
    except Exception:
        return 1
    return 0


def _restore_sigint() -> None:
    """Reset SIGINT to SIG_DFL without losing a signal that arrives meanwhile."""
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
