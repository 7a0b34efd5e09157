"""Message queues of both families by one interface, without any code of the program."""

import ctypes
import os
import struct
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from typing import ClassVar, TypeAlias

from pyipcs.model import Kind
from tests.kit import kernel, mqueue
from tests.kit.kernel import IPC_CREAT, IPC_EXCL, libc

Messages: TypeAlias = list[tuple[int, bytes]]  # each with its type or priority
_IPC_SET, _IPC_STAT = 1, 2
_QBYTES_OFFSET = 88  # in struct msqid_ds of 64-bit programs


class MessageQueue(ABC):
    """A queue of System V or POSIX.

    Attributes:
        peer: the program in tests/c that sends and receives lines.
        field: the name of a message's number in JSON.
    other_field: that of the other family.
    option: the option of send for the number.
    size_limit: the name of the limit of a message's size, which is 8192 bytes.
    can_copy: True if messages can be read without taking them.
    outlives_name: True if the queue exists after its removal, until it is closed.
        default: the number of a message that was sent without one.
        room: a number of small messages that an empty queue takes.
        target: the queue on a command line.
    """

    peer: ClassVar[str]
    field: ClassVar[str]
    other_field: ClassVar[str]
    option: ClassVar[str]
    size_limit: ClassVar[str]
    can_copy: ClassVar[bool]
    outlives_name: ClassVar[bool]
    default: ClassVar[int]
    room: ClassVar[int]
    target: str

    @abstractmethod
    def __init__(self, number: int = 0, capacity: int | None = None, size: int = 1) -> None:
        """Create a queue.

        Args:
            number: distinguishes the queues of a test.
            capacity: how many messages it takes; None for the kernel's default.
            size: the bytes of each of these messages.
        """

    @abstractmethod
    def send(self, body: bytes, number: int | None = None) -> None:
        """Send a message, by default with the default number; raise BlockingIOError if full."""

    @abstractmethod
    def receive_all(self) -> Messages:
        """Empty the queue; return the numbers and bodies of its messages."""

    @abstractmethod
    def length(self) -> int:
        """Return the number of messages."""

    @abstractmethod
    def unlink(self) -> None:
        """Remove the queue."""

    @abstractmethod
    def close(self) -> None:
        """Remove the queue, if it exists, and give up everything that the test has of it."""

    @abstractmethod
    def in_order(self, messages: Sequence[tuple[int, bytes]]) -> Messages:
        """Return sent messages in the order in which they are received."""


class SysvQueue(MessageQueue):
    """A System V queue."""

    peer, default, room = "lines", 1, 100
    field, other_field, option, size_limit = "type", "priority", "--type", "msgmax"
    can_copy, outlives_name = True, False

    def __init__(self, number: int = 0, capacity: int | None = None, size: int = 1) -> None:
        key = 0x5EED + number
        self.target = f"{key:#x}"
        self.id = int(libc.msgget(key, IPC_CREAT | IPC_EXCL | 0o600))
        if capacity is not None:
            self._set_qbytes(capacity * size)

    def _set_qbytes(self, qbytes: int) -> None:
        buffer = ctypes.create_string_buffer(256)
        libc.msgctl(self.id, _IPC_STAT, buffer)
        struct.pack_into("L", buffer, _QBYTES_OFFSET, qbytes)
        libc.msgctl(self.id, _IPC_SET, buffer)

    def send(self, body: bytes, number: int | None = None) -> None:
        kernel.send(self.id, body, self.default if number is None else number)

    def receive_all(self) -> Messages:
        return kernel.receive_all(self.id)

    def length(self) -> int:
        return int(kernel.row(Kind.QUEUE, self.id)["qnum"])

    def unlink(self) -> None:
        kernel.remove(Kind.QUEUE, self.id)

    def close(self) -> None:
        with suppress(OSError):
            self.unlink()

    def in_order(self, messages: Sequence[tuple[int, bytes]]) -> Messages:
        return [*messages]


class PosixQueue(MessageQueue):
    """A POSIX queue, which this process has open."""

    peer, default, room = "mqueue", 0, 10
    field, other_field, option, size_limit = "priority", "type", "--priority", "msgsize"
    can_copy, outlives_name = False, True

    def __init__(self, number: int = 0, capacity: int | None = None, size: int = 1) -> None:
        self.target = f"/pyipcs-{number}"
        sizes = (self.room, 8192) if capacity is None else (capacity, size)
        self.descriptor = mqueue.make_queue(self.target, 0o600, sizes)

    def send(self, body: bytes, number: int | None = None) -> None:
        mqueue.send_message(self.descriptor, body, self.default if number is None else number)

    def receive_all(self) -> Messages:
        return mqueue.receive_messages(self.descriptor)

    def length(self) -> int:
        return mqueue.attributes(self.descriptor).qnum

    def unlink(self) -> None:
        mqueue.unlink_queue(self.target)

    def close(self) -> None:
        os.close(self.descriptor)
        with suppress(FileNotFoundError):
            self.unlink()

    def in_order(self, messages: Sequence[tuple[int, bytes]]) -> Messages:
        return sorted(messages, key=lambda message: -message[0])


FAMILIES: dict[str, type[MessageQueue]] = {"sysv": SysvQueue, "posix": PosixQueue}
