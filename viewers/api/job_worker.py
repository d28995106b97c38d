"""The process of one job: annotates a recording, tells its progress in lines of JSON on stdout.

It ends when its server does: the server holds the other end of its stdin.
"""

import json
import os
import sys
import threading
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Annotate RECORDING into LABELS with the settings of a JSON file; earlier frames are kept."""
    recording, labels, config = map(Path, arguments)
    threading.Thread(target=end_with_the_server, daemon=True).start()
    from lidar_label.annotation import load_annotation_config
    from lidar_label.annotation_file import annotate_to_file
    from lidar_label.errors import LidarLabelError

    out = sys.stdout

    def tell(stage: str, done: int, total: int) -> None:
        out.write(json.dumps([stage, done, total]) + "\n")
        out.flush()

    try:
        settings = load_annotation_config(config)
        annotate_to_file(recording, labels, settings, workers=1, progress=tell)
    except LidarLabelError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def end_with_the_server() -> None:
    """Wait for the end of stdin, and end."""
    sys.stdin.read()
    os._exit(130)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
