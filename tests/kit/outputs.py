"""Outputs, without the parts that other processes change."""

import re

# The end of a reason that names processes, or groups of processes, that cannot be inspected.
_UNREADABLE = re.compile(
    r", but [^\n]*?(may wait on it|cannot be seen|\(hidepid\)|\(/proc/PID/syscall\))"
)


def without_unreadable(text: str) -> str:
    """Remove uninspectable processes from reasons: they come and go."""
    return _UNREADABLE.sub("", text)
