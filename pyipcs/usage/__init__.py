"""Use of objects by processes, and leaked objects."""
