"""Times, sizes and modes as text."""

import time
from datetime import datetime

import pytest

from pyipcs.columns import Form
from pyipcs.render import text
from pyipcs.render.values import Style, TimeFormat, converter

pytestmark = pytest.mark.usefixtures("utc")
NOON = time.mktime((2026, 6, 15, 12, 0, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"),
        (59, "59s"),
        (60, "1m"),
        (61, "1m1s"),
        (599, "9m59s"),
        (600, "10m"),
        (659, "10m"),
        (3600, "1h"),
        (3661, "1h1m"),
        (36_060, "10h"),
        (86_400, "1d"),
        (90_000, "1d1h"),
        (864_000, "10d"),
        (31_536_000, "365d"),
    ],
)
def test_durations(seconds: int, shown: str) -> None:
    assert text.duration(seconds) == shown


@pytest.mark.parametrize(
    ("ago", "shown"),
    [(0, "12:00"), (11 * 3600, "01:00"), (86_400, "Jun14"), (400 * 86_400, "2025-May11")],
)
def test_short_times(ago: int, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    then = time.localtime(NOON)
    monkeypatch.setattr(
        time, "localtime", lambda now=None, real=time.localtime: then if now is None else real(now)
    )
    assert text.short_time(int(NOON) - ago) == shown


@pytest.mark.parametrize("zone", ["UTC0", "XYZ-5:45", "XYZ+3:30", "XYZ-0:19:32", "XYZ+0:25:21"])
def test_iso_times_tell_the_moment(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    moment = datetime.fromisoformat(text.iso_time.__wrapped__(int(NOON)) or "")
    assert moment.timestamp() == int(NOON)
    assert moment.strftime("%z") == time.strftime("%z", time.localtime(NOON))


def test_relative_times() -> None:
    now = int(time.time())
    assert text.relative_time(now - 125) in {"2m5s ago", "2m6s ago"}
    assert text.relative_time(now + 3600) in {"in 1h", "in 59m"}
    assert text.relative_time(now) in {"now", "1s ago"}


@pytest.mark.parametrize(
    ("mode", "letters", "number"),
    [
        ("0", "---------", "0000"),
        ("600", "rw-------", "0600"),
        ("777", "rwxrwxrwx", "0777"),
        ("3640", "rw-r-----", "0640"),
        ("421", "r---w---x", "0421"),
    ],
)
def test_modes(mode: str, letters: str, number: str) -> None:
    assert text.symbolic(mode) == letters
    assert text.octal(mode) == number


@pytest.mark.parametrize(
    ("mode", "names"),
    [("644", None), ("1644", "dest"), ("2644", "locked"), ("3000", "dest,locked")],
)
def test_flags(mode: str, names: str | None) -> None:
    assert text.flag_names(mode) == names


@pytest.mark.parametrize(
    ("time_format", "shown"),
    [
        (TimeFormat.EPOCH, "1000000000"),
        (TimeFormat.ISO, "2001-09-09T01:46:40+00:00"),
        (TimeFormat.FULL, "Sun Sep  9 01:46:40 2001"),
        (TimeFormat.SHORT, "2001-Sep09"),
    ],
)
def test_time_formats(time_format: TimeFormat, shown: str) -> None:
    style = Style(time_format, human=False, numeric_perms=False)
    convert = converter(Form.TIME, style, "-")
    assert convert
    assert [convert(word) for word in ("1000000000", 1_000_000_000, "0", 0, None)] == [
        *(shown, shown, "-", "-", "-"),
    ]


@pytest.mark.parametrize(
    ("form", "word", "machine", "people"),
    [
        (Form.SIZE, "65536", "65536", "64K"),
        (Form.DURATION, 90_000, "90000", "1d1h"),
        (Form.MODE, "600", "rw-------", "rw-------"),
        (Form.KEY, "-5", "0xfffffffb", "0xfffffffb"),
        (Form.NUMBERS, (1, 2), "1,2", "1,2"),
        (Form.RATE, 2.25, "+2.2", "+2.2"),
        (Form.RATE, -3.0, "-3.0", "-3.0"),
        (Form.RATE, 0.0, "0", "0"),
        (Form.TEXT, "", "", ""),
    ],
)
def test_words(form: Form, word: str | int, machine: str, people: str) -> None:
    for human, shown in ((False, machine), (True, people)):
        convert = converter(form, Style(TimeFormat.ISO, human, numeric_perms=False), "")
        assert (convert(word) if convert else str(word)) == shown
