"""Write the generated files into the project, or into a given folder."""

import sys
from pathlib import Path

from pyipcs.describe import files

folder = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent.parent.parent
for name, text in files().items():
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
