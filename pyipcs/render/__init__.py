"""Records and listings as text; which stream it goes to is decided elsewhere."""
