"""Options that commands share, as decorators."""
