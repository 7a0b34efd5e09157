"""Interactive shells on terminals, with the completions installed."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from select import select

from tests.kit.documents import ROOT, shared_files
from tests.kit.program import PYIPCS
from tests.kit.terminal import end, start, without_codes
from tests.kit.wait import LIMIT

BASH_COMPLETION = "/usr/share/bash-completion/bash_completion"


def link(prefix: Path) -> Path:
    """Link the files to where an installed wheel has them; return the prefix."""
    for file, place in {**shared_files(), PYIPCS: "bin/pyipcs"}.items():
        (prefix / place).parent.mkdir(parents=True, exist_ok=True)
        (prefix / place).symlink_to(ROOT / file)
    return prefix


class Shell:
    """A shell on a terminal, with the completions of the program installed."""

    def __init__(self, name: str, home: Path, prefix: Path) -> None:
        """Start a shell; `name` is one of SHELLS or EVALUATING."""
        self.name = name.split(maxsplit=1)[0] if name in EVALUATING else name
        command, files = (SHELLS | EVALUATING)[name](prefix)
        for path, text in files.items():
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            (home / path).write_text(text)
        env = {
            "HOME": str(home),
            "ZDOTDIR": str(home),
            "PATH": f"{prefix / 'bin'}:{os.environ['PATH']}",
            "XDG_DATA_DIRS": f"{prefix / 'share'}:/usr/local/share:/usr/share",
            "XDG_CONFIG_HOME": str(home / ".config"),
            "LC_ALL": "C.UTF-8",
        }
        command = ["env", "-C", str(home), *(word.replace("~", str(home)) for word in command)]
        self._process, self._terminal = start(
            command, width=150, height=60, env=env, controlling=True
        )
        assert "ready" in self._read("ready(?s:.*)> ")

    def type(self, keys: str, pattern: str = "") -> str:
        """Type keys, wait for a pattern, erase the line; return what was shown."""
        os.write(self._terminal, keys.encode())
        text = self._read(pattern) if pattern else ""
        # The shell reads the rest when it has handled these keys.
        os.write(self._terminal, b"\x1b\x15" if self.name == "fish" else b"\x15")
        os.write(self._terminal, b"echo do''ne\r")
        return text + self._read("\ndone\n")

    def _read(self, pattern: str) -> str:
        """Return the output up to a pattern, or until none comes for a minute."""
        text = ""
        while not re.search(pattern, _seen(text)) and select([self._terminal], [], [], LIMIT)[0]:
            text += os.read(self._terminal, 65536).decode(errors="replace")
        return _seen(text)

    def timed(self, before: str, keys: str, pattern: str) -> float:
        """Return the seconds from typing keys until a pattern is shown."""
        os.write(self._terminal, before.encode())
        self._read(before)
        began = time.perf_counter()
        os.write(self._terminal, keys.encode())
        self._read(pattern)
        took = time.perf_counter() - began
        os.write(self._terminal, b"n")  # answers zsh's question whether to list all
        self.type("")
        return took

    def end(self) -> None:
        end(self._process, self._terminal)


def _seen(text: str) -> str:
    return without_codes(text).replace("\r", "")


_Files = tuple[list[str], dict[str, str]]
_PROMPT = "PS1='> '\n"


def _bash(prefix: Path) -> _Files:
    rc = f"{_PROMPT}BASH_COMPLETION_USER_DIR={prefix}/share/bash-completion\n"
    rc += f". {BASH_COMPLETION}\necho ready\n"
    return ["bash", "--noprofile", "--rcfile", "~/rc", "-i"], {"rc": rc}


def _bare_bash(prefix: Path) -> _Files:
    rc = f"{_PROMPT}. {prefix}/share/bash-completion/completions/pyipcs\necho ready\n"
    return ["bash", "--noprofile", "--rcfile", "~/rc", "-i"], {"rc": rc}


def _strict_bash(prefix: Path) -> _Files:
    """Return a bash that stops at any error and splits words only at blanks."""
    command, files = _bare_bash(prefix)
    strict = "set -eu; shopt -s failglob nullglob; COMP_WORDBREAKS=$' \\t\\n'\n"
    return command, {"rc": files["rc"].replace("echo ready", strict + "echo ready")}


def _zsh(prefix: Path) -> _Files:
    rc = f"{_PROMPT}fpath=({prefix}/share/zsh/site-functions $fpath)\n"
    return ["zsh", "-i"], {".zshrc": f"{rc}autoload -U compinit; compinit -u -D\necho ready\n"}


def _fish(prefix: Path) -> _Files:
    rc = "set -g fish_greeting ready\nfunction fish_prompt; echo -n '> '; end\n"
    return ["fish", "-i"], {".config/fish/config.fish": rc}


SHELLS: dict[str, Callable[[Path], _Files]] = {
    "bash": _bash,
    "bash alone": _bare_bash,
    "bash strict": _strict_bash,
    "zsh": _zsh,
    "fish": _fish,
}


def _evaluating_bash(_prefix: Path) -> _Files:
    rc = f'{_PROMPT}eval "$(pyipcs completion bash)"\necho ready\n'
    return ["bash", "--noprofile", "--rcfile", "~/rc", "-i"], {"rc": rc}


def _zsh_with_written_file(_prefix: Path) -> _Files:
    rc = f"{_PROMPT}mkdir ~/.zfunc; pyipcs completion zsh > ~/.zfunc/_pyipcs; fpath+=~/.zfunc\n"
    return ["zsh", "-i"], {".zshrc": f"{rc}autoload -U compinit; compinit -u -D\necho ready\n"}


def _evaluating_zsh(_prefix: Path) -> _Files:
    rc = f"{_PROMPT}autoload -U compinit; compinit -u -D\n"
    return ["zsh", "-i"], {".zshrc": f'{rc}eval "$(pyipcs completion zsh)"\necho ready\n'}


def _evaluating_fish(_prefix: Path) -> _Files:
    rc = "set -g fish_greeting ready\nfunction fish_prompt; echo -n '> '; end\n"
    rc += "pyipcs completion fish | source\n"
    return ["fish", "-i"], {".config/fish/config.fish": rc}


# Shells that get the completions from the program; no folder of the installation has them.
EVALUATING: dict[str, Callable[[Path], _Files]] = {
    "bash eval": _evaluating_bash,
    "zsh file": _zsh_with_written_file,
    "zsh eval": _evaluating_zsh,
    "fish source": _evaluating_fish,
}
