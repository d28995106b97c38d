"""Machine's proposals put around people's cuboids, which stay as they are."""

import numpy as np

from lidar_label.arrays import Mask
from lidar_label.cuboids import Cuboids
from lidar_label.label_matching import measure_overlaps

_SAME_IOU = 0.1  # BEV: objects on the ground do not overlap, so little is enough
_INSIDE = 0.5  # share of the one's rectangle in the other's: a part, or several taken for one


def touched_by_people(cuboids: Cuboids) -> Mask:
    """(N,) True where a person made or changed the cuboid: proposals have a score, labels none."""
    return np.isnan(cuboids.score)


def merge_around(proposals: Cuboids, touched: Cuboids) -> Cuboids:
    """People's cuboids unchanged, and those proposals that claim no object of theirs.

    A proposal gives way where, in the same frame and seen from above, it overlaps a person's cuboid
    by IoU 0.1, or half of either lies in the other. The rest of its track stays; ids of tracks that
    people use already are moved past theirs.

    Args:
        proposals: Of the machine.
        touched: Of people, of the same recording.

    Returns:
        Both, in order of frames; people's first in a frame, every column of theirs as it was.
    """
    if not len(touched):
        return proposals
    kept = proposals.select(~_claimed(proposals, touched))
    used = int(touched.track_id.max())
    if np.isin(kept.track_id[kept.track_id >= 0], touched.track_id).any():
        ids = np.where(kept.track_id >= 0, kept.track_id + used + 1, kept.track_id)
        kept = kept.replace(track_id=ids)
    both = Cuboids.concatenate((touched, kept))
    return both.select(np.argsort(both.frame, kind="stable"))


def _claimed(proposals: Cuboids, touched: Cuboids) -> Mask:
    pairs = measure_overlaps(
        proposals.boxes,
        touched.boxes,
        proposals.frame.astype(np.int64),
        touched.frame.astype(np.int64),
    )
    own = np.prod(proposals.boxes[pairs.label, 3:5], axis=1)
    theirs = np.prod(touched.boxes[pairs.truth, 3:5], axis=1)
    shared = pairs.covered * own
    same = (pairs.bev >= _SAME_IOU) | (pairs.covered >= _INSIDE) | (shared >= _INSIDE * theirs)
    claimed = np.zeros(len(proposals), dtype=np.bool_)
    claimed[pairs.label[same]] = True
    return claimed
