"""Modes over 0777: the higher bits have no effect."""

import pytest

from pyipcs.model import SYSV, Kind
from tests.kit.kernel import Objects, row
from tests.kit.program import invoke, run

OPTIONS = {Kind.QUEUE: ["-Q"], Kind.SEGMENT: ["-M", "4096"], Kind.SEMAPHORE: ["-S", "1"]}
LETTERS = {Kind.QUEUE: "-q", Kind.SEGMENT: "-m", Kind.SEMAPHORE: "-s"}
MODES = {"1777": "777", "4755": "755", "07640": "640", "100644": "644", "1" + "0" * 21: "0"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", SYSV)
def test_make_mode_over_0777_sets_its_permissions(objects: Objects, kind: Kind, mode: str) -> None:
    result = invoke("make", *OPTIONS[kind], "-p", mode, "-i")
    assert (result.status, result.err) == (0, "")
    object_id = objects.adopt(kind, int(result.out))
    assert row(kind, object_id)["perms"] == MODES[mode]


@pytest.mark.tools("ipcmk")
@pytest.mark.parametrize("kind", SYSV)
def test_make_mode_1777_sets_the_same_as_ipcmk(objects: Objects, kind: Kind) -> None:
    perms = set()
    for result in (
        invoke("make", *OPTIONS[kind], "-p", "1777"),
        run("ipcmk", *OPTIONS[kind], "-p", "1777"),
    ):
        object_id = objects.adopt(kind, int(result.out.split()[-1]))
        perms.add(row(kind, object_id)["perms"])
    assert perms == {"777"}


@pytest.mark.parametrize("kind", SYSV)
def test_set_mode_over_0777_sets_its_permissions(objects: Objects, kind: Kind) -> None:
    object_id = objects.make(kind)
    result = invoke("set", LETTERS[kind], str(object_id), "--mode", "1640")
    assert result == (0, "", "")
    assert row(kind, object_id)["perms"] == "640"


@pytest.mark.parametrize("mode", ["888", "0x1ff", "-1", "2000000000000000000000", ""])
def test_make_mode_that_is_no_octal_number_fails(mode: str) -> None:
    assert invoke("make", "-Q", "-p", mode).status == 2
