"""Queues that are closed when a command ends, whatever keeps its error."""

import click
import pytest

from pyipcs.cli.commands import recv, send
from pyipcs.errors import CommandError
from pyipcs.terminal.streams import Output
from tests.kit.mqueue import queue, send_message
from tests.kit.posix_objects import open_objects
from tests.kit.program import mask_restored

NAME = "/pyipcs-test"


@pytest.mark.parametrize(
    ("command", "args"),
    [(send.command, [NAME, "ab", "abc"]), (recv.command, [NAME, "-a", "--unpack", "i"])],
)
def test_failure_closes_the_queue_while_the_error_lives(
    command: click.Command, args: list[str], own_mqueue: None, capfd: pytest.CaptureFixture[str]
) -> None:
    with queue(NAME, sizes=(2, 2)) as descriptor:
        send_message(descriptor, b"x")
        before = open_objects()
        # The traceback keeps the handle.
        with pytest.raises(CommandError) as raised, mask_restored():
            command.main(args, standalone_mode=False, obj=Output())
        assert open_objects() == before
    assert raised.value.__traceback__
