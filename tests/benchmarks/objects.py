"""The objects that exist during a measurement."""

from tests.kit.kernel import IPC_CREAT, libc
from tests.kit.program import run


def fill(kind: str, count: int) -> None:
    """Create objects with the keys 1 to `count`, unless they exist."""
    for key in range(1, count + 1):
        match kind:
            case "queues":
                libc.msgget(key, IPC_CREAT | 0o644)
            case "segments":
                libc.shmget(key, 4096, IPC_CREAT | 0o644)
            case "sets":
                libc.semget(key, 1, IPC_CREAT | 0o644)


def empty() -> None:
    """Remove all objects."""
    run("ipcrm", "--all")
