"""Messages of the program, collected from its source code."""

import ast
import re
from collections.abc import Sequence
from pathlib import Path

import pyipcs

SOURCES = Path(pyipcs.__file__).parent
# Modules and packages whose texts are results and help.
_IGNORED_MODULES = {
    "completion.py",
    "describe",
    "model.py",
    "render",
    "usage/doubt.py",  # values of the column REASON
    "usage/reason.py",  # values of the column REASON
    "usage/state.py",  # values of the column REASON
    "usage/posix_state.py",  # values of the column REASON
    "usage/scan.py",  # values of the column REASON
    "usage/users.py",  # values of the column REASON
    "terminal/escape.py",
    "terminal/live_screen.py",
    "terminal/progress_bar.py",
}
# Functions, classes and constants without messages, by module.
IGNORED_NAMES = {
    "cli/app.py": {"PURPOSES"},  # the help
    "cli/main.py": {"_IMPORTER"},  # a format string
    "cli/command.py": {"collect_usage_pieces", "format_epilog"},  # the help
    "actions/all_namespaces.py": {"heading"},
    # Names of objects and of changes, which are parts of messages.
    "actions/create.py": {"_queue_plan", "_set_plan"},
    "cli/commands/make.py": {"_LABELS"},  # the output of ipcmk
    "cli/commands/help.py": {"_TOPICS"},  # the completion
    "cli/options/output.py": {"columns_of"},  # the help
    "cli/options/common.py": {"_show_version"},
    "terminal/streams.py": {"ask"},
    "actions/remove.py": {"_VERBOSE"},
    "cli/commands/rm.py": {"_question", "_concerns"},
    # The lines above and below a live view.
    "terminal/live_loop.py": {"_HINT", "_head"},
    "terminal/viewport.py": {"_cut"},
    # Lines for people below the tables.
    "actions/visible.py": {"posix_hint"},
    "actions/live_views.py": {"_NO_OBJECT"},
    "cli/present.py": {"_others_note"},
    # Names of fields.
    "posix/listing.py": {"_BASIC", "_segments", "_chunks", "fields_of"},
    "query/complete.py": {"Requirement"},
    "__main__.py": {"_run"},  # a broken installation, in system/test_process.py
    # Only a caller that is no command, or a race, can cause these.
    "actions/remove_posix.py": {"_report"},
    "query/filters.py": {"_NOT_BORN"},
    "posix/files.py": {"_open"},
    "posix/directory.py": {"_open_of_process"},
    "posix/lease.py": {"DENIED", "UNSUPPORTED"},
    "posix/openness.py": {"UNCHECKED", "_restore"},
    "posix/semaphore.py": {"_check_library", "_check_glibc"},
    "posix/names.py": {"_check_encoding", "parse_target"},
    "errors.py": {"StoppedError"},  # the program dies of the signal and prints nothing
    # `objects.parse_target` has another text for commands of both families.
    "sysv/keys.py": {"parse_target"},
    "sysv/__init__.py": {"__getattr__"},  # for users of the library
    "sysv/abi.py": {"_PERM", "_SEM_TIMES"},  # names of C members
}
# Calls and keyword arguments whose texts are results, help, or names in the kernel.
_IGNORED_CALLS = {"CStruct", "Column", "DocumentedChoice", "Resource", "options_titled", "write"}
_IGNORED_ARGUMENTS = {"details", "help", "metavar", "title", "which"}
# Calls whose arguments are messages, even if they are single words.
_MESSAGE_CALLS = {"CommandError", "IpcError", "LimitError", "UsageError", "ValueError"}
_MESSAGE_CALLS |= {"OverflowError", "error", "fail", "refuse"}


def collect_messages() -> dict[str, str]:
    """Return patterns of all messages and their parts, by location."""
    messages: dict[str, str] = {}
    for path in sorted(SOURCES.rglob("*.py")):
        module = str(path.relative_to(SOURCES))
        if _IGNORED_MODULES.isdisjoint({module, module.partition("/")[0]}):
            collector = _MessageCollector(IGNORED_NAMES.get(module, set()))
            collector.visit(ast.parse(path.read_text()))
            found = collector.patterns.items()
            messages |= {f"{module}:{location}": pattern for location, pattern in found}
    return messages


def defined_names(module: str) -> set[str]:
    """Return the names of the functions, classes and constants of a module."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((SOURCES / module).read_text())):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            names |= _targets(node)
    return names


class _MessageCollector(ast.NodeVisitor):
    """A visitor that collects messages and texts of several words."""

    def __init__(self, ignored: set[str]) -> None:
        self.patterns: dict[str, str] = {}  # by line and column
        self._ignored = ignored
        self._in_message_call = False

    def visit_Module(self, node: ast.Module) -> None:
        # Constants that no function uses are help.
        used = {
            within.id
            for function in ast.walk(node)
            if isinstance(function, ast.FunctionDef)
            for statement in function.body
            for within in ast.walk(statement)
            if isinstance(within, ast.Name)
        }
        constants = [one for one in node.body if isinstance(one, ast.Assign | ast.AnnAssign)]
        unused = [one for one in constants if not used & _targets(one)]
        self._visit_body([one for one in node.body if one not in unused])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if node.name not in self._ignored:
            self._visit_body(node.body)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.name not in self._ignored:
            self._visit_body(node.body)  # without the decorators, which hold the help

    def visit_Assign(self, node: ast.Assign) -> None:
        if self._ignored.isdisjoint(_targets(node)):
            self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value and self._ignored.isdisjoint(_targets(node)):
            self.visit(node.value)  # without the annotation

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # not a docstring
            self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        name = ast.unparse(node.func).rpartition(".")[2]
        if name in _IGNORED_CALLS:
            return
        outside = self._in_message_call
        self._in_message_call |= name in _MESSAGE_CALLS
        self.generic_visit(node)
        self._in_message_call = outside

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg not in _IGNORED_ARGUMENTS:
            self.visit(node.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._add(node, node.value.split("{}"))  # fields of str.format

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        # The text around the fields; it is empty between two adjacent ones.
        parts = [""]
        for part in node.values:
            if isinstance(part, ast.Constant):
                parts[-1] += str(part.value)
            else:
                parts.append("")
                self.visit(part)
        self._add(node, parts)

    def visit_FormattedValue(self, node: ast.FormattedValue) -> None:
        self.visit(node.value)  # without the format specification

    def _visit_body(self, body: Sequence[ast.AST]) -> None:
        for node in body:
            self.visit(node)

    def _add(self, node: ast.expr, parts: list[str]) -> None:
        has_words = any(re.search("[a-z]{2}", part) for part in parts)
        if has_words and (self._in_message_call or " " in "_".join(parts).strip()):
            location = f"{node.lineno}:{node.col_offset}"
            self.patterns[location] = ".*".join(map(re.escape, parts))


def _targets(node: ast.Assign | ast.AnnAssign) -> set[str]:
    """Return the names that an assignment sets."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {ast.unparse(target) for target in targets}
