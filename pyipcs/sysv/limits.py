"""Which of the kernel's limits a refused creation ran into."""

import errno
import os

from pyipcs.errors import IpcError, LimitError
from pyipcs.model import Kind


def explain(kind: Kind, error: IpcError, amount: int) -> str:
    """The limit behind a refused *get(2), its value and what is in use; empty if none is.

    Args:
        kind: what was to be created.
        error: how the kernel refused.
        amount: the bytes or the semaphores that were asked for.
    """
    from pyipcs.sysv import libc

    try:
        limits, usage = libc.limits(kind)._asdict(), libc.usage(kind)._asdict()
    except IpcError:
        return ""
    if error.errno == errno.EINVAL and kind is not Kind.QUEUE:
        name = "shmmax" if kind is Kind.SEGMENT else "semmsl"
        return f"limit {name}: {limits[name]}" if amount > limits[name] else ""
    if not isinstance(error, LimitError):
        return ""
    # The limit on objects of the kind, and the one on what they hold together.
    objects, contents = {
        Kind.QUEUE: (("msgmni", "msgpool"), None),
        Kind.SEGMENT: (("shmmni", "used_ids"), ("shmall", "shm_tot")),
        Kind.SEMAPHORE: (("semmni", "semusz"), ("semmns", "semaem")),
    }[kind]
    name, used = objects if not contents or usage[objects[1]] >= limits[objects[0]] else contents
    unit = f" pages of {os.sysconf('SC_PAGESIZE')} bytes" if name == "shmall" else ""
    return f"limit {name}: {limits[name]}{unit}, in use: {usage[used]}"
