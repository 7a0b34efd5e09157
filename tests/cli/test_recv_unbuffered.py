"""Number of messages in one write(2) of recv."""

import socket

import pytest

from tests.kit.kernel import Objects, receive_all, send
from tests.kit.program import fork, invoke
from tests.kit.wait import exit_code


@pytest.mark.parametrize(
    ("options", "writes"),
    [
        ("-a", [b"one\ntwo\nthree\n"]),
        ("-a -u", [b"one\n", b"two\n", b"three\n"]),
        ("-n 3 --unbuffered", [b"one\n", b"two\n", b"three\n"]),
        ("-n 2 -u", [b"one\n", b"two\n"]),
        ("--peek -a -u", [b"one\n", b"two\n", b"three\n"]),
    ],
)
def test_recv_unbuffered_writes_each_message_by_itself(
    options: str, writes: list[bytes], objects: Objects
) -> None:
    msqid = objects.queue()
    for body in (b"one", b"two", b"three"):
        send(msqid, body)
    # A socket that keeps the bounds of each write(2).
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, open("/dev/null", "r+b") as null:  # noqa: PTH123 - a device
        child = fork(
            *("recv", str(msqid), *options.split()),
            stdin=null.fileno(),
            stdout=theirs.fileno(),
            stderr=2,
        )
        theirs.close()
        assert exit_code(child) == 0
        packets = [*iter(lambda: ours.recv(1 << 16), b"")]
    assert packets == writes


@pytest.mark.parametrize("command", ["list", "make", "rm"])
def test_help_in_a_bundle_with_an_unknown_letter_is_printed_as_the_peers_do(command: str) -> None:
    result = invoke(command, "-hz")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("Usage: ")


def test_send_message_with_dash_behind_two_dashes_is_sent(objects: Objects) -> None:
    msqid = objects.queue()
    assert invoke("send", str(msqid), "--", "-hello") == (0, "", "")
    assert receive_all(msqid) == [(1, b"-hello")]


@pytest.mark.parametrize("command", ["send", "write", "key", "stat", "recv", "op", "set", "read"])
def test_bundle_with_an_unknown_letter_prints_no_help(command: str) -> None:
    result = invoke(command, "5", "-hello")
    assert (result.status, result.out) == (2, "")
    assert "no such option -e" in result.err
