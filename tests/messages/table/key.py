"""Messages of pyipcs key."""

from tests.messages.rows import Rows
from tests.messages.texts import NO_SUCH_FILE, NOT_PROJECT, missing

ROWS: Rows = {
    2: [
        ("", missing("PATH")),
        ("/nope", f"PATH: '/nope': {NO_SUCH_FILE}"),
        ("''", f"PATH: '': {NO_SUCH_FILE}"),
        ("/ 0", f"PROJ: '0': {NOT_PROJECT}"),
        ("/ long", f"PROJ: 'long': {NOT_PROJECT}"),
    ],
}
