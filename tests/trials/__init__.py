"""Long trials, each of which a test of the suite runs in short: python -m tests.trials.NAME."""
