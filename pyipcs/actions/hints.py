"""Hints of messages: the limit or the missing right of a refused call."""

import errno
from contextlib import suppress

from pyipcs.errors import IpcError, LimitError, TooBigError, UnseenError
from pyipcs.model import Kind, Segment
from pyipcs.process.identity import effective_uid
from pyipcs.sysv.limits import PAGE, RESOURCES, known_limits, known_usage
from pyipcs.text import plural

_FILE_MAX = 2**63 - 1  # MAX_LFS_FILESIZE
_NO_OVERCOMMIT = "2"


def explain(kind: Kind, error: IpcError, amount: int) -> str:
    """Return the limit behind a refused *get(2) or semop(2), else "".

    Args:
        kind: the kind of the new object.
        error: the error of the call.
        amount: the requested bytes or semaphores.
    """
    match error:
        case IpcError(errno=errno.ENOMEM):
            return _explain_memory(amount) if kind is Kind.SEGMENT else ""
        case IpcError(errno=errno.EINVAL) if kind is Kind.SEGMENT:
            return _explain_size(amount)
        case IpcError(errno=errno.EINVAL) if kind is Kind.SEMAPHORE:
            sets = known_limits(Kind.SEMAPHORE)
            return f"limit semmsl: {sets.semmsl}" if sets and amount > sets.semmsl else ""
        case TooBigError():
            sets = known_limits(Kind.SEMAPHORE)
            return f"limit semopm: {sets.semopm}" if sets else ""
        case LimitError():
            return _explain_limit(kind)
        case _:
            return ""


def _explain_limit(kind: Kind) -> str:
    """Return the system-wide limit that is reached, and the amount in use."""
    limits, usage = known_limits(kind), known_usage(kind)
    if not limits or not usage:
        return ""
    most, used = limits._asdict(), usage._asdict()
    # The limit on the number of objects, and for two kinds a limit on their total size.
    objects, *totals = [row for row in RESOURCES[kind] if row.used and row.limit]
    is_full = (used[objects.used] or 0) >= most[objects.limit] or not totals
    reached = objects if is_full else totals[0]
    unit = f" pages of {PAGE} bytes" if reached.limit == "shmall" else ""
    return f"limit {reached.limit}: {most[reached.limit]}{unit}, in use: {used[reached.used]}"


def _explain_size(size: int) -> str:
    """Return the limits of the size of a segment."""
    limits = known_limits(Kind.SEGMENT)
    if not limits:
        return ""
    known: dict[str, str | int] = {"size": plural(size, "byte")}
    known |= {"shmmin": limits.shmmin, "shmmax": limits.shmmax}
    if _FILE_MAX < size <= limits.shmmax:
        known["largest file"] = _FILE_MAX  # a segment is a file of tmpfs
    return _listed(known)


def explain_file_size(size: int) -> str:
    """Return the limit of the size of a file of tmpfs."""
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    known: dict[str, str | int] = {"size": plural(size, "byte")}
    if limit == resource.RLIM_INFINITY:
        known["largest file"] = _FILE_MAX
    else:
        known["RLIMIT_FSIZE"] = plural(limit, "byte")
    return _listed(known)


def explain_queue_sizes(maxmsg: int | None, msgsize: int | None) -> str:
    """Return the limits of the sizes of a POSIX queue.

    Args:
        maxmsg: the requested number of messages; None for the default.
        msgsize: the requested size of a message; None for the default.
    """
    from pyipcs.posix.limits import queue_sizes, sysctl

    limits = {"msg_max": sysctl("msg_max"), "msgsize_max": sysctl("msgsize_max")}
    sizes = dict(zip(("maxmsg", "msgsize"), queue_sizes(maxmsg, msgsize), strict=True))
    return _listed({name: size for name, size in {**sizes, **limits}.items() if size is not None})


def explain_queue_bytes(maxmsg: int | None, msgsize: int | None) -> str:
    """Return the limit of the memory for a user's POSIX queues, and its use.

    Args:
        maxmsg: see `explain_queue_sizes`.
        msgsize: see `explain_queue_sizes`.
    """
    from pyipcs.posix.limits import queue_bytes, queue_cost, queue_sizes

    limit, used = queue_bytes()
    if limit is None:
        return ""
    known: dict[str, str | int] = {"RLIMIT_MSGQUEUE": plural(limit, "byte")}
    if used is not None:
        known["queues here"] = used
    known["needed"] = queue_cost(*queue_sizes(maxmsg, msgsize))
    return _listed(known)


def explain_queues_max() -> str:
    """Return the limit of the number of POSIX queues, and its use."""
    from pyipcs.posix.limits import queue_number

    limit, used = queue_number()
    if limit is None:
        return ""
    return f"limit queues_max: {limit}{'' if used is None else f', in use: {used}'}"


def explain_full_shm() -> str:
    """Return the limits of /dev/shm, and their use; empty if it has none."""
    from pyipcs.posix.limits import resources

    try:
        rows = resources(Kind.POSIX_SEGMENT)
    except UnseenError:
        return ""
    columns = map(rows.column, ("unit", "used", "limit"))
    amounts = [
        f"{used} of {limit} {unit or 'files'}"
        for unit, used, limit in zip(*columns, strict=True)
        if used is not None and limit is not None
    ]
    return f"/dev/shm: {', '.join(amounts)} in use" if amounts else ""


def _explain_memory(size: int) -> str:
    """Return the values that limit the size of a segment (proc_sys_vm(5))."""
    known: dict[str, str | int] = {"size": plural(size, "byte")}
    with (
        suppress(OSError, ValueError),
        open("/proc/meminfo") as meminfo,
        open("/proc/sys/vm/overcommit_memory") as overcommit,
    ):
        memory = dict(line.split(":") for line in meminfo)
        mode = overcommit.read().strip()
        rows = {"memory": "MemTotal", "swap": "SwapTotal"}
        if mode == _NO_OVERCOMMIT:
            rows |= {"commit limit": "CommitLimit", "committed": "Committed_AS"}
        known |= {name: _bytes(memory[row]) for name, row in rows.items() if row in memory}
        known["vm.overcommit_memory"] = mode
    return _listed(known)


def _bytes(text: str) -> str:
    """Return the bytes of a row of /proc/meminfo, which is in KiB."""
    number, _unit = text.split()
    return f"{int(number) * 1024} bytes"


def _listed(known: dict[str, str | int]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in known.items())


def explain_qbytes(qbytes: int) -> str:
    """Return the reason that forbids an owner to set qbytes, else "".

    The owner may set any value up to msgmnb (msgctl(2)).
    """
    limits = known_limits(Kind.QUEUE)
    if limits is None:
        return "more than msgmnb requires CAP_SYS_RESOURCE"
    if qbytes <= limits.msgmnb:
        return ""
    return f"qbytes: {qbytes}, msgmnb: {limits.msgmnb}; more requires CAP_SYS_RESOURCE"


def explain_lock(segment: Segment, error: IpcError) -> str:
    """Return the reason that forbids the caller to lock a segment, else "".

    The rules are those of shmctl(2).
    """
    import resource

    if error.errno == errno.EPERM and effective_uid() not in {segment.uid, segment.cuid}:
        return "only for the owner, the creator or with CAP_IPC_LOCK"
    if error.errno not in {errno.EPERM, errno.ENOMEM}:
        return ""
    limit, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    return (
        f"size: {plural(segment.segsz, 'byte')}, RLIMIT_MEMLOCK for all locks of its user: "
        f"{plural(limit, 'byte')}; more requires CAP_IPC_LOCK"
    )
