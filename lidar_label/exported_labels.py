"""Which of a store's labels go out in an export."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lidar_label.cuboids import Cuboids
    from lidar_label.store import Store


def exported(store: "Store", recording_id: int, *, proposed: bool = False) -> "Cuboids":
    """A recording's cuboids: of tracks that people made or accepted, of proposals if `proposed`.

    Raises:
        NotFound: if there is no such recording.
    """
    labels = store.labels(recording_id)
    states = ("accepted", "proposed") if proposed else ("accepted",)
    kept = [labels.tracks[track].state in states for track in labels.cuboids.track_id.tolist()]
    return labels.cuboids.select(np.array(kept, dtype=np.bool_))
