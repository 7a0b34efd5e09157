"""The type of the table's rows."""

import shlex
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from pyipcs.errors import Status
from tests.kit.program import Result, invoke
from tests.messages.texts import COLUMNS_TOPIC

# Runs pyipcs with the arguments of a command line; tests.messages.runners has special ones.
Runner: TypeAlias = Callable[..., Result]
# By exit status: arguments, message, and the runner where it is not `invoke`.
Rows: TypeAlias = dict[int, list[tuple[str, str] | tuple[str, str, Runner]]]


class Row(NamedTuple):
    """A command line with its exit status and its message.

    Arguments and message contain placeholders: see tests.messages.placeholders.
    """

    command: str  # "" for pyipcs itself
    status: int
    arguments: str
    message: str
    runner: Runner = invoke

    @property
    def name(self) -> str:
        """The command line."""
        return f"{self.command} {self.arguments}".strip() or "no arguments"

    @property
    def args(self) -> list[str]:
        """The arguments of pyipcs."""
        return [*filter(None, [self.command]), *shlex.split(self.arguments)]

    @property
    def stderr(self) -> str:
        """The standard error; a usage error names the command and the help."""
        if self.status != Status.USAGE:
            return f"pyipcs: {self.message}\n"
        command = f"{self.command}: " if self.command else ""
        program = f"pyipcs {self.command}" if self.command else "pyipcs"
        pointer = "" if COLUMNS_TOPIC in self.message else f" (see {program} --help)"
        return f"pyipcs: {command}{self.message}{pointer}\n"
