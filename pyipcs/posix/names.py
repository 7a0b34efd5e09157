"""Names of POSIX objects, on the command line and of their files.

The functions that parse raise ValueError with the reason.
"""

import os
import re

from pyipcs.model import By, Kind, Target

SEMAPHORE_PREFIX = "sem."  # glibc's: the semaphore /x is the file sem.x
_MAX_BYTES = 255  # NAME_MAX
# The patterns are compiled on first use, to keep start-up short.
_ESCAPE = rb"\\(?:x([0-9a-fA-F]{2})|(.?))"
_CHARACTERS = {b"n": b"\n", b"t": b"\t", b"\\": b"\\"}
_SPECIAL = frozenset(" \\'\"")
_SLASH = r"\x2f"
_SHORT = {"\n": "\\n", "\t": "\\t", "\\": "\\\\"}
_FOLDERS = ("/dev/shm/", "/dev/mqueue/")


def parse_name(text: str, kind: Kind | None = None) -> str:
    r"""Parse the name of an object, with or without its slash.

    A text that begins with `\x2f`, as `format_name` returns it, has escapes. In all other texts
    each character stands for itself: they are names as other programs, or JSON, have them.

    Args:
        text: the text of the user.
        kind: the kind of the object; None for a name of any kind.

    Returns:
        The name with its slash.
    """
    name = _unescaped(text) if text.startswith(_SLASH) else text
    _check_encoding(name)
    for folder in _FOLDERS:
        if name.startswith(folder) and "/" not in (rest := name.removeprefix(folder)):
            is_directory = rest in {"", ".", ".."}
            hint = "it names a directory" if is_directory else f"did you mean {_hint(rest, kind)}?"
            raise ValueError(f"not a POSIX name ({hint})")
    name = name.removeprefix("/")
    _check(name, kind)
    return f"/{name}"


def parse_target(text: str) -> Target:
    """Parse a target: the name of a POSIX object with its slash."""
    if not text.startswith(("/", _SLASH)):
        raise ValueError("not a POSIX name (a name starts with a slash)")
    return Target(By.NAME, 0, text, parse_name(text))


def format_name(name: str) -> str:
    r"""Return a name in one word of printable characters.

    A newline is `\n`, a tab `\t`, a backslash `\\`; a space, a quote, another character that is not
    printable, and a byte that is not UTF-8 are `\xHH` for each byte.

    In a name with escapes the slash is `\x2f`: xargs(1) removes backslashes and quotes, and without
    them the text must not be the name of another object.
    """
    return name if is_plain(name) else _SLASH + format_entry(name[1:])


def format_entry(name: str) -> str:
    """Return the name of a file in one word, escaped as by `format_name`."""
    return name if is_plain(name) else "".join(map(_escaped, name))


def is_plain(text: str) -> bool:
    """Return True if `format_name` escapes no character of a text."""
    return text.isprintable() and _SPECIAL.isdisjoint(text)


def entry(kind: Kind, name: str) -> str:
    """Return the name of an object's file in its directory."""
    return f"{SEMAPHORE_PREFIX if kind is Kind.POSIX_SEMAPHORE else ''}{name[1:]}"


def _check(name: str, kind: Kind | None) -> None:
    """Check a name without its slash."""
    is_semaphore = kind is Kind.POSIX_SEMAPHORE
    limit = _MAX_BYTES - len(SEMAPHORE_PREFIX) * is_semaphore
    if not name:
        raise ValueError("not a POSIX name (it is empty)")
    if "/" in name:
        raise ValueError("not a POSIX name (it has a second slash)")
    if "\0" in name:
        raise ValueError("not a POSIX name (it has a null byte)")
    # The semaphore /. is the file "sem..".
    if name in {".", ".."} and not is_semaphore:
        raise ValueError("not a POSIX name (it names a directory)")
    if len(os.fsencode(name)) > limit:
        raise ValueError(f"not a POSIX name (it has more than {limit} bytes)")


def _hint(rest: str, kind: Kind | None) -> str:
    if kind in {None, Kind.POSIX_SEMAPHORE}:
        rest = rest.removeprefix(SEMAPHORE_PREFIX) or rest
    return format_name(f"/{rest}")


def _check_encoding(text: str) -> None:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise ValueError("not a POSIX name (it is not valid text)") from None


def _unescaped(text: str) -> str:
    _check_encoding(text)
    return os.fsdecode(re.sub(_ESCAPE, _character, os.fsencode(text), flags=re.DOTALL))


def _character(match: re.Match[bytes]) -> bytes:
    if match[1]:
        return bytes.fromhex(match[1].decode())
    if match[2] not in _CHARACTERS:
        raise ValueError(r"not a POSIX name (the escapes are \n, \t, \\ and \xHH)")
    return _CHARACTERS[match[2]]


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if character.isprintable() and character not in _SPECIAL:
        return character
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))
