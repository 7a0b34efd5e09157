"""The report of an early end of a transfer."""

import sys

import pytest

from pyipcs.actions.send import Sender
from pyipcs.errors import CommandError, ExpiredError, Status
from pyipcs.sysv.keys import parse_target
from pyipcs.sysv.queue import MessageQueue
from pyipcs.terminal.streams import Output
from tests.kit.kernel import Objects

KEY = "0x5eed"


@pytest.fixture
def sender(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> Sender:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)  # the value for a closed stream
    queue = MessageQueue(objects.queue(0x5EED))
    return Sender(Output(), parse_target(KEY), queue, can_wait=False)


def test_sender_reports_error_without_errno_by_its_text(sender: Sender) -> None:
    with pytest.raises(CommandError, match=r"^text; nothing was sent$"), sender.reported():
        raise OSError("text")


def test_sender_reports_timeout_with_status_wait(sender: Sender) -> None:
    message = f"^{KEY}: the queue is full; nothing was sent$"
    with pytest.raises(CommandError, match=message) as raised, sender.reported():
        raise ExpiredError
    assert raised.value.status == Status.WAIT
