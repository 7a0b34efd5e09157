"""Messages of pyipcs key."""

from tests.messages.rows import Rows
from tests.messages.texts import NO_SUCH_FILE, NOT_PROJECT, missing

ROWS: Rows = {
    2: [
        ("", missing("PATH")),
        ("/nope", f"PATH: '/nope': {NO_SUCH_FILE}"),
        ("''", f"PATH: '': {NO_SUCH_FILE}"),
        ("/ 4294967296", f"PROJ: '4294967296': {NOT_PROJECT}"),
        ("/ long", f"PROJ: 'long': {NOT_PROJECT}"),
    ],
    0: [
        ("-v / 300", "project 300: ftok uses only the low 8 bits (44)"),
    ],
}
