"""Who did something to an object, and when, in words for people."""

from typing import TYPE_CHECKING

from pyipcs.model import Semaphore, SemaphoreSet
from pyipcs.process.accounts import group_name, user_name
from pyipcs.query.plan import Style, TimeFormat
from pyipcs.render.formatters import show_time
from pyipcs.usage.processes import Process, recorded

if TYPE_CHECKING:
    from pyipcs.usage.scan import User


def act(pid: int, when: int, style: Style) -> str:
    """Who did something at what time."""
    if not when:
        return "never"
    return f"by proc {process(recorded(pid, when))} {moment(when, style)}"


def moment(when: int, style: Style) -> str:
    """At what time something was done."""
    if not when:
        return "never"
    at = "" if style.time_format is TimeFormat.RELATIVE else "at "
    return f"{at}{show_time(when, style)}"


def process(found: Process) -> str:
    """A process by its pid, and by its name while it lives."""
    if found.pid == 0:
        return "0 (of another PID namespace)"
    if found.alive is False:
        return f"{found.pid} (gone)"
    return found.named


def using(user: "User") -> str:
    """A process that uses an object, and how where there is a choice."""
    return f"proc {user.named}, {user.extent}" if user.extent else f"proc {user.named}"


def names(uid: int, gid: int) -> str:
    """A user and a group by their names."""
    return f"{user_name(uid)}:{group_name(gid)}"


def last_user(one: Semaphore, record: SemaphoreSet) -> str:
    """The process that changed a semaphore last."""
    if not one.pid:
        return "-"
    return process(recorded(one.pid, record.used))
