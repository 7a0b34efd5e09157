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
from tests.kit.program import need_tool, run

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


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the locales; return the folder for LOCPATH."""
    localedef = need_tool("localedef")
    if not Path("/usr/share/i18n/charmaps").is_dir():
        pytest.skip("no sources of locales")
    folder = tmp_path_factory.mktemp("locales")
    for name, charmap in LOCALES.items():
        source = name.partition(".")[0]
        run(localedef, "--no-warnings=ascii", "-i", source, "-f", charmap, str(folder / name))
        assert (folder / name / "LC_CTYPE").exists(), name
    return folder


def hostile_values() -> list[bytes]:
    """Return values that end a quoted string in some locale, unless they are quoted well."""
    values = [
        b"%c%s%s%s" % (first, high, bytes([second]), payload)
        for high in _HIGH
        for second in range(1, 128)
        for first, payload in ((ord("a"), _PAYLOADS[second % len(_PAYLOADS)]),)
        if second != ord("\n")
    ]
    return values + [high + payload for high in _HIGH for payload in _PAYLOADS]


@pytest.mark.tools("bash", "dash", "zsh")
@pytest.mark.parametrize("name", LOCALES)
@pytest.mark.parametrize("shell", ["bash", "dash", "zsh"])
def test_export_in_multibyte_locale_is_evaluated_to_the_same_bytes(
    name: str, shell: str, locales: Path, tmp_path: Path
) -> None:
    values = hostile_values()
    texts = [os.fsdecode(value) for value in values]
    listing = Listing(Kind.QUEUE, ("id",), ["0"] * len(texts), {"command": texts})
    column = Column("COMMAND", ValueType.TEXT, "command", "")
    report = Report({Kind.QUEUE: [listing]}, {Kind.QUEUE: (column,)}, samples.MACHINE)
    lines = os.fsencode("".join(delimited.export(report)))
    script = 'while IFS= read -r line; do eval "$line"; printf "%s\\0" "$COMMAND"; done'
    done = subprocess.run(
        [shell, "-c", script],
        input=lines,
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "LOCPATH": str(locales), "LC_ALL": name},
        timeout=60,
    )
    assert done.stdout.split(b"\0")[:-1] == values
    assert done.stderr == b""
    assert not [*tmp_path.iterdir()]
