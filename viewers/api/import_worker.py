"""The process of one import: a source into a recording, its progress in lines of JSON on stdout."""

import json
import signal
import sys
import threading
from pathlib import Path

from lidar_label.viewers.api.job_worker import end_with_the_server


def main(arguments: list[str]) -> int:
    """Import SOURCE into OUT with the settings of a JSON file; say what came of it in RESULT."""
    source, out, settings, result = map(Path, arguments)
    threading.Thread(target=end_with_the_server, daemon=True).start()
    signal.signal(signal.SIGTERM, _leave)  # so that what is half written goes
    import numpy as np

    from lidar_label.datasets.formats import import_source
    from lidar_label.datasets.rig_correction import RigCorrection
    from lidar_label.errors import LidarLabelError

    given = json.loads(settings.read_text(encoding="utf-8"))
    lines = sys.stdout

    def tell(done: int, total: int) -> None:
        lines.write(json.dumps(["importing", done, total]) + "\n")
        lines.flush()

    try:
        turn = np.array(given["turn"], dtype=np.float64).reshape(4, 4)
        found = import_source(
            source,
            out,
            given["format"],
            progress=tell,
            sequence=given["sequence"],
            overwrite=True,
            correction=RigCorrection(turn, frozenset(given["inverted"])),
        )
    except LidarLabelError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    labels = None if found.labels_path is None else str(found.labels_path)
    told = {"points": found.points, "labels": labels, "warnings": found.warnings}
    result.write_text(json.dumps(told), encoding="utf-8")
    return 0


def _leave(_signal: int, _frame: object) -> None:
    sys.exit(130)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
