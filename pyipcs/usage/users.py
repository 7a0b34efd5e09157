"""Processes that use objects, and processes that may use them unseen."""

from typing import NamedTuple, TypeAlias

from pyipcs.model import Kind, SysvRecord
from pyipcs.usage.processes import named

ATTACHED, MAPPED, OPEN = "attached", "mapped", "open"
WAITING = frozenset({"send", "receive", "operation"})
ObjectKey: TypeAlias = tuple[int | None, Kind, int]  # an IPC namespace, a kind, and an id
FileKey: TypeAlias = tuple[int, int]  # a device and an inode


class User(NamedTuple):
    """A process that uses an object now.

    Attributes:
        pid: the pid.
        command: the name (proc_pid_comm(5)), if it can be read.
        does: `attached`, `mapped` or `open`, or the awaited action: `send`, `receive` or
            `operation`.
        times: the number of attachments, of mappings, of descriptors or of waiting threads.
        read_only: True if all attachments or mappings are read-only.
    """

    pid: int
    command: str | None
    does: str
    times: int = 1
    read_only: bool = False

    @property
    def named(self) -> str:
        """The pid and the name."""
        return named(self.pid, self.command)

    @property
    def is_waiting(self) -> bool:
        """True if a thread of the process waits."""
        return self.does in WAITING

    @property
    def has_mapped(self) -> bool:
        """True if the process has mapped the object."""
        return self.does == MAPPED

    @property
    def extent(self) -> str:
        """The number of attachments or threads, unless it is 1, and "read-only"."""
        if self.is_waiting or self.does == OPEN:
            nouns = "threads" if self.is_waiting else "descriptors"
            return f"{self.times} {nouns}" if self.times > 1 else ""
        times = "" if self.times == 1 else f"{self.times} times"
        return ", ".join(filter(None, (times, "read-only" if self.read_only else "")))


class UnreadableProcess(NamedTuple):
    """A process with unreadable files in /proc.

    Attributes:
        pid: the pid.
        command: the name, if it can be read.
        namespace: the IPC namespace, if it is known.
        uid: the effective user; None if it is unknown.
        gids: the file system group, which the kernel checks (setfsgid(2)), and the other groups.
        has_ipc_owner: True with CAP_IPC_OWNER, which overrides permission bits.
    """

    pid: int
    command: str | None = None
    namespace: int | None = None
    uid: int | None = None
    gids: frozenset[int] = frozenset()
    has_ipc_owner: bool = False

    @property
    def named(self) -> str:
        """The pid and the name."""
        return named(self.pid, self.command)

    def can_use(self, access: "Access", namespace: int | None) -> bool:
        """Return True if the process may wait on such an object (sysvipc(7))."""
        if self.namespace not in {None, namespace}:
            return False
        if self.uid is None or self.has_ipc_owner:
            return True
        shift = 0
        if self.uid in {access.uid, access.cuid}:
            shift = 6
        elif self.gids & {access.gid, access.cgid}:
            shift = 3
        return bool(access.mode >> shift & 0o6)


class Access(NamedTuple):
    """The fields of a record that define the permissions of an object."""

    mode: int
    uid: int
    gid: int
    cuid: int
    cgid: int

    @classmethod
    def to(cls, record: SysvRecord) -> "Access":
        """Return the permissions of an object."""
        return cls(*(getattr(record, field) for field in cls._fields))
