"""Files of pyipcs in the textfile collector of node_exporter."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.factories import in_other_namespace
from tests.kit.kernel import IS_ROOT, Objects
from tests.kit.node_exporter import ERROR, scraped
from tests.kit.posix import ShmFiles
from tests.kit.program import PYIPCS, run


@pytest.fixture
def other() -> Iterator[int]:
    """Return the pid of a process in another IPC namespace with a queue."""
    with in_other_namespace("-Q") as pid:
        yield pid


@pytest.mark.slow
@pytest.mark.tools("prometheus-node-exporter")
def test_node_exporter_reads_files_of_two_namespaces_and_both_families(
    other: int, objects: Objects, shm: ShmFiles, tmp_path: Path
) -> None:
    objects.queue()
    objects.segment()
    shm.file("x", b"hello")
    folder = tmp_path / "textfiles"
    folder.mkdir()
    namespaces = {str(Path(f"/proc/{pid}/ns/ipc").stat().st_ino) for pid in (os.getpid(), other)}
    for pid in (os.getpid(), other):
        for family in ("--sysv", "--posix"):
            done = run(
                PYIPCS, "list", family, "--ns", str(pid), "-o", "+STATE", "-f", "openmetrics"
            )
            assert done.status == 0
            assert not IS_ROOT or done.err == ""  # others may not see the queues
            (folder / f"{pid}{family}.prom").write_text(done.out)
    found = scraped(folder, tmp_path / "log")
    assert len(found["node_textfile_mtime_seconds"]) == 4
    for name in ("sysvipc_objects", "posixipc_objects", "sysvipc_limit", "sysvipc_queue_messages"):
        assert {labels["ipc_namespace"] for labels in found[name]} == namespaces
    assert {labels["name"] for labels in found["posixipc_segment_size_bytes"]} == {"/x"}
    assert found[ERROR] == [{}]
