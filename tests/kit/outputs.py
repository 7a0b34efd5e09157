"""Outputs, without the parts that other processes change."""

import re

# The end of a reason that names processes, or groups of processes, that cannot be inspected.
_UNREADABLE = re.compile(
    r", but [^\n]*?(may wait on it|cannot be seen|\(hidepid\)|\(/proc/PID/syscall\))"
)


def without_unreadable(text: str) -> str:
    """Remove processes that cannot be inspected from reasons: they come and go at any time."""
    return _UNREADABLE.sub("", text)
