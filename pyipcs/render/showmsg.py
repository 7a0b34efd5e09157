"""All there is to know of one object, in the manner of the textbooks' showmsg."""

from collections.abc import Iterator

from pyipcs.errors import counted
from pyipcs.model import Queue
from pyipcs.render.text import human
from pyipcs.render.values import Style, TimeFormat, show_time
from pyipcs.sysv.keys import format_key
from pyipcs.sysv.processes import Process, recorded
from pyipcs.sysv.users import group_name, user_name


def details(record: Queue, style: Style) -> Iterator[str]:
    """The lines of a queue."""
    yield f"Key {format_key(record.key)}, msqid {record.id}\n\n"
    messages = counted(record.qnum, "message")
    yield f"{messages} on queue, {_used(record.cbytes, record.qbytes or 0, style)}\n\n"
    yield f"Last send {act(record.lspid, record.stime, style)}\n"
    yield f"Last recv {act(record.lrpid, record.rtime, style)}\n"
    yield f"Last change {moment(record.ctime, style)}\n\n"
    yield f"Owner {names(record.uid, record.gid)}, "
    yield f"created by {names(record.cuid, record.cgid)}, mode {record.mode & 0o777:04o}\n"


def _used(cbytes: int, qbytes: int, style: Style) -> str:
    if style.human:
        return f"{human(cbytes)} of {human(qbytes)}"
    return f"{cbytes} of {qbytes} bytes"


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
    if found.command is None:
        return str(found.pid)
    # A process calls itself what it likes, and is not to write lines of its own here.
    name = found.command.replace("\n", "\\n")
    return f"{found.pid} ({name})"


def names(uid: int, gid: int) -> str:
    """A user and a group by their names."""
    return f"{user_name(uid)}:{group_name(gid)}"
