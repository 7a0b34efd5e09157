"""Bodies of messages and bytes of segments: text, raw, hex, JSON and C structs, both ways.

What cannot be read is a ValueError whose text says why.
"""

import math
import os
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import Any, TypeAlias

from pyipcs.model import LONG_MAX, Message
from pyipcs.text import parse_number, plural

Encoder: TypeAlias = Callable[[Message], bytes]

FORMATS = {
    "text": "without trailing NULs, with a newline at the end",
    "raw": "as it is",
    "hex": "a dump",
    "json": "an object a line",
    "unpack": "the fields of a C struct, with tabs between",
}
_STRUCT_MAX = 1 << 26  # bytes: far more than a message has, and no burden to build
_FLOAT = r"(?ai)\s*[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf(inity)?|nan)"
_PASCAL_MAX = 255  # bytes, that fit in the byte which counts them
_ROW = 16  # bytes of a row of a hex dump
# Characters for a byte, at the most: 6 in JSON (\u0000), 12 in a float of two bytes and its tab,
# and some have more digits than they need; and what else stands in a line of JSON.
_EXPANSION, _SPARE = 32, 1 << 16


class Layout:
    """A C struct in the notation of Python's module struct, its fields as words."""

    def __init__(self, notation: str) -> None:
        """Read the notation.

        Raises:
            ValueError: it is none, or too large for a message.
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
        # Each as how often and which: "2i" is two numbers, "2s" one string of two bytes.
        self._parts = [
            (int(count or "1"), code)
            for count, code in re.findall(r"(\d*)([a-zA-Z?])", notation)
            if code != "x"
        ]
        if (0, "p") in self._parts:  # which struct writes, and does not read
            raise ValueError("not a struct (p has at least the byte which counts the others)")

    @property
    def size(self) -> int:
        """The bytes of the struct, padding included."""
        return self._struct.size

    @property
    def length(self) -> int:
        """How many fields it has."""
        return sum(1 if code in "sp" else count for count, code in self._parts)

    def pack(self, words: Sequence[bytes]) -> bytes:
        """The struct of these fields."""
        if len(words) != self.length:
            has = plural(self.length, "field")
            raise ValueError(f"the struct has {has}, not {len(words)}")
        values = [*map(_value, words, self._fields())]
        try:
            return self._struct.pack(*values)
        except (struct.error, OverflowError):
            raise ValueError(self._misfit(words, values)) from None

    def _misfit(self, words: Sequence[bytes], values: Sequence[Any]) -> str:
        """Which word is too large for its field, where one is."""
        order = self.notation[0] if self.notation[0] in "@=<>!" else "@"
        fields = zip(words, values, self._fields(), strict=True)
        misfits = (
            f"'{os.fsdecode(word)}' does not fit in {code}"
            for word, value, (_, code) in fields
            if not _fits(order + code, value)
        )
        return next(misfits, f"'{os.fsdecode(b' '.join(words))}' does not fit in {self.notation}")

    def unpack(self, body: bytes | bytearray) -> list[bytes]:
        """The fields of a struct, strings without the NULs at their end."""
        if len(body) != self.size:
            has = plural(len(body), "byte")
            raise ValueError(f"the message has {has}, {self.notation} has {self.size}")
        return [_word(value) for value in self._struct.unpack(body)]

    def _fields(self) -> Iterator[tuple[int, str]]:
        """The size of a string, or 1, and the code of each field."""
        return chain.from_iterable(
            [(count, code)] if code in "sp" else repeat((1, code), count)
            for count, code in self._parts
        )


def _value(word: bytes, field: tuple[int, str]) -> Any:
    size, code = field
    if code in "spc":
        most = min(max(size - 1, 0), _PASCAL_MAX) if code == "p" else size
        if len(word) > most:
            raise ValueError(f"'{os.fsdecode(word)}' has more than {plural(most, 'byte')}")
        return word or b"\0" if code == "c" else word
    text = os.fsdecode(word)
    try:
        number = _float(text) if code in "efd" else parse_number(text)
    except ValueError:
        raise ValueError(f"'{text}' is not a number") from None
    if isinstance(number, float) and math.isinf(number) and text[-1].isdigit():
        raise ValueError(f"'{text}' does not fit in {code}")
    if code in "ef" and not _fits(f"<{code}", number):  # native floats do not notice
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


def _word(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value.rstrip(b"\0")
    return repr(int(value) if isinstance(value, bool) else value).encode()


def encoder(
    format_: str, *, layout: Layout | None = None, end: bytes = b"\n", with_type: bool = False
) -> Encoder:
    """What writes messages in one of FORMATS.

    Args:
        format_: the format.
        layout: the struct, for `unpack`.
        end: what ends a message, but in `raw` and `hex`.
        with_type: put the type and a tab first, but in `json`, which has it anyway.
    """
    if format_ == "json":
        return _json_encoder(end)
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


def _json_encoder(end: bytes) -> Encoder:
    import base64
    import json

    def encode(message: Message) -> bytes:
        entry: dict[str, Any] = {"type": message.type, "size": len(message.body)}
        try:
            entry["data"] = message.body.decode()
        except UnicodeDecodeError:
            entry["base64"] = base64.b64encode(message.body).decode()
        # ASCII, and DEL written out too: it may go to a terminal as it is.
        return json.dumps(entry).replace("\x7f", "\\u007f").encode() + end

    return encode


class EnvelopeError(ValueError):
    """A JSON value that does not describe a message."""


def from_json(line: bytes, type_: int = 1) -> Message:
    """Parse a line that `recv -J` writes.

    Args:
        line: an object of JSON with `data` or `base64`, and if need be `type` and `size`.
        type_: the type of a message without one.

    Raises:
        EnvelopeError: it is a JSON value, but no such object.
        ValueError: it is no JSON, or a value in it is wrong.
    """
    import json

    try:
        entry = json.loads(line.decode())
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ValueError("not JSON") from None
    except (ValueError, RecursionError):  # of thousands of digits, or of brackets
        raise ValueError("too long a number, or nested too deep") from None
    if not isinstance(entry, dict):
        raise EnvelopeError("not an object of JSON")
    message = Message(entry.get("type", type_), _json_body(entry))
    if type(message.type) is not int or not 1 <= message.type <= LONG_MAX:
        raise ValueError(f"the type is not a number from 1 to {LONG_MAX}")
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
    """What makes a body of a record; None where it is the record itself.

    Args:
        hex_: whether the record is hex digits.
        layout: the struct whose fields it has, with tabs between, if it has.
    """
    if layout is not None:
        return lambda record: layout.pack(record.removesuffix(b"\n").split(b"\t"))
    return from_hex if hex_ else None


def longest(size: int) -> int:
    """The characters beyond which a record stands for more than so many bytes."""
    return _EXPANSION * size + _SPARE


def from_hex(digits: bytes) -> bytes:
    """The bytes of pairs of hex digits, between which may be white space."""
    try:
        return bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        raise ValueError("not pairs of hex digits") from None


def hex_dump(body: bytes) -> bytes:
    """The body as `hex_lines` shows it."""
    return "".join(hex_lines([body])).encode()


def hex_lines(pieces: Iterable[bytes | memoryview], offset: int = 0) -> Iterator[str]:
    """Bytes as `hexdump -C` shows them: offset, hex and ASCII, repeated rows folded.

    No bytes at all, of which hexdump shows nothing, are the offset of their end.

    Args:
        pieces: the bytes, as they come.
        offset: that of the first.
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
    """The bytes, cut where a row ends."""
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
