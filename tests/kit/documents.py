"""README and the wheel's shared files, which tests read."""

import tomllib
from pathlib import Path

from tests.kit.kernel import IS_ROOT

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
# The start of a command that runs in a new IPC namespace. A user namespace makes an ordinary
# user root, as the outputs in README and help show it.
IN_NEW_NAMESPACE = ["unshare", "--ipc"] if IS_ROOT else ["unshare", "--user", "-r", "--ipc"]


def shared_files() -> dict[str, str]:
    """Return the wheel's shared files: their paths here and there."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    shared = build["targets"]["wheel"]["shared-data"]
    return {
        str(file.relative_to(ROOT)): str(there / file.relative_to(ROOT / here))
        for here, there in ((here, Path(there)) for here, there in shared.items())
        for file in ([ROOT / here], (ROOT / here).rglob("*.*"))[(ROOT / here).is_dir()]
    }
