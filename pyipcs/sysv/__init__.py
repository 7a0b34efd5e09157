"""System V IPC as a typed library, for private objects as well.

The public names are in `__all__`; each is loaded on first use. Other names and the modules of this
package may change without notice.

- Objects: `MessageQueue`, `SharedMemory` and `SemaphoreArray` are handles of existing objects by
  id. `create` and `find` return a handle by key, `handle_class` returns the class for a `Kind`, and
  `with_free_key` chooses a key. `stat` reads a record, `details` reads a record with all fields.
- Records: `Queue`, `Segment`, `SemaphoreSet`, `Semaphore` and `Message`, with the kernel's names.
- Listings: `read` yields all objects of a kind in chunks (`Listing`); `records` yields records.
- Keys: `ftok`, `parse_key` and `format_key`; `Target` and `parse_target` also accept ids.
- Limits: `known_limits` and `known_usage`.
- Errors: every refused call raises `IpcError` or a subclass, with the kernel's errno; so does a
  number that the kernel's type cannot hold.

No function prints, changes signal handlers, or requires a key. A queue call that waits raises
`InterruptError` after a signal with a handler; `SemaphoreArray.operate` continues to wait, and has
a timeout.

Example:
    from pyipcs.sysv import Kind, MessageQueue, NotFoundError, Wanted, read

    queue = MessageQueue.create(0, 0o600)  # key 0 is IPC_PRIVATE
    try:
        send = queue.sender()
        send(7, b"hello", False)  # type, body, True to wait for space
        print([message.type for message in queue.copies(Wanted())])  # messages stay on the queue
        receive = queue.receiver(Wanted(type=7, max_size=100))
        print(receive(False).body)
        records = [record for listing in read(Kind.QUEUE) for record in listing.records()]
        print(queue.stat().qnum, queue.id in [record.id for record in records])
    finally:
        queue.remove()
    try:
        queue.stat()
    except NotFoundError as error:
        print(error.strerror)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyipcs.errors import (
        BusyError,
        DeniedError,
        ExistsError,
        InterruptError,
        IpcError,
        LimitError,
        NotFoundError,
        TooBigError,
        UnsupportedError,
    )
    from pyipcs.listing import Listing
    from pyipcs.model import (
        By,
        Kind,
        Message,
        Queue,
        Segment,
        Semaphore,
        SemaphoreSet,
        SysvRecord,
        Target,
        Wanted,
    )
    from pyipcs.operations import Operation
    from pyipcs.sysv.attachment import Attachment
    from pyipcs.sysv.handle import Handle, handle_class, with_free_key
    from pyipcs.sysv.keys import format_key, ftok, parse_key, parse_target
    from pyipcs.sysv.limits import known_limits, known_usage
    from pyipcs.sysv.procfs import read
    from pyipcs.sysv.queue import MessageQueue
    from pyipcs.sysv.segment import SharedMemory
    from pyipcs.sysv.semaphore import SemaphoreArray

__all__ = [
    "Attachment",
    "BusyError",
    "By",
    "DeniedError",
    "ExistsError",
    "Handle",
    "InterruptError",
    "IpcError",
    "Kind",
    "LimitError",
    "Listing",
    "Message",
    "MessageQueue",
    "NotFoundError",
    "Operation",
    "Queue",
    "Segment",
    "Semaphore",
    "SemaphoreArray",
    "SemaphoreSet",
    "SharedMemory",
    "SysvRecord",
    "Target",
    "TooBigError",
    "UnsupportedError",
    "Wanted",
    "format_key",
    "ftok",
    "handle_class",
    "known_limits",
    "known_usage",
    "parse_key",
    "parse_target",
    "read",
    "with_free_key",
]
_MODULES = {
    **dict.fromkeys([name for name in __all__ if name.endswith("Error")], "pyipcs.errors"),
    **dict.fromkeys(
        [
            "By",
            "Kind",
            "Message",
            "Queue",
            "SysvRecord",
            "Segment",
            "Semaphore",
            "SemaphoreSet",
            "Target",
            "Wanted",
        ],
        "pyipcs.model",
    ),
    "Attachment": "pyipcs.sysv.attachment",
    **dict.fromkeys(["Handle", "handle_class", "with_free_key"], "pyipcs.sysv.handle"),
    **dict.fromkeys(["format_key", "ftok", "parse_key", "parse_target"], "pyipcs.sysv.keys"),
    **dict.fromkeys(["known_limits", "known_usage"], "pyipcs.sysv.limits"),
    "Listing": "pyipcs.listing",
    "Operation": "pyipcs.operations",
    "read": "pyipcs.sysv.procfs",
    "MessageQueue": "pyipcs.sysv.queue",
    "SharedMemory": "pyipcs.sysv.segment",
    "SemaphoreArray": "pyipcs.sysv.semaphore",
}

if not TYPE_CHECKING:  # otherwise mypy accepts any name

    def __getattr__(name: str) -> Any:
        """Return a public name; load its module (PEP 562)."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(_MODULES[name]), name)
        return value
