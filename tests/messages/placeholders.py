"""The placeholders of the table: names in angle brackets of objects, files and numbers."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

from pyipcs.model import Kind
from pyipcs.sysv import libc
from tests.kit import kernel
from tests.kit.factories import suspect_queue, suspect_set
from tests.kit.kernel import IS_ROOT, NOBODY, Objects
from tests.kit.mqueue import make_queue, send_message
from tests.kit.posix import SHM, ShmFiles, glibc_semaphore, i386_semaphore
from tests.kit.program import PYIPCS, invoke, run
from tests.messages.runners import LIMITS

_KEY = 0x5EED
_PLACEHOLDER = re.compile("<([a-z][a-z0-9-]*)>")


class Placeholders:
    """The values of placeholders by name, each created at its first use."""

    def __init__(self, objects: Objects, folder: Path) -> None:
        self.objects = objects
        self.folder = folder
        self._values: dict[str, str] = {}
        self._opened: list[int] = []

    def close(self) -> None:
        """Close the files that this process has open."""
        while self._opened:
            os.close(self._opened.pop())

    def __getitem__(self, name: str) -> str:
        if name not in self._values:
            self._values[name] = _CREATE[name](self)
        return self._values[name]

    def substitute(self, text: str) -> str:
        """Return a text with values instead of placeholders."""
        return _PLACEHOLDER.sub(lambda match: self[match[1]], text)

    def pattern(self, text: str) -> str:
        """Return a regular expression for a text with placeholders."""
        parts = _PLACEHOLDER.split(text)  # literal text and names by turns
        parts[::2] = map(re.escape, parts[::2])
        parts[1::2] = [_PATTERNS.get(name) or re.escape(self[name]) for name in parts[1::2]]
        return "".join(parts)

    def queue(self, *bodies: bytes, qbytes: int | None = None, mode: int = 0o644) -> str:
        """Create a queue with messages; return its id."""
        msqid = self.objects.queue(mode=mode)
        if qbytes is not None:
            libc.change(Kind.QUEUE, msqid, qbytes=qbytes)
        for body in bodies:
            kernel.send(msqid, body)
        return str(msqid)

    def key_of(self, *kinds: Kind) -> str:
        """Create an object of each kind with the same key; return the key."""
        for kind in kinds:
            self.objects.make(kind, _KEY)
        return f"{_KEY:#x}"

    def key_of_secret_set(self) -> str:
        """Create a set that other users may not read; return its key."""
        self.objects.semaphores(_KEY, mode=0o600)
        return f"{_KEY:#x}"

    def digits_of_key(self) -> str:
        """Create a queue; return its key without 0x."""
        self.objects.queue(0x77777777)
        return "77777777"

    def decimal_key(self) -> str:
        """Create a queue; return its key in decimal, as a program prints it."""
        self.objects.queue(1999999999)
        return "1999999999"

    def posix_file(self, name: str, content: bytes, mode: int = 0o644) -> str:
        """Write a file in /dev/shm; return the name as that of a segment."""
        ShmFiles().file(name, content, mode)
        return f"/{name}"

    def posix_semaphore(self, content: bytes) -> str:
        """Write the file of a semaphore; return its name."""
        return self.posix_file("sem.pyipcs-value", content) and "/pyipcs-value"

    def posix_folder(self) -> str:
        """Create a directory in /dev/shm; return its name as that of a segment."""
        (SHM / "pyipcs-folder").mkdir()
        return "/pyipcs-folder"

    def posix_link(self) -> str:
        """Create a link in /dev/shm; return its name as that of a segment."""
        (SHM / "pyipcs-link").symlink_to("/etc/passwd")
        return "/pyipcs-link"

    def posix_locked_segment(self) -> str:
        """Create a segment that its owner may not open; return its name."""
        name = self.posix_file("pyipcs-locked", b"x", 0)
        if IS_ROOT:
            os.chown(f"{SHM}{name}", NOBODY, NOBODY)
        return name

    def posix_open_semaphore(self) -> str:
        """Create a semaphore that this process has open; return its name."""
        self.posix_file("sem.pyipcs-open", glibc_semaphore(1))
        self._opened.append(os.open(SHM / "sem.pyipcs-open", os.O_RDWR))
        return "/pyipcs-open"

    def posix_queue(self, *bodies: bytes, mode: int = 0o644, maxmsg: int = 10) -> str:
        """Create a POSIX queue for messages of 100 bytes; return its name."""
        descriptor = make_queue("/pyipcs-queue", mode, (maxmsg, 100))
        for body in bodies:
            send_message(descriptor, body)
        os.close(descriptor)
        return "/pyipcs-queue"

    def posix_secret_queue(self) -> str:
        """Create a POSIX queue that only its owner may open; return its name.

        Another one is open to everybody: /dev/mqueue shows by it that it has these queues.
        """
        os.close(make_queue("/pyipcs-secret", 0o600))
        return self.posix_queue() and "/pyipcs-secret"

    def posix_of_two(self) -> str:
        """Create a POSIX segment and a POSIX semaphore; return their name."""
        self.posix_file("sem.pyipcs-two", glibc_semaphore(1))
        return self.posix_file("pyipcs-two", b"hello")

    def file(self, text: str, name: str = "file") -> str:
        """Write a file; return its path."""
        (self.folder / name).write_text(text)
        return str(self.folder / name)

    def listing(self, *args: str, **taken: object) -> str:
        """Write the output of `list -J` to a file; return its path.

        Args:
            args: arguments for `list`.
            taken: entries of the object "taken" to overwrite.
        """
        document = json.loads(invoke("list", "-J", *args).out)
        document["taken"] |= taken
        return self.file(json.dumps(document))


# Until the process has become sleep, it is named bash.
_LEAVE_SLEEP = """
sleep 600 >/dev/null 2>&1 &
for _ in {1..6000}; do
  grep -q sleep /proc/$!/comm && exit
  sleep 0.01
done
"""
# The receiver waits until the queue is removed.
_LEAVE_USED_QUEUE = f"""
msqid=$({PYIPCS} make -Q -i)
{PYIPCS} recv $msqid >/dev/null 2>&1 &
for _ in {{1..600}}; do
  {PYIPCS} list -q -o WAITERS --noheadings | grep -q $! && exit
  sleep 0.01
done
"""

# Values that a test cannot know in advance, as regular expressions.
_PATTERNS = {
    "lines": "(?:.*\n)*.*",
    "number": "[0-9]+",
    "plural": "(?:es)?",
    "whose": "(?: of other users)?",  # left out if a process without a known user ends just now
    "python": "[a-z ]+",  # an error of Python's module struct
}
_CREATE: dict[str, Callable[[Placeholders], str]] = {
    # Objects
    "queue": Placeholders.queue,
    "queue-of-hello": lambda known: known.queue(b"hello"),
    "queue-of-3000": lambda known: known.queue(b"x" * 3000),
    "queue-of-5": lambda known: known.queue(qbytes=5),
    "queue-of-0": lambda known: known.queue(qbytes=0),
    "full-queue": lambda known: known.queue(b"hello", qbytes=5),
    "secret-queue": lambda known: known.queue(mode=0o600),
    "segment": lambda known: str(known.objects.segment()),
    "secret-segment": lambda known: str(known.objects.segment(mode=0o600)),
    "set": lambda known: str(known.objects.semaphores(nsems=2)),
    "secret-set": lambda known: str(known.objects.semaphores(mode=0o600)),
    "key": lambda _: f"{_KEY:#x}",
    "key-of-queue": lambda known: known.key_of(Kind.QUEUE),
    "key-of-segment": lambda known: known.key_of(Kind.SEGMENT),
    "key-of-set": lambda known: known.key_of(Kind.SEMAPHORE),
    "key-of-secret-set": Placeholders.key_of_secret_set,
    "key-of-suspect-queue": lambda known: str(suspect_queue(known.objects, _KEY)) and f"{_KEY:#x}",
    "key-of-suspect-set": lambda known: str(suspect_set(known.objects, _KEY)) and f"{_KEY:#x}",
    "key-of-two": lambda known: known.key_of(Kind.QUEUE, Kind.SEGMENT),
    "digits-of-key": Placeholders.digits_of_key,
    "decimal-key": Placeholders.decimal_key,
    # POSIX objects, and files with their names
    "posix-segment": lambda known: known.posix_file("pyipcs-segment", b"x" * 4096),
    "posix-shared-segment": lambda known: known.posix_file("pyipcs-all", b"x" * 4096, 0o666),
    "posix-secret": lambda known: known.posix_file("pyipcs-secret", b"x" * 4096, 0o600),
    "posix-semaphore": lambda known: (
        known.posix_file("sem.pyipcs-sem", glibc_semaphore(1)) and "/pyipcs-sem"
    ),
    "posix-zero-semaphore": lambda known: known.posix_semaphore(glibc_semaphore(0)),
    "posix-highest-semaphore": lambda known: known.posix_semaphore(glibc_semaphore(2**31 - 1)),
    "posix-32-bit-semaphore": lambda known: known.posix_semaphore(i386_semaphore(1)),
    "posix-no-semaphore": lambda known: known.posix_file("sem.pyipcs-no", b"no") and "/pyipcs-no",
    "posix-queue": Placeholders.posix_queue,
    "posix-locked-segment": Placeholders.posix_locked_segment,
    "posix-open-semaphore": Placeholders.posix_open_semaphore,
    "posix-queue-of-hello": lambda known: known.posix_queue(b"hello"),
    "full-posix-queue": lambda known: known.posix_queue(b"hello", maxmsg=1),
    "posix-queue-to-write": lambda known: known.posix_queue(b"hello", mode=0o602),
    "posix-queue-to-read": lambda known: known.posix_queue(b"hello", mode=0o604),
    "posix-secret-queue": lambda known: known.posix_secret_queue(),
    "posix-of-two": Placeholders.posix_of_two,
    "posix-folder": Placeholders.posix_folder,
    "name-beside-queue": lambda known: known.posix_queue() and "/pyipcs-new",
    "posix-link": lambda known: known.posix_link(),
    "long-name": lambda _: "n" * 252,
    # Files
    "folder": lambda known: str(known.folder),
    "file": lambda known: known.file("hello"),
    "file-with-colon": lambda known: known.file("", "file:1"),
    "large-file": lambda known: known.file("x" * 5000),
    "script": lambda known: known.file("exit"),
    "leave-sleep": lambda known: known.file(_LEAVE_SLEEP),
    "leave-used-queue": lambda known: known.file(_LEAVE_USED_QUEUE),
    "listing": Placeholders.listing,
    "listing-of-queues": lambda known: known.listing("-q"),
    "listing-of-mine": lambda known: known.listing("--mine"),
    "listing-of-keys": lambda known: known.queue() and known.listing("-q", "-o", "KEY"),
    "listing-of-old-boot": lambda known: known.listing(boot_id="0"),
    "listing-of-another-namespace": lambda known: known.listing(ipc_namespace=0),
    "listing-with-short-times": lambda known: (
        known["posix-segment"] and known.listing("-M", "--time-format", "short")
    ),
    "listing-of-another-shm": lambda known: known.listing("--posix", shm_device=0),
    "listing-of-other-pids": lambda known: known.listing(pid_namespace=0),
    "listing-of-other-users": lambda known: known.listing(user_namespace=0),
    "listing-without-proc": lambda known: known.listing(boot_id=None),
    # The system
    "pid": lambda _: str(os.getpid()),
    "own-name": lambda _: Path("/proc/self/comm").read_text().removesuffix("\n"),
    "msgmnb": lambda _: (LIMITS / "msgmnb").read_text().strip(),
    "over-msgmnb": lambda known: str(int(known["msgmnb"]) + 1),
    "shmmax": lambda _: (LIMITS / "shmmax").read_text().strip(),
    "over-shmmax": lambda known: str(int(known["shmmax"]) + 1),
    "semmsl": lambda _: (LIMITS / "sem").read_text().split()[0],
    "semopm": lambda _: (LIMITS / "sem").read_text().split()[2],
    "pyipcs": lambda _: PYIPCS,
    "page": lambda _: str(os.sysconf("SC_PAGESIZE")),
    "machine": lambda _: run("linux32", "uname", "-m").out.strip(),
}
