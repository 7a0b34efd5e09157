"""The text of pyipcs-formats(5), pyipcs-states(7) and pyipcs(1) against the program."""

import re
from pathlib import Path

import pytest

from pyipcs.cli import app
from pyipcs.describe import man, template
from pyipcs.model import POSIX, Kind, Semaphore, State
from pyipcs.query.columns import OF_KIND, RESOURCE
from pyipcs.query.filters import FILTERS
from tests.docs.test_manual import FOLDER, PAGES, rendered
from tests.kit.documents import ROOT
from tests.kit.factories import attaching
from tests.kit.kernel import Objects
from tests.kit.mqueue import queue
from tests.kit.posix import ShmFiles, glibc_semaphore
from tests.kit.program import invoke, pyipcs

FORMATS = "\n".join(template.read("pyipcs-formats.in"))
STATES = "\n".join(template.read("pyipcs-states.in"))
PROGRAM = "\n".join(template.read("pyipcs.in"))


def section(text: str, title: str) -> str:
    """Return the part of a template below a title, up to the next title of its level."""
    (_, level, part) = re.split(rf"^(\.S[HS]) {re.escape(title)}$", text, flags=re.MULTILINE)
    return re.split(r"^\.SH " if level == ".SH" else r"^\.S[HS] ", part, flags=re.MULTILINE)[0]


def quoted(text: str) -> set[str]:
    """Return the words between backquotes."""
    return set(re.findall(r"`(\w+)`", text))


def keys(text: str) -> set[str]:
    """Return the keys of the objects in JSON."""
    return set(re.findall(r'"(\w+)": ', text))


def test_formats_page_has_all_keys_of_listings(
    objects: Objects, shm: ShmFiles, own_mqueue: None
) -> None:
    document = section(FORMATS, "JSON")
    titles = ("System V objects", "POSIX objects", "taken", "other", "Limits and usage")
    documented = {"taken", "other"}.union(*(quoted(section(document, title)) for title in titles))
    for kind in Kind:
        if kind not in POSIX:
            objects.make(kind)
    shm.file(b"not-utf-8-\xff")
    shm.file("sem.semaphore", glibc_semaphore(1))
    found = {*Semaphore._fields, "semaphores"}
    with queue("/queue"):
        for family in ("--sysv", "--posix"):
            kinds = [kind for kind in Kind if (kind in POSIX) == (family == "--posix")]
            names = {column.name for kind in kinds for column in OF_KIND[kind]}
            for args in (["-l"], ["-u"], [], ["-o", f"+{','.join(names)}"]):
                found |= keys(invoke("list", family, "-J", *args).out)
    assert documented == found - {kind.collection for kind in Kind} | {"semaphores", "queues"}


def test_formats_page_has_all_keys_of_processes(objects: Objects) -> None:
    shmid = objects.segment()
    with attaching(shmid):
        out = invoke("stat", "-m", str(shmid), "-J").out
    processes = keys(out[out.index('"processes"') :]) - {"processes"}
    assert processes == {"pid", "command", "does", "times", "read_only"}
    assert processes <= quoted(section(FORMATS, "Processes of an object"))


def test_formats_page_has_all_keys_of_the_report_of_run(isolated: None) -> None:
    out = pyipcs("run", "-J", "true").err
    report = keys(out[out.index('"run"') : out.index('"queues"')]) - {"run"}
    documented = re.findall(r"^\.TP\n(.*)$", section(FORMATS, "run"), re.MULTILINE)
    assert report == quoted("\n".join(documented))


def test_formats_page_has_all_arrays_of_objects() -> None:
    introduction = section(FORMATS, "JSON").split(".SS ")[0]
    assert {kind.collection for kind in Kind} <= quoted(introduction)


def test_formats_page_has_all_metrics(objects: Objects, shm: ShmFiles, own_mqueue: None) -> None:
    text = rendered(FOLDER / "man5" / "pyipcs-formats.5")
    metrics = text[text.index("\nMETRICS") : text.index("\nMESSAGES AND BYTES")]
    shm.file("segment")
    shm.file("sem.semaphore", glibc_semaphore(1))
    for kind in Kind:
        if kind not in POSIX:
            objects.make(kind)
    with queue("/queue"):
        out = invoke("list", "--sysv", "--posix", "-f", "openmetrics").out
    names = set(re.findall(r"^# TYPE (\w+)", out, re.MULTILINE))
    assert len(names) > 30
    assert names - set(re.findall(r"\w+", metrics)) == set()


def test_formats_page_has_all_columns_and_views() -> None:
    text = re.sub(r" +", " ", rendered(FOLDER / "man5" / "pyipcs-formats.5"))
    for column in {*RESOURCE, *(one for kind in Kind for one in OF_KIND[kind])}:
        assert f"{column.name} {column.help}\n" in text
    for name, columns in man.views():
        assert f" {name} {columns}\n" in text or f" {name}\n {columns}\n" in text


def test_formats_page_has_all_posix_resources(shm: ShmFiles, own_mqueue: None) -> None:
    described = section(FORMATS, "LIMITS AND USAGE OF POSIX OBJECTS")
    terms = re.findall(r"^\.TP\n(.*)$", described, re.MULTILINE)
    listed = invoke("list", "--posix", "-l", "-f", "csv", "-o", "RESOURCE", "--noheadings").out
    listed += invoke("list", "--posix", "-u", "-f", "csv", "-o", "RESOURCE", "--noheadings").out
    names = {line.split(",")[-1] for line in listed.splitlines()}
    assert set(re.findall(r"[A-Z_]+", " ".join(terms))) == names


def test_states_page_has_all_states() -> None:
    for title in ("SYSTEM V OBJECTS", "POSIX OBJECTS"):
        terms = re.findall(r"^\.TP\n`([-a-z]+)`$", section(STATES, title), re.MULTILINE)
        assert {*terms} == {state.value for state in State}


def test_states_page_has_all_filters() -> None:
    options = {"creator": "created-by"}
    names = {f"--{options.get(name, name.replace('_', '-'))}" for name in FILTERS}
    terms = re.findall(r"^\.TP\n(.*)$", section(STATES, "FILTERS"), re.MULTILINE)
    assert {name for name in names if name not in " ".join(terms)} == set()


def test_page_of_the_program_has_the_reasons_for_unseen_queues() -> None:
    text = section(PROGRAM, "Queues that cannot be listed")
    reasons = re.findall(r"^\.IP .*\n(.*)$", text, re.MULTILINE)
    source = (ROOT / "pyipcs/posix/mqueue.py").read_text().replace("{PATH}", "/dev/mqueue")
    assert len(reasons) == 6
    assert [reason for reason in reasons if reason not in source] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_names_only_pages_that_exist(page: Path) -> None:
    own = {(one.name.rpartition(".")[0], one.suffix[1:]) for one in PAGES}
    text = page.read_text().replace("\\-", "-")
    found = set(re.findall(r"(pyipcs(?:-\w+)?)(?:\\fR)?\((\d)\)", text))
    assert found - own == set()


def test_notes_belong_to_commands() -> None:
    notes = {path.stem for path in (template.FOLDER / "notes").iterdir()}
    assert notes <= {*app.COMMANDS}
    for name in notes:
        assert "\nNOTES\n" in rendered(FOLDER / "man1" / f"pyipcs-{name}.1")
