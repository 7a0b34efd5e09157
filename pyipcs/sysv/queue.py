"""Message queues."""

import errno
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple, Self, cast

import sysv_ipc

from pyipcs.errors import BusyError, IpcError, TooBigError, ipc_error
from pyipcs.model import INT_MAX, Kind, Message, Queue
from pyipcs.sysv.handle import SYSV_IPC_ERRORS, Handle, sysv_ipc_error

_ROOM = (
    8192  # bytes for a body at first: the usual msgmax; larger ones give E2BIG, and it is doubled
)


class Wanted(NamedTuple):
    """Which messages to take, in the words of msgrcv(2).

    Attributes:
        type: 0 the first, N the first of type N, -N the first of the lowest type up to N.
        others: any message but those of the type (MSG_EXCEPT).
        max_size: the bytes of the largest body to take; None is any.
        truncate: cut what is larger, and lose the rest (MSG_NOERROR).
    """

    type: int = 0
    others: bool = False
    max_size: int | None = None
    truncate: bool = False


class MessageQueue(Handle):
    """A message queue by its msqid."""

    kind = Kind.QUEUE

    @classmethod
    def create(cls, key: int, mode: int) -> Self:
        """A new queue (msgget(2) with IPC_EXCL); IPC_PRIVATE gives one without a key.

        Raises:
            ExistsError: the key is taken.
            LimitError: there are msgmni queues.
        """
        try:
            return cls(sysv_ipc.MessageQueue(key, sysv_ipc.IPC_CREX, mode=mode).id)
        except SYSV_IPC_ERRORS as error:
            raise sysv_ipc_error(error, errno.EEXIST) from None

    @classmethod
    def find(cls, key: int) -> Self:
        """The queue that has the key."""
        found = cls(_open(key).id)
        found._key = key
        return found

    def __init__(self, object_id: int) -> None:
        super().__init__(object_id)
        self._key: int | None = None  # until somebody asks

    @staticmethod
    def remove_id(object_id: int) -> None:
        """Remove a queue and the messages on it; who waits on it gets EIDRM."""
        try:
            sysv_ipc.remove_message_queue(object_id)
        except SYSV_IPC_ERRORS as error:
            raise sysv_ipc_error(error, errno.ENOENT) from None

    def stat(self) -> Queue:
        """The queue's record, with its qbytes."""
        return cast(Queue, super().stat())

    def sender(self) -> Callable[[int, bytes, bool], None]:
        """What puts a message on the queue: its type, its body, and whether to wait for room.

        It raises the errors of `libc.msgsnd`; NotFoundError is that the queue has gone.
        """
        native = self._engine(INT_MAX)

        def send(type_: int, body: bytes, wait: bool) -> None:
            try:
                if native is None or type_ > INT_MAX:
                    self._libc_send(type_, body, wait)
                else:
                    native.send(body, wait, type_)
            except IpcError as error:
                raise self._gone_or(error) from None
            except SYSV_IPC_ERRORS as error:
                raise self._gone_or(sysv_ipc_error(error, errno.EIDRM)) from None

        return send

    def receiver(self, wanted: Wanted) -> Callable[[bool], Message]:
        """What takes a message from the queue, and waits for one if it is told to.

        It raises the errors of `libc.msgrcv`; TooBigError only where `wanted` has a max_size,
        and NotFoundError is that the queue has gone.
        """
        most = sys.maxsize if wanted.max_size is None else wanted.max_size
        room = min(_ROOM, most)
        receive = self._receiver(wanted, room)

        def receive_any(wait: bool) -> Message:
            nonlocal room, receive
            while True:
                try:
                    return receive(wait)
                except TooBigError:
                    if room == most:
                        raise
                    room = min(room * 2, most)
                    receive = self._receiver(wanted, room)

        return receive_any

    def copies(self, wanted: Wanted) -> Iterator[Message]:
        """The messages that are wanted, which stay on the queue, in the order of receiving them.

        It is no snapshot: where others receive meanwhile, messages may be left out.

        Raises:
            TooBigError: a body has more bytes than `wanted` allows.
            DeniedError: the caller may not read the queue.
            IpcError: ENOSYS, the kernel has no MSG_COPY (CONFIG_CHECKPOINT_RESTORE); EINVAL, a
                body has more bytes than msgmax, which was lowered since it was sent.
        """
        found: Iterable[Message] = (
            message for message in self._walk() if _is_wanted(message, wanted)
        )
        if wanted.type < 0:  # the kernel takes the lowest type first, the oldest of it first
            found = sorted(found, key=lambda message: message.type)
        for message in found:
            yield _fitted(message, wanted)

    def _libc_send(self, type_: int, body: bytes, wait: bool) -> None:
        from pyipcs.sysv import abi, libc

        libc.msgsnd(self.id, type_, body, 0 if wait else abi.IPC_NOWAIT)

    def _receiver(self, wanted: Wanted, room: int) -> Callable[[bool], Message]:
        """The engine's receive where it can do what is wanted, the C library's where not."""
        plain = not (wanted.others or wanted.truncate) and abs(wanted.type) <= INT_MAX
        native = self._engine(room) if plain else None
        if native is None:
            return self._libc_receiver(wanted, room)
        type_ = wanted.type
        message = partial(tuple.__new__, Message)  # in half the time of Message itself

        def receive(wait: bool) -> Message:
            try:
                body, found = native.receive(wait, type_)
            except SYSV_IPC_ERRORS as error:
                raise sysv_ipc_error(error, errno.EIDRM, busy=errno.ENOMSG) from None
            return message((found, body))

        return receive

    def _libc_receiver(self, wanted: Wanted, room: int) -> Callable[[bool], Message]:
        from pyipcs.sysv import abi, libc

        flags = abi.MSG_EXCEPT if wanted.others else 0
        flags |= abi.MSG_NOERROR if wanted.truncate and room == wanted.max_size else 0
        buffer = libc.message_buffer(room)

        def receive(wait: bool) -> Message:
            wait_flag = 0 if wait else abi.IPC_NOWAIT
            try:
                return libc.msgrcv(self.id, buffer, wanted.type, flags | wait_flag)
            except IpcError as error:
                raise self._gone_or(error) from None

        return receive

    def _engine(self, max_size: int) -> Any:
        """sysv_ipc's object of this queue; None where it has no key, by which alone that opens."""
        if self._key is None:
            self._key = self.stat().key
        if self._key == sysv_ipc.IPC_PRIVATE:
            return None
        try:
            native = _open(self._key, max_size)
        except IpcError:
            return None
        return native if native.id == self.id else None

    def _walk(self) -> Iterator[Message]:
        """Copies of all messages (MSG_COPY), by their places on the queue."""
        from pyipcs.sysv import abi, libc
        from pyipcs.sysv.limits import limit

        msgmax = limit(self.kind, "msgmax")
        most = sys.maxsize if msgmax is None else msgmax
        room = min(_ROOM, most)
        buffer = libc.message_buffer(room)
        place = 0
        while True:
            try:
                yield libc.msgrcv(self.id, buffer, place, abi.MSG_COPY | abi.IPC_NOWAIT)
            except BusyError:
                return
            except TooBigError:
                if room == msgmax:
                    words = f"message {place + 1} has more bytes than msgmax, which is {msgmax}"
                    raise IpcError(errno.EINVAL, words) from None
                room = min(room * 2, most)
                buffer = libc.message_buffer(room)
            except IpcError as error:
                if error.errno == errno.ENOSYS:
                    words = "this kernel cannot copy messages (CONFIG_CHECKPOINT_RESTORE)"
                    raise IpcError(errno.ENOSYS, words) from None
                refused = self._gone_or(error)
                if refused.errno == errno.EINVAL:  # where the kernel does not report msgmax
                    words = f"message {place + 1} has more bytes than msgmax"
                    raise IpcError(errno.EINVAL, words) from None
                raise refused from None
            else:
                place += 1


def _open(key: int, max_size: int = _ROOM) -> Any:
    """sysv_ipc's object of a queue; asks for no permission."""
    try:
        return sysv_ipc.MessageQueue(key, 0, mode=0, max_message_size=max_size)
    except SYSV_IPC_ERRORS as error:
        raise sysv_ipc_error(error, errno.ENOENT) from None


def _is_wanted(message: Message, wanted: Wanted) -> bool:
    """Whether msgrcv(2) would take a message of this type."""
    if wanted.others:
        return message.type != wanted.type
    if wanted.type < 0:
        return message.type <= -wanted.type
    return wanted.type in {0, message.type}


def _fitted(message: Message, wanted: Wanted) -> Message:
    """The message as msgrcv(2) would give it."""
    if wanted.max_size is None or len(message.body) <= wanted.max_size:
        return message
    if not wanted.truncate:
        raise ipc_error(errno.E2BIG)
    return message._replace(body=message.body[: wanted.max_size])
