"""Other programs: found before anything is done, and run as the shell would have run them."""

import errno
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple, NoReturn

from pyipcs.errors import CommandError, Status


class Program(NamedTuple):
    """A program and its words, the first of which is its name as typed."""

    path: str
    words: Sequence[str]

    @classmethod
    def find(cls, words: Sequence[str]) -> "Program":
        """The program that execvp(3) would run.

        Raises:
            CommandError: there is none (127), or it cannot be run (126).
        """
        name = words[0]
        folders = [""] if "/" in name else os.get_exec_path()
        paths = [os.path.join(folder, name) for folder in folders] if name else []
        there = [path for path in paths if os.path.exists(path)]
        for path in there:
            if os.path.isfile(path) and os.access(path, os.X_OK):
                return cls(path, words)
        if there:
            why = errno.EISDIR if os.path.isdir(there[0]) else errno.EACCES
            raise CommandError(f"'{name}': {os.strerror(why)}", Status.CANNOT_RUN)
        raise CommandError(f"'{name}': command not found", Status.NOT_FOUND)

    def become(self) -> NoReturn:
        """Put the program in the place of this one (execve(2)).

        Raises:
            CommandError: the kernel does not take it.
        """
        # Python ignores both from its start on, and what is ignored stays so across execve(2).
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        try:
            try:
                os.execve(self.path, [*self.words], environment())
            except OSError as error:
                if error.errno != errno.ENOEXEC:
                    raise
                # A script without #! is for sh, as in execvp(3).
                os.execve("/bin/sh", ["sh", self.path, *self.words[1:]], environment())
        except OSError as error:
            words = f"'{self.words[0]}': {error.strerror}"
            raise CommandError(words, Status.CANNOT_RUN) from None


def environment() -> dict[bytes, bytes]:
    """The environment as this program got it.

    In the C locale Python sets LC_CTYPE to C.UTF-8 for itself (PEP 538), and with it for all its
    children, which could tell.
    """
    given = dict(os.environb)
    with suppress(OSError), open("/proc/self/environ", "rb") as file:
        start = dict(line.partition(b"=")[::2] for line in file.read().split(b"\0"))
        given.pop(b"LC_CTYPE", None)
        given |= {name: start[name] for name in [b"LC_CTYPE"] if name in start}
    return given
