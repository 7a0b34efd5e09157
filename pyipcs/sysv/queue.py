"""Message queues."""

import errno
from typing import Self

import sysv_ipc

from pyipcs.model import Kind
from pyipcs.sysv.handle import ENGINE_ERRORS, Handle, engine_error


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
        except ENGINE_ERRORS as error:
            raise engine_error(error, errno.EEXIST) from None

    @classmethod
    def find(cls, key: int) -> Self:
        """The queue that has the key."""
        try:
            return cls(sysv_ipc.MessageQueue(key, 0, mode=0).id)
        except ENGINE_ERRORS as error:
            raise engine_error(error, errno.ENOENT) from None

    @staticmethod
    def remove_id(object_id: int) -> None:
        """Remove a queue and the messages on it; who waits on it gets EIDRM."""
        try:
            sysv_ipc.remove_message_queue(object_id)
        except ENGINE_ERRORS as error:
            raise engine_error(error, errno.EINVAL) from None
