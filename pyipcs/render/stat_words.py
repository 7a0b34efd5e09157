"""Times, processes and owners of an object in words."""

import os
import time
from typing import TYPE_CHECKING

from pyipcs.model import PosixQueue, PosixRecord
from pyipcs.process.accounts import group_name, user_name
from pyipcs.query.plan import Style, TimeFormat
from pyipcs.render.format_units import show_time
from pyipcs.usage.processes import Process, recorded

if TYPE_CHECKING:
    from pyipcs.usage.users import User

UNREADABLE = "no read permission"  # of a System V object
# The reason may also be a lease of another process (fcntl(2)) or a sandbox.
UNREADABLE_POSIX = "not readable"
# The words before a process, by its use of the object: in a line of text, and as a label.
USES = {
    "attached": ("Attached by", "Attached by"),
    "mapped": ("Mapped by", "Mapped by"),
    "open": ("Open in", "Open in"),
    "send": ("Waiting to send:", "Waits to send"),
    "receive": ("Waiting to receive:", "Waits to recv"),
    "operation": ("Waiting:", "Waits"),
}


def act(pid: int, when: int, style: Style) -> str:
    """Return the process and the time of an operation."""
    if not when:
        return "never"
    return f"by proc {process(recorded(pid, when))} {moment(when, style)}"


def moment(when: int | None, style: Style) -> str:
    """Return the time of an operation."""
    if when is None:
        return "unknown"
    if not when:
        return "never"
    at = "" if style.time_format is TimeFormat.RELATIVE else "at "
    return f"{at}{show_time(when, style)}"


def process(found: Process) -> str:
    """Return the pid of a process, with its name while it exists."""
    if found.pid == 0:
        return "0 (of another PID namespace)"
    if found.alive is False:
        return f"{found.pid} (gone)"
    return found.named


def registered(queue: PosixQueue) -> str:
    """Return the process that a queue notifies."""
    pid = queue.notify_pid
    if pid is None:  # for a process of another PID namespace, the kernel reports no pid
        return UNREADABLE_POSIX if queue.cbytes is None else "unknown"
    return f"proc {process(recorded(pid, int(time.time())))}" if pid else "nobody"


def file_number(record: PosixRecord) -> str:
    """Return the inode and the device of an object.

    The notation of the device is that of proc_pid_mountinfo(5).
    """
    return f"{record.inode}, device {os.major(record.device)}:{os.minor(record.device)}"


def using(user: "User") -> str:
    """Return a process that uses an object, with the extent of its use."""
    return f"proc {user.named}, {user.extent}" if user.extent else f"proc {user.named}"


def names(uid: int, gid: int) -> str:
    """Return the names of a user and a group."""
    return f"{user_name(uid)}:{group_name(gid)}"


def last_user(pid: int, when: int) -> str:
    """Return the process that changed a semaphore last, at most at a time."""
    return process(recorded(pid, when)) if pid else "-"
