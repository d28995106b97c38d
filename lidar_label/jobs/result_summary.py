"""What a result says of its labels: counts by class and distance, and how doubtful they are."""

from collections import Counter
from typing import Any

import numpy as np

from lidar_label.cuboids import Cuboids
from lidar_label.datasets.windows import Windows

BANDS = ((0, 20), (20, 40), (40, 60), (60, None))  # metres from the ego, seen from above
SCORE_BINS = 20
_DOUBTFUL = 0.5  # scores are probabilities to overlap a true object well (see detectors.md)


def band_name(low: int, high: int | None) -> str:
    """A band of distance in words."""
    return f"{low}–{high} m" if high is not None else f"over {low} m"


def summarise_labels(labels: Cuboids, frames: int) -> dict[str, Any]:
    """Counts and doubt of one recording's labels; equal labels give equal documents."""
    reach = np.hypot(labels.boxes[:, 0], labels.boxes[:, 1])
    category = labels.category
    score = labels.score.astype(np.float64)
    scored = score[np.isfinite(score)]
    distance = {
        band_name(low, high): _counts(category[(reach >= low) & (reach < (high or np.inf))])
        for low, high in BANDS
    }
    alone = int((labels.track_id < 0).sum())
    doubtful = int((scored < _DOUBTFUL).sum())
    return {
        "frames": frames,
        "cuboids": len(labels),
        "tracks": len(np.unique(labels.track_id[labels.track_id >= 0])),
        "untracked": alone,
        "by_people": int(len(score) - len(scored)),
        "classes": _counts(category),
        "distance": distance,
        "scores": np.histogram(scored, SCORE_BINS, (0, 1))[0].tolist(),
        "doubtful": doubtful,
        "doubtful_a_frame": round(doubtful / max(frames, 1), 4),
        "mean_score": round(float(scored.mean()), 6) if len(scored) else None,
        "empty_frames": frames - len(np.unique(labels.frame)),
    }


def summarise_windows(windows: Windows) -> dict[str, Any]:
    """Windows and seconds by class."""
    seconds: Counter[str] = Counter()
    for name, start, end in zip(
        windows.category.tolist(), windows.start_ns.tolist(), windows.end_ns.tolist(), strict=True
    ):
        seconds[name or "segment"] += (end - start) / 1e9
    return {
        "windows": len(windows),
        "seconds": {name: round(total, 3) for name, total in sorted(seconds.items())},
    }


def _counts(names: Any) -> dict[str, int]:
    return dict(sorted(Counter(name or "unnamed" for name in names.tolist()).items()))
