"""The selected objects, the columns to show, and their order."""
