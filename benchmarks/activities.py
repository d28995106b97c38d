"""Activity segmentation on labelled recordings: change points, few tags, other people, speed.

Windows that overlap a tagged one are never scored; whole people are left out where it says so. Ours
is reported at its defaults, which are round figures with reasons from the method but were compared
on these recordings while it was developed, and with constants that were chosen on half of the
people and are reported on the other half, over every such split; the peers' constants are chosen
in the second way. Peers classify from the same rows as we do (MiniRocket from raw windows), raw and
after a light hidden Markov model; the better of the two is reported. None of the recordings'
licences is free for a product: no weights are shipped.
"""

from pathlib import Path

from lidar_label.benchmarks.activity_changes import change_rows
from lidar_label.benchmarks.activity_driving import driving_rows
from lidar_label.benchmarks.activity_learned import active_row, adaptation_rows, transition_rows
from lidar_label.benchmarks.activity_orientation import orientation_rows
from lidar_label.benchmarks.activity_recordings import (
    driving_recordings,
    gait_recordings,
    posture_recordings,
    postures,
)
from lidar_label.benchmarks.activity_similar import similar_rows
from lidar_label.benchmarks.activity_speed import speed_rows
from lidar_label.benchmarks.activity_tags import tag_rows
from lidar_label.benchmarks.progress import say
from lidar_label.benchmarks.rows import Row
from lidar_label.errors import UsageError


def run(data: Path | None) -> list[Row]:
    """Every comparison on the recordings below `data`, then the speed on made-up ones.

    Raises:
        UsageError: if there are none.
    """
    recordings = posture_recordings(data) if data else []
    if data is None or not recordings:
        raise UsageError(f"{data}: no imu/hapt recordings; give --data a folder that holds some")
    described = [postures(recording) for recording in recordings]
    say("change points")
    rows = change_rows("HAPT", recordings) + change_rows("gait", gait_recordings(data))
    say("driving")
    rows += driving_rows(driving_recordings(data))
    rows += tag_rows(described)
    rows += adaptation_rows(described)
    rows.append(active_row(described))
    rows += transition_rows(described)
    rows += orientation_rows(recordings)
    rows += similar_rows(recordings)
    return rows + speed_rows()
