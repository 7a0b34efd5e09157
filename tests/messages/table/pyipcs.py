"""Messages of pyipcs."""

from tests.messages.rows import Rows
from tests.messages.texts import (
    WHEN,
    did_you_mean,
    needs_value,
    no_such_command,
    no_such_option,
    not_one_of,
    takes_no_value,
)

ROWS: Rows = {
    2: [
        ("--nope", no_such_option("--nope")),
        ("--color", needs_value("--color")),
        ("--color blue", f"--color: 'blue': {not_one_of(*WHEN)}"),
        ("--help=x", takes_no_value("--help")),
        ("lst", f"{no_such_command('lst')}{did_you_mean('list')}"),
        ("hlep", f"{no_such_command('hlep')}{did_you_mean('help')}"),
        ("nope", no_such_command("nope")),
        ("ls", f"{no_such_command('ls')}{did_you_mean('list')}"),
        ("peek", f"{no_such_command('peek')}{did_you_mean('recv --peek')}"),
        ("watch", f"{no_such_command('watch')}{did_you_mean('list --watch')}"),
        ("limits", f"{no_such_command('limits')}{did_you_mean('list --limits')}"),
    ],
}
