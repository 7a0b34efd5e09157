"""Times, sizes and modes as text."""

import time
from datetime import datetime

import pytest

from pyipcs.query.columns import ValueType
from pyipcs.query.plan import Style, TimeFormat
from pyipcs.render import format_units
from pyipcs.render.formatters import converter

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
def test_duration_has_at_most_two_units(seconds: int, shown: str) -> None:
    assert format_units.duration(seconds) == shown


@pytest.mark.parametrize(
    ("ago", "shown"),
    [(0, "12:00"), (11 * 3600, "01:00"), (86_400, "Jun14"), (400 * 86_400, "2025-May11")],
)
def test_short_time_is_time_day_or_year(
    ago: int, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = time.localtime(NOON)
    monkeypatch.setattr(
        time, "localtime", lambda now=None, real=time.localtime: then if now is None else real(now)
    )
    assert format_units.short_time(int(NOON) - ago) == shown


@pytest.mark.parametrize("seconds", [2**62, -(2**62), 2**63 - 1, -(2**63)])
@pytest.mark.parametrize("name", ["ctime", "iso_time", "short_time"])
def test_time_without_date_is_its_seconds(name: str, seconds: int) -> None:
    assert getattr(format_units, name)(seconds) == str(seconds)


@pytest.mark.parametrize("zone", ["UTC0", "XYZ-5:45", "XYZ+3:30", "XYZ-0:19:32", "XYZ+0:25:21"])
def test_iso_time_has_the_moment_and_the_offset(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    moment = datetime.fromisoformat(format_units.iso_time.__wrapped__(int(NOON)) or "")
    assert moment.timestamp() == int(NOON)
    assert moment.strftime("%z") == time.strftime("%z", time.localtime(NOON))


@pytest.mark.parametrize(("ago", "shown"), [(125, "2m5s ago"), (-3600, "in 1h"), (0, "now")])
def test_relative_time_is_ago_or_in(ago: int, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOON + 0.9)
    assert format_units.relative_time(int(NOON) - ago) == shown


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
def test_mode_is_symbolic_or_octal(mode: str, letters: str, number: str) -> None:
    assert format_units.symbolic(mode) == format_units.symbolic(int(mode, 8)) == letters
    assert format_units.octal(mode) == format_units.octal(int(mode, 8)) == number


@pytest.mark.parametrize(
    ("mode", "names"),
    [("644", None), ("1644", "dest"), ("2644", "locked"), ("3000", "dest,locked")],
)
def test_flag_names_are_those_of_the_mode(mode: str, names: str | None) -> None:
    assert format_units.flag_names(mode) == format_units.flag_names(int(mode, 8)) == names


@pytest.mark.parametrize(
    ("time_format", "shown"),
    [
        (TimeFormat.EPOCH, "1000000000"),
        (TimeFormat.ISO, "2001-09-09T01:46:40+00:00"),
        (TimeFormat.FULL, "Sun Sep  9 01:46:40 2001"),
        (TimeFormat.SHORT, "2001-Sep09"),
    ],
)
def test_converter_time_has_the_chosen_format(time_format: TimeFormat, shown: str) -> None:
    style = Style(time_format, human=False, numeric_perms=False)
    convert = converter(ValueType.TIME, style, "-")
    assert convert
    assert [convert(word) for word in ("1000000000", 1_000_000_000, "0", 0, None)] == [
        *(shown, shown, "-", "-", "-"),
    ]


@pytest.mark.parametrize(
    ("value_type", "word", "machine", "people"),
    [
        (ValueType.SIZE, "65536", "65536", "64K"),
        (ValueType.DURATION, 90_000, "90000", "1d1h"),
        (ValueType.MODE, "600", "rw-------", "rw-------"),
        (ValueType.KEY, "-5", "0xfffffffb", "0xfffffffb"),
        (ValueType.NUMBERS, (1, 2), "1,2", "1,2"),
        (ValueType.RATE, 2.25, "+2.2", "+2.2"),
        (ValueType.RATE, -3.0, "-3.0", "-3.0"),
        (ValueType.RATE, 0.0, "0", "0"),
        (ValueType.TEXT, "", "", ""),
    ],
)
def test_converter_human_shows_units(
    value_type: ValueType, word: str | int, machine: str, people: str
) -> None:
    for human, shown in ((False, machine), (True, people)):
        convert = converter(value_type, Style(TimeFormat.ISO, human, numeric_perms=False), "")
        assert (convert(word) if convert else str(word)) == shown
