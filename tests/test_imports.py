"""The imports of each layer, and the modules that each command loads."""

import ast
import os
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

import pyipcs
from pyipcs.cli import app
from tests.kit import turns
from tests.kit.kernel import Objects
from tests.kit.mqueue import queue
from tests.kit.posix import ShmFiles, glibc_semaphore
from tests.kit.program import run

PACKAGE = Path(pyipcs.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
# The layers that each layer may import, itself included; TYPE_CHECKING imports count.
_BASE = {"errors", "model", "listing", "text"}
_FAMILY = _BASE | {"operations", "process"}
_KERNEL = _FAMILY | {"sysv", "posix"}
_QUERIES = _KERNEL | {"objects", "usage", "query"}
_SCREEN = _BASE | {"process", "terminal"}
_ACTIONS = _QUERIES | _SCREEN | {"codec", "render", "actions"}
LAYERS = {
    "__init__": set(),
    "text": set(),
    "errors": set(),
    "model": set(),
    "listing": {"model"},
    "operations": {"model", "text"},
    "process": _BASE | {"process"},
    "sysv": _FAMILY | {"sysv"},
    "posix": _FAMILY | {"posix"},
    "codec": _BASE,
    "objects": _KERNEL,
    "usage": _KERNEL | {"usage"},
    "query": _QUERIES,
    "terminal": _SCREEN,
    "render": _QUERIES | _SCREEN | {"render"},
    "actions": _ACTIONS,
    "completion": _QUERIES | {"render", "terminal"},
    "cli": _ACTIONS | {"__init__", "cli"},
    "cli.commands": _ACTIONS | {"__init__", "cli", "cli.commands"},
    "describe": {"__init__", "errors", "model", "query", "render", "cli", "describe"},
    "__main__": {"cli", "completion"},
}
# The layers that may import a package from outside the standard library.
THIRD_PARTY = {"click": {"cli", "describe"}, "sysv_ipc": {"sysv"}, "rich": {"render", "terminal"}}
# Modules that may only be imported inside the functions that use them.
LATE = {"rich", "json", "subprocess", "pwd", "grp", "datetime", "difflib", "pathlib"}
# Modules that are themselves imported late may import these.
MAY = {
    "process/libc.py": {"ctypes"},
    "posix/libc.py": {"ctypes"},
    "posix/mapped_semaphore.py": {"ctypes"},
    "sysv/libc.py": {"ctypes"},
    "render/data.py": {"json"},
    "render/table.py": {"rich"},
    "render/panel.py": {"rich"},
    "terminal/live_screen.py": {"rich"},
    "describe/__main__.py": {"pathlib"},
    "describe/template.py": {"pathlib"},
}
NEVER = {"asyncio", "importlib.metadata", "logging", "argparse"}


def layer(module: str) -> str:
    """Return the layer of a module of pyipcs, the deepest that has a rule."""
    name = module.removeprefix("pyipcs").strip(".")
    while name and name not in LAYERS:
        name = name.rpartition(".")[0]
    return name or "__init__"


def module_of(path: Path) -> str:
    """Return the dotted name of a file."""
    return ".".join(("pyipcs", *path.relative_to(PACKAGE).with_suffix("").parts))


def imports(path: Path) -> list[tuple[str, bool]]:
    """Return the modules that a file imports, True for imports at its load."""
    tree = ast.parse(path.read_text())
    top = {id(node) for node in tree.body}
    found: list[tuple[str, bool]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            module = node.module or ""
            # `from pyipcs.sysv import libc` names a module too.
            found += [(f"{module}.{alias.name}", id(node) in top) for alias in node.names]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_imports_only_what_its_layer_may(path: Path) -> None:
    name, own = str(path.relative_to(PACKAGE)), layer(module_of(path))
    for module, at_load in imports(path):
        root = module.partition(".")[0]
        if root == "pyipcs":
            assert layer(module) in LAYERS[own], f"{name} imports {module}"
        elif root in THIRD_PARTY:
            assert own.partition(".")[0] in THIRD_PARTY[root], f"{name} imports {module}"
        else:
            assert root in sys.stdlib_module_names, f"{name} imports {module}"
        late = (LATE | {"ctypes"}) - MAY.get(name, set())
        assert not (at_load and root in late), f"{name} imports {module} when it is loaded"


# What a listing of /dev/shm loads, one of queues, and one of a single object.
_FILES = (
    "pyipcs.model",
    *(f"pyipcs.posix.{name}" for name in ["directory", "files", "listing", "names", "places"]),
)
_QUEUES = (
    *("ctypes", "pyipcs.model"),
    *(f"pyipcs.posix.{name}" for name in ["libc", "mqueue", "places"]),
)
# What the state of a POSIX object loads.
_LEASES = ("fcntl", "pyipcs.posix.lease", "pyipcs.posix.openness")
_MOUNTS = tuple(f"pyipcs.posix.{name}" for name in ["directory", "mounts", "mqueue", "places"])
_HANDLES = tuple(
    f"pyipcs.posix.{name}" for name in ["handle", "limits", "queue", "segment", "semaphore"]
)
# What sending to a queue loads, beside its listing.
_MESSAGES = tuple(f"pyipcs.posix.{name}" for name in ["handle", "limits", "names", "queue"])
_SEGMENT = (*_FILES, *(f"pyipcs.posix.{name}" for name in ["attachment", "handle", "segment"]))
_SEMAPHORE = (*_FILES, *(f"pyipcs.posix.{name}" for name in ["handle", "semaphore"]))
COMMANDS = {
    "list": ("pyipcs.model",),
    "list -t": ("pyipcs.model",),
    "list -c": ("pyipcs.model",),
    "list -J": ("ctypes", "json", "pyipcs.model", "fcntl"),
    "list -f jsonl": ("ctypes", "json", "pyipcs.model"),
    "list -f csv": ("ctypes", "pyipcs.model"),
    "list -f tsv -sm": ("pyipcs.model",),
    "list -f export -o KEY,ID": ("pyipcs.model",),
    "list -f openmetrics": ("ctypes", "pyipcs.model"),
    "list -f table": ("ctypes", "pyipcs.model"),
    "list -l -f table": ("ctypes", "pyipcs.model"),
    "list -m -o KEY,SIZE --sort SIZE": ("pyipcs.model",),
    "list --mine --empty": ("pyipcs.model",),
    "list -f plain --color always": ("pyipcs.model",),
    # ctypes: if a process waits on a POSIX queue.
    "list -m -o +STATE,ATTACHED": ("ctypes", "pyipcs.model", "pyipcs.posix.places"),
    "list -o +STATE": ("ctypes", "pyipcs.model"),
    "list -m --orphaned": ("ctypes", "pyipcs.model"),
    "list -m --used-by {pid}": ("ctypes", "pyipcs.model", "pyipcs.posix.places"),
    "list --used-by {pid}": (*_FILES, *_QUEUES),
    "stat --used-by {pid}": (*_FILES, *_QUEUES, *_HANDLES, *_LEASES),
    "list --all-ns": ("ctypes", "pyipcs.model", "pyipcs.posix.places"),
    "list --ns {pid}": (
        "pyipcs.model",
        *(f"pyipcs.posix.{name}" for name in ["directory", "places"]),
    ),
    "list -M -o +STATE": (*_FILES, *_QUEUES, *_LEASES),
    "list -M --orphaned": (*_FILES, *_QUEUES, *_LEASES),
    "list --posix": (*_FILES, *_QUEUES),
    "list -M": _FILES,
    "list -S": _FILES,
    "list -Q": (*_FILES, *_QUEUES),
    "list --posix -J": (*_FILES, *_QUEUES, "json", "fcntl", "pyipcs.posix.walk"),
    "list --posix -f csv": (*_FILES, *_QUEUES),
    "list --posix -f table": (*_FILES, *_QUEUES),
    "list -M -f csv -o NAME": _FILES,
    "list --posix -l": (
        *_QUEUES,
        *(f"pyipcs.posix.{name}" for name in ["directory", "limits", "places", "walk"]),
    ),
    "list -N imports": (*_FILES, *_QUEUES, *_HANDLES),
    "stat /imports": (*_FILES, *_QUEUES, *_HANDLES, *_LEASES),
    "stat /imports -J": (*_FILES, *_QUEUES, *_HANDLES, *_LEASES, "json"),
    "rm --all=pshm --orphaned -y": (
        *(*_FILES, *_QUEUES, *_LEASES),
        *(f"pyipcs.posix.{name}" for name in ["handle", "permissions", "segment", "walk"]),
    ),
    "rm -a --orphaned": ("ctypes", "pyipcs.model", "fcntl"),
    "run true": ("ctypes", "pyipcs.model", *_MOUNTS),
    "run --private never true": ("ctypes", "pyipcs.model", *_MOUNTS, "pyipcs.posix.libc"),
    "rm -n -a -f csv": ("ctypes", "pyipcs.model", "fcntl"),
    "stat {msqid} -f table": ("ctypes", "pyipcs.model"),
    "list -u": ("ctypes", "pyipcs.model"),
    "list -l": ("ctypes", "pyipcs.model"),
    "list -q -i {msqid}": ("ctypes", "pyipcs.model"),
    "make -Q": ("pyipcs.model", "select"),
    "make -S 1": ("ctypes", "pyipcs.model", "select"),
    "make -M 1": ("ctypes", "pyipcs.model", "select"),
    "rm -q {msqid}": ("pyipcs.model", "fcntl"),
    "rm -Q {key}": ("pyipcs.model", "fcntl"),
    "rm -a": ("pyipcs.model", "fcntl"),
    "send {key} a": ("ctypes", "pyipcs.model", "select"),
    "send {key} --pack i 1": ("ctypes", "pyipcs.model", "select"),
    "recv {key} --nowait": ("pyipcs.model", "select", "fcntl"),
    "recv {key} -a -J": ("json", "pyipcs.model", "select", "fcntl"),
    "send /messages a": ("select", *_QUEUES, *_MESSAGES),
    "recv /messages --nowait": ("select", "fcntl", *_QUEUES, *_MESSAGES),
    "recv /messages -a -J": ("select", "fcntl", "json", *_QUEUES, *_MESSAGES),
    "recv {msqid} --peek -a": ("ctypes", "pyipcs.model", "select", "fcntl"),
    "stat {msqid}": ("ctypes", "pyipcs.model"),
    "stat {msqid} -J": ("ctypes", "json", "pyipcs.model", "fcntl", "pyipcs.posix.places"),
    "stat -q {msqid} -f table": ("ctypes", "pyipcs.model"),
    "set {msqid} --mode 600": ("ctypes", "pyipcs.model", "fcntl"),
    "key /": ("pyipcs.model",),
    "key -v /": ("ctypes", "pyipcs.model"),
    "op {semid} V": ("ctypes", "pyipcs.model"),
    "read {shmid} --length 4": ("ctypes", "pyipcs.model", "fcntl"),
    "read {shmid} -f hex": ("ctypes", "pyipcs.model", "fcntl"),
    "write {shmid} a": ("ctypes", "pyipcs.model"),
    "op /imported V": (*_SEMAPHORE, "ctypes", "pyipcs.posix.mapped_semaphore"),
    "op /imported Z": _SEMAPHORE,
    "read /imported --length 4": (*_SEGMENT, "fcntl"),
    "write /imported a": _SEGMENT,
    "list --help": ("pyipcs.model",),
    "help": ("pyipcs.model",),
    "help columns": ("pyipcs.model",),
    "version": (),
    "completion bash": ("fcntl",),
    "-V": (),
    "--help": (),
}
POSIX = {module_of(path) for path in MODULES if path.parent.name == "posix"}
WATCHED = sorted(
    {
        "rich",
        "ctypes",
        "json",
        "subprocess",
        "pathlib",
        "select",
        "fcntl",
        "socket",
        "pyipcs.model",
        *POSIX,
        *NEVER,
    }
)
SHOW = """
import sys, os
def leave(status):
    print(*(name for name in {watched!r} if name in sys.modules), file=sys.stderr)
    print(*(name for name in sys.modules if name.startswith("pyipcs.cli.")), file=sys.stderr)
    sys.stderr.flush()
    os.kill(os.getpid(), 9)
os._exit = leave
sys.argv = ["pyipcs", *{args!r}]
from pyipcs.__main__ import main
main()
"""


@pytest.mark.untraced
@pytest.mark.parametrize("line", [turns.make_case(line, [line]) for line in COMMANDS])
def test_command_loads_only_needed_modules(
    line: str, objects: Objects, shm: ShmFiles, isolated: None
) -> None:
    shm.file("imported", b"hello")
    shm.file("sem.imported", glibc_semaphore(1))
    made = {"msqid": objects.queue(0x321), "shmid": objects.segment()}
    args = line.format(key="0x321", semid=objects.semaphores(), pid=os.getpid(), **made).split()
    with queue("/messages", sizes=(2, 64)) if "/messages" in args else nullcontext():
        result = run(sys.executable, "-c", SHOW.format(watched=WATCHED, args=args))
    heavy, modules = result.err.splitlines()[-2:]
    # sysv_ipc itself is an extension and loads nothing; rm -a reads a namespace's owner by ioctl.
    assert set(heavy.split()) <= set(COMMANDS[line]), line
    commands = {f"pyipcs.cli.commands.{name}" for name in app.COMMANDS}
    own = {f"pyipcs.cli.commands.{args[0]}"} & commands  # none for the options of pyipcs itself
    assert commands & set(modules.split()) == own
    objects.adopt_all()


def test_version_is_a_literal() -> None:
    source = (PACKAGE / "__init__.py").read_text()
    assert f'__version__ = "{pyipcs.__version__}"' in source
    assert "import" not in source
