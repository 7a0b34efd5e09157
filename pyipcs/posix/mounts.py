"""File systems of POSIX objects for this process and its children alone."""

import errno
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from pyipcs.errors import IpcError, LimitError
from pyipcs.posix.directory import SHM
from pyipcs.posix.mqueue import PATH as MQUEUE
from pyipcs.process.child import bytes_from_child
from pyipcs.process.mountinfo import id_of, mounts
from pyipcs.process.sysctl import with_limits

_TYPES = {MQUEUE: "mqueue", SHM: "tmpfs"}
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_NOATIME = 2, 4, 8, 1024  # linux/mount.h
_MS_STRICTATIME = 1 << 24
_ST_NOATIME, _ST_RELATIME = 1024, 4096  # statvfs(3); the others have the numbers of MS_*
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_LIMITS = ("user.max_mnt_namespaces",)


class Refusal(NamedTuple):
    """The error of a mount that the kernel refused."""

    errno: int
    reason: str

    @property
    def is_missing(self) -> bool:
        """True if there is no such mount point."""
        return self.errno in {errno.ENOENT, errno.ENOTDIR}


class Mounts(NamedTuple):
    """The result of `mount_own`.

    Attributes:
        refused: the errors of the refused mounts, by mount point.
        devices: the devices of the mounted file systems, by mount point.
    """

    refused: Mapping[str, Refusal] = {}
    devices: Mapping[str, int] = {}

    def is_empty(self, path: str) -> bool:
        """Return True if the mounted file system certainly has no files."""
        with suppress(OSError):
            return os.stat(path).st_dev == self.devices.get(path) and not os.listdir(path)
        return False


def mount_own(paths: Sequence[str]) -> Mounts:
    """Move to a new mount namespace with new file systems at mount points.

    /dev/mqueue gets the queues of the caller's IPC namespace, /dev/shm an empty tmpfs with the
    limits of the present one. No other mount changes its propagation. If the kernel refuses all
    mounts, the caller stays in its mount namespace.
    """
    refused = _missing(paths)
    accepted = [path for path in paths if path not in refused]
    if accepted:
        # A child tries all steps first, because the last of them can fail.
        refused |= _refusals_in_child(accepted)
        accepted = [path for path in accepted if path not in refused]
    if not accepted:
        return Mounts(refused)
    refused |= _mount_all(accepted)
    mounted = [path for path in accepted if path not in refused]
    return Mounts(refused, {path: os.stat(path).st_dev for path in mounted})


def _missing(paths: Sequence[str]) -> dict[str, Refusal]:
    """Return the errors for paths that are no directories."""
    refused = {}
    for path in paths:
        try:
            os.close(os.open(path, _DIRECTORY))
        except OSError as error:
            refused[path] = _refusal(error)
    return refused


def _refusals_in_child(paths: Sequence[str]) -> dict[str, Refusal]:
    """Mount file systems in a child; return the refusals."""
    import marshal

    def mount() -> bytes:
        return marshal.dumps({path: tuple(refusal) for path, refusal in _mount_all(paths).items()})

    try:
        refused = marshal.loads(bytes_from_child(mount))
    except OSError as error:
        return dict.fromkeys(paths, _refusal(error))
    return {path: Refusal(*fields) for path, fields in refused.items()}


def _mount_all(paths: Sequence[str]) -> dict[str, Refusal]:
    """Mount file systems in a new mount namespace; return the refusals."""
    from pyipcs.process import libc

    try:
        libc.unshare(libc.CLONE_NEWNS)
    except IpcError as error:
        if isinstance(error, LimitError):
            error = with_limits(error, _LIMITS)
        return dict.fromkeys(paths, _refusal(error))
    refused = {}
    for path in paths:
        try:
            _mount(path)
        except OSError as error:
            refused[path] = _refusal(error)
    return refused


def _refusal(error: OSError) -> Refusal:
    return Refusal(error.errno or errno.EIO, error.strerror or str(error))


def _mount(path: str) -> None:
    from pyipcs.process import libc

    flags, options = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC, ""
    if path == SHM:
        flags, options = _tmpfs_options(path)
    _make_private(path)  # else other mount namespaces would see the new mount
    libc.mount(path, _TYPES[path], flags, options)


def _tmpfs_options(path: str) -> tuple[int, str]:
    """Return the flags and options of a tmpfs with the limits of a path."""
    from pyipcs.process import libc

    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        status = os.fstatvfs(descriptor)
        is_in_memory = libc.file_system_type(descriptor) in libc.MEMORY_FILE_SYSTEMS
    finally:
        os.close(descriptor)
    flags = status.f_flag & (_MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    if status.f_flag & _ST_NOATIME:
        flags |= _MS_NOATIME
    elif not status.f_flag & _ST_RELATIME:
        flags |= _MS_STRICTATIME
    options = f"mode=1777,size={status.f_blocks * status.f_frsize}"
    return flags, f"{options},nr_inodes={status.f_files}" if is_in_memory else options


def _make_private(path: str) -> None:
    """Make the mount of a directory private (MS_PRIVATE).

    Raises:
        OSError: the mount is not visible (chroot(2), no /proc), or the kernel refuses it.
    """
    from pyipcs.process import libc

    descriptor = os.open(path, _DIRECTORY)
    try:
        number = id_of(descriptor)
    finally:
        os.close(descriptor)
    mount = next((one for one in mounts() if one.id == number), None)
    if mount is None:
        raise OSError(errno.EPERM, f"the mount of {path} is outside the root directory")
    if mount.propagates:
        libc.make_mount_private(mount.point)
