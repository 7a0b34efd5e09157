"""Outputs while objects come and go: python -m tests.trials.chaos."""

import os
import random
import re
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain, count
from typing import NamedTuple

if __name__ == "__main__":
    from tests.kit import isolation

    isolation.enter()

from pyipcs.model import POSIX, SYSV, Kind
from pyipcs.usage.scan import expire
from tests.kit.kernel import Objects, ids, remove
from tests.kit.population import Place, existing
from tests.kit.posix_objects import PosixObjects, path_of
from tests.kit.program import PYIPCS, Result, forked, need_tool, pyipcs
from tests.kit.terminal import end, frames, on_terminal, read_all, read_until, resize, without_codes
from tests.trials import cast, parse_options
from tests.trials.churn import churning
from tests.trials.churn_posix import PREFIX
from tests.trials.listings import (
    Known,
    Row,
    WrongError,
    check_figures,
    check_metrics,
    check_rows,
    event_rows,
    is_there,
    known,
    removed_in,
    rows_of,
    unescaped,
)

_WORKERS = ("msg", "sem-sysv", "shm-sysv", "mq", "sem", "shm")
_STRESS = ("nice", "stress-ng", *chain(*((f"--{name}", "1") for name in _WORKERS)), "-t", "0")
_FLAGS = dict(zip(Kind, ("-q", "-m", "-s", "-Q", "-M", "-S"), strict=True))
# Kinds without a table in some views.
_WITHOUT_PIDS = (Kind.SEMAPHORE, Kind.POSIX_SEGMENT, Kind.POSIX_SEMAPHORE)
_FORMATS = ("json", "jsonl", "csv", "tsv", "export")
_USERS = {Kind.QUEUE: "WAITERS", Kind.SEGMENT: "ATTACHED", Kind.SEMAPHORE: "WAITERS"}
_USERS |= dict.fromkeys(POSIX, "USERS")
_COLUMNS = (
    "KIND,KEY,ID,PERMS,UID,CUID,GID,CGID,MSGS,USEDBYTES,QBYTES,USE%,SIZE,NATTCH,STATUS,CPID,NSEMS,"
    "VALUES,NCOUNT,ZCOUNT,STATE,ATTACHED,WAITERS,AGE,NAME,MAXMSG,MSGSIZE,NOTIFY,VALUE,RSS,USERS,"
    "MAPPED,INODE,DEVICE"
)
# The rows of the table.
_LABELS = {
    "--complete": "--complete (Tab)",
    "list": "list, every format and view",
    "list --watch": "list --watch, on terminals of changing size",
    "list --watch -f jsonl": "list --watch -f jsonl",
    "rm": "rm with filters, with and without -n",
    "stat": "stat, every format",
}
_OFFER = re.compile(r"(0x[0-9a-f]{1,8}|0|[1-9]\d*|/[\w.,:=@%+-]+)\t\S.*")
# The last event of an object before an event.
_BEFORE = {
    "present": {""},
    "added": {"", "removed"},
    "changed": {"present", "added", "changed"},
    "removed": {"present", "added", "changed"},
}
# Reports on objects that other processes used or removed since they were selected.
_LATE = re.compile(
    r"pyipcs: skipped POSIX \w+ \S+: (in use|changed since it was listed)"
    r"|pyipcs: removed POSIX \w+ \S+ while a process was opening it"
)
# The churner's files that are no objects.
_OTHERS = r"(?m)^pyipcs: not removed from /dev/shm: \d+ other files? \(no POSIX objects\)\n"
_BLOCK = 1 << 16  # bytes
_SLOW = "Connection timed out"  # of stress-ng, on a busy machine
# The errors of a trial that ends; EOFError: the program died.
_WRONG = (WrongError, ValueError, LookupError, AssertionError, TimeoutError, EOFError)
_LATE_FRAMES = 60  # frames that may still have the old size of the terminal
_PATIENCE = 30  # seconds
_EXCERPT = 1000  # characters of a complaint


class Tally(NamedTuple):
    """The results of a storm.

    Attributes:
        runs: the number of runs of each command.
        objects: the number of objects that they listed.
        removed: the number of objects that they removed, all of them selected ones.
        vanished: the number of objects that vanished before a command read them.
        complaints: the defects.
    """

    runs: dict[str, int]
    objects: int
    removed: int
    vanished: int
    complaints: list[str]


class _Storm:
    """The trials, one or a few commands each, in random order."""

    def __init__(self, seed: int, objects: Objects, survivors: Sequence[Known]) -> None:
        self._chance = random.Random(seed)
        self._objects = objects
        self._survivors = survivors
        self.runs: Counter[str] = Counter()
        self.listed = self.removed = self.vanished = 0
        self.complaints: list[str] = []
        self._trials = (
            *(self._plain, self._formats, self._formats, self._views, self._columns),
            *(self._metrics, self._figures, self._table, self._one, self._details, self._watch),
            *(self._stream, self._complete, self._complete_names, self._remove_suspect),
            *(self._remove_orphaned, self._remove_empty, self._remove_by_key),
            *(self._remove_suspect_of_both, self._remove_orphaned_posix, self._remove_empty_posix),
            *(self._remove_by_match, self._remove_churning, self._spare_the_held),
            *(self._spare_the_young, self._spare_the_young_posix),
        )

    def rage(self, seconds: float) -> None:
        """Run all trials in random order, for this time and at least once."""
        end_ = time.monotonic() + seconds
        for round_ in count():
            for trial in self._chance.sample(self._trials, len(self._trials)):
                if round_ and time.monotonic() > end_:
                    return
                try:
                    trial()
                    self._check_survivors()
                except _WRONG as error:
                    name = trial.__name__.strip("_")
                    self.complaints.append(f"{name}: {error!r:.{_EXCERPT}}")

    # -- Common parts of the trials.

    def _count(self, args: Sequence[str]) -> None:
        command = args[0]
        if any(word.startswith("--watch") for word in args):
            command = "list --watch -f jsonl" if "jsonl" in args else "list --watch"
        self.runs[_LABELS[command]] += 1

    def _run(self, *args: str, statuses: Collection[int] = (0,)) -> Result:
        self._count(args)
        # A forked process starts at once, so there are more runs.
        done = self._chance.choice((pyipcs, forked, forked, forked))(*args)
        done = done._replace(err=re.sub(_OTHERS, "", done.err))
        silent = bool(done.status or not done.err)
        if done.status not in statuses or not silent or "Traceback" in done.out + done.err:
            raise WrongError(f"{args}: {done}")
        return done

    def _kinds(self, among: Sequence[Kind] = (*Kind,)) -> tuple[list[Kind], list[str]]:
        """Return random kinds with their options, or all kinds of a family or of both."""
        kinds = [kind for kind in among if self._chance.random() < 0.4]
        families: list[tuple[list[Kind], list[str]]] = [([*SYSV], []), ([*POSIX], ["--posix"])]
        families += [([*Kind], ["--sysv", "--posix"])]
        options = [_FLAGS[kind] for kind in kinds]
        return (kinds, options) if kinds else self._chance.choice(families)

    def _check(self, rows: Sequence[Row], kinds: Sequence[Kind]) -> None:
        self.listed += len(rows)
        check_rows(rows, kinds, self._survivors)

    def _check_survivors(self) -> None:
        if lost := [one for one in self._survivors if not is_there(one)]:
            raise WrongError(f"removed: {lost}")

    # -- Listings.

    def _plain(self) -> None:
        kinds, flags = self._kinds()
        view = self._chance.choice(([], ["-t"], ["-p"], ["-c"]))
        done = self._run("list", *flags, *view)
        shown = [kind for kind in kinds if view != ["-p"] or kind not in _WITHOUT_PIDS]
        self._check(rows_of("plain", done.out, kinds), shown)

    def _formats(self) -> None:
        kinds, flags = self._kinds()
        format_ = self._chance.choice(_FORMATS)
        done = self._run("list", *flags, "-P", "-f", format_, "-o", _evidence(kinds))
        self._check(rows_of(format_, done.out, kinds), kinds)

    def _views(self) -> None:
        kinds, flags = self._kinds()
        format_ = self._chance.choice(_FORMATS)
        done = self._run(
            "list", *flags, "-P", self._chance.choice(("-t", "-p", "-c")), "-f", format_
        )
        self._check(rows_of(format_, done.out, kinds), kinds)

    def _columns(self) -> None:
        format_ = self._chance.choice(("plain", *_FORMATS))
        sort = self._chance.choice(([], ["--sort", "AGE"], ["--sort", "-MSGS"]))
        kinds = ("--sysv", "--posix")
        done = self._run("list", *kinds, "-P", "-f", format_, "-o", _COLUMNS, *sort)
        rows = rows_of("columns" if format_ == "plain" else format_, done.out, [*Kind])
        self._check(rows, [*Kind])

    def _metrics(self) -> None:
        kinds, flags = self._kinds()
        # Without options there are only totals.
        done = self._run("list", *flags, "-f", "openmetrics")
        self.listed += check_metrics(done.out, kinds if flags else (), self._survivors)

    def _figures(self) -> None:
        format_ = self._chance.choice(("plain", "json", "csv"))
        families = self._chance.choice(([], ["--posix"], ["--sysv", "--posix"]))
        done = self._run("list", *families, self._chance.choice(("-l", "-u")), "-f", format_)
        check_figures(format_, done.out)

    def _table(self) -> None:
        kinds, flags = self._kinds()
        more = self._chance.choice(([], ["-o", _evidence(kinds)], ["-t"], ["-c"], ["-p"]))
        # A narrow table leaves out names, which are never cut, for columns of the command line.
        width = self._chance.randint(30 if {*POSIX}.isdisjoint(kinds) else 80, 300)
        with self._on_terminal("list", *flags, "-Pb", *more, width=width) as (process, terminal):
            text = without_codes(read_all(terminal)).replace("\r\n", "\n")
            if process.wait() != 0 or max(map(len, text.splitlines())) > width:
                raise WrongError(text)
        self._check(rows_of("table", text, kinds), kinds)

    def _one(self) -> None:
        kind, identity = self._picked()
        which, why = ("-i", "id (.*) not found") if kind in SYSV else ("-N", _missing(kind))
        done = self._run("list", _FLAGS[kind], which, identity, "-J", statuses=(0, 1))
        self._check_one(kind, identity, done, why, "json")

    def _details(self) -> None:
        kind, identity = self._picked()
        format_ = self._chance.choice(("json", "csv", "tsv", "export", "plain"))
        args = ("stat", _FLAGS[kind].lower(), identity, "-P", "-f", format_)
        done = self._run(*args, statuses=(0, 1))
        if format_ == "plain" and done.status == 0:
            head = r"Key 0x[0-9a-f]{8}, \w+id" if kind in SYSV else kind.noun
            found = re.match(rf"{head} (.*)\n\n", done.out)
            if not found or unescaped(found[1]) != identity:
                raise WrongError(done.out)
            return
        self._check_one(kind, identity, done, _missing(kind), format_)

    def _picked(self) -> tuple[Kind, str]:
        """Return an object that existed a moment ago."""
        there = existing()
        kind = self._chance.choice([kind for kind in Kind if any(one == kind for one, _ in there)])
        identity = self._chance.choice(sorted(name for one, name in there if one == kind))
        time.sleep(self._chance.uniform(0, 0.2))
        return kind, identity

    def _check_one(self, kind: Kind, identity: str, done: Result, why: str, format_: str) -> None:
        """Check that an object is shown, or reported as vanished in one line."""
        if done.status == 1:
            self.vanished += 1
            reason = re.fullmatch(f"pyipcs: {why}\n", done.err)
            # A message has the name as it was typed, without control characters, or with escapes.
            has_reason = reason and _plain_part(unescaped(reason[1])) == _plain_part(identity)
            if not has_reason or identity in re.findall(r"\w+", done.out):
                raise WrongError(f"{done}")
            return
        rows = rows_of(format_, done.out, [kind])
        if [found["identity"] for found in rows] != [identity]:
            raise WrongError(f"{identity!r}: {done.out}")
        self.listed += 1
        check_rows(rows, [kind], [one for one in self._survivors if one[:2] == (kind, identity)])

    @contextmanager
    def _on_terminal(
        self, *args: str, width: int
    ) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
        self._count(args)
        process, terminal = on_terminal(*args, width=width, height=50)
        try:
            yield process, terminal
        finally:
            end(process, terminal)

    def _watch(self) -> None:
        kinds, flags = self._kinds()
        more = self._chance.choice(([], ["-o", _evidence(kinds)], ["-l"], ["-t"]))
        more = [*flags, *more]
        with self._on_terminal("list", "--watch=0.1", *more, width=150) as (process, terminal):
            read_until(terminal, "Every 0.1s", _PATIENCE)
            for _ in range(3):
                width, height = self._chance.randint(20, 250), self._chance.randint(1, 60)
                resize(terminal, width, height)
                process.send_signal(signal.SIGWINCH)
                self._await_size(terminal, width, height)
            process.send_signal(signal.SIGINT)
            text = read_until(terminal, r"\x1b\[\?1049l", _PATIENCE)
            if process.wait(_PATIENCE) != -signal.SIGINT or "Traceback" in text:
                raise WrongError(f"{process.returncode}: {text}")

    def _await_size(self, terminal: int, width: int, height: int) -> None:
        """Read until two frames in turn fit the new size."""
        fitting = 0
        for _ in range(_LATE_FRAMES):
            text = read_until(terminal, r"\x1b\[H(?s:.*)\x1b\[H", _PATIENCE)
            if "Traceback" in text:
                raise WrongError(text)
            lines = frames(text)[-2].replace("\r", "").split("\n")
            fits = max(map(len, lines)) <= width and len(lines) <= height
            if fits and (fitting := fitting + 1) > 1:
                return
            if fitting and not fits:
                break
        size = f"{max(map(len, lines))} x {len(lines)}"
        raise WrongError(f"a frame of {size} on a terminal of {width} x {height}: {lines}")

    def _stream(self) -> None:
        """Follow the changes for a moment."""
        kinds, flags = self._kinds()
        args = ("list", "--watch=0.1", "-f", "jsonl", *flags)
        self._count(args)
        command = [PYIPCS, *args]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout
            try:
                out = os.read(process.stdout.fileno(), _BLOCK)
                end_ = time.monotonic() + self._chance.uniform(0.2, 2)
                while (remaining := end_ - time.monotonic()) > 0:
                    if select.select([process.stdout], [], [], remaining)[0]:
                        out += os.read(process.stdout.fileno(), _BLOCK)
                process.send_signal(signal.SIGINT)
                rest, err = process.communicate(timeout=_PATIENCE)
            finally:
                process.kill()
        if process.returncode != -signal.SIGINT or err:
            raise WrongError(f"{args}: {process.returncode}, {err!r}")
        self._check_events((out + rest).splitlines(), kinds)

    def _check_events(self, lines: Sequence[bytes], kinds: Sequence[Kind]) -> None:
        """Check that the objects are added, changed and removed in this order."""
        events = [*event_rows(lines)]
        self.listed += len(events)
        check_rows([found for event, found in events if event == "present"], kinds, self._survivors)
        last: dict[tuple[str, str], str] = {}
        for event, found in events:
            place = found["kind"], found["identity"]
            if last.get(place, "") not in _BEFORE[event]:
                raise WrongError(f"{event} after {last.get(place)}: {found}")
            last[place] = event
        for one in self._survivors:
            if last.get((one.kind.value, one.identity)) == "removed":
                raise WrongError(f"reported as removed: {one}")

    def _complete(self) -> None:
        kinds, flags = self._kinds(SYSV)
        what = self._chance.choice(("target", "id", "key"))
        current = self._chance.choice(("", "0x7", "1"))
        done = self._run("--complete", what, current, *flags)
        lines = done.out.splitlines()
        self.listed += len(lines)
        if wrong := [line for line in lines if not re.fullmatch(f"{current}.*", line)]:
            raise WrongError(f"not asked for: {wrong}")
        if wrong := [line for line in lines if not _OFFER.fullmatch(line)]:
            raise WrongError(f"{wrong}")
        offered = {line.partition("\t")[0] for line in lines}
        for one in self._survivors:
            word = _offer(one, what, current) if one.kind in {*kinds} & {*SYSV} else ""
            if word.startswith(current) and word not in {"", *offered}:
                raise WrongError(f"{one} is not offered by {done.out}")

    def _complete_names(self) -> None:
        kinds, flags = self._kinds(POSIX)
        current = self._chance.choice(("/", "/c", "/churn-held"))
        done = self._run("--complete", "name", current, *flags)
        lines = done.out.splitlines()
        self.listed += len(lines)
        if wrong := [line for line in lines if not _OFFER.fullmatch(line)]:
            raise WrongError(f"{wrong}")
        offered = {line.partition("\t")[0] for line in lines}
        if wrong := [name for name in offered if not name.startswith(current)]:
            raise WrongError(f"not asked for: {wrong}")
        names = {one.identity for one in self._survivors if one.kind in kinds and one.kind in POSIX}
        if missing := {name for name in names if name.startswith(current)} - offered:
            raise WrongError(f"{missing} not offered by {done.out}")

    # -- Removals.

    def _remove_suspect(self) -> None:
        self._remove(self._suspect(), "-a", "--suspect")

    def _suspect(self) -> set[Place]:
        """Create a suspect or orphaned object of each System V kind."""
        return {
            (Kind.SEGMENT, str(cast.abandoned_segment(self._objects, uid=cast.DEPARTED))),
            (Kind.QUEUE, str(cast.abandoned_queue(self._objects, uid=cast.DEPARTED))),
            (Kind.SEMAPHORE, str(cast.abandoned_set(self._objects, uid=cast.DEPARTED))),
        }

    def _remove_orphaned(self) -> None:
        shmid = cast.abandoned_segment(self._objects, uid=cast.DEPARTED)
        self._remove({(Kind.SEGMENT, str(shmid))}, "-a", "--orphaned")

    def _remove_empty(self) -> None:
        doomed = {(Kind.QUEUE, str(cast.tenants_queue(self._objects))) for _ in range(2)}
        self._remove(doomed, "-a", "--empty", "--owner", str(cast.TENANT))

    def _remove_by_key(self) -> None:
        msqid = cast.abandoned_queue(self._objects, uid=cast.DEPARTED)
        key = known(Kind.QUEUE, msqid, "suspect").facts["key"]
        self._remove({(Kind.QUEUE, str(msqid))}, "-a", "--key", key)

    def _remove_suspect_of_both(self) -> None:
        queue = Kind.POSIX_QUEUE, cast.closed(Kind.POSIX_QUEUE, uid=cast.DEPARTED, messages=2)
        doomed = {queue, *self._closed(cast.DEPARTED), *self._suspect()}
        self._remove(doomed, "--all=sysv,posix", "--suspect", "--owner", str(cast.DEPARTED))

    def _remove_orphaned_posix(self) -> None:
        doomed = self._closed(cast.DEPARTED)
        self._remove(doomed, "--all=posix", "--orphaned", "--owner", str(cast.DEPARTED))

    def _closed(self, uid: int = 0, prefix: str = "doomed") -> set[Place]:
        """Create an orphaned object of each POSIX kind."""
        return {(kind, cast.closed(kind, uid=uid, prefix=prefix)) for kind in POSIX}

    def _remove_empty_posix(self) -> None:
        doomed = {(Kind.POSIX_QUEUE, cast.closed(Kind.POSIX_QUEUE, uid=cast.TENANT))}
        self._remove(doomed, "--all=pmsg", "--empty", "--owner", str(cast.TENANT))

    def _remove_by_match(self) -> None:
        self._remove(self._closed(), "--all=posix", "--match", "/doomed-*")

    def _spare_the_young(self) -> None:
        self._remove(set(), "-a", "--older-than", "1d")

    def _spare_the_young_posix(self) -> None:
        self._remove(set(), "--all=posix", "--orphaned", "--idle", "1d")

    def _spare_the_held(self) -> None:
        held = [one for one in self._survivors if one.identity.startswith(f"/{cast.HELD}")]
        args = ("rm", "--all=posix", "--match", f"/{cast.HELD}-*")
        done = self._run(*args, statuses=(1,))
        expected = sorted(f"pyipcs: skipped {one.kind.noun} {one.identity}: in use" for one in held)
        if sorted(done.err.splitlines()) != expected or done.out:
            raise WrongError(f"{args}: {done}")

    def _remove_churning(self) -> None:
        """Remove the unused objects of the churner, which reports lost objects in use."""
        doomed = self._closed(prefix=f"{PREFIX}doomed")
        args = ("rm", "--all=posix", "--orphaned", "--match", f"/{PREFIX}*", "-v")
        self._count(args)
        done = forked(*args)
        lines = re.sub(_OTHERS, "", done.err).splitlines()
        wrong = [line for line in lines if not _LATE.fullmatch(line)]
        gone = {*removed_in(done.out)}
        strange = {name for _, name in gone if not name.startswith(f"/{PREFIX}")}
        if wrong or strange or not doomed <= gone or doomed & existing():
            raise WrongError(f"{args}: {doomed}, {done}")
        self.removed += len(gone)

    def _remove(self, doomed: set[Place], *args: str) -> None:
        """Remove objects by filters that select only them, after a dry run."""
        try:
            listed = rows_of("json", self._run("rm", *args, "-n", "-J").out, [])
            going = {(Kind(found["kind"]), found["identity"]) for found in listed}
            if going != doomed or not doomed <= existing():
                raise WrongError(f"{args}: expected {doomed}, the dry run has {listed}")
            report = self._run("rm", *args, "-v").out
            gone = {*removed_in(report)}
            if gone != doomed or len(gone) != report.count("\n") or doomed & existing():
                raise WrongError(f"{args}: expected {doomed}, the report is {report!r}")
            self.removed += len(doomed)
        finally:
            for kind, identity in doomed & existing():
                if kind in SYSV:
                    remove(kind, int(identity))
                else:
                    path_of(kind, identity).unlink()


def _plain_part(identity: str) -> str:
    """Return an id, or the first part of a name, which outputs show as it is."""
    return re.split(r"(?a)[^\w/-]", identity)[0]


def _missing(kind: Kind) -> str:
    """Return a pattern of the messages about an object that cannot be shown."""
    missing = rf"no such {kind.noun}(?: \(but .* ha(?:s|ve) that (?:id|name)\))?"
    return rf"(.*): (?:{missing}|the {kind.noun} was removed)"


def _evidence(kinds: Iterable[Kind]) -> str:
    """Return the columns with the processes that use objects of these kinds."""
    return ",".join(["+STATE", "REASON", *dict.fromkeys(_USERS[kind] for kind in kinds)])


def _offer(one: Known, what: str, current: str) -> str:
    """Return the word that completion offers for an object, if any."""
    key = one.facts["key"] if int(one.facts["key"], 16) else ""
    if what == "target" and not current.isdigit():
        return key or one.identity
    return key if what == "key" else one.identity


def storm(seconds: float, seed: int) -> Tally:
    """List objects and remove some, while other processes do the same.

    It needs its own IPC namespace, /dev/shm and /dev/mqueue, and root.
    """
    expire()  # which forked programs would take over from tests before
    objects = Objects()
    with ExitStack() as stack:
        stack.callback(objects.remove_all)
        stack.callback(PosixObjects().remove_all)
        survivors = stack.enter_context(cast.surviving(objects))
        stack.enter_context(churning(seed, pause=0.0005))
        complaints = stack.enter_context(_stressed())
        raging = _Storm(seed, objects, survivors)
        raging.rage(seconds)
    return Tally(
        dict(raging.runs),
        raging.listed,
        raging.removed,
        raging.vanished,
        raging.complaints + complaints,
    )


@contextmanager
def _stressed() -> Iterator[list[str]]:
    """Run stress-ng, which removes its objects; yield its complaints."""
    complaints: list[str] = []
    need_tool("stress-ng")
    process = subprocess.Popen(_STRESS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        deadline = time.monotonic() + _PATIENCE
        while not _are_stressed() and time.monotonic() < deadline:
            time.sleep(0.05)
        yield complaints
    finally:
        process.terminate()
        text, _ = process.communicate()
        failures = [line for line in text.splitlines() if "fail" in line and _SLOW not in line]
        if process.returncode != 0 or failures:
            complaints.append(f"stress-ng ended with {process.returncode}: {text}")


def _are_stressed() -> bool:
    """Return True if the workers have objects of both families."""
    names = {name.removeprefix("/") for kind, name in existing() if kind in POSIX}
    strange = {name for name in names if not name.startswith((PREFIX, "closed-", "doomed-"))}
    return all(ids(kind) for kind in SYSV) and bool(strange)


def _table(tally: Tally) -> Iterator[str]:
    """Yield the lines of the table of a tally."""
    width = max(map(len, tally.runs))
    for command, times in sorted(tally.runs.items()):
        yield f"{command:{width}} {times:>8,}"
    yield f"{'in all':{width}} {sum(tally.runs.values()):>8,}"
    yield ""
    for label, number in (
        ("objects listed", tally.objects),
        ("objects removed, all selected", tally.removed),
        ("objects that vanished before they were read", tally.vanished),
        ("complaints", len(tally.complaints)),
    ):
        yield f"{label:{width}} {number:>8,}"
    yield from tally.complaints


def _main() -> None:
    options = parse_options(seconds=300)
    tally = storm(options.seconds, options.seed)
    print(*_table(tally), sep="\n")
    sys.exit(bool(tally.complaints))


if __name__ == "__main__":
    _main()
