"""pyipcs rm --all: POSIX objects that change, vanish or are removed by others meanwhile."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from pyipcs.model import POSIX, Kind
from tests.kit.mqueue import open_queue, send_message
from tests.kit.posix import needs_leases
from tests.kit.posix_objects import PosixObjects, posix_files
from tests.kit.program import fork, text_in
from tests.kit.terminal import end, on_terminal, read_all, read_until, without_codes
from tests.kit.wait import LIMIT, exit_code, wait_until

OLD = time.time() - 7200
MANY = 1500

pytestmark = needs_leases


def asked(change: Callable[[], object], *args: str) -> tuple[int, str]:
    """Return the status and output of rm after a change at its question."""
    process, terminal = on_terminal("rm", "-v", *args)
    try:
        read_until(terminal, r"\[y/N\]")
        change()
        os.write(terminal, b"y\n")
        text = read_all(terminal)
        return process.wait(LIMIT), without_codes(text).replace("\r\n", "\n")
    finally:
        end(process, terminal)


def send(path: Path) -> None:
    descriptor = open_queue(f"/{path.name}", os.O_WRONLY)
    send_message(descriptor, b"late")
    os.close(descriptor)


@pytest.mark.parametrize("kind", POSIX)
def test_rm_mine_removes_object_that_changed_and_still_matches(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    status, text = asked(lambda: path.chmod(0o640), f"--all={kind.value}", "--mine")
    assert (status, posix_files()) == (0, set())
    assert "skipped" not in text


@pytest.mark.parametrize("kind", [Kind.POSIX_QUEUE, Kind.POSIX_SEGMENT])
def test_rm_idle_skips_object_used_since_the_question(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    os.utime(path, (OLD, OLD))
    status, text = asked(lambda: os.utime(path), f"--all={kind.value}", "--idle", "1h")
    assert status == 0
    assert text.endswith(f"pyipcs: skipped {kind.noun} /x: changed since it was listed\n")
    assert path.exists()


@pytest.mark.parametrize("option", ["--empty", "--orphaned"])
def test_rm_skips_queue_that_got_a_message_since_the_question(
    option: str, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(Kind.POSIX_QUEUE)
    status, text = asked(lambda: send(path), "--all=pmsg", option)
    assert status == 0
    assert text.endswith("pyipcs: skipped POSIX queue /x: changed since it was listed\n")
    assert path.exists()


def test_rm_suspect_removes_queue_that_got_a_message_since_the_question(
    posix_objects: PosixObjects,
) -> None:
    path = posix_objects.make(Kind.POSIX_QUEUE)
    status, text = asked(lambda: send(path), "--all=pmsg", "--suspect")
    assert (status, posix_files()) == (0, set())
    assert text.endswith("removing POSIX message queue `/x'\n")


@pytest.mark.parametrize("kind", POSIX)
@pytest.mark.parametrize("filters", [[], ["--mine"], ["--orphaned"]], ids=str)
def test_rm_of_object_that_vanished_since_the_question_is_silent(
    kind: Kind, filters: list[str], posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)
    status, text = asked(path.unlink, f"--all={kind.value}", *filters)
    assert status == 0
    assert "skipped" not in text
    assert "not found" not in text


@pytest.mark.parametrize("kind", POSIX)
def test_rm_leaves_object_that_replaced_the_listed_one(
    kind: Kind, posix_objects: PosixObjects
) -> None:
    path = posix_objects.make(kind)

    def replace() -> None:
        path.unlink()
        posix_objects.make(kind)

    status, text = asked(replace, f"--all={kind.value}", "--mine")
    assert status == 0
    assert "skipped" not in text
    assert path.exists()


def many(posix_objects: PosixObjects) -> None:
    for number in range(MANY):
        posix_objects.make(Kind.POSIX_SEGMENT, f"many-{number}")


@pytest.mark.slow
def test_rm_by_two_processes_at_once_removes_each_object_once(posix_objects: PosixObjects) -> None:
    many(posix_objects)
    null = os.open(os.devnull, os.O_RDWR)
    with TemporaryFile() as first, TemporaryFile() as second:
        children = [
            fork("rm", "-v", "--all=pshm", "--orphaned", stdin=null, stdout=out, stderr=out)
            for out in (first.fileno(), second.fileno())
        ]
        os.close(null)
        assert [exit_code(child) for child in children] == [0, 0]
        lines = (text_in(first) + text_in(second)).splitlines()
    removed = [line for line in lines if line.startswith("removing ")]
    # Each process is an opener for the other one.
    skipped = [line for line in lines if line.endswith(": in use")]
    noted = [line for line in lines if line.endswith("while a process was opening it")]
    assert len(removed) + len(skipped) + len(noted) == len(lines), lines
    assert len({*removed}) == len(removed) == MANY - len(posix_files())
    assert len(posix_files()) <= len(skipped)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_rm_verbose_on_a_terminal_ended_by_a_signal_names_all_removed_objects_but_one(
    number: signal.Signals, posix_objects: PosixObjects
) -> None:
    many(posix_objects)
    process, terminal = on_terminal("rm", "-v", "-y", "--all=pshm", "--mine")
    try:
        wait_until(lambda: len(posix_files()) < MANY - 10)
        process.send_signal(number)
        printed = read_all(terminal).count("removing ")
        assert process.wait(LIMIT) == -number
    finally:
        end(process, terminal)
    assert MANY - len(posix_files()) - printed in {0, 1}
