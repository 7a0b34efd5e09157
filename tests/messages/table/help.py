"""Messages of pyipcs help."""

from tests.messages.rows import Rows
from tests.messages.texts import did_you_mean, no_help, unexpected_operand

ROWS: Rows = {
    2: [
        ("nope", no_help("nope")),
        ("lst", f"{no_help('lst')}{did_you_mean('list')}"),
        ("ipcrm", f"{no_help('ipcrm')}{did_you_mean('rm')}"),
        ("peek", f"{no_help('peek')}{did_you_mean('recv')}"),
        ("column", f"{no_help('column')}{did_you_mean('columns')}"),
        ("list rm", unexpected_operand("rm")),
    ],
}
