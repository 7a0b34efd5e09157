"""Words of the command line that are bodies of messages, or bytes for a segment."""

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

import click

from pyipcs.codec import Layout

_T = TypeVar("_T")


def pack_fields(words: Sequence[bytes], layout: Layout) -> bytes:
    """The struct of these fields.

    Raises:
        click.UsageError: they are not those of the struct.
    """
    try:
        return layout.pack(words)
    except ValueError as error:
        raise click.UsageError(f"--pack {layout.notation}: {error}") from None


def decode_argument(word: bytes, decode: Callable[[bytes], _T]) -> _T:
    """What a word stands for.

    Raises:
        click.UsageError: it is not written as it should be.
    """
    try:
        return decode(word)
    except ValueError as error:
        raise click.UsageError(f"'{os.fsdecode(word)}': {error}") from None
