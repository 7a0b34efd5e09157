"""Fuzz every parser of tests/kit/parsers.py by atheris, which looks for new paths in the code.

Run by `python -m tests.trials.parsers [-max_total_time=60] [CORPUS]...`: the options are
libFuzzer's. The first byte of a text says which parser it is for.
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

isolation.enter()  # what a file does not tell, the kernel is asked for

with atheris.instrument_imports(include=["pyipcs"]):
    from tests.kit.parsers import PARSERS

NAMES = [*PARSERS]


def one(data: bytes) -> None:
    """Read one text."""
    if data:
        PARSERS[NAMES[data[0] % len(NAMES)]].check(data[1:])


def main() -> int:
    """Read texts, the true ones first, until libFuzzer ends its process; the status of that."""
    with TemporaryDirectory() as folder:
        for number, name in enumerate(NAMES):
            for seed, text in enumerate(PARSERS[name].seeds):
                Path(folder, f"{number}-{seed}").write_bytes(bytes([number]) + text)
        child = os.fork()
        if child == 0:
            atheris.Setup([*sys.argv, folder], one)
            atheris.Fuzz()
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    sys.exit(main())
