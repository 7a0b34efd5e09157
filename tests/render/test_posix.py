"""POSIX objects in every format: layouts byte for byte, and names that are read back."""

import base64
import csv
import json
import os
import subprocess
from collections.abc import Callable, Iterable
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
from prometheus_client.parser import text_string_to_metric_families as parse_text_format

from pyipcs import objects
from pyipcs.listing import Listing, listing_of
from pyipcs.model import POSIX, Kind, Unit, View
from pyipcs.posix import limits
from pyipcs.posix.names import format_name, parse_name
from pyipcs.query import plan
from pyipcs.query.choose import parse_choice
from pyipcs.query.columns import NAMESPACE, OF_KIND
from pyipcs.query.plan import Format, OutputOptions, Report, Totals
from pyipcs.render import (
    Renderer,
    data,
    delimited,
    ipcs_details,
    metrics,
    plain,
    renderer,
    text_columns,
)
from tests.kit import samples
from tests.kit.samples import HOSTILE_NAME, LONG_NAME, MACHINE, NO_PID, POSIX_RECORDS, WIDE_NAME
from tests.kit.wait import LIMIT

pytestmark = pytest.mark.usefixtures("utc")
HOSTILE = format_name(HOSTILE_NAME)
KINDS = pytest.mark.parametrize("kind", POSIX, ids=lambda kind: kind.value)

STATUS = f"""\

------ POSIX Message Queues --------
name                             owner      perms      messages     used-bytes  \

/jobs                            root       644        8            40          \

{HOSTILE} 4242424242 666        10           0           \

/unreadable                      root       0          -            -           \


------ POSIX Shared Memory --------
name                             owner      perms      bytes     \

/psm_1a2b3c4d                    root       600        65536     \

{HOSTILE} 4242424242 666        1099511627776
{LONG_NAME} root       600        0         \

{WIDE_NAME}                            root       640        100       \


------ POSIX Semaphores --------
name                             owner      perms      value     \

/loky-1                          root       600        3         \

{HOSTILE} 4242424242 666        0         \

/unreadable                      root       0          -         \


"""
TIMES = """\

------ POSIX Message Queue Times --------
name                             owner      modified             accessed             changed\
             \

/jobs                            root       Sep  9 01:46:40      Sep  9 01:45:40      Sep  9 01:47:\
40     \


------ POSIX Shared Memory Times --------
name                             owner      born                 modified             accessed\
             changed             \

/psm_1a2b3c4d                    root       Sep  9 01:45:40      Sep  9 01:46:40      Sep  9 01:46:\
41      Sep  9 01:46:40     \


------ POSIX Semaphore Times --------
name                             owner      born                 modified             accessed\
             changed             \

/loky-1                          root       Sep  9 01:46:40      Sep  9 01:46:40      Sep  9 01:46:\
40      Sep  9 01:46:40     \


"""
PIDS = """\

------ POSIX Message Queue PIDs --------
name                             owner      notify-pid
/jobs                            root       4194305   \




"""
OWNERS = """\

------ POSIX Message Queue Owners --------
name                             perms      uid        gid       \

/jobs                            644        root       root      \


------ POSIX Shared Memory Owners --------
name                             perms      uid        gid       \

/psm_1a2b3c4d                    600        root       root      \


------ POSIX Semaphore Owners --------
name                             perms      uid        gid       \

/loky-1                          600        root       root      \


"""
HUMAN = """\

------ POSIX Message Queues --------
name                             owner      perms      messages     size        \

/unreadable                      root       0          -                 -      \


------ POSIX Shared Memory --------
name                             owner      perms      size      \

/psm_1a2b3c4d                    root       600           64K    \


"""
CSV = f"""\
KIND,NAME,OWNER,PERMS,MSGS,USEDBYTES,MAXMSG,MSGSIZE,USE%,NOTIFY,MTIME,VALUE,BORN
pmsg,/jobs,root,rw-r--r--,8,40,10,100,80.00,4194305,2001-09-09T01:46:40+00:00,,
pmsg,"{HOSTILE}",4242424242,rw-rw-rw-,10,0,10,8192,100.00,0,2001-09-09T01:46:40+00:00,,
pmsg,/unreadable,root,---------,,,,,,,2001-09-09T01:46:40+00:00,,
psem,/loky-1,root,rw-------,,,,,,,,3,2001-09-09T01:46:40+00:00
psem,"{HOSTILE}",4242424242,rw-rw-rw-,,,,,,,,0,2001-09-09T01:46:40+00:00
psem,/unreadable,root,---------,,,,,,,,,
"""
_TIMES = (
    '"born": {born}, "mtime": "2001-09-09T01:46:40+00:00", "atime": "2001-09-09T01:{atime}+00:00", '
    '"ctime": "2001-09-09T01:{ctime}+00:00"'
)
_BASE64 = base64.b64encode(os.fsencode(HOSTILE_NAME)).decode()
JSON = (
    """\
{"other": {"files": 1, "bytes": null},
"posix_queues": [
{"kind": "pmsg", "name": "/jobs", "inode": 5, "device": 51, "mode": "0644", "uid": 0, "gid": 0, \
"owner": "root", """
    + _TIMES.format(born="null", atime="45:40", ctime="47:40")
    + """, "qnum": 8, "cbytes": 40, "maxmsg": 10, "msgsize": 100, "notify_pid": 4194305}],
"posix_shmems": [
{"kind": "pshm", "name": "/a b\\n\\t\\u001b[31m\\ufffd,'\\"\\\\$(id)%s", "name_base64": \
\""""
    + _BASE64
    + """", "inode": 3, "device": 52, "mode": "0666", "uid": 4242424242, "gid": 0, \
"owner": "4242424242", """
    + _TIMES.format(born='"2001-09-09T01:46:40+00:00"', atime="46:40", ctime="46:40")
    + """, "segsz": 1099511627776, "rss": 1073741824, "swap": 12288}],
"posix_semaphores": null}
"""
)
LIMITS = """\

------ POSIX Messages Limits --------
max queues system wide = 256
max messages per queue = 10
max size of message (bytes) = 8192
default max messages per queue = 10
default max size of message (bytes) = 8192
max size of queues per user = unlimited

------ POSIX Semaphore Limits --------
semaphore max value = 2147483647

"""
USAGE = """\

------ POSIX Messages Status --------
allocated queues = 2
size of your queues = 82.9K
queued messages = 8


"""


def first_of(*kinds: Kind) -> dict[Kind, list[Listing]]:
    """Return the first object of each kind."""
    return {kind: [listing.take([0])] for kind, (listing,) in samples.listings(*kinds).items()}


def ipcs_layout(found: plan.Found, view: View = View.STATUS, unit: Unit = Unit.DEFAULT) -> str:
    report = plan.report(found, OutputOptions(unit=unit), Format.PLAIN, view)
    return "".join(plain.listings(report))


@pytest.mark.parametrize(("view", "text"), [("time", TIMES), ("pid", PIDS), ("creator", OWNERS)])
def test_plain_view_of_posix_objects_is_in_the_manner_of_ipcs(view: str, text: str) -> None:
    assert ipcs_layout(first_of(*POSIX), View(view)) == text


def test_plain_status_of_posix_objects_is_in_the_manner_of_ipcs() -> None:
    assert ipcs_layout(samples.listings(*POSIX)) == STATUS


def test_plain_human_sizes_of_posix_objects_are_right_aligned() -> None:
    found = first_of(Kind.POSIX_SEGMENT)
    queues = samples.posix_listing(Kind.POSIX_QUEUE, samples.POSIX_QUEUES[2:])
    assert ipcs_layout({Kind.POSIX_QUEUE: [queues], **found}, unit=Unit.HUMAN) == HUMAN


@KINDS
@pytest.mark.parametrize("view", View, ids=lambda view: view.value)
def test_plain_without_posix_objects_has_headings(kind: Kind, view: View) -> None:
    """A chunk without rows lacks the fields that cost more calls."""
    text = ipcs_layout({kind: [listing_of(kind, [])]}, view)
    assert text.count("------") == 2 * (view is not View.PID or kind is Kind.POSIX_QUEUE)


def test_csv_of_posix_objects_is_its_table() -> None:
    report = samples.report(Kind.POSIX_QUEUE, Kind.POSIX_SEMAPHORE)
    assert "".join(delimited.csv(report)) == CSV


def test_tsv_of_posix_objects_is_the_same_table() -> None:
    """The backslashes of a name are escaped once."""
    report = samples.report(Kind.POSIX_QUEUE, Kind.POSIX_SEMAPHORE)
    rows = [line.split("\t") for line in "".join(delimited.tsv(report)).splitlines()]
    assert rows == [*csv.reader(StringIO(CSV))]


def test_text_columns_of_posix_objects_are_aligned() -> None:
    report = samples.report(*POSIX, choice="KEY,ID,NAME,VALUE,NOTIFY")
    lines = "".join(text_columns.table(report)).splitlines()
    assert lines[0].split() == ["KIND", "KEY", "ID", "NAME", "VALUE", "NOTIFY"]
    assert lines[1].split() == ["pmsg", "-", "-", "/jobs", "-", str(NO_PID)]
    assert {len(line.split()) for line in lines} == {6}
    assert f" {HOSTILE} " in lines[2]


def test_json_of_posix_objects_has_the_stable_keys() -> None:
    found = {
        Kind.POSIX_QUEUE: [samples.posix_listing(Kind.POSIX_QUEUE, samples.POSIX_QUEUES[:1])],
        Kind.POSIX_SEGMENT: [
            samples.posix_listing(Kind.POSIX_SEGMENT, samples.POSIX_SEGMENTS[1:2])
        ],
    }
    report = plan.report(found, OutputOptions(), Format.JSON)
    facts = {"other": {"files": 1, "bytes": None}}
    report = report._replace(facts=facts, unseen=[Kind.POSIX_SEMAPHORE])
    assert "".join(data.json_document(report)) == JSON
    (semaphore,) = json_objects(first_of(Kind.POSIX_SEMAPHORE))
    common = "kind name inode device mode uid gid owner born mtime atime ctime"
    assert [*semaphore] == [*common.split(), "value"]


def json_objects(found: plan.Found, choice: str = "") -> list[dict[str, object]]:
    """Return objects, read from JSON lines."""
    options = OutputOptions(choice=parse_choice(choice) if choice else None)
    report = plan.report(found, options, Format.JSONL)
    return [*map(json.loads, "".join(data.json_lines(report)).splitlines())]


@KINDS
def test_json_lines_of_posix_objects_begin_with_the_kind(kind: Kind) -> None:
    for found, record in zip(
        json_objects(samples.listings(kind)), POSIX_RECORDS[kind], strict=True
    ):
        assert [*found][:2] == ["kind", "name"]
        assert found["kind"] == kind.value
        assert ("name_base64" in found) is (record.name == HOSTILE_NAME)


def test_json_of_posix_objects_has_no_key_and_no_id() -> None:
    for found in json_objects(samples.listings(*POSIX), "KEY,ID"):
        assert (found["key"], found["id"]) == (None, None)


def test_json_unreadable_values_of_posix_objects_are_null() -> None:
    queue, semaphore = (
        json_objects({kind: [samples.posix_listing(kind, [POSIX_RECORDS[kind][2]])]})[0]
        for kind in (Kind.POSIX_QUEUE, Kind.POSIX_SEMAPHORE)
    )
    names = ("born", "qnum", "cbytes", "maxmsg", "msgsize", "notify_pid")
    assert [queue[name] for name in names] == [None] * 6
    assert (semaphore["value"], semaphore["born"]) == (None, None)


# How each format is read back; each function returns the texts of NAME.
def from_text_columns(text: str) -> list[str]:
    return text.splitlines()[1:]


def from_tsv(text: str) -> list[str]:
    return [line.partition("\t")[0] for line in text.splitlines()[1:]]


def from_csv(text: str) -> list[str]:
    return [row[0] for row in csv.reader(StringIO(text, newline=""), strict=True)][1:]


def from_export(text: str) -> list[str]:
    script = 'while IFS= read -r line; do eval "$line"; printf "%s\\0" "$NAME"; done'
    command = ["sh", "-c", script]
    done = subprocess.run(
        command, input=os.fsencode(text), capture_output=True, check=True, timeout=LIMIT
    )
    assert not done.stderr
    return [os.fsdecode(name) for name in done.stdout.split(b"\0")[:-1]]


READERS: dict[Renderer, Callable[[str], list[str]]] = {
    text_columns.table: from_text_columns,
    delimited.tsv: from_tsv,
    delimited.csv: from_csv,
    delimited.export: from_export,
}


def parsed(kind: Kind, texts: Iterable[str]) -> list[str]:
    """Return the names in texts as a command line reads them."""
    return [parse_name(text, kind) for text in texts]


def are_parsable(names: Iterable[str]) -> bool:
    return {*names}.isdisjoint(["/.", "/.."])  # the kernel has no such objects


@pytest.mark.parametrize("render", READERS, ids=lambda render: render.__name__)
@given(names=st.lists(samples.NAMES, min_size=1, max_size=5).filter(are_parsable))
def test_text_formats_of_any_names_are_read_back(render: Renderer, names: list[str]) -> None:
    kind = Kind.POSIX_SEGMENT
    report = samples.report(kind, choice="NAME")
    report = report._replace(found={kind: [samples.named(kind, names)]})
    text = "".join(render(report, None))
    assert parsed(kind, READERS[render](text)) == names


@given(names=st.lists(samples.NAMES, min_size=1, max_size=5).filter(are_parsable))
def test_plain_of_any_names_begins_its_rows_with_them(names: list[str]) -> None:
    kind = Kind.POSIX_SEGMENT
    rows = ipcs_layout({kind: [samples.named(kind, names)]}).splitlines()[3:-1]
    assert parsed(kind, (row.split()[0] for row in rows)) == names


@given(names=st.lists(samples.NAMES, min_size=1, max_size=5).filter(are_parsable))
def test_json_of_any_names_is_read_back(names: list[str]) -> None:
    found = {Kind.POSIX_SEGMENT: [samples.named(Kind.POSIX_SEGMENT, names)]}
    for one, name in zip(json_objects(found, "NAME"), names, strict=True):
        if "name_base64" in one:
            assert base64.b64decode(str(one["name_base64"])) == os.fsencode(name)
            assert "\ufffd" in str(one["name"])
        else:
            assert one["name"] == name


@given(names=st.lists(samples.NAMES, min_size=1, max_size=5, unique=True).filter(are_parsable))
def test_metrics_of_any_names_have_labels_of_their_own(names: list[str]) -> None:
    found = {Kind.POSIX_SEGMENT: [samples.named(Kind.POSIX_SEGMENT, names)]}
    text = "".join(metrics.document(Report(found, {}, MACHINE)))
    for family in parse(text):
        labels = [sample.labels["name"] for sample in family.samples]
        assert parsed(Kind.POSIX_SEGMENT, labels) == names
    assert [*parse_text_format(text)]


def metrics_of(*kinds: Kind) -> dict[str, dict[tuple[str, ...], float]]:
    """Return the samples of objects by family and by labels."""
    report = plan.report(samples.listings(*kinds), OutputOptions(), Format.OPENMETRICS)
    families = [*parse("".join(metrics.document(report)))]
    assert len({family.name for family in families}) == len(families)
    return {
        family.name: {tuple(one.labels.values()): one.value for one in family.samples}
        for family in families
    }


def test_metrics_of_posix_objects_have_their_names() -> None:
    found = metrics_of(*POSIX)
    prefix = "posixipc_"
    assert [name.removeprefix(prefix) for name in found if name.startswith(prefix)] == [
        "queue_messages",
        "queue_used_bytes",
        "queue_max_messages",
        "queue_message_max_bytes",
        "queue_modify_timestamp_seconds",
        "segment_size_bytes",
        "segment_resident_bytes",
        "segment_swapped_bytes",
        "segment_birth_timestamp_seconds",
        "segment_modify_timestamp_seconds",
        "semaphore_value",
        "semaphore_birth_timestamp_seconds",
    ]
    assert len(found) == 12
    assert found["posixipc_queue_messages"] == {
        ("/jobs", "root"): 8,
        (HOSTILE, "4242424242"): 10,
    }, "an unreadable value has no sample"
    assert found["posixipc_segment_resident_bytes"][HOSTILE, "4242424242"] == 2**30
    assert found["posixipc_semaphore_value"]["/loky-1", "root"] == 3


def test_metrics_of_both_families_have_families_of_their_own() -> None:
    found = metrics_of(*Kind)
    assert found["sysvipc_queue_messages"].keys().isdisjoint(found["posixipc_queue_messages"])
    assert "sysvipc_segment_size_bytes" in found


def test_metrics_of_a_name_that_is_listed_twice_have_one_series() -> None:
    kind = Kind.POSIX_SEGMENT
    twice = samples.named(kind, ["/a", "/b", "/a"])
    text = "".join(metrics.document(Report({kind: [twice]}, {}, MACHINE)))
    assert text.count('posixipc_segment_size_bytes{name="/a"') == 1


def resources(kind: Kind, **amounts: tuple[int | None, int | None]) -> Listing:
    """Return limits and usage, by the names of the resources."""
    rows = [row for row in limits.RESOURCES[kind] if row.name in amounts]
    added: dict[str, list[Any]] = {
        "description": [row.description for row in rows],
        "unit": [row.unit or None for row in rows],
        "limit": [amounts[row.name][0] for row in rows],
        "used": [amounts[row.name][1] for row in rows],
        "is_limited": ["limits" in row.figures for row in rows],
        "is_counted": ["usage" in row.figures for row in rows],
    }
    return Listing(kind, ("resource",), [row.name for row in rows], added)


QUEUES = resources(
    Kind.POSIX_QUEUE,
    QUEUES_MAX=(256, 2),
    MSG_MAX=(10, None),
    MSGSIZE_MAX=(8192, None),
    MSG_DEFAULT=(10, None),
    MSGSIZE_DEFAULT=(8192, None),
    RLIMIT_MSGQUEUE=(None, 84840),
    MESSAGES=(None, 8),
)
SEGMENTS = resources(
    Kind.POSIX_SEGMENT, SHM_SIZE=(2**30, 4096), SHM_INODES=(1000, 7), SHM_HELD=(None, 12288)
)
SEMAPHORES = resources(Kind.POSIX_SEMAPHORE, SEM_VALUE_MAX=(2147483647, None))


def figures(name: str, *rows: Listing) -> dict[Kind, Listing]:
    return {one.kind: objects.of_figures(one, name) for one in rows}


def test_plain_limits_of_posix_kinds_are_in_the_words_of_ipcs() -> None:
    values = figures("limits", QUEUES, SEMAPHORES)
    assert "".join(ipcs_details.figures("limits", values, Unit.DEFAULT)) == LIMITS


def test_plain_usage_of_posix_kinds_is_in_the_words_of_ipcs() -> None:
    values = figures("usage", QUEUES, SEMAPHORES)
    assert "".join(ipcs_details.figures("usage", values, Unit.HUMAN)) == USAGE


@KINDS
def test_plain_figures_have_a_label_for_each_resource(kind: Kind) -> None:
    rows = resources(kind, **{row.name: (1, 1) for row in limits.RESOURCES[kind]})
    for name in ("limits", "usage"):
        values = figures(name, rows)
        text = "".join(ipcs_details.figures(name, values, Unit.DEFAULT))
        assert text.count(" = 1\n") == values[kind].length


def test_json_limits_and_usage_of_posix_kinds_have_distinct_names() -> None:
    every = (QUEUES, SEGMENTS, SEMAPHORES)
    found = {
        name: json.loads("".join(data.json_figures(name, figures(name, *every), Unit.DEFAULT)))
        for name in ("limits", "usage")
    }
    assert found["limits"]["limits"] == {
        "queues_max": 256,
        "msg_max": 10,
        "msgsize_max": 8192,
        "msg_default": 10,
        "msgsize_default": 8192,
        "rlimit_msgqueue": None,
        "shm_size": 2**30,
        "shm_inodes": 1000,
        "sem_value_max": 2147483647,
    }
    assert found["usage"]["usage"] == {
        "queues": 2,
        "queue_bytes": 84840,
        "messages": 8,
        "shm_used": 4096,
        "shm_inodes_used": 7,
        "shm_held": 12288,
    }


def test_metrics_of_limits_and_usage_have_the_names_of_resources() -> None:
    every = [QUEUES, SEGMENTS, SEMAPHORES]
    usage = [*figures("usage", *every).items()]
    report = Report({}, {}, MACHINE, totals=Totals(every, every, usage))
    text = "".join(metrics.document(report))
    found = {
        family.name: {one.labels.get("resource", ""): one.value for one in family.samples}
        for family in parse(text)
    }
    assert found["posixipc_limit"].keys() == {
        *("queues_max", "msg_max", "msgsize_max", "msg_default", "msgsize_default"),
        *("shm_size", "shm_inodes", "sem_value_max"),
    }
    assert found["posixipc_used"] == {
        "queues_max": 2,
        "rlimit_msgqueue": 84840,
        "shm_size": 4096,
        "shm_inodes": 7,
    }
    assert (found["posixipc_messages"], found["posixipc_held_bytes"]) == ({"": 8}, {"": 12288})
    assert text.count("# TYPE posixipc_limit ") == 1


_FORMATS = [one for one in Format if one not in {Format.OPENMETRICS, Format.TABLE}]


@KINDS
@pytest.mark.parametrize("format_", _FORMATS, ids=lambda one: one.value)
def test_every_column_of_posix_objects_has_every_format(kind: Kind, format_: Format) -> None:
    """No column or format fails for unknown values or empty listings."""
    names = ",".join(column.name for column in OF_KIND[kind] if column is not NAMESPACE)
    for column in OF_KIND[kind]:
        options = OutputOptions(format_, parse_choice(names), sort=(column.name, True))
        report = plan.report(samples.listings(kind), options, format_)
        text = "".join(renderer(format_, report, None)(report, None))
        assert len(text.splitlines()) >= len(POSIX_RECORDS[kind])
        assert text.isprintable() is False
        assert "\x1b" not in text
        empty = plan.report({kind: [listing_of(kind, [])]}, options, format_)
        assert "\x1b" not in "".join(renderer(format_, empty, None)(empty, None))
