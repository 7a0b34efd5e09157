"""Sizes with the decimal separator of LC_NUMERIC, as in util-linux."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from pyipcs.model import Kind
from tests.kit.kernel import Objects, row
from tests.kit.locales import make_locale
from tests.kit.program import PYIPCS, Result, run
from tests.kit.terminal import picture

pytestmark = pytest.mark.tools("localedef")

SIZES = (12345, 1000, 1536, 2**20 + 2**19, 2**40 + 2**36, 1023, 1024, 999 * 1024 + 100)
SETTINGS: tuple[Mapping[str, str], ...] = (
    {"LC_ALL": "de_DE.UTF-8"},
    {"LC_ALL": "de_DE"},
    {"LC_ALL": "ps_AF.UTF-8"},  # its separator has two bytes
    {"LANG": "de_DE.UTF-8"},
    {"LANG": "C", "LC_NUMERIC": "de_DE.UTF-8"},
    {"LANG": "de_DE.UTF-8", "LC_NUMERIC": "C"},
    {"LANG": "de_DE.UTF-8", "LC_NUMERIC": "no_LOCALE"},
    {"LC_NUMERIC": "de_DE.UTF-8", "LC_TIME": "no_LOCALE"},
    {"LC_ALL": "no_LOCALE"},
)
# LC_ALL sets each separator; the other settings are about the choice of the locale.
TEXTS = ("1.5K", "1,5K", "2,5KiB", "1\u066b5K", "0,5MB", "1,5", "1,5 K", ",5K")


@pytest.fixture(scope="session")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create locales with a decimal comma, and with a non-ASCII separator."""
    folder = tmp_path_factory.mktemp("locales")
    for name, charset, made in (
        ("de_DE", "UTF-8", "de_DE.UTF-8"),
        ("de_DE", "ISO-8859-1", "de_DE"),
        ("ps_AF", "UTF-8", "ps_AF.UTF-8"),
    ):
        make_locale(folder, name, charset, made)
    return folder


def environment(locales: Path, setting: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment, in which nothing else sets a locale."""
    rest = {
        name: value
        for name, value in os.environ.items()
        if name != "LANG" and not name.startswith("LC_")
    }
    return {**rest, "LOCPATH": str(locales), "LANGUAGE": "C", **setting}


def run_in(setting: Mapping[str, str], locales: Path, *command: str) -> Result:
    """Run a command with a locale."""
    variables = environment(locales, setting)
    words = [f"{name}={value}" for name, value in variables.items()]
    return run("env", "-i", *words, *command)


@pytest.mark.tools("ipcs")
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_list_human_in_locale_prints_the_bytes_of_ipcs(
    locales: Path, objects: Objects, isolated: None, setting: Mapping[str, str]
) -> None:
    segments = [objects.segment(size=size, flags=0o10000) for size in SIZES]
    objects.queue()
    for args in (["-m", "--human"], ["--human"], ["-m", "-i", str(segments[0]), "--human"]):
        theirs = run_in(setting, locales, "ipcs", *args)
        assert run_in(setting, locales, PYIPCS, "list", *args) == theirs
        assert theirs.out


def test_list_human_in_german_prints_commas(locales: Path, objects: Objects) -> None:
    shmid = objects.segment(size=12345)
    german = {"LC_ALL": "de_DE.UTF-8"}
    result = run_in(german, locales, PYIPCS, "list", "-m", "-i", str(shmid), "--human")
    assert "size=12,1K" in result.out


def test_list_csv_in_german_quotes_sizes_with_commas(
    locales: Path, objects: Objects, isolated: None
) -> None:
    objects.segment(size=12345)
    args = (PYIPCS, "list", "-m", "-f", "csv", "-o", "SIZE", "--human")
    assert run_in({"LC_ALL": "de_DE.UTF-8"}, locales, *args).out == 'SIZE\n"12,1K"\n'


def test_list_json_in_german_has_numbers(locales: Path, objects: Objects, isolated: None) -> None:
    objects.segment(size=12345)
    args = (PYIPCS, "list", "-m", "-f", "jsonl", "--human", "-o", "SIZE")
    assert '"segsz": 12345' in run_in({"LC_ALL": "de_DE.UTF-8"}, locales, *args).out


def test_stat_table_in_german_has_no_comma_between_thousands(
    locales: Path, objects: Objects
) -> None:
    shmid = objects.segment(size=12345)
    env = environment(locales, {"LC_ALL": "de_DE.UTF-8"})
    assert re.search(r"12,1K \(12345 bytes\)", picture("stat", "-m", str(shmid), env=env))


@pytest.mark.tools("ipcmk")
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_make_size_in_locale_is_read_as_ipcmk_reads_it(
    locales: Path, objects: Objects, setting: Mapping[str, str]
) -> None:
    for text in TEXTS if "LC_ALL" in setting else TEXTS[:2]:
        made = []
        for command in (["ipcmk"], [PYIPCS, "make"]):
            result = run_in(setting, locales, *command, "-M", text)
            size = ""
            if result.status == 0:
                shmid = objects.adopt(Kind.SEGMENT, int(result.out.split()[-1]))
                size = row(Kind.SEGMENT, shmid)["size"]
            made.append(size)
        theirs, ours = made
        if text == "1.5K":
            theirs = "1536"  # pyipcs reads a point in every locale
        assert ours == theirs, text


def test_set_qbytes_in_german_reads_comma_and_point(locales: Path, objects: Objects) -> None:
    msqid = objects.queue()
    for text in ("1,5K", "1.5K"):
        args = (PYIPCS, "set", "-q", str(msqid), "--qbytes", text)
        assert run_in({"LC_ALL": "de_DE.UTF-8"}, locales, *args) == (0, "", "")


def test_make_size_with_comma_in_c_locale_is_refused(objects: Objects) -> None:
    result = run(PYIPCS, "make", "-M", "1,5K")
    assert (result.status, result.out) == (2, "")
