"""The caller's ids under a preloaded library that returns 0, such as fakeroot's."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pyipcs.process import identity, libc
from tests.kit.program import PYIPCS, Result, run

# An ordinary user in its own user namespace and IPC namespace, for any user of the tests.
USER, GROUP = 1000, 1001
AS_USER = ["unshare", "--user", f"--map-user={USER}", f"--map-group={GROUP}", "--ipc"]
_LIAR = "".join(f"int {name}(void) {{ return 0; }}\n" for name in ("getuid", "geteuid"))
_LIAR += _LIAR.replace("uid", "gid")
IDS = (
    "import os; from pyipcs.process import identity, libc;"
    "print(os.geteuid(), identity.effective_uid(), identity.effective_gid(), libc.effective_ids())"
)
# A shell command with pyipcs as its $0, run by an ordinary user.
_Shell = Callable[[str], Result]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("liar")
    source, built = folder / "liar.c", folder / "liar.so"
    source.write_text(_LIAR)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", built, source], check=True, timeout=60)
    return built


@pytest.fixture
def shell() -> _Shell:
    if run(*AS_USER, "true").status:
        pytest.skip("needs user namespaces")
    return lambda script: run(*AS_USER, "sh", "-c", script, PYIPCS)


@pytest.fixture
def deceived(library: Path, shell: _Shell) -> _Shell:
    """Run a script in which only `pyipcs` has the library preloaded."""
    preload = f'pyipcs() {{ LD_PRELOAD={library} "$0" "$@"; }}; '
    return lambda script: shell(preload + script)


def test_effective_ids_are_those_of_the_system_calls() -> None:
    expected = os.geteuid(), os.getegid()
    assert (identity.effective_uid(), identity.effective_gid()) == expected
    assert libc.effective_ids() == expected


def test_effective_ids_without_proc_come_from_the_system_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(identity, "open", refuse, raising=False)
    monkeypatch.setattr(libc, "effective_ids", lambda: (12, 34))
    assert (identity.effective_uid(), identity.effective_gid()) == (12, 34)


@pytest.mark.parametrize("text", [b"", b"x", b"\nUid:\t1\n", b"\nUid:\t1\tx\nGid:\t1\tx\n"])
def test_effective_ids_with_proc_masked_come_from_the_system_calls(
    text: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "status").write_bytes(text)
    masked = lambda *_args, **_options: (tmp_path / "status").open("rb", buffering=0)  # noqa: E731
    monkeypatch.setattr(identity, "open", masked, raising=False)
    assert identity.effective_uid() == os.geteuid()
    assert identity.effective_gid() == os.getegid()


@pytest.mark.tools("cc", "unshare")
def test_effective_ids_with_a_preloaded_library_are_the_kernels(
    library: Path, shell: _Shell
) -> None:
    result = shell(f"LD_PRELOAD={library} {sys.executable} -c '{IDS}'")
    assert result == (0, f"0 {USER} {GROUP} ({USER}, {GROUP})\n", "")


@pytest.mark.tools("cc", "unshare")
def test_mine_with_a_preloaded_library_selects_the_users_objects(deceived: _Shell) -> None:
    result = deceived("ipcmk -Q >/dev/null; pyipcs list --mine -o KIND,CUID --noheadings")
    assert result == (0, f"msg {USER}\n", "")


@pytest.mark.tools("cc", "unshare")
def test_rm_with_a_preloaded_library_removes_the_users_objects(deceived: _Shell) -> None:
    made = "ipcmk -Q >/dev/null; ipcmk -M 1 >/dev/null; ipcmk -S 1 >/dev/null; "
    named = "pyipcs rm -n -q 0 -o KIND,CUID --noheadings && pyipcs rm --all=msg && "
    result = deceived(f"{made}{named}pyipcs rm --all --mine && ipcs | grep -c ^0x")
    assert result == (1, f"msg {USER}\n0\n", "")


@pytest.mark.tools("cc", "unshare")
def test_run_with_a_preloaded_library_gets_a_namespace_of_its_own(deceived: _Shell) -> None:
    result = deceived("pyipcs run --private always ipcmk -Q")
    assert result.status == 23, result
    assert "'ipcmk' left 1 message queue" in result.err


@pytest.mark.tools("cc", "unshare")
def test_run_in_this_namespace_with_a_preloaded_library_reports_leftovers(
    deceived: _Shell,
) -> None:
    result = deceived("pyipcs run --private never ipcmk -Q")
    assert result.status == 23, result
    assert "'ipcmk' left 1 message queue" in result.err


@pytest.mark.tools("fakeroot-tcp", "unshare")
def test_rm_under_fakeroot_removes_the_users_objects(shell: _Shell) -> None:
    result = shell('ipcmk -Q >/dev/null; fakeroot-tcp "$0" rm --all -v; ipcs -q | grep -c ^0x')
    assert result == (1, "removing message queue id `0'\n0\n", "")


@pytest.mark.tools("fakeroot-tcp", "unshare")
def test_run_under_fakeroot_reports_leftovers(shell: _Shell) -> None:
    for when in ("auto", "never"):
        result = shell(f'fakeroot-tcp "$0" run --private {when} ipcmk -Q')
        assert result.status == 23, result
        assert "'ipcmk' left 1 message queue" in result.err
