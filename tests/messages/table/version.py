"""Messages of pyipcs version."""

from tests.messages.rows import Rows
from tests.messages.texts import unexpected_operand

ROWS: Rows = {2: [("list", unexpected_operand("list"))]}
