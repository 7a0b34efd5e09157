"""OpenMetrics, read by the parsers of prometheus_client."""

import pwd

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
from prometheus_client.parser import text_string_to_metric_families as parse_text_format

from pyipcs.listing import Listing, listing_of
from pyipcs.model import Kind
from pyipcs.query.plan import Report, Totals
from pyipcs.render import metrics
from pyipcs.sysv.info import QueueUsage, SegmentUsage, Usage
from tests.kit import samples

UNCACHED_ID = 4242424244  # of a user whose name no other test caches
RESOURCES = [
    Listing(
        Kind.QUEUE,
        ("resource",),
        ["MSGMNI", "MSGMAX"],
        {"limit": [32000, 2**64 - 1], "used": [2, None], "is_limited": [True, True]},
    )
]
USAGE: dict[Kind, Usage] = {
    Kind.QUEUE: QueueUsage(2, 7, 99),
    Kind.SEGMENT: SegmentUsage(1, 5, 3, 2, 0, 0),
}
GOLDEN = """\
# TYPE sysvipc_limit gauge
# HELP sysvipc_limit Limit of a resource, by the kernel's name for it.
sysvipc_limit{resource="msgmni"} 32000
sysvipc_limit{resource="msgmax"} 18446744073709551615
# TYPE sysvipc_used gauge
# HELP sysvipc_used Amount of a resource in use.
sysvipc_used{resource="msgmni"} 2
# TYPE sysvipc_messages gauge
# HELP sysvipc_messages Messages on all queues.
sysvipc_messages 7
# TYPE sysvipc_messages_bytes gauge
# UNIT sysvipc_messages_bytes bytes
# HELP sysvipc_messages_bytes Bytes in the messages on all queues.
sysvipc_messages_bytes 99
# TYPE sysvipc_resident_bytes gauge
# UNIT sysvipc_resident_bytes bytes
# HELP sysvipc_resident_bytes Bytes of all segments in memory.
sysvipc_resident_bytes 12288
# TYPE sysvipc_swapped_bytes gauge
# UNIT sysvipc_swapped_bytes bytes
# HELP sysvipc_swapped_bytes Bytes of all segments in swap.
sysvipc_swapped_bytes 8192
# TYPE sysvipc_set_semaphores gauge
# HELP sysvipc_set_semaphores Semaphores of the set.
sysvipc_set_semaphores{id="0",key="0x00000007",owner="root"} 3
sysvipc_set_semaphores{id="1",key="0x00000000",owner="root"} 250
# TYPE sysvipc_set_operation_timestamp_seconds gauge
# UNIT sysvipc_set_operation_timestamp_seconds seconds
# HELP sysvipc_set_operation_timestamp_seconds Time of the last operation.
sysvipc_set_operation_timestamp_seconds{id="1",key="0x00000000",owner="root"} 1000000000
# TYPE sysvipc_set_change_timestamp_seconds gauge
# UNIT sysvipc_set_change_timestamp_seconds seconds
# HELP sysvipc_set_change_timestamp_seconds Time of the last change.
sysvipc_set_change_timestamp_seconds{id="0",key="0x00000007",owner="root"} 1000000000
sysvipc_set_change_timestamp_seconds{id="1",key="0x00000000",owner="root"} 1000000000
# EOF
"""


def document(*kinds: Kind, usage: dict[Kind, Usage] | None = None) -> str:
    report = Report(samples.listings(*kinds), {}, samples.MACHINE)
    figures = report._replace(totals=Totals(RESOURCES, RESOURCES, [*(usage or {}).items()]))
    return "".join(metrics.document(figures))


def samples_of(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    return {
        family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
        for family in parse(text)
    }


def test_document_has_every_family(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sysconf", lambda _name: 4096)
    assert document(Kind.SEMAPHORE, usage=USAGE) == GOLDEN


def test_document_is_valid_and_has_gauges() -> None:
    text = document(usage=USAGE)
    families = list(parse(text))
    assert {family.type for family in families} == {"gauge"}
    assert all(family.documentation for family in families)
    assert len({family.name for family in families}) == len(families)
    found = samples_of(text)
    assert found["sysvipc_queue_limit_bytes"]["7", "0x00000000", "4242424242"] == 65536
    assert found["sysvipc_segment_swapped_bytes"]["32772", "0x00000000", "root"] == 12288
    assert len(found["sysvipc_queue_send_timestamp_seconds"]) == 2, (
        "a queue without a send has no sample"
    )


def test_document_is_valid_text_format() -> None:
    """The textfile collector of node_exporter reads the older format."""
    text = document(usage=USAGE)
    older = {sample.name: sample.value for one in parse_text_format(text) for sample in one.samples}
    assert older["sysvipc_messages_bytes"] == 99
    assert older["sysvipc_queue_messages"] == 0


def test_document_without_objects_is_its_end() -> None:
    assert "".join(metrics.document(Report({Kind.QUEUE: []}, {}, samples.MACHINE))) == "# EOF\n"


def test_document_escapes_a_hostile_user_name(monkeypatch: pytest.MonkeyPatch) -> None:
    name = b'a"} 1\n\\\xff'.decode(errors="surrogateescape")
    entry = pwd.struct_passwd((name, "x", 0, 0, "", "/", "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: entry)
    record = samples.SETS[0]._replace(uid=UNCACHED_ID)
    found = {Kind.SEMAPHORE: [listing_of(Kind.SEMAPHORE, [record])]}
    families = samples_of("".join(metrics.document(Report(found, {}, samples.MACHINE))))
    ((_id, _key, owner),) = families["sysvipc_set_semaphores"]
    assert owner in {'a"} 1\n\\\ufffd', 'a"} 1\n\\?'}
