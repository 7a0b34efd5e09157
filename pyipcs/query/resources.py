"""Rows of limits and usage (`objects.resources`), converted."""

import os

from pyipcs.listing import Listing

# The resources without a limit if none is reported; of others, the limit is unknown then.
UNLIMITED = frozenset({"RLIMIT_MSGQUEUE", "SHM_SIZE", "SHM_INODES"})
_PAGE = os.sysconf("SC_PAGESIZE")


def in_bytes(rows: Listing) -> Listing:
    """Return rows of limits and usage with pages as bytes."""
    units = rows.column("unit")
    sizes = [_PAGE if unit == "pages" else 1 for unit in units]
    added = {
        "description": [text.replace("(pages)", "(bytes)") for text in rows.column("description")],
        "unit": ["bytes" if unit else None for unit in units],
        **{
            field: [
                None if value is None else value * size
                for value, size in zip(rows.column(field), sizes, strict=True)
            ]
            for field in ("limit", "used")
        },
    }
    return rows._replace(added={**rows.added, **added})
