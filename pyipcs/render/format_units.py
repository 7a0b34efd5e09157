"""Times, sizes and modes as text."""

import time
from functools import cache, lru_cache

from pyipcs.model import SHM_DEST, SHM_LOCKED
from pyipcs.sysv.listing import mode_bits

_DAY = 24 * 60 * 60


@lru_cache(maxsize=1024)
def ctime(seconds: int) -> str:
    """A time as ctime(3) has it, in the local zone, without the newline."""
    return time.ctime(seconds) if seconds else "Not set"


@lru_cache(maxsize=1024)
def iso_time(seconds: int) -> str | None:
    """A time in ISO 8601 with the offset of the local zone; None for never."""
    if not seconds:
        return None
    # The offset has whole minutes there; in the years of local mean time, zones had seconds.
    minutes = int(time.localtime(seconds).tm_gmtoff / 60)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds + 60 * minutes))
    sign = "-" if minutes < 0 else "+"
    return f"{text}{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def short_time(seconds: int) -> str:
    """The time, if it is today; the day, and its year if it is not this one."""
    then, now = time.localtime(seconds), time.localtime()
    if then[:3] == now[:3]:
        return time.strftime("%H:%M", then)
    day = time.strftime("%b%d", then)
    return day if then.tm_year == now.tm_year else f"{then.tm_year}-{day}"


def relative_time(seconds: int) -> str:
    """How long ago something was."""
    ago = int(time.time()) - seconds
    if ago < 0:
        return f"in {duration(-ago)}"
    return f"{duration(ago)} ago" if ago else "now"


def duration(seconds: int) -> str:
    """A duration by its largest unit, and the next where it tells a difference."""
    for unit, next_unit, size, next_size in (
        ("d", "h", _DAY, 3600),
        ("h", "m", 3600, 60),
        ("m", "s", 60, 1),
    ):
        if seconds >= size:
            rest = seconds % size // next_size
            few = seconds < 10 * size
            return f"{seconds // size}{unit}" + (f"{rest}{next_unit}" if rest and few else "")
    return f"{seconds}s"


@cache
def decimal_point() -> str:
    """Return the decimal separator of LC_NUMERIC.

    It is a point where a category of the locale is unknown: setlocale(3) then changes nothing, so
    that util-linux prints a point, too.
    """
    import _locale  # the module locale takes longer than all the rest of a listing

    former = _locale.setlocale(_locale.LC_ALL)
    try:
        _locale.setlocale(_locale.LC_ALL, "")
        return str(_locale.localeconv()["decimal_point"]) or "."
    except (_locale.Error, UnicodeError):  # type: ignore[attr-defined] # typeshed lacks it
        return "."
    finally:
        _locale.setlocale(_locale.LC_ALL, former)


def grouped(number: int) -> str:
    """Return a number with commas between thousands, unless the locale has decimal commas."""
    return f"{number:,}" if decimal_point() == "." else str(number)


def human(size: int) -> str:
    """A size with one letter and at most one decimal, as util-linux rounds and prints it."""
    exponent = max(size.bit_length() - 1, 0) // 10 * 10
    unit = 1 << exponent
    whole, rest = divmod(size, unit)
    if rest >= (2**64 - 1) // 1000:  # where C would overflow, and rounds otherwise
        thousandths = rest // 1024 * 1000 // (unit >> 10)
    else:
        thousandths = rest * 1000 // unit
    tenths = (thousandths + 50) // 100
    if tenths == 10:
        whole, tenths = whole + 1, 0
    decimals = f"{decimal_point()}{tenths}" if tenths else ""
    return f"{whole}{decimals}{'BKMGTPE'[exponent // 10]}"


def octal(mode: str | int) -> str:
    """Permissions, which the kernel lists in octal, as a number of four digits."""
    return f"{mode_bits(mode) & 0o777:04o}"


def symbolic(mode: str | int) -> str:
    """Permissions by letters, as ls(1) and lsipc(1) show them."""
    bits = mode_bits(mode)
    return "".join(
        letter if bits >> 8 - place & 1 else "-" for place, letter in enumerate("rwxrwxrwx")
    )


def flags(mode: str | int) -> dict[str, bool]:
    """The flags of a segment that its mode holds, by the kernel's names."""
    bits = mode_bits(mode)
    return {"dest": bool(bits & SHM_DEST), "locked": bool(bits & SHM_LOCKED)}


def flag_names(mode: str | int) -> str | None:
    """Those flags that are set; None if none is."""
    return ",".join(name for name, is_set in flags(mode).items() if is_set) or None
