"""All there is to know of one object, in the manner of the textbooks' showmsg."""

from collections.abc import Iterator

from pyipcs.model import Queue
from pyipcs.render.plain import ctime
from pyipcs.sysv.keys import format_key
from pyipcs.sysv.processes import Process, recorded
from pyipcs.sysv.users import group_name, user_name


def details(record: Queue) -> Iterator[str]:
    """The lines of a queue."""
    yield f"Key {format_key(record.key)}, msqid {record.id}\n\n"
    messages = "message" if record.qnum == 1 else "messages"
    yield f"{record.qnum} {messages} on queue, {record.cbytes} of {record.qbytes} bytes\n\n"
    yield f"Last send {_act(record.lspid, record.stime)}\n"
    yield f"Last recv {_act(record.lrpid, record.rtime)}\n"
    yield f"Last change at {ctime(record.ctime)}\n\n"
    yield f"Owner {_names(record.uid, record.gid)}, "
    yield f"created by {_names(record.cuid, record.cgid)}, mode {record.mode & 0o777:04o}\n"


def _act(pid: int, when: int) -> str:
    """Who did something at what time."""
    if not when:
        return "never"
    return f"by proc {_process(recorded(pid, when))} at {ctime(when)}"


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
