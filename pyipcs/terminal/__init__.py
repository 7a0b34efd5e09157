"""Everything that touches a terminal, and the streams of the program."""
