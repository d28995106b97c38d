"""Lets tests of this folder import what they share by its name."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # for interrupted_command
