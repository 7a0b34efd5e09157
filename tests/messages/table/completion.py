"""Messages of pyipcs completion."""

from tests.messages.rows import Rows
from tests.messages.texts import missing, not_one_of, unexpected_operand

ROWS: Rows = {
    2: [
        ("", missing("SHELL")),
        ("ksh", f"SHELL: 'ksh': {not_one_of('bash', 'zsh', 'fish')}"),
        ("bash zsh", unexpected_operand("zsh")),
    ],
}
