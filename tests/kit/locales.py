"""Locales for tests, compiled from the sources of the C library."""

import gzip
import re
from pathlib import Path

import pytest

from tests.kit.program import need_tool, run

_SOURCES = Path("/usr/share/i18n")
_COLLATION = re.compile(rb"^LC_COLLATE$.*^END LC_COLLATE$", re.MULTILINE | re.DOTALL)
_BEYOND_THE_BMP = re.compile(rb"^(?:%IRREVERSIBLE%)?<U00[01][0-9A-F]{5}>.*\n", re.MULTILINE)


def make_locale(folder: Path, source: str, charset: str, name: str) -> None:
    """Compile a locale into a folder for LOCPATH; skip the test without its sources.

    To be compiled in a third of the time, it has the order of strings of C, and no classes of
    characters over U+FFFF, whose encoding is in the C library. The tests use neither.
    """
    text = _COLLATION.sub(
        b'LC_COLLATE\ncopy "POSIX"\nEND LC_COLLATE', _content(f"locales/{source}")
    )
    (folder / f"{name}.source").write_bytes(text)
    characters = _BEYOND_THE_BMP.sub(b"", _content(f"charmaps/{charset}"))
    (folder / f"{name}.charmap").write_bytes(characters)
    files = ["-i", f"./{name}.source", "-f", f"./{name}.charmap", f"./{name}"]
    result = run(need_tool("localedef"), "--no-warnings=ascii", *files, cwd=folder)
    assert (folder / name / "LC_CTYPE").exists(), result.err


def _content(name: str) -> bytes:
    """Return a source, which may be compressed."""
    path = _SOURCES / name
    if path.exists():
        return path.read_bytes()
    if (packed := path.with_name(f"{path.name}.gz")).exists():
        return gzip.decompress(packed.read_bytes())
    pytest.skip("no sources of locales")
