"""pyipcs rm msg|shm|sem ID...: invalid ids do not stop the removal of others."""

import pytest

from pyipcs.model import Kind
from tests.kit.kernel import Objects, ids
from tests.kit.program import invoke, need_tool, run


@pytest.mark.parametrize("program", ["pyipcs", "ipcrm"])
def test_rm_old_syntax_invalid_ids_are_reported_and_others_removed(
    objects: Objects, program: str
) -> None:
    first, second = objects.segment(), objects.segment()
    words = ["shm", "Shared", "shmid", str(first), "0xcafe", str(second)]
    result = invoke(*(["rm"] if program == "pyipcs" else []), *words, program=program)
    lines = [f"pyipcs: invalid id: {word}" for word in ("Shared", "shmid", "0xcafe")]
    assert (result.status, result.out, result.err.splitlines()) == (1, "", lines)
    assert not {first, second} & ids(Kind.SEGMENT)


def test_rm_old_syntax_headings_of_ipcs_leave_no_segment(objects: Objects, isolated: None) -> None:
    need_tool("ipcs")
    objects.segment()
    objects.segment()
    words = [line.split()[1] for line in run("ipcs", "-m").out.splitlines() if line]
    result = invoke("rm", "shm", *words)
    assert (result.status, ids(Kind.SEGMENT)) == (1, set())
    assert result.err == "pyipcs: invalid id: Shared\npyipcs: invalid id: shmid\n"


def test_rm_old_syntax_never_guesses_an_id(objects: Objects, isolated: None) -> None:
    """To ipcrm, an empty argument and 4294967296 are the id 0."""
    first = objects.segment()
    for word in ("", " ", str(first + 2**32), f"{first}x", f"-{first or 1}", f"{first}\n"):
        assert invoke("rm", "shm", word).status == 1
    assert first in ids(Kind.SEGMENT)


def test_rm_old_syntax_order_of_messages_is_that_of_arguments(objects: Objects) -> None:
    segment = objects.segment()
    result = invoke("rm", "shm", "2147483647", "x", "2147483646", str(segment))
    lines = ["invalid id (2147483647)", "invalid id: x", "invalid id (2147483646)"]
    assert result.err.splitlines() == [f"pyipcs: {line}" for line in lines]


def test_rm_old_syntax_dry_run_reports_words_and_removes_nothing(objects: Objects) -> None:
    segment = objects.segment()
    result = invoke("rm", "-n", "shm", "Shared", str(segment))
    assert (result.status, result.err) == (1, "pyipcs: invalid id: Shared\n")
    assert str(segment) in result.out
    assert segment in ids(Kind.SEGMENT)


def test_rm_old_syntax_dry_run_without_an_id_shows_no_objects(objects: Objects) -> None:
    objects.segment()
    result = invoke("rm", "-n", "shm", "Shared", "-f", "json", "-o", "ID")
    assert (result.status, '"shmems": []' in result.out) == (1, True)
