"""Files in /dev/shm: their opening, their forms, and the kinds of objects.

No file is mapped: another process may truncate it at any moment.
"""

import errno
import os
import stat
import struct

from pyipcs.errors import FormError, IpcError, ipc_error
from pyipcs.model import INT_MAX, Kind
from pyipcs.posix.names import SEMAPHORE_PREFIX, format_name
from pyipcs.posix.places import SAFE_FLAGS, Identity, identity, open_after_lease, open_error
from pyipcs.text import plural

# struct new_sem of glibc (internaltypes.h), with 64-bit atomic operations and without; FLAG is
# LLL_SHARED, which musl and other files do not have there. sem_open(3) writes zeros in the rest.
_SEM_64 = struct.Struct("=II i 20s")  # value, waiters, flag, rest
_SEM_32 = struct.Struct("=Ii 4s 4x")  # value, flag, rest, waiters
_SEM_SIZES = {_SEM_64.size, _SEM_32.size}
SEM_SIZE = _SEM_64.size  # of 64-bit programs
_FLAG = 128
_TYPES = {
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symbolic link",
    stat.S_IFSOCK: "socket",
    stat.S_IFIFO: "FIFO",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


def status(directory: int, entry: str) -> os.stat_result:
    """Return the status of a file; follow no symbolic link.

    Raises:
        NotFoundError: there is no such file.
        DeniedError: the caller may not search the directory.
    """
    try:
        return os.stat(entry, dir_fd=directory, follow_symlinks=False)
    except OSError as error:
        # The prefix of semaphores makes the name of another object too long.
        is_missing = error.errno == errno.ENAMETOOLONG
        raise ipc_error(errno.ENOENT if is_missing else error.errno or errno.EIO) from None


def open_file(directory: int, entry: str, flags: int, expected: Identity) -> int:
    """Open a regular file with a known identity; return a descriptor.

    Raises:
        NotFoundError: there is no such file, or it was replaced.
        DeniedError: the mode of the file forbids it.
        BusyError: another process has a lease on the file.
    """
    descriptor = _open(directory, entry, flags | SAFE_FLAGS)
    opened = os.fstat(descriptor)
    if identity(opened) != expected or not stat.S_ISREG(opened.st_mode):
        os.close(descriptor)
        raise ipc_error(errno.ENOENT)
    return descriptor


def open_quietly(directory: int, entry: str, expected: Identity) -> int:
    """Open a file for reading, without a new atime where the kernel allows it.

    Raises:
        NotFoundError, DeniedError, BusyError: see `open_file`.
    """
    try:
        return open_file(directory, entry, os.O_RDONLY | os.O_NOATIME, expected)
    except IpcError as error:
        if error.errno != errno.EPERM:  # the caller is not the owner (open(2))
            raise
    return open_file(directory, entry, os.O_RDONLY, expected)


def _open(directory: int, entry: str, flags: int) -> int:
    try:
        return open_after_lease(lambda: os.open(entry, flags, dir_fd=directory))
    except OSError as error:
        raise open_error(error) from None


def semaphore_value(data: bytes) -> int | None:
    """Return the value of a semaphore; None if the file is of another form.

    Args:
        data: the whole content of the file.
    """
    if len(data) == _SEM_64.size:
        value, _, flag, rest = _SEM_64.unpack(data)
    elif len(data) == _SEM_32.size:
        word, flag, rest = _SEM_32.unpack(data)
        value = word >> 1
    else:
        return None
    return value if flag == _FLAG and value <= INT_MAX and not any(rest) else None


def is_mount(directory: int, found: os.stat_result) -> bool:
    """Return True if a file in a directory is a mount of another file system.

    On overlayfs and others, files may have another device than their directory without a mount.
    """
    if found.st_dev == os.fstat(directory).st_dev:
        return False
    from pyipcs.posix.directory import is_in_memory

    try:
        return is_in_memory(directory)
    except IpcError:  # a sandbox
        return True


def type_of(found: os.stat_result) -> str:
    """Return the type of a file that is no object."""
    return _TYPES.get(stat.S_IFMT(found.st_mode), "mount of another file system")


def has_semaphore_name(entry: str) -> bool:
    """Return True if a file has the name of a semaphore."""
    return entry.startswith(SEMAPHORE_PREFIX) and entry != SEMAPHORE_PREFIX


def examine(directory: int, entry: str, found: os.stat_result) -> tuple[Kind | None, int | None]:
    """Return the kind of an object, and the value of a semaphore.

    A file that the caller may not read counts as a semaphore by its name and size.

    Returns:
        The kind, or None for a file that is no object; the value, or None if it is not readable.

    Raises:
        NotFoundError: the file was removed or replaced.
    """
    if not stat.S_ISREG(found.st_mode) or is_mount(directory, found):
        return None, None
    if not has_semaphore_name(entry) or found.st_size not in _SEM_SIZES:
        return Kind.POSIX_SEGMENT, None
    data = _content(directory, entry, identity(found))
    if data is None:
        return Kind.POSIX_SEMAPHORE, None
    value = semaphore_value(data)
    return Kind.POSIX_SEGMENT if value is None else Kind.POSIX_SEMAPHORE, value


def check_form(kind: Kind, directory: int, entry: str, found: os.stat_result) -> int | None:
    """Check that a file is an object of a kind.

    Returns:
        The value of a semaphore; None if it is not readable, and for other kinds.

    Raises:
        FormError: the file is no such object.
        NotFoundError: the file was removed or replaced.
    """
    actual, value = examine(directory, entry, found)
    if actual is kind:
        return value
    if actual is None:
        what = f"a {type_of(found)}"
    elif actual is Kind.POSIX_SEMAPHORE:
        what = f"the {actual.noun} {format_name('/' + entry.removeprefix(SEMAPHORE_PREFIX))}"
    else:
        raise other_form(kind, found.st_size)
    number = errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EINVAL
    raise FormError(number, f"is {what}, not a {kind.noun}")


def other_form(kind: Kind, size: int) -> FormError:
    """Return the error for a regular file that is no object of a kind."""
    what = f"a file of {plural(size, 'byte')} in another form"
    return FormError(errno.EINVAL, f"is {what}, not a {kind.noun}")


def _content(directory: int, entry: str, expected: Identity) -> bytes | None:
    """Return the content of a small file; None if it cannot be read."""
    try:
        descriptor = open_quietly(directory, entry, expected)
    except IpcError as error:
        if error.errno == errno.ENOENT:
            raise
        return None
    try:
        return os.pread(descriptor, _SEM_64.size + 1, 0)
    except OSError:
        return None
    finally:
        os.close(descriptor)
