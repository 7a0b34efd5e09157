"""Other programs: found before anything is done, and run as the shell would have run them."""

import errno
import os
import signal
import stat
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
        why = errno.ENOENT
        for folder in folders if name else ():
            path = os.path.join(folder, name)
            number = _refused(path)
            if not number:
                return cls(path, words)
            # Of PATH only what is there counts: a folder may be closed to the caller.
            if "/" in name or os.path.exists(path):
                why = number
        raise _cannot_run(name, why)

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
            raise _cannot_run(self.words[0], error.errno or errno.ENOEXEC) from None


def _refused(path: str) -> int:
    """Why a path is no program (errno(3)); 0 if it is one."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        return error.errno or errno.ENOENT
    if stat.S_ISDIR(mode):
        return errno.EISDIR
    return 0 if os.access(path, os.X_OK) else errno.EACCES


def _cannot_run(name: str, number: int) -> CommandError:
    if number == errno.ENOENT:
        return CommandError(f"'{name}': command not found", Status.NOT_FOUND)
    return CommandError(f"'{name}': {os.strerror(number)}", Status.CANNOT_RUN)


def environment() -> dict[bytes, bytes]:
    """The environment as this program got it.

    In the C locale Python sets LC_CTYPE to C.UTF-8 for itself (PEP 538), and with it for all its
    children, which could tell.
    """
    given = {name: value for name, value in os.environb.items() if name}  # or execve(2) refuses
    with suppress(OSError), open("/proc/self/environ", "rb") as file:
        start = dict(line.partition(b"=")[::2] for line in file.read().split(b"\0"))
        given.pop(b"LC_CTYPE", None)
        if b"LC_CTYPE" in start:
            given[b"LC_CTYPE"] = start[b"LC_CTYPE"]
    return given
