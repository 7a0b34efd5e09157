"""Conversion of messages and bytes: text, raw, hex, JSON and C structs.

Functions that parse raise a ValueError whose text is part of a message.
"""

import math
import os
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import Any, TypeAlias

from pyipcs.model import MESSAGE_PRIORITY, MESSAGE_TYPE, Message, MessageField
from pyipcs.text import decimal, parse_number, plural

Encoder: TypeAlias = Callable[[Message], bytes]

FORMATS = {
    "text": "without trailing NULs, with a newline at the end",
    "raw": "unchanged",
    "hex": "a dump",
    "json": "one JSON object per line",
    "unpack": "the fields of a C struct, separated by tabs; see --unpack",
}
_STRUCT_MAX = 1 << 26  # bytes: more than any message
_FLOAT = r"(?ai)\s*[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf(inity)?|nan)"
_PASCAL_MAX = 255  # bytes: the largest count in the first byte of a Pascal string
_ROW = 16  # bytes of a row of a hex dump
# _EXPANSION is the most characters that a record has for a byte of its body: JSON needs 6 for a NUL
# (\u0000), a float of two bytes needs 12 with its tab, and a number may have superfluous digits.
# _EXTRA is for the other members of a line of JSON.
_EXPANSION, _EXTRA = 32, 1 << 16


class Layout:
    """A C struct in the notation of Python's `struct`, with fields as text."""

    def __init__(self, notation: str) -> None:
        """Parse the notation.

        Raises:
            ValueError: the notation is invalid, or the struct is larger than any message.
        """
        if not notation.isascii() or not notation:
            raise ValueError("not a struct (bad char in struct format)")
        try:
            self._struct = struct.Struct(notation)
        except struct.error as error:
            raise ValueError(f"not a struct ({error})") from None
        if self.size > _STRUCT_MAX:
            raise ValueError(f"too large ({self.size} bytes)")
        self.notation = notation
        # Pairs of count and code: "2i" is two numbers, "2s" is one string of two bytes.
        self._parts = [
            (decimal(count or "1"), code)
            for count, code in re.findall(r"(\d*)([a-zA-Z?])", notation)
            if code != "x"
        ]
        if (0, "p") in self._parts:  # `struct` packs such a string, but fails to unpack it
            raise ValueError("not a struct (p has at least the byte which counts the others)")

    @property
    def size(self) -> int:
        """The size in bytes, padding included."""
        return self._struct.size

    @property
    def length(self) -> int:
        """The number of fields."""
        return sum(1 if code in "sp" else count for count, code in self._parts)

    def pack(self, texts: Sequence[bytes]) -> bytes:
        """Return the bytes of the struct with these fields."""
        if len(texts) != self.length:
            has = plural(self.length, "field")
            raise ValueError(f"the struct has {has}, not {len(texts)}")
        values = [*map(_value, texts, self._fields())]
        try:
            return self._struct.pack(*values)
        except (struct.error, OverflowError):
            raise ValueError(self._explain_misfit(texts, values)) from None

    def _explain_misfit(self, texts: Sequence[bytes], values: Sequence[Any]) -> str:
        """Return a message with the first value that is too large for its field."""
        order = self.notation[0] if self.notation[0] in "@=<>!" else "@"
        fields = zip(texts, values, self._fields(), strict=True)
        misfits = (
            f"'{os.fsdecode(text)}' does not fit in {code}"
            for text, value, (_, code) in fields
            if not _fits(order + code, value)
        )
        return next(misfits, f"'{os.fsdecode(b' '.join(texts))}' does not fit in {self.notation}")

    def unpack(self, body: bytes | bytearray) -> list[bytes]:
        """Return the fields of a struct, strings without trailing NULs."""
        if len(body) != self.size:
            has = plural(len(body), "byte")
            raise ValueError(f"the message has {has}, {self.notation} has {self.size}")
        return [_text(value) for value in self._struct.unpack(body)]

    def _fields(self) -> Iterator[tuple[int, str]]:
        """Yield the size and the code of each field; only strings exceed 1."""
        return chain.from_iterable(
            [(count, code)] if code in "sp" else repeat((1, code), count)
            for count, code in self._parts
        )


def _value(field_text: bytes, field: tuple[int, str]) -> Any:
    size, code = field
    text = os.fsdecode(field_text)
    if code in "spc":
        most = min(max(size - 1, 0), _PASCAL_MAX) if code == "p" else size
        if len(field_text) > most:
            raise ValueError(f"'{text}' has more than {plural(most, 'byte')}")
        return field_text or b"\0" if code == "c" else field_text
    try:
        number = _float(text) if code in "efd" else parse_number(text)
    except ValueError:
        raise ValueError(f"'{text}' is not a number") from None
    if isinstance(number, float) and math.isinf(number) and text[-1].isdigit():
        raise ValueError(f"'{text}' does not fit in {code}")
    if code in "ef" and not _fits(f"<{code}", number):  # native mode accepts any float
        raise ValueError(f"'{text}' does not fit in {code}")
    if code == "?" and number not in {0, 1}:
        raise ValueError(f"'{text}' is neither 0 nor 1")
    return number


def _float(text: str) -> float:
    if not re.fullmatch(_FLOAT, text):
        raise ValueError
    return float(text)


def _fits(notation: str, value: Any) -> bool:
    try:
        struct.pack(notation, value)
    except (struct.error, OverflowError):
        return False
    return True


def _text(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value.rstrip(b"\0")
    return repr(int(value) if isinstance(value, bool) else value).encode()


def encoder(
    format_: str,
    *,
    layout: Layout | None = None,
    end: bytes = b"\n",
    with_type: bool = False,
    field: MessageField = MESSAGE_TYPE,
) -> Encoder:
    """Return the function that encodes messages in one of FORMATS.

    Args:
        format_: the format.
        layout: the struct, for `unpack`.
        end: the bytes after each message; `raw` and `hex` ignore them.
        with_type: True to put the type or the priority and a tab first; `json` always has it.
        field: the name of the type or the priority, for `json`.
    """
    if format_ == "json":
        return _json_encoder(end, field.name)
    encode = _body_encoder(format_, layout, end)
    if with_type:
        return lambda message: b"%d\t%b" % (message.type, encode(message))
    return encode


def _body_encoder(format_: str, layout: Layout | None, end: bytes) -> Encoder:
    if layout is not None:
        return lambda message: b"\t".join(layout.unpack(message.body)) + end
    match format_:
        case "hex":
            return lambda message: hex_dump(message.body)
        case "raw":
            return lambda message: message.body
        case _:
            return _text_encoder(end)


def _text_encoder(end: bytes) -> Encoder:
    def encode(message: Message) -> bytes:
        text = message.body.rstrip(b"\0")
        return text if text.endswith(end) else text + end

    return encode


def _json_encoder(end: bytes, field: str) -> Encoder:
    import base64
    import json

    def encode(message: Message) -> bytes:
        entry: dict[str, Any] = {field: message.type, "size": len(message.body)}
        try:
            entry["data"] = message.body.decode()
        except UnicodeDecodeError:
            entry["base64"] = base64.b64encode(message.body).decode()
        # json.dumps escapes all but ASCII and DEL; a terminal gets this output unescaped.
        return json.dumps(entry).replace("\x7f", "\\u007f").encode() + end

    return encode


class EnvelopeError(ValueError):
    """A JSON value that is not a message."""


def from_json(line: bytes, type_: int | None = None, field: MessageField = MESSAGE_TYPE) -> Message:
    """Parse a message in the format of `recv -J`.

    Args:
        line: a JSON object with `data` or `base64`, and optionally `size` and the field.
        type_: the default type or priority; None for the field's own default.
        field: the type or the priority.

    Raises:
        EnvelopeError: the line is JSON, but no such object.
        ValueError: the line is not JSON, or a member is invalid.
    """
    import json

    try:
        entry = json.loads(line.decode())
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ValueError("not JSON") from None
    except (ValueError, RecursionError):  # thousands of digits or brackets
        raise ValueError("too long a number, or nested too deep") from None
    if not isinstance(entry, dict):
        raise EnvelopeError("not an object of JSON")
    default = field.default if type_ is None else type_
    message = Message(entry.get(field.name, default), _json_body(entry))
    if type(message.type) is not int or not field.least <= message.type <= field.most:
        raise ValueError(f"the {field.name} is not a number from {field.least} to {field.most}")
    for other in (MESSAGE_TYPE, MESSAGE_PRIORITY):
        if other != field and other.name in entry:
            raise ValueError(f"it has a {other.name}; messages of this queue have a {field.name}")
    size = entry.get("size", len(message.body))
    if type(size) is not int or size != len(message.body):
        raise ValueError(f"the size is not that of the body, {plural(len(message.body), 'byte')}")
    return message


def _json_body(entry: dict[str, Any]) -> bytes:
    import base64

    match entry:
        case {"data": str(text)} if "base64" not in entry:
            try:
                return text.encode()
            except UnicodeEncodeError:
                raise ValueError("data is not text (half of a surrogate pair)") from None
        case {"base64": str(text)} if "data" not in entry:
            try:
                return base64.b64decode(text, validate=True)
            except ValueError:
                raise ValueError("base64 is not valid") from None
    raise EnvelopeError("it needs exactly one of data and base64")


def decoder(*, hex_: bool, layout: Layout | None) -> Callable[[bytes], bytes] | None:
    """Return the function that decodes a record; None if it is the body.

    Args:
        hex_: True if the record has hex digits.
        layout: the struct whose fields the record has, separated by tabs; else None.
    """
    if layout is not None:
        return lambda record: layout.pack(record.removesuffix(b"\n").split(b"\t"))
    return from_hex if hex_ else None


def longest(size: int) -> int:
    """Return the greatest length of a record for a body of this size."""
    return _EXPANSION * size + _EXTRA


def from_hex(digits: bytes) -> bytes:
    """Return the bytes of pairs of hex digits; white space may separate them."""
    try:
        return bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        raise ValueError("not pairs of hex digits") from None


def hex_dump(body: bytes) -> bytes:
    """Return a body in the format of `hexdump -C`."""
    return "".join(hex_lines([body])).encode()


def hex_lines(pieces: Iterable[bytes | memoryview], offset: int = 0) -> Iterator[str]:
    """Yield the lines of `hexdump -C`, with "*" for repeated rows.

    Unlike hexdump, yield the offset even if there are no bytes.

    Args:
        pieces: the bytes.
        offset: the offset of the first byte.
    """
    last, folded = b"", False
    for rows in _whole_rows(pieces):
        if folded and rows == last * (len(rows) // _ROW):
            offset += len(rows)
            continue
        for start in range(0, len(rows), _ROW):
            row = rows[start : start + _ROW]
            if row != last:
                yield f"{offset:08x}  {_hex(row):48}  |{_ascii(row)}|\n"
            elif not folded:
                yield "*\n"
            last, folded = row, row == last
            offset += len(row)
    yield f"{offset:08x}\n"


def _whole_rows(pieces: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """Yield the bytes in pieces of whole rows."""
    rest = b""
    for piece in pieces:
        data = rest + piece
        end = len(data) // _ROW * _ROW
        yield data[:end]
        rest = data[end:]
    yield rest


def _hex(row: bytes) -> str:
    half = _ROW // 2
    return f"{row[:half].hex(' '):23}  {row[half:].hex(' ')}"


def _ascii(row: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
