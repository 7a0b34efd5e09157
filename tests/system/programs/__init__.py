"""Real programs that create objects: their definitions, and their table in tests/README.md."""
