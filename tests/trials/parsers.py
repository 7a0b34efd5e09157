"""Fuzzing of the parsers in tests/kit/parsers.py by atheris.

Run by `python -m tests.trials.parsers [-max_total_time=60] [CORPUS]...`: the options are
libFuzzer's. The first byte of a text selects the parser.
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.kit import isolation

try:
    import atheris
except ImportError:
    sys.exit("atheris is missing: pip install atheris")

isolation.enter()  # parsers of listings make system calls, too

with atheris.instrument_imports(include=["pyipcs"]):
    from tests.kit.parsers import PARSERS

NAMES = [*PARSERS]


def check(data: bytes) -> None:
    """Parse one text."""
    if data:
        PARSERS[NAMES[data[0] % len(NAMES)]].check(data[1:])


def main() -> int:
    """Parse texts, valid ones first, until libFuzzer ends; return its status."""
    with TemporaryDirectory() as folder:
        for number, name in enumerate(NAMES):
            for seed, text in enumerate(PARSERS[name].seeds):
                Path(folder, f"{number}-{seed}").write_bytes(bytes([number]) + text)
        child = os.fork()
        if child == 0:
            atheris.Setup([*sys.argv, folder], check)
            atheris.Fuzz()
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    sys.exit(main())
