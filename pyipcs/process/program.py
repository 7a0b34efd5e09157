"""Search for a program in PATH, and its execution, like a shell."""

import errno
import os
import signal
import stat
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple, NoReturn

from pyipcs.errors import CommandError, Status


class Program(NamedTuple):
    """A program with its arguments.

    Attributes:
        path: the path of the program.
        args: the arguments; the first (argv[0]) is the name as typed.
    """

    path: str
    args: Sequence[str]

    @classmethod
    def find(cls, args: Sequence[str]) -> "Program":
        """Return the program that execvp(3) would run.

        Raises:
            CommandError: there is no such program (127), or it cannot be run (126).
        """
        name = args[0]
        folders = [""] if "/" in name else os.get_exec_path()
        error_number = errno.ENOENT
        for folder in folders if name else ():
            path = os.path.join(folder, name)
            number = _exec_error(path)
            if not number:
                return cls(path, args)
            # Ignore the error of a folder of PATH that lacks the program or cannot be searched.
            if "/" in name or os.path.exists(path):
                error_number = number
        raise _cannot_run(name, error_number)

    def become(self) -> NoReturn:
        """Replace this process by the program (execve(2)).

        Raises:
            CommandError: the kernel refuses the program.
        """
        # Python ignores both at its start, and execve(2) keeps ignored signals ignored.
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        try:
            try:
                os.execve(self.path, [*self.args], environment())
            except OSError as error:
                if error.errno != errno.ENOEXEC:
                    raise
                # Like execvp(3), run a script without #! by sh.
                os.execve("/bin/sh", ["sh", self.path, *self.args[1:]], environment())
        except OSError as error:
            raise _cannot_run(self.args[0], error.errno or errno.ENOEXEC) from None


def _exec_error(path: str) -> int:
    """Return the errno of execve(2) for a path; 0 if it is a program."""
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
    """Return the environment from the start of this program.

    In the C locale Python sets LC_CTYPE to C.UTF-8 (PEP 538); children must not inherit that.
    """
    # os.execve refuses an empty name.
    variables = {name: value for name, value in os.environb.items() if name}
    with suppress(OSError), open("/proc/self/environ", "rb") as file:
        start = dict(line.partition(b"=")[::2] for line in file.read().split(b"\0"))
        variables.pop(b"LC_CTYPE", None)
        if b"LC_CTYPE" in start:
            variables[b"LC_CTYPE"] = start[b"LC_CTYPE"]
    return variables
