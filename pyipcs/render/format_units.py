"""Times, sizes and modes as text."""

import time
from collections.abc import Callable
from functools import cache, lru_cache, wraps
from typing import TypeVar

from pyipcs.listing import mode_bits
from pyipcs.model import SHM_DEST, SHM_LOCKED
from pyipcs.query.plan import Style, TimeFormat

_DAY = 24 * 60 * 60
_Text = TypeVar("_Text", str, "str | None")


def _or_seconds(convert: Callable[[int], _Text]) -> Callable[[int], _Text]:
    """Make a conversion return the seconds of a time without a date.

    The owner of a file may set any time (utimensat(2)), also in a year that struct tm cannot have.
    """

    @wraps(convert)
    def text(seconds: int) -> _Text:
        try:
            return convert(seconds)
        except (OSError, OverflowError, ValueError):
            return str(seconds)

    return text


@lru_cache(maxsize=1024)
@_or_seconds
def ctime(seconds: int) -> str:
    """Return a local time in the format of ctime(3), without the newline."""
    return time.ctime(seconds) if seconds else "Not set"


@lru_cache(maxsize=1024)
@_or_seconds
def iso_time(seconds: int) -> str | None:
    """Return a local time in ISO 8601 with its offset; None for never."""
    if not seconds:
        return None
    # ISO 8601 offsets have whole minutes; offsets of local mean time also had seconds.
    minutes = int(time.localtime(seconds).tm_gmtoff / 60)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds + 60 * minutes))
    sign = "-" if minutes < 0 else "+"
    return f"{text}{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


@_or_seconds
def short_time(seconds: int) -> str:
    """Return the time for today, else the day, with the year if it differs."""
    then, now = time.localtime(seconds), time.localtime()
    if then[:3] == now[:3]:
        return time.strftime("%H:%M", then)
    day = time.strftime("%b%d", then)
    return day if then.tm_year == now.tm_year else f"{then.tm_year}-{day}"


def relative_time(seconds: int) -> str:
    """Return the time since a moment, or until it: "5m ago", "in 1h"."""
    ago = int(time.time()) - seconds
    if ago < 0:
        return f"in {duration(-ago)}"
    return f"{duration(ago)} ago" if ago else "now"


def duration(seconds: int) -> str:
    """Return a duration in its largest unit, and the next if significant."""
    for unit, next_unit, size, next_size in (
        ("d", "h", _DAY, 3600),
        ("h", "m", 3600, 60),
        ("m", "s", 60, 1),
    ):
        if seconds >= size:
            rest = seconds % size // next_size
            is_significant = rest and seconds < 10 * size
            return f"{seconds // size}{unit}" + (f"{rest}{next_unit}" if is_significant else "")
    return f"{seconds}s"


@cache
def decimal_point() -> str:
    """Return the decimal separator of LC_NUMERIC.

    It is a point if a category of the locale is unknown: setlocale(3) then changes nothing, and
    util-linux prints a point, too.
    """
    import _locale  # importing locale takes longer than the rest of a listing

    former = _locale.setlocale(_locale.LC_ALL)
    try:
        _locale.setlocale(_locale.LC_ALL, "")
        return str(_locale.localeconv()["decimal_point"]) or "."
    except (_locale.Error, UnicodeError):  # type: ignore[attr-defined] # typeshed lacks it
        return "."
    finally:
        _locale.setlocale(_locale.LC_ALL, former)


def grouped(number: int) -> str:
    """Return a number with commas, unless the locale has decimal commas."""
    return f"{number:,}" if decimal_point() == "." else str(number)


def human(size: int) -> str:
    """Return a size with a unit letter and at most one decimal.

    It is rounded as in util-linux (size_to_human_string in lib/strutils.c).
    """
    exponent = max(size.bit_length() - 1, 0) // 10 * 10
    unit = 1 << exponent
    whole, rest = divmod(size, unit)
    if rest >= (2**64 - 1) // 1000:  # rest * 1000 would overflow in C
        thousandths = rest // 1024 * 1000 // (unit >> 10)
    else:
        thousandths = rest * 1000 // unit
    tenths = (thousandths + 50) // 100
    if tenths == 10:
        whole, tenths = whole + 1, 0
    decimals = f"{decimal_point()}{tenths}" if tenths else ""
    return f"{whole}{decimals}{'BKMGTPE'[exponent // 10]}"


def octal(mode: str | int) -> str:
    """Return permissions as four octal digits."""
    return f"{mode_bits(mode) & 0o777:04o}"


def symbolic(mode: str | int) -> str:
    """Return permissions as letters, like ls(1) and lsipc(1)."""
    bits = mode_bits(mode)
    return "".join(
        letter if bits >> 8 - place & 1 else "-" for place, letter in enumerate("rwxrwxrwx")
    )


def flags(mode: str | int) -> dict[str, bool]:
    """Return the flags in a segment's mode by the kernel's names."""
    bits = mode_bits(mode)
    return {"dest": bool(bits & SHM_DEST), "locked": bool(bits & SHM_LOCKED)}


def flag_names(mode: str | int) -> str | None:
    """Return the names of the set flags; None if no flag is set."""
    return ",".join(name for name, is_set in flags(mode).items() if is_set) or None


_TIMES: dict[TimeFormat, Callable[[int], str | None]] = {
    TimeFormat.SHORT: short_time,
    TimeFormat.FULL: ctime,
    TimeFormat.ISO: iso_time,
    TimeFormat.RELATIVE: relative_time,
    TimeFormat.EPOCH: str,
}


def show_time(seconds: int, style: Style) -> str | None:
    """Return a time in the format of a style; None for never."""
    return _TIMES[style.time_format](seconds) if seconds else None
