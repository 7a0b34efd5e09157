"""--owner of set and make, as chown(1) reads it."""

import os
import pwd
from pathlib import Path

import pytest

from pyipcs.model import SYSV, Kind
from tests.kit.kernel import Objects, row
from tests.kit.program import invoke, run

LETTERS = {Kind.QUEUE: "-q", Kind.SEGMENT: "-m", Kind.SEMAPHORE: "-s"}
ME = pwd.getpwuid(os.geteuid())


def owner_of(kind: Kind, object_id: int) -> tuple[int, int]:
    found = row(kind, object_id)
    return int(found["uid"]), int(found["gid"])


@pytest.mark.root
@pytest.mark.parametrize("kind", SYSV)
@pytest.mark.parametrize("spec", [":daemon", ":7", "daemon:", "daemon", "7:8", "daemon:daemon"])
def test_set_owner_sets_the_same_as_chown(
    objects: Objects, tmp_path: Path, kind: Kind, spec: str
) -> None:
    file = tmp_path / "file"
    file.touch()
    for start in ("3:4", spec):
        assert run("chown", start, str(file)).status == 0
    object_id = objects.make(kind)
    for start in ("3:4", spec):
        result = invoke("set", LETTERS[kind], str(object_id), "--owner", start)
        assert result == (0, "", "")
    assert owner_of(kind, object_id) == (file.stat().st_uid, file.stat().st_gid)


@pytest.mark.parametrize("kind", SYSV)
@pytest.mark.parametrize("user", ["", ME.pw_name])
def test_set_owner_group_of_an_ordinary_user_leaves_the_user(
    objects: Objects, kind: Kind, user: str
) -> None:
    object_id = objects.make(kind)
    result = invoke("set", LETTERS[kind], str(object_id), "--owner", f"{user}:{os.getegid()}")
    assert result == (0, "", "")
    assert owner_of(kind, object_id) == (os.geteuid(), os.getegid())


@pytest.mark.root
def test_make_owner_group_alone_leaves_the_user(objects: Objects) -> None:
    result = invoke("make", "-Q", "--owner", ":daemon", "-i")
    msqid = objects.adopt(Kind.QUEUE, int(result.out))
    assert owner_of(Kind.QUEUE, msqid) == (0, 1)


@pytest.mark.parametrize("spec", [":", "", "7:", ":no-such-group", "no-such-user:", "7:8:9"])
def test_set_owner_that_chown_refuses_fails_before_a_change(objects: Objects, spec: str) -> None:
    msqid = objects.queue()
    before = row(Kind.QUEUE, msqid)
    result = invoke("set", "-q", str(msqid), "--owner", spec, "--mode", "600")
    assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)
    assert row(Kind.QUEUE, msqid) == before
