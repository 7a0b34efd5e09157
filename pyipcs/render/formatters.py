"""What the words of columns look like as text."""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from pyipcs.query.columns import Value, ValueType
from pyipcs.query.plan import Style, TimeFormat
from pyipcs.render.format_units import (
    ctime,
    duration,
    flag_names,
    human,
    iso_time,
    octal,
    relative_time,
    short_time,
    symbolic,
)
from pyipcs.sysv.keys import format_key

_TIMES: dict[TimeFormat, Callable[[int], str | None]] = {
    TimeFormat.SHORT: short_time,
    TimeFormat.FULL: ctime,
    TimeFormat.ISO: iso_time,
    TimeFormat.RELATIVE: relative_time,
    TimeFormat.EPOCH: str,
}


def rate(by_the_second: Any) -> str:
    """How fast something grows."""
    return f"{by_the_second:+.1f}" if by_the_second else "0"


def show_time(seconds: int, style: Style) -> str | None:
    """A time in the format that was asked for; None for never."""
    return _TIMES[style.time_format](seconds) if seconds else None


def _key(word: Any) -> str:
    return format_key(int(word))


def _commas(numbers: Any) -> str | None:
    return ",".join(map(str, numbers)) or None


@cache
def converter(value_type: ValueType, style: Style, missing: str) -> Callable[[Value], str] | None:
    """What turns a word of this form into text; None where that is the word itself.

    Args:
        value_type: what the word means.
        style: how it is to look.
        missing: what stands for what is not there.
    """
    if value_type is ValueType.KEY:
        return _key  # which every object has, and hardly two the same
    convert = _converter(value_type, style)
    if convert is None:
        return None

    def text(word: Value) -> str:
        shown = None if word is None else convert(word)
        return missing if shown is None else shown

    # Of most words there are many of a kind. What time it is now changes, though.
    ages = value_type is ValueType.TIME and style.time_format in {
        TimeFormat.SHORT,
        TimeFormat.RELATIVE,
    }
    return text if ages else lru_cache(maxsize=1024)(text)


def _converter(value_type: ValueType, style: Style) -> Callable[[Any], str | None] | None:
    match value_type:
        case ValueType.MODE:
            return octal if style.numeric_perms else symbolic
        case ValueType.TIME:
            return lambda word: show_time(int(word), style)
        case ValueType.SIZE | ValueType.DURATION if not style.human:
            return None
        case _:
            return _CONVERTERS.get(value_type)


_CONVERTERS: dict[ValueType, Callable[[Any], str | None]] = {
    ValueType.FLAGS: flag_names,
    ValueType.SIZE: lambda word: human(int(word)),
    ValueType.DURATION: lambda word: duration(int(word)),
    ValueType.NUMBERS: _commas,
    ValueType.RATE: rate,
    ValueType.TEXT: lambda word: word or None,
}
