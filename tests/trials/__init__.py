"""Long trials, each of which a test of the suite runs in short: python -m tests.trials.NAME."""

import argparse
import random


def told_on_command_line(seconds: float) -> argparse.Namespace:
    """How long a trial lasts, and by what chance, which is printed so that it can be had again."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=seconds)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.seconds:g} seconds\n", flush=True)
    return options
