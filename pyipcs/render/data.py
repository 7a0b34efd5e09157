"""Records as JSON, under the kernel's field names."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from pyipcs.model import Kind, Limits, Queue, Record, Segment, SemaphoreSet, Usage
from pyipcs.sysv.keys import format_key
from pyipcs.sysv.users import user_name

_COLLECTIONS = {Kind.QUEUE: "queues", Kind.SEGMENT: "shmems", Kind.SEMAPHORE: "semaphores"}


def objects(found: Mapping[Kind, Iterable[Record]], taken: Mapping[str, Any]) -> Iterator[str]:
    """The document of a listing, an object a line; memory stays flat however many there are.

    Args:
        found: the records of each kind that was asked for.
        taken: when and where the listing was taken.
    """
    yield '{"taken": ' + json.dumps(taken)
    for kind, records in found.items():
        yield f',\n"{_COLLECTIONS[kind]}": ['
        separator = "\n"
        for record in records:
            yield separator + json.dumps(_object(record))
            separator = ",\n"
        yield "]"
    yield "}\n"


def figures(name: str, parts: Iterable[Limits | Usage]) -> Iterator[str]:
    """The document of limits or of usage, the kinds' values side by side."""
    values = {key: value for part in parts for key, value in part._asdict().items()}
    yield json.dumps({name: values}, indent=2) + "\n"


def _object(record: Record) -> dict[str, Any]:
    common = {
        "key": format_key(record.key),
        "id": record.id,
        "mode": f"{record.mode & 0o777:04o}",
        "uid": record.uid,
        "gid": record.gid,
        "cuid": record.cuid,
        "cgid": record.cgid,
        "owner": _text(user_name(record.uid)),
    }
    match record:
        case Queue():
            return common | {
                "cbytes": record.cbytes,
                "qnum": record.qnum,
                "qbytes": record.qbytes,
                "lspid": record.lspid,
                "lrpid": record.lrpid,
                "stime": iso_time(record.stime),
                "rtime": iso_time(record.rtime),
                "ctime": iso_time(record.ctime),
            }
        case Segment():
            return common | {
                "segsz": record.segsz,
                "nattch": record.nattch,
                "cpid": record.cpid,
                "lpid": record.lpid,
                "atime": iso_time(record.atime),
                "dtime": iso_time(record.dtime),
                "ctime": iso_time(record.ctime),
                "rss": record.rss,
                "swap": record.swap,
                "dest": record.dest,
                "locked": record.locked,
            }
        case SemaphoreSet():
            details = (
                {"semaphores": [semaphore._asdict() for semaphore in record.semaphores]}
                if record.semaphores is not None
                else {}
            )
            return common | {
                "nsems": record.nsems,
                "otime": iso_time(record.otime),
                "ctime": iso_time(record.ctime),
                **details,
            }


@lru_cache(maxsize=1024)
def iso_time(seconds: int) -> str | None:
    """A time in ISO 8601 with the offset of the local zone; None for never."""
    if not seconds:
        return None
    text = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(seconds))
    return f"{text[:-2]}:{text[-2:]}"


def _text(name: str) -> str:
    """A name as JSON can hold it: bytes that are no UTF-8 are replaced."""
    return name.encode(errors="surrogateescape").decode(errors="replace")
