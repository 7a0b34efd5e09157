"""Files of pyipcs in the textfile collector of node_exporter."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from tests.kit.factories import in_other_namespace, running
from tests.kit.kernel import Objects
from tests.kit.posix import ShmFiles
from tests.kit.program import PYIPCS, need_tool, run
from tests.kit.wait import wait_until

ERROR = "node_textfile_scrape_error"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def scraped(folder: Path, log: Path) -> dict[str, list[dict[str, str]]]:
    """Return the labels of each sample that node_exporter reads in a folder."""
    address = f"127.0.0.1:{free_port()}"
    options = ["--collector.disable-defaults", "--collector.textfile", "--log.level=warn"]
    options += [f"--collector.textfile.directory={folder}", f"--web.listen-address={address}"]
    text = ""

    def has_answer() -> bool:
        nonlocal text
        try:
            with urlopen(f"http://{address}/metrics", timeout=10) as answer:
                text = answer.read().decode()
        except OSError:
            return False
        return True

    with (
        log.open("wb") as errors,
        running(need_tool("prometheus-node-exporter"), *options, stderr=errors),
    ):
        wait_until(has_answer)
    found: dict[str, list[dict[str, str]]] = {}
    for family in parse(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
            if sample.name == ERROR:
                assert sample.value == 0, log.read_text()
    return found


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
            assert (done.status, done.err) == (0, "")
            (folder / f"{pid}{family}.prom").write_text(done.out)
    found = scraped(folder, tmp_path / "log")
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line for line in lines if "running as root user" not in line] == []
    assert len(found["node_textfile_mtime_seconds"]) == 4
    for name in ("sysvipc_objects", "posixipc_objects", "sysvipc_limit", "sysvipc_queue_messages"):
        assert {labels["ipc_namespace"] for labels in found[name]} == namespaces
    assert {labels["name"] for labels in found["posixipc_segment_size_bytes"]} == {"/x"}
    assert found[ERROR] == [{}]
