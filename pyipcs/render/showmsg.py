"""All there is to know of one object, in the manner of the textbooks' showmsg."""

from collections.abc import Iterator

from pyipcs.errors import counted
from pyipcs.model import Queue
from pyipcs.render.plain import ctime
from pyipcs.sysv.keys import format_key
from pyipcs.sysv.processes import Process
from pyipcs.sysv.users import group_name, user_name


def details(record: Queue, sender: Process, receiver: Process) -> Iterator[str]:
    """The lines of a queue.

    Args:
        record: the queue.
        sender: who sent to it last.
        receiver: who received from it last.
    """
    yield f"Key {format_key(record.key)}, msqid {record.id}\n\n"
    messages = counted(record.qnum, "message")
    yield f"{messages} on queue, {record.cbytes} of {record.qbytes} bytes\n\n"
    yield f"Last send {_act(sender, record.stime)}\n"
    yield f"Last recv {_act(receiver, record.rtime)}\n"
    yield f"Last change at {ctime(record.ctime)}\n\n"
    yield f"Owner {_names(record.uid, record.gid)}, "
    yield f"created by {_names(record.cuid, record.cgid)}, mode {record.mode & 0o777:04o}\n"


def _act(process: Process, when: int) -> str:
    """Who did something at what time."""
    if not when:
        return "never"
    return f"by proc {_process(process)} at {ctime(when)}"


def _process(process: Process) -> str:
    if process.pid == 0:
        return "0 (of another PID namespace)"
    if process.alive is False:
        return f"{process.pid} (gone)"
    if process.command is None:
        return str(process.pid)
    # A process calls itself what it likes, and is not to write lines of its own here.
    name = process.command.replace("\n", "\\n")
    return f"{process.pid} ({name})"


def _names(uid: int, gid: int) -> str:
    return f"{user_name(uid)}:{group_name(gid)}"
