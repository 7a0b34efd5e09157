"""The table of all messages, in a module for each command."""

from importlib import import_module

from tests.messages.rows import Row

_COMMANDS = ("list", "make", "rm", "send", "recv", "stat", "set", "op", "read", "write", "key")
_HELP = ("help", "version", "completion")
_MODULES = ("pyipcs", *_COMMANDS, "run", *_HELP)  # pyipcs has no command

TABLE = [
    Row(module if module != "pyipcs" else "", status, *columns)
    for module in _MODULES
    for status, rows in import_module(f"{__name__}.{module}").ROWS.items()
    for columns in rows
]
