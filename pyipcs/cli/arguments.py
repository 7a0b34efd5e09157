"""Arguments that are bodies of messages or bytes for a segment."""

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

import click

from pyipcs.codec import Layout

_T = TypeVar("_T")


def pack_fields(fields: Sequence[bytes], layout: Layout) -> bytes:
    """Pack arguments as the fields of a struct.

    Raises:
        click.UsageError: the fields do not fit the struct.
    """
    try:
        return layout.pack(fields)
    except ValueError as error:
        raise click.UsageError(f"--pack {layout.notation}: {error}") from None


def decode_argument(arg: bytes, decode: Callable[[bytes], _T]) -> _T:
    """Decode an argument.

    Raises:
        click.UsageError: the argument has another notation.
    """
    try:
        return decode(arg)
    except ValueError as error:
        raise click.UsageError(f"'{os.fsdecode(arg)}': {error}") from None
