"""list and stat with -f openmetrics: states, totals and namespaces."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse

from pyipcs.model import POSIX, SYSV, Kind, State
from tests.kit.factories import in_other_namespace, read_line, running
from tests.kit.kernel import IS_ROOT, Objects
from tests.kit.posix import SHM, ShmFiles, glibc_semaphore
from tests.kit.program import PYIPCS, forked, invoke, need_tool, run

STATES = {state.value for state in State}
LABELS = ("kind", "state")


def samples(*args: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Return the values of each gauge by labels; refuse a repeated series."""
    result = invoke(*args, "-f", "openmetrics")
    assert (result.status, result.err) == (0, ""), result
    return parsed(result.out)


def parsed(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    families = [*parse(text)]
    assert len({family.name for family in families}) == len(families)
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in families:
        series = [tuple(sample.labels.values()) for sample in family.samples]
        assert len({*series}) == len(series), family.name
        found[family.name] = {
            labels: sample.value for labels, sample in zip(series, family.samples, strict=True)
        }
    return found


def test_list_openmetrics_with_state_has_all_states_of_each_kind(one_of_each: None) -> None:
    found = samples("list", "--sysv", "--posix", "-o", "+STATE")
    states: Counter[tuple[str, str]] = Counter()
    for line in invoke(
        "list", "--sysv", "--posix", "-o", "KIND,STATE", "--noheadings"
    ).out.splitlines():
        states[tuple(line.split())] += 1  # type: ignore[index] # two words
    for name, kinds in (("sysvipc_objects", SYSV), ("posixipc_objects", POSIX)):
        expected = {
            (kind.value, state): states[kind.value, state] for kind in kinds for state in STATES
        }
        assert found[name] == expected
    assert sum(states.values()) == 6


def test_list_openmetrics_without_kinds_counts_system_v_states_alone(objects: Objects) -> None:
    objects.queue()
    found = samples("list", "-o", "+state")
    assert {kind for kind, _state in found["sysvipc_objects"]} == {kind.value for kind in SYSV}
    assert not {"posixipc_objects", "sysvipc_queue_messages"} & {*found}


def test_list_openmetrics_of_empty_selection_has_totals_and_zeros(
    objects: Objects, isolated: None
) -> None:
    objects.segment()
    found = samples("list", "-m", "--older-than", "1000d", "-o", "+STATE")
    assert found["sysvipc_objects"] == {("shm", state): 0 for state in STATES}
    assert found["sysvipc_used"]["shmmni",] == 1
    assert found["sysvipc_resident_bytes"] == {(): 0}
    assert "sysvipc_segment_size_bytes" not in found
    assert "sysvipc_objects" not in samples("list", "-m")


def test_list_openmetrics_with_filter_counts_the_selected_objects(
    objects: Objects, isolated: None
) -> None:
    objects.queue(5)
    objects.queue(6)
    found = samples("list", "-q", "--key", "5", "-o", "+STATE")
    assert sum(found["sysvipc_objects"].values()) == 1
    assert found["sysvipc_used"]["msgmni",] == 2


def test_stat_openmetrics_with_state_counts_the_targets(objects: Objects) -> None:
    msqid = objects.queue()
    found = samples("stat", "-q", str(msqid), "-o", "+STATE")
    assert {kind for kind, _state in found["sysvipc_objects"]} == {"msg"}
    assert sum(found["sysvipc_objects"].values()) == 1


@pytest.fixture
def other() -> Iterator[int]:
    """Return the pid of a process in another IPC namespace with a queue."""
    with in_other_namespace("-Q") as pid:
        yield pid


def inode(pid: int) -> str:
    return str(Path(f"/proc/{pid}/ns/ipc").stat().st_ino)


@pytest.mark.parametrize("command", [("list", "-q"), ("list",), ("list", "-l"), ("list", "-u")])
def test_openmetrics_with_ns_has_the_namespace_in_each_sample(
    command: tuple[str, ...], other: int
) -> None:
    done = forked(*command, "--ns", str(other), "-f", "openmetrics")
    every = [sample for family in parse(done.out) for sample in family.samples]
    assert {sample.labels.get("ipc_namespace") for sample in every} == {inode(other)}
    plain = invoke(*command, "-f", "openmetrics").out
    assert "ipc_namespace" not in plain


def test_stat_openmetrics_with_ns_has_the_namespace_in_each_sample(objects: Objects) -> None:
    msqid = objects.queue()
    args = ("stat", "-q", str(msqid), "--ns", f"/proc/{os.getpid()}/ns/ipc", "-o", "+STATE")
    every = samples(*args)
    assert {labels[-1] for family in every.values() for labels in family} == {inode(os.getpid())}


@pytest.mark.alone
def test_list_all_ns_openmetrics_has_the_samples_of_all_namespaces(
    other: int, objects: Objects, shm: ShmFiles
) -> None:
    objects.queue()
    name = f"x{os.getpid()}"  # other test processes have objects, too
    shm.file(name, b"hello")
    shm.file("sem.y", glibc_semaphore(1))
    args = ("--all-ns", "--sysv", "--posix", "-o", "+STATE", "-f", "openmetrics")
    found = parsed(forked("list", *args).out)
    ours, theirs = inode(os.getpid()), inode(other)
    for inode_ in (ours, theirs):
        assert found["sysvipc_used"]["msgmni", inode_] == 1
        counts = found["sysvipc_objects"]
        assert sum(counts["msg", state, inode_] for state in STATES) == 1
        assert [labels[-1] for labels in found["sysvipc_queue_messages"]].count(inode_) == 1
    size = {labels[0]: labels[-1] for labels in found["posixipc_segment_size_bytes"]}
    assert size[f"/{name}"] == ours
    assert (
        found["posixipc_limit"]["shm_size", ours]
        == os.statvfs(SHM).f_blocks * os.statvfs(SHM).f_frsize
    )


@pytest.mark.alone
def test_list_all_ns_openmetrics_without_kinds_has_totals_alone(other: int) -> None:
    found = parsed(forked("list", "--all-ns", "-f", "openmetrics").out)
    assert found["sysvipc_used"]["msgmni", inode(other)] == 1
    assert "sysvipc_queue_messages" not in found


@pytest.mark.alone
@pytest.mark.tools("mount")
def test_list_all_ns_openmetrics_of_two_mounts_has_each_name_once(shm: ShmFiles) -> None:
    """Two processes of one IPC namespace have the same names in two /dev/shm."""
    same = f"same{os.getpid()}"
    shm.file(same, b"hello")
    user = [] if IS_ROOT else ["--user", "--map-root-user"]
    script = (
        f"mount -t tmpfs none /dev/shm && echo hi >/dev/shm/{same} && echo ready && exec sleep 600"
    )
    with running(need_tool("unshare"), *user, "--mount", "sh", "-c", script) as process:
        if read_line(process) != "ready\n":
            pytest.skip("nothing can be mounted on /dev/shm")
        done = forked("list", "--all-ns", "--posix", "-f", "openmetrics")
    sizes = parsed(done.out)["posixipc_segment_size_bytes"]
    assert [size for labels, size in sizes.items() if labels[0] == f"/{same}"] == [5]


@pytest.mark.alone
@pytest.mark.tools("promtool")
def test_openmetrics_of_all_namespaces_passes_promtool(
    other: int, one_of_each: None, tmp_path: Path
) -> None:
    document = tmp_path / "ipc.prom"
    document.write_text(
        run(
            PYIPCS, "list", "--all-ns", "--sysv", "--posix", "-o", "+STATE", "-f", "openmetrics"
        ).out
    )
    assert all(f'kind="{kind.value}"' in document.read_text() for kind in Kind)
    with document.open() as file:
        done = run("sh", "-c", f"promtool check metrics <{file.name}")
    assert done == (0, "", "")
