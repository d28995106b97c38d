"""`python -m lidar_label` is the `lidar-label` command."""

import sys

from lidar_label.cli import main

if __name__ == "__main__":
    sys.exit(main())
