"""Which objects are meant, which columns are shown, and in which order."""
