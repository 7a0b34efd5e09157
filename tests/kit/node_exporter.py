"""Scrapes of node_exporter with files in its textfile collector."""

import socket
from pathlib import Path
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families as parse

from tests.kit.factories import running
from tests.kit.program import need_tool
from tests.kit.wait import wait_until

ERROR = "node_textfile_scrape_error"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def scraped(folder: Path, log: Path) -> dict[str, list[dict[str, str]]]:
    """Return the labels of each sample that node_exporter reads in a folder, without a warning."""
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
    lines = log.read_text().splitlines()
    assert [line for line in lines if "running as root user" not in line] == []
    return found
