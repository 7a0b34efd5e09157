"""Names of users and groups, each asked for once, however many objects they own."""

from functools import cache

from pyipcs.sysv.keys import decimal


@cache
def user_name(uid: int | str) -> str:
    """The name of a user, or the number where there is none."""
    import pwd

    try:
        return pwd.getpwuid(int(uid)).pw_name
    except (KeyError, OverflowError):
        return str(uid)


@cache
def group_name(gid: int | str) -> str:
    """The name of a group, or the number where there is none."""
    import grp

    try:
        return grp.getgrgid(int(gid)).gr_name
    except (KeyError, OverflowError):
        return str(gid)


def parse_user(text: str) -> int:
    """The uid of a user, by name or number.

    Raises:
        ValueError: there is no such user.
    """
    import pwd

    try:
        return pwd.getpwnam(text).pw_uid
    except KeyError:
        return _number(text, "user")


def parse_owner(text: str) -> tuple[int, int | None]:
    """The uid and gid of `USER[:GROUP]`, names or numbers; a gid of None is none given.

    Raises:
        ValueError: there is no such user or group.
    """
    import grp

    user, colon, group = text.partition(":")
    if not user:
        raise ValueError("not USER or USER:GROUP")
    uid = parse_user(user)
    if not colon:
        return uid, None
    try:
        return uid, grp.getgrnam(group).gr_gid
    except KeyError:
        return uid, _number(group, "group")


def _number(text: str, what: str) -> int:
    # The highest number is the kernel's "no change" (chown(2)).
    if text.isascii() and text.isdigit() and decimal(text) < 2**32 - 1:
        return decimal(text)
    raise ValueError(f"no such {what}")


def unmapped(owner: tuple[int, int | None] | None) -> str:
    """Which part of an owner means nobody in the caller's user namespace; empty if none does."""
    for which, number in zip(("uid", "gid"), owner or (), strict=False):
        if number is not None and not is_mapped(number, which):
            return f"this user namespace has no {which} {number}"
    return ""


def is_mapped(number: int, which: str) -> bool:
    """Whether a uid or a gid means anybody in the caller's user namespace (user_namespaces(7)).

    Args:
        number: it.
        which: "uid" or "gid".
    """
    try:
        with open(f"/proc/self/{which}_map") as file:
            ranges = [[*map(int, line.split())] for line in file]
    except OSError:
        return True  # nobody says that it is not
    return any(first <= number < first + count for first, _, count in ranges)
