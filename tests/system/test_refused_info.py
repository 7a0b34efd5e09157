"""Commands under a policy that refuses only the *_INFO commands."""

import ctypes
import json
import os
from pathlib import Path

import pytest

from pyipcs.errors import IpcError
from pyipcs.model import SYSV, Kind
from pyipcs.sysv import libc
from tests.kit import kernel, policy
from tests.kit.child import in_child
from tests.kit.kernel import Objects
from tests.kit.posix import bind, own_mounts
from tests.kit.program import Result, elsewhere, forked
from tests.messages.runners import LIMITS

ERRORS = pytest.mark.parametrize("error", policy.REFUSALS, ids=os.strerror)
Figures = dict[str, dict[str, int]]


def refused(error: int, *args: str) -> Result:
    """Run pyipcs where the *_INFO commands fail with an errno."""
    return policy.without_info(*args, error=error)


def test_refused_info_refuses_these_commands_alone(objects: Objects) -> None:
    """The policy of these tests is one that pyipcs meets elsewhere."""
    msqid, semid = objects.queue(), objects.semaphores()

    def outcomes() -> list[str]:
        found = []
        for kind in SYSV:
            for ask in (libc.limits, libc.usage):
                try:
                    ask(kind)
                except IpcError as error:
                    found.append(f"{kind.value} {error.strerror}")
        found.append(libc.stat(Kind.QUEUE, msqid).kind.value)
        return [*found, str(libc.semaphores(semid, 1)[0].value)]

    refusals = [f"{kind.value} Permission denied" for kind in SYSV for _ in range(2)]
    assert in_child(outcomes, policy.refused_info()) == [*refusals, "msg", "0"]


@ERRORS
def test_send_with_info_refused_sends(objects: Objects, error: int) -> None:
    msqid = objects.queue()
    assert refused(error, "send", str(msqid), "hello") == Result(0, "", "")
    assert kernel.receive_all(msqid) == [(1, b"hello")]


@ERRORS
def test_recv_peek_with_info_refused_shows_messages(objects: Objects, error: int) -> None:
    msqid = objects.queue()
    kernel.send(msqid, b"hello")
    assert refused(error, "recv", str(msqid), "--peek") == Result(0, "hello\n", "")


@pytest.mark.parametrize("text", [b"", b"1 2\n", b"\xff\n"])
def test_recv_peek_with_info_refused_and_masked_limit_shows_messages(
    objects: Objects, own_shm: None, tmp_path: Path, text: bytes
) -> None:
    """Some containers mount an empty file over a parameter of the kernel."""
    msqid = objects.queue()
    kernel.send(msqid, b"hello")
    (tmp_path / "mask").write_bytes(text)

    def mask() -> None:
        own_mounts()
        bind(tmp_path / "mask", Path("/proc/sys/kernel/msgmax"))

    steps = [mask, policy.refused_info()]
    assert elsewhere("recv", str(msqid), "--peek", before=steps) == Result(0, "hello\n", "")


@ERRORS
def test_op_with_info_refused_operates(objects: Objects, error: int) -> None:
    semid = objects.semaphores()
    assert refused(error, "op", str(semid), "V") == Result(0, "", "")
    assert libc.semaphores(semid, 1)[0].value == 1


@ERRORS
def test_read_with_info_refused_reads(objects: Objects, error: int) -> None:
    shmid = objects.segment(size=3 * 4096)
    with kernel.attached(shmid) as address:
        kernel.libc.memcpy(ctypes.c_void_p(address), b"hello", 5)
    assert refused(error, "read", str(shmid), "--length", "5") == Result(0, "hello", "")


@ERRORS
def test_limits_with_info_refused_are_the_same(isolated: None, error: int) -> None:
    """/proc/sys/kernel has the numbers that IPC_INFO reports."""
    for format_ in ("plain", "json"):
        words = ("list", "-l", "-f", format_)
        assert refused(error, *words) == forked(*words)


@ERRORS
def test_usage_with_info_refused_is_counted(isolated: None, objects: Objects, error: int) -> None:
    kernel.send(objects.queue(), b"hello")
    objects.queue()
    objects.semaphores(nsems=7)
    objects.segment(size=1)
    with kernel.attached(objects.segment(size=3 * 4096)) as address:
        kernel.libc.memset(ctypes.c_void_p(address), 1, 5000)
        for format_ in ("plain", "json", "csv", "openmetrics"):
            words = ("list", "-u", "-f", format_)
            assert refused(error, *words) == forked(*words)


@ERRORS
def test_openmetrics_with_info_refused_is_the_same(
    isolated: None, objects: Objects, error: int
) -> None:
    kernel.send(objects.queue(), b"hello")
    objects.segment()
    words = ("list", "-a", "-f", "openmetrics")
    assert refused(error, *words) == forked(*words)


@pytest.mark.root
def test_send_too_large_message_with_info_refused_names_msgmax(objects: Objects) -> None:
    """A limit from /proc/sys is checked before anything is sent."""
    msqid = objects.queue()
    msgmax = int((LIMITS / "msgmax").read_text())
    done = policy.without_info("send", str(msqid), "a", "x" * (msgmax + 1))
    assert done.status == 1
    assert f"a message has at most {msgmax} bytes (msgmax)" in done.err
    assert kernel.receive_all(msqid) == []


def test_send_with_limits_unknown_sends_until_the_kernel_refuses(objects: Objects) -> None:
    msqid = objects.queue()
    msgmax = int((LIMITS / "msgmax").read_text())
    done = policy.without_limits("send", str(msqid), "a", "x" * (msgmax + 1))
    words = f"it has {msgmax + 1} bytes; the kernel refuses that size (msgmax)"
    assert done == Result(1, "", f"pyipcs: message 2: {words}; 1 message was sent\n")
    assert kernel.receive_all(msqid) == [(1, b"a")]


def test_op_with_limits_unknown_operates(objects: Objects) -> None:
    semid = objects.semaphores()
    semopm = int((LIMITS / "sem").read_text().split()[2])
    assert policy.without_limits("op", str(semid), "V") == Result(0, "", "")
    done = policy.without_limits("op", str(semid), *["V"] * (semopm + 1))
    assert done.status == 1
    assert done.err == f"pyipcs: {semopm + 1} operations at once, more than semopm\n"


def test_recv_peek_with_limits_unknown_shows_messages(objects: Objects) -> None:
    msqid = objects.queue()
    kernel.send(msqid, b"x" * 8192)
    assert policy.without_limits("recv", str(msqid), "--peek") == Result(0, "x" * 8192 + "\n", "")


def test_openmetrics_with_limits_unknown_has_objects_and_usage(
    isolated: None, objects: Objects
) -> None:
    msqid = objects.queue()
    done = policy.without_limits("list", "-q", "-f", "openmetrics")
    assert (done.status, done.err) == (0, "")
    assert f'sysvipc_queue_messages{{id="{msqid}"' in done.out
    assert "sysvipc_limit{" not in done.out
    assert "sysvipc_messages 0\n" in done.out


def test_resources_with_limits_unknown_have_empty_cells(isolated: None, objects: Objects) -> None:
    objects.queue()
    done = policy.without_limits("list", "-l", "-q", "-f", "csv", "-o", "RESOURCE,LIMIT,USED")
    assert done.out.splitlines()[1] == "MSGMNI,,1"


def test_limits_unknown_are_one_line(isolated: None) -> None:
    for format_ in ("plain", "json"):
        done = policy.without_limits("list", "-l", "-f", format_)
        assert (done.status, done.out) == (1, "")
        assert done.err == "pyipcs: System V IPC: Permission denied\n"


def test_make_refused_by_a_limit_with_info_refused_names_the_limit(isolated: None) -> None:
    shmmax = int((LIMITS / "shmmax").read_text())
    done = policy.without_info("make", "-M", str(shmmax + 1))
    assert done.status == 1
    assert f"shmmax: {shmmax})" in done.err


def test_usage_with_info_refused_in_json_has_numbers(isolated: None, objects: Objects) -> None:
    objects.segment(size=4097)
    found: Figures = json.loads(policy.without_info("list", "-u", "-m", "-f", "json").out)
    assert (found["usage"]["used_ids"], found["usage"]["shm_tot"]) == (1, 2)
