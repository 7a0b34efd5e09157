"""pyipcs send to POSIX queues: priorities, names, rights, mounts and namespaces."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from tests.kit.child import NEWIPC, NEWNS, clear_caches, drop_privileges, hide, unshare
from tests.kit.mqueue import make_queue, queue, receive_messages, send_message, unlink_queue
from tests.kit.posix import child_in
from tests.kit.program import fork, forked, invoke, load_all, ordinary, text_in
from tests.kit.wait import exit_code, wait_until

NAME = "/pyipcs-send"
SIZES = (8, 100)

pytestmark = pytest.mark.usefixtures("own_mqueue")


@pytest.fixture
def made() -> Iterator[int]:
    with queue(NAME, 0o600, SIZES) as descriptor:
        yield descriptor


# -- Sent messages.


def test_send_priority_decides_the_order(made: int) -> None:
    for priority, body in ((1, "b"), (9, "a"), (1, "c"), (0, "d")):
        assert invoke("send", NAME, "--priority", str(priority), body) == (0, "", "")
    assert receive_messages(made) == [(9, b"a"), (1, b"b"), (1, b"c"), (0, b"d")]


def test_send_escaped_name_reaches_the_queue() -> None:
    with queue("/new\nline", 0o600, SIZES) as descriptor:
        assert invoke("send", r"\x2fnew\nline", "a") == (0, "", "")
        assert receive_messages(descriptor) == [(0, b"a")]


def test_send_to_another_kind_of_that_name_fails(shm: object) -> None:
    Path("/dev/shm/pyipcs-send").write_bytes(b"")
    result = invoke("send", NAME, "a")
    assert result.status == 1
    assert result.err.endswith("no such POSIX queue (but a POSIX segment has that name)\n")


def test_send_stream_to_a_removed_posix_queue_ends() -> None:
    descriptor = make_queue(NAME, 0o600, SIZES)
    read, write = os.pipe()
    with TemporaryFile() as errors:
        child = fork("send", NAME, "-l", stdin=read, stdout=1, stderr=errors.fileno())
        os.close(read)
        os.write(write, b"first\n")
        wait_until(lambda: receive_messages(descriptor))
        unlink_queue(NAME)
        time.sleep(0.51)
        os.write(write, b"second\n")
        assert exit_code(child) == 1
        assert text_in(errors).endswith(" was removed; 1 message was sent\n")
    os.close(write)
    assert receive_messages(descriptor) == []
    os.close(descriptor)


# -- Rights, mounts and namespaces.


@pytest.mark.root
def test_send_by_an_ordinary_user_needs_the_right_to_write() -> None:
    for mode, status in ((0o602, 0), (0o604, 1)):
        with queue(NAME, mode, SIZES) as descriptor:
            assert ordinary("send", NAME, "a").status == status
            assert len(receive_messages(descriptor)) == 1 - status


def test_send_to_a_queue_that_its_owner_may_only_write() -> None:
    with queue(NAME, 0o200, SIZES) as descriptor:
        assert ordinary("send", NAME, "a").status in {0, 1}  # 1: the queue is root's
        assert invoke("send", NAME, "a") == (0, "", "")
        assert (0, b"a") in receive_messages(descriptor)


def test_send_works_without_a_mount() -> None:
    with queue(NAME, 0o622, SIZES) as descriptor:
        load_all()

        def enter() -> None:
            unshare(NEWNS)
            hide("/dev/mqueue")
            drop_privileges()
            clear_caches()

        assert forked("send", NAME, "a", first=enter) == (0, "", "")
        assert receive_messages(descriptor) == [(0, b"a")]


def test_send_and_recv_with_ns_reach_the_queue_of_that_namespace() -> None:
    def prepare() -> None:
        unshare(NEWIPC)
        send_message(make_queue(NAME, 0o600, SIZES), b"before", 1)

    with child_in(prepare) as pid:
        assert forked("send", NAME, "a", "--ns", str(pid)) == (0, "", "")
        assert forked("recv", NAME, "-a", "--with-type", "--ns", str(pid)) == (
            *(0, "1\tbefore\n0\ta\n", ""),
        )
    assert forked("send", NAME, "a").status == 1
