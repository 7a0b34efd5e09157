"""Making objects all or none, whatever fails and whatever signal comes."""

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Self

from pyipcs.errors import IpcError, NotFoundError
from pyipcs.process.signals import terminating_signals
from pyipcs.sysv.handle import Handle
from pyipcs.terminal.streams import Output


class _InterruptedError(Exception):
    """A signal came that is to end the program."""


class CreationRollback:
    """Removes what was made, if what follows fails, and says what could not be removed.

    While objects are made, signals wait, so that none of them leaves one half made. SIGPIPE waits
    to the end, so that none is left that nobody was told of. Then they end the program as ever,
    but for those that come when all is told, which come too late: nothing is to look unmade.
    """

    def __init__(self, output: Output) -> None:
        self.made: list[Handle] = []
        self._output = output
        self._stopped = 0  # the first signal that came while they were heeded
        self._interruptible = False

    def __enter__(self) -> Self:
        self._terminating = terminating_signals()
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, {*self._terminating, signal.SIGPIPE})
        return self

    def tell(self, tell: Callable[[], None]) -> None:
        """All is made: tell of it, once standard output takes something.

        A reader that takes nothing must not keep Ctrl-C from ending the program.
        """
        for number in self._terminating:
            signal.signal(number, self._interrupt)
        self._interruptible = True
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self._terminating - self._mask)
            self._output.wait()
        finally:
            self._interruptible = False
            signal.pthread_sigmask(signal.SIG_BLOCK, self._terminating)
        if self._stopped:  # by one that came in between
            raise _InterruptedError
        tell()

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if error:
            self._undo()
        for number in self._terminating:
            signal.signal(number, signal.SIG_DFL)
        if error:
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
            if self._stopped:
                os.kill(os.getpid(), self._stopped)

    def _interrupt(self, number: int, _frame: FrameType | None) -> None:
        self._stopped = self._stopped or number
        interruptible, self._interruptible = self._interruptible, False  # once is enough
        if interruptible:
            raise _InterruptedError

    def _undo(self) -> None:
        for handle in self.made:
            try:
                handle.remove()
            except NotFoundError:
                continue
            except IpcError as error:
                left = f"{handle.kind.noun} {handle.id} was made and is left"
                self._output.error(f"{left}: {error.strerror}")
