"""What a benchmark is at, on stderr."""

import sys


def say(text: str) -> None:
    """One line of progress."""
    print(f"  {text} …", file=sys.stderr, flush=True)  # noqa: T201
