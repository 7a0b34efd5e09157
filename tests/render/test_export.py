"""Assignments for a shell in multibyte locales, evaluated by real shells."""

import os
import subprocess
from pathlib import Path

import pytest

from pyipcs.listing import Listing
from pyipcs.model import Kind
from pyipcs.query.columns import Column, ValueType
from pyipcs.query.plan import Report
from pyipcs.render import delimited
from tests.kit import samples
from tests.kit.locales import make_locale

# Locales in which a byte over 0x7f and an ASCII byte can be one character, and one other.
LOCALES = {
    "zh_CN.GBK": "GBK",
    "zh_CN.GB18030": "GB18030",
    "zh_TW.BIG5": "BIG5",
    "zh_HK.BIG5-HKSCS": "BIG5-HKSCS",
    "ja_JP.SJIS": "SHIFT_JIS",
    "ko_KR.UHC": "CP949",
    "en_US.UTF-8": "UTF-8",
}
_HIGH = [b"\xbf", b"\x81", b"\xff", b"\xa1\xa1", b"\x81\x30\x81", "é".encode(), "中".encode()]
_PAYLOADS = [b'";>pwned #', b"';>pwned #", b"`>pwned`", b"$(>pwned)", b"\\", b'\\";>pwned #', b""]


def hostile_values() -> list[bytes]:
    """Return values that end a badly quoted string in some locale."""
    values = [
        b"%c%s%s%s" % (first, high, bytes([second]), payload)
        for high in _HIGH
        for second in range(1, 128)
        for first, payload in ((ord("a"), _PAYLOADS[second % len(_PAYLOADS)]),)
        if second != ord("\n")
    ]
    return values + [high + payload for high in _HIGH for payload in _PAYLOADS]


@pytest.mark.tools("bash", "dash", "zsh", "localedef")
@pytest.mark.parametrize("name", LOCALES)
def test_export_in_multibyte_locale_is_evaluated_to_the_same_bytes(
    name: str, tmp_path: Path
) -> None:
    """Each locale is compiled once, because the largest takes a second."""
    make_locale(tmp_path, name.partition(".")[0], LOCALES[name], name)
    values = hostile_values()
    texts = [os.fsdecode(value) for value in values]
    listing = Listing(Kind.QUEUE, ("id",), ["0"] * len(texts), {"command": texts})
    column = Column("COMMAND", ValueType.TEXT, "command", "")
    report = Report({Kind.QUEUE: [listing]}, {Kind.QUEUE: (column,)}, samples.MACHINE)
    lines = os.fsencode("".join(delimited.export(report)))
    script = 'while IFS= read -r line; do eval "$line"; printf "%s\\0" "$COMMAND"; done'
    (tmp_path / "empty").mkdir()
    for shell in ("bash", "dash", "zsh"):
        done = subprocess.run(
            [shell, "-c", script],
            input=lines,
            capture_output=True,
            check=True,
            cwd=tmp_path / "empty",
            env={**os.environ, "LOCPATH": str(tmp_path), "LC_ALL": name},
            timeout=60,
        )
        assert done.stdout.split(b"\0")[:-1] == values, shell
        assert done.stderr == b"", shell
        assert not [*(tmp_path / "empty").iterdir()], shell
