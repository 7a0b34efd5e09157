"""Message queues."""

import errno
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Self, cast

import sysv_ipc

from pyipcs.errors import BusyError, IpcError, TooBigError, checked, ipc_error
from pyipcs.model import INT_MAX, LONG_MAX, MESSAGE_TYPE, Kind, Message, Queue, SysvRecord, Wanted
from pyipcs.sysv.handle import SYSV_IPC_ERRORS, Handle, sysv_ipc_error
from pyipcs.sysv.keys import key_of

# The first size for a body in bytes: the usual msgmax. The size is doubled after E2BIG.
_MSGSZ = 8192
# The memory of a received message: the buffer of the call, the body, and a copy that goes back.
_COPIES = 3


class MessageQueue(Handle):
    """A message queue by its msqid.

    Attributes:
        message_field: the number that each message has.
        can_choose: True: a receiver may choose messages, cut them and copy them.
    """

    kind = Kind.QUEUE
    message_field = MESSAGE_TYPE
    can_choose = True

    @classmethod
    def create(cls, key: int, mode: int) -> Self:
        """Create a queue (msgget(2) with IPC_EXCL); key 0 is IPC_PRIVATE.

        Raises:
            ExistsError: another queue has the key.
            LimitError: there are msgmni queues.
        """
        try:
            return cls(sysv_ipc.MessageQueue(key_of(key), sysv_ipc.IPC_CREX, mode=mode).id)
        except SYSV_IPC_ERRORS as error:
            raise sysv_ipc_error(error, errno.EEXIST) from None

    @classmethod
    def find(cls, key: int) -> Self:
        """Return the queue with a key; this requires no permission.

        Raises:
            NotFoundError: no queue has the key.
        """
        opened = _open(key)
        queue = cls(opened.id)
        queue._opened = opened
        return queue

    def __init__(self, object_id: int) -> None:
        super().__init__(object_id)
        self._opened: Any = None  # sysv_ipc's object of the queue; None until it is open

    @staticmethod
    def remove_id(object_id: int) -> None:
        """Remove a queue and its messages; calls that wait on it fail with EIDRM.

        Raises:
            NotFoundError: no queue has this id.
            DeniedError: the caller neither owns nor created the queue.
        """
        try:
            sysv_ipc.remove_message_queue(object_id)
        except SYSV_IPC_ERRORS as error:
            raise sysv_ipc_error(error, errno.ENOENT) from None

    @property
    def record(self) -> Queue:
        """The last record that this handle has read; the first access reads it."""
        return cast(Queue, super().record)

    def stat(self) -> Queue:
        """Read the queue's record, with its qbytes."""
        return cast(Queue, super().stat())

    def details(self, record: SysvRecord | None = None) -> Queue:
        """Return the queue's record, which is always complete."""
        return cast(Queue, super().details(record))

    def message_limits(self) -> dict[str, int | None]:
        """Return the limits of a message's size in bytes, by their names.

        The msgmax is None if the kernel does not report it.

        Raises:
            NotFoundError: there is no such queue.
        """
        from pyipcs.sysv.limits import known_limits

        limits = known_limits(Kind.QUEUE)
        return {"msgmax": limits.msgmax if limits else None, "qbytes": self.record.qbytes}

    def sender(self) -> Callable[[int, bytes, bool], None]:
        """Return a function that sends a message.

        Its arguments are the type, the body, and True to wait for space. It raises the errors of
        `libc.msgsnd`, and NotFoundError if the queue was removed.
        """
        opened = self._open_for(_MSGSZ)
        msgsz = _MSGSZ

        def send(type_: int, body: bytes, wait: bool) -> None:
            nonlocal opened, msgsz
            if len(body) > msgsz:
                opened = self._open_for(INT_MAX)
                msgsz = INT_MAX
            try:
                if opened is None or type_ > INT_MAX:
                    self._libc_send(type_, body, wait)
                else:
                    opened.send(body, wait, type_)
            except IpcError as error:
                raise self._translate(error) from None
            except SYSV_IPC_ERRORS as error:
                raise self._translate(sysv_ipc_error(error, errno.EIDRM)) from None

        return send

    def receiver(self, wanted: Wanted) -> Callable[[bool], Message]:
        """Return a function that receives a message.

        Its argument is True to wait for a message. It raises the errors of `libc.msgrcv`, but
        TooBigError only if `wanted` has a max_size, and NotFoundError if the queue was removed.
        """
        most = sys.maxsize if wanted.max_size is None else wanted.max_size
        checked(wanted.type, -LONG_MAX - 1, LONG_MAX)
        msgsz = min(_MSGSZ, most)
        receive = self._receiver(wanted, msgsz)

        def receive_any(wait: bool) -> Message:
            nonlocal msgsz, receive
            while True:
                try:
                    return receive(wait)
                except TooBigError:
                    if msgsz == most:
                        raise
                    msgsz = min(msgsz * 2, most)
                    receive = self._receiver(wanted, msgsz)

        return receive_any

    def copies(self, wanted: Wanted) -> Iterator[Message]:
        """Yield copies of the wanted messages (MSG_COPY) in order of receipt.

        The copies are no snapshot: if other processes receive meanwhile, messages may be missing.

        Raises:
            TooBigError: a body is larger than `wanted` allows.
            DeniedError: the caller may not read the queue.
            IpcError: ENOSYS, the kernel has no MSG_COPY (CONFIG_CHECKPOINT_RESTORE); EINVAL, a
                body is larger than msgmax, which was lowered after the message was sent.
        """
        messages: Iterable[Message] = (
            message for message in self._walk() if _matches(message, wanted)
        )
        if wanted.type < 0:  # the kernel takes the lowest type first, in order of age
            messages = sorted(messages, key=lambda message: message.type)
        for message in messages:
            yield _cut(message, wanted)

    def _libc_send(self, type_: int, body: bytes, wait: bool) -> None:
        from pyipcs.sysv import abi, libc

        libc.msgsnd(self.id, checked(type_, 1, LONG_MAX), body, 0 if wait else abi.IPC_NOWAIT)

    def _receiver(self, wanted: Wanted, msgsz: int) -> Callable[[bool], Message]:
        """Return a function that receives by sysv_ipc, or else by the C library.

        Raises:
            MemoryError: there is no memory for a message of that size; none is taken then.
        """
        bytes(_COPIES * msgsz)  # without memory the calls would take a message, and lose it
        is_plain = not (wanted.others or wanted.truncate) and abs(wanted.type) <= INT_MAX
        opened = self._open_for(msgsz) if is_plain else None
        if opened is None:
            return self._libc_receiver(wanted, msgsz)
        type_ = wanted.type
        message = partial(tuple.__new__, Message)  # takes half the time of Message()

        def receive(wait: bool) -> Message:
            try:
                body, received = opened.receive(wait, type_)
            except SYSV_IPC_ERRORS as error:
                raise sysv_ipc_error(error, errno.EIDRM, busy=errno.ENOMSG) from None
            return message((received, body))

        return receive

    def _libc_receiver(self, wanted: Wanted, msgsz: int) -> Callable[[bool], Message]:
        from pyipcs.sysv import abi, libc

        flags = abi.MSG_EXCEPT if wanted.others else 0
        flags |= abi.MSG_NOERROR if wanted.truncate and msgsz == wanted.max_size else 0
        buffer = libc.message_buffer(msgsz)

        def receive(wait: bool) -> Message:
            wait_flag = 0 if wait else abi.IPC_NOWAIT
            try:
                return libc.msgrcv(self.id, buffer, wanted.type, flags | wait_flag)
            except IpcError as error:
                raise self._translate(error) from None

        return receive

    def _open_for(self, max_size: int) -> Any:
        """Return sysv_ipc's object of this queue for bodies up to a size.

        Return None for a private queue: sysv_ipc opens queues by key only.
        """
        if self._opened is not None and max_size == _MSGSZ:
            return self._opened
        key = self.record.key if self._opened is None else self._opened.key
        if key == sysv_ipc.IPC_PRIVATE:
            return None
        try:
            opened = _open(key, max_size)
        except IpcError:
            return None
        if opened.id != self.id:
            return None
        if max_size == _MSGSZ:
            self._opened = opened
        return opened

    def _walk(self) -> Iterator[Message]:
        """Yield copies of all messages (MSG_COPY), in the order of the queue."""
        from pyipcs.sysv import abi, libc
        from pyipcs.sysv.limits import known_limits

        limits = known_limits(Kind.QUEUE)
        most = limits.msgmax if limits else sys.maxsize
        msgsz = min(_MSGSZ, most)
        buffer = libc.message_buffer(msgsz)
        index = 0
        while True:
            try:
                yield libc.msgrcv(self.id, buffer, index, abi.MSG_COPY | abi.IPC_NOWAIT)
            except BusyError:
                return
            except TooBigError:
                if limits and msgsz == most:
                    text = f"message {index + 1} has more bytes than msgmax, which is {most}"
                    raise IpcError(errno.EINVAL, text) from None
                msgsz = min(msgsz * 2, most)
                buffer = libc.message_buffer(msgsz)
            except IpcError as error:
                if error.errno == errno.ENOSYS:
                    text = "this kernel cannot copy messages (CONFIG_CHECKPOINT_RESTORE)"
                    raise IpcError(errno.ENOSYS, text) from None
                refused = self._translate(error)
                if refused.errno == errno.EINVAL:  # the kernel does not report msgmax
                    text = f"message {index + 1} has more bytes than msgmax"
                    raise IpcError(errno.EINVAL, text) from None
                raise refused from None
            else:
                index += 1


def _open(key: int, max_size: int = _MSGSZ) -> Any:
    """Return sysv_ipc's object of a queue; this requires no permission."""
    try:
        return sysv_ipc.MessageQueue(key_of(key), 0, mode=0, max_message_size=max_size)
    except SYSV_IPC_ERRORS as error:
        raise sysv_ipc_error(error, errno.ENOENT) from None


def _matches(message: Message, wanted: Wanted) -> bool:
    """Return True if msgrcv(2) would receive a message of this type."""
    if wanted.others:
        return message.type != wanted.type
    if wanted.type < 0:
        return message.type <= -wanted.type
    return wanted.type in {0, message.type}


def _cut(message: Message, wanted: Wanted) -> Message:
    """Return the message as msgrcv(2) would return it.

    Raises:
        TooBigError: the body is larger than `wanted` allows.
    """
    if wanted.max_size is None or len(message.body) <= wanted.max_size:
        return message
    if not wanted.truncate:
        raise ipc_error(errno.E2BIG)
    return message._replace(body=message.body[: wanted.max_size])
