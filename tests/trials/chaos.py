"""Outputs while objects come and go: python -m tests.trials.chaos."""

import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import NamedTuple

if __name__ == "__main__":
    from tests.kit import isolation

    isolation.enter()

from pyipcs.model import SYSV, Kind
from pyipcs.usage.scan import expire
from tests.kit.kernel import Objects, everything, ids, remove
from tests.kit.program import Result, forked, need_tool, pyipcs
from tests.kit.terminal import end, frames, on_terminal, read_all, read_until, resize, without_codes
from tests.trials import cast, parse_options
from tests.trials.churn import churning
from tests.trials.listings import (
    Known,
    Row,
    WrongError,
    check_figures,
    check_metrics,
    check_rows,
    known,
    rows_of,
)

_STRESS = ("nice", "stress-ng", "--msg", "1", "--sem-sysv", "1", "--shm-sysv", "1", "-t", "0")
_FLAGS = {Kind.QUEUE: "-q", Kind.SEGMENT: "-m", Kind.SEMAPHORE: "-s"}
_FORMATS = ("json", "jsonl", "csv", "tsv", "export")
_USERS = {Kind.QUEUE: "WAITERS", Kind.SEGMENT: "ATTACHED", Kind.SEMAPHORE: "WAITERS"}
_COLUMNS = (
    "KIND,KEY,ID,PERMS,UID,CUID,GID,CGID,MSGS,USEDBYTES,QBYTES,USE%,SIZE,NATTCH,STATUS,CPID,NSEMS,"
    "VALUES,NCOUNT,ZCOUNT,STATE,ATTACHED,WAITERS,AGE"
)
# The parts of a command line that change from run to run.
_CHANCE = r"(?<= )(\d+|0x[0-9a-f]+|\+?[A-Z]+,\S+)(?= |$)"
_REMOVING = re.compile(r"removing (.*) id `(\d+)'")
_NOUNS = {
    "message queue": Kind.QUEUE,
    "shared memory segment": Kind.SEGMENT,
    "semaphore": Kind.SEMAPHORE,
}
_OFFER = re.compile(r"(0x[0-9a-f]{1,8}|0|[1-9]\d*)\t\S.*")
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
            *(self._complete, self._remove_suspect, self._remove_orphaned, self._remove_empty),
            *(self._remove_by_key, self._spare_the_young),
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
                except (WrongError, ValueError, LookupError, AssertionError, TimeoutError) as error:
                    name = trial.__name__.strip("_")
                    self.complaints.append(f"{name}: {error!r:.{_EXCERPT}}")

    # -- Common parts of the trials.

    def _count(self, args: Sequence[str]) -> None:
        words = (word for word in args if word not in _FLAGS.values() and word != "-P")
        self.runs[re.sub(_CHANCE, "…", " ".join(words))] += 1

    def _run(self, *args: str, statuses: Collection[int] = (0,)) -> Result:
        self._count(args)
        # A forked process starts at once, so there are more runs.
        done = self._chance.choice((pyipcs, forked, forked, forked))(*args)
        silent = bool(done.status or not done.err)
        if done.status not in statuses or not silent or "Traceback" in done.out + done.err:
            raise WrongError(f"{args}: {done}")
        return done

    def _kinds(self) -> tuple[list[Kind], list[str]]:
        """Return random kinds with their options, or all kinds without options."""
        kinds = [kind for kind in SYSV if self._chance.random() < 0.5]
        return kinds or [*SYSV], [_FLAGS[kind] for kind in kinds]

    def _check(self, rows: Sequence[Row], kinds: Sequence[Kind]) -> None:
        self.listed += len(rows)
        check_rows(rows, kinds, self._survivors)

    def _check_survivors(self) -> None:
        there = everything()
        if lost := [one for one in self._survivors if (one.kind, one.id) not in there]:
            raise WrongError(f"removed: {lost}")

    # -- Listings.

    def _plain(self) -> None:
        kinds, flags = self._kinds()
        view = self._chance.choice(([], ["-t"], ["-p"], ["-c"]))
        done = self._run("list", *flags, *view)
        shown = [kind for kind in kinds if (kind, view) != (Kind.SEMAPHORE, ["-p"])]
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
        done = self._run("list", "-P", "-f", format_, "-o", _COLUMNS, *sort)
        rows = rows_of("columns" if format_ == "plain" else format_, done.out, [*SYSV])
        self._check(rows, [*SYSV])

    def _metrics(self) -> None:
        _, flags = self._kinds()
        # Without options there are only totals.
        kinds = [kind for kind in SYSV if _FLAGS[kind] in flags]
        done = self._run("list", *flags, "-f", "openmetrics")
        self.listed += check_metrics(done.out, kinds, self._survivors)

    def _figures(self) -> None:
        format_ = self._chance.choice(("plain", "json", "csv"))
        done = self._run("list", self._chance.choice(("-l", "-u")), "-f", format_)
        check_figures(format_, done.out)

    def _table(self) -> None:
        kinds, flags = self._kinds()
        more = self._chance.choice(([], ["-o", _evidence(kinds)], ["-t"], ["-c"], ["-p"]))
        width = self._chance.randint(30, 300)
        with self._on_terminal("list", *flags, "-Pb", *more, width=width) as (process, terminal):
            text = without_codes(read_all(terminal)).replace("\r\n", "\n")
            if process.wait() != 0 or max(map(len, text.splitlines())) > width:
                raise WrongError(text)
        self._check(rows_of("table", text, kinds), kinds)

    def _one(self) -> None:
        kind, object_id = self._picked()
        done = self._run("list", _FLAGS[kind], "-i", object_id, "-J", statuses=(0, 1))
        self._check_one(kind, object_id, done, f"id {object_id} not found", "json")

    def _details(self) -> None:
        kind, object_id = self._picked()
        format_ = self._chance.choice(("json", "csv", "tsv", "export", "plain"))
        done = self._run("stat", _FLAGS[kind], object_id, "-P", "-f", format_, statuses=(0, 1))
        missing = rf"no such {kind.noun}( \(but a [a-z ]+ ha(s|ve) that id\))?"
        why = rf"{object_id}: ({missing}|the {kind.noun} was removed)"
        if format_ == "plain" and done.status == 0:
            if not re.match(rf"Key 0x[0-9a-f]{{8}}, \w+id {object_id}\n\n", done.out):
                raise WrongError(done.out)
            return
        self._check_one(kind, object_id, done, why, format_)

    def _picked(self) -> tuple[Kind, str]:
        """Return an object that existed a moment ago."""
        kind = self._chance.choice([*SYSV])
        object_id = self._chance.choice([*ids(kind)])
        time.sleep(self._chance.uniform(0, 0.2))
        return kind, str(object_id)

    def _check_one(self, kind: Kind, object_id: str, done: Result, why: str, format_: str) -> None:
        """Check that an object is shown, or reported as vanished in one line."""
        if done.status == 1:
            self.vanished += 1
            has_reason = re.fullmatch(f"pyipcs: {why}\n", done.err)
            if not has_reason or object_id in re.findall(r"\w+", done.out):
                raise WrongError(f"{done}")
            return
        rows = rows_of(format_, done.out, [kind])
        if [found["id"] for found in rows] != [object_id]:
            raise WrongError(done.out)
        self.listed += 1
        check_rows(rows, [kind], [one for one in self._survivors if str(one.id) == object_id])

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
        more = self._chance.choice(([], ["-o", _evidence(SYSV)], ["-l"], ["-q", "-t"]))
        with self._on_terminal("list", "--watch=0.1", *more, width=150) as (process, terminal):
            read_until(terminal, "Every 0.1s", _PATIENCE)
            for _ in range(3):
                width, height = self._chance.randint(20, 250), self._chance.randint(2, 60)
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

    def _complete(self) -> None:
        kinds, flags = self._kinds()
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
            word = _offer(one, what, current)
            if one.kind in kinds and word.startswith(current) and word not in {"", *offered}:
                raise WrongError(f"{one} is not offered by {done.out}")

    # -- Removals.

    def _remove_suspect(self) -> None:
        doomed = {
            (Kind.SEGMENT, cast.abandoned_segment(self._objects, uid=cast.DEPARTED)),
            (Kind.QUEUE, cast.abandoned_queue(self._objects, uid=cast.DEPARTED)),
            (Kind.SEMAPHORE, cast.abandoned_set(self._objects, uid=cast.DEPARTED)),
        }
        self._remove(doomed, "-a", "--suspect")

    def _remove_orphaned(self) -> None:
        doomed = {(Kind.SEGMENT, cast.abandoned_segment(self._objects, uid=cast.DEPARTED))}
        self._remove(doomed, "-a", "--orphaned")

    def _remove_empty(self) -> None:
        doomed = {(Kind.QUEUE, cast.tenants_queue(self._objects)) for _ in range(2)}
        self._remove(doomed, "-a", "--empty", "--owner", str(cast.TENANT))

    def _remove_by_key(self) -> None:
        msqid = cast.abandoned_queue(self._objects, uid=cast.DEPARTED)
        key = known(Kind.QUEUE, msqid, "suspect").facts["key"]
        self._remove({(Kind.QUEUE, msqid)}, "-a", "--key", key)

    def _spare_the_young(self) -> None:
        self._remove(set(), "-a", "--older-than", "1d")

    def _remove(self, doomed: set[tuple[Kind, int]], *args: str) -> None:
        """Remove objects by filters that select only them, after a dry run."""
        try:
            listed = rows_of("json", self._run("rm", *args, "-n", "-J").out, [])
            going = {(Kind(found["kind"]), int(found["id"])) for found in listed}
            if going != doomed or not doomed <= everything():
                raise WrongError(f"{args}: expected {doomed}, the dry run has {listed}")
            report = self._run("rm", *args, "-v").out
            gone = {(_NOUNS[noun], int(word)) for noun, word in _REMOVING.findall(report)}
            if gone != doomed or len(gone) != report.count("\n") or doomed & everything():
                raise WrongError(f"{args}: expected {doomed}, the report is {report!r}")
            self.removed += len(doomed)
        finally:
            for kind, object_id in doomed & everything():
                remove(kind, object_id)


def _evidence(kinds: Iterable[Kind]) -> str:
    """Return the columns with the processes that use objects of these kinds."""
    return ",".join(["+STATE", "REASON", *dict.fromkeys(_USERS[kind] for kind in kinds)])


def _offer(one: Known, what: str, current: str) -> str:
    """Return the word that completion offers for an object, if any."""
    key = one.facts["key"] if int(one.facts["key"], 16) else ""
    if what == "target" and not current.isdigit():
        return key or str(one.id)
    return key if what == "key" else str(one.id)


def storm(seconds: float, seed: int) -> Tally:
    """List objects and remove some, while other processes do the same.

    It needs its own IPC namespace, and root.
    """
    expire()  # which forked programs would take over from tests before
    objects = Objects()
    with ExitStack() as stack:
        stack.callback(objects.remove_all)
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
        while not all(ids(kind) for kind in SYSV) and time.monotonic() < deadline:
            time.sleep(0.05)
        yield complaints
    finally:
        process.terminate()
        text, _ = process.communicate()
        if process.returncode != 0 or "fail" in text:
            complaints.append(f"stress-ng ended with {process.returncode}: {text}")


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
