"""Creation of POSIX objects."""

import errno
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from pyipcs.actions.create import CreateOptions, Plan, creation_error, owner_step
from pyipcs.errors import ExistsError, FormError, IpcError, LimitError
from pyipcs.model import Kind, Target
from pyipcs.objects import Handle
from pyipcs.posix.handle import PosixHandle
from pyipcs.posix.names import format_name
from pyipcs.text import plural


def posix_plans(options: CreateOptions, target: Target) -> Iterator[Plan]:
    """Yield the POSIX objects to create."""
    name = target.name
    # Each imports only the module of its kind.
    if options.posix_size is not None:
        yield _segment_plan(name, options.posix_size, options)
    if options.posix_queue:
        yield _queue_plan(name, options)
    if options.posix_semaphore:
        yield _semaphore_plan(name, options)


def _segment_plan(name: str, size: int, options: CreateOptions) -> Plan:
    from pyipcs.posix.segment import PosixSharedMemory

    create = partial(PosixSharedMemory.create, name, options.mode, size)
    check = partial(_check_size, size)
    return _plan(PosixSharedMemory, name, create, check, options)


def _queue_plan(name: str, options: CreateOptions) -> Plan:
    from pyipcs.posix.queue import PosixMessageQueue

    sizes = {"maxmsg": options.maxmsg, "msgsize": options.msgsize}
    create = partial(PosixMessageQueue.create, name, options.mode, **sizes)
    return _plan(PosixMessageQueue, name, create, partial(_check_sizes, sizes), options)


def _semaphore_plan(name: str, options: CreateOptions) -> Plan:
    from pyipcs.posix.semaphore import PosixNamedSemaphore

    value = options.values[0] if options.values else 0
    create = partial(PosixNamedSemaphore.create, name, options.mode, value)
    return _plan(PosixNamedSemaphore, name, create, lambda _handle: "", options)


def _plan(
    handle_type: type[PosixHandle],
    name: str,
    create: Callable[[], Handle],
    check: Callable[[Any], str],
    options: CreateOptions,
) -> Plan:
    """Return the plan of an object.

    Args:
        handle_type: the class of its handle.
        name: its name.
        create: its creation.
        check: returns the property of an existing object that is less than requested, or "".
        options: the options of the command line.
    """
    find = partial(_find, handle_type, name, check)
    explain = partial(_explain, handle_type, name, options)
    return Plan(handle_type.kind, create, find, explain, 0, owner_step(options))


def _find(handle_type: type[PosixHandle], name: str, check: Callable[[Any], str]) -> Handle:
    """Return the object that has the name.

    Raises:
        CommandError: a file that is no such object has the name, or the object is too small.
        NotFoundError: the object was removed meanwhile.
    """
    kind = handle_type.kind
    try:
        handle = handle_type.find(name)
    except FormError as error:
        raise creation_error(kind, f"{format_name(name)} {error.strerror}") from None
    if less := check(handle):
        raise creation_error(kind, f"the {kind.noun} {format_name(name)} has {less}")
    return handle


def _check_size(size: int, handle: Any) -> str:
    return f"less than {plural(size, 'byte')}" if handle.record.segsz < size else ""


def _check_sizes(sizes: dict[str, int | None], handle: Any) -> str:
    """Return the first limit of a queue that is less than requested; else ""."""
    wanted = {field: size for field, size in sizes.items() if size is not None}
    if not wanted:
        return ""
    record = handle.details()
    for field, size in wanted.items():
        found = getattr(record, field)
        if found is None:
            return f"a {field} that you may not read"
        if found < size:
            return f"{field} {found}, less than {size}"
    return ""


def _explain(
    handle_type: type[PosixHandle], name: str, options: CreateOptions, error: IpcError
) -> str:
    """Return the reached limit or the used name of a failed creation; else ""."""
    from pyipcs.actions import hints

    is_queue = handle_type.kind is Kind.POSIX_QUEUE
    match error:
        case ExistsError():
            return _explain_existing(handle_type, name)
        case IpcError(errno=errno.EFBIG):
            return hints.explain_file_size(options.posix_size or 0)
        case LimitError():
            return hints.explain_queues_max() if is_queue else hints.explain_full_shm()
        case IpcError(errno=errno.EINVAL | errno.EOVERFLOW) if is_queue:
            return hints.explain_queue_sizes(options.maxmsg, options.msgsize)
        case IpcError(errno=errno.EMFILE) if is_queue:
            return hints.explain_queue_bytes(options.maxmsg, options.msgsize)
        case _:
            return ""


def _explain_existing(handle_type: type[PosixHandle], name: str) -> str:
    """Return the object or the other file that has a name."""
    try:
        handle_type.find(name)
    except FormError as error:
        return f"{format_name(name)} {error.strerror}"
    except IpcError:  # removed or replaced meanwhile, or not visible
        pass
    return f"{format_name(name)} exists; --exist-ok accepts it"
