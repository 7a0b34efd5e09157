"""POSIX queues, created and read without any code of the program."""

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.kit.kernel import libc

MQUEUE = Path("/dev/mqueue")
# maxmsg and msgsize of most queues. All queues of a user count against RLIMIT_MSGQUEUE, in all test
# processes: there is room for nine of the kernel's default size.
SIZES = (10, 1000)
_ATTR = struct.Struct("8l")  # struct mq_attr


class Attributes(NamedTuple):
    """The attributes of a queue (mq_getattr(3))."""

    maxmsg: int
    msgsize: int
    qnum: int


def open_queue(name: str, flags: int) -> int:
    """Open a queue (mq_open(3)); return its descriptor."""
    return int(libc.mq_open(os.fsencode(name), flags | os.O_NONBLOCK))


def make_queue(name: str, mode: int = 0o644, sizes: tuple[int, int] = SIZES) -> int:
    """Create a queue of exactly this mode; return its descriptor."""
    attr = _ATTR.pack(0, *sizes, 0, 0, 0, 0, 0)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NONBLOCK
    descriptor = int(libc.mq_open(os.fsencode(name), flags, mode, attr))
    os.fchmod(descriptor, mode)
    return descriptor


def unlink_queue(name: str) -> None:
    """Remove a queue (mq_unlink(3))."""
    libc.mq_unlink(os.fsencode(name))


@contextmanager
def queue(name: str, mode: int = 0o644, sizes: tuple[int, int] = SIZES) -> Iterator[int]:
    """Create a queue within a `with` block; yield its descriptor."""
    descriptor = make_queue(name, mode, sizes)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
        unlink_queue(name)


@contextmanager
def opened(name: str, flags: int) -> Iterator[int]:
    """Open a queue within a `with` block; yield its descriptor."""
    descriptor = open_queue(name, flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def send_message(descriptor: int, body: bytes, priority: int = 0) -> None:
    """Send a message to a queue."""
    libc.mq_send(descriptor, body, ctypes.c_size_t(len(body)), priority)


def receive_message(descriptor: int) -> tuple[int, bytes]:
    """Take a message from a queue; return its priority and its body."""
    size = attributes(descriptor).msgsize
    body, priority = ctypes.create_string_buffer(size), ctypes.c_uint()
    length = libc.mq_receive(descriptor, body, ctypes.c_size_t(size), ctypes.byref(priority))
    return priority.value, body.raw[:length]


def receive_messages(descriptor: int) -> list[tuple[int, bytes]]:
    """Empty a queue; return the priorities and the bodies of its messages."""
    return [receive_message(descriptor) for _ in range(attributes(descriptor).qnum)]


def attributes(descriptor: int) -> Attributes:
    """Return the attributes of a queue."""
    buffer = ctypes.create_string_buffer(_ATTR.size)
    libc.mq_getattr(descriptor, buffer)
    _, maxmsg, msgsize, qnum, *_ = _ATTR.unpack(buffer)
    return Attributes(maxmsg, msgsize, qnum)


def notify(descriptor: int) -> None:
    """Register this process for a notification without a signal (mq_notify(3), SIGEV_NONE)."""
    event = ctypes.create_string_buffer(64)  # struct sigevent
    struct.pack_into("Pii", event, 0, 0, 0, 1)
    libc.mq_notify(descriptor, event)
