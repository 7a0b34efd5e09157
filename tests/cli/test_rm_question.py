"""The question of rm --all on a terminal: the objects, their use, and other users'."""

import os
import re

import pytest

from pyipcs.model import Kind
from pyipcs.sysv import libc
from tests.kit.factories import leaked_segment, suspect_set, waiting
from tests.kit.kernel import IS_ROOT, NOBODY, Objects, attached, everything
from tests.kit.terminal import end, on_terminal, read_all, read_until, without_codes
from tests.kit.wait import LIMIT


def question(*args: str, before: tuple[str, ...] = ()) -> str:
    """Return the question of rm on a terminal, and answer no."""
    process, terminal = on_terminal("rm", *args, before=before)
    try:
        text = without_codes(read_until(terminal, r" \[y/N\] "))
        os.write(terminal, b"n\n")
        read_all(terminal)
        assert process.wait(LIMIT) == 1
    finally:
        end(process, terminal)
    return text.splitlines()[-1].removesuffix(" [y/N] ")


def test_rm_all_asks_with_the_kinds_in_the_order_of_the_listing(
    objects: Objects, isolated: None
) -> None:
    for kind, number in ((Kind.SEMAPHORE, 1), (Kind.SEGMENT, 2), (Kind.QUEUE, 3)):
        for _ in range(number):
            objects.make(kind)
    before = everything()
    counts = r"3 message queues, 2 segments and 1 semaphore set\?"
    assert re.fullmatch(rf"Remove {counts}.*", question("--all"))
    assert re.fullmatch(r"Remove 2 segments\?.*", question("--all=shm"))
    assert everything() == before


def test_rm_all_asks_how_many_objects_are_in_use(objects: Objects, isolated: None) -> None:
    leaked_segment(objects)
    used = objects.segment()
    objects.queue()  # never used: in doubt
    with attached(used):
        text = question("--all")
    assert text == "Remove 1 message queue and 2 segments? 1 is in use, 1 may be in use."


def test_rm_all_of_unused_objects_asks_without_more(objects: Objects, isolated: None) -> None:
    leaked_segment(objects)
    assert question("--all") == "Remove 1 segment?"


def test_rm_all_of_one_object_in_use_says_it(objects: Objects, isolated: None) -> None:
    shmid = objects.segment()
    with attached(shmid):
        assert question("--all") == "Remove 1 segment? It is in use."


def test_rm_all_of_several_objects_in_use_says_all(objects: Objects, isolated: None) -> None:
    first, second = objects.segment(), objects.segment()
    with attached(first), attached(second):
        assert question("--all") == "Remove 2 segments? All are in use."


def test_rm_all_asks_about_a_queue_on_which_a_process_waits(
    objects: Objects, isolated: None
) -> None:
    msqid = objects.queue()
    with waiting(f"msgrcv({msqid}, room, 9, 0, 0)"):
        assert question("--all") == "Remove 1 message queue? It is in use."


@pytest.mark.root
def test_rm_all_asks_how_many_objects_belong_to_other_users(
    objects: Objects, isolated: None
) -> None:
    suspect_set(objects)
    owned = [leaked_segment(objects) for _ in range(3)]
    assert "belong" not in question("--all")
    libc.change(Kind.SEGMENT, owned[0], uid=NOBODY)
    counts = "3 segments and 1 semaphore set"
    assert question("--all").startswith(f"Remove {counts}?")
    assert question("--all=shm") == "Remove 3 segments? 1 belongs to another user."
    libc.change(Kind.SEGMENT, owned[1], uid=NOBODY)
    assert question("--all=shm") == "Remove 3 segments? 2 belong to another user."
    libc.change(Kind.SEGMENT, owned[2], uid=NOBODY - 1)
    assert question("--all=shm") == "Remove 3 segments? All belong to other users."
    text = question("--all=shm", "--owner", str(NOBODY - 1))
    assert text == "Remove 1 segment? It belongs to another user."


@pytest.mark.skipif(not IS_ROOT, reason="mounts over /proc")
@pytest.mark.tools("unshare")
def test_rm_all_without_proc_says_that_objects_may_be_in_use(
    objects: Objects, isolated: None, tmp_path: object
) -> None:
    for _ in range(2):
        leaked_segment(objects)
    hide = f'mount --bind {tmp_path} /proc && exec "$@"'
    text = question("--all", before=("unshare", "--mount", "sh", "-c", hide, "sh"))
    assert text == "Remove 2 segments? All may be in use."
