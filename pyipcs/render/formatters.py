"""Functions that format the values of a column, by its value type.

Values come from /proc/sysvipc as text, or from records as ints: each function accepts both.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from typing import Any

from pyipcs.query.columns import Value, ValueType
from pyipcs.query.plan import Style, TimeFormat
from pyipcs.render.format_units import (
    duration,
    flag_names,
    human,
    octal,
    show_time,
    symbolic,
)
from pyipcs.sysv.keys import format_keys


def rate(per_second: Any) -> str:
    """Return a rate of growth with its sign."""
    return f"{per_second:+.1f}" if per_second else "0"


def _commas(numbers: Any) -> str | None:
    return ",".join(map(str, numbers)) or None


def formatted(
    value_type: ValueType, values: Sequence[Value], style: Style, missing: str
) -> Iterable[Value]:
    """Return the texts of values; see `converter`. Numbers stay unchanged."""
    if value_type is ValueType.KEY and None not in values:  # few objects share one
        return format_keys(values)  # type: ignore[arg-type] # none is None
    convert = converter(value_type, style, missing)
    return map(convert, values) if convert else with_missing(values, missing)


def with_missing(values: Sequence[Value], missing: str) -> Sequence[Value]:
    """Return the values with a text in place of each None."""
    return [missing if value is None else value for value in values] if None in values else values


@cache
def converter(value_type: ValueType, style: Style, missing: str) -> Callable[[Value], str] | None:
    """Return the function that formats values; None to print them unchanged.

    Args:
        value_type: the type of the values.
        style: the formats of values.
        missing: the text for an unknown value.
    """
    if value_type is ValueType.KEY:  # few objects share one: no cache
        return lambda key: missing if key is None else format_keys((key,))[0]
    convert = _converter(value_type, style)
    if convert is None:
        return None

    def text(value: Value) -> str:
        shown = None if value is None else convert(value)
        return missing if shown is None else shown

    return lru_cache(maxsize=1024)(text) if _is_cached(value_type, style) else text


def _is_cached(value_type: ValueType, style: Style) -> bool:
    """Return True if values repeat and the time does not change their texts.

    Names do not repeat.
    """
    is_relative = style.time_format in {TimeFormat.SHORT, TimeFormat.RELATIVE}
    return value_type is not ValueType.NAME and not (value_type is ValueType.TIME and is_relative)


def _converter(value_type: ValueType, style: Style) -> Callable[[Any], str | None] | None:
    match value_type:
        case ValueType.MODE:
            return octal if style.numeric_perms else symbolic
        case ValueType.TIME:
            return lambda value: show_time(int(value), style)
        case ValueType.NAME:
            from pyipcs.posix.names import format_name

            return format_name
        case ValueType.SIZE | ValueType.DURATION if not style.human:
            return None
        case _:
            return _CONVERTERS.get(value_type)


_CONVERTERS: dict[ValueType, Callable[[Any], str | None]] = {
    ValueType.FLAGS: flag_names,
    ValueType.SIZE: lambda value: human(int(value)),
    ValueType.DURATION: lambda value: duration(int(value)),
    ValueType.NUMBERS: _commas,
    ValueType.RATE: rate,
    ValueType.TEXT: lambda value: value or None,
}
