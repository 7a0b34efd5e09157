"""A key in decimal, typed where a number is an id."""

import pytest

from pyipcs.model import Kind
from tests.kit.kernel import Objects
from tests.kit.program import invoke

KEY = 1973432001  # higher than all existing ids
COMMANDS = {
    "stat {}": Kind.QUEUE,
    "send {} x": Kind.QUEUE,
    "recv {}": Kind.QUEUE,
    "set -q {} --mode 600": Kind.QUEUE,
    "read {}": Kind.SEGMENT,
    "write {} x": Kind.SEGMENT,
    "op {} P": Kind.SEMAPHORE,
}


@pytest.mark.parametrize("typed", ["{}", "id:{}"])
@pytest.mark.parametrize("command", COMMANDS)
def test_target_decimal_key_without_such_an_id_gets_a_hint(
    objects: Objects, command: str, typed: str
) -> None:
    objects.make(COMMANDS[command], KEY)
    result = invoke(*(word.format(typed.format(KEY)) for word in command.split()))
    assert (result.status, result.out) == (1, "")
    assert result.err.endswith(f" ({KEY} is a key: key:{KEY})\n")


def test_target_number_that_is_an_id_names_the_object(objects: Objects) -> None:
    msqid = objects.queue()
    objects.segment(msqid or 1)
    assert invoke("stat", "-q", str(msqid)).status == 0


def test_target_number_without_id_and_key_gets_no_hint() -> None:
    assert invoke("stat", str(KEY)).err == f"pyipcs: {KEY}: no object has that id\n"


def test_target_over_the_highest_id_gets_a_hint(objects: Objects) -> None:
    msqid = objects.queue(-2)  # 4294967294
    result = invoke("stat", "4294967294")
    assert (result.status, result.out) == (2, "")
    assert "key:4294967294?" in result.err
    assert f"msqid {msqid}" in invoke("stat", "key:4294967294").out
    assert "key:" not in invoke("stat", "4294967296").err
