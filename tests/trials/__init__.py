"""Long trials, which the tests run briefly: python -m tests.trials.NAME."""

import argparse
import random


def parse_options(seconds: float) -> argparse.Namespace:
    """Parse the duration and the seed of a trial; print them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=seconds)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.seconds:g} seconds\n", flush=True)
    return options
