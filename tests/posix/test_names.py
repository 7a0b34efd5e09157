import errno
import os
import subprocess
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyipcs.model import By, Kind, Target
from pyipcs.objects import parse_target as parse_any_target
from pyipcs.posix.names import entry, format_name, parse_name, parse_target
from tests.kit.child import in_child
from tests.kit.kernel import libc
from tests.kit.posix import SHM, ShmFiles
from tests.kit.wait import LIMIT

POSIX = [Kind.POSIX_QUEUE, Kind.POSIX_SEGMENT, Kind.POSIX_SEMAPHORE]
_NAME_BYTES = st.binary(min_size=1, max_size=64).filter(
    lambda data: b"/" not in data and b"\0" not in data and data not in {b".", b".."}
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("/x", "/x"),
        ("x", "/x"),
        ("/sem.x", "/sem.x"),
        ("/.hidden", "/.hidden"),
        ("/...", "/..."),
        (r"\x2fa\nb", "/a\nb"),
        (r"\x2fa\tb", "/a\tb"),
        (r"\x2fa\\b", "/a\\b"),
        (r"\x2fa\x20b", "/a b"),
        (r"/a\x20b", r"/a\x20b"),
        (r"a\b", r"/a\b"),
        ("/a b", "/a b"),
        (r"\x2f\xff", "/\udcff"),
        ("/\udcff", "/\udcff"),
        (r"\x2f\xc3\xa9", "/é"),
        (r"\x2f\xC3\xA9", "/é"),
        (r"\x2fx", "/x"),
        ("/dev", "/dev"),
        ("/" + "a" * 255, "/" + "a" * 255),
    ],
)
def test_parse_name_of_valid_text_returns_name_with_slash(text: str, name: str) -> None:
    assert parse_name(text) == name


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("/", "it is empty"),
        ("/.", "it names a directory"),
        ("/..", "it names a directory"),
        ("..", "it names a directory"),
        ("//x", "it has a second slash"),
        ("/a/b", "it has a second slash"),
        ("/dev/shm/a/b", "it has a second slash"),
        (r"\x2fa\x2fb", "it has a second slash"),
        (r"\x2fa\x00", "it has a null byte"),
        ("/" + "a" * 256, "it has more than 255 bytes"),
        ("/" + "é" * 128, "it has more than 255 bytes"),
        ("/dev/shm/", "it names a directory"),
        ("/dev/mqueue/", "it names a directory"),
        ("/dev/shm/..", "it names a directory"),
        ("/dev/shm/x", "did you mean /x?"),
        ("/dev/mqueue/x", "did you mean /x?"),
        ("/dev/shm/sem.x", "did you mean /x?"),
        ("/dev/shm/a b", r"did you mean \x2fa\x20b?"),
        (r"\x2fa\q", r"the escapes are \n, \t, \\ and \xHH"),
        (r"\x2fa\x2", r"the escapes are \n, \t, \\ and \xHH"),
        ("\\x2fa\\", r"the escapes are \n, \t, \\ and \xHH"),
        ("/\ud800", "it is not valid text"),
    ],
)
def test_parse_name_of_invalid_text_gives_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match="not a POSIX name") as error:
        parse_name(text)
    assert str(error.value) == f"not a POSIX name ({reason})"


def test_parse_name_hint_keeps_prefix_of_segment() -> None:
    with pytest.raises(ValueError, match=r"did you mean /sem\.x\?"):
        parse_name("/dev/shm/sem.x", Kind.POSIX_SEGMENT)


@pytest.mark.parametrize("length", [255, 256])
def test_parse_name_of_segment_has_limit_of_shm_open(shm: ShmFiles, length: int) -> None:
    name, shm_open = "/" + "a" * length, import_module("_posixshmem").shm_open
    if length <= 255:
        os.close(shm_open(name, os.O_RDWR | os.O_CREAT, 0o600))
        assert (SHM / entry(Kind.POSIX_SEGMENT, parse_name(name, Kind.POSIX_SEGMENT))).exists()
        return
    with pytest.raises(OSError, match=os.strerror(errno.ENAMETOOLONG)):
        shm_open(name, os.O_RDWR | os.O_CREAT, 0o600)
    with pytest.raises(ValueError, match="more than 255 bytes"):
        parse_name(name, Kind.POSIX_SEGMENT)


@pytest.mark.parametrize("name", ["/" + "a" * 251, "/" + "a" * 252, "/.", "/..", "/a/b", "/"])
def test_parse_name_of_semaphore_accepts_what_sem_open_does(shm: ShmFiles, name: str) -> None:
    # The semaphore stays mapped, and in memory, until the child ends.
    in_child(lambda: libc.sem_open(name.encode(), os.O_CREAT | os.O_EXCL, 0o600, 1))
    if created := [path.name for path in SHM.iterdir()]:
        assert created == [entry(Kind.POSIX_SEMAPHORE, parse_name(name, Kind.POSIX_SEMAPHORE))]
    else:
        with pytest.raises(ValueError, match="not a POSIX name"):
            parse_name(name, Kind.POSIX_SEMAPHORE)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("/x", "/x"),
        ("/é", "/é"),
        ("/a b", r"\x2fa\x20b"),
        ("/a\nb", r"\x2fa\nb"),
        ("/a\tb", r"\x2fa\tb"),
        ("/a\\nb", r"\x2fa\\nb"),
        ("/\x1b[31m", r"\x2f\x1b[31m"),
        ("/\x7f", r"\x2f\x7f"),
        ("/\x9b", r"\x2f\xc2\x9b"),
        ("/\udcff", r"\x2f\xff"),
        ("/\u202e", r"\x2f\xe2\x80\xae"),
        ("/\u2028", r"\x2f\xe2\x80\xa8"),
        ("/it's", r"\x2fit\x27s"),
        ('/"q"', r"\x2f\x22q\x22"),
        ("/\u3000", r"\x2f\xe3\x80\x80"),
    ],
)
def test_format_name_escapes_what_is_not_printable(name: str, text: str) -> None:
    assert format_name(name) == text
    assert parse_name(text) == name


@given(_NAME_BYTES)
def test_parse_name_reads_what_format_name_prints(data: bytes) -> None:
    name = os.fsdecode(b"/" + data)
    text = format_name(name)
    assert text.isprintable()
    assert len(text.split()) == 1
    assert parse_name(text) == name
    assert os.fsencode(entry(Kind.POSIX_SEGMENT, name)) == data


@pytest.mark.slow
@given(st.text())
def test_parse_name_of_any_text_raises_nothing_but_value_error(text: str) -> None:
    for kind in (None, *POSIX):
        try:
            name = parse_name(text, kind)
        except ValueError:
            continue
        assert parse_name(format_name(name), kind) == name


@pytest.mark.tools("xargs")
def test_format_name_through_xargs_never_names_another_object() -> None:
    """An escaped name without backslashes and quotes, as xargs(1) leaves it, is no target."""
    names = ["/a\nb", "/a b", "/a\tb", "/a\\b", "/it's", '/"q"', "/\udcff", "/plain"]
    listed = "".join(f"{format_name(name)}\n" for name in names)
    done = subprocess.run(
        ["xargs", "-n1", "printf", "%s\\n"],
        input=listed,
        capture_output=True,
        text=True,
        check=True,
        timeout=LIMIT,
    )
    *unquoted, plain = done.stdout.splitlines()
    assert plain == "/plain"
    assert len(unquoted) == len(names) - 1
    for text in unquoted:
        with pytest.raises(ValueError, match="not "):
            parse_any_target(text)


def test_parse_target_keeps_typed_text() -> None:
    assert parse_target(r"\x2fa\x20b") == Target(By.NAME, 0, r"\x2fa\x20b", "/a b")
    assert parse_target(r"/a\x20b") == Target(By.NAME, 0, r"/a\x20b", r"/a\x20b")
    with pytest.raises(ValueError, match="a name starts with a slash"):
        parse_target("x")


def test_entry_of_semaphore_has_prefix() -> None:
    assert entry(Kind.POSIX_SEMAPHORE, "/x") == "sem.x"
    assert entry(Kind.POSIX_SEGMENT, "/x") == "x"
    assert entry(Kind.POSIX_QUEUE, "/x") == "x"
