"""Kernel parameters by their names in sysctl(8)."""

from collections.abc import Iterable
from contextlib import suppress

from pyipcs.errors import IpcError


def read(name: str) -> str:
    """Return the value of a parameter; empty if it cannot be read."""
    with suppress(OSError), open(_path(name), "rb") as file:
        return b" ".join(file.read().split()).decode(errors="replace")
    return ""


def numbers(name: str) -> list[int]:
    """Return the numbers of a parameter; none if it cannot be read."""
    try:
        return [*map(int, read(name).split())]
    except ValueError:  # another file is mounted over it
        return []


def write(name: str, value: str) -> None:
    """Set a parameter.

    Raises:
        OSError: the caller may not set it, or the kernel refuses the value.
    """
    with open(_path(name), "w") as file:
        file.write(value)


def with_limits(error: IpcError, names: Iterable[str]) -> IpcError:
    """Return an error whose text has the values of limits."""
    limits = (f"{name} is {read(name) or 'unknown'}" for name in names)
    return type(error)(error.errno, f"{error.strerror} ({', '.join(limits)})")


def _path(name: str) -> str:
    return f"/proc/sys/{name.replace('.', '/')}"
