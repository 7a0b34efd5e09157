"""The picture in README, drawn from real objects by the renderer of tables."""

import ctypes
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from io import StringIO
from xml.etree import ElementTree

import pytest
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from pyipcs import objects as all_objects
from pyipcs.listing import Listing, merged
from pyipcs.model import Kind, View
from pyipcs.query import choose, plan
from pyipcs.query.plan import Format, OutputOptions
from pyipcs.render import table
from pyipcs.terminal.capabilities import TerminalCapabilities
from pyipcs.usage.scan import expire
from tests.kit.documents import README, ROOT
from tests.kit.factories import created_by_departed, read_line, scripted
from tests.kit.kernel import IPC_CREAT, IPC_EXCL, Objects, libc, send
from tests.kit.posix import ShmFiles

PATH = "tests/docs/picture.svg"
_WIDTH = 106
_NEW = IPC_CREAT | IPC_EXCL
_RELATED = 2  # seconds: objects that change in this time belong together (usage/doubt.py)
# Each command shows some kinds with some columns.
_COMMANDS = {
    "pyipcs list -q -m -o KEY,OWNER,PERMS,MSGS,USE%,SIZE,RSS,STATE,REASON": (
        Kind.QUEUE,
        Kind.SEGMENT,
    ),
    "pyipcs list -M -o NAME,OWNER,PERMS,SIZE,RSS,STATE,REASON": (Kind.POSIX_SEGMENT,),
}


@pytest.mark.slow
@pytest.mark.root  # an ordinary user cannot examine all processes, and the queue is unknown
@pytest.mark.all_processes
def test_picture_in_readme_is_that_of_real_objects(
    objects: Objects, shm: ShmFiles, isolated: None
) -> None:
    """PYIPCS_TEST_DRAW=1 draws it again."""
    with _used_and_leaked(objects, shm):
        pids: dict[str, str] = {}
        picture = _svg("\n".join(_drawn(command, pids) for command in _COMMANDS))
    if os.environ.get("PYIPCS_TEST_DRAW"):
        (ROOT / PATH).write_text(picture)
    # Versions of rich differ in the markup.
    assert _texts(picture) == _texts((ROOT / PATH).read_text())


def test_picture_in_readme_is_linked_and_loads_nothing() -> None:
    assert f"]({PATH})" in README
    source = (ROOT / PATH).read_text().replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"url\((?!#)|href|http(?!s://www.textualize.io)", source) == []


@contextmanager
def _used_and_leaked(objects: Objects, shm: ShmFiles) -> Iterator[None]:
    """Create objects: leaked ones first, then some with processes that use them."""

    def queue() -> int:
        msqid = int(libc.msgget(0x1234, _NEW | 0o600))
        send(msqid, bytes(8000))
        send(msqid, bytes(6500))
        return msqid

    def segment() -> int:
        shmid = int(libc.shmget(0x5E9, 64 << 20, _NEW | 0o600))
        address = libc.shmat(shmid, None, 0)
        ctypes.memset(address, 1, 12 << 20)
        libc.shmdt(address)
        return shmid

    with ExitStack() as stack:
        objects.adopt(Kind.QUEUE, created_by_departed(queue))
        objects.adopt(Kind.SEGMENT, created_by_departed(segment))
        shm.file("psm_1a2b3c4d", bytes(2 << 20))
        time.sleep(_RELATED + 1.1)  # times are whole seconds
        msqid, shmid = objects.queue(0xCAFE, 0o660), objects.segment(0x52E2C1, 0o640, 8 << 20)
        cache = shm.file("cache", bytes(512 << 10), 0o644)
        for name, act in {
            "worker": f"print(flush=True); libc.msgrcv({msqid}, room, 9, 0, 0)",
            "server": (
                f"ctypes.memset(libc.shmat({shmid}, None, 0), 1, {3 << 20}); "
                f"file = open({str(cache)!r})"
            ),
        }.items():
            rename = f"open('/proc/self/comm', 'w').write({name!r}); "
            then = "" if "msgrcv" in act else "; print(flush=True); time.sleep(600)"
            process = stack.enter_context(scripted(rename + act + then))
            read_line(process)
        yield


def _drawn(command: str, pids: dict[str, str]) -> str:
    """Return a command line and its tables; see `_fixed` for the pids."""
    kinds = _COMMANDS[command]
    expire()
    choice = choose.parse_choice(command.rpartition(" ")[2])
    found = {kind: all_objects.read(kind) for kind in kinds}
    options = OutputOptions(choice=choice)
    report = plan.report(found, options, Format.TABLE, View.STATUS, terminal=True)
    fixed = {kind: [_fixed(listings, pids)] for kind, listings in report.found.items()}
    capabilities = TerminalCapabilities(_WIDTH, 40, has_color=True, has_unicode=True)
    tables = "".join(table.tables(report._replace(found=fixed), capabilities))
    return f"\x1b[32m$\x1b[0m \x1b[1m{command}\x1b[0m\n{tables}"


def _fixed(listings: Iterable[Listing], pids: dict[str, str]) -> Listing:
    """Replace owners and pids, which differ from run to run; `pids` keeps the new ones."""
    whole = merged(listings)
    assert whole
    whole = whole.without_text()

    def pid(match: re.Match[str]) -> str:
        return pids.setdefault(match[0], str(4101 + 7 * len(pids)))

    a_pid = r"(?<=, )\d+|\d+(?= \()"
    evidence = [
        one._replace(reason=re.sub(a_pid, pid, one.reason)) for one in whole.column("evidence")
    ]
    fixed = whole.with_added("evidence", evidence)
    return fixed.with_added("uid", [0] * whole.length)


def _svg(text: str) -> str:
    """Return coloured text as a picture of a terminal, without fonts from the web."""
    console = Console(record=True, width=_WIDTH, file=StringIO(), force_terminal=True)
    console.print(Text.from_ansi(text))
    template = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    template = template.replace("Fira Code, monospace", "DejaVu Sans Mono, Menlo, monospace")
    template = template.replace("family: arial", "family: sans-serif")
    return console.export_svg(title="pyipcs", code_format=template, unique_id="pyipcs")


def _texts(svg: str) -> str:
    """Return the texts of a picture."""
    return "\n".join("".join(ElementTree.fromstring(svg).itertext()).split())
