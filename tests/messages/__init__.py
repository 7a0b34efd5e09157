"""All messages that pyipcs prints on standard error."""
