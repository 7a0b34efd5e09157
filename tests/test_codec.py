"""The codecs of message bodies: text, raw, hex, JSON and structs."""

import json
import math
import struct
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyipcs.codec import Layout, encoder, from_hex, from_json, hex_dump
from pyipcs.model import MESSAGE_PRIORITY, MESSAGE_TYPE, Message, MessageField
from tests.kit.samples import MESSAGES
from tests.kit.wait import LIMIT


class TestText:
    @pytest.mark.parametrize(
        ("body", "text"),
        [
            (b"hello", b"hello\n"),
            (b"hello\0\0", b"hello\n"),
            (b"hello\n", b"hello\n"),
            (b"hello\n\0", b"hello\n"),
            (b"", b"\n"),
            (b"a\0b", b"a\0b\n"),
            (b"\xff\xfe", b"\xff\xfe\n"),
        ],
    )
    def test_text_ends_with_exactly_one_newline(self, body: bytes, text: bytes) -> None:
        assert encoder("text")(Message(1, body)) == text

    def test_text_end_and_with_type_replace_newline_and_prefix(self) -> None:
        message = Message(7, b"a\n\0")
        assert encoder("text", end=b"\0")(message) == b"a\n\0"
        assert encoder("text", with_type=True)(message) == b"7\ta\n"
        assert encoder("raw")(message) == b"a\n\0"
        assert encoder("raw", with_type=True)(message) == b"7\ta\n\0"
        assert encoder("hex", with_type=True)(message).startswith(b"7\t00000000  61 0a 00")


class TestHex:
    @pytest.mark.tools("hexdump")
    @settings(max_examples=60)
    @given(
        st.one_of(
            st.binary(max_size=100),
            st.builds(
                lambda row, times, rest: row * times + rest,
                st.binary(min_size=16, max_size=16),
                st.integers(0, 5),
                st.binary(max_size=20),
            ),
        )
    )
    def test_hex_dump_equals_hexdump_canonical(self, body: bytes) -> None:
        hexdump = ["hexdump", "-C"]
        expected = subprocess.run(
            hexdump, input=body, capture_output=True, check=True, timeout=LIMIT
        ).stdout
        assert hex_dump(body) == (expected or b"00000000\n")

    @given(st.binary())
    def test_from_hex_ignores_case_and_blanks(self, body: bytes) -> None:
        assert from_hex(body.hex().encode()) == body
        assert from_hex(body.hex(" ").upper().encode() + b"\n") == body

    @pytest.mark.parametrize("digits", [b"a", b"0g", b"0x41", "٣٣".encode(), b"\xff"])
    def test_from_hex_of_other_text_fails(self, digits: bytes) -> None:
        with pytest.raises(ValueError, match="not pairs of hex digits"):
            from_hex(digits)


class TestJson:
    @given(MESSAGES)
    def test_json_roundtrip_keeps_the_message(self, message: Message) -> None:
        line = encoder("json")(message)
        assert line.endswith(b"\n")
        assert line.isascii()
        assert all(byte >= 0x20 and byte != 0x7F for byte in line[:-1]), "terminal codes"
        assert from_json(line) == message
        entry = json.loads(line)
        assert (entry["type"], entry["size"]) == (message.type, len(message.body))
        assert set(entry) <= {"type", "size", "data", "base64"}

    def test_json_of_a_posix_message_has_its_priority(self) -> None:
        line = encoder("json", field=MESSAGE_PRIORITY)(Message(0, b"a"))
        assert line == b'{"priority": 0, "size": 1, "data": "a"}\n'
        assert from_json(line, field=MESSAGE_PRIORITY) == Message(0, b"a")
        assert from_json(b'{"data": "a"}', 7, MESSAGE_PRIORITY) == Message(7, b"a")

    @pytest.mark.parametrize(
        ("field", "member", "why"),
        [
            (
                MESSAGE_PRIORITY,
                b'"priority": 32768',
                "the priority is not a number from 0",
            ),
            (MESSAGE_PRIORITY, b'"priority": -1', "the priority is not a number"),
            (MESSAGE_PRIORITY, b'"type": 1', "it has a type"),
            (MESSAGE_TYPE, b'"priority": 1', "it has a priority"),
        ],
    )
    def test_from_json_with_another_number_fails(
        self, field: MessageField, member: bytes, why: str
    ) -> None:
        with pytest.raises(ValueError, match=why):
            from_json(b'{"data": "a", %b}' % member, field=field)

    def test_from_json_without_type_or_size_uses_defaults(self) -> None:
        assert from_json(b'{"data": "x"}', 5) == Message(5, b"x")
        assert from_json(b' {"base64": "eA==", "type": 7, "more": [1]} ') == Message(7, b"x")

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            (b"", "not JSON"),
            (b"{", "not JSON"),
            (b"\xff", "not JSON"),
            (b"[" * 100_000, "nested too deep"),
            (b'{"type": ' + b"1" * 5000 + b"}", "too long a number"),
            (b"[]", "not an object"),
            (b"3", "not an object"),
            (b'{"type": 1}', "needs exactly one of data and base64"),
            (b'{"data": "a", "base64": "YQ=="}', "needs exactly one"),
            (b'{"data": 1}', "needs exactly one of data and base64"),
            (b'{"data": "\\ud800"}', "surrogate"),
            (b'{"base64": "a"}', "base64 is not valid"),
            (b'{"base64": "\xc3\xa4"}', "base64 is not valid"),
            (b'{"data": "a", "type": 0}', "type"),
            (b'{"data": "a", "type": -1}', "type"),
            (b'{"data": "a", "type": true}', "type"),
            (b'{"data": "a", "type": 1.0}', "type"),
            (b'{"data": "a", "type": "1"}', "type"),
            (b'{"data": "a", "type": 9223372036854775808}', "type"),
            (b'{"data": "a", "size": 2}', "size"),
            (b'{"data": "a", "size": true}', "size"),
        ],
    )
    def test_from_json_of_invalid_line_fails(self, line: bytes, why: str) -> None:
        with pytest.raises(ValueError, match=why):
            from_json(line)


NUMBERS = {
    "b": st.integers(-(2**7), 2**7 - 1),
    "B": st.integers(0, 2**8 - 1),
    "h": st.integers(-(2**15), 2**15 - 1),
    "i": st.integers(-(2**31), 2**31 - 1),
    "I": st.integers(0, 2**32 - 1),
    "q": st.integers(-(2**63), 2**63 - 1),
    "Q": st.integers(0, 2**64 - 1),
    "?": st.booleans(),
    "d": st.floats(allow_nan=False),
    "f": st.floats(allow_nan=False, width=32),
}


class TestLayout:
    @given(st.data(), st.sampled_from(["", "@", "=", "<", ">", "!"]))
    def test_layout_roundtrip_keeps_the_values(self, data: st.DataObject, order: str) -> None:
        codes = data.draw(st.lists(st.sampled_from([*NUMBERS, "s", "x"]), max_size=6))
        notation, values = order, list[Any]()
        for code in codes:
            if code == "s":
                size = data.draw(st.integers(0, 8))
                notation += f"{size}s"
                values.append(data.draw(st.binary(max_size=size)).rstrip(b"\0"))
            else:
                notation += code
                values += [data.draw(NUMBERS[code])] if code != "x" else []
        if not notation:
            return
        layout = Layout(notation)
        body = struct.pack(notation, *values)
        words = layout.unpack(body)
        assert layout.size == len(body)
        assert layout.length == len(values)
        assert layout.pack(words) == body
        for word, value in zip(words, values, strict=True):
            assert word == (value if isinstance(value, bytes) else repr(value * 1).encode())

    @pytest.mark.parametrize(
        ("notation", "words", "body"),
        [
            ("i", [b"-5"], struct.pack("i", -5)),
            ("2h", [b"0x10", b"010"], struct.pack("2h", 16, 8)),
            (" i 2x h ", [b"1", b"2"], struct.pack("i2xh", 1, 2)),
            ("cc", [b"a", b""], b"a\0"),
            ("5p", [b"abc"], b"\3abc\0"),
            ("0" * 5000 + "2b", [b"1", b"2"], b"\1\2"),  # int() accepts 4300 digits
            ("4x", [], bytes(4)),
            ("?", [b"1"], b"\1"),
            ("d", [b"-inf"], struct.pack("d", -math.inf)),
        ],
    )
    def test_layout_pack_converts_words(
        self, notation: str, words: list[bytes], body: bytes
    ) -> None:
        assert Layout(notation).pack(words) == body

    @pytest.mark.parametrize(
        ("notation", "why"),
        [
            ("", "bad char"),
            ("z", "bad char"),
            ("i5", "repeat count"),
            ("9999999999999s", "large"),
            ("ä", "ASCII|ascii|bad char"),
            ("i0p", "byte which counts"),
            ("00p4s", "byte which counts"),
        ],
    )
    def test_layout_of_invalid_format_fails(self, notation: str, why: str) -> None:
        with pytest.raises(ValueError, match=why):
            Layout(notation)

    @pytest.mark.parametrize(
        ("notation", "words", "why"),
        [
            ("i", [], "the struct has 1 field, not 0"),
            ("2i", [b"1"], "the struct has 2 fields, not 1"),
            ("i", [b"x"], "'x' is not a number"),
            ("i", [b"2147483648"], "'2147483648' does not fit in i"),
            ("I", [b"-1"], "'-1' does not fit in I"),
            ("i", [b"0x" + b"f" * 300], "'0xf+' does not fit in i"),
            ("?", [b"0x" + b"f" * 300], "'0xf+' is neither 0 nor 1"),
            ("2s", [b"abc"], "more than 2 bytes"),
            ("4p", [b"abcd"], "more than 3 bytes"),
            ("c", [b"ab"], "more than 1 byte$"),
            ("?", [b"2"], "neither 0 nor 1"),
            ("f", [b"1e300"], "'1e300' does not fit in f"),
            ("d", [b"one"], "not a number"),
            ("d", [b"1_0"], "not a number"),
            ("d", ["٣".encode()], "not a number"),
            ("d", [b"1e309"], "'1e309' does not fit in d"),
        ],
    )
    def test_layout_pack_of_unsuitable_words_fails(
        self, notation: str, words: list[bytes], why: str
    ) -> None:
        with pytest.raises(ValueError, match=why):
            Layout(notation).pack(words)

    def test_layout_unpack_of_other_size_fails(self) -> None:
        with pytest.raises(ValueError, match="the message has 1 byte, i has 4"):
            Layout("i").unpack(b"x")
