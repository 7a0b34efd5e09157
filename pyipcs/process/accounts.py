"""Names and numbers of users and groups."""

from functools import cache

from pyipcs.text import decimal


@cache
def user_name(uid: int | str) -> str:
    """Return the name of a user, or the number if the user has none."""
    import pwd

    try:
        return pwd.getpwuid(int(uid)).pw_name
    except (KeyError, OverflowError):
        return str(uid)


@cache
def group_name(gid: int | str) -> str:
    """Return the name of a group, or the number if the group has none."""
    import grp

    try:
        return grp.getgrgid(int(gid)).gr_name
    except (KeyError, OverflowError):
        return str(gid)


def parse_user(text: str) -> int:
    """Return the uid of a user, given by name or number.

    Raises:
        ValueError: there is no such user.
    """
    import pwd

    try:
        return pwd.getpwnam(text).pw_uid
    except KeyError:
        return _number(text, "user")


def parse_owner(text: str) -> tuple[int | None, int | None]:
    """Parse an owner like chown(1): `USER`, `USER:GROUP`, `:GROUP` or `USER:`.

    Users and groups are names or numbers.

    Returns:
        The uid and the gid; None for one that is not given. `USER:` means the user's login group.

    Raises:
        ValueError: there is no such user or group, or the user has no login group.
    """
    user, colon, group = text.partition(":")
    if not user and not group:
        raise ValueError("not USER, USER:GROUP or :GROUP")
    uid = parse_user(user) if user else None
    if not colon:
        return uid, None
    return uid, _parse_group(group) if group else _login_group(user)


def _parse_group(text: str) -> int:
    import grp

    try:
        return grp.getgrnam(text).gr_gid
    except KeyError:
        return _number(text, "group")


def _login_group(user: str) -> int:
    import pwd

    try:
        return pwd.getpwnam(user).pw_gid
    except KeyError:
        raise ValueError("a number has no login group (USER:GROUP)") from None


def _number(text: str, noun: str) -> int:
    # The highest number means "no change" to the kernel (chown(2)).
    if text.isascii() and text.isdigit() and decimal(text) < 2**32 - 1:
        return decimal(text)
    raise ValueError(f"no such {noun}")


def owner_noun(owner: tuple[int | None, int | None] | None) -> str:
    """Return "group" for an owner of the form `:GROUP`, else "owner"."""
    return "group" if owner and owner[0] is None else "owner"


def unmapped(owner: tuple[int | None, int | None] | None) -> str:
    """Return an error if the user namespace lacks the uid or gid of an owner.

    The result is empty if the namespace has both.
    """
    for name, number in zip(("uid", "gid"), owner or (), strict=False):
        if number is not None and not is_mapped(number, name):
            return f"this user namespace has no {name} {number}"
    return ""


def is_mapped(number: int, name: str) -> bool:
    """Return True if the user namespace has an id (user_namespaces(7)).

    Args:
        number: the uid or gid.
        name: "uid" or "gid".
    """
    try:
        with open(f"/proc/self/{name}_map") as file:
            ranges = [[*map(int, line.split())] for line in file]
        return any(first <= number < first + count for first, _, count in ranges)
    except (OSError, ValueError):
        return True  # unknown; the kernel will refuse a missing one
