"""The file systems with POSIX objects that this process has opened.

A scan of /proc reports the users of files on them.
"""

devices: set[int] = set()  # st_dev of each
